// Goal: JoinableQueue<T> gives Python's JoinableQueue, row by row, and tells of what was abandoned.
// Method: real processes that get and are done, or die; joiners that are known to be asleep.
#include "shared_support.hpp"
#include "sleeper_support.hpp"

#include <brood/joinable_queue.hpp>
#include <brood/process.hpp>
#include <port/port.hpp>

using brood::Errc;
using brood::JoinableQueue;
using brood::milliseconds;
using brood::Result;
using brood::Shutdown;
using brood::Status;
using brood::Timeout;
using test::assert_code;
using test::assert_ok;
using test::Board;
using test::start_sleeping;

static const Timeout kLong = milliseconds(test::kPatienceMs);

template <class T = int>
static JoinableQueue<T> make(std::size_t maxsize) {
    Result<JoinableQueue<T>> made = JoinableQueue<T>::create(maxsize);
    assert_ok(made);
    return std::move(*made);
}

static void assert_abandoned(const Status& joined, int count) {
    assert_code(joined, Errc::abandoned);
    assert_int_equal(joined.error().detail(), count);
}

static void join_waits_until_all_that_was_put_is_done(void**) {
    auto queue = make(8);
    assert_ok(queue.join());  // Nothing was put.
    brood::Process worker(brood::ProcessOptions().daemon(), [&] {
        for (;;) {
            queue.get().expect("get");
            queue.task_done().expect("task_done");
        }
    });
    for (int i = 0; i < 5; ++i) { assert_ok(queue.put(i)); }
    assert_code(queue.join(Timeout::no_wait()), Errc::timed_out);
    assert_ok(worker.start());
    assert_ok(queue.join(kLong));
    assert_true(queue.empty());
    assert_ok(queue.put(5));
    assert_ok(queue.join(kLong));
    assert_ok(worker.terminate());
    assert_ok(worker.join(kLong));
}

static void got_is_not_done(void**) {
    auto queue = make(8);
    assert_ok(queue.put(1));
    assert_ok(queue.put(2));
    assert_code(queue.task_done(), Errc::too_many_task_done);  // Nothing was got.
    assert_int_equal(*queue.get(), 1);
    assert_code(queue.join(milliseconds(20)), Errc::timed_out);
    assert_ok(queue.task_done());
    assert_code(queue.task_done(), Errc::too_many_task_done);
    assert_code(queue.join(milliseconds(20)), Errc::timed_out);
    assert_int_equal(*queue.get(), 2);
    assert_ok(queue.task_done());
    assert_ok(queue.join());
    assert_code(queue.task_done(), Errc::too_many_task_done);
}

static void of_many_got_at_once_each_is_done(void**) {
    auto queue = make(8);
    int numbers[5] = {};
    assert_int_equal(*queue.put_many(numbers, 5), 5);
    assert_int_equal(*queue.get_many(numbers, 8), 5);
    for (int i = 0; i < 5; ++i) {
        assert_code(queue.join(Timeout::no_wait()), Errc::timed_out);
        assert_ok(queue.task_done());
    }
    assert_ok(queue.join());
}

static void a_sleeping_joiner_is_woken_by_the_last_task_done(void**) {
    auto queue = make(8);
    assert_ok(queue.put(1));
    pid_t joiners[3];
    for (pid_t& one : joiners) {
        one = start_sleeping([&] { return queue.join(kLong).ok() ? 0 : 1; });
    }
    assert_ok(queue.get());
    assert_ok(queue.task_done());
    for (const pid_t one : joiners) { assert_int_equal(test::join_child(one), 0); }
}

static void another_than_the_getter_may_say_that_it_is_done(void**) {
    auto queue = make(8);
    assert_ok(queue.put(1));
    assert_ok(queue.get());
    test::assert_child_exits(0, [&] {
        return queue.task_done().ok() && queue.task_done().code() == Errc::too_many_task_done ? 0
                                                                                              : 1;
    });
    assert_ok(queue.join());
}

static void what_a_dead_getter_held_is_abandoned_and_said_once(void**) {
    auto queue = make(8);
    for (int i = 0; i < 6; ++i) { assert_ok(queue.put(i)); }
    test::assert_child_exits(0, [&] {
        int numbers[3];
        return queue.get_many(numbers, 3).value_or(0) == 3 && queue.task_done().ok() ? 0 : 1;
    });
    assert_abandoned(queue.join(kLong), 2);
    assert_code(queue.join(milliseconds(20)), Errc::timed_out);  // The rest.
    for (int i = 3; i < 6; ++i) {
        assert_int_equal(*queue.get(), i);
        assert_ok(queue.task_done());
    }
    assert_ok(queue.join());
    assert_code(queue.task_done(), Errc::too_many_task_done);
}

