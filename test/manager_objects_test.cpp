// Goal: a manager's locks, queues and values are what those of their create() are, wherever and
// whenever they were made; and dropping them harms nobody.
// Method: made in children after the fork, their handles sent through queues and dictionaries;
// holders that are killed, and stopped.
#include "process_support.hpp"

#include <brood/manager.hpp>
#include <brood/signals.hpp>
#include <brood/this_process.hpp>
#include <src/arena_place.hpp>

using brood::Array;
using brood::Barrier;
using brood::BoundedSemaphore;
using brood::Condition;
using brood::Dict;
using brood::Errc;
using brood::Event;
using brood::Handle;
using brood::JoinableQueue;
using brood::Lock;
using brood::Manager;
using brood::Process;
using brood::Queue;
using brood::RLock;
using brood::Semaphore;
using brood::Text;
using brood::Timeout;
using brood::Value;
using test::assert_code;
using test::assert_ok;

static Manager g_manager;

static int make_manager(void**) {
    g_manager = Manager::create().expect("making the manager");
    return 0;
}
static int end_manager(void**) {
    g_manager.close();
    return 0;
}

/// Runs `f` in a child, which has to end well.
template <class F>
static void in_child(F f) {
    Process child(f);
    assert_ok(child.start());
    assert_ok(child.join(test::kLong));
    assert_int_equal(*child.exit_code(), 0);
}

/// A child that does `f` and is then killed, once it has said that it is done.
template <class F>
static void in_killed_child(F f) {
    auto done = Queue<int>::create(1).expect("making a queue");
    Process child([&] {
        f();
        done.put(1).expect("telling");
        for (;;) { brood::signals::pause(); }
    });
    assert_ok(child.start());
    assert_ok(done.get(test::kLong));
    assert_ok(child.kill());
    assert_ok(child.join(test::kLong));
}

static void handles_made_in_a_child_reach_the_parent(void**) {
    auto post = Queue<Handle<Queue<Text<16>>>>::create(4).expect("making a queue");
    in_child([&] {
        const auto made = g_manager.queue<Text<16>>(4).expect("making a queue");
        made.keep().expect("keeping it");
        auto queue = made.open().expect("opening it");
        queue.put("Hello").expect("putting");
        post.put(made).expect("posting");
    });
    auto handle = post.get(test::kLong).expect("getting the handle");
    auto queue = handle.open().expect("opening it");
    assert_true(*queue.get(test::kLong) == "Hello");
    assert_ok(handle.drop());
    assert_code(handle.open(), Errc::closed);
}

static void what_its_maker_did_not_keep_goes_with_it(void**) {
    auto post = Queue<Handle<Event>>::create(4).expect("making a queue");
    in_killed_child(
        [&] { post.put(g_manager.event().expect("making an event")).expect("posting"); });
    const auto handle = post.get(test::kLong).expect("getting the handle");
    const std::uint32_t objects = g_manager.stats()->objects;
    assert_true(objects >= 1);
    for (std::uint32_t i = 0; i < objects + 1; ++i) {  // Each maker looks at some.
        assert_ok(g_manager.event().expect("making an event").drop());
    }
    assert_code(handle.open(), Errc::closed);
}

static void a_lock_heals_when_its_holder_is_killed(void**) {
    const auto handle = g_manager.lock("heals").expect("making a lock");
    in_killed_child([&] {
        Lock lock = handle.open().expect("opening");
        lock.take().expect("taking");
        static_cast<void>(new (std::nothrow) Lock(std::move(lock)));  // Its end releases nothing.
    });
    Lock lock = handle.open().expect("opening");
    assert_code(lock.take(test::kLong), Errc::owner_died);
    assert_code(handle.drop(), Errc::in_use);
    assert_ok(lock.release());
    assert_ok(handle.drop());
}

static void an_rlock_is_taken_twice(void**) {
    const auto handle = g_manager.rlock().expect("making a lock");
    RLock lock = handle.open().expect("opening");
    assert_ok(lock.take());
    assert_ok(lock.take());
    in_child([&] {
        RLock other = handle.open().expect("opening");
        if (other.take(Timeout::no_wait()).code() != Errc::timed_out) { _exit(1); }
    });
    assert_ok(lock.release());
    assert_ok(lock.release());
    assert_ok(handle.drop());
}

