// The kernel's list of what a thread leaves behind: how it tells the kernel what to do at its end.
#ifndef BROOD_PORT_LINUX_ROBUST_LIST_HPP
#define BROOD_PORT_LINUX_ROBUST_LIST_HPP

#include <cstdint>

namespace brood::port::detail {

/// struct robust_list_head. At the thread's end the kernel goes through the entries from `next` on
/// and then to `pending`: the futex of an entry is `futex_offset` bytes from it. If that holds the
/// thread's number, the kernel sets FUTEX_OWNER_DIED, keeps FUTEX_WAITERS, and wakes a sleeper if
/// that is set. `pending` is there for one who dies between taking a lock and listing it, or
/// between freeing it and waking the next: if its futex holds no thread's number, the kernel
/// (5.5 and later) wakes one sleeper.
struct RobustList {
    void* next;
    long futex_offset;
    void* pending;
};

inline constexpr std::uint32_t kThreadMask = 0x3fffffffu;      // FUTEX_TID_MASK
inline constexpr std::uint32_t kFutexOwnerDied = 0x40000000u;  // FUTEX_OWNER_DIED
inline constexpr std::uint32_t kFutexWaiters = 0x80000000u;    // FUTEX_WAITERS

}  // namespace brood::port::detail

#endif
