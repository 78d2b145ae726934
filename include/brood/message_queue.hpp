// MessageQueue<T>: messages with priorities, kept by the kernel (mq_open).
#ifndef BROOD_MESSAGE_QUEUE_HPP
#define BROOD_MESSAGE_QUEUE_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <brood/detail/byte_message_queue.hpp>
#include <brood/result.hpp>
#include <brood/shared_memory.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// What this process may have of message queues. 0: the system does not tell; UINT64_MAX: there is
/// no limit. A limit that was met comes as Errc::over_system_limit with its name and value.
struct MessageQueueLimits {
    std::uint64_t depth = 0;          ///< Messages in one queue (msg_max; often 10).
    std::uint64_t message_bytes = 0;  ///< Bytes of one message (msgsize_max; often 8192).
    std::uint64_t queues = 0;         ///< Queues: of all users (Linux), or open in one process.
    std::uint64_t user_bytes = 0;     ///< Bytes in all queues of a user (RLIMIT_MSGQUEUE).
    std::uint64_t priorities = 0;     ///< Priorities are 0 to this less 1 (MQ_PRIO_MAX).
};
/// Callers: anybody but a signal handler. What others have taken already it does not say.
MessageQueueLimits message_queue_limits() noexcept;

/// A message and the priority it was sent with.
template <class T>
struct Prioritized {
    T message;
    std::uint32_t priority;
};

/// Messages of type T between any number of processes and threads, kept by the kernel: the highest
/// priority comes out first, and among equals the oldest. Each message goes to exactly one getter.
///
/// Of the two queues this is the one for few and small messages, for priorities, for wait() and for
/// programs that are no kin; its limits are the system's (message_queue_limits()).
///
/// Memory: the kernel's, for `depth` messages, and one descriptor. No heap.
/// Fork:   children inherit it open, by fork() and by Process alike, and close() it where they do
///         not use it; nothing depends on that, as a queue has no end of stream. exec closes it.
///         One that is moved into a Process is closed on this side by start(), as by destruction.
/// Crash:  put() is there whole or not at all; a process killed in get() takes at most the one
///         message it was about to return with it. Nobody else is held up, no count is left wrong.
/// Names:  as SharedMemory: only the creating process removes its name, in the destructor, and only
///         while it is the name of that queue (posix: whatever has the name then); after a kill it
///         stays until remove(). A nameless queue is gone with its last process. It has a name for
///         an instant of create(): of a process killed in it one stays, "/brood-anonymous-UID-0",
///         until that user's next create(). Any program may open a name: mq_open(3).
/// Callers: any thread; a handle that is moved or closed belongs to one. Not a signal handler.
template <class T>
class MessageQueue {
    static_assert(std::is_trivially_copyable_v<T>,
                  "a message queue carries bytes: use Text<N>, Bytes<N>, Pair, Tuple, or a struct "
                  "of plain fields");

public:
    /// What an ordinary user's queue may hold on most systems.
    static constexpr std::size_t kDepth = 10;

    /// No name: for this process and its children. `depth`: how many messages it holds.
    /// Errors: size_zero; over_system_limit with limit() and its value: msg_max (depth),
    /// msgsize_max (T), queues_max, RLIMIT_MSGQUEUE; too_many_files, with RLIMIT_NOFILE; no_memory;
    /// unsupported (a kernel without message queues).
    static Result<MessageQueue> create(std::size_t depth = kDepth) noexcept {
        return wrap(detail::ByteMessageQueue::create(sizeof(T), depth));
    }
    /// Errors: also already_exists, not_permitted, bad_argument (not an Access), the name_* ones.
    /// Killed here: there is no queue of that name, or a whole one, which fewer may be able to open
    /// than `access` says if the umask forbids it; remove() it.
    static Result<MessageQueue> create_named(const char* name, std::size_t depth = kDepth,
                                             Access access = Access::owner) noexcept {
        return wrap(detail::ByteMessageQueue::create_named(name, sizeof(T), depth, access));
    }
    /// Errors: not_found, not_permitted, type_mismatch (its messages have another size than T;
    /// detail: theirs), too_many_files, unsupported, the name_* ones.
    static Result<MessageQueue> open(const char* name) noexcept {
        return wrap(detail::ByteMessageQueue::open(name, sizeof(T)));
    }
    /// Removes a name; those who have the queue open keep it. Errors: not_found, not_permitted,
    /// unsupported, the name_* ones.
    static Status remove(const char* name) noexcept {
        return detail::ByteMessageQueue::remove(name);
    }
    static MessageQueueLimits limits() noexcept { return message_queue_limits(); }

