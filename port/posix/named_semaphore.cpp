// Named semaphores: what is the same on every system. How they get their mode, are opened and
// waited for is in named_semaphore_system.cpp.
#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "named_semaphore.hpp"
#include "time.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

void sem_close(Semaphore semaphore) noexcept {
    (void)::sem_close(detail::sem_of(semaphore));
}

Status sem_unlink(const char* name) noexcept {
    if (::sem_unlink(name) != 0) { return detail::last_error(); }
    return {};
}

Status sem_wait(Semaphore semaphore, std::int64_t deadline_ns) noexcept {
    sem_t* const units = detail::sem_of(semaphore);
    constexpr std::int64_t kStepMaxNs = 1000000;
    detail::Backoff backoff(kStepMaxNs);
    int err = ::sem_trywait(units) == 0 ? 0 : errno;
    while (err != 0) {
        const bool none = err == EAGAIN || err == ETIMEDOUT || err == EINTR;
        if (!none) { return detail::error_of(err); }
        const bool is_over = deadline_ns <= 0 || detail::left_until(deadline_ns) == 0;
        if (is_over && err != EINTR) { return Error(Errc::timed_out, ETIMEDOUT); }
        err = is_over ? (::sem_trywait(units) == 0 ? 0 : errno)
                      : detail::sem_sleep(units, deadline_ns, backoff);
    }
    return {};
}

Status sem_post(Semaphore semaphore) noexcept {
    if (::sem_post(detail::sem_of(semaphore)) == 0) { return {}; }
    const int err = errno;
    if (err != EOVERFLOW && err != EINVAL) { return detail::error_of(err); }
    return Error(Errc::over_system_limit, err, sem_value_max(), Limit::sem_value_max);
}

// POSIX lets it be negative: minus the number of those who wait.
std::uint32_t sem_value(Semaphore semaphore) noexcept {
    int value = 0;
    if (::sem_getvalue(detail::sem_of(semaphore), &value) != 0 || value < 0) { return 0; }
    return static_cast<std::uint32_t>(value);
}

std::uint32_t sem_value_max() noexcept {
    const long value = ::sysconf(_SC_SEM_VALUE_MAX);
    if (value <= 0) { return _POSIX_SEM_VALUE_MAX; }
    return value > INT_MAX ? INT_MAX : static_cast<std::uint32_t>(value);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
