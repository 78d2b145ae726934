// Lock beside a robust pthread mutex: taken and released without contention, and by four processes.
#include <brood/lock.hpp>

#include <limits.h>
#include <pthread.h>

#include <atomic>

#include "bench.hpp"

namespace {

constexpr int kTakes = 1000000;
constexpr int kProcesses = 4;
constexpr double kSeconds = 0.15;

pthread_mutex_t* make_mutex() {
    void* const memory =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) { bench::die("mmap"); }
    auto* const mutex = static_cast<pthread_mutex_t*>(memory);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return mutex;
}

template <class Once>
double alone(Once&& once) {
    const double start = bench::now();
    for (int i = 0; i < kTakes; ++i) { once(); }
    return (bench::now() - start) / kTakes * 1e9;
}

struct Race {
    double rate;   // millions of takes a second, of all together
    double share;  // of the slowest, as a part of what would be fair
};

template <class Once>
Race together(double seconds, Once&& once) {
    const bench::Shared<std::atomic<long>[kProcesses]> takes;
    const double end = bench::now() + seconds;
    pid_t child[kProcesses];
    for (int i = 0; i < kProcesses; ++i) {
        child[i] = bench::fork_child(bench::kAnywhere, [&] {
            long mine = 0;
            while (bench::now() < end) {
                for (int k = 0; k < 100; ++k) { once(); }
                mine += 100;
            }
            (*takes)[i].store(mine);
        });
    }
    long sum = 0, least = LONG_MAX;
    for (int i = 0; i < kProcesses; ++i) {
        bench::join(child[i]);
        const long one = (*takes)[i].load();
        sum += one;
        least = one < least ? one : least;
    }
    return {static_cast<double>(sum) / seconds * 1e-6,
            static_cast<double>(least) * kProcesses / static_cast<double>(sum)};
}

}  // namespace

int main() {
    using bench::Better;
    auto lock = brood::Lock::create().expect("lock");
    pthread_mutex_t* const mutex = make_mutex();
    const auto ours = [&] {
        lock.take().expect("take");
        lock.release().expect("release");
    };
    const auto theirs = [&] {
        pthread_mutex_lock(mutex);
        pthread_mutex_unlock(mutex);
    };
    bench::row(
        "Lock, uncontended", "ns", "robust pthread mutex", Better::lower, 0.5,
        [&] { return alone(ours); }, [&] { return alone(theirs); });
    bench::row(
        "Lock, 4 processes", "M/s", "robust pthread mutex", Better::higher, 1,
        [&] { return together(kSeconds, ours).rate; },
        [&] { return together(kSeconds, theirs).rate; });
    // Over a second: a shorter look tells more of when each was started.
    bench::row(
        "Lock, 4 processes: the slowest one's share", "", "what is fair", Better::higher, 0.5,
        [&] { return together(1, ours).share; }, [] { return 1.0; });
}
