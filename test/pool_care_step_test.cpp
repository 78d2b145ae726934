// Goal: a worker that is killed at any instruction of a task that may be run again costs nothing:
// the task gets its arguments as they were, and its result is whole. And when a task is ended from
// outside, the next one of its worker is not hit, whenever it begins.
// Method: as pool_step_test.
#include "pool_inside.hpp"
#include "pool_support.hpp"
#include "step_support.hpp"

#include <src/pool_care.hpp>

using namespace pool_test;
using brood::TaskOptions;
using test::shared_of;
using test::Stepped;
using test::sweep;

namespace {

const bool kIsPosix = strcmp(brood::port::kName, "posix") == 0;

/// It may work before the supervisor has written its number down.
pid_t only_worker(const Pool& pool) {
    std::int32_t pid = 0;
    assert_true(
        test::eventually([&] { return pool.worker_pids(&pid, 1) == 1 && !test::has_ended(pid); }));
    return pid;
}

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
    assert_int_equal(*pool.apply(square, 3u), 9);
    g_talk->runs[steps] = 0;
    static int undone = 0;
    Stepped worker(only_worker(pool));
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
        sweep("a worker killed", 4, [&](int steps) { return kill_a_worker_after(*pool, steps); });
    assert_true(swept.points == 0 || swept.points * swept.every > 50);
}

int count_run_and_stay_a_while(int index) {
    (void)count_run(index);
    sleep_us(3000);
    return index;
}

/// The task that shall be ended ends by itself after so many steps of the supervisor, which is
/// about to end its worker; and the worker goes on to the next task, if it does.
bool end_a_task_after(Pool& pool, int steps, bool by_time) {
    memset(static_cast<void*>(g_talk), 0, offsetof(Talk, runs));
    g_talk->runs[steps] = 0;
    const auto options =
        TaskOptions().timeout(by_time ? brood::milliseconds(6) : Timeout::forever());
    Future<int> ended = pool.apply_async(options, wait_for_go, 1).expect("submitting");
    // Under load its time may be over before it has begun to do anything.
    assert_true(test::eventually([&] { return g_talk->begun == 1 || ended.ready(); }));
    Future<int> next = pool.apply_async(count_run_and_stay_a_while, steps).expect("submitting");
    const pid_t worker = Processes(pool).worker(0);
    bool reached_end = false;
    {
        Stepped supervisor(pool.supervisor_pid());
        assert_true(supervisor.held());
        if (by_time) {
            sleep_us(8000);
        } else {
            (void)ended.cancel().value_or(false);
        }
        reached_end = !supervisor.step(steps);
        let_go();
        (void)test::eventually([&] { return g_talk->runs[steps] != 0 || test::has_ended(worker); },
                               100);
        supervisor.let_go_on();
    }
    const Result<int> got = ended.get(kPatience);
    if (!got.ok()) { assert_code(got, by_time ? Errc::task_timed_out : Errc::cancelled); }
    assert_code(next.get(kPatience), Errc::ok);
    assert_int_equal(g_talk->runs[steps], 1);
    return reached_end;
}

void a_task_that_follows_one_that_is_ended_is_not_hit(void**) {
    for (const bool by_time : {false, true}) {
        Result<Pool> pool = Pool::create(PoolOptions().workers(1).capacity(2));
        assert_ok(pool);
        const char* const what = by_time ? "a time-out" : "a cancel";
        const test::Swept swept = sweep(what, kIsPosix ? 151 : 31, [&](int steps) {
            return end_a_task_after(*pool, steps, by_time);
        });
        assert_true(swept.points == 0 || swept.points * swept.every > 50);
    }
}

/// The task ends by itself, and its worker is held so many instructions behind that. Then the
/// supervisor dooms it, and is held so many instructions behind that, in turn. False if the task
/// had ended before.
bool cross(Pool& pool, int worker_steps, int supervisor_steps) {
    memset(static_cast<void*>(g_talk), 0, offsetof(Talk, runs) + sizeof g_talk->runs[0]);
    Future<int> ended = pool.apply_async(wait_for_go, 1).expect("submitting");
    await_begun(1);
    Future<int> next = pool.apply_async(count_run_and_stay_a_while, 0).expect("submitting");
    const pid_t pid = only_worker(pool);
    bool was_cancelled = false;
    {
        Stepped worker(pid);
        assert_true(worker.held());
        let_go();
        while (g_talk->ended == 0) { (void)worker.step(1); }
        (void)worker.step(worker_steps);
        Stepped supervisor(pool.supervisor_pid());
        assert_true(supervisor.held());
        was_cancelled = ended.cancel().value_or(false);
        const auto& care = brood::detail::PoolCare::of(shared_of(pool)).worker[0];
        while (was_cancelled && care.doom == brood::detail::TaskState::free) {
            assert_true(supervisor.step(1));
        }
        if (was_cancelled) { (void)supervisor.step(supervisor_steps); }
        worker.let_go_on();
        (void)test::eventually([&] { return g_talk->runs[0] != 0 || test::has_ended(pid); }, 100);
        supervisor.let_go_on();
    }
    const Result<int> got = ended.get(kPatience);
    if (!got.ok()) { assert_code(got, Errc::cancelled); }
    assert_code(next.get(kPatience), Errc::ok);
    assert_int_equal(g_talk->runs[0], 1);
    return was_cancelled;
}

