#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

std::int64_t deadline_of(Timeout timeout) noexcept {
    if (timeout.is_forever()) { return port::kNever; }
    if (timeout.is_no_wait()) { return 0; }
    if (timeout.is_negative()) { return -static_cast<std::int64_t>(Errc::timeout_negative); }
    if (timeout.is_overflow()) { return -static_cast<std::int64_t>(Errc::timeout_overflow); }
    return port::now_ns() + timeout.nanoseconds();
}

Timeout timeout_until(std::int64_t deadline_ns) noexcept {
    if (deadline_ns == port::kNever) { return Timeout::forever(); }
    if (deadline_ns <= 0) { return Timeout::no_wait(); }
    const std::int64_t left_ns = deadline_ns - port::now_ns();
    return nanoseconds(left_ns > 0 ? left_ns : 0);
}

bool has_passed(std::int64_t deadline_ns) noexcept {
    if (deadline_ns == port::kNever) { return false; }
    return deadline_ns <= 0 || port::now_ns() >= deadline_ns;
}

std::int64_t slice_of(std::int64_t deadline_ns, std::int64_t ns) noexcept {
    if (deadline_ns <= 0) { return deadline_ns; }
    const std::int64_t slice_end = port::now_ns() + ns;
    return slice_end < deadline_ns ? slice_end : deadline_ns;
}

std::int64_t Looks::next(std::int64_t deadline_ns) noexcept {
    const std::int64_t end = slice_of(deadline_ns, look_ns_);
    look_ns_ = look_ns_ < kLookNs / 2 ? look_ns_ * 2 : static_cast<std::uint32_t>(kLookNs);
    return end;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
