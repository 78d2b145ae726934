// Text<N> and Bytes<N>: text and byte strings of bounded length that may live in shared memory.
#ifndef BROOD_TEXT_HPP
#define BROOD_TEXT_HPP

#include <cstddef>
#include <cstdint>

#include <brood/result.hpp>

namespace brood {
inline namespace v0 {

/// Text in a fixed buffer of N bytes, the closing NUL included: up to N - 1 characters.
///
/// Memory: N bytes, all of them defined (the rest is zeroed, so nothing stale leaks out through a
///         pipe). Trivially copyable: it may travel through pipes, queues, pools, shared memory.
/// Callers: anybody, a signal handler too.
template <std::size_t N>
class Text {
    static_assert(N >= 2, "Text<N> needs room for one character and the closing NUL");

public:
    constexpr Text() noexcept = default;
    /// Panics if `text` is null or does not fit: use from() where the text is not yours.
    Text(const char* text) noexcept {
        if (!assign(text)) { panic("making a Text<N>", Errc::text_too_long); }
    }
    /// Returns: the text; text_too_long (with the bytes needed as detail); bad_argument (null).
    static Result<Text> from(const char* text) noexcept {
        if (text == nullptr) { return Errc::bad_argument; }
        Text made;
        if (!made.assign(text)) {
            return Error(Errc::text_too_long, 0, static_cast<std::int64_t>(length_of(text) + 1));
        }
        return made;
    }

    constexpr const char* c_str() const noexcept { return bytes_; }
    constexpr std::size_t size() const noexcept { return length_of(bytes_); }
    constexpr bool empty() const noexcept { return bytes_[0] == '\0'; }
    static constexpr std::size_t capacity() noexcept { return N - 1; }

    /// Appends as much of `text` as fits; false if some of it did not.
    constexpr bool append(const char* text) noexcept {
        std::size_t at = size();
        for (; *text != '\0' && at < N - 1; ++at, ++text) { bytes_[at] = *text; }
        return *text == '\0';
    }

    friend constexpr bool operator==(const Text& text, const char* other) noexcept {
        return same(text.bytes_, other);
    }
    friend constexpr bool operator!=(const Text& text, const char* other) noexcept {
        return !same(text.bytes_, other);
    }
    friend constexpr bool operator==(const Text& a, const Text& b) noexcept {
        return same(a.bytes_, b.bytes_);
    }
    friend constexpr bool operator!=(const Text& a, const Text& b) noexcept {
        return !same(a.bytes_, b.bytes_);
    }

private:
    static constexpr std::size_t length_of(const char* text) noexcept {
        std::size_t length = 0;
        while (text[length] != '\0') { ++length; }
        return length;
    }
    static constexpr bool same(const char* a, const char* b) noexcept {
        for (; *a == *b; ++a, ++b) {
            if (*a == '\0') { return true; }
        }
        return false;
    }
    constexpr bool assign(const char* text) noexcept {
        if (text == nullptr) { return false; }
        return append(text);
    }

    char bytes_[N] = {};
};

/// Up to N bytes of anything, with their count.
///
/// Memory: N + 4 bytes, rounded up to a multiple of 4. Trivially copyable.
/// Callers: anybody, a signal handler too.
template <std::size_t N>
class Bytes {
    static_assert(N >= 1 && N <= UINT32_MAX, "Bytes<N> counts its bytes in 32 bits");

public:
    constexpr Bytes() noexcept = default;
    /// Returns: the bytes; size_too_large when count > N; bad_argument (null with a count).
    static Result<Bytes> from(const void* data, std::size_t count) noexcept {
        if (count > N) { return Error(Errc::size_too_large, 0, static_cast<std::int64_t>(count)); }
        if (data == nullptr && count != 0) { return Errc::bad_argument; }
        Bytes made;
        if (count != 0) { __builtin_memcpy(made.bytes_, data, count); }  // Null may not be copied.
        made.count_ = static_cast<std::uint32_t>(count);
        return made;
    }

    constexpr const unsigned char* data() const noexcept { return bytes_; }
    constexpr unsigned char* data() noexcept { return bytes_; }
    /// Never more than N, whatever a stranger wrote into shared memory.
    constexpr std::size_t size() const noexcept { return count_ <= N ? count_ : N; }
    static constexpr std::size_t capacity() noexcept { return N; }

    friend constexpr bool operator==(const Bytes& a, const Bytes& b) noexcept {
        if (a.size() != b.size()) { return false; }
        for (std::size_t i = 0; i < a.size(); ++i) {
            if (a.bytes_[i] != b.bytes_[i]) { return false; }
        }
        return true;
    }
    friend constexpr bool operator!=(const Bytes& a, const Bytes& b) noexcept { return !(a == b); }

private:
    std::uint32_t count_ = 0;
    unsigned char bytes_[N] = {};
};

}  // namespace v0
}  // namespace brood

#endif
