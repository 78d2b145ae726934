#include <tools/sum_format.hpp>

#include <cstdio>
#include <cstring>

namespace tool {
namespace {

constexpr std::size_t kHexDigits = 2 * Digest::kBytes;

char* put_hex(char* to, const Digest& digest) noexcept {
    for (const unsigned char byte : digest.bytes) {
        *to++ = "0123456789abcdef"[byte >> 4];
        *to++ = "0123456789abcdef"[byte & 15];
    }
    return to;
}

char* put_text(char* to, const char* text) noexcept {
    return stpcpy(to, text);
}

char* put_escaped(char* to, const char* path) noexcept {
    for (; *path != '\0'; ++path) {
        switch (*path) {
            case '\n': to = put_text(to, "\\n"); break;
            case '\r': to = put_text(to, "\\r"); break;
            case '\\': to = put_text(to, "\\\\"); break;
            default: *to++ = *path;
        }
    }
    return to;
}

/// Undoes put_escaped() in place; false if it was not escaped that way.
bool unescape(char* text) noexcept {
    char* to = text;
    for (const char* from = text; *from != '\0'; ++from) {
        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        switch (*++from) {
            case 'n': *to++ = '\n'; break;
            case 'r': *to++ = '\r'; break;
            case '\\': *to++ = '\\'; break;
            default: return false;  // The end of the text is one of these.
        }
    }
    *to = '\0';
    return true;
}

int hex_value(char digit) noexcept {
    if (digit >= '0' && digit <= '9') { return digit - '0'; }
    if (digit >= 'a' && digit <= 'f') { return digit - 'a' + 10; }
    if (digit >= 'A' && digit <= 'F') { return digit - 'A' + 10; }
    return -1;
}

/// Stops at the first byte that is no digit, so also at the end of the text.
bool get_hex(const char* text, Digest& digest) noexcept {
    for (std::size_t i = 0; i < Digest::kBytes; ++i) {
        const int high = hex_value(text[2 * i]);
        const int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
        if (low < 0) { return false; }
        digest.bytes[i] = static_cast<unsigned char>(16 * high + low);
    }
    return true;
}

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

char* skip_blanks(char* text) noexcept {
    while (is_blank(*text)) { ++text; }
    return text;
}

/// " (PATH) = DIGEST", what follows "SHA256" in the format of BSD.
bool read_tagged(char* text, Digest& digest, char*& path) noexcept {
    if (*text == ' ') { ++text; }
    if (*text++ != '(') { return false; }
    char* const end = std::strrchr(text, ')');
    if (end == nullptr) { return false; }

    path = text;
    text = skip_blanks(end + 1);
    if (*text++ != '=') { return false; }
    text = skip_blanks(text);
    *end = '\0';
    return get_hex(text, digest) && text[kHexDigits] == '\0';
}

}  // namespace

std::size_t format_digest(char (&line)[kLineBytes], const Digest& digest, const char* path,
                          const SumLineStyle& style) noexcept {
    const bool escaped = !style.zero && std::strpbrk(path, "\n\r\\") != nullptr;
    char* to = line;
    if (escaped) { *to++ = '\\'; }
    to = style.tagged ? put_text(to, "SHA256 (")
                      : put_text(put_hex(to, digest), style.binary ? " *" : "  ");
    to = escaped ? put_escaped(to, path) : put_text(to, path);
    if (style.tagged) { to = put_hex(put_text(to, ") = "), digest); }
    *to++ = style.zero ? '\0' : '\n';
    return static_cast<std::size_t>(to - line);
}

std::size_t format_verdict(char (&line)[kLineBytes], const char* path,
                           const char* verdict) noexcept {
    const bool escaped = std::strchr(path, '\n') != nullptr;
    char* to = line;
    if (escaped) { *to++ = '\\'; }
    to = escaped ? put_escaped(to, path) : put_text(to, path);
    to = put_text(put_text(to, ": "), verdict);
    *to++ = '\n';
    return static_cast<std::size_t>(to - line);
}

const char* format_name(char* to, std::size_t room, const char* path) noexcept {
    constexpr std::size_t kReserve = 8;  // an octal escape, or "...", and the NUL
    std::size_t at = 0;
    for (; *path != '\0'; ++path) {
        if (at + kReserve > room) {
            std::strcpy(to + at, "...");
            return to;
        }
        const unsigned char byte = static_cast<unsigned char>(*path);
        if (byte == '\n') {
            at += static_cast<std::size_t>(std::sprintf(to + at, "\\n"));
        } else if (byte == '\t') {
            at += static_cast<std::size_t>(std::sprintf(to + at, "\\t"));
        } else if (byte < 0x20 || byte == 0x7f) {
            at += static_cast<std::size_t>(std::sprintf(to + at, "\\%03o", byte));
        } else {
            to[at++] = *path;
        }
    }
    to[at] = '\0';
    return to;
}

SumLines::Kind SumLines::read(char* line, std::size_t length, Digest& digest,
                              char*& path) noexcept {
    if (length > 0 && line[length - 1] == '\r') { --length; }
    line[length] = '\0';
    if (length == 0 || line[0] == '#') { return Kind::nothing; }
    if (std::strlen(line) != length) { return Kind::improper; }  // A NUL: no text, no path.

    char* text = skip_blanks(line);
    const bool escaped = *text == '\\';
    if (escaped) { ++text; }
    const bool tagged = std::strncmp(text, "SHA256", 6) == 0;
    const bool proper = tagged ? read_tagged(text + 6, digest, path)
                               : read_plain(text, digest, path);
    if (!proper || *path == '\0' || (escaped && !unescape(path))) { return Kind::improper; }
    return Kind::entry;
}

/// "DIGEST  PATH", "DIGEST *PATH", or in an old BSD list "DIGEST PATH".
bool SumLines::read_plain(char* text, Digest& digest, char*& path) noexcept {
    if (!get_hex(text, digest)) { return false; }
    text += kHexDigits;
    if (!is_blank(*text)) { return false; }
    ++text;

    const bool has_mode = (*text == ' ' || *text == '*') && text[1] != '\0';
    if (!has_mode) {
        if (spaces_ == Spaces::two) { return false; }
        spaces_ = Spaces::one;
    } else if (spaces_ != Spaces::one) {
        spaces_ = Spaces::two;
        ++text;
    }
    path = text;
    return true;
}

}  // namespace tool
