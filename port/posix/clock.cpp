// Time: the monotonic clock, and sleeping by it.
#include <sched.h>

#include <port/port.hpp>

#include "time.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

std::int64_t now_ns() noexcept {
    timespec now = {};
    (void)::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * detail::kNsPerSecond + now.tv_nsec;
}

void sleep_until(std::int64_t deadline_ns) noexcept {
    while (detail::left_until(deadline_ns) > 0) {  // Again after a signal, and for kNever.
        const timespec deadline = detail::timespec_of(deadline_ns);
        (void)::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr);
    }
}

void yield() noexcept {
    (void)::sched_yield();
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
