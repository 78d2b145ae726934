// Goal: every port starts programs as SpawnPlan says, and reports the step that failed.
// Method: /bin/sh as the program, which prints or exits with what it finds.
#include "support.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>

#include <port/port.hpp>

namespace port = brood::port;
using brood::Errc;
using test::assert_code;
using test::assert_ok;

// A plan that runs `script` in a shell.
struct Shell {
    explicit Shell(const char* script) {
        arguments[2] = script;
        plan.path = "/bin/sh";
        plan.arguments = arguments;
    }
    const char* arguments[4] = {"sh", "-c", nullptr, nullptr};
    port::SpawnPlan plan;
};

static int exit_code_of(const port::SpawnPlan& plan) {
    const brood::Result<port::Pid> pid = port::spawn(plan);
    assert_ok(pid);
    return test::join_child(*pid);
}

// What the program prints, without the last line's end. Static.
static const char* output_of(port::SpawnPlan plan) {
    static char text[4096];
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    plan.output = ends[1];
    const brood::Result<port::Pid> pid = port::spawn(plan);
    close(ends[1]);
    assert_ok(pid);
    std::size_t bytes = 0;
    ssize_t count = 0;
    while ((count = read(ends[0], text + bytes, sizeof(text) - 1 - bytes)) > 0) {
        bytes += static_cast<std::size_t>(count);
    }
    close(ends[0]);
    text[bytes] = '\0';
    if (bytes > 0 && text[bytes - 1] == '\n') { text[bytes - 1] = '\0'; }
    test::join_child(*pid);
    return text;
}

static void assert_exec_failed(const port::SpawnPlan& plan, int os_error) {
    const std::size_t descriptors = test::open_descriptors();
    const brood::Result<port::Pid> pid = port::spawn(plan);
    assert_code(pid, Errc::exec_failed);
    assert_int_equal(pid.error().os_error(), os_error);
    assert_int_equal(test::open_descriptors(), descriptors);
    assert_int_equal(waitpid(-1, nullptr, WNOHANG), -1);  // No child was left.
}

static void a_program_runs_with_its_arguments_and_ends_with_its_code(void**) {
    const std::size_t descriptors = test::open_descriptors();
    Shell shell("exit 7");
    assert_int_equal(exit_code_of(shell.plan), 7);
    const char* const echo[] = {"echo", "one", "", "two words", nullptr};
    port::SpawnPlan plan;
    plan.path = "/bin/echo";
    plan.arguments = echo;
    assert_string_equal(output_of(plan), "one  two words");
    assert_int_equal(test::open_descriptors(), descriptors);
}

static void a_name_without_slash_is_searched_in_path(void**) {
    const char* const former = getenv("PATH");
    char kept[4096];
    snprintf(kept, sizeof(kept), "%s", former != nullptr ? former : "/usr/bin:/bin");
    Shell shell("exit 5");
    shell.plan.path = "sh";
    assert_int_equal(exit_code_of(shell.plan), 5);
    setenv("PATH", "/nonexistent:/dev/null:/usr/bin:/bin", 1);  // ENOENT, ENOTDIR, found.
    assert_int_equal(exit_code_of(shell.plan), 5);
    setenv("PATH", "/nonexistent", 1);
    assert_exec_failed(shell.plan, ENOENT);
    setenv("PATH", "", 1);  // The working directory.
    shell.plan.directory = "/bin";
    assert_int_equal(exit_code_of(shell.plan), 5);
    shell.plan.directory = nullptr;
    setenv("PATH", kept, 1);
}

static void the_environment_is_the_callers_or_the_plans(void**) {
    setenv("BROOD_PORT_TEST", "inherited", 1);
    Shell shell("echo $BROOD_PORT_TEST");
    assert_string_equal(output_of(shell.plan), "inherited");
    const char* const environment[] = {"BROOD_PORT_TEST=given", nullptr};
    shell.plan.environment = environment;
    assert_string_equal(output_of(shell.plan), "given");
    unsetenv("BROOD_PORT_TEST");
}

