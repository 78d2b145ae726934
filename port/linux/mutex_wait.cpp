// Waiting for a pthread mutex until a monotonic deadline: pthread_mutex_clocklock(), where the libc
// has it (glibc 2.30; not musl).
#include <port/posix/mutex_wait.hpp>

#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 30)
#define BROOD_HAS_CLOCKLOCK 1
#endif
#endif

namespace brood::port::detail {

int lock_until(pthread_mutex_t* mutex, std::int64_t deadline_ns) noexcept {
    if (deadline_ns == kNever) { return ::pthread_mutex_lock(mutex); }
#ifdef BROOD_HAS_CLOCKLOCK
    const timespec deadline = timespec_of(deadline_ns > 0 ? deadline_ns : 0);
    return ::pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &deadline);
#else
    return lock_by_trying(mutex, deadline_ns);
#endif
}

}  // namespace brood::port::detail
