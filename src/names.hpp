// The names of shared objects: one rule for all of them.
#ifndef BROOD_SRC_NAMES_HPP
#define BROOD_SRC_NAMES_HPP

#include <cstddef>

#include <brood/result.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// The slash included, the closing NUL not: what every system of ours takes.
inline constexpr std::size_t kNameBytesMax = 255;

/// Returns: ok; bad_argument (null, "/." and "/..", which are directories); name_empty ("" and
/// "/"); name_without_slash; name_with_two_slashes; name_too_long (detail: kNameBytesMax).
/// Never reads beyond kNameBytesMax + 1 bytes. Callers: anybody, a signal handler too.
Status check_name(const char* name) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
