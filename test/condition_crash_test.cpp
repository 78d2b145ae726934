// Goal: whoever is killed or stopped inside a Condition, at whatever instruction, the others go on:
// no notify is lost with him, nobody is stranded, and the lock heals.
// Method: the victim is stepped by ptrace to a point of its work, and killed there or held while
// others work. BROOD_LONG=1: each instruction; else a sample. Points inside of the kernel are
// reached by the storms only.
#include "shared_support.hpp"
#include "step_support.hpp"

#include <brood/condition.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Condition;
using brood::Errc;
using brood::detail::is_held;
using test::start_sleeping;
using test::Stepped;
using test::sweep;

namespace {

const brood::Timeout kLong = brood::Timeout::forever();  // Stepping may take long.

// What is waited for: `sent` are put there, each with a notify, and each is taken by one.
struct Shared {
    std::atomic<int> begun{0}, go{0}, sent{0}, taken{0}, done{0};
};

// A stage for one point: a condition, and the victim, which begins to run `act` when stepped.
struct Stage {
    Condition condition = Condition::create(4).expect("making the condition");
    Board<Shared> shared;

    template <class Act>
    pid_t start_victim(Act act) {
        const pid_t victim = start_child([&] {
            shared->begun.store(1);
            while (shared->go.load() == 0) {}
            act();
            shared->done.store(1);
            for (;;) { (void)pause(); }
        });
        assert_true(becomes(shared->begun, 1));
        return victim;
    }
    // A child that takes one of what was sent, when there is one.
    pid_t start_taker() {
        return start_sleeping([&] {
            if (!is_held(condition.take(kLong))) { return 1; }
            while (shared->taken.load() == shared->sent.load()) {
                if (!is_held(condition.wait(kLong))) { return 2; }
            }
            shared->taken.fetch_add(1);
            return condition.release().ok() ? 0 : 3;
        });
    }
    void send(int count) {
        assert_true(is_held(condition.take(kLong)));
        shared->sent.fetch_add(count);
        assert_ok(condition.notify(static_cast<std::size_t>(count)).error());
        assert_ok(condition.release().error());
    }
    bool has_ended(pid_t pid) const { return test::state_of(pid) == 'Z'; }
    void assert_ends(pid_t pid, const char* what, int step) const {
        if (!test::eventually([&] { return has_ended(pid); })) {
            kill_and_reap(pid);
            fail_msg("%s, instruction %d: stranded", what, step);
        }
        assert_int_equal(end_of(pid), 0);
    }
    // What is left works as if new.
    void assert_works() {
        const pid_t takers[2] = {start_taker(), start_taker()};
        send(2);
        for (const pid_t one : takers) { assert_ends(one, "afterwards", 0); }
        assert_int_equal(shared->taken.load(), shared->sent.load());
    }
};

// ---- At every instruction ----------------------------------------------------------------------

void a_notifier_killed_anywhere_notifies_as_many_as_asked_for_or_none(void**) {
    for (const int asked : {1, 2}) {
        sweep("notify", 17, [=](int steps) {
            Stage stage;
            const pid_t takers[2] = {stage.start_taker(), stage.start_taker()};
            const pid_t victim = stage.start_victim([&] {
                CHECK_IN_CHILD(stage.condition.take().ok());
                stage.shared->sent.store(asked);
                (void)stage.condition.notify(static_cast<std::size_t>(asked));
                (void)stage.condition.release();
            });
            bool is_over = false;
            {
                Stepped stepped(victim);
                assert_true(stepped.held());
                stage.shared->go.store(1);
                is_over = !stepped.step(steps) || stage.shared->done.load() == 1;
            }
            // If one goes by himself, as many must as were asked for.
            const auto gone = [&] {
                return (stage.has_ended(takers[0]) ? 1 : 0) + (stage.has_ended(takers[1]) ? 1 : 0);
            };
            const bool any = is_over || test::eventually([&] { return gone() > 0; }, 20);
            if (any && !test::eventually([&] { return gone() >= asked; })) {
                fail_msg("notify(%d), instruction %d: %d went", asked, steps, gone());
            }
            stage.shared->sent.store(2);
            assert_true(is_held(stage.condition.take(kLong)));
            assert_ok(stage.condition.notify_all().error());
            assert_ok(stage.condition.release().error());
            for (const pid_t one : takers) { stage.assert_ends(one, "notifier", steps); }
            stage.assert_works();
            return is_over;
        });
    }
}

// He comes first, so that it is he who is notified, whenever he can be. The next gets it then.
void a_waiter_killed_anywhere_leaves_the_notify_to_the_next(void**) {
    sweep("wait", test::every_of_sleepers(29), [](int steps) {
        Stage stage;
        const pid_t victim = stage.start_victim([&] {
            CHECK_IN_CHILD(stage.condition.take().ok());
            (void)stage.condition.wait(kLong);
        });
        bool is_over = false;
        pid_t next = 0;
        {
            Stepped stepped(victim);
            assert_true(stepped.held());
            stage.shared->go.store(1);
            is_over = !stepped.step(steps);  // Asleep.
            next = start_child([&] {
                CHECK_IN_CHILD(is_held(stage.condition.take(kLong)));
                while (stage.shared->sent.load() == 0) {
                    CHECK_IN_CHILD(is_held(stage.condition.wait(kLong)));
                }
                stage.shared->taken.store(1);
                CHECK_IN_CHILD(stage.condition.release().ok());
            });
            test::await_state(next, 'S');
            stage.shared->sent.store(1);
            const brood::Status taken = stage.condition.take(brood::milliseconds(0));
            if (is_held(taken)) {
                assert_ok(stage.condition.notify().error());
                assert_ok(stage.condition.release().error());
            }  // Else the victim holds it, and the next finds out for himself.
        }
        stage.assert_ends(next, "waiter", steps);
        stage.assert_works();
        return is_over;
    });
}

// From his sleep to the release of the lock.
void a_notified_waiter_killed_anywhere_leaves_the_notify_to_the_next(void**) {
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run("who is woken, step by step", "he naps here, which ends the steps");
    }
    sweep("woken", 9, [](int steps) {
        Stage stage;
        const pid_t victim = stage.start_victim([&] {
            CHECK_IN_CHILD(stage.condition.take().ok());
            CHECK_IN_CHILD(stage.condition.wait(kLong).ok());
            stage.shared->taken.fetch_add(1);
            (void)stage.condition.release();
        });
        stage.shared->go.store(1);
        test::await_state(victim, 'S');
        const pid_t next[2] = {stage.start_taker(), stage.start_taker()};
        bool is_over = false;
        int taken = 0;
        {
            Stepped stepped(victim);
            assert_true(stepped.held());
            stage.send(1);
            is_over = !stepped.step(steps) || stage.shared->done.load() == 1;
            taken = stage.shared->taken.load();
        }
        if (taken == 0) {
            const auto acted = [&] { return stage.shared->taken.load() == 1; };
            if (!test::eventually(acted)) { fail_msg("instruction %d: lost", steps); }
        }
        stage.send(taken == 0 ? 1 : 2);
        for (const pid_t one : next) { stage.assert_ends(one, "woken", steps); }
        stage.assert_works();
        return is_over;
    });
}

