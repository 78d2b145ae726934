// Timeout: how long a call may wait. Relative, counted on the monotonic clock.
#ifndef BROOD_TIMEOUT_HPP
#define BROOD_TIMEOUT_HPP

#include <cstdint>

namespace brood {
inline namespace v0 {

/// A span of time in nanoseconds, or for ever. Every call turns it once into a deadline on the
/// monotonic clock, so setting the wall clock or a storm of signals never lengthens a wait.
/// A negative or overflowing span is kept as such, and each call that is given one returns
/// timeout_negative or timeout_overflow without doing anything.
class Timeout {
public:
    static constexpr Timeout forever() noexcept { return Timeout(kForever); }
    static constexpr Timeout no_wait() noexcept { return Timeout(0); }
    static constexpr Timeout of(std::int64_t count, std::int64_t unit_ns) noexcept {
        if (count < 0) { return Timeout(kNegative); }
        if (count > kLongest / unit_ns) { return Timeout(kOverflow); }
        return Timeout(count * unit_ns);
    }

    constexpr bool is_forever() const noexcept { return ns_ == kForever; }
    constexpr bool is_no_wait() const noexcept { return ns_ == 0; }
    constexpr bool is_negative() const noexcept { return ns_ == kNegative; }
    constexpr bool is_overflow() const noexcept { return ns_ == kOverflow; }
    constexpr bool is_valid() const noexcept { return ns_ >= 0; }
    /// Only of a valid timeout that is not forever().
    constexpr std::int64_t nanoseconds() const noexcept { return ns_; }

    friend constexpr bool operator==(Timeout a, Timeout b) noexcept { return a.ns_ == b.ns_; }
    friend constexpr bool operator!=(Timeout a, Timeout b) noexcept { return a.ns_ != b.ns_; }

private:
    static constexpr std::int64_t kForever = INT64_MAX;
    static constexpr std::int64_t kNegative = -1;
    static constexpr std::int64_t kOverflow = -2;
    static constexpr std::int64_t kLongest = INT64_MAX / 4;  // 73 years; deadlines cannot overflow

    explicit constexpr Timeout(std::int64_t ns) noexcept : ns_(ns) {}
    std::int64_t ns_;
};

constexpr Timeout nanoseconds(std::int64_t n) noexcept {
    return Timeout::of(n, 1);
}
constexpr Timeout microseconds(std::int64_t n) noexcept {
    return Timeout::of(n, 1000);
}
constexpr Timeout milliseconds(std::int64_t n) noexcept {
    return Timeout::of(n, 1000000);
}
constexpr Timeout seconds(std::int64_t n) noexcept {
    return Timeout::of(n, 1000000000);
}

}  // namespace v0
}  // namespace brood

#endif
