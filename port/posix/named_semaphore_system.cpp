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

int detail::sem_sleep(sem_t* semaphore, std::int64_t deadline_ns, Backoff& backoff) noexcept {
    if (deadline_ns == kNever) {
        const timespec end = end_of_wall_slice();
        return ::sem_timedwait(semaphore, &end) == 0 ? 0 : errno;  // wall clock: a slice
    }
    backoff.sleep(deadline_ns);
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
