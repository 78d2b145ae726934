// The typed pipes' way through a Connection: messages of one size in each direction, bare
// where both fit into pipe_atomic(), in frames where not (then the end has controls).
#include <brood/connection.hpp>

#include "channel.hpp"
#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace {

// Waits until `fd` is ready to read or to write. Returns: ok; timed_out.
Status wait_until(port::Fd fd, bool to_write, std::int64_t deadline_ns) noexcept {
    if (deadline_ns <= 0) { return Errc::timed_out; }  // no_wait(): it was just tried.
    port::PollItem item;
    item.fd = fd;
    item.want_read = !to_write;
    item.want_write = to_write;
    const Result<std::size_t> ready = port::poll(&item, 1, deadline_ns);
    if (!ready.ok()) { return ready.error(); }
    return *ready > 0 ? Errc::ok : Errc::timed_out;
}

// Another process may be faster to the room or to the record: then try and wait again.
Result<std::size_t> write_until(port::Fd fd, const void* record, std::size_t bytes,
                                Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    for (;;) {
        const Result<std::size_t> written = port::write_now(fd, record, bytes);
        if (written.code() != Errc::would_block) { return written; }
        const Status room = wait_until(fd, true, deadline_ns);
        if (!room.ok()) { return room.error(); }
    }
}

Result<std::size_t> read_until(port::Fd fd, void* record, std::size_t bytes,
                               Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    for (;;) {
        const Result<std::size_t> got = port::read_now(fd, record, bytes);
        if (got.code() != Errc::would_block) { return got; }
        const Status ready = wait_until(fd, false, deadline_ns);
        if (!ready.ok()) { return ready.error(); }
    }
}

}  // namespace

// If killed anywhere in here: the record is in the pipe whole, or it is not there.
Status Connection::send_record(const void* record, std::size_t bytes, Timeout timeout) noexcept {
    if (writing_ == nullptr && write_ != port::kNoFd && timeout.is_forever()) {
        return port::write_record(write_, record, bytes);
    }
    return send_record_until(record, bytes, timeout);
}

Status Connection::send_record_until(const void* record, std::size_t bytes,
                                     Timeout timeout) noexcept {
    if (writing_ != nullptr) { return send_bytes(record, bytes, timeout); }
    if (write_ == port::kNoFd) {
        return read_ == port::kNoFd ? Errc::closed : Errc::wrong_direction;
    }
    return write_until(write_, record, bytes, timeout).status();
}

// If killed anywhere in here: the record is still in the pipe, or it went with its reader.
Status Connection::recv_record(void* record, std::size_t bytes, Timeout timeout) noexcept {
    const Errc refusal = refusal_.load(std::memory_order_relaxed);
    if (reading_ == nullptr && read_ != port::kNoFd && timeout.is_forever() &&
        refusal == Errc::ok) {
        return port::read_record(read_, record, bytes);
    }
    return refusal == Errc::ok ? recv_record_until(record, bytes, timeout) : Status(refusal);
}

Status Connection::recv_record_until(void* record, std::size_t bytes, Timeout timeout) noexcept {
    if (read_ == port::kNoFd) {
        return write_ == port::kNoFd ? Errc::closed : Errc::wrong_direction;
    }
    const bool framed = reading_ != nullptr;
    const Result<std::size_t> got = framed ? recv_bytes(record, bytes, timeout)
                                           : read_until(read_, record, bytes, timeout);
    if (!got.ok()) { return got.code() == Errc::buffer_too_short ? Errc::bad_frame : got.status(); }
    if (*got == bytes) { return Errc::ok; }
    return *got == 0 && !framed ? Errc::end_of_stream : Errc::bad_frame;
}

void Connection::distrust() noexcept {
    refusal_.store(Errc::bad_frame, std::memory_order_relaxed);
}

}  // namespace v0
}  // namespace brood
