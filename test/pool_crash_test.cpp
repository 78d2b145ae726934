// Goal: whoever of a pool is killed, stopped or never comes up, nobody else waits for ever, no task
// runs twice, and no process stays behind.
#include "pool_inside.hpp"
#include "pool_support.hpp"

#include <grp.h>
#include <sys/resource.h>

#include <brood/this_process.hpp>

using namespace pool_test;
using test::shared_of;

namespace {

// ---- Killed workers ----------------------------------------------------------------------------

void a_killed_worker_fails_only_its_task_and_is_replaced(void**) {
    Pool pool = make_pool(2);
    Future<int> victim = pool.apply_async([] {
                                 g_talk->go.store(getpid());
                                 for (;;) { (void)pause(); }
                                 return 0;
                             })
                             .expect("submitting");
    Future<int> others[100];
    for (int i = 0; i < 100; ++i) {
        others[i] = pool.apply_async(count_run, i).expect("submitting");
    }
    assert_true(test::eventually([] { return g_talk->go != 0; }));
    const pid_t killed = g_talk->go;
    assert_int_equal(kill(killed, SIGKILL), 0);
    const Result<int> got = victim.get(kPatience);
    assert_code(got, Errc::worker_died);
    assert_int_equal(got.error().detail(), -SIGKILL);
    for (int i = 0; i < 100; ++i) {
        assert_int_equal(*others[i].get(kPatience), i);
        assert_int_equal(g_talk->runs[i], 1);
    }
    assert_true(test::eventually([&] { return pool.worker_pids(nullptr, 0) == 2; }));
    const Processes now(pool);
    assert_true(now.worker(0) != killed && now.worker(1) != killed);
}

void an_idle_worker_that_is_killed_is_replaced(void**) {
    Pool pool = make_pool(1);
    for (unsigned i = 0; i < 50; ++i) {
        const pid_t worker = Processes(pool).worker(0);
        assert_int_equal(kill(worker, SIGKILL), 0);
        const Result<unsigned> got = pool.apply(square, i);  // Reaches the victim, or the next.
        if (!got.ok()) { assert_code(got, Errc::worker_died); }
        assert_true(test::eventually([&] {
            std::int32_t now = 0;
            return pool.worker_pids(&now, 1) == 1 && now != worker;
        }));
        assert_int_equal(*pool.apply(square, i), i * i);
    }
}

// Long enough for many a kill to fall into it.
int count_run_slowly(int index) {
    g_talk->runs[index].fetch_add(1);
    for (const int64_t end = test::now_ns() + 15000; test::now_ns() < end;) {}
    return index;
}

// Every task is done once or its worker died in it, and then it ran at most once.
void in_a_storm_of_kills_every_task_is_accounted_for(void**) {
    constexpr int kTasks = 60000, kAhead = 256;
    static Future<int> ahead[kAhead];
    Pool pool = make_pool(4);
    Storm storm(pool);
    int died = 0;
    for (int i = 0; i < kTasks + kAhead; ++i) {
        Future<int>& place = ahead[i % kAhead];
        if (i >= kAhead) {
            const int index = i - kAhead;
            const Result<int> got = place.get(kPatience);
            const int runs = g_talk->runs[index];
            if (got.ok()) {
                assert_int_equal(*got, index);
                assert_int_equal(runs, 1);
            } else {
                assert_code(got, Errc::worker_died);
                assert_int_equal(got.error().detail(), -SIGKILL);
                assert_true(runs <= 1);
                ++died;
            }
        }
        if (i < kTasks) { place = pool.apply_async(count_run_slowly, i).expect("submitting"); }
    }
    const int kills = storm.stop();
    print_message("%d kills, %d of %d tasks died\n", kills, died, kTasks);
    assert_true(died > 0 && died <= kills);
    for (int i = 0; i < kTasks; ++i) { assert_true(g_talk->runs[i] <= 1); }
    assert_int_equal(*pool.apply(square, 9u), 81);
}

void in_a_storm_of_kills_map_and_threads_come_to_an_end(void**) {
    constexpr int kThreads = 4, kEach = 5000;
    static int in[kThreads * kEach], out[kThreads * kEach];
    for (int i = 0; i < kThreads * kEach; ++i) { in[i] = i, out[i] = -1; }
    Pool pool = make_pool(3);
    Storm storm(pool);
    std::atomic<int> wrong{0};
    in_threads(kThreads, [&](int thread) {
        const int from = thread * kEach;
        if (thread == 0) {  // One by one: each of these waits in its turn.
            for (int i = 0; i < kEach / 10; ++i) {
                const Result<int> got = pool.apply(count_run, i);
                if (got.ok()) { out[i] = *got; }
                if (!got.ok() && got.code() != Errc::worker_died) { wrong.fetch_add(1); }
            }
        } else {
            const Status status = pool.map(count_run, in + from, out + from, kEach);
            if (!status.ok() && status.code() != Errc::worker_died) { wrong.fetch_add(1); }
        }
    });
    assert_true(storm.stop() > 0);
    assert_int_equal(wrong, 0);
    for (int i = 0; i < kThreads * kEach; ++i) {
        const int runs = g_talk->runs[i];
        assert_true(out[i] == i ? runs == 1 : out[i] == -1 && runs <= 1);
    }
}

// ---- A killed supervisor -----------------------------------------------------------------------

void a_killed_supervisor_breaks_the_pool_for_all_who_wait(void**) {
    constexpr int kThreads = 4;
    for (int round = 0; round < 10; ++round) {
        memset(static_cast<void*>(g_talk), 0, sizeof *g_talk);
        Pool pool = make_pool(2);
        const Processes processes(pool);
        Future<int> futures[kThreads];
        for (auto& future : futures) { future = pool.apply_async(wait_for_go, 1).expect("submit"); }
        std::atomic<int> told{0};
        std::atomic<int64_t> killed_at{0}, slowest{0};
        in_threads(kThreads + 1, [&](int thread) {
            if (thread == kThreads) {
                (void)becomes(g_talk->begun, 2);
                sleep_us(round *
                         3000);  // In the first rounds some are still on their way to sleep.
                killed_at = now_ms();
                (void)kill(processes.supervisor(), SIGKILL);
                return;
            }
            if (futures[thread].get(kPatience).code() == Errc::pool_broken) { told.fetch_add(1); }
            const int64_t took = now_ms() - killed_at;
            if (took > slowest) { slowest = took; }
        });
        assert_int_equal(told, kThreads);
        assert_true(slowest < kGoneMs);
        assert_true(processes.are_gone());
        assert_code(pool.apply(square, 1u), Errc::pool_broken);
        assert_code(pool.join(kPatience), Errc::pool_broken);
        assert_int_equal(pool.supervisor_pid(), 0);
        assert_ok(pool.terminate());
    }
}

void a_supervisor_killed_at_any_moment_hangs_nobody(void**) {
    Chance chance(3);
    for (int round = 0; round < 100; ++round) {
        Pool pool = make_pool(2);
        const Processes processes(pool);
        const pid_t supervisor = processes.supervisor();
        const long moment = chance.below(3000);
        in_threads(3, [&](int thread) {
            if (thread == 0) {
                sleep_us(moment);
                (void)kill(supervisor, SIGKILL);
                return;
            }
            for (;;) {
                const Result<unsigned> got = pool.apply(square, 5u);
                if (!got.ok()) { return; }
            }
        });
        assert_code(pool.join(kPatience), Errc::pool_broken);
        assert_true(processes.are_gone());
    }
}

// ---- A killed host -----------------------------------------------------------------------------

void host_with_a_pool(bool in_a_thread) {
    const auto make = [](int) {
        static Pool pool;
        pool = Pool::create(PoolOptions().workers(3)).expect("pool");
    };
    if (in_a_thread) {
        in_threads(1, make);
        for (;;) { (void)pause(); }
    }
    Pool pool = Pool::create(PoolOptions().workers(3)).expect("pool");
    Future<int> stuck = pool.apply_async(wait_for_go, 1).expect("submitting");
    for (;;) { (void)pool.apply(square, 2u).ok(); }
}

void a_killed_host_takes_its_pool_along(void**) {
    Chance chance(11);
    for (int round = 0; round < 100; ++round) {
        LifeSign life;
        const pid_t host = shared_test::start_child([&] { host_with_a_pool(round % 4 == 0); });
        life.stop_holding();
        sleep_us(chance.below(6000));  // Half of them fall into create().
        kill_and_reap(host);
        assert_true(life.has_ended());
        remove_name_of(host);
    }
}

// ---- Stopped workers ---------------------------------------------------------------------------

void stop(pid_t pid) {
    assert_int_equal(kill(pid, SIGSTOP), 0);
    test::await_state(pid, 'T');
}

void a_worker_stopped_in_its_task_holds_up_only_that(void**) {
    Pool pool = make_pool(2);
    Future<int> paused = pool.apply_async([] {
                                 g_talk->ended.store(getpid());
                                 return wait_for_go(6);
                             })
                             .expect("submitting");
    await_begun(1);
    const pid_t worker = g_talk->ended;
    stop(worker);
    let_go();
    for (unsigned i = 0; i < 5000; ++i) { assert_int_equal(*pool.apply(square, i), i * i); }
    assert_code(paused.get(brood::milliseconds(100)), Errc::timed_out);
    assert_int_equal(kill(worker, SIGCONT), 0);
    assert_int_equal(*paused.get(kPatience), 6);
}

void a_stopped_idle_worker_holds_up_nobody(void**) {
    Pool pool = make_pool(2, 64);
    assert_ok(pool.apply(square, 1u));
    const Processes processes(pool);
    stop(processes.worker(0));
    for (unsigned i = 0; i < 5000; ++i) {  // The counters pass the table many times.
        const Result<unsigned> got = pool.apply_async(square, i)->get(kPatience);
        assert_int_equal(*got, i * i);
    }
    assert_int_equal(kill(processes.worker(0), SIGCONT), 0);
    Future<int> both[2];
    for (auto& future : both) { future = pool.apply_async(wait_for_go, 3).expect("submitting"); }
    await_begun(2);  // It works again.
    let_go();
    for (auto& future : both) { assert_int_equal(*future.get(kPatience), 3); }
}

// Stopped wherever it happens to be, again and again.
void workers_that_are_stopped_and_go_on_lose_nothing(void**) {
    Pool pool = make_pool(2);
    const Processes processes(pool);
    std::atomic<bool> over{false};
    std::atomic<int> wrong{0};
    in_threads(4, [&](int thread) {
        Chance chance(static_cast<uint64_t>(thread) + 1);
        if (thread == 3) {
            while (!over) {
                const pid_t worker = processes.worker(static_cast<size_t>(chance.below(2)));
                (void)kill(worker, SIGSTOP);
                sleep_us(chance.below(2000));
                (void)kill(worker, SIGCONT);
                sleep_us(chance.below(1000));
            }
            return;
        }
        for (int i = thread; i < 3000; i += 3) {
            const auto got = pool.apply_async(count_run, i);
            if (!got.ok()) { wrong.fetch_add(1); }
            if (got.ok() && const_cast<Future<int>&>(*got).get(kPatience).value_or(-1) != i) {
                wrong.fetch_add(1);
            }
        }
        if (thread == 0) { over = true; }
    });
    assert_int_equal(wrong, 0);
    for (int i = 0; i < 3000; ++i) { assert_int_equal(g_talk->runs[i], 1); }
}

void the_count_of_tasks_may_wrap(void**) {
    Pool pool = make_pool(1, 8);
    shared_of(pool).hint = UINT32_MAX - 100;
    shared_of(pool).submitted = UINT32_MAX - 100;
    Future<int> futures[5];
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 5; ++i) {
            futures[i] =
                pool.apply_async([] { return g_talk->begun.fetch_add(1); }).expect("submitting");
        }
        for (int i = 0; i < 5; ++i) {
            assert_int_equal(*futures[i].get(kPatience), 5 * round + i);  // In their order.
        }
    }
    assert_int_equal(shared_of(pool).submitted, 250 - 101);
}

