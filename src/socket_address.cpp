// Address: reading and writing it.
#include <brood/address.hpp>

#include "writer.hpp"

namespace brood {
inline namespace v0 {
namespace {

constexpr std::size_t kIp4Bytes = 4, kIp6Bytes = 16;

int digit_of(char c) noexcept {
    if (c >= '0' && c <= '9') { return c - '0'; }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

// Reads a number of `base` that is at most `most`, and at most `digits` long. False: there is none.
bool read_number(const char*& at, int base, unsigned most, int digits,
                 std::uint32_t& value) noexcept {
    value = 0;
    int read = 0;
    for (; digit_of(*at) < base && read <= digits; ++at, ++read) {
        value = value * static_cast<unsigned>(base) + static_cast<unsigned>(digit_of(*at));
    }
    return read > 0 && read <= digits && value <= most;
}

// "127.0.0.1" to its end. No leading zeroes: some take what they begin for octal.
bool read_ip4(const char* at, unsigned char* bytes) noexcept {
    for (std::size_t i = 0; i < kIp4Bytes; ++i) {
        if (i > 0 && *at++ != '.') { return false; }
        const bool is_padded = at[0] == '0' && digit_of(at[1]) < 10;
        std::uint32_t value = 0;
        if (is_padded || !read_number(at, 10, 255, 3, value)) { return false; }
        bytes[i] = static_cast<unsigned char>(value);
    }
    return *at == '\0';
}

bool has_dot(const char* at) noexcept {
    while (digit_of(*at) < 10) { ++at; }
    return *at == '.';
}

// Moves what stands behind the "::" to the end.
void spread(unsigned char* bytes, std::size_t gap, std::size_t end) noexcept {
    for (std::size_t i = 0; i < end - gap; ++i) {
        bytes[kIp6Bytes - 1 - i] = bytes[end - 1 - i];
        bytes[end - 1 - i] = 0;
    }
}

// RFC 4291, 2.2: up to eight groups, "::" for some that are 0, the last two as an ip4 address.
bool read_ip6(const char* at, unsigned char* bytes) noexcept {
    constexpr std::size_t kNone = kIp6Bytes + 1;
    std::size_t end = 0, gap = kNone;
    if (at[0] == ':' && at[1] != ':') { return false; }
    while (*at != '\0') {
        if (at[0] == ':' && at[1] == ':') {
            if (gap != kNone) { return false; }
            gap = end;
            at += 2;
            if (*at == '\0') { break; }
        } else if (end > 0 && *at++ != ':') {
            return false;
        }
        if (has_dot(at)) {
            if (end + kIp4Bytes > kIp6Bytes || !read_ip4(at, bytes + end)) { return false; }
            end += kIp4Bytes;
            break;
        }
        std::uint32_t group = 0;
        if (end == kIp6Bytes || !read_number(at, 16, 0xffff, 4, group)) { return false; }
        bytes[end++] = static_cast<unsigned char>(group >> 8);
        bytes[end++] = static_cast<unsigned char>(group);
    }
    if (gap == kNone) { return end == kIp6Bytes; }
    if (end == kIp6Bytes) { return false; }
    spread(bytes, gap, end);
    return true;
}

bool is_ip6(const char* text) noexcept {
    for (; *text != '\0'; ++text) {
        if (*text == ':') { return true; }
    }
    return false;
}

void write_hex(detail::Writer& writer, unsigned group) noexcept {
    char digits[5] = {};
    int count = 0;
    for (int shift = 12; shift >= 0; shift -= 4) {
        const unsigned digit = group >> shift & 15u;
        if (digit > 0 || count > 0 || shift == 0) { digits[count++] = "0123456789abcdef"[digit]; }
    }
    writer.text(digits);
}

// RFC 5952: the longest run of groups that are 0, two at least, becomes "::".
void write_ip6(detail::Writer& writer, const unsigned char* bytes) noexcept {
    unsigned groups[8];
    for (unsigned i = 0; i < 8; ++i) { groups[i] = bytes[2 * i] * 256u + bytes[2 * i + 1]; }
    unsigned gap = 8, gap_end = 8, longest = 1;
    for (unsigned i = 0; i < 8; ++i) {
        unsigned end = i;
        while (end < 8 && groups[end] == 0) { ++end; }
        if (end - i > longest) {
            longest = end - i;
            gap = i;
            gap_end = end;
        }
    }
    for (unsigned i = 0; i < 8; ++i) {
        if (i == gap) {
            writer.text("::");
            i = gap_end;
        } else if (i > 0) {
            writer.text(":");
        }
        if (i < 8) { write_hex(writer, groups[i]); }
    }
}

}  // namespace

Address Address::of(Family family, const void* bytes, std::size_t size, std::uint16_t port,
                    std::uint32_t scope) noexcept {
    Address made;
    made.family_ = family;
    made.port_ = port;
    made.scope_ = scope;
    made.size_ = static_cast<std::uint8_t>(size < kBytes ? size : kBytes);
    __builtin_memcpy(made.bytes_, bytes, made.size_);
    return made;
}

Address Address::named(Family family, const char* name) noexcept {
    std::size_t size = 0;
    while (name != nullptr && size < kBytes && name[size] != '\0') { ++size; }
    if (size > 0 && size < kBytes) { return of(family, name, size); }
    Address made;
    made.problem_ = size == 0 ? Errc::name_empty : Errc::name_too_long;
    return made;
}

Address Address::unix_path(const char* path) noexcept {
    return named(Family::unix_path, path);
}

Address Address::abstract(const char* name) noexcept {
    return named(Family::abstract, name);
}

Address Address::ip(const char* text, std::uint16_t port) noexcept {
    unsigned char bytes[kIp6Bytes] = {};
    if (text == nullptr) { return Address(); }
    if (!is_ip6(text)) {
        return read_ip4(text, bytes) ? of(Family::ip4, bytes, kIp4Bytes, port) : Address();
    }
    char plain[48];  // Without the interface.
    std::size_t size = 0;
    while (size + 1 < sizeof(plain) && text[size] != '\0' && text[size] != '%') {
        plain[size] = text[size];
        ++size;
    }
    plain[size] = '\0';
    std::uint32_t scope = 0;
    if (text[size] == '%') {
        const char* at = text + size + 1;
        if (!read_number(at, 10, UINT32_MAX, 9, scope) || *at != '\0') { return Address(); }
    } else if (text[size] != '\0') {
        return Address();
    }
    return read_ip6(plain, bytes) ? of(Family::ip6, bytes, kIp6Bytes, port, scope) : Address();
}

const char* Address::text(char* buffer, std::size_t room) const noexcept {
    detail::Writer writer(buffer, room);
    const unsigned char* const bytes = reinterpret_cast<const unsigned char*>(bytes_);
    char name[kBytes + 1] = {};
    __builtin_memcpy(name, bytes_, size_);
    switch (family_) {
        case Family::none: break;
        case Family::unix_path: writer.text(name); break;
        case Family::abstract: writer.text("@").text(name); break;
        case Family::ip4:
            for (std::size_t i = 0; i < kIp4Bytes; ++i) {
                writer.text(i > 0 ? "." : "").number(bytes[i]);
            }
            writer.text(":").number(port_);
            break;
        case Family::ip6:
            writer.text("[");
            write_ip6(writer, bytes);
            if (scope_ != 0) { writer.text("%").number(scope_); }
            writer.text("]:").number(port_);
            break;
    }
    return buffer;
}

bool operator==(const Address& a, const Address& b) noexcept {
    return a.family_ == b.family_ && a.problem_ == b.problem_ && a.port_ == b.port_ &&
           a.scope_ == b.scope_ && a.size_ == b.size_ &&
           __builtin_memcmp(a.bytes_, b.bytes_, a.size_) == 0;
}

}  // namespace v0
}  // namespace brood
