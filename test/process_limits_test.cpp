// Goal: where processes or descriptors run out nothing is left half done and a retry works;
// children hold no descriptor of brood's and all of the host's; terminate() never hangs (promises
// 15, 16, 30).
// Method: real limits, for an unprivileged user where root is above them; each host is a program of
// its own (a child of a plain fork).
#include "process_support.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include <brood/pool.hpp>
#include <brood/wait.hpp>

using brood::Errc;
using brood::milliseconds;
using brood::Process;
using brood::ProcessOptions;
using test::assert_ok;
namespace this_process = brood::this_process;

#define HOST_EXPECT CHILD_EXPECT

constexpr int kNotRun = 77;
constexpr int kFdsMax = 256;

/// The open descriptors below kFdsMax, without heap: for children of hosts with threads.
struct Descriptors {
    bool open[kFdsMax] = {};
    static Descriptors now() {
        Descriptors found;
        for (int fd = 0; fd < kFdsMax; ++fd) { found.open[fd] = fcntl(fd, F_GETFD) >= 0; }
        return found;
    }
    /// How many are open here and not there.
    int beyond(const Descriptors& there) const {
        int number = 0;
        for (int fd = 0; fd < kFdsMax; ++fd) { number += open[fd] && !there.open[fd] ? 1 : 0; }
        return number;
    }
};

// ---- 16: descriptors ---------------------------------------------------------------------------

static void children_hold_all_of_the_hosts_descriptors_and_none_of_broods(void**) {
    test::assert_child_exits(0, [] {
        int own[2];
        HOST_EXPECT(pipe(own) == 0 && fcntl(own[1], F_SETFD, FD_CLOEXEC) == 0);
        test::Handshake go;
        const Descriptors before = Descriptors::now();
        {
            Process daemon(ProcessOptions().daemon(), [] {
                for (;;) { pause(); }
            });
            Process plain([&] { go.await(); });
            auto pool =
                brood::Pool::create(brood::PoolOptions().workers(1)).expect("making the pool");
            HOST_EXPECT(daemon.start().ok() && plain.start().ok());
            const Descriptors with_children = Descriptors::now();
            for (int fd = 0; fd < kFdsMax; ++fd) {  // Close-on-exec everywhere.
                const bool ours = with_children.open[fd] && !before.open[fd];
                HOST_EXPECT(!ours || fcntl(fd, F_GETFD) == FD_CLOEXEC);
            }
            const auto look = [&](int lifelines) {
                const Descriptors mine = Descriptors::now();
                CHILD_EXPECT(before.beyond(mine) == 0);
                CHILD_EXPECT(mine.beyond(before) == lifelines);
            };
            Process child(look, 0), late_daemon(ProcessOptions().daemon(), look, 1);
            Process nested([&] {
                Process grandchild(look, 0);
                CHILD_EXPECT(grandchild.start().ok() && grandchild.join(test::kLong).ok());
                CHILD_EXPECT(*grandchild.exit_code() == 0);
            });
            for (Process* process : {&child, &late_daemon, &nested}) {
                HOST_EXPECT(process->start().ok() && process->join(test::kLong).ok());
                HOST_EXPECT(*process->exit_code() == 0);
            }
            test::Board<std::atomic<int>> looked;
            Process detached([&] {
                look(0);
                looked->store(1);
            });
            HOST_EXPECT(detached.detach().ok());
            HOST_EXPECT(test::eventually([&] { return looked->load() == 1; }));
            go.tell();
        }
        const Descriptors after = Descriptors::now();
        HOST_EXPECT(after.beyond(before) == 0 && before.beyond(after) == 0);
        return 0;
    });
}

static std::atomic<bool> g_stop{false};

static void* start_daemons(void*) {
    while (!g_stop.load()) {
        Process daemon(ProcessOptions().daemon(), [] {});
        if (!daemon.start().ok() || !daemon.join(test::kLong).ok()) { return &g_stop; }
        if (test::is_posix_port()) { continue; }  // Its exec keeps a pipe for a moment.
        char text[8];
        const char* const argv[] = {"true", nullptr};
        if (!brood::capture("true", argv, text, sizeof(text)).ok()) { return &g_stop; }
    }
    return nullptr;
}

