// A stream: the frames of a channel over a socket, whose other end is a process that shares no
// memory with this one, may be hostile, and may stop anywhere.
//
// Several processes may share an end: as of a pipe, its readers and its writers take turns. A
// socket takes what it has room for, not whole messages. So who is killed anywhere in a message,
// also a short one, leaves a part of it, and ends the connection for both sides.
#ifndef BROOD_SRC_SOCKET_STREAM_HPP
#define BROOD_SRC_SOCKET_STREAM_HPP

#include <brood/timeout.hpp>

#include "channel.hpp"

namespace brood {

inline namespace v0 {

class Connection;

namespace detail {

/// A socket, as the processes of one side see it. Of each control only one half is used.
struct StreamEnd {
    ChannelControl& reading;
    ChannelControl& writing;
    port::Fd fd;
};

/// How a Connection sends and receives that is a stream; so those without one link none of it.
struct StreamCalls {
    /// As send_frame(), and: stalled.
    Status (*send)(StreamEnd end, const void* data, std::size_t bytes, Timeout timeout) noexcept;
    /// As receive_frame(), and: stalled.
    Result<std::size_t> (*receive)(StreamEnd end, const Room& room, Timeout timeout) noexcept;
};
extern const StreamCalls kStreamCalls;

Status send_on_stream(StreamEnd end, const void* data, std::size_t bytes, Timeout timeout) noexcept;
Result<std::size_t> receive_on_stream(StreamEnd end, const Room& room, Timeout timeout) noexcept;

/// How long a call may wait: `timeout` for its first byte, and then as long again for each 64 KiB,
/// but 5 seconds at least. So a peer that stops in the middle, or sends a byte now and then, holds
/// nobody up for long, and one that goes on is waited for.
class Patience {
public:
    static constexpr std::size_t kPieceBytes = 65536;
    static constexpr std::int64_t kLeastNs = 5000000000;

    explicit Patience(Timeout timeout) noexcept;
    /// Not ok: the timeout was none.
    Status problem() const noexcept;
    bool has_begun() const noexcept { return has_begun_; }
    /// Until when the next byte is waited for.
    std::int64_t limit() noexcept;
    /// So many bytes went through.
    void took(std::size_t bytes) noexcept;
    /// What to say when limit() has come.
    Errc verdict() const noexcept { return has_begun_ ? Errc::stalled : Errc::timed_out; }

private:
    std::int64_t limit_ns_, piece_ns_;
    std::size_t taken_ = 0;  // of this piece
    bool has_begun_ = false;
    bool is_stale_ = false;  // limit_ns_: that of the piece before
};

/// Waits until the socket is ready. Returns: ok; patience.verdict().
Status wait_for_stream(port::Fd fd, bool to_write, Patience& patience) noexcept;

/// Makes the caller the one writer, or reader. On failure it is not. Ends the connection if the
/// last one was killed inside a message.
Status begin_sending(StreamEnd end, std::int64_t deadline_ns) noexcept;
Status begin_receiving(StreamEnd end, std::int64_t deadline_ns) noexcept;

/// Ends the connection for both sides; `why` is what those at this one will hear of that control.
Errc end_stream(StreamEnd end, ChannelControl& control, Errc why) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
