// Goal: what a Process refuses, and what its child is given: settings before start, standard input,
// memory of its own, signals at their defaults; and what the end of a Process object does.
// Method: real children; each group of tests names its row of the table in the README.
#include "process_support.hpp"

#include <fcntl.h>
#include <sys/stat.h>

using brood::Errc;
using brood::milliseconds;
using brood::Process;
using brood::ProcessOptions;
using test::assert_code;
using test::assert_ok;
using test::end_of;
using test::run_to_end;
namespace this_process = brood::this_process;

// ---- p.daemon before start ---------------------------------------------------------------------

static void daemon_is_set_before_start_and_refused_after(void**) {
    Process process([] { this_process::exit(this_process::is_daemon() ? 1 : 2); });
    assert_false(process.daemon());
    assert_ok(process.daemon(true));
    assert_true(process.daemon());
    assert_int_equal(run_to_end(process), 1);
    assert_code(process.daemon(false), Errc::already_started);
    assert_true(process.daemon());
    assert_code(process.name("late"), Errc::already_started);
    assert_code(process.authkey(brood::AuthKey()), Errc::already_started);
    Process plain([] { this_process::exit(this_process::is_daemon() ? 1 : 2); });
    assert_int_equal(run_to_end(plain), 2);
    assert_false(this_process::is_daemon());
}

static void a_daemons_own_start_says_daemon_has_children(void**) {
    Process process(ProcessOptions().daemon(), [] {
        Process child([] {});
        CHILD_EXPECT(child.start().code() == Errc::daemon_has_children);
        CHILD_EXPECT(child.detach().code() == Errc::daemon_has_children);
        const char* const arguments[] = {"true", nullptr};
        CHILD_EXPECT(Process::exec("true", arguments).code() == Errc::daemon_has_children);
        CHILD_EXPECT(child.pid() == 0 && !child.is_alive());
    });
    assert_int_equal(run_to_end(process), 0);
}

// ---- memory isolation (money = 100 / 666) ------------------------------------------------------

static int g_money = 100;

static void memory_is_isolated_the_child_has_666_and_the_parent_still_100(void**) {
    Process process([] {
        CHILD_EXPECT(g_money == 100);
        g_money = 666;
        CHILD_EXPECT(g_money == 666);
    });
    assert_int_equal(run_to_end(process), 0);
    assert_int_equal(g_money, 100);
}

// ---- the child cannot use input ----------------------------------------------------------------

/// Runs a host whose standard input holds "x", and in it a child: how many bytes the child reads.
static int bytes_read_by_child(const ProcessOptions& options) {
    return test::run_child([&] {
        int ends[2];
        if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1 || dup2(ends[0], 0) != 0) { return 90; }
        Process process(options, [] {
            char byte = 0;
            this_process::exit(static_cast<int>(read(0, &byte, 1)));
        });
        if (!process.start().ok() || !process.join(test::kLong).ok()) { return 91; }
        return *process.exit_code();
    });
}

static void standard_input_is_dev_null_unless_kept(void**) {
    assert_int_equal(bytes_read_by_child(ProcessOptions()), 0);
    assert_int_equal(bytes_read_by_child(ProcessOptions().daemon()), 0);
    assert_int_equal(bytes_read_by_child(ProcessOptions().keep_input()), 1);
    Process process([] {
        struct stat input = {}, null = {};
        CHILD_EXPECT(fstat(0, &input) == 0 && stat("/dev/null", &null) == 0);
        CHILD_EXPECT(input.st_rdev == null.st_rdev);
    });
    assert_int_equal(run_to_end(process), 0);
}

// A program started without standard streams, as firmware does: brood's own pipes must not take
// their numbers, where the child's standard input would overwrite them.
static int run_without_streams(unsigned closed) {
    return test::run_child([=] {
        test::Board<std::atomic<int>> ran;
        for (int fd = 0; fd < 3; ++fd) {
            if ((closed & 1u << fd) != 0) { close(fd); }
        }
        const auto look = [&](int number) {
            char byte = 0;
            const bool open_as_in_host = (fcntl(1, F_GETFD) < 0) == ((closed & 2) != 0) &&
                                         (fcntl(2, F_GETFD) < 0) == ((closed & 4) != 0);
            ran->store(open_as_in_host && read(0, &byte, 1) == 0 ? number : -1);
            while (number == 1) { pause(); }
        };
        Process daemon(ProcessOptions().daemon(), look, 1), detached(look, 2);
        CHILD_EXPECT(daemon.start().ok());
        CHILD_EXPECT(test::eventually([&] { return ran->load() != 0; }) && ran->load() == 1);
        CHILD_EXPECT(daemon.join(milliseconds(20)).code() == Errc::timed_out);
        CHILD_EXPECT(detached.detach().ok());
        CHILD_EXPECT(test::eventually([&] { return ran->load() != 1; }) && ran->load() == 2);
        CHILD_EXPECT(daemon.terminate(test::kLong).ok() && *daemon.exit_code() == -SIGTERM);
        return 0;
    });
}

