// The command line of `brood ipc`.
#ifndef BROOD_TOOLS_IPC_OPTIONS_HPP
#define BROOD_TOOLS_IPC_OPTIONS_HPP

#include <tools/manual.hpp>

namespace tool {

extern const Manual kIpcStatManual;
int run_ipc_stat(int count, char** arguments);

struct IpcOptions {
    const char* name = nullptr;
    bool json = false;
};

/// Reads `brood ipc stat ...`; says itself what is wrong.
Parsed parse_ipc_options(int count, char** arguments, IpcOptions& options) noexcept;

}  // namespace tool

#endif
