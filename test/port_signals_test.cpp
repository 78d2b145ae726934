// Goal: every port handles signals, the alarm clock and time as port/port.hpp says.
// Method: each test that changes how signals are handled does so in a child of its own.
#include "support.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <port/port.hpp>

namespace port = brood::port;
using brood::Errc;
using test::assert_code;
using test::assert_ok;

static volatile sig_atomic_t g_handled = 0;
static void count_signal(int) {
    g_handled = g_handled + 1;
}

static constexpr port::SignalMask bit(int signal) {
    return port::SignalMask{1} << (signal - 1);
}

static port::SignalAction action_of(port::Disposition disposition, void (*handler)(int) = nullptr) {
    port::SignalAction action;
    action.disposition = disposition;
    action.handler = handler;
    return action;
}

static void the_table_lists_every_signal_once_by_number(void**) {
    std::size_t count = 0;
    const port::SignalEntry* const table = port::signal_table(count);
    assert_in_range(count, 20, 64);
    bool has_term = false;
    for (std::size_t index = 0; index < count; ++index) {
        const port::SignalEntry& entry = table[index];
        if (index > 0) { assert_true(table[index - 1].number < entry.number); }
        assert_int_equal(strncmp(entry.name, "SIG", 3), 0);
        assert_true(entry.meaning[0] != '\0' && entry.by_default[0] != '\0');
        assert_ok(port::signal_action(entry.number, nullptr, nullptr));
        has_term = has_term || (entry.number == SIGTERM && strcmp(entry.name, "SIGTERM") == 0);
    }
    assert_true(has_term);
}

static void names_and_numbers_are_those_of_the_table(void**) {
    std::size_t count = 0;
    const port::SignalEntry* const table = port::signal_table(count);
    for (std::size_t index = 0; index < count; ++index) {
        assert_string_equal(port::signal_name(table[index].number), table[index].name);
    }
    for (const int nameless : {-SIGTERM, 0, 64, 256 + SIGTERM}) {
        assert_string_equal(port::signal_name(nameless), "signal");
    }
    assert_int_equal(port::kSignalChild, SIGCHLD);
    assert_int_equal(port::kSignalContinue, SIGCONT);
}

