// Seven ways for two processes to talk, measured here: messages, round trips, system calls.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <brood/brood.hpp>
#include <port/traced/count.hpp>
#include <tools/examples/measure.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::words;

struct Message {
    std::uint64_t number;
    bool last;
    char text[55];
};
static_assert(sizeof(Message) == 64);

// System calls that this program makes itself, beside those of the library.
static std::uint64_t g_own_calls = 0;

// ---- The ways, each for one direction ----------------------------------------------------------

struct Piped {
    Pipe<Message>::SimplexPair pipe = Pipe<Message>::simplex().expect("making a pipe");
    void put(const Message& message) { pipe.sender.send(message).expect("sending"); }
    Message get() { return pipe.receiver.recv().expect("receiving"); }
};

struct Mailed {
    MessageQueue<Message> queue = MessageQueue<Message>::create().expect("making a message queue");
    void put(const Message& message) { queue.put(message).expect("sending"); }
    Message get() { return queue.get().expect("receiving").message; }
};

struct Queued {
    Queue<Message> queue = Queue<Message>::create(64).expect("making a queue");
    void put(const Message& message) { queue.put(message).expect("putting"); }
    Message get() { return queue.get().expect("getting"); }
};

// Of a place for one message, whose turn it is: two semaphores tell.
struct Turns {
    Semaphore full = Semaphore::signalling(0).expect("making a semaphore");
    Semaphore empty = Semaphore::signalling(1).expect("making a semaphore");
    template <class F>
    void write(F f) {
        empty.take().expect("waiting for the reader");
        f();
        full.release().expect("telling the reader");
    }
    template <class F>
    void read(F f) {
        full.take().expect("waiting for the writer");
        f();
        empty.release().expect("telling the writer");
    }
};

// A place in memory: what is written there takes the place of what was.
struct Shared {
    Value<Message> place = Value<Message>::create(Message()).expect("making a place");
    Turns turns;
    void put(const Message& message) {
        turns.write([&] { place.value() = message; });
    }
    Message get() {
        Message message;
        turns.read([&] { message = place.value(); });
        return message;
    }
};

// The same with a file on disk (in truth in the system's cache of it).
struct Filed {
    Turns turns;
    int file = open_file();
    static int open_file() {
        char path[] = "/var/tmp/brood-ipc-XXXXXX";
        const int fd = mkstemp(path);
        if (fd < 0 || unlink(path) != 0) { this_process::exit(1, "no file in /var/tmp"); }
        return fd;
    }
    void put(const Message& message) {
        turns.write([&] {
            if (pwrite(file, &message, sizeof message, 0) != sizeof message) { _exit(1); }
            ++g_own_calls;
        });
    }
    Message get() {
        Message message;
        turns.read([&] {
            if (pread(file, &message, sizeof message, 0) != sizeof message) { _exit(1); }
            ++g_own_calls;
        });
        return message;
    }
};

struct Wired {
    Connection from, to;
    Wired() {
        char path[64];
        std::snprintf(path, sizeof path, "/tmp/brood-ipc-%d", this_process::id());
        Listener listener = Listener::create(Address::unix_path(path)).expect("listening");
        from = Client::connect(listener.address()).expect("connecting");
        to = listener.accept().expect("accepting");
    }
    void put(const Message& message) {
        from.send_bytes(&message, sizeof message).expect("sending");
    }
    Message get() {
        Message message;
        to.recv_bytes(&message, sizeof message).expect("receiving");
        return message;
    }
};

// ---- What is measured --------------------------------------------------------------------------

struct Outcome {
    double messages;    // in a second, one way
    double round_trip;  // in seconds
    double calls;       // for a message, of both sides
};

template <class Way>
static Outcome study() {
    Way there, back;
    Value<std::uint64_t> calls = Value<std::uint64_t>::create(0).expect("making a counter");
    Process other([&] {
        const std::uint64_t inherited = traced::calls_made() + g_own_calls;
        for (bool last = false; !last;) { last = there.get().last; }
        calls.value() = traced::calls_made() + g_own_calls - inherited;
        back.put(Message());
        for (bool last = false; !last;) {
            const Message message = there.get();
            last = message.last;
            back.put(message);
        }
    });
    const std::uint64_t calls_before = traced::calls_made() + g_own_calls;
    other.start().expect("starting the other process");
    const double wanted = stage::span(0.3) / 1000.0;

    double begin = measure::now();
    Message message = {};
    while (!message.last) {
        ++message.number;
        message.last = message.number % 16 == 0 && measure::now() - begin >= wanted;
        there.put(message);
    }
    static_cast<void>(back.get());
    const auto sent = static_cast<double>(message.number);
    const double sending = measure::now() - begin;
    const auto made =
        static_cast<double>(traced::calls_made() + g_own_calls - calls_before + calls.value());

    message = {};
    begin = measure::now();
    while (!message.last) {
        ++message.number;
        message.last = message.number % 16 == 0 && measure::now() - begin >= wanted;
        there.put(message);
        static_cast<void>(back.get());
    }
    const double round_trip = (measure::now() - begin) / static_cast<double>(message.number);
    other.join().expect("waiting for the other process");
    return {sent / sending, round_trip, made / sent};
}

