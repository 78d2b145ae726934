// Goal: whoever is killed in whichever operation of a JoinableQueue, or as a known producer:
// every message is done, abandoned or still there, exactly, and nobody waits for ever.
// Method: the victim is stepped by ptrace, one instruction more in each round; then the others do
// real work against a deadline. And a storm of kills, in which the counts must come out.
#include "shared_support.hpp"
#include "step_support.hpp"

#include <brood/joinable_queue.hpp>
#include <port/port.hpp>

using brood::Errc;
using brood::JoinableQueue;
using brood::milliseconds;
using brood::Queue;
using brood::Status;
using brood::Timeout;
using test::assert_code;
using test::assert_ok;
using test::Board;
using test::start_sleeping;

static const Timeout kLong = milliseconds(test::kPatienceMs);

static JoinableQueue<int> make(int messages) {
    auto queue = JoinableQueue<int>::create(8).expect("making it");
    for (int i = 0; i < messages; ++i) { assert_ok(queue.put(i)); }
    return queue;
}

// Gets and does what is left: how much that was.
static int do_the_rest(JoinableQueue<int>& queue) {
    int count = 0;
    while (queue.get(Timeout::no_wait()).ok()) {
        assert_ok(queue.task_done());
        ++count;
    }
    return count;
}

// Joins until nothing is unfinished: how many were abandoned. All adds up then.
static int join_all(JoinableQueue<int>& queue) {
    std::int64_t abandoned = 0;
    for (;;) {
        const Status joined = queue.join(kLong);
        if (joined.ok()) { break; }
        assert_code(joined, Errc::abandoned);
        abandoned += joined.error().detail();
    }
    assert_code(queue.task_done(), Errc::too_many_task_done);
    return static_cast<int>(abandoned);
}

static void a_getter_killed_at_every_instruction_of_get_and_task_done(void**) {
    for (const bool is_first : {false, true}) {
        int untaken = 0, abandoned = 0, done = 0;
        // The first becomes a member before, which takes long: fewer of its instructions.
        const char* const what = is_first ? "first get and task_done" : "get and task_done";
        const test::Swept swept = test::sweep(what, is_first ? 37 : 5, [&](int steps) {
            auto queue = make(5);
            const bool is_over = !test::is_killed_after(
                steps, [&] { return is_first || (queue.get().ok() && queue.task_done().ok()); },
                [&] {
                    if (queue.get().ok()) { (void)queue.task_done().ok(); }
                });
            const int taken = (is_first ? 5 : 4) - do_the_rest(queue);
            const int lost = join_all(queue);
            // In this order only: not taken, held, done. (How long joining takes varies.)
            const bool is_right =
                taken == 0 ? lost == 0 && (is_first || abandoned + done == 0)
                           : taken == 1 && (lost == 0 || (lost == 1 && (is_first || done == 0)));
            if (!is_right) {
                fail_msg("%s, instruction %d: %d taken, %d abandoned", what, steps, taken, lost);
            }
            untaken += taken == 0 ? 1 : 0;
            abandoned += lost;
            done += taken == 1 && lost == 0 ? 1 : 0;
            return is_over;
        });
        if (swept.points == 0) { return; }
        print_message("%s: %d not taken, %d abandoned, %d done\n", what, untaken, abandoned, done);
        assert_true(untaken > 5 && abandoned > 0 && done > 0);
    }
}

static void task_done_killed_at_every_instruction_strands_no_joiner(void**) {
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run("task_done beside joiners", "each round would take a slice here");
    }
    int done = 0;
    const test::Swept swept = test::sweep("task_done beside joiners", 11, [&](int steps) {
        auto queue = make(1);
        // 0: it was done, 1: it was abandoned.
        const auto join = [&] {
            const Status joined = queue.join(kLong);
            return joined.ok() ? 0 : joined.code() == Errc::abandoned ? 1 : 2;
        };
        pid_t joiners[2] = {};
        const bool is_over = !test::is_killed_after(
            steps, [&] { return queue.get().ok(); },
            [&] {
                (void)queue.task_done().ok();
                (void)raise(SIGKILL);  // Whatever it owes.
            },
            [&] {
                for (pid_t& one : joiners) { one = start_sleeping(join); }
            });
        const int first = test::join_child(joiners[0]), second = test::join_child(joiners[1]);
        if (first != second || first > 1) {
            fail_msg("instruction %d: %d and %d", steps, first, second);
        }
        assert_int_equal(join_all(queue), first);
        done += first == 0 ? 1 : 0;
        return is_over;
    });
    if (swept.points > 0) { print_message("task_done: %d times done\n", done); }
}

static void a_joiner_killed_at_every_instruction_writes_off_once(void**) {
    (void)test::sweep("join beside a death", 11, [&](int steps) {
        auto queue = make(3);
        test::assert_child_exits(0, [&] {
            int numbers[2];
            return queue.get_many(numbers, 2).ok() ? 0 : 1;
        });
        const bool is_over = !test::is_killed_after(
            steps, [] { return true; }, [&] { (void)queue.join(Timeout::no_wait()).ok(); });
        assert_int_equal(do_the_rest(queue), 1);
        assert_int_equal(join_all(queue), 2);
        return is_over;
    });
}

