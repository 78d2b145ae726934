// Goal: every port starts, watches, signals and reaps processes as port/port.hpp says.
// Method: real children; what a port answers "unsupported" is printed by name.
#include "support.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <port/port.hpp>

namespace port = brood::port;
using brood::Errc;
using test::assert_code;
using test::assert_ok;

static void on_signal(int) {}

static void catch_signal(int signal) {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigaction(signal, &action, nullptr);
}

static void fork_gives_a_child_whose_exit_code_is_read_exactly_once(void**) {
    const brood::Result<port::Pid> pid = port::fork();
    if (pid.ok() && *pid == 0) { port::exit_now(42); }
    assert_ok(pid);
    const brood::Result<port::ChildState> reaped = port::wait_child(*pid, port::Reap::wait);
    assert_ok(reaped);
    assert_true(reaped->ended);
    assert_int_equal(reaped->exit_code, 42);
    assert_code(port::wait_child(*pid, port::Reap::wait), Errc::status_stolen);
    assert_code(port::wait_child(*pid, port::Reap::now), Errc::status_stolen);
    assert_code(port::wait_child(*pid, port::Reap::look), Errc::status_stolen);
}

static void a_child_knows_itself_and_its_parent(void**) {
    const port::Pid parent = port::process_id();
    assert_int_equal(parent, getpid());
    const pid_t pid = test::start_child(
        [&] { return port::parent_id() == parent && port::process_id() == getpid() ? 0 : 1; });
    assert_int_equal(test::join_child(pid), 0);
}

static void a_running_child_has_not_ended_and_looking_leaves_a_dead_one(void**) {
    const pid_t pid = test::start_child([] { return pause(); });
    for (const port::Reap how : {port::Reap::now, port::Reap::look}) {
        const brood::Result<port::ChildState> state = port::wait_child(pid, how);
        assert_ok(state);
        assert_false(state->ended);
    }
    kill(pid, SIGKILL);
    assert_true(test::eventually([&] { return port::wait_child(pid, port::Reap::look)->ended; }));
    for (const port::Reap how : {port::Reap::look, port::Reap::now}) {
        const brood::Result<port::ChildState> state = port::wait_child(pid, how);
        assert_ok(state);
        assert_true(state->ended);
        assert_int_equal(state->exit_code, -SIGKILL);
    }
    assert_code(port::wait_child(pid, port::Reap::look), Errc::status_stolen);
}

static void waiting_reaps_no_other_child_and_no_stranger(void**) {
    const pid_t other = test::start_child([] { return 7; });
    const pid_t pid = test::start_child([] { return 8; });
    assert_int_equal(port::wait_child(pid, port::Reap::wait)->exit_code, 8);
    assert_int_equal(test::join_child(other), 7);
    assert_code(port::wait_child(getppid(), port::Reap::now), Errc::status_stolen);
    assert_code(port::wait_child(0, port::Reap::now), Errc::bad_argument);
    assert_code(port::wait_child(-1, port::Reap::now), Errc::bad_argument);
}

static void waiting_goes_on_over_signals(void**) {
    catch_signal(SIGUSR1);
    const pid_t pid = test::start_child([] {
        test::sleep_ms(100);
        return 5;
    });
    brood::Result<port::ChildState> state = Errc::not_done;
    {
        const test::SignalStorm storm(SIGUSR1);
        state = port::wait_child(pid, port::Reap::wait);
    }
    assert_ok(state);
    assert_int_equal(state->exit_code, 5);
    signal(SIGUSR1, SIG_DFL);
}

