// Deadlines in the forms that POSIX wants them. For port/ only.
#ifndef BROOD_PORT_POSIX_TIME_HPP
#define BROOD_PORT_POSIX_TIME_HPP

#include <limits>

#include <time.h>

#include <port/port.hpp>

namespace brood::port::detail {

inline constexpr std::int64_t kNsPerSecond = 1000000000;

/// `ns` >= 0 as a timespec; what its time_t cannot hold becomes the longest time it can.
inline timespec timespec_of(std::int64_t ns) noexcept {
    constexpr auto kSecondsMax = std::numeric_limits<time_t>::max();
    timespec time = {};
    const std::int64_t seconds = ns / kNsPerSecond;
    time.tv_sec = seconds > kSecondsMax ? kSecondsMax : static_cast<time_t>(seconds);
    time.tv_nsec = static_cast<long>(ns % kNsPerSecond);
    return time;
}

/// What is left until the deadline: 0 when it has passed, kNever when it never comes.
inline std::int64_t left_until(std::int64_t deadline_ns) noexcept {
    if (deadline_ns == kNever) { return kNever; }
    const std::int64_t now = now_ns();
    return deadline_ns > now ? deadline_ns - now : 0;
}

/// A slice from now by the wall clock, for what the libc times by that only. Setting the clock back
/// stretches a slice: it may bound no wait, only how late a lost wake-up is noticed.
inline timespec end_of_wall_slice() noexcept {
    timespec end = {};
    (void)::clock_gettime(CLOCK_REALTIME, &end);  // wall clock: for a slice that bounds no wait
    end.tv_nsec += static_cast<long>(kSliceNs);
    if (end.tv_nsec >= kNsPerSecond) {
        end.tv_nsec -= static_cast<long>(kNsPerSecond);
        ++end.tv_sec;
    }
    return end;
}

/// Sleeps that grow, for waits that can only look again and again. They run on the monotonic clock:
/// sem_timedwait and pthread_mutex_timedlock follow the wall clock, and one step of it backwards
/// would stretch a wait by as much.
class Backoff {
public:
    explicit Backoff(std::int64_t longest_ns) noexcept : longest_ns_(longest_ns) {}

    /// Sleeps one step, or until the deadline if that is sooner. A signal may end it early.
    void sleep(std::int64_t deadline_ns) noexcept {
        const std::int64_t left = left_until(deadline_ns);
        const timespec step = timespec_of(left < step_ns_ ? left : step_ns_);
        (void)::clock_nanosleep(CLOCK_MONOTONIC, 0, &step, nullptr);
        step_ns_ = step_ns_ * 2 < longest_ns_ ? step_ns_ * 2 : longest_ns_;
    }

private:
    std::int64_t longest_ns_;
    std::int64_t step_ns_ = 50000;
};

}  // namespace brood::port::detail

#endif
