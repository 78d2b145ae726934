// Goal: signals are listed, sent, handled, blocked and awaited, and the one alarm clock is lent and
// given back as it was (promise 34).
// Method: each test runs in a program of its own (a child of a plain fork) whose signals it may
// change; each group names its row of the table in the README.
#include "process_support.hpp"

#include <sys/resource.h>

#include <brood/pipe.hpp>
#include <brood/signals.hpp>

using brood::Errc;
using brood::milliseconds;
using brood::Process;
using brood::seconds;
using test::assert_code;
using test::assert_ok;
namespace signals = brood::signals;

#define EXPECT CHILD_EXPECT

template <class F>
static void in_a_program(F body) {
    test::assert_child_exits(0, [&] {
        body();
        return 0;
    });
}

static std::atomic<int> g_first{0}, g_second{0}, g_last{0};
static void first(int signal) {
    g_first.fetch_add(1);
    g_last = signal;
}
static void second(int signal) {
    g_second.fetch_add(1);
    g_last = signal;
}

/// The handler that is set for a signal.
static void (*handler_of(int signal))(int) {
    struct sigaction action = {};
    sigaction(signal, nullptr, &action);
    return action.sa_handler;
}

// ---- kill -l: name, number, meaning, default action --------------------------------------------

static void all_lists_what_kill_l_lists(void**) {
    char text[1024] = {};
    const char* const argv[] = {"bash", "-c", "for n in {1..31}; do kill -l $n; done", nullptr};
    const auto got = brood::capture("bash", argv, text, sizeof(text) - 1);
    assert_ok(got);
    assert_int_equal(got->exit_code, 0);
    int number = 0;
    char* rest = nullptr;
    for (char* line = strtok_r(text, "\n", &rest); line; line = strtok_r(nullptr, "\n", &rest)) {
        ++number;
        const char* const name = strcmp(line, "IO") == 0 ? "POLL" : line;
        const brood::Result<int> found = signals::number(name);
        if (!found.ok() || *found != number) { fail_msg("kill -l has %s as %d", line, number); }
        assert_string_equal(signals::name(number) + 3, name);
    }
    assert_int_equal(number, 31);
    assert_int_equal(signals::all().size(), 31);
    number = 0;
    for (const signals::Info& info : signals::all()) {
        assert_int_equal(info.number, ++number);
        assert_true(strlen(info.meaning) > 5);
    }
}

/// What a child does that gets the signal: 's' ends, 'S' stops, '-' nothing.
static char effect_of(int signal) {
    const pid_t pid = test::start_child([=] {
        const rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        setpgid(0, 0);  // SIGTSTP does not stop a group that has no parent in its session.
        ::signal(signal, SIG_DFL);
        raise(signal);
        return 77;
    });
    int status = 0;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    if (WIFSTOPPED(status)) {
        test::killed(pid);
        return 'S';
    }
    return WIFSIGNALED(status) && WTERMSIG(status) == signal ? 's' : '-';
}

static void the_default_action_is_what_happens(void**) {
    for (const signals::Info& info : signals::all()) {
        const bool ends = strncmp(info.by_default, "ends", 4) == 0;
        const char expected = ends ? 's' : strcmp(info.by_default, "stops") == 0 ? 'S' : '-';
        if (effect_of(info.number) != expected) { fail_msg("%s: %s", info.name, info.by_default); }
    }
}

static void names_and_numbers_are_found_with_and_without_sig(void**) {
    assert_int_equal(*signals::number("SIGKILL"), SIGKILL);
    assert_int_equal(*signals::number("KILL"), SIGKILL);
    for (const char* wrong : {"", "SIG", "SIGNONE", "kill", "SIGKILLX", "SIGKIL", "9"}) {
        assert_code(signals::number(wrong), Errc::bad_signal);
    }
    assert_code(signals::number(nullptr), Errc::bad_signal);
    assert_string_equal(signals::name(SIGTERM), "SIGTERM");
    for (const int unknown : {0, -1, 64, 65, 1000}) {
        assert_string_equal(signals::name(unknown), "signal");
    }
}

