#include <brood/client.hpp>

#include "auth_exchange.hpp"
#include "deadline.hpp"
#include "socket_loose.hpp"

namespace brood {
inline namespace v0 {
namespace {

using detail::LooseSocket;

Status wait_until_ready(port::Fd fd, bool to_write, std::int64_t deadline_ns) noexcept {
    port::PollItem item;
    item.fd = fd;
    item.want_read = !to_write;
    item.want_write = to_write;
    const Result<std::size_t> ready = port::poll(&item, 1, deadline_ns);
    if (!ready.ok()) { return ready.error(); }
    return *ready > 0 ? Errc::ok : Errc::timed_out;
}

Status begin_connecting(LooseSocket& socket, const Address& address) noexcept {
    const detail::ForkListHold hold;  // No child has the socket without knowing of it.
    const Result<port::Fd> fd = port::socket_connect(address);
    if (fd.ok()) { socket.take_locked(*fd); }
    return fd.status();
}

Status connect_until(LooseSocket& socket, const Address& address,
                     std::int64_t deadline_ns) noexcept {
    detail::Looks looks;
    for (;;) {
        const Status begun = begin_connecting(socket, address);
        if (begun.ok()) { break; }
        if (begun.code() != Errc::would_block) { return begun; }
        if (detail::has_passed(deadline_ns)) { return Errc::timed_out; }
        port::sleep_until(looks.next(deadline_ns));  // Nothing tells when the backlog has room.
    }
    const Status connected = wait_until_ready(socket.fd(), true, deadline_ns);
    return connected.ok() ? port::socket_connected(socket.fd()) : connected;
}

Status authenticate(port::Fd socket, const detail::AuthRules& rules,
                    std::int64_t deadline_ns) noexcept {
    detail::Handshake handshake;
    const Status begun = detail::begin_handshake(handshake, detail::Handshake::Side::client);
    if (!begun.ok()) { return begun; }
    for (;;) {
        const Status done = detail::go_on(handshake, socket, rules);
        if (done.code() != Errc::would_block) { return done; }
        const bool to_write = handshake.wants() == detail::Handshake::Wants::to_write;
        const Status ready = wait_until_ready(socket, to_write, deadline_ns);
        if (!ready.ok()) { return ready; }
    }
}

}  // namespace

Result<Connection> Client::connect(const Address& address, const ClientOptions& options,
                                   Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (address.problem() != Errc::ok) { return address.problem(); }
    const detail::Secret& key = options.key_;
    if (key.problem() != Errc::ok) { return key.problem(); }
    const Status watched = detail::fork_list_watch();
    if (!watched.ok()) { return watched.error(); }

    LooseSocket socket;
    Status status = connect_until(socket, address, deadline_ns);
    if (status.ok() && key.is_set()) {
        status = authenticate(socket.fd(), {key.bytes(), key.size(), options.allow_legacy_},
                              deadline_ns);
    }
    Connection made;
    if (status.ok()) { status = socket.become(made); }
    if (!status.ok()) { return status.error(); }
    return made;
}

}  // namespace v0
}  // namespace brood
