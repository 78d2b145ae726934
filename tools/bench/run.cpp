// brood run beside xargs and GNU parallel: what a job costs that does nothing.
#include <string>

#include "bench.hpp"

namespace {

constexpr int kJobs = 2000;  // a round: more than 10^4 in all

bool run(const std::string& command, int jobs) {
    const std::string line = "seq " + std::to_string(jobs) + " | " + command + " >/dev/null 2>&1";
    return std::system(line.c_str()) == 0;
}

/// Milliseconds a job of `command`, which takes a line for each.
double cost_of(const std::string& command) {
    const double start = bench::now();
    if (!run(command, kJobs)) { bench::die(command.c_str()); }
    return (bench::now() - start) / kJobs * 1e3;
}

}  // namespace

int main(int, char** arguments) {
    using bench::Better;
    // In the build's folder, two above this program's.
    std::string brood = arguments[0];
    for (int i = 0; i < 3; ++i) { brood.resize(brood.find_last_of('/')); }
    brood += "/brood run -j 2 true";
    const auto ours = [&] { return cost_of(brood); };
    bench::row("brood run -j 2, a job of true", "ms", "xargs -P2 -n1", Better::lower, 1.0, ours,
               [] { return cost_of("xargs -P 2 -n 1 true"); });
    const std::string parallel = "parallel --will-cite -j 2 true";
    if (!run(parallel, 1)) { return 0; }  // bench.sh says so.
    bench::row("brood run -j 2, a job of true", "ms", "parallel -j2", Better::lower, 0.5, ours,
               [&] { return cost_of(parallel); });
}
