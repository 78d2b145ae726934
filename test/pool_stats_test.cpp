// Goal: Pool::stats() and worker_stats() tell what is, and each task is counted once, whoever is
// killed when.
// Method: tasks that wait for a word from the test; workers killed in a storm, and at each
// instruction (as pool_step_test); a worker that a tracer keeps from ending.
#include "pool_inside.hpp"
#include "pool_support.hpp"
#include "step_support.hpp"

#include <src/pool_blocks.hpp>
#include <src/pool_care.hpp>

using namespace pool_test;
using brood::PoolStats;
using brood::TaskOptions;
using brood::WorkerState;
using brood::WorkerStats;
using test::eventually;
using test::Stepped;

namespace {

PoolStats stats_of(const Pool& pool) {
    const Result<PoolStats> stats = pool.stats();
    assert_ok(stats);
    return *stats;
}
std::uint64_t ended_of(const PoolStats& stats) {
    return stats.done + stats.failed + stats.timed_out + stats.cancelled;
}
std::uint64_t all_of(const PoolStats& stats) {
    return stats.queued + stats.running + ended_of(stats);
}
WorkerStats only_worker(const Pool& pool) {
    WorkerStats worker;
    assert_int_equal(pool.worker_stats(&worker, 1), 1);
    return worker;
}
bool becomes_state(const Pool& pool, WorkerState state) {
    return eventually([&] { return only_worker(pool).state == state; });
}

// ---- Tasks -------------------------------------------------------------------------------------

void a_task_is_queued_then_running_then_done(void**) {
    Pool pool = make_pool(2, 8);
    assert_int_equal(all_of(stats_of(pool)), 0);
    Future<int> futures[5];
    for (auto& future : futures) { future = pool.apply_async(wait_for_go, 7).expect("submitting"); }
    await_begun(2);
    PoolStats stats = stats_of(pool);
    assert_int_equal(stats.queued, 3);
    assert_int_equal(stats.running, 2);
    assert_int_equal(ended_of(stats), 0);
    assert_int_equal(stats.progress_done, 0);
    assert_int_equal(stats.progress_total, 5);
    assert_int_equal(stats.workers, 2);
    assert_true(stats.shared_bytes >= 8 * 64);
    let_go();
    for (auto& future : futures) { assert_ok(future.wait(kPatience)); }
    stats = stats_of(pool);
    assert_int_equal(stats.done, 5);
    assert_int_equal(all_of(stats), 5);
    assert_int_equal(stats.progress_done, 5);
    assert_int_equal(*futures[0].get(), 7);  // Whether it was collected or not.
    for (auto& future : futures) { future = Future<int>(); }
    assert_int_equal(stats_of(pool).done, 5);
    assert_int_equal(all_of(stats_of(pool)), 5);
}

void the_slots_of_forgotten_tasks_are_counted_when_they_are_used_again(void**) {
    Pool pool = make_pool(1, 4);
    for (unsigned i = 0; i < 40; ++i) {
        assert_true(eventually([&] { return pool.apply_async(square, i).ok(); }));  // Dropped.
    }
    assert_true(eventually([&] { return stats_of(pool).done == 40; }));
    assert_int_equal(all_of(stats_of(pool)), 40);
}

void what_ends_otherwise_is_told_apart(void**) {
    Pool pool = make_pool(2, 8);
    Future<int> dies =
        pool.apply_async([](int value) { return raise(SIGKILL) + value; }, 1).expect("submitting");
    assert_code(dies.get(kPatience), Errc::worker_died);
    Future<int> late =
        pool.apply_async(TaskOptions().timeout(brood::milliseconds(20)), wait_for_go, 1)
            .expect("submitting");
    assert_code(late.get(kPatience), Errc::task_timed_out);
    Future<int> unwanted = pool.apply_async(wait_for_go, 1).expect("submitting");
    assert_true(*unwanted.cancel());
    assert_code(unwanted.get(kPatience), Errc::cancelled);
    const PoolStats stats = stats_of(pool);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(stats.timed_out, 1);
    assert_int_equal(stats.cancelled, 1);
    assert_int_equal(all_of(stats), 3);
}

void a_task_that_is_run_again_counts_once(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).retries(1));
    const auto die_once = [](int value) {
        if (g_talk->begun.fetch_add(1) == 0) { (void)raise(SIGKILL); }
        return value;
    };
    assert_int_equal(*pool.apply(die_once, 3), 3);
    assert_int_equal(stats_of(pool).done, 1);
    assert_int_equal(all_of(stats_of(pool)), 1);
    assert_int_equal(stats_of(pool).replaced, 1);
}

