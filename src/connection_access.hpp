// What the implementation may do with the ends of channels.
#ifndef BROOD_SRC_CONNECTION_ACCESS_HPP
#define BROOD_SRC_CONNECTION_ACCESS_HPP

#include <type_traits>

#include <brood/connection.hpp>

#include "channel.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// Shared by all ends of a channel in all processes: one control for each of its pipes. Of a socket
/// only one side has it: one control for what it reads, one for what it writes.
struct ChannelPage {
    ChannelControl controls[2];
};

}  // namespace detail

/// The implementation's way into a Connection.
struct ConnectionAccess {
    // An end works in every child that inherits it: it stays in the child's list.
    static bool forget(detail::ForkLink&) noexcept { return true; }

    static Connection* of(detail::ForkLink& link) noexcept {
        static_assert(std::is_standard_layout_v<Connection>, "its link_ lies at its address");
        return link.forget == &forget ? reinterpret_cast<Connection*>(&link) : nullptr;
    }

    static bool is_open(const Connection& end) noexcept {
        return end.read_ != port::kNoFd || end.write_ != port::kNoFd;
    }

    static Status map_page(detail::ChannelPage*& page) noexcept;
    // Tells the channels of a process apart. A child counts on from its parent's number, so that
    // what it makes differs from what it inherited. 2^32 channels later the numbers return:
    // harmless unless both namesakes are open, and one is handed to a Process.
    static std::uint32_t next_channel() noexcept;
    static void set_up(Connection& end, port::Fd read, port::Fd write,
                       std::uint32_t channel) noexcept;
    /// Makes `end`, which was none, that of a socket of which the page knows the state. For those
    /// who hold the fork list.
    static void become_stream(Connection& end, port::Fd socket, detail::ChannelPage& page) noexcept;
    static Result<ConnectionPair> make(bool duplex, bool framed) noexcept;
    static void take(Connection& to, Connection& from) noexcept;
    static void drop_page(Connection& end) noexcept;
    static void close_descriptors(Connection& end) noexcept;

    struct Handed {
        std::uintptr_t first, last;
        std::uint32_t channel;  // The one whose other ends are closed.
        std::uint32_t next;     // The lowest handed number above it; 0: none.
        bool holds(const Connection& end) const noexcept {
            const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(&end);
            return at >= first && at < last;
        }
    };
    static void visit_handed(detail::ForkLink& link, void* handed) noexcept;

private:
    struct PageUse {
        Connection* leaving;
        const void* page;
        bool used_by_others;
    };
    static void* page_of(const Connection& end) noexcept;
    static void leave_page(detail::ForkLink& link, void* use) noexcept;
    static Status open_and_list(ConnectionPair& pair, bool duplex, bool framed) noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