// ---- os.kill(pid, sig) -------------------------------------------------------------------------

static void send_reaches_a_process_and_never_a_group(void**) {
    Process process([] {
        for (;;) { pause(); }
    });
    assert_ok(process.start());
    assert_ok(signals::send(process.pid(), 0));
    assert_ok(signals::send(process.pid(), SIGTERM));
    assert_int_equal(test::end_of(process), -SIGTERM);
    const struct {
        std::int32_t pid;
        int signal;
        Errc code;
    } rows[] = {
        {process.pid(), 0, Errc::not_found},      {0, SIGTERM, Errc::bad_argument},
        {-1, SIGTERM, Errc::bad_argument},        {-getpid(), SIGTERM, Errc::bad_argument},
        {INT32_MIN, SIGTERM, Errc::bad_argument}, {getpid(), -1, Errc::bad_signal},
        {getpid(), 65, Errc::bad_signal},         {getpid(), 1000, Errc::bad_signal},
    };
    for (const auto& row : rows) { assert_code(signals::send(row.pid, row.signal), row.code); }
    if (geteuid() != 0) { return test::not_run("send() to somebody else's process", "not root"); }
    in_a_program([] {
        const pid_t parent = getppid();
        EXPECT(setresuid(65534, 65534, 65534) == 0);
        EXPECT(signals::send(parent, SIGTERM).code() == Errc::not_permitted);
    });
}

// ---- default / ignore / handler ----------------------------------------------------------------

static void on_ignore_and_by_default_do_so_and_restore_puts_back_what_was_first(void**) {
    in_a_program([] {
        struct sigaction host = {}, now = {};
        host.sa_sigaction = [](int, siginfo_t*, void*) { g_second.fetch_add(1); };
        host.sa_flags = SA_SIGINFO | SA_NODEFER;
        sigaddset(&host.sa_mask, SIGUSR2);
        EXPECT(sigaction(SIGUSR1, &host, nullptr) == 0);
        EXPECT(signals::restore(SIGUSR1).ok());  // Nothing was changed yet.
        EXPECT(signals::on(SIGUSR1, first).ok());
        EXPECT(raise(SIGUSR1) == 0 && g_first == 1 && g_last == SIGUSR1);
        EXPECT(signals::ignore(SIGUSR1).ok());
        EXPECT(raise(SIGUSR1) == 0 && g_first == 1);
        EXPECT(signals::by_default(SIGUSR1).ok() && handler_of(SIGUSR1) == SIG_DFL);
        EXPECT(signals::restore(SIGUSR1).ok());
        EXPECT(sigaction(SIGUSR1, nullptr, &now) == 0);
        EXPECT(now.sa_sigaction == host.sa_sigaction);
        EXPECT((now.sa_flags & (SA_SIGINFO | SA_NODEFER | SA_RESTART)) == host.sa_flags);
        EXPECT(sigismember(&now.sa_mask, SIGUSR2) == 1);
        EXPECT(raise(SIGUSR1) == 0 && g_second == 1);
        EXPECT(signals::by_default(SIGUSR1).ok() && signals::restore(SIGUSR1).ok());  // Again.
        EXPECT(raise(SIGUSR1) == 0 && g_second == 2);
    });
}

static void calls_of_the_host_go_on_after_a_handler(void**) {
    in_a_program([] {
        EXPECT(signals::on(SIGUSR1, first).ok());
        int ends[2];
        EXPECT(pipe(ends) == 0);
        const pid_t reader = getpid(), writer = fork();
        if (writer == 0) {
            test::wait_until_blocked(reader);
            kill(reader, SIGUSR1);
            test::sleep_ms(30);
            _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
        }
        char byte = 0;
        EXPECT(read(ends[0], &byte, 1) == 1 && byte == 'x' && g_first == 1);
        EXPECT(waitpid(writer, nullptr, 0) == writer);
    });
}

