// Posix.1-2017 has no SOCK_CLOEXEC, accept4() or MSG_CMSG_CLOEXEC: a foreign fork and exec in
// another thread, between two calls, inherits the descriptor.
#include "socket_make.hpp"

#include <errno.h>
#include <fcntl.h>

#include "above_streams.hpp"

namespace brood::port::detail {
namespace {

void set_close_on_exec(const msghdr& message) noexcept {
    msghdr* const all = const_cast<msghdr*>(&message);  // As the macros have it.
    for (cmsghdr* part = CMSG_FIRSTHDR(all); part != nullptr; part = CMSG_NXTHDR(all, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) { continue; }
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = kNoFd;
            __builtin_memcpy(&fd, CMSG_DATA(part) + i * sizeof(fd), sizeof(fd));
            (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
    }
}

}  // namespace

const bool kHasAbstractNames = false;

Fd new_socket(int family) noexcept {
    const Fd fd = ::socket(family, SOCK_STREAM, 0);
    return fd < 0 ? fd : set_up_socket(fd);
}

Fd accept_socket(Fd listener, SocketName& name, socklen_t& bytes) noexcept {
    Fd fd = kNoFd;
    do {
        bytes = sizeof(name);
        fd = ::accept(listener, &name.any, &bytes);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? fd : set_up_socket(fd);
}

ssize_t receive_descriptors(Fd socket, msghdr& message) noexcept {
    ssize_t count = -1;
    do { count = ::recvmsg(socket, &message, 0); } while (count < 0 && errno == EINTR);
    if (count >= 0) { set_close_on_exec(message); }
    return count;
}

}  // namespace brood::port::detail
