// A channel: one pipe that carries frames, shared by several writers and readers, any of which may
// be killed at any instruction.
//
// A frame is a 4-byte big-endian length and the message (or -1, an 8-byte length and the message),
// as in Python's multiprocessing.connection.
#ifndef BROOD_SRC_CHANNEL_HPP
#define BROOD_SRC_CHANNEL_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <brood/result.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

inline constexpr std::size_t kFrameBytesMax = 0x7fffffff;  // The longest message that is sent.

/// Where the readers are in the stream. Only the holder of `readers` changes it.
enum class Reading : std::uint32_t {
    at_header,   ///< The next byte begins a frame.
    inside,      ///< A reader takes bytes now. Left behind by the dead: nobody knows how many.
    at_message,  ///< The header was taken and its length is recorded; the message is whole.
};

/// What everybody at one pipe shares. Zeroed memory and two mutex_init() make one.
struct ChannelControl {
    port::RobustMutex writers;  ///< Held while one frame is written.
    port::RobustMutex readers;  ///< Held while one frame is waited for and read.
    /// Set while a long frame flows. Found set by the next holder of `writers`: the last one was
    /// killed inside.
    std::atomic<std::uint32_t> writing;
    std::atomic<Reading> reading;
    /// ok; otherwise why the stream makes no sense from here on, for good: peer_died or bad_frame.
    std::atomic<Errc> broken;
    /// The number of the long frame whose writer was killed, which is the last frame for good. What
    /// was sent before it can still be received. 0: none.
    std::atomic<std::uint32_t> torn;
    std::uint32_t begun;   ///< The number of the last long frame that was begun, for `writers`;
    std::uint32_t taken;   ///< and of the last whose header was taken, for `readers`.
    std::uint64_t length;  ///< Of the message that follows; with Reading::at_message.
};
static_assert(std::atomic<Reading>::is_always_lock_free, "shared between processes");

/// A pipe of a channel, as one process sees it.
struct ChannelEnd {
    ChannelControl& control;
    port::Fd fd;
};

/// Frames up to here are written at once: whole, or not at all. The others are long.
inline constexpr std::size_t kOneWriteBytesMax = 4096;
inline std::size_t one_write_bytes() noexcept {
    const std::size_t atomic = port::pipe_atomic();
    return atomic < kOneWriteBytesMax ? atomic : kOneWriteBytesMax;
}

/// Long frames are numbered from 1 on, around 0. The torn one is told from those before it: at most
/// a pipe full of them, so the wrap is harmless.
inline std::uint32_t number_after(std::uint32_t number) noexcept {
    return number == UINT32_MAX ? 1 : number + 1;
}

/// Sends one frame. bytes <= kFrameBytesMax.
/// Returns: ok; timed_out (nothing was sent); broken_pipe; peer_died; would_deadlock.
/// Killed here: up to pipe_atomic() with its header the frame is in the pipe whole or not at all.
/// A longer one breaks the channel, as soon as anybody notices.
Status send_frame(ChannelEnd end, const void* data, std::size_t bytes,
                  std::int64_t deadline_ns) noexcept;

/// What a reader accepts.
struct Room {
    void* buffer;
    std::size_t bytes;
    std::size_t longest;
};

/// Receives one frame and returns the length of its message.
/// Returns: the length; end_of_stream; timed_out; message_too_long and buffer_too_short (with the
///          length as detail; the message stays for the next call); peer_died; bad_frame.
/// Killed here: the message is gone, or it is there for the next reader; or the victim was taking
/// bytes at that moment, and the next holder of `readers` breaks the channel.
Result<std::size_t> receive_frame(ChannelEnd end, const Room& room,
                                  std::int64_t deadline_ns) noexcept;

/// Breaks the channel for good, unless it is broken already.
void break_channel(ChannelControl& control, Errc why) noexcept;

inline Errc why_broken(const ChannelControl& control) noexcept {
    return control.broken.load(std::memory_order_acquire);
}
inline bool has_torn_frame(const ChannelControl& control) noexcept {
    return control.torn.load(std::memory_order_acquire) != 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
