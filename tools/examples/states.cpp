// Ready, running, blocked: how long a process was in each, read from /proc while it worked.
#include <cstdio>
#include <cstring>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>
#include <tools/examples/measure.hpp>

using namespace brood;
using stage::say;

// The process under study uses the CPU, sleeps, and uses it once more, each time for so long.
static double part() {
    return stage::span(0.3) / 1000.0;
}

// Seconds that a process has run, and that it was ready but did not.
struct Times {
    double running, ready;
};
static bool read_times(std::int32_t pid, Times& times) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    std::FILE* const file = std::fopen(path, "re");
    if (file == nullptr) { return false; }
    double running = 0, ready = 0;
    const bool good = std::fscanf(file, "%lf %lf", &running, &ready) == 2;
    std::fclose(file);
    if (good) { times = {running * 1e-9, ready * 1e-9}; }
    return good;
}

// R: running or ready; S, D: blocked; T: stopped; Z: ended, and nobody has asked for its exit code.
static char state_of(std::int32_t pid) {
    char path[64], line[256] = "";
    std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
    std::FILE* const file = std::fopen(path, "re");
    if (file == nullptr) { return '?'; }
    const char* const end = std::fgets(line, sizeof line, file) != nullptr ? std::strrchr(line, ')')
                                                                           : nullptr;
    std::fclose(file);
    return end != nullptr ? end[2] : '?';
}

int main(int count, char** arguments) {
    if (count > 1) {  // One of the two that are watched.
        measure::burn(part());
        if (std::strcmp(arguments[1], "worker") == 0) {
            stage::take(0.3);
            measure::burn(part());
        }
        return 0;
    }
    const double begin = measure::now();
    Process rival = measure::again("rival", measure::last_cpu());
    Process worker = measure::again("worker", measure::last_cpu());
    Times times = {0, 0};
    char seen[80] = "";
    std::size_t changes = 0;
    for (char state = ' '; state != 'Z'; stage::take(0.001)) {
        const char now = state_of(worker.pid());
        static_cast<void>(read_times(worker.pid(), times));  // The last that could be read counts.
        if (now != state && changes + 2 < sizeof seen) { seen[changes++] = now; }
        state = now;
    }
    const double all = measure::now() - begin;
    worker.join().expect("waiting for the worker");
    rival.join().expect("waiting for its rival");

    say("a process that uses the CPU for %.0f ms, sleeps as long, uses it again; a rival beside it",
        "一个进程用CPU %.0f ms，睡同样长，再用一次；旁边有一个竞争者", part() * 1000);
    if (times.running <= 0) {
        say("this system does not tell how long (no /proc/PID/schedstat)",
            "这个系统没有 /proc/PID/schedstat");
    } else {
        say("running: %6.0f ms   on the CPU", "运行: %6.0f ms   在CPU上", times.running * 1000);
        say("ready:   %6.0f ms   could run, but the rival had the CPU",
            "就绪: %6.0f ms   可以运行，CPU在别人手里", times.ready * 1000);
        say("blocked: %6.0f ms   waited for something, here for time to pass",
            "阻塞: %6.0f ms   在等某个事件，这里是等时间",
            (all - times.running - times.ready) * 1000);
    }
    say("its letters in /proc/PID/stat, in order: %s", "它在 /proc/PID/stat 里的状态字母: %s",
        seen);
    std::puts("");
    say("Created, it is ready. Given the CPU it is running, till it waits for something (blocked),",
        "创建之后是就绪态。得到CPU是运行态，等事件时变成阻塞态，");
    say("or till its slice is over (ready again). What it waited for happens: ready, not running:",
        "时间片用完回到就绪态。等到了事件，先进就绪态，不直接运行:");
    say("somebody else may have the CPU. R stands for running and ready, which look alike from",
        "CPU可能在别人手里。R 表示运行或就绪，从外面看不出区别；");
    say("outside; S and D for blocked; Z has ended and waits for its parent to ask how.",
        "S、D 表示阻塞；Z 已结束，等父进程来回收。");
}
