// Closing all descriptors but some.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#include <port/port.hpp>

#include "calls.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

constexpr Fd kFirst = 3;

// The least descriptor to keep from `from` on; INT_MAX if there is none.
Fd next_kept(const Fd* keep, std::size_t count, Fd from) noexcept {
    Fd next = INT_MAX;
    for (std::size_t index = 0; index < count; ++index) {
        if (keep[index] >= from && keep[index] < next) { next = keep[index]; }
    }
    return next;
}

// One call for each gap (close_range, Linux 5.9).
bool close_gaps(const Fd* keep, std::size_t count) noexcept {
    Fd first = kFirst;
    for (;;) {
        const Fd kept = next_kept(keep, count, first);
        const bool has_gap = kept > first;
        if (has_gap && detail::call(SYS_close_range, first, kept - 1, 0) != 0) { return false; }
        if (kept == INT_MAX) { return true; }
        first = kept + 1;
    }
}

// As in the kernel's struct linux_dirent64: 8 bytes inode, 8 offset, 2 length, 1 type, the name.
constexpr std::size_t kLengthAt = 16, kNameAt = 19;

// The number that a name in /proc/self/fd is, or kNoFd ("." and "..").
Fd number_of(const char* name) noexcept {
    Fd number = 0;
    for (; *name >= '0' && *name <= '9'; ++name) { number = number * 10 + (*name - '0'); }
    return *name == '\0' ? number : kNoFd;
}

// By the list of those that are open. By hand, as opendir() has a heap and is not for children.
bool close_listed(const Fd* keep, std::size_t count) noexcept {
    const Fd list = detail::open_file("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    if (list < 0) { return false; }
    alignas(8) char entries[1024];
    long bytes = 0;
    while ((bytes = detail::call(SYS_getdents64, list, entries, sizeof(entries))) > 0) {
        for (long at = 0; at < bytes;) {
            unsigned short length = 0;
            __builtin_memcpy(&length, entries + at + kLengthAt, sizeof(length));
            const Fd fd = number_of(entries + at + kNameAt);
            const bool goes = fd >= kFirst && fd != list && next_kept(keep, count, fd) != fd;
            if (goes) { close(fd); }
            at += length;
        }
    }
    close(list);
    return bytes == 0;
}

// One by one. A limit that was lowered hides those above it: the last resort.
void close_numbers(const Fd* keep, std::size_t count) noexcept {
    rlimit limit = {};
    const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= INT_MAX;
    const Fd end = known ? static_cast<Fd>(limit.rlim_cur) : INT_MAX;
    for (Fd fd = kFirst; fd < end; ++fd) {
        if (next_kept(keep, count, fd) != fd) { close(fd); }
    }
}

}  // namespace

// In containers the limit is sometimes 2^30: counting up to it would take minutes.
void close_all_but(const Fd* keep, std::size_t count) noexcept {
    if (close_gaps(keep, count) || close_listed(keep, count)) { return; }
    close_numbers(keep, count);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
