// What version of brood a program was built with, and what version it runs with.
#ifndef BROOD_VERSION_HPP
#define BROOD_VERSION_HPP

#include <cstdint>

#define BROOD_VERSION_MAJOR 0
#define BROOD_VERSION_MINOR 1
#define BROOD_VERSION_PATCH 0

namespace brood {
inline namespace v0 {

/// The version of the header files, as text.
inline constexpr const char* kVersion = "0.1.0";

/// The version of the layout that brood puts into shared memory. Two programs share a named
/// segment only if they agree on it; it changes less often than kVersion.
inline constexpr std::uint16_t kLayoutVersion = 1;

/// The version of the library that the program was linked with: compare it with kVersion.
/// Callers: anybody, a signal handler too.
const char* version() noexcept;

}  // namespace v0
}  // namespace brood

#endif
