// Goal: nobody passes a Barrier before all have come, each who passes has a number of his own, and
// when one dies, times out or aborts, all the others are told.
#include "shared_support.hpp"
#include "sleeper_support.hpp"

#include <pthread.h>

#include <brood/barrier.hpp>
#include <brood/lock.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Barrier;
using brood::Errc;
using brood::Timeout;
using test::start_sleeping;
using test::switches_at_rest;
using test::switches_of;

namespace {

const Timeout kLong = brood::milliseconds(test::kPatienceMs);

Barrier make(std::size_t parties) {
    return Barrier::create(parties, kLong).expect("making the barrier");
}
constexpr int kPassed = 0, kBroken = 1, kTimedOut = 2, kOther = 3;

int outcome(const brood::Result<std::size_t>& waited) {
    if (waited.ok()) { return kPassed; }
    if (waited.code() == Errc::timed_out) { return kTimedOut; }
    return waited.code() == Errc::broken_barrier ? kBroken : kOther;
}
// A child that waits, asleep, and ends with the outcome.
pid_t start_waiter(Barrier& barrier) {
    return start_sleeping([&] { return outcome(barrier.wait()); });
}
void assert_ends(pid_t pid, int code) {
    assert_int_equal(end_of(pid), code);
}

void wait_returns_another_index_to_each_when_all_have_come(void**) {
    constexpr int kParties = 5, kRounds = 40;
    struct Account {
        std::atomic<int> come[kRounds] = {}, indices[kRounds] = {};
    };
    Board<Account> account;
    Barrier barrier = make(kParties);
    assert_int_equal(barrier.parties(), kParties);
    pid_t children[kParties];
    for (pid_t& one : children) {
        one = start_child([&] {
            for (int round = 0; round < kRounds; ++round) {
                account->come[round].fetch_add(1);
                const brood::Result<std::size_t> index = barrier.wait();
                CHECK_IN_CHILD(index.ok() && *index < kParties);
                CHECK_IN_CHILD(account->come[round].load() == kParties);
                account->indices[round].fetch_or(1 << *index);
            }
        });
    }
    for (const pid_t one : children) { assert_ends(one, 0); }
    for (const std::atomic<int>& seen : account->indices) {
        assert_int_equal(seen.load(), (1 << kParties) - 1);
    }
    assert_int_equal(barrier.n_waiting(), 0);
    Barrier alone = make(1);
    for (int i = 0; i < 3; ++i) { assert_int_equal(*alone.wait(Timeout::no_wait()), 0); }
}

void n_waiting_and_broken_tell_how_it_stands(void**) {
    Barrier barrier = make(3);
    assert_int_equal(barrier.n_waiting(), 0);
    const pid_t first = start_waiter(barrier);
    assert_int_equal(barrier.n_waiting(), 1);
    const pid_t second = start_waiter(barrier);
    assert_int_equal(barrier.n_waiting(), 2);
    assert_false(barrier.broken());
    assert_int_equal(outcome(barrier.wait()), kPassed);
    assert_ends(first, kPassed);
    assert_ends(second, kPassed);
    assert_int_equal(barrier.n_waiting(), 0);
    assert_false(barrier.broken());
}

void abort_breaks_it_for_all_until_reset(void**) {
    Barrier barrier = make(3);
    const pid_t waiters[2] = {start_waiter(barrier), start_waiter(barrier)};
    assert_ok(barrier.abort().error());
    for (const pid_t one : waiters) { assert_ends(one, kBroken); }
    assert_true(barrier.broken());
    assert_ok(barrier.abort().error());
    assert_int_equal(barrier.n_waiting(), 0);
    assert_int_equal(outcome(barrier.wait()), kBroken);
    assert_ok(barrier.reset().error());
    assert_false(barrier.broken());
    const pid_t again[2] = {start_waiter(barrier), start_waiter(barrier)};
    assert_int_equal(outcome(barrier.wait()), kPassed);
    for (const pid_t one : again) { assert_ends(one, kPassed); }
}

void reset_breaks_it_for_those_who_wait_just_now(void**) {
    Barrier barrier = make(2);
    assert_ok(barrier.reset().error());
    const pid_t waiter = start_waiter(barrier);
    assert_ok(barrier.reset().error());
    assert_ends(waiter, kBroken);
    assert_false(barrier.broken());
    const pid_t again = start_waiter(barrier);
    assert_int_equal(outcome(barrier.wait()), kPassed);
    assert_ends(again, kPassed);
}

void one_who_times_out_breaks_it_for_the_others(void**) {
    Barrier barrier = make(3);
    const pid_t waiter = start_waiter(barrier);
    {
        const test::AlarmStorm storm;
        const int64_t before = now_ms();
        assert_int_equal(outcome(barrier.wait(brood::milliseconds(100))), kTimedOut);
        assert_true(now_ms() - before >= 100 && now_ms() - before < test::kSoonMs);
    }
    assert_ends(waiter, kBroken);
    assert_true(barrier.broken());
    assert_error(barrier.wait(brood::seconds(-1)).code(), Errc::timeout_negative, "-1 s");
    assert_error(barrier.wait(brood::seconds(INT64_MAX)).code(), Errc::timeout_overflow, "long");
    // The timeout of create() is that of wait().
    Barrier brief = Barrier::create(2, brood::milliseconds(20)).expect("making it");
    assert_int_equal(outcome(brief.wait()), kTimedOut);
    assert_ok(brief.reset().error());
    assert_int_equal(outcome(brief.wait(Timeout::no_wait())), kTimedOut);
}

void its_action_runs_once_a_round_before_anybody_goes_on(void**) {
    constexpr int kParties = 4, kRounds = 50;
    struct Account {
        std::atomic<int> runs{0}, come{0};
    };
    Board<Account> account;
    Account* const shared = &*account;
    const auto action = [shared] {
        if (shared->come.load() != kParties * (shared->runs.load() + 1)) { _exit(97); }
        sleep_us(50);
        shared->runs.fetch_add(1);
    };
    Barrier barrier = Barrier::create(kParties, action, kLong).expect("making it");
    pid_t children[kParties];
    for (pid_t& one : children) {
        one = start_child([&] {
            for (int round = 1; round <= kRounds; ++round) {
                account->come.fetch_add(1);
                CHECK_IN_CHILD(barrier.wait().ok());
                CHECK_IN_CHILD(account->runs.load() >= round);
            }
        });
    }
    for (const pid_t one : children) { assert_ends(one, 0); }
    assert_int_equal(account->runs.load(), kRounds);
}

void an_action_that_fails_breaks_it(void**) {
    const auto action = []() -> brood::Status { return Errc::out_of_range; };
    Barrier barrier = Barrier::create(2, action, kLong).expect("making it");
    const pid_t waiter = start_waiter(barrier);
    assert_error(barrier.wait().code(), Errc::out_of_range, "to who ran it");
    assert_ends(waiter, kBroken);
    assert_true(barrier.broken());
}

void one_who_times_out_during_the_action_breaks_it(void**) {
    Board<std::atomic<int>> timed_out;
    std::atomic<int>* const is_over = &*timed_out;
    const auto action = [is_over] { (void)becomes(*is_over, 1); };
    Barrier barrier = Barrier::create(2, action, kLong).expect("making it");
    const pid_t waiter = start_sleeping([&] {
        const int found = outcome(barrier.wait(brood::milliseconds(500)));
        timed_out->store(1);
        return found;
    });
    assert_int_equal(outcome(barrier.wait()), kBroken);
    assert_ends(waiter, kTimedOut);
}

void more_threads_than_parties_take_turns(void**) {
    constexpr int kThreads = 6, kRounds = 60;
    Barrier barrier = make(2);
    Board<std::atomic<int>> passed;
    pid_t children[kThreads];
    for (pid_t& one : children) {
        one = start_child([&] {
            while (barrier.wait().ok()) {
                if (passed->fetch_add(1) + 1 >= kRounds) { CHECK_IN_CHILD(barrier.abort().ok()); }
            }
        });
    }
    for (const pid_t one : children) { assert_ends(one, 0); }
    assert_true(passed->load() >= kRounds);
}

void who_finds_no_place_waits_for_one(void**) {
    Board<std::atomic<int>> may_end;
    std::atomic<int>* const go = &*may_end;
    const auto action = [go] {
        while (go->load() == 0) { sleep_us(100); }
    };
    Barrier barrier = Barrier::create(2, action, kLong).expect("making it");
    pid_t waiters[4];
    for (pid_t& one : waiters) { one = start_waiter(barrier); }  // The second is in the action.
    assert_int_equal(barrier.n_waiting(), 2);
    go->store(1);
    for (const pid_t one : waiters) { assert_ends(one, kPassed); }
    go->store(0);
    for (pid_t& one : waiters) { one = start_waiter(barrier); }
    assert_ok(barrier.abort().error());
    for (const int told : {0, 2, 3}) { assert_ends(waiters[told], kBroken); }
    go->store(1);
    assert_ends(waiters[1], kBroken);
}

// ---- Death -------------------------------------------------------------------------------------

void a_waiter_that_is_killed_breaks_it_for_the_others_at_once(void**) {
    for (int victim = 0; victim < 3; ++victim) {
        Barrier barrier = make(4);
        pid_t waiters[3];
        for (pid_t& one : waiters) { one = start_waiter(barrier); }
        const int64_t before = now_ms();
        kill_and_reap(waiters[victim]);
        for (int i = 0; i < 3; ++i) {
            if (i != victim) { assert_ends(waiters[i], kBroken); }
        }
        assert_true(now_ms() - before < test::kSoonMs);
        assert_true(barrier.broken());
        assert_ok(barrier.reset().error());
        const pid_t again[3] = {start_waiter(barrier), start_waiter(barrier),
                                start_waiter(barrier)};
        assert_int_equal(outcome(barrier.wait()), kPassed);
        for (const pid_t one : again) { assert_ends(one, kPassed); }
    }
}

// Nobody was there to see it.
void who_takes_the_place_of_one_who_died_waiting_alone_breaks_it(void**) {
    Barrier barrier = make(2);
    kill_and_reap(start_waiter(barrier));
    assert_int_equal(barrier.n_waiting(), 0);
    assert_int_equal(outcome(barrier.wait()), kBroken);
}

void one_who_is_killed_in_the_action_breaks_it(void**) {
    Board<std::atomic<int>> victim;
    std::atomic<int>* const pid = &*victim;
    brood::Lock lock = brood::Lock::create().expect("making the lock");
    const auto action = [pid, used = &lock] {  // To use a lock has the system forget what one owes.
        if (!used->take().ok() || !used->release().ok()) { _exit(97); }
        pid->store(getpid());
        sleep_us(60000000);
    };
    Barrier barrier = Barrier::create(3, action, kLong).expect("making it");
    const pid_t waiters[2] = {start_waiter(barrier), start_waiter(barrier)};
    const pid_t last = start_child([&] { (void)barrier.wait(); });
    assert_true(becomes(*victim, last));
    kill_and_reap(last);
    for (const pid_t one : waiters) { assert_ends(one, kBroken); }
}

void a_stopped_waiter_is_waited_for(void**) {
    Barrier barrier = make(3);
    const pid_t stopped = start_waiter(barrier);
    assert_int_equal(kill(stopped, SIGSTOP), 0);
    test::await_state(stopped, 'T');
    const pid_t other = start_waiter(barrier);
    sleep_us(300000);
    assert_false(barrier.broken());
    assert_int_equal(barrier.n_waiting(), 2);
    assert_int_equal(outcome(barrier.wait()), kPassed);
    assert_ends(other, kPassed);
    assert_int_equal(kill(stopped, SIGCONT), 0);
    assert_ends(stopped, kPassed);
}

// It wraps after 65536 resets: one who was stopped meanwhile is as good as one who came just now.
void a_stopped_waiter_survives_any_number_of_resets(void**) {
    Barrier barrier = make(2);
    for (const int resets : {1, 65535, 65536}) {
        const pid_t stopped = start_waiter(barrier);
        assert_int_equal(kill(stopped, SIGSTOP), 0);
        test::await_state(stopped, 'T');
        for (int i = 0; i < resets; ++i) { assert_ok(barrier.reset().error()); }
        const int now = resets % 65536 == 0 ? 1 : 0;
        assert_int_equal(barrier.n_waiting(), now);
        assert_int_equal(kill(stopped, SIGCONT), 0);
        if (now == 1) { assert_int_equal(outcome(barrier.wait()), kPassed); }
        assert_ends(stopped, now == 1 ? kPassed : kBroken);
    }
}

void an_idle_waiter_causes_no_wake_ups(void**) {
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run("idle waiters", "this port looks by itself");
    }
    Barrier barrier = make(3);
    const pid_t waiters[2] = {start_waiter(barrier), start_waiter(barrier)};
    const long before[2] = {switches_at_rest(waiters[0]), switches_at_rest(waiters[1])};
    sleep_us(600000);
    for (int i = 0; i < 2; ++i) {
        assert_true(before[i] > 0);
        assert_int_equal(switches_of(waiters[i]), before[i]);
    }
    assert_int_equal(outcome(barrier.wait()), kPassed);
    for (const pid_t one : waiters) { assert_ends(one, kPassed); }
}

