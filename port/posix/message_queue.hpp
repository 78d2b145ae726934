// What the files of message queues share. For port/ only.
#ifndef BROOD_PORT_POSIX_MESSAGE_QUEUE_HPP
#define BROOD_PORT_POSIX_MESSAGE_QUEUE_HPP

#include <mqueue.h>

#include <port/port.hpp>

#include "time.hpp"

namespace brood::port::detail {

// mqd_t is a number on some systems and an address on others: these casts do for both.
inline mqd_t mqd_of(Mq queue) noexcept {
    return (mqd_t)queue;
}
inline Mq mq_of(mqd_t queue) noexcept {
    return (Mq)queue;
}

/// error_of(), with the meaning that EPERM has here: a sandbox that forbids the call.
Error mq_error(int err) noexcept;

/// Why mq_open() would not make a queue of these measures: the limit that it met, if it was one.
Error mq_refusal(int err, std::size_t depth, std::size_t message_bytes) noexcept;

/// mq_open(), over signals, for a queue that does not exist yet. Its mode is up to the umask.
/// Returns: mq_error() of what happened, or mq_refusal().
Result<Mq> mq_make(const char* name, std::uint32_t mode, std::size_t depth,
                   std::size_t message_bytes) noexcept;

/// Rests until another try to send or to receive is worth while, or the deadline: on the monotonic
/// clock. mq_timedsend() and mq_timedreceive() follow the wall clock, so they only ever try.
void mq_rest(Mq queue, bool to_send, std::int64_t deadline_ns, Backoff& backoff) noexcept;

}  // namespace brood::port::detail

#endif
