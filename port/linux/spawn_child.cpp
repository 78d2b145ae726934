// What a child does between clone() and exec: system calls, and nothing that outlives a failure.
#include "spawn_child.hpp"

#include <errno.h>
#include <fcntl.h>
#include <limits>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <port/posix/exec_search.hpp>

#include "calls.hpp"

namespace brood::port::detail {
namespace {

constexpr int kStartFailed = 127;  // Of a child that could not exec; the caller reaps it.

// On some machines user numbers had 16 bits first, and the calls for 32 have names of their own.
#ifdef SYS_setresuid32
constexpr long kSetUser = SYS_setresuid32, kSetGroup = SYS_setresgid32;
constexpr long kSetGroups = SYS_setgroups32;
#else
constexpr long kSetUser = SYS_setresuid, kSetGroup = SYS_setresgid, kSetGroups = SYS_setgroups;
#endif

Error failed(int err = errno) noexcept {
    return {Errc::exec_failed, err};
}

Status check(long result) noexcept {
    if (result < 0) { return failed(); }
    return {};
}

// The copy is out of reach of what becomes 0, 1 and 2.
Status move_up(Fd& fd, int command) noexcept {
    const Fd moved = ::fcntl(fd, command, 3);
    if (moved < 0) { return failed(); }
    fd = moved;
    return {};
}

// Dies with the pipe, whose read end stays open in the program: without it nothing would happen.
Status arm_lifeline(Fd lifeline) noexcept {
    if (lifeline == kNoFd) { return {}; }
    const Status armed = die_with_pipe(lifeline);
    if (!armed) { return armed; }
    if (lifeline <= 2) { return move_up(lifeline, F_DUPFD); }
    return check(::fcntl(lifeline, F_SETFD, 0));
}

// Any of the plan's descriptors may be 0, 1 or 2 itself, where the next would overwrite it.
Status place_descriptors(const SpawnPlan& plan) noexcept {
    Fd sources[3] = {plan.input, plan.output, plan.error};
    for (Fd target = 0; target <= 2; ++target) {
        Fd& source = sources[target];
        if (source < 0 || source > 2 || source == target) { continue; }
        const Status moved = move_up(source, F_DUPFD_CLOEXEC);
        if (!moved) { return moved; }
    }
    for (Fd target = 0; target <= 2; ++target) {
        if (sources[target] < 0) { continue; }
        const Status placed = duplicate_to(sources[target], target);
        if (!placed) { return failed(placed.error().os_error()); }
    }
    if (!plan.null_input || plan.input >= 0) { return {}; }
    const Status opened = null_input();
    if (!opened) { return failed(opened.error().os_error()); }
    return {};
}

Status place_process(const SpawnPlan& plan) noexcept {
    if (plan.directory != nullptr && ::chdir(plan.directory) != 0) { return failed(); }
    if (plan.new_session) { return check(::setsid()); }  // Leads a group, too.
    if (plan.new_group) { return check(::setpgid(0, 0)); }
    return {};
}

Status choose_cpus(const SpawnPlan& plan) noexcept {
    if (plan.cpus == nullptr) { return {}; }
    constexpr std::size_t kWordBits = std::numeric_limits<unsigned long>::digits;
    constexpr std::size_t kCpusMax = 8192;  // The most that Linux can be built for.
    unsigned long set[kCpusMax / kWordBits] = {};
    for (std::size_t index = 0; index < plan.cpu_count; ++index) {
        const std::uint32_t cpu = plan.cpus[index];
        if (cpu >= kCpusMax) { return failed(EINVAL); }
        set[cpu / kWordBits] |= 1ul << (cpu % kWordBits);
    }
    return check(call(SYS_sched_setaffinity, 0, sizeof(set), set));
}

// Where the libc has 32 bits for a limit, its "none" is not the kernel's.
std::uint64_t wide_limit(std::uint64_t value) noexcept {
    return value == static_cast<std::uint64_t>(RLIM_INFINITY) ? UINT64_MAX : value;
}

unsigned long word_limit(std::uint64_t value) noexcept {
    constexpr auto kMost = std::numeric_limits<unsigned long>::max();
    return value < kMost ? static_cast<unsigned long>(value) : kMost;
}

Status set_limit(const ResourceLimit& limit) noexcept {
    const std::uint64_t wide[2] = {wide_limit(limit.soft), wide_limit(limit.hard)};
    if (call(SYS_prlimit64, 0, limit.resource, wide, nullptr) == 0) { return {}; }
    if (!is_missing(errno)) { return failed(); }  // Missing before Linux 2.6.36.
    const unsigned long words[2] = {word_limit(wide[0]), word_limit(wide[1])};
    return check(call(SYS_setrlimit, limit.resource, words));
}

Status set_resources(const SpawnPlan& plan) noexcept {
    if (plan.set_nice && ::setpriority(PRIO_PROCESS, 0, plan.nice) != 0) { return failed(); }
    Status status = choose_cpus(plan);
    for (std::size_t index = 0; status.ok() && index < plan.limit_count; ++index) {
        status = set_limit(plan.limits[index]);
    }
    return status;
}

// Groups before the user, who may not change them any more; saved numbers, too, so that there is
// no way back.
Status change_identity(const SpawnPlan& plan) noexcept {
    Status status;
    if (plan.gid >= 0) {
        const auto gid = static_cast<gid_t>(plan.gid);
        status = check(call(kSetGroups, 0, nullptr));
        if (status.ok()) { status = check(call(kSetGroup, gid, gid, gid)); }
    }
    if (status.ok() && plan.uid >= 0) {
        const auto uid = static_cast<uid_t>(plan.uid);
        status = check(call(kSetUser, uid, uid, uid));
    }
    return status;
}

// All signals, those the libc keeps to itself and those the host ignores: exec would hand these on.
// An action of zeros is the default in every layout that the kernel's structure has.
void default_signals() noexcept {
    constexpr std::size_t kMaskBytes = _NSIG / 8;
    const unsigned char zeros[64] = {};
    for (int signal = 1; signal < _NSIG; ++signal) {
        (void)call(SYS_rt_sigaction, signal, zeros, nullptr, kMaskBytes);
    }
    (void)call(SYS_rt_sigprocmask, SIG_SETMASK, zeros, nullptr, kMaskBytes);
}

Status prepare(const SpawnPlan& plan) noexcept {
    Status status = arm_lifeline(plan.lifeline);
    if (status.ok()) { status = place_descriptors(plan); }
    if (status.ok()) { status = place_process(plan); }
    if (status.ok()) { status = set_resources(plan); }
    if (status.ok()) { status = change_identity(plan); }
    if (status.ok()) { default_signals(); }
    return status;
}

}  // namespace

// Without AddressSanitizer, as every function that is active at the exec: it would leave the marks
// of frames that never return in the shadow of memory that the parent uses again.
[[gnu::no_sanitize_address]] int run_child(void* launch_ptr) noexcept {
    auto& launch = *static_cast<Launch*>(launch_ptr);
    const Status status = prepare(*launch.plan);
    launch.error = status.ok() ? failed(exec_program(*launch.plan, launch.directories))
                               : status.error();
    if (launch.report != kNoFd) {
        (void)::write(launch.report, &launch.error, sizeof(launch.error));
    }
    ::_exit(kStartFailed);
}

}  // namespace brood::port::detail