static void the_step_that_failed_is_reported_with_its_errno(void**) {
    Shell shell("exit 0");
    shell.plan.path = "/nonexistent/program";
    assert_exec_failed(shell.plan, ENOENT);
    shell.plan.path = "";
    assert_exec_failed(shell.plan, ENOENT);
    shell.plan.path = "/";
    assert_exec_failed(shell.plan, EACCES);
    shell.plan.path = "/bin/sh";
    shell.plan.directory = "/nonexistent";
    assert_exec_failed(shell.plan, ENOENT);
    shell.plan.directory = nullptr;
    shell.plan.output = 999;
    assert_exec_failed(shell.plan, EBADF);
    shell.plan.output = port::kNoFd;
    const port::ResourceLimit wrong = {9999, 1, 1};
    shell.plan.limits = &wrong;
    shell.plan.limit_count = 1;
    assert_exec_failed(shell.plan, EINVAL);
}

static void a_plan_without_a_program_is_refused(void**) {
    Shell shell("exit 0");
    shell.plan.path = nullptr;
    assert_code(port::spawn(shell.plan), Errc::bad_argument);
    shell.plan.path = "/bin/sh";
    shell.plan.arguments = nullptr;
    assert_code(port::spawn(shell.plan), Errc::bad_argument);
}

static void the_directory_is_the_plans(void**) {
    Shell shell("pwd");
    shell.plan.directory = "/usr";
    assert_string_equal(output_of(shell.plan), "/usr");
}

// Each of 0, 1, 2 is a file that holds its own number; the program prints what it finds in each.
static int shuffled(port::Fd input, port::Fd output, port::Fd error) {
    for (int fd = 0; fd <= 2; ++fd) {
        FILE* const file = tmpfile();
        if (file == nullptr || dup2(fileno(file), fd) < 0) { return 1; }
        const char digit = static_cast<char>('0' + fd);
        if (pwrite(fd, &digit, 1, 0) != 1) { return 2; }
    }
    // Every descriptor appends its own place to what it was given.
    Shell shell("for fd in 0 1 2; do eval \"printf $fd >>/proc/self/fd/$fd\"; done");
    shell.plan.input = input;
    shell.plan.output = output;
    shell.plan.error = error;
    const brood::Result<port::Pid> pid = port::spawn(shell.plan);
    if (!pid.ok() || waitpid(*pid, nullptr, 0) != *pid) { return 3; }

    const port::Fd sources[3] = {input, output, error};
    char expected[3][8] = {"0", "1", "2"};
    for (int target = 0; target <= 2; ++target) {
        const int source = sources[target] < 0 ? target : sources[target];
        const std::size_t length = strlen(expected[source]);
        expected[source][length] = static_cast<char>('0' + target);
        expected[source][length + 1] = '\0';
    }
    for (int fd = 0; fd <= 2; ++fd) {
        char found[8] = {};
        if (pread(fd, found, sizeof(found) - 1, 0) < 0) { return 4; }
        if (strcmp(found, expected[fd]) != 0) { return 10 + fd; }
    }
    return 0;
}

static void descriptors_are_placed_in_any_order(void**) {
    for (port::Fd input = -1; input <= 2; ++input) {
        for (port::Fd output = -1; output <= 2; ++output) {
            for (port::Fd error = -1; error <= 2; ++error) {
                const int code = test::run_child([&] { return shuffled(input, output, error); });
                if (code != 0) { fail_msg("%d %d %d: %d", input, output, error, code); }
            }
        }
    }
}

static void a_host_without_standard_descriptors_can_start_programs(void**) {
    test::assert_child_exits(0, [] {
        const int file = open("/dev/full", O_RDWR | O_CLOEXEC);
        const int kept = fcntl(file, F_DUPFD_CLOEXEC, 10);
        for (int fd = 0; fd < 10; ++fd) { close(fd); }
        Shell shell(
            "test -e /proc/self/fd/0 || exit 1; test /dev/full -ef /proc/self/fd/1 || "
            "exit 2; test ! -e /proc/self/fd/3 || exit 3; exit 9");
        shell.plan.null_input = true;
        shell.plan.output = kept;
        const brood::Result<port::Pid> pid = port::spawn(shell.plan);
        int status = 0;
        if (!pid.ok() || waitpid(*pid, &status, 0) != *pid) { return 50; }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 9) { return WEXITSTATUS(status); }
        shell.plan.path = "/nonexistent";
        return port::spawn(shell.plan).code() == Errc::exec_failed ? 0 : 51;
    });
}

