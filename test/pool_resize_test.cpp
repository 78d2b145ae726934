// Goal: a pool has other numbers of workers while it runs, and no task pays for that, whoever is
// killed, stopped or asleep then.
#include "pool_inside.hpp"
#include "pool_support.hpp"
#include "step_support.hpp"

using namespace pool_test;
using test::shared_of;
using test::Stepped;

namespace {

Pool make_resizable(std::uint32_t workers, std::uint32_t most) {
    return make_pool(PoolOptions().workers(workers).workers_max(most));
}
const bool kIsPosix = strcmp(brood::port::kName, "posix") == 0;

bool has_workers(const Pool& pool, size_t count) {
    return test::eventually([&] { return pool.worker_pids(nullptr, 0) == count; });
}

// ---- More and fewer ----------------------------------------------------------------------------

void a_pool_grows(void**) {
    Pool pool = make_resizable(1, 4);
    assert_ok(pool.resize(4));
    assert_int_equal(pool.workers(), 4);
    Future<int> futures[4];
    for (auto& future : futures) { future = pool.apply_async(wait_for_go, 5).expect("submitting"); }
    await_begun(4);  // At the same time. One may begin before the supervisor says that it is there.
    assert_true(has_workers(pool, 4));
    let_go();
    for (auto& future : futures) { assert_int_equal(*future.get(kPatience), 5); }
}

void a_pool_shrinks_and_no_task_is_cut_short(void**) {
    Pool pool = make_resizable(4, 4);
    Future<int> futures[4];
    for (auto& future : futures) { future = pool.apply_async(wait_for_go, 5).expect("submitting"); }
    await_begun(4);
    assert_ok(pool.resize(1));
    assert_int_equal(pool.workers(), 1);
    Future<int> next = pool.apply_async(count_run, 6).expect("submitting");
    let_go();
    for (auto& future : futures) { assert_int_equal(*future.get(kPatience), 5); }
    assert_int_equal(*next.get(kPatience), 6);
    assert_true(has_workers(pool, 1));
    const pid_t left = Processes(pool).worker(0);
    for (int i = 0; i < 20; ++i) {
        assert_int_equal(*pool.apply([] { return getpid(); }), left);
    }
}

void workers_that_sleep_leave(void**) {
    Pool pool = make_resizable(3, 3);
    const Processes processes(pool);
    for (size_t i = 0; i < 3; ++i) { test::await_state(processes.worker(i), 'S'); }
    sleep_us(20000);
    assert_ok(pool.resize(1));
    assert_true(has_workers(pool, 1));
    assert_false(test::has_ended(processes.worker(0)));
    assert_int_equal(*pool.apply(square, 3u), 9);
}

void without_a_maximum_it_is_the_number_at_first(void**) {
    Pool pool = make_pool(2);
    assert_ok(pool.resize(1));
    assert_true(has_workers(pool, 1));
    assert_ok(pool.resize(2));
    assert_true(has_workers(pool, 2));
    const Status refused = pool.resize(3);
    assert_code(refused, Errc::bad_argument);
    assert_int_equal(refused.error().detail(), 2);
}

void maps_go_on_while_workers_come_and_go(void**) {
    constexpr int kCount = 30000;
    static int in[kCount], out[kCount];
    for (int i = 0; i < kCount; ++i) { in[i] = i, out[i] = -1; }
    Pool pool = make_resizable(2, 4);
    int calls = 0;
    const auto resize = [&](size_t, size_t) {
        if (++calls % 8 == 0) { assert_ok(pool.resize(1 + static_cast<unsigned>(calls / 8) % 4)); }
    };
    assert_ok(pool.map(count_run, in, out, kCount, brood::MapOptions().chunk_size(4), resize));
    for (int i = 0; i < kCount; ++i) {
        assert_int_equal(out[i], i);
        assert_int_equal(g_talk->runs[i], 1);
    }
}

// ---- Initializers ------------------------------------------------------------------------------

void the_initializer_runs_in_each_worker_that_is_added(void**) {
    Pool pool = make_pool(
        PoolOptions().workers(1).workers_max(3).initializer([] { g_talk->begun.fetch_add(1); }));
    await_begun(1);
    assert_ok(pool.resize(3));
    await_begun(3);
}

void an_initializer_that_fails_in_an_added_worker_ends_the_pool(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).workers_max(3).initializer(
        [] { return g_talk->begun.fetch_add(1) < 1; }));
    assert_int_equal(*pool.apply(square, 3u), 9);
    assert_ok(pool.resize(2));
    assert_true(test::eventually(
        [&] { return pool.apply(square, 3u).code() == Errc::initializer_failed; }));
    assert_code(pool.resize(3), Errc::initializer_failed);
}

