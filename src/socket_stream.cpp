// What both directions of a stream need: how long they wait, and how they end.
#include "socket_stream.hpp"

#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

const StreamCalls kStreamCalls = {&send_on_stream, &receive_on_stream};

Patience::Patience(Timeout timeout) noexcept : limit_ns_(deadline_of(timeout)), piece_ns_(0) {
    if (timeout.is_forever()) {
        piece_ns_ = port::kNever;
    } else if (timeout.is_valid()) {
        piece_ns_ = timeout.nanoseconds() > kLeastNs ? timeout.nanoseconds() : kLeastNs;
    }
}

Status Patience::problem() const noexcept {
    return limit_ns_ < 0 ? deadline_error(limit_ns_) : Errc::ok;
}

std::int64_t Patience::limit() noexcept {
    if (is_stale_) {
        limit_ns_ = piece_ns_ == port::kNever ? port::kNever : port::now_ns() + piece_ns_;
        is_stale_ = false;
    }
    return limit_ns_;
}

void Patience::took(std::size_t bytes) noexcept {
    taken_ += bytes;
    if (has_begun_ && taken_ < kPieceBytes) { return; }
    has_begun_ = true;
    is_stale_ = true;
    taken_ = 0;
}

Status wait_for_stream(port::Fd fd, bool to_write, Patience& patience) noexcept {
    port::PollItem item;
    item.fd = fd;
    item.want_read = !to_write;
    item.want_write = to_write;
    const Result<std::size_t> ready = port::poll(&item, 1, patience.limit());
    if (!ready.ok()) { return ready.error(); }
    return *ready > 0 ? Errc::ok : patience.verdict();
}

Errc end_stream(StreamEnd end, ChannelControl& control, Errc why) noexcept {
    break_channel(control, why);
    // If killed here: the next who calls finds it broken, and the peer hears when all have closed.
    port::socket_shutdown(end.fd);
    return why_broken(control);
}

Status begin_sending(StreamEnd end, std::int64_t deadline_ns) noexcept {
    const Status locked = port::mutex_lock(end.writing.writers, deadline_ns);
    if (!is_held(locked)) { return locked; }
    // Who holds the lock clears this before it lets go, unless it is killed: then nobody knows how
    // much of its message is in the socket.
    if (end.writing.writing.load(std::memory_order_acquire) != 0) {
        (void)end_stream(end, end.writing, Errc::peer_died);
    }
    const Status status = why_broken(end.writing);
    if (!status.ok()) { port::mutex_unlock(end.writing.writers).ignore(); }
    return status;
}

Status begin_receiving(StreamEnd end, std::int64_t deadline_ns) noexcept {
    // A peer that waits for the rest of a message whose writer was killed shall hear of it, though
    // nobody here ever sends again.
    const bool is_writing = end.writing.writing.load(std::memory_order_acquire) != 0;
    if (is_writing && begin_sending(end, 0).ok()) {
        port::mutex_unlock(end.writing.writers).ignore();
    }
    const Status locked = port::mutex_lock(end.reading.readers, deadline_ns);
    if (!is_held(locked)) { return locked; }
    if (end.reading.reading.load(std::memory_order_acquire) == Reading::inside) {
        (void)end_stream(end, end.reading, Errc::peer_died);
    }
    const Status status = why_broken(end.reading);
    if (!status.ok()) { port::mutex_unlock(end.reading.readers).ignore(); }
    return status;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
