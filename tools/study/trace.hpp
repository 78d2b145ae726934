// A trace as port/traced writes it, read back: what each process did, and when.
#ifndef BROOD_TOOLS_STUDY_TRACE_HPP
#define BROOD_TOOLS_STUDY_TRACE_HPP

#include <cstdio>
#include <string>
#include <vector>

namespace tool {

/// Times are seconds since the trace began.
struct Span {
    double begin = 0, end = 0;
    std::string what;     ///< "Semaphore::acquire", "task", "0x7f23656b5080".
    std::string detail;   ///< The system call with its arguments; of a hold, by which public call.
    bool is_cut = false;  ///< It never ended: the process did.
};

enum class End { unknown, exited, killed };

struct TracedProcess {
    int pid = 0, parent = 0;
    std::string name;      ///< "ktv", "PoolWorker-1"; empty: not known.
    std::string function;  ///< The first of the program's own that it ran.
    double begin = 0, end = 0;
    End how = End::unknown;
    std::string status;       ///< "0", "SIGKILL".
    std::vector<Span> calls;  ///< All system calls.
    std::vector<Span> waits;  ///< Those that may have slept.
    std::vector<Span> holds;  ///< Mutexes, by address.
    std::vector<Span> runs;   ///< The program's own functions: in a worker, tasks.
    bool is_worker() const { return name.compare(0, 10, "PoolWorker") == 0; }
};

struct Trace {
    std::vector<TracedProcess> processes;  ///< In the order in which they began.
    double end = 0;
    TracedProcess* find(int pid);
};

/// Reads a whole trace; lines of others (what the program printed in between) are left out.
Trace read_trace(std::FILE* from);

}  // namespace tool

#endif
