// The command lines of `brood ipc`.
#ifndef BROOD_TOOLS_IPC_OPTIONS_HPP
#define BROOD_TOOLS_IPC_OPTIONS_HPP

#include <tools/ipc/thing.hpp>
#include <tools/manual.hpp>

namespace tool {

extern const Manual kIpcLsManual;
extern const Manual kIpcRmManual;
extern const Manual kIpcStatManual;
int run_ipc_ls(int count, char** arguments);
int run_ipc_rm(int count, char** arguments);
int run_ipc_stat(int count, char** arguments);

namespace ipc {

/// What may have a name, of one type or of any.
struct Wanted {
    bool is_any_type = true;
    Type type = Type::shm;
    bool fits(Type of) const noexcept { return is_any_type || type == of; }
};

struct LsOptions {
    bool everybody = false;
    bool with_users = false;
    bool orphans = false;
    bool json = false;
};

struct StatOptions {
    Wanted wanted;
    bool json = false;
    const char* name = nullptr;
};

struct RmOptions {
    Wanted wanted;
    bool force = false;
    bool orphans = false;
    bool unused = false;
    char* const* names = nullptr;
    int name_count = 0;
};

// Each says itself what is wrong.
Parsed parse_options(int count, char** arguments, LsOptions& options) noexcept;
Parsed parse_options(int count, char** arguments, StatOptions& options) noexcept;
Parsed parse_options(int count, char** arguments, RmOptions& options) noexcept;

}  // namespace ipc
}  // namespace tool

#endif