static void a_signal_that_cannot_be_handled_is_bad(void**) {
    for (const int signal : {SIGKILL, SIGSTOP, 0, -1, 65, 1000, INT32_MAX, INT32_MIN}) {
        assert_code(signals::on(signal, first), Errc::bad_signal);
        assert_code(signals::ignore(signal), Errc::bad_signal);
        assert_code(signals::Scoped(signal, first).status(), Errc::bad_signal);
        if (signal != SIGKILL && signal != SIGSTOP) {
            assert_code(signals::restore(signal), Errc::bad_signal);
        }
    }
    assert_code(signals::on(SIGUSR1, nullptr), Errc::bad_argument);
}

static void a_child_starts_at_the_defaults_and_has_nothing_to_restore(void**) {
    in_a_program([] {
        signal(SIGUSR1, second);  // The host's.
        EXPECT(signals::on(SIGUSR1, first).ok());
        Process process([] {
            EXPECT(handler_of(SIGUSR1) == SIG_DFL);
            EXPECT(signals::restore(SIGUSR1).ok() && handler_of(SIGUSR1) == SIG_DFL);
        });
        EXPECT(process.start().ok() && process.join(test::kLong).ok());
        EXPECT(*process.exit_code() == 0);
        EXPECT(signals::restore(SIGUSR1).ok() && handler_of(SIGUSR1) == second);
    });
}

static void scoped_handlers_nest_and_put_back_exactly_what_was_there(void**) {
    in_a_program([] {
        EXPECT(signals::on(SIGUSR1, first).ok());
        {
            const signals::Scoped outer(SIGUSR1, second);
            EXPECT(outer.status().ok() && raise(SIGUSR1) == 0 && g_second == 1);
            {
                const signals::Scoped inner(SIGUSR1, nullptr);  // Ignored.
                EXPECT(inner.status().ok() && raise(SIGUSR1) == 0);
                EXPECT(handler_of(SIGUSR1) == SIG_IGN);
            }
            EXPECT(raise(SIGUSR1) == 0 && g_second == 2 && g_first == 0);
        }
        EXPECT(raise(SIGUSR1) == 0 && g_first == 1 && g_second == 2);
        { const signals::Scoped refused(SIGKILL, first); }
        EXPECT(signals::restore(SIGUSR1).ok() && handler_of(SIGUSR1) == SIG_DFL);
    });
}

static void blocked_signals_come_at_the_end_of_the_scope(void**) {
    in_a_program([] {
        EXPECT(signals::on(SIGUSR1, first).ok() && signals::on(SIGUSR2, second).ok());
        {
            const signals::Blocked outer({SIGUSR1});
            {
                const signals::Blocked inner({SIGUSR1, SIGUSR2, 0, 65, -3});
                raise(SIGUSR1);
                raise(SIGUSR2);
                EXPECT(g_first == 0 && g_second == 0);
            }
            EXPECT(g_first == 0 && g_second == 1);
        }
        EXPECT(g_first == 1);
    });
    constexpr signals::Set kSet = {SIGHUP, SIGTERM};
    static_assert(kSet.has(SIGHUP) && kSet.has(SIGTERM) && !kSet.has(SIGINT), "a set");
    static_assert(!kSet.has(0) && !kSet.has(65) && !kSet.has(-1), "outside");
    assert_int_equal(signals::Set({0, 65, -1, 1000}).mask(), 0);
}

// ---- signal.pause(), and the race-free wait_signal(set, Timeout) -------------------------------

static void pause_returns_when_a_handler_has_run(void**) {
    in_a_program([] {
        EXPECT(signals::on(SIGUSR1, first).ok());
        const pid_t sleeper = getpid(), waker = fork();
        if (waker == 0) {
            test::wait_until_blocked(sleeper);
            _exit(kill(sleeper, SIGUSR1));
        }
        signals::pause();
        EXPECT(g_first == 1 && waitpid(waker, nullptr, 0) == waker);
    });
}

