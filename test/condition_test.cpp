// Goal: a Condition notifies those who waited longest, as many as asked for, and nobody else; and
// a notify is never lost with one who is killed, nor a waiter stranded by one.
#include "shared_support.hpp"
#include "sleeper_support.hpp"

#include <pthread.h>

#include <brood/condition.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Condition;
using brood::ConditionLocked;
using brood::Errc;
using brood::Timeout;
using test::start_sleeping;
using test::switches_at_rest;
using test::switches_of;

namespace {

const Timeout kLong = brood::milliseconds(test::kPatienceMs);

Condition make(std::size_t waiters = 16) {
    return Condition::create(waiters).expect("making the condition");
}

// A child that waits, asleep, and ends with the code that wait() returned.
pid_t start_waiter(Condition& condition, Timeout timeout = kLong) {
    return start_sleeping([&condition, timeout] {
        if (!condition.take(kLong).ok()) { return 99; }
        const brood::Status waited = condition.wait(timeout);
        const bool is_held = condition.release().ok();
        return is_held ? static_cast<int>(waited.code()) : 98;
    });
}
int code_of(Errc code) {
    return static_cast<int>(code);
}
void notify(Condition& condition, std::size_t count) {
    const ConditionLocked held = condition.acquire(kLong);
    assert_true(static_cast<bool>(held));
    assert_ok(condition.notify(count).error());
}
void assert_asleep(pid_t pid) {
    sleep_us(30000);
    assert_int_equal(waitpid(pid, nullptr, WNOHANG), 0);
}
void end_waiters(Condition& condition, const pid_t* waiters, int count) {
    notify(condition, SIZE_MAX);
    for (int i = 0; i < count; ++i) { assert_int_equal(end_of(waiters[i]), 0); }
}

void acquire_release_and_their_errors_are_those_of_a_lock(void**) {
    Condition condition = make();
    {
        const ConditionLocked held = condition.acquire();
        assert_true(static_cast<bool>(held));
        assert_error(condition.take().code(), Errc::would_deadlock, "twice");
        assert_child_exits(0, [&] {
            CHECK_IN_CHILD(condition.release().code() == Errc::not_owner);
            CHECK_IN_CHILD(condition.acquire(brood::milliseconds(5)).timed_out());
        });
    }
    assert_error(condition.release().code(), Errc::not_owner, "released by the guard");
    assert_child_exits(0, [&] { CHECK_IN_CHILD(condition.take().ok()); });
    assert_true(condition.acquire().owner_died());
    assert_true(condition.acquire().status().ok());
}

void wait_and_notify_are_for_the_holder_of_the_lock(void**) {
    Condition condition = make();
    const auto yes = [] { return true; };
    assert_error(condition.wait().code(), Errc::not_owner, "wait");
    assert_error(condition.wait_for(yes).code(), Errc::not_owner, "wait_for");
    assert_error(condition.notify().code(), Errc::not_owner, "notify");
    assert_error(condition.notify_all().code(), Errc::not_owner, "notify_all");
    const ConditionLocked held = condition.acquire();
    assert_ok(condition.notify().error());
    assert_ok(condition.notify_all().error());
    assert_error(condition.wait(brood::milliseconds(1)).code(), Errc::timed_out, "not kept");
    assert_child_exits(0, [&] { CHECK_IN_CHILD(condition.notify().code() == Errc::not_owner); });
}

void notify_n_wakes_those_who_waited_longest(void**) {
    Condition condition = make();
    pid_t waiters[6];
    for (pid_t& one : waiters) { one = start_waiter(condition); }
    notify(condition, 1);
    assert_int_equal(end_of(waiters[0]), 0);
    notify(condition, 3);
    for (int i = 1; i < 4; ++i) { assert_int_equal(end_of(waiters[i]), 0); }
    assert_asleep(waiters[4]);
    assert_asleep(waiters[5]);
    notify(condition, 0);
    assert_asleep(waiters[4]);
    end_waiters(condition, waiters + 4, 2);
}

void notify_all_wakes_all_who_wait(void**) {
    Condition condition = make(20);
    pid_t waiters[20];
    for (pid_t& one : waiters) { one = start_waiter(condition); }
    end_waiters(condition, waiters, 20);
}

void who_comes_after_a_notify_gets_nothing_of_it(void**) {
    for (const bool is_killed : {false, true}) {
        Condition condition = make();
        const pid_t first = start_waiter(condition);
        assert_int_equal(kill(first, SIGSTOP), 0);
        test::await_state(first, 'T');
        notify(condition, 2);
        const pid_t late = start_waiter(condition);
        if (is_killed) {
            kill_and_reap(first);
        } else {
            assert_int_equal(kill(first, SIGCONT), 0);
            assert_int_equal(end_of(first), 0);
        }
        assert_asleep(late);
        end_waiters(condition, &late, 1);
    }
}

void wait_for_waits_until_its_predicate_is_true(void**) {
    Condition condition = make();
    Board<std::atomic<int>> count;
    const auto are_three = [&] { return count->load() == 3; };
    const pid_t waiter = start_sleeping([&] {
        const ConditionLocked held = condition.acquire();
        return condition.wait_for(are_three, kLong).ok() && count->load() == 3 ? 0 : 1;
    });
    for (int i = 1; i <= 3; ++i) {
        assert_int_equal(waitpid(waiter, nullptr, WNOHANG), 0);
        const ConditionLocked held = condition.acquire();
        count->store(i);
        assert_ok(condition.notify().error());
    }
    assert_int_equal(end_of(waiter), 0);
    const ConditionLocked held = condition.acquire();
    assert_ok(condition.wait_for(are_three, Timeout::no_wait()).error());
    count->store(0);
    const int64_t before = now_ms();
    assert_error(condition.wait_for(are_three, brood::milliseconds(50)).code(), Errc::timed_out,
                 "");
    assert_true(now_ms() - before >= 50);
}

void a_timed_out_wait_has_the_lock_and_takes_no_notify(void**) {
    Condition condition = make();
    const ConditionLocked held = condition.acquire();
    {
        const test::AlarmStorm storm;
        const int64_t before = now_ms();
        assert_error(condition.wait(brood::milliseconds(150)).code(), Errc::timed_out, "150 ms");
        assert_true(now_ms() - before >= 150 && now_ms() - before < test::kSoonMs);
    }
    assert_error(condition.wait(Timeout::no_wait()).code(), Errc::timed_out, "no wait");
    assert_error(condition.take().code(), Errc::would_deadlock, "held");
    assert_error(condition.wait(brood::seconds(-1)).code(), Errc::timeout_negative, "-1 s");
    assert_error(condition.wait(brood::seconds(INT64_MAX)).code(), Errc::timeout_overflow, "long");
    assert_ok(condition.release().error());
    const pid_t waiter = start_waiter(condition);
    notify(condition, 1);
    assert_int_equal(end_of(waiter), 0);
}

struct Waiters {
    Condition condition;
    int count = 0;  // changed only with the condition held
};

void* wait_as_one_of(void* argument) {
    auto& waiters = *static_cast<Waiters*>(argument);
    const ConditionLocked held = waiters.condition.acquire();
    ++waiters.count;
    return held && waiters.condition.wait(kLong).ok() ? argument : nullptr;
}

void threads_wait_like_processes(void**) {
    Waiters waiters{make()};
    pthread_t threads[4];
    for (pthread_t& thread : threads) {
        assert_int_equal(pthread_create(&thread, nullptr, wait_as_one_of, &waiters), 0);
    }
    assert_true(test::eventually([&] {
        const ConditionLocked held = waiters.condition.acquire();
        if (waiters.count < 4) { return false; }
        test::assert_ok(waiters.condition.notify_all());
        return true;
    }));
    for (const pthread_t thread : threads) {
        void* result = nullptr;
        assert_int_equal(pthread_join(thread, &result), 0);
        assert_ptr_equal(result, &waiters);
    }
}

// ---- Death -------------------------------------------------------------------------------------

void a_notify_passes_on_when_its_recipient_is_killed_before_it_acts(void**) {
    for (const int notified : {1, 2}) {
        Condition condition = make();
        pid_t waiters[4];
        for (pid_t& one : waiters) { one = start_waiter(condition); }
        for (int i = 0; i < notified; ++i) {  // Stopped, they cannot act.
            assert_int_equal(kill(waiters[i], SIGSTOP), 0);
            test::await_state(waiters[i], 'T');
        }
        notify(condition, static_cast<std::size_t>(notified));
        assert_asleep(waiters[notified]);  // To be stopped is not to be dead.
        const int64_t before = now_ms();
        for (int i = 0; i < notified; ++i) { kill_and_reap(waiters[i]); }
        for (int i = 0; i < notified; ++i) {
            assert_int_equal(end_of(waiters[notified + i]), code_of(Errc::ok));
        }
        assert_true(now_ms() - before < test::kSoonMs);
        if (notified == 1) {
            assert_asleep(waiters[2]);
            end_waiters(condition, waiters + 2, 2);
        }
    }
}

// He may not have done what he was woken for.
void a_notify_passes_on_when_its_recipient_is_killed_with_the_lock(void**) {
    Condition condition = make();
    Board<std::atomic<int>> step;
    const pid_t victim = start_sleeping([&] {
        if (!condition.take().ok() || !condition.wait(kLong).ok()) { return 1; }
        step->store(1);
        for (;;) { (void)pause(); }
    });
    const pid_t next = start_waiter(condition);
    notify(condition, 1);
    assert_true(becomes(*step, 1));
    assert_asleep(next);
    kill_and_reap(victim);
    assert_int_equal(end_of(next), code_of(Errc::owner_died));
    assert_true(condition.acquire(kLong).status().ok());
}

void a_wait_tells_that_the_last_holder_died(void**) {
    Condition condition = make();
    const pid_t waiter = start_waiter(condition);
    assert_child_exits(0, [&] {
        CHECK_IN_CHILD(condition.take().ok());
        CHECK_IN_CHILD(condition.notify().ok());
    });
    assert_int_equal(end_of(waiter), code_of(Errc::owner_died));
    assert_true(condition.acquire(kLong).status().ok());
}

void dead_waiters_take_neither_a_notify_nor_a_place(void**) {
    Condition condition = make(2);
    for (int round = 0; round < 5; ++round) {
        const pid_t victim = start_waiter(condition), waiter = start_waiter(condition);
        kill_and_reap(victim);
        notify(condition, 1);
        assert_int_equal(end_of(waiter), 0);
        const pid_t others[2] = {start_waiter(condition), start_waiter(condition)};
        {
            const ConditionLocked held = condition.acquire(kLong);
            assert_error(condition.wait(kLong).code(), Errc::too_many_members, "a third");
            assert_error(condition.take().code(), Errc::would_deadlock, "still held");
        }
        for (const pid_t one : others) { kill_and_reap(one); }
    }
}

void an_idle_waiter_causes_no_wake_ups(void**) {
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run("idle waiters", "this port looks by itself");
    }
    Condition condition = make();
    const pid_t waiters[2] = {start_waiter(condition), start_waiter(condition)};
    const long before[2] = {switches_at_rest(waiters[0]), switches_at_rest(waiters[1])};
    for (int i = 0; i < 100; ++i) {  // Nor do others who only use the lock.
        assert_ok(condition.take().error());
        assert_ok(condition.release().error());
        sleep_us(5000);
    }
    for (int i = 0; i < 2; ++i) {
        assert_true(before[i] > 0);
        assert_int_equal(switches_of(waiters[i]), before[i]);
    }
    end_waiters(condition, waiters, 2);
}

