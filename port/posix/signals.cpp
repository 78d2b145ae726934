// Signals: actions, masks, waiting, the alarm clock.
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "native_signals.hpp"
#include "time.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

static_assert(sizeof(struct sigaction) <= sizeof(SignalAction::raw), "raw is too short");

void to_native(const SignalAction& action, struct sigaction& native) noexcept {
    native = {};
    native.sa_handler = SIG_DFL;
    native.sa_flags = action.restart ? SA_RESTART : 0;
    sigemptyset(&native.sa_mask);
    if (action.disposition == Disposition::ignored) { native.sa_handler = SIG_IGN; }
    if (action.disposition == Disposition::handled) { native.sa_handler = action.handler; }
}

void from_native(const struct sigaction& native, SignalAction& action) noexcept {
    action.disposition = Disposition::by_default;
    action.handler = nullptr;
    if (detail::is_caught(native)) {
        const bool plain = (native.sa_flags & SA_SIGINFO) == 0;
        action.disposition = Disposition::handled;
        if (plain) { action.handler = native.sa_handler; }  // Else `raw` alone has it.
    } else if (native.sa_handler == SIG_IGN) {
        action.disposition = Disposition::ignored;
    }
    action.restart = (native.sa_flags & SA_RESTART) != 0;
    action.has_raw = true;
}

std::int64_t to_ns(const timeval& time) noexcept {
    return std::int64_t{time.tv_sec} * detail::kNsPerSecond + std::int64_t{time.tv_usec} * 1000;
}

}  // namespace

Status signal_action(int signal, const SignalAction* action, SignalAction* before) noexcept {
    if (signal < 1 || signal > detail::kSignalMax) { return Errc::bad_signal; }
    struct sigaction native;
    const struct sigaction* wanted = nullptr;
    if (action != nullptr && action->has_raw) {
        wanted = reinterpret_cast<const struct sigaction*>(action->raw);
    } else if (action != nullptr) {
        const bool handled = action->disposition == Disposition::handled;
        if (handled && action->handler == nullptr) { return Errc::bad_argument; }
        to_native(*action, native);
        wanted = &native;
    }
    auto* const old = before == nullptr ? nullptr
                                        : reinterpret_cast<struct sigaction*>(before->raw);
    if (::sigaction(signal, wanted, old) != 0) { return Error(Errc::bad_signal, errno); }
    if (before != nullptr) { from_native(*old, *before); }
    return {};
}

Result<std::int32_t> signal_wait(SignalMask set, std::int64_t deadline_ns) noexcept {
    const sigset_t wanted = detail::to_set(set);
    for (;;) {
        const std::int64_t left = detail::left_until(deadline_ns);
        const timespec time = detail::timespec_of(left);
        const int signal = left == kNever ? ::sigwaitinfo(&wanted, nullptr)
                                          : ::sigtimedwait(&wanted, nullptr, &time);
        if (signal > 0) { return std::int32_t{signal}; }
        if (errno != EINTR && errno != EAGAIN) { return detail::last_error(); }
        if (errno == EAGAIN && left == 0) { return Errc::timed_out; }
    }
}

void signal_pause() noexcept {
    (void)::pause();
}

Result<std::int64_t> alarm_clock(std::int64_t ns) noexcept {
    if (ns < 0) { return Errc::timeout_negative; }
    // Whole microseconds, rounded up: 0 would switch the clock off.
    const std::int64_t us = ns / 1000 + (ns % 1000 != 0 ? 1 : 0);
    itimerval timer = {};
    timer.it_value.tv_sec = static_cast<time_t>(us / 1000000);
    timer.it_value.tv_usec = static_cast<suseconds_t>(us % 1000000);
    if (timer.it_value.tv_sec != us / 1000000) { return Errc::timeout_overflow; }

    // setitimer() tells whole microseconds, and so calls a clock in its last one off: an alarm of
    // the host's would be lost. alarm() tells only seconds, but never 0 for a clock that runs.
    // (POSIX leaves open that both are one clock; they are on every system we know.)
    itimerval before = {};
    (void)::getitimer(ITIMER_REAL, &before);
    const std::int64_t read_at = now_ns();
    const bool was_running = ::alarm(0) != 0;
    const std::int64_t left = to_ns(before.it_value) - (now_ns() - read_at);
    if (::setitimer(ITIMER_REAL, &timer, nullptr) != 0) { return detail::last_error(); }
    if (!was_running) { return std::int64_t{0}; }
    return left > 1000 ? left : std::int64_t{1000};
}

std::int64_t alarm_repeat(std::int64_t ns) noexcept {
    itimerval timer = {};
    (void)::getitimer(ITIMER_REAL, &timer);
    const std::int64_t before = to_ns(timer.it_interval);
    if (ns < 0) { return before; }
    timer.it_interval.tv_sec = static_cast<time_t>(ns / 1000000000);
    timer.it_interval.tv_usec = static_cast<suseconds_t>(ns / 1000 % 1000000);
    // It has rung since, or is in its last microsecond: the next time comes after one interval.
    if (to_ns(timer.it_value) == 0) { timer.it_value = timer.it_interval; }
    (void)::setitimer(ITIMER_REAL, &timer, nullptr);
    return before;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