    MessageQueue() noexcept = default;

    /// Puts a message in. A higher priority comes out earlier.
    /// Blocks:  until there is room, or `timeout`, also in a storm of signals. posix: with a
    ///          timeout it looks again every millisecond.
    /// Returns: ok; full (no_wait()); timed_out; closed; timeout_negative, timeout_overflow;
    ///          over_system_limit (priority: MQ_PRIO_MAX).
    /// Killed here: the message is in the queue, or it is not.
    Status put(const T& message, std::uint32_t priority = 0,
               Timeout timeout = Timeout::forever()) noexcept {
        return queue_.put(&message, priority, timeout);
    }
    Status put(const T& message, Timeout timeout) noexcept {
        return queue_.put(&message, 0, timeout);
    }
    Status put_nowait(const T& message, std::uint32_t priority = 0) noexcept {
        return queue_.put(&message, priority, Timeout::no_wait());
    }

    /// Takes the oldest message of the highest priority out.
    /// Blocks:  until there is one, or `timeout`; as put().
    /// Returns: it; empty (no_wait()); timed_out; closed; timeout_negative, timeout_overflow;
    ///          bad_frame (a stranger's message of another size, which is taken out and dropped).
    /// Killed here: the message is in the queue still, or went with its getter.
    Result<Prioritized<T>> get(Timeout timeout = Timeout::forever()) noexcept {
        return Result<Prioritized<T>>::filled_by([&](void* place) {
            auto* const got = static_cast<Prioritized<T>*>(place);
            return queue_.get(&got->message, got->priority, timeout);
        });
    }
    Result<Prioritized<T>> get_nowait() noexcept { return get(Timeout::no_wait()); }

    /// How many messages are in it now. Errors: closed.
    Result<std::size_t> qsize() const noexcept { return queue_.count(); }
    Result<bool> empty() const noexcept {
        const Result<std::size_t> count = queue_.count();
        if (!count.ok()) { return count.error(); }
        return *count == 0;
    }
    Result<bool> full() const noexcept {
        const Result<std::size_t> count = queue_.count();
        if (!count.ok()) { return count.error(); }
        return *count >= queue_.depth();
    }
    /// How many messages it holds at most; 0 when closed.
    std::size_t depth() const noexcept { return queue_.depth(); }

    /// Has `signal` sent to this process when the next message comes to the empty queue and nobody
    /// blocks in get() without a timeout. Once: call it again before the queue is emptied. It ends
    /// with cancel_notify(), with any handle of the queue that this process closes, and with the
    /// process, however that ends; children do not inherit it.
    /// Errors: notify_taken (somebody is registered, this process perhaps), bad_signal, closed.
    Status notify(int signal) noexcept { return queue_.notify(signal); }
    /// ok, too, when nothing was asked for.
    Status cancel_notify() noexcept { return queue_.cancel_notify(); }

    /// The descriptor, readable while there is a message, for wait() and poll(2); -1 when closed,
    /// or where a queue has none (posix: wait() says unsupported).
    int fileno() const noexcept { return queue_.fileno(); }
    bool is_open() const noexcept { return queue_.is_open(); }
    /// "" if it has none.
    const char* name() const noexcept { return queue_.name(); }
    /// The creator's destructor will leave the name in place.
    void keep_name() noexcept { queue_.keep_name(); }
    /// Closes it in this process, and removes the name if this process created it.
    void close() noexcept { queue_.close(); }

private:
    explicit MessageQueue(detail::ByteMessageQueue&& queue) noexcept : queue_(std::move(queue)) {}
    static Result<MessageQueue> wrap(Result<detail::ByteMessageQueue> made) noexcept {
        if (!made.ok()) { return made.error(); }
        return MessageQueue(std::move(*made));
    }
    detail::ByteMessageQueue queue_;
};

}  // namespace v0
}  // namespace brood

#endif