static void wait_signal_takes_a_signal_that_came_before_and_one_that_comes_later(void**) {
    in_a_program([] {
        EXPECT(signals::on(SIGUSR1, first).ok());
        const signals::Set set = {SIGUSR1, SIGUSR2};
        const signals::Blocked blocked(set);
        raise(SIGUSR1);
        EXPECT(*signals::wait_signal(set, brood::Timeout::no_wait()) == SIGUSR1);
        EXPECT(signals::wait_signal(set, brood::Timeout::no_wait()).code() == Errc::timed_out);
        const pid_t self = getpid(), sender = fork();
        if (sender == 0) {
            for (int i = 0; i < 300; ++i) {  // One at a time, at any moment of the wait.
                kill(self, SIGUSR2);
                sigset_t wanted;
                sigemptyset(&wanted);
                sigaddset(&wanted, SIGUSR1);
                int got = 0;
                sigwait(&wanted, &got);
            }
            _exit(0);
        }
        for (int i = 0; i < 300; ++i) {
            EXPECT(*signals::wait_signal(set, test::kLong) == SIGUSR2);
            EXPECT(kill(sender, SIGUSR1) == 0);
        }
        EXPECT(waitpid(sender, nullptr, 0) == sender && g_first == 0);
    });
}

static void wait_signal_keeps_its_time_over_a_storm_of_others(void**) {
    in_a_program([] {
        const signals::Set set = {SIGUSR2};
        const signals::Blocked blocked(set);
        const test::AlarmStorm storm;
        const std::int64_t before = test::now_ns();
        EXPECT(signals::wait_signal(set, milliseconds(80)).code() == Errc::timed_out);
        EXPECT(test::now_ns() - before >= 80000000);
    });
    assert_code(signals::wait_signal({}), Errc::bad_argument);
    assert_code(signals::wait_signal({SIGUSR1}, milliseconds(-1)), Errc::timeout_negative);
    assert_code(signals::wait_signal({SIGUSR1}, seconds(INT64_MAX)), Errc::timeout_overflow);
}

static void ignore_broken_pipes_ignores_sigpipe_and_sends_say_broken_pipe(void**) {
    for (const bool told : {false, true}) {
        in_a_program([=] {
            if (told) { EXPECT(signals::ignore_broken_pipes().ok()); }
            EXPECT(handler_of(SIGPIPE) == (told ? SIG_IGN : SIG_DFL));
            auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
            pipe.receiver.close();
            EXPECT(pipe.sender.send(1).code() == Errc::broken_pipe);
        });
    }
}

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(all_lists_what_kill_l_lists),
        cmocka_unit_test(the_default_action_is_what_happens),
        cmocka_unit_test(names_and_numbers_are_found_with_and_without_sig),
        cmocka_unit_test(send_reaches_a_process_and_never_a_group),
        cmocka_unit_test(on_ignore_and_by_default_do_so_and_restore_puts_back_what_was_first),
        cmocka_unit_test(calls_of_the_host_go_on_after_a_handler),
        cmocka_unit_test(a_signal_that_cannot_be_handled_is_bad),
        cmocka_unit_test(a_child_starts_at_the_defaults_and_has_nothing_to_restore),
        cmocka_unit_test(scoped_handlers_nest_and_put_back_exactly_what_was_there),
        cmocka_unit_test(blocked_signals_come_at_the_end_of_the_scope),
        cmocka_unit_test(pause_returns_when_a_handler_has_run),
        cmocka_unit_test(wait_signal_takes_a_signal_that_came_before_and_one_that_comes_later),
        cmocka_unit_test(wait_signal_keeps_its_time_over_a_storm_of_others),
        cmocka_unit_test(ignore_broken_pipes_ignores_sigpipe_and_sends_say_broken_pipe),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
