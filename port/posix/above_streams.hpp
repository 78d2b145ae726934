// Descriptors above 0, 1 and 2, also in a host that has closed those: what anybody prints, or a
// child makes of its standard streams, must not reach our pipes and objects. For port/ only.
#ifndef BROOD_PORT_POSIX_ABOVE_STREAMS_HPP
#define BROOD_PORT_POSIX_ABOVE_STREAMS_HPP

#include <errno.h>
#include <fcntl.h>

#include <port/port.hpp>

#include "errors.hpp"

namespace brood::port::detail {

/// `fd`, or if it is 0, 1 or 2 a close-on-exec copy above them in its place. On failure (no more
/// descriptors) it is closed. Async-signal-safe.
inline Result<Fd> above_streams(Fd fd) noexcept {
    if (fd > 2) { return fd; }
    const Fd moved = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    const int err = errno == EINVAL ? EMFILE : errno;  // The limit does not even allow a 3.
    close(fd);
    if (moved < 0) { return error_of(err); }
    return moved;
}

/// The same for both ends of a pipe. On failure both are closed.
inline Status pair_above_streams(const Fd (&made)[2], Fd ends[2]) noexcept {
    const Result<Fd> first = above_streams(made[0]);
    const Result<Fd> second = above_streams(made[1]);
    if (first && second) {
        ends[0] = *first;
        ends[1] = *second;
        return {};
    }
    close(first.value_or(kNoFd));
    close(second.value_or(kNoFd));
    return first ? second.status() : first.status();
}

/// Keeps the standard descriptors taken while another is made which must not be moved: to close any
/// descriptor of a file gives up the record locks that the process has on it.
class StreamsTaken {
public:
    StreamsTaken() noexcept {
        for (Fd stream = 0; stream <= 2; ++stream) {
            if (::fcntl(stream, F_GETFD) >= 0) { continue; }
            // Takes the lowest free number, as will whatever is made next: here or above 2.
            taken_[stream] = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        }
    }
    ~StreamsTaken() noexcept {
        for (const Fd fd : taken_) { close(fd); }
    }
    StreamsTaken(const StreamsTaken&) = delete;
    StreamsTaken& operator=(const StreamsTaken&) = delete;

private:
    Fd taken_[3] = {kNoFd, kNoFd, kNoFd};
};

}  // namespace brood::port::detail

#endif
