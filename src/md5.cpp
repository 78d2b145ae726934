// MD5: small rather than fast, since it only ever sees the few bytes of a handshake.
#include "md5.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// The whole part of 2^32 * |sin(i + 1)|.
constexpr std::uint32_t kSine[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

constexpr unsigned char kTurns[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

std::uint32_t little_endian(const unsigned char* from) noexcept {
    return std::uint32_t{from[0]} | std::uint32_t{from[1]} << 8 | std::uint32_t{from[2]} << 16 |
           std::uint32_t{from[3]} << 24;
}

// The function of round `i`, and which word of the block it takes.
std::uint32_t mix(unsigned i, const std::uint32_t v[4], unsigned& word) noexcept {
    const std::uint32_t b = v[1], c = v[2], d = v[3];
    switch (i / 16) {
        case 0: word = i; return (b & c) | (~b & d);
        case 1: word = (5 * i + 1) % 16; return (d & b) | (~d & c);
        case 2: word = (3 * i + 5) % 16; return b ^ c ^ d;
        default: word = 7 * i % 16; return c ^ (b | ~d);
    }
}

}  // namespace

void Md5::compress() noexcept {
    std::uint32_t v[4] = {state_[0], state_[1], state_[2], state_[3]};
    for (unsigned i = 0; i < 64; ++i) {
        unsigned word = 0;
        const std::uint32_t mixed = mix(i, v, word);
        const std::uint32_t sum = v[0] + mixed + kSine[i] + little_endian(block_ + 4 * word);
        const unsigned turn = kTurns[i / 16][i % 4];
        v[0] = v[3];
        v[3] = v[2];
        v[2] = v[1];
        v[1] += sum << turn | sum >> (32 - turn);
    }
    for (unsigned i = 0; i < 4; ++i) { state_[i] += v[i]; }
}

void Md5::update(const void* data, std::size_t bytes) noexcept {
    const unsigned char* const from = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < bytes; ++i) {
        block_[bytes_++ % kBlockBytes] = from[i];
        if (bytes_ % kBlockBytes == 0) { compress(); }
    }
}

Md5Digest Md5::finish() noexcept {
    const std::uint64_t bits = bytes_ * 8;
    unsigned char length[8];
    for (unsigned i = 0; i < 8; ++i) { length[i] = static_cast<unsigned char>(bits >> (8 * i)); }
    update("\x80", 1);
    while (bytes_ % kBlockBytes != kBlockBytes - sizeof(length)) { update("", 1); }
    update(length, sizeof(length));

    Md5Digest digest;
    for (unsigned i = 0; i < sizeof(digest.bytes); ++i) {
        digest.bytes[i] = static_cast<unsigned char>(state_[i / 4] >> (8 * (i % 4)));
    }
    return digest;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
