#include <tools/sched/dispatcher.hpp>

#include <algorithm>

namespace tool::sched {

Dispatcher::Dispatcher(const Jobs& jobs, const Rules& rules, std::int64_t tick,
                       const Machine& machine, Schedule& schedule) noexcept
    : jobs_(jobs),
      tick_(tick),
      machine_(machine),
      schedule_(schedule),
      ready_(rules),
      boost_(rules.boost),
      next_boost_(rules.policy == Policy::mlfq && rules.boost > 0 ? rules.boost : INT64_MAX),
      left_(jobs.count) {
    schedule_.span_count = 0;
    schedule_.switches = schedule_.length = 0;
    for (std::size_t i = 0; i < jobs.count; ++i) {
        const std::int64_t arrival = jobs.list[i].arrival * tick;
        states_[i] = {Is::coming, 0, jobs.list[i].bursts[0] * tick, arrival};
        schedule_.times[i] = {arrival, -1, arrival, 0, 0, 0};
    }
}

bool Dispatcher::running(std::size_t& job) const noexcept {
    job = running_;
    return running_ != kNobody;
}

std::int64_t Dispatcher::next_event() const noexcept {
    std::int64_t next = running_ == kNobody ? INT64_MAX : std::min(slice_end_, next_boost_);
    for (std::size_t i = 0; i < jobs_.count; ++i) {
        if (states_[i].is == Is::coming || states_[i].is == Is::in_io) {
            next = std::min(next, states_[i].until);
        }
    }
    return next;
}

void Dispatcher::note(std::size_t job, Schedule::Does does, std::int64_t begin,
                      std::int64_t end) noexcept {
    Schedule::Span* const last =
        schedule_.span_count > 0 ? &schedule_.spans[schedule_.span_count - 1] : nullptr;
    if (last != nullptr && last->job == job && last->does == does && last->end == begin) {
        last->end = end;
    } else if (schedule_.span_count == Schedule::kSpansMax) {
        has_room_ = false;
    } else if (begin != end) {
        schedule_.spans[schedule_.span_count++] = {job, does, begin, end};
    }
    Schedule::Times& times = schedule_.times[job];
    (does == Schedule::Does::run ? times.ran : times.waited_for_io) += end - begin;
}

// The running job has run till now.
void Dispatcher::charge(std::int64_t now) noexcept {
    if (running_ == kNobody || now == since_) { return; }
    State& state = states_[running_];
    note(running_, Schedule::Does::run, since_, now);
    ready_.ran(running_, now - since_);
    // A job that is a little slower than its ticks has something left all the same.
    state.left = std::max<std::int64_t>(state.left - (now - since_), 0);
    since_ = now;
}

void Dispatcher::wake_who_is_due(std::int64_t now) noexcept {
    for (std::size_t i = 0; i < jobs_.count; ++i) {
        State& state = states_[i];
        if ((state.is != Is::coming && state.is != Is::in_io) || state.until > now) { continue; }
        if (state.is == Is::in_io) { note(i, Schedule::Does::io, state.until - state.left, now); }
        if (state.is == Is::coming) { schedule_.times[i].arrival = now; }
        if (state.is == Is::in_io) { state.left = jobs_.list[i].bursts[++state.burst] * tick_; }
        state.is = Is::ready;
        machine_.wake(machine_.context, i);
        ready_.add(i, state.left);
    }
}

void Dispatcher::end_job(std::size_t job, std::int64_t now, int signal) noexcept {
    states_[job].is = Is::ended;
    schedule_.times[job].end = schedule_.length = now;
    schedule_.times[job].killed_by = signal;
    --left_;
}

void Dispatcher::end_burst(std::int64_t now) noexcept {
    const std::size_t job = running_;
    running_ = kNobody;
    State& state = states_[job];
    if (state.burst + 1 == jobs_.list[job].burst_count) { return end_job(job, now, 0); }
    state.left = jobs_.list[job].bursts[++state.burst] * tick_;
    state.until = now + state.left;
    state.is = Is::in_io;
}

void Dispatcher::dispatch(std::int64_t now) noexcept {
    std::size_t job = 0;
    if (running_ != kNobody || !ready_.take(job)) { return; }
    const std::int64_t slice = ready_.slice(job);
    running_ = job;
    since_ = now;
    slice_end_ = slice == ReadyQueue::kNoEnd ? INT64_MAX : now + slice;
    states_[job].is = Is::running;
    if (schedule_.times[job].first_run < 0) { schedule_.times[job].first_run = now; }
    schedule_.switches += last_ != kNobody && last_ != job ? 1 : 0;
    last_ = job;
    machine_.go(machine_.context, job);
}

void Dispatcher::boost(std::int64_t now) noexcept {
    if (now < next_boost_) { return; }
    while (next_boost_ <= now) { next_boost_ += boost_; }
    ready_.boost();
    // One whose slice ends at this moment has had it.
    if (running_ != kNobody && now < slice_end_) { slice_end_ = now + ready_.slice(running_); }
}

bool Dispatcher::advance(std::int64_t now, bool burst_over) noexcept {
    charge(now);
    boost(now);
    if (burst_over && running_ != kNobody) { end_burst(now); }
    // Who arrives just when a slice ends comes into the queue before the one whose slice it was.
    wake_who_is_due(now);
    if (running_ != kNobody) {
        const std::size_t job = running_;
        State& state = states_[job];
        if (now >= slice_end_ || ready_.displaces(job, state.left)) {
            running_ = kNobody;
            state.is = Is::ready;
            machine_.stop(machine_.context, job);
            ready_.add(job, state.left);
        }
    }
    dispatch(now);
    return has_room_;
}

bool Dispatcher::lose(std::size_t job, std::int64_t now, int signal) noexcept {
    if (states_[job].is == Is::ended) { return has_room_; }
    if (job == running_) {
        charge(now);
        running_ = kNobody;
    }
    ready_.drop(job);
    end_job(job, now, signal);
    return advance(now, false);
}

bool simulate(const Jobs& jobs, const Rules& rules, Schedule& schedule) noexcept {
    const auto nothing = [](void*, std::size_t) {};
    Dispatcher dispatcher(jobs, rules, 1, {nullptr, nothing, nothing, nothing}, schedule);
    while (!dispatcher.is_done()) {
        std::size_t job = 0;
        const std::int64_t event = dispatcher.next_event();
        const bool ends = dispatcher.running(job) && dispatcher.burst_end() <= event;
        if (!dispatcher.advance(ends ? dispatcher.burst_end() : event, ends)) { return false; }
    }
    return true;
}

}  // namespace tool::sched
