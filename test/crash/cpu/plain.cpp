// A processor that the harness knows nothing of.
#include "../cpu.hpp"

namespace crash::cpu {

bool has_breakpoints() {
    return false;
}

long with_breakpoint(long code) {
    return code;
}

std::uintptr_t breakpoint_bytes() {
    return 0;
}

std::uintptr_t program_counter(pid_t) {
    return 0;
}

void set_program_counter(pid_t, std::uintptr_t) {}

}  // namespace crash::cpu
