// Goal: getters of an empty queue hear that all its producers have ended, and whether in order.
// Method: real producers that close, are killed, or are stopped, while getters are known to sleep.
#include "shared_support.hpp"
#include "sleeper_support.hpp"

#include <brood/joinable_queue.hpp>
#include <brood/process.hpp>
#include <port/port.hpp>

using brood::Errc;
using brood::milliseconds;
using brood::Queue;
using brood::Result;
using brood::Timeout;
using test::assert_code;
using test::assert_ok;
using test::Board;
using test::start_sleeping;

static const Timeout kLong = milliseconds(test::kPatienceMs);
constexpr std::int64_t kSoonNs = test::kSoonMs * 1000000;

static Queue<int> make(std::size_t producers, std::size_t maxsize = 8) {
    Result<Queue<int>> made = Queue<int>::create(maxsize);
    assert_ok(made);
    if (producers != 0) { assert_ok(made->producers(producers)); }
    return std::move(*made);
}

// A child that puts `count` messages, tells, and waits to be killed.
static pid_t start_producer(Queue<int>& queue, int count, test::Handshake& ready) {
    const pid_t pid = test::start_child([&] {
        test::end_some_day();
        if (count == 0) { queue.enroll().expect("enroll"); }
        for (int i = 0; i < count; ++i) { queue.put(i).expect("put"); }
        ready.tell();
        for (;;) { pause(); }
        return 0;
    });
    assert_true(ready.await());
    return pid;
}

static pid_t start_getter(Queue<int>& queue, Errc expected) {
    return start_sleeping([&, expected] { return queue.get(kLong).code() == expected ? 0 : 1; });
}

static void kill_and_join(pid_t pid) {
    kill(pid, SIGKILL);
    assert_int_equal(test::join_child(pid), -SIGKILL);
}

static void when_all_have_closed_getters_hear_closed_after_the_last_message(void**) {
    auto queue = make(2);
    for (int producer = 0; producer < 2; ++producer) {
        assert_code(queue.get(milliseconds(20)), Errc::timed_out);  // One is still to come.
        test::assert_child_exits(0, [&] {
            if (!queue.put(producer).ok()) { return 1; }
            queue.close();
            return queue.put(9).code() == Errc::closed ? 0 : 2;
        });
        assert_int_equal(*queue.get(kLong), producer);
    }
    assert_code(queue.get(kLong), Errc::closed);
    assert_code(queue.get_nowait(), Errc::closed);
}

static void what_a_killed_producer_put_comes_first_and_then_peer_died(void**) {
    auto queue = make(1);
    test::Handshake ready;
    kill_and_join(start_producer(queue, 3, ready));
    for (int i = 0; i < 3; ++i) { assert_int_equal(*queue.get(kLong), i); }
    assert_code(queue.get(kLong), Errc::peer_died);
    assert_code(queue.get_nowait(), Errc::peer_died);
}

static void the_death_of_the_last_wakes_every_getter_at_once(void**) {
    auto queue = make(2);
    test::Handshake ready;
    const pid_t first = start_producer(queue, 0, ready), last = start_producer(queue, 0, ready);
    pid_t getters[4];
    for (pid_t& one : getters) { one = start_getter(queue, Errc::peer_died); }
    kill_and_join(first);
    test::sleep_ms(20);
    for (const pid_t one : getters) { assert_int_not_equal(test::state_of(one), 'Z'); }
    const std::int64_t begun = test::now_ns();
    kill_and_join(last);
    for (const pid_t one : getters) { assert_int_equal(test::join_child(one), 0); }
    const std::int64_t took = test::now_ns() - begun;
    print_message("all four were told after %lld us\n", static_cast<long long>(took / 1000));
    assert_true(took < kSoonNs);
}

static void the_last_who_closes_wakes_every_getter(void**) {
    auto queue = make(2);
    test::assert_child_exits(0, [&] {
        queue.enroll().expect("enroll");
        queue.close();
        return 0;
    });
    assert_ok(queue.enroll());
    pid_t getters[3];
    for (pid_t& one : getters) { one = start_getter(queue, Errc::closed); }
    queue.close();
    for (const pid_t one : getters) { assert_int_equal(test::join_child(one), 0); }
}

static void one_who_dies_beside_one_who_closes_is_told(void**) {
    auto queue = make(2);
    test::Handshake ready;
    kill_and_join(start_producer(queue, 0, ready));
    const pid_t getter = start_getter(queue, Errc::peer_died);
    test::assert_child_exits(0, [&] {
        queue.enroll().expect("enroll");
        queue.close();
        return 0;
    });
    assert_int_equal(test::join_child(getter), 0);
}

