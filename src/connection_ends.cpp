// The ends of a channel: how they are made, who owns them, how they move and close.
#include <brood/connection.hpp>

#include <utility>

#include "connection_access.hpp"
#include "connection_handing.hpp"
#include "fork_list.hpp"

namespace brood {
inline namespace v0 {
namespace {

using detail::ChannelControl;
using detail::ChannelPage;
using detail::ForkLink;

// The pipes of a channel while it is being made. Until release() they are closed by its destructor.
struct Parts {
    port::Fd there[2] = {port::kNoFd, port::kNoFd};  // [0] reads what is written to [1].
    port::Fd back[2] = {port::kNoFd, port::kNoFd};
    ChannelPage* page = nullptr;

    Parts() noexcept = default;
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;
    ~Parts() noexcept {
        for (const port::Fd fd : {there[0], there[1], back[0], back[1]}) { port::close(fd); }
        if (page != nullptr) { port::unmap(page, sizeof(*page)); }
    }
    void release() noexcept {
        there[0] = there[1] = back[0] = back[1] = port::kNoFd;
        page = nullptr;
    }
};

Status open_parts(Parts& parts, bool duplex, bool framed) noexcept {
    Status status = port::pipe(parts.there);
    if (status.ok() && duplex) { status = port::pipe(parts.back); }
    if (status.ok() && framed) { status = ConnectionAccess::map_page(parts.page); }
    return status;
}

}  // namespace

Status ConnectionAccess::map_page(ChannelPage*& page) noexcept {
    const Result<void*> mapped = port::map_shared(sizeof(ChannelPage));
    if (!mapped.ok()) { return mapped.error(); }
    page = static_cast<ChannelPage*>(*mapped);  // Zeroes are what every other field begins with.
    Status status;
    for (ChannelControl& control : page->controls) {
        if (status.ok()) { status = port::mutex_init(control.writers); }
        if (status.ok()) { status = port::mutex_init(control.readers); }
    }
    return status;
}

std::uint32_t ConnectionAccess::next_channel() noexcept {
    static std::atomic<std::uint32_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void ConnectionAccess::set_up(Connection& end, port::Fd read, port::Fd write,
                              std::uint32_t channel) noexcept {
    end.read_ = read;
    end.write_ = write;
    end.channel_ = channel;
    end.link_.forget = &forget;
}

// No fork comes between the making and the listing: a child that another thread forks knows of
// every end that it has.
Status ConnectionAccess::open_and_list(ConnectionPair& pair, bool duplex, bool framed) noexcept {
    const detail::ForkListHold hold;
    Parts parts;
    const Status opened = open_parts(parts, duplex, framed);
    if (!opened.ok()) { return opened; }
    const std::uint32_t channel = next_channel();
    set_up(pair.first, parts.there[0], parts.back[1], channel);
    set_up(pair.second, parts.back[0], parts.there[1], channel);
    if (framed) {
        ChannelControl* const there = &parts.page->controls[0];
        ChannelControl* const back = &parts.page->controls[1];
        pair.first.reading_ = pair.second.writing_ = there;
        if (duplex) { pair.second.reading_ = pair.first.writing_ = back; }
    }
    parts.release();
    detail::fork_list_add_locked(pair.first.link_);
    detail::fork_list_add_locked(pair.second.link_);
    return opened;
}

Result<ConnectionPair> ConnectionAccess::make(bool duplex, bool framed) noexcept {
    const Status watched = detail::fork_list_watch();
    if (!watched.ok()) { return watched.error(); }
    ConnectionPair pair;
    const Status opened = open_and_list(pair, duplex, framed);
    if (!opened.ok()) { return opened.error(); }
    return pair;
}

// Other threads may walk the list meanwhile: `to` is complete before it takes the place of `from`.
void ConnectionAccess::take(Connection& to, Connection& from) noexcept {
    to.read_ = from.read_;
    to.write_ = from.write_;
    to.channel_ = from.channel_;
    to.refusal_.store(from.refusal_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    to.longest_ = from.longest_;
    to.reading_ = from.reading_;
    to.writing_ = from.writing_;
    to.stream_ = from.stream_;
    if (is_open(from)) { detail::fork_list_move(from.link_, to.link_); }
    from.read_ = from.write_ = port::kNoFd;
    from.reading_ = from.writing_ = nullptr;
}

// An end refers to one or both controls of its page; a simplex channel uses only the first.
void* ConnectionAccess::page_of(const Connection& end) noexcept {
    if (end.reading_ == nullptr) { return end.writing_; }
    if (end.writing_ == nullptr) { return end.reading_; }
    return end.reading_ < end.writing_ ? end.reading_ : end.writing_;
}

void ConnectionAccess::leave_page(ForkLink& link, void* use) noexcept {
    PageUse& page_use = *static_cast<PageUse*>(use);
    Connection* const end = of(link);
    if (end == nullptr || page_of(*end) != page_use.page) { return; }
    if (end == page_use.leaving) {
        end->reading_ = end->writing_ = nullptr;
    } else {
        page_use.used_by_others = true;
    }
}

// The page is unmapped with the last end in this process. The list is locked during the walk, so
// when two threads close the two ends, exactly one of them is the last.
void ConnectionAccess::drop_page(Connection& end) noexcept {
    void* const page = page_of(end);
    if (page == nullptr) { return; }
    PageUse use = {&end, page, false};
    detail::fork_list_each(&leave_page, &use);
    if (!use.used_by_others) { port::unmap(page, sizeof(ChannelPage)); }
}

void ConnectionAccess::close_descriptors(Connection& end) noexcept {
    port::close(end.read_);
    if (end.write_ != end.read_) { port::close(end.write_); }
    end.read_ = end.write_ = port::kNoFd;
}

void ConnectionAccess::visit_handed(ForkLink& link, void* handed) noexcept {
    Handed& search = *static_cast<Handed*>(handed);
    Connection* const end = of(link);
    if (end == nullptr) { return; }
    if (search.holds(*end)) {
        const bool nearer = search.next == 0 || end->channel_ < search.next;
        if (end->channel_ > search.channel && nearer) { search.next = end->channel_; }
    } else if (end->channel_ == search.channel) {
        close_descriptors(*end);
        end->reading_ = end->writing_ = nullptr;  // The page stays: the handed end uses it, too.
        detail::fork_list_remove_locked(link);
    }
}

// One walk for each channel handed over, in the order of their numbers: there is no memory to
// remember more than one.
void detail::keep_handed_ends(const void* first, const void* last) noexcept {
    ConnectionAccess::Handed search = {reinterpret_cast<std::uintptr_t>(first),
                                       reinterpret_cast<std::uintptr_t>(last), 0, 0};
    do {
        search.channel = std::exchange(search.next, 0u);
        fork_list_each(&ConnectionAccess::visit_handed, &search);
    } while (search.next != 0);
}

Result<ConnectionPair> Connection::pipe(bool duplex) noexcept {
    return ConnectionAccess::make(duplex, true);
}

Result<ConnectionPair> Connection::record_pipe(std::size_t longest, bool duplex) noexcept {
    if (longest > detail::kFrameBytesMax) { return Errc::size_too_large; }
    return ConnectionAccess::make(duplex, longest > port::pipe_atomic());
}

Connection::Connection(Connection&& other) noexcept {
    ConnectionAccess::take(*this, other);
}

Connection& Connection::operator=(Connection&& other) noexcept {
    if (this != &other) {
        close();
        ConnectionAccess::take(*this, other);
    }
    return *this;
}

void Connection::close() noexcept {
    if (!ConnectionAccess::is_open(*this)) { return; }
    ConnectionAccess::drop_page(*this);
    const detail::ForkListHold hold;  // No child gets a link to a descriptor that is another's.
    detail::fork_list_remove_locked(link_);
    ConnectionAccess::close_descriptors(*this);
}

}  // namespace v0
}  // namespace brood
