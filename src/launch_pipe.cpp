#include "launch_pipe.hpp"

#include <utility>

#include "fork_list.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

LaunchPipe::~LaunchPipe() noexcept {
    // Held, so that no fork finds numbers here that belong to another file by then.
    const ForkListHold hold;
    fork_list_remove_locked(*this);
    for (const port::Fd end : ends_) { port::close(end); }
}

Status LaunchPipe::open() noexcept {
    const ForkListHold hold;  // No fork comes between the making and the listing.
    const Status made = port::pipe(ends_);
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
