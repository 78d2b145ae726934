// Laundry 30, cooking 50, water 30: 110 one after the other, 50 when all go on at once.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>
#include <tools/examples/measure.hpp>

using namespace brood;
using stage::say;

// A second of the notes takes a hundredth here.
constexpr double kSecond = 0.01;
constexpr int kTasks = 3;
constexpr int kLasts[kTasks] = {30, 50, 30};

// The machine, the stove, the kettle do it: the CPU is needed to begin and to look at the end.
static void chore(int task) {
    stage::take(kLasts[task] * kSecond);
}

static double run(bool at_once) {
    const double begin = measure::now();
    Process all[kTasks];
    for (int task = 0; task < kTasks; ++task) {
        all[task] = Process(chore, task);
        all[task].start().expect("starting a chore");
        if (!at_once) { all[task].join().expect("waiting for a chore"); }
    }
    for (Process& each : all) { each.join().expect("waiting for all"); }
    return (measure::now() - begin) / kSecond;
}

int main() {
    say("laundry 30 s, cooking 50 s, water 30 s (a second takes %g ms here)",
        "洗衣服30s，做饭50s，烧水30s (这里一秒是 %g 毫秒)", kSecond * 1000);
    const double one_by_one = run(false);
    say("one program at a time:   %5.1f s   30 + 50 + 30 = 110",
        "单道:   %5.1f s   30 + 50 + 30 = 110", one_by_one);
    const double before = measure::used_by_children().cpu;
    const double at_once = run(true);
    const double cpu = (measure::used_by_children().cpu - before) / kSecond;
    say("several in memory:       %5.1f s   the longest: 50", "多道:   %5.1f s   最长的那一个: 50",
        at_once);
    say("of which the CPU worked: %5.1f s", "其中CPU工作: %5.1f s", cpu);
    std::puts("");
    say("A chore needs the CPU only to begin and to end; in between it waits for a machine.",
        "任务只在开始和结束时需要CPU，中间都在等设备。");
    say("With one program in memory the CPU waits with it. With several it does something for",
        "内存里只有一道程序时，CPU跟着等；有多道程序时，CPU");
    say("another meanwhile: the waiting overlaps, and all takes as long as the longest.",
        "切换到别的程序：等待时间重叠，总时间就是最长的那一个。");
    say("Were the CPU needed all the time, nothing would overlap: see brood study parallel.",
        "如果任务一直占用CPU，就没有可以重叠的: 见 brood study parallel。");
}
