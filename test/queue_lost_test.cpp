// Goal: of the messages that were got, those and only those that went with a killed getter are
// lost(), each once, whoever is killed when.
// Method: getters killed at every instruction of a get, counting killed at every instruction, and a
// storm of kills in which each message is accounted for.
#include "shared_support.hpp"
#include "step_support.hpp"

#include <brood/joinable_queue.hpp>
#include <brood/process.hpp>

using brood::Errc;
using brood::milliseconds;
using brood::Queue;
using brood::Result;
using brood::Timeout;
using test::assert_code;
using test::assert_ok;
using test::Board;

static const Timeout kLong = milliseconds(test::kPatienceMs);

static Queue<int> make(std::size_t maxsize = 8) {
    Result<Queue<int>> made = Queue<int>::create(maxsize);
    assert_ok(made);
    return std::move(*made);
}

// ---- What counts -------------------------------------------------------------------------------

static void the_message_in_a_killed_getters_hands_is_lost(void**) {
    auto queue = make();
    for (int i = 0; i < 5; ++i) { assert_ok(queue.put(i)); }
    assert_int_equal(queue.lost(), 0);
    test::assert_child_exits(-SIGKILL, [&] {
        queue.get().expect("get");
        queue.get().expect("get");  // The first was handled then.
        return raise(SIGKILL);
    });
    assert_int_equal(queue.lost(), 1);
    test::assert_child_exits(-SIGKILL, [&] {
        int numbers[2];
        queue.get_many(numbers, 2).expect("get");
        return raise(SIGKILL);
    });
    assert_int_equal(queue.lost(), 3);
    assert_int_equal(queue.lost(), 3);  // Once.
    assert_int_equal(*queue.get(), 4);
}

static void what_was_handled_is_not_lost(void**) {
    auto queue = make(), other = make();
    for (int i = 0; i < 8; ++i) { assert_ok(queue.put(i)); }
    test::assert_child_exits(-SIGKILL, [&] {  // An operation on another queue.
        queue.get().expect("get");
        other.put(1).expect("put");
        return raise(SIGKILL);
    });
    test::assert_child_exits(-SIGKILL, [&] {
        queue.get().expect("get");
        queue.close();
        return raise(SIGKILL);
    });
    test::assert_child_exits(-SIGKILL, [&] {
        queue.get().expect("get");
        (void)other.get_nowait().ok();
        (void)other.get_nowait().ok();  // It finds nothing.
        return raise(SIGKILL);
    });
    for (int way = 0; way < 3; ++way) {
        brood::Process process([&, way] {
            queue.get().expect("get");
            if (way == 1) { brood::this_process::exit(1); }
            if (way == 2) { (void)raise(SIGKILL); }
        });
        assert_ok(process.start());
        assert_ok(process.join(kLong));
        assert_int_equal(queue.lost(), way == 2 ? 1 : 0);
    }
    assert_int_equal(other.lost(), 0);
}

static void task_done_says_that_it_is_not_lost(void**) {
    auto queue = brood::JoinableQueue<int>::create(8).expect("making it");
    assert_ok(queue.put(1));
    test::assert_child_exits(-SIGKILL, [&] {
        queue.get().expect("get");
        queue.task_done().expect("task_done");
        return raise(SIGKILL);
    });
    assert_int_equal(queue.lost(), 0);
    assert_ok(queue.join(kLong));
}

static void one_who_comes_after_the_dead_does_not_cover_it_up(void**) {
    auto queue = make();
    for (int i = 0; i < 200; ++i) {
        assert_ok(queue.put(i));
        // Each takes the entry that the last left, or leaves it alone.
        test::assert_child_exits(-SIGKILL, [&] {
            queue.get().expect("get");
            return raise(SIGKILL);
        });
    }
    assert_int_equal(queue.lost(), 200);
}

static void users_of_other_queues_leave_what_is_not_counted_alone(void**) {
    test::assert_child_exits(0, [] {
        auto queue = make(), other = make();
        for (int i = 0; i < 4; ++i) {
            queue.put(i).expect("put");
            const pid_t dead = fork();
            if (dead == 0) {
                queue.get().expect("get");
                raise(SIGKILL);
            }
            (void)waitpid(dead, nullptr, 0);
            for (int k = 0; k < 5; ++k) {
                const pid_t user = fork();
                if (user == 0) {
                    other.put(1).expect("put");
                    other.get().expect("get");
                    other.close();
                    _exit(0);
                }
                (void)waitpid(user, nullptr, 0);
            }
        }
        return queue.lost() == 4 && other.lost() == 0 ? 0 : 1;
    });
}

// When nothing but entries of the dead is left, one is taken all the same.
static void a_table_full_of_the_dead_of_another_queue_has_room(void**) {
    test::assert_child_exits(0, [] {
        auto queue = make(4), other = make();
        for (int i = 0; i < 520; ++i) {
            queue.put(i).expect("put");
            const pid_t dead = fork();
            if (dead == 0) {
                // One who takes part through another queue does not count for this one.
                (void)other.get_nowait().ok();
                queue.get().expect("get");
                raise(SIGKILL);
            }
            (void)waitpid(dead, nullptr, 0);
        }
        const std::size_t lost = queue.lost();
        return lost >= 500 && lost < 520 && other.put(1).ok() && other.get().ok() ? 0 : 1;
    });
}

