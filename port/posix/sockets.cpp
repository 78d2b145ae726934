// Sockets: accepting, connecting, sending.
#include <errno.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "socket_make.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

bool is_local(const detail::SocketName& name) noexcept {
    return name.any.sa_family == AF_UNIX;
}

// A frame may go out in two pieces: the second must not wait until the first was acknowledged.
void send_at_once(Fd fd, const detail::SocketName& name) noexcept {
    const int on = 1;
    if (is_local(name)) { return; }
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// Whether a connection went away, or its network did, before it was accepted.
bool has_gone(int err) noexcept {
    return err == ECONNABORTED || err == EPROTO || err == ENETDOWN || err == ENETUNREACH ||
           err == EHOSTUNREACH;
}

}  // namespace

Result<Fd> socket_accept(Fd listener, Address& peer) noexcept {
    detail::SocketName name = {};
    socklen_t bytes = 0;
    const Fd fd = detail::accept_socket(listener, name, bytes);
    if (fd < 0) {
        const Error error = detail::last_error();
        return has_gone(errno) ? Error(Errc::would_block, errno) : error;
    }
    peer = detail::address_of(name, bytes);
    send_at_once(fd, name);
    return fd;
}

// A socket of AF_UNIX that never blocks says EAGAIN when the backlog of the listener is full.
Result<Fd> socket_connect(const Address& address) noexcept {
    detail::SocketName name;
    socklen_t bytes = 0;
    const Status good = detail::name_of(address, name, bytes);
    if (!good.ok()) { return good.error(); }
    const Fd fd = detail::new_socket(name.any.sa_family);
    if (fd < 0) { return detail::last_error(); }
    send_at_once(fd, name);
    const bool has_begun = ::connect(fd, &name.any, bytes) == 0 || errno == EINPROGRESS ||
                           errno == EINTR;
    if (has_begun) { return fd; }
    const Error error = detail::last_error();
    close(fd);
    return error;
}

Status socket_connected(Fd socket) noexcept {
    int err = 0;
    socklen_t bytes = sizeof(err);
    if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &err, &bytes) != 0) { err = errno; }
    if (err != 0) { return detail::error_of(err); }
    return {};
}

Result<std::size_t> socket_send(Fd socket, const void* data, std::size_t bytes) noexcept {
    for (;;) {
        const ssize_t count = ::send(socket, data, bytes, MSG_NOSIGNAL);
        if (count >= 0) { return static_cast<std::size_t>(count); }
        if (errno != EINTR) { return detail::last_error(); }
    }
}

void socket_shutdown(Fd socket) noexcept {
    (void)::shutdown(socket, SHUT_RDWR);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
