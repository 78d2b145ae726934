// Descriptors above 0, 1 and 2, also in a host that has closed those: what anybody prints, or a
// child makes of its standard streams, must not reach our pipes and objects. For port/ only.
#ifndef BROOD_PORT_POSIX_ABOVE_STREAMS_HPP
#define BROOD_PORT_POSIX_ABOVE_STREAMS_HPP

#include <fcntl.h>

#include <port/port.hpp>

namespace brood::port::detail {

/// Puts a close-on-exec copy above 0, 1 and 2 in the place of each of these descriptors that is one
/// of them. False, with errno (no more descriptors): all are closed, and kNoFd. Async-signal-safe.
bool above_streams(Fd* fds, std::size_t count) noexcept;
/// Such a copy, or -1 and errno. Async-signal-safe.
Fd copy_above_streams(Fd fd) noexcept;

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
