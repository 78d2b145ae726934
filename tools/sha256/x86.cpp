// SHA-256 by the SHA extensions of x86 (Intel Goldmont and Ice Lake, AMD Zen, and later ones).
#include <cpuid.h>
#include <immintrin.h>

#include <tools/sha256.hpp>

namespace tool::sha256 {
namespace {

// Compiled for processors that have them, whatever the rest of the program is compiled for.
#define BROOD_SHA_CODE __attribute__((target("sha,sse4.1,ssse3")))

/// The eight words in the order that the instructions want.
struct State {
    __m128i abef, cdgh;
};

/// Four words of the message, from big endian.
BROOD_SHA_CODE inline __m128i load(const unsigned char* from) noexcept {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), swap);
}

/// The next four words of the schedule, from the sixteen before them, oldest first.
BROOD_SHA_CODE inline __m128i extend(__m128i w0, __m128i w1, __m128i w2, __m128i w3) noexcept {
    const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
    return _mm_sha256msg2_epu32(sum, w3);
}

/// Rounds 4 * group to 4 * group + 3 with their four words.
BROOD_SHA_CODE inline void rounds(State& s, int group, __m128i words) noexcept {
    const __m128i constants = _mm_load_si128(reinterpret_cast<const __m128i*>(kRound) + group);
    const __m128i input = _mm_add_epi32(words, constants);
    s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, input);
    s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, _mm_shuffle_epi32(input, 0x0e));
}

BROOD_SHA_CODE State gather(const std::uint32_t state[8]) noexcept {
    const __m128i* from = reinterpret_cast<const __m128i*>(state);
    const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(from), 0xb1);
    const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(from + 1), 0x1b);
    return {_mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xf0)};
}

BROOD_SHA_CODE void scatter(std::uint32_t state[8], const State& s) noexcept {
    const __m128i feba = _mm_shuffle_epi32(s.abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(s.cdgh, 0xb1);
    __m128i* to = reinterpret_cast<__m128i*>(state);
    _mm_storeu_si128(to, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(to + 1, _mm_alignr_epi8(dchg, feba, 8));
}

BROOD_SHA_CODE void compress_sha(std::uint32_t state[8], const unsigned char* blocks,
                                 std::size_t count) {
    State s = gather(state);
    for (; count > 0; --count, blocks += kBlockBytes) {
        const State before = s;
        __m128i w0 = load(blocks), w1 = load(blocks + 16);
        __m128i w2 = load(blocks + 32), w3 = load(blocks + 48);
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
        s.abef = _mm_add_epi32(s.abef, before.abef);
        s.cdgh = _mm_add_epi32(s.cdgh, before.cdgh);
    }
    scatter(state, s);
}

#undef BROOD_SHA_CODE

}  // namespace

Compress compress_by_instructions() noexcept {
    constexpr unsigned kSsse3 = 1u << 9, kSse41 = 1u << 19;  // leaf 1, ecx
    constexpr unsigned kSha = 1u << 29;                      // leaf 7, ebx
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) { return nullptr; }
    if ((ecx & kSsse3) == 0 || (ecx & kSse41) == 0) { return nullptr; }
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) { return nullptr; }
    return (ebx & kSha) != 0 ? compress_sha : nullptr;
}

}  // namespace tool::sha256
