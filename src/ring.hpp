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
//   A take-over by force costs microseconds. So afterwards the side is shared for a while: an owner
//   gives the lease up after his operation if nobody asks for it, and the next takes it by one
//   exchange; if somebody asks, he has it for kQuantum operations more, as always.
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
//   Who changes the number of slots (src/ring_memory.cpp) uses both sides at once, put first. His
//   announcement names both, and is over when he withdraws it.
//
// A getter's announcement stands until his next operation: if he dies, the message it is about has
// gone with him, and is counted (src/ring_lost.cpp). How many these are he says (`taking`) before
// the commit. Who takes the side over from one who died before his commit says so first, since
// afterwards the index passes that announcement, too.
//
// Who waits sleeps on the bell, whose word has a flag for each kind of sleeper and nothing else.
// Whoever owes a ring, or has been rung for, lets the system ring at his death (owe_ring), so a
// ring is never lost with the dead. A sleeper sets his flag, heavy_fence(), and waits until no
// operation of the other side is under way that may have begun before the flag was seen.
#ifndef BROOD_SRC_RING_HPP
#define BROOD_SRC_RING_HPP

#include <atomic>
#include <cstddef>
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
    std::atomic<std::uint32_t> shared_left;  // operations after which the lease is given up at once
    alignas(64) std::atomic<std::uint32_t> index;
};

enum class RingEnd : std::uint32_t { put = 1, get = 2 };

/// In Ring::bell.note.
enum class RingState : std::uint32_t { open, draining, shut };

/// What lies where in a ring. It lies in the ring, for whoever shares that by fork. One that is
/// opened by name may have been written by anybody: each of its handles has its own, of what was
/// checked, and does not look at the ring's again.
struct RingShape {
    std::uint32_t message_bytes;
    std::uint32_t slot_bytes;  // a multiple of 8
    std::uint32_t slots_at;    // offset of the slots from the ring
    // Of a ring that grows these change, by whoever uses both sides; of others they are fixed.
    std::atomic<std::uint32_t> slots;  // a power of two
    std::atomic<std::uint32_t> most;   // messages at a time, at most `slots`
    // A get that leaves fewer messages gives memory back; 0: there is none to give.
    std::atomic<std::uint32_t> shrink_below;
    std::atomic<std::uint32_t> allocated;  // as many slots have memory, at least
    std::uint32_t slots_least;
    std::uint32_t slots_max;  // 0: it does not grow

    bool grows() const noexcept { return slots_max != 0; }
    /// What no number of messages at a time exceeds.
    std::uint32_t bound() const noexcept {
        return grows() ? slots_max : most.load(std::memory_order_relaxed);
    }
};

struct Ring {
    RingShape shape;
    std::uint32_t object;  // its number in the table

    // Messages that went with dead getters, and the step by which that is being counted: `member`
    // is not 0 in the middle of it. For src/ring_lost.cpp alone.
    std::atomic<std::uint32_t> lost;
    struct {
        std::atomic<std::uint32_t> member, incarnation, lost;
    } counting;

    alignas(64) RingSide put, get;
    port::Bell bell;  // kGetters, kPutters; its note: the RingState

    RingSide& side(RingEnd end) noexcept { return end == RingEnd::put ? put : get; }
    unsigned char* slot(std::uint32_t index) noexcept {
        auto* const base = reinterpret_cast<unsigned char*>(this) + shape.slots_at;
        const std::uint32_t mask = shape.slots.load(std::memory_order_relaxed) - 1;
        return base + std::size_t{index & mask} * shape.slot_bytes;
    }

    static constexpr std::uint32_t kGetters = 0x80000000u;  // flags of those who sleep ...
    static constexpr std::uint32_t kPutters = 0x40000000u;
    static constexpr std::uint32_t kGetterKind = 2, kPutterKind = 1;  // ... and their kinds
};
static_assert(sizeof(port::Bell) == 64 && sizeof(RingSide) == 192, "an ABI, of all word sizes");
static_assert(offsetof(RingSide, shared_left) == 64 && offsetof(RingSide, index) == 128);
static_assert(sizeof(RingShape) == 36 && offsetof(RingShape, slots) == 12);
static_assert(offsetof(Ring, object) == 36 && offsetof(Ring, lost) == 40);
static_assert(offsetof(Ring, counting) == 44 && offsetof(Ring, put) == 64);
static_assert(offsetof(Ring, get) == 256 && offsetof(Ring, bell) == 448 && sizeof(Ring) == 512);

/// What a member says in its entry of the operation that it is in the middle of.
struct Announcement {
    static constexpr std::uint32_t kIndex = (1u << BROOD_ANNOUNCED_BITS) - 1;

    static std::uint32_t of(RingEnd end, std::uint32_t index) noexcept {
        return (index & kIndex) << 2 | static_cast<std::uint32_t>(end);
    }
    /// In one on both sides; or on the put side, and asking for the other.
    static constexpr std::uint32_t kBothEnds = 3 << 2 | 3;
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
    static constexpr std::uint32_t kShared = 256;

    static std::uint32_t owner(std::uint32_t word) noexcept { return word & kMember; }
    static std::uint32_t revoker(std::uint32_t word) noexcept {
        return word >> kRevokerShift & kMember;
    }
    static std::uint32_t with_revoker(std::uint32_t member) noexcept {
        return member << kRevokerShift;
    }
};
static_assert(MemberTable::kFamily <= Lease::kMember);

