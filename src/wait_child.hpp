// Waiting for one child against a deadline, with a descriptor that watches it or without.
#ifndef BROOD_SRC_WAIT_CHILD_HPP
#define BROOD_SRC_WAIT_CHILD_HPP

#include <port/port.hpp>

#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// How often things are looked at that this system cannot watch by a descriptor.
inline constexpr std::int64_t kLookNs = 10000000;

/// Reaps `pid` as soon as it ends; not ended: the deadline passed. `end` is a descriptor that
/// becomes readable then, `watch` one from watch_process(); either may be none.
/// Errors: status_stolen.
inline Result<port::ChildState> wait_for_child(port::Pid pid, port::Fd watch, port::Fd end,
                                               std::int64_t deadline_ns) noexcept {
    if (deadline_ns == port::kNever) { return port::wait_watched(pid, watch, port::Reap::wait); }
    std::int64_t look_ns = 100000;
    for (;;) {
        const Result<port::ChildState> state = port::wait_watched(pid, watch, port::Reap::now);
        if (!state.ok() || state->ended || has_passed(deadline_ns)) { return state; }
        if (end != port::kNoFd) {
            port::PollItem item{end, true, false, false};
            if (port::poll(&item, 1, deadline_ns).ok()) { continue; }
        }
        port::sleep_until(slice_of(deadline_ns, look_ns));
        look_ns = look_ns < kLookNs / 2 ? look_ns * 2 : kLookNs;
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
