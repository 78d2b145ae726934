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
    Writer(char* buffer, std::size_t bytes) noexcept;
    Writer& text(const char* text) noexcept;
    Writer& number(std::int64_t value) noexcept;
    std::size_t size() const noexcept { return used_; }

private:
    void put(char character) noexcept;
    char* buffer_;
    std::size_t bytes_;
    std::size_t used_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
