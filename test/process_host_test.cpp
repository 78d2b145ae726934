// Goal: brood lives inside somebody else's program: its children, its signal handlers, its threads,
// its forks and its buffered output stay as they are (promises 23, 24, 24b, 29).
// Method: each host is a program of its own (a child of a plain fork) that does what hosts do.
#include "process_support.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>

#include <brood/lock.hpp>
#include <brood/pool.hpp>
#include <brood/wait.hpp>

using brood::Errc;
using brood::milliseconds;
using brood::Process;
using brood::ProcessOptions;
using test::reuse_pid;
namespace this_process = brood::this_process;

#define HOST_EXPECT CHILD_EXPECT

// ---- 23: the host's children and its SIGCHLD ---------------------------------------------------

static std::atomic<int> g_ended{0};

static void a_host_with_children_and_a_handler_of_its_own_is_not_disturbed(void**) {
    test::assert_child_exits(0, [] {
        struct sigaction mine = {}, now = {};
        mine.sa_handler = [](int) { g_ended.fetch_add(1); };
        mine.sa_flags = SA_NOCLDSTOP | SA_RESTART;
        sigaddset(&mine.sa_mask, SIGUSR2);
        HOST_EXPECT(sigaction(SIGCHLD, &mine, nullptr) == 0);
        const pid_t own = fork();
        if (own == 0) { _exit(33); }
        HOST_EXPECT(test::eventually([] { return g_ended.load() >= 1; }));
        Process process([] { this_process::exit(7); });
        Process daemon(ProcessOptions().daemon(), [] { this_process::exit(8); });
        Process detached([] {});
        HOST_EXPECT(process.start().ok() && daemon.start().ok() && detached.detach().ok());
        HOST_EXPECT(process.join(test::kLong).ok() && daemon.join(test::kLong).ok());
        HOST_EXPECT(*process.exit_code() == 7 && *daemon.exit_code() == 8);
        Process* list[1];
        HOST_EXPECT(brood::active_children(list, 1) == 0);
        HOST_EXPECT(brood::wait_any(list, 0).code() == Errc::no_children);
        int status = 0;
        HOST_EXPECT(waitpid(own, &status, WNOHANG) == own && WEXITSTATUS(status) == 33);
        HOST_EXPECT(waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD);
        HOST_EXPECT(sigaction(SIGCHLD, nullptr, &now) == 0);
        HOST_EXPECT(now.sa_handler == mine.sa_handler && sigismember(&now.sa_mask, SIGUSR2) == 1);
        HOST_EXPECT((now.sa_flags & (SA_NOCLDSTOP | SA_RESTART)) == mine.sa_flags);
        return 0;
    });
}

/// The whole of what is said of a child that somebody else has reaped.
static void expect_stolen(Process& process) {
    HOST_EXPECT(process.join(test::kLong).code() == Errc::status_stolen);
    HOST_EXPECT(process.join().code() == Errc::status_stolen);
    HOST_EXPECT(process.exit_code().code() == Errc::status_stolen);
    HOST_EXPECT(!process.is_alive());
    HOST_EXPECT(process.terminate().ok() && process.kill().ok());
    HOST_EXPECT(process.close().ok());
}

static void a_host_that_ignores_sigchld_gets_status_stolen(void**) {
    test::assert_child_exits(0, [] {
        signal(SIGCHLD, SIG_IGN);
        for (const bool daemon : {false, true}) {
            const ProcessOptions options = ProcessOptions().daemon(daemon);
            Process ends(options, [] {}), waits(options, [] { pause(); }),
                sleeps(options, [] { test::sleep_ms(30); });
            HOST_EXPECT(ends.start().ok() && waits.start().ok() && sleeps.start().ok());
            HOST_EXPECT(waits.join(milliseconds(20)).code() == Errc::timed_out);
            HOST_EXPECT(sleeps.join().code() == Errc::status_stolen);  // Woken without a timeout.
            expect_stolen(ends);
            Process* const list[] = {&waits};
            HOST_EXPECT(waits.kill().ok());
            HOST_EXPECT(*brood::wait_any(list, 1, test::kLong) == 0);
            expect_stolen(waits);
        }
        Process forgotten([] {});
        HOST_EXPECT(forgotten.start().ok());
        Process detached([] {});
        HOST_EXPECT(detached.detach().ok());
        return 0;  // ~Process does not hang either.
    });
}

