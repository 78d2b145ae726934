// ByteQueue: messages of varying length through shared memory.
#ifndef BROOD_BYTE_QUEUE_HPP
#define BROOD_BYTE_QUEUE_HPP

#include <utility>

#include <brood/detail/ring_handle.hpp>

namespace brood {
inline namespace v0 {

/// A queue as Queue<T>, but of byte messages, each of its own length: 0 bytes are a message, too.
/// Any number of processes and threads put and get; each message goes to exactly one, whole.
///
/// A message takes its length, rounded up to a multiple of 8, and 8 bytes. Those who wait to put a
/// long one may see short ones of others overtake it.
///
/// Memory, fork, crash, waits, callers: as Queue<T>, whose messages are 8 bytes here: maxsize bytes
/// (rounded up to a power of two) and 1 KiB; with maxsize 0 16 KiB at first, and 2 GiB at most.
class ByteQueue {
public:
    /// A queue for at most `maxsize` bytes at a time; 0: for as many as there is memory for.
    /// Errors: size_too_large (more than 2 GiB), no_memory, no_space, too_many_files, unsupported.
    static Result<ByteQueue> create(std::size_t maxsize = 0) noexcept {
        Result<detail::RingHandle> made = detail::RingHandle::make_bytes(maxsize);
        if (!made.ok()) { return made.error(); }
        return ByteQueue(std::move(*made));
    }

    ByteQueue() noexcept = default;

    /// Blocks until there is room for all of the message. Returns: ok; full (no_wait() only);
    /// timed_out; would_block (no_wait(), and another is in the middle of an operation);
    /// message_too_long (it would never fit; detail: the most that does); bad_argument (null);
    /// closed; too_many_members; unsupported. With maxsize 0, in place of full: no_space,
    /// no_memory; too_many_files (posix).
    /// Killed here: the message is in the queue whole, or not at all.
    Status put(const void* message, std::size_t bytes,
               Timeout timeout = Timeout::forever()) noexcept {
        return ring_.put_bytes(message, bytes, timeout);
    }
    Status put_nowait(const void* message, std::size_t bytes) noexcept {
        return put(message, bytes, Timeout::no_wait());
    }

    /// Blocks until there is a message; copies it to `buffer`, which has `room` bytes. Returns: its
    /// length; buffer_too_short (detail: the bytes needed; the message stays, and others may get
    /// it); empty (no_wait() only); timed_out; would_block; closed (shut down, and nothing is
    /// left); bad_argument (null, and room); too_many_members; unsupported.
    /// Killed here: the message is still in the queue, or it went with the caller.
    Result<std::size_t> get(void* buffer, std::size_t room,
                            Timeout timeout = Timeout::forever()) noexcept {
        return ring_.get_bytes(buffer, room, timeout);
    }
    Result<std::size_t> get_nowait(void* buffer, std::size_t room) noexcept {
        return get(buffer, room, Timeout::no_wait());
    }

    /// As of now: others may change it at any moment. How many messages they make is not counted.
    std::size_t bytes_used() const noexcept { return ring_.size() * kUnit; }
    bool empty() const noexcept { return bytes_used() == 0; }
    /// In bytes, as it was rounded up to a multiple of 8; 0: no bound.
    std::size_t maxsize() const noexcept { return ring_.most() * kUnit; }

    /// As those of Queue<T>.
    void close() noexcept { ring_.close(); }
    Status shutdown(Shutdown how = Shutdown::drain) noexcept { return ring_.shutdown(how); }

private:
    static constexpr std::size_t kUnit = 8;

    explicit ByteQueue(detail::RingHandle&& ring) noexcept : ring_(std::move(ring)) {}
    detail::RingHandle ring_;
};

}  // namespace v0
}  // namespace brood

#endif
