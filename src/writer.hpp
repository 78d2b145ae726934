// Writes text and numbers into a bounded buffer: what printf does elsewhere.
#ifndef BROOD_SRC_WRITER_HPP
#define BROOD_SRC_WRITER_HPP

#include <cstddef>
#include <cstdint>

namespace brood {
inline namespace v0 {
namespace detail {

/// Always leaves a NUL-terminated text; what does not fit is dropped. Async-signal-safe.
class Writer {
public:
    Writer(char* buffer, std::size_t bytes) noexcept : buffer_(buffer), bytes_(bytes) {
        if (bytes_ > 0) { buffer_[0] = '\0'; }
    }
    Writer& text(const char* text) noexcept {
        for (; *text != '\0'; ++text) { put(*text); }
        return *this;
    }
    Writer& number(std::int64_t value) noexcept {
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
    std::size_t size() const noexcept { return used_; }

private:
    void put(char character) noexcept {
        if (used_ + 1 >= bytes_) { return; }
        buffer_[used_++] = character;
        buffer_[used_] = '\0';
    }
    char* buffer_;
    std::size_t bytes_;
    std::size_t used_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