static void a_host_that_reaps_everything_gets_status_stolen(void**) {
    test::assert_child_exits(0, [] {
        g_ended = 0;
        signal(SIGCHLD, [](int) {
            while (waitpid(-1, nullptr, WNOHANG) > 0) { g_ended.fetch_add(1); }
        });
        Process process([] {});
        HOST_EXPECT(process.start().ok());
        HOST_EXPECT(test::eventually([] { return g_ended.load() == 1; }));
        expect_stolen(process);
        Process running([] { pause(); });  // Reaped in the middle of a join.
        HOST_EXPECT(running.start().ok());
        HOST_EXPECT(running.join(milliseconds(20)).code() == Errc::timed_out);
        HOST_EXPECT(running.kill().ok());
        const Errc joined = running.join(test::kLong).code();
        HOST_EXPECT(joined == Errc::status_stolen || joined == Errc::ok);
        return 0;
    });
}

static void no_signal_ever_reaches_a_reused_pid(void**) {
    const int code = test::run_as_pid_1([] {
        // The stranger is not the host's child, or is: then only a descriptor tells them apart.
        for (const bool own : {false, true}) {
            if (own && test::is_posix_port()) { return 79; }
            Process process([] {});
            HOST_EXPECT(process.start().ok());
            const pid_t pid = process.pid();
            HOST_EXPECT(waitpid(pid, nullptr, 0) == pid);  // The host steals it.
            test::Board<std::atomic<pid_t>> made;
            test::Board<std::atomic<int>> beats;
            pid_t parent = 0;
            if (own) {
                made->store(reuse_pid(pid, *beats));
            } else if ((parent = fork()) == 0) {
                made->store(reuse_pid(pid, *beats));
                for (;;) { pause(); }
            }
            HOST_EXPECT(test::eventually([&] { return made->load() != 0; }));
            if (made->load() < 0) { return 77; }
            HOST_EXPECT(made->load() == pid);
            HOST_EXPECT(process.terminate().ok() && process.kill().ok());
            HOST_EXPECT(process.send_signal(SIGUSR1).ok());
            const int counted = beats->load();
            HOST_EXPECT(test::eventually([&] { return beats->load() > counted + 10; }));
            HOST_EXPECT(kill(pid, SIGKILL) == 0);
            if (parent != 0) { HOST_EXPECT(kill(parent, SIGKILL) == 0); }
            // Nor is the end of the stranger taken for that of the child.
            siginfo_t ended = {};
            if (own) { HOST_EXPECT(waitid(P_PID, id_t(pid), &ended, WEXITED | WNOWAIT) == 0); }
            expect_stolen(process);
            if (own) { HOST_EXPECT(waitpid(pid, nullptr, WNOHANG) == pid); }
        }
        return 0;
    });
    if (code == 77 || code == test::kNoNamespace) {
        return test::not_run("no signal to a reused pid", "no namespace, or no clone3 here");
    }
    if (code == 79) {
        return test::not_run("no signal to a pid reused by a child of the host",
                             "POSIX has no descriptor for a process");
    }
    assert_int_equal(code, 0);
}

