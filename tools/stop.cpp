#include <tools/stop.hpp>

#include <signal.h>
#include <unistd.h>

#include <initializer_list>

namespace tool {
namespace {

volatile sig_atomic_t g_signal = 0;

void note(int signal) {
    if (g_signal == 0 && signal != SIGALRM) { g_signal = signal; }
    // The program may have looked for a signal just before this one and be about to block: the
    // alarm cuts that short, too, and comes again until the program has looked.
    if (g_signal != 0) { alarm(1); }
}

}  // namespace

void catch_stop_signals() noexcept {
    struct sigaction action = {}, before = {};
    action.sa_handler = note;  // Without SA_RESTART: a write to a full pipe must not go on.
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, nullptr);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
        sigaction(signal, nullptr, &before);
        if (before.sa_handler != SIG_IGN) { sigaction(signal, &action, nullptr); }
    }
}

int stop_signal() noexcept {
    return g_signal;
}

void end_by_stop_signal() noexcept {
    struct sigaction by_default = {};
    by_default.sa_handler = SIG_DFL;
    sigaction(g_signal, &by_default, nullptr);
    alarm(0);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, g_signal);
    sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    kill(getpid(), g_signal);
    _exit(128 + g_signal);  // Not reached, as the signal was not blocked.
}

}  // namespace tool