static void a_stopped_producer_is_waited_for(void**) {
    auto queue = make(1);
    test::Handshake ready;
    const pid_t producer = start_producer(queue, 0, ready);
    kill(producer, SIGSTOP);
    test::await_state(producer, 'T');
    assert_code(queue.get(milliseconds(600)), Errc::timed_out);
    kill_and_join(producer);
    assert_code(queue.get(kLong), Errc::peer_died);
}

static void a_getter_waits_for_one_who_was_killed_before_his_first_put(void**) {
    auto queue = make(1);
    test::assert_child_exits(-SIGKILL, [] { return raise(SIGKILL); });
    assert_code(queue.get(milliseconds(50)), Errc::timed_out);
    test::assert_child_exits(0, [&] {  // Another comes in his place.
        queue.enroll().expect("enroll");
        queue.close();
        return 0;
    });
    assert_code(queue.get(kLong), Errc::closed);
}

static void who_replaces_a_dead_producer_counts_in_his_stead(void**) {
    auto queue = make(2);
    test::Handshake ready;
    kill_and_join(start_producer(queue, 0, ready));
    assert_ok(queue.enroll());                                  // Takes the place that was free,
    assert_code(queue.get(milliseconds(20)), Errc::timed_out);  // (we produce)
    test::assert_child_exits(0, [&] {                           // and this one that of the dead.
        queue.enroll().expect("enroll");
        queue.close();
        return 0;
    });
    assert_code(queue.get(milliseconds(20)), Errc::timed_out);
    test::assert_child_exits(0, [&] {  // In place of one who closed.
        queue.enroll().expect("enroll");
        queue.close();
        return 0;
    });
    queue.close();
    assert_code(queue.get(kLong), Errc::closed);
}

static void one_may_produce_again_after_the_end(void**) {
    auto queue = make(1);
    test::Handshake ready;
    kill_and_join(start_producer(queue, 0, ready));
    assert_code(queue.get(kLong), Errc::peer_died);
    const pid_t again = start_producer(queue, 1, ready);
    assert_int_equal(*queue.get(kLong), 0);
    assert_code(queue.get(milliseconds(20)), Errc::timed_out);
    kill_and_join(again);
    assert_code(queue.get(kLong), Errc::peer_died);
}

static void more_than_were_said_at_a_time_are_refused(void**) {
    auto queue = make(1);
    test::Handshake ready;
    const pid_t producer = start_producer(queue, 0, ready);
    assert_code(queue.put(1), Errc::too_many_members);
    assert_code(queue.enroll(), Errc::too_many_members);
    assert_true(queue.empty());
    kill_and_join(producer);
    assert_ok(queue.put(1));
    assert_ok(queue.enroll());  // Is one.
}

static void a_sleeping_getter_watches_one_who_enrolls_later(void**) {
    auto queue = make(1);
    const pid_t getter = start_getter(queue, Errc::peer_died);
    test::Handshake ready;
    const pid_t producer = start_producer(queue, 0, ready);
    assert_true(test::eventually([=] { return test::state_of(getter) == 'S'; }));
    const std::int64_t begun = test::now_ns();
    kill_and_join(producer);
    assert_int_equal(test::join_child(getter), 0);
    assert_true(test::now_ns() - begun < kSoonNs);
}

static void threads_are_producers_each(void**) {
    auto queue = make(2);
    shared_test::in_thread([&] {
        queue.put(1).expect("put");
        queue.close();
    });
    assert_int_equal(*queue.get(kLong), 1);
    assert_code(queue.get(milliseconds(20)), Errc::timed_out);
    auto ended = make(1);
    shared_test::in_thread([&] { ended.put(1).expect("put"); });
    assert_int_equal(*ended.get(kLong), 1);
    assert_code(ended.get(kLong), Errc::peer_died);  // It did not close.
}

static void the_end_of_a_handle_closes(void**) {
    auto queue = make(1);
    test::assert_child_exits(0, [&] {
        Queue<int> mine = std::move(queue);
        return mine.put(1).ok() ? 0 : 1;
    });
    assert_int_equal(*queue.get(kLong), 1);
    assert_code(queue.get(kLong), Errc::closed);
}

