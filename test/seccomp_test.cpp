// Goal: on a kernel that lacks a newer call, or in a sandbox that forbids it, every entry of the
//       port works by other means, or says unsupported where its contract lists that.
// Method: a child refuses itself one call, or one flag of it, by a seccomp filter; sees that the
//       bare call fails; and then uses the port, twice: it may have learned from the first time.
#include "sandbox_support.hpp"

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <sys/resource.h>

#include <port/port.hpp>

namespace port = brood::port;
using brood::Errc;
using test::expect;
using test::refuse;
using test::without;

// Where libc functions themselves make the call, only a port of its own for the system can do
// without.
template <class Check>
static void without_if_the_libc_can(const char* name, long number, Check check) {
    if (strcmp(port::kName, "posix") == 0) {
        test::not_run(name, "the posix port has it from the libc, which has nothing else");
        return;
    }
    without(name, number, check);
}

// ---- What must hold, whatever is refused -------------------------------------------------------

static int processes_can_be_watched_and_signalled() {
    const brood::Result<port::Pid> pid = port::fork();
    REQUIRE(pid.ok());
    if (*pid == 0) {
        alarm(60);  // For when a check fails.
        for (;;) { pause(); }
    }
    const brood::Result<port::Fd> watch = port::watch_process(*pid);
    REQUIRE(watch.ok() || watch.code() == Errc::unsupported);
    const port::Fd fd = watch.ok() ? *watch : port::kNoFd;
    REQUIRE(port::signal_process(*pid, fd, 0).ok());
    REQUIRE(port::signal_process(*pid, fd, 1000).code() == Errc::bad_signal);
    REQUIRE(port::signal_process(*pid, fd, SIGKILL).ok());
    const brood::Result<port::ChildState> state = port::wait_watched(*pid, fd, port::Reap::wait);
    REQUIRE(state.ok() && state->ended && state->exit_code == -SIGKILL);
    REQUIRE(port::wait_watched(*pid, fd, port::Reap::now).code() == Errc::status_stolen);
    REQUIRE(port::signal_process(*pid, fd, SIGKILL).code() == Errc::not_found);
    port::close(fd);
    return 0;
}

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

static int all_descriptors_but_some_can_be_closed() {
    constexpr int kOpened = 300;  // More than one read of the folder finds.
    int kept[2] = {-1, -1};
    for (int count = 0; count < kOpened; ++count) {
        const int fd = dup(2);
        if (count == 7) { kept[0] = fd; }
        if (count == kOpened - 7) { kept[1] = fd; }
    }
    REQUIRE(is_open(kept[0]) && is_open(kept[1]));
    const port::Fd unsorted[] = {kept[1], kept[0]};
    port::close_all_but(unsorted, 2);
    for (int fd = 0; fd < 2 * kOpened; ++fd) {
        REQUIRE(is_open(fd) == (fd <= 2 || fd == kept[0] || fd == kept[1]));
    }
    port::close_all_but(nullptr, 0);
    REQUIRE(!is_open(kept[0]) && !is_open(kept[1]));
    return 0;
}

static int memory_can_be_shared() {
    constexpr std::size_t kBytes = 300000;
    const std::size_t descriptors = test::open_descriptors();
    const brood::Result<void*> address = port::map_shared(kBytes);
    REQUIRE(address.ok() && port::is_mapped(*address));
    auto* const bytes = static_cast<volatile unsigned char*>(*address);
    for (std::size_t at = 0; at < kBytes; ++at) { REQUIRE(bytes[at] == 0); }
    const brood::Result<port::Pid> pid = port::fork();
    REQUIRE(pid.ok());
    if (*pid == 0) {
        bytes[kBytes - 1] = 42;
        port::exit_now(0);
    }
    REQUIRE(port::wait_child(*pid, port::Reap::wait).ok());
    REQUIRE(bytes[kBytes - 1] == 42);
    port::unmap(*address, kBytes);
    REQUIRE(!port::is_mapped(*address));
    REQUIRE(test::open_descriptors() == descriptors);
    return 0;
}

