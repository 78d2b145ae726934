#include <brood/signals.hpp>

#include "deadline.hpp"
#include "self.hpp"

namespace brood {
inline namespace v0 {
namespace signals {
namespace {

static_assert(sizeof(Info) == sizeof(port::SignalEntry), "List shows the port's table as it is");

constexpr int kSignalMax = 64;
constexpr int kAlarm = 14;  // The same on every POSIX system (kill(1) -14).
constexpr int kBrokenPipe = 13;

// What was there before brood's first on() or ignore() of a signal. Signal handling is inherited
// by fork, and so is this.
std::uint32_t g_saved_in[kSignalMax + 1];  // 0: not saved; else in which life, see below
// As bytes, which start as zeroes and take no room in the program's file.
alignas(port::SignalAction) unsigned char g_saved[kSignalMax + 1][sizeof(port::SignalAction)];

/// A child whose signals were reset begins a life in which nothing is saved. Counted in the page of
/// all that a child changes, since clearing the table would write to two more.
std::uint32_t this_life() noexcept {
    return 1 + detail::self().signal_resets;
}

bool same_name(const char* given, const char* name) noexcept {
    for (; *given == *name; ++given, ++name) {
        if (*given == '\0') { return true; }
    }
    return false;
}

/// Sets an action; the first time for this signal it keeps what was there.
Status set(int signal, const port::SignalAction& action) noexcept {
    if (signal < 1 || signal > kSignalMax) { return Errc::bad_signal; }
    port::SignalAction before;
    const Status done = port::signal_action(signal, &action, &before);
    if (done.ok() && g_saved_in[signal] != this_life()) {
        __builtin_memcpy(g_saved[signal], &before, sizeof before);
        g_saved_in[signal] = this_life();
    }
    return done;
}

Errc delay_error(Timeout delay) noexcept {
    if (delay.is_forever()) { return Errc::timeout_overflow; }
    const std::int64_t deadline_ns = detail::deadline_of(delay);
    return deadline_ns < 0 ? detail::deadline_error(deadline_ns) : Errc::ok;
}

}  // namespace
}  // namespace signals

void detail::signals_forget() noexcept {
    ++self().signal_resets;
}

namespace signals {

List all() noexcept {
    std::size_t count = 0;
    const port::SignalEntry* const table = port::signal_table(count);
    return {reinterpret_cast<const Info*>(table), count};
}

const char* name(int signal) noexcept {
    return port::signal_name(signal);
}

Result<int> number(const char* name) noexcept {
    if (name == nullptr) { return Errc::bad_signal; }
    for (const Info& info : all()) {
        if (same_name(name, info.name) || same_name(name, info.name + 3)) { return info.number; }
    }
    return Errc::bad_signal;
}

Status send(std::int32_t pid, int signal) noexcept {
    if (pid <= 0) { return Errc::bad_argument; }
    if (signal < 0 || signal > kSignalMax) { return Errc::bad_signal; }
    return port::signal_process(pid, port::kNoFd, signal);
}

Status on(int signal, Handler handler) noexcept {
    if (handler == nullptr) { return Errc::bad_argument; }
    port::SignalAction action;
    action.disposition = port::Disposition::handled;
    action.handler = handler;
    return set(signal, action);
}

Status ignore(int signal) noexcept {
    port::SignalAction action;
    action.disposition = port::Disposition::ignored;
    return set(signal, action);
}

Status by_default(int signal) noexcept {
    return set(signal, port::SignalAction());
}

Status restore(int signal) noexcept {
    if (signal < 1 || signal > kSignalMax) { return Errc::bad_signal; }
    if (g_saved_in[signal] != this_life()) { return Errc::ok; }
    g_saved_in[signal] = 0;
    port::SignalAction before;
    __builtin_memcpy(static_cast<void*>(&before), g_saved[signal], sizeof before);
    return port::signal_action(signal, &before, nullptr);
}

Scoped::Scoped(int signal, Handler handler) noexcept : signal_(signal) {
    static_assert(sizeof(port::SignalAction) <= sizeof before_, "Scoped::before_ is too small");
    port::SignalAction action;
    action.disposition = handler == nullptr ? port::Disposition::ignored
                                            : port::Disposition::handled;
    action.handler = handler;
    port::SignalAction before;
    status_ = signal < 1 || signal > kSignalMax ? Status(Errc::bad_signal)
                                                : port::signal_action(signal, &action, &before);
    __builtin_memcpy(before_, &before, sizeof before);
}

Scoped::~Scoped() noexcept {
    if (!status_.ok()) { return; }
    port::SignalAction before;
    __builtin_memcpy(static_cast<void*>(&before), before_, sizeof before);
    port::signal_action(signal_, &before, nullptr).ignore();
}

Blocked::Blocked(Set set) noexcept
    : before_(port::signal_mask(port::MaskChange::block, set.mask())) {}

Blocked::~Blocked() noexcept {
    port::signal_mask(port::MaskChange::set, before_);
}

void pause() noexcept {
    port::signal_pause();
}

Result<int> wait_signal(Set set, Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (set.mask() == 0) { return Errc::bad_argument; }
    return port::signal_wait(set.mask(), deadline_ns);
}

Result<Timeout> alarm(Timeout delay) noexcept {
    const Errc wrong = delay_error(delay);
    if (wrong != Errc::ok) { return wrong; }
    const Result<std::int64_t> left = port::alarm_clock(delay.nanoseconds());
    if (!left.ok()) { return left.error(); }
    return nanoseconds(*left);
}

ScopedAlarm::ScopedAlarm(Timeout delay, Handler handler) noexcept
    : status_(delay_error(delay)),
      former_(status_.ok()),
      handler_(status_.ok() ? kAlarm : 0, handler) {
    if (status_.ok()) { status_ = handler_.status(); }
    if (status_.ok()) { status_ = alarm(delay).status(); }
}

ScopedAlarm::~ScopedAlarm() noexcept {
    if (status_.ok()) { alarm(Timeout::no_wait()).ignore(); }
}

ScopedAlarm::Former::Former(bool stop) noexcept {
    if (!stop) { return; }
    repeat_ns = port::alarm_repeat(-1);
    const Timeout left = alarm(Timeout::no_wait()).value_or(Timeout::no_wait());
    if (!left.is_no_wait()) { due_ns = port::now_ns() + left.nanoseconds(); }
}

ScopedAlarm::Former::~Former() noexcept {
    if (due_ns == 0) { return; }
    const std::int64_t left = due_ns - port::now_ns();
    alarm(nanoseconds(left > 1000 ? left : 1000)).ignore();  // 1 us: it should have rung by now
    if (repeat_ns > 0) { static_cast<void>(port::alarm_repeat(repeat_ns)); }
}

Status ignore_broken_pipes() noexcept {
    const Status ignored = ignore(kBrokenPipe);
    if (ignored.ok()) { port::assume_broken_pipe_ignored(true); }
    return ignored;
}

}  // namespace signals
}  // namespace v0
}  // namespace brood
