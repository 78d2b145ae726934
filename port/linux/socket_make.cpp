// Sockets in one call each: SOCK_CLOEXEC and SOCK_NONBLOCK (Linux 2.6.27), accept4() (2.6.28),
// MSG_CMSG_CLOEXEC (2.6.23). Where a sandbox forbids accept4(), as POSIX has it.
#include <errno.h>

#include <port/posix/above_streams.hpp>
#include <port/posix/socket_make.hpp>

#include "calls.hpp"

namespace brood::port::detail {
namespace {

Fd above(Fd fd) noexcept {
    return fd >= 0 && above_streams(&fd, 1) ? fd : kNoFd;
}

}  // namespace

const bool kHasAbstractNames = true;

Fd new_socket(int family) noexcept {
    return above(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

Fd accept_socket(Fd listener, SocketName& name, socklen_t& bytes) noexcept {
    Fd fd = kNoFd;
    do {
        bytes = sizeof(name);
        fd = ::accept4(listener, &name.any, &bytes, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    if (fd >= 0 || !is_missing(errno)) { return above(fd); }
    do {
        bytes = sizeof(name);
        fd = ::accept(listener, &name.any, &bytes);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? fd : set_up_socket(fd);
}

ssize_t receive_descriptors(Fd socket, msghdr& message) noexcept {
    ssize_t count = -1;
    do {
        count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (count < 0 && errno == EINTR);
    return count;
}

}  // namespace brood::port::detail
