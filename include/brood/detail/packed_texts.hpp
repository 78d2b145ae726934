// Texts found by a number, packed by the compiler: without pointers, each of which takes room and
// has to be corrected by a loader, and without the columns of a table that a program never reads.
#ifndef BROOD_DETAIL_PACKED_TEXTS_HPP
#define BROOD_DETAIL_PACKED_TEXTS_HPP

#include <cstddef>
#include <cstdint>

namespace brood {
inline namespace v0 {
namespace detail {

/// The text of `key`; of `texts`, one behind the other, the n-th belongs to the n-th of `keys`.
inline const char* find_text(const std::uint8_t* keys, std::size_t count, const char* texts,
                             std::int32_t key, const char* otherwise) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        if (keys[i] == key) { return texts; }
        while (*texts++ != '\0') {}
    }
    return otherwise;
}

template <std::size_t Count, std::size_t Bytes>
struct PackedTexts {
    std::uint8_t keys[Count];
    char texts[Bytes];

    const char* find(std::int32_t key, const char* otherwise) const noexcept {
        return find_text(keys, Count, texts, key, otherwise);
    }
};

/// Two columns of `kTable`, a constexpr array: by members of its entries, a number up to 255 and a
/// text.
template <const auto& kTable, auto kKey, auto kText>
constexpr auto packed_texts() noexcept {
    constexpr std::size_t kBytes = [] {
        std::size_t bytes = 0;
        for (const auto& entry : kTable) {
            for (const char* text = entry.*kText; *text != '\0'; ++text) { ++bytes; }
            ++bytes;
        }
        return bytes;
    }();
    constexpr bool kKeysFit = [] {
        for (const auto& entry : kTable) {
            const auto key = static_cast<std::int64_t>(entry.*kKey);
            if (key < 0 || key > UINT8_MAX) { return false; }
        }
        return true;
    }();
    static_assert(kKeysFit, "keys are kept as bytes");
    PackedTexts<sizeof kTable / sizeof kTable[0], kBytes> packed = {};
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (const auto& entry : kTable) {
        packed.keys[count++] = static_cast<std::uint8_t>(entry.*kKey);
        for (const char* text = entry.*kText; *text != '\0'; ++text) {
            packed.texts[bytes++] = *text;
        }
        ++bytes;
    }
    return packed;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
