// Deadlines: a Timeout turned once into a moment on the monotonic clock.
#ifndef BROOD_SRC_DEADLINE_HPP
#define BROOD_SRC_DEADLINE_HPP

#include <cstdint>

#include <brood/result.hpp>
#include <brood/timeout.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// The moment at which `timeout` has run out: port::kNever for forever(), a moment that has passed
/// for no_wait() (without reading the clock). Errors: timeout_negative, timeout_overflow.
inline Result<std::int64_t> deadline_of(Timeout timeout) noexcept {
    if (timeout.is_forever()) { return port::kNever; }
    if (timeout.is_no_wait()) { return std::int64_t{0}; }
    if (timeout.is_negative()) { return Errc::timeout_negative; }
    if (timeout.is_overflow()) { return Errc::timeout_overflow; }
    return port::now_ns() + timeout.nanoseconds();
}

/// Whether the deadline has passed. Reads no clock for those that never have, or always.
inline bool has_passed(std::int64_t deadline_ns) noexcept {
    if (deadline_ns == port::kNever) { return false; }
    return deadline_ns <= 0 || port::now_ns() >= deadline_ns;
}

/// The earlier of the deadline and `ns` from now: the end of one slice of a longer wait.
inline std::int64_t slice_of(std::int64_t deadline_ns, std::int64_t ns) noexcept {
    if (deadline_ns <= 0) { return deadline_ns; }
    const std::int64_t slice_end = port::now_ns() + ns;
    return slice_end < deadline_ns ? slice_end : deadline_ns;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
