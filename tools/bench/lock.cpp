// Lock beside a robust pthread mutex: taken and released without contention, and by four processes.
#include <brood/lock.hpp>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

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

/// Millions of takes a second of kProcesses together.
template <class Once>
double together(Once&& once) {
    void* const memory =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) { bench::die("mmap"); }
    auto& takes = *static_cast<std::atomic<long>*>(memory);
    const double end = bench::now() + kSeconds;
    for (int i = 0; i < kProcesses; ++i) {
        if (fork() != 0) { continue; }
        long mine = 0;
        while (bench::now() < end) {
            for (int k = 0; k < 100; ++k) { once(); }
            mine += 100;
        }
        takes.fetch_add(mine);
        _exit(0);
    }
    for (int i = 0; i < kProcesses; ++i) { wait(nullptr); }
    const double rate = static_cast<double>(takes.load()) / kSeconds * 1e-6;
    munmap(memory, 4096);
    return rate;
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
        [&] { return together(ours); }, [&] { return together(theirs); });
}
