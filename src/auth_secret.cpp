#include "auth_secret.hpp"

#include "md5.hpp"
#include "sha256.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t kBlockBytes = 64;  // of both digests
// What make_mac() and all that it calls have on the stack, with room to spare.
constexpr std::size_t kStackBytes = 2048;

// The key as one block: a longer one by its digest.
template <class Hash>
void make_block(unsigned char* block, const void* key, std::size_t key_bytes) noexcept {
    __builtin_memset(block, 0, kBlockBytes);
    if (key_bytes <= kBlockBytes) {
        if (key_bytes > 0) { __builtin_memcpy(block, key, key_bytes); }
        return;
    }
    Hash hash;
    hash.update(key, key_bytes);
    const auto digest = hash.finish();
    __builtin_memcpy(block, digest.bytes, Hash::kBytes);
}

template <class Hash>
void digest_with(unsigned char* block, unsigned char pad, const void* message, std::size_t bytes,
                 unsigned char* out) noexcept {
    for (std::size_t i = 0; i < kBlockBytes; ++i) { block[i] ^= pad; }
    Hash hash;
    hash.update(block, kBlockBytes);
    hash.update(message, bytes);
    const auto digest = hash.finish();
    __builtin_memcpy(out, digest.bytes, Hash::kBytes);
}

template <class Hash>
[[gnu::noinline]] void hmac(const void* key, std::size_t key_bytes, const void* message,
                            std::size_t bytes, unsigned char* out) noexcept {
    unsigned char block[kBlockBytes], inner[Hash::kBytes];
    make_block<Hash>(block, key, key_bytes);
    digest_with<Hash>(block, 0x36, message, bytes, inner);
    digest_with<Hash>(block, 0x36 ^ 0x5c, inner, sizeof(inner), out);
}

}  // namespace

void wipe(void* bytes, std::size_t count) noexcept {
    if (count > 0) { __builtin_memset(bytes, 0, count); }
    asm volatile("" : : "r"(bytes) : "memory");  // Somebody might read them: they must be zero.
}

[[gnu::noinline]] void wipe_stack() noexcept {
    unsigned char below[kStackBytes];
    wipe(below, sizeof(below));
}

void make_mac(Mac mac, const void* key, std::size_t key_bytes, const void* message,
              std::size_t bytes, unsigned char* out) noexcept {
    if (mac == Mac::sha256) {
        hmac<Sha256>(key, key_bytes, message, bytes, out);
    } else {
        hmac<Md5>(key, key_bytes, message, bytes, out);
    }
    wipe_stack();
}

bool is_same_secret(const unsigned char* a, const unsigned char* b, std::size_t count) noexcept {
    unsigned differing = 0;
    for (std::size_t i = 0; i < count; ++i) {
        differing |= static_cast<unsigned>(a[i] ^ b[i]);
        asm volatile("" : "+r"(differing));  // No compiler may stop at the first difference.
    }
    return differing == 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
