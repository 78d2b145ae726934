#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>

#include <tools/copy/system.hpp>

namespace tool::copy::system {
namespace {

constexpr std::size_t kListBytes = 64 * 1024, kValueBytes = 64 * 1024;  // Linux has no more.
char g_names[kListBytes], g_value[kValueBytes];

bool is_refused(int error) noexcept {
    return error == ENOTSUP || error == EPERM || error == EACCES || error == ENOSYS;
}

/// What it has from its folder, and its source, whose list is g_names, has not.
void remove_unless_listed(int fd, const char* name, std::size_t bytes) noexcept {
    for (std::size_t at = 0; at < bytes; at += std::strlen(g_names + at) + 1) {
        if (std::strcmp(g_names + at, name) == 0) { return; }
    }
    static_cast<void>(fremovexattr(fd, name));
}

/// One that went between list and look is none.
int copy_attribute(int from, int to, const char* name) noexcept {
    const ssize_t bytes = fgetxattr(from, name, g_value, sizeof g_value);
    if (bytes < 0) { return errno == ENODATA || is_refused(errno) ? 0 : errno; }
    if (fsetxattr(to, name, g_value, static_cast<std::size_t>(bytes), 0) == 0) { return 0; }
    return is_refused(errno) ? 0 : errno;
}

}  // namespace

int clone(int from, int to) noexcept {
    return ioctl(to, FICLONE, from) == 0 ? 0 : errno;
}

ssize_t copy_range(int from, int to, off_t at, off_t bytes, bool shares) noexcept {
    if (!shares) {
        errno = ENOTSUP;
        return -1;
    }
    off_t from_at = at, to_at = at;
    return copy_file_range(from, &from_at, to, &to_at, static_cast<std::size_t>(bytes), 0);
}

off_t next_data(int fd, off_t at, off_t end) noexcept {
    const off_t found = lseek(fd, at, SEEK_DATA);
    if (found < 0) { return errno == ENXIO ? end : at; }
    return found < end ? found : end;
}

off_t next_hole(int fd, off_t at, off_t end) noexcept {
    const off_t found = lseek(fd, at, SEEK_HOLE);
    return found > at && found < end ? found : end;
}

int copy_attributes(int from, int to, bool is_folder) noexcept {
    const ssize_t listed = flistxattr(from, g_names, sizeof g_names);
    if (listed < 0) { return is_refused(errno) ? 0 : errno; }
    const auto bytes = static_cast<std::size_t>(listed);
    remove_unless_listed(to, "system.posix_acl_access", bytes);
    if (is_folder) { remove_unless_listed(to, "system.posix_acl_default", bytes); }
    for (std::size_t at = 0; at < bytes; at += std::strlen(g_names + at) + 1) {
        const int error = copy_attribute(from, to, g_names + at);
        if (error != 0) { return error; }
    }
    return 0;
}

}  // namespace tool::copy::system
