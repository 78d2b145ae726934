// Giving a shared object its length and its memory.
#include "grow_object.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "errors.hpp"
#include "memory_limit.hpp"

namespace brood::port::detail {
namespace {

// Allocates from `start` to `end` in pieces: a signal undoes the piece it interrupts, and the next
// is half as long, down to a page. So a storm of signals slows it down, but cannot stop it.
Status allocate_range(Fd fd, off_t start, off_t end) noexcept {
    const auto page = static_cast<off_t>(page_bytes());
    off_t piece = page * 1024;
    while (start < end) {
        if (piece > end - start) { piece = end - start; }
        const int err = ::posix_fallocate(fd, start, piece);
        if (err == 0) {
            start += piece;
        } else if (err != EINTR) {
            return error_of(err);
        } else if (piece > page) {
            piece = (piece / 2 + page - 1) / page * page;
        }
    }
    return {};
}

// To grow beyond RLIMIT_FSIZE would raise SIGXFSZ, and so kill the host.
bool within_file_limit(std::size_t bytes) noexcept {
    rlimit limit = {};
    if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) { return true; }
    return limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur;
}

}  // namespace

Status set_length(Fd fd, std::size_t bytes) noexcept {
    while (::ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
        if (errno != EINTR) { return last_error(); }
    }
    return {};
}

Status check_object_size(std::size_t bytes) noexcept {
    if (bytes == 0) { return Errc::size_zero; }
    if (bytes > PTRDIFF_MAX) { return Errc::size_too_large; }  // No address space has room for it.
    if (!within_file_limit(bytes)) { return error_of(EFBIG); }
    return {};
}

Status grow_object(Fd fd, std::uint64_t before, std::size_t bytes) noexcept {
    const auto old_end = static_cast<off_t>(before);
    const auto new_end = static_cast<off_t>(bytes);
    Status status;
    if (new_end > old_end) {
        status = fits_memory_limit(static_cast<std::size_t>(new_end - old_end));
        if (!status) { return status; }
        // Its length first: some systems allocate only inside the length of a shared object.
        status = set_length(fd, bytes);
    }
    // If killed here: the object has its length, but not its memory. Who made it has not published
    // it, so nobody uses it; calling this again allocates what is missing.
    if (status.ok()) { status = allocate_range(fd, 0, new_end); }
    if (!status.ok() && new_end > old_end) {
        set_length(fd, static_cast<std::size_t>(before)).ignore();
    }
    return status;
}

}  // namespace brood::port::detail
