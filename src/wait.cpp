// wait() and wait_any(): one of several things.
#include <brood/wait.hpp>

#include "children.hpp"
#include "deadline.hpp"
#include "process_access.hpp"
#include "wait_seats.hpp"

namespace brood {
inline namespace v0 {

/// The implementation's way into a Waitable.
struct WaitAccess {
    static Process* process(const Waitable& item) noexcept { return item.process_; }
    static int fd(const Waitable& item) noexcept { return item.fd_; }
    /// ok: get() of the future, or accept(), would not wait; timed_out: it would, or it is none.
    static Errc look(const Waitable& item) noexcept {
        if (goes_on(item)) {
            return item.listener_look_(*item.listener_) ? Errc::ok : Errc::timed_out;
        }
        return item.asks_ == nullptr ? Errc::timed_out : item.asks_->look(item.future_);
    }
    /// Whether it is a listener with handshakes to go on with.
    static bool goes_on(const Waitable& item) noexcept { return item.listener_look_ != nullptr; }
    static bool has_pending(const Waitable& item) noexcept {
        return goes_on(item) && item.listener_->pending() > 0;
    }
    static bool is_future(const Waitable& item) noexcept { return item.asks_ != nullptr; }
    /// Of a future: null if it has none any more.
    static detail::PoolCore* pool(const Waitable& item) noexcept {
        return item.asks_ == nullptr ? nullptr : item.asks_->pool(item.future_);
    }
    static Errc watch(const Waitable& item, detail::Watch watch, void* context,
                      Timeout timeout) noexcept {
        return item.asks_->watch(pool(item), watch, context, timeout);
    }
    static bool cannot_poll(const Waitable& item) noexcept { return item.cannot_poll_; }
};

namespace {

using detail::ProcessAccess;

constexpr std::size_t kItemsMax = 64;

Status check(const Waitable* items, std::size_t count) noexcept {
    if (items == nullptr || count == 0 || count > kItemsMax) { return Errc::bad_argument; }
    for (std::size_t i = 0; i < count; ++i) {
        Process* const process = WaitAccess::process(items[i]);
        if (WaitAccess::is_future(items[i])) {
            const Errc seen = WaitAccess::look(items[i]);
            if (seen == Errc::collected || seen == Errc::wrong_process) { return seen; }
            continue;
        }
        if (process == nullptr) {
            if (WaitAccess::cannot_poll(items[i])) { return Errc::unsupported; }
            if (WaitAccess::fd(items[i]) < 0) { return Errc::closed; }
            continue;
        }
        const Errc state = process->exit_code().code();
        const bool has_run = state == Errc::ok || state == Errc::status_stolen;
        if (!has_run && state != Errc::still_running) { return state; }
    }
    return Errc::ok;
}

/// The first process or task among the items that has ended; kItemsMax if none has.
std::size_t first_ended(const Waitable* items, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        Process* const process = WaitAccess::process(items[i]);
        if (process != nullptr && ProcessAccess::reap(*process, false)) { return i; }
        if (WaitAccess::look(items[i]) != Errc::timed_out) { return i; }
    }
    return kItemsMax;
}

// ---- Futures of one pool alone: its own bell tells of them -------------------------------------

bool are_of_one_pool(const Waitable* items, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const detail::PoolCore* const pool = WaitAccess::pool(items[i]);
        if (pool == nullptr || pool != WaitAccess::pool(items[0])) { return false; }
    }
    return true;
}

Result<std::size_t> wait_in_pool(const Waitable* items, std::size_t count,
                                 Timeout timeout) noexcept {
    struct Futures {
        const Waitable* items;
        std::size_t count, ended;
    } futures{items, count, kItemsMax};
    const auto look = [](void* context) {
        Futures& all = *static_cast<Futures*>(context);
        all.ended = first_ended(all.items, all.count);
        return all.ended < all.count;
    };
    const Errc waited = WaitAccess::watch(items[0], look, &futures, timeout);
    // With the pool all of them have ended.
    if (futures.ended < count || look(&futures)) { return futures.ended; }
    return waited;
}

// ---- Anything else: descriptors tell -----------------------------------------------------------

bool has_futures(const Waitable* items, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        if (WaitAccess::is_future(items[i])) { return true; }
    }
    return false;
}

/// What to poll for each item. True: it must be looked at now and then, since nothing tells.
bool list_descriptors(const Waitable* items, std::size_t count, port::PollItem* polled) noexcept {
    bool must_look = false;
    for (std::size_t i = 0; i < count; ++i) {
        Process* const process = WaitAccess::process(items[i]);
        polled[i] = {process == nullptr ? WaitAccess::fd(items[i]) : ProcessAccess::watch(*process),
                     true, false, false};
        must_look = must_look || (process != nullptr && polled[i].fd == port::kNoFd) ||
                    WaitAccess::has_pending(items[i]);
    }
    return must_look;
}

