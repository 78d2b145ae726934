// What a child does between clone() and exec. For port/linux only.
#ifndef BROOD_PORT_LINUX_SPAWN_CHILD_HPP
#define BROOD_PORT_LINUX_SPAWN_CHILD_HPP

#include <port/port.hpp>

namespace brood::port::detail {

struct Launch {
    const SpawnPlan* plan = nullptr;
    const char* directories = nullptr;  ///< PATH.
    Fd report = kNoFd;       ///< Where a child with memory of its own writes `error`, if one comes.
    Error error = Errc::ok;  ///< Set by the child that could not become the program.
};

/// Follows the plan of the Launch that `launch` points to, and becomes its program; or leaves the
/// reason in Launch::error and exits with 127. Never returns. The caller has blocked all signals.
///
/// The child may share its memory with its parent, the block of the calling thread included. So it
/// touches nothing but its stack and the Launch, and where a libc function keeps notes of its own
/// (sigaction in sanitizers) or tells other threads (setuid), it makes the bare system call: a
/// broadcast setuid would reach the threads of the parent.
int run_child(void* launch) noexcept;

}  // namespace brood::port::detail

#endif