// A worker that was stopped while the others went round sets the hint anywhere when it goes on.
void a_wrong_hint_leaves_no_task_behind(void**) {
    Pool pool = make_pool(2, 8);
    const Processes processes(pool);
    const std::uint32_t lies[] = {0,         1, 2, 7, 8, 9, 100, UINT32_MAX / 2, UINT32_MAX - 7,
                                  UINT32_MAX};
    int task = 0;
    for (const std::uint32_t beyond : lies) {
        for (const int tasks : {1, 3, 8}) {
            stop(processes.worker(0));
            stop(processes.worker(1));
            Future<int> futures[8];
            for (int i = 0; i < tasks; ++i) {
                futures[i] = pool.apply_async(count_run, task + i).expect("submitting");
            }
            shared_of(pool).hint = shared_of(pool).submitted + beyond;
            assert_int_equal(kill(processes.worker(0), SIGCONT), 0);
            assert_int_equal(kill(processes.worker(1), SIGCONT), 0);
            for (int i = 0; i < tasks; ++i) {
                assert_int_equal(*futures[i].get(kPatience), task + i);
                assert_int_equal(g_talk->runs[task + i], 1);
            }
            task += tasks;
        }
    }
}

void a_pool_whose_processes_are_stopped_can_be_terminated(void**) {
    Pool pool = make_pool(2);
    const Processes processes(pool);
    for (size_t i = 0; i < processes.count; ++i) { stop(processes.pid[i]); }
    assert_ok(pool.terminate());
    assert_true(processes.are_gone(0));
}