struct Large {
    unsigned char bytes[5000];
};

void tasks_with_blocks_are_counted_and_their_memory_is_told(void**) {
    Pool pool = make_pool(1, 4);
    const std::uint64_t before = stats_of(pool).shared_bytes;
    for (int i = 0; i < 6; ++i) {
        assert_ok(pool.apply([](const Large& large) { return large.bytes[7]; }, Large{}));
    }
    assert_int_equal(stats_of(pool).done, 6);
    assert_int_equal(test::core_of(pool).blocks->used, 0);
    const std::uint64_t after = stats_of(pool).shared_bytes;
    assert_true(after > before && after < before + (4u << 20));  // Not all of the addresses.
}

void counts_go_on_beyond_32_bits(void**) {
    Pool pool = make_pool(1, 4);
    auto& ends = brood::detail::counts_of(test::shared_of(pool)).ends;
    ends.low[static_cast<int>(brood::detail::TaskState::done)].store(UINT32_MAX - 1);
    for (unsigned i = 0; i < 4; ++i) { assert_int_equal(*pool.apply(square, i), i * i); }
    assert_true(stats_of(pool).done == std::uint64_t{UINT32_MAX} + 3);
}

// ---- Maps --------------------------------------------------------------------------------------

void a_maps_progress_is_told_with_what_it_has_not_sent_yet(void**) {
    constexpr std::size_t kCount = 400;
    static unsigned in[kCount], out[kCount];
    Pool pool = make_pool(2, 64);
    for (int round = 0; round < 2; ++round) {  // The second begins at none again.
        std::uint64_t last = 0;
        const auto look = [&](std::size_t collected, std::size_t) {
            const PoolStats stats = stats_of(pool);
            assert_int_equal(stats.progress_total, kCount / 4);
            assert_true(stats.progress_done >= last && stats.progress_done >= collected / 4);
            assert_true(stats.progress_done <= kCount / 4);
            last = stats.progress_done;
        };
        assert_ok(
            pool.map(square, in, out, kCount, brood::MapOptions().chunk_size(4).window(8), look));
        assert_int_equal(last, kCount / 4);
    }
    assert_int_equal(stats_of(pool).done, 2 * kCount / 4);
}

void maps_at_the_same_time_are_foreseen_together(void**) {
    static unsigned in[40], out[2][40];
    Pool pool = make_pool(1, 64);
    Future<int> first = pool.apply_async(wait_for_go, 1).expect("submitting");
    await_begun(1);
    const auto options = brood::MapOptions().chunk_size(1).window(4);
    auto one = pool.map_async(square, in, out[0], options).expect("mapping");
    auto two = pool.map_async(square, in, out[1], options).expect("mapping");
    PoolStats stats = stats_of(pool);
    assert_int_equal(stats.queued, 8);
    assert_int_equal(stats.progress_total, 80);
    assert_int_equal(stats.progress_done, 0);
    let_go();
    assert_ok(one.get(kPatience));
    assert_ok(two.get(kPatience));
    stats = stats_of(pool);
    assert_int_equal(stats.progress_done, 80);
    assert_int_equal(stats.progress_total, 80);
}

// ---- Workers -----------------------------------------------------------------------------------

void each_worker_says_what_it_does(void**) {
    Pool pool = make_pool(3, 8);
    Future<int> future = pool.apply_async(wait_for_go, 7).expect("submitting");
    await_begun(1);
    WorkerStats workers[4];
    assert_true(eventually([&] {
        int idle = 0;
        const std::size_t count = pool.worker_stats(workers, 4);
        for (const auto& worker : workers) { idle += worker.state == WorkerState::idle ? 1 : 0; }
        return count == 3 && idle == 2;
    }));
    const Processes processes(pool);
    for (std::uint32_t i = 0; i < 3; ++i) {
        const bool runs = workers[i].state == WorkerState::running;
        assert_int_equal(workers[i].pid, processes.worker(i));
        assert_int_equal(workers[i].index, i);
        assert_true(runs ? workers[i].task < 8 : workers[i].task == WorkerStats::kNoTask);
        assert_int_equal(workers[i].busy_ms, -1);
        assert_int_equal(workers[i].in_task_ms, -1);
        assert_int_equal(workers[i].tasks, -1);
    }
    workers[1].pid = -5;
    assert_int_equal(pool.worker_stats(workers, 1), 3);
    assert_int_equal(workers[1].pid, -5);
    let_go();
    assert_int_equal(*future.get(kPatience), 7);
}

