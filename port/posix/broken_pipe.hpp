// Writing to broken pipes without a SIGPIPE. For port/ only.
#ifndef BROOD_PORT_POSIX_BROKEN_PIPE_HPP
#define BROOD_PORT_POSIX_BROKEN_PIPE_HPP

#include <errno.h>
#include <signal.h>

namespace brood::port::detail {

/// Keeps SIGPIPE away from the calling thread, and takes the one that a write of ours raised.
/// Outside the guard nothing has changed: the host's handler, its mask, and a SIGPIPE that was
/// pending before stay as they are.
class BrokenPipeGuard {
public:
    BrokenPipeGuard() noexcept {
        sigemptyset(&broken_pipe_);
        sigaddset(&broken_pipe_, SIGPIPE);
        (void)::pthread_sigmask(SIG_BLOCK, &broken_pipe_, &before_);
        // Only where it was blocked already can an older one be pending.
        if (sigismember(&before_, SIGPIPE) != 1) { return; }
        sigset_t pending;
        sigemptyset(&pending);
        (void)::sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    }
    ~BrokenPipeGuard() noexcept { (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    BrokenPipeGuard(const BrokenPipeGuard&) = delete;
    BrokenPipeGuard& operator=(const BrokenPipeGuard&) = delete;

    /// After EPIPE. sigtimedwait() is not on POSIX's list of async-signal-safe functions, but it is
    /// a bare system call wherever we know.
    void take_ours() noexcept {
        if (was_pending_) { return; }
        const timespec at_once = {};
        while (::sigtimedwait(&broken_pipe_, nullptr, &at_once) < 0 && errno == EINTR) {}
    }

private:
    sigset_t broken_pipe_, before_;
    bool was_pending_ = false;
};

}  // namespace brood::port::detail

#endif
