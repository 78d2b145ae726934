// Life and death of other processes: pidfd, the parent-death signal, and the lifeline pipe.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <port/port.hpp>
#include <port/posix/above_streams.hpp>
#include <port/posix/errors.hpp>
#include <port/posix/wait_child.hpp>

#include "calls.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

Error signal_error(int err) noexcept {
    return err == EINVAL ? Error(Errc::bad_signal, err) : detail::error_of(err);
}

bool has_event(Fd fd, short events, int wanted) noexcept {
    pollfd item = {fd, events, 0};
    return ::poll(&item, 1, 0) > 0 && (item.revents & wanted) != 0;
}

// Without AddressSanitizer: it may happen on the stack that spawn() lends its child.
[[gnu::no_sanitize_address]] void die() noexcept {
    (void)::kill(::getpid(), SIGKILL);
    ::_exit(128 + SIGKILL);  // The first process of a pid namespace survives its own SIGKILL.
}

}  // namespace

Result<Fd> watch_process(Pid pid) noexcept {
    auto fd = static_cast<Fd>(detail::call(SYS_pidfd_open, pid, 0));  // Close-on-exec by itself.
    if (fd >= 0 && detail::above_streams(&fd, 1)) { return fd; }
    const int err = errno;
    return detail::is_missing(err) ? Error(Errc::unsupported, err) : detail::error_of(err);
}

// Where the host reaps our children a pid may be that of another child of its own by now.
Result<ChildState> wait_watched(Pid pid, Fd watch, Reap how) noexcept {
    if (watch < 0) { return wait_child(pid, how); }
    constexpr auto kByDescriptor = static_cast<idtype_t>(3);  // P_PIDFD, not in older headers.
    const Result<ChildState> state = detail::wait_by(kByDescriptor, watch, how);
    if (state.ok() || state.code() == Errc::status_stolen) { return state; }
    return wait_child(pid, how);  // Linux 5.3 can watch a process, but not yet wait for it so.
}

Status signal_process(Pid pid, Fd watch, int signal) noexcept {
    if (pid <= 0) { return Errc::bad_argument; }  // kill() would take it for a group, or for all.
    if (watch >= 0) {
        if (detail::call(SYS_pidfd_send_signal, watch, signal, nullptr, 0) == 0) { return {}; }
        const int err = errno;
        if (!detail::is_missing(err)) { return signal_error(err); }
        // Without that call the pid must do. Its number may be another's once the process has been
        // reaped, so it is used only while the process runs; the moment between remains.
        if (has_event(watch, POLLIN, POLLIN)) { return Error(Errc::not_found, ESRCH); }
    }
    if (::kill(pid, signal) == 0) { return {}; }
    return signal_error(errno);
}

Status die_with_parent(Pid parent) noexcept {
    if (detail::call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
        return Error(Errc::unsupported, errno);
    }
    // It may have died before. 0 says nothing: a parent outside of our pid namespace has no number.
    const Pid now = ::getppid();
    if (now != parent && now != 0) { die(); }
    return {};
}

// The kernel signals the owner of the read end when the pipe changes, and its last change is that
// the last writer is gone. Nothing is ever written into a lifeline. The owner is kept by the open
// file, not by the descriptor: two processes cannot arm the same read end.
[[gnu::no_sanitize_address]] Status die_with_pipe(Fd lifeline) noexcept {
    const int flags = ::fcntl(lifeline, F_GETFL);
    if (flags < 0) { return detail::last_error(); }
    const bool armed = ::fcntl(lifeline, F_SETOWN, ::getpid()) == 0 &&
                       ::fcntl(lifeline, F_SETSIG, SIGKILL) == 0 &&
                       ::fcntl(lifeline, F_SETFL, flags | O_ASYNC) == 0;
    if (!armed) { return Error(Errc::unsupported, errno); }
    // Emulators accept what they then forget, so ask.
    const bool kept = ::fcntl(lifeline, F_GETSIG) == SIGKILL &&
                      ::fcntl(lifeline, F_GETOWN) == ::getpid() &&
                      (::fcntl(lifeline, F_GETFL) & O_ASYNC) != 0;
    if (!kept) { return Errc::unsupported; }
    if (has_event(lifeline, 0, POLLHUP)) { die(); }  // The writers went before we were armed.
    return {};
}

bool adopts_orphans() noexcept {
    if (::getpid() == 1) { return true; }
    int is_subreaper = 0;
    return detail::call(SYS_prctl, PR_GET_CHILD_SUBREAPER, &is_subreaper, 0, 0, 0) == 0 &&
           is_subreaper != 0;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
