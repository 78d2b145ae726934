#include "sleepers.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// How long one looks for the flags of those who were woken. If the port does not know whom it woke
// (posix): several times as long as a sleeper sleeps there before he looks again by himself.
constexpr int kLooks = 10;
constexpr std::int64_t kRestNs = 200000, kLongRestNs = 10000000;

}  // namespace

// Who was killed, or went away, left the flags set. Without them: one who is about to sleep finds
// the word changed, and sets them anew, as whoever was woken does.
bool has_sleepers(port::Bell& bell, std::uint32_t flags) noexcept {
    if ((bell.word.fetch_and(~flags, std::memory_order_seq_cst) & flags) == 0) { return false; }
    const std::uint32_t found = port::bell_ring(bell, port::kEverybody, port::kAnyKind);
    const bool is_known = found != port::kEverybody;
    for (int look = 0; look < kLooks; ++look) {
        port::sleep_until(port::now_ns() + (is_known ? kRestNs : kLongRestNs));
        if ((bell.word.load(std::memory_order_seq_cst) & flags) != 0) { return true; }
    }
    return is_known && found != 0;  // Stopped, or kept from running.
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
