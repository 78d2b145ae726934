// Goal: the one alarm clock of a process rings when it should, and is lent and given back with its
// handler, its time and its repetition (promise 34).
// Method: each test runs in a program of its own (a child of a plain fork).
#include "process_support.hpp"

#include <brood/signals.hpp>

using brood::Errc;
using brood::microseconds;
using brood::milliseconds;
using brood::seconds;
namespace signals = brood::signals;
namespace this_process = brood::this_process;

#define EXPECT CHILD_EXPECT

template <class F>
static void in_a_program(F body) {
    test::assert_child_exits(0, [&] {
        body();
        return 0;
    });
}

static std::atomic<int> g_outer{0}, g_inner{0};
static void outer(int) {
    g_outer.fetch_add(1);
}
static void inner(int) {
    g_inner.fetch_add(1);
}

/// The times of the alarm clock, in microseconds.
struct Clock {
    std::int64_t left_us, repeat_us;
    static Clock now() {
        itimerval timer = {};
        getitimer(ITIMER_REAL, &timer);
        return {timer.it_value.tv_sec * 1000000 + timer.it_value.tv_usec,
                timer.it_interval.tv_sec * 1000000 + timer.it_interval.tv_usec};
    }
};

static bool rings(std::atomic<int>& counter, int times) {
    return test::eventually([&] { return counter.load() >= times; });
}

// ---- signal.alarm(sec): one clock, the later replaces the earlier ------------------------------

static void alarm_rings_once_and_not_before_its_time(void**) {
    in_a_program([] {
        EXPECT(signals::on(SIGALRM, outer).ok());
        const std::int64_t before = test::now_ns();
        EXPECT(signals::alarm(milliseconds(40))->is_no_wait());
        EXPECT(rings(g_outer, 1) && test::now_ns() - before >= 40000000);
        test::sleep_ms(60);
        EXPECT(g_outer == 1);
    });
}

static void alarm_returns_what_was_left_and_a_later_one_replaces_it(void**) {
    in_a_program([] {
        EXPECT(signals::on(SIGALRM, outer).ok());
        EXPECT(signals::alarm(seconds(100))->is_no_wait());
        test::sleep_ms(5);
        const std::int64_t left = signals::alarm(milliseconds(30))->nanoseconds();
        EXPECT(left > 60 * 1000000000ll && left <= 99995 * 1000000ll);
        EXPECT(rings(g_outer, 1));
        EXPECT(signals::alarm(milliseconds(0))->is_no_wait());  // It is off.
    });
}

static void alarm_of_0_cancels(void**) {
    in_a_program([] {
        EXPECT(signals::on(SIGALRM, outer).ok());
        std::int64_t left = 0;
        for (int ms = 30; left == 0; ms *= 4) {  // Under load it may ring before.
            g_outer = 0;
            EXPECT(signals::alarm(milliseconds(ms)).ok());
            left = signals::alarm(milliseconds(0))->nanoseconds();
            EXPECT(left >= 0 && left <= ms * 1000000ll);
            test::sleep_ms(2 * ms);
        }
        EXPECT(g_outer == 0 && Clock::now().left_us == 0);
    });
}

static void without_a_handler_an_alarm_ends_the_process(void**) {
    brood::Process process([] {
        signals::alarm(milliseconds(10)).expect("setting the alarm");
        for (;;) { pause(); }
    });
    assert_int_equal(test::run_to_end(process), -SIGALRM);
}

static void bad_delays_are_refused_and_leave_the_clock_alone(void**) {
    in_a_program([] {
        EXPECT(signals::alarm(seconds(50)).ok());
        EXPECT(signals::alarm(milliseconds(-1)).code() == Errc::timeout_negative);
        EXPECT(signals::alarm(seconds(INT64_MAX)).code() == Errc::timeout_overflow);
        EXPECT(signals::alarm(brood::Timeout::forever()).code() == Errc::timeout_overflow);
        EXPECT(signals::alarm(seconds(40))->nanoseconds() > 40 * 1000000000ll);
    });
}

// ---- alarm, scoped form ------------------------------------------------------------------------

static void a_scoped_alarm_rings_and_gives_back_timer_and_handler(void**) {
    in_a_program([] {
        EXPECT(signals::on(SIGALRM, outer).ok());
        const std::int64_t before = test::now_ns();
        EXPECT(signals::alarm(milliseconds(100)).ok());
        {
            const signals::ScopedAlarm scoped(milliseconds(10), inner);
            EXPECT(scoped.status().ok() && rings(g_inner, 1) && g_outer == 0);
        }
        EXPECT(rings(g_outer, 1));
        EXPECT(test::now_ns() - before >= 100000000);  // At its own time, not later by ours.
        test::sleep_ms(30);
        EXPECT(g_outer == 1 && g_inner == 1);
    });
}

