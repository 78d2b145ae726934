#include <tools/json_text.hpp>

#include <cstddef>

namespace tool {
namespace {

/// How many bytes the UTF-8 character at `text` has; 0: it is none.
std::size_t character_bytes(const char* text) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto is_next = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
    if (at(0) < 0x80) { return 1; }
    if (at(0) >= 0xc2 && at(0) < 0xe0) { return is_next(1) ? 2 : 0; }
    if ((at(0) & 0xf0) == 0xe0) {
        const bool is_long = at(0) == 0xe0 && at(1) < 0xa0, is_half = at(0) == 0xed && at(1) > 0x9f;
        return is_next(1) && is_next(2) && !is_long && !is_half ? 3 : 0;
    }
    if (at(0) >= 0xf0 && at(0) <= 0xf4) {
        const bool is_far = (at(0) == 0xf0 && at(1) < 0x90) || (at(0) == 0xf4 && at(1) > 0x8f);
        return is_next(1) && is_next(2) && is_next(3) && !is_far ? 4 : 0;
    }
    return 0;
}

}  // namespace

void print_json_text(std::FILE* to, const char* text) noexcept {
    std::fputc('"', to);
    while (*text != '\0') {
        const std::size_t bytes = character_bytes(text);
        if (bytes == 0) {
            std::fputs("\\ufffd", to);
        } else if (bytes == 1 && (*text == '"' || *text == '\\')) {
            std::fprintf(to, "\\%c", *text);
        } else if (bytes == 1 && static_cast<unsigned char>(*text) < 0x20) {
            std::fprintf(to, "\\u%04x", static_cast<unsigned>(*text));
        } else {
            std::fwrite(text, 1, bytes, to);
        }
        text += bytes == 0 ? 1 : bytes;
    }
    std::fputc('"', to);
}

}  // namespace tool
