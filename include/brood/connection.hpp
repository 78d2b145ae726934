// Connection: one end of a channel of byte messages of any length.
#ifndef BROOD_CONNECTION_HPP
#define BROOD_CONNECTION_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <brood/detail/fork_link.hpp>
#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

struct ConnectionPair;
namespace detail {
struct ChannelControl;
struct StreamCalls;
}  // namespace detail

/// One end of a channel made of pipe(2), or of a socket (see Listener and Client): what one
/// send_bytes() sends, one recv_bytes() receives. The wire carries the frames of Python's
/// multiprocessing.connection: a 4-byte big-endian length (or -1 and 8 bytes), then the message.
///
/// Memory:  the object, two or four descriptors (of a socket one), and a page shared by both ends
///          (of a socket by those who have this end). No heap, whatever length a frame claims.
/// Fork:    make the channel before fork(). Several processes may use one end: each message goes to
///          exactly one reader, whole. close() the ends a process does not use, or readers never
///          see the end of the stream; an end that is moved into a Process is closed on this side
///          by start(), and its peer on the other side.
/// Crash:   a message of up to PIPE_BUF (4096 on Linux) with its 4 bytes of length is written whole
///          or not at all. A process killed while it writes a longer one, or at the moment when it
///          takes bytes of any out (not while it waits for them), breaks that direction for good:
///          every end answers peer_died, at once or 250 ms later, and never a wrong message. If it
///          was a writer, what was sent before is still received.
///          Of a socket, a process killed inside any message breaks both directions: a socket takes
///          as many bytes as it has room for. The peer hears end_of_stream, or peer_died inside a
///          message: when the last process that has the other end is gone, or at the next call of
///          one that is left.
/// Sockets: the descriptor is non-blocking, for all who have it. A peer that stops inside a message
///          holds up a call with a timeout no longer than that timeout again, but 5 s at least, for
///          each 64 KiB of it; then the connection is over: stalled.
/// SIGPIPE: never raised; see signals::ignore_broken_pipes() for speed.
/// Threads: any number at one end. Not a signal handler.
class Connection {
public:
    /// Both ends of a new channel; duplex: each sends and receives (two pipes); otherwise the first
    /// end only receives and the second only sends.
    /// Errors: too_many_files, no_memory, no_space.
    static Result<ConnectionPair> pipe(bool duplex = true) noexcept;

    Connection() noexcept = default;
    Connection(Connection&& other) noexcept;
    Connection& operator=(Connection&& other) noexcept;
    ~Connection() noexcept { close(); }

    /// Sends one message (0 bytes are a message, too).
    /// Blocks:  until it fits into the pipe, or is read as far as it does not fit.
    /// Returns: ok; timed_out (nothing sent; once a longer message has begun to flow the call goes
    ///          on to its end, since half a message helps nobody); stalled (of a socket: it did not
    ///          come to its end); broken_pipe; peer_died; closed; wrong_direction; size_too_large
    ///          (> 2^31 - 1); bad_argument (null).
    /// Killed here: see Crash above. A lock held by the victim is healed by the next sender.
    Status send_bytes(const void* data, std::size_t bytes,
                      Timeout timeout = Timeout::forever()) noexcept;
    /// Sends `size` bytes from `offset` on of a buffer of `bytes`; out_of_range if there are fewer.
    Status send_bytes(const void* buffer, std::size_t bytes, std::size_t offset, std::size_t size,
                      Timeout timeout = Timeout::forever()) noexcept;

    /// Receives one message into `buffer` and returns its length.
    /// Blocks:  until there is one.
    /// Returns: the length; end_of_stream (all senders closed and all was read); timed_out (nothing
    ///          taken; once a message has begun to come, the call goes on to its end);
    ///          buffer_too_short (detail: the bytes needed; the message stays: call again);
    ///          message_too_long (beyond receive_at_most(); this end refuses further reads);
    ///          peer_died; bad_frame (a stranger wrote; this end refuses further reads); stalled
    ///          (of a socket: the peer stopped inside of it); closed; wrong_direction.
    Result<std::size_t> recv_bytes(void* buffer, std::size_t bytes,
                                   Timeout timeout = Timeout::forever()) noexcept;
    /// The same to `offset` in a buffer of `bytes`; out_of_range if offset > bytes.
    Result<std::size_t> recv_bytes_into(void* buffer, std::size_t bytes, std::size_t offset,
                                        Timeout timeout = Timeout::forever()) noexcept;
    /// The longest message this end accepts (Python: maxlength). At first 2^31 - 1.
    void receive_at_most(std::size_t bytes) noexcept { longest_ = bytes; }

    /// Sends a copy of a descriptor to the other end of a socket of AF_UNIX, as Python's
    /// multiprocessing.reduction.send_handle(). The receiver must call recv_fd() for it: on the
    /// wire it lies between two messages. The caller still has its own.
    /// Returns: ok; timed_out; unsupported (no socket of AF_UNIX); bad_argument or closed (no such
    ///          descriptor); broken_pipe; peer_died; stalled.
    Status send_fd(int fd, Timeout timeout = Timeout::forever()) noexcept;
    /// Receives one, close-on-exec, which is the caller's to close: recv_handle() of Python.
    /// Returns: it; timed_out; end_of_stream; too_many_files (it is lost); bad_frame (no
    ///          descriptor is next, or several at once, which are closed: the connection is over,
    ///          unless it is a message of which recv_bytes() said how long it is); as recv_bytes().
    Result<int> recv_fd(Timeout timeout = Timeout::forever()) noexcept;

    /// Whether recv_bytes() would find a message, or the end of the stream, within `timeout`.
    Result<bool> poll(Timeout timeout = Timeout::no_wait()) noexcept;
    /// The descriptor to poll for reading (of a sending end: for writing); -1 when closed.
    int fileno() const noexcept { return read_ >= 0 ? read_ : write_; }
    bool can_receive() const noexcept { return read_ >= 0; }
    bool can_send() const noexcept { return write_ >= 0; }
    /// Closes this end in this process. Closing twice is fine.
    void close() noexcept;

private:
    friend struct ConnectionAccess;  // src/connection_access.hpp
    friend class PipeEnd;

    // Typed pipes: in each direction messages of one size, without a header where those of both
    // fit into PIPE_BUF.
    static Result<ConnectionPair> record_pipe(std::size_t longest, bool duplex) noexcept;
    Status send_record(const void* record, std::size_t bytes, Timeout timeout) noexcept;
    Status recv_record(void* record, std::size_t bytes, Timeout timeout) noexcept;
    Status send_record_until(const void* record, std::size_t bytes, Timeout timeout) noexcept;
    Status recv_record_until(void* record, std::size_t bytes, Timeout timeout) noexcept;
    void distrust() noexcept;

    detail::ForkLink link_;
    std::int32_t read_ = -1, write_ = -1;
    std::uint32_t channel_ = 0;            // both ends of a channel have the same number
    std::atomic<Errc> refusal_{Errc::ok};  // what reads answer after message_too_long, bad_frame
    std::size_t longest_ = 0x7fffffff;
    detail::ChannelControl* reading_ = nullptr;  // locks and frame state of the pipe read from
    detail::ChannelControl* writing_ = nullptr;
    const detail::StreamCalls* stream_ = nullptr;  // of a socket; null: of pipes
};

struct ConnectionPair {
    Connection first;
    Connection second;
};

}  // namespace v0
}  // namespace brood

#endif
