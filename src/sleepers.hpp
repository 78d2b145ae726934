// Those who sleep on a bell until something changes, and the ringing for them.
//
// The bell's word has one flag, kSleepers, set while somebody may be asleep. Its low 30 bits stay
// 0, so that owe_ring() may name it: a ring that is owed by one who is killed, or that had reached
// one who is killed before he acts, goes to the next.
//
// Who looked, but is not asleep yet, is not found by a ring; but that drops the flag, and he finds
// the word changed. Unless a third sets the flag anew just then. So whoever has set the flag, and
// then finds what he wanted to wait for, must ring for those who may want it, too.
#ifndef BROOD_SRC_SLEEPERS_HPP
#define BROOD_SRC_SLEEPERS_HPP

#include <port/port.hpp>

#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

inline constexpr std::uint32_t kSleepers = port::kBellWaiting;

/// Before the last look at what the caller waits for: who changes it later sees the flag, and his
/// ring finds the caller, or the word changed.
inline void get_ready_to_sleep(port::Bell& bell) noexcept {
    port::owe_ring(bell);
    bell.word.fetch_or(kSleepers, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

/// After get_ready_to_sleep(), and after a look at what the caller waits for, which he gives here:
/// whoever changes it and dies may find nobody asleep yet. ok: look again; timed_out.
inline Status sleep_on(port::Bell& bell, const port::LookedAt& looked,
                       std::int64_t deadline_ns) noexcept {
    const bool sliced = !port::rings_for_the_dead();
    const std::int64_t until = sliced ? slice_of(deadline_ns, port::kSliceNs) : deadline_ns;
    const Status slept = port::bell_wait_having_looked(bell, kSleepers, &looked, 1, until);
    // Whoever rang may have dropped the flag, and may be killed before he sets it again.
    bell.word.fetch_or(kSleepers, std::memory_order_seq_cst);
    return until == deadline_ns ? slept : Status();
}

/// After a change that `count` sleepers may be waiting for. The caller owes a ring: if killed in
/// here, the system wakes one, who sets the flag anew and must ring the others if need be.
inline void ring_for(port::Bell& bell, std::uint32_t count) noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if ((bell.word.load(std::memory_order_seq_cst) & kSleepers) == 0) { return; }
    const std::uint32_t found = port::bell_ring(bell, count, port::kAnyKind);
    if (found >= count) { return; }
    // Nobody is left asleep: drop the flag. One who is about to sleep finds the word changed, one
    // who fell asleep since is found now.
    bell.word.fetch_and(~kSleepers, std::memory_order_seq_cst);
    if (port::bell_ring(bell, count - found, port::kAnyKind) > 0) {
        bell.word.fetch_or(kSleepers, std::memory_order_seq_cst);
    }
}

/// Whether somebody sleeps on the bell, or is about to, as far as can be told; `flags` of its word
/// say that somebody may. Those who sleep are woken, find nothing changed, and go on sleeping. It
/// takes 2 ms at most; where a port does not know whom it woke (posix) 100 ms, and then one who is
/// stopped (SIGSTOP) is not seen. Nor is one who was woken before, and has not run since.
bool has_sleepers(port::Bell& bell, std::uint32_t flags) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
