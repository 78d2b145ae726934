// Process: the parent's side of a child that runs, ends and is reaped; process_start.cpp makes it.
#include <brood/process.hpp>

#include "children.hpp"
#include "deadline.hpp"
#include "fork_list.hpp"
#include "launch_pipe.hpp"
#include "process_access.hpp"
#include "self.hpp"
#include "writer.hpp"

namespace brood {
inline namespace v0 {

using detail::ProcessAccess;

namespace {
constexpr int kKill = 9;  // The same on every POSIX system (kill(1) -9, -15).
constexpr int kTerminate = 15;

// A killed process that has not ended by then is in a sleep that the system does not interrupt.
constexpr Timeout kKilledPatience = seconds(1);

/// Reaps `pid` as soon as it ends; not ended: the deadline passed. `end` is a descriptor that
/// becomes readable then, `watch` one from watch_process(); either may be none.
/// Errors: status_stolen.
Result<port::ChildState> wait_for_child(port::Pid pid, port::Fd watch, port::Fd end,
                                        std::int64_t deadline_ns) noexcept {
    if (deadline_ns == port::kNever) { return port::wait_watched(pid, watch, port::Reap::wait); }
    detail::Looks looks;
    for (;;) {
        const Result<port::ChildState> state = port::wait_watched(pid, watch, port::Reap::now);
        if (!state.ok() || state->ended || detail::has_passed(deadline_ns)) { return state; }
        if (end != port::kNoFd) {
            port::PollItem item{end, true, false, false};
            if (port::poll(&item, 1, deadline_ns).ok()) { continue; }
        }
        port::sleep_until(looks.next(deadline_ns));
    }
}

}  // namespace

namespace detail {

bool ProcessAccess::forget(ForkLink& link) noexcept {
    // In a child that anybody forked: this is a sibling, and its lifeline must end with the parent.
    Process& process = *static_cast<Process::Link&>(link).process;
    port::close(process.watch_);
    port::close(process.lifeline_);
    process.watch_ = process.lifeline_ = port::kNoFd;
    return false;
}

void ProcessAccess::started(Process& process, port::Pid pid, port::Pid reap_pid,
                            LaunchPipe& lifeline, LaunchPipe* words) noexcept {
    const ForkListHold hold;  // No fork comes between the watch and the listing.
    process.pid_ = pid;
    process.reap_pid_ = reap_pid;
    process.lifeline_ = lifeline.writer();
    // Without a descriptor to watch it, waiting looks at the child every few milliseconds.
    process.watch_ = words != nullptr ? words->reader()
                                      : port::watch_process(reap_pid).value_or(port::kNoFd);
    process.state_ = State::started;
    process.link_.process = &process;
    process.link_.forget = &forget;
    fork_list_add_locked(process.link_);
    lifeline.release_writer();
    if (words != nullptr) { words->release_reader(); }
}

std::int32_t ProcessAccess::last_words(const Process& process) noexcept {
    std::int32_t exit_code = 0;
    const Result<std::size_t> got = port::read_now(process.watch_, &exit_code, sizeof exit_code);
    if (got.ok() && *got == sizeof exit_code) { return exit_code; }
    // The guardian was killed before the daemon had ended. The daemon must not outlive it.
    static_cast<void>(port::signal_process(process.pid_, port::kNoFd, kKill));
    return -kKill;
}

void ProcessAccess::finish(Process& process, const Result<port::ChildState>& state,
                           bool listed) noexcept {
    process.state_ = state.ok() ? State::ended : State::stolen;
    process.exit_code_ = state.ok() ? state->exit_code : 0;
    if (process.pid_ != process.reap_pid_) { process.exit_code_ = last_words(process); }
    if (listed) { return give_up(process); }
    const ForkListHold hold;
    give_up(process);
}

void ProcessAccess::give_up(Process& process) noexcept {
    fork_list_remove_locked(process.link_);
    static_cast<void>(forget(process.link_));
}

bool ProcessAccess::reap(Process& process, bool listed) noexcept {
    if (process.state_ != State::started) { return true; }
    const Result<port::ChildState> state =
        port::wait_watched(process.reap_pid_, process_watch(process), port::Reap::now);
    if (state.ok() && !state->ended) { return false; }
    finish(process, state, listed);
    return true;
}

}  // namespace detail

Process::Process(Process&& other) noexcept {
    *this = std::move(other);
}

Process& Process::operator=(Process&& other) noexcept {
    if (this == &other) { return *this; }
    leave();
    if (other.target_ops_ != nullptr) {
        other.target_ops_->move(target_, other.target_);
        other.target_ops_->destroy(other.target_);
    }
    target_ops_ = std::exchange(other.target_ops_, nullptr);
    {
        const detail::ForkListHold hold;  // No fork finds the descriptors in neither of the two.
        detail::fork_list_move_locked(other.link_, link_);
        link_.process = this;
        watch_ = std::exchange(other.watch_, port::kNoFd);
        lifeline_ = std::exchange(other.lifeline_, port::kNoFd);
    }
    pid_ = std::exchange(other.pid_, 0);
    reap_pid_ = std::exchange(other.reap_pid_, 0);
    exit_code_ = std::exchange(other.exit_code_, 0);
    epoch_ = other.epoch_;
    state_ = std::exchange(other.state_, State::fresh);
    daemon_ = other.daemon_;
    group_ = other.group_;
    keep_input_ = other.keep_input_;
    name_too_long_ = other.name_too_long_;
    has_key_ = other.has_key_;
    name_ = other.name_;
    number_ = other.number_;
    key_ = other.key_;
    return *this;
}

Process::~Process() noexcept {
    leave();
}

void Process::leave() noexcept {
    if (ProcessAccess::is_started(*this)) {
        if (daemon_) { terminate().ignore(); }
        join().ignore();
    }
    drop_target();
}

void Process::drop_target() noexcept {
    if (target_ops_ != nullptr) { target_ops_->destroy(target_); }
    target_ops_ = nullptr;
}

void Process::run() {
    if (target_ops_ != nullptr) { target_ops_->run(target_); }
}

void Process::configure(const ProcessOptions& options) noexcept {
    if (options.name_ != nullptr) { name_too_long_ = !name_.append(options.name_); }
    daemon_ = options.daemon_;
    group_ = options.group_;
    keep_input_ = options.keep_input_;
}

Status Process::join(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (epoch_ != detail::fork_epoch()) { return Errc::wrong_process; }
    detail::reap_adopted();
    switch (state_) {
        case State::fresh:
        case State::detached: return Errc::not_started;
        case State::closed: return Errc::closed;
        case State::ended: return Errc::ok;
        case State::stolen: return Errc::status_stolen;
        case State::started: break;
    }
    const Result<port::ChildState> state =
        wait_for_child(reap_pid_, ProcessAccess::process_watch(*this), watch_, deadline_ns);
    if (state.ok() && !state->ended) { return Errc::timed_out; }
    ProcessAccess::finish(*this, state, false);
    return state.ok() ? Errc::ok : Errc::status_stolen;
}

bool Process::is_alive() noexcept {
    return ProcessAccess::is_started(*this) && !ProcessAccess::reap(*this, false);
}

Result<int> Process::exit_code() noexcept {
    if (epoch_ != detail::fork_epoch()) { return Errc::wrong_process; }
    if (is_alive()) { return Errc::still_running; }
    switch (state_) {
        case State::ended: return exit_code_;
        case State::stolen: return Errc::status_stolen;
        case State::closed: return Errc::closed;
        default: return Errc::not_started;
    }
}

Status Process::send_signal(int signal) noexcept {
    if (epoch_ != detail::fork_epoch()) { return Errc::wrong_process; }
    if (state_ == State::ended || state_ == State::stolen) { return Errc::ok; }
    if (state_ != State::started) { return Errc::not_started; }
    // Looked at, not reaped: a child that has ended keeps its pid, so the signal below can hit
    // nobody else. Where the host reaps our children the pid may be somebody else's by now: then
    // only a watch (pidfd) is sure whom it hits.
    const port::Fd watch = ProcessAccess::process_watch(*this);
    const Result<port::ChildState> state = port::wait_watched(reap_pid_, watch, port::Reap::look);
    if (!state.ok() || state->ended) { return Errc::ok; }
    if (group_) {
        const Status sent = port::signal_group(pid_, signal);
        if (sent.code() != Errc::not_found) { return sent; }  // Not yet its leader: it alone.
    }
    const Status sent = port::signal_process(pid_, watch, signal);
    return sent.code() == Errc::not_found ? Status(Errc::ok) : sent;
}

Status Process::terminate() noexcept {
    return send_signal(kTerminate);
}

Status Process::kill() noexcept {
    return send_signal(kKill);
}

Status Process::terminate(Timeout grace) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(grace);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    const Status asked = terminate();
    if (!asked.ok()) { return asked; }
    const Status ended = join(grace);
    if (ended.code() != Errc::timed_out) { return ended; }
    const Status killed = kill();
    return killed.ok() ? join(kKilledPatience) : killed;
}

Status Process::close() noexcept {
    if (epoch_ != detail::fork_epoch()) { return Errc::wrong_process; }
    if (is_alive()) { return Errc::still_running; }
    drop_target();
    state_ = State::closed;
    return Errc::ok;
}

const char* Process::name() noexcept {
    if (!name_.empty()) { return name_.c_str(); }
    if (number_ == 0) { number_ = ++detail::self().children; }
    char text[64];
    detail::Writer writer(text, sizeof text);
    writer.text("Process-");
    detail::write_child_identity(writer, number_);
    static_cast<void>(name_.append(text));
    return name_.c_str();
}

Status Process::name(const char* text) noexcept {
    if (epoch_ != detail::fork_epoch()) { return Errc::wrong_process; }
    if (state_ != State::fresh) { return Errc::already_started; }
    const Result<Text<64>> name = Text<64>::from(text);
    if (!name.ok()) { return name.error(); }
    name_ = *name;
    name_too_long_ = false;
    return Errc::ok;
}

Status Process::daemon(bool on) noexcept {
    if (epoch_ != detail::fork_epoch()) { return Errc::wrong_process; }
    if (state_ != State::fresh) { return Errc::already_started; }
    daemon_ = on;
    return Errc::ok;
}

}  // namespace v0
}  // namespace brood
