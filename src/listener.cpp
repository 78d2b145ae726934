#include <brood/listener.hpp>

#include <type_traits>
#include <utility>

#include "deadline.hpp"
#include "fork_list.hpp"
#include "socket_doorway.hpp"
#include "socket_loose.hpp"

namespace brood {
inline namespace v0 {

using detail::Doorway;
using detail::ForkListHold;
using detail::Guest;

/// What only this file may do with a Listener.
struct ListenerAccess {
    static Errc check(const ListenerOptions& options) noexcept;
    static Status listen(Listener& listener, const ListenerOptions& options) noexcept;
    static Status open(Listener& listener, const Address& address,
                       const ListenerOptions& options) noexcept;
    static void take(Listener& to, Listener& from) noexcept;
    static Status accept_plainly(Listener& listener, Connection& to,
                                 std::int64_t deadline_ns) noexcept;
    static Status accept_authenticated(Listener& listener, Connection& to,
                                       std::int64_t deadline_ns) noexcept;
    static bool look(Listener& listener) noexcept;
    static Status accept_first(Listener& listener, detail::LooseSocket& socket) noexcept;

private:
    static constexpr std::int64_t kHandshakeLeastNs = 1000000;
    static constexpr std::int64_t kHandshakeMostNs = 86400000000000;
    // How many are let in between two rounds: few enough that those who go on with their handshake
    // have finished before a flood of others takes their place.
    static constexpr int kLetInMost = 8;

    static bool forget(detail::ForkLink& link) noexcept;
    static Status let_some_in(Listener& listener, std::int64_t deadline_ns) noexcept;
};

// A child goes on listening, without those who are in the middle of their handshake.
bool ListenerAccess::forget(detail::ForkLink& link) noexcept {
    static_assert(std::is_standard_layout_v<Listener>, "its link_ lies at its address");
    Listener& listener = reinterpret_cast<Listener&>(link);
    if (listener.doorway_ != nullptr) { detail::empty_doorway(*listener.doorway_); }
    return true;
}

Errc ListenerAccess::check(const ListenerOptions& options) noexcept {
    const Timeout time = options.handshake_;
    const bool is_good = options.backlog_ >= 1 && options.backlog_ <= 65535 &&
                         options.pending_max_ >= 1 &&
                         options.pending_max_ <= ListenerOptions::kPendingMax &&
                         options.mode_ <= 0777 && time.is_valid() && !time.is_forever() &&
                         time.nanoseconds() >= kHandshakeLeastNs &&
                         time.nanoseconds() <= kHandshakeMostNs;
    return is_good ? options.key_.problem() : Errc::bad_argument;
}

// No fork comes between the making and the listing, nor does another thread of ours make one.
Status ListenerAccess::listen(Listener& listener, const ListenerOptions& options) noexcept {
    const ForkListHold hold;
    port::ObjectIdentity file;
    const port::ListenPlan plan = {options.backlog_, options.mode_, options.replaces_stale_};
    const Result<port::Fd> fd = port::socket_listen(listener.address_, plan, file);
    if (!fd.ok()) { return fd.status(); }
    listener.fd_ = *fd;
    if (listener.address_.family() == Address::Family::unix_path) {
        listener.owner_epoch_ = detail::fork_epoch();
        listener.device_ = file.device;
        listener.file_ = file.number;
    }
    listener.link_.forget = &forget;
    detail::fork_list_add_locked(listener.link_);
    return Errc::ok;
}

Status ListenerAccess::open(Listener& listener, const Address& address,
                            const ListenerOptions& options) noexcept {
    if (address.problem() != Errc::ok) { return address.problem(); }
    const Errc bad = check(options);
    if (bad != Errc::ok) { return bad; }
    const Status watched = detail::fork_list_watch();
    if (!watched.ok()) { return watched; }
    if (options.key_.is_set()) {
        const Result<Doorway*> doorway = detail::make_doorway(options.key_, options.allow_legacy_,
                                                              options.handshake_.nanoseconds(),
                                                              options.pending_max_);
        if (!doorway.ok()) { return doorway.status(); }
        listener.doorway_ = *doorway;
    }
    listener.address_ = address;
    const Status listening = listen(listener, options);
    if (listening.ok()) { return listening; }
    detail::free_doorway(std::exchange(listener.doorway_, nullptr));
    return listening;
}

// Other threads may walk the list meanwhile: `to` is complete before it takes the place of `from`.
void ListenerAccess::take(Listener& to, Listener& from) noexcept {
    const ForkListHold hold;
    to.owner_epoch_ = from.owner_epoch_;
    to.device_ = from.device_;
    to.file_ = from.file_;
    to.address_ = from.address_;
    to.last_accepted_ = from.last_accepted_;
    to.doorway_ = std::exchange(from.doorway_, nullptr);
    to.fd_ = std::exchange(from.fd_, port::kNoFd);
    if (to.fd_ != port::kNoFd) { detail::fork_list_move_locked(from.link_, to.link_); }
}

Status ListenerAccess::accept_first(Listener& listener, detail::LooseSocket& socket) noexcept {
    const ForkListHold hold;
    const Result<port::Fd> fd = port::socket_accept(listener.fd_, listener.last_accepted_);
    if (fd.ok()) { socket.take_locked(*fd); }
    return fd.status();
}

Status ListenerAccess::accept_plainly(Listener& listener, Connection& to,
                                      std::int64_t deadline_ns) noexcept {
    detail::LooseSocket socket;
    for (;;) {
        const Status accepted = accept_first(listener, socket);
        if (accepted.ok()) { return socket.become(to); }
        if (accepted.code() != Errc::would_block) { return accepted; }
        port::PollItem item;
        item.fd = listener.fd_;
        item.want_read = true;
        const Result<std::size_t> ready = port::poll(&item, 1, deadline_ns);
        if (!ready.ok()) { return ready.error(); }
        if (*ready == 0) { return Errc::timed_out; }
    }
}

// Waits for something to happen, and lets in who has come.
Status ListenerAccess::let_some_in(Listener& listener, std::int64_t deadline_ns) noexcept {
    const Result<bool> has_come = detail::wait_at(*listener.doorway_, listener.fd_, deadline_ns);
    if (!has_come.ok()) { return has_come.error(); }
    Status let = Errc::ok;
    for (int i = 0; i < kLetInMost && *has_come && let.ok(); ++i) {
        let = detail::let_in(*listener.doorway_, listener.fd_);
    }
    return let.code() == Errc::would_block ? Errc::ok : let;
}

Status ListenerAccess::accept_authenticated(Listener& listener, Connection& to,
                                            std::int64_t deadline_ns) noexcept {
    Doorway& doorway = *listener.doorway_;
    for (bool is_last = false;; is_last = detail::has_passed(deadline_ns)) {
        Guest* const guest = detail::go_round(doorway);
        if (guest != nullptr) {
            listener.last_accepted_ = guest->from;
            return detail::lead_in(doorway, *guest, to);
        }
        if (is_last) { return Errc::timed_out; }
        const Status let = let_some_in(listener, deadline_ns);
        if (!let.ok()) { return let; }
    }
}

// What goes wrong, accept() will say.
bool ListenerAccess::look(Listener& listener) noexcept {
    return !let_some_in(listener, 0).ok() || detail::go_round(*listener.doorway_) != nullptr;
}

bool detail::listener_look(Listener& listener) noexcept {
    return ListenerAccess::look(listener);
}

Result<Listener> Listener::create(const Address& address, const ListenerOptions& options) noexcept {
    Listener made;
    const Status opened = ListenerAccess::open(made, address, options);
    if (!opened.ok()) { return opened.error(); }
    return made;
}

Listener::Listener(Listener&& other) noexcept {
    ListenerAccess::take(*this, other);
}

Listener& Listener::operator=(Listener&& other) noexcept {
    if (this != &other) {
        close();
        ListenerAccess::take(*this, other);
    }
    return *this;
}

Result<Connection> Listener::accept(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (fd_ == port::kNoFd) { return Errc::closed; }
    Connection made;
    const Status accepted = doorway_ == nullptr
                                ? ListenerAccess::accept_plainly(*this, made, deadline_ns)
                                : ListenerAccess::accept_authenticated(*this, made, deadline_ns);
    if (!accepted.ok()) { return accepted.error(); }
    return made;
}

std::uint64_t Listener::refused() const noexcept {
    return doorway_ == nullptr ? 0 : doorway_->refused;
}

std::uint32_t Listener::pending() const noexcept {
    return doorway_ == nullptr ? 0 : doorway_->count;
}

// The name goes first: as long as there is one by it, somebody listens.
void Listener::close() noexcept {
    if (fd_ == port::kNoFd) { return; }
    if (owner_epoch_ != 0 && owner_epoch_ == detail::fork_epoch()) {
        port::socket_remove(address_, {device_, file_});
    }
    const ForkListHold hold;
    detail::fork_list_remove_locked(link_);
    port::close(std::exchange(fd_, port::kNoFd));
    if (doorway_ == nullptr) { return; }
    detail::empty_doorway(*doorway_);
    detail::free_doorway(std::exchange(doorway_, nullptr));
}

}  // namespace v0
}  // namespace brood