static void an_idle_getter_that_knows_its_producers_is_not_woken(void**) {
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run("no wake-ups while idle", "sleepers look every slice here");
    }
    auto queue = make(2);
    test::Handshake ready;
    const pid_t producers[] = {start_producer(queue, 0, ready), start_producer(queue, 0, ready)};
    const pid_t getter = start_getter(queue, Errc::peer_died);
    const long before = test::switches_at_rest(getter);
    test::sleep_ms(700);
    assert_int_equal(test::switches_of(getter), before);
    for (const pid_t one : producers) { kill_and_join(one); }
    assert_int_equal(test::join_child(getter), 0);
}

static void sleeping_putters_are_woken_beside_getters_that_watch(void**) {
    // A getter that watches hears rings that are meant for putters: it must pass them on.
    auto queue = make(3, 1);
    const pid_t getter = start_sleeping([&] {
        for (int i = 0; i < 2000; ++i) {
            if (!queue.get(kLong).ok()) { return 1; }
        }
        return 0;
    });
    pid_t putters[2];
    for (pid_t& one : putters) {
        one = test::start_child([&] {
            for (int i = 0; i < 1000; ++i) {
                if (!queue.put(i, kLong).ok()) { return 1; }
            }
            queue.close();
            return 0;
        });
    }
    for (const pid_t one : putters) { assert_int_equal(test::join_child(one), 0); }
    assert_int_equal(test::join_child(getter), 0);
}

static void numbers_are_checked(void**) {
    auto queue = make(0);
    assert_code(queue.enroll(), Errc::bad_argument);
    assert_code(queue.producers(0), Errc::size_zero);
    assert_code(queue.producers(128), Errc::size_too_large);
    assert_ok(queue.producers(127));
    assert_code(queue.producers(1), Errc::already_exists);
    queue.close();
    assert_code(queue.enroll(), Errc::closed);
    Queue<int> none;
    assert_code(none.producers(1), Errc::closed);
    assert_code(none.enroll(), Errc::closed);
}

// ---- Kills at random ---------------------------------------------------------------------------

static void producers_killed_at_random_never_leave_a_getter_waiting(void**) {
    for (int round = 0; round < 60; ++round) {
        auto queue = make(3, 4);
        pid_t getters[2], producers[3];
        for (pid_t& one : getters) {
            one = test::start_child([&] {
                test::end_some_day();
                for (;;) {
                    const Errc got = queue.get(kLong).code();
                    if (got != Errc::ok) { return got == Errc::peer_died ? 0 : 1; }
                }
            });
        }
        for (pid_t& one : producers) {
            one = test::start_child([&] {
                test::end_some_day();
                queue.enroll().expect("enroll");
                for (int i = 0; queue.put(i, kLong).ok(); ++i) {}
                return 0;
            });
        }
        usleep(static_cast<useconds_t>(random() % 3000));
        for (pid_t& one : producers) {
            usleep(static_cast<useconds_t>(random() % 300));
            kill(one, SIGKILL);
            test::join_child(one);
        }
        // Those who were killed before they enrolled are replaced.
        for (int i = 0; i < 3; ++i) {
            const pid_t replacement = test::start_child([&] {
                queue.enroll().expect("enroll");
                return 0;  // In another way than by close().
            });
            assert_int_equal(test::join_child(replacement), 0);
        }
        for (const pid_t one : getters) { assert_int_equal(test::join_child(one), 0); }
        assert_true(queue.empty());
    }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(when_all_have_closed_getters_hear_closed_after_the_last_message),
        cmocka_unit_test(what_a_killed_producer_put_comes_first_and_then_peer_died),
        cmocka_unit_test(the_death_of_the_last_wakes_every_getter_at_once),
        cmocka_unit_test(the_last_who_closes_wakes_every_getter),
        cmocka_unit_test(one_who_dies_beside_one_who_closes_is_told),
        cmocka_unit_test(a_stopped_producer_is_waited_for),
        cmocka_unit_test(a_getter_waits_for_one_who_was_killed_before_his_first_put),
        cmocka_unit_test(who_replaces_a_dead_producer_counts_in_his_stead),
        cmocka_unit_test(one_may_produce_again_after_the_end),
        cmocka_unit_test(more_than_were_said_at_a_time_are_refused),
        cmocka_unit_test(a_sleeping_getter_watches_one_who_enrolls_later),
        cmocka_unit_test(threads_are_producers_each),
        cmocka_unit_test(the_end_of_a_handle_closes),
        cmocka_unit_test(an_idle_getter_that_knows_its_producers_is_not_woken),
        cmocka_unit_test(sleeping_putters_are_woken_beside_getters_that_watch),
        cmocka_unit_test(numbers_are_checked),
        cmocka_unit_test(producers_killed_at_random_never_leave_a_getter_waiting),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
