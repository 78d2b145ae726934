// The reading side of a stream.
#include "frame_header.hpp"
#include "socket_stream.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

void set_reading(StreamEnd end, Reading reading) noexcept {
    end.reading.reading.store(reading, std::memory_order_release);
}

// Reads exactly `bytes` bytes of a frame that has begun; otherwise the connection has ended.
Status read_rest(StreamEnd end, void* buffer, std::size_t bytes, Patience& patience) noexcept {
    unsigned char* at = static_cast<unsigned char*>(buffer);
    while (bytes > 0) {
        const Result<std::size_t> got = port::read(end.fd, at, bytes);
        Status status = got.status();
        if (status.code() == Errc::would_block) {
            status = wait_for_stream(end.fd, false, patience);
        } else if (status.ok()) {
            if (*got == 0) { status = Errc::peer_died; }  // Or it closed in the middle.
            at += *got;
            bytes -= *got;
            patience.took(*got);
        }
        if (status.ok()) { continue; }
        const Errc why = status.code() == Errc::stalled ? Errc::stalled : Errc::peer_died;
        return end_stream(end, end.reading, why);
    }
    return Errc::ok;
}

// The first bytes of a frame: at least one. Until there is one, nothing changes.
Result<std::size_t> read_first(StreamEnd end, unsigned char* header, Patience& patience) noexcept {
    for (;;) {
        // If killed here, and this is where readers sleep: nothing was taken, nothing is broken.
        const Status ready = wait_for_stream(end.fd, false, patience);
        if (!ready.ok()) { return ready.error(); }
        set_reading(end, Reading::inside);
        // If killed here: bytes of the header may be gone. The next reader ends the connection.
        const Result<std::size_t> got = port::read(end.fd, header, kHeaderBytes);
        if (got.ok() && *got > 0) {
            patience.took(*got);
            return got;
        }
        set_reading(end, Reading::at_header);
        // Closed, or killed with messages of ours unread: nothing more will come.
        if (got.ok() || got.code() == Errc::broken_pipe) { return Errc::end_of_stream; }
        if (got.code() == Errc::would_block) { continue; }
        return got.code() == Errc::timed_out ? Error(Errc::peer_died, got.error().os_error()) : got;
    }
}

Result<std::uint64_t> read_length(StreamEnd end, const unsigned char* header,
                                  Patience& patience) noexcept {
    const std::int32_t length = header_of(header);
    if (length >= 0) { return static_cast<std::uint64_t>(length); }
    if (length == kLongLength) {
        unsigned char bytes[kLongLengthBytes];
        const Status status = read_rest(end, bytes, sizeof(bytes), patience);
        if (!status.ok()) { return status.error(); }
        const std::uint64_t long_length = big_endian(bytes, sizeof(bytes));
        if (long_length <= INT64_MAX) { return long_length; }
    }
    return end_stream(end, end.reading, Errc::bad_frame);
}

// Takes the header of the next frame, so that Reading::at_message.
Status take_header(StreamEnd end, Patience& patience) noexcept {
    unsigned char header[kHeaderBytes];
    const Result<std::size_t> got = read_first(end, header, patience);
    if (!got.ok()) { return got.status(); }
    const Status rest = read_rest(end, header + *got, sizeof(header) - *got, patience);
    if (!rest.ok()) { return rest; }
    const Result<std::uint64_t> length = read_length(end, header, patience);
    if (!length.ok()) { return length.status(); }
    end.reading.length = *length;
    // If killed here: still Reading::inside, so the next reader ends the connection.
    set_reading(end, Reading::at_message);
    // If killed here: the next reader goes on with the message.
    return Errc::ok;
}

Result<std::size_t> receive_locked(StreamEnd end, const Room& room, Patience& patience) noexcept {
    if (end.reading.reading.load(std::memory_order_acquire) == Reading::at_header) {
        const Status status = take_header(end, patience);
        if (!status.ok()) { return status.error(); }
    }
    const std::uint64_t length = end.reading.length;
    const std::int64_t detail = static_cast<std::int64_t>(length);
    if (length > room.longest) { return Error(Errc::message_too_long, 0, detail); }
    if (length > room.bytes) { return Error(Errc::buffer_too_short, 0, detail); }

    const std::size_t bytes = static_cast<std::size_t>(length);
    patience.took(0);  // A message that was left for this call has begun.
    set_reading(end, Reading::inside);
    // If killed here: part of the message may be gone. The next reader ends the connection.
    const Status status = read_rest(end, room.buffer, bytes, patience);
    if (!status.ok()) { return status.error(); }
    set_reading(end, Reading::at_header);
    // If killed here: the message went with its reader, as if it had just returned it.
    return bytes;
}

}  // namespace

Result<std::size_t> receive_on_stream(StreamEnd end, const Room& room, Timeout timeout) noexcept {
    Patience patience(timeout);
    if (!patience.problem().ok()) { return patience.problem().error(); }
    const Status begun = begin_receiving(end, patience.limit());
    if (!begun.ok()) { return begun.error(); }
    const Result<std::size_t> got = receive_locked(end, room, patience);
    port::mutex_unlock(end.reading.readers).ignore();
    return got;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
