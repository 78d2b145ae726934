// Process start + join beside bare fork + waitpid, and Process::exec beside posix_spawn.
#include <brood/process.hpp>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.hpp"

extern char** environ;

namespace {

constexpr int kProcesses = 300;

double brood_fork() {
    const double start = bench::now();
    for (int i = 0; i < kProcesses; ++i) {
        brood::Process process([] {});
        process.start().expect("starting");
        process.join().expect("joining");
    }
    return (bench::now() - start) / kProcesses * 1e6;
}

double bare_fork() {
    const double start = bench::now();
    for (int i = 0; i < kProcesses; ++i) {
        const pid_t child = fork();
        if (child < 0) { bench::die("fork"); }
        if (child == 0) { _exit(0); }
        if (waitpid(child, nullptr, 0) != child) { bench::die("waitpid"); }
    }
    return (bench::now() - start) / kProcesses * 1e6;
}

const char* const kTrue[] = {"/bin/true", nullptr};

double brood_exec() {
    const double start = bench::now();
    for (int i = 0; i < kProcesses; ++i) {
        brood::Process process = brood::Process::exec(kTrue[0], kTrue).expect("exec");
        process.join().expect("joining");
    }
    return (bench::now() - start) / kProcesses * 1e6;
}

double bare_spawn() {
    const double start = bench::now();
    for (int i = 0; i < kProcesses; ++i) {
        pid_t child = 0;
        char* arguments[] = {const_cast<char*>(kTrue[0]), nullptr};
        if (posix_spawn(&child, kTrue[0], nullptr, nullptr, arguments, environ) != 0) {
            bench::die("posix_spawn");
        }
        if (waitpid(child, nullptr, 0) != child) { bench::die("waitpid"); }
    }
    return (bench::now() - start) / kProcesses * 1e6;
}

}  // namespace

int main() {
    using bench::Better;
    bench::row("Process start + join", "us", "fork + waitpid", Better::lower, 1.1, brood_fork,
               bare_fork);
    bench::row("Process::exec + join of /bin/true", "us", "posix_spawn + waitpid", Better::lower,
               1.1, brood_exec, bare_spawn);
}
