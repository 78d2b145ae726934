// Waiting for a pthread mutex until a monotonic deadline. For port/ only.
#ifndef BROOD_PORT_POSIX_MUTEX_WAIT_HPP
#define BROOD_PORT_POSIX_MUTEX_WAIT_HPP

#include <errno.h>
#include <pthread.h>

#include "time.hpp"

namespace brood::port::detail {

/// Locks; what pthread_mutex_lock() returns, or ETIMEDOUT at the deadline.
int lock_until(pthread_mutex_t* mutex, std::int64_t deadline_ns) noexcept;

/// Whether the mutex could be taken at once, which it most often can: without a look at the clock.
/// True: `err` is what to return. (EBUSY is told to the owner, too, who must hear would_deadlock.)
inline bool taken_at_once(pthread_mutex_t* mutex, int& err) noexcept {
    err = ::pthread_mutex_trylock(mutex);
    return err != EBUSY;
}

/// lock_until() without a deadline, where the libc times mutexes by the wall clock only.
///
/// One who is woken and then killed before he acts takes the wake-up with him: if a third has the
/// mutex by then, neither glibc nor the kernel hands it on. So every sleep ends after a slice.
inline int lock_in_slices(pthread_mutex_t* mutex) noexcept {
    int err = 0;
    if (taken_at_once(mutex, err)) { return err; }
    do {
        const timespec end = end_of_wall_slice();
        err = ::pthread_mutex_timedlock(mutex, &end);  // wall clock: for a slice
    } while (err == ETIMEDOUT);
    return err;
}

/// Tries once. Not by trylock: that answers EBUSY also to the owner, who must hear would_deadlock.
/// A time that has passed makes timedlock a trylock that tells (POSIX: it shall not fail with a
/// timeout if the mutex can be locked at once), whatever the wall clock says.
inline int try_once(pthread_mutex_t* mutex) noexcept {
    const timespec long_ago = {};
    return ::pthread_mutex_timedlock(mutex, &long_ago);  // wall clock: later, by any
}

/// lock_until() by looking again, where the libc times mutexes by the wall clock only.
inline int lock_by_trying(pthread_mutex_t* mutex, std::int64_t deadline_ns) noexcept {
    constexpr std::int64_t kStepMaxNs = 1000000;
    Backoff backoff(kStepMaxNs);
    for (;;) {
        const int err = try_once(mutex);
        if (err != ETIMEDOUT || left_until(deadline_ns) == 0) { return err; }
        backoff.sleep(deadline_ns);
    }
}

}  // namespace brood::port::detail

#endif
