#include "socket_loose.hpp"

#include "connection_access.hpp"
#include "socket_stream.hpp"

namespace brood {
inline namespace v0 {

void ConnectionAccess::become_stream(Connection& end, port::Fd socket,
                                     detail::ChannelPage& page) noexcept {
    set_up(end, socket, socket, next_channel());
    end.reading_ = &page.controls[0];
    end.writing_ = &page.controls[1];
    end.stream_ = &detail::kStreamCalls;
    detail::fork_list_add_locked(end.link_);
}

namespace detail {

bool LooseSocket::forget(ForkLink& link) noexcept {
    static_assert(std::is_standard_layout_v<LooseSocket>, "its link_ lies at its address");
    LooseSocket& socket = reinterpret_cast<LooseSocket&>(link);
    port::close(socket.fd_);
    socket.fd_ = port::kNoFd;
    return false;
}

void LooseSocket::take_locked(port::Fd fd) noexcept {
    fd_ = fd;
    link_.forget = &forget;
    fork_list_add_locked(link_);
}

void LooseSocket::close() noexcept {
    if (fd_ == port::kNoFd) { return; }
    const ForkListHold hold;
    fork_list_remove_locked(link_);
    port::close(fd_);
    fd_ = port::kNoFd;
}

Status map_stream_page(ChannelPage*& page) noexcept {
    const Status mapped = ConnectionAccess::map_page(page);
    if (!mapped.ok() && page != nullptr) { port::unmap(page, sizeof(*page)); }
    return mapped;
}

Status LooseSocket::become(Connection& to) noexcept {
    ChannelPage* page = nullptr;
    const Status mapped = map_stream_page(page);
    if (!mapped.ok()) { return mapped; }
    const ForkListHold hold;
    fork_list_remove_locked(link_);
    ConnectionAccess::become_stream(to, fd_, *page);
    fd_ = port::kNoFd;
    return mapped;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