// ---- Workers that never come up ----------------------------------------------------------------

void a_pool_whose_initializer_fails_is_given_up(void**) {
    const struct {
        const char* how;
        PoolOptions options;
    } rows[] = {
        {"returns false", PoolOptions().initializer([] { return false; })},
        {"returns an error", PoolOptions().initializer([]() -> Status { return Errc::no_memory; })},
        {"exits well", PoolOptions().initializer([] { _exit(0); })},
        {"exits badly", PoolOptions().initializer([] { brood::this_process::exit(5); })},
        {"crashes", PoolOptions().initializer([] { (void)raise(SIGSEGV); })},
        {"is killed", PoolOptions().initializer([] { (void)raise(SIGKILL); })},
        {"fails later", PoolOptions().initializer([] { return g_talk->begun.fetch_add(1) < 4; })},
    };
    for (const auto& row : rows) {
        memset(static_cast<void*>(g_talk), 0, sizeof *g_talk);
        PoolOptions options = row.options;
        Result<Pool> pool = Pool::create(options.workers(2));
        if (pool.code() == Errc::initializer_failed) { continue; }  // Known before it returned.
        assert_ok(pool);
        const Processes processes(*pool);
        bool told = false;
        for (int i = 0; i < 50 && !told; ++i) {  // "fails later": when workers are replaced.
            const Status status = pool->apply([] { _exit(1); });
            told = status.code() == Errc::initializer_failed;
            assert_error(status.code(), told ? Errc::initializer_failed : Errc::worker_died,
                         row.how);
        }
        assert_true(told);
        assert_code(pool->apply(square, 1u), Errc::initializer_failed);
        assert_code(pool->join(kPatience), Errc::initializer_failed);
        assert_true(processes.are_gone(0));
    }
}

