// Tasks of a certain length, and a host that keeps a pool busy with them.
#ifndef BROOD_TOOLS_BENCH_POOL_LOAD_HPP
#define BROOD_TOOLS_BENCH_POOL_LOAD_HPP

#include <brood/pool.hpp>

#include "bench.hpp"

namespace bench {

/// Steps of this that take a microsecond: counted, not looked at a clock, so that a task takes
/// longer if its processor is not its own.
inline unsigned work(unsigned steps) {
    unsigned state = 1;
    for (unsigned i = 0; i < steps; ++i) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
    }
    return state;
}
inline unsigned steps_of_us() {
    // The best of many short looks: others may take the processor from us.
    static const unsigned steps = [] {
        constexpr unsigned kSteps = 500000;
        volatile unsigned sink = 0;
        double best = 1;
        for (int look = 0; look < 40; ++look) {
            const double start = now();
            sink = work(kSteps);
            best = std::min(best, now() - start);
        }
        static_cast<void>(sink);
        return static_cast<unsigned>(kSteps / (best * 1e6));
    }();
    return steps;
}

/// Millions of tasks a second: `count` of them, of `steps_of(i)` each. The results in the order of
/// submission. Who finds that the next is not there waits for one that comes half a window later:
/// so he is woken once for all of them.
template <class StepsOf>
double rate_of(brood::Pool& pool, unsigned count, StepsOf&& steps_of) {
    constexpr unsigned kWindow = 1024;
    static brood::Future<unsigned> window[kWindow];
    const double start = now();
    for (unsigned i = 0; i < count + kWindow; ++i) {
        brood::Future<unsigned>& place = window[i % kWindow];
        if (i >= kWindow && i - kWindow < count) {
            if (i < count && !place.ready()) {
                window[(i + kWindow / 2) % kWindow].wait().expect("waiting");
            }
            place.get().expect("collecting");
        }
        if (i < count) { place = pool.apply_async(work, steps_of(i)).expect("submitting"); }
    }
    return count / (now() - start) * 1e-6;
}

}  // namespace bench

#endif