void a_task_is_found_though_other_workers_are_missing(void**) {
    Pool pool = make_pool(3, 8);
    const Processes processes(pool);
    auto futures = {pool.apply_async(wait_for_go, 1), pool.apply_async(wait_for_go, 1),
                    pool.apply_async(wait_for_go, 1)};
    await_begun(3);
    // As if the first one had been reaped, in a supervisor that does not look.
    (void)kill(processes.supervisor(), SIGSTOP);
    test::await_state(processes.supervisor(), 'T');
    auto& pid = test::shared_of(pool).worker[0].pid;
    pid.store(0);
    WorkerStats workers[3];
    assert_int_equal(pool.worker_stats(workers, 3), 2);
    for (std::uint32_t i = 0; i < 2; ++i) {
        assert_int_equal(workers[i].index, i + 1);
        assert_int_equal(workers[i].state, WorkerState::running);
        assert_true(workers[i].task < 8);
    }
    pid.store(processes.worker(0));
    (void)kill(processes.supervisor(), SIGCONT);
    let_go();
    for (const auto& future : futures) { assert_ok(future); }
}

void a_stopped_worker_is_told_from_one_that_runs(void**) {
    Pool pool = make_pool(1, 8);
    Future<int> future = pool.apply_async(wait_for_go, 7).expect("submitting");
    await_begun(1);
    const WorkerStats worker = only_worker(pool);
    assert_int_equal(worker.state, WorkerState::running);
    (void)kill(worker.pid, SIGSTOP);
    assert_true(becomes_state(pool, WorkerState::stopped));
    assert_int_equal(stats_of(pool).stopped, 1);
    assert_int_equal(only_worker(pool).task, worker.task);
    (void)kill(worker.pid, SIGCONT);
    assert_true(becomes_state(pool, WorkerState::running));
    assert_int_equal(stats_of(pool).stopped, 0);
    let_go();
    assert_int_equal(*future.get(kPatience), 7);
}

void a_worker_whose_initializer_runs_is_starting(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).initializer([] { (void)wait_for_go(0); }));
    await_begun(1);
    assert_int_equal(only_worker(pool).state, WorkerState::starting);
    let_go();
    assert_true(becomes_state(pool, WorkerState::idle));
}

void a_killed_worker_is_replaced_and_that_is_counted(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).workers_max(3));
    assert_int_equal(stats_of(pool).replaced, 0);
    const Processes processes(pool);
    for (int i = 0; i < 2; ++i) { (void)kill(processes.worker(static_cast<size_t>(i)), SIGKILL); }
    assert_true(eventually([&] {
        const PoolStats stats = stats_of(pool);
        return stats.replaced == 2 && stats.alive == 2;
    }));
    assert_ok(pool.resize(3));  // One more replaces nobody.
    assert_true(eventually([&] { return stats_of(pool).alive == 3; }));
    assert_int_equal(stats_of(pool).workers, 3);
    assert_int_equal(stats_of(pool).replaced, 2);
}

