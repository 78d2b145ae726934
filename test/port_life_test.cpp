// Goal: a thread's life is over exactly when the thread is, whatever ends it, and the dead ring.
// Method: real threads and processes, killed or ended in every way, beside the libc's own robust
//       mutexes, whose list a life shares.
#include "sleeper_support.hpp"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

namespace port = brood::port;
using brood::Errc;
using test::assert_code;
using test::assert_ok;
using test::Mapped;
using test::start_sleeping;

static bool can_tell_deaths() {
    static const bool can = [] {
        const Mapped<port::Life> life;
        assert_ok(port::life_init(*life));
        return test::run_child([&] {
                   return port::life_begin(*life).code() == Errc::unsupported ? 1 : 0;
               }) == 0;
    }();
    if (!can) { test::not_run("lives of threads", "this system does not tell of deaths"); }
    return can;
}

// A child that begins the life and then does `end`; returned once the life has begun.
template <class F>
static pid_t start_life(port::Life& life, F end) {
    test::Handshake begun;
    const pid_t pid = test::start_child([&] {
        test::end_some_day();
        if (!port::life_begin(life).ok()) { return 99; }
        begun.tell();
        return end();
    });
    assert_true(begun.await());
    return pid;
}

static int sleep_on() {
    for (;;) { pause(); }
}

static void a_life_is_over_when_its_process_is_killed(void**) {
    if (!can_tell_deaths()) { return; }
    const Mapped<port::Life> life;
    assert_ok(port::life_init(*life));
    assert_true(port::life_is_over(*life));
    for (int round = 0; round < 3; ++round) {
        const pid_t pid = start_life(*life, sleep_on);
        assert_false(port::life_is_over(*life));
        assert_code(port::life_begin(*life), Errc::would_block);
        kill(pid, SIGKILL);
        assert_int_equal(test::join_child(pid), -SIGKILL);
        assert_true(port::life_is_over(*life));
    }
}

static void a_life_that_ends_as_it_should_is_no_death(void**) {
    if (!can_tell_deaths()) { return; }
    const Mapped<port::Life> life;
    assert_ok(port::life_init(*life));
    for (int round = 0; round < 3; ++round) {
        const pid_t pid = start_life(*life, [&] {
            port::life_end(*life);
            return port::life_is_over(*life) ? 0 : 1;
        });
        assert_int_equal(test::join_child(pid), 0);
        assert_true(port::life_is_over(*life));
    }
}

static void a_stopped_process_lives(void**) {
    if (!can_tell_deaths()) { return; }
    const Mapped<port::Life> life;
    assert_ok(port::life_init(*life));
    const pid_t pid = start_life(*life, sleep_on);
    kill(pid, SIGSTOP);
    test::await_state(pid, 'T');
    assert_false(port::life_is_over(*life));
    kill(pid, SIGKILL);
    assert_int_equal(test::join_child(pid), -SIGKILL);
}

static void* begin_and_return(void* life) {
    return port::life_begin(*static_cast<port::Life*>(life)).ok() ? life : nullptr;
}

static void a_thread_and_an_exec_end_a_life_too(void**) {
    if (!can_tell_deaths()) { return; }
    const Mapped<port::Life> life;
    assert_ok(port::life_init(*life));
    test::assert_child_exits(0, [&] {
        pthread_t thread;
        void* begun = nullptr;
        if (pthread_create(&thread, nullptr, begin_and_return, &*life) != 0) { return 1; }
        if (pthread_join(thread, &begun) != 0 || begun == nullptr) { return 2; }
        return test::eventually([&] { return port::life_is_over(*life); }) ? 0 : 3;
    });
    const pid_t pid = start_life(*life, [] {
        execlp("sleep", "sleep", "60", nullptr);
        return 1;
    });
    assert_true(test::eventually([&] { return port::life_is_over(*life); }));
    kill(pid, SIGKILL);
    assert_int_equal(test::join_child(pid), -SIGKILL);
}

static void a_forked_child_has_not_its_parents_life(void**) {
    if (!can_tell_deaths()) { return; }
    const Mapped<port::Life> life;
    assert_ok(port::life_init(*life));
    test::assert_child_exits(0, [&] {
        if (!port::life_begin(*life).ok()) { return 1; }
        const pid_t child = test::start_child([&] {
            if (port::life_is_over(*life)) { return 1; }
            return port::life_begin(*life).code() == Errc::would_block ? 0 : 2;
        });
        if (test::join_child(child) != 0) { return 2; }
        return port::life_is_over(*life) ? 3 : 0;  // The child's end was not ours.
    });
    assert_true(port::life_is_over(*life));
}

struct Neighbours {
    port::Life lives[3];
    port::RobustMutex mutexes[3];
};

