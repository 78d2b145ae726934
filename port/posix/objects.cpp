// Named shared memory objects: create, open, allocate, lock.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <port/port.hpp>

#include "above_streams.hpp"
#include "errors.hpp"
#include "grow_object.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// After a call with `name` that failed. Some libcs answer EINVAL or ENOENT to a name that is too
// long, glibc to one of NAME_MAX - 1 bytes already.
Error name_error(const char* name) noexcept {
    const int err = errno;
    std::size_t bytes = 0;  // With the '/', which NAME_MAX does not count.
    while (name[bytes] != '\0') { ++bytes; }
    const bool too_long = bytes > NAME_MAX + 1u || (err == EINVAL && bytes >= NAME_MAX);
    return detail::error_of(too_long ? ENAMETOOLONG : err);
}

Result<Fd> shm_open_again(const char* name, int flags, mode_t mode) noexcept {
    const detail::StreamsTaken taken;
    for (;;) {
        const int fd = ::shm_open(name, flags, mode);  // Close-on-exec by itself.
        if (fd >= 0) { return Fd{fd}; }
        if (errno != EINTR) { return name_error(name); }
    }
}

// Asked before the pieces are allocated: what cannot fit must not first fill the system's memory.
bool has_room(Fd fd, std::uint64_t more) noexcept {
    struct statvfs system = {};
    if (::fstatvfs(fd, &system) != 0 || system.f_blocks == 0) { return true; }  // It does not say.
    return more / system.f_frsize <= system.f_bavail;
}

struct flock whole_object(short type) noexcept {
    struct flock lock = {};  // l_start and l_len of 0: all of it, however long it grows.
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

}  // namespace

Result<Fd> create_object(const char* name, std::uint32_t mode) noexcept {
    const auto wanted = static_cast<mode_t>(mode);
    const Result<Fd> fd = shm_open_again(name, O_RDWR | O_CREAT | O_EXCL, wanted);
    if (!fd) {
        // What is missing is not the object, but the file system that would hold it.
        return fd.code() == Errc::not_found ? Error(Errc::unsupported, ENOENT) : fd.error();
    }
    // If killed here: the umask has taken rights away, so that fewer may open it than should.
    if (::fchmod(*fd, wanted) == 0) { return *fd; }
    const Error error = detail::last_error();
    remove_object(name).ignore();
    close(*fd);
    return error;
}

Result<Fd> open_object(const char* name, bool writable) noexcept {
    return shm_open_again(name, writable ? O_RDWR : O_RDONLY, 0);
}

Status remove_object(const char* name) noexcept {
    if (::shm_unlink(name) != 0) { return name_error(name); }
    return {};
}

// Never shrinks: others may have mapped the object.
Status allocate_object(Fd fd, std::size_t bytes) noexcept {
    const Result<std::uint64_t> before = object_bytes(fd);
    if (!before) { return before.error(); }
    const Status good = detail::check_object_size(bytes);
    if (!good) { return good; }
    if (bytes > *before && !has_room(fd, bytes - *before)) { return detail::error_of(ENOSPC); }
    return detail::grow_object(fd, *before, bytes);
}

Result<std::uint64_t> object_bytes(Fd fd) noexcept {
    struct stat found = {};
    if (::fstat(fd, &found) != 0) { return detail::last_error(); }
    return static_cast<std::uint64_t>(found.st_size);
}

// A record lock belongs to the process: threads do not exclude each other, a forked child has none,
// and closing any descriptor of the object gives it up.
Result<bool> lock_object(Fd fd) noexcept {
    struct flock lock = whole_object(F_WRLCK);
    while (::fcntl(fd, F_SETLK, &lock) != 0) {
        if (errno == EACCES || errno == EAGAIN) { return false; }
        if (errno != EINTR) { return detail::last_error(); }
    }
    return true;
}

void unlock_object(Fd fd) noexcept {
    struct flock lock = whole_object(F_UNLCK);
    while (::fcntl(fd, F_SETLK, &lock) != 0 && errno == EINTR) {}
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