static void a_death_wakes_every_joiner_and_each_is_told(void**) {
    auto queue = make(8);
    assert_ok(queue.put(1));
    test::Handshake got;
    const pid_t holder = test::start_child([&] {
        queue.get().expect("get");
        got.tell();
        for (;;) { pause(); }
        return 0;
    });
    assert_true(got.await());
    pid_t joiners[3];
    for (pid_t& one : joiners) {
        one = start_sleeping([&] {
            const Status joined = queue.join(kLong);
            return joined.code() == Errc::abandoned && joined.error().detail() == 1 &&
                           queue.join(kLong).ok()
                       ? 0
                       : 1;
        });
    }
    const std::int64_t begun = test::now_ns();
    kill(holder, SIGKILL);
    assert_int_equal(test::join_child(holder), -SIGKILL);
    for (const pid_t one : joiners) { assert_int_equal(test::join_child(one), 0); }
    assert_true(test::now_ns() - begun < test::kSoonMs * 1000000);
    assert_abandoned(queue.join(kLong), 1);  // This handle, too.
    assert_ok(queue.join(kLong));
}

// One who came after the joiner fell asleep, and dies as a holder.
static void the_death_of_a_later_getter_is_heard_by_one_who_sleeps_already(void**) {
    auto queue = make(8);
    assert_ok(queue.put(1));
    const pid_t joiner =
        start_sleeping([&] { return queue.join(kLong).code() == Errc::abandoned ? 0 : 1; });
    const std::int64_t begun = test::now_ns();
    test::assert_child_exits(0, [&] { return queue.get(kLong).ok() ? 0 : 1; });
    assert_int_equal(test::join_child(joiner), 0);
    assert_true(test::now_ns() - begun < test::kSoonMs * 1000000);
}

static void joiners_of_two_queues_hear_of_one_death(void**) {
    for (int round = 0; round < 20; ++round) {
        auto left = make(8), right = make(8);
        assert_ok(left.put(1));
        assert_ok(right.put(1));
        test::Handshake got;
        const pid_t holder = test::start_child([&] {
            left.get().expect("get");
            right.get().expect("get");
            got.tell();
            for (;;) { pause(); }
            return 0;
        });
        assert_true(got.await());
        const pid_t joiners[] = {
            start_sleeping([&] { return left.join(kLong).code() == Errc::abandoned ? 0 : 1; }),
            start_sleeping([&] { return right.join(kLong).code() == Errc::abandoned ? 0 : 1; })};
        kill(holder, SIGKILL);
        assert_int_equal(test::join_child(holder), -SIGKILL);
        for (const pid_t one : joiners) { assert_int_equal(test::join_child(one), 0); }
    }
}

static void a_stopped_holder_is_not_dead(void**) {
    auto queue = make(8);
    assert_ok(queue.put(1));
    test::Handshake got;
    const pid_t holder = test::start_child([&] {
        queue.get().expect("get");
        got.tell();
        test::sleep_ms(20);
        return queue.task_done().ok() ? 0 : 1;
    });
    assert_true(got.await());
    kill(holder, SIGSTOP);
    test::await_state(holder, 'T');
    assert_code(queue.join(milliseconds(600)), Errc::timed_out);
    kill(holder, SIGCONT);
    assert_ok(queue.join(kLong));
    assert_int_equal(test::join_child(holder), 0);
}

static void what_a_thread_held_that_ended_is_abandoned(void**) {
    auto queue = make(8);
    assert_ok(queue.put(1));
    shared_test::in_thread([&] { queue.get().expect("get"); });
    assert_abandoned(queue.join(kLong), 1);
    assert_ok(queue.join(kLong));
}

static void a_child_does_not_hold_what_its_parent_got(void**) {
    auto queue = make(8);
    assert_ok(queue.put(1));
    assert_ok(queue.get());
    test::assert_child_exits(0, [&] { return queue.get_nowait().code() == Errc::empty ? 0 : 1; });
    assert_code(queue.join(milliseconds(50)), Errc::timed_out);
    assert_ok(queue.task_done());
    assert_ok(queue.join());
}

static void what_is_dropped_need_not_be_done(void**) {
    auto queue = make(8);
    for (int i = 0; i < 3; ++i) { assert_ok(queue.put(i)); }
    assert_ok(queue.get());
    const pid_t joiner = start_sleeping([&] { return queue.join(kLong).ok() ? 0 : 1; });
    assert_ok(queue.shutdown(Shutdown::now));
    assert_code(queue.join(milliseconds(20)), Errc::timed_out);
    assert_ok(queue.task_done());
    assert_ok(queue.join(kLong));
    assert_int_equal(test::join_child(joiner), 0);

    auto unheld = make(8);
    assert_ok(unheld.put(1));
    const pid_t other = start_sleeping([&] { return unheld.join(kLong).ok() ? 0 : 1; });
    assert_ok(unheld.shutdown(Shutdown::now));
    assert_int_equal(test::join_child(other), 0);
}

