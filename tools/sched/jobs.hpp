// The jobs that are to be scheduled: when each arrives and what it does.
#ifndef BROOD_TOOLS_SCHED_JOBS_HPP
#define BROOD_TOOLS_SCHED_JOBS_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace tool::sched {

/// Times here are whole ticks.
struct Job {
    static constexpr std::size_t kNameMax = 15, kBurstsMax = 31;
    char name[kNameMax + 1];
    std::int64_t arrival;
    /// CPU, I/O, CPU, ..., CPU: an odd number of them, each of at least one tick.
    std::int64_t bursts[kBurstsMax];
    std::size_t burst_count;
};

struct Jobs {
    static constexpr std::size_t kMax = 24;
    /// Together they end before that many ticks, whatever the policy.
    static constexpr std::int64_t kTicksMax = 100000;
    Job list[kMax];
    std::size_t count = 0;
};

/// Adds what "NAME:ARRIVAL:CPU[,I/O,CPU]..." says. On failure says on standard error what is wrong,
/// after `where` ("jobs.txt:3" or "brood sched").
bool add_job(Jobs& jobs, const char* text, const char* where) noexcept;
/// A file with one of them in a line; blanks around it, empty lines, and all from '#' on are left
/// out. "-" is standard input.
bool add_jobs_of_file(Jobs& jobs, const char* path) noexcept;

}  // namespace tool::sched

#endif
