// Pool: how long one task takes there and back, and what two workers gain on small and on uneven
// tasks.
#include <brood/pool.hpp>

#include <signal.h>

#include "pool_load.hpp"
#include "rings.hpp"

namespace {

unsigned square(unsigned n) {
    return n * n;
}

// ---- There and back ----------------------------------------------------------------------------

/// Microseconds for one: at once after the other, or when the others have gone to sleep.
template <class Call>
double round_trip(bool rests, Call&& call) {
    const unsigned count = rests ? 2000 : 50000;
    double sum = 0;
    for (unsigned i = 0; i < count; ++i) {
        if (rests) { usleep(200); }
        const double start = bench::now();
        if (call(i) != square(i)) { bench::die("a result is wrong"); }
        sum += bench::now() - start;
    }
    return sum / count * 1e6;
}

double brood_round_trip(bool rests) {
    static brood::Pool pool =
        brood::Pool::create(brood::PoolOptions().workers(1)).expect("making the pool");
    return round_trip(rests, [](unsigned n) { return pool.apply(square, n).expect("applying"); });
}

/// Through two of Way, to a process on another processor.
template <class Way>
double bare_round_trip(bool rests) {
    const bench::Shared<Way> there, back;
    const pid_t child = bench::fork_child(1, [&] {
        for (;;) { back->put(square(there->get())); }
    });
    const double figure = round_trip(rests, [&](unsigned n) {
        there->put(n);
        return back->get();
    });
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    bench::pin(bench::kAnywhere);
    return figure;
}

// ---- Two workers for one -----------------------------------------------------------------------

struct Load {
    const char* measure;
    unsigned us, count, uneven_us;  // each sixteenth
    double goal;

    unsigned steps(unsigned i) const {
        return (i % 16 == 0 ? uneven_us : us) * bench::steps_of_us();
    }
};
constexpr Load kLoads[] = {
    {"Pool, tasks of 1 us, 2 workers", 1, 200000, 1, 1.7},
    {"Pool, tasks of 10 us, 2 workers", 10, 20000, 10, 1.94},
    {"Pool, 1 us, each 16th 100 us, 2 workers", 1, 30000, 100, 1.9},
};

/// Millions of tasks a second, one after the other here.
double serial(const Load& load) {
    volatile unsigned sink = 0;
    const double start = bench::now();
    for (unsigned i = 0; i < load.count; ++i) { sink = bench::work(load.steps(i)); }
    static_cast<void>(sink);
    return load.count / (bench::now() - start) * 1e-6;
}

double pooled(const Load& load) {
    static brood::Pool pool =
        brood::Pool::create(brood::PoolOptions().workers(2)).expect("making the pool");
    return bench::rate_of(pool, load.count, [&](unsigned i) { return load.steps(i); });
}

}  // namespace

int main() {
    using bench::Better;
    using Ring = bench::BareRing<unsigned, 16>;
    using Letter = bench::Letter<unsigned>;
    bench::row(
        "Pool apply, workers that spin", "us", "bare ring", Better::lower, 1,
        [] { return brood_round_trip(false); }, [] { return bare_round_trip<Ring>(false); });
    bench::row(
        "Pool apply, workers that sleep", "us", "bare futex", Better::lower, 0.9,
        [] { return brood_round_trip(true); }, [] { return bare_round_trip<Letter>(true); });
    for (const Load& load : kLoads) {
        bench::row(
            load.measure, "M/s", "one after the other", Better::higher, load.goal,
            [&] { return pooled(load); }, [&] { return serial(load); });
    }
}