void bad_sizes_and_empty_handles_are_errors(void**) {
    assert_error(Condition::create(0).code(), Errc::size_zero, "0");
    assert_error(Condition::create(Condition::kWaitersMax + 1).code(), Errc::size_too_large, "max");
    Condition none;
    assert_error(none.take().code(), Errc::closed, "take");
    assert_error(none.release().code(), Errc::closed, "release");
    assert_error(none.wait().code(), Errc::closed, "wait");
    assert_error(none.notify().code(), Errc::closed, "notify");
    Condition condition = Condition::create().expect("making the largest");
    assert_ok(condition.take().error());
    none = std::move(condition);
    assert_error(condition.release().code(), Errc::closed, "moved from");
    assert_ok(none.release().error());
    assert_ok(none.take().error());  // Its end releases it.
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(acquire_release_and_their_errors_are_those_of_a_lock),
        TIDY(wait_and_notify_are_for_the_holder_of_the_lock),
        TIDY(notify_n_wakes_those_who_waited_longest),
        TIDY(notify_all_wakes_all_who_wait),
        TIDY(who_comes_after_a_notify_gets_nothing_of_it),
        TIDY(wait_for_waits_until_its_predicate_is_true),
        TIDY(a_timed_out_wait_has_the_lock_and_takes_no_notify),
        TIDY(threads_wait_like_processes),
        TIDY(a_notify_passes_on_when_its_recipient_is_killed_before_it_acts),
        TIDY(a_notify_passes_on_when_its_recipient_is_killed_with_the_lock),
        TIDY(a_wait_tells_that_the_last_holder_died),
        TIDY(dead_waiters_take_neither_a_notify_nor_a_place),
        TIDY(an_idle_waiter_causes_no_wake_ups),
        TIDY(bad_sizes_and_empty_handles_are_errors),
    };
    return cmocka_run_group_tests_name("condition", tests, nullptr, nullptr);
}
