// Goal: a Semaphore lets in as many as it has permits; those of the dead come back, whoever is
// killed, stopped or forked at whatever moment; and no waiter is left behind beside a free one.
// Method: holders, waiters and releasers that are killed at random moments, then an exact count.
#include "shared_support.hpp"
#include "sleeper_support.hpp"

#include <pthread.h>

#include <brood/semaphore.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::BoundedSemaphore;
using brood::Errc;
using brood::Permit;
using brood::Semaphore;
using brood::Timeout;
using test::start_sleeping;
using test::switches_at_rest;
using test::switches_of;

namespace {

const Timeout kLong = brood::milliseconds(test::kPatienceMs);

Semaphore make(std::size_t permits) {
    return Semaphore::create(permits).expect("making the semaphore");
}

// A child that holds a permit until it is killed.
pid_t start_holder(Semaphore& semaphore, int permits = 1) {
    Board<std::atomic<int>> step;
    const pid_t holder = start_child([&] {
        for (int i = 0; i < permits; ++i) { CHECK_IN_CHILD(semaphore.take(kLong).ok()); }
        step->store(1);
        for (;;) { (void)pause(); }
    });
    assert_true(becomes(*step, 1));
    return holder;
}

void no_more_than_its_permits_are_inside(void**) {
    constexpr int kPermits = 4, kPeople = 10, kVisits = 200;  // The ktv of the notes.
    struct Shared {
        std::atomic<int> inside{0}, most{0}, visits{0};
    };
    Board<Shared> shared;
    Semaphore rooms = make(kPermits);
    pid_t people[kPeople];
    for (pid_t& one : people) {
        one = start_child([&] {
            for (int i = 0; i < kVisits; ++i) {
                const Permit room = rooms.acquire(kLong);
                CHECK_IN_CHILD(room);
                const int inside = shared->inside.fetch_add(1) + 1;
                CHECK_IN_CHILD(inside <= kPermits);
                if (inside > shared->most.load()) { shared->most.store(inside); }
                sleep_us(20);
                shared->inside.fetch_sub(1);
                shared->visits.fetch_add(1);
            }
        });
    }
    for (const pid_t one : people) { assert_int_equal(end_of(one), 0); }
    assert_int_equal(shared->visits.load(), kPeople * kVisits);
    assert_int_equal(shared->most.load(), kPermits);
    assert_int_equal(rooms.value(), kPermits);
}

void permits_are_counted_and_released_by_their_holder_alone(void**) {
    Semaphore semaphore = make(3);
    assert_int_equal(semaphore.value(), 3);
    assert_ok(semaphore.take().error());
    assert_ok(semaphore.take().error());
    assert_int_equal(semaphore.value(), 1);
    assert_error(semaphore.release(3).code(), Errc::not_owner, "more than held: all or none");
    assert_int_equal(semaphore.value(), 1);
    Errc released = Errc::ok;
    in_thread([&] { released = semaphore.release().code(); });
    assert_error(released, Errc::not_owner, "another thread");
    assert_child_exits(0, [&] {  // Forked by the holder: holds nothing.
        CHECK_IN_CHILD(semaphore.release().code() == Errc::not_owner);
        CHECK_IN_CHILD(semaphore.try_take().ok());
        CHECK_IN_CHILD(semaphore.try_take().code() == Errc::timed_out);
        CHECK_IN_CHILD(semaphore.release().ok());
        semaphore = Semaphore();
    });
    assert_int_equal(semaphore.value(), 1);
    assert_ok(semaphore.release(2).error());
    assert_int_equal(semaphore.value(), 3);
    assert_error(semaphore.release().code(), Errc::not_owner, "once too often");
    assert_ok(semaphore.release(0).error());
}

void a_bounded_one_reports_a_release_beyond_its_initial_count(void**) {
    BoundedSemaphore semaphore = BoundedSemaphore::create(2).expect("making it");
    assert_error(semaphore.release().code(), Errc::too_many_releases, "none is out");
    const pid_t holder = start_holder(semaphore);
    assert_error(semaphore.release().code(), Errc::not_owner, "one is out, with another");
    assert_error(semaphore.release(2).code(), Errc::too_many_releases, "two, and one is out");
    kill_and_reap(holder);
    assert_int_equal(semaphore.value(), 2);
    { const Permit held = semaphore.acquire(); }
    assert_error(semaphore.release().code(), Errc::too_many_releases, "after a guard");

    BoundedSemaphore units = BoundedSemaphore::signalling(2).expect("making it");
    assert_error(units.release().code(), Errc::too_many_releases, "units");
    assert_ok(units.take().error());
    assert_error(units.release(2).code(), Errc::too_many_releases, "units");
    assert_ok(units.release().error());
    assert_int_equal(units.value(), 2);
}

void a_signalling_one_is_released_by_others_than_acquire(void**) {
    Semaphore units = Semaphore::signalling(0).expect("making it");
    assert_error(units.try_take().code(), Errc::timed_out, "none yet");
    constexpr int kWaiters = 5;
    pid_t waiters[kWaiters];
    for (pid_t& waiter : waiters) {
        waiter = start_sleeping([&] { return units.take(kLong).ok() ? 0 : 1; });
    }
    assert_ok(units.release(3).error());
    assert_ok(units.release().error());
    assert_ok(units.release(3).error());
    for (const pid_t waiter : waiters) { assert_int_equal(end_of(waiter), 0); }
    assert_int_equal(units.value(), 2);
    // What a dead process acquired stays acquired: nobody held it.
    assert_child_exits(-SIGKILL, [&] {
        CHECK_IN_CHILD(units.take().ok());
        (void)raise(SIGKILL);
    });
    assert_int_equal(units.value(), 1);
    assert_error(units.release(INT32_MAX).code(), Errc::too_many_releases, "beyond counting");
    assert_ok(units.release(INT32_MAX - 1).error());
    assert_int_equal(units.value(), INT32_MAX);
}

// ---- Death -------------------------------------------------------------------------------------

void permits_of_a_killed_holder_come_back(void**) {
    Semaphore semaphore = make(3);
    kill_and_reap(start_holder(semaphore, 3));
    assert_int_equal(semaphore.value(), 3);
    for (int i = 0; i < 3; ++i) { assert_ok(semaphore.take(kLong).error()); }
    assert_error(semaphore.try_take().code(), Errc::timed_out, "no more than there were");
    assert_ok(semaphore.release(3).error());
    // Likewise of a thread that ends, and of a process that exits.
    brood::Status taken;
    in_thread([&] { taken = semaphore.take(); });
    assert_ok(taken.error());
    assert_child_exits(0, [&] { CHECK_IN_CHILD(semaphore.take().ok()); });
    assert_int_equal(semaphore.value(), 3);
}

void the_death_of_a_holder_wakes_those_who_sleep(void**) {
    for (const std::size_t permits : {1u, 3u, 127u, 130u}) {
        Semaphore semaphore = make(permits);
        const pid_t holder = start_holder(semaphore, static_cast<int>(permits));
        constexpr int kWaiters = 3;
        pid_t waiters[kWaiters];
        for (pid_t& waiter : waiters) {
            waiter = start_sleeping([&] { return semaphore.acquire(kLong) ? 0 : 1; });
        }
        const int64_t before = now_ms();
        kill_and_reap(holder);
        for (const pid_t waiter : waiters) { assert_int_equal(end_of(waiter), 0); }
        assert_true(now_ms() - before < test::kSoonMs);
        assert_int_equal(semaphore.value(), permits);
    }
}

void one_who_is_woken_and_killed_leaves_the_permit_to_the_next(void**) {
    for (int round = 0; round < 200; ++round) {
        const bool is_signalling = round % 2 != 0;
        Semaphore semaphore = is_signalling ? Semaphore::signalling(0).expect("making it")
                                            : make(1);
        if (!is_signalling) { assert_ok(semaphore.take().error()); }
        const auto body = [&] { return semaphore.take(kLong).ok() ? 0 : 1; };
        const pid_t first = start_sleeping(body), second = start_sleeping(body);
        assert_ok(semaphore.release().error());  // Wakes one of them, and the first may be killed
        if (round % 3 != 0) { sleep_us(round / 3); }
        (void)kill(first, SIGKILL);  // before it acts.
        (void)end_of(first);
        if (is_signalling) {
            // Somebody takes the unit: the victim, who may not have told, or the second. One more
            // is for the second then, if it was not he; a unit that stays beside him is lost.
            assert_true(test::eventually([&] { return semaphore.value() == 0; }));
            assert_ok(semaphore.release().error());
        }
        assert_int_equal(end_of(second), 0);
    }
}

struct Storm {
    std::atomic<int> stop{0}, too_many{0}, rounds{0}, victim_rounds{0};
};

void visit(Semaphore& semaphore, Storm& storm, std::atomic<int>& rounds, int most) {
    while (storm.stop.load() == 0) {
        const Permit held = semaphore.acquire(kLong);
        CHECK_IN_CHILD(held);
        if (semaphore.value() >= static_cast<std::size_t>(most)) { storm.too_many.fetch_add(1); }
        rounds.fetch_add(1);
    }
}

void kills_at_random_moments_lose_no_permit_and_stop_nobody(void**) {
    for (const int permits : {1, 2}) {
        const int kRounds = getenv("BROOD_LONG") != nullptr ? 250 : 80;
        Semaphore semaphore = make(static_cast<std::size_t>(permits));
        Board<Storm> storm;
        pid_t survivors[2];
        for (pid_t& one : survivors) {
            one = start_child([&] { visit(semaphore, *storm, storm->rounds, permits); });
        }
        Chance chance(3);
        for (int round = 0; round < kRounds; ++round) {
            pid_t victims[2];
            const int before = storm->victim_rounds.load();
            for (pid_t& one : victims) {
                one = start_child([&] { visit(semaphore, *storm, storm->victim_rounds, permits); });
            }
            assert_true(test::eventually([&] { return storm->victim_rounds.load() != before; }));
            sleep_us(chance.below(300));
            for (const pid_t one : victims) { (void)kill(one, SIGKILL); }
            for (const pid_t one : victims) { assert_int_equal(end_of(one), -SIGKILL); }
            const int seen = storm->rounds.load();
            assert_true(test::eventually([&] { return storm->rounds.load() != seen; }));
        }
        storm->stop.store(1);
        for (const pid_t one : survivors) { assert_int_equal(end_of(one), 0); }
        assert_int_equal(storm->too_many.load(), 0);
        assert_int_equal(semaphore.value(), permits);
        for (int i = 0; i < permits; ++i) { assert_ok(semaphore.try_take().error()); }
        assert_error(semaphore.try_take().code(), Errc::timed_out, "all are out");
    }
}

void a_releaser_killed_at_random_leaves_no_unit_beside_a_sleeper(void**) {
    struct Account {
        std::atomic<int> begun{0}, done{0}, taken{0};
    };
    Semaphore units = Semaphore::signalling(0).expect("making it");
    Board<Account> account;
    pid_t takers[2];
    for (pid_t& one : takers) {
        one = start_child([&] {
            for (;;) {
                CHECK_IN_CHILD(units.take(kLong).ok());
                account->taken.fetch_add(1);
            }
        });
    }
    Chance chance(4);
    for (int round = 0; round < 300; ++round) {
        const int before = account->done.load();
        const pid_t releaser = start_child([&] {
            for (;;) {
                account->begun.fetch_add(1);
                CHECK_IN_CHILD(units.release().ok());
                account->done.fetch_add(1);
                if (chance.below(4) == 0) { sleep_us(10); }
            }
        });
        assert_true(test::eventually([&] { return account->done.load() != before; }));
        sleep_us(chance.below(200));
        kill_and_reap(releaser);
        assert_true(test::eventually([&] { return units.value() == 0; }));  // Nobody releases now.
    }
    assert_true(test::eventually([&] { return account->taken.load() >= account->done.load(); }));
    assert_true(account->taken.load() <= account->begun.load());
    for (const pid_t one : takers) { kill_and_reap(one); }
}

void a_stopped_holder_keeps_its_permit(void**) {
    Semaphore semaphore = make(1);
    const pid_t holder = start_holder(semaphore);
    assert_int_equal(kill(holder, SIGSTOP), 0);
    test::await_state(holder, 'T');
    assert_error(semaphore.take(brood::milliseconds(300)).code(), Errc::timed_out, "stopped");
    kill_and_reap(holder);
    assert_ok(semaphore.take(kLong).error());
}

// ---- Waiting -----------------------------------------------------------------------------------

void an_idle_waiter_causes_no_wake_ups(void**) {
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run("idle waiters", "this port looks by itself");
    }
    Semaphore recording = make(4), signalling = Semaphore::signalling(0).expect("making it");
    const pid_t holder = start_holder(recording, 4);
    const pid_t waiters[2] = {
        start_sleeping([&] { return recording.take().ok() ? 0 : 1; }),
        start_sleeping([&] { return signalling.take().ok() ? 0 : 1; }),
    };
    const long before[2] = {switches_at_rest(waiters[0]), switches_at_rest(waiters[1])};
    sleep_us(600000);
    for (int i = 0; i < 2; ++i) {
        assert_int_equal(switches_of(waiters[i]), before[i]);
        kill_and_reap(waiters[i]);
    }
    kill_and_reap(holder);
}

