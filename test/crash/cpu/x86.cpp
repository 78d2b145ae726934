// x86, 32 and 64 bits.
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "../cpu.hpp"

namespace crash::cpu {
namespace {

#ifdef __x86_64__
constexpr std::size_t kCounter = offsetof(user_regs_struct, rip);
#else
constexpr std::size_t kCounter = offsetof(user_regs_struct, eip);
#endif

}  // namespace

bool has_breakpoints() {
    return true;
}

long with_breakpoint(long code) {
    return (code & ~0xffL) | 0xcc;  // int3
}

std::uintptr_t breakpoint_bytes() {
    return 1;
}

std::uintptr_t program_counter(pid_t pid) {
    return static_cast<std::uintptr_t>(ptrace(PTRACE_PEEKUSER, pid, kCounter, nullptr));
}

void set_program_counter(pid_t pid, std::uintptr_t address) {
    ptrace(PTRACE_POKEUSER, pid, kCounter, address);
}

}  // namespace crash::cpu