/// Seats in the pools of the futures. True: there is one of which nothing tells.
bool take_seats(const Waitable* items, std::size_t count, detail::WaitSeats& seats) noexcept {
    bool must_look = false;
    for (std::size_t i = 0; i < count; ++i) {
        if (!WaitAccess::is_future(items[i])) { continue; }
        detail::PoolCore* const pool = WaitAccess::pool(items[i]);
        if (pool == nullptr || !seats.take(*pool, i)) { must_look = true; }
    }
    return must_look;
}

/// One sleep, until something is ready or has changed. The first item that is ready, not counting
/// processes and futures; kItemsMax: there is none.
Result<std::size_t> sleep_once(const Waitable* items, std::size_t count, detail::WaitSeats& seats,
                               bool must_look, detail::Looks& looks,
                               std::int64_t deadline_ns) noexcept {
    port::PollItem polled[kItemsMax];
    must_look = list_descriptors(items, count, polled) || must_look;
    detail::LaunchPipe own;  // to be woken by another thread: see WaitSeat
    const bool lies = deadline_ns == 0 || seats.lie_down(polled, own, must_look);
    std::int64_t until = must_look ? looks.next(deadline_ns) : deadline_ns;
    if (!lies || deadline_ns == 0) { until = 0; }
    const Result<std::size_t> ready = port::poll(polled, count, until);
    seats.rise(polled);
    if (!ready.ok()) { return ready.error(); }
    for (std::size_t i = 0; i < count; ++i) {
        const bool is_other = WaitAccess::process(items[i]) == nullptr &&
                              !WaitAccess::is_future(items[i]) && !WaitAccess::goes_on(items[i]);
        if (is_other && polled[i].ready) { return i; }
    }
    return kItemsMax;
}

}  // namespace

Result<std::size_t> wait(const Waitable* items, std::size_t count, Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    const Status good = check(items, count);
    if (!good.ok()) { return good.error(); }
    detail::reap_adopted();
    if (are_of_one_pool(items, count)) { return wait_in_pool(items, count, timeout); }
    detail::Looks looks;
    detail::WaitSeats seats;
    bool is_seated = !has_futures(items, count), must_look = false;
    for (;;) {
        seats.begin_turn();
        const std::size_t ended = first_ended(items, count);
        if (ended == kItemsMax && !is_seated && !detail::has_passed(deadline_ns)) {
            is_seated = true;
            must_look = take_seats(items, count, seats);
            continue;  // What ends from here on is told; what has ended before is seen.
        }
        // A process that has ended is ready at once, but a descriptor before it may be, too.
        const Result<std::size_t> ready =
            sleep_once(items, count, seats, must_look, looks, ended < count ? 0 : deadline_ns);
        if (!ready.ok()) { return ready.error(); }
        const std::size_t first = *ready < ended ? *ready : ended;
        if (first < count) { return first; }
        if (detail::has_passed(deadline_ns) && first_ended(items, count) == kItemsMax) {
            return Errc::timed_out;
        }
    }
}

Result<std::size_t> wait(std::initializer_list<Waitable> items, Timeout timeout) noexcept {
    return wait(items.begin(), items.size(), timeout);
}

Result<std::size_t> wait_any(Process* const* processes, std::size_t count,
                             Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (processes == nullptr && count != 0) { return Errc::bad_argument; }
    for (std::size_t i = 0; i < count; ++i) {
        if (processes[i] == nullptr) { return Errc::bad_argument; }
    }
    detail::reap_adopted();
    detail::Looks looks;
    for (;;) {
        std::size_t running = 0;
        port::PollItem polled[kItemsMax];
        bool must_look = false;
        for (std::size_t i = 0; i < count; ++i) {
            if (!ProcessAccess::is_started(*processes[i])) { continue; }
            if (ProcessAccess::reap(*processes[i], false)) { return i; }
            const port::Fd watch = ProcessAccess::watch(*processes[i]);
            if (running < kItemsMax) { polled[running] = {watch, true, false, false}; }
            must_look = must_look || watch == port::kNoFd || running >= kItemsMax;
            ++running;
        }
        if (running == 0) { return Errc::no_children; }
        if (detail::has_passed(deadline_ns)) { return Errc::timed_out; }
        const std::int64_t until = must_look ? looks.next(deadline_ns) : deadline_ns;
        const std::size_t room = running < kItemsMax ? running : kItemsMax;
        const Result<std::size_t> ready = port::poll(polled, room, until);
        if (!ready.ok()) { return ready.error(); }
    }
}

}  // namespace v0
}  // namespace brood