// What is above a daemon (a guardian, in the posix port) may be joined long after its end.
static void joining_a_killed_daemon_late_harms_nobody_who_has_its_pid_by_now(void**) {
    const int code = test::run_as_pid_1([] {
        Process daemon(ProcessOptions().daemon(), [] {
            for (;;) { pause(); }
        });
        HOST_EXPECT(daemon.start().ok());
        const pid_t pid = daemon.pid();
        HOST_EXPECT(kill(pid, SIGKILL) == 0);
        siginfo_t ended = {};
        HOST_EXPECT(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) == 0);
        test::Board<std::atomic<int>> beats;
        const pid_t stranger = reuse_pid(pid, *beats);
        if (stranger < 0 && errno != EEXIST) { return 77; }  // EEXIST: it is the zombie's still.
        HOST_EXPECT(daemon.join(test::kLong).ok() && *daemon.exit_code() == -SIGKILL);
        if (stranger < 0) { return 0; }
        test::sleep_ms(20);
        HOST_EXPECT(waitpid(stranger, nullptr, WNOHANG) == 0 && kill(stranger, SIGKILL) == 0);
        return 0;
    });
    if (code == 77 || code == test::kNoNamespace) {
        return test::not_run("a late join of a killed daemon", "no namespace, or no clone3 here");
    }
    assert_int_equal(code, 0);
}

// ---- 24: threads -------------------------------------------------------------------------------

static std::atomic<bool> g_stop{false};

static void* allocate(void*) {
    unsigned seed = 1;
    void* kept[16] = {};
    while (!g_stop.load()) {
        seed = seed * 1103515245 + 12345;
        void*& slot = kept[seed >> 16 & 15];
        free(slot);
        slot = malloc(16 + (seed >> 8 & 4095));
        if ((seed >> 16 & 63) == 0) { sched_yield(); }
    }
    for (void* slot : kept) { free(slot); }
    return nullptr;
}

static void a_host_with_8_threads_that_allocate_forks_200_children(void**) {
    test::assert_child_exits(0, [] {
        pthread_t threads[8];
        for (pthread_t& thread : threads) {
            HOST_EXPECT(pthread_create(&thread, nullptr, allocate, nullptr) == 0);
        }
        for (int i = 0; i < 200 / test::kForkShare; i += 4) {
            Process processes[4];
            for (Process& process : processes) {
                const bool daemon = &process == &processes[3];
                process = Process(ProcessOptions().daemon(daemon), [] { this_process::exit(5); });
                HOST_EXPECT(process.start().ok());
            }
            for (Process& process : processes) {
                HOST_EXPECT(process.join(test::kLong).ok() && *process.exit_code() == 5);
            }
        }
        g_stop = true;
        for (pthread_t& thread : threads) { pthread_join(thread, nullptr); }
        return 0;
    });
}

// ---- 24b: the host's own fork ------------------------------------------------------------------

static int add_one(int number) {
    return number + 1;
}

static void a_plain_fork_owns_nothing_and_destroys_nothing(void**) {
    test::assert_child_exits(0, [] {
        test::Handshake go;
        auto pool = brood::Pool::create(brood::PoolOptions().workers(2)).expect("making the pool");
        auto lock = brood::Lock::create().expect("making the lock");
        Process daemon(ProcessOptions().daemon(), [] {
            for (;;) { pause(); }
        });
        Process plain([&] { this_process::exit(go.await() ? 6 : 7); });
        HOST_EXPECT(daemon.start().ok() && plain.start().ok() && lock.take().ok());
        const pid_t child = fork();
        if (child == 0) {
            HOST_EXPECT(plain.join().code() == Errc::wrong_process);
            HOST_EXPECT(daemon.terminate().code() == Errc::wrong_process);
            HOST_EXPECT(brood::active_children(nullptr, 0) == 0);
            HOST_EXPECT(lock.release().code() == Errc::not_owner);
            HOST_EXPECT(lock.take(milliseconds(10)).code() == Errc::timed_out);
            HOST_EXPECT(pool.terminate().code() == Errc::wrong_process);
            {
                brood::Pool taken = std::move(pool);
                Process also_taken = std::move(daemon), and_this = std::move(plain);
            }
            Process mine([] { this_process::exit(9); });  // It may have children of its own.
            HOST_EXPECT(mine.start().ok() && mine.join(test::kLong).ok());
            HOST_EXPECT(*mine.exit_code() == 9);
            this_process::exit(0);
        }
        int status = 0;
        HOST_EXPECT(waitpid(child, &status, 0) == child && status == 0);
        HOST_EXPECT(daemon.is_alive() && plain.is_alive());
        HOST_EXPECT(*pool.apply(add_one, 41) == 42);
        HOST_EXPECT(lock.release().ok());
        go.tell();
        HOST_EXPECT(plain.join(test::kLong).ok() && *plain.exit_code() == 6);
        HOST_EXPECT(daemon.terminate(test::kLong).ok() && *daemon.exit_code() == -SIGTERM);
        return 0;
    });
}

