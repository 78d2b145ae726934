// What `brood copy` asks of a system beside POSIX: port/linux.cpp has it.
#ifndef BROOD_TOOLS_COPY_SYSTEM_HPP
#define BROOD_TOOLS_COPY_SYSTEM_HPP

#include <sys/types.h>

namespace tool::copy::system {

/// Lets `to` share all blocks of `from`. Returns 0 or an errno: nothing was done then.
int clone(int from, int to) noexcept;

/// Copies up to `bytes` bytes at the offset `at` of both. `shares`: blocks may be shared.
/// Returns how many; 0, or -1 (errno is set): nothing was copied.
ssize_t copy_range(int from, int to, off_t at, off_t bytes, bool shares) noexcept;

/// Where the first data from `at` on begin, and the first hole: `end` if there is none before. A
/// system that does not know has data everywhere.
off_t next_data(int fd, off_t at, off_t end) noexcept;
off_t next_hole(int fd, off_t at, off_t end) noexcept;

/// Gives `to` the extended attributes of `from`, and takes away ACLs that it has from its folder.
/// What is not supported or not permitted is left out. Returns 0 or an errno.
int copy_attributes(int from, int to, bool is_folder) noexcept;

}  // namespace tool::copy::system

#endif
