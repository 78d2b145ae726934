// What a child does between the fork and its own code. Async-signal-safe calls only.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "native_signals.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

void reset_signals() noexcept {
    struct sigaction by_default = {};
    by_default.sa_handler = SIG_DFL;
    sigemptyset(&by_default.sa_mask);
    for (int signal = 1; signal <= detail::kSignalMax; ++signal) {
        struct sigaction action = {};
        if (::sigaction(signal, nullptr, &action) == 0 && detail::is_caught(action)) {
            (void)::sigaction(signal, &by_default, nullptr);
        }
    }
    // Last: a signal that came since the fork must not find a handler of the parent's.
    (void)signal_mask(MaskChange::set, 0);
}

// Not close-on-exec: 0 is not to be, and may be the number that open() gives.
Status null_input() noexcept {
    int fd = -1;
    while ((fd = ::open("/dev/null", O_RDONLY)) < 0) {
        if (errno != EINTR) { return detail::last_error(); }
    }
    if (fd == STDIN_FILENO) { return {}; }
    Status status;
    while (status.ok() && ::dup2(fd, STDIN_FILENO) < 0) {
        if (errno != EINTR) { status = detail::last_error(); }
    }
    close(fd);
    return status;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