// ---- What is refused ---------------------------------------------------------------------------

void numbers_that_cannot_be_are_refused(void**) {
    const std::uint32_t too_many = PoolOptions::kWorkersMax + 1, minus_one = UINT32_MAX;
    for (const std::uint32_t count : {0u, too_many, 100000u, minus_one}) {
        assert_code(Pool::create(PoolOptions().workers(count)), Errc::bad_argument);
        assert_code(Pool::create(PoolOptions().workers(1).workers_max(count)), Errc::bad_argument);
    }
    assert_code(Pool::create(PoolOptions().workers(3).workers_max(2)), Errc::bad_argument);
    Pool pool = make_resizable(2, 3);
    for (const std::uint32_t count : {0u, 4u, too_many, minus_one}) {
        const Status refused = pool.resize(count);
        assert_code(refused, Errc::bad_argument);
        assert_int_equal(refused.error().detail(), 3);
    }
    assert_int_equal(pool.workers(), 2);
    assert_ok(pool.resize(3));
}

void a_pool_that_has_ended_is_not_resized(void**) {
    Pool closed = make_resizable(1, 2);
    assert_ok(closed.close());
    assert_code(closed.resize(2), Errc::pool_closed);
    assert_ok(closed.join(kPatience));
    assert_code(closed.resize(2), Errc::pool_closed);
    Pool moved = std::move(closed);
    assert_code(closed.resize(2), Errc::closed);

    Pool broken = make_resizable(1, 2);
    const pid_t supervisor = broken.supervisor_pid();
    assert_int_equal(kill(supervisor, SIGKILL), 0);
    assert_true(test::eventually([&] { return broken.resize(2).code() == Errc::pool_broken; }));

    Pool others = make_resizable(1, 2);
    shared_test::assert_child_exits(
        0, [&] { CHECK_IN_CHILD(others.resize(2).code() == Errc::wrong_process); });
}

// ---- Kills -------------------------------------------------------------------------------------

void a_worker_killed_before_it_leaves_is_not_replaced(void**) {
    Pool pool = make_resizable(2, 2);
    Future<int> futures[2];
    for (auto& future : futures) { future = pool.apply_async(wait_for_go, 5).expect("submitting"); }
    await_begun(2);
    const Processes processes(pool);
    assert_ok(pool.resize(1));
    assert_int_equal(kill(processes.worker(1), SIGKILL), 0);
    assert_true(has_workers(pool, 1));
    let_go();
    int died = 0;
    for (auto& future : futures) { died += future.get(kPatience).code() == Errc::worker_died; }
    assert_int_equal(died, 1);
    assert_int_equal(*pool.apply(square, 3u), 9);
    assert_int_equal(Processes(pool).count, 2);
    assert_int_equal(Processes(pool).worker(0), processes.worker(0));
}

