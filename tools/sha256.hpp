// SHA-256 as fast as this machine can: the library's, by the processor's own instructions.
#ifndef BROOD_TOOLS_SHA256_HPP
#define BROOD_TOOLS_SHA256_HPP

#include <src/sha256.hpp>

namespace tool {

using brood::detail::Digest;

namespace sha256 {

using brood::detail::sha256::Compress;
using brood::detail::sha256::compress_portable;
using brood::detail::sha256::kBlockBytes;
using brood::detail::sha256::kRound;

/// The machine's own instructions for SHA-256 if this processor has them; otherwise null.
/// The build picks the one file of tools/sha256/ for its machine.
Compress compress_by_instructions() noexcept;

/// The fastest that runs here. Looks once per program and remembers: call it before fork(), and
/// the children need not ask the processor again (cpuid is slow in virtual machines).
Compress best() noexcept;

}  // namespace sha256

class Sha256 : public brood::detail::Sha256 {
public:
    explicit Sha256(sha256::Compress compress = sha256::best()) noexcept
        : brood::detail::Sha256(compress) {}
};

}  // namespace tool

#endif
