#include "line.hpp"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "stack.hpp"

namespace traced {
namespace {

constexpr std::int64_t kSecond = 1000000000;
constexpr std::size_t kQuotedMax = 40;

}  // namespace

std::int64_t now() noexcept {
    timespec time = {};
    (void)::clock_gettime(CLOCK_MONOTONIC, &time);
    return std::int64_t{time.tv_sec} * kSecond + time.tv_nsec;
}

Line::Line(std::int64_t time) noexcept {
    seconds(time, 6).text(" ").number(::getpid()).text(" ");
    char name[kNameBytes];
    if (public_call(name)) { text(name).text(" "); }
}

Line& Line::text(const char* text, std::size_t bytes) noexcept {
    for (std::size_t i = 0; i < bytes && count_ < sizeof(bytes_) - 1; ++i) {
        bytes_[count_++] = text[i];
    }
    return *this;
}

Line& Line::text(const char* what) noexcept {
    std::size_t bytes = 0;
    while (what[bytes] != '\0') { ++bytes; }
    return text(what, bytes);
}

Line& Line::quoted(const char* what) noexcept {
    text("\"");
    std::size_t at = 0;
    for (; what[at] != '\0' && at < kQuotedMax; ++at) {
        const char letter = what[at];
        if (letter == '"' || letter == '\\') { text("\\"); }
        text(letter >= ' ' && letter < 127 ? &letter : "?", 1);
    }
    return text(what[at] == '\0' ? "\"" : "\"...");
}

Line& Line::number(std::int64_t value) noexcept {
    char digits[20];
    std::size_t at = sizeof(digits);
    auto left = static_cast<std::uint64_t>(value);
    if (value < 0) {
        text("-");
        left = 0 - left;
    }
    do {
        digits[--at] = static_cast<char>('0' + left % 10);
        left /= 10;
    } while (left != 0);
    return text(digits + at, sizeof(digits) - at);
}

Line& Line::hex(std::uint64_t value) noexcept {
    text("0x");
    int shift = 60;
    while (shift > 0 && (value >> shift) == 0) { shift -= 4; }
    for (; shift >= 0; shift -= 4) { text(&"0123456789abcdef"[(value >> shift) & 15], 1); }
    return *this;
}

Line& Line::octal(std::uint64_t value) noexcept {
    text("0");
    int shift = 63;
    while (shift > 0 && (value >> shift) == 0) { shift -= 3; }
    for (; shift >= 0 && value != 0; shift -= 3) { text(&"01234567"[(value >> shift) & 7], 1); }
    return *this;
}

Line& Line::seconds(std::int64_t ns, int digits) noexcept {
    number(ns / kSecond).text(".");
    std::int64_t unit = kSecond / 10;
    for (int i = 0; i < digits; ++i, unit /= 10) { text(&"0123456789"[ns / unit % 10], 1); }
    return *this;
}

Line& Line::span(std::int64_t ns) noexcept {
    if (ns < 10000000) { return number(ns / 1000).text(" us"); }
    if (ns < 10 * kSecond) { return number(ns / 1000000).text(" ms"); }
    return number(ns / kSecond).text(" s");
}

void Line::write() noexcept {
    bytes_[count_++] = '\n';
    const int err = errno;
    while (::write(g_fd, bytes_, count_) < 0 && errno == EINTR) {}
    errno = err;
}

}  // namespace traced
