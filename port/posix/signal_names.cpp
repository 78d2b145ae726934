// The signals of this system.
#include <signal.h>

#include <brood/detail/packed_texts.hpp>
#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// What POSIX names, and what other systems have besides. Real-time signals have no names.
constexpr SignalEntry kUnsorted[] = {
    {"SIGABRT", SIGABRT, "abort() was called", "ends, core"},
    {"SIGALRM", SIGALRM, "the alarm clock", "ends"},
    {"SIGBUS", SIGBUS, "memory that is not there behind its mapping", "ends, core"},
    {"SIGCHLD", SIGCHLD, "a child ended, stopped or continued", "ignored"},
    {"SIGCONT", SIGCONT, "continue if stopped", "continues"},
    {"SIGFPE", SIGFPE, "an impossible calculation", "ends, core"},
    {"SIGHUP", SIGHUP, "the terminal is gone", "ends"},
    {"SIGILL", SIGILL, "an illegal instruction", "ends, core"},
    {"SIGINT", SIGINT, "interrupt from the keyboard", "ends"},
    {"SIGKILL", SIGKILL, "killed, without a chance to react", "ends"},
    {"SIGPIPE", SIGPIPE, "a write to a pipe without readers", "ends"},
    {"SIGQUIT", SIGQUIT, "quit from the keyboard", "ends, core"},
    {"SIGSEGV", SIGSEGV, "access to memory that is not mapped", "ends, core"},
    {"SIGSTOP", SIGSTOP, "stopped, without a chance to react", "stops"},
    {"SIGSYS", SIGSYS, "a bad system call", "ends, core"},
    {"SIGTERM", SIGTERM, "termination request", "ends"},
    {"SIGTRAP", SIGTRAP, "a breakpoint or trace trap", "ends, core"},
    {"SIGTSTP", SIGTSTP, "stop from the keyboard", "stops"},
    {"SIGTTIN", SIGTTIN, "a background process reads the terminal", "stops"},
    {"SIGTTOU", SIGTTOU, "a background process writes to the terminal", "stops"},
    {"SIGURG", SIGURG, "urgent data at a socket", "ignored"},
    {"SIGUSR1", SIGUSR1, "the program's own, first", "ends"},
    {"SIGUSR2", SIGUSR2, "the program's own, second", "ends"},
    {"SIGVTALRM", SIGVTALRM, "the clock of the process's own CPU time", "ends"},
    {"SIGXCPU", SIGXCPU, "the limit on CPU time", "ends, core"},
    {"SIGXFSZ", SIGXFSZ, "the limit on file size", "ends, core"},
#ifdef SIGPOLL
    {"SIGPOLL", SIGPOLL, "a descriptor is ready", "ends"},
#endif
#ifdef SIGPROF
    {"SIGPROF", SIGPROF, "the profiling clock", "ends"},
#endif
#ifdef SIGPWR
    {"SIGPWR", SIGPWR, "the power fails", "ends"},
#endif
#ifdef SIGSTKFLT
    {"SIGSTKFLT", SIGSTKFLT, "a stack fault of the coprocessor", "ends"},
#endif
#ifdef SIGWINCH
    {"SIGWINCH", SIGWINCH, "the terminal's window changed its size", "ignored"},
#endif
};

struct Table {
    static constexpr std::size_t kCount = sizeof(kUnsorted) / sizeof(kUnsorted[0]);
    SignalEntry entries[kCount];
};

// The numbers differ between systems and machines, so the compiler puts them in order.
constexpr Table sorted() noexcept {
    Table table = {};
    for (std::size_t index = 0; index < Table::kCount; ++index) {
        std::size_t place = index;
        while (place > 0 && table.entries[place - 1].number > kUnsorted[index].number) {
            table.entries[place] = table.entries[place - 1];
            --place;
        }
        table.entries[place] = kUnsorted[index];
    }
    return table;
}

constexpr Table kTable = sorted();

// Most programs need no more of it than the names, for their messages.
constexpr auto kNames =
    brood::detail::packed_texts<kUnsorted, &SignalEntry::number, &SignalEntry::name>();

}  // namespace

const int kSignalChild = SIGCHLD;
const int kSignalContinue = SIGCONT;

const SignalEntry* signal_table(std::size_t& count) noexcept {
    count = Table::kCount;
    return kTable.entries;
}

const char* signal_name(std::int32_t signal) noexcept {
    return kNames.find(signal, "signal");
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
