// How the notes of an arena's pages are read.
#ifndef BROOD_SRC_ARENA_PAGES_HPP
#define BROOD_SRC_ARENA_PAGES_HPP

#include "arena.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// What a page is for, in PageNote::what.
enum class PageUse : std::uint32_t { inside = 0, shared = 1, run = 2, free_run = 3 };

/// `detail`: the class of a shared page's blocks, or the order of a run.
constexpr std::uint32_t what_of(PageUse use, std::uint32_t detail) noexcept {
    return static_cast<std::uint32_t>(use) << 8 | detail;
}
constexpr PageUse use_of(std::uint32_t what) noexcept {
    return static_cast<PageUse>(what >> 8);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
