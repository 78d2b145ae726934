// Goal: whoever is killed or stopped, at whatever instruction of an operation, nobody else is held
//       up, nothing is lost that was promised and nothing is had twice.
// Method: tracee.hpp (each instruction), sweep.hpp (each blow), ..._scenes.cpp (what must hold).
//       Points inside the kernel are not reached, but the one of somebody asleep.
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "barrier_scenes.hpp"
#include "condition_scenes.hpp"
#include "cpu.hpp"
#include "event_scenes.hpp"
#include "joinable_scenes.hpp"
#include "manager_scenes.hpp"
#include "mutex_scenes.hpp"
#include "permit_scenes.hpp"
#include "pool_scenes.hpp"
#include "queue_scenes.hpp"
#include "report.hpp"
#include "server_scenes.hpp"
#include "stream_scenes.hpp"
#include "sweep.hpp"

namespace crash {
namespace {

constexpr std::size_t kShortBlows = 160;

constexpr char kHelp[] =
    "usage: crash [options]\n"
    "Kills and stops processes at every instruction of brood's operations.\n\n"
    "  --short          160 blows in a scenario, of all kinds in turns, not every one;\n"
    "                   some scenarios not at all\n"
    "  --scenario TEXT  only those with TEXT in their names\n"
    "  --compare        the same with locks and queues of others: for comparison\n"
    "  --blows N        as --short, with N\n"
    "  --first          end at the first fault; with --compare, of each scenario\n"
    "  --stragglers N   kill up to N instructions after others came, too (8; short: 4)\n"
    "  --patience MS    how long a survivor may take (2000)\n"
    "  --jobs N         so many at a time, each on a processor of its own (1)\n"
    "  --list           print the scenarios\n"
    "  -v               print every fault, not three of each scenario\n";

struct Arguments {
    Options options;
    const char* scenario = "";
    bool compare = false, list = false;
    std::size_t jobs = 1, job = 0;  // Of the scenarios the job-th, and each jobs-th after it.
};

bool parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const char* const one = argv[i];
        const bool more = i + 1 < argc;
        if (strcmp(one, "--short") == 0) {
            arguments.options.blows_max = kShortBlows;
            arguments.options.is_short = true;
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
        } else if (strcmp(one, "--stragglers") == 0 && more) {
            arguments.options.stragglers = strtoul(argv[++i], nullptr, 10);
        } else if (strcmp(one, "--blows") == 0 && more) {
            arguments.options.blows_max = strtoul(argv[++i], nullptr, 10);
        } else if (strcmp(one, "--jobs") == 0 && more) {
            arguments.jobs = std::max<std::size_t>(strtoul(argv[++i], nullptr, 10), 1);
        } else if (strcmp(one, "--patience") == 0 && more) {
            arguments.options.patience_ms = atol(argv[++i]);
            at_work_ns = arguments.options.patience_ms * 15000000;
        } else {
            fputs(kHelp, strcmp(one, "--help") == 0 ? stdout : stderr);
            return false;
        }
    }
    return true;
}

// The n-th of those that we may use, counted round.
std::size_t usable_processor(std::size_t n) {
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof(all), &all) != 0) { return 0; }
    std::size_t cpu = 0;
    for (std::size_t left = n % static_cast<std::size_t>(CPU_COUNT(&all)); cpu < CPU_SETSIZE;
         ++cpu) {
        if (CPU_ISSET(cpu, &all) && left-- == 0) { break; }
    }
    return cpu;
}

// All on one processor: who runs when is then much the same each time, and a step takes less time.
// Before that: how long a waiter spins is asked once in a program, and there is more than one now.
void settle_on_one_processor(const Arguments& arguments) {
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

    // If there are no other jobs, where the system put us: others have more to do elsewhere.
    const auto found = static_cast<std::size_t>(sched_getcpu());
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(arguments.jobs == 1 ? found : usable_processor(arguments.job), &here);
    (void)sched_setaffinity(0, sizeof(here), &here);
}

