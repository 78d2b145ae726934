// Goal: a process knows itself, and ends as Python's sys.exit() lets it end.
// Method: real children and whole host programs (children of a plain fork), whose exit code and
// output are read; each group of tests names its row of the table in the README.
#include "process_support.hpp"

#include <fcntl.h>

using brood::Errc;
using brood::milliseconds;
using brood::Process;
using brood::ProcessOptions;
using test::assert_code;
using test::assert_ok;
using test::run_to_end;
namespace this_process = brood::this_process;

// ---- os.getpid/getppid, sys.exit(info) ---------------------------------------------------------

static void id_and_parent_id_are_those_of_the_system(void**) {
    assert_int_equal(this_process::id(), getpid());
    assert_int_equal(this_process::parent_id(), getppid());
    const pid_t host = getpid();
    Process process(
        [&] { CHILD_EXPECT(this_process::id() == getpid() && this_process::parent_id() == host); });
    assert_int_equal(run_to_end(process), 0);
}

/// Runs `body` as a host program and reads what it writes to `fd` (1 or 2): its exit code.
template <class F>
static int run_and_read(int fd, char (&text)[256], F body) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = test::start_child([&] {
        dup2(ends[1], fd);
        close(ends[0]);
        close(ends[1]);
        return body();
    });
    close(ends[1]);
    memset(text, 0, sizeof(text));
    std::size_t used = 0;
    for (ssize_t got = 1; got > 0 && used < sizeof(text) - 1; used += static_cast<size_t>(got)) {
        got = read(ends[0], text + used, sizeof(text) - 1 - used);
        if (got < 0) { got = 0; }
    }
    close(ends[0]);
    return test::join_child(pid);
}

static void exit_gives_its_code_and_its_text_on_standard_error(void**) {
    char text[256];
    assert_int_equal(
        run_and_read(2, text,
                     [] {
                         Process process([] { this_process::exit(3, "no more tickets"); });
                         if (!process.start().ok() || !process.join(test::kLong).ok()) {
                             return 90;
                         }
                         return *process.exit_code();
                     }),
        3);
    assert_string_equal(text, "no more tickets\n");
    assert_int_equal(run_and_read(2, text, []() -> int { this_process::exit(4, "of main"); }), 4);
    assert_string_equal(text, "of main\n");
    assert_int_equal(run_and_read(2, text, []() -> int { this_process::exit(5); }), 5);
    assert_string_equal(text, "");
}

static void exit_of_the_main_process_runs_atexit_functions_and_of_a_child_does_not(void**) {
    static test::Board<std::atomic<int>>* counted = nullptr;
    test::Board<std::atomic<int>> calls;
    counted = &calls;
    test::assert_child_exits(7, []() -> int {
        atexit([] { (*counted)->fetch_add(1); });
        Process process([] { this_process::exit(0); }), returns([] {});
        if (!process.start().ok() || !process.join(test::kLong).ok()) { return 90; }
        if (!returns.start().ok() || !returns.join(test::kLong).ok()) { return 91; }
        if ((*counted)->load() != 0) { return 92; }
        this_process::exit(7);
    });
    assert_int_equal(calls->load(), 1);
}

// ---- end of main: daemons terminated, the rest joined ------------------------------------------

struct Family {
    std::atomic<pid_t> daemon;
    std::atomic<int> plain_done, daemon_done;
};

/// Leaves a daemon that would run for ever, and another child that needs a moment.
static void start_children_that_nobody_joins(Family& family) {
    static Process daemon, plain;
    daemon = Process(ProcessOptions().daemon(), [&] {
        for (;;) { pause(); }
        family.daemon_done = 1;
    });
    plain = Process([&] {
        test::sleep_ms(60);
        family.plain_done = 1;
    });
    CHILD_EXPECT(daemon.start().ok() && plain.start().ok());
    family.daemon = daemon.pid();
}

