// SHA-256 by the cryptography extension of ARMv8.
#include <arm_neon.h>
#include <sys/auxv.h>

#include <tools/sha256.hpp>

namespace tool::sha256 {
namespace {

// Compiled for processors that have it, whatever the rest of the program is compiled for; clang++
// before 16 must be told by the flags of this file.
#ifdef __ARM_FEATURE_SHA2
#define BROOD_SHA_CODE
#else
#define BROOD_SHA_CODE __attribute__((target("+crypto")))
#endif

/// The eight words as the instructions want them.
struct State {
    uint32x4_t abcd, efgh;
};

/// Four words of the message, from big endian.
BROOD_SHA_CODE inline uint32x4_t load(const unsigned char* from) noexcept {
    return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(from)));
}

/// The next four words of the schedule, from the sixteen before them, oldest first.
BROOD_SHA_CODE inline uint32x4_t extend(uint32x4_t w0, uint32x4_t w1, uint32x4_t w2,
                                        uint32x4_t w3) noexcept {
    return vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3);
}

/// Rounds 4 * group to 4 * group + 3 with their four words.
BROOD_SHA_CODE inline void rounds(State& s, int group, uint32x4_t words) noexcept {
    const uint32x4_t input = vaddq_u32(words, vld1q_u32(kRound + 4 * group));
    const uint32x4_t abcd = s.abcd;
    s.abcd = vsha256hq_u32(abcd, s.efgh, input);
    s.efgh = vsha256h2q_u32(s.efgh, abcd, input);
}

BROOD_SHA_CODE void compress_crypto(std::uint32_t state[8], const unsigned char* blocks,
                                    std::size_t count) {
    State s = {vld1q_u32(state), vld1q_u32(state + 4)};
    for (; count > 0; --count, blocks += kBlockBytes) {
        const State before = s;
        uint32x4_t w0 = load(blocks), w1 = load(blocks + 16);
        uint32x4_t w2 = load(blocks + 32), w3 = load(blocks + 48);
        rounds(s, 0, w0);
        rounds(s, 1, w1);
        rounds(s, 2, w2);
        rounds(s, 3, w3);
        for (int group = 4; group < 16; group += 4) {
            rounds(s, group, w0 = extend(w0, w1, w2, w3));
            rounds(s, group + 1, w1 = extend(w1, w2, w3, w0));
            rounds(s, group + 2, w2 = extend(w2, w3, w0, w1));
            rounds(s, group + 3, w3 = extend(w3, w0, w1, w2));
        }
        s.abcd = vaddq_u32(s.abcd, before.abcd);
        s.efgh = vaddq_u32(s.efgh, before.efgh);
    }
    vst1q_u32(state, s.abcd);
    vst1q_u32(state + 4, s.efgh);
}

#undef BROOD_SHA_CODE

}  // namespace

Compress compress_by_instructions() noexcept {
    constexpr unsigned long kSha2 = 1ul << 6;  // HWCAP_SHA2
    return (getauxval(AT_HWCAP) & kSha2) != 0 ? compress_crypto : nullptr;
}

}  // namespace tool::sha256
