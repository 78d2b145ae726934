// The same schedule made of real processes: on one CPU, stopped and let go by signals.
#ifndef BROOD_TOOLS_SCHED_PROCESSES_HPP
#define BROOD_TOOLS_SCHED_PROCESSES_HPP

#include <tools/sched/dispatcher.hpp>

namespace tool::sched {

struct Real {
    std::int64_t tick_ns;
    std::int32_t cpu;  ///< Where the jobs run. < 0: chosen here; still so after: anywhere.
};

/// Runs the jobs under `rules` (whose quantum is in nanoseconds) and notes in `schedule`, in
/// nanoseconds, what they did. Each job is this program once more (run_job()): it uses the CPU
/// until its CPU clock says that the burst is over, says so, and for its I/O waits for a device,
/// which is a timer here. On failure says why on standard error.
bool run_processes(const Jobs& jobs, const Rules& rules, Real& real, Schedule& schedule) noexcept;

/// What such a process does: "TICK_NS:CPU,I/O,CPU...". Returns its exit status.
int run_job(const char* text) noexcept;

}  // namespace tool::sched

#endif
