// What the studies share: clocks, what children used, and processes that stay on one CPU.
#ifndef BROOD_EXAMPLES_MEASURE_HPP
#define BROOD_EXAMPLES_MEASURE_HPP

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

#include <brood/brood.hpp>

namespace measure {

inline double seconds_of(clockid_t clock) {
    timespec now = {};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Seconds on the wall, and of the CPU in this process.
inline double now() {
    return seconds_of(CLOCK_MONOTONIC);
}
inline double own_cpu() {
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

/// Uses the CPU until the caller has had so much of it.
inline void burn(double seconds) {
    for (const double end = own_cpu() + seconds; own_cpu() < end;) {}
}

/// What children that were joined have used.
struct Used {
    double cpu;            ///< Seconds, of programs and of the system for them.
    long lost_cpu, slept;  ///< How often they lost the CPU, and gave it up by themselves.
};
inline Used used_by_children() {
    rusage used = {};
    getrusage(RUSAGE_CHILDREN, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return {seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_nivcsw, used.ru_nvcsw};
}

/// This program once more, with one argument; on that CPU alone, where the system can do that.
inline brood::Process again(const char* argument, std::uint32_t cpu) {
    const char* const arguments[] = {"/proc/self/exe", argument, nullptr};
    auto started =
        brood::Process::exec(arguments[0], arguments, brood::ExecOptions().cpus(&cpu, 1));
    if (started.code() == brood::Errc::unsupported) {
        started = brood::Process::exec(arguments[0], arguments);
    }
    return std::move(started).expect("starting a process on one CPU");
}

/// The number of the last CPU, and the one before it if there is one.
inline std::uint32_t last_cpu() {
    return static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_ONLN)) - 1;
}
inline std::uint32_t other_cpu() {
    return last_cpu() == 0 ? 0 : last_cpu() - 1;
}

}  // namespace measure

#endif