// A lifeline that another child held by chance would keep a daemon alive after the host.
static void children_started_by_several_threads_hold_none_of_each_others(void**) {
    if (test::is_posix_port()) {
        test::not_run("no descriptor of an exec in children that other threads fork meanwhile",
                      "the posix port keeps this race");
    }
    test::assert_child_exits(0, [] {
        pthread_t thread;
        g_stop = false;
        const Descriptors before = Descriptors::now();
        HOST_EXPECT(pthread_create(&thread, nullptr, start_daemons, nullptr) == 0);
        int held = 0;
        for (int i = 0; i < 300 && held == 0; ++i) {
            Process child([&] { this_process::exit(Descriptors::now().beyond(before)); });
            HOST_EXPECT(child.start().ok() && child.join(test::kLong).ok());
            const pid_t pid = fork();  // The host's own.
            if (pid == 0) { _exit(Descriptors::now().beyond(before)); }
            int status = 0;
            HOST_EXPECT(waitpid(pid, &status, 0) == pid);
            held = *child.exit_code() + status;
        }
        void* failed = nullptr;
        g_stop = true;
        pthread_join(thread, &failed);
        HOST_EXPECT(failed == nullptr);
        HOST_EXPECT(held == 0);
        return 0;
    });
}

/// What start(), detach(), exec() and capture() say where only `code` is possible.
static void expect_refused(Errc code, bool plain_needs_it, Process& plain, Process& daemon) {
    const char* const argv[] = {"true", nullptr};
    char text[8];
    Process detached([] {});
    if (plain_needs_it) {
        HOST_EXPECT(plain.start().code() == code);
        HOST_EXPECT(Process::exec("true", argv).code() == code);
    }
    HOST_EXPECT(daemon.start().code() == code);
    HOST_EXPECT(detached.detach().code() == code);
    HOST_EXPECT(brood::capture("true", argv, text, sizeof(text)).code() == code);
    for (Process* process : {&daemon, &detached}) {
        HOST_EXPECT(process->pid() == 0 && !process->is_alive());
        HOST_EXPECT(process->join().code() == Errc::not_started);
    }
    HOST_EXPECT(brood::active_children(nullptr, 0) == 0);
    HOST_EXPECT(waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD);
}

static void expect_runs(Process& process) {
    HOST_EXPECT(process.start().ok() && process.join(test::kLong).ok());
    HOST_EXPECT(*process.exit_code() == 0);
}

static void without_descriptors_start_says_too_many_files_and_a_retry_works(void**) {
    test::assert_child_exits(0, [] {
        Process warm_up([] {}), plain([] {}), daemon(ProcessOptions().daemon(), [] {});
        expect_runs(warm_up);
        const Descriptors before = Descriptors::now();
        rlimit limit = {};
        HOST_EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
        const rlim_t enough = limit.rlim_cur;
        for (rlim_t left = 0; left < 4; ++left) {  // A daemon needs four: a part is undone.
            limit.rlim_cur = 3;
            while (before.open[limit.rlim_cur]) { ++limit.rlim_cur; }
            for (rlim_t free = 0; free < left; ++limit.rlim_cur) {
                free += before.open[limit.rlim_cur] ? 0 : 1;
            }
            HOST_EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
            HOST_EXPECT(daemon.start().code() == Errc::too_many_files);
            if (left < 2) { expect_refused(Errc::too_many_files, false, plain, daemon); }
            limit.rlim_cur = enough;
            HOST_EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
            HOST_EXPECT(Descriptors::now().beyond(before) == 0);
        }
        limit.rlim_cur = 0;
        while (before.open[limit.rlim_cur]) { ++limit.rlim_cur; }
        HOST_EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        Process watched([] { pause(); });  // Needs none: it is only watched more slowly.
        HOST_EXPECT(watched.start().ok() && watched.sentinel() == -1);
        HOST_EXPECT(watched.join(milliseconds(15)).code() == Errc::timed_out);
        HOST_EXPECT(brood::wait({watched}, milliseconds(15)).code() == Errc::timed_out);
        HOST_EXPECT(watched.kill().ok() && *brood::wait({watched}, test::kLong) == 0);
        HOST_EXPECT(*watched.exit_code() == -SIGKILL);
        limit.rlim_cur = enough;
        HOST_EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        expect_runs(plain);
        expect_runs(daemon);
        return 0;
    });
}

// ---- 15: processes -----------------------------------------------------------------------------

/// A user whom nobody else is, with room for `processes` at a time; they can be more again later.
static bool become_user_with(rlim_t processes) {
    const uid_t uid = 54321 + static_cast<uid_t>(getpid() % 10000);
    const rlimit limit = {processes, 100};
    return setrlimit(RLIMIT_NPROC, &limit) == 0 && setresuid(uid, uid, uid) == 0;
}

static bool bare_fork_fails() {
    const pid_t pid = fork();
    if (pid == 0) { _exit(0); }
    if (pid > 0) { waitpid(pid, nullptr, 0); }
    return pid < 0 && errno == EAGAIN;
}

