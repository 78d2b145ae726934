#include "writer.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

Writer::Writer(char* buffer, std::size_t bytes) noexcept : buffer_(buffer), bytes_(bytes) {
    if (bytes_ > 0) { buffer_[0] = '\0'; }
}

Writer& Writer::text(const char* text) noexcept {
    for (; *text != '\0'; ++text) { put(*text); }
    return *this;
}

Writer& Writer::number(std::int64_t value) noexcept {
    if (value < 0) { put('-'); }
    char digits[20];
    std::size_t count = 0;
    std::uint64_t rest = value < 0 ? 0 - static_cast<std::uint64_t>(value)
                                   : static_cast<std::uint64_t>(value);
    do {
        digits[count++] = static_cast<char>('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    while (count > 0) { put(digits[--count]); }
    return *this;
}

void Writer::put(char character) noexcept {
    if (used_ + 1 >= bytes_) { return; }
    buffer_[used_++] = character;
    buffer_[used_] = '\0';
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