static void nested_children_end_as_in_python_daemons_terminated_the_rest_joined(void**) {
    // By return, by exit(), at the end of a main program by exit(): always the same.
    for (const bool by_exit : {false, true}) {
        test::Board<Family> family;
        Process parent([&] {
            start_children_that_nobody_joins(*family);
            if (by_exit) { this_process::exit(9); }
        });
        assert_int_equal(run_to_end(parent), by_exit ? 9 : 0);
        assert_int_equal(family->plain_done, 1);
        assert_true(family->daemon > 0 && test::has_ended(family->daemon));
    }
    test::Board<Family> family;
    test::assert_child_exits(8, [&]() -> int {
        start_children_that_nobody_joins(*family);
        this_process::exit(8);
    });
    assert_int_equal(family->plain_done, 1);
    assert_true(test::has_ended(family->daemon));
    assert_int_equal(family->daemon_done, 0);
}

// ---- what a child has printed ------------------------------------------------------------------

static void output_of_a_child_is_flushed_at_its_end(void**) {
    char text[256];
    assert_int_equal(
        run_and_read(1, text,
                     [] {
                         Process returns([] { printf("one "); }), exits([] {
                             printf("two");
                             this_process::exit(0);
                         });
                         for (Process* process : {&returns, &exits}) {
                             if (!process->start().ok() || !process->join(test::kLong).ok()) {
                                 return 90;
                             }
                         }
                         return 0;
                     }),
        0);
    assert_string_equal(text, "one two");
}

static void output_that_cannot_be_flushed_gives_exit_code_120(void**) {
    const auto print_to_full_disk = [](int code) {
        return test::run_child([=] {
            const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
            if (full < 0 || dup2(full, STDOUT_FILENO) != STDOUT_FILENO) { return 90; }
            Process process([=] {
                printf("this finds no room");
                this_process::exit(code);
            });
            if (!process.start().ok() || !process.join(test::kLong).ok()) { return 91; }
            return *process.exit_code();
        });
    };
    assert_int_equal(print_to_full_disk(0), 120);
    assert_int_equal(print_to_full_disk(5), 5);  // A failure of its own is not hidden.
}

// ---- os.cpu_count() ----------------------------------------------------------------------------

static void cpu_count_is_what_this_process_may_use(void**) {
    assert_in_range(brood::cpu_count(), 1, 100000);
    const int code = test::run_child([] {
        cpu_set_t all, one;
        CPU_ZERO(&all);
        CPU_ZERO(&one);
        if (sched_getaffinity(0, sizeof(all), &all) != 0) { return 77; }
        if (brood::cpu_count() > static_cast<unsigned>(CPU_COUNT(&all))) { return 1; }
        for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
            if (CPU_ISSET(cpu, &all)) { CPU_SET(cpu, &one); }
        }
        if (sched_setaffinity(0, sizeof(one), &one) != 0) { return 77; }
        if (CPU_COUNT(&all) > 1 && test::is_posix_port() && brood::cpu_count() > 1) { return 78; }
        return brood::cpu_count() == 1 ? 0 : 2;
    });
    if (code == 77) { return test::not_run("cpu_count and affinity", "cannot set affinity here"); }
    if (code == 78) {
        return test::not_run("cpu_count and affinity", "the posix port counts the CPUs online");
    }
    assert_int_equal(code, 0);
}

// ---- time.sleep(); closing what was inherited --------------------------------------------------

static void sleep_sleeps_to_its_end_over_a_storm_of_signals(void**) {
    const test::AlarmStorm storm;
    const std::int64_t before = test::now_ns();
    assert_ok(this_process::sleep(milliseconds(100)));
    assert_true(test::now_ns() - before >= 100000000);
    assert_ok(this_process::sleep(brood::Timeout::no_wait()));
}

static void close_all_but_closes_what_is_not_listed(void**) {
    test::Board<std::atomic<int>> kept;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Process process([&] {
        this_process::close_all_but(&ends[1], 1);
        kept->store(static_cast<int>(test::open_descriptors()));
        CHILD_EXPECT(fcntl(ends[1], F_GETFD) >= 0 && fcntl(ends[0], F_GETFD) < 0);
        CHILD_EXPECT(fcntl(2, F_GETFD) >= 0);
    });
    assert_int_equal(run_to_end(process), 0);
    assert_int_equal(kept->load(), 4);
    close(ends[0]);
    close(ends[1]);
}

// ---- waitpid, zombies, orphans, two-level fork: Process::detach() ------------------------------

