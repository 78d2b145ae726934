// wait() and wait_any(): one of several things.
#include <brood/wait.hpp>

#include "children.hpp"
#include "deadline.hpp"
#include "process_access.hpp"

namespace brood {
inline namespace v0 {

/// The implementation's way into a Waitable.
struct WaitAccess {
    static Process* process(const Waitable& item) noexcept { return item.process_; }
    static int fd(const Waitable& item) noexcept { return item.fd_; }
    /// ok: get() of the future would not wait; timed_out: it would, or it is none.
    static Errc look(const Waitable& item) noexcept {
        return item.look_ == nullptr ? Errc::timed_out : item.look_(item.future_);
    }
    static bool is_future(const Waitable& item) noexcept { return item.look_ != nullptr; }
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

}  // namespace

Result<std::size_t> wait(const Waitable* items, std::size_t count, Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    const Status good = check(items, count);
    if (!good.ok()) { return good.error(); }
    detail::reap_adopted();
    detail::Looks looks;
    for (;;) {
        const std::size_t ended = first_ended(items, count);
        port::PollItem polled[kItemsMax];
        bool must_look = false;
        for (std::size_t i = 0; i < count; ++i) {
            Process* const process = WaitAccess::process(items[i]);
            polled[i].fd = process == nullptr ? WaitAccess::fd(items[i])
                                              : ProcessAccess::watch(*process);
            polled[i].want_read = true;
            if (polled[i].fd == port::kNoFd) { must_look = true; }
        }
        // A process that has ended is ready at once, but a descriptor before it may be, too.
        std::int64_t until = ended < count ? 0 : deadline_ns;
        if (must_look && ended == kItemsMax) { until = looks.next(deadline_ns); }
        const Result<std::size_t> ready = port::poll(polled, count, until);
        if (!ready.ok()) { return ready.error(); }
        for (std::size_t i = 0; i < count; ++i) {
            const bool is_process = WaitAccess::process(items[i]) != nullptr;
            if (i == ended || (polled[i].ready && !is_process)) { return i; }
        }
        if (*ready == 0 && detail::has_passed(deadline_ns) &&
            first_ended(items, count) == kItemsMax) {
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
