// The runner's loop: what it waits for, and what it then does. Jobs begin in runner_start.cpp and
// end in runner_end.cpp.
#include <tools/run/runner.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace tool::run {
namespace {

/// A child's end cuts short the sleep of the runner, the only moment at which it is not blocked.
void set_up_signals(sigset_t& asleep) noexcept {
    struct sigaction action = {};
    sigemptyset(&action.sa_mask);
    action.sa_handler = [](int) {};
    sigaction(SIGCHLD, &action, nullptr);
    // These come as orders. A write to a terminal from the background goes through, a broken pipe
    // is an error.
    action.sa_handler = SIG_IGN;
    for (const int signal :
         {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTOU, SIGTTIN, SIGPIPE}) {
        sigaction(signal, &action, nullptr);
    }
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, &asleep);
    sigdelset(&asleep, SIGCHLD);
}

}  // namespace

int Runner::run() noexcept {
    sigset_t asleep;
    set_up_signals(asleep);
    asleep_ = &asleep;
    summary_.begun_ns = now_ns();
    if (!make_places()) { return 1; }
    for (;;) {
        settle();  // A job that is tried again begins once what it wrote line by line is gone.
        feed();
        settle();
        if (is_over()) { return finish(); }
        sleep();
        take_orders();
        if (paused_at_ns_ != 0) { continue; }
        reap();
        read_streams();
        look();
    }
}

bool Runner::is_over() noexcept {
    if (first_ != nullptr && running_ == 0 && interrupted_by_ != 0) { drop_output(); }
    return first_ == nullptr && (stop_ != Stop::no || input_ended_);
}

std::int64_t Runner::next_due() const noexcept {
    std::int64_t due = progress_.due_ns();
    for (const Job* job = first_; job != nullptr; job = job->next) {
        if (job->is_running() && job->due_ns() < due) { due = job->due_ns(); }
    }
    if (not_before_ns_ != 0 && not_before_ns_ < due) { due = not_before_ns_; }
    return due;
}

void Runner::sleep() noexcept {
    nfds_t count = 0;
    const auto add = [&](int fd, short events) {
        if (fd >= 0) { polled_[count++] = {fd, events, 0}; }
    };
    add(orders_, POLLIN);
    timespec left = {};
    bool is_bounded = false;
    if (paused_at_ns_ == 0) {
        if (wants_input_) { add(arguments_.fd(), POLLIN); }
        for (const Outlet* outlet : {&out_, &err_}) {
            if (outlet->is_busy()) { add(outlet->fd(), POLLOUT); }
        }
        for (const Job* job = first_; job != nullptr; job = job->next) {
            if (!job->is_running()) { continue; }
            add(job->out.source(), POLLIN);
            add(job->err.source(), POLLIN);
        }
        const std::int64_t due = next_due();
        is_bounded = due != kNever;
        const std::int64_t left_ns = is_bounded ? due - now_ns() : 0;
        if (left_ns > 0) {
            left.tv_sec = static_cast<time_t>(left_ns / 1000000000);
            left.tv_nsec = static_cast<long>(left_ns % 1000000000);
        }
    }
    polled_count_ = count;
    if (ppoll(polled_, count, is_bounded ? &left : nullptr, asleep_) <= 0) { polled_count_ = 0; }
}

bool Runner::is_readable(int fd) const noexcept {
    for (std::size_t i = 0; i < polled_count_; ++i) {
        if (polled_[i].fd == fd) { return polled_[i].revents != 0; }
    }
    return false;
}

// ---- Orders ----------------------------------------------------------------------------------

void Runner::take_orders() noexcept {
    if (!is_readable(orders_)) { return; }
    unsigned char signals[64];
    const ssize_t got = read(orders_, signals, sizeof signals);
    if (got == 0) { abandon(); }
    for (ssize_t i = 0; i < got; ++i) { take_order(signals[i]); }
}

void Runner::take_order(int signal) noexcept {
    if (signal == SIGTSTP && paused_at_ns_ == 0) {
        paused_at_ns_ = now_ns();
        progress_.hide();
        for (Job* job = first_; job != nullptr; job = job->next) { job->pause(); }
    } else if (signal == SIGCONT && paused_at_ns_ != 0) {
        const std::int64_t lost_ns = now_ns() - paused_at_ns_;
        paused_at_ns_ = 0;
        for (Job* job = first_; job != nullptr; job = job->next) { job->resume(lost_ns); }
    } else if (signal != SIGTSTP && signal != SIGCONT) {
        const bool is_first = interrupted_by_ == 0;
        interrupted_by_ = signal;
        reap();  // Who has ended by now is not stopped.
        stop(Stop::now);
        for (Job* job = first_; job != nullptr && !is_first; job = job->next) { job->kill(); }
    }
}

/// Whom the user knows has been killed: so are all jobs, at once.
void Runner::abandon() noexcept {
    for (Job* job = first_; job != nullptr; job = job->next) { job->kill(); }
    _exit(1);
}

// ---- What the jobs do ------------------------------------------------------------------------

/// Looks who has ended before reaping him, so that nobody else gets his number meanwhile.
void Runner::reap() noexcept {
    for (;;) {
        siginfo_t info = {};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
            return;
        }
        Job* job = first_;
        while (job != nullptr && (job->state != Job::State::running || job->pid() != info.si_pid)) {
            job = job->next;
        }
        if (job == nullptr) {  // One that came to us by exec, before we were brood.
            waitpid(info.si_pid, nullptr, 0);
            continue;
        }
        job->reap(now_ns());
        if (job->state == Job::State::ended) { conclude(*job); }
    }
}

void Runner::read_streams() noexcept {
    const bool by_line = options_.output == Output::lines;
    std::size_t at = 0;
    const auto read = [&](Stream& stream) {
        const int fd = stream.source();
        if (fd < 0) { return; }
        // In the order in which sleep() has listed them.
        while (at < polled_count_ && polled_[at].fd != fd) { ++at; }
        if (at < polled_count_ && polled_[at].revents != 0 && !stream.read(by_line)) {
            complain_of_holding();
        }
    };
    if (wants_input_ && is_readable(arguments_.fd())) { arguments_.read(); }
    for (Job* job = first_; job != nullptr && polled_count_ > 0; job = job->next) {
        if (!job->is_running()) { continue; }
        read(job->out);
        read(job->err);
    }
}

void Runner::look() noexcept {
    const std::int64_t now = now_ns();
    for (Job* job = first_; job != nullptr;) {
        Job* const next = job->next;
        if (job->is_running()) {
            job->look(now);
            if (job->state == Job::State::ended) { conclude(*job); }
        }
        job = next;
    }
    progress_.show(summary_, running_, now);
}

}  // namespace tool::run
