// The reading side of a channel.
#include "channel.hpp"
#include "deadline.hpp"
#include "frame_header.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

void set_reading(ChannelControl& control, Reading reading) noexcept {
    control.reading.store(reading, std::memory_order_release);
}

Status status_of(const ChannelControl& control) noexcept {
    return why_broken(control);
}

// A frame that begins or goes on here will never be whole. For good: nobody can tell what follows.
Status give_up(ChannelControl& control) noexcept {
    break_channel(control, Errc::peer_died);
    return status_of(control);
}

// Whether the frame whose header was taken last is the one that its dead writer left unfinished.
bool is_torn(const ChannelControl& control) noexcept {
    return has_torn_frame(control) && control.torn.load(std::memory_order_acquire) == control.taken;
}

// Makes the caller the one reader. On failure it is not.
Status begin_reading(ChannelControl& control, std::int64_t deadline_ns) noexcept {
    const Status locked = port::mutex_lock(control.readers, deadline_ns);
    if (!is_held(locked)) { return locked; }
    // The holder of the lock leaves Reading::inside before it releases it, unless it is killed:
    // then some bytes of a frame may be gone, and what follows cannot be told from a header.
    if (control.reading.load(std::memory_order_acquire) == Reading::inside) {
        break_channel(control, Errc::peer_died);
    }
    const Status status = status_of(control);
    if (!status.ok()) { port::mutex_unlock(control.readers).ignore(); }
    return status;
}

Result<bool> is_readable(port::Fd fd, std::int64_t deadline_ns) noexcept {
    port::PollItem item;
    item.fd = fd;
    item.want_read = true;
    const Result<std::size_t> ready = port::poll(&item, 1, deadline_ns);
    if (!ready.ok()) { return ready.error(); }
    return *ready > 0;
}

// Inside a frame, and no more of it has come for a while: will it ever? A writer holds its lock
// through all of a frame, also when it was stopped. If we get the lock nobody is writing, and what
// is not in the pipe by then will never come.
Status look_for_dead_writer(ChannelEnd end) noexcept {
    const Status locked = port::mutex_lock(end.control.writers, 0);
    if (locked.code() == Errc::timed_out) { return Errc::ok; }
    if (!is_held(locked)) { return locked; }
    const bool more = is_readable(end.fd, 0).value_or(false);
    if (!more) { break_channel(end.control, Errc::peer_died); }
    // If killed here: the next reader finds Reading::inside; a writer finds the channel broken.
    port::mutex_unlock(end.control.writers).ignore();
    return status_of(end.control);
}

Status wait_for_more(ChannelEnd end) noexcept {
    if (is_torn(end.control)) { return Errc::peer_died; }
    const Result<bool> more = is_readable(end.fd, slice_of(port::kNever, port::kSliceNs));
    if (!more.ok()) { return more.error(); }
    return *more ? Status(Errc::ok) : look_for_dead_writer(end);
}

// Reads exactly `bytes` bytes of a frame that has begun. Fails only if they will never come, and
// then the channel is broken.
Status read_rest(ChannelEnd end, void* buffer, std::size_t bytes) noexcept {
    unsigned char* at = static_cast<unsigned char*>(buffer);
    while (bytes > 0) {
        const Result<std::size_t> got = port::read_now(end.fd, at, bytes);
        Status status = got.status();
        if (status.code() == Errc::would_block) {
            status = wait_for_more(end);
        } else if (status.ok()) {
            if (*got == 0) { status = Errc::peer_died; }  // The last writer died in the frame.
            at += *got;
            bytes -= *got;
        }
        if (!status.ok()) { return give_up(end.control); }
    }
    // A torn frame may have been filled up by the poison.
    return is_torn(end.control) ? give_up(end.control) : Errc::ok;
}

