// Deadlines: a Timeout turned once into a moment on the monotonic clock.
#ifndef BROOD_SRC_DEADLINE_HPP
#define BROOD_SRC_DEADLINE_HPP

#include <cstdint>

#include <brood/error.hpp>
#include <brood/timeout.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// The moment at which `timeout` has run out: port::kNever for forever(), a moment that has passed
/// for no_wait() (without reading the clock). Negative: there is none, and deadline_error() of it
/// says why: timeout_negative, timeout_overflow.
std::int64_t deadline_of(Timeout timeout) noexcept;

/// The same, for operations that most often take less time than a call.
inline std::int64_t quick_deadline_of(Timeout timeout) noexcept {
    return timeout.is_forever() ? port::kNever : deadline_of(timeout);
}

constexpr Errc deadline_error(std::int64_t negative) noexcept {
    return static_cast<Errc>(-negative);
}

/// What is left until then: forever() of port::kNever, no_wait() once it has passed.
Timeout timeout_until(std::int64_t deadline_ns) noexcept;

/// Whether the deadline has passed. Reads no clock for those that never have, or always.
bool has_passed(std::int64_t deadline_ns) noexcept;

/// The earlier of the deadline and `ns` from now: the end of one slice of a longer wait.
std::int64_t slice_of(std::int64_t deadline_ns, std::int64_t ns) noexcept;

/// How often things are looked at that this system cannot watch by a descriptor.
inline constexpr std::int64_t kLookNs = 10000000;

/// The ends of slices that grow from 100 us to kLookNs.
class Looks {
public:
    std::int64_t next(std::int64_t deadline_ns) noexcept;

private:
    std::uint32_t look_ns_ = 100000;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
