#include "zero_pages.hpp"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "errors.hpp"

namespace brood::port::detail {
namespace {

constexpr std::size_t kPiece = 1024 * 1024;

// A page that cannot be had is a bad address (EFAULT) to a system call.
Status read_zeroes(Fd zero, unsigned char* place, std::size_t bytes) noexcept {
    while (bytes > 0) {
        const ssize_t count = ::read(zero, place, bytes < kPiece ? bytes : kPiece);
        if (count > 0) {
            place += count;
            bytes -= static_cast<std::size_t>(count);
        } else if (count == 0 || errno == EFAULT) {
            return Error(Errc::no_space, ENOSPC);
        } else if (errno != EINTR) {
            return last_error();
        }
    }
    return {};
}

}  // namespace

Status zero_pages(void* address, std::size_t bytes) noexcept {
    Fd zero = kNoFd;
    while ((zero = ::open("/dev/zero", O_RDONLY | O_CLOEXEC)) < 0) {
        if (errno != EINTR) { return last_error(); }
    }
    const Status done = read_zeroes(zero, static_cast<unsigned char*>(address), bytes);
    close(zero);
    return done;
}

}  // namespace brood::port::detail