void a_timed_worker_knows_how_long(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).capacity(8).timed());
    assert_int_equal(only_worker(pool).in_task_ms, -1);
    assert_ok(pool.apply([] { sleep_us(120000); }));
    assert_true(eventually([&] { return only_worker(pool).tasks == 1; }));
    const std::int64_t first = only_worker(pool).busy_ms;
    assert_in_range(first, 119, 119 + test::kPatienceMs);
    Future<int> future = pool.apply_async(wait_for_go, 7).expect("submitting");
    await_begun(1);
    assert_true(eventually([&] { return only_worker(pool).in_task_ms >= 30; }));
    assert_int_equal(only_worker(pool).busy_ms, first);
    let_go();
    assert_int_equal(*future.get(kPatience), 7);
    assert_true(eventually([&] { return only_worker(pool).tasks == 2; }));
    assert_true(eventually([&] { return only_worker(pool).busy_ms >= first + 29; }));
    assert_int_equal(only_worker(pool).in_task_ms, -1);
    const pid_t pid = only_worker(pool).pid;
    (void)kill(pid, SIGKILL);
    assert_true(eventually([&] {
        WorkerStats worker;
        return pool.worker_stats(&worker, 1) == 1 && worker.pid != pid && worker.tasks == 0 &&
               worker.busy_ms == 0;
    }));
}

// A tracer keeps it from being reaped, as uninterruptible sleep would keep it from ending. How that
// is: pool_stuck_test.
void a_worker_that_a_kill_does_not_end_is_stuck(void**) {
    Pool pool = make_pool(1, 8);
    assert_true(becomes_state(pool, WorkerState::idle));
    assert_int_equal(stats_of(pool).stuck, 0);
    const pid_t pid = only_worker(pool).pid;
    Future<int> future =
        pool.apply_async(TaskOptions().timeout(brood::milliseconds(50)), wait_for_go, 1)
            .expect("submitting");
    await_begun(1);
    if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) {
        return test::not_run("a worker that is stuck", "no ptrace here");
    }
    assert_true(eventually([&] { return stats_of(pool).stuck == 1; }));
    assert_code(future.get(kPatience), Errc::task_timed_out);
    assert_true(eventually([&] { return stats_of(pool).alive == 1; }));
    WorkerStats workers[2];
    assert_int_equal(pool.worker_stats(workers, 2), 2);
    assert_int_equal(workers[1].pid, pid);
    assert_int_equal(workers[1].state, WorkerState::stuck);
    test::await_end(pid);
    assert_int_equal(waitpid(pid, nullptr, __WALL), pid);
    assert_true(eventually([&] { return stats_of(pool).stuck == 0; }));
    assert_int_equal(stats_of(pool).timed_out, 1);
}

// ---- Deaths ------------------------------------------------------------------------------------

int stay_a_while(int index) {
    sleep_us(100);
    return index;
}

void in_a_storm_of_kills_no_task_is_counted_twice_or_not_at_all(void**) {
    constexpr int kTasks = 6000, kAhead = 64;
    static Future<int> ahead[kAhead];
    Pool pool = make_pool(PoolOptions().workers(3).capacity(128).timed());
    std::uint64_t done = 0, died = 0;
    Storm storm(pool);
    for (int i = 0; i < kTasks + kAhead; ++i) {
        Future<int>& place = ahead[i % kAhead];
        if (i >= kAhead) {
            const Result<int> got = place.get(kPatience);
            if (!got.ok()) { assert_code(got, Errc::worker_died); }
            ++(got.ok() ? done : died);
        }
        if (i < kTasks) { place = pool.apply_async(stay_a_while, i).expect("submitting"); }
        if (i % 64 == 0) {
            const std::uint64_t submitted = static_cast<std::uint64_t>(i < kTasks ? i + 1 : kTasks);
            assert_int_equal(all_of(stats_of(pool)), submitted);
        }
    }
    const int kills = storm.stop();
    print_message("%d kills, %d tasks died\n", kills, static_cast<int>(died));
    assert_true(died > 10);
    const PoolStats stats = stats_of(pool);
    assert_int_equal(stats.done, done);
    assert_int_equal(stats.failed, died);
    assert_int_equal(all_of(stats), kTasks);
    assert_true(stats.replaced > 0 && stats.replaced <= static_cast<std::uint64_t>(kills));
}

