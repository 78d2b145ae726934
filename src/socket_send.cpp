// The writing side of a stream.
#include "frame_header.hpp"
#include "socket_stream.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// Writes all of it. Whoever could not, though some of the frame is out, has ended the connection.
Status send_all(StreamEnd end, const unsigned char* from, std::size_t bytes,
                Patience& patience) noexcept {
    while (bytes > 0) {
        const Result<std::size_t> sent = port::socket_send(end.fd, from, bytes);
        Status status = sent.status();
        if (status.code() == Errc::would_block) {
            status = wait_for_stream(end.fd, true, patience);
        } else if (status.ok()) {
            from += *sent;
            bytes -= *sent;
            patience.took(*sent);
        }
        if (status.ok()) { continue; }
        if (!patience.has_begun()) { return status; }
        const Errc why = status.code() == Errc::stalled ? Errc::stalled : Errc::broken_pipe;
        return end_stream(end, end.writing, why);
    }
    return Errc::ok;
}

// The header goes with the beginning of the message: most often all of it, in one packet.
Status send_locked(StreamEnd end, const void* data, std::size_t bytes,
                   Patience& patience) noexcept {
    unsigned char head[kOneWriteBytesMax];
    constexpr std::size_t kRoom = sizeof(head) - kHeaderBytes;
    const std::size_t begun = bytes < kRoom ? bytes : kRoom;
    put_header(head, static_cast<std::int32_t>(bytes));
    if (begun > 0) { __builtin_memcpy(head + kHeaderBytes, data, begun); }
    const Status sent = send_all(end, head, kHeaderBytes + begun, patience);
    if (!sent.ok() || begun == bytes) { return sent; }
    return send_all(end, static_cast<const unsigned char*>(data) + begun, bytes - begun, patience);
}

}  // namespace

Status send_on_stream(StreamEnd end, const void* data, std::size_t bytes,
                      Timeout timeout) noexcept {
    Patience patience(timeout);
    if (!patience.problem().ok()) { return patience.problem(); }
    const Status begun = begin_sending(end, patience.limit());
    if (!begun.ok()) { return begun; }
    end.writing.writing.store(1, std::memory_order_release);
    // If killed from here on: some of the frame may be out, or all. The next who calls here ends
    // the connection.
    const Status sent = send_locked(end, data, bytes, patience);
    end.writing.writing.store(0, std::memory_order_release);
    // If killed here: the frame is whole, or none of it is out, or the connection has ended.
    port::mutex_unlock(end.writing.writers).ignore();
    return sent;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
