// Goal: a worker that is killed at any instruction of a task that may be run again costs nothing:
// the task gets its arguments as they were, and its result is whole.
// Method: as pool_step_test.
#include "pool_support.hpp"
#include "step_support.hpp"

using namespace pool_test;
using test::Stepped;
using test::sweep;

namespace {

const bool kIsPosix = strcmp(brood::port::kName, "posix") == 0;

struct Numbers {
    unsigned at[8];
};

/// The result takes the place of the arguments, and says how they were.
Numbers reversed(int index, const Numbers& numbers) {
    g_talk->runs[index].fetch_add(1);
    Numbers result = {};
    for (int i = 0; i < 8; ++i) { result.at[i] = ~numbers.at[7 - i]; }
    return result;
}

bool kill_a_worker_after(Pool& pool, int steps) {
    assert_true(test::eventually([&] { return pool.worker_pids(nullptr, 0) == 1; }));
    assert_int_equal(*pool.apply(square, 3u), 9);
    g_talk->runs[steps] = 0;
    static int undone = 0;
    Stepped worker(Processes(pool).worker(0));
    assert_true(worker.held());
    Numbers numbers;
    for (unsigned i = 0; i < 8; ++i) { numbers.at[i] = static_cast<unsigned>(steps) * 16 + i; }
    Future<Numbers> future = pool.apply_async(reversed, steps, numbers).expect("submitting");
    const bool is_awake = worker.step(steps);
    if (g_talk->runs[steps] == 0) { undone = steps; }
    const bool reached_end = !is_awake || steps - undone > (kIsPosix ? 200 : 500);
    worker.kill_now();
    const Result<Numbers> got = future.get(kPatience);
    assert_ok(got);
    for (unsigned i = 0; i < 8; ++i) { assert_int_equal(got->at[7 - i], ~numbers.at[i]); }
    assert_in_range(g_talk->runs[steps], 1, 2);
    return reached_end;
}

void a_worker_killed_at_any_instruction_costs_no_task_that_is_run_again(void**) {
    Result<Pool> pool = Pool::create(PoolOptions().workers(1).capacity(4).retries(1));
    assert_ok(pool);
    const test::Swept swept =
        sweep("a worker killed", 2, [&](int steps) { return kill_a_worker_after(*pool, steps); });
    assert_true(swept.points == 0 || swept.points * swept.every > 50);
}

}  // namespace

int main() {
    const test::OneCpu here;
    const CMUnitTest tests[] = {
        POOL_TEST(a_worker_killed_at_any_instruction_costs_no_task_that_is_run_again),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
