// What is in files: copied and compared, in pieces, holes as holes.
#ifndef BROOD_TOOLS_COPY_CONTENT_HPP
#define BROOD_TOOLS_COPY_CONTENT_HPP

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>

namespace tool::copy {

/// From here to there, at the same offsets.
struct Content {
    int from, to;
    bool sparse;         ///< It has holes.
    bool shares;         ///< Blocks may be shared.
    std::uint32_t* kib;  ///< Counts what is copied, for the display of progress.
};

/// Whether it has fewer blocks than bytes.
bool is_sparse(const struct stat& status) noexcept;

struct Copied {
    int error = 0;           ///< an errno
    bool at_target = false;  ///< It is the copy's.
    bool is_short = false;   ///< The source ended before.
};

/// Copies the bytes from `begin` to `end`. What is no data stays as it is.
Copied copy_content(const Content& content, off_t begin, off_t end) noexcept;

/// Copies until the source ends, however long it says that it is: as files of /proc.
Copied copy_all(const Content& content) noexcept;

/// For the display of progress: seldom, so that workers do not fight for the counter's cache line.
void count_bytes(const Content& content, off_t bytes) noexcept;

/// Whether the same bytes are there. Returns 0 or an errno.
int compare_content(const Content& content, off_t begin, off_t end, bool& same) noexcept;

}  // namespace tool::copy

#endif