static void a_detached_process_runs_as_nobodys_child_here(void**) {
    test::Board<std::atomic<pid_t>> self;
    test::Handshake go;
    const std::size_t before = test::open_descriptors();
    Process process(ProcessOptions().name("loner"), [&] {
        CHILD_EXPECT(strcmp(this_process::name(), "loner") == 0);
        self->store(getpid());
        go.await();
    });
    const brood::Result<std::int32_t> pid = process.detach();
    assert_ok(pid);
    assert_true(test::eventually([&] { return self->load() == *pid; }));
    assert_int_equal(process.pid(), *pid);
    assert_int_equal(waitpid(*pid, nullptr, WNOHANG), -1);  // Not our child,
    assert_false(process.is_alive());
    assert_code(process.join(), Errc::not_started);  // nor this object's any more.
    assert_code(process.terminate(), Errc::not_started);
    assert_code(process.detach(), Errc::already_started);
    assert_int_equal(test::zombies_of(getpid()), 0);
    assert_int_equal(test::open_descriptors(), before);
    go.tell();
    assert_true(test::eventually([&] { return test::has_ended(*pid); }));
}

/// Detaches `count` processes that end at once; 0 when they, and everything between, were reaped.
static int detach_many(int count) {
    for (int i = 0; i < count; ++i) {
        Process process([] {});
        if (!process.detach().ok()) { return 1; }
    }
    const bool reaped = test::eventually([] {
        static_cast<void>(brood::active_children(nullptr, 0));  // "At the next call".
        return test::zombies_of(getpid()) == 0 && waitpid(-1, nullptr, WNOHANG) < 0;
    });
    return reaped ? 0 : 2;
}

static void a_thousand_detached_leave_no_zombie_under_a_host_that_is_pid_1(void**) {
    const int code = test::run_as_pid_1([] { return detach_many(1000 / test::kForkShare); });
    if (code == test::kNoNamespace) {
        return test::not_run("1000 detaches as pid 1", "no namespace");
    }
    assert_int_equal(code, 0);
}

static void a_thousand_detached_leave_no_zombie_under_a_subreaper(void**) {
    if (test::is_posix_port()) {
        return test::not_run("1000 detaches under a subreaper", "POSIX knows no subreapers");
    }
    test::assert_child_exits(0, [] {
        if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) { return 9; }
        return detach_many(1000 / test::kForkShare);
    });
}

static void a_subreaper_adopts_more_detached_at_a_time_than_its_first_list_holds(void**) {
    if (test::is_posix_port()) { return; }
    if (test::kSanitized) { return test::not_run("1030 detached at a time", "sanitized"); }
    test::assert_child_exits(0, [] {
        if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) { return 9; }
        test::Handshake go;
        int ends[2];
        if (pipe(ends) != 0) { return 8; }
        for (int i = 0; i < 1030; ++i) {
            Process process([&] {
                char byte;
                close(ends[1]);
                static_cast<void>(read(ends[0], &byte, 1));
            });
            if (!process.detach().ok()) { return 1; }
        }
        close(ends[1]);
        return detach_many(1);
    });
}

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(id_and_parent_id_are_those_of_the_system),
        cmocka_unit_test(exit_gives_its_code_and_its_text_on_standard_error),
        cmocka_unit_test(exit_of_the_main_process_runs_atexit_functions_and_of_a_child_does_not),
        cmocka_unit_test(nested_children_end_as_in_python_daemons_terminated_the_rest_joined),
        cmocka_unit_test(output_of_a_child_is_flushed_at_its_end),
        cmocka_unit_test(output_that_cannot_be_flushed_gives_exit_code_120),
        cmocka_unit_test(cpu_count_is_what_this_process_may_use),
        cmocka_unit_test(sleep_sleeps_to_its_end_over_a_storm_of_signals),
        cmocka_unit_test(close_all_but_closes_what_is_not_listed),
        cmocka_unit_test(a_detached_process_runs_as_nobodys_child_here),
        cmocka_unit_test(a_thousand_detached_leave_no_zombie_under_a_host_that_is_pid_1),
        cmocka_unit_test(a_thousand_detached_leave_no_zombie_under_a_subreaper),
        cmocka_unit_test(a_subreaper_adopts_more_detached_at_a_time_than_its_first_list_holds),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
