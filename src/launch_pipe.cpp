#include "launch_pipe.hpp"

#include <utility>

#include "fork_list.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// port::pipe() with both ends above 2, also in a host that has closed its standard streams.
Status pipe_above_streams(port::Fd ends[2]) noexcept {
    port::Fd made[2];
    Status status = port::pipe(made);
    if (!status.ok()) { return status; }
    if (made[0] > 2 && made[1] > 2) {
        ends[0] = made[0];
        ends[1] = made[1];
        return status;
    }
    status = pipe_above_streams(ends);  // At most twice, as each keeps one of three numbers.
    port::close(made[0]);
    port::close(made[1]);
    return status;
}

}  // namespace

LaunchPipe::~LaunchPipe() noexcept {
    // Held, so that no fork finds numbers here that belong to another file by then.
    const ForkListHold hold;
    fork_list_remove_locked(*this);
    for (const port::Fd end : ends_) { port::close(end); }
}

Status LaunchPipe::open() noexcept {
    const ForkListHold hold;  // No fork comes between the making and the listing.
    const Status made = pipe_above_streams(ends_);
    if (!made.ok()) { return made; }
    thread_ = port::this_thread();
    forget = &forget_pipe;
    fork_list_add_locked(*this);
    return made;
}

void LaunchPipe::close_end(port::Fd& end) noexcept {
    const ForkListHold hold;
    port::close(std::exchange(end, port::kNoFd));
}

bool LaunchPipe::forget_pipe(ForkLink& link) noexcept {
    const LaunchPipe& pipe = static_cast<LaunchPipe&>(link);
    if (pipe.thread_ == port::this_thread()) { return false; }  // The child it was made for.
    for (const port::Fd end : pipe.ends_) { port::close(end); }
    return false;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
