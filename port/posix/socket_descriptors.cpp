// Descriptors that travel through sockets of AF_UNIX: as multiprocessing.reduction of Python has
// it, one byte that tells how many, and they beside it.
#include <errno.h>

#include <port/port.hpp>

#include "above_streams.hpp"
#include "errors.hpp"
#include "socket_make.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// Room for more than we take: those too many shall not stay open, nor be cut off without a word.
constexpr std::size_t kDescriptorsMax = 16;

union Control {
    cmsghdr header;  // For its alignment.
    unsigned char bytes[CMSG_SPACE(kDescriptorsMax * sizeof(int))];
};

// Others take the byte, and say nothing of the descriptor.
bool carries_descriptors(Fd socket) noexcept {
    detail::SocketName name = {};
    socklen_t bytes = sizeof(name);
    return ::getsockname(socket, &name.any, &bytes) != 0 || name.any.sa_family == AF_UNIX;
}

// Of all parts of a message: how many came; the last is in `last`, the others are closed.
std::size_t collect(msghdr& message, Fd& last) noexcept {
    std::size_t count = 0;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) { continue; }
        const std::size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < here; ++i, ++count) {
            close(last);
            __builtin_memcpy(&last, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
        }
    }
    return count;
}

}  // namespace

Status socket_send_fd(Fd socket, Fd sent) noexcept {
    if (!carries_descriptors(socket)) { return Errc::unsupported; }
    unsigned char how_many = 1;
    iovec piece = {&how_many, 1};
    Control control = {};
    msghdr message = {};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int));
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    __builtin_memcpy(CMSG_DATA(part), &sent, sizeof(int));
    ssize_t count = -1;
    do { count = ::sendmsg(socket, &message, MSG_NOSIGNAL); } while (count < 0 && errno == EINTR);
    if (count < 0) { return detail::last_error(); }
    return {};
}

Result<Fd> socket_receive_fd(Fd socket) noexcept {
    if (!carries_descriptors(socket)) { return Errc::unsupported; }
    unsigned char how_many = 0;
    iovec piece = {&how_many, 1};
    Control control = {};
    msghdr message = {};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof(control.bytes);
    const ssize_t got = detail::receive_descriptors(socket, message);
    if (got < 0) { return detail::last_error(); }
    Fd fd = kNoFd;
    const std::size_t count = collect(message, fd);
    const bool is_cut = (message.msg_flags & MSG_CTRUNC) != 0;
    if (count == 1 && !is_cut && got == 1 && how_many == 1) {
        if (!detail::above_streams(&fd, 1)) { return detail::last_error(); }
        return fd;
    }
    close(fd);
    if (got == 0) { return Errc::end_of_stream; }
    // The system had some, and could not give us one.
    return is_cut && count == 0 ? detail::error_of(EMFILE) : Error(Errc::bad_frame);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
