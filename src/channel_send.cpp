// The writing side of a channel.
#include "channel.hpp"
#include "deadline.hpp"
#include "frame_header.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// The last writer was killed inside a long frame. Nobody may write behind what it left.
void bury_writer(ChannelEnd end) noexcept {
    end.control.torn.store(end.control.begun, std::memory_order_release);
    // If killed here: the next sender finds `writing` set and comes here again.
    // A reader that waits for a frame sleeps in poll(), and must hear of it. If the victim had
    // begun its frame, the four bytes fall into that: readers know its number, never deliver it.
    unsigned char poison[kHeaderBytes];
    put_header(poison, kPoison);
    // If the pipe is full no reader sleeps, and the one that empties it looks at `torn`.
    port::write_now(end.fd, poison, sizeof(poison)).ignore();
    end.control.writing.store(0, std::memory_order_release);
}

// Makes the caller the one writer. On failure it is not.
Status begin_writing(ChannelEnd end, std::int64_t deadline_ns) noexcept {
    const Status locked = port::mutex_lock(end.control.writers, deadline_ns);
    if (!is_held(locked)) { return locked; }
    // A writer that was killed outside a long frame left all of a frame or nothing: no harm done.
    if (end.control.writing.load(std::memory_order_acquire) != 0) { bury_writer(end); }
    const bool whole = why_broken(end.control) == Errc::ok && !has_torn_frame(end.control);
    if (whole) { return Errc::ok; }
    port::mutex_unlock(end.control.writers).ignore();
    return Errc::peer_died;
}

// A full pipe may stay so for ever because its reader was killed inside a frame and no other reads.
void look_for_dead_reader(ChannelControl& control) noexcept {
    const Status locked = port::mutex_lock(control.readers, 0);
    if (!is_held(locked)) { return; }  // It lives.
    if (control.reading.load(std::memory_order_acquire) == Reading::inside) {
        break_channel(control, Errc::peer_died);
    }
    port::mutex_unlock(control.readers).ignore();
}

Status wait_for_room(ChannelEnd end, std::int64_t deadline_ns) noexcept {
    const std::int64_t slice_end = slice_of(deadline_ns, port::kSliceNs);
    port::PollItem item;
    item.fd = end.fd;
    item.want_write = true;
    const Result<std::size_t> ready = port::poll(&item, 1, slice_end);
    if (!ready.ok()) { return ready.error(); }
    if (*ready > 0) { return Errc::ok; }
    if (slice_end == deadline_ns) { return Errc::timed_out; }
    look_for_dead_reader(end.control);
    return Errc::ok;
}

// Writes some of it: all, if it is no more than pipe_atomic().
Result<std::size_t> write_some(ChannelEnd end, const void* data, std::size_t bytes,
                               std::int64_t deadline_ns) noexcept {
    for (;;) {
        if (why_broken(end.control) != Errc::ok) { return Errc::peer_died; }
        const Result<std::size_t> written = port::write_now(end.fd, data, bytes);
        if (written.code() != Errc::would_block) { return written; }
        const Status room = wait_for_room(end, deadline_ns);
        if (!room.ok()) { return room.error(); }
    }
}

// If killed anywhere in here: the frame is in the pipe, or it is not. Both are fine.
Status send_whole(ChannelEnd end, const unsigned char* frame, std::size_t bytes,
                  std::int64_t deadline_ns) noexcept {
    return write_some(end, frame, bytes, deadline_ns).status();
}

// `head` is the header and as much of the message as goes with it in one write.
Status send_long(ChannelEnd end, const unsigned char* head, std::size_t head_bytes,
                 const unsigned char* rest, std::size_t rest_bytes,
                 std::int64_t deadline_ns) noexcept {
    const std::uint32_t before = end.control.begun;
    end.control.begun = number_after(before);
    end.control.writing.store(1, std::memory_order_release);
    // If killed from here on: whoever holds `writers` next finds `writing` set, and a reader that
    // misses the rest finds `writers` free. Either breaks the channel.
    Status sent = write_some(end, head, head_bytes, deadline_ns).status();
    while (sent.ok() && rest_bytes > 0) {
        const Result<std::size_t> written = write_some(end, rest, rest_bytes, port::kNever);
        sent = written.status();
        if (!sent.ok()) { break; }
        rest += *written;
        rest_bytes -= *written;
    }
    const bool harmless = sent.ok() || sent.code() == Errc::timed_out ||
                          sent.code() == Errc::broken_pipe;  // Nobody will ever read it.
    if (!harmless) { break_channel(end.control, Errc::peer_died); }
    // Timed out before anything was written. If killed right after this, the frame before passes
    // for the torn one, and is not delivered.
    if (sent.code() == Errc::timed_out) { end.control.begun = before; }
    end.control.writing.store(0, std::memory_order_release);
    // If killed here: the frame is whole.
    return sent;
}

Status send_locked(ChannelEnd end, const void* data, std::size_t bytes,
                   std::int64_t deadline_ns) noexcept {
    unsigned char head[kOneWriteBytesMax];
    const std::size_t room = one_write_bytes() - kHeaderBytes;
    const std::size_t begun = bytes < room ? bytes : room;
    put_header(head, static_cast<std::int32_t>(bytes));
    if (begun > 0) { __builtin_memcpy(head + kHeaderBytes, data, begun); }
    if (begun == bytes) { return send_whole(end, head, kHeaderBytes + bytes, deadline_ns); }
    return send_long(end, head, kHeaderBytes + begun,
                     static_cast<const unsigned char*>(data) + begun, bytes - begun, deadline_ns);
}

}  // namespace

void break_channel(ChannelControl& control, Errc why) noexcept {
    Errc whole = Errc::ok;
    control.broken.compare_exchange_strong(whole, why, std::memory_order_acq_rel);
}

Status send_frame(ChannelEnd end, const void* data, std::size_t bytes,
                  std::int64_t deadline_ns) noexcept {
    const Status begun = begin_writing(end, deadline_ns);
    if (!begun.ok()) { return begun; }
    const Status sent = send_locked(end, data, bytes, deadline_ns);
    port::mutex_unlock(end.control.writers).ignore();
    return sent;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
