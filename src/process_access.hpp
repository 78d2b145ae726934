// The implementation's way into a Process: its states, and the steps that several files need.
#ifndef BROOD_SRC_PROCESS_ACCESS_HPP
#define BROOD_SRC_PROCESS_ACCESS_HPP

#include <brood/process.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

struct Launch;
class LaunchPipe;

struct ProcessAccess {
    using State = Process::State;

    static bool is_started(const Process& process) noexcept {
        return process.state_ == State::started && process.epoch_ == fork_epoch();
    }
    static bool is_daemon(const Process& process) noexcept { return process.daemon_; }
    static port::Fd watch(const Process& process) noexcept { return process.watch_; }
    /// The same if it is one from watch_process(), and not a guardian's pipe.
    static port::Fd process_watch(const Process& process) noexcept {
        return process.pid_ == process.reap_pid_ ? process.watch_ : port::kNoFd;
    }
    /// The Process behind a link of the fork list, null if it belongs to something else.
    static Process* of_link(ForkLink& link) noexcept {
        if (link.forget != &forget) { return nullptr; }
        return static_cast<Process::Link&>(link).process;
    }
    /// Reaps the child if it has ended. True if it has, now or before. `listed`: the caller holds
    /// the fork list (it visits it), so the link is removed without locking.
    static bool reap(Process& process, bool listed) noexcept;
    /// Notes the end of the child (or its theft) and gives up what watched it.
    static void finish(Process& process, const Result<port::ChildState>& state,
                       bool listed) noexcept;
    static void give_up(Process& process) noexcept;  // with the fork list held
    /// Whether start(), detach(), exec() may go on, and with which error not.
    static Status may_start() noexcept;
    /// A running child: watched and listed. It keeps the writer of a daemon's `lifeline`, and the
    /// reader of the last `words` of a guardian above it; null: there is none.
    static void started(Process& process, port::Pid pid, port::Pid reap_pid, LaunchPipe& lifeline,
                        LaunchPipe* words) noexcept;
    /// How the daemon ended whose guardian has ended.
    static std::int32_t last_words(const Process& process) noexcept;
    static void make_daemon(Process& process, bool group) noexcept {
        process.daemon_ = true;
        process.group_ = group;
    }
    static void make_group(Process& process) noexcept { process.group_ = true; }
    static bool forget(ForkLink& link) noexcept;

    // In the child (src/process_start.cpp).
    static void become(Process& process, Launch& launch) noexcept;
    [[noreturn]] static void run_child(Process& process, Launch& launch) noexcept;
    [[noreturn]] static void run_daemon(Process& process, Launch& launch) noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
