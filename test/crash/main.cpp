// Goal: whoever is killed or stopped, at whatever instruction of an operation, nobody else is held
//       up, nothing is lost that was promised and nothing is had twice.
// Method: tracee.hpp (each instruction), sweep.hpp (each blow), mutex_scenes.cpp (what must hold).
//       Points inside the kernel are not reached, but the one of somebody asleep.
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu.hpp"
#include "mutex_scenes.hpp"
#include "report.hpp"
#include "sweep.hpp"

namespace crash {
namespace {

constexpr std::size_t kShortPoints = 100;

constexpr char kHelp[] =
    "usage: crash [options]\n"
    "Kills and stops processes at every instruction of brood's operations.\n\n"
    "  --short          at most 100 points of each kind in a scenario, spread evenly\n"
    "  --scenario TEXT  only those with TEXT in their names\n"
    "  --compare        the same with the libc's mutexes, which promise less: for comparison\n"
    "  --first          leave a scenario at its first fault\n"
    "  --patience MS    how long a survivor may take (2000)\n"
    "  --list           print the scenarios\n"
    "  -v               print every fault, not three of each scenario\n";

struct Arguments {
    Options options;
    const char* scenario = "";
    bool compare = false, list = false;
};

bool parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const char* const one = argv[i];
        const bool more = i + 1 < argc;
        if (strcmp(one, "--short") == 0) {
            arguments.options.points_max = kShortPoints;
            arguments.options.stragglers = 4;
        } else if (strcmp(one, "--first") == 0) {
            arguments.options.until_first = true;
        } else if (strcmp(one, "--compare") == 0) {
            arguments.compare = true;
        } else if (strcmp(one, "--list") == 0) {
            arguments.list = true;
        } else if (strcmp(one, "-v") == 0) {
            arguments.options.verbose = true;
        } else if (strcmp(one, "--scenario") == 0 && more) {
            arguments.scenario = argv[++i];
        } else if (strcmp(one, "--patience") == 0 && more) {
            arguments.options.patience_ms = atol(argv[++i]);
        } else {
            fputs(kHelp, strcmp(one, "--help") == 0 ? stdout : stderr);
            return false;
        }
    }
    return true;
}

// All on one processor: who runs when is then much the same each time, and a step takes less time.
// Before that: how long a waiter spins is asked once in a program, and there is more than one now.
void settle_on_one_processor() {
    const std::unique_ptr<Mutex> mutex = make_brood_mutex();
    mutex->make();
    const pid_t holder = fork();
    if (holder == 0) {
        (void)mutex->take(kForever);
        for (;;) { pause(); }
    }
    while ((mutex->word() & 0x3fffffffu) == 0) { usleep(100); }
    (void)mutex->take(1);
    kill(holder, SIGKILL);
    (void)waitpid(holder, nullptr, 0);

    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) { return; }
    for (int i = CPU_SETSIZE - 1; i >= 0; --i) {
        if (!CPU_ISSET(i, &allowed)) { continue; }
        CPU_ZERO(&allowed);
        CPU_SET(i, &allowed);
        (void)sched_setaffinity(0, sizeof(allowed), &allowed);
        return;
    }
}

double seconds_since(std::int64_t begun_ns) {
    return static_cast<double>(now_ns() - begun_ns) / 1e9;
}

void print_totals(const char* name, const Totals& totals) {
    printf("%-52s %7ld %7ld %7ld %7ld %7ld", name, totals.points, totals.faults[4],
           totals.faults[2], totals.faults[3], totals.faults[1]);
}

// Plays one scene in all ways. Returns what became of it.
Totals play(Scene& scene, Stage& stage, const Options& options) {
    const std::int64_t begun_ns = now_ns();
    Sweep sweep(scene, stage, options);
    if (!sweep.record()) {
        clear_progress();
        printf("%s: the operation did not come to its end\n", scene.name());
        Totals failed;
        failed.faults[static_cast<std::size_t>(Fault::wedged)] = 1;
        return failed;
    }
    sweep.strike_victims();
    const double victims = seconds_since(begun_ns);
    sweep.kill_recoverers();
    clear_progress();
    Totals all = sweep.totals();
    all += sweep.recovery();
    print_totals(scene.name(), all);
    printf(
        "   %zu instructions, %zu points, %zu states, %ld recoveries; %ld not met; %.1f + %.1f s\n",
        sweep.instructions(), sweep.points(), sweep.states(), sweep.recovery().points, all.not_met,
        victims, seconds_since(begun_ns) - victims);
    fflush(stdout);
    return all;
}

Totals play_all(const Scenes& scenes, Stage& stage, const Arguments& arguments) {
    Totals all;
    for (const auto& scene : scenes) {
        if (strstr(scene->name(), arguments.scenario) == nullptr) { continue; }
        if (arguments.list) {
            puts(scene->name());
        } else {
            all += play(*scene, stage, arguments.options);
        }
    }
    return all;
}

int run(const Arguments& arguments) {
    if (!cpu::has_breakpoints()) {
        puts("not run: crash: no breakpoints of this processor are known (test/crash/cpu)");
        return 0;
    }
    settle_on_one_processor();
    const std::int64_t begun_ns = now_ns();
    Stage stage;
    if (!arguments.list) {
        printf("%-52s %7s %7s %7s %7s %7s\n", "", "points", "wedges", "lost", "twice", "wrong");
    }
    Totals all;
    if (arguments.compare) {
        for (const bool robust : {false, true}) {
            const auto mutex = make_pthread_mutex(robust), other = make_pthread_mutex(robust);
            all += play_all(mutex_scenes(*mutex, *other), stage, arguments);
        }
    } else {
        const auto mutex = make_brood_mutex(), other = make_brood_mutex();
        all += play_all(mutex_scenes(*mutex, *other), stage, arguments);
    }
    if (arguments.list) { return 0; }
    print_totals("all", all);
    printf("   %.0f s\n", seconds_since(begun_ns));
    return all.bad() == 0 && all.points > 0 ? 0 : 1;
}

}  // namespace
}  // namespace crash

int main(int argc, char** argv) {
    crash::Arguments arguments;
    if (!crash::parse(argc, argv, arguments)) {
        return argc > 1 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    return crash::run(arguments);
}
