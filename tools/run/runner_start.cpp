// The runner: how a job begins.
#include <tools/run/runner.hpp>

#include <new>

#include <cerrno>
#include <cstdio>

namespace tool::run {
namespace {

constexpr std::int64_t kLaterNs = 100 * kMillisecond;

}  // namespace

/// Places for the jobs that run, and for those that have ended and wait for their turn to write.
bool Runner::make_places() noexcept {
    const std::size_t places = static_cast<std::size_t>(options_.jobs) + options_.ahead();
    jobs_ = new (std::nothrow) Job[places];
    if (jobs_ == nullptr) {
        complain("making room for the jobs", std::strerror(ENOMEM));
        return false;
    }
    for (std::size_t i = places; i-- > 0;) {
        jobs_[i].next = idle_;
        idle_ = &jobs_[i];
    }
    return true;
}

bool Runner::may_launch() const noexcept {
    return stop_ == Stop::no && !input_ended_ && idle_ != nullptr &&
           running_ + waiting_ < static_cast<std::size_t>(options_.jobs);
}

void Runner::feed() noexcept {
    wants_input_ = false;
    if (paused_at_ns_ != 0 || (not_before_ns_ != 0 && now_ns() < not_before_ns_)) { return; }
    not_before_ns_ = 0;
    if (waiting_ > 0) { start_waiting(); }
    while (not_before_ns_ == 0 && may_launch() && gather()) { launch(); }
}

/// Jobs that could not be started, and those that are tried again, once what they wrote line by
/// line is gone.
void Runner::start_waiting() noexcept {
    for (Job* job = first_; job != nullptr && not_before_ns_ == 0;) {
        Job* const next = job->next;
        const bool is_due = job->state == Job::State::waiting && job->out.is_written() &&
                            job->err.is_written();
        if (is_due && stop_ == Stop::no) {
            start(*job);
        } else if (is_due && job->attempts > 0) {
            end_for_good(*job);  // Its last failure stands.
        } else if (is_due) {
            put_back(*job);
        }
        job = next;
    }
}

/// The arguments of the next job. False: they are not there yet, or there are none any more.
bool Runner::gather() noexcept {
    while (items_.count < static_cast<std::size_t>(options_.items_a_job)) {
        const char* item = nullptr;
        switch (arguments_.next(item)) {
            case Arguments::Next::item: items_.add(item); break;
            case Arguments::Next::wait: wants_input_ = true; return false;
            case Arguments::Next::end:
                input_ended_ = items_.count == 0;
                return !input_ended_;  // The last job may have fewer.
            case Arguments::Next::failed: input_ended_ = summary_.has_failed = true; return false;
        }
    }
    return true;
}

Job& Runner::take_idle() noexcept {
    Job& job = *idle_;
    idle_ = job.next;
    job.next = nullptr;
    job.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &job;
    last_ = &job;
    job.slot = 0;
    while (slots_[job.slot]) { ++job.slot; }
    slots_[job.slot] = true;
    job.state = Job::State::waiting;
    ++waiting_;
    return job;
}

void Runner::give_up_slot(Job& job) noexcept {
    if (job.state == Job::State::waiting) { --waiting_; }
    groups_.list[job.slot].store(0, std::memory_order_release);
    slots_[job.slot] = false;
}

/// Takes it off the list of those that are under way.
void Runner::put_back(Job& job) noexcept {
    if (job.state == Job::State::waiting) { give_up_slot(job); }
    (job.previous != nullptr ? job.previous->next : first_) = job.next;
    (job.next != nullptr ? job.next->previous : last_) = job.previous;
    job.state = Job::State::idle;
    job.out.reset();
    job.err.reset();
    job.next = idle_;
    job.previous = nullptr;
    idle_ = &job;
}

void Runner::launch() noexcept {
    Job& job = take_idle();
    job.number = ++number_;
    job.attempts = 0;
    job.command.build(options_.command, items_, job.number, job.slot + 1);
    items_.clear();
    if (is_done_before(job)) {
        put_back(job);
    } else {
        start(job);
    }
}

bool Runner::is_done_before(Job& job) noexcept {
    switch (log_.find(job.number, job.command)) {
        case JobLog::Known::no: return false;
        case JobLog::Known::yes: ++summary_.skipped; return true;
        case JobLog::Known::differs: break;
    }
    char what[48];
    std::snprintf(what, sizeof what, "job %llu", static_cast<unsigned long long>(job.number));
    complain(what, "the job log has another command with that number: not resumed");
    stop(Stop::soon);
    return true;
}

/// If the system has not got what it takes, it may have once another job has ended.
void Runner::start(Job& job) noexcept {
    brood::Status started = job.start(options_, tied_);
    if (tied_ && started.code() == brood::Errc::unsupported) {
        tied_ = false;
        started = job.start(options_, tied_);
    }
    if (started.ok()) {
        --waiting_;
        ++running_;
        // If killed before: the job is alone in its group, and dies with us if it is tied.
        groups_.list[job.slot].store(job.pid(), std::memory_order_release);
        if (job.state == Job::State::ended) { conclude(job); }
    } else if (running_ > 0) {
        not_before_ns_ = now_ns() + kLaterNs;
    } else {
        complain("starting a job", started.error().text());
        put_back(job);
        stop(Stop::soon);
    }
}

}  // namespace tool::run
