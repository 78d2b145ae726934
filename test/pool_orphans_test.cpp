// Goal: workers go with their supervisor or their host when that is killed, whatever they are in,
// and nobody else does (promises 8, 8c, 23).
// Method: all workers are known to be in the middle of something when the others are killed. Where
// it matters who has which pid: in a pid namespace of the test's own.
#include "pool_support.hpp"
#include "process_support.hpp"

using namespace pool_test;

namespace {

constexpr int kWorkers = 3;

/// A task for each worker, that never ends, and every worker in its own.
void keep_all_busy(Pool& pool, Future<int> (&futures)[kWorkers]) {
    for (auto& future : futures) { future = pool.apply_async(wait_for_go, 1).expect("submitting"); }
    CHECK_IN_CHILD(becomes(g_talk->begun, kWorkers));
}

/// Kills the supervisor. What the host notices then.
Errc break_pool(Pool& pool) {
    (void)kill(pool.supervisor_pid(), SIGKILL);
    return pool.close().ok() ? pool.join(kPatience).code() : Errc::ok;
}

void a_killed_supervisor_takes_workers_along_that_are_busy(void**) {
    Pool pool = make_pool(kWorkers);
    const Processes processes(pool);
    Future<int> futures[kWorkers];
    keep_all_busy(pool, futures);
    assert_code(break_pool(pool), Errc::pool_broken);
    assert_true(processes.are_gone());
    assert_int_equal(g_talk->ended, 0);
    for (auto& future : futures) { assert_code(future.get(kPatience), Errc::pool_broken); }
}

void a_killed_supervisor_takes_workers_along_that_initialize(void**) {
    Result<Pool> pool = Pool::create(
        PoolOptions().workers(kWorkers).initializer([] { return wait_for_go(1) == 1; }));
    assert_ok(pool);
    await_begun(kWorkers);
    const Processes processes(*pool);
    assert_code(break_pool(*pool), Errc::pool_broken);
    assert_true(processes.are_gone());
    assert_int_equal(g_talk->ended, 0);
}

// The one who replaces another proves his life anew.
void a_killed_supervisor_takes_replaced_workers_along(void**) {
    Pool pool = make_pool(kWorkers);
    for (int round = 0; round < 5; ++round) {
        const pid_t worker = Processes(pool).worker(0);
        assert_int_equal(kill(worker, SIGKILL), 0);
        assert_true(test::eventually([&] {
            std::int32_t now = 0;
            return pool.worker_pids(&now, 1) == kWorkers && now != worker;
        }));
    }
    const Processes processes(pool);
    Future<int> futures[kWorkers];
    keep_all_busy(pool, futures);
    assert_code(break_pool(pool), Errc::pool_broken);
    assert_true(processes.are_gone());
}

void a_killed_host_takes_workers_along_that_are_busy(void**) {
    LifeSign life;
    const pid_t host = shared_test::start_child([] {
        Pool pool = Pool::create(PoolOptions().workers(kWorkers)).expect("pool");
        Future<int> futures[kWorkers];
        keep_all_busy(pool, futures);
        g_talk->runs[0] = 1;
        for (;;) { (void)pause(); }
    });
    life.stop_holding();
    assert_true(becomes(g_talk->runs[0], 1));
    kill_and_reap(host);
    assert_true(life.has_ended());
    assert_int_equal(g_talk->ended, 0);
}

void a_host_and_a_supervisor_killed_at_once_leave_no_worker_after_its_task(void**) {
    LifeSign life;
    const pid_t host = shared_test::start_child([] {
        Pool pool = Pool::create(PoolOptions().workers(kWorkers)).expect("pool");
        Future<int> futures[kWorkers];
        keep_all_busy(pool, futures);
        g_talk->runs[0] = pool.supervisor_pid();
        for (;;) { (void)pause(); }
    });
    life.stop_holding();
    assert_true(test::eventually([] { return g_talk->runs[0] != 0; }));
    const pid_t supervisor = g_talk->runs[0];
    // Stopped, so that it can do nothing between the death of the host and its own.
    assert_int_equal(kill(supervisor, SIGSTOP), 0);
    test::await_state(supervisor, 'T');
    kill_and_reap(host);
    assert_int_equal(kill(supervisor, SIGKILL), 0);
    if (test::is_posix_port()) {
        assert_false(life.has_ended(100));
        let_go();
        test::not_run("a busy worker of which host and supervisor are killed at once ends at once",
                      "posix: it ends after its task");
    }
    assert_true(life.has_ended());
}

/// A process that does nothing but live.
pid_t start_stranger() {
    const pid_t pid = fork();
    while (pid == 0) { (void)pause(); }
    return pid;
}

void no_signal_reaches_a_stranger_who_has_the_pid_of_a_dead_worker(void**) {
    const int code = test::run_as_pid_1([] {
        Pool pool = Pool::create(PoolOptions().workers(2)).expect("pool");
        CHECK_IN_CHILD(pool.apply(square, 3u).value_or(0) == 9);
        const Processes processes(pool);
        const pid_t dead = processes.worker(0);
        // The worker dies unseen by the supervisor, and is then the host's to reap, as pid 1.
        CHECK_IN_CHILD(kill(processes.supervisor(), SIGSTOP) == 0);
        CHECK_IN_CHILD(kill(dead, SIGKILL) == 0);
        CHECK_IN_CHILD(kill(processes.supervisor(), SIGKILL) == 0);
        CHECK_IN_CHILD(test::eventually([&] { return waitpid(dead, nullptr, WNOHANG) == dead; }));
        test::Board<std::atomic<int>> beats;
        const pid_t stranger = test::reuse_pid(dead, *beats);
        if (stranger < 0) { return 77; }
        CHECK_IN_CHILD(break_pool(pool) == Errc::pool_broken);
        const int counted = beats->load();
        CHECK_IN_CHILD(test::eventually([&] { return beats->load() > counted + 10; }));
        return 0;
    });
    if (code == 77 || code == test::kNoNamespace) {
        return test::not_run("no signal to a dead worker's pid", "no namespace, or no clone3 here");
    }
    assert_int_equal(code, 0);
}

// A host that has left its pid namespace for its children has other numbers for them than they.
void no_signal_reaches_a_stranger_who_has_the_pid_of_a_worker_elsewhere(void**) {
    constexpr int kStrangers = 8;
    const int code = test::run_as_pid_1([] {
        pid_t strangers[kStrangers];  // 2, 3, 4, ...
        for (pid_t& stranger : strangers) { stranger = start_stranger(); }
        if (unshare(CLONE_NEWPID) != 0) { return test::kNoNamespace; }
        const pid_t first = start_stranger();  // 1 of the new one, which does not end before it.
        Pool pool = Pool::create(PoolOptions().workers(kWorkers)).expect("pool");
        Future<int> futures[kWorkers];
        keep_all_busy(pool, futures);
        const Processes processes(pool);
        for (int i = 0; i < kWorkers; ++i) {
            const pid_t worker = processes.worker(static_cast<size_t>(i));
            CHECK_IN_CHILD(worker >= strangers[0] && worker <= strangers[kStrangers - 1]);
        }
        CHECK_IN_CHILD(break_pool(pool) == Errc::pool_broken);
        for (const pid_t stranger : strangers) {
            CHECK_IN_CHILD(waitpid(stranger, nullptr, WNOHANG) == 0);
        }
        CHECK_IN_CHILD(kill(first, SIGKILL) == 0 && waitpid(first, nullptr, 0) == first);
        return 0;
    });
    if (code == test::kNoNamespace) {
        return test::not_run("a host with children in another pid namespace", "cannot make one");
    }
    assert_int_equal(code, 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(a_killed_supervisor_takes_workers_along_that_are_busy),
        POOL_TEST(a_killed_supervisor_takes_workers_along_that_initialize),
        POOL_TEST(a_killed_supervisor_takes_replaced_workers_along),
        POOL_TEST(a_killed_host_takes_workers_along_that_are_busy),
        POOL_TEST(a_host_and_a_supervisor_killed_at_once_leave_no_worker_after_its_task),
        POOL_TEST(no_signal_reaches_a_stranger_who_has_the_pid_of_a_dead_worker),
        POOL_TEST(no_signal_reaches_a_stranger_who_has_the_pid_of_a_worker_elsewhere),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
