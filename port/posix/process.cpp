// Processes: fork, wait, exit.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "wait_child.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

const void* this_thread() noexcept {
    static thread_local char mark;
    return &mark;
}

Result<Pid> fork() noexcept {
    const pid_t pid = ::fork();
    if (pid >= 0) { return Pid{pid}; }
    const int err = errno;
    return err == EAGAIN ? Error(Errc::too_many_processes, err) : detail::error_of(err);
}

Pid process_id() noexcept {
    return ::getpid();
}

Pid parent_id() noexcept {
    return ::getppid();
}

Result<ChildState> wait_child(Pid pid, Reap how) noexcept {
    if (pid <= 0) { return Errc::bad_argument; }
    return detail::wait_by(P_PID, pid, how);
}

bool is_stopped(Pid pid) noexcept {
    siginfo_t info;
    info.si_pid = 0;
    const auto child = static_cast<id_t>(pid);
    const int asked = ::waitid(P_PID, child, &info, WSTOPPED | WNOHANG | WNOWAIT);
    return pid > 0 && asked == 0 && info.si_pid == pid;
}

Status signal_group(Pid group, int signal) noexcept {
    if (group <= 1) { return Errc::bad_argument; }  // 0: our own group; 1: every process there is.
    if (::kill(-group, signal) == 0) { return {}; }
    const int err = errno;
    return err == EINVAL ? Error(Errc::bad_signal, err) : detail::error_of(err);
}

void exit_now(int code) noexcept {
    ::_exit(code);
}

void exit_program(int code) noexcept {
    ::exit(code);
}

Status lead_group() noexcept {
    if (::getpgrp() == ::getpid()) { return {}; }  // A session's leader may not ask again.
    if (::setpgid(0, 0) != 0) { return detail::last_error(); }
    return {};
}

Status at_fork(void (*before)(), void (*parent)(), void (*child)()) noexcept {
    const int err = ::pthread_atfork(before, parent, child);
    if (err != 0) { return detail::error_of(err); }
    return {};
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
