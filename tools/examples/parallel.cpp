// Concurrent is taking turns on one CPU, parallel is running at the same moment on two.
#include <cstring>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>
#include <tools/examples/measure.hpp>

using namespace brood;
using stage::say;

// What each of the two processes needs of a CPU.
static double work() {
    return stage::span(0.4) / 1000.0;
}

struct Outcome {
    double wall;
    long switches;  // taken from a process that wanted to go on
};

static Outcome two(std::uint32_t first_cpu, std::uint32_t second_cpu, bool at_once) {
    const long before = measure::used_by_children().lost_cpu;
    const double begin = measure::now();
    Process first = measure::again("work", first_cpu);
    if (!at_once) { first.join().expect("waiting for the first"); }
    Process second = measure::again("work", second_cpu);
    first.join().expect("waiting for the first");
    second.join().expect("waiting for the second");
    return {measure::now() - begin, measure::used_by_children().lost_cpu - before};
}

static void tell(const char* english, const char* chinese, const Outcome& outcome) {
    say("%-34s %6.0f ms, the CPU was taken away %ld times", "%s %6.0f ms, 被剥夺CPU %ld 次",
        stage::words(english, chinese), outcome.wall * 1000, outcome.switches);
}

int main(int count, char** arguments) {
    if (count > 1 && std::strcmp(arguments[1], "work") == 0) {
        measure::burn(work());
        return 0;
    }
    const std::uint32_t one = measure::last_cpu(), other = measure::other_cpu();
    say("two processes, each needs a CPU for %.0f ms", "两个进程，每个需要CPU %.0f ms",
        work() * 1000);
    tell("one after the other:", "一个接一个:", two(one, one, false));
    tell("concurrent, both on one CPU:", "并发，在同一个CPU上:", two(one, one, true));
    if (one == other) {
        say("parallel: this machine has one CPU, so there is none",
            "并行: 这台机器只有一个CPU，没有并行");
    } else {
        tell("parallel, on two CPUs:", "并行，在两个CPU上:", two(one, other, true));
    }
    std::puts("");
    say("Concurrent: both are on their way, and over a second both have got on; at any moment one",
        "并发: 一段时间内两个都在前进，但同一时刻只有一个在运行，");
    say("runs. The system switches between them, which makes neither faster.",
        "系统在它们之间切换，谁也没有变快。");
    say("Parallel: at one moment two run, which takes two CPUs; that halves the time.",
        "并行: 同一时刻两个都在运行，必须有多个CPU，时间减半。");
    say("Concurrency helps who waits (brood study multiprogramming), parallelism who computes.",
        "等待多的程序靠并发 (brood study multiprogramming)，计算多的程序靠并行。");
}
