// Two processes talk by files on disk: slow and unsafe; a pipe and a queue beside it.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::words;

constexpr int kQuestions = 200;

/// A number at a time, in a file.
struct Disk {
    std::string path;
    Status put(int number) {
        const std::string part = path + ".part";
        std::ofstream(part) << number;
        std::rename(part.c_str(), path.c_str());  // Unsafe without: half of it might be read.
        return Errc::ok;
    }
    Result<int> get() {
        int number = 0;
        while (!(std::ifstream(path) >> number)) { this_process::sleep(microseconds(20)).ignore(); }
        std::remove(path.c_str());
        return number;
    }
};

struct Piped {
    Pipe<int>::SimplexPair pipe = Pipe<int>::simplex().expect("making a pipe");
    Status put(int number) { return pipe.sender.send(number); }
    Result<int> get() { return pipe.receiver.recv(); }
};

template <class Box>
static void answer(Box& questions, Box& answers) {
    for (int i = 0; i < kQuestions; ++i) { answers.put(*questions.get() + 1).expect("answering"); }
}

template <class Box>
static void measure(const char* way, Box questions, Box answers) {
    Process other(answer<Box>, questions, answers);
    other.start().expect("starting the one who answers");
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kQuestions; ++i) {
        questions.put(i).expect("asking");
        if (*answers.get() != i + 1) { this_process::exit(1, "a wrong answer"); }
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    say("%s: %.1f us for question and answer", "%s: 一问一答 %.1f 微秒", way,
        took.count() / kQuestions);
    other.join().expect("joining the one who answers");
}

int main() {
    const std::string path = std::filesystem::temp_directory_path() / "brood-file-exchange-";
    const std::string ours = path + std::to_string(this_process::id());
    measure(words("files on disk", "磁盘交互"), Disk{ours + ".to"}, Disk{ours + ".fro"});
    measure(words("pipe", "管道"), Piped(), Piped());
    measure(words("queue", "消息队列"), Queue<int>::create().expect("making a queue"),
            Queue<int>::create().expect("making a queue"));
}