static void a_scoped_alarm_that_did_not_ring_is_cancelled(void**) {
    in_a_program([] {
        signal(SIGALRM, outer);
        { const signals::ScopedAlarm scoped(seconds(20), inner); }
        EXPECT(g_inner == 0 && g_outer == 0 && Clock::now().left_us == 0);
    });
}

static void nested_alarms_each_restore_the_one_before(void**) {
    in_a_program([] {
        signal(SIGALRM, outer);
        EXPECT(signals::alarm(seconds(100)).ok());
        {
            const signals::ScopedAlarm middle(seconds(50), inner);
            {
                static std::atomic<int> innermost{0};
                const signals::ScopedAlarm last(milliseconds(5), [](int) { innermost = 1; });
                EXPECT(rings(innermost, 1));
            }
            const Clock clock = Clock::now();
            EXPECT(clock.left_us > 20000000 && clock.left_us < 50000000);
            raise(SIGALRM);
            EXPECT(g_inner == 1 && g_outer == 0);
        }
        const Clock clock = Clock::now();
        EXPECT(clock.left_us > 70000000 && clock.left_us < 100000000 && clock.repeat_us == 0);
        raise(SIGALRM);
        EXPECT(g_inner == 1 && g_outer == 1);
    });
}

static void an_alarm_that_should_have_rung_meanwhile_rings_at_once(void**) {
    in_a_program([] {
        signal(SIGALRM, outer);
        bool is_in_time = false;
        for (int ms = 10; !is_in_time; ms *= 4) {  // Under load it may ring before.
            g_outer = 0;
            EXPECT(signals::alarm(milliseconds(ms)).ok());
            {
                const signals::ScopedAlarm scoped(seconds(50), inner);
                is_in_time = g_outer == 0;
                test::sleep_ms(3 * ms);
                EXPECT(g_outer == (is_in_time ? 0 : 1));
            }
        }
        EXPECT(rings(g_outer, 1) && g_inner == 0);
    });
}

static void a_timer_of_the_host_that_repeats_goes_on_to_repeat(void**) {
    in_a_program([] {
        signal(SIGALRM, outer);
        const itimerval every = {{0, 10000}, {0, 10000}};
        EXPECT(setitimer(ITIMER_REAL, &every, nullptr) == 0);
        {
            const signals::ScopedAlarm scoped(seconds(50), inner);
            EXPECT(Clock::now().repeat_us == 0);
        }
        EXPECT(Clock::now().repeat_us == 10000);
        EXPECT(rings(g_outer, 4) && g_inner == 0);
    });
}

// However short what is left of an alarm: it is rung once, in the handler that it was meant for.
static void an_alarm_about_to_ring_is_neither_lost_nor_given_to_the_wrong_handler(void**) {
    in_a_program([] {
        signal(SIGALRM, outer);
        for (int i = 0; i < 3000; ++i) {
            EXPECT(signals::alarm(microseconds(1 + i % 40)).ok());
            { const signals::ScopedAlarm scoped(seconds(50), inner); }
            EXPECT(rings(g_outer, i + 1));
            EXPECT(g_outer == i + 1 && g_inner == 0);
        }
    });
}

static void a_scoped_alarm_that_is_refused_changes_nothing(void**) {
    in_a_program([] {
        signal(SIGALRM, outer);
        EXPECT(signals::alarm(milliseconds(20)).ok());
        const signals::ScopedAlarm negative(milliseconds(-1), inner);
        const signals::ScopedAlarm overflow(seconds(INT64_MAX), inner);
        const signals::ScopedAlarm forever(brood::Timeout::forever(), inner);
        EXPECT(negative.status().code() == Errc::timeout_negative);
        EXPECT(overflow.status().code() == Errc::timeout_overflow);
        EXPECT(forever.status().code() == Errc::timeout_overflow);
        EXPECT(rings(g_outer, 1) && g_inner == 0);
    });
}

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(alarm_rings_once_and_not_before_its_time),
        cmocka_unit_test(alarm_returns_what_was_left_and_a_later_one_replaces_it),
        cmocka_unit_test(alarm_of_0_cancels),
        cmocka_unit_test(without_a_handler_an_alarm_ends_the_process),
        cmocka_unit_test(bad_delays_are_refused_and_leave_the_clock_alone),
        cmocka_unit_test(a_scoped_alarm_rings_and_gives_back_timer_and_handler),
        cmocka_unit_test(a_scoped_alarm_that_did_not_ring_is_cancelled),
        cmocka_unit_test(nested_alarms_each_restore_the_one_before),
        cmocka_unit_test(an_alarm_that_should_have_rung_meanwhile_rings_at_once),
        cmocka_unit_test(a_timer_of_the_host_that_repeats_goes_on_to_repeat),
        cmocka_unit_test(an_alarm_about_to_ring_is_neither_lost_nor_given_to_the_wrong_handler),
        cmocka_unit_test(a_scoped_alarm_that_is_refused_changes_nothing),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
