// What every socket is given, and the two forms of an address.
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "above_streams.hpp"
#include "socket_make.hpp"

namespace brood::port::detail {
namespace {

constexpr std::size_t kPathAt = offsetof(sockaddr_un, sun_path);
constexpr std::size_t kPathRoom = sizeof(sockaddr_un::sun_path);

void put_ip4(sockaddr_in& name, const Address& address) noexcept {
    name.sin_family = AF_INET;
    name.sin_port = htons(address.port());
    __builtin_memcpy(&name.sin_addr, address.bytes(), sizeof(name.sin_addr));
}

void put_ip6(sockaddr_in6& name, const Address& address) noexcept {
    name.sin6_family = AF_INET6;
    name.sin6_port = htons(address.port());
    name.sin6_scope_id = address.scope();
    __builtin_memcpy(&name.sin6_addr, address.bytes(), sizeof(name.sin6_addr));
}

// A file's name with its NUL; an abstract one behind a NUL, without another.
Status put_local(sockaddr_un& name, const Address& address, socklen_t& bytes) noexcept {
    const bool is_abstract = address.family() == Address::Family::abstract;
    if (is_abstract && !kHasAbstractNames) { return Errc::unsupported; }
    if (address.size() >= kPathRoom) { return Errc::name_too_long; }
    name.sun_family = AF_UNIX;
    __builtin_memcpy(name.sun_path + (is_abstract ? 1 : 0), address.bytes(), address.size());
    bytes = static_cast<socklen_t>(kPathAt + address.size() + 1);
    return Errc::ok;
}

Address local_address(const sockaddr_un& name, std::size_t bytes) noexcept {
    const std::size_t size = bytes > kPathAt ? bytes - kPathAt : 0;
    if (size > 1 && name.sun_path[0] == '\0' && kHasAbstractNames) {
        return Address::of(Address::Family::abstract, name.sun_path + 1, size - 1);
    }
    std::size_t length = 0;
    while (length < size && length < kPathRoom && name.sun_path[length] != '\0') { ++length; }
    return length > 0 ? Address::of(Address::Family::unix_path, name.sun_path, length) : Address();
}

}  // namespace

// O_NONBLOCK belongs to the open file, which is a socket of ours: whoever shares it expects that.
Fd set_up_socket(Fd fd) noexcept {
    const bool is_set = ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
                        ::fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0;
    if (!is_set) {
        const int err = errno;
        close(fd);
        errno = err;
        return kNoFd;
    }
    return above_streams(&fd, 1) ? fd : kNoFd;
}

Status name_of(const Address& address, SocketName& name, socklen_t& bytes) noexcept {
    name = SocketName();
    switch (address.family()) {
        case Address::Family::ip4:
            put_ip4(name.ip4, address);
            bytes = sizeof(name.ip4);
            return Errc::ok;
        case Address::Family::ip6:
            put_ip6(name.ip6, address);
            bytes = sizeof(name.ip6);
            return Errc::ok;
        case Address::Family::unix_path:
        case Address::Family::abstract: return put_local(name.local, address, bytes);
        default: return address.problem();
    }
}

Address address_of(const SocketName& name, socklen_t bytes) noexcept {
    if (bytes < sizeof(name.any.sa_family)) { return Address(); }
    switch (name.any.sa_family) {
        case AF_INET:
            return Address::of(Address::Family::ip4, &name.ip4.sin_addr, sizeof(name.ip4.sin_addr),
                               ntohs(name.ip4.sin_port));
        case AF_INET6:
            return Address::of(Address::Family::ip6, &name.ip6.sin6_addr,
                               sizeof(name.ip6.sin6_addr), ntohs(name.ip6.sin6_port),
                               name.ip6.sin6_scope_id);
        case AF_UNIX: return local_address(name.local, bytes);
        default: return Address();
    }
}

}  // namespace brood::port::detail