static void permits_of_a_killed_holder_come_back(void**) {
    const auto handle = g_manager.semaphore(2).expect("making a semaphore");
    in_killed_child([&] {
        Semaphore semaphore = handle.open().expect("opening");
        semaphore.take().expect("taking");
        semaphore.take().expect("taking");
        static_cast<void>(new (std::nothrow) Semaphore(std::move(semaphore)));
    });
    Semaphore semaphore = handle.open().expect("opening");
    assert_ok(semaphore.take(test::kLong));
    assert_ok(semaphore.take(test::kLong));
    assert_code(semaphore.try_take(), Errc::timed_out);
    assert_code(handle.drop(), Errc::in_use);
    assert_ok(semaphore.release(2));
    const auto bounded = g_manager.bounded_semaphore(1).expect("making a semaphore");
    BoundedSemaphore one = bounded.open().expect("opening");
    assert_code(one.release(), Errc::too_many_releases);
    assert_ok(handle.drop());
    assert_ok(bounded.drop());
}

static void an_event_and_a_condition_wake_others(void**) {
    const auto event = g_manager.event().expect("making an event");
    const auto condition = g_manager.condition().expect("making a condition");
    const auto value = g_manager.value<int>(0).expect("making a value");
    Process child([=] {
        event.open()->wait(test::kLong).expect("waiting for the event");
        Condition told = condition.open().expect("opening");
        Value<int> number = value.open().expect("opening");
        const auto hold = told.acquire(test::kLong);
        number.value() = 42;
        told.notify().expect("telling");
    });
    assert_ok(child.start());
    Condition told = condition.open().expect("opening");
    Value<int> number = value.open().expect("opening");
    {
        const auto hold = told.acquire(test::kLong);
        assert_ok(event.open()->set());
        assert_ok(told.wait_for([&] { return number.value() == 42; }, test::kLong));
    }
    assert_ok(child.join(test::kLong));
    assert_ok(event.drop());
    assert_ok(condition.drop());
    assert_ok(value.drop());
}

static void a_barrier_lets_all_through(void**) {
    const auto handle = g_manager.barrier(3).expect("making a barrier");
    Process children[2];
    for (Process& child : children) {
        child =
            Process([=] { handle.open().expect("opening").wait(test::kLong).expect("waiting"); });
        assert_ok(child.start());
    }
    Barrier barrier = handle.open().expect("opening");
    assert_ok(barrier.wait(test::kLong));
    for (Process& child : children) { assert_ok(child.join(test::kLong)); }
    assert_ok(handle.drop());
}

static void arrays_and_values_are_shared(void**) {
    const auto handle = g_manager.array<int>(1000, "numbers").expect("making an array");
    in_child([] {
        const auto found =
            g_manager.find<Handle<Array<int>>>("numbers").expect("finding the array");
        Array<int> array = found.open().expect("opening");
        for (int i = 0; i < 1000; ++i) { array[static_cast<std::size_t>(i)] = i; }
    });
    Array<int> array = handle.open().expect("opening");
    assert_int_equal(array[999], 999);
    assert_code(g_manager.find<Handle<Array<long long>>>("numbers"), Errc::type_mismatch);
    assert_ok(handle.drop());
}

static void an_unbounded_queue_grows_and_a_dropped_one_is_used_again(void**) {
    constexpr int kMany = 20000;
    for (int round = 0; round < 3; ++round) {
        const auto handle = g_manager.queue<int>().expect("making a queue");
        auto queue = handle.open().expect("opening");
        assert_int_equal(queue.qsize(), 0);
        in_child([=] {
            auto other = handle.open().expect("opening");
            for (int i = 0; i < kMany; ++i) { other.put(i).expect("putting"); }
        });
        for (int i = 0; i < kMany; ++i) { assert_int_equal(*queue.get(test::kLong), i); }
        queue.put(1).expect("putting");
        assert_ok(handle.drop());
    }
}

static void a_joinable_queue_knows_what_is_abandoned(void**) {
    const auto handle = g_manager.joinable_queue<int>(4).expect("making a queue");
    auto queue = handle.open().expect("opening");
    assert_ok(queue.put(1));
    assert_ok(queue.put(2));
    in_killed_child([=] {
        auto other = handle.open().expect("opening");
        other.get(test::kLong).expect("getting");
        static_cast<void>(new (std::nothrow) JoinableQueue<int>(std::move(other)));
    });
    assert_ok(queue.get(test::kLong));
    assert_ok(queue.task_done());
    assert_code(queue.join(test::kLong), Errc::abandoned);
    assert_ok(queue.join(test::kLong));
    queue = JoinableQueue<int>();
    assert_ok(handle.drop());
}

