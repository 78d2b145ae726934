// What a manager with a name holds.
#ifndef BROOD_TOOLS_IPC_MANAGER_HPP
#define BROOD_TOOLS_IPC_MANAGER_HPP

namespace tool::ipc {

/// A table for people; for programs the members of a JSON object, each with a comma before it.
/// Says itself what is wrong: false.
bool print_manager(const char* name, bool json) noexcept;

}  // namespace tool::ipc

#endif
