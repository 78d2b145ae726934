// Two processes talk through files on disk: slow and unsafe; measured beside a pipe and a queue.
#include <chrono>
#include <filesystem>
#include <fstream>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

constexpr int kRounds = 200;

/// An end with the methods of a pipe's: what it sends lies in one file, what it receives in another.
struct Files {
    std::filesystem::path sent, received;

    Status send(int number) const {
        const std::filesystem::path written = sent.string() + ".part";
        std::ofstream(written) << number;
        std::filesystem::rename(written, sent);  // Unsafe without: half of it might be read.
        return Errc::ok;
    }
    Result<int> recv() const {
        while (!std::filesystem::exists(received)) {
            this_process::sleep(microseconds(20)).ignore();
        }
        int number = 0;
        std::ifstream(received) >> number;
        std::filesystem::remove(received);
        return number;
    }
};

struct Queues {
    Queue<int>*sent, *received;
    Status send(int number) const { return sent->put(number); }
    Result<int> recv() const { return received->get(); }
};

template <class End>
static void answer(End& end) {
    for (int i = 0; i < kRounds; ++i) {
        end.send(end.recv().expect("hearing")).expect("answering");
    }
}

template <class End>
static void measure(const char* way, End here, End there) {
    Process other(answer<End>, std::move(there));
    other.start().expect("starting the other process");
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kRounds; ++i) {
        here.send(i).expect("asking");
        if (here.recv().expect("hearing the answer") != i) {
            this_process::exit(1, "wrong answer");
        }
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    say("%s: %.1f us for a question and its answer", "%s: 一问一答 %.1f 微秒", way,
        took.count() / kRounds);
    other.join().expect("joining the other process");
}

int main() {
    const std::string name = "brood-file-exchange-" + std::to_string(this_process::id());
    const auto path = std::filesystem::temp_directory_path() / name;
    const auto to = path.string() + ".to", fro = path.string() + ".fro";
    measure(stage::words("files on disk", "磁盘交互"), Files{to, fro}, Files{fro, to});

    auto [here, there] = Pipe<int>::duplex().expect("making a pipe");
    measure(stage::words("pipe", "管道"), std::move(here), std::move(there));

    auto asked = Queue<int>::create().expect("making a queue");
    auto answered = Queue<int>::create().expect("making a queue");
    measure(stage::words("queue", "消息队列"), Queues{&asked, &answered},
            Queues{&answered, &asked});
}
