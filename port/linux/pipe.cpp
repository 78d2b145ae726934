// Pipes: reading and writing without SIGPIPE, and without blocking, in one system call each where
// the kernel can: RWF_NOWAIT (pipes: Linux 6.4), RWF_NOSIGNAL (6.18).
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <port/port.hpp>
#include <port/posix/above_streams.hpp>
#include <port/posix/broken_pipe.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// From <linux/fs.h>, which may be older than the kernel we run on.
constexpr int kNoWait = 0x8;
constexpr int kNoSignal = 0x100;

std::atomic<bool> g_broken_pipe_ignored{false};

// What this kernel lacks or a sandbox forbids, learned at the first failure, so that the second
// costs nothing. Threads that learn together learn the same.
std::atomic<bool> g_no_read_flags{false};   // preadv2
std::atomic<bool> g_no_write_flags{false};  // pwritev2
std::atomic<bool> g_no_signal_flag{false};  // RWF_NOSIGNAL

bool is_set(const std::atomic<bool>& flag) noexcept {
    return flag.load(std::memory_order_relaxed);
}

// The call is missing, or this kernel (EINVAL before Linux 4.13) or this file has not that flag.
// Where EINVAL has another reason, the plain call fails with it again.
bool is_unsupported(int err) noexcept {
    return detail::is_missing(err) || err == EOPNOTSUPP || err == EINVAL;
}

long with_flags(long number, Fd fd, void* data, std::size_t bytes, int flags) noexcept {
    iovec piece = {data, bytes};
    long count = -1;
    do {  // Offset -1, in two words: where the file stands, as with read() and write().
        count = detail::call(number, fd, &piece, 1, -1l, -1l, flags);
    } while (count < 0 && errno == EINTR);
    return count;
}

// By the plain call where that will do: the other takes half as long again.
long write_with(int flags, Fd fd, const void* data, std::size_t bytes) noexcept {
    long count = -1;
    if (flags == 0) {
        do { count = ::write(fd, data, bytes); } while (count < 0 && errno == EINTR);
    } else {
        count = with_flags(SYS_pwritev2, fd, const_cast<void*>(data), bytes, flags);
        if (count < 0 && detail::is_missing(errno)) { g_no_write_flags.store(true); }
    }
    return count;
}

Result<std::size_t> outcome(long count) noexcept {
    if (count < 0) { return detail::last_error(); }
    return static_cast<std::size_t>(count);
}

// Pipes and sockets have every flag that the kernel has, so their refusal speaks for the kernel.
bool is_stream(Fd fd) noexcept {
    sockaddr address;
    socklen_t bytes = sizeof(address);
    return detail::call(SYS_fcntl, fd, F_GETPIPE_SZ) >= 0 ||
           ::getsockname(fd, &address, &bytes) == 0;
}

// Without a SIGPIPE. A count, or -1 and errno. What a pipe or socket refuses with RWF_NOSIGNAL this
// kernel has not: RWF_NOWAIT, if it was asked for, too, is older.
long write_quietly(int flags, Fd fd, const void* data, std::size_t bytes) noexcept {
    if (is_set(g_broken_pipe_ignored)) { return write_with(flags, fd, data, bytes); }
    if (!is_set(g_no_write_flags) && !is_set(g_no_signal_flag)) {
        const long count = write_with(flags | kNoSignal, fd, data, bytes);
        if (count >= 0 || !is_unsupported(errno)) { return count; }
        if (!detail::is_missing(errno) && is_stream(fd)) { g_no_signal_flag.store(true); }
    }
    detail::BrokenPipeGuard guard;
    const long count = write_with(flags, fd, data, bytes);
    if (count < 0 && errno == EPIPE) {
        guard.take_ours();
        errno = EPIPE;
    }
    return count;
}

Status read_whole(const Result<std::size_t>& got, std::size_t bytes) noexcept {
    if (!got.ok()) { return got.status(); }
    if (*got == bytes) { return {}; }
    return *got == 0 ? Errc::end_of_stream : Errc::bad_frame;
}

Status ready_now(PollItem item) noexcept {
    const Result<std::size_t> ready = poll(&item, 1, 0);
    if (!ready) { return ready.status(); }
    if (*ready == 0) { return Errc::would_block; }
    return {};
}

}  // namespace

Status pipe(Fd ends[2]) noexcept {
    const bool made = detail::call(SYS_pipe2, ends, O_CLOEXEC) == 0;
    if (!made || !detail::above_streams(ends, 2)) { return detail::last_error(); }
    return {};
}

Result<std::size_t> read(Fd fd, void* buffer, std::size_t bytes) noexcept {
    long count = -1;
    do { count = ::read(fd, buffer, bytes); } while (count < 0 && errno == EINTR);
    return outcome(count);
}

Result<std::size_t> read_now(Fd fd, void* buffer, std::size_t bytes) noexcept {
    if (!is_set(g_no_read_flags)) {
        const long count = with_flags(SYS_preadv2, fd, buffer, bytes, kNoWait);
        if (count >= 0 || !is_unsupported(errno)) { return outcome(count); }
        if (detail::is_missing(errno)) { g_no_read_flags.store(true); }
    }
    PollItem item;
    item.fd = fd;
    item.want_read = true;
    const Status ready = ready_now(item);
    if (!ready) { return ready.error(); }
    return read(fd, buffer, bytes);
}

// Measured, 64 bytes through a pipe on 6.18: write() 2.9 million a second, RWF_NOSIGNAL 2.0, the
// guard 1.05.
Result<std::size_t> write(Fd fd, const void* data, std::size_t bytes) noexcept {
    return outcome(write_quietly(0, fd, data, bytes));
}

// A system call leaves the processor with few return addresses that it predicts (measured on AMD
// with the kernel's "safe RET": 10 ns for each return after it). So these two make the call
// themselves, and are made to be called last.

Status read_record(Fd fd, void* record, std::size_t bytes) noexcept {
    const long count = ::read(fd, record, bytes);
    if (count == static_cast<long>(bytes)) { return {}; }
    if (count < 0 && errno == EINTR) { return read_whole(read(fd, record, bytes), bytes); }
    return read_whole(outcome(count), bytes);
}

Status write_record(Fd fd, const void* record, std::size_t bytes) noexcept {
    long count = 0;
    if (is_set(g_broken_pipe_ignored)) {
        count = ::write(fd, record, bytes);
    } else if (!is_set(g_no_write_flags) && !is_set(g_no_signal_flag)) {
        const iovec piece = {const_cast<void*>(record), bytes};
        count = ::syscall(SYS_pwritev2, long{fd}, &piece, 1l, -1l, -1l, long{kNoSignal});
    }
    if (count == static_cast<long>(bytes)) { return {}; }
    return write(fd, record, bytes).status();  // Nothing was written: it tells why, or tries again.
}

// Without RWF_NOWAIT: a pipe that polls writable has room for PIPE_BUF bytes, so that many never
// block, unless another writer takes the room between the two calls.
Result<std::size_t> write_now(Fd fd, const void* data, std::size_t bytes) noexcept {
    if (!is_set(g_no_write_flags)) {
        const long count = write_quietly(kNoWait, fd, data, bytes);
        if (count >= 0 || !is_unsupported(errno)) { return outcome(count); }
    }
    PollItem item;
    item.fd = fd;
    item.want_write = true;
    const Status ready = ready_now(item);
    if (!ready) { return ready.error(); }
    return write(fd, data, bytes < PIPE_BUF ? bytes : PIPE_BUF);
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
    return PIPE_BUF;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
