// What `brood sched` tells of the schedules that it made.
#ifndef BROOD_TOOLS_SCHED_REPORT_HPP
#define BROOD_TOOLS_SCHED_REPORT_HPP

#include <cstdio>

#include <tools/sched/dispatcher.hpp>

namespace tool::sched {

/// A schedule and its unit: how much of it is a tick.
struct Timed {
    const Schedule* schedule;
    double tick;
    double ticks(std::int64_t time) const noexcept { return static_cast<double>(time) / tick; }
};

/// One policy: what the processes did, and what the textbook says. Of simulations both are one.
struct Outcome {
    Rules rules;  ///< Quantum and boost in ticks.
    Timed real, book;
};

struct Means {
    double waiting, turnaround, response;
};
Means means(const Jobs& jobs, const Timed& timed) noexcept;

/// "round robin, quantum 4".
void print_rules(std::FILE* to, const Rules& rules) noexcept;
/// A Gantt chart in letters, and the times of each job.
void print_outcome(std::FILE* to, const Jobs& jobs, const Outcome& outcome) noexcept;
/// A line for each policy.
void print_comparison(std::FILE* to, const Jobs& jobs, const Outcome* outcomes,
                      std::size_t count) noexcept;
void print_json(std::FILE* to, const Jobs& jobs, const Outcome* outcomes,
                std::size_t count) noexcept;
/// A Gantt chart for each policy, below each other, on one scale.
void draw_outcomes(std::FILE* to, const Jobs& jobs, const Outcome* outcomes,
                   std::size_t count) noexcept;

}  // namespace tool::sched

#endif