// Sends each signal to a child that handles it by default, and looks what becomes of the child.
static void what_the_table_says_of_the_defaults_is_true(void**) {
    std::size_t count = 0;
    const port::SignalEntry* const table = port::signal_table(count);
    for (std::size_t index = 0; index < count; ++index) {
        const port::SignalEntry& entry = table[index];
        test::Handshake ready;
        const pid_t pid = test::start_child([&] {
            const rlimit no_core = {0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            setpgid(0, 0);  // A group whose parent is in its session heeds the terminal's signals.
            signal(entry.number, SIG_DFL);  // Some are caught by cmocka.
            ready.tell();
            return pause();
        });
        assert_true(ready.await());
        kill(pid, entry.number);
        const bool stops = strcmp(entry.by_default, "stops") == 0;
        const bool ends = strncmp(entry.by_default, "ends", 4) == 0;
        if (!stops && !ends) { kill(pid, SIGKILL); }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        if (stops) {
            assert_true(WIFSTOPPED(status));
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
        } else {
            assert_true(WIFSIGNALED(status));
            assert_int_equal(WTERMSIG(status), ends ? entry.number : SIGKILL);
        }
    }
}

static void an_action_that_was_set_is_read_back(void**) {
    test::assert_child_exits(0, [] {
        port::SignalAction set = action_of(port::Disposition::handled, count_signal);
        set.restart = false;
        port::SignalAction found;
        if (!port::signal_action(SIGUSR1, &set, &found).ok()) { return 1; }
        if (found.disposition != port::Disposition::by_default) { return 2; }
        set = action_of(port::Disposition::ignored);
        if (!port::signal_action(SIGUSR1, &set, &found).ok()) { return 3; }
        if (found.disposition != port::Disposition::handled) { return 4; }
        if (found.handler != count_signal || found.restart) { return 5; }
        raise(SIGUSR1);
        if (!port::signal_action(SIGUSR1, &found, &found).ok()) { return 6; }
        if (found.disposition != port::Disposition::ignored) { return 7; }
        raise(SIGUSR1);
        return g_handled == 1 ? 0 : 8;
    });
}

static void an_action_is_put_back_exactly(void**) {
    test::assert_child_exits(0, [] {
        struct sigaction host = {};
        host.sa_sigaction = [](int, siginfo_t*, void*) {};
        host.sa_flags = SA_SIGINFO | SA_NODEFER;
        sigaddset(&host.sa_mask, SIGUSR2);
        sigaction(SIGUSR1, &host, nullptr);

        port::SignalAction kept;
        const port::SignalAction ours = action_of(port::Disposition::by_default);
        if (!port::signal_action(SIGUSR1, &ours, &kept).ok()) { return 1; }
        if (kept.disposition != port::Disposition::handled) { return 2; }
        if (!port::signal_action(SIGUSR1, &kept, nullptr).ok()) { return 3; }

        struct sigaction found = {};
        sigaction(SIGUSR1, nullptr, &found);
        if (found.sa_sigaction != host.sa_sigaction) { return 4; }
        if ((found.sa_flags & (SA_SIGINFO | SA_NODEFER)) != host.sa_flags) { return 5; }
        return sigismember(&found.sa_mask, SIGUSR2) == 1 ? 0 : 6;
    });
}

static void what_is_no_signal_or_cannot_be_handled_is_refused(void**) {
    const port::SignalAction ignored = action_of(port::Disposition::ignored);
    const struct {
        const char* rule;
        int signal;
        Errc code;
    } rows[] = {
        {"below the first", 0, Errc::bad_signal}, {"the first", SIGHUP, Errc::ok},
        {"negative", -1, Errc::bad_signal},       {"beyond the last", 65, Errc::bad_signal},
        {"far beyond", 1000, Errc::bad_signal},   {"not to be handled", SIGKILL, Errc::bad_signal},
    };
    for (const auto& row : rows) {
        const int code = test::run_child([&] {
            return port::signal_action(row.signal, &ignored, nullptr).code() == row.code ? 0 : 1;
        });
        if (code != 0) { fail_msg("%s", row.rule); }
    }
    const port::SignalAction empty = action_of(port::Disposition::handled);
    assert_code(port::signal_action(SIGUSR1, &empty, nullptr), Errc::bad_argument);
}

static void a_mask_is_changed_and_the_former_returned(void**) {
    const port::SignalMask both = bit(SIGUSR1) | bit(SIGUSR2);
    const port::SignalMask first = port::signal_mask(port::MaskChange::set, 0);
    assert_int_equal(port::signal_mask(port::MaskChange::block, bit(SIGUSR1)), 0);
    assert_int_equal(port::signal_mask(port::MaskChange::block, bit(SIGUSR2)), bit(SIGUSR1));
    assert_int_equal(port::signal_mask(port::MaskChange::unblock, bit(SIGUSR1)), both);
    assert_int_equal(port::signal_mask(port::MaskChange::set, bit(64)), bit(SIGUSR2));
    assert_int_equal(port::signal_mask(port::MaskChange::set, ~port::SignalMask{0}), bit(64));
    const port::SignalMask all = port::signal_mask(port::MaskChange::set, first);
    assert_int_equal(all & both, both);
    assert_int_equal(all & (bit(SIGKILL) | bit(SIGSTOP)), 0);
}

static void a_fresh_child_gets_rid_of_its_parents_handlers(void**) {
    test::assert_child_exits(0, [] {
        port::signal_mask(port::MaskChange::set, ~port::SignalMask{0});
        signal(SIGUSR1, SIG_IGN);
        signal(SIGUSR2, count_signal);
        signal(SIGRTMIN + 3, count_signal);
        signal(SIGTERM, count_signal);
        raise(SIGCHLD);  // Pending and ignored by default: harmless.
        port::reset_signals();
        if (port::signal_mask(port::MaskChange::block, 0) != 0) { return 1; }
        struct sigaction found = {};
        for (const int caught : {SIGUSR2, SIGRTMIN + 3, SIGTERM}) {
            sigaction(caught, nullptr, &found);
            if (found.sa_handler != SIG_DFL) { return 2; }
        }
        sigaction(SIGUSR1, nullptr, &found);
        return found.sa_handler == SIG_IGN && g_handled == 0 ? 0 : 3;
    });
    // One that came in between finds the default, not the parent's handler.
    test::assert_child_exits(-SIGTERM, [] {
        port::signal_mask(port::MaskChange::set, ~port::SignalMask{0});
        signal(SIGTERM, count_signal);
        raise(SIGTERM);
        port::reset_signals();
        return 1;
    });
}

static void a_blocked_signal_is_waited_for_and_taken(void**) {
    test::assert_child_exits(0, [] {
        port::signal_mask(port::MaskChange::block, bit(SIGUSR1) | bit(SIGUSR2));
        raise(SIGUSR2);
        const port::SignalMask set = bit(SIGUSR1) | bit(SIGUSR2);
        const brood::Result<std::int32_t> taken = port::signal_wait(set, port::kNever);
        if (!taken.ok() || *taken != SIGUSR2) { return 1; }
        if (port::signal_wait(set, 0).code() != Errc::timed_out) { return 2; }
        raise(SIGUSR1);
        const brood::Result<std::int32_t> now = port::signal_wait(set, 0);  // No time, but there.
        return now.ok() && *now == SIGUSR1 ? 0 : 3;
    });
}

static void other_signals_neither_end_nor_stretch_a_wait(void**) {
    test::assert_child_exits(0, [] {
        signal(SIGUSR1, count_signal);
        port::signal_mask(port::MaskChange::block, bit(SIGUSR2));
        const test::SignalStorm storm(SIGUSR1);
        const std::int64_t deadline = test::in_ms(100);
        if (port::signal_wait(bit(SIGUSR2), deadline).code() != Errc::timed_out) { return 1; }
        const std::int64_t late = test::now_ns() - deadline;
        return late >= 0 && late < test::kSoonMs * 1000000 && g_handled > 0 ? 0 : 2;
    });
}

static void a_pause_ends_when_a_handler_has_run(void**) {
    test::Handshake paused;
    const pid_t pid = test::start_child([&] {
        signal(SIGUSR1, count_signal);
        paused.tell();
        while (g_handled == 0) { port::signal_pause(); }
        return 0;
    });
    assert_true(paused.await());
    // The first may come before the pause: then the next ends it.
    assert_true(test::eventually([&] {
        kill(pid, SIGUSR1);
        return port::wait_child(pid, port::Reap::look)->ended;
    }));
    assert_int_equal(test::join_child(pid), 0);
}

static void the_alarm_clock_rings_once(void**) {
    test::assert_child_exits(0, [] {
        port::signal_mask(port::MaskChange::block, bit(SIGALRM));
        const brood::Result<std::int64_t> before = port::alarm_clock(20000000);
        if (!before.ok() || *before != 0) { return 1; }
        const std::int64_t start = test::now_ns();
        if (!port::signal_wait(bit(SIGALRM), test::in_ms(test::kPatienceMs)).ok()) { return 2; }
        if (test::now_ns() - start < 15000000) { return 3; }
        if (port::signal_wait(bit(SIGALRM), test::in_ms(100)).ok()) { return 4; }
        return *port::alarm_clock(0) == 0 ? 0 : 5;
    });
}

static void the_alarm_clock_tells_what_was_left(void**) {
    test::assert_child_exits(0, [] {
        constexpr std::int64_t kHour = 3600 * 1000000000LL;
        if (*port::alarm_clock(kHour) != 0) { return 1; }
        const std::int64_t left = *port::alarm_clock(2 * kHour);
        if (left > kHour || left < kHour - 60 * 1000000000LL) { return 2; }
        if (*port::alarm_clock(0) <= kHour) { return 3; }
        return *port::alarm_clock(0) == 0 ? 0 : 4;
    });
}

static void no_running_alarm_reads_as_off(void**) {
    test::assert_child_exits(0, [] {
        port::signal_mask(port::MaskChange::block, bit(SIGALRM));
        // Read in its last microseconds, again and again: off only if it has rung.
        for (int count = 0; count < 20000; ++count) {
            if (!port::alarm_clock(1 + count % 8000).ok()) { return 1; }
            for (volatile int spin = 0; spin < count % 600; spin = spin + 1) {}
            const brood::Result<std::int64_t> left = port::alarm_clock(0);
            if (!left.ok()) { return 2; }
            const bool rung = port::signal_wait(bit(SIGALRM), 0).ok();
            if (!rung && *left == 0) { return 3; }
            if (rung && *left != 0) { return 4; }
        }
        return 0;
    });
}

static void impossible_alarms_are_refused(void**) {
    assert_code(port::alarm_clock(-1), Errc::timeout_negative);
    assert_int_equal(*port::alarm_clock(0), 0);
}

static void the_clock_never_goes_back_and_sleeps_are_not_short(void**) {
    std::int64_t last = port::now_ns();
    for (int count = 0; count < 10000; ++count) {
        const std::int64_t now = port::now_ns();
        assert_true(now >= last);
        last = now;
    }
    port::yield();
    port::sleep_until(0);
    port::sleep_until(port::now_ns() - 1);
    const std::int64_t deadline = test::in_ms(30);
    port::sleep_until(deadline);
    const std::int64_t late = port::now_ns() - deadline;
    assert_true(late >= 0 && late < test::kPatienceMs * 1000000);
}

static void signals_do_not_shorten_a_sleep(void**) {
    test::assert_child_exits(0, [] {
        signal(SIGUSR1, count_signal);
        const test::SignalStorm storm(SIGUSR1);
        const std::int64_t deadline = test::in_ms(100);
        port::sleep_until(deadline);
        return test::now_ns() >= deadline && g_handled > 0 ? 0 : 1;
    });
}

static void random_bytes_differ_and_fill_the_whole_buffer(void**) {
    unsigned char first[64] = {};
    unsigned char second[64] = {};
    assert_ok(port::random_bytes(first, sizeof(first)));
    assert_ok(port::random_bytes(second, sizeof(second)));
    assert_memory_not_equal(first, second, sizeof(first));
    bool last_ever_set = false;
    for (int tries = 0; tries < 20; ++tries) {
        unsigned char odd[8] = {};
        assert_ok(port::random_bytes(odd, 7));
        last_ever_set = last_ever_set || odd[6] != 0;
        assert_int_equal(odd[7], 0);
    }
    assert_true(last_ever_set);
    assert_ok(port::random_bytes(first, 0));
}

int main() {
    print_message("port: %s\n", port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(the_table_lists_every_signal_once_by_number),
        cmocka_unit_test(names_and_numbers_are_those_of_the_table),
        cmocka_unit_test(what_the_table_says_of_the_defaults_is_true),
        cmocka_unit_test(an_action_that_was_set_is_read_back),
        cmocka_unit_test(an_action_is_put_back_exactly),
        cmocka_unit_test(what_is_no_signal_or_cannot_be_handled_is_refused),
        cmocka_unit_test(a_mask_is_changed_and_the_former_returned),
        cmocka_unit_test(a_fresh_child_gets_rid_of_its_parents_handlers),
        cmocka_unit_test(a_blocked_signal_is_waited_for_and_taken),
        cmocka_unit_test(other_signals_neither_end_nor_stretch_a_wait),
        cmocka_unit_test(a_pause_ends_when_a_handler_has_run),
        cmocka_unit_test(the_alarm_clock_rings_once),
        cmocka_unit_test(the_alarm_clock_tells_what_was_left),
        cmocka_unit_test(no_running_alarm_reads_as_off),
        cmocka_unit_test(impossible_alarms_are_refused),
        cmocka_unit_test(the_clock_never_goes_back_and_sleeps_are_not_short),
        cmocka_unit_test(signals_do_not_shorten_a_sleep),
        cmocka_unit_test(random_bytes_differ_and_fill_the_whole_buffer),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
