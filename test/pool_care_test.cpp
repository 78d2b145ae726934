// Goal: what may be asked of a pool for its tasks: workers that end after so many of them, retries.
#include "pool_support.hpp"

using namespace pool_test;

namespace {

// ---- Workers that end after so many tasks ------------------------------------------------------

void workers_end_after_so_many_tasks_and_no_task_is_lost(void**) {
    constexpr int kTasks = 400, kEach = 7, kAhead = 50;
    Pool pool = make_pool(PoolOptions().workers(3).max_tasks_per_child(kEach));
    static pid_t done_by[kTasks];
    static Future<pid_t> ahead[kAhead];
    for (int i = 0; i < kTasks + kAhead; ++i) {
        Future<pid_t>& place = ahead[i % kAhead];
        if (i >= kAhead) {
            const Result<pid_t> pid = place.get(kPatience);
            assert_ok(pid);
            done_by[i - kAhead] = *pid;
            assert_int_equal(g_talk->runs[i - kAhead], 1);
        }
        if (i >= kTasks) { continue; }
        place = pool.apply_async(
                        [](int index) {
                            (void)count_run(index);
                            return getpid();
                        },
                        i)
                    .expect("submitting");
    }
    for (const pid_t pid : done_by) {
        int tasks = 0;
        for (const pid_t other : done_by) { tasks += other == pid ? 1 : 0; }
        assert_true(tasks <= kEach);
    }
    assert_true(test::eventually([&] { return pool.worker_pids(nullptr, 0) == 3; }));
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
}

void a_worker_for_each_task_works_through_what_is_left_at_close(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).max_tasks_per_child(1));
    for (int i = 0; i < 40; ++i) { (void)pool.apply_async(count_run, i).expect("submitting"); }
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
    for (int i = 0; i < 40; ++i) { assert_int_equal(g_talk->runs[i], 1); }
}

void what_cannot_be_is_refused(void**) {
    assert_code(Pool::create(PoolOptions().max_tasks_per_child(0)), Errc::bad_argument);
    assert_code(Pool::create(PoolOptions().retries(256)), Errc::bad_argument);
}

// ---- Retries -----------------------------------------------------------------------------------

/// As many times as it is told, it dies.
int die_at_first(int index, int times) {
    if (g_talk->runs[index].fetch_add(1) < times) { (void)raise(SIGKILL); }
    return index + times;
}

void a_task_whose_worker_died_is_run_again(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).retries(2));
    assert_int_equal(*pool.apply(die_at_first, 1, 1), 2);
    assert_int_equal(*pool.apply(die_at_first, 2, 2), 4);
    const Result<int> third = pool.apply(die_at_first, 3, 3);
    assert_code(third, Errc::worker_died);
    assert_int_equal(third.error().detail(), -SIGKILL);
    for (int i = 1; i <= 3; ++i) { assert_int_equal(g_talk->runs[i], i + 1 > 3 ? 3 : i + 1); }
    assert_int_equal(*pool.apply(die_at_first, 4, 0), 4);
    assert_int_equal(g_talk->runs[4], 1);
}

void without_retries_a_task_runs_once(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).max_tasks_per_child(1000));
    assert_code(pool.apply(die_at_first, 1, 1), Errc::worker_died);
    assert_int_equal(g_talk->runs[1], 1);
}

void a_task_that_is_run_again_does_not_wait_for_the_others(void**) {
    constexpr int kMost = 50000, kAhead = 48;
    Pool pool = make_pool(PoolOptions().workers(3).retries(1).capacity(64));
    const auto die_together = [](int value) {
        if (g_talk->begun.fetch_add(1) < 2) {
            while (g_talk->begun < 2) { sleep_us(50); }
            (void)raise(SIGKILL);
        }
        return value;
    };
    Future<int> again[2];
    for (Future<int>& future : again) {
        future = pool.apply_async(die_together, 1).expect("submitting");
    }
    Future<void> ahead[kAhead];
    int i = 0;  // There is always a next one in order.
    for (; i < kMost && !(again[0].ready() && again[1].ready()); ++i) {
        Future<void>& place = ahead[i % kAhead];
        if (i >= kAhead) { assert_ok(place.get(kPatience)); }
        place = pool.apply_async([] { sleep_us(200); }).expect("submitting");
    }
    assert_true(i < kMost);
    for (Future<int>& future : again) { assert_int_equal(*future.get(kPatience), 1); }
}

struct Numbers {
    unsigned at[60];
};

/// The result takes the place of the arguments, and says how they were.
Numbers reversed(const Numbers& numbers) {
    Numbers result = {};
    for (int i = 0; i < 60; ++i) { result.at[i] = ~numbers.at[59 - i]; }
    return result;
}

void in_a_storm_of_kills_every_task_with_retries_has_its_result(void**) {
    constexpr unsigned kTasks = 20000, kAhead = 64;
    static Future<Numbers> ahead[kAhead];
    Pool pool =
        make_pool(PoolOptions().workers(3).retries(255).payload_bytes(sizeof(Numbers) + 16));
    Storm storm(pool);
    for (unsigned i = 0; i < kTasks + kAhead; ++i) {
        Future<Numbers>& place = ahead[i % kAhead];
        if (i >= kAhead) {
            const Result<Numbers> got = place.get(kPatience);
            assert_ok(got);
            for (unsigned j = 0; j < 60; ++j) {
                assert_int_equal(got->at[59 - j], ~((i - kAhead) * 60 + j));
            }
        }
        if (i >= kTasks) { continue; }
        Numbers numbers;
        for (unsigned j = 0; j < 60; ++j) { numbers.at[j] = i * 60 + j; }
        place = pool.apply_async(reversed, numbers).expect("submitting");
    }
    static int in[kTasks], out[kTasks];
    for (unsigned i = 0; i < kTasks; ++i) { in[i] = static_cast<int>(i), out[i] = -1; }
    assert_ok(pool.map([](int n) { return n + 1; }, in, out, kTasks));
    print_message("%d kills\n", storm.stop());
    for (unsigned i = 0; i < kTasks; ++i) { assert_int_equal(out[i], in[i] + 1); }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(workers_end_after_so_many_tasks_and_no_task_is_lost),
        POOL_TEST(a_worker_for_each_task_works_through_what_is_left_at_close),
        POOL_TEST(what_cannot_be_is_refused),
        POOL_TEST(a_task_whose_worker_died_is_run_again),
        POOL_TEST(without_retries_a_task_runs_once),
        POOL_TEST(a_task_that_is_run_again_does_not_wait_for_the_others),
        POOL_TEST(in_a_storm_of_kills_every_task_with_retries_has_its_result),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
