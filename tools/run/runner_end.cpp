// The runner: how a job ends, and how the whole does.
#include <tools/run/runner.hpp>

#include <signal.h>

#include <cerrno>
#include <cstdio>

namespace tool::run {

void Runner::complain(const char* what, const char* why) noexcept {
    progress_.hide();
    std::fprintf(stderr, "brood run: %s: %s\n", what, why);
    summary_.has_failed = true;
}

/// No process of its group is left: it is tried again, or that was it.
void Runner::conclude(Job& job) noexcept {
    --running_;
    if (stop_ != Stop::no || !job.is_tried_again(options_.retries)) { return end_for_good(job); }
    ++summary_.retried;
    groups_.list[job.slot].store(0, std::memory_order_release);
    const bool is_shown = options_.output == Output::lines;  // Otherwise it is as if it was not.
    if (is_shown && !(job.out.finish() && job.err.finish())) { complain_of_holding(); }
    job.state = Job::State::waiting;
    ++waiting_;
}

void Runner::end_for_good(Job& job) noexcept {
    give_up_slot(job);
    job.state = Job::State::ended;
    bool good = job.out.finish() && job.err.finish();
    line_.clear();
    if (describe(job, line_)) {
        line_.add('\0');
        good = job.err.add_line(line_.data()) && good;
    }
    if (!good) { complain_of_holding(); }
    summary_.count(job.outcome);
    end_after(job.outcome);
}

void Runner::complain_of_holding() noexcept {
    complain("keeping the output of a job", std::strerror(errno));
    stop(Stop::now);
}

void Runner::end_after(const Outcome& outcome) noexcept {
    if (outcome.is_stopped) { return; }
    const bool is_last = outcome.os_error != 0 || (!outcome.is_timed_out && outcome.code == 255);
    if (is_last) { stop(Stop::soon); }
    const Halt& halt = options_.halt;
    const std::uint64_t counted = halt.on_success ? summary_.succeeded : summary_.failed;
    if (halt.count > 0 && counted >= static_cast<std::uint64_t>(halt.count)) {
        stop(halt.now ? Stop::now : Stop::soon);
    }
}

void Runner::stop(Stop how) noexcept {
    if (how <= stop_) { return; }
    stop_ = how;
    const std::int64_t now = now_ns();
    for (Job* job = first_; job != nullptr && how == Stop::now; job = job->next) {
        if (job->state != Job::State::running) { continue; }
        job->outcome.is_stopped = true;
        job->terminate(now);
    }
}

// ---- Output ----------------------------------------------------------------------------------

bool Runner::may_write(const Job& job) const noexcept {
    const bool is_in_time = options_.output == Output::lines || job.state == Job::State::ended;
    return is_in_time && (!options_.keep_order || &job == first_);
}

/// Brings what is ready to the outlets, and puts jobs back that have ended and are written.
void Runner::settle() noexcept {
    if (paused_at_ns_ != 0) { return; }
    for (bool again = true; again;) {
        again = false;
        for (Job* job = first_; job != nullptr; job = job->next) {
            if (!may_write(*job)) { continue; }
            out_.add(job->out);
            err_.add(job->err);
        }
        if (out_.is_busy() || err_.is_busy()) {
            progress_.hide();
            out_.write();
            err_.write();
        }
        check(out_);
        check(err_);
        for (Job* job = first_; job != nullptr;) {
            Job* const next = job->next;
            if (retire(*job)) { again = true; }
            job = next;
        }
        again = again && options_.keep_order;  // There may be a new first.
    }
}

/// False: it has not ended, or its output waits for its turn.
bool Runner::retire(Job& job) noexcept {
    const bool is_done = job.state == Job::State::ended && may_write(job) && job.out.is_written() &&
                         job.err.is_written();
    if (!is_done) { return false; }
    if (!job.outcome.is_stopped && write_error_ == 0 && !log_.write(job)) {
        summary_.has_failed = true;
        stop(Stop::soon);
    }
    put_back(job);
    return true;
}

/// Output that cannot be written is the end: nobody would learn what further jobs do.
void Runner::check(const Outlet& outlet) noexcept {
    if (outlet.error() == 0 || write_error_ != 0) { return; }
    write_error_ = outlet.error();
    summary_.has_failed = true;
    if (write_error_ == EPIPE) {
        if (interrupted_by_ == 0) { interrupted_by_ = SIGPIPE; }
    } else {
        complain("write error", std::strerror(write_error_));
    }
    stop(Stop::now);
}

// ---- The end ---------------------------------------------------------------------------------

/// Interrupted, and all jobs have ended: it is not for others to say how long that takes.
void Runner::drop_output() noexcept {
    while (first_ != nullptr) {
        first_->outcome.is_stopped = true;
        out_.give_up(out_.error());
        err_.give_up(err_.error());
        put_back(*first_);
    }
}

int Runner::finish() noexcept {
    int status = summary_.status();
    if (interrupted_by_ != 0) { status = 128 + interrupted_by_; }
    progress_.end(summary_);
    if (options_.json) { summary_.print_json(status); }
    return status;
}

}  // namespace tool::run
