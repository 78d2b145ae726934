// Waiting for a pthread mutex until a monotonic deadline: pthread_mutex_clocklock(), where the libc
// has it (glibc 2.30; not musl).
#include <port/posix/mutex_wait.hpp>

#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 30)
#define BROOD_HAS_CLOCKLOCK 1
#endif
#endif

namespace brood::port::detail {

#ifdef BROOD_HAS_CLOCKLOCK

// In slices, for the reason that lock_in_slices() gives.
int lock_until(pthread_mutex_t* mutex, std::int64_t deadline_ns) noexcept {
    int err = 0;
    if (taken_at_once(mutex, err)) { return err; }
    for (;;) {
        const std::int64_t slice_end = now_ns() + kSliceNs;
        const bool last = deadline_ns <= slice_end;
        const timespec end = timespec_of(!last ? slice_end : deadline_ns > 0 ? deadline_ns : 0);
        err = ::pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &end);
        if (err != ETIMEDOUT || last) { return err; }
    }
}

#else

int lock_until(pthread_mutex_t* mutex, std::int64_t deadline_ns) noexcept {
    return deadline_ns == kNever ? lock_in_slices(mutex) : lock_by_trying(mutex, deadline_ns);
}

#endif

}  // namespace brood::port::detail