void a_doom_that_crosses_the_end_of_its_task_hits_no_other(void**) {
    if (test::cannot_step("a doom that crosses the end of its task")) { return; }
    Result<Pool> pool = Pool::create(PoolOptions().workers(1).capacity(2));
    assert_ok(pool);
    int points = 0;
    for (const int later : {0, 4, 8, 12, 16, 24, 32}) {
        for (int behind = 0; cross(*pool, behind, later); behind += 2) { ++points; }
    }
    print_message("%d points\n", points);
}

/// Cancelled when the supervisor has gone so many steps towards running it again. True if it would
/// be run again by then.
bool cancel_after_death(Pool& pool, int steps) {
    g_talk->begun = 0;
    Future<int> future = pool.apply_async(wait_for_go, 1).expect("submitting");
    await_begun(1);
    bool is_put_back = false;
    const pid_t worker = only_worker(pool);  // kill(0) would kill this test, too.
    {
        Stepped supervisor(pool.supervisor_pid());
        assert_true(supervisor.held());
        assert_int_equal(kill(worker, SIGKILL), 0);
        assert_true(supervisor.step(steps));
        const auto& state = shared_of(pool).slot(0).state;
        is_put_back = brood::detail::state_of(state) == brood::detail::TaskState::ready;
        assert_true(future.cancel().value_or(false));
        supervisor.let_go_on();
    }
    assert_code(future.get(kPatience), Errc::cancelled);
    assert_int_equal(g_talk->begun, 1);
    return is_put_back;
}

void a_task_cancelled_while_it_is_put_back_never_ends_otherwise(void**) {
    Result<Pool> pool = Pool::create(PoolOptions().workers(1).capacity(1).retries(255));
    assert_ok(pool);
    const test::Swept swept = sweep("a cancel after a death", 6, [&](int steps) {
        assert_int_equal(*pool->apply(square, 3u), 9);
        return cancel_after_death(*pool, steps);
    });
    assert_true(swept.points == 0 || swept.points * swept.every > 50);
}

// While it is at the first of them.
void a_cancel_at_any_instruction_of_the_supervisor_is_heard(void**) {
    constexpr int kHasLooked = 1000;  // Later it replaces workers.
    Result<Pool> pool = Pool::create(PoolOptions().workers(2).capacity(4));
    assert_ok(pool);
    const test::Swept swept = sweep("a second cancel", kIsPosix ? 51 : 5, [&](int steps) {
        g_talk->begun = 0;
        Future<int> futures[2];
        for (Future<int>& future : futures) {
            future = pool->apply_async(wait_for_go, 1).expect("submitting");
        }
        await_begun(2);
        Stepped supervisor(pool->supervisor_pid());
        assert_true(supervisor.held());
        assert_true(*futures[0].cancel());
        const bool reached_end = !supervisor.step(steps) || steps > kHasLooked;
        assert_true(*futures[1].cancel());
        supervisor.let_go_on();
        for (Future<int>& future : futures) { assert_code(future.get(kPatience), Errc::cancelled); }
        return reached_end;
    });
    assert_true(swept.points == 0 || swept.points * swept.every > 50);
}

}  // namespace

int main() {
    const test::OneCpu here;
    const CMUnitTest tests[] = {
        POOL_TEST(a_worker_killed_at_any_instruction_costs_no_task_that_is_run_again),
        POOL_TEST(a_task_that_follows_one_that_is_ended_is_not_hit),
        POOL_TEST(a_doom_that_crosses_the_end_of_its_task_hits_no_other),
        POOL_TEST(a_task_cancelled_while_it_is_put_back_never_ends_otherwise),
        POOL_TEST(a_cancel_at_any_instruction_of_the_supervisor_is_heard),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
