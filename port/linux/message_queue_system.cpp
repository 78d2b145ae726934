// Message queues: here a queue is a descriptor, which has a mode and can be polled.
#include <sys/stat.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>
#include <port/posix/message_queue.hpp>

namespace brood::port {

// Any number may wait in poll() for one message. All wake up, one gets it, the others rest again:
// nobody is passed over, and who is killed here took nothing with him.
void detail::mq_rest(Mq queue, bool to_send, std::int64_t deadline_ns, Backoff& backoff) noexcept {
    PollItem item;
    item.fd = mq_fd(queue);
    item.want_read = !to_send;
    item.want_write = to_send;
    if (!poll(&item, 1, deadline_ns).ok()) { backoff.sleep(deadline_ns); }
}

inline namespace BROOD_PORT_LAYER {

Result<Mq> mq_create(const char* name, std::uint32_t mode, std::size_t depth,
                     std::size_t message_bytes) noexcept {
    const Result<Mq> queue = detail::mq_make(name, mode, depth, message_bytes);
    if (!queue) { return queue; }
    // If killed here: the umask has taken rights away, so that fewer may open it than should.
    if (::fchmod(mq_fd(*queue), static_cast<mode_t>(mode)) == 0) { return queue; }
    const Error error = detail::last_error();
    mq_unlink(name).ignore();
    mq_close(*queue);
    return error;
}

Result<ObjectIdentity> mq_identity(Mq queue) noexcept {
    return object_identity(mq_fd(queue));
}

Fd mq_fd(Mq queue) noexcept {
    return static_cast<Fd>(queue);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
