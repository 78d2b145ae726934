// How sockets and descriptors come to be, close-on-exec and never blocking. For port/ only.
#ifndef BROOD_PORT_POSIX_SOCKET_MAKE_HPP
#define BROOD_PORT_POSIX_SOCKET_MAKE_HPP

#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <brood/address.hpp>
#include <port/port.hpp>

namespace brood::port::detail {

/// Any address of a family that we know.
union SocketName {
    sockaddr any;
    sockaddr_un local;
    sockaddr_in ip4;
    sockaddr_in6 ip6;
};

/// A new stream socket: kNoFd, with errno, if there is none.
Fd new_socket(int family) noexcept;
/// The next connection; `name` becomes its address. As accept(2), but for EINTR.
Fd accept_socket(Fd listener, SocketName& name, socklen_t& bytes) noexcept;
/// Makes it close-on-exec, never blocking, and above the standard streams; else closes it, and it
/// is kNoFd, with errno.
Fd set_up_socket(Fd fd) noexcept;
/// recvmsg() of a message with descriptors, which become close-on-exec. As that, but for EINTR.
ssize_t receive_descriptors(Fd socket, msghdr& message) noexcept;
/// Whether names of sockets may begin with a NUL.
extern const bool kHasAbstractNames;

/// The system's form of it. Returns the Errc of an address that it cannot have.
Status name_of(const Address& address, SocketName& name, socklen_t& bytes) noexcept;
Address address_of(const SocketName& name, socklen_t bytes) noexcept;

}  // namespace brood::port::detail

#endif