static void a_host_without_standard_streams_has_working_children(void**) {
    for (unsigned closed = 0; closed < 8; ++closed) {
        assert_int_equal(run_without_streams(closed), 0);
    }
}

// Nor those of the host's channels: what anybody prints would be taken for a message.
static void a_channel_of_a_host_without_standard_streams_carries_only_messages(void**) {
    for (unsigned closed = 1; closed < 8; ++closed) {
        test::assert_child_exits(0, [=] {
            for (int fd = 0; fd < 3; ++fd) {
                if ((closed & 1u << fd) != 0) { close(fd); }
            }
            auto ends = brood::Connection::pipe().expect("pipe");
            const auto print = [] {
                for (const int fd : {1, 2}) { (void)!write(fd, "printed\n", 8); }
            };
            print();
            Process process([&] {
                print();
                ends.second.send_bytes("sent", 4).ignore();
                char text[8];
                CHILD_EXPECT(ends.second.recv_bytes(text, sizeof text, test::kLong).ok());
            });
            CHILD_EXPECT(process.start().ok());
            char text[8] = {};
            CHILD_EXPECT(ends.first.recv_bytes(text, sizeof text, test::kLong).value_or(0) == 4);
            CHILD_EXPECT(memcmp(text, "sent", 4) == 0);
            CHILD_EXPECT(ends.first.send_bytes("bye", 3).ok());
            CHILD_EXPECT(process.join(test::kLong).ok() && *process.exit_code() == 0);
            return 0;
        });
    }
}

// ---- signals in the child ----------------------------------------------------------------------

static void caught_signals_are_at_their_default_in_the_child_and_none_is_blocked(void**) {
    test::assert_child_exits(0, [] {
        signal(SIGUSR1, [](int) {});
        signal(SIGUSR2, SIG_IGN);
        sigset_t blocked, now;
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGTERM);
        sigprocmask(SIG_BLOCK, &blocked, nullptr);
        Process process([] {
            struct sigaction action = {};
            sigset_t mask;
            CHILD_EXPECT(sigaction(SIGUSR1, nullptr, &action) == 0);
            CHILD_EXPECT(action.sa_handler == SIG_DFL);
            CHILD_EXPECT(sigaction(SIGUSR2, nullptr, &action) == 0);
            CHILD_EXPECT(action.sa_handler == SIG_IGN);
            CHILD_EXPECT(sigprocmask(SIG_BLOCK, nullptr, &mask) == 0);
            for (int signal = 1; signal < 32; ++signal) {
                CHILD_EXPECT(sigismember(&mask, signal) == 0);
            }
        });
        if (!process.start().ok() || !process.join(test::kLong).ok()) { return 1; }
        sigprocmask(SIG_BLOCK, nullptr, &now);  // The parent's own mask is back.
        if (sigismember(&now, SIGTERM) != 1 || sigismember(&now, SIGINT) != 0) { return 2; }
        return *process.exit_code();
    });
}

// ---- authkey -----------------------------------------------------------------------------------

static void authkey_is_32_random_bytes_inherited_and_settable(void**) {
    const brood::AuthKey mine = *this_process::authkey();
    assert_int_equal(mine.size(), 32);
    assert_true(mine == *this_process::authkey());
    const brood::AuthKey other = *brood::AuthKey::from("another key", 11);
    Process inherits([&] { CHILD_EXPECT(*this_process::authkey() == mine); });
    assert_true(inherits.authkey() == mine);
    assert_int_equal(run_to_end(inherits), 0);
    Process given([&] {
        CHILD_EXPECT(*this_process::authkey() == other);
        Process nested([&] { CHILD_EXPECT(*this_process::authkey() == other); });
        CHILD_EXPECT(nested.start().ok() && nested.join(test::kLong).ok());
        CHILD_EXPECT(*nested.exit_code() == 0);
    });
    assert_ok(given.authkey(other));
    assert_true(given.authkey() == other);
    assert_int_equal(run_to_end(given), 0);
    assert_true(*this_process::authkey() == mine);
    test::Board<brood::AuthKey> theirs;
    test::assert_child_exits(0, [&] {  // Of a main program, too.
        this_process::authkey(other);
        Process child([&] { *theirs = *this_process::authkey(); });
        return child.start().ok() && child.join(test::kLong).ok() && *theirs == other ? 0 : 1;
    });
}