static int write_to_a_broken_pipe(port::Fd end) {
    // Not caught, so that a SIGPIPE would kill; nor may one be left pending.
    REQUIRE(port::write(end, "x", 1).code() == Errc::broken_pipe);
    REQUIRE(port::write_now(end, "x", 1).code() == Errc::broken_pipe);
    sigset_t broken, before, pending;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    REQUIRE(sigprocmask(SIG_BLOCK, &broken, &before) == 0);
    REQUIRE(port::write(end, "x", 1).code() == Errc::broken_pipe);
    REQUIRE(port::write_now(end, "x", 1).code() == Errc::broken_pipe);
    REQUIRE(sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 0);
    REQUIRE(sigprocmask(SIG_SETMASK, &before, nullptr) == 0);
    REQUIRE(sigismember(&before, SIGPIPE) == 0);
    return 0;
}

static int pipes_carry_bytes_and_never_raise_a_signal() {
    port::Fd ends[2];
    REQUIRE(port::pipe(ends).ok());
    REQUIRE((fcntl(ends[0], F_GETFD) & FD_CLOEXEC) != 0);
    REQUIRE((fcntl(ends[1], F_GETFD) & FD_CLOEXEC) != 0);
    char text[8] = {};
    REQUIRE(port::read_now(ends[0], text, sizeof(text)).code() == Errc::would_block);
    REQUIRE(port::write(ends[1], "one", 3).value_or(0) == 3);
    REQUIRE(port::write_now(ends[1], "two", 3).value_or(0) == 3);
    REQUIRE(port::read_now(ends[0], text, 3).value_or(0) == 3 && memcmp(text, "one", 3) == 0);
    REQUIRE(port::read(ends[0], text, 3).value_or(0) == 3 && memcmp(text, "two", 3) == 0);

    static const char block[512] = {};
    brood::Result<std::size_t> written = std::size_t{0};
    do { written = port::write_now(ends[1], block, sizeof(block)); } while (written.ok());
    REQUIRE(written.code() == Errc::would_block);
    port::close(ends[0]);
    const int result = write_to_a_broken_pipe(ends[1]);
    port::close(ends[1]);
    return result;
}

static int programs_can_be_started() {
    // Not by ulimit: the program inherits the filter.
    const char* const arguments[] = {
        "sh", "-c", "grep -q '^Max open files *64 *64 ' /proc/self/limits && exit 7", nullptr};
    const port::ResourceLimit limit = {RLIMIT_NOFILE, 64, 64};
    port::SpawnPlan plan;
    plan.path = "/bin/sh";
    plan.arguments = arguments;
    plan.limits = &limit;
    plan.limit_count = 1;
    const brood::Result<port::Pid> pid = port::spawn(plan);
    REQUIRE(pid.ok());
    const brood::Result<port::ChildState> state = port::wait_child(*pid, port::Reap::wait);
    REQUIRE(state.ok() && state->exit_code == 7);
    plan.path = "/nonexistent";
    const brood::Result<port::Pid> none = port::spawn(plan);
    REQUIRE(none.code() == Errc::exec_failed && none.error().os_error() == ENOENT);
    return 0;
}

static int random_bytes_fill_a_buffer() {
    unsigned char first[1000] = {}, second[1000] = {};
    REQUIRE(port::random_bytes(first, sizeof(first)).ok());
    REQUIRE(port::random_bytes(second, sizeof(second)).ok());
    REQUIRE(memcmp(first, second, sizeof(first)) != 0);
    REQUIRE(memcmp(first + 990, second + 990, 10) != 0);
    return 0;
}

