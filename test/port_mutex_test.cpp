// Goal: a mutex is free exactly when no living thread holds it, whatever ends the holder, and the
//       dead ring the bell they owe.
// Method: real threads and processes, killed or ended in every way, beside the libc's own robust
//       mutexes, in whose list ours stand.
#include "sleeper_support.hpp"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <port/port.hpp>

namespace port = brood::port;
using brood::Errc;
using test::assert_code;
using test::assert_ok;
using test::Board;
using test::start_sleeping;

static bool is_held(const brood::Status& status) {
    return status.ok() || status.code() == Errc::owner_died;
}

// A child that locks the mutex and then does `end`; returned once it is locked.
template <class F>
static pid_t start_holder(port::RobustMutex& mutex, F end) {
    test::Handshake begun;
    const pid_t pid = test::start_child([&] {
        test::end_some_day();
        if (!is_held(port::mutex_lock(mutex, 0))) { return 99; }
        begun.tell();
        return end();
    });
    assert_true(begun.await());
    return pid;
}

static int sleep_on() {
    for (;;) { pause(); }
}

static void a_mutex_is_free_when_its_holder_was_killed(void**) {
    const Board<port::RobustMutex> mutex;
    assert_ok(port::mutex_init(*mutex));
    assert_true(port::mutex_is_free(*mutex));
    for (int round = 0; round < 3; ++round) {
        const pid_t pid = start_holder(*mutex, sleep_on);
        assert_false(port::mutex_is_free(*mutex));
        assert_code(port::mutex_lock(*mutex, 0), Errc::timed_out);
        kill(pid, SIGKILL);
        assert_int_equal(test::join_child(pid), -SIGKILL);
        assert_true(port::mutex_is_free(*mutex));
    }
}

static void letting_go_is_no_death(void**) {
    const Board<port::RobustMutex> mutex;
    assert_ok(port::mutex_init(*mutex));
    for (int round = 0; round < 3; ++round) {
        const pid_t pid = start_holder(*mutex, [&] {
            port::mutex_unlock(*mutex).ignore();
            return port::mutex_is_free(*mutex) ? 0 : 1;
        });
        assert_int_equal(test::join_child(pid), 0);
        assert_true(port::mutex_is_free(*mutex));
    }
}

static void a_stopped_holder_holds_it(void**) {
    const Board<port::RobustMutex> mutex;
    assert_ok(port::mutex_init(*mutex));
    const pid_t pid = start_holder(*mutex, sleep_on);
    kill(pid, SIGSTOP);
    test::await_state(pid, 'T');
    assert_false(port::mutex_is_free(*mutex));
    kill(pid, SIGKILL);
    assert_int_equal(test::join_child(pid), -SIGKILL);
}

static void* begin_and_return(void* mutex) {
    return is_held(port::mutex_lock(*static_cast<port::RobustMutex*>(mutex), 0)) ? mutex : nullptr;
}

static void the_end_of_a_thread_and_an_exec_count_as_death(void**) {
    const Board<port::RobustMutex> mutex;
    assert_ok(port::mutex_init(*mutex));
    test::assert_child_exits(0, [&] {
        pthread_t thread;
        void* begun = nullptr;
        if (pthread_create(&thread, nullptr, begin_and_return, &*mutex) != 0) { return 1; }
        if (pthread_join(thread, &begun) != 0 || begun == nullptr) { return 2; }
        return test::eventually([&] { return port::mutex_is_free(*mutex); }) ? 0 : 3;
    });
    const pid_t pid = start_holder(*mutex, [] {
        execlp("sleep", "sleep", "60", nullptr);
        return 1;
    });
    assert_true(test::eventually([&] { return port::mutex_is_free(*mutex); }));
    kill(pid, SIGKILL);
    assert_int_equal(test::join_child(pid), -SIGKILL);
}

static void a_forked_child_holds_nothing_of_its_parents(void**) {
    const Board<port::RobustMutex> mutex;
    assert_ok(port::mutex_init(*mutex));
    test::assert_child_exits(0, [&] {
        if (!is_held(port::mutex_lock(*mutex, 0))) { return 1; }
        const pid_t child = test::start_child([&] {
            if (port::mutex_is_free(*mutex)) { return 1; }
            return port::mutex_lock(*mutex, 0).code() == Errc::timed_out ? 0 : 2;
        });
        if (test::join_child(child) != 0) { return 2; }
        return port::mutex_is_free(*mutex) ? 3 : 0;  // The child's end was not ours.
    });
    assert_true(port::mutex_is_free(*mutex));
}

struct Neighbours {
    port::RobustMutex ours[3];
    pthread_mutex_t theirs[3];
};

static void make_theirs(pthread_mutex_t& mutex) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    assert_int_equal(pthread_mutex_init(&mutex, &attributes), 0);
    pthread_mutexattr_destroy(&attributes);
}

// The order-th permutation of 0..5.
static void permute(int order, int (&steps)[6]) {
    int left[6] = {0, 1, 2, 3, 4, 5};
    for (int i = 0; i < 6; ++i) {
        const int at = order % (6 - i);
        order /= 6 - i;
        steps[i] = left[at];
        for (int j = at; j < 5 - i; ++j) { left[j] = left[j + 1]; }
    }
}

