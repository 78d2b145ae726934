// Pipes: reading and writing without SIGPIPE, and without blocking.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <port/port.hpp>

#include "above_streams.hpp"
#include "broken_pipe.hpp"
#include "errors.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

#ifdef PIPE_BUF
constexpr std::size_t kPipeAtomic = PIPE_BUF;
#else
constexpr std::size_t kPipeAtomic = _POSIX_PIPE_BUF;  // It differs by file: the least there is.
#endif

std::atomic<bool> g_broken_pipe_ignored{false};

Status set_close_on_exec(Fd fd) noexcept {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) { return detail::last_error(); }
    return {};
}

Result<std::size_t> write_plainly(Fd fd, const void* data, std::size_t bytes) noexcept {
    for (;;) {
        const ssize_t count = ::write(fd, data, bytes);
        if (count >= 0) { return static_cast<std::size_t>(count); }
        if (errno != EINTR) { return detail::last_error(); }
    }
}

Status ready_now(PollItem item) noexcept {
    const Result<std::size_t> ready = poll(&item, 1, 0);
    if (!ready) { return ready.status(); }
    if (*ready == 0) { return Errc::would_block; }
    return {};
}

}  // namespace

Status pipe(Fd ends[2]) noexcept {
    int made[2] = {kNoFd, kNoFd};
    if (::pipe(made) != 0) { return detail::last_error(); }
    Status status = set_close_on_exec(made[0]);
    if (status.ok()) { status = set_close_on_exec(made[1]); }
    if (status.ok() && !detail::above_streams(made, 2)) { status = detail::last_error(); }
    if (status.ok()) {
        ends[0] = made[0];
        ends[1] = made[1];
        return status;
    }
    close(made[0]);
    close(made[1]);
    return status;
}

Result<std::size_t> read(Fd fd, void* buffer, std::size_t bytes) noexcept {
    for (;;) {
        const ssize_t count = ::read(fd, buffer, bytes);
        if (count >= 0) { return static_cast<std::size_t>(count); }
        if (errno != EINTR) { return detail::last_error(); }
    }
}

Result<std::size_t> read_now(Fd fd, void* buffer, std::size_t bytes) noexcept {
    PollItem item;
    item.fd = fd;
    item.want_read = true;
    const Status ready = ready_now(item);
    if (!ready) { return ready.error(); }
    return read(fd, buffer, bytes);
}

Result<std::size_t> write(Fd fd, const void* data, std::size_t bytes) noexcept {
    if (g_broken_pipe_ignored.load(std::memory_order_relaxed)) {
        return write_plainly(fd, data, bytes);
    }
    detail::BrokenPipeGuard guard;
    const Result<std::size_t> written = write_plainly(fd, data, bytes);
    if (written.code() == Errc::broken_pipe) { guard.take_ours(); }
    return written;
}

Status read_record(Fd fd, void* record, std::size_t bytes) noexcept {
    const Result<std::size_t> got = read(fd, record, bytes);
    if (!got.ok()) { return got.status(); }
    if (*got == bytes) { return {}; }
    return *got == 0 ? Errc::end_of_stream : Errc::bad_frame;
}

Status write_record(Fd fd, const void* record, std::size_t bytes) noexcept {
    return write(fd, record, bytes).status();
}

// A pipe that polls writable has room for PIPE_BUF bytes, so that many never block, unless another
// writer takes the room between the two calls. O_NONBLOCK would be sure, but it belongs to the open
// file: it would change under every other process that shares this end, and stay if we are killed.
Result<std::size_t> write_now(Fd fd, const void* data, std::size_t bytes) noexcept {
    PollItem item;
    item.fd = fd;
    item.want_write = true;
    const Status ready = ready_now(item);
    if (!ready) { return ready.error(); }
    return write(fd, data, bytes < kPipeAtomic ? bytes : kPipeAtomic);
}

void poke(Fd fd) noexcept {
    PollItem item;
    item.fd = fd;
    item.want_write = true;
    if (ready_now(item).ok()) { static_cast<void>(::write(fd, "", 1)); }
}

void assume_broken_pipe_ignored(bool assume) noexcept {
    g_broken_pipe_ignored.store(assume, std::memory_order_relaxed);
}

std::size_t pipe_atomic() noexcept {
    return kPipeAtomic;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
