// Message queues, by POSIX alone: a queue is no descriptor, so it has no mode to change later and
// cannot be polled.
#include <port/port.hpp>

#include "message_queue.hpp"
#include "umask.hpp"

namespace brood::port {

void detail::mq_rest(Mq, bool, std::int64_t deadline_ns, Backoff& backoff) noexcept {
    backoff.sleep(deadline_ns);
}

inline namespace BROOD_PORT_LAYER {

Result<Mq> mq_create(const char* name, std::uint32_t mode, std::size_t depth,
                     std::size_t message_bytes) noexcept {
    const detail::ExactMode exact(static_cast<mode_t>(mode));
    return detail::mq_make(name, mode, depth, message_bytes);
}

Result<ObjectIdentity> mq_identity(Mq) noexcept {
    return Errc::unsupported;
}

Fd mq_fd(Mq) noexcept {
    return kNoFd;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
