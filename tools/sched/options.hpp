// The command line of `brood sched`.
#ifndef BROOD_TOOLS_SCHED_OPTIONS_HPP
#define BROOD_TOOLS_SCHED_OPTIONS_HPP

#include <tools/manual.hpp>
#include <tools/sched/jobs.hpp>
#include <tools/sched/ready_queue.hpp>

namespace tool {

extern const Manual kSchedManual;
int run_sched(int count, char** arguments);

namespace sched {

struct Options {
    Jobs jobs;
    Policy policies[kPolicies];
    std::size_t policy_count = 0;
    std::int64_t quantum = 4;  ///< In ticks.
    std::int64_t boost = 0;    ///< In ticks; 0: none.
    std::int64_t tick_ms = 10;
    std::int32_t cpu = -1;
    bool simulate_only = false;
    bool json = false;
    bool has_file = false;
    const char* picture = nullptr;  ///< The SVG to write.
    const char* as_job = nullptr;   ///< It is one of the processes that are steered.
};

Parsed parse_options(int count, char** arguments, Options& options) noexcept;

}  // namespace sched
}  // namespace tool

#endif
