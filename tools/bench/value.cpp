// Value<T>: adding to one in shared memory, beside a bare atomic, a robust pthread mutex, and
// Python's multiprocessing.Value.
#include <brood/value.hpp>

#include <pthread.h>

#include <atomic>

#include "bench.hpp"

namespace {

constexpr int kAdds = 1000000;

template <class Add>
double nanoseconds(Add&& add) {
    const double start = bench::now();
    for (int i = 0; i < kAdds; ++i) { add(); }
    return (bench::now() - start) / kAdds * 1e9;
}

double python() {
    static const double figure = bench::python(
        "import multiprocessing, time\n"
        "value, adds = multiprocessing.Value(\"l\", 0), 200000\n"
        "start = time.perf_counter()\n"
        "for _ in range(adds):\n"
        "    with value.get_lock(): value.value += 1\n"
        "print((time.perf_counter() - start) / adds * 1e9)\n");
    return figure;
}

struct Guarded {
    pthread_mutex_t mutex;
    long value;
};

}  // namespace

int main() {
    using bench::Better;
    auto value = brood::Value<long>::create(0).expect("value");
    const bench::Shared<std::atomic<long>> bare;
    const bench::Shared<Guarded> guarded;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&guarded->mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);

    bench::row(
        "Value fetch_add", "ns", "std::atomic in shared memory", Better::lower, 1.2,
        [&] { return nanoseconds([&] { value.fetch_add(1); }); },
        [&] { return nanoseconds([&] { bare->fetch_add(1); }); });
    const auto with_lock = [&] {
        return nanoseconds([&] { value.with_lock([](long& it) { it += 1; }).expect("with_lock"); });
    };
    bench::row("Value add under its lock", "ns", "robust pthread mutex", Better::lower, 1,
               with_lock, [&] {
                   return nanoseconds([&] {
                       pthread_mutex_lock(&guarded->mutex);
                       guarded->value += 1;
                       pthread_mutex_unlock(&guarded->mutex);
                   });
               });
    if (python() > 0) {
        bench::row("Value add under its lock", "ns", "python3 Value", Better::lower, 20.0 / 590,
                   with_lock, python);
    } else {
        std::puts("not measured: python3 Value (no python3)");
    }
}
