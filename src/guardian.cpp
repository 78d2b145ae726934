#include "guardian.hpp"

#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr int kKill = 9;

}  // namespace

void guard(port::Pid ward, port::Fd lifeline, port::Fd ward_end, port::Fd words) noexcept {
    // All signals are blocked since before the fork and stay so: Ctrl-C is for the ward.
    // The host's descriptors must not be held open by a process that nobody knows of.
    const port::Fd keep[] = {lifeline, ward_end, words};
    port::close_all_but(keep, 3);
    bool ward_spoke = true;
    for (;;) {
        const Result<port::ChildState> state = port::wait_child(ward, port::Reap::now);
        if (!state.ok()) { port::exit_now(1); }
        if (state->ended) {
            static_cast<void>(port::write(words, &state->exit_code, sizeof state->exit_code));
            port::exit_now(0);
        }
        port::PollItem items[2] = {{lifeline, true, false, false}, {ward_end, true, false, false}};
        // A ward that closed its end early, or left it to a child of its own, is looked at.
        const std::int64_t slice = ward_spoke ? port::kSliceNs : kLookNs;
        static_cast<void>(port::poll(items, ward_spoke ? 2 : 1, port::now_ns() + slice));
        if (items[0].ready) {
            static_cast<void>(port::signal_process(ward, port::kNoFd, kKill));
            static_cast<void>(port::wait_child(ward, port::Reap::wait));
            port::exit_now(0);
        }
        if (items[1].ready) { ward_spoke = false; }
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
