// SHA-256: the stream around the compression function, and that function for any machine.
#include "sha256.hpp"

#include <utility>

namespace brood {
inline namespace v0 {
namespace detail {
namespace sha256 {

alignas(16) const std::uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

}  // namespace sha256

namespace {

using sha256::kRound;

constexpr std::uint32_t kInitial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

std::uint32_t load(const unsigned char* from) noexcept {
    return std::uint32_t{from[0]} << 24 | std::uint32_t{from[1]} << 16 |
           std::uint32_t{from[2]} << 8 | std::uint32_t{from[3]};
}

void store(unsigned char* to, std::uint32_t word) noexcept {
    for (int i = 0; i < 4; ++i) { to[i] = static_cast<unsigned char>(word >> (24 - 8 * i)); }
}

std::uint32_t rotate(std::uint32_t word, int bits) noexcept {
    return word >> bits | word << (32 - bits);
}

/// One round, the I-th of eight. `input`: its message word and constant. The eight words do not
/// move from round to round: their names do, and with I constant that costs nothing.
template <unsigned I>
[[gnu::always_inline]] inline void round(std::uint32_t v[8], std::uint32_t input) noexcept {
    const std::uint32_t a = v[(8 - I) % 8], b = v[(9 - I) % 8], c = v[(10 - I) % 8];
    const std::uint32_t e = v[(12 - I) % 8], f = v[(13 - I) % 8], g = v[(14 - I) % 8];
    std::uint32_t& d = v[(11 - I) % 8];
    std::uint32_t& h = v[(15 - I) % 8];

    h += (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g))) + input;
    d += h;
    h += (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + (b ^ ((a ^ b) & (b ^ c)));
}

/// Turns word I of the schedule into word I + 16.
template <unsigned I>
[[gnu::always_inline]] inline std::uint32_t extend(std::uint32_t w[16]) noexcept {
    const std::uint32_t near = w[(I + 14) % 16], far = w[(I + 1) % 16];
    w[I] += (rotate(near, 17) ^ rotate(near, 19) ^ near >> 10) + w[(I + 9) % 16] +
            (rotate(far, 7) ^ rotate(far, 18) ^ far >> 3);
    return w[I];
}

template <unsigned... I>  // 0 to 7
inline void compress_block(std::uint32_t state[8], const unsigned char* block,
                           std::integer_sequence<unsigned, I...>) noexcept {
    std::uint32_t w[16], v[8];
    ((w[I] = load(block + 4 * I)), ...);
    ((w[I + 8] = load(block + 4 * I + 32)), ...);
    ((v[I] = state[I]), ...);

    (round<I>(v, w[I] + kRound[I]), ...);
    (round<I>(v, w[I + 8] + kRound[I + 8]), ...);
    for (const std::uint32_t* k = kRound + 16; k < kRound + 64; k += 16) {
        (round<I>(v, extend<I>(w) + k[I]), ...);
        (round<I>(v, extend<I + 8>(w) + k[I + 8]), ...);
    }
    ((state[I] += v[I]), ...);
}

}  // namespace

namespace sha256 {

void compress_portable(std::uint32_t state[8], const unsigned char* blocks, std::size_t count) {
    for (; count > 0; --count, blocks += kBlockBytes) {
        compress_block(state, blocks, std::make_integer_sequence<unsigned, 8>());
    }
}

}  // namespace sha256

Sha256::Sha256(sha256::Compress compress) noexcept : compress_(compress) {
    __builtin_memcpy(state_, kInitial, sizeof state_);
}

void Sha256::update(const void* data, std::size_t bytes) noexcept {
    const unsigned char* from = static_cast<const unsigned char*>(data);
    const std::size_t held = bytes_ % sha256::kBlockBytes;
    bytes_ += bytes;

    if (held > 0) {
        const std::size_t missing = sha256::kBlockBytes - held;
        const std::size_t taken = bytes < missing ? bytes : missing;
        __builtin_memcpy(block_ + held, from, taken);
        if (taken < missing) { return; }
        compress_(state_, block_, 1);
        from += taken;
        bytes -= taken;
    }
    compress_(state_, from, bytes / sha256::kBlockBytes);
    const std::size_t rest = bytes % sha256::kBlockBytes;
    if (rest > 0) { __builtin_memcpy(block_, from + (bytes - rest), rest); }
}

Digest Sha256::finish() noexcept {
    constexpr std::size_t kLengthAt = sha256::kBlockBytes - 8;
    const std::uint64_t bits = bytes_ * 8;
    std::size_t held = bytes_ % sha256::kBlockBytes;

    block_[held++] = 0x80;
    if (held > kLengthAt) {  // No room for the length: it goes into a block of its own.
        __builtin_memset(block_ + held, 0, sha256::kBlockBytes - held);
        compress_(state_, block_, 1);
        held = 0;
    }
    __builtin_memset(block_ + held, 0, kLengthAt - held);
    store(block_ + kLengthAt, static_cast<std::uint32_t>(bits >> 32));
    store(block_ + kLengthAt + 4, static_cast<std::uint32_t>(bits));
    compress_(state_, block_, 1);

    Digest digest;
    for (std::size_t i = 0; i < 8; ++i) { store(digest.bytes + 4 * i, state_[i]); }
    return digest;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