void timeouts_are_kept_to_in_a_storm_of_signals_and_bad_ones_refused(void**) {
    Semaphore semaphore = make(1);
    Semaphore units = Semaphore::signalling(0).expect("making it");
    const pid_t holder = start_holder(semaphore);
    {
        const test::AlarmStorm storm;
        for (Semaphore* one : {&semaphore, &units}) {
            const int64_t before = now_ms();
            assert_error(one->take(brood::milliseconds(100)).code(), Errc::timed_out, "100 ms");
            assert_true(now_ms() - before >= 100 && now_ms() - before < test::kSoonMs);
        }
    }
    for (Semaphore* one : {&semaphore, &units}) {
        assert_error(one->try_take().code(), Errc::timed_out, "no wait");
        assert_error(one->take(brood::seconds(-1)).code(), Errc::timeout_negative, "-1 s");
        assert_error(one->take(brood::seconds(INT64_MAX)).code(), Errc::timeout_overflow, "long");
        assert_false(static_cast<bool>(one->acquire(brood::seconds(-1))));
    }
    kill_and_reap(holder);
}

void bad_sizes_and_empty_handles_are_errors(void**) {
    assert_error(Semaphore::create(0).code(), Errc::size_zero, "0");
    assert_error(Semaphore::create(Semaphore::kPermitsMax + 1).code(), Errc::size_too_large, "max");
    assert_error(Semaphore::create(SIZE_MAX).code(), Errc::size_too_large, "SIZE_MAX");
    assert_error(Semaphore::signalling(std::size_t{INT32_MAX} + 1).code(), Errc::size_too_large,
                 "2^31");
    assert_error(BoundedSemaphore::create(0).code(), Errc::size_zero, "bounded");
    Semaphore none;
    assert_error(none.take().code(), Errc::closed, "never made");
    assert_error(none.release().code(), Errc::closed, "never made");
    assert_int_equal(none.value(), 0);
    // One thread may hold all of the largest, and end: the system gives them all back.
    Semaphore large = make(Semaphore::kPermitsMax);
    assert_child_exits(0, [&] {
        while (large.try_take().ok()) {}
        CHECK_IN_CHILD(large.value() == 0);
    });
    assert_int_equal(large.value(), Semaphore::kPermitsMax);
    assert_ok(large.take().error());
    Semaphore moved = std::move(large);
    assert_error(large.take().code(), Errc::closed, "moved from");
    assert_ok(moved.release().error());
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(no_more_than_its_permits_are_inside),
        TIDY(permits_are_counted_and_released_by_their_holder_alone),
        TIDY(a_bounded_one_reports_a_release_beyond_its_initial_count),
        TIDY(a_signalling_one_is_released_by_others_than_acquire),
        TIDY(permits_of_a_killed_holder_come_back),
        TIDY(the_death_of_a_holder_wakes_those_who_sleep),
        TIDY(one_who_is_woken_and_killed_leaves_the_permit_to_the_next),
        TIDY(kills_at_random_moments_lose_no_permit_and_stop_nobody),
        TIDY(a_releaser_killed_at_random_leaves_no_unit_beside_a_sleeper),
        TIDY(a_stopped_holder_keeps_its_permit),
        TIDY(an_idle_waiter_causes_no_wake_ups),
        TIDY(timeouts_are_kept_to_in_a_storm_of_signals_and_bad_ones_refused),
        TIDY(bad_sizes_and_empty_handles_are_errors),
    };
    return cmocka_run_group_tests_name("semaphore", tests, nullptr, nullptr);
}
