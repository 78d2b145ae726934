// What a file has beside its content: owner, mode, times, extended attributes.
#ifndef BROOD_TOOLS_COPY_METADATA_HPP
#define BROOD_TOOLS_COPY_METADATA_HPP

#include <sys/stat.h>

namespace tool::copy {

/// Gives them to an open file or folder; `from`: its source, for the attributes, or -1. An owner
/// who may not be given is left out, and with him what the mode says of running as him.
/// Returns 0 or an errno.
int put_metadata(int from, int to, const struct stat& wanted) noexcept;

/// Owner and mode alone, of a file that is there already, and only what differs.
int mend_metadata(int fd, const struct stat& found, const struct stat& wanted) noexcept;

/// Owner, mode (not of a link) and times of what cannot be opened: links, pipes, devices.
int put_metadata_of_path(const char* path, const struct stat& wanted) noexcept;

/// Whether size and time of modification are the same; a file system that keeps whole seconds only
/// has none below.
bool is_same_age(const struct stat& found, const struct stat& wanted) noexcept;

}  // namespace tool::copy

#endif
