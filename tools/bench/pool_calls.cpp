// Pool: the system calls of all its processes, as strace -c counts them: while it is idle, and for
// each of many tiny tasks.
#include <brood/pool.hpp>

#include <signal.h>

#include <vector>

#include "pools.hpp"

namespace {

constexpr unsigned kTasks = 1000000;
constexpr unsigned kPeersTasks = 50000;  // A call takes long under strace.
constexpr unsigned kWindow = 1024;
constexpr unsigned kIdleSeconds = 10;

unsigned square(unsigned n) {
    return n * n;
}

// ---- Hosts: each prints the processes that shall be watched, and then does a job when told -----

/// A process with pipes as its standard streams.
class Host {
public:
    explicit Host(void (*body)()) {
        int in[2], out[2];
        std::fflush(nullptr);
        if (pipe(in) != 0 || pipe(out) != 0) { bench::die("pipe"); }
        pid_ = fork();
        if (pid_ < 0) { bench::die("fork"); }
        if (pid_ == 0) {
            dup2(in[0], STDIN_FILENO);
            dup2(out[1], STDOUT_FILENO);
            for (const int fd : {in[0], in[1], out[0], out[1]}) { close(fd); }
            body();
            _exit(0);
        }
        close(in[0]);
        close(out[1]);
        to_ = in[1];
        from_ = fdopen(out[0], "r");
        char line[200] = "";
        if (std::fgets(line, sizeof line, from_) == nullptr) { return; }
        char* at = line;
        for (long pid; (pid = std::strtol(at, &at, 10)) > 0;) { pids.push_back(pid); }
    }
    ~Host() {
        close(to_);
        waitpid(pid_, nullptr, 0);
        std::fclose(from_);
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    void do_job() {
        char line[20];
        if (write(to_, "\n", 1) != 1 || std::fgets(line, sizeof line, from_) == nullptr) {
            bench::die("a host under strace");
        }
    }
    std::vector<long> pids;

private:
    pid_t pid_ = 0;
    int to_ = -1;
    std::FILE* from_ = nullptr;
};

/// The host's half, once it has printed its processes.
template <class Job>
void serve(Job&& job) {
    std::puts("");
    std::fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) == 1) {
        job();
        if (write(STDOUT_FILENO, "\n", 1) != 1) { _exit(1); }
    }
}

void host_of_pool() {
    brood::Pool pool = brood::Pool::create(brood::PoolOptions().workers(2)).expect("pool");
    pid_t workers[2];
    if (pool.worker_pids(workers, 2) != 2) { bench::die("the workers"); }
    std::printf("%d %d %d %d", getpid(), pool.supervisor_pid(), workers[0], workers[1]);
    serve([&] {
        static brood::Future<unsigned> window[kWindow];
        for (unsigned i = 0; i < kTasks + kWindow; ++i) {
            brood::Future<unsigned>& place = window[i % kWindow];
            if (i >= kWindow) {
                if (i < kTasks && !place.ready()) {
                    window[(i + kWindow / 2) % kWindow].wait().expect("waiting");
                }
                place.get().expect("collecting");
            }
            if (i < kTasks) { place = pool.apply_async(square, i).expect("submitting"); }
        }
    });
}

void host_of_prefork() {
    bench::Prefork<unsigned (*)(unsigned)> two(square);
    std::printf("%d", getpid());
    for (const pid_t child : two.children()) { std::printf(" %d", child); }
    serve([&] {
        for (unsigned i = 0; i < kPeersTasks + kWindow; ++i) {
            if (i >= kWindow) { two.collect(); }
            if (i < kPeersTasks) { two.submit(i); }
        }
    });
}

void host_of_python() {
    execlp("python3", "python3", "-c",
           "import multiprocessing, os, sys\n"
           "pool = multiprocessing.Pool(2)\n"
           "print(os.getpid(), *(p.pid for p in multiprocessing.active_children()), flush=True)\n"
           "sys.stdin.read()\n",
           nullptr);
}

// ---- Counting ----------------------------------------------------------------------------------

/// The system calls of all that belongs to a host while `meanwhile` goes on; below 0 if they cannot
/// be counted here.
template <class Meanwhile>
double calls_of(Host& host, Meanwhile&& meanwhile) {
    if (host.pids.empty()) { return -1; }
    int said[2];
    if (pipe(said) != 0) { bench::die("pipe"); }
    const pid_t strace = fork();
    if (strace < 0) { bench::die("fork"); }
    if (strace == 0) {
        dup2(said[1], STDERR_FILENO);
        close(said[0]);
        std::vector<std::string> words = {"strace", "-f", "-c"};
        for (const long pid : host.pids) { words.push_back("-p" + std::to_string(pid)); }
        std::vector<char*> list(words.size() + 1);
        for (std::size_t i = 0; i < words.size(); ++i) { list[i] = words[i].data(); }
        execvp(list[0], list.data());
        _exit(127);
    }
    close(said[1]);
    std::FILE* const words = fdopen(said[0], "r");
    char line[300];
    std::size_t attached = 0;
    while (attached < host.pids.size() && std::fgets(line, sizeof line, words) != nullptr) {
        attached += std::strstr(line, " attached") != nullptr ? 1 : 0;
    }
    const bool is_there = attached == host.pids.size();
    if (is_there) { meanwhile(); }
    kill(strace, SIGINT);
    double calls = 0, found = 0;
    while (std::fgets(line, sizeof line, words) != nullptr) {
        const bool is_total = std::strstr(line, " total") != nullptr;
        if (is_total && std::sscanf(line, "%*s %*s %*s %lf", &found) == 1) { calls = found; }
    }
    std::fclose(words);
    waitpid(strace, nullptr, 0);
    return is_there ? calls : -1;
}

template <class Ours, class Theirs>
void row(const char* measure, const char* unit, const char* peer, double goal, Ours&& ours,
         Theirs&& theirs) {
    const double mine = ours(), other = theirs();
    if (mine < 0 || other < 0) {
        std::printf("not measured: %s: strace, or %s, is not there, or may not watch others\n",
                    measure, peer);
        return;
    }
    const double ratio = mine > 0 ? mine / other : 0;
    bench::print_row(measure, unit, mine, peer, other, ratio, bench::Better::lower, goal);
}

double idle_calls(void (*body)()) {
    Host host(body);
    usleep(200000);  // What is only done at the beginning is done.
    return calls_of(host, [] { sleep(kIdleSeconds); });
}

double calls_per_task(unsigned tasks, void (*body)()) {
    Host host(body);
    host.do_job();
    return calls_of(host, [&] { host.do_job(); }) / tasks;
}

}  // namespace

int main() {
    row(
        "Pool, idle for 10 s, system calls", "", "python3 Pool", 0,
        [] { return idle_calls(host_of_pool); }, [] { return idle_calls(host_of_python); });
    row(
        "Pool, 10^6 empty tasks, calls for each", "", "prefork over pipes", 0.1,
        [] { return calls_per_task(kTasks, host_of_pool); },
        [] { return calls_per_task(kPeersTasks, host_of_prefork); });
}