// Lives and robust mutexes stand in one list. In every order in which three of each can be let go
// of, what is left must die with the process, and nothing else.
static void lives_and_robust_mutexes_share_a_list_in_peace(void**) {
    if (!can_tell_deaths()) { return; }
    for (int order = 0; order < 720; ++order) {
        int steps[6], left[6] = {0, 1, 2, 3, 4, 5};
        int rest = order;
        for (int i = 0; i < 6; ++i) {  // The order-th permutation.
            const int at = rest % (6 - i);
            rest /= 6 - i;
            steps[i] = left[at];
            for (int j = at; j < 5 - i; ++j) { left[j] = left[j + 1]; }
        }
        const int kept = order % 6;  // So many of the last ones are not let go of.
        const Mapped<Neighbours> shared;
        for (int i = 0; i < 3; ++i) {
            assert_ok(port::life_init(shared->lives[i]));
            assert_ok(port::mutex_init(shared->mutexes[i]));
        }
        test::assert_child_exits(0, [&] {
            for (int i = 0; i < 3; ++i) {
                if (!port::life_begin(shared->lives[i]).ok()) { return 1; }
                if (!port::mutex_lock(shared->mutexes[i], port::kNever).ok()) { return 2; }
            }
            for (int i = 0; i < 6 - kept; ++i) {
                if (steps[i] < 3) {
                    port::life_end(shared->lives[steps[i]]);
                } else if (!port::mutex_unlock(shared->mutexes[steps[i] - 3]).ok()) {
                    return 3;
                }
            }
            return 0;
        });
        for (int i = 0; i < 6; ++i) {
            if (steps[i] < 3) {
                assert_true(port::life_is_over(shared->lives[steps[i]]));
                continue;
            }
            const Errc expected = i < 6 - kept ? Errc::ok : Errc::owner_died;
            test::assert_child_exits(static_cast<int>(expected), [&] {
                return static_cast<int>(port::mutex_lock(shared->mutexes[steps[i] - 3], 0).code());
            });
        }
        if (order >= 119) { order += 5; }  // All kinds of beginnings were there.
    }
}

static void the_dead_ring_the_bell_they_owe(void**) {
    if (!can_tell_deaths()) { return; }
    if (!port::rings_for_the_dead()) {
        return test::not_run("rings of the dead", "this system has no such service");
    }
    const Mapped<port::Life> life;
    const Mapped<port::Bell> bell;
    assert_ok(port::life_init(*life));
    assert_ok(port::bell_init(*bell));
    const auto sleeper = [&] {
        return start_sleeping([&] {
            const std::int64_t deadline = test::in_ms(test::kPatienceMs);
            return port::bell_wait(*bell, 0, 2, deadline).ok() ? 0 : 1;
        });
    };
    const pid_t first = sleeper();
    const pid_t owing = start_life(*life, [&] {
        port::owe_ring(*bell);
        return sleep_on();
    });
    kill(owing, SIGKILL);
    assert_int_equal(test::join_child(owing), -SIGKILL);
    assert_int_equal(test::join_child(first), 0);
    // A duty that was done is owed no more.
    const pid_t second = sleeper();
    const pid_t free = start_life(*life, [&] {
        port::owe_ring(*bell);
        port::owe_nothing();
        return sleep_on();
    });
    kill(free, SIGKILL);
    assert_int_equal(test::join_child(free), -SIGKILL);
    assert_int_equal(test::state_of(second), 'S');
    assert_int_equal(port::bell_ring(*bell, 1, 1), 0);  // Nor is it of that kind.
    assert_int_equal(port::bell_ring(*bell, 1, 6), 1);
    assert_int_equal(test::join_child(second), 0);
}

static void one_who_sleeps_on_a_life_hears_of_its_end(void**) {
    if (!can_tell_deaths()) { return; }
    const Mapped<port::Life> life;
    const Mapped<port::Bell> bell;
    assert_ok(port::life_init(*life));
    assert_ok(port::bell_init(*bell));
    const auto until_over = [&] {
        const std::int64_t deadline = test::in_ms(test::kPatienceMs);
        while (!port::life_is_over(*life)) {
            if (!port::bell_wait_life(*bell, 0, *life, deadline).ok()) { return 1; }
        }
        return 0;
    };
    for (int round = 0; round < 2; ++round) {
        const pid_t living = start_life(*life, sleep_on);
        const pid_t sleeper = start_sleeping(until_over);
        const std::int64_t killed_at = test::now_ns();
        kill(living, SIGKILL);
        assert_int_equal(test::join_child(sleeper), 0);
        assert_true(test::now_ns() - killed_at < 5 * port::kSliceNs);
        assert_int_equal(test::join_child(living), -SIGKILL);
    }
    // The life goes on: a ring, and the deadline.
    const pid_t living = start_life(*life, sleep_on);
    assert_code(port::bell_wait_life(*bell, 0, *life, test::in_ms(50)), Errc::timed_out);
    const pid_t sleeper = start_sleeping([&] {
        const std::int64_t deadline = test::in_ms(test::kPatienceMs);
        while (bell->word.load() == 0) {
            if (!port::bell_wait_life(*bell, 0, *life, deadline).ok()) { return 1; }
        }
        return 0;
    });
    bell->word.store(port::kBellWaiting);
    port::bell_ring(*bell, 1, port::kAnyKind);
    assert_int_equal(test::join_child(sleeper), 0);
    kill(living, SIGKILL);
    assert_int_equal(test::join_child(living), -SIGKILL);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_life_is_over_when_its_process_is_killed),
        cmocka_unit_test(a_life_that_ends_as_it_should_is_no_death),
        cmocka_unit_test(a_stopped_process_lives),
        cmocka_unit_test(a_thread_and_an_exec_end_a_life_too),
        cmocka_unit_test(a_forked_child_has_not_its_parents_life),
        cmocka_unit_test(lives_and_robust_mutexes_share_a_list_in_peace),
        cmocka_unit_test(the_dead_ring_the_bell_they_owe),
        cmocka_unit_test(one_who_sleeps_on_a_life_hears_of_its_end),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