static void without_processes_start_says_too_many_processes_and_a_retry_works(void**) {
    const int code = test::run_child([] {
        Process warm_up([] {}), plain([] {}), daemon(ProcessOptions().daemon(), [] {});
        expect_runs(warm_up);
        const Descriptors before = Descriptors::now();
        if (!become_user_with(1) || !bare_fork_fails()) { return kNotRun; }
        expect_refused(Errc::too_many_processes, true, plain, daemon);
        HOST_EXPECT(Descriptors::now().beyond(before) == 0);
        const rlimit more = {20, 100};
        HOST_EXPECT(setrlimit(RLIMIT_NPROC, &more) == 0);
        expect_runs(plain);
        expect_runs(daemon);
        Process detached([] {});
        HOST_EXPECT(detached.detach().ok());
        return 0;
    });
    if (code == kNotRun) { return test::not_run("RLIMIT_NPROC", "it does not bind here"); }
    assert_int_equal(code, 0);
}

static void a_second_fork_that_fails_is_reported_and_undone(void**) {
    const int code = test::run_child([] {
        if (!become_user_with(2)) { return kNotRun; }
        const pid_t other = fork();  // The bare second fork must fail.
        if (other == 0) {
            for (;;) { pause(); }
        }
        const bool binds = bare_fork_fails();
        HOST_EXPECT(kill(other, SIGKILL) == 0 && waitpid(other, nullptr, 0) == other);
        if (!binds) { return kNotRun; }
        Process detached([] {}), daemon(ProcessOptions().daemon(), [] {});
        HOST_EXPECT(detached.detach().code() == Errc::too_many_processes);
        if (test::is_posix_port()) {  // There a daemon hangs below a guardian.
            HOST_EXPECT(daemon.start().code() == Errc::too_many_processes);
        }
        HOST_EXPECT(waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD);
        const rlimit more = {20, 100};
        HOST_EXPECT(setrlimit(RLIMIT_NPROC, &more) == 0);
        expect_runs(daemon);
        HOST_EXPECT(detached.detach().ok());
        return 0;
    });
    if (code == kNotRun) { return test::not_run("RLIMIT_NPROC 2", "it does not bind here"); }
    assert_int_equal(code, 0);
}

// ---- 30: terminate() never deadlocks -----------------------------------------------------------

static void spin_us(std::int64_t us) {
    const std::int64_t end = test::now_ns() + us * 1000;
    while (test::now_ns() < end) {}
}

static void terminate_at_any_moment_of_a_start_ends_the_child(void**) {
    test::Random random(30);
    const ProcessOptions kinds[] = {ProcessOptions(), ProcessOptions().daemon(),
                                    ProcessOptions().group()};
    for (int i = 0; i < 150; ++i) {
        Process process(kinds[i % 3], [] {
            for (;;) { pause(); }
        });
        assert_ok(process.start());
        spin_us(random.below(400));
        assert_ok(process.terminate());
        assert_int_equal(test::end_of(process), -SIGTERM);
    }
}

static void terminate_ends_what_is_stopped_blocked_or_holds_a_full_pipe(void**) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    Process stopped([] {
        for (;;) { pause(); }
    }),
        full([&] {
            char page[4096] = {};
            while (write(fds[1], page, sizeof(page)) > 0) {}
        });
    Process masked([] {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, nullptr);
        for (;;) { pause(); }
    });
    for (Process* process : {&stopped, &full, &masked}) { assert_ok(process->start()); }
    test::wait_until_blocked(full.pid());
    test::wait_until_blocked(masked.pid());
    assert_ok(stopped.send_signal(SIGSTOP));
    test::await_state(stopped.pid(), 'T');
    // Joining before the pipe is drained does not hang either: it says so.
    test::assert_code(full.join(milliseconds(20)), Errc::timed_out);
    for (Process* process : {&stopped, &full, &masked}) {
        assert_ok(process->terminate(milliseconds(20)));
    }
    assert_int_equal(*stopped.exit_code(), -SIGKILL);
    assert_int_equal(*full.exit_code(), -SIGTERM);
    assert_int_equal(*masked.exit_code(), -SIGKILL);
    close(fds[0]);
    close(fds[1]);
}

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(children_hold_all_of_the_hosts_descriptors_and_none_of_broods),
        cmocka_unit_test(children_started_by_several_threads_hold_none_of_each_others),
        cmocka_unit_test(without_descriptors_start_says_too_many_files_and_a_retry_works),
        cmocka_unit_test(without_processes_start_says_too_many_processes_and_a_retry_works),
        cmocka_unit_test(a_second_fork_that_fails_is_reported_and_undone),
        cmocka_unit_test(terminate_at_any_moment_of_a_start_ends_the_child),
        cmocka_unit_test(terminate_ends_what_is_stopped_blocked_or_holds_a_full_pipe),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
