// Goal: whoever waits for an Event goes when it is set, also when its setter or another waiter is
// killed or stopped at whatever moment; and nobody goes before.
#include "shared_support.hpp"
#include "sleeper_support.hpp"

#include <pthread.h>

#include <brood/event.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Errc;
using brood::Event;
using brood::Timeout;
using test::start_sleeping;

namespace {

const Timeout kLong = brood::milliseconds(test::kPatienceMs);

Event make() {
    return Event::create().expect("making the event");
}

void wait_set_clear_is_set(void**) {
    Event event = make();
    assert_false(event.is_set());
    assert_error(event.wait(Timeout::no_wait()).code(), Errc::timed_out, "not set");
    assert_ok(event.set().error());
    assert_ok(event.set().error());
    assert_true(event.is_set());
    assert_ok(event.wait(Timeout::no_wait()).error());
    assert_ok(event.wait().error());
    assert_ok(event.clear().error());
    assert_ok(event.clear().error());
    assert_false(event.is_set());
    assert_error(event.wait(brood::milliseconds(1)).code(), Errc::timed_out, "cleared");
}

void all_who_wait_go_when_it_is_set_and_none_before(void**) {
    constexpr int kCars = 20;  // The traffic light of the notes.
    Event green = make();
    Board<std::atomic<int>> is_green;
    pid_t cars[kCars];
    for (pid_t& car : cars) {
        car =
            start_sleeping([&] { return green.wait(kLong).ok() && is_green->load() == 1 ? 0 : 1; });
    }
    sleep_us(20000);
    is_green->store(1);
    assert_ok(green.set().error());
    for (const pid_t car : cars) { assert_int_equal(end_of(car), 0); }
}

void a_waiter_goes_even_if_it_is_cleared_at_once(void**) {
    for (int round = 0; round < 50; ++round) {
        Event event = make();
        pid_t waiters[3];
        for (pid_t& one : waiters) {
            one = start_sleeping([&] { return event.wait(kLong).ok() ? 0 : 1; });
        }
        assert_ok(event.set().error());
        assert_ok(event.clear().error());
        for (const pid_t one : waiters) { assert_int_equal(end_of(one), 0); }
    }
}

void threads_wait_like_processes(void**) {
    Event event = make();
    pthread_t threads[4];
    const auto body = [](void* argument) -> void* {
        return static_cast<Event*>(argument)->wait(kLong).ok() ? argument : nullptr;
    };
    for (pthread_t& thread : threads) {
        assert_int_equal(pthread_create(&thread, nullptr, body, &event), 0);
    }
    sleep_us(10000);
    assert_ok(event.set().error());
    for (const pthread_t thread : threads) {
        void* result = nullptr;
        assert_int_equal(pthread_join(thread, &result), 0);
        assert_ptr_equal(result, &event);
    }
}

void a_setter_killed_at_a_random_moment_strands_nobody(void**) {
    constexpr int kRounds = 300;
    Board<std::atomic<int>> about_to;
    Chance chance(5);
    int set = 0;
    for (int round = 0; round < kRounds; ++round) {
        Event event = make();
        pid_t waiters[3];
        for (pid_t& one : waiters) {
            one = start_sleeping([&] { return event.wait(kLong).ok() ? 0 : 1; });
        }
        about_to->store(0);
        const pid_t setter = start_child([&] {
            about_to->store(1);
            (void)event.set();
        });
        if (round % 2 == 0) {
            while (about_to->load() == 0) {}
            for (long i = chance.below(2000); i > 0; --i) { brood::port::cpu_relax(); }
        } else {
            sleep_us(chance.below(300));
        }
        (void)kill(setter, SIGKILL);
        (void)end_of(setter);
        if (event.is_set()) {
            ++set;  // Then all of them must go without anybody's help.
        } else {
            for (const pid_t one : waiters) { assert_int_equal(waitpid(one, nullptr, WNOHANG), 0); }
            assert_ok(event.set().error());
        }
        for (const pid_t one : waiters) { assert_int_equal(end_of(one), 0); }
    }
    print_message("%d of %d were killed after it was set\n", set, kRounds);
}

void waiters_killed_at_random_moments_leave_the_others_waiting_as_before(void**) {
    constexpr int kRounds = 300;
    struct Account {
        std::atomic<int> ready[3] = {}, gone[3] = {};  // the last: of the victims
    };
    Event event = make();
    Board<Account> account;
    // In each round it is set and cleared once: survivors must notice each, victims die on the way.
    const auto wait_for_each = [&](int who) {
        for (;;) {
            account->ready[who].fetch_add(1);
            CHECK_IN_CHILD(event.wait(kLong).ok());
            account->gone[who].fetch_add(1);
            while (event.is_set()) { sleep_us(20); }
        }
    };
    pid_t survivors[2];
    for (int i = 0; i < 2; ++i) {
        survivors[i] = start_child([&, i] { wait_for_each(i); });
    }
    Chance chance(6);
    for (int round = 0; round < kRounds; ++round) {
        const pid_t victim = start_child([&] { wait_for_each(2); });
        for (int i = 0; i < 2; ++i) { assert_true(becomes(account->ready[i], round + 1)); }
        sleep_us(chance.below(800));
        if (round % 2 != 0) { (void)kill(victim, SIGKILL); }
        assert_ok(event.set().error());
        if (round % 2 == 0) {
            sleep_us(chance.below(60));
            (void)kill(victim, SIGKILL);
        }
        for (int i = 0; i < 2; ++i) { assert_true(becomes(account->gone[i], round + 1)); }
        assert_ok(event.clear().error());
        assert_int_equal(end_of(victim), -SIGKILL);
    }
    for (const pid_t one : survivors) { kill_and_reap(one); }
}

void a_stopped_waiter_goes_when_it_is_continued(void**) {
    Event event = make();
    const pid_t stopped = start_sleeping([&] { return event.wait(kLong).ok() ? 0 : 1; });
    const pid_t other = start_sleeping([&] { return event.wait(kLong).ok() ? 0 : 1; });
    assert_int_equal(kill(stopped, SIGSTOP), 0);
    test::await_state(stopped, 'T');
    assert_ok(event.set().error());
    assert_int_equal(end_of(other), 0);
    assert_ok(event.clear().error());
    assert_int_equal(kill(stopped, SIGCONT), 0);
    assert_int_equal(end_of(stopped), 0);  // It was set since it began to wait.
}

void timeouts_are_kept_to_in_a_storm_of_signals_and_bad_ones_refused(void**) {
    Event event = make();
    {
        const test::AlarmStorm storm;
        const int64_t before = now_ms();
        assert_error(event.wait(brood::milliseconds(150)).code(), Errc::timed_out, "150 ms");
        assert_true(now_ms() - before >= 150 && now_ms() - before < test::kSoonMs);
    }
    assert_error(event.wait(brood::nanoseconds(-1)).code(), Errc::timeout_negative, "-1 ns");
    assert_error(event.wait(brood::seconds(INT64_MAX)).code(), Errc::timeout_overflow, "long");
}

void an_event_that_is_gone_is_closed(void**) {
    Event none;
    assert_error(none.wait().code(), Errc::closed, "wait");
    assert_error(none.set().code(), Errc::closed, "set");
    assert_error(none.clear().code(), Errc::closed, "clear");
    assert_false(none.is_set());
    Event event = make();
    assert_ok(event.set().error());
    none = std::move(event);
    assert_error(event.set().code(), Errc::closed, "moved from");
    assert_true(none.is_set());
    assert_child_exits(0, [&] {  // A child's handle is its own.
        CHECK_IN_CHILD(none.clear().ok());
        none = Event();
    });
    assert_false(none.is_set());
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(wait_set_clear_is_set),
        TIDY(all_who_wait_go_when_it_is_set_and_none_before),
        TIDY(a_waiter_goes_even_if_it_is_cleared_at_once),
        TIDY(threads_wait_like_processes),
        TIDY(a_setter_killed_at_a_random_moment_strands_nobody),
        TIDY(waiters_killed_at_random_moments_leave_the_others_waiting_as_before),
        TIDY(a_stopped_waiter_goes_when_it_is_continued),
        TIDY(timeouts_are_kept_to_in_a_storm_of_signals_and_bad_ones_refused),
        TIDY(an_event_that_is_gone_is_closed),
    };
    return cmocka_run_group_tests_name("event", tests, nullptr, nullptr);
}