void workers_killed_from_outside_while_they_start_are_replaced(void**) {
    Result<Pool> pool = Pool::create(PoolOptions().workers(1).initializer([] {
        // The first two are killed in here; the third gets through.
        if (g_talk->begun.fetch_add(1) < 2) { (void)raise(SIGKILL); }
    }));
    assert_ok(pool);
    assert_int_equal(*pool->apply(square, 6u), 36);
    assert_int_equal(g_talk->begun, 3);
}

// As a user who may have few processes; root is not bound by the limit.
void too_few_processes_undo_the_whole_pool(void**) {
    if (geteuid() != 0) { return test::not_run("RLIMIT_NPROC", "needs root to change the user"); }
    const int code = end_of(shared_test::start_child([] {
        const rlimit limit = {4, 4};
        CHECK_IN_CHILD(setgroups(0, nullptr) == 0 && setgid(54321) == 0 && setuid(54321) == 0);
        CHECK_IN_CHILD(setrlimit(RLIMIT_NPROC, &limit) == 0);
        pid_t pids[4];
        int made = 0;
        while (made < 4 && (pids[made] = fork()) > 0) { ++made; }
        if (made < 4 && pids[made] == 0) { (void)pause(), _exit(0); }
        for (int i = 0; i < made; ++i) {
            (void)kill(pids[i], SIGKILL), waitpid(pids[i], nullptr, 0);
        }
        if (made != 3) { _exit(77); }  // The limit does not bind here.

        const size_t descriptors = test::open_descriptors();
        for (int i = 0; i < 3; ++i) {
            const Result<Pool> pool = Pool::create(PoolOptions().workers(6));
            CHECK_IN_CHILD(pool.code() == Errc::too_many_processes && pool.error().os_error() != 0);
        }
        CHECK_IN_CHILD(test::open_descriptors() == descriptors);
        CHECK_IN_CHILD(waitpid(-1, nullptr, WNOHANG) == -1);
        Result<Pool> pool = Pool::create(PoolOptions().workers(2));
        CHECK_IN_CHILD(pool.ok());
        CHECK_IN_CHILD(pool->apply(square, 8u).value_or(0) == 64);
    }));
    if (code == 77) { return test::not_run("RLIMIT_NPROC", "it does not bind this user"); }
    assert_int_equal(code, 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(a_killed_worker_fails_only_its_task_and_is_replaced),
        POOL_TEST(an_idle_worker_that_is_killed_is_replaced),
        POOL_TEST(in_a_storm_of_kills_every_task_is_accounted_for),
        POOL_TEST(in_a_storm_of_kills_map_and_threads_come_to_an_end),
        POOL_TEST(a_killed_supervisor_breaks_the_pool_for_all_who_wait),
        POOL_TEST(a_supervisor_killed_at_any_moment_hangs_nobody),
        POOL_TEST(a_killed_host_takes_its_pool_along),
        POOL_TEST(a_worker_stopped_in_its_task_holds_up_only_that),
        POOL_TEST(a_stopped_idle_worker_holds_up_nobody),
        POOL_TEST(workers_that_are_stopped_and_go_on_lose_nothing),
        POOL_TEST(the_count_of_tasks_may_wrap),
        POOL_TEST(a_wrong_hint_leaves_no_task_behind),
        POOL_TEST(a_pool_whose_processes_are_stopped_can_be_terminated),
        POOL_TEST(a_pool_whose_initializer_fails_is_given_up),
        POOL_TEST(workers_killed_from_outside_while_they_start_are_replaced),
        POOL_TEST(too_few_processes_undo_the_whole_pool),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