static void one_who_is_done_for_another_is_killed_at_every_instruction(void**) {
    int done = 0, abandoned = 0;
    const test::Swept swept = test::sweep("task_done for another", 17, [&](int steps) {
        auto queue = make(1);
        assert_ok(queue.get());
        const bool is_over = !test::is_killed_after(
            steps, [] { return true; }, [&] { (void)queue.task_done().ok(); });
        const Status joined = queue.join(Timeout::no_wait());
        if (joined.code() == Errc::timed_out) {  // He did nothing: we still hold it.
            assert_int_equal(done + abandoned, 0);
            assert_ok(queue.task_done());
        } else if (joined.ok()) {
            ++done;
        } else {
            assert_code(joined, Errc::abandoned);
            assert_int_equal(joined.error().detail(), 1);
            assert_int_equal(done, 0);
            ++abandoned;
        }
        assert_int_equal(join_all(queue), 0);
        return is_over;
    });
    if (swept.points > 0) { print_message("for another: %d done, %d cut\n", done, abandoned); }
}

// ---- Producers that are known ------------------------------------------------------------------

// With a getter asleep: it is told if the victim was known; if not, of the next who comes.
template <class Prepare, class Act>
static void sweep_producer(const char* what, Prepare prepare, Act act, int codes) {
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run(what, "each round would take a slice here");
    }
    const bool may_be_unknown = (codes & 4) != 0;
    int told[3] = {};
    const test::Swept swept = test::sweep(what, may_be_unknown ? 17 : 5, [&](int steps) {
        auto queue = Queue<int>::create(4).expect("making it");
        assert_ok(queue.producers(1));
        const pid_t getter = start_sleeping([&] {
            for (;;) {
                const Errc code = queue.get(kLong).code();
                if (code != Errc::ok) {
                    return code == Errc::peer_died ? 1 : code == Errc::closed ? 0 : 2;
                }
            }
        });
        const bool is_over = !test::is_killed_after(
            steps, [&] { return prepare(queue); },
            [&] {
                act(queue);
                (void)raise(SIGKILL);
            });
        const bool was_known =
            test::eventually([=] { return test::state_of(getter) == 'Z'; },
                             !may_be_unknown || told[1] > 0 ? test::kPatienceMs : 20);
        if (!was_known) {
            assert_ok(queue.enroll());
            queue.close();
        }
        const int found = test::join_child(getter);
        if (found > 1) { fail_msg("%s, instruction %d: %d", what, steps, found); }
        ++told[was_known ? found : 2];
        return is_over;
    });
    if (swept.points == 0) { return; }
    print_message("%s: %d not known, %d died, %d closed\n", what, told[2], told[1], told[0]);
    assert_true((told[2] > 0) == may_be_unknown && told[1] > 0 && (codes & 1) == (told[0] > 0));
}

static void one_who_enrolls_is_killed_at_every_instruction(void**) {
    sweep_producer(
        "enroll", [](Queue<int>&) { return true; },
        [](Queue<int>& queue) { (void)queue.enroll().ok(); }, 4);
}

static void one_who_closes_is_killed_at_every_instruction(void**) {
    sweep_producer(
        "close", [](Queue<int>& queue) { return queue.enroll().ok(); },
        [](Queue<int>& queue) { queue.close(); }, 1);
}

// ---- Kills at random ---------------------------------------------------------------------------

struct Books {
    std::atomic<std::uint32_t> begun, returned;
};

static void in_a_storm_each_message_is_done_or_abandoned(void**) {
    constexpr int kGetters = 4;
    auto queue = JoinableQueue<int>::create(16).expect("making it");
    const Board<Books> books;
    const auto start = [&] {
        return test::start_child([&] {
            test::end_some_day();
            int numbers[3];
            for (;;) {
                const auto count = queue.get_many(numbers, 3, kLong);
                if (!count.ok()) { return 1; }
                for (std::size_t i = 0; i < *count; ++i) {
                    books->begun.fetch_add(1);
                    if (!queue.task_done().ok()) { return 2; }
                    books->returned.fetch_add(1);
                }
            }
        });
    };
    pid_t getters[kGetters];
    for (pid_t& one : getters) { one = start(); }
    std::uint32_t put = 0, killed = 0, abandoned = 0;
    for (int round = 0; round < 400; ++round) {
        for (int i = 0; i < 20 + static_cast<int>(random() % 40); ++i) {
            assert_ok(queue.put(1, kLong));
            ++put;
        }
        pid_t& one = getters[random() % kGetters];
        if (round % 4 == 3) {
            kill(one, SIGSTOP);
            usleep(static_cast<useconds_t>(random() % 2000));
            kill(one, SIGCONT);
        } else {
            kill(one, SIGKILL);
            assert_int_equal(test::join_child(one), -SIGKILL);
            one = start();
            ++killed;
        }
        if (round % 8 == 0) { abandoned += static_cast<std::uint32_t>(join_all(queue)); }
    }
    abandoned += static_cast<std::uint32_t>(join_all(queue));
    const std::uint32_t begun = books->begun.load(), returned = books->returned.load();
    for (const pid_t one : getters) {
        kill(one, SIGKILL);
        assert_int_equal(test::join_child(one), -SIGKILL);
    }
    assert_ok(queue.join(kLong));  // They held nothing.
    print_message("%u put, %u done, %u abandoned, %u killed, %u cut short\n", put, put - abandoned,
                  abandoned, killed, begun - returned);
    assert_true(returned <= put - abandoned && put - abandoned <= begun);
    assert_true(begun - returned <= killed);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_getter_killed_at_every_instruction_of_get_and_task_done),
        cmocka_unit_test(task_done_killed_at_every_instruction_strands_no_joiner),
        cmocka_unit_test(a_joiner_killed_at_every_instruction_writes_off_once),
        cmocka_unit_test(one_who_is_done_for_another_is_killed_at_every_instruction),
        cmocka_unit_test(one_who_enrolls_is_killed_at_every_instruction),
        cmocka_unit_test(one_who_closes_is_killed_at_every_instruction),
        cmocka_unit_test(in_a_storm_each_message_is_done_or_abandoned),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
