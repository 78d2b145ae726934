// Descriptors through a Connection of AF_UNIX.
#include <brood/connection.hpp>

#include "socket_stream.hpp"

namespace brood {
inline namespace v0 {
namespace {

using detail::StreamEnd;

Status send_fd_locked(StreamEnd end, port::Fd fd, detail::Patience& patience) noexcept {
    for (;;) {
        // If killed here: the byte is in the socket with the descriptor, or neither is.
        const Status sent = port::socket_send_fd(end.fd, fd);
        if (sent.code() != Errc::would_block) { return sent; }
        const Status room = detail::wait_for_stream(end.fd, true, patience);
        if (!room.ok()) { return room; }
    }
}

Result<port::Fd> receive_fd_locked(StreamEnd end, detail::Patience& patience) noexcept {
    const auto at = end.reading.reading.load(std::memory_order_acquire);
    if (at == detail::Reading::at_message) { return Errc::bad_frame; }
    for (;;) {
        const Status ready = detail::wait_for_stream(end.fd, false, patience);
        if (!ready.ok()) { return ready.error(); }
        // If killed here: the descriptor went with its reader; what follows is a message again.
        const Result<port::Fd> got = port::socket_receive_fd(end.fd);
        if (got.code() == Errc::would_block) { continue; }
        if (got.code() == Errc::broken_pipe) { return Errc::end_of_stream; }
        if (got.code() == Errc::bad_frame) {
            return detail::end_stream(end, end.reading, Errc::bad_frame);
        }
        return got;
    }
}

}  // namespace

Status Connection::send_fd(int fd, Timeout timeout) noexcept {
    if (write_ == port::kNoFd && read_ == port::kNoFd) { return Errc::closed; }
    if (stream_ == nullptr) { return Errc::unsupported; }
    detail::Patience patience(timeout);
    if (!patience.problem().ok()) { return patience.problem(); }
    const StreamEnd end = {*reading_, *writing_, write_};
    const Status begun = detail::begin_sending(end, patience.limit());
    if (!begun.ok()) { return begun; }
    const Status sent = send_fd_locked(end, fd, patience);
    port::mutex_unlock(writing_->writers).ignore();
    return sent;
}

Result<int> Connection::recv_fd(Timeout timeout) noexcept {
    if (write_ == port::kNoFd && read_ == port::kNoFd) { return Errc::closed; }
    if (stream_ == nullptr) { return Errc::unsupported; }
    detail::Patience patience(timeout);
    if (!patience.problem().ok()) { return patience.problem().error(); }
    const StreamEnd end = {*reading_, *writing_, read_};
    const Status begun = detail::begin_receiving(end, patience.limit());
    if (!begun.ok()) { return begun.error(); }
    const Result<port::Fd> got = receive_fd_locked(end, patience);
    port::mutex_unlock(reading_->readers).ignore();
    return got;
}

}  // namespace v0
}  // namespace brood
