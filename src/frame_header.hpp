// The header of a frame: its length, as Python's multiprocessing.connection writes it.
#ifndef BROOD_SRC_FRAME_HEADER_HPP
#define BROOD_SRC_FRAME_HEADER_HPP

#include <cstddef>
#include <cstdint>

namespace brood {
inline namespace v0 {
namespace detail {

inline constexpr std::size_t kHeaderBytes = 4;
inline constexpr std::size_t kLongLengthBytes = 8;
inline constexpr std::int32_t kLongLength = -1;  // The length follows in 8 bytes.
/// Only wakes a reader that waits for a frame of a broken channel; no frame follows.
inline constexpr std::int32_t kPoison = -2;

inline void put_header(unsigned char* to, std::int32_t length) noexcept {
    const std::uint32_t bits = static_cast<std::uint32_t>(length);
    for (unsigned at = 0; at < kHeaderBytes; ++at) {
        to[at] = static_cast<unsigned char>(bits >> (24 - 8 * at));
    }
}

inline std::uint64_t big_endian(const unsigned char* from, std::size_t bytes) noexcept {
    std::uint64_t value = 0;
    for (std::size_t at = 0; at < bytes; ++at) { value = value << 8 | from[at]; }
    return value;
}

inline std::int32_t header_of(const unsigned char* from) noexcept {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(big_endian(from, kHeaderBytes)));
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