/// What a thread does with an end: it moves messages, or it is about to use both ends, of which
/// this is the first, or the second.
enum class RingUse : std::uint8_t { alone, first, second };

/// The calling thread as a member of the ring's table. Errors: as join_members().
Result<Membership*> member_of(Ring& ring, const Members& members) noexcept;

/// Counts what dead getters took from the ring and nobody has counted yet. At most a moment: it
/// does nothing while somebody who does the same is stopped.
void count_lost(Ring& ring, const Members& members) noexcept;

/// One end of a ring, as a thread uses it.
class RingUser {
public:
    RingUser(Ring& ring, Membership& me, RingEnd end, RingUse use = RingUse::alone) noexcept
        : ring_(ring), me_(me), end_(end), use_(use), mine_(ring.side(end)) {}

    /// Says in the caller's entry that an operation is under way on this side: at which index.
    std::uint32_t announce() noexcept {
        name_ring();
        return announce_in(*me_.self, mine_, end_);
    }
    void withdraw() noexcept { me_.self->op.store(0, std::memory_order_release); }
    /// Withdraws, but goes on to ask for the lease.
    void ask() noexcept {
        me_.self->op.store(Announcement::of_asking(end_), std::memory_order_release);
    }

    /// Begins an operation: gets the lease, and announces it. Errors: timed_out; would_block (the
    /// deadline is 0, and a moment's patience was not enough); unsupported.
    /// If killed from the announcement on: others look whether we live, and take the side over.
    Status enter(std::int64_t deadline_ns) noexcept {
        name_ring();
        return enters_at_once(me_, mine_, end_) ? Status() : enter_patiently(deadline_ns);
    }
    /// The same for one whose entry names this ring already, and who has the lease. False: no more
    /// than announced; or his turn is over, since another asks for it.
    static bool enters_at_once(Membership& me, const RingSide& side, RingEnd end) noexcept {
        const std::uint32_t announced = announce_in(*me.self, side, end);
        me.light_fence();
        const std::uint32_t seen = side.lease.word.load(std::memory_order_acquire);
        if (seen == me.index) {
            me.quantum = Lease::kQuantum;
        } else {
            const bool is_mine = Lease::owner(seen) == me.index && (seen & Lease::kForce) == 0;
            if (!is_mine || me.quantum == 0) { return false; }
            --me.quantum;
        }
        // The index again: a lease that was a dead one's with our entry may have come to us only
        // now, after others moved it.
        return side.index.load(std::memory_order_relaxed) == announced;
    }
    /// Gets the lease, with the operation announced. Errors: timed_out, unsupported; the operation
    /// is withdrawn then.
    Status enter_slowly(std::int64_t deadline_ns) noexcept;
    /// The same; who must not wait (the deadline is 0) gets would_block, after a moment's patience.
    Status enter_patiently(std::int64_t deadline_ns) noexcept;

    /// After an operation: gives the lease to one who insists.
    void leave() noexcept {
        me_.light_fence();
        if (is_wanted(mine_)) { give_way(); }
    }
    /// Whether the owner must give_way() after an operation.
    static bool is_wanted(const RingSide& side) noexcept {
        return (side.lease.word.load(std::memory_order_relaxed) & Lease::kForce) != 0 ||
               side.shared_left.load(std::memory_order_relaxed) != 0;
    }
    void give_way() noexcept;

    /// Of one who will be away for a while: gives the lease to whoever asked for it, or to nobody.
    /// So the next pays no fence for it.
    void let_go() noexcept;

    /// Whether `member` is in the middle of an operation on `side` of this ring.
    bool is_in_operation(std::uint32_t member, RingEnd side) noexcept;

private:
    // The caller's entry says that what he is at is about this ring.
    void name_ring() noexcept {
        if (me_.self->object.load(std::memory_order_relaxed) != ring_.object) { change_object(); }
    }
    static std::uint32_t announce_in(Member& self, const RingSide& side, RingEnd end) noexcept {
        // Before the operation, which takes nothing until it says so: not what the last one took.
        self.taking.store(0, std::memory_order_release);
        const std::uint32_t index = side.index.load(std::memory_order_relaxed);
        self.op.store(Announcement::of(end, index), std::memory_order_release);
        return index;
    }
    void draw_back() noexcept;
    void begin() noexcept;
    std::uint32_t op_of(std::uint32_t member) noexcept;
    bool note_untaken(std::uint32_t dead) noexcept;
    void change_object() noexcept;
    void hand_over(std::uint32_t seen) noexcept;
    bool enter_as_owner(std::uint32_t seen) noexcept;
    Status revoke(std::uint32_t seen, std::int64_t deadline_ns, std::int64_t& slice_ns) noexcept;
    Status wait_for_revoker(std::uint32_t seen, std::int64_t deadline_ns,
                            std::int64_t& slice_ns) noexcept;
    void give_up() noexcept;
    Status sleep(std::uint32_t seen, std::int64_t deadline_ns, std::int64_t& slice_ns) noexcept;

    Ring& ring_;
    Membership& me_;
    RingEnd end_;
    RingUse use_;
    RingSide& mine_;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
