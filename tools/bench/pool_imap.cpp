// Pool: imap() over a generator of 10^7 items, and whether memory and speed stay as they were.
#include <brood/imap.hpp>
#include <brood/pool.hpp>

#include <vector>

#include "bench.hpp"

namespace {

constexpr unsigned kItems = 10000000;
constexpr unsigned kWorkers = 2;

/// KiB that a process has had in memory at most.
double peak_kib(pid_t pid) {
    char path[40], line[200];
    std::snprintf(path, sizeof path, "/proc/%d/status", static_cast<int>(pid));
    std::FILE* const file = std::fopen(path, "re");
    long kib = -1;
    while (file != nullptr && std::fgets(line, sizeof line, file) != nullptr) {
        if (std::sscanf(line, "VmHWM: %ld", &kib) == 1) { break; }
    }
    if (file != nullptr) { std::fclose(file); }
    if (kib < 0) { bench::die("the peak memory of a process"); }
    return static_cast<double>(kib);
}

struct Look {
    double at, host_kib, worker_kib;  // of the workers the largest
};
Look look(brood::Pool& pool) {
    pid_t pids[kWorkers];
    const std::size_t count = pool.worker_pids(pids, kWorkers);
    Look seen = {bench::now(), peak_kib(getpid()), 0};
    for (std::size_t i = 0; i < count; ++i) {
        seen.worker_kib = std::max(seen.worker_kib, peak_kib(pids[i]));
    }
    return seen;
}

void compare(const char* how, const char* what, const char* unit, double last, const char* peer,
             double first, bench::Better better, double goal) {
    const std::string measure = std::string("imap of 10^7, ") + how + ": " + what;
    bench::print_row(measure.c_str(), unit, last, peer, first, last / first, better, goal);
}

void measure(const char* how, const brood::MapOptions& options) {
    brood::Pool pool =
        brood::Pool::create(brood::PoolOptions().workers(kWorkers).payload_bytes(4096))
            .expect("making the pool");
    auto generate = [n = 0u](unsigned& item) mutable {
        item = n++;
        return n <= kItems;
    };
    std::vector<Look> tenths;
    tenths.reserve(11);
    unsigned count = 0;
    for (const auto& result : pool.imap([](unsigned n) { return n + 1; }, generate, options)) {
        if (count % (kItems / 10) == 0) { tenths.push_back(look(pool)); }
        if (result.value_or(0) != ++count) { bench::die("a result is wrong"); }
    }
    tenths.push_back(look(pool));
    if (count != kItems || tenths.size() != 11) { bench::die("results are missing"); }
    const auto rate = [&](std::size_t i) {
        return kItems * 1e-7 / (tenths[i].at - tenths[i - 1].at);
    };
    using bench::Better;
    const Look &early = tenths[1], &late = tenths[10];
    // Others may have the processors for a while: the median of three.
    const auto middle = [&](std::size_t i) {
        double rates[] = {rate(i), rate(i + 1), rate(i + 2)};
        std::sort(rates, rates + 3);
        return rates[1];
    };
    compare(how, "speed", "M/s", middle(8), "first tenths", middle(1), Better::higher, 0.8);
    compare(how, "host at most", "KiB", late.host_kib, "after a tenth", early.host_kib,
            Better::lower, 1.05);
    compare(how, "worker at most", "KiB", late.worker_kib, "after a tenth", early.worker_kib,
            Better::lower, 1.05);
}

}  // namespace

int main() {
    measure("1 by 1", brood::MapOptions().window(brood::MapOptions::kWindowMax));
    measure("by 1000", brood::MapOptions().chunk_size(1000));
}
