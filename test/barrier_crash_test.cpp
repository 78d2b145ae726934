// Goal: whoever is killed or stopped at a Barrier, at whatever instruction, the others either all
// pass or are all told that it is broken; and after a reset it works.
// Method: as in condition_crash_test.cpp.
#include "shared_support.hpp"
#include "step_support.hpp"

#include <brood/barrier.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Barrier;
using brood::Errc;
using test::start_sleeping;
using test::Stepped;
using test::sweep;

namespace {

const brood::Timeout kLong = brood::Timeout::forever();  // Stepping may take long.
constexpr int kPassed = 0, kBroken = 1, kOther = 2;

int outcome(const brood::Result<std::size_t>& waited) {
    if (waited.ok()) { return kPassed; }
    return waited.code() == Errc::broken_barrier ? kBroken : kOther;
}

struct Shared {
    std::atomic<int> begun{0}, go{0}, done{0}, actions{0};
};

// A barrier of three, at which two wait already, unless `waiters` is less.
struct Stage {
    explicit Stage(int waiters = 2) : waiters_(waiters) {
        std::atomic<int>* const actions = &shared->actions;
        barrier = Barrier::create(
                      3,
                      [actions] {
                          actions->fetch_add(1);
                          brood::port::owe_nothing();  // As the use of a lock has it.
                          for (int i = 0; i < 20; ++i) { brood::port::cpu_relax(); }
                      },
                      kLong)
                      .expect("making the barrier");
        for (int i = 0; i < waiters; ++i) { waiter[i] = start_waiter(); }
    }
    pid_t start_waiter() {
        return start_sleeping([&] { return outcome(barrier.wait()); });
    }
    template <class Act>
    pid_t start_victim(Act act) {
        const pid_t victim = start_child([&] {
            shared->begun.store(1);
            while (shared->go.load() == 0) {}
            act(barrier);
            shared->done.store(1);
            for (;;) { (void)pause(); }
        });
        assert_true(becomes(shared->begun, 1));
        return victim;
    }
    bool both_wait() const { return barrier.n_waiting() == 2; }
    bool has_ended(pid_t pid) const { return test::state_of(pid) == 'Z'; }
    // All of them end alike: how.
    int end_of_all(int step) {
        int found[3] = {};
        for (int i = 0; i < waiters_; ++i) {
            if (!test::eventually([&] { return has_ended(waiter[i]); })) {
                fail_msg("instruction %d: stranded", step);
            }
            found[i] = end_of(waiter[i]);
            assert_true(found[i] == kPassed || found[i] == kBroken);
            assert_int_equal(found[i], found[0]);
        }
        return found[0];
    }
    void assert_works() {
        assert_ok(barrier.reset().error());
        for (int round = 0; round < 2; ++round) {
            const pid_t others[2] = {start_waiter(), start_waiter()};
            assert_int_equal(outcome(barrier.wait()), kPassed);
            for (const pid_t one : others) { assert_int_equal(end_of(one), kPassed); }
        }
    }

