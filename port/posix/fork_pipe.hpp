// fork() together with a pipe whose end tells that the child has called exec. For port/ only.
#ifndef BROOD_PORT_POSIX_FORK_PIPE_HPP
#define BROOD_PORT_POSIX_FORK_PIPE_HPP

#include <port/port.hpp>

namespace brood::port::detail {

struct ForkPipe {
    Pid pid = 0;     ///< 0 in the child.
    Fd end = kNoFd;  ///< The parent's reads, the child's writes; close-on-exec.
};

/// fork() with a pipe from the child to the parent, which no process forked meanwhile by another
/// thread inherits: else the parent would see the end of the stream only when that one ends, too.
/// (A fork that runs no pthread_atfork handlers may: vfork, posix_spawn. Those exec soon.)
/// The caller has blocked all signals. Errors: too_many_processes, too_many_files, no_memory.
Result<ForkPipe> fork_with_pipe() noexcept;

}  // namespace brood::port::detail

#endif
