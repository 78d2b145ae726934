// Queue<T> beside a bare single-producer ring, a bare pipe, and Boost.Interprocess: 64-byte
// messages between two processes, each on a processor of its own. Message buffers are aligned to
// 64: one that is aligned to 16 costs 40 % here, on every side.
#include <brood/queue.hpp>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#if __has_include(<boost/interprocess/ipc/message_queue.hpp>)
#include <boost/interprocess/ipc/message_queue.hpp>
#define BENCH_HAS_BOOST 1
#endif

#include "bench.hpp"

namespace {

struct alignas(64) Message {
    unsigned long number;
    char rest[56];
};

constexpr unsigned kMessages = 2000000;
constexpr unsigned kSlots = 1024;
constexpr unsigned kBatch = 16;
constexpr unsigned kRoundTrips = 50000;

template <class Child>
pid_t fork_child(Child&& child) {
    const pid_t pid = fork();
    if (pid < 0) { bench::die("fork"); }
    if (pid == 0) {
        bench::pin(1);
        child();
        _exit(0);
    }
    bench::pin(0);
    return pid;
}

/// Runs the two sides and returns millions of messages a second. `get` returns what came.
template <class Put, class Get>
double stream(unsigned messages, Put&& put, Get&& get) {
    const double start = bench::now();
    const pid_t child = fork_child([&] {
        for (unsigned i = 0; i < messages; ++i) { put(Message{i, {}}); }
    });
    for (unsigned i = 0; i < messages; ++i) {
        if (get().number != i) { bench::die("a message is not the next"); }
    }
    const double seconds = bench::now() - start;
    waitpid(child, nullptr, 0);
    return messages / seconds * 1e-6;
}

void rest() {
    for (int i = 0; i < 16; ++i) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#else
        std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
    }
}

// What two processes can do at best: no lock, no sleep, no recovery.
struct BareRing {
    alignas(64) std::atomic<unsigned> put;
    unsigned seen_got;
    alignas(64) std::atomic<unsigned> got;
    unsigned seen_put;
    alignas(64) Message slots[kSlots];

    static BareRing* make() {
        void* const memory = mmap(nullptr, sizeof(BareRing), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (memory == MAP_FAILED) { bench::die("mmap"); }
        return static_cast<BareRing*>(memory);
    }
    void send(const Message& message) {
        const unsigned at = put.load(std::memory_order_relaxed);
        while (at - seen_got >= kSlots) {
            seen_got = got.load(std::memory_order_acquire);
            if (at - seen_got >= kSlots) { rest(); }
        }
        slots[at % kSlots] = message;
        put.store(at + 1, std::memory_order_release);
    }
    Message receive() {
        const unsigned at = got.load(std::memory_order_relaxed);
        while (seen_put == at) {
            seen_put = put.load(std::memory_order_acquire);
            if (seen_put == at) { rest(); }
        }
        const Message message = slots[at % kSlots];
        got.store(at + 1, std::memory_order_release);
        return message;
    }
};

double bare_stream() {
    BareRing* const ring = BareRing::make();
    const double rate = stream(
        kMessages, [&](const Message& message) { ring->send(message); },
        [&] { return ring->receive(); });
    munmap(ring, sizeof *ring);
    return rate;
}

double brood_stream() {
    auto queue = brood::Queue<Message>::create(kSlots).expect("queue");
    return stream(
        kMessages, [&](const Message& message) { queue.put(message).expect("put"); },
        [&] { return queue.get().expect("get"); });
}

double brood_batches() {
    auto queue = brood::Queue<Message>::create(kSlots).expect("queue");
    Message out[kBatch], in[kBatch];
    unsigned filled = 0, left = 0, next = 0;
    return stream(
        kMessages,
        [&](const Message& message) {
            out[filled++] = message;
            for (unsigned sent = 0; filled == kBatch; filled = sent == kBatch ? 0 : kBatch) {
                sent +=
                    static_cast<unsigned>(queue.put_many(out + sent, kBatch - sent).expect("put"));
            }
        },
        [&] {
            if (left == 0) {
                left = static_cast<unsigned>(queue.get_many(in, kBatch).expect("get"));
                next = 0;
            }
            --left;
            return in[next++];
        });
}

double pipe_stream() {
    int ends[2];
    if (pipe(ends) != 0) { bench::die("pipe"); }
    const double rate = stream(
        kMessages / 4,
        [&](const Message& message) {
            if (write(ends[1], &message, sizeof message) != sizeof message) { bench::die("write"); }
        },
        [&] {
            Message message;
            if (read(ends[0], &message, sizeof message) != sizeof message) { bench::die("read"); }
            return message;
        });
    close(ends[0]);
    close(ends[1]);
    return rate;
}

#ifdef BENCH_HAS_BOOST
double boost_stream() {
    namespace ipc = boost::interprocess;
    constexpr const char* kName = "brood-bench";
    ipc::message_queue::remove(kName);
    ipc::message_queue queue(ipc::create_only, kName, kSlots, sizeof(Message));
    const double rate = stream(
        kMessages / 4, [&](const Message& message) { queue.send(&message, sizeof message, 0); },
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

template <class Send, class Receive, class Answer>
double round_trip(Send&& send, Receive&& receive, Answer&& answer) {
    const pid_t child = fork_child([&] {
        for (unsigned i = 0; i < kRoundTrips; ++i) { answer(); }
    });
    const double start = bench::now();
    for (unsigned i = 0; i < kRoundTrips; ++i) {
        send(Message{i, {}});
        if (receive().number != i) { bench::die("a message is not the next"); }
    }
    const double seconds = bench::now() - start;
    waitpid(child, nullptr, 0);
    return seconds / kRoundTrips * 1e6;
}

double bare_round_trip() {
    BareRing* const there = BareRing::make();
    BareRing* const back = BareRing::make();
    const double us = round_trip([&](const Message& message) { there->send(message); },
                                 [&] { return back->receive(); },
                                 [&] { back->send(there->receive()); });
    munmap(there, sizeof *there);
    munmap(back, sizeof *back);
    return us;
}

double brood_round_trip() {
    auto there = brood::Queue<Message>::create(16).expect("queue");
    auto back = brood::Queue<Message>::create(16).expect("queue");
    return round_trip([&](const Message& message) { there.put(message).expect("put"); },
                      [&] { return back.get().expect("get"); },
                      [&] { back.put(there.get().expect("get")).expect("put"); });
}

}  // namespace

int main() {
    using bench::Better;
    bench::row("Queue<64 B> one by one", "M/s", "bare ring", Better::higher, 0.67, brood_stream,
               bare_stream);
    bench::row("Queue<64 B> by 16", "M/s", "bare ring", Better::higher, 1.4, brood_batches,
               bare_stream);
#ifdef BENCH_HAS_BOOST
    bench::row("Queue<64 B> one by one", "M/s", "Boost message_queue", Better::higher, 5,
               brood_stream, boost_stream);
#endif
    bench::row("Queue<64 B> one by one", "M/s", "pipe(2)", Better::higher, 5, brood_stream,
               pipe_stream);
    bench::row("Queue<64 B> there and back", "us", "bare ring", Better::lower, 1.9,
               brood_round_trip, bare_round_trip);
}
