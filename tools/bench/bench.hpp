// What every benchmark needs: rounds in which both sides run in turn, medians, and one line a row.
#ifndef BROOD_TOOLS_BENCH_HPP
#define BROOD_TOOLS_BENCH_HPP

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace bench {

inline double now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// How often the sides take turns; the median of so many is printed.
constexpr int kRounds = 7;

enum class Better { higher, lower };

/// One line of figures, `ratio` being that of ours to the peer's, and the same as JSON.
inline void print_row(const char* measure, const char* unit, double ours, const char* peer,
                      double theirs, double ratio, Better better, double goal) {
    const bool met = better == Better::higher ? ratio >= goal : ratio <= goal;
    const char* const bound = better == Better::higher ? ">=" : "<=";
    std::printf("%-44s %10.3f %-5s %-24s %10.3f  %6.2fx  %s %.2fx  %s\n", measure, ours, unit, peer,
                theirs, ratio, bound, goal, met ? "met" : "short");
    std::fflush(stdout);
    const char* const path = std::getenv("BENCH_JSON");
    std::FILE* const json = path == nullptr ? nullptr : std::fopen(path, "a");
    if (json == nullptr) { return; }
    std::fprintf(json,
                 "{\"measure\": \"%s\", \"unit\": \"%s\", \"brood\": %.4f, \"peer\": \"%s\", "
                 "\"peer_figure\": %.4f, \"ratio\": %.4f, \"goal\": %.2f, \"met\": %s}\n",
                 measure, unit, ours, peer, theirs, ratio, goal, met ? "true" : "false");
    std::fclose(json);
}

/// One row of bars.md's table: runs both sides `kRounds` times in turn, since a machine's speed
/// drifts, and prints the medians and the median of the ratios of each round. `goal` is a bound for
/// brood / peer: at least that (higher is better), or at most.
/// Each side returns its figure in `unit`.
template <class Ours, class Theirs>
void row(const char* measure, const char* unit, const char* peer, Better better, double goal,
         Ours&& ours, Theirs&& theirs) {
    double mine[kRounds], other[kRounds], ratio[kRounds];
    ours();  // Warms up.
    theirs();
    for (int i = 0; i < kRounds; ++i) {
        mine[i] = ours();
        other[i] = theirs();
        ratio[i] = mine[i] / other[i];
    }
    const auto median = [](double* list) {
        std::sort(list, list + kRounds);
        return list[kRounds / 2];
    };
    print_row(measure, unit, median(mine), peer, median(other), median(ratio), better, goal);
}

[[noreturn]] inline void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

/// The figure that a program of Python's prints; below 0 if it cannot be had.
inline double python(const std::string& lines) {
    std::FILE* const run = popen(("python3 -c '\n" + lines + "' 2>/dev/null").c_str(), "r");
    double found = -1;
    if (run == nullptr || std::fscanf(run, "%lf", &found) != 1) { found = -1; }
    if (run != nullptr) { pclose(run); }
    return found;
}

/// The CPUs that the benchmark may use: asked before anybody ties himself to one of them.
inline const cpu_set_t& usable_cpus() {
    static const cpu_set_t all = [] {
        cpu_set_t found;
        if (sched_getaffinity(0, sizeof found, &found) != 0) { die("sched_getaffinity"); }
        return found;
    }();
    return all;
}

/// Ties the caller to the n-th of them, counted round, or lets it go.
constexpr int kAnywhere = -1;
inline void pin(int n) {
    const cpu_set_t& all = usable_cpus();
    if (n == kAnywhere) {
        if (sched_setaffinity(0, sizeof all, &all) != 0) { die("sched_setaffinity"); }
        return;
    }
    int left = n % CPU_COUNT(&all);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &all) || left-- > 0) { continue; }
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (sched_setaffinity(0, sizeof one, &one) != 0) { die("sched_setaffinity"); }
        return;
    }
}

/// A child on the n-th CPU that runs `body`; the caller goes to the first. Both sides of a row fork
/// in the same way, so that only what they compare differs.
template <class Body>
pid_t fork_child(int n, Body&& body) {
    pin(0);
    const pid_t pid = fork();
    if (pid < 0) { die("fork"); }
    if (pid == 0) {
        pin(n);
        body();
        _exit(0);
    }
    return pid;
}

inline void join(pid_t child) {
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) { die("a child of the benchmark"); }
}

/// A zeroed T in memory that children share, all of it there.
template <class T>
class Shared {
public:
    Shared() {
        void* const memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (memory == MAP_FAILED) { die("mmap"); }
        object_ = static_cast<T*>(memory);
    }
    ~Shared() { munmap(object_, sizeof(T)); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }

private:
    T* object_;
};

}  // namespace bench

#endif