// He is stopped, and goes on when another, who was notified, is dead. Between his last look and his
// sleep, too, he misses nothing.
void a_waiter_stopped_anywhere_inherits_all_the_same(void**) {
    sweep("inherit", test::every_of_sleepers(37), [](int steps) {
        Stage stage;
        const pid_t first = start_sleeping([&] {
            if (!stage.condition.take().ok()) { return 1; }
            return stage.condition.wait(kLong).ok() ? 0 : 2;
        });
        const pid_t victim = stage.start_victim([&] {
            CHECK_IN_CHILD(stage.condition.take().ok());
            stage.shared->begun.store(2);
            CHECK_IN_CHILD(is_held(stage.condition.wait(kLong)));
            stage.shared->taken.store(1);
            CHECK_IN_CHILD(stage.condition.release().ok());
        });
        bool is_over = false, is_heir = false;
        Stepped stepped(victim);
        assert_true(stepped.held());
        stage.shared->go.store(1);
        is_over = !stepped.step(steps);
        assert_int_equal(kill(first, SIGSTOP), 0);
        test::await_state(first, 'T');
        const bool has_begun = stage.shared->begun.load() == 2;
        if (stage.condition.take(brood::milliseconds(0)).ok()) {
            is_heir = has_begun;  // He has let go of the lock, to wait.
            assert_ok(stage.condition.notify().error());
            assert_ok(stage.condition.release().error());
        }
        kill_and_reap(first);
        if (is_over) { return true; }  // Asleep: cannot be let go without a SIGTRAP of its own.
        stepped.let_go_on();
        const auto acted = [&] { return stage.shared->taken.load() == 1; };
        if (is_heir && !test::eventually(acted)) {
            kill_and_reap(victim);
            fail_msg("instruction %d: lost", steps);
        }
        const auto help = [&] {
            assert_true(is_held(stage.condition.take(kLong)));
            assert_ok(stage.condition.notify().error());
            assert_ok(stage.condition.release().error());
            return acted();
        };
        assert_true(acted() || test::eventually(help));
        kill_and_reap(victim);
        return false;
    });
}

