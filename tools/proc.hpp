// What /proc says of processes, where there is one.
#ifndef BROOD_TOOLS_PROC_HPP
#define BROOD_TOOLS_PROC_HPP

#include <cstddef>
#include <cstdint>

namespace tool {

/// What the system calls the program of a process, without what a terminal would obey. "" where it
/// does not say.
void name_program(std::int32_t pid, char* name, std::size_t room) noexcept;

/// As one line of /proc/PID/stat has it.
struct ProcessFacts {
    char state;  ///< 'Z': a zombie
    std::int32_t parent;
    std::int64_t cpu_ms;         ///< that it has used, with children that it has waited for
    std::int64_t started_at_ms;  ///< since the system was started
};
/// False: there is no such process, or no /proc.
bool read_process(std::int32_t pid, ProcessFacts& facts) noexcept;

/// When the system was started, by the wall clock as it is now, in milliseconds; 0: not known.
/// Whole seconds: up to one too early.
std::int64_t boot_time_ms() noexcept;

/// Calls visit(context, pid) for each process that can be seen. False: there is no /proc.
bool for_each_process(void (*visit)(void* context, std::int32_t pid), void* context) noexcept;
template <class Visit>
bool for_each_process(Visit visit) noexcept {
    return for_each_process(
        [](void* context, std::int32_t pid) { (*static_cast<Visit*>(context))(pid); }, &visit);
}

}  // namespace tool

#endif
