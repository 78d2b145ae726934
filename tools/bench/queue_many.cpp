// Queue<T> with several producers and consumers: beside a ring with a plain compare-and-swap lock
// for each side, and Boost.Interprocess.
#include <brood/queue.hpp>

#if __has_include(<boost/interprocess/ipc/message_queue.hpp>)
#include <boost/interprocess/ipc/message_queue.hpp>
#define BENCH_HAS_BOOST 1
#endif

#include "bench.hpp"
#include "rings.hpp"

namespace {

constexpr unsigned kMessages = 1000000;
constexpr unsigned kSlots = 1024;
constexpr unsigned kProcessesMax = 16;

using Message = bench::Message<64>;

/// Processes that begin together, on whatever processors the system gives them: the seconds until
/// the last of them has ended.
template <class Body>
double race(unsigned processes, Body&& body) {
    const bench::Shared<std::atomic<unsigned>> ready, go;
    pid_t child[kProcessesMax];
    for (unsigned i = 0; i < processes; ++i) {
        child[i] = bench::fork_child(bench::kAnywhere, [&] {
            ready->fetch_add(1);
            while (go->load() == 0) { sched_yield(); }
            body(i);
        });
    }
    while (ready->load() < processes) { sched_yield(); }
    const double start = bench::now();
    go->store(1);
    for (unsigned i = 0; i < processes; ++i) { bench::join(child[i]); }
    return bench::now() - start;
}

/// n producers and n consumers: millions of messages a second.
template <class Put, class Get>
double many(unsigned n, unsigned messages, Put&& put, Get&& get) {
    const bench::Shared<std::atomic<unsigned long>> put_sum, got_sum;
    const double seconds = race(2 * n, [&](unsigned i) {
        unsigned long sum = 0;
        for (unsigned k = i / 2; k < messages; k += n) {
            if (i % 2 == 0) {
                put(Message{k, {}});
                sum += k;
            } else {
                sum += get().number;
            }
        }
        (i % 2 == 0 ? *put_sum : *got_sum).fetch_add(sum);
    });
    if (put_sum->load() != got_sum->load()) { bench::die("what came is not what was sent"); }
    return messages / seconds * 1e-6;
}

double brood_many(unsigned n) {
    auto queue = brood::Queue<Message>::create(kSlots).expect("queue");
    return many(
        n, kMessages, [&](const Message& message) { queue.put(message).expect("put"); },
        [&] { return queue.get().expect("get"); });
}

double cas_many(unsigned n) {
    const bench::Shared<bench::CasRing<Message, kSlots>> ring;
    return many(
        n, kMessages, [&](const Message& message) { ring->put(message); },
        [&] { return ring->get(); });
}

#ifdef BENCH_HAS_BOOST
double boost_many(unsigned n) {
    namespace ipc = boost::interprocess;
    constexpr const char* kName = "brood-bench";
    ipc::message_queue::remove(kName);
    ipc::message_queue queue(ipc::create_only, kName, kSlots, sizeof(Message));
    const double rate = many(
        n, kMessages / 4, [&](const Message& message) { queue.send(&message, sizeof message, 0); },
        [&] {
            Message message;
            ipc::message_queue::size_type bytes = 0;
            unsigned priority = 0;
            queue.receive(&message, sizeof message, bytes, priority);
            return message;
        });
    ipc::message_queue::remove(kName);
    return rate;
}
#endif

// One side alone, with room for all: two producers who are truly in each other's way.
constexpr unsigned kRoom = 1u << 19;

double brood_contended() {
    auto queue = brood::Queue<Message>::create(kRoom).expect("queue");
    const double seconds = race(2, [&](unsigned i) {
        for (unsigned k = i; k < kRoom; k += 2) { queue.put(Message{k, {}}).expect("put"); }
    });
    return kRoom / seconds * 1e-6;
}

double cas_contended() {
    const bench::Shared<bench::CasRing<Message, kRoom>> ring;
    const double seconds = race(2, [&](unsigned i) {
        for (unsigned k = i; k < kRoom; k += 2) { ring->put(Message{k, {}}); }
    });
    return kRoom / seconds * 1e-6;
}

}  // namespace

int main() {
    using bench::Better;
    for (const unsigned n : {2u, 4u}) {
        char measure[64];
        std::snprintf(measure, sizeof measure, "Queue<64 B> %u producers %u consumers", n, n);
        bench::row(
            measure, "M/s", "ring with CAS locks", Better::higher, 1, [&] { return brood_many(n); },
            [&] { return cas_many(n); });
#ifdef BENCH_HAS_BOOST
        bench::row(
            measure, "M/s", "Boost message_queue", Better::higher, 3, [&] { return brood_many(n); },
            [&] { return boost_many(n); });
#endif
    }
    bench::row("Queue<64 B> 2 producers, never full", "M/s", "ring with CAS locks", Better::higher,
               1, brood_contended, cas_contended);
}