void in_a_storm_of_kills_and_resizes_every_task_has_its_result(void**) {
    constexpr int kTasks = 10000, kAhead = 64;
    static Future<int> ahead[kAhead];
    Pool pool = make_pool(PoolOptions().workers(2).workers_max(4).retries(255));
    Storm storm(pool);
    Chance chance(5);
    for (int i = 0; i < kTasks + kAhead; ++i) {
        Future<int>& place = ahead[i % kAhead];
        if (i >= kAhead) { assert_int_equal(*place.get(kPatience), i - kAhead); }
        if (i < kTasks) { place = pool.apply_async(count_run, i).expect("submitting"); }
        if (i % 50 == 0) { assert_ok(pool.resize(1 + static_cast<unsigned>(chance.below(4)))); }
    }
    print_message("%d kills\n", storm.stop());
    for (int i = 0; i < kTasks; ++i) { assert_true(g_talk->runs[i] >= 1); }
    assert_ok(pool.resize(3));
    assert_true(has_workers(pool, 3));
}

void a_supervisor_killed_while_workers_come_and_go_breaks_the_pool(void**) {
    Chance chance(3);
    for (int round = 0; round < 50; ++round) {
        Pool pool = make_resizable(1, 6);
        LifeSign unused;
        const Processes processes(pool);
        const long moment = chance.below(3000);
        in_threads(2, [&](int thread) {
            if (thread == 0) {
                sleep_us(moment);
                (void)kill(processes.supervisor(), SIGKILL);
                return;
            }
            for (std::uint32_t i = 0; pool.resize(1 + i % 6).ok(); ++i) { sleep_us(300); }
        });
        assert_code(pool.resize(2), Errc::pool_broken);
        assert_ok(pool.close());
        assert_code(pool.join(kPatience), Errc::pool_broken);
        assert_true(processes.are_gone());
    }
}

// ---- Wake-ups ----------------------------------------------------------------------------------

// It is to leave wherever it is on its way to sleep, also when another sleeps there again by then.
void a_worker_leaves_at_whichever_instruction_it_is_told(void**) {
    const test::OneCpu here;
    Pool pool = make_pool(PoolOptions().workers(2).capacity(4));
    auto& bell = shared_of(pool).work_bell;
    (void)test::sweep("a worker that is to leave", 3, [&](int steps) {
        assert_true(has_workers(pool, 2));
        const Processes processes(pool);
        for (size_t i = 0; i < 2; ++i) { test::await_state(processes.worker(i), 'S'); }
        Stepped worker(processes.worker(1)), other(processes.worker(0));
        assert_true(worker.held() && other.held());
        brood::detail::ring_all_workers(shared_of(pool));  // Both look again.
        const bool is_awake = worker.step(steps);
        assert_ok(pool.resize(1));
        other.let_go_on();
        (void)test::eventually([&] { return (bell.word & brood::port::kBellWaiting) != 0; }, 100);
        test::await_state(processes.worker(0), 'S');
        worker.let_go_on();
        assert_true(has_workers(pool, 1));
        assert_ok(pool.resize(2));
        return !is_awake || steps > (kIsPosix ? 300 : 1500);
    });
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(a_pool_grows),
        POOL_TEST(a_pool_shrinks_and_no_task_is_cut_short),
        POOL_TEST(workers_that_sleep_leave),
        POOL_TEST(without_a_maximum_it_is_the_number_at_first),
        POOL_TEST(maps_go_on_while_workers_come_and_go),
        POOL_TEST(the_initializer_runs_in_each_worker_that_is_added),
        POOL_TEST(an_initializer_that_fails_in_an_added_worker_ends_the_pool),
        POOL_TEST(numbers_that_cannot_be_are_refused),
        POOL_TEST(a_pool_that_has_ended_is_not_resized),
        POOL_TEST(a_worker_killed_before_it_leaves_is_not_replaced),
        POOL_TEST(in_a_storm_of_kills_and_resizes_every_task_has_its_result),
        POOL_TEST(a_supervisor_killed_while_workers_come_and_go_breaks_the_pool),
        POOL_TEST(a_worker_leaves_at_whichever_instruction_it_is_told),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
