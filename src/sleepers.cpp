#include "sleepers.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// Several times as long as a sleeper sleeps there before he looks again by himself.
constexpr int kStirs = 10;
constexpr std::int64_t kStirNs = 100000000;

}  // namespace

// Who was killed, or went away, left the flags set. Without them: one who is about to sleep finds
// the word changed, and sets them anew, as whoever was woken does.
bool has_sleepers(port::Bell& bell, std::uint32_t flags) noexcept {
    if ((bell.word.fetch_and(~flags, std::memory_order_seq_cst) & flags) == 0) { return false; }
    const std::uint32_t found = port::bell_ring(bell, port::kEverybody, port::kAnyKind);
    if (found != port::kEverybody) { return found != 0; }
    for (int stir = 0; stir < kStirs; ++stir) {
        port::sleep_until(port::now_ns() + kStirNs / kStirs);
        if ((bell.word.load(std::memory_order_seq_cst) & flags) != 0) { return true; }
    }
    return false;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