static void input_can_be_nothing(void**) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    test::assert_child_exits(0, [&] {
        dup2(ends[0], STDIN_FILENO);
        Shell shell("test /dev/null -ef /proc/self/fd/0 && ! read line");
        shell.plan.null_input = true;
        const brood::Result<port::Pid> pid = port::spawn(shell.plan);
        int status = 1;
        if (!pid.ok() || waitpid(*pid, &status, 0) != *pid) { return 2; }
        return status == 0 ? 0 : 1;
    });
    close(ends[0]);
    close(ends[1]);
}

static void only_what_is_not_close_on_exec_is_handed_on(void**) {
    const int given = open("/dev/null", O_RDONLY);
    const int mine = fcntl(given, F_DUPFD_CLOEXEC, 60);
    Shell shell("cd /proc/self/fd && echo *");
    const char* const found = output_of(shell.plan);
    char expected[64];
    snprintf(expected, sizeof(expected), " %d", given);
    assert_non_null(strstr(found, expected));
    snprintf(expected, sizeof(expected), " %d", mine);
    assert_null(strstr(found, expected));
    close(mine);
    close(given);
}

static void signals_start_at_their_defaults_with_an_empty_mask(void**) {
    test::assert_child_exits(0, [] {
        signal(SIGUSR1, SIG_IGN);
        signal(SIGUSR2, [](int) {});
        port::signal_mask(port::MaskChange::block, ~std::uint64_t{0});
        const port::SignalMask before = port::signal_mask(port::MaskChange::block, 0);
        // Not in a shell, which sets signals of its own.
        const char* const cat[] = {"cat", "/proc/self/status", nullptr};
        port::SpawnPlan plan;
        plan.path = "cat";
        plan.arguments = cat;
        const char* const text = output_of(plan);
        for (const char* set : {"SigBlk:\t", "SigIgn:\t", "SigCgt:\t"}) {
            const char* const found = strstr(text, set);
            if (found == nullptr) { return 1; }
            // glibc keeps signals 32 and 33 to itself; its posix_spawn(), by which make may have
            // started the suite, leaves them ignored, and sigaction() cannot change that; nor can
            // anything under qemu-user, which keeps them, too.
            const bool may_keep = test::is_emulated() || strcmp(port::kName, "posix") == 0;
            const std::uint64_t glibcs = std::uint64_t{3} << 31;
            const std::uint64_t mask = strtoull(found + 8, nullptr, 16);
            if ((may_keep ? mask & ~glibcs : mask) != 0) { return 1; }
        }
        return port::signal_mask(port::MaskChange::block, 0) == before ? 0 : 2;
    });
}

static void it_can_lead_a_group_or_a_session(void**) {
    // pid (comm) state ppid pgrp session
    Shell shell(
        "read -r pid comm state ppid pgrp session rest </proc/self/stat; "
        "echo $((pid == pgrp)) $((pid == session))");
    assert_string_equal(output_of(shell.plan), "0 0");
    shell.plan.new_group = true;
    assert_string_equal(output_of(shell.plan), "1 0");
    shell.plan.new_session = true;
    assert_string_equal(output_of(shell.plan), "1 1");
    shell.plan.new_group = false;
    assert_string_equal(output_of(shell.plan), "1 1");
}

static void limits_and_niceness_are_set(void**) {
    Shell shell("ulimit -Sn; ulimit -Hn; ulimit -c; nice");
    const port::ResourceLimit limits[] = {{RLIMIT_NOFILE, 20, 30}, {RLIMIT_CORE, 0, 0}};
    shell.plan.limits = limits;
    shell.plan.limit_count = 2;
    shell.plan.set_nice = true;
    shell.plan.nice = getpriority(PRIO_PROCESS, 0) + 3;  // Less is not for everybody.
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, "20\n30\n0\n%d", shell.plan.nice);
    assert_string_equal(output_of(shell.plan), wanted);
}

static void it_can_run_as_another_user(void**) {
    if (geteuid() != 0) {
        test::not_run("spawn as another user", "needs root");
        return;
    }
    const gid_t more[] = {0, 4321};
    assert_int_equal(setgroups(2, more), 0);
    Shell shell("id -u; id -g; id -G");
    shell.plan.uid = 65534;
    shell.plan.gid = 65534;
    // A port that cannot drop the caller's supplementary groups must not keep them either.
    if (strcmp(port::kName, "posix") == 0) {
        assert_code(port::spawn(shell.plan), brood::Errc::unsupported);
        test::not_run("spawn drops supplementary groups", "unsupported by this port");
        assert_int_equal(setgroups(0, nullptr), 0);
    }
    const char* const found = output_of(shell.plan);
    assert_int_equal(setgroups(0, nullptr), 0);
    assert_string_equal(found, "65534\n65534\n65534");
}

