// Pipe<T> beside bare pipe(2): 64-byte messages, one way and there and back.
#include <brood/pipe.hpp>
#include <brood/process.hpp>
#include <brood/signals.hpp>

#include "bench.hpp"

namespace {

struct alignas(64) Message {
    char bytes[64];
};

constexpr int kMessages = 400000;
constexpr int kRoundTrips = 20000;

double brood_stream() {
    auto [receiver, sender] = brood::Pipe<Message>::simplex().expect("pipe");
    const pid_t child = bench::fork_child(1, [&sender = sender] {
        Message message = {};
        for (int i = 0; i < kMessages; ++i) { sender.send(message).expect("send"); }
    });
    sender.close();
    const double start = bench::now();
    for (int i = 0; i < kMessages; ++i) {
        if (!receiver.recv().ok()) { bench::die("recv"); }
    }
    const double seconds = bench::now() - start;
    bench::join(child);
    return kMessages / seconds * 1e-6;
}

void bare_send(int fd, const Message& message) {
    if (write(fd, &message, sizeof message) != sizeof message) { bench::die("write"); }
}

void bare_receive(int fd, Message& message) {
    if (read(fd, &message, sizeof message) != sizeof message) { bench::die("read"); }
}

double bare_stream() {
    int ends[2];
    if (pipe(ends) != 0) { bench::die("pipe"); }
    Message message = {};
    const pid_t child = bench::fork_child(1, [&] {
        for (int i = 0; i < kMessages; ++i) { bare_send(ends[1], message); }
    });
    close(ends[1]);
    const double start = bench::now();
    for (int i = 0; i < kMessages; ++i) { bare_receive(ends[0], message); }
    const double seconds = bench::now() - start;
    close(ends[0]);
    bench::join(child);
    return kMessages / seconds * 1e-6;
}

double brood_round_trip() {
    auto [left, right] = brood::Pipe<Message>::duplex().expect("pipe");
    const pid_t child = bench::fork_child(1, [&right = right] {
        for (int i = 0; i < kRoundTrips; ++i) {
            right.send(right.recv().expect("recv")).expect("send");
        }
    });
    Message message = {};
    const double start = bench::now();
    for (int i = 0; i < kRoundTrips; ++i) {
        left.send(message).expect("send");
        message = left.recv().expect("recv");
    }
    const double seconds = bench::now() - start;
    bench::join(child);
    return seconds / kRoundTrips * 1e6;
}

double bare_round_trip() {
    int there[2], back[2];
    if (pipe(there) != 0 || pipe(back) != 0) { bench::die("pipe"); }
    Message message = {};
    const pid_t child = bench::fork_child(1, [&] {
        for (int i = 0; i < kRoundTrips; ++i) {
            bare_receive(there[0], message);
            bare_send(back[1], message);
        }
    });
    const double start = bench::now();
    for (int i = 0; i < kRoundTrips; ++i) {
        bare_send(there[1], message);
        bare_receive(back[0], message);
    }
    const double seconds = bench::now() - start;
    for (const int fd : {there[0], there[1], back[0], back[1]}) { close(fd); }
    bench::join(child);
    return seconds / kRoundTrips * 1e6;
}

}  // namespace

int main() {
    using bench::Better;
    bench::row("Pipe<64 B> one way, SIGPIPE guarded", "M/s", "pipe(2)", Better::higher, 0.95,
               brood_stream, bare_stream);
    bench::row("Pipe<64 B> there and back, guarded", "us", "pipe(2)", Better::lower, 1 / 0.95,
               brood_round_trip, bare_round_trip);
    brood::signals::ignore_broken_pipes().expect("ignoring SIGPIPE");
    bench::row("Pipe<64 B> one way, SIGPIPE ignored", "M/s", "pipe(2)", Better::higher, 0.95,
               brood_stream, bare_stream);
    bench::row("Pipe<64 B> there and back, ignored", "us", "pipe(2)", Better::lower, 1 / 0.95,
               brood_round_trip, bare_round_trip);
}