bool kill_a_worker_after(Pool& pool, int steps) {
    assert_int_equal(*pool.apply(square, 3u), 9);
    std::int32_t pid = 0;  // It may work before the supervisor has written its number down.
    assert_true(
        eventually([&] { return pool.worker_pids(&pid, 1) == 1 && !test::has_ended(pid); }));
    g_talk->runs[steps] = 0;
    static int undone = 0;
    const PoolStats before = stats_of(pool);
    Stepped worker(pid);
    assert_true(worker.held());
    Future<int> future = pool.apply_async(count_run, steps).expect("submitting");
    const bool is_awake = worker.step(steps);
    if (g_talk->runs[steps] == 0) { undone = steps; }
    assert_int_equal(all_of(stats_of(pool)), all_of(before) + 1);
    worker.kill_now();
    const Result<int> got = future.get(kPatience);
    const PoolStats after = stats_of(pool);
    assert_int_equal(after.done, before.done + (got.ok() ? 1 : 0));
    assert_int_equal(after.failed, before.failed + (got.ok() ? 0 : 1));
    assert_int_equal(after.queued + after.running, 0);
    return !is_awake || steps - undone > 500;
}

void a_worker_killed_at_any_instruction_leaves_its_task_counted_once(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).capacity(4).timed());
    const test::Swept swept = test::sweep(
        "a worker killed", 17, [&](int steps) { return kill_a_worker_after(pool, steps); });
    assert_true(swept.points == 0 || swept.points * swept.every > 50);
}

void after_the_end_of_the_pool_nothing_waits_or_runs(void**) {
    for (const bool is_killed : {false, true}) {
        Pool pool = make_pool(2, 8);
        assert_int_equal(*pool.apply(square, 3u), 9);
        g_talk->begun = 0;
        Future<int> futures[4];
        for (auto& future : futures) {
            future = pool.apply_async(wait_for_go, 1).expect("submitting");
        }
        await_begun(2);
        const Processes processes(pool);
        if (is_killed) {
            (void)kill(processes.supervisor(), SIGKILL);
            assert_code(futures[0].get(kPatience), Errc::pool_broken);
        } else {
            assert_ok(pool.terminate());
        }
        const PoolStats stats = stats_of(pool);
        assert_int_equal(stats.queued + stats.running + stats.alive, 0);
        assert_int_equal(stats.done, 1);
        assert_int_equal(stats.failed, 4);
        assert_int_equal(pool.worker_stats(nullptr, 0), 0);
        let_go();  // posix: workers go after their task.
        assert_true(processes.are_gone());
        g_talk->go = 0;
    }
}

void what_is_no_pool_of_this_process_says_so(void**) {
    Pool pool = make_pool(1, 8);
    shared_test::assert_child_exits(0, [&] {
        WorkerStats worker;
        CHECK_IN_CHILD(pool.stats().code() == Errc::wrong_process);
        CHECK_IN_CHILD(pool.worker_stats(&worker, 1) == 0);
    });
    const Pool moved = std::move(pool);
    assert_code(pool.stats(), Errc::closed);
    assert_int_equal(pool.worker_stats(nullptr, 0), 0);
    assert_int_equal(stats_of(moved).alive, 1);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(a_task_is_queued_then_running_then_done),
        POOL_TEST(the_slots_of_forgotten_tasks_are_counted_when_they_are_used_again),
        POOL_TEST(what_ends_otherwise_is_told_apart),
        POOL_TEST(a_task_that_is_run_again_counts_once),
        POOL_TEST(tasks_with_blocks_are_counted_and_their_memory_is_told),
        POOL_TEST(counts_go_on_beyond_32_bits),
        POOL_TEST(a_maps_progress_is_told_with_what_it_has_not_sent_yet),
        POOL_TEST(maps_at_the_same_time_are_foreseen_together),
        POOL_TEST(each_worker_says_what_it_does),
        POOL_TEST(a_task_is_found_though_other_workers_are_missing),
        POOL_TEST(a_stopped_worker_is_told_from_one_that_runs),
        POOL_TEST(a_worker_whose_initializer_runs_is_starting),
        POOL_TEST(a_killed_worker_is_replaced_and_that_is_counted),
        POOL_TEST(a_timed_worker_knows_how_long),
        POOL_TEST(a_worker_that_a_kill_does_not_end_is_stuck),
        POOL_TEST(in_a_storm_of_kills_no_task_is_counted_twice_or_not_at_all),
        POOL_TEST(a_worker_killed_at_any_instruction_leaves_its_task_counted_once),
        POOL_TEST(after_the_end_of_the_pool_nothing_waits_or_runs),
        POOL_TEST(what_is_no_pool_of_this_process_says_so),
    };
    return cmocka_run_group_tests_name("Pool: stats", tests, nullptr, nullptr);
}
