// The hash of an arena's names and keys.
#ifndef BROOD_SRC_ARENA_HASH_HPP
#define BROOD_SRC_ARENA_HASH_HPP

#include <cstddef>
#include <cstdint>

namespace brood {
inline namespace v0 {
namespace detail {

/// MurmurHash3_x86_32 (A. Appleby, 2011, public domain). Each arena has a seed of its own, drawn by
/// chance, so that nobody knows beforehand which keys collide.
inline std::uint32_t hash_of(const void* data, std::size_t bytes, std::uint32_t seed) noexcept {
    const auto* const from = static_cast<const unsigned char*>(data);
    const auto turned = [](std::uint32_t value, unsigned by) {
        return value << by | value >> (32 - by);
    };
    const auto mixed = [turned](std::uint32_t word) {
        return turned(word * 0xcc9e2d51u, 15) * 0x1b873593u;
    };
    std::uint32_t hash = seed;
    std::size_t at = 0;
    for (; at + 4 <= bytes; at += 4) {
        std::uint32_t word = 0;
        __builtin_memcpy(&word, from + at, 4);
        hash = turned(hash ^ mixed(word), 13) * 5 + 0xe6546b64u;
    }
    std::uint32_t rest = 0;
    for (std::size_t i = bytes; i > at; --i) { rest = rest << 8 | from[i - 1]; }
    if (bytes > at) { hash ^= mixed(rest); }
    hash ^= static_cast<std::uint32_t>(bytes);
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