double seconds_since(std::int64_t begun_ns) {
    return static_cast<double>(now_ns() - begun_ns) / 1e9;
}

void print_header() {
    printf("%-52s %8s %7s %7s %7s %7s\n", "", "points", "wedges", "lost", "twice", "wrong");
}

void print_totals(const char* name, const Totals& totals) {
    printf("%-52s %8ld %7ld %7ld %7ld %7ld", name, totals.points, totals.faults[4],
           totals.faults[2], totals.faults[3], totals.faults[1]);
}

using Sweeps = std::vector<std::unique_ptr<Sweep>>;

// Steps through every operation once, tries a few of its points and counts what there is to do.
Sweeps prepare(const Scenes& scenes, Stage& stage, const Arguments& arguments) {
    Sweeps sweeps;
    double seconds = 0;
    std::size_t chosen = 0;
    for (const auto& scene : scenes) {
        if (strstr(scene->name(), arguments.scenario) == nullptr) { continue; }
        if (arguments.options.is_short && scene->is_left_out_in_short()) { continue; }
        if (chosen++ % arguments.jobs != arguments.job) { continue; }
        sweeps.push_back(std::make_unique<Sweep>(*scene, stage, arguments.options));
        Sweep& sweep = *sweeps.back();
        progress(scene->name(), "step", 0, 1);
        if (!sweep.record()) { continue; }
        const std::int64_t begun_ns = now_ns();
        const std::size_t tried = sweep.probe();
        const double each = seconds_since(begun_ns) / static_cast<double>(tried);
        seconds += each * static_cast<double>(sweep.expected());
    }
    clear_progress();
    printf("estimate: %zu scenes, %.0f s\n", sweeps.size(), seconds);
    fflush(stdout);
    return sweeps;
}

// Plays one scene in all ways. Returns what became of it.
Totals play(Sweep& sweep) {
    if (!sweep.recorded()) { return sweep.totals(); }
    const std::int64_t begun_ns = now_ns();
    sweep.strike_victims();
    const double victims = seconds_since(begun_ns);
    sweep.strike_recoverers();
    sweep.clear();
    clear_progress();
    Totals all = sweep.totals();
    all += sweep.recovery();
    print_totals(sweep.name(), all);
    printf("   %.1f + %.1f s: ", victims, seconds_since(begun_ns) - victims);
    printf("%zu points in %zu instructions, %zu states, %ld recoveries, %ld not met\n",
           sweep.points(), sweep.instructions(), sweep.states(), sweep.recovery().points,
           all.not_met);
    fflush(stdout);
    return all;
}

Totals play_all(const Scenes& scenes, Stage& stage, const Arguments& arguments) {
    Totals all;
    if (arguments.list) {
        for (const auto& scene : scenes) { puts(scene->name()); }
        return all;
    }
    for (const auto& sweep : prepare(scenes, stage, arguments)) {
        if (arguments.options.until_first && !arguments.compare && all.bad() > 0) { break; }
        all += play(*sweep);
    }
    return all;
}

void add(Scenes& scenes, Scenes more) {
    for (auto& scene : more) { scenes.push_back(std::move(scene)); }
}

Totals play_ours(Stage& stage, const Arguments& arguments) {
    const auto mutex = make_brood_mutex(), other = make_brood_mutex();
    const auto rlock = make_brood_rlock();
    const auto queue = make_brood_queue(), joinable = make_joinable_queue();
    const auto bytes = make_byte_queue();
    const auto growing = make_growing_queue(), growing_bytes = make_growing_byte_queue();
    Scenes scenes;
    // One line for each primitive.
    add(scenes, mutex_scenes(*mutex, *other));
    add(scenes, mutex_scenes(*rlock, *other));
    add(scenes, permit_scenes());
    add(scenes, event_scenes());
    add(scenes, condition_scenes());
    add(scenes, barrier_scenes());
    add(scenes, queue_scenes(*queue, false));
    add(scenes, joinable_scenes(*joinable));
    add(scenes, byte_scenes(*bytes));
    add(scenes, growing_scenes(*growing));
    add(scenes, growing_byte_scenes(*growing_bytes));
    add(scenes, manager_scenes());
    add(scenes, manager_object_scenes());
    add(scenes, server_scenes());
    add(scenes, stream_scenes());
    add(scenes, pool_scenes());
    return play_all(scenes, stage, arguments);
}

