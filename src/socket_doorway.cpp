#include "socket_doorway.hpp"

#include "connection_access.hpp"
#include "fork_list.hpp"
#include "socket_loose.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// For those who hold the list, so that a child that is forked closes all guests that are here.
void turn_away(Doorway& doorway, Guest& guest) noexcept {
    port::close(guest.fd);
    guest.is_here = false;
    --doorway.count;
    ++doorway.refused;
}

Guest& place_for_one(Doorway& doorway) noexcept {
    Guest* oldest = &doorway.guests[0];
    for (std::uint32_t i = 0; i < doorway.most; ++i) {
        Guest& guest = doorway.guests[i];
        if (!guest.is_here) { return guest; }
        if (guest.deadline_ns < oldest->deadline_ns) { oldest = &guest; }
    }
    turn_away(doorway, *oldest);
    return *oldest;
}

}  // namespace

Result<Doorway*> make_doorway(const Secret& key, bool allow_legacy, std::int64_t handshake_ns,
                              std::uint32_t most) noexcept {
    const std::size_t bytes = Doorway::bytes_for(most);
    const Result<void*> mapped = port::map_private(bytes);
    if (!mapped.ok()) { return mapped.error(); }
    port::hide_from_dumps(*mapped, bytes);
    Doorway* const doorway = static_cast<Doorway*>(*mapped);  // Zeroes are what it begins with.
    __builtin_memcpy(doorway->key, key.bytes(), key.size());
    doorway->key_bytes = key.size();
    doorway->allow_legacy = allow_legacy;
    doorway->handshake_ns = handshake_ns;
    doorway->most = most;
    return doorway;
}

void free_doorway(Doorway* doorway) noexcept {
    if (doorway == nullptr) { return; }
    const std::size_t bytes = Doorway::bytes_for(doorway->most);
    wipe(doorway->key, sizeof(doorway->key));
    port::unmap(doorway, bytes);
}

Status let_in(Doorway& doorway, port::Fd listener) noexcept {
    Handshake handshake;
    const Status begun = begin_handshake(handshake, Handshake::Side::listener);
    if (!begun.ok()) { return begun; }
    Address from;
    const ForkListHold hold;
    const Result<port::Fd> fd = port::socket_accept(listener, from);
    if (!fd.ok()) { return fd.status(); }
    Guest& guest = place_for_one(doorway);
    guest.fd = *fd;
    guest.from = from;
    guest.handshake = handshake;
    guest.deadline_ns = port::now_ns() + doorway.handshake_ns;
    guest.is_here = guest.has_news = true;
    ++doorway.count;
    return Errc::ok;
}

Guest* go_round(Doorway& doorway) noexcept {
    const std::int64_t now = doorway.count > 0 ? port::now_ns() : 0;
    for (std::uint32_t i = 0; i < doorway.most && doorway.count > 0; ++i) {
        Guest& guest = doorway.guests[i];
        if (!guest.is_here) { continue; }
        const Status done = guest.has_news ? go_on(guest.handshake, guest.fd, doorway.rules())
                                           : Status(Errc::would_block);
        if (done.ok()) { return &guest; }
        guest.has_news = false;
        const bool may_go_on = done.code() == Errc::would_block && now < guest.deadline_ns;
        if (may_go_on) { continue; }
        const ForkListHold hold;
        turn_away(doorway, guest);
    }
    return nullptr;
}

Result<bool> wait_at(Doorway& doorway, port::Fd listener, std::int64_t deadline_ns) noexcept {
    port::PollItem items[1 + ListenerOptions::kPendingMax];
    Guest* guests[1 + ListenerOptions::kPendingMax];
    static_assert(sizeof(items) / sizeof(items[0]) <= port::kPollMax, "poll() takes them all");
    items[0].fd = listener;
    items[0].want_read = true;
    std::size_t count = 1;
    for (std::uint32_t i = 0; i < doorway.most; ++i) {
        Guest& guest = doorway.guests[i];
        if (!guest.is_here) { continue; }
        guests[count] = &guest;
        items[count].fd = guest.fd;
        items[count].want_write = guest.handshake.wants() == Handshake::Wants::to_write;
        items[count].want_read = !items[count].want_write;
        ++count;
        if (guest.deadline_ns < deadline_ns) { deadline_ns = guest.deadline_ns; }
    }
    const Result<std::size_t> ready = port::poll(items, count, deadline_ns);
    if (!ready.ok()) { return ready.error(); }
    for (std::size_t i = 1; i < count; ++i) {
        if (items[i].ready) { guests[i]->has_news = true; }
    }
    return items[0].ready;
}

Status lead_in(Doorway& doorway, Guest& guest, Connection& to) noexcept {
    ChannelPage* page = nullptr;
    const Status mapped = map_stream_page(page);
    if (!mapped.ok()) { return mapped; }
    const ForkListHold hold;
    guest.is_here = false;
    --doorway.count;
    ConnectionAccess::become_stream(to, guest.fd, *page);
    return mapped;
}

void empty_doorway(Doorway& doorway) noexcept {
    for (std::uint32_t i = 0; i < doorway.most; ++i) {
        Guest& guest = doorway.guests[i];
        if (guest.is_here) { port::close(guest.fd); }
        guest.is_here = false;
    }
    doorway.count = 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
