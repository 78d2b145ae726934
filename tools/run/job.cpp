#include <tools/run/job.hpp>

#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <tools/clock.hpp>

namespace tool::run {
namespace {

/// A process that is killed and has not ended by then is in a sleep that nothing interrupts.
constexpr std::int64_t kKilledPatienceNs = 1000 * kMillisecond;
constexpr std::int64_t kPauseNs = kMillisecond, kPauseMaxNs = 20 * kMillisecond;

/// The job's ends of its pipes.
struct Ends {
    int out = -1, err = -1;
    ~Ends() {
        if (out >= 0) { ::close(out); }
        if (err >= 0) { ::close(err); }
    }
};

}  // namespace

std::int64_t now_ns() noexcept {
    return clock_ns(CLOCK_MONOTONIC);
}

brood::Status Job::start(const Options& options, bool tied) noexcept {
    out.reset();
    err.reset();
    brood::ExecOptions how;
    how.group().daemon(tied);
    Ends ends;
    if (options.output != Output::direct) {
        ends.out = out.open();
        ends.err = err.open();
        if (ends.out < 0 || ends.err < 0) { return brood::Errc::too_many_files; }
        how.output(ends.out).error(ends.err);
    }
    if (options.memory > 0) {
        const auto bytes = static_cast<std::uint64_t>(options.memory);
        how.limit(RLIMIT_AS, bytes, bytes);
    }
    if (options.files_soft > 0) {
        how.limit(RLIMIT_NOFILE, options.files_soft, options.files_hard);
    }
    outcome = Outcome();
    grace_ns_ = options.grace_ms * kMillisecond;
    started_ms = clock_ns(CLOCK_REALTIME) / kMillisecond;
    started_ns = ended_ns = now_ns();
    brood::Result<brood::Process> started =
        brood::Process::exec(command.words()[0], command.words(), how);
    const bool is_hopeless = started.code() == brood::Errc::exec_failed ||
                             started.code() == brood::Errc::bad_argument;  // "" is no program.
    if (!started.ok() && !is_hopeless) { return started.error(); }
    ++attempts;
    due_ns_ = timeout_at_ns_ = kill_at_ns_ = given_up_at_ns_ = kNever;
    is_killed_ = false;
    if (is_hopeless) {
        outcome.os_error = started.error().os_error();
        if (outcome.os_error == 0) { outcome.os_error = ENOENT; }
        state = State::ended;
        return {};
    }
    process_ = std::move(*started);
    group_ = process_.pid();
    state = State::running;
    if (options.timeout_ms > 0) {
        due_ns_ = timeout_at_ns_ = started_ns + options.timeout_ms * kMillisecond;
    }
    return {};
}

bool Job::is_tried_again(std::int64_t retries) const noexcept {
    return !outcome.is_success() && !outcome.is_stopped && outcome.os_error == 0 &&
           outcome.code != 255 && attempts <= retries;
}

void Job::signal(Signal what) noexcept {
    constexpr int kSignals[] = {SIGSTOP, SIGCONT, SIGTERM, SIGKILL};
    // Until the leader is reaped its number is its own; then it is that of the group, which nobody
    // else gets before the group is gone.
    if (state == State::running || (state == State::leaving && is_group_left())) {
        ::kill(-group_, kSignals[what]);
    }
}

// As long as one of the group lives the system gives its number to nobody. So if there is a process
// of that number the group is gone, and what has the number now is a stranger's.
bool Job::is_group_left() const noexcept {
    const bool is_there = ::kill(-group_, 0) == 0 || errno == EPERM;
    return is_there && ::kill(group_, 0) != 0 && errno == ESRCH;
}

void Job::reap(std::int64_t now) noexcept {
    ended_ns = now;
    signal(is_killed_ ? kKill : kAsk);  // No one is left, as a rule. The zombie takes no notice.
    const brood::Result<int> code = process_.exit_code();
    outcome.code = code.value_or(-SIGKILL);
    timeout_at_ns_ = kNever;
    state = State::leaving;
    if (!is_group_left()) { return leave(); }
    signal(kGoOn);
    pause_ns_ = kPauseNs;
    if (is_killed_) {
        given_up_at_ns_ = now + kKilledPatienceNs;
    } else if (kill_at_ns_ == kNever) {
        kill_at_ns_ = now + grace_ns_;
    }
    due_ns_ = now + pause_ns_;
}

void Job::leave() noexcept {
    state = State::ended;
    group_ = 0;
    due_ns_ = kNever;
}

void Job::look(std::int64_t now) noexcept {
    if (!is_running() || now < due_ns_) { return; }
    if (state == State::leaving && (!is_group_left() || now >= given_up_at_ns_)) { return leave(); }
    if (now >= timeout_at_ns_) {
        timeout_at_ns_ = kNever;
        outcome.is_timed_out = true;
        terminate(now);
    }
    if (now >= kill_at_ns_) { kill(); }
    if (state == State::running) {
        due_ns_ = timeout_at_ns_ < kill_at_ns_ ? timeout_at_ns_ : kill_at_ns_;
        return;
    }
    if (is_killed_ && given_up_at_ns_ == kNever) { given_up_at_ns_ = now + kKilledPatienceNs; }
    pause_ns_ = pause_ns_ < kPauseMaxNs / 2 ? pause_ns_ * 2 : kPauseMaxNs;
    due_ns_ = now + pause_ns_;
}

void Job::terminate(std::int64_t now) noexcept {
    if (!is_running() || kill_at_ns_ != kNever || is_killed_) { return; }
    kill_at_ns_ = now + grace_ns_;
    if (kill_at_ns_ < due_ns_) { due_ns_ = kill_at_ns_; }
    signal(kAsk);
    signal(kGoOn);  // One that is stopped would not learn of it.
}

void Job::kill() noexcept {
    if (!is_running()) { return; }
    kill_at_ns_ = kNever;
    is_killed_ = true;
    signal(kKill);
    if (state == State::leaving) { due_ns_ = 0; }
}

void Job::resume(std::int64_t lost_ns) noexcept {
    for (std::int64_t* at : {&due_ns_, &timeout_at_ns_, &kill_at_ns_, &given_up_at_ns_}) {
        if (*at != kNever) { *at += lost_ns; }
    }
    signal(kGoOn);
}

}  // namespace tool::run
