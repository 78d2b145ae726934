// Starting programs by fork and exec, with a pipe over which the child reports what went wrong.
#include <errno.h>
#include <fcntl.h>
#include <limits>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <port/port.hpp>

#include "exec_search.hpp"
#include "fork_pipe.hpp"
#include "native_signals.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

constexpr int kStartFailed = 127;  // The exit status of a child that could not exec.

// ---- In the child: async-signal-safe calls only. Each returns 0 or an errno. ----

int error_if(bool failed) noexcept {
    return failed ? errno : 0;
}

// Makes 0, 1, 2 what the plan says, also where the plan's descriptors are among 0, 1, 2 themselves:
// those are first copied out of the way. dup2() then clears close-on-exec, as no copy is in place.
int place_descriptors(const SpawnPlan& plan) noexcept {
    Fd sources[3] = {plan.input, plan.output, plan.error};
    if (plan.null_input && plan.input == kNoFd) {
        sources[0] = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (sources[0] < 0) { return errno; }
    }
    for (Fd& source : sources) {
        if (source < 0 || source > 2) { continue; }
        source = ::fcntl(source, F_DUPFD_CLOEXEC, 3);
        if (source < 0) { return errno; }
    }
    for (Fd target = 0; target <= 2; ++target) {
        if (sources[target] < 0) { continue; }
        const Status placed = duplicate_to(sources[target], target);
        if (!placed) { return placed.error().os_error(); }
    }
    return 0;
}

rlim_t to_rlim(std::uint64_t value) noexcept {
    return value >= std::numeric_limits<rlim_t>::max() ? RLIM_INFINITY : static_cast<rlim_t>(value);
}

int set_limits(const SpawnPlan& plan) noexcept {
    for (std::size_t index = 0; index < plan.limit_count; ++index) {
        const ResourceLimit& limit = plan.limits[index];
        const rlimit native = {to_rlim(limit.soft), to_rlim(limit.hard)};
        if (::setrlimit(limit.resource, &native) != 0) { return errno; }
    }
    return 0;
}

// Whether the program would keep groups of the caller's: POSIX has no call to drop them.
bool keeps_other_groups(std::int64_t gid) noexcept {
    gid_t groups[64];
    const int count = ::getgroups(64, groups);
    for (int i = 0; i < count; ++i) {
        if (groups[i] != static_cast<gid_t>(gid)) { return true; }
    }
    return count < 0;  // More than 64.
}

int change_identity(const SpawnPlan& plan) noexcept {
    if (plan.gid >= 0 && ::setgid(static_cast<gid_t>(plan.gid)) != 0) { return errno; }
    if (plan.uid >= 0 && ::setuid(static_cast<uid_t>(plan.uid)) != 0) { return errno; }
    return 0;
}

// Unlike reset_signals(): ignored signals become default, too, since exec would hand them on.
void default_signals() noexcept {
    struct sigaction by_default = {};
    by_default.sa_handler = SIG_DFL;
    sigemptyset(&by_default.sa_mask);
    for (int signal = 1; signal <= detail::kSignalMax; ++signal) {
        (void)::sigaction(signal, &by_default, nullptr);
    }
    (void)signal_mask(MaskChange::set, 0);
}

// Becomes the program, or returns the errno of the step that failed.
int become(const SpawnPlan& plan, const char* directories) noexcept {
    int err = place_descriptors(plan);
    if (err == 0 && plan.directory != nullptr) { err = error_if(::chdir(plan.directory) != 0); }
    if (err == 0 && plan.new_session) { err = error_if(::setsid() < 0); }
    if (err == 0 && plan.new_group && !plan.new_session) { err = error_if(::setpgid(0, 0) != 0); }
    if (err == 0) { err = set_limits(plan); }
    if (err == 0 && plan.set_nice) {
        err = error_if(::setpriority(PRIO_PROCESS, 0, plan.nice) != 0);
    }
    if (err == 0) { err = change_identity(plan); }
    if (err != 0) { return err; }
    default_signals();
    return detail::exec_program(plan, directories);
}

[[noreturn]] void run_child(const SpawnPlan& plan, const char* directories, Fd report) noexcept {
    const int err = become(plan, directories);
    write(report, &err, sizeof(err)).ignore();
    exit_now(kStartFailed);
}

}  // namespace

Result<Pid> spawn(const SpawnPlan& plan) noexcept {
    if (plan.path == nullptr || plan.arguments == nullptr) { return Errc::bad_argument; }
    if (plan.cpus != nullptr || plan.lifeline != kNoFd) { return Errc::unsupported; }
    if (plan.gid >= 0 && keeps_other_groups(plan.gid)) { return Errc::unsupported; }
    const char* const found = ::getenv("PATH");  // The caller's, as with execvp().
    const char* const directories = found != nullptr ? found : detail::kPathDefault;

    // Blocked from before the fork, so that no handler of the host runs in the child.
    const SignalMask before = signal_mask(MaskChange::block, ~SignalMask{0});
    const Result<detail::ForkPipe> child = detail::fork_with_pipe();
    if (child && child->pid == 0) { run_child(plan, directories, child->end); }
    (void)signal_mask(MaskChange::set, before);
    if (!child) { return child.error(); }

    int err = 0;
    const Result<std::size_t> reported = read(child->end, &err, sizeof(err));
    close(child->end);
    if (!reported || *reported == 0) { return child->pid; }  // It ended with the exec.
    (void)wait_child(child->pid, Reap::wait).ok();
    return Error(Errc::exec_failed, err);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
