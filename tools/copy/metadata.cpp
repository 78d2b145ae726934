#include <tools/copy/metadata.hpp>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <tools/copy/system.hpp>

namespace tool::copy {
namespace {

constexpr mode_t kModeBits = 07777, kSetIds = S_ISUID | S_ISGID;

/// The mode that is right for whom the file belongs to now: `error` is what became of chown().
mode_t mode_for(int error, mode_t mode) noexcept {
    return (error == 0 ? mode : mode & ~kSetIds) & kModeBits;
}

bool is_refused(int error) noexcept {
    return error == EPERM || error == EINVAL || error == ENOTSUP;
}

/// The owner and the group, or the group alone.
int put_owner(int fd, const struct stat& wanted) noexcept {
    if (fchown(fd, wanted.st_uid, wanted.st_gid) == 0) { return 0; }
    const int error = errno;
    if (is_refused(error)) {
        static_cast<void>(!fchown(fd, static_cast<uid_t>(-1), wanted.st_gid));  // As permitted.
    }
    return error;
}

struct Times {
    explicit Times(const struct stat& from) noexcept : list{from.st_atim, from.st_mtim} {}
    timespec list[2];
};

bool has_owner(const struct stat& found, const struct stat& wanted) noexcept {
    return found.st_uid == wanted.st_uid && found.st_gid == wanted.st_gid;
}

}  // namespace

int put_metadata(int from, int to, const struct stat& wanted) noexcept {
    struct stat found;
    if (fstat(to, &found) != 0) { return errno; }
    // In this order: chown() clears bits of the mode and attributes, and all change the times.
    const int owned = has_owner(found, wanted) ? 0 : put_owner(to, wanted);
    if (owned != 0 && !is_refused(owned)) { return owned; }
    const int error = from >= 0 ? system::copy_attributes(from, to, S_ISDIR(wanted.st_mode)) : 0;
    if (error != 0) { return error; }
    if (fchmod(to, mode_for(owned, wanted.st_mode)) != 0) { return errno; }
    return futimens(to, Times(wanted).list) == 0 ? 0 : errno;
}

int mend_metadata(int fd, const struct stat& found, const struct stat& wanted) noexcept {
    const bool has_mode = ((found.st_mode ^ wanted.st_mode) & kModeBits) == 0;
    if (has_owner(found, wanted) && has_mode) { return 0; }
    const int owned = has_owner(found, wanted) ? 0 : put_owner(fd, wanted);
    if (owned != 0 && !is_refused(owned)) { return owned; }
    return fchmod(fd, mode_for(owned, wanted.st_mode)) == 0 || errno == EPERM ? 0 : errno;
}

int put_metadata_of_path(const char* path, const struct stat& wanted) noexcept {
    const int owned = lchown(path, wanted.st_uid, wanted.st_gid) == 0 ? 0 : errno;
    if (owned != 0 && !is_refused(owned)) { return owned; }
    if (!S_ISLNK(wanted.st_mode) && chmod(path, mode_for(owned, wanted.st_mode)) != 0) {
        return errno;
    }
    return utimensat(AT_FDCWD, path, Times(wanted).list, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

bool is_same_age(const struct stat& found, const struct stat& wanted) noexcept {
    const timespec &a = found.st_mtim, &b = wanted.st_mtim;
    return found.st_size == wanted.st_size && a.tv_sec == b.tv_sec &&
           (a.tv_nsec == b.tv_nsec || a.tv_nsec == 0);
}

}  // namespace tool::copy