// A signal says only that it came, and two of a kind may arrive as one: each is answered.
static Outcome study_signals() {
    const signals::Set kind = {SIGUSR1};
    const signals::Blocked blocked(kind);
    const std::int32_t parent = this_process::id();
    const auto rounds = static_cast<std::uint64_t>(stage::span(10)) + 1;
    Process other([&] {
        const signals::Blocked here(kind);
        signals::send(parent, SIGUSR1).expect("saying that it is there");
        for (std::uint64_t i = 0; i < rounds; ++i) {
            signals::wait_signal(kind).expect("waiting for a signal");
            signals::send(parent, SIGUSR1).expect("answering");
        }
    });
    other.start().expect("starting the other process");
    signals::wait_signal(kind).expect("waiting for the other process");
    const std::uint64_t calls = traced::calls_made();
    const double begin = measure::now();
    for (std::uint64_t i = 0; i < rounds; ++i) {
        signals::send(other.pid(), SIGUSR1).expect("sending");
        signals::wait_signal(kind).expect("waiting for the answer");
    }
    const double round_trip = (measure::now() - begin) / static_cast<double>(rounds);
    const auto made = static_cast<double>(traced::calls_made() - calls);
    other.join().expect("waiting for the other process");
    return {0, round_trip, made / static_cast<double>(rounds)};  // One sends, the other waits.
}

static void tell(const char* way, const Outcome& outcome, const char* where, const char* how,
                 const char* lock) {
    char rate[32] = "-";
    if (outcome.messages > 0) { std::snprintf(rate, sizeof rate, "%.0f", outcome.messages / 1000); }
    stage::say("%-14s %8s %12.1f %9.2f   %-8s %-22s %s", "%s\t%8s %12.1f %9.2f   %s\t%s\t%s", way,
               rate, outcome.round_trip * 1e6, outcome.calls, where, how, lock);
}

int main() {
    const char *memory = words("memory", "内存"), *disk = words("disk", "磁盘");
    const char *yes = words("yes", "需要"), *no = words("no", "否");
    std::puts(
        words("               thousand    there and     calls a\n"
              "way            messages/s  back, us      message   where    reading and writing"
              "    needs a lock",
              "               每秒      一来一回   每条消息\n"
              "方式           千条消息  微秒       系统调用   开辟空间 读写方式 需要互斥机制"));
    tell(words("pipe", "管道"), study<Piped>(), memory, words("two ways or one", "双向/单向"), no);
    tell(words("message queue", "消息队列"), study<Mailed>(), memory,
         words("in order, priorities", "先进先出"), no);
    tell(words("Queue", "共享内存队列"), study<Queued>(), memory, words("in order", "先进先出"),
         no);
    tell(words("shared memory", "共享内存"), study<Shared>(), memory,
         words("the new over the old", "操作覆盖内存"), yes);
    tell(words("file", "磁盘文件"), study<Filed>(), disk, words("the new over the old", "操作覆盖"),
         yes);
    tell(words("socket", "套接字"), study<Wired>(), memory, words("two ways", "双向"), no);
    tell(words("signal", "信号"), study_signals(), "-", words("carries no data", "没有内容"), no);
    std::puts("");
    std::puts(words(
        "Messages of 64 bytes, two processes. Queue is shared memory, too, with a protocol in\n"
        "place of the lock: no system call while both are busy, one to sleep and one to wake\n"
        "when not. Shared memory and file have one place here, so each message waits for the\n"
        "one before it to be read. A message queue keeps messages when processes end, a pipe\n"
        "and a socket tell of the end of who had the other end; a signal only that something\n"
        "has happened.",
        "消息64字节，两个进程。Queue也在共享内存里，用协议代替锁: 双方都忙时没有系统调用，\n"
        "睡眠和唤醒各一次。共享内存和文件在这里只有一个位置，每条消息都要等前一条被读走。\n"
        "消息队列在进程结束后还保留消息，管道和套接字能发现对方结束，信号只说明有事发生。"));
}
