// brood run: a command for each line of input, several at a time. This is the process that the user
// knows: it hands signals on to the runner below it, which does the work, and ends as that did.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <initializer_list>

#include <brood/process.hpp>
#include <brood/shared_memory.hpp>
#include <brood/signals.hpp>
#include <brood/this_process.hpp>
#include <tools/command.hpp>
#include <tools/run/arguments.hpp>
#include <tools/run/job_log.hpp>
#include <tools/run/options.hpp>
#include <tools/run/orphans.hpp>
#include <tools/run/runner.hpp>

namespace tool {
namespace {

using namespace run;

Options g_options;
Arguments g_arguments;
JobLog g_log;
int g_orders = -1;  // The end of the pipe from which the runner takes its orders.

bool complain(const char* what, const char* why) {
    std::fprintf(stderr, "brood run: %s: %s\n", what, why);
    return false;
}

// ---- Signals ---------------------------------------------------------------------------------

void tell(int signal) {
    const int before = errno;
    const auto byte = static_cast<unsigned char>(signal);
    static_cast<void>(!write(g_orders, &byte, 1));
    errno = before;
}

/// Ctrl-Z: the jobs are no part of the terminal's foreground, so the runner stops them.
void stop_all(int) {
    tell(SIGTSTP);
    static_cast<void>(raise(SIGSTOP));
    tell(SIGCONT);
}

void handle(int signal, void (*handler)(int)) {
    struct sigaction action = {}, before = {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) { sigaction(signal, &action, nullptr); }
}

void hand_signals_on() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) { handle(signal, tell); }
    handle(SIGTSTP, stop_all);
    // The runner is gone: that is noticed by its end.
    struct sigaction ignored = {};
    ignored.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignored, nullptr);
}

/// So that whoever waits for brood sees what ended it.
int end_by(int signal) {
    struct sigaction by_default = {};
    by_default.sa_handler = SIG_DFL;
    sigemptyset(&by_default.sa_mask);
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);  // SIGQUIT is no mistake of ours.
    sigaction(signal, &by_default, nullptr);
    static_cast<void>(raise(signal));
    return 128 + signal;
}

// ---- Setting up ------------------------------------------------------------------------------

/// Two pipes, a watch and a lifeline for each job that runs, and files for what is much output.
bool reserve_descriptors() {
    const auto jobs = static_cast<rlim_t>(g_options.jobs);
    const rlim_t needed = 64 + 4 * jobs, wanted = needed + 2 * (jobs + g_options.ahead());
    rlimit limit = {};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) { return true; }
    const rlimit before = limit;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (limit.rlim_cur < needed) {
        char why[80];
        std::snprintf(why, sizeof why, "-j %lld needs %llu, the limit is %llu",
                      static_cast<long long>(g_options.jobs),
                      static_cast<unsigned long long>(needed),
                      static_cast<unsigned long long>(limit.rlim_max));
        return complain("descriptors", why);
    }
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return complain("descriptors", std::strerror(errno));
    }
    g_options.files_soft = before.rlim_cur;
    g_options.files_hard = before.rlim_max;
    return true;
}

/// Another name than ours, where the system lets one choose: who kills all processes of ours by
/// name (killall -9 brood) must not kill the one that then cleans up.
void rename_runner() {
    const int fd = open("/proc/self/comm", O_WRONLY | O_CLOEXEC);
    if (fd < 0) { return; }
    static_cast<void>(!write(fd, "runner", 6));
    close(fd);
}

/// In a group of its own, so that who kills ours (the shell's kill -9 %1) does not kill it; unless
/// arguments are typed at the terminal, which only the foreground may read.
bool leads_group() {
    return g_arguments.fd() != STDIN_FILENO || isatty(STDIN_FILENO) == 0;
}

/// Runs the runner to its end: its exit status, -N: signal N killed it.
int run_below(Groups& groups) {
    int orders[2];
    if (pipe2(orders, O_CLOEXEC) != 0) {
        complain("starting the runner", std::strerror(errno));
        return kFailure;
    }
    g_orders = orders[1];
    const auto how = brood::ProcessOptions().keep_input().group(leads_group());
    brood::Process runner(how, [&groups, orders] {
        close(orders[1]);
        rename_runner();
        Runner self(g_options, g_arguments, g_log, groups, orders[0]);
        brood::this_process::exit(self.run());
    });
    hand_signals_on();
    mark_environment();
    const brood::Status started = runner.start();
    if (!started.ok()) {
        complain("starting the runner", started.error().text());
        return kFailure;
    }
    close(orders[0]);
    runner.join().ignore();
    return runner.exit_code().value_or(-SIGKILL);
}

}  // namespace

int run_run(int count, char** arguments) {
    const Parsed parsed = run::parse_options(count, arguments, g_options);
    if (parsed != Parsed::run) { return parsed == Parsed::finished ? kSuccess : kFailure; }
    if (!g_arguments.open(g_options.arguments_file, g_options.by_nul) || !g_log.open(g_options) ||
        !reserve_descriptors()) {
        return kFailure;
    }
    brood::Result<brood::SharedMemory> memory = brood::SharedMemory::anonymous(sizeof(Groups));
    if (!memory.ok()) {
        complain("sharing memory with the runner", memory.error().text());
        return kFailure;
    }
    Groups& groups = *static_cast<Groups*>(memory->data());
    const int status = run_below(groups);
    if (status < 0) {
        kill_orphans(groups);
        complain("the runner was killed", brood::signals::name(-status));
        return kFailure;
    }
    return status > 128 ? end_by(status - 128) : status;
}

}  // namespace tool