// The first is notified and killed, and the last, whom that wakes, is killed, too, on his way to
// the lock. The second, who sleeps, must hear of it.
void a_notify_outlives_its_recipient_and_who_was_woken_by_his_death(void**) {
    const int rounds = brood::port::rings_for_the_dead() ? 100 : 6;
    Chance chance(13);
    for (int round = 0; round < rounds; ++round) {
        Condition condition = Condition::create(4).expect("making the condition");
        const auto wait = [&] {
            if (!condition.take(kLong).ok()) { return 1; }
            const bool is_woken = is_held(condition.wait(kLong));
            return is_woken && condition.release().ok() ? 0 : 2;
        };
        pid_t waiters[3];
        for (pid_t& one : waiters) { one = start_sleeping(wait); }
        for (const pid_t one : {waiters[1], waiters[0]}) {
            assert_int_equal(kill(one, SIGSTOP), 0);
            test::await_state(one, 'T');
        }
        assert_int_equal(kill(waiters[1], SIGCONT), 0);  // He falls asleep after the last.
        test::await_state(waiters[1], 'S');
        assert_ok(condition.take(kLong).error());
        assert_ok(condition.notify().error());
        if (round % 2 == 0) { assert_ok(condition.release().error()); }
        (void)kill(waiters[0], SIGKILL);
        if (round % 3 != 0) { sleep_us(chance.below(300)); }
        (void)kill(waiters[2], SIGKILL);
        assert_int_equal(end_of(waiters[0]), -SIGKILL);
        assert_int_equal(end_of(waiters[2]), -SIGKILL);
        if (round % 2 != 0) { assert_ok(condition.release().error()); }
        const auto has_ended = [&] { return test::state_of(waiters[1]) == 'Z'; };
        const bool heard = test::eventually(has_ended);
        if (!heard) { kill_and_reap(waiters[1]); }
        if (!heard) { fail_msg("round %d: lost", round); }
        assert_int_equal(end_of(waiters[1]), 0);
    }
}

// ---- Storms ------------------------------------------------------------------------------------

void work(Condition& condition, Shared& shared, bool sends) {
    for (;;) {
        CHECK_IN_CHILD(is_held(condition.take(kLong)));
        if (sends) {
            shared.sent.fetch_add(1);
            CHECK_IN_CHILD(condition.notify().ok());
        } else {
            while (shared.taken.load() == shared.sent.load()) {
                CHECK_IN_CHILD(is_held(condition.wait(kLong)));
            }
            shared.taken.fetch_add(1);
        }
        CHECK_IN_CHILD(condition.release().ok());
        if (sends) { sleep_us(30); }
    }
}

// All of what was sent is taken, each time, though takers and senders are killed, and some stopped
// for a while, at random moments.
void kills_at_random_among_eight_lose_no_notify(void**) {
    constexpr int kTakers = 6, kSenders = 2;
    const int rounds = getenv("BROOD_LONG") != nullptr ? 3000 : 150;
    Condition condition = Condition::create().expect("making the condition");
    Board<Shared> shared;
    pid_t people[kTakers + kSenders];
    const auto start = [&](int i) {
        people[i] = start_child([&, i] { work(condition, *shared, i >= kTakers); });
    };
    for (int i = 0; i < kTakers + kSenders; ++i) { start(i); }
    Chance chance(11);
    for (int round = 0; round < rounds; ++round) {
        sleep_us(chance.below(2000));
        for (int kills = static_cast<int>(chance.below(3)); kills >= 0; --kills) {
            const int victim = static_cast<int>(chance.below(kTakers + kSenders));
            if (chance.below(4) == 0) {
                (void)kill(people[victim], SIGSTOP);
                sleep_us(chance.below(300));
                (void)kill(people[victim], SIGCONT);
                continue;
            }
            (void)kill(people[victim], SIGKILL);
            assert_int_equal(end_of(people[victim]), -SIGKILL);
            start(victim);
        }
        if (round % 10 != 0) { continue; }
        // Nobody sends any more, but who was killed after he had sent and before he notified.
        for (int i = kTakers; i < kTakers + kSenders; ++i) { kill_and_reap(people[i]); }
        assert_true(is_held(condition.take(kLong)));
        assert_ok(condition.notify_all().error());
        assert_ok(condition.release().error());
        if (!test::eventually([&] { return shared->taken.load() >= shared->sent.load(); })) {
            fail_msg("round %d: %d of %d", round, shared->taken.load(), shared->sent.load());
        }
        for (int i = kTakers; i < kTakers + kSenders; ++i) { start(i); }
    }
    print_message("%d sent\n", shared->sent.load());
    for (const pid_t one : people) { kill_and_reap(one); }
}

}  // namespace

int main() {
    const test::OneCpu here;
    const CMUnitTest tests[] = {
        TIDY(a_notifier_killed_anywhere_notifies_as_many_as_asked_for_or_none),
        TIDY(a_waiter_killed_anywhere_leaves_the_notify_to_the_next),
        TIDY(a_notified_waiter_killed_anywhere_leaves_the_notify_to_the_next),
        TIDY(a_waiter_stopped_anywhere_inherits_all_the_same),
        TIDY(a_notify_outlives_its_recipient_and_who_was_woken_by_his_death),
        TIDY(kills_at_random_among_eight_lose_no_notify),
    };
    return cmocka_run_group_tests_name("condition_crash", tests, nullptr, nullptr);
}
