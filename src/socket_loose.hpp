// A socket on its way to become a Connection.
#ifndef BROOD_SRC_SOCKET_LOOSE_HPP
#define BROOD_SRC_SOCKET_LOOSE_HPP

#include <type_traits>

#include <brood/connection.hpp>
#include <port/port.hpp>

#include "fork_list.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

struct ChannelPage;

/// The page of a new end. Errors: no_memory, no_space.
Status map_stream_page(ChannelPage*& page) noexcept;

/// Owns a socket that no forked child shall have.
class LooseSocket {
public:
    LooseSocket() noexcept = default;
    ~LooseSocket() noexcept { close(); }
    LooseSocket(const LooseSocket&) = delete;
    LooseSocket& operator=(const LooseSocket&) = delete;

    /// Takes one. For those who hold the fork list since before it was made, and watch forks.
    void take_locked(port::Fd fd) noexcept;
    port::Fd fd() const noexcept { return fd_; }
    void close() noexcept;
    /// It becomes the end `to`, which was none. On failure it stays. Errors: no_memory, no_space.
    Status become(Connection& to) noexcept;

private:
    static bool forget(ForkLink& link) noexcept;
    ForkLink link_;
    port::Fd fd_ = port::kNoFd;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