static int print_authkey() {
    const brood::AuthKey key = *this_process::authkey();
    return write(STDOUT_FILENO, key.data(), key.size()) == 32 ? 0 : 1;
}

static void authkeys_of_two_programs_differ(void**) {
    test::Board<brood::AuthKey> keys[2];
    for (auto& key : keys) {
        test::assert_child_exits(0, [&] {
            const char* const argv[] = {
                "/bin/sh", "-c", test::kRunAsTests, test::own_path(), "--print-authkey", nullptr};
            char text[33] = {};
            const auto got = brood::capture(argv[0], argv, text, 32);
            if (!got.ok() || got->bytes != 32 || got->exit_code != 0) { return 1; }
            *key = *brood::AuthKey::from(text, 32);
            return 0;
        });
    }
    assert_true(*keys[0] != *keys[1]);
}

// The key must be there before the first child is, also if only children ever ask for it.
static void children_that_ask_for_the_key_before_their_parent_does_agree(void**) {
    test::assert_child_exits(0, [] {
        const char* const argv[] = {
            "/bin/sh", "-c", test::kRunAsTests, test::own_path(), "--children-print-authkey",
            nullptr};
        char text[65] = {};
        const auto got = brood::capture(argv[0], argv, text, 64);
        if (!got.ok() || got->bytes != 64 || got->exit_code != 0) { return 1; }
        return memcmp(text, text + 32, 32) == 0 ? 0 : 2;
    });
}

// ---- ~Process, as the end of main in Python ----------------------------------------------------

static void the_destructor_joins_a_process_and_terminates_a_daemon(void**) {
    test::Board<std::atomic<int>> done;
    pid_t daemon_pid = 0, plain_pid = 0;
    {
        Process daemon(ProcessOptions().daemon(), [] {
            for (;;) { pause(); }
        });
        Process plain([&] {
            test::sleep_ms(50);
            done->store(1);
        });
        assert_ok(daemon.start());
        assert_ok(plain.start());
        daemon_pid = daemon.pid();
        plain_pid = plain.pid();
    }
    assert_int_equal(done->load(), 1);
    assert_int_equal(waitpid(daemon_pid, nullptr, WNOHANG), -1);
    assert_int_equal(waitpid(plain_pid, nullptr, WNOHANG), -1);
    assert_true(test::has_ended(daemon_pid));
}

static void only_the_process_that_started_it_acts_on_it(void**) {
    Process process(ProcessOptions().daemon(), [] {
        for (;;) { pause(); }
    });
    assert_ok(process.start());
    test::assert_child_exits(0, [&] {
        if (process.is_alive()) { return 1; }
        if (process.join().code() != Errc::wrong_process) { return 2; }
        if (process.exit_code().code() != Errc::wrong_process) { return 3; }
        if (process.terminate().code() != Errc::wrong_process) { return 4; }
        if (process.kill().code() != Errc::wrong_process) { return 5; }
        if (process.close().code() != Errc::wrong_process) { return 6; }
        if (process.name("x").code() != Errc::wrong_process) { return 7; }
        if (process.daemon(false).code() != Errc::wrong_process) { return 8; }
        if (process.start().code() != Errc::wrong_process) { return 9; }
        if (process.detach().code() != Errc::wrong_process) { return 10; }
        Process mine = std::move(process);
        return 0;  // ~Process neither terminates nor waits.
    });
    assert_true(process.is_alive());
    assert_ok(process.terminate());
    assert_int_equal(end_of(process), -SIGTERM);
}

// ---- Bad input ---------------------------------------------------------------------------------

