// The daemons of programs that use brood, as /proc shows them.
#ifndef BROOD_TOOLS_PS_DAEMONS_HPP
#define BROOD_TOOLS_PS_DAEMONS_HPP

#include <cstdint>
#include <cstdio>

#include <tools/growing_list.hpp>

namespace tool {

/// A process that the system kills when its host ends.
struct Daemon {
    std::int32_t pid;
    std::int32_t host;                   ///< 0: nobody that can be seen.
    char program[32], host_program[32];  ///< "" if that cannot be known.
    char state;                          ///< As /proc has it.
    std::int64_t cpu_ms, age_ms;
};

/// Those of this user, the oldest first. False: there is no /proc.
///
/// A daemon has no mark of its own, but reads a pipe that nobody writes to, and has asked to be
/// signalled (O_ASYNC) when the last writer goes: its host, which has the other end. That is how
/// port/linux ties it (die_with_pipe()); one that a guardian watches instead is not recognised.
bool list_daemons(GrowingList<Daemon>& daemons) noexcept;

/// Each line ends with `end`. The head is printed before the first.
void print_daemon_head(std::FILE* to, const char* end) noexcept;
void print_daemon(std::FILE* to, const Daemon& daemon, const char* end) noexcept;
/// As a JSON object, without an end of line.
void print_daemon_json(std::FILE* to, const Daemon& daemon) noexcept;

}  // namespace tool

#endif