// The same scenes with peers, and one table of all. Returns what became of ours.
Totals compare(Stage& stage, const Arguments& arguments) {
    std::vector<std::pair<const char*, Totals>> rows;
    Totals ours;
    // Of the libc's mutexes a wedge takes the whole of everybody's patience: one is enough.
    Arguments brief = arguments;
    brief.options.until_first = true;
    const auto row = [&](const char* name, bool is_ours, const Scenes& scenes) {
        const bool is_brief = strstr(name, "pthread_mutex_t") != nullptr;
        rows.emplace_back(name, play_all(scenes, stage, is_brief ? brief : arguments));
        if (is_ours) { ours += rows.back().second; }
    };
    const auto mutex_row = [&](Mutex& mutex, Mutex& other) {
        row(mutex.name(), mutex.is_ours(), mutex_scenes(mutex, other));
    };
    const auto lock = make_brood_mutex(), other_lock = make_brood_mutex();
    mutex_row(*lock, *other_lock);
    for (const bool robust : {true, false}) {
        const auto mutex = make_pthread_mutex(robust), other = make_pthread_mutex(robust);
        mutex_row(*mutex, *other);
    }
    const auto queue = make_brood_queue();
    row(queue->name(), true, queue_scenes(*queue, true));
    for (const auto& peer : make_peer_queues()) {
        row(peer->name(), false, queue_scenes(*peer, true));
    }
    if (!arguments.list) { print_header(); }
    for (const auto& [name, totals] : rows) {
        if (totals.points == 0) { continue; }
        print_totals(name, totals);
        puts("");
    }
    return ours;
}

Totals run_job(const Arguments& arguments) {
    settle_on_one_processor(arguments);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);  // Whoever is left of a pool is our child then.
    Stage stage;
    return arguments.compare ? compare(stage, arguments) : play_ours(stage, arguments);
}

// Each in a process of its own, which sends what became of its scenarios.
Totals run_jobs(Arguments arguments) {
    Totals all;
    int answers[2];
    if (pipe(answers) != 0) { return all; }
    for (; arguments.job < arguments.jobs; ++arguments.job) {
        const pid_t pid = fork();
        if (pid != 0) { continue; }
        (void)close(answers[0]);
        const Totals mine = run_job(arguments);
        const bool sent = write(answers[1], &mine, sizeof(mine)) == sizeof(mine);
        exit(sent ? 0 : 1);
    }
    (void)close(answers[1]);
    Totals part;
    std::size_t came = 0;
    for (; read(answers[0], &part, sizeof(part)) == sizeof(part); ++came) { all += part; }
    while (wait(nullptr) > 0) {}
    if (came == arguments.jobs) { return all; }
    printf("a job ended without an answer\n");
    return {};
}

int run(const Arguments& arguments) {
    if (!cpu::has_breakpoints()) {
        puts("not run: crash: no breakpoints of this processor are known (test/crash/cpu)");
        return 0;
    }
    if (!arguments.list) { print_header(); }
    fflush(stdout);
    open_ledger();
    const std::int64_t begun_ns = now_ns();
    const bool is_one = arguments.jobs == 1 || arguments.list || arguments.compare;
    const Totals all = is_one ? run_job(arguments) : run_jobs(arguments);
    if (arguments.list) { return 0; }
    repeat_reports();
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