// ---- Kills at every instruction ----------------------------------------------------------------

// The victim owns the get side before, or another does, and then the victim must get it.
static void a_getter_killed_at_every_instruction(void**) {
    for (const bool own_side : {true, false}) {
        int lost_at = 0;
        const char* const what = own_side ? "get, own side" : "get, another's side";
        const test::Swept swept = test::sweep(what, own_side ? 1 : 2, [&](int steps) {
            auto queue = make();
            for (int i = 0; i < 5; ++i) { assert_ok(queue.put(i)); }
            const bool is_over = !test::is_killed_after(
                steps, [&] { return own_side ? queue.get().ok() : queue.put(5).ok(); },
                [&] { (void)queue.get().ok(); });
            if (!own_side) { assert_true(queue.qsize() <= 6); }
            // The others go on first, so that the index passes whatever the dead announced.
            int count = 0;
            while (queue.get(Timeout::no_wait()).ok()) { ++count; }
            const int had = own_side ? 5 : 6, before = own_side ? 1 : 0;
            const int lost = static_cast<int>(queue.lost());
            lost_at += lost == 1 && count == had - before - 1 ? 1 : 0;
            const int missing = had - count - lost;
            // What the first get got is lost, or handled as soon as the second began.
            const bool is_right = own_side ? (missing == 0 || missing == 1) && lost <= 1
                                           : missing == 0;
            if (!is_right) {
                fail_msg("%s, instruction %d: %d got, %d lost of %d", what, steps, count, lost,
                         had);
            }
            return is_over;
        });
        if (swept.points == 0) { return; }
        print_message("%s: at %d points the message is lost\n", what, lost_at);
        assert_true(lost_at > 0);
    }
}

static void one_who_counts_killed_at_every_instruction(void**) {
    (void)test::sweep("lost()", 11, [&](int steps) {
        auto queue = make();
        for (int i = 0; i < 6; ++i) { assert_ok(queue.put(i)); }
        for (int i = 1; i <= 3; ++i) {
            test::assert_child_exits(-SIGKILL, [&] {
                int numbers[3];
                queue.get_many(numbers, static_cast<std::size_t>(i)).expect("get");
                return raise(SIGKILL);
            });
        }
        const bool is_over = !test::is_killed_after(
            steps, [] { return true; }, [&] { (void)queue.lost(); });
        assert_int_equal(queue.lost(), 6);
        return is_over;
    });
}

// ---- Kills at random ---------------------------------------------------------------------------

struct Books {
    std::atomic<std::uint32_t> handled, killed;
};

static void in_a_storm_each_message_is_handled_or_lost(void**) {
    constexpr int kGetters = 3, kRounds = 400;
    auto queue = make(16);
    const Board<Books> books;
    // A message counts as handled in the same moment in which the getter would lose it no more: so
    // it may be both for the last of each victim, never neither.
    const auto start = [&] {
        return test::start_child([&] {
            test::end_some_day();
            while (queue.get(kLong).ok()) { books->handled.fetch_add(1); }
            return 0;
        });
    };
    pid_t getters[kGetters];
    for (pid_t& one : getters) { one = start(); }
    std::uint32_t put = 0, killed = 0;
    const std::int64_t end = test::in_ms(kRounds * 4);
    while (killed < kRounds && test::now_ns() < end) {
        for (int i = 0; i < 20 + static_cast<int>(random() % 50); ++i) {
            assert_ok(queue.put(1, kLong));
            ++put;
        }
        pid_t& one = getters[random() % kGetters];
        kill(one, SIGKILL);
        assert_int_equal(test::join_child(one), -SIGKILL);
        one = start();
        ++killed;
    }
    assert_true(test::eventually([&] { return queue.empty(); }));
    test::sleep_ms(50);  // Until the last are handled: who sleeps in get() again has lost nothing.
    for (const pid_t one : getters) {
        test::await_state(one, 'S');
        kill(one, SIGKILL);
        assert_int_equal(test::join_child(one), -SIGKILL);
    }
    const auto lost = static_cast<std::uint32_t>(queue.lost());
    const std::uint32_t handled = books->handled.load();
    print_message("%u put, %u handled, %u lost, %u getters killed\n", put, handled, lost, killed);
    assert_true(handled + lost >= put);           // None vanished uncounted,
    assert_true(handled + lost <= put + killed);  // and at most one of each victim is both.
    assert_true(lost <= killed);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(the_message_in_a_killed_getters_hands_is_lost),
        cmocka_unit_test(what_was_handled_is_not_lost),
        cmocka_unit_test(task_done_says_that_it_is_not_lost),
        cmocka_unit_test(one_who_comes_after_the_dead_does_not_cover_it_up),
        cmocka_unit_test(users_of_other_queues_leave_what_is_not_counted_alone),
        cmocka_unit_test(a_getter_killed_at_every_instruction),
        cmocka_unit_test(one_who_counts_killed_at_every_instruction),
        cmocka_unit_test(in_a_storm_each_message_is_handled_or_lost),
        // Last: it fills the table that all of these share.
        cmocka_unit_test(a_table_full_of_the_dead_of_another_queue_has_room),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
