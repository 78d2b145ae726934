#include <brood/remote_locks.hpp>

#include "deadline.hpp"

namespace brood {
inline namespace v0 {

Status RemoteCondition::wait_until(bool (*is_true)(void*) noexcept, void* of,
                                   Timeout timeout) const noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    Status waited;
    while (!is_true(of)) {
        if (!waited.ok()) { return waited; }
        waited = wait(detail::timeout_until(deadline_ns));
        if (!waited.ok() && waited.code() != Errc::timed_out) { return waited; }
    }
    return Errc::ok;
}

}  // namespace v0
}  // namespace brood