static void a_watch_becomes_readable_when_the_process_ends(void**) {
    const pid_t pid = test::start_child([] { return pause(); });
    const brood::Result<port::Fd> watch = port::watch_process(pid);
    const bool unsupported = test::is_unsupported(watch.status(), "watch_process");
    if (!unsupported) {
        assert_ok(watch);
        assert_int_equal(fcntl(*watch, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        port::PollItem item;
        item.fd = *watch;
        item.want_read = true;
        assert_int_equal(*port::poll(&item, 1, 0), 0);
        assert_ok(port::signal_process(pid, *watch, SIGKILL));
        assert_int_equal(*port::poll(&item, 1, test::in_ms(test::kPatienceMs)), 1);
        assert_true(item.ready);
    }
    kill(pid, SIGKILL);
    assert_int_equal(test::join_child(pid), -SIGKILL);
    if (unsupported) { return; }
    assert_code(port::signal_process(pid, *watch, SIGKILL), Errc::not_found);
    assert_code(port::signal_process(pid, *watch, 0), Errc::not_found);
    port::close(*watch);
}

static void a_watch_on_nobody_is_refused(void**) {
    const pid_t pid = test::start_child([] { return 0; });
    assert_int_equal(test::join_child(pid), 0);
    const brood::Result<port::Fd> watch = port::watch_process(pid);
    if (test::is_unsupported(watch.status(), "watch_process")) { return; }
    assert_code(watch, Errc::not_found);
}

static void a_signal_reaches_its_process_and_a_wrong_one_nobody(void**) {
    const pid_t pid = test::start_child([] { return pause(); });
    assert_ok(port::signal_process(pid, port::kNoFd, 0));
    assert_code(port::signal_process(pid, port::kNoFd, 1000), Errc::bad_signal);
    assert_ok(port::signal_process(pid, port::kNoFd, SIGTERM));
    assert_int_equal(test::join_child(pid), -SIGTERM);
    assert_code(port::signal_process(pid, port::kNoFd, 0), Errc::not_found);
    // kill() would take these for the caller's group, and for everybody.
    assert_code(port::signal_process(0, port::kNoFd, 0), Errc::bad_argument);
    assert_code(port::signal_process(-1, port::kNoFd, 0), Errc::bad_argument);
}

static void a_signal_to_a_group_reaches_all_of_it(void**) {
    test::Handshake ready;
    const pid_t leader = test::start_child([&] {
        if (!port::lead_group().ok() || !port::lead_group().ok()) { return 1; }
        const pid_t member = fork();
        if (member == 0) {
            ready.tell();
            pause();
        }
        signal(SIGTERM, SIG_IGN);
        ready.tell();
        int status = 0;
        waitpid(member, &status, 0);
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 0 : 2;
    });
    assert_true(ready.await() && ready.await());
    assert_code(port::signal_group(leader, 1000), Errc::bad_signal);
    assert_ok(port::signal_group(leader, SIGTERM));
    assert_int_equal(test::join_child(leader), 0);
    assert_code(port::signal_group(leader, 0), Errc::not_found);
    assert_code(port::signal_group(0, 0), Errc::bad_argument);
    assert_code(port::signal_group(1, 0), Errc::bad_argument);
}

static void a_session_leader_leads_its_group_already(void**) {
    test::assert_child_exits(0, [] {
        setsid();
        return port::lead_group().ok() ? 0 : 1;
    });
}

static test::Handshake* g_told = nullptr;
static void tell() {
    g_told->tell();
}

static void only_the_ordinary_exit_runs_what_was_registered(void**) {
    test::Handshake told;
    g_told = &told;
    test::assert_child_exits(3, []() -> int {
        atexit(tell);
        port::exit_now(3);
    });
    assert_false(told.await(0));
    test::assert_child_exits(4, []() -> int {
        atexit(tell);
        port::exit_program(4);
    });
    assert_true(told.await(0));
}

static void a_child_dies_with_its_parent(void**) {
    test::Handshake ready, alive;
    bool unsupported = false;
    const pid_t parent = test::start_child([&] {
        const pid_t self = getpid();
        test::start_child([&]() -> int {
            const brood::Status status = port::die_with_parent(self);
            if (status.code() == Errc::unsupported) { return 0; }
            ready.tell();
            while (true) {
                alive.tell();
                test::sleep_ms(5);
            }
        });
        return pause();
    });
    unsupported = test::is_unsupported(port::die_with_parent(getppid()), "die_with_parent");
    if (!unsupported) { assert_true(ready.await()); }
    kill(parent, SIGKILL);
    assert_int_equal(test::join_child(parent), -SIGKILL);
    if (unsupported) { return; }
    // Silent for half a second: it is gone.
    const std::int64_t deadline = test::in_ms(test::kPatienceMs);
    while (alive.await(500)) { assert_true(test::now_ns() < deadline); }
}

static constexpr int kUnsupported = 77;  // The exit code of a child that cannot run its test.

static int hang_on_lifeline(port::Fd line, test::Handshake& ready) {
    const brood::Status status = port::die_with_pipe(line);
    ready.tell();
    if (status.code() == Errc::unsupported) { return kUnsupported; }
    return status.ok() ? pause() : 1;
}

static void assert_killed_by_lifeline(int exit_code) {
    if (exit_code == kUnsupported) {
        test::not_run("die_with_pipe", "unsupported by this port");
    } else {
        assert_int_equal(exit_code, -SIGKILL);
    }
}

static void a_child_dies_with_its_lifeline(void**) {
    int line[2];
    assert_int_equal(pipe(line), 0);
    test::Handshake ready;
    const pid_t pid = test::start_child([&] {
        close(line[1]);
        return hang_on_lifeline(line[0], ready);
    });
    assert_true(ready.await());
    test::sleep_ms(20);  // Not because the line was armed: only because it is cut.
    const brood::Result<port::ChildState> state = port::wait_child(pid, port::Reap::look);
    assert_true(!state->ended || state->exit_code == kUnsupported);
    close(line[1]);
    assert_killed_by_lifeline(test::join_child(pid));
    close(line[0]);
}

static void a_lifeline_cut_before_it_was_armed_is_noticed(void**) {
    int line[2];
    assert_int_equal(pipe(line), 0);
    close(line[1]);
    test::Handshake ready;
    assert_killed_by_lifeline(test::run_child([&] { return hang_on_lifeline(line[0], ready); }));
    close(line[0]);
}

static void an_ordinary_process_adopts_no_orphans(void**) {
    assert_int_equal(test::run_child([] { return port::adopts_orphans() ? 1 : 0; }), 0);
}

static int g_before = 0, g_parent = 0, g_child = 0;

static void what_was_registered_runs_around_every_fork(void**) {
    test::assert_child_exits(0, [] {  // In a child: it cannot be taken back.
        const brood::Status status =
            port::at_fork([] { ++g_before; }, [] { ++g_parent; }, [] { ++g_child; });
        if (!status.ok()) { return 1; }
        const pid_t pid = fork();
        if (pid == 0) { _exit(g_before == 1 && g_parent == 0 && g_child == 1 ? 0 : 2); }
        int status_of_child = 0;
        waitpid(pid, &status_of_child, 0);
        if (!WIFEXITED(status_of_child) || WEXITSTATUS(status_of_child) != 0) { return 3; }
        return g_before == 1 && g_parent == 1 && g_child == 0 ? 0 : 4;
    });
}

static void there_is_a_cpu_to_use(void**) {
    assert_in_range(port::usable_cpus(), 1, 100000);
}

static void flushing_says_whether_the_output_could_be_written(void**) {
    test::assert_child_exits(0, [] {
        if (!port::flush_streams()) { return 1; }
        const int full = open("/dev/full", O_WRONLY);
        if (full < 0 || dup2(full, STDOUT_FILENO) < 0) { return 2; }
        printf("this finds no room");
        return port::flush_streams() ? 3 : 0;
    });
}

// fflush(NULL) would wait for the thread that holds the lock of stdin while it reads.
static void flushing_does_not_wait_for_a_reader_of_standard_input(void**) {
    int input[2];
    assert_int_equal(pipe(input), 0);
    test::assert_child_exits(0, [&] {
        dup2(input[0], STDIN_FILENO);
        pthread_t reader;
        pthread_create(
            &reader, nullptr,
            [](void*) -> void* {
                (void)getchar();
                return nullptr;
            },
            nullptr);
        // The reader is inside once it holds the lock of stdin.
        while (ftrylockfile(stdin) == 0) {
            funlockfile(stdin);
            test::sleep_ms(1);
        }
        return port::flush_streams() ? 0 : 1;
    });
    close(input[0]);
    close(input[1]);
}

static void errors_are_printed_whole_and_never_kill(void**) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = test::start_child([&] {
        dup2(ends[1], STDERR_FILENO);
        port::print_error("one, two", 8);
        close(ends[0]);
        close(ends[1]);
        test::sleep_ms(1);
        return 0;
    });
    close(ends[1]);
    char text[16] = {};
    assert_int_equal(read(ends[0], text, sizeof(text) - 1), 8);
    assert_string_equal(text, "one, two");
    assert_int_equal(test::join_child(pid), 0);
    close(ends[0]);

    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    test::assert_child_exits(0, [&] {
        dup2(ends[1], STDERR_FILENO);
        port::print_error("nobody reads this", 17);
        return 0;
    });
    close(ends[1]);
}

static void an_errno_has_words_or_none_but_never_null(void**) {
    for (std::int32_t number = -1; number < 200; ++number) {
        assert_non_null(port::error_text(number));
    }
    assert_string_equal(port::error_text(100000), "");
}

int main() {
    print_message("port: %s\n", port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(fork_gives_a_child_whose_exit_code_is_read_exactly_once),
        cmocka_unit_test(a_child_knows_itself_and_its_parent),
        cmocka_unit_test(a_running_child_has_not_ended_and_looking_leaves_a_dead_one),
        cmocka_unit_test(waiting_reaps_no_other_child_and_no_stranger),
        cmocka_unit_test(waiting_goes_on_over_signals),
        cmocka_unit_test(a_watch_becomes_readable_when_the_process_ends),
        cmocka_unit_test(a_watch_on_nobody_is_refused),
        cmocka_unit_test(a_signal_reaches_its_process_and_a_wrong_one_nobody),
        cmocka_unit_test(a_signal_to_a_group_reaches_all_of_it),
        cmocka_unit_test(a_session_leader_leads_its_group_already),
        cmocka_unit_test(only_the_ordinary_exit_runs_what_was_registered),
        cmocka_unit_test(a_child_dies_with_its_parent),
        cmocka_unit_test(a_child_dies_with_its_lifeline),
        cmocka_unit_test(a_lifeline_cut_before_it_was_armed_is_noticed),
        cmocka_unit_test(an_ordinary_process_adopts_no_orphans),
        cmocka_unit_test(what_was_registered_runs_around_every_fork),
        cmocka_unit_test(there_is_a_cpu_to_use),
        cmocka_unit_test(flushing_says_whether_the_output_could_be_written),
        cmocka_unit_test(flushing_does_not_wait_for_a_reader_of_standard_input),
        cmocka_unit_test(errors_are_printed_whole_and_never_kill),
        cmocka_unit_test(an_errno_has_words_or_none_but_never_null),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