// All that a socket of AF_UNIX goes through: the error that ends it, ok if none does.
static Errc use_a_socket() {
    char path[64];
    snprintf(path, sizeof(path), "/tmp/brood-seccomp-%d", static_cast<int>(getpid()));
    brood::Address address = brood::Address::unix_path(path), peer;
    port::ObjectIdentity file;
    const brood::Result<port::Fd> listener = port::socket_listen(address, {}, file);
    if (!listener.ok()) { return listener.code(); }
    const brood::Result<port::Fd> client = port::socket_connect(address);
    const brood::Result<port::Fd> server = port::socket_accept(*listener, peer);
    Errc code = client.ok() ? server.code() : client.code();
    if (code == Errc::ok) { code = port::socket_connected(*client).code(); }
    if (code == Errc::ok) { code = port::socket_send_fd(*client, 2).code(); }
    const brood::Result<port::Fd> sent = code == Errc::ok ? port::socket_receive_fd(*server)
                                                          : brood::Result<port::Fd>(code);
    code = sent.code();
    if (code == Errc::ok) { code = port::socket_send(*server, "x", 1).code(); }
    char got = 0;
    if (code == Errc::ok) { code = port::read(*client, &got, 1).code(); }
    for (const auto& fd : {client, server, sent}) {
        const bool is_set_up = fd.code() != Errc::ok || (fcntl(*fd, F_GETFD) & FD_CLOEXEC) != 0;
        if (!is_set_up) { code = Errc::corrupt; }
        if (fd.ok()) { port::close(*fd); }
    }
    port::socket_remove(address, file);
    port::close(*listener);
    return code;
}

static int sockets_carry_bytes_and_descriptors() {
    const std::size_t descriptors = test::open_descriptors();
    REQUIRE(use_a_socket() == Errc::ok);
    REQUIRE(test::open_descriptors() == descriptors);
    return 0;
}

static int sockets_say_that_they_may_not() {
    const std::size_t descriptors = test::open_descriptors();
    const Errc code = use_a_socket();
    // ok: the libc makes that call in another way here, or nothing depends on it.
    REQUIRE(code == Errc::not_permitted || code == Errc::unsupported || code == Errc::ok);
    REQUIRE(test::open_descriptors() == descriptors);
    return 0;
}

// ---- Tests -------------------------------------------------------------------------------------

static void processes_are_signalled_without_pidfds(void**) {
    without("pidfd_open", SYS_pidfd_open, processes_can_be_watched_and_signalled);
    without("pidfd_send_signal", SYS_pidfd_send_signal, processes_can_be_watched_and_signalled);
    constexpr std::uint32_t kPidfd = 2;  // That bit of P_PIDFD; P_PID has it not.
    const test::Refusal old_waitid = {"waitid(P_PIDFD)", SYS_waitid, EINVAL, 0, kPidfd};
    expect(old_waitid, processes_can_be_watched_and_signalled);
}

static void descriptors_are_closed_without_close_range(void**) {
    without("close_range", SYS_close_range, all_descriptors_but_some_can_be_closed);
}

static void memory_is_shared_without_memory_files(void**) {
    without("memfd_create", SYS_memfd_create, memory_can_be_shared);
    without_if_the_libc_can("fallocate", SYS_fallocate, memory_can_be_shared);
    expect({"memfd_create(MFD_NOEXEC_SEAL)", SYS_memfd_create, EINVAL, 1, 8}, memory_can_be_shared);
    // Where neither files nor MADV_POPULATE_WRITE are to be had, pages are written one by one.
    expect({"memfd_create", SYS_memfd_create, ENOSYS}, [] {
        REQUIRE(refuse({"madvise", SYS_madvise, EINVAL}));
        return memory_can_be_shared();
    });
}

static void pipes_work_without_flags_for_one_call(void**) {
    constexpr std::uint32_t kNoWait = 0x8, kNoSignal = 0x100;
    constexpr auto check = pipes_carry_bytes_and_never_raise_a_signal;
    without("preadv2", SYS_preadv2, check);
    without("pwritev2", SYS_pwritev2, check);
    expect({"pwritev2(RWF_NOSIGNAL)", SYS_pwritev2, EOPNOTSUPP, 5, kNoSignal}, check);
    expect({"pwritev2(RWF_NOWAIT)", SYS_pwritev2, EOPNOTSUPP, 5, kNoWait}, check);
    expect({"pwritev2(flags)", SYS_pwritev2, EINVAL, 5, kNoWait | kNoSignal}, check);
    expect({"preadv2(RWF_NOWAIT)", SYS_preadv2, EOPNOTSUPP, 5, kNoWait}, check);
    expect({"preadv2(flags)", SYS_preadv2, EINVAL, 5, kNoWait}, check);
}