static void objects_hold_handles_of_others(void**) {
    const auto locks = g_manager.dict<Text<16>, Handle<Lock>>("locks").expect("making a dict");
    in_child([=] {
        const auto lock = g_manager.lock().expect("making a lock");
        locks.set("door", lock).expect("storing it");
    });
    for (int i = 0; i < 100; ++i) { assert_ok(g_manager.event()->drop()); }
    const auto lock = locks.get("door").expect("finding it");
    assert_ok(lock.open().expect("opening").take());
    assert_ok(lock.drop());
    assert_code(locks.set("gone", lock), Errc::closed);
    assert_ok(locks.drop());
}

// All that a manager makes, within a time: what became of each.
static void for_each_made(const Manager& manager, Timeout timeout, void (*look)(brood::Status)) {
    look(manager.dict<int, int>("", timeout).status());
    look(manager.list<int>("", timeout).status());
    look(manager.name_space("", timeout).status());
    look(manager.lock("", timeout).status());
    look(manager.rlock("", timeout).status());
    look(manager.semaphore(1, "", timeout).status());
    look(manager.bounded_semaphore(1, "", timeout).status());
    look(manager.condition(4, "", timeout).status());
    look(manager.event("", timeout).status());
    look(manager.barrier(2, Timeout::forever(), "", timeout).status());
    look(manager.value<int>(1, "", timeout).status());
    look(manager.array<int>(4, "", timeout).status());
    look(manager.queue<int>(4, "", timeout).status());
    look(manager.queue<int>(0, "", timeout).status());
    look(manager.joinable_queue<int>(4, "with a name", timeout).status());
}

static void who_makes_one_waits_as_long_as_he_says(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto first = manager.lock().expect("making a lock");
    const brood::detail::Arena& arena = *brood::detail::find_arena(first.manager);
    test::Handshake begun;
    const pid_t stopped = test::start_child([&] {
        const brood::detail::ArenaStep step(arena, brood::port::kNever);
        begun.tell();
        (void)raise(SIGSTOP);
        for (;;) { (void)pause(); }
        return 0;
    });
    assert_true(begun.await());
    test::await_state(stopped, 'T');
    (void)alarm(20);
    const auto is_late = [](brood::Status made) { assert_code(made, Errc::timed_out); };
    for_each_made(manager, brood::milliseconds(20), is_late);
    for_each_made(manager, Timeout::no_wait(), is_late);
    for_each_made(manager, brood::milliseconds(-1),
                  [](brood::Status made) { assert_code(made, Errc::timeout_negative); });
    assert_int_equal(kill(stopped, SIGKILL), 0);
    assert_int_equal(test::join_child(stopped), -SIGKILL);
    for_each_made(manager, test::kLong, [](brood::Status made) { assert_ok(made); });
    (void)alarm(0);
}

static void bad_shapes_are_refused(void**) {
    assert_code(g_manager.semaphore(0), Errc::size_zero);
    assert_code(g_manager.barrier(0), Errc::size_zero);
    assert_code(g_manager.condition(1 << 30), Errc::size_too_large);
    assert_code(g_manager.array<int>(0), Errc::size_zero);
    assert_code(g_manager.array<char>(std::size_t{1} << 30), Errc::no_space);
    assert_code(Manager().lock(), Errc::closed);
    assert_code(Handle<Lock>().open(), Errc::closed);
    assert_code(Handle<Lock>().drop(), Errc::closed);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_made_in_a_child_reach_the_parent),
        cmocka_unit_test(what_its_maker_did_not_keep_goes_with_it),
        cmocka_unit_test(a_lock_heals_when_its_holder_is_killed),
        cmocka_unit_test(an_rlock_is_taken_twice),
        cmocka_unit_test(permits_of_a_killed_holder_come_back),
        cmocka_unit_test(an_event_and_a_condition_wake_others),
        cmocka_unit_test(a_barrier_lets_all_through),
        cmocka_unit_test(arrays_and_values_are_shared),
        cmocka_unit_test(an_unbounded_queue_grows_and_a_dropped_one_is_used_again),
        cmocka_unit_test(a_joinable_queue_knows_what_is_abandoned),
        cmocka_unit_test(objects_hold_handles_of_others),
        cmocka_unit_test(who_makes_one_waits_as_long_as_he_says),
        cmocka_unit_test(bad_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, make_manager, end_manager);
}
