// Who takes part in the objects that processes share: a table of the threads that do.
//
// A family is a process and those forked from it. Its table lies in memory that they share, and is
// made together with the first object that needs it. Every thread that uses such an object becomes
// a member of it: it takes a free entry, and holds that entry's mutex until it ends. So everybody
// can see whether the owner of an entry lives, however it ended.
#ifndef BROOD_SRC_MEMBERS_HPP
#define BROOD_SRC_MEMBERS_HPP

#include <atomic>
#include <cstdint>

#include <port/port.hpp>

#include "self.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// One thread. What it is in the middle of is written by that thread alone.
struct alignas(64) Member {
    port::RobustMutex life;                     // held for as long as the thread is a member
    alignas(64) std::atomic<std::uint32_t> op;  // 0: nothing; else as the object has it
    std::atomic<std::uint32_t> object;          // the number of the object that `op` is about
};
static_assert(sizeof(Member) == 128);

struct MemberTable {
    static constexpr std::uint32_t kMax = 510;  // 64 KiB in all

    /// Whether fence_all() reaches all members. Else each of them makes a barrier of its own in
    /// every operation. Fixed when the table is made.
    std::uint32_t has_fences;
    std::atomic<std::uint32_t> objects;   // how many numbers were given away
    alignas(64) Member member[kMax + 1];  // the first is nobody

    /// Whether the owner of an entry lives. A stopped process lives.
    bool is_alive(std::uint32_t index) noexcept { return !port::mutex_is_free(member[index].life); }
    /// The barrier on the frequent side of a handshake: between a store of ours and a load, when
    /// the other side calls heavy_fence() between its store and its load.
    void light_fence() const noexcept {
        if (has_fences != 0) {
            std::atomic_signal_fence(std::memory_order_seq_cst);
        } else {
            std::atomic_thread_fence(std::memory_order_seq_cst);
        }
    }
    /// Errors: unsupported (a sandbox was set up since this process became a member).
    Status heavy_fence() const noexcept {
        if (has_fences != 0) { return port::fence_all(); }
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return Errc::ok;
    }
    /// A number for an object, which no other has that any member may name.
    std::uint32_t number_object() noexcept;
};

/// The table of this process's family, made if there is none.
/// Errors: no_memory, no_space, too_many_files.
Result<MemberTable*> family() noexcept;

/// What a thread knows of its place in a table.
struct Membership {
    MemberTable* table;
    Member* self;
    std::uint32_t index;  // 1..kMax
    unsigned epoch;       // the fork_epoch() of the process that joined: a child is another member
    std::uint32_t quantum;
    std::uint32_t looks, not_looked, yields_in_vain;  // what it has learned of waiting: RingWait
};

/// Makes the calling thread a member. Errors: too_many_members; unsupported.
Status join_members(MemberTable& table) noexcept;

/// The calling thread's place; null if it has none yet. Not inline: g++ 12 with -fsanitize=null
/// takes the address of a thread's variable of another file for null.
Membership* membership_in(const MemberTable& table) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
