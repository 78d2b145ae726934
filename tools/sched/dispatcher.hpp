// The dispatcher: gives the CPU to one job after another, and notes who had it when.
#ifndef BROOD_TOOLS_SCHED_DISPATCHER_HPP
#define BROOD_TOOLS_SCHED_DISPATCHER_HPP

#include <cstddef>
#include <cstdint>

#include <tools/sched/jobs.hpp>
#include <tools/sched/ready_queue.hpp>

namespace tool::sched {

/// Who did what when. Times are in the caller's unit, from the start on.
struct Schedule {
    static constexpr std::size_t kSpansMax = 16384;
    enum class Does { run, io };
    struct Span {
        std::size_t job;
        Does does;
        std::int64_t begin, end;
    };
    struct Times {
        std::int64_t arrival, first_run, end;  ///< first_run < 0: it never ran.
        std::int64_t ran, waited_for_io;
        int killed_by;  ///< A signal; 0: it did all it was to do.
    };
    Span spans[kSpansMax];
    std::size_t span_count;
    Times times[Jobs::kMax];
    std::int64_t switches;  ///< How often the CPU went from one job to another.
    std::int64_t length;    ///< When the last one ended.

    std::int64_t turnaround(std::size_t job) const noexcept {
        return times[job].end - times[job].arrival;
    }
    /// Ready, but without the CPU.
    std::int64_t waiting(std::size_t job) const noexcept {
        return turnaround(job) - times[job].ran - times[job].waited_for_io;
    }
    std::int64_t response(std::size_t job) const noexcept {
        return times[job].first_run - times[job].arrival;
    }
};

/// What a dispatcher steers: processes, or nothing at all.
struct Machine {
    void* context;
    void (*wake)(void* context, std::size_t job);  ///< It has arrived, or its I/O is over.
    void (*go)(void* context, std::size_t job);    ///< It gets the CPU.
    void (*stop)(void* context, std::size_t job);  ///< It loses the CPU in the middle of a burst.
};

class Dispatcher {
public:
    /// `tick` in the unit of all times here, and of the rules' quantum and boost.
    Dispatcher(const Jobs& jobs, const Rules& rules, std::int64_t tick, const Machine& machine,
               Schedule& schedule) noexcept;

    /// Whether all jobs have ended.
    bool is_done() const noexcept { return left_ == 0; }
    bool has_ended(std::size_t job) const noexcept { return states_[job].is == Is::ended; }
    /// Who has the CPU; false: nobody.
    bool running(std::size_t& job) const noexcept;
    /// When the running job will have done its burst, if nobody takes the CPU from it.
    std::int64_t burst_end() const noexcept { return since_ + states_[running_].left; }
    /// When something will happen that no job tells: an arrival, the end of I/O or of a slice.
    std::int64_t next_event() const noexcept;

    /// Does what is due at `now`. `burst_over`: the running job has said that its burst is.
    /// False: there are more spans than a schedule holds.
    bool advance(std::int64_t now, bool burst_over) noexcept;
    /// The job was killed by `signal`, or has ended before its time.
    bool lose(std::size_t job, std::int64_t now, int signal) noexcept;

private:
    static constexpr std::size_t kNobody = Jobs::kMax;
    enum class Is { coming, ready, running, in_io, ended };
    struct State {
        Is is;
        std::size_t burst;   // the number of the burst it is in
        std::int64_t left;   // of it
        std::int64_t until;  // coming, in_io: till when
    };
    void charge(std::int64_t now) noexcept;
    void boost(std::int64_t now) noexcept;
    void wake_who_is_due(std::int64_t now) noexcept;
    void end_burst(std::int64_t now) noexcept;
    void end_job(std::size_t job, std::int64_t now, int signal) noexcept;
    void dispatch(std::int64_t now) noexcept;
    void note(std::size_t job, Schedule::Does does, std::int64_t begin, std::int64_t end) noexcept;

    const Jobs& jobs_;
    std::int64_t tick_;
    Machine machine_;
    Schedule& schedule_;
    ReadyQueue ready_;
    std::int64_t boost_, next_boost_;
    State states_[Jobs::kMax] = {};
    std::size_t left_;
    std::size_t running_ = kNobody, last_ = kNobody;
    std::int64_t since_ = 0, slice_end_ = 0;
    bool has_room_ = true;
};

/// What the textbook says: no processes, whole ticks, switches that take no time.
/// False: it has more spans than a schedule holds.
bool simulate(const Jobs& jobs, const Rules& rules, Schedule& schedule) noexcept;

}  // namespace tool::sched

#endif
