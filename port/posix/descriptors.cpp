// Descriptors: close, duplicate, poll.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "time.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

Status clear_close_on_exec(Fd fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || ::fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) < 0) { return detail::last_error(); }
    return {};
}

// The longest poll() for what is left: rounded up, so that it never spins in the last millisecond.
int milliseconds(std::int64_t left_ns) noexcept {
    if (left_ns == kNever) { return -1; }
    const std::int64_t left_ms = left_ns / 1000000 + (left_ns % 1000000 != 0 ? 1 : 0);
    return left_ms > INT_MAX ? INT_MAX : static_cast<int>(left_ms);
}

// poll() until something happened or the deadline has passed, over signals and short time-outs.
int poll_until(pollfd* polled, std::size_t count, std::int64_t deadline_ns) noexcept {
    for (;;) {
        const std::int64_t left = detail::left_until(deadline_ns);
        const int found = ::poll(polled, static_cast<nfds_t>(count), milliseconds(left));
        if (found > 0 || (found < 0 && errno != EINTR)) { return found; }
        if (found == 0 && detail::left_until(deadline_ns) == 0) { return 0; }
    }
}

}  // namespace

// Not again after EINTR: most systems have closed it then, and the number may be another's by now.
void close(Fd fd) noexcept {
    if (fd >= 0) { (void)::close(fd); }
}

Status duplicate_to(Fd fd, Fd target) noexcept {
    if (fd == target) { return clear_close_on_exec(fd); }  // dup2() would leave the flag.
    while (::dup2(fd, target) < 0) {
        if (errno != EINTR) { return detail::last_error(); }
    }
    return {};
}

Result<std::size_t> poll(PollItem* items, std::size_t count, std::int64_t deadline_ns) noexcept {
    if (count > kPollMax) { return Errc::bad_argument; }
    pollfd polled[kPollMax];
    for (std::size_t index = 0; index < count; ++index) {
        const PollItem& item = items[index];
        const int events = (item.want_read ? POLLIN : 0) | (item.want_write ? POLLOUT : 0);
        polled[index] = {item.fd, static_cast<short>(events), 0};
    }
    if (poll_until(polled, count, deadline_ns) < 0) { return detail::last_error(); }

    std::size_t ready = 0;
    for (std::size_t index = 0; index < count; ++index) {
        const int events = polled[index].revents;
        if ((events & POLLNVAL) != 0) { return detail::error_of(EBADF); }
        items[index].ready = events != 0;
        if (events != 0) { ++ready; }
    }
    return ready;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
