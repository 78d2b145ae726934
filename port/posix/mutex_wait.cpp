// Waiting for a pthread mutex until a monotonic deadline: POSIX times them by the wall clock.
#include "mutex_wait.hpp"

namespace brood::port::detail {

int lock_until(pthread_mutex_t* mutex, std::int64_t deadline_ns) noexcept {
    if (deadline_ns == kNever) { return lock_in_slices(mutex); }
    return lock_by_trying(mutex, deadline_ns);
}

}  // namespace brood::port::detail
