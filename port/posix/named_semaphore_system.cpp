// Named semaphores, by POSIX alone: waits by the wall clock, where it bounds nothing, and by
// looking again, where there is a deadline.
#include <errno.h>
#include <semaphore.h>
#include <time.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "named_semaphore.hpp"
#include "time.hpp"
#include "umask.hpp"

namespace brood::port {

int detail::sem_sleep(sem_t* semaphore, std::int64_t deadline_ns, std::int64_t& step_ns) noexcept {
    if (deadline_ns == kNever) {
        timespec end = {};
        (void)::clock_gettime(CLOCK_REALTIME, &end);  // wall clock: for a slice that bounds no wait
        end.tv_nsec += static_cast<long>(kSliceNs);
        if (end.tv_nsec >= kNsPerSecond) {
            end.tv_nsec -= static_cast<long>(kNsPerSecond);
            ++end.tv_sec;
        }
        return ::sem_timedwait(semaphore, &end) == 0 ? 0 : errno;  // wall clock: likewise
    }
    constexpr std::int64_t kFirstNs = 50000, kStepMaxNs = 1000000;
    step_ns = step_ns == 0 ? kFirstNs : step_ns * 2 < kStepMaxNs ? step_ns * 2 : kStepMaxNs;
    const std::int64_t left = left_until(deadline_ns);
    const timespec step = timespec_of(left < step_ns ? left : step_ns);
    (void)::clock_nanosleep(CLOCK_MONOTONIC, 0, &step, nullptr);
    return ::sem_trywait(semaphore) == 0 ? 0 : errno;
}

inline namespace BROOD_PORT_LAYER {

Result<Semaphore> sem_create(const char* name, std::uint32_t mode, std::uint32_t value) noexcept {
    if (value > sem_value_max()) {
        return Error(Errc::over_system_limit, EINVAL, sem_value_max(), Limit::sem_value_max);
    }
    const detail::ExactMode exact(static_cast<mode_t>(mode));
    const Result<Semaphore> made = detail::open_semaphore(
        name, O_CREAT | O_EXCL, static_cast<mode_t>(mode), static_cast<unsigned>(value));
    // What is missing is not the semaphore, but the place that would hold it.
    return made.code() == Errc::not_found ? Error(Errc::unsupported, ENOENT) : made;
}

Result<Semaphore> sem_open(const char* name) noexcept {
    return detail::open_semaphore(name, 0);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
