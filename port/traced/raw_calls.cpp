// syscall(2), in place of the libc's in the objects of a port.
#include "call.hpp"

#include <cstdarg>

#include <unistd.h>

#include <port/linux/calls.hpp>

namespace traced {
namespace {

struct Row {
    long number;
    Shape shape;
};

constexpr Shape kWait = {"futex", "pFuT.x", true};
constexpr Shape kWake = {"futex", "pFu..x"};
constexpr long kWaitOperation = 9;  // FUTEX_WAIT_BITSET

constexpr Row kRows[] = {
    {SYS_futex_waitv, {"futex_waitv", "WuuTi", true}},
    {SYS_read, {"read", "ipu", true}},
    {SYS_preadv2, {"preadv2", "ipu..x"}},
    {SYS_pwritev2, {"pwritev2", "ipu..x"}},
    {SYS_openat, {"openat", "@sO"}},
    {SYS_close, {"close", "i"}},
    {SYS_dup3, {"dup3", "iiO"}},
    {SYS_fcntl, {"fcntl", "iCu"}},
    {SYS_pipe2, {"pipe2", "pO"}},
    {SYS_memfd_create, {"memfd_create", "sx"}},
    {SYS_getrandom, {"getrandom", "pux"}},
    {SYS_pidfd_open, {"pidfd_open", "ix"}},
    {SYS_pidfd_send_signal, {"pidfd_send_signal", "iSpx"}},
    {SYS_rt_sigaction, {"rt_sigaction", "Sppu"}},
    {SYS_rt_sigprocmask, {"rt_sigprocmask", "Hppu"}},
    {SYS_prctl, {"prctl", "cu"}},
    {SYS_membarrier, {"membarrier", "bxi"}},
    {SYS_prlimit64, {"prlimit64", "iipp"}},
    {SYS_setrlimit, {"setrlimit", "ip"}},
    {SYS_gettid, {"gettid", ""}},
    {SYS_set_robust_list, {"set_robust_list", "pu"}},
    {SYS_get_robust_list, {"get_robust_list", "ipp"}},
    {SYS_sched_getaffinity, {"sched_getaffinity", "iup"}},
    {SYS_sched_setaffinity, {"sched_setaffinity", "iup"}},
    {SYS_getdents64, {"getdents64", "ipu"}},
    {SYS_capget, {"capget", "pp"}},
    {SYS_close_range, {"close_range", "uux"}},
    {SYS_setresuid, {"setresuid", "iii"}},
    {SYS_setresgid, {"setresgid", "iii"}},
    {SYS_setgroups, {"setgroups", "up"}},
#ifdef SYS_setresuid32
    {SYS_setresuid32, {"setresuid32", "iii"}},
    {SYS_setresgid32, {"setresgid32", "iii"}},
    {SYS_setgroups32, {"setgroups32", "up"}},
#endif
};

bool is_futex(long number) noexcept {
#ifdef SYS_futex_time64
    if (number == SYS_futex_time64) { return true; }
#endif
#ifdef SYS_futex
    if (number == SYS_futex) { return true; }
#endif
    return false;
}

const Shape& shape_of(long number, const long* arguments) noexcept {
    static constexpr Shape kUnknown = {"syscall", "pppppp"};
    if (is_futex(number)) { return arguments[1] == kWaitOperation ? kWait : kWake; }
    for (const Row& row : kRows) {
        if (row.number == number) { return row.shape; }
    }
    return kUnknown;
}

long make(long number, const long* a) noexcept {
    const auto call = [&] { return ::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]); };
    count_call();
    if (!is_on()) { return call(); }
    Call shown(shape_of(number, a), a);
    const long result = call();
    const int error = errno;
    shown.end(result, error);
    errno = error;
    return result;
}

// Closes all but the trace's own descriptor.
long close_around_own(const long* a) noexcept {
    const long below[6] = {a[0], g_fd - 1, a[2]}, above[6] = {g_fd + 1, a[1], a[2]};
    long result = 0;
    if (below[0] <= below[1]) { result = make(SYS_close_range, below); }
    if (result == 0 && above[0] <= above[1]) { result = make(SYS_close_range, above); }
    return result;
}

}  // namespace
}  // namespace traced

// As many arguments as there can be, like the libc's: how many there are, the kernel knows.
extern "C" long brood_traced_syscall(long number, ...);
extern "C" long brood_traced_syscall(long number, ...) {
    long arguments[6];
    std::va_list list;
    va_start(list, number);
    for (long& argument : arguments) { argument = va_arg(list, long); }
    va_end(list);
    const bool is_range = number == SYS_close_range && arguments[0] <= traced::g_fd &&
                          traced::g_fd <= arguments[1];
    if (traced::is_on() && is_range) { return traced::close_around_own(arguments); }
    return traced::make(number, arguments);
}
