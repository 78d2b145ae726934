// What a child does between the fork and its own code, by bare system calls: so the child touches
// one page of the libc instead of four.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"
#include "kernel_signals.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

// There is no shorter way to ask: SigCgt in /proc/self/status costs two thirds of these 62 calls,
// which take 10..15 us, and clone3(CLONE_CLEAR_SIGHAND) would pass by the host's fork handlers.
void reset_signals() noexcept {
    constexpr unsigned long kDefault = 0, kIgnored = 1;  // SIG_DFL, SIG_IGN
    for (int signal = 1; signal <= 64; ++signal) {
        if (signal == SIGKILL || signal == SIGSTOP) { continue; }
        detail::KernelAction action;
        (void)detail::call(SYS_rt_sigaction, signal, nullptr, &action, detail::kKernelSetBytes);
        if (action.handler == kDefault || action.handler == kIgnored) { continue; }
        struct sigaction by_default = {};
        by_default.sa_handler = SIG_DFL;
        (void)::sigaction(signal, &by_default, nullptr);  // It refuses those the libc keeps.
    }
    // Last: a signal that came since the fork must not find a handler of the parent's.
    (void)signal_mask(MaskChange::set, 0);
}

// Not close-on-exec: 0 is not to be, and may be the number that the call gives.
Status null_input() noexcept {
    long fd = -1;
    while ((fd = detail::call(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY)) < 0) {
        if (errno != EINTR) { return detail::last_error(); }
    }
    if (fd == STDIN_FILENO) { return {}; }
    const long copied = detail::call(SYS_dup3, fd, STDIN_FILENO, 0);
    const Status status = copied < 0 ? Status(detail::last_error()) : Status();
    (void)detail::call(SYS_close, fd);
    return status;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
