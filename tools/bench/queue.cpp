// Queue<T> between two processes, each on a processor of its own: beside a bare ring, a bare pipe,
// bare futexes and Boost.Interprocess.
#include <brood/queue.hpp>

#if __has_include(<boost/interprocess/ipc/message_queue.hpp>)
#include <boost/interprocess/ipc/message_queue.hpp>
#define BENCH_HAS_BOOST 1
#endif

#include "bench.hpp"
#include "rings.hpp"

namespace {

constexpr unsigned kMessages = 2000000;
constexpr unsigned kSlots = 1024;
constexpr unsigned kBatch = 16;
constexpr unsigned kRoundTrips = 50000;

using Small = bench::Message<64>;
using Large = bench::Message<1024>;

// ---- One way -----------------------------------------------------------------------------------

/// Runs the two sides and returns millions of messages a second. `get` returns what came.
template <class T, class Put, class Get>
double stream(unsigned messages, Put&& put, Get&& get) {
    const double start = bench::now();
    const pid_t child = bench::fork_child(1, [&] {
        for (unsigned i = 0; i < messages; ++i) { put(T{i, {}}); }
    });
    for (unsigned i = 0; i < messages; ++i) {
        if (get().number != i) { bench::die("a message is not the next"); }
    }
    const double seconds = bench::now() - start;
    bench::join(child);
    return messages / seconds * 1e-6;
}

double bare_stream() {
    const bench::Shared<bench::BareRing<Small, kSlots>> ring;
    return stream<Small>(
        kMessages, [&](const Small& message) { ring->put(message); }, [&] { return ring->get(); });
}

template <class T>
double brood_stream(unsigned messages) {
    auto queue = brood::Queue<T>::create(kSlots).expect("queue");
    return stream<T>(
        messages, [&](const T& message) { queue.put(message).expect("put"); },
        [&] { return queue.get().expect("get"); });
}

// As their users would: what is put is made, and what was got is looked at, where it lies.
double brood_batches() {
    auto queue = brood::Queue<Small>::create(kSlots).expect("queue");
    const double start = bench::now();
    const pid_t child = bench::fork_child(1, [&] {
        Small out[kBatch];
        for (unsigned i = 0; i < kMessages; i += kBatch) {
            for (unsigned k = 0; k < kBatch; ++k) { out[k] = Small{i + k, {}}; }
            for (std::size_t put = 0; put < kBatch;) {
                put += queue.put_many(out + put, kBatch - put).expect("put_many");
            }
        }
    });
    Small in[kBatch];
    for (unsigned i = 0; i < kMessages;) {
        const std::size_t got = queue.get_many(in, kBatch).expect("get_many");
        for (std::size_t k = 0; k < got; ++k) {
            if (in[k].number != i++) { bench::die("a message is not the next"); }
        }
    }
    const double seconds = bench::now() - start;
    bench::join(child);
    return kMessages / seconds * 1e-6;
}
static_assert(kMessages % kBatch == 0);

double pipe_stream() {
    int ends[2];
    if (pipe(ends) != 0) { bench::die("pipe"); }
    const double rate = stream<Small>(
        kMessages / 4,
        [&](const Small& message) {
            if (write(ends[1], &message, sizeof message) != sizeof message) { bench::die("write"); }
        },
        [&] {
            Small message;
            if (read(ends[0], &message, sizeof message) != sizeof message) { bench::die("read"); }
            return message;
        });
    close(ends[0]);
    close(ends[1]);
    return rate;
}

#ifdef BENCH_HAS_BOOST
template <class T>
double boost_stream(unsigned messages) {
    namespace ipc = boost::interprocess;
    constexpr const char* kName = "brood-bench";
    ipc::message_queue::remove(kName);
    ipc::message_queue queue(ipc::create_only, kName, kSlots, sizeof(T));
    const double rate = stream<T>(
        messages, [&](const T& message) { queue.send(&message, sizeof message, 0); },
        [&] {
            T message;
            ipc::message_queue::size_type bytes = 0;
            unsigned priority = 0;
            queue.receive(&message, sizeof message, bytes, priority);
            return message;
        });
    ipc::message_queue::remove(kName);
    return rate;
}
#endif

// ---- There and back ----------------------------------------------------------------------------

/// Microseconds for one message to a child on the n-th processor, and its answer.
template <class Send, class Receive, class Answer>
double round_trip(int cpu, Send&& send, Receive&& receive, Answer&& answer) {
    const pid_t child = bench::fork_child(cpu, [&] {
        for (unsigned i = 0; i < kRoundTrips; ++i) { answer(); }
    });
    const double start = bench::now();
    for (unsigned i = 0; i < kRoundTrips; ++i) {
        send(Small{i, {}});
        if (receive().number != i) { bench::die("a message is not the next"); }
    }
    const double seconds = bench::now() - start;
    bench::join(child);
    return seconds / kRoundTrips * 1e6;
}

double bare_round_trip() {
    const bench::Shared<bench::BareRing<Small, kSlots>> there, back;
    return round_trip(
        1, [&](const Small& message) { there->put(message); }, [&] { return back->get(); },
        [&] { back->put(there->get()); });
}

double brood_round_trip(int cpu) {
    auto there = brood::Queue<Small>::create(16).expect("queue");
    auto back = brood::Queue<Small>::create(16).expect("queue");
    return round_trip(
        cpu, [&](const Small& message) { there.put(message).expect("put"); },
        [&] { return back.get().expect("get"); },
        [&] { back.put(there.get().expect("get")).expect("put"); });
}

double futex_round_trip(int cpu) {
    const bench::Shared<bench::Letter<Small>> there, back;
    return round_trip(
        cpu, [&](const Small& message) { there->put(message); }, [&] { return back->get(); },
        [&] { back->put(there->get()); });
}

}  // namespace

int main() {
    using bench::Better;
    const auto one_by_one = [] { return brood_stream<Small>(kMessages); };
    bench::row("Queue<64 B> one by one", "M/s", "bare ring", Better::higher, 0.67, one_by_one,
               bare_stream);
    bench::row("Queue<64 B> by 16", "M/s", "bare ring", Better::higher, 1.4, brood_batches,
               bare_stream);
    bench::row("Queue<64 B> one by one", "M/s", "pipe(2)", Better::higher, 5, one_by_one,
               pipe_stream);
#ifdef BENCH_HAS_BOOST
    bench::row("Queue<64 B> one by one", "M/s", "Boost message_queue", Better::higher, 5,
               one_by_one, [] { return boost_stream<Small>(kMessages / 4); });
    bench::row(
        "Queue<1 KiB> one by one", "M/s", "Boost message_queue", Better::higher, 2,
        [] { return brood_stream<Large>(kMessages / 4); },
        [] { return boost_stream<Large>(kMessages / 8); });
#endif
    bench::row(
        "Queue<64 B> there and back", "us", "bare ring", Better::lower, 1.9,
        [] { return brood_round_trip(1); }, bare_round_trip);
    bench::row(
        "Queue<64 B> there and back", "us", "bare futex", Better::lower, 0.9,
        [] { return brood_round_trip(1); }, [] { return futex_round_trip(1); });
    bench::row(
        "Queue<64 B> there and back, one CPU", "us", "bare futex", Better::lower, 0.9,
        [] { return brood_round_trip(0); }, [] { return futex_round_trip(0); });
}
