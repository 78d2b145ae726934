// What every benchmark needs: rounds in which both sides run in turn, medians, and one line a row.
#ifndef BROOD_TOOLS_BENCH_HPP
#define BROOD_TOOLS_BENCH_HPP

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

inline double now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// How often the sides take turns; the median of so many is printed.
constexpr int kRounds = 7;

enum class Better { higher, lower };

/// One row of bars.md's table: runs both sides `kRounds` times in turn, since a machine's speed
/// drifts, and prints the medians and the median of the ratios of each round. `goal` is a bound for
/// brood / peer: at least that (higher is better), or at most.
/// Each side returns its figure in `unit`.
template <class Ours, class Theirs>
void row(const char* measure, const char* unit, const char* peer, Better better, double goal,
         Ours&& ours, Theirs&& theirs) {
    double mine[kRounds], other[kRounds], ratio[kRounds];
    ours();  // Warms up.
    theirs();
    for (int i = 0; i < kRounds; ++i) {
        mine[i] = ours();
        other[i] = theirs();
        ratio[i] = mine[i] / other[i];
    }
    const auto median = [](double* list) {
        std::sort(list, list + kRounds);
        return list[kRounds / 2];
    };
    const double middle = median(ratio);
    const bool met = better == Better::higher ? middle >= goal : middle <= goal;
    const char* const bound = better == Better::higher ? ">=" : "<=";
    std::printf("%-44s %10.3f %-5s %-24s %10.3f  %6.2fx  %s %.2fx  %s\n", measure, median(mine),
                unit, peer, median(other), middle, bound, goal, met ? "met" : "short");
    std::fflush(stdout);
    const char* const path = std::getenv("BENCH_JSON");
    std::FILE* const json = path == nullptr ? nullptr : std::fopen(path, "a");
    if (json == nullptr) { return; }
    std::fprintf(json,
                 "{\"measure\": \"%s\", \"unit\": \"%s\", \"brood\": %.4f, \"peer\": \"%s\", "
                 "\"peer_figure\": %.4f, \"ratio\": %.4f, \"goal\": %.2f, \"met\": %s}\n",
                 measure, unit, median(mine), peer, median(other), middle, goal,
                 met ? "true" : "false");
    std::fclose(json);
}

/// Ties the caller to one of the CPUs it may use; the n-th, counted round.
inline void pin(int n) {
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof all, &all) != 0) { return; }
    int left = n % CPU_COUNT(&all);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &all) || left-- > 0) { continue; }
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

[[noreturn]] inline void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

}  // namespace bench

#endif