static void bad_input_is_refused_by_name(void**) {
    char name_63[64] = {}, name_64[65] = {};
    memset(name_63, 'n', 63);
    memset(name_64, 'n', 64);
    void (*const nothing)() = nullptr;
    Process null_target(nothing), null_with_options(ProcessOptions().name("x"), nothing), no_target;
    Process only_options{ProcessOptions()};
    Process long_name(ProcessOptions().name(name_64), [] {}), renamed([] {});
    for (Process* process : {&null_target, &null_with_options, &no_target, &only_options}) {
        assert_code(process->start(), Errc::no_target);
        assert_code(process->detach(), Errc::no_target);
        assert_int_equal(process->pid(), 0);
    }
    assert_code(long_name.start(), Errc::text_too_long);
    assert_ok(long_name.name(name_63));
    assert_int_equal(run_to_end(long_name), 0);
    assert_string_equal(long_name.name(), name_63);
    assert_code(renamed.name(name_64), Errc::text_too_long);
    assert_code(renamed.name(nullptr), Errc::bad_argument);
    assert_code(renamed.join(), Errc::not_started);
    assert_code(renamed.terminate(), Errc::not_started);
    assert_code(renamed.terminate(milliseconds(1)), Errc::not_started);
    assert_code(renamed.exit_code(), Errc::not_started);
    assert_int_equal(run_to_end(renamed), 0);
    assert_code(renamed.start(), Errc::already_started);
    assert_code(renamed.detach(), Errc::already_started);
    Process detached_daemon(ProcessOptions().daemon(), [] {});
    assert_code(detached_daemon.detach(), Errc::bad_argument);
}

static void bad_timeouts_are_refused_whatever_the_state(void**) {
    const struct {
        brood::Timeout timeout;
        Errc code;
    } rows[] = {
        {milliseconds(-1), Errc::timeout_negative},
        {brood::nanoseconds(INT64_MIN), Errc::timeout_negative},
        {brood::nanoseconds(INT64_MAX), Errc::timeout_overflow},
        {brood::seconds(INT64_MAX), Errc::timeout_overflow},
        {brood::seconds(INT64_MAX / 4 / 1000000000 + 1), Errc::timeout_overflow},
    };
    Process fresh([] {}), running([] { pause(); }), ended([] {});
    assert_ok(running.start());
    assert_int_equal(run_to_end(ended), 0);
    for (const auto& row : rows) {
        for (Process* process : {&fresh, &running, &ended}) {
            assert_code(process->join(row.timeout), row.code);
        }
        assert_code(this_process::sleep(row.timeout), row.code);
    }
    Process* const list[] = {&running};
    assert_code(brood::wait_any(list, 1, rows[0].timeout), rows[0].code);
    assert_code(brood::wait_any(list, 1, rows[2].timeout), rows[2].code);
    assert_true(running.is_alive());
    assert_code(running.terminate(rows[0].timeout), rows[0].code);
    assert_true(running.is_alive());
    assert_code(running.terminate(rows[2].timeout), rows[2].code);
    assert_true(running.is_alive());
    assert_ok(running.kill());
    assert_int_equal(end_of(running), -SIGKILL);
}

int main(int argc, char** argv) {
    if (argc == 2 && strcmp(argv[1], "--print-authkey") == 0) { return print_authkey(); }
    if (argc == 2 && strcmp(argv[1], "--children-print-authkey") == 0) {
        for (int i = 0; i < 2; ++i) {
            Process child([] { this_process::exit(print_authkey()); });
            if (run_to_end(child) != 0) { return 1; }
        }
        return 0;
    }
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(daemon_is_set_before_start_and_refused_after),
        cmocka_unit_test(a_daemons_own_start_says_daemon_has_children),
        cmocka_unit_test(memory_is_isolated_the_child_has_666_and_the_parent_still_100),
        cmocka_unit_test(standard_input_is_dev_null_unless_kept),
        cmocka_unit_test(a_host_without_standard_streams_has_working_children),
        cmocka_unit_test(a_channel_of_a_host_without_standard_streams_carries_only_messages),
        cmocka_unit_test(caught_signals_are_at_their_default_in_the_child_and_none_is_blocked),
        cmocka_unit_test(authkey_is_32_random_bytes_inherited_and_settable),
        cmocka_unit_test(authkeys_of_two_programs_differ),
        cmocka_unit_test(children_that_ask_for_the_key_before_their_parent_does_agree),
        cmocka_unit_test(the_destructor_joins_a_process_and_terminates_a_daemon),
        cmocka_unit_test(only_the_process_that_started_it_acts_on_it),
        cmocka_unit_test(bad_input_is_refused_by_name),
        cmocka_unit_test(bad_timeouts_are_refused_whatever_the_state),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
