#include <tools/copy/temporary.hpp>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace tool::copy {
namespace {

constexpr char kPrefix[] = ".brood-copy-";
constexpr std::size_t kPrefixLength = sizeof kPrefix - 1, kDigits = 8;

bool lock(int fd) noexcept {
    struct flock whole = {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    // Who cannot lock at all says so by another error: what is there then counts as nobody's.
    return fcntl(fd, F_SETLK, &whole) == 0 || (errno != EAGAIN && errno != EACCES);
}

bool is_held(int folder, const char* name) noexcept {
    const int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    // Of somebody else nothing is known. A link, or the like, is there for a moment only.
    if (fd < 0) { return errno == EACCES || errno == EPERM; }
    const bool held = !lock(fd);
    close(fd);
    return held;
}

}  // namespace

std::size_t folder_length(const char* path) noexcept {
    const char* const slash = std::strrchr(path, '/');
    return slash == nullptr ? 0 : static_cast<std::size_t>(slash - path) + 1;
}

std::uint32_t new_run() noexcept {
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    const auto moment = static_cast<std::uint64_t>(now.tv_sec) * 1000000000u +
                        static_cast<std::uint64_t>(now.tv_nsec);
    const std::uint64_t mixed = (moment ^ static_cast<std::uint64_t>(getpid()) << 40) *
                                0x9e3779b97f4a7c15u;
    return static_cast<std::uint32_t>(mixed >> 32);
}

Temporary::Temporary(const char* target, std::uint32_t run, std::uint32_t number) noexcept {
    const std::size_t length = folder_length(target);
    std::memcpy(path_, target, length);
    std::snprintf(path_ + length, sizeof path_ - length, "%s%08" PRIx32 "-%08" PRIx32, kPrefix, run,
                  number);
}

int Temporary::create() const noexcept {
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(path_, flags, 0600);
    if (fd < 0 && errno == EEXIST && unlink(path_) == 0) { fd = open(path_, flags, 0600); }
    if (fd >= 0) { lock(fd); }
    return fd;
}

void Temporary::remove() const noexcept {
    unlink(path_);
}

bool Temporary::is_name(const char* name) noexcept {
    const auto has_digits = [](const char* at) {
        return std::strspn(at, "0123456789abcdef") == kDigits;
    };
    return std::strncmp(name, kPrefix, kPrefixLength) == 0 && has_digits(name + kPrefixLength) &&
           name[kPrefixLength + kDigits] == '-' && has_digits(name + kPrefixLength + kDigits + 1) &&
           name[kPrefixLength + 2 * kDigits + 1] == '\0';
}

void Temporary::remove_stale(const char* folder) noexcept {
    DIR* const list = opendir(folder);
    if (list == nullptr) { return; }
    while (const dirent* entry = readdir(list)) {
        if (is_name(entry->d_name) && !is_held(dirfd(list), entry->d_name)) {
            unlinkat(dirfd(list), entry->d_name, 0);
        }
    }
    closedir(list);
}

}  // namespace tool::copy
