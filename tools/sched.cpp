// brood sched: the scheduling policies of the textbooks on real processes.
#include <cstdio>

#include <tools/command.hpp>
#include <tools/output_file.hpp>
#include <tools/sched/options.hpp>
#include <tools/sched/processes.hpp>
#include <tools/sched/report.hpp>

namespace tool {
namespace {

using namespace sched;

Options g_options;
Schedule g_real[kPolicies], g_book[kPolicies];

bool make(Policy policy, Schedule& real, Schedule& book, Outcome& outcome) noexcept {
    const Rules rules = {policy, g_options.quantum, g_options.boost};
    if (!simulate(g_options.jobs, rules, book)) {
        std::fputs("brood sched: too many slices: make the quantum longer (-q)\n", stderr);
        return false;
    }
    outcome = {rules, {&book, 1}, {&book, 1}};
    if (g_options.simulate_only) { return true; }
    const std::int64_t tick_ns = g_options.tick_ms * 1000000;
    Real how = {tick_ns, g_options.cpu};
    outcome.real = {&real, static_cast<double>(tick_ns)};
    return run_processes(g_options.jobs,
                         {policy, g_options.quantum * tick_ns, g_options.boost * tick_ns}, how,
                         real);
}

bool all_came_to_their_end(const Outcome& outcome) noexcept {
    bool good = true;
    for (std::size_t job = 0; job < g_options.jobs.count; ++job) {
        good = good && outcome.real.schedule->times[job].killed_by == 0;
    }
    return good;
}

bool write_picture(const Outcome* outcomes, std::size_t count) noexcept {
    OutputFile picture("brood sched");
    if (!picture.open(g_options.picture)) { return false; }
    draw_outcomes(picture.file(), g_options.jobs, outcomes, count);
    return picture.close();
}

}  // namespace

int run_sched(int count, char** arguments) {
    const Parsed parsed = parse_options(count, arguments, g_options);
    if (parsed != Parsed::run) { return parsed == Parsed::finished ? kSuccess : kFailure; }
    if (g_options.as_job != nullptr) { return run_job(g_options.as_job); }

    Outcome outcomes[kPolicies];
    bool good = true;
    for (std::size_t i = 0; i < g_options.policy_count; ++i) {
        if (!make(g_options.policies[i], g_real[i], g_book[i], outcomes[i])) { return kFailure; }
        good = all_came_to_their_end(outcomes[i]) && good;
        if (g_options.json) { continue; }
        print_outcome(stdout, g_options.jobs, outcomes[i]);
        std::fflush(stdout);  // The next one takes its time.
    }
    if (g_options.json) { print_json(stdout, g_options.jobs, outcomes, g_options.policy_count); }
    if (!g_options.json && g_options.policy_count > 1) {
        print_comparison(stdout, g_options.jobs, outcomes, g_options.policy_count);
    }
    if (g_options.picture != nullptr) {
        good = write_picture(outcomes, g_options.policy_count) && good;
    }
    return good ? kSuccess : kFailure;
}

}  // namespace tool
