// SHA-256 (FIPS 180-4): the digest of a stream of bytes.
#ifndef BROOD_SRC_SHA256_HPP
#define BROOD_SRC_SHA256_HPP

#include <cstddef>
#include <cstdint>

namespace brood {
inline namespace v0 {
namespace detail {

struct Digest {
    static constexpr std::size_t kBytes = 32;
    unsigned char bytes[kBytes];

    friend bool operator==(const Digest& a, const Digest& b) noexcept {
        return __builtin_memcmp(a.bytes, b.bytes, kBytes) == 0;
    }
    friend bool operator!=(const Digest& a, const Digest& b) noexcept { return !(a == b); }
};

namespace sha256 {

inline constexpr std::size_t kBlockBytes = 64;
inline constexpr std::uint64_t kMessageBytesMax = UINT64_MAX / 8;  // the length is stored in bits

/// One constant for each round, aligned for vector loads.
alignas(16) extern const std::uint32_t kRound[64];

/// Folds `count` blocks of kBlockBytes into `state`.
using Compress = void (*)(std::uint32_t state[8], const unsigned char* blocks, std::size_t count);

/// Runs everywhere.
void compress_portable(std::uint32_t state[8], const unsigned char* blocks, std::size_t count);

}  // namespace sha256

/// One message: update() any number of times, then finish().
///
/// Memory: 112 bytes, no heap. Copies go on independently.
class Sha256 {
public:
    static constexpr std::size_t kBytes = Digest::kBytes;  // of a digest

    explicit Sha256(sha256::Compress compress = sha256::compress_portable) noexcept;

    /// Appends to the message, at most kMessageBytesMax in all.
    void update(const void* data, std::size_t bytes) noexcept;
    /// The digest of all that was appended. The object is spent then.
    Digest finish() noexcept;

private:
    sha256::Compress compress_;
    std::uint64_t bytes_ = 0;  // so far; bytes_ % kBlockBytes of them wait in block_
    std::uint32_t state_[8];
    unsigned char block_[sha256::kBlockBytes];
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
