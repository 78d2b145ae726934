// Goal: of the tasks that wait the one that was asked for is next, whoever is killed; and none
// waits for ever.
// Method: one worker, held in a task while others are submitted, tells which it takes.
#include "pool_inside.hpp"
#include "pool_support.hpp"
#include "step_support.hpp"

using namespace pool_test;
using brood::Order;
using brood::TaskOptions;
using test::shared_of;
using test::Stepped;

namespace {

constexpr int kGate = -1;
const bool kIsPosix = strcmp(brood::port::kName, "posix") == 0;

Pool make(PoolOptions options, Order order) {
    Result<Pool> pool = Pool::create(options.order(order));
    assert_ok(pool);
    return std::move(*pool);
}
Pool make_of_one(Order order, std::uint32_t capacity = 64) {
    return make(PoolOptions().workers(1).capacity(capacity), order);
}
TaskOptions of(int priority) {
    return TaskOptions().priority(priority);
}
TaskOptions taking(Timeout time) {
    return TaskOptions().expected(time);
}

/// Writes down that it was begun, and stays until as many may end.
int in_turn(int id) {
    const int at = g_talk->begun.fetch_add(1);
    g_talk->runs[at] = id;
    while (g_talk->go <= at) { sleep_us(50); }
    return id;
}
int begun_as(int place) {
    return g_talk->runs[place];
}

/// Tasks that are submitted while the worker is held.
class Held {
public:
    explicit Held(Pool& pool) : pool_(pool) {
        gate_ = pool_.apply_async(in_turn, kGate).expect("submitting");
        await_begun(1);
    }
    template <class... Options>
    void submit(int id, Options... options) {
        futures_[count_++] = pool_.apply_async(options..., in_turn, id).expect("submitting");
    }
    /// Whether they are begun in this order.
    void assert_order(std::initializer_list<int> ids) {
        g_talk->go = 1000;
        for (int i = 0; i < count_; ++i) { assert_ok(futures_[i].get(kPatience)); }
        int place = 1;
        for (const int id : ids) { assert_int_equal(begun_as(place++), id); }
        assert_int_equal(g_talk->begun, place);
    }

private:
    Pool& pool_;
    Future<int> gate_, futures_[32];
    int count_ = 0;
};

// ---- Which is next -----------------------------------------------------------------------------

void the_highest_priority_is_next_and_of_equals_the_first(void**) {
    Pool pool = make_of_one(Order::priority);
    Held held(pool);
    held.submit(0, of(0));
    held.submit(1, of(5));
    held.submit(2, of(-3));
    held.submit(3, of(5));
    held.submit(4);
    held.submit(5, of(TaskOptions::kPriorityMax));
    held.submit(6, of(-TaskOptions::kPriorityMax));
    held.submit(7, of(1));
    held.submit(8, TaskOptions().retries(1));
    held.assert_order({5, 1, 3, 7, 0, 4, 8, 2, 6});
}

// The bursts 6, 8, 7 and 3 wait 0, 6, 14 and 21 as they come; shortest first, 3, 16, 9 and 0.
void shortest_first_waits_least(void**) {
    const int bursts[4] = {6, 8, 7, 3};
    for (const Order order : {Order::fifo, Order::shortest_first}) {
        g_talk->begun = g_talk->go = 0;
        Pool pool = make_of_one(order);
        Held held(pool);
        for (const int burst : bursts) {
            if (order == Order::fifo) {
                held.submit(burst);
            } else {
                held.submit(burst, taking(brood::milliseconds(burst)));
            }
        }
        if (order == Order::fifo) {
            held.assert_order({6, 8, 7, 3});
        } else {
            held.assert_order({3, 6, 7, 8});
        }
        int clock = 0, waited = 0;
        for (int place = 1; place <= 4; ++place) {
            waited += clock;
            clock += begun_as(place);
        }
        assert_int_equal(waited, order == Order::fifo ? 41 : 28);  // 10.25 and 7 on average
    }
}

void tasks_of_which_nothing_is_expected_take_no_time(void**) {
    Pool pool = make_of_one(Order::shortest_first);
    Held held(pool);
    held.submit(0, taking(brood::microseconds(2)));
    held.submit(1);
    held.submit(2, taking(Timeout::forever()));
    held.submit(3, taking(brood::microseconds(1)));
    held.submit(4, taking(brood::nanoseconds(999)));
    held.submit(5, taking(brood::seconds(3600)));
    held.submit(6, taking(brood::seconds(100000)));
    held.assert_order({1, 4, 3, 0, 5, 2, 6});
}

void the_count_of_tasks_may_wrap(void**) {
    for (const std::uint32_t end : {1u << 28, 0u, 1u << 31}) {
        g_talk->begun = g_talk->go = 0;
        Pool pool = make_of_one(Order::priority);
        shared_of(pool).hint = end - 4;
        shared_of(pool).submitted = end - 4;
        Held held(pool);
        for (int i = 0; i < 6; ++i) { held.submit(i, of(i % 3)); }
        held.assert_order({2, 5, 1, 4, 0, 3});
        assert_int_equal(shared_of(pool).submitted, end + 3);
    }
}

// As one would that a worker sets who was stopped while the count went round.
void a_hint_that_cannot_be_changes_nothing(void**) {
    Pool pool = make_of_one(Order::priority, 8);
    const std::uint32_t lies[] = {0, 1, 7, 8, 9, 100, UINT32_MAX / 2, UINT32_MAX - 7};
    for (const std::uint32_t beyond : lies) {
        g_talk->begun = g_talk->go = 0;
        Held held(pool);
        for (int i = 0; i < 6; ++i) { held.submit(i, of(i % 2)); }
        shared_of(pool).hint = shared_of(pool).submitted + beyond;
        held.assert_order({1, 3, 5, 0, 2, 4});
    }
}

// ---- Nothing waits for ever --------------------------------------------------------------------

/// How many others are begun before a task that they would pass, although there are always some.
template <class Submit>
int passing(const Submit& submit) {
    constexpr int kPassed = 7, kMost = 3000;
    g_talk->begun = g_talk->go = 0;
    Pool pool = make_of_one(submit.order, 4);
    Future<int> gate = pool.apply_async(in_turn, kGate).expect("submitting");
    await_begun(1);
    Future<int> passed = submit(pool, kPassed, true), others[2];
    for (auto& other : others) { other = submit(pool, 0, false); }
    int place = 0;  // of the one that is running
    while (begun_as(place) != kPassed && place < kMost) {
        g_talk->go = ++place;
        await_begun(place + 1);
        if (begun_as(place) == kPassed) { break; }
        // It was one of the others, and there are two again.
        for (auto& other : others) {
            if (place == 1) { break; }
            if (!other.ready()) { continue; }
            assert_int_equal(*other.get(kPatience), 0);
            other = submit(pool, 0, false);
        }
        if (place == 1) {
            assert_int_equal(*gate.get(kPatience), kGate);
            gate = submit(pool, 0, false);
        } else if (gate.ready()) {
            assert_int_equal(*gate.get(kPatience), 0);
            gate = submit(pool, 0, false);
        }
    }
    g_talk->go = INT32_MAX;
    assert_int_equal(*passed.get(kPatience), kPassed);
    return place - 1;
}

struct ByPriority {
    int distance;
    static constexpr Order order = Order::priority;
    Future<int> operator()(Pool& pool, int id, bool is_last) const {
        return pool.apply_async(of(is_last ? 3 - distance : 3), in_turn, id).expect("submitting");
    }
};
struct ByLength {
    static constexpr Order order = Order::shortest_first;
    Future<int> operator()(Pool& pool, int id, bool is_last) const {
        const Timeout time = is_last ? brood::seconds(1000) : brood::microseconds(10);
        return pool.apply_async(taking(time), in_turn, id).expect("submitting");
    }
};

void a_level_of_priority_is_worth_a_table_of_tasks(void**) {
    for (const int distance : {1, 2, 20, 103}) {
        assert_int_equal(passing(ByPriority{distance}), 4 * distance - 1);
    }
}

void a_long_task_is_passed_by_eight_tables_of_tasks_at_most(void**) {
    const int others = passing(ByLength());
    assert_in_range(others, 8 * 4 - 4, 8 * 4);
}

// ---- Kills -------------------------------------------------------------------------------------

/// At first it dies when it may.
int die_in_turn(int id) {
    const int at = g_talk->begun.fetch_add(1);
    g_talk->runs[at] = id;
    while (g_talk->go <= at) { sleep_us(50); }
    if (g_talk->ended.fetch_add(1) == 0) { (void)raise(SIGKILL); }
    return id;
}

void a_task_that_is_run_again_keeps_its_place(void**) {
    Pool pool = make(PoolOptions().workers(1).retries(1), Order::priority);
    Future<int> victim = pool.apply_async(die_in_turn, 1).expect("submitting");
    await_begun(1);
    Future<int> lower = pool.apply_async(of(-1), in_turn, 2).expect("submitting");
    Future<int> equal = pool.apply_async(in_turn, 3).expect("submitting");
    Future<int> higher = pool.apply_async(of(1), in_turn, 4).expect("submitting");
    g_talk->go = 1000;
    for (Future<int>* future : {&victim, &lower, &equal, &higher}) {
        assert_ok(future->get(kPatience));
    }
    const int wanted[] = {1, 4, 1, 3, 2};
    for (int place = 0; place < 5; ++place) { assert_int_equal(begun_as(place), wanted[place]); }
}

/// At first it dies when it is told.
int die_when_told(int id) {
    g_talk->runs[g_talk->begun.fetch_add(1)] = id;
    while (g_talk->ended == 0) { sleep_us(50); }
    if (g_talk->ended.fetch_add(1) == 1) { (void)raise(SIGKILL); }
    return id;
}

void a_task_that_is_run_again_is_found_behind_what_others_have_begun(void**) {
    Pool pool = make(PoolOptions().workers(2).retries(1), Order::priority);
    Future<int> victim = pool.apply_async(of(5), die_when_told, 1).expect("submitting");
    await_begun(1);
    Future<int> others[4];
    for (int i = 0; i < 4; ++i) {
        others[i] = pool.apply_async(in_turn, 2 + i).expect("submitting");
        if (i == 0) { await_begun(2); }
    }
    g_talk->go = 2;
    await_begun(3);
    g_talk->ended = 1;
    assert_true(test::eventually([] { return g_talk->begun >= 4; }));
    assert_int_equal(begun_as(3), 1);
    g_talk->go = 1000;
    assert_int_equal(*victim.get(kPatience), 1);
    for (int i = 0; i < 4; ++i) { assert_int_equal(*others[i].get(kPatience), 2 + i); }
}

int count_run_a_while(int index) {
    g_talk->runs[index].fetch_add(1);
    for (const int64_t end = test::now_ns() + 10000; test::now_ns() < end;) {}
    return index;
}

TaskOptions some(Order order, Chance& chance) {
    return order == Order::priority ? of(static_cast<int>(chance.below(201)) - 100)
                                    : taking(brood::microseconds(chance.below(100)));
}

void many_workers_run_every_task_once(void**) {
    constexpr int kTasks = 20000, kAhead = 60;
    static int in[2000], out[2000];
    static Future<int> ahead[kAhead];
    for (const Order order : {Order::priority, Order::shortest_first}) {
        memset(static_cast<void*>(g_talk), 0, sizeof *g_talk);
        Pool pool = make(PoolOptions().workers(4).capacity(64), order);
        Chance chance(9);
        for (int i = 0; i < kTasks + kAhead; ++i) {
            Future<int>& place = ahead[i % kAhead];
            if (i >= kAhead) { assert_int_equal(*place.get(kPatience), i - kAhead); }
            if (i >= kTasks) { continue; }
            place = i % 5 == 0 ? pool.apply_async(count_run, i).expect("submitting")
                               : pool.apply_async(some(order, chance), count_run, i).expect("it");
        }
        for (int i = 0; i < kTasks; ++i) { assert_int_equal(g_talk->runs[i], 1); }
        for (int i = 0; i < 2000; ++i) { in[i] = kTasks + i, out[i] = -1; }
        assert_ok(pool.map(count_run, in, out));
        for (int i = 0; i < 2000; ++i) { assert_int_equal(g_talk->runs[kTasks + i], 1); }
    }
}

// Every task is done once or its worker died in it, and then it ran at most once; with retries it
// has its result.
void in_a_storm_of_kills_every_task_is_accounted_for(void**) {
    constexpr int kTasks = 20000, kAhead = 60;
    static Future<int> ahead[kAhead];
    for (const Order order : {Order::priority, Order::shortest_first}) {
        for (const std::uint32_t retries : {0u, 255u}) {
            memset(static_cast<void*>(g_talk), 0, sizeof *g_talk);
            Pool pool = make(PoolOptions().workers(3).capacity(64).retries(retries), order);
            Storm storm(pool);
            Chance chance(4);
            int died = 0;
            for (int i = 0; i < kTasks + kAhead; ++i) {
                Future<int>& place = ahead[i % kAhead];
                if (i >= kAhead) {
                    const int index = i - kAhead;
                    const Result<int> got = place.get(kPatience);
                    const int runs = g_talk->runs[index];
                    assert_true(got.ok() ? *got == index && runs >= 1 : retries == 0);
                    assert_true(retries != 0 || runs <= 1);
                    died += got.ok() ? 0 : 1;
                }
                if (i >= kTasks) { continue; }
                place = pool.apply_async(some(order, chance), count_run_a_while, i).expect("it");
            }
            print_message("%d kills, %d of %d tasks died\n", storm.stop(), died, kTasks);
        }
    }
}

bool kill_a_worker_after(Pool& pool, int steps) {
    assert_int_equal(*pool.apply(square, 3u), 9);
    std::int32_t pid = 0;  // It may work before the supervisor has written its number down.
    assert_true(
        test::eventually([&] { return pool.worker_pids(&pid, 1) == 1 && !test::has_ended(pid); }));
    g_talk->runs[steps] = g_talk->runs[steps + 5000] = 0;
    static int undone = 0;
    Stepped worker(pid);
    assert_true(worker.held());
    Future<int> later = pool.apply_async(of(1), count_run, steps + 5000).expect("submitting");
    Future<int> first = pool.apply_async(of(2), count_run, steps).expect("submitting");
    const bool is_awake = worker.step(steps);
    if (g_talk->runs[steps] == 0) {
        undone = steps;
        assert_int_equal(g_talk->runs[steps + 5000], 0);
    }
    const bool reached_end = !is_awake || steps - undone > (kIsPosix ? 200 : 500);
    worker.kill_now();
    assert_int_equal(*first.get(kPatience), steps);
    assert_int_equal(*later.get(kPatience), steps + 5000);
    assert_in_range(g_talk->runs[steps], 1, 2);
    assert_in_range(g_talk->runs[steps + 5000], 1, 2);
    return reached_end;
}

void a_worker_killed_at_any_instruction_costs_no_task_that_is_run_again(void**) {
    const test::OneCpu here;
    Pool pool = make(PoolOptions().workers(1).capacity(4).retries(1), Order::priority);
    const test::Swept swept = test::sweep(
        "a worker killed", 3, [&](int steps) { return kill_a_worker_after(pool, steps); });
    assert_true(swept.points == 0 || swept.points * swept.every > 50);
}

// ---- What cannot be ----------------------------------------------------------------------------

void what_cannot_be_is_refused(void**) {
    assert_code(Pool::create(PoolOptions().order(static_cast<Order>(3))), Errc::bad_argument);
    Pool fifo = make_of_one(Order::fifo), high = make_of_one(Order::priority),
         brief = make_of_one(Order::shortest_first);
    const auto result = [](Pool& pool, TaskOptions options) {
        return pool.apply(options, count_run, 1).code();
    };
    assert_int_equal(result(fifo, of(0)), Errc::bad_argument);
    assert_int_equal(result(fifo, taking(brood::seconds(1))), Errc::bad_argument);
    assert_int_equal(result(high, taking(brood::seconds(1))), Errc::bad_argument);
    assert_int_equal(result(brief, of(1)), Errc::bad_argument);
    for (const int level : {101, -101, INT32_MAX}) {
        assert_int_equal(result(high, of(level)), Errc::bad_argument);
    }
    assert_int_equal(result(brief, taking(brood::seconds(-1))), Errc::timeout_negative);
    assert_int_equal(result(brief, taking(brood::seconds(INT64_MAX))), Errc::timeout_overflow);
    assert_int_equal(g_talk->runs[1], 0);
    assert_int_equal(result(high, of(-100)), Errc::ok);
    assert_int_equal(result(brief, taking(Timeout::forever())), Errc::ok);
}

void a_task_that_waits_can_be_cancelled(void**) {
    Pool pool = make_of_one(Order::priority);
    Future<int> gate = pool.apply_async(in_turn, kGate).expect("submitting");
    await_begun(1);
    Future<int> unwanted = pool.apply_async(of(9), in_turn, 1).expect("submitting");
    Future<int> wanted = pool.apply_async(of(8), in_turn, 2).expect("submitting");
    assert_true(*unwanted.cancel());
    g_talk->go = 1000;
    assert_code(unwanted.get(kPatience), Errc::cancelled);
    assert_int_equal(*wanted.get(kPatience), 2);
    assert_int_equal(begun_as(1), 2);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(the_highest_priority_is_next_and_of_equals_the_first),
        POOL_TEST(shortest_first_waits_least),
        POOL_TEST(tasks_of_which_nothing_is_expected_take_no_time),
        POOL_TEST(the_count_of_tasks_may_wrap),
        POOL_TEST(a_hint_that_cannot_be_changes_nothing),
        POOL_TEST(a_level_of_priority_is_worth_a_table_of_tasks),
        POOL_TEST(a_long_task_is_passed_by_eight_tables_of_tasks_at_most),
        POOL_TEST(a_task_that_is_run_again_keeps_its_place),
        POOL_TEST(a_task_that_is_run_again_is_found_behind_what_others_have_begun),
        POOL_TEST(many_workers_run_every_task_once),
        POOL_TEST(in_a_storm_of_kills_every_task_is_accounted_for),
        POOL_TEST(a_worker_killed_at_any_instruction_costs_no_task_that_is_run_again),
        POOL_TEST(what_cannot_be_is_refused),
        POOL_TEST(a_task_that_waits_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