    Board<Shared> shared;
    Barrier barrier;
    pid_t waiter[2] = {};

private:
    int waiters_;
};

// ---- At every instruction ----------------------------------------------------------------------

// Through the action, to the end.
void the_last_to_come_killed_anywhere_breaks_it_or_lets_all_pass(void**) {
    int passed = 0;
    sweep("last", 31, [&](int steps) {
        Stage stage;
        const pid_t victim = stage.start_victim([](Barrier& barrier) { (void)barrier.wait(); });
        bool is_over = false;
        {
            Stepped stepped(victim);
            assert_true(stepped.held());
            stage.shared->go.store(1);
            is_over = !stepped.step(steps) || stage.shared->done.load() == 1;
        }
        // If he had not come yet, they wait for another. (Or are about to find that he is dead.)
        if (!is_over && stage.both_wait()) {
            const int last = outcome(stage.barrier.wait());
            assert_int_equal(last, stage.end_of_all(steps));
        } else if (stage.end_of_all(steps) == kPassed) {
            ++passed;
            assert_int_equal(stage.shared->actions.load(), 1);
        }
        stage.assert_works();
        return is_over;
    });
    print_message("%d times all had passed\n", passed);
}

// Who came earlier is killed on the way to his sleep, while one sleeps and the last comes.
void one_of_those_who_wait_killed_anywhere_breaks_it_or_has_not_come(void**) {
    sweep("wait", test::every_of_sleepers(23), [](int steps) {
        Stage stage(1);
        const pid_t victim = stage.start_victim([](Barrier& barrier) { (void)barrier.wait(); });
        bool is_over = false, had_come = false;
        {
            Stepped stepped(victim);
            assert_true(stepped.held());
            stage.shared->go.store(1);
            is_over = !stepped.step(steps);
            had_come = stage.barrier.n_waiting() == 2;
        }
        if (had_come) {
            assert_int_equal(stage.end_of_all(steps), kBroken);
        } else {
            const pid_t other = stage.start_waiter();
            const int last = outcome(stage.barrier.wait());
            assert_int_equal(last, stage.end_of_all(steps));
            assert_int_equal(last, end_of(other));
        }
        stage.assert_works();
        return is_over;
    });
}

// One is stopped on the way to his sleep, and another comes, and is killed: he misses nothing.
void a_waiter_stopped_anywhere_learns_of_a_death(void**) {
    sweep("stopped", test::every_of_sleepers(23), [](int steps) {
        Stage stage(0);
        const pid_t victim = stage.start_victim(
            [&](Barrier& barrier) { stage.shared->go = outcome(barrier.wait()); });
        bool had_come = false;
        Stepped stepped(victim);
        assert_true(stepped.held());
        stage.shared->go.store(1);
        if (!stepped.step(steps)) { return true; }  // Asleep.
        had_come = stage.barrier.n_waiting() == 1;
        kill_and_reap(stage.start_waiter());
        stepped.let_go_on();
        if (had_come && !becomes(stage.shared->done, 1)) {
            kill_and_reap(victim);
            fail_msg("instruction %d: stranded", steps);
        }
        if (!had_come) { assert_ok(stage.barrier.abort().error()); }
        assert_true(becomes(stage.shared->done, 1));
        assert_int_equal(stage.shared->go.load(), kBroken);
        kill_and_reap(victim);
        stage.assert_works();
        return false;
    });
}

void who_aborts_or_resets_is_killed_anywhere(void**) {
    for (const bool is_reset : {false, true}) {
        sweep(is_reset ? "reset" : "abort", 3, [=](int steps) {
            Stage stage;
            const pid_t victim = stage.start_victim(
                [=](Barrier& barrier) { (void)(is_reset ? barrier.reset() : barrier.abort()); });
            bool is_over = false;
            {
                Stepped stepped(victim);
                assert_true(stepped.held());
                stage.shared->go.store(1);
                is_over = !stepped.step(steps) || stage.shared->done.load() == 1;
            }
            if (!is_over && stage.both_wait()) {
                assert_int_equal(outcome(stage.barrier.wait()), kPassed);
                assert_int_equal(stage.end_of_all(steps), kPassed);
            } else {
                assert_int_equal(stage.end_of_all(steps), kBroken);
                assert_true(stage.barrier.broken() != is_reset);
            }
            stage.assert_works();
            return is_over;
        });
    }
}

// ---- Storms ------------------------------------------------------------------------------------

// Eight wait again and again, and are killed or stopped at random. The first of those who are told
// that it is broken mends it. Rounds go on.
void kills_at_random_among_eight_only_break_it(void**) {
    constexpr int kParties = 8;
    const int rounds = getenv("BROOD_LONG") != nullptr ? 3000 : 150;
    Barrier barrier = Barrier::create(kParties, kLong).expect("making the barrier");
    Board<std::atomic<int>> passed;
    pid_t people[kParties];
    const auto start = [&](int i) {
        people[i] = start_child([&] {
            for (;;) {
                const int got = outcome(barrier.wait());
                CHECK_IN_CHILD(got != kOther);
                if (got == kPassed) { passed->fetch_add(1); }
                if (barrier.broken()) { CHECK_IN_CHILD(barrier.reset().ok()); }
            }
        });
    };
    for (int i = 0; i < kParties; ++i) { start(i); }
    Chance chance(12);
    for (int round = 0; round < rounds; ++round) {
        sleep_us(chance.below(2000));
        for (int kills = static_cast<int>(chance.below(3)); kills >= 0; --kills) {
            const int victim = static_cast<int>(chance.below(kParties));
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
        const int before = passed->load();
        if (!test::eventually([&] { return passed->load() >= before + 2 * kParties; })) {
            fail_msg("round %d: no progress, %d wait", round,
                     static_cast<int>(barrier.n_waiting()));
        }
    }
    print_message("%d passed\n", passed->load());
    for (const pid_t one : people) { kill_and_reap(one); }
}

}  // namespace

int main() {
    const test::OneCpu here;
    const CMUnitTest tests[] = {
        TIDY(the_last_to_come_killed_anywhere_breaks_it_or_lets_all_pass),
        TIDY(one_of_those_who_wait_killed_anywhere_breaks_it_or_has_not_come),
        TIDY(a_waiter_stopped_anywhere_learns_of_a_death),
        TIDY(who_aborts_or_resets_is_killed_anywhere),
        TIDY(kills_at_random_among_eight_only_break_it),
    };
    return cmocka_run_group_tests_name("barrier_crash", tests, nullptr, nullptr);
}