// Takes three of each and lets go of the first `count` of `steps`. 0 if all went well.
static int hold_all_but(Neighbours& all, const int (&steps)[6], int count) {
    for (int i = 0; i < 3; ++i) {
        if (!port::mutex_lock(all.ours[i], port::kNever).ok()) { return 1; }
        if (pthread_mutex_lock(&all.theirs[i]) != 0) { return 2; }
    }
    for (int i = 0; i < count; ++i) {
        const int one = steps[i];
        if (one < 3 && !port::mutex_unlock(all.ours[one]).ok()) { return 3; }
        if (one >= 3 && pthread_mutex_unlock(&all.theirs[one - 3]) != 0) { return 4; }
    }
    return 0;
}

// Ours and the libc's robust mutexes stand in one list. In whatever order they are let go of, those
// that are left must die with the process, and nothing else.
static void ours_and_the_libcs_share_a_list_in_peace(void**) {
    for (int order = 0; order < 720; order += 7) {
        int steps[6];
        permute(order, steps);
        const int count = order % 6;
        const Board<Neighbours> all;
        for (int i = 0; i < 3; ++i) {
            assert_ok(port::mutex_init(all->ours[i]));
            make_theirs(all->theirs[i]);
        }
        test::assert_child_exits(0, [&] { return hold_all_but(*all, steps, count); });
        for (int i = 0; i < 6; ++i) {
            const bool died = i >= count;
            if (steps[i] < 3) {
                port::RobustMutex& mutex = all->ours[steps[i]];
                assert_code(port::mutex_lock(mutex, 0), died ? Errc::owner_died : Errc::ok);
                assert_ok(port::mutex_unlock(mutex));
            } else {
                pthread_mutex_t& mutex = all->theirs[steps[i] - 3];
                assert_int_equal(pthread_mutex_trylock(&mutex), died ? EOWNERDEAD : 0);
                pthread_mutex_consistent(&mutex);
                assert_int_equal(pthread_mutex_unlock(&mutex), 0);
            }
        }
    }
}

static void the_dead_ring_the_bell_they_owe(void**) {
    if (!port::rings_for_the_dead()) {
        return test::not_run("rings of the dead", "this system has no such service");
    }
    const Board<port::RobustMutex> mutex;
    const Board<port::Bell> bell;
    assert_ok(port::mutex_init(*mutex));
    assert_ok(port::bell_init(*bell));
    const auto sleeper = [&] {
        return start_sleeping([&] {
            const std::int64_t deadline = test::in_ms(test::kPatienceMs);
            return port::bell_wait(*bell, 0, 2, deadline).ok() ? 0 : 1;
        });
    };
    const pid_t first = sleeper();
    test::Handshake owed, done;
    const pid_t owing = start_holder(*mutex, [&] {
        port::owe_ring(*bell);
        owed.tell();
        return sleep_on();
    });
    assert_true(owed.await());
    kill(owing, SIGKILL);
    assert_int_equal(test::join_child(owing), -SIGKILL);
    assert_int_equal(test::join_child(first), 0);
    // A duty that was done is owed no more.
    const pid_t second = sleeper();
    const pid_t free = start_holder(*mutex, [&] {
        port::owe_ring(*bell);
        port::owe_nothing();
        done.tell();
        return sleep_on();
    });
    assert_true(done.await());
    kill(free, SIGKILL);
    assert_int_equal(test::join_child(free), -SIGKILL);
    assert_int_equal(test::state_of(second), 'S');
    assert_int_equal(port::bell_ring(*bell, 1, 1), 0);  // Nor is it of that kind.
    assert_int_equal(port::bell_ring(*bell, 1, 6), 1);
    assert_int_equal(test::join_child(second), 0);
}

// On either of two bells, and on any of the mutexes that he watches.
static void one_who_sleeps_on_two_bells_hears_each_and_deaths_besides(void**) {
    for (const int cause : {0, 1, 2}) {
        Board<port::Bell> bells[2];
        Board<port::RobustMutex> mutexes[2];
        pid_t holders[2];
        for (int i = 0; i < 2; ++i) {
            assert_ok(port::mutex_init(*mutexes[i]));
            holders[i] = start_holder(*mutexes[i], sleep_on);
        }
        port::RobustMutex* const watched[2] = {&*mutexes[0], &*mutexes[1]};
        const auto sleep = [&](std::int64_t deadline_ns) {
            return port::bells_wait_watching(*bells[0], 0, *bells[1], 0, watched, 2, deadline_ns);
        };
        assert_code(sleep(port::now_ns() + 2000000), Errc::timed_out);
        const pid_t sleeper = start_sleeping([&] { return sleep(port::kNever).ok() ? 0 : 1; });
        if (cause < 2) {
            assert_int_equal(port::bell_ring(*bells[cause], 1, port::kAnyKind), 1);
        } else {
            kill(holders[1], SIGKILL);
        }
        assert_int_equal(test::join_child(sleeper), 0);
        if (cause < 2) {
            bells[cause]->word.store(1);
            assert_ok(sleep(port::kNever));  // It differs.
            kill(holders[1], SIGKILL);
        }
        kill(holders[0], SIGKILL);
        for (const pid_t one : holders) { assert_int_equal(test::join_child(one), -SIGKILL); }
        assert_ok(sleep(port::kNever));  // Nobody holds them.
    }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_mutex_is_free_when_its_holder_was_killed),
        cmocka_unit_test(letting_go_is_no_death),
        cmocka_unit_test(a_stopped_holder_holds_it),
        cmocka_unit_test(the_end_of_a_thread_and_an_exec_count_as_death),
        cmocka_unit_test(a_forked_child_holds_nothing_of_its_parents),
        cmocka_unit_test(ours_and_the_libcs_share_a_list_in_peace),
        cmocka_unit_test(the_dead_ring_the_bell_they_owe),
        cmocka_unit_test(one_who_sleeps_on_two_bells_hears_each_and_deaths_besides),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
