// Life and death of other processes. POSIX knows neither a descriptor for a process nor a signal
// at the end of another: callers use a lifeline pipe and wait in slices.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

Result<Fd> watch_process(Pid) noexcept {
    return Errc::unsupported;
}

Result<ChildState> wait_watched(Pid pid, Fd, Reap how) noexcept {
    return wait_child(pid, how);
}

Status signal_process(Pid pid, Fd, int signal) noexcept {
    if (pid <= 0) { return Errc::bad_argument; }  // kill() would take it for a group, or for all.
    if (::kill(pid, signal) == 0) { return {}; }
    const int err = errno;
    return err == EINVAL ? Error(Errc::bad_signal, err) : detail::error_of(err);
}

Status die_with_parent(Pid) noexcept {
    return Errc::unsupported;
}

Status die_with_pipe(Fd) noexcept {
    return Errc::unsupported;
}

bool adopts_orphans() noexcept {
    return ::getpid() == 1;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
