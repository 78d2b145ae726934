// Pool: what 1 to 16 workers gain over one, in tasks that take the processor's time and in tiny
// ones. With more workers than processors there is no more to gain, and nothing should be lost.
#include <brood/pool.hpp>

#include <iterator>

#include "pool_load.hpp"

namespace {

constexpr unsigned kWorkers[] = {1, 2, 4, 8, 16};
constexpr unsigned kItems = 1000000;

unsigned square(unsigned n) {
    return n * n;
}

brood::Pool& pool_of(unsigned index) {
    static brood::Pool pools[std::size(kWorkers)];
    static bool is_made = false;
    for (unsigned i = 0; !is_made && i < std::size(kWorkers); ++i) {
        const auto options = brood::PoolOptions().workers(kWorkers[i]);
        pools[i] = brood::Pool::create(options).expect("making a pool");
    }
    is_made = true;
    return pools[index];
}

double long_tasks(unsigned index) {
    constexpr unsigned kTaskUs = 200;
    const unsigned steps = kTaskUs * bench::steps_of_us();
    return 1e6 * bench::rate_of(pool_of(index), 800, [=](unsigned) { return steps; });
}

double tiny_tasks(unsigned index) {
    return bench::rate_of(pool_of(index), 100000, [](unsigned) { return 0u; });
}

double tiny_items(unsigned index) {
    static unsigned in[kItems], out[kItems];
    const double start = bench::now();
    pool_of(index).map(square, in, out, kItems).expect("mapping");
    return kItems / (bench::now() - start) * 1e-6;
}

struct Load {
    const char* measure;
    const char* unit;
    double (*rate)(unsigned index);
    double share;  // of what the processors could give
};
// Of the tiny ones the host's own work is the most: there workers are to cost nothing.
constexpr Load kLoads[] = {
    {"Pool, tasks of 200 us", "/s", long_tasks, 0.9},
    {"Pool, empty tasks one by one", "M/s", tiny_tasks, 0},
    {"Pool map of empty tasks", "M/s", tiny_items, 0},
};

}  // namespace

int main() {
    const auto cpus = static_cast<unsigned>(CPU_COUNT(&bench::usable_cpus()));
    std::printf("Pool, 1 to 16 workers: %u processors can be used here\n", cpus);
    for (const Load& load : kLoads) {
        for (unsigned i = 0; i < std::size(kWorkers); ++i) {
            const std::string measure = std::string(load.measure) +
                                        ", workers: " + std::to_string(kWorkers[i]);
            const double most = kWorkers[i] < cpus ? kWorkers[i] : cpus;
            const double goal = load.share > 0 ? load.share * most : 0.8;
            bench::row(
                measure.c_str(), load.unit, "1 worker", bench::Better::higher, goal,
                [=] { return load.rate(i); }, [=] { return load.rate(0); });
        }
    }
}