static void programs_start_without_borrowed_memory_and_newer_limits(void**) {
    without("clone3", SYS_clone3, programs_can_be_started);
    without_if_the_libc_can("prlimit64", SYS_prlimit64, programs_can_be_started);
    expect({"clone(CLONE_VFORK)", SYS_clone, EPERM, 0, CLONE_VFORK}, programs_can_be_started);
    expect({"clone(CLONE_VFORK)", SYS_clone, ENOSYS, 0, CLONE_VFORK}, programs_can_be_started);
    without("close_range", SYS_close_range, programs_can_be_started);
}

static void random_bytes_come_without_getrandom(void**) {
    without("getrandom", SYS_getrandom, random_bytes_fill_a_buffer);
}

static void a_bell_without_a_robust_list_has_no_keeper(void**) {
    without("set_robust_list", SYS_set_robust_list, [] {
        port::Bell bell = {};
        bell.word = port::kBellWaiting;
        REQUIRE(port::bell_keep(bell).code() == Errc::unsupported);
        REQUIRE(bell.word == port::kBellWaiting);
        return 0;
    });
}

static void dying_with_another_is_unsupported_where_it_cannot_be_asked_for(void**) {
    without("prctl", SYS_prctl, [] {
        REQUIRE(port::die_with_parent(getppid()).code() == Errc::unsupported);
        REQUIRE(port::adopts_orphans() == (getpid() == 1));
        return 0;
    });
    // F_SETSIG is 10 and F_SETOWN 8: a bit that no other command used here has. It is fcntl64 where
    // there are two.
#ifdef SYS_fcntl64
    constexpr long kFcntl = SYS_fcntl64;
#else
    constexpr long kFcntl = SYS_fcntl;
#endif
    expect({"fcntl(F_SETSIG)", kFcntl, EPERM, 1, 8}, [] {
        port::Fd ends[2];
        REQUIRE(port::pipe(ends).ok());
        REQUIRE(port::die_with_pipe(ends[0]).code() == Errc::unsupported);
        port::close(ends[1]);  // Does not kill.
        port::close(ends[0]);
        return 0;
    });
}

static void sockets_work_without_accept4(void**) {
    without_if_the_libc_can("accept4", SYS_accept4, sockets_carry_bytes_and_descriptors);
}

static void sockets_that_a_sandbox_forbids_are_a_clear_error(void**) {
    const struct {
        const char* name;
        long number;
    } calls[] = {{"socket", SYS_socket},         {"bind", SYS_bind},
                 {"listen", SYS_listen},         {"connect", SYS_connect},
                 {"sendto", SYS_sendto},         {"sendmsg", SYS_sendmsg},
                 {"recvmsg", SYS_recvmsg},       {"getsockopt", SYS_getsockopt},
                 {"setsockopt", SYS_setsockopt}, {"getsockname", SYS_getsockname}};
    for (const auto& call : calls) {
        without(call.name, call.number, sockets_say_that_they_may_not);
    }
}

static void cpus_are_counted_without_asking_for_the_affinity(void**) {
    without("sched_getaffinity", SYS_sched_getaffinity, [] {
        REQUIRE(port::usable_cpus() >= 1);
        REQUIRE(static_cast<long>(port::usable_cpus()) <= sysconf(_SC_NPROCESSORS_CONF));
        return 0;
    });
}

int main() {
    print_message("port: %s\n", port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(processes_are_signalled_without_pidfds),
        cmocka_unit_test(descriptors_are_closed_without_close_range),
        cmocka_unit_test(memory_is_shared_without_memory_files),
        cmocka_unit_test(pipes_work_without_flags_for_one_call),
        cmocka_unit_test(programs_start_without_borrowed_memory_and_newer_limits),
        cmocka_unit_test(random_bytes_come_without_getrandom),
        cmocka_unit_test(a_bell_without_a_robust_list_has_no_keeper),
        cmocka_unit_test(dying_with_another_is_unsupported_where_it_cannot_be_asked_for),
        cmocka_unit_test(sockets_work_without_accept4),
        cmocka_unit_test(sockets_that_a_sandbox_forbids_are_a_clear_error),
        cmocka_unit_test(cpus_are_counted_without_asking_for_the_affinity),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
