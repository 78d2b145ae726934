// The ring behind Queue<T>, as it lies in shared memory, and the rules by which it is used.
//
// Messages stand in slots; two indices that only count up say which: [get.index, put.index). Each
// side has one user at a time, and one 32-bit store of its index is the commit of an operation.
// So nothing in the ring ever needs repair. A death can leave behind only the use of a side, and
// to take that over is one exchange.
//
// The use of a side is a lease: the word names the member that has it, and stays with it between
// operations, so that one producer and one consumer pay no exchange at all. Others ask for it:
//
//   owner | revoker | kForce | kSleep     each a member's entry, 0: nobody
//
//   1. A contender puts himself in as the revoker. An owner who is at work gives the lease to him
//      after at most kQuantum further operations.
//   2. If the index does not move, he sets kForce: from then on the owner begins nothing.
//   3. heavy_fence(), then he looks at the owner's `op`. Not in an operation, or dead: he takes it.
//
//   An owner announces his operation in his entry (`op`: index << 2 | side), light_fence(), and
//   then looks at the lease. Either the revoker sees the operation, or the owner sees kForce.
//   An operation is over when the index has moved past the one announced, which is the commit
//   itself. Indices are compared in 30 bits: a stale announcement would have to be 2^30 messages
//   old, but whoever owns a side announces anew for each, and nobody looks at others.
//
//   The revoker's mark makes the take-over safe: only he exchanges a word that names him so, so it
//   cannot go away and come back behind his back, however long he was stopped. No counter wraps.
//   A thread that gets the entry of a dead owner finds the lease its own, which is a legal way to
//   take it over: the ring is whole, and joining cleared the announcement. One that gets the entry
//   of a dead revoker may never want this side: so a revoker says in his `op` that he asks for it,
//   before he puts himself in, and one who does not is replaced like a dead one.
//
// Who waits sleeps on the bell, whose word has a flag for each kind of sleeper and nothing else.
// Whoever owes a ring, or has been rung for, lets the system ring at his death (owe_ring), so a
// ring is never lost with the dead. A sleeper sets his flag, heavy_fence(), and waits until no
// operation of the other side is under way that may have begun before the flag was seen.
#ifndef BROOD_SRC_RING_HPP
#define BROOD_SRC_RING_HPP

#include <atomic>
#include <cstdint>

#include <brood/result.hpp>
#include <port/port.hpp>

#include "members.hpp"

// How many bits of an index an announcement carries. The crash harness builds the core with 3, so
// that they wrap while somebody is stopped.
#ifndef BROOD_ANNOUNCED_BITS
#define BROOD_ANNOUNCED_BITS 30
#endif

namespace brood {
inline namespace v0 {
namespace detail {

struct RingSide {
    port::Bell lease;  // its note: the last seen index of the other side, a lower bound
    alignas(64) std::atomic<std::uint32_t> index;
};

enum class RingEnd : std::uint32_t { put = 1, get = 2 };

/// In Ring::bell.note.
enum class RingState : std::uint32_t { open, draining, shut };

struct Ring {
    std::uint32_t message_bytes;
    std::uint32_t slot_bytes;  // a multiple of 8
    std::uint32_t slots;       // a power of two
    std::uint32_t most;        // messages at a time, at most `slots`
    std::uint32_t object;      // its number in the table
    std::uint32_t slots_at;    // offset of the slots from here

    alignas(64) RingSide put, get;
    port::Bell bell;  // kGetters, kPutters; its note: the RingState

    RingSide& side(RingEnd end) noexcept { return end == RingEnd::put ? put : get; }
    unsigned char* slot(std::uint32_t index) noexcept {
        auto* const base = reinterpret_cast<unsigned char*>(this) + slots_at;
        return base + std::size_t{index & (slots - 1)} * slot_bytes;
    }

    static constexpr std::uint32_t kGetters = 0x80000000u;  // flags of those who sleep ...
    static constexpr std::uint32_t kPutters = 0x40000000u;
    static constexpr std::uint32_t kGetterKind = 2, kPutterKind = 1;  // ... and their kinds
};

/// What a member says in its entry of the operation that it is in the middle of.
struct Announcement {
    static constexpr std::uint32_t kIndex = (1u << BROOD_ANNOUNCED_BITS) - 1;

    static std::uint32_t of(RingEnd end, std::uint32_t index) noexcept {
        return (index & kIndex) << 2 | static_cast<std::uint32_t>(end);
    }
    /// In no operation, but asking for the lease of that side.
    static std::uint32_t of_asking(RingEnd end) noexcept {
        return static_cast<std::uint32_t>(end) << 2 | 3;
    }
};

/// The use of a lease word.
struct Lease {
    static constexpr std::uint32_t kMember = 0xfff;
    static constexpr std::uint32_t kRevokerShift = 12;
    static constexpr std::uint32_t kForce = 1u << 24;
    static constexpr std::uint32_t kSleep = 1u << 25;
    static constexpr std::uint32_t kQuantum = 64;

    static std::uint32_t owner(std::uint32_t word) noexcept { return word & kMember; }
    static std::uint32_t revoker(std::uint32_t word) noexcept {
        return word >> kRevokerShift & kMember;
    }
    static std::uint32_t with_revoker(std::uint32_t member) noexcept {
        return member << kRevokerShift;
    }
};
static_assert(MemberTable::kMax <= Lease::kMember);

/// One end of a ring, as a thread uses it.
class RingUser {
public:
    RingUser(Ring& ring, Membership& me, RingEnd end) noexcept
        : ring_(ring), me_(me), end_(end), mine_(ring.side(end)) {}

    /// Says in the caller's entry that an operation is under way on this side: at which index.
    std::uint32_t announce() noexcept {
        Member& self = *me_.self;
        if (self.object.load(std::memory_order_relaxed) != ring_.object) { change_object(); }
        const std::uint32_t index = mine_.index.load(std::memory_order_relaxed);
        self.op.store(Announcement::of(end_, index), std::memory_order_release);
        return index;
    }
    void withdraw() noexcept { me_.self->op.store(0, std::memory_order_release); }
    /// Withdraws, but goes on to ask for the lease.
    void ask() noexcept {
        me_.self->op.store(Announcement::of_asking(end_), std::memory_order_release);
    }

    /// Gets the lease, with the operation announced. Errors: timed_out, unsupported; the operation
    /// is withdrawn then.
    Status enter_slowly(std::int64_t deadline_ns) noexcept;

    /// After an operation: gives the lease to one who insists.
    void leave() noexcept {
        me_.table->light_fence();
        const std::uint32_t seen = mine_.lease.word.load(std::memory_order_relaxed);
        if ((seen & Lease::kForce) != 0) { hand_over(seen); }
    }

    /// Whether `member` is in the middle of an operation on `side` of this ring.
    bool is_in_operation(std::uint32_t member, RingEnd side) noexcept;

private:
    std::uint32_t op_of(std::uint32_t member) noexcept;
    void change_object() noexcept;
    void hand_over(std::uint32_t seen) noexcept;
    bool enter_as_owner(std::uint32_t seen) noexcept;
    Status revoke(std::uint32_t seen, std::int64_t deadline_ns, std::int64_t& slice_ns) noexcept;
    Status wait_for_revoker(std::uint32_t seen, std::int64_t deadline_ns) noexcept;
    void give_up() noexcept;
    Status sleep(std::uint32_t seen, std::int64_t deadline_ns, std::int64_t slice_ns) noexcept;

    Ring& ring_;
    Membership& me_;
    RingEnd end_;
    RingSide& mine_;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
