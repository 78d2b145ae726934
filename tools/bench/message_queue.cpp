// MessageQueue beside bare mq_send(3) and mq_receive(3): 64-byte messages, ten deep.
#include <brood/message_queue.hpp>

#include <fcntl.h>
#include <mqueue.h>

#include "bench.hpp"

namespace {

struct alignas(64) Message {
    char bytes[64];
};

constexpr int kMessages = 100000;
constexpr int kDepth = 10;

mqd_t open_bare() {
    mq_attr attributes = {};
    attributes.mq_maxmsg = kDepth;
    attributes.mq_msgsize = sizeof(Message);
    const mqd_t queue = mq_open("/brood-bench", O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    if (queue < 0 || mq_unlink("/brood-bench") != 0) { bench::die("mq_open"); }
    return queue;
}

double brood_stream(int cpu) {
    auto queue = brood::MessageQueue<Message>::create(kDepth).expect("queue");
    const pid_t child = bench::fork_child(cpu, [&queue] {
        Message message = {};
        for (int i = 0; i < kMessages; ++i) { queue.put(message).expect("put"); }
    });
    const double start = bench::now();
    for (int i = 0; i < kMessages; ++i) {
        if (!queue.get().ok()) { bench::die("get"); }
    }
    const double seconds = bench::now() - start;
    bench::join(child);
    return kMessages / seconds * 1e-6;
}

double bare_stream(int cpu) {
    const mqd_t queue = open_bare();
    Message message = {};
    const pid_t child = bench::fork_child(cpu, [&] {
        for (int i = 0; i < kMessages; ++i) {
            if (mq_send(queue, message.bytes, sizeof message, 0) != 0) { bench::die("mq_send"); }
        }
    });
    const double start = bench::now();
    for (int i = 0; i < kMessages; ++i) {
        unsigned priority = 0;
        if (mq_receive(queue, message.bytes, sizeof message, &priority) != sizeof message) {
            bench::die("mq_receive");
        }
    }
    const double seconds = bench::now() - start;
    bench::join(child);
    mq_close(queue);
    return kMessages / seconds * 1e-6;
}

// Without anybody else: what brood itself costs.
double brood_alone() {
    auto queue = brood::MessageQueue<Message>::create(kDepth).expect("queue");
    const Message message = {};
    const double start = bench::now();
    for (int i = 0; i < kMessages; ++i) {
        queue.put(message).expect("put");
        if (!queue.get().ok()) { bench::die("get"); }
    }
    return kMessages / (bench::now() - start) * 1e-6;
}

double bare_alone() {
    const mqd_t queue = open_bare();
    Message message = {};
    unsigned priority = 0;
    const double start = bench::now();
    for (int i = 0; i < kMessages; ++i) {
        if (mq_send(queue, message.bytes, sizeof message, 0) != 0) { bench::die("mq_send"); }
        if (mq_receive(queue, message.bytes, sizeof message, &priority) < 0) {
            bench::die("mq_receive");
        }
    }
    const double seconds = bench::now() - start;
    mq_close(queue);
    return kMessages / seconds * 1e-6;
}

}  // namespace

int main() {
    using bench::Better;
    bench::row(
        "MessageQueue<64 B> one way, two CPUs", "M/s", "mq_send/mq_receive", Better::higher, 0.95,
        [] { return brood_stream(1); }, [] { return bare_stream(1); });
    bench::row(
        "MessageQueue<64 B> one way, one CPU", "M/s", "mq_send/mq_receive", Better::higher, 0.95,
        [] { return brood_stream(0); }, [] { return bare_stream(0); });
    bench::row("MessageQueue<64 B> put and get alone", "M/s", "mq_send/mq_receive", Better::higher,
               0.95, brood_alone, bare_alone);
}
