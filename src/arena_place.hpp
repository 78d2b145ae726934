// Which arenas a process has, and how they are made.
#ifndef BROOD_SRC_ARENA_PLACE_HPP
#define BROOD_SRC_ARENA_PLACE_HPP

#include <brood/shared_memory.hpp>
#include <brood/timeout.hpp>

#include "arena.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// At most so many arenas at a time in one process.
inline constexpr std::uint32_t kArenasMax = 16;

/// The arena of that id; null if this process has none: it was made after the fork, or ended here.
const Arena* find_arena(std::uint32_t id) noexcept;

/// An arena of at most `bytes` for this process and those it forks from now on. Memory is allocated
/// as it is needed. Returns its id.
/// Errors: size_too_large, no_memory, no_space, too_many_files, full (kArenasMax).
Result<std::uint32_t> make_arena(std::uint64_t bytes) noexcept;
/// One that others open by its name; all its memory is allocated now. Errors: as a Segment's.
Result<std::uint32_t> make_named_arena(const char* name, std::uint64_t bytes,
                                       Access access) noexcept;
Result<std::uint32_t> open_arena(const char* name, Timeout timeout) noexcept;
/// Lets go of it in this process. A name goes with its maker's.
void end_arena(std::uint32_t id) noexcept;

/// "" if it has none.
const char* name_of_arena(std::uint32_t id) noexcept;
void keep_name_of_arena(std::uint32_t id) noexcept;

/// Of `pages` pages, how many objects there may be.
constexpr std::uint32_t entries_of(std::uint32_t pages) noexcept {
    return pages / 2;
}
/// The bytes of the smallest arena.
inline constexpr std::uint64_t kArenaBytesMin = std::uint64_t{4} * kChunkPages * kPageBytes;

/// Makes an arena out of zeroes, of `pages` pages. Errors: those of mutex_init and random_bytes.
Status lay_out_arena(unsigned char* base, std::uint32_t pages, std::uint32_t id) noexcept;
/// Whether what lies at `base` is an arena of at most `bytes` bytes, and what that is.
/// Errors: corrupt, version_mismatch.
Result<Arena> check_arena(unsigned char* base, std::uint64_t bytes) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
