// Pool: how many tasks a second, one by one and by maps, beside threads (oneTBB, std::thread), bare
// processes with pipes, and Python.
#include <brood/pool.hpp>

#if __has_include(<oneapi/tbb.h>)
#include <oneapi/tbb.h>
#define BENCH_HAS_TBB 1
#endif

#include "pools.hpp"

namespace {

constexpr unsigned kTasks = 200000;
constexpr unsigned kWindow = 1024;
constexpr unsigned kItems = 2000000;

unsigned square(unsigned n) {
    return n * n;
}

/// Millions a second.
template <class Run>
double rate(unsigned count, Run&& run) {
    const double start = bench::now();
    run();
    return count / (bench::now() - start) * 1e-6;
}

/// Before any thread is made.
brood::Pool& pool() {
    static brood::Pool two = brood::Pool::create(brood::PoolOptions().workers(2)).expect("pool");
    return two;
}

struct Arrays {
    unsigned in[kItems], out[kItems];
    Arrays() {
        for (unsigned i = 0; i < kItems; ++i) {
            in[i] = i;
            out[i] = 1;
        }
    }
    void check(unsigned count) const {
        for (unsigned i = 0; i < count; ++i) {
            if (out[i] != square(i)) { bench::die("a result is wrong"); }
        }
    }
};
Arrays& arrays() {
    static Arrays both;
    return both;
}

// ---- One by one --------------------------------------------------------------------------------

// The results in the order of submission. Who finds that the next is not there waits for one that
// comes half a window later: so he is woken once for all of them.
double brood_tasks() {
    static brood::Future<unsigned> window[kWindow];
    brood::Pool& two = pool();
    return rate(kTasks, [&] {
        for (unsigned i = 0; i < kTasks + kWindow; ++i) {
            brood::Future<unsigned>& place = window[i % kWindow];
            if (i >= kWindow) {
                if (i < kTasks && !place.ready()) {
                    window[(i + kWindow / 2) % kWindow].wait().expect("waiting");
                }
                const unsigned got = place.get().expect("collecting");
                if (got != square(i - kWindow)) { bench::die("a result is wrong"); }
            }
            if (i < kTasks) { place = two.apply_async(square, i).expect("submitting"); }
        }
    });
}

double prefork_tasks() {
    static bench::Prefork<unsigned (*)(unsigned)> two(square);
    return rate(kTasks, [&] {
        for (unsigned i = 0; i < kTasks + kWindow; ++i) {
            if (i >= kWindow) { two.collect(); }  // in any order
            if (i < kTasks) { two.submit(i); }
        }
    });
}

double thread_tasks() {
    return bench::in_child([] {
        static bench::Threads two;
        static std::future<unsigned> window[kWindow];
        return rate(kTasks, [&] {
            for (unsigned i = 0; i < kTasks + kWindow; ++i) {
                std::future<unsigned>& place = window[i % kWindow];
                if (i >= kWindow && place.get() != square(i - kWindow)) {
                    bench::die("a result is wrong");
                }
                if (i < kTasks) { place = two.submit(square, i); }
            }
        });
    });
}

#ifdef BENCH_HAS_TBB
// Two workers beside the thread that submits, as with the pool.
double tbb_tasks() {
    return bench::in_child([] {
        const tbb::global_control three(tbb::global_control::max_allowed_parallelism, 3);
        tbb::task_group group;
        Arrays& both = arrays();
        const auto run = [&] {
            for (unsigned i = 0; i < kTasks; ++i) {
                group.run([&both, i] { both.out[i] = square(i); });
            }
            group.wait();
        };
        run();  // Its threads are there then.
        const double figure = rate(kTasks, run);
        both.check(kTasks);
        return figure;
    });
}

double tbb_map() {
    return bench::in_child([] {
        const tbb::global_control three(tbb::global_control::max_allowed_parallelism, 3);
        Arrays& both = arrays();
        const auto run = [&] {
            const auto each = [&](const tbb::blocked_range<unsigned>& range) {
                both.out[range.begin()] = square(both.in[range.begin()]);
            };
            // An element a task. In larger ranges the compiler makes one loop of all of them.
            tbb::parallel_for(tbb::blocked_range<unsigned>(0, kItems, 1), each,
                              tbb::simple_partitioner());
        };
        run();
        const double figure = rate(kItems, run);
        both.check(kItems);
        return figure;
    });
}
#endif

// ---- Maps --------------------------------------------------------------------------------------

double brood_map(unsigned count, const brood::MapOptions& options) {
    Arrays& both = arrays();
    const double figure = rate(
        count, [&] { pool().map(square, both.in, both.out, count, options).expect("mapping"); });
    both.check(count);
    return figure;
}
double brood_map() {
    return brood_map(kItems, brood::MapOptions());
}
double brood_map_one_by_one() {
    return brood_map(kTasks, brood::MapOptions().chunk_size(1));
}

// ---- Python, once each: it takes long and its figure is far away -------------------------------

struct PythonRow {
    const char* measure;
    const char* peer;
    double goal;
    double (*ours)();
    const char* lines;
};

constexpr PythonRow kPythonRows[] = {
    {"Pool submit + collect, empty tasks", "python3 apply_async", 1, brood_tasks,
     "n = 20000; start = time.perf_counter()\n"
     "for r in [pool.apply_async(square, (i,)) for i in range(n)]: r.get()\n"
     "print(n / (time.perf_counter() - start) * 1e-6)\n"},
    {"Pool submit + collect, empty tasks", "python3 ProcessPool...", 1, brood_tasks,
     "other = concurrent.futures.ProcessPoolExecutor(2)\n"
     "other.submit(square, 1).result()\n"
     "n = 5000; start = time.perf_counter()\n"
     "for f in [other.submit(square, i) for i in range(n)]: f.result()\n"
     "print(n / (time.perf_counter() - start) * 1e-6)\n"
     "other.shutdown()\n"},
    {"Pool map, chunks of 1", "python3 Pool.map", 100, brood_map_one_by_one,
     "n = 50000; start = time.perf_counter()\n"
     "pool.map(square, range(n), 1)\n"
     "print(n / (time.perf_counter() - start) * 1e-6)\n"},
    {"Pool map, chunks as it likes", "python3 Pool.map", 1, brood_map,
     "n = 2000000; start = time.perf_counter()\n"
     "pool.map(square, range(n))\n"
     "print(n / (time.perf_counter() - start) * 1e-6)\n"},
};

}  // namespace

int main() {
    using bench::Better;
    static_cast<void>(pool());
    const char* const tasks = "Pool submit + collect, empty tasks";
    bench::row(tasks, "M/s", "prefork over pipes", Better::higher, 1, brood_tasks, prefork_tasks);
    bench::row(tasks, "M/s", "std::thread, condvar", Better::higher, 1, brood_tasks, thread_tasks);
#ifdef BENCH_HAS_TBB
    bench::row(tasks, "M/s", "oneTBB task_group", Better::higher, 3.5, brood_tasks, tbb_tasks);
    bench::row(
        "Pool map, chunks as it likes", "M/s", "oneTBB parallel_for", Better::higher, 0.5,
        [] { return brood_map(); }, tbb_map);
#else
    std::puts("not measured: oneTBB (it was not there when this was built)");
#endif
    for (const PythonRow& row : kPythonRows) {
        const double theirs = bench::python_with_pool(row.lines);
        if (theirs < 0) {
            std::printf("not measured: %s (no python3)\n", row.peer);
            continue;
        }
        bench::row(row.measure, "M/s", row.peer, Better::higher, row.goal, row.ours,
                   [=] { return theirs; });
    }
}