static void an_idle_joiner_is_not_woken_at_all(void**) {
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run("no wake-ups while idle", "sleepers look every slice here");
    }
    auto queue = make(8);
    assert_ok(queue.put(1));
    assert_ok(queue.get());
    const pid_t joiner = start_sleeping([&] { return queue.join(kLong).ok() ? 0 : 1; });
    const long before = test::switches_at_rest(joiner);
    test::sleep_ms(700);
    assert_int_equal(test::switches_of(joiner), before);
    for (int i = 0; i < 100; ++i) {  // Nor by what does not concern it.
        assert_ok(queue.put(i));
        assert_ok(queue.get());
        assert_ok(queue.task_done());
    }
    assert_int_equal(test::switches_of(joiner), before);
    assert_ok(queue.task_done());
    assert_int_equal(test::join_child(joiner), 0);
}

static void one_thread_may_use_many_queues_in_turn(void**) {
    JoinableQueue<int> queues[10];
    for (auto& queue : queues) { queue = make(4); }
    for (int round = 0; round < 50; ++round) {
        for (auto& queue : queues) { assert_ok(queue.put(round)); }
        for (auto& queue : queues) { assert_int_equal(*queue.get_nowait(), round); }
        for (auto& queue : queues) { assert_ok(queue.task_done()); }
        for (auto& queue : queues) { assert_ok(queue.join()); }
    }
}

// The system's list of what a thread holds must not lead through memory that is gone.
static void a_handle_may_end_before_the_threads_that_used_it(void**) {
    test::assert_child_exits(0, [] {
        auto* const queue = new JoinableQueue<int>(make(8));
        auto after = make(8);
        if (!queue->put(1).ok() || !after.put(2).ok()) { return 1; }
        static std::atomic<int> step{0};
        pthread_t thread;
        JoinableQueue<int>* both[2] = {queue, &after};
        const auto use = [](void* argument) -> void* {
            auto** const queues = static_cast<JoinableQueue<int>**>(argument);
            queues[0]->get().expect("get");
            step.store(1);
            while (step.load() != 2) { usleep(100); }
            queues[1]->get().expect("get");
            return nullptr;
        };
        if (pthread_create(&thread, nullptr, use, both) != 0) { return 2; }
        while (step.load() != 1) { usleep(100); }
        delete queue;
        step.store(2);
        pthread_join(thread, nullptr);
        return after.join(kLong).code() == Errc::abandoned ? 0 : 3;
    });
}

static void more_holders_than_there_is_room_for_are_refused(void**) {
    auto queue = make(8);
    test::Handshake ready, end;
    pid_t holders[126];
    for (pid_t& one : holders) {
        one = test::start_child([&] {
            const bool took_part = queue.get(Timeout::no_wait()).code() == Errc::empty;
            ready.tell();
            (void)end.await();
            end.tell();
            return took_part ? 0 : 1;
        });
    }
    for (std::size_t i = 0; i < 126; ++i) { assert_true(ready.await()); }
    assert_code(queue.get(Timeout::no_wait()), Errc::too_many_members);
    assert_ok(queue.put(1));
    end.tell();
    for (const pid_t one : holders) { assert_int_equal(test::join_child(one), 0); }
    assert_ok(queue.get());
    assert_ok(queue.task_done());
    assert_ok(queue.join());
}

static void an_empty_handle_is_closed(void**) {
    JoinableQueue<int> none;
    assert_code(none.task_done(), Errc::closed);
    assert_code(none.join(), Errc::closed);
    auto queue = make(2);
    JoinableQueue<int> moved = std::move(queue);
    assert_code(queue.join(), Errc::closed);  // NOLINT: on purpose
    assert_ok(moved.join());
    assert_code(moved.join(milliseconds(-1)), Errc::timeout_negative);
    assert_code(JoinableQueue<int>::create(SIZE_MAX), Errc::size_too_large);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(join_waits_until_all_that_was_put_is_done),
        cmocka_unit_test(got_is_not_done),
        cmocka_unit_test(of_many_got_at_once_each_is_done),
        cmocka_unit_test(a_sleeping_joiner_is_woken_by_the_last_task_done),
        cmocka_unit_test(another_than_the_getter_may_say_that_it_is_done),
        cmocka_unit_test(what_a_dead_getter_held_is_abandoned_and_said_once),
        cmocka_unit_test(a_death_wakes_every_joiner_and_each_is_told),
        cmocka_unit_test(the_death_of_a_later_getter_is_heard_by_one_who_sleeps_already),
        cmocka_unit_test(joiners_of_two_queues_hear_of_one_death),
        cmocka_unit_test(a_stopped_holder_is_not_dead),
        cmocka_unit_test(what_a_thread_held_that_ended_is_abandoned),
        cmocka_unit_test(a_child_does_not_hold_what_its_parent_got),
        cmocka_unit_test(what_is_dropped_need_not_be_done),
        cmocka_unit_test(an_idle_joiner_is_not_woken_at_all),
        cmocka_unit_test(one_thread_may_use_many_queues_in_turn),
        cmocka_unit_test(a_handle_may_end_before_the_threads_that_used_it),
        cmocka_unit_test(more_holders_than_there_is_room_for_are_refused),
        cmocka_unit_test(an_empty_handle_is_closed),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
