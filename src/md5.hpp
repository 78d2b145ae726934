// MD5 (RFC 1321): the digest of a stream of bytes. Only for the handshake of Python before 3.12.
#ifndef BROOD_SRC_MD5_HPP
#define BROOD_SRC_MD5_HPP

#include <cstddef>
#include <cstdint>

namespace brood {
inline namespace v0 {
namespace detail {

struct Md5Digest {
    unsigned char bytes[16];
};

/// One message: update() any number of times, then finish().
class Md5 {
public:
    static constexpr std::size_t kBytes = sizeof(Md5Digest);  // of a digest

    void update(const void* data, std::size_t bytes) noexcept;
    /// The digest of all that was appended. The object is spent then.
    Md5Digest finish() noexcept;

private:
    static constexpr std::size_t kBlockBytes = 64;
    void compress() noexcept;

    std::uint64_t bytes_ = 0;  // so far; bytes_ % kBlockBytes of them wait in block_
    std::uint32_t state_[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    unsigned char block_[kBlockBytes] = {};
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