void bad_sizes_and_empty_handles_are_errors(void**) {
    assert_error(Barrier::create(0).code(), Errc::size_zero, "0");
    assert_error(Barrier::create(Barrier::kPartiesMax + 1).code(), Errc::size_too_large, "max");
    assert_error(Barrier::create(2, brood::seconds(-1)).code(), Errc::timeout_negative, "-1 s");
    assert_error(Barrier::create(2, brood::seconds(INT64_MAX)).code(), Errc::timeout_overflow, "");
    Barrier none;
    assert_error(none.wait().code(), Errc::closed, "wait");
    assert_error(none.abort().code(), Errc::closed, "abort");
    assert_error(none.reset().code(), Errc::closed, "reset");
    assert_int_equal(none.parties() + none.n_waiting(), 0);
    assert_false(none.broken());
    Barrier barrier = Barrier::create(Barrier::kPartiesMax).expect("making the largest");
    none = std::move(barrier);
    assert_error(barrier.wait().code(), Errc::closed, "moved from");
    assert_int_equal(none.parties(), Barrier::kPartiesMax);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(wait_returns_another_index_to_each_when_all_have_come),
        TIDY(n_waiting_and_broken_tell_how_it_stands),
        TIDY(abort_breaks_it_for_all_until_reset),
        TIDY(reset_breaks_it_for_those_who_wait_just_now),
        TIDY(one_who_times_out_breaks_it_for_the_others),
        TIDY(its_action_runs_once_a_round_before_anybody_goes_on),
        TIDY(an_action_that_fails_breaks_it),
        TIDY(one_who_times_out_during_the_action_breaks_it),
        TIDY(who_finds_no_place_waits_for_one),
        TIDY(more_threads_than_parties_take_turns),
        TIDY(a_waiter_that_is_killed_breaks_it_for_the_others_at_once),
        TIDY(who_takes_the_place_of_one_who_died_waiting_alone_breaks_it),
        TIDY(one_who_is_killed_in_the_action_breaks_it),
        TIDY(a_stopped_waiter_is_waited_for),
        TIDY(a_stopped_waiter_survives_any_number_of_resets),
        TIDY(an_idle_waiter_causes_no_wake_ups),
        TIDY(bad_sizes_and_empty_handles_are_errors),
    };
    return cmocka_run_group_tests_name("barrier", tests, nullptr, nullptr);
}
