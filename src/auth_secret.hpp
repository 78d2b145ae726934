// Keys in memory: how they are kept, how digests are made of them, how they are wiped.
#ifndef BROOD_SRC_AUTH_SECRET_HPP
#define BROOD_SRC_AUTH_SECRET_HPP

#include <cstddef>

namespace brood {
inline namespace v0 {
namespace detail {

/// Zeroes the bytes, though nobody reads them again.
void wipe(void* bytes, std::size_t count) noexcept;
/// Zeroes the stack below the caller, where functions that have returned left keys, or words from
/// which a key can be computed.
void wipe_stack() noexcept;

/// The digests that authenticate.
enum class Mac : unsigned char { sha256, md5 };
inline constexpr std::size_t kMacBytesMax = 32;
constexpr std::size_t bytes_of(Mac mac) noexcept {
    return mac == Mac::sha256 ? 32 : 16;
}

/// HMAC (RFC 2104) of the message under the key: bytes_of(mac) bytes into `out`. Leaves nothing of
/// the key on the stack.
void make_mac(Mac mac, const void* key, std::size_t key_bytes, const void* message,
              std::size_t bytes, unsigned char* out) noexcept;

/// Whether they are the same, in a time that depends on `count` alone.
bool is_same_secret(const unsigned char* a, const unsigned char* b, std::size_t count) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
