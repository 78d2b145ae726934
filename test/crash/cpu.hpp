// What a tracer must know of the processor: cpu/plain.cpp, or the file of a processor in its place.
#ifndef BROOD_TEST_CRASH_CPU_HPP
#define BROOD_TEST_CRASH_CPU_HPP

#include <sys/types.h>

#include <cstdint>

namespace crash::cpu {

/// False: this harness knows no breakpoints of the processor, and nothing below works.
bool has_breakpoints();

/// `code`, the word at an address, with a breakpoint as its first instruction.
long with_breakpoint(long code);
/// How far behind a breakpoint its process stands that ran into it.
std::uintptr_t breakpoint_bytes();

/// Where a stopped process goes on.
std::uintptr_t program_counter(pid_t pid);
void set_program_counter(pid_t pid, std::uintptr_t address);

}  // namespace crash::cpu

#endif