static void cpus_can_be_chosen(void**) {
    Shell shell("grep Cpus_allowed_list /proc/self/status | tr -dc 0-9,-");
    const std::uint32_t cpus[] = {0};
    shell.plan.cpus = cpus;
    shell.plan.cpu_count = 1;
    const brood::Result<port::Pid> pid = port::spawn(shell.plan);
    if (test::is_unsupported(pid.status(), "spawn with cpus")) { return; }
    assert_ok(pid);
    test::join_child(*pid);
    assert_string_equal(output_of(shell.plan), "0");
}

static void it_dies_with_its_lifeline_also_after_the_exec(void**) {
    int line[2];
    assert_int_equal(pipe2(line, O_CLOEXEC), 0);
    Shell shell("exec sleep 1000");
    shell.plan.lifeline = line[0];
    const brood::Result<port::Pid> pid = port::spawn(shell.plan);
    if (!test::is_unsupported(pid.status(), "spawn with a lifeline")) {
        assert_ok(pid);
        assert_int_equal(waitpid(*pid, nullptr, WNOHANG), 0);
        close(line[0]);  // The program has kept it open by itself.
        line[0] = -1;
        close(line[1]);
        line[1] = -1;
        assert_int_equal(test::join_child(*pid), -SIGKILL);
    }
    close(line[0]);
    close(line[1]);
}

// Every child of the forking thread lives as long as the test: if one of them inherited what
// spawn() waits for, spawn() would hang.
static void it_does_not_wait_for_processes_that_other_threads_fork(void**) {
    test::assert_child_exits(0, [] {
        static std::atomic<bool> stop{false};
        setpgid(0, 0);
        pthread_t forker;
        pthread_create(
            &forker, nullptr,
            [](void*) -> void* {
                for (int count = 0; count < 300 && !stop; ++count) {
                    if (fork() == 0) {
                        pause();
                        _exit(0);
                    }
                }
                return nullptr;
            },
            nullptr);
        Shell shell("exit 3");
        bool ok = true;
        const std::int64_t deadline = test::in_ms(1000);
        while (ok && test::now_ns() < deadline) {
            alarm(10);  // Ends a spawn() that hangs.
            const brood::Result<port::Pid> pid = port::spawn(shell.plan);
            ok = pid.ok() && port::wait_child(*pid, port::Reap::wait)->exit_code == 3;
        }
        stop = true;
        pthread_join(forker, nullptr);
        signal(SIGTERM, SIG_IGN);
        kill(0, SIGTERM);
        while (waitpid(-1, nullptr, 0) > 0) {}
        return ok ? 0 : 1;
    });
}

int main() {
    print_message("port: %s\n", port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_program_runs_with_its_arguments_and_ends_with_its_code),
        cmocka_unit_test(a_name_without_slash_is_searched_in_path),
        cmocka_unit_test(the_environment_is_the_callers_or_the_plans),
        cmocka_unit_test(the_step_that_failed_is_reported_with_its_errno),
        cmocka_unit_test(a_plan_without_a_program_is_refused),
        cmocka_unit_test(the_directory_is_the_plans),
        cmocka_unit_test(descriptors_are_placed_in_any_order),
        cmocka_unit_test(a_host_without_standard_descriptors_can_start_programs),
        cmocka_unit_test(input_can_be_nothing),
        cmocka_unit_test(only_what_is_not_close_on_exec_is_handed_on),
        cmocka_unit_test(signals_start_at_their_defaults_with_an_empty_mask),
        cmocka_unit_test(it_can_lead_a_group_or_a_session),
        cmocka_unit_test(limits_and_niceness_are_set),
        cmocka_unit_test(it_can_run_as_another_user),
        cmocka_unit_test(cpus_can_be_chosen),
        cmocka_unit_test(it_dies_with_its_lifeline_also_after_the_exec),
        cmocka_unit_test(it_does_not_wait_for_processes_that_other_threads_fork),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
