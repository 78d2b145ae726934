// Pool: the first rows of bars.md, beside bare processes with pipes.
#include <brood/pool.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include "bench.hpp"

namespace {

constexpr int kTasks = 200000;
constexpr int kRoundTrips = 20000;
constexpr int kWindow = 1024;

unsigned square(unsigned n) {
    return n * n;
}

double brood_tasks() {
    static brood::Pool pool =
        brood::Pool::create(brood::PoolOptions().workers(2)).expect("making the pool");
    static brood::Future<unsigned> window[kWindow];
    unsigned sum = 0;
    const double start = bench::now();
    for (int i = 0; i < kTasks + kWindow; ++i) {
        brood::Future<unsigned>& slot = window[i % kWindow];
        if (i >= kWindow) { sum += slot.get().expect("collecting"); }
        if (i < kTasks) {
            slot = pool.apply_async(square, static_cast<unsigned>(i)).expect("submitting");
        }
    }
    const double seconds = bench::now() - start;
    if (sum == 1) { std::puts(""); }
    return kTasks / seconds * 1e-6;
}

// Two processes that take tasks from one pipe and write results to another, in batches that a
// pipe takes at once: what one would write by hand.
struct Prefork {
    int tasks[2], results[2];
    pid_t children[2];

    Prefork() {
        if (pipe(tasks) != 0 || pipe(results) != 0) { bench::die("pipe"); }
        for (pid_t& child : children) {
            child = fork();
            if (child < 0) { bench::die("fork"); }
            if (child != 0) { continue; }
            close(tasks[1]);
            unsigned n = 0;
            while (read(tasks[0], &n, sizeof n) == sizeof n) {
                n = square(n);
                if (write(results[1], &n, sizeof n) != sizeof n) { _exit(1); }
            }
            _exit(0);
        }
    }
    ~Prefork() {
        for (const int fd : {tasks[0], tasks[1], results[0], results[1]}) { close(fd); }
        for (const pid_t child : children) { waitpid(child, nullptr, 0); }
    }
};

double prefork_tasks() {
    static Prefork pool;
    unsigned sum = 0;
    const double start = bench::now();
    for (int i = 0; i < kTasks + kWindow; ++i) {
        unsigned n = static_cast<unsigned>(i);
        if (i >= kWindow && read(pool.results[0], &n, sizeof n) == sizeof n) { sum += n; }
        n = static_cast<unsigned>(i);
        if (i < kTasks && write(pool.tasks[1], &n, sizeof n) != sizeof n) { bench::die("write"); }
    }
    const double seconds = bench::now() - start;
    if (sum == 1) { std::puts(""); }
    return kTasks / seconds * 1e-6;
}

double brood_round_trip() {
    static brood::Pool pool =
        brood::Pool::create(brood::PoolOptions().workers(1)).expect("making the pool");
    const double start = bench::now();
    for (int i = 0; i < kRoundTrips; ++i) {
        pool.apply(square, static_cast<unsigned>(i)).expect("applying");
    }
    return (bench::now() - start) / kRoundTrips * 1e6;
}

double prefork_round_trip() {
    static Prefork pool;
    const double start = bench::now();
    for (int i = 0; i < kRoundTrips; ++i) {
        unsigned n = static_cast<unsigned>(i);
        if (write(pool.tasks[1], &n, sizeof n) != sizeof n) { bench::die("write"); }
        if (read(pool.results[0], &n, sizeof n) != sizeof n) { bench::die("read"); }
    }
    return (bench::now() - start) / kRoundTrips * 1e6;
}

}  // namespace

int main() {
    using bench::Better;
    bench::row("Pool submit + collect, empty tasks", "M/s", "prefork over pipes", Better::higher, 1,
               brood_tasks, prefork_tasks);
    bench::row("Pool apply round trip", "us", "prefork over pipes", Better::lower, 1,
               brood_round_trip, prefork_round_trip);
}