// ---- 29: buffered output -----------------------------------------------------------------------

/// Runs `body` with standard output in a file or a pipe: all that came out.
template <class F>
static std::size_t output_of(bool to_pipe, char (&text)[4096], F body) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char path[] = "/tmp/brood_output_XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    const pid_t pid = test::start_child([&] {
        dup2(to_pipe ? ends[1] : file, STDOUT_FILENO);
        close(ends[1]);
        const int code = body();
        fflush(stdout);
        return code;
    });
    close(ends[1]);
    assert_int_equal(test::join_child(pid), 0);
    if (!to_pipe) { lseek(file, 0, SEEK_SET); }
    const ssize_t got = read(to_pipe ? ends[0] : file, text, sizeof(text) - 1);
    assert_true(got >= 0);
    text[got] = '\0';
    close(ends[0]);
    close(file);
    return static_cast<std::size_t>(got);
}

static void buffered_output_appears_once(void**) {
    for (const bool to_pipe : {false, true}) {
        char text[4096];
        output_of(to_pipe, text, [] {
            printf("host;");  // Without an end of line: still in the buffer.
            Process plain([] { printf("plain;"); });
            Process daemon(ProcessOptions().daemon(), [] { printf("daemon;"); });
            for (Process* process : {&plain, &daemon}) {
                if (!process->start().ok() || !process->join(test::kLong).ok()) { return 1; }
                printf("next;");
            }
            const char* const argv[] = {"echo", "exec;", nullptr};
            brood::Result<Process> program = Process::exec("echo", argv);
            return program.ok() && program->join(test::kLong).ok() ? 0 : 2;
        });
        assert_string_equal(text, "host;plain;next;daemon;next;exec;\n");
    }
}

static void output_that_the_host_could_not_write_is_not_written_by_its_children(void**) {
    if (test::is_posix_port()) {
        return test::not_run("a child drops what its parent could not write",
                             "POSIX cannot drop a stream's buffer");
    }
    char text[4096];
    output_of(false, text, [] {
        const int there = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY);
        printf("lost;");
        Process process([=] { dup2(there, STDOUT_FILENO); });
        dup2(full, STDOUT_FILENO);
        if (!process.start().ok() || !process.join(test::kLong).ok()) { return 1; }
        return *process.exit_code();
    });
    assert_string_equal(text, "");
}

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_host_with_children_and_a_handler_of_its_own_is_not_disturbed),
        cmocka_unit_test(a_host_that_ignores_sigchld_gets_status_stolen),
        cmocka_unit_test(a_host_that_reaps_everything_gets_status_stolen),
        cmocka_unit_test(no_signal_ever_reaches_a_reused_pid),
        cmocka_unit_test(joining_a_killed_daemon_late_harms_nobody_who_has_its_pid_by_now),
        cmocka_unit_test(a_host_with_8_threads_that_allocate_forks_200_children),
        cmocka_unit_test(a_plain_fork_owns_nothing_and_destroys_nothing),
        cmocka_unit_test(buffered_output_appears_once),
        cmocka_unit_test(output_that_the_host_could_not_write_is_not_written_by_its_children),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
