// What the host and the workers of `brood sum` share: the files in flight, and the work on one.
#ifndef BROOD_TOOLS_SUM_JOBS_HPP
#define BROOD_TOOLS_SUM_JOBS_HPP

#include <cstddef>
#include <cstdint>

#include <tools/sha256.hpp>

namespace tool {

enum class FileState : std::uint32_t {
    waiting,
    hashed,
    failed,    ///< error: an errno
    replaced,  ///< It was a regular file when it was found, and is none now.
    died,      ///< Its worker died twice; error: the exit code, -N for signal N
};

/// A file in flight. The host writes all but the result, before it submits the file; one worker
/// writes the result, state last.
struct alignas(64) FileSlot {
    FileState state;
    std::int32_t error;
    std::uint32_t path_at;  // in SumArea::paths
    std::uint32_t path_length;
    std::uint32_t deaths;  // of workers that were at this file
    bool followed;         // A symbolic link in this place is no error.
    Digest digest;
};
static_assert(sizeof(FileSlot) == 64, "one cache line: workers must not share any");

/// Shared memory of the host and the workers.
struct SumArea {
    static constexpr std::uint32_t kFiles = 8192;           // in flight
    static constexpr std::uint32_t kPathsBytes = 1u << 20;  // their paths

    FileSlot files[kFiles];
    alignas(64) std::uint32_t files_done;  // both count round, for the display of progress
    std::uint32_t kib_done;
    alignas(64) char paths[kPathsBytes];

    /// Files are numbered as they come; the numbers count round.
    FileSlot& file(std::uint32_t number) noexcept { return files[number % kFiles]; }
};
static_assert((SumArea::kFiles & (SumArea::kFiles - 1)) == 0, "numbers wrap at 2^32");

/// Says where the area is. Once, in the host, before the pool is made.
void set_sum_area(SumArea* area) noexcept;

/// A task of the pool: does the files numbered first ... first + count - 1 that are waiting, one
/// after the other.
/// Killed here: each file has its result or is waiting; the first that waits was begun.
void sum_files(std::uint32_t first, std::uint32_t count) noexcept;

/// Reads `fd` to its end. Returns 0 or an errno; EINTR only when stop_signal() has one.
/// Adds to kib_done of the area, if there is one.
int sum_stream(int fd, Digest& digest) noexcept;

}  // namespace tool

#endif
