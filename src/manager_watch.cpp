#include "manager_watch.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr int kAlarm = 14;  // The same on every POSIX system (kill(1) -14).

port::Fd g_client = port::kNoFd;

/// In a signal handler: a poll() that does not wait.
void look(int) noexcept {
    port::PollItem item{g_client, true, false, false};
    const Result<std::size_t> ready = port::poll(&item, 1, 0);
    if (ready.ok() && *ready != 0) { port::exit_now(1); }
}

}  // namespace

Status watch_client(port::Fd fd) noexcept {
    g_client = fd;
    port::SignalAction action;
    action.disposition = port::Disposition::handled;
    action.handler = [](int signal) { look(signal); };
    const Status set = port::signal_action(kAlarm, &action, nullptr);
    if (set.ok()) { static_cast<void>(port::alarm_repeat(0)); }
    return set;
}

ClientWatched::ClientWatched() noexcept {
    port::alarm_clock(port::kSliceNs).ignore();
    static_cast<void>(port::alarm_repeat(port::kSliceNs));
}

ClientWatched::~ClientWatched() noexcept {
    static_cast<void>(port::alarm_repeat(0));
    port::alarm_clock(0).ignore();
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