// The first bytes of a frame: at least one. Until there is one, nothing changes.
Result<std::size_t> read_first(ChannelEnd end, unsigned char* header,
                               std::int64_t deadline_ns) noexcept {
    for (;;) {
        // Once a frame was torn nobody writes any more: there is nothing to wait for.
        const bool over = has_torn_frame(end.control);
        // If killed here, and this is where readers sleep: nothing was taken, nothing is broken.
        const Result<bool> ready = is_readable(end.fd, over ? 0 : deadline_ns);
        if (!ready.ok()) { return ready.error(); }
        if (!*ready && over) { return give_up(end.control).error(); }
        if (!*ready) { return Errc::timed_out; }

        set_reading(end.control, Reading::inside);
        // If killed here: the header may be gone from the pipe. The next reader breaks the channel.
        const Result<std::size_t> got = port::read_now(end.fd, header, kHeaderBytes);
        if (got.ok() && *got > 0) { return got; }
        set_reading(end.control, Reading::at_header);
        if (got.ok() && over) { return give_up(end.control).error(); }
        if (got.ok()) { return Errc::end_of_stream; }
        if (got.code() != Errc::would_block) { return got; }  // Else a stranger took it.
    }
}

Result<std::uint64_t> read_length(ChannelEnd end, const unsigned char* header) noexcept {
    const std::int32_t length = header_of(header);
    if (length >= 0) { return static_cast<std::uint64_t>(length); }
    if (length == kPoison) { return give_up(end.control).error(); }
    if (length == kLongLength) {
        unsigned char bytes[kLongLengthBytes];
        const Status status = read_rest(end, bytes, sizeof(bytes));
        if (!status.ok()) { return status.error(); }
        const std::uint64_t long_length = big_endian(bytes, sizeof(bytes));
        if (long_length <= INT64_MAX) { return long_length; }
    }
    break_channel(end.control, Errc::bad_frame);
    return Errc::bad_frame;
}

// Takes the header of the next frame, so that Reading::at_message.
Status take_header(ChannelEnd end, std::int64_t deadline_ns) noexcept {
    unsigned char header[kHeaderBytes];
    const Result<std::size_t> got = read_first(end, header, deadline_ns);
    if (!got.ok()) { return got.status(); }
    const Status rest = read_rest(end, header + *got, sizeof(header) - *got);
    if (!rest.ok()) { return rest; }
    const Result<std::uint64_t> length = read_length(end, header);
    if (!length.ok()) { return length.status(); }

    const bool is_long = *length > one_write_bytes() - kHeaderBytes;
    if (is_long) { end.control.taken = number_after(end.control.taken); }
    end.control.length = *length;
    // If killed here: still Reading::inside, so the next reader breaks the channel.
    set_reading(end.control, Reading::at_message);
    // If killed here: the next reader goes on with the message.
    return Errc::ok;
}

Status take_message(ChannelEnd end, void* buffer, std::size_t bytes) noexcept {
    set_reading(end.control, Reading::inside);
    // If killed here: part of the message may be gone. The next reader, or a writer that waits for
    // room, finds the lock of a dead reader and Reading::inside, and breaks the channel.
    const Status status = read_rest(end, buffer, bytes);
    if (status.ok()) { set_reading(end.control, Reading::at_header); }
    // If killed here: the message went with its reader, as if it had just returned it.
    return status;
}

Result<std::size_t> receive_locked(ChannelEnd end, const Room& room,
                                   std::int64_t deadline_ns) noexcept {
    if (end.control.reading.load(std::memory_order_acquire) == Reading::at_header) {
        const Status status = take_header(end, deadline_ns);
        if (!status.ok()) { return status.error(); }
    }
    const std::uint64_t length = end.control.length;
    const std::int64_t detail = static_cast<std::int64_t>(length);
    if (length > room.longest) { return Error(Errc::message_too_long, 0, detail); }
    if (length > room.bytes) { return Error(Errc::buffer_too_short, 0, detail); }

    const std::size_t bytes = static_cast<std::size_t>(length);
    const Status status = take_message(end, room.buffer, bytes);
    if (!status.ok()) { return status.error(); }
    return bytes;
}

}  // namespace

Result<std::size_t> receive_frame(ChannelEnd end, const Room& room,
                                  std::int64_t deadline_ns) noexcept {
    const Status begun = begin_reading(end.control, deadline_ns);
    if (!begun.ok()) { return begun.error(); }
    const Result<std::size_t> got = receive_locked(end, room, deadline_ns);
    port::mutex_unlock(end.control.readers).ignore();
    return got;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
