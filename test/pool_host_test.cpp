// Goal: a pool lives well inside any host: with bad options, threads, forks, daemons, few
// processes, few descriptors; and refuses what cannot travel to a worker.
#include "pool_inside.hpp"
#include "pool_support.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <brood/process.hpp>

using namespace pool_test;

namespace {

// ---- Options -----------------------------------------------------------------------------------

void options_outside_of_their_bounds_are_refused(void**) {
    const struct {
        const char* what;
        PoolOptions options;
        Errc code;
    } rows[] = {
        {"no worker", PoolOptions().workers(0), Errc::bad_argument},
        {"one worker", PoolOptions().workers(1), Errc::ok},
        {"too many workers", PoolOptions().workers(PoolOptions::kWorkersMax + 1),
         Errc::bad_argument},
        {"no place", PoolOptions().workers(1).capacity(0), Errc::bad_argument},
        {"one place", PoolOptions().workers(1).capacity(1), Errc::ok},
        {"most places", PoolOptions().workers(1).capacity(PoolOptions::kCapacityMax), Errc::ok},
        {"too many places", PoolOptions().workers(1).capacity(PoolOptions::kCapacityMax + 1),
         Errc::bad_argument},
        {"no payload", PoolOptions().workers(1).payload_bytes(0), Errc::bad_argument},
        {"one byte", PoolOptions().workers(1).payload_bytes(1), Errc::ok},
        {"most payload", PoolOptions().workers(1).capacity(1).payload_bytes(1u << 20), Errc::ok},
        {"too much payload", PoolOptions().workers(1).capacity(1).payload_bytes((1u << 20) + 1),
         Errc::bad_argument},
    };
    for (const auto& row : rows) {
        const Result<Pool> pool = Pool::create(row.options);
        assert_error(pool.code(), row.code, row.what);
    }
}

void a_table_beyond_all_memory_is_refused(void**) {
    // 64 GiB: more than this machine has, or more than a 32-bit one can address.
    const Result<Pool> pool =
        Pool::create(PoolOptions().workers(1).capacity(65536).payload_bytes(1u << 20));
    if (pool.ok()) { return test::not_run("a table beyond all memory", "this system has it"); }
    assert_true(pool.code() == Errc::no_memory || pool.code() == Errc::no_space);
}

// ---- Threads -----------------------------------------------------------------------------------

void many_threads_apply_at_the_same_time(void**) {
    constexpr int kThreads = 8, kEach = 2000;
    Pool pool = make_pool(3);
    std::atomic<int> wrong{0};
    in_threads(kThreads, [&](int thread) {
        for (int i = 0; i < kEach; ++i) {
            const int index = thread * kEach + i;
            const Result<int> got = pool.apply(count_run, index);
            if (!got.ok() || *got != index) { wrong.fetch_add(1); }
        }
    });
    assert_int_equal(wrong, 0);
    for (int i = 0; i < kThreads * kEach; ++i) { assert_int_equal(g_talk->runs[i], 1); }
}

void many_threads_submit_and_collect_in_any_order(void**) {
    constexpr int kThreads = 8, kEach = 2000, kAhead = 50;
    Pool pool = make_pool(2, 512);
    std::atomic<int> wrong{0};
    in_threads(kThreads, [&](int thread) {
        Future<int> ahead[kAhead];
        for (int i = 0; i < kEach + kAhead; ++i) {
            Future<int>& place = ahead[i % kAhead];
            if (i >= kAhead) {
                const int index = thread * kEach + i - kAhead;
                const Result<int> got = place.get(kPatience);
                if (!got.ok() || *got != index) { wrong.fetch_add(1); }
            }
            if (i < kEach) {
                Result<Future<int>> sent = pool.apply_async(count_run, thread * kEach + i);
                if (sent.ok()) { place = std::move(*sent); }
            }
        }
    });
    assert_int_equal(wrong, 0);
    for (int i = 0; i < kThreads * kEach; ++i) { assert_int_equal(g_talk->runs[i], 1); }
}

void a_slow_task_of_one_thread_does_not_hold_up_another(void**) {
    Pool pool = make_pool(2);
    std::atomic<int> done{0};
    in_threads(4, [&](int thread) {
        if (thread == 0) {
            if (pool.apply(wait_for_go, 1).ok()) { done.fetch_add(1); }
        } else if (thread == 1) {
            Future<int> timed = pool.apply_async(wait_for_go, 2).expect("submitting");
            if (timed.get(brood::milliseconds(50)).code() == Errc::timed_out) { done.fetch_add(1); }
            timed = Future<int>();
            let_go();
        } else {
            if (becomes(g_talk->go, 1) && pool.apply(count_run, thread).ok()) { done.fetch_add(1); }
        }
    });
    assert_int_equal(done, 4);
}

// close() beside submissions, whose large arguments take their time: each is refused, or done.
void what_was_accepted_before_close_is_done(void**) {
    struct Large {
        unsigned char bytes[60000];
    };
    for (int round = 0; round < 60; ++round) {
        g_talk->begun = 0;
        Result<Pool> pool =
            Pool::create(PoolOptions().workers(2).capacity(16).payload_bytes(sizeof(Large) + 16));
        assert_ok(pool);
        std::atomic<int> wrong{0}, accepted{0};
        in_threads(4, [&](int thread) {
            if (thread == 0) {
                while (accepted < 5 + round) { (void)sched_yield(); }
                if (!pool->close().ok()) { wrong.fetch_add(1); }
                return;
            }
            static Large large;
            for (;;) {
                Result<Future<void>> sent =
                    pool->apply_async([](Large&) { g_talk->begun.fetch_add(1); }, large);
                if (sent.code() == Errc::pool_closed) { return; }
                accepted.fetch_add(1);
                if (!sent.ok() || !sent->get(kPatience).ok()) { wrong.fetch_add(1); }
            }
        });
        assert_ok(pool->join(kPatience));
        assert_int_equal(wrong, 0);
        assert_int_equal(g_talk->begun, accepted);
    }
}

void a_pool_made_in_a_thread_that_ends_goes_on(void**) {
    Pool pool;
    in_threads(1, [&](int) { pool = make_pool(2); });
    sleep_us(50000);  // Whatever dies with a thread has had its time.
    for (unsigned i = 0; i < 100; ++i) { assert_int_equal(*pool.apply(square, i), i * i); }
}

void futures_and_pool_may_be_destroyed_by_different_threads(void**) {
    for (int round = 0; round < 50; ++round) {
        Pool pool = make_pool(1);
        Future<int> futures[8];
        for (int i = 0; i < 8; ++i) {
            futures[i] = pool.apply_async(count_run, i).expect("submitting");
        }
        in_threads(9, [&](int thread) {
            if (thread == 8) {
                pool = Pool();
            } else {
                futures[thread] = Future<int>();
            }
        });
    }
}

// ---- Forks and daemons -------------------------------------------------------------------------

void a_forked_child_of_the_host_has_no_pool(void**) {
    Pool pool = make_pool(2);
    Future<int> future = pool.apply_async(wait_for_go, 5).expect("submitting");
    await_begun(1);
    const auto in_child = [&] {
        int in[2] = {1, 2}, out[2];
        CHECK_IN_CHILD(pool.apply(count_run, 1).code() == Errc::wrong_process);
        CHECK_IN_CHILD(pool.apply_async(count_run, 1).code() == Errc::wrong_process);
        CHECK_IN_CHILD(pool.map(count_run, in, out).code() == Errc::wrong_process);
        CHECK_IN_CHILD(pool.close().code() == Errc::wrong_process);
        CHECK_IN_CHILD(pool.join().code() == Errc::wrong_process);
        CHECK_IN_CHILD(pool.terminate().code() == Errc::wrong_process);
        CHECK_IN_CHILD(future.get().code() == Errc::wrong_process);
        CHECK_IN_CHILD(future.wait().code() == Errc::wrong_process);
        CHECK_IN_CHILD(future.successful().code() == Errc::wrong_process);
        // Neither a destructor here nor the end of this process harms the parent's.
        future = Future<int>();
        pool = Pool();
        Result<Pool> own = Pool::create(PoolOptions().workers(1));
        CHECK_IN_CHILD(own.ok() && *own->apply(square, 3u) == 9);
    };
    assert_int_equal(end_of(shared_test::start_child(in_child)), 0);
    let_go();
    assert_int_equal(*future.get(kPatience), 5);
    assert_int_equal(*pool.apply(square, 5u), 25);
    assert_int_equal(g_talk->runs[1], 0);
}

void a_forked_child_that_lives_on_does_not_keep_the_pool_alive(void**) {
    test::Handshake end;
    LifeSign pool_lives;
    const pid_t host = shared_test::start_child([&] {
        Pool pool = Pool::create(PoolOptions().workers(2)).expect("pool");
        const pid_t child = fork();
        if (child == 0) {
            pool_lives.stop_holding();
            g_talk->begun.fetch_add(1);
            (void)end.await();
            _exit(0);
        }
        for (;;) { (void)pause(); }
    });
    pool_lives.stop_holding();
    assert_true(becomes(g_talk->begun, 1));
    kill_and_reap(host);
    assert_true(pool_lives.has_ended());
    end.tell();
}

void a_daemon_has_no_pool_and_a_task_no_children(void**) {
    const auto try_pool = [] {
        g_talk->go.store(static_cast<int>(Pool::create(PoolOptions().workers(1)).code()));
    };
    brood::Process daemon(try_pool);
    assert_ok(daemon.daemon(true));
    assert_ok(daemon.start());
    assert_ok(daemon.join(kPatience));
    assert_int_equal(g_talk->go, static_cast<int>(Errc::daemon_has_children));

    brood::Process child([] {
        Pool pool = Pool::create(PoolOptions().workers(1)).expect("pool");
        g_talk->go.store(static_cast<int>(*pool.apply(square, 9u)));
    });
    assert_ok(child.start());
    assert_ok(child.join(kPatience));
    assert_int_equal(g_talk->go, 81);

    Pool pool = make_pool(1);
    assert_ok(pool.apply(try_pool));
    assert_int_equal(g_talk->go, static_cast<int>(Errc::daemon_has_children));
    assert_ok(pool.apply([] {
        brood::Process process([] {});
        g_talk->go.store(static_cast<int>(process.start().code()));
    }));
    assert_int_equal(g_talk->go, static_cast<int>(Errc::daemon_has_children));
}

void a_task_that_forks_makes_no_second_worker(void**) {
    Pool pool = make_pool(1);
    const pid_t worker = Processes(pool).worker(0);
    for (int i = 0; i < 20; ++i) {
        const Result<int> got = pool.apply(
            [](int n) {
                const pid_t child = fork();
                if (child > 0) { (void)waitpid(child, nullptr, 0); }
                return n;  // The child comes back from the task, too.
            },
            i);
        assert_int_equal(*got, i);
        assert_int_equal(*pool.apply([] { return static_cast<int>(getpid()); }), worker);
    }
}

// ---- What a worker is --------------------------------------------------------------------------

void a_worker_knows_what_it_is(void**) {
    Pool pool = make_pool(2);
    const pid_t supervisor = pool.supervisor_pid();
    const auto name =
        pool.apply([] { return *brood::Text<32>::from(brood::this_process::name()); });
    assert_int_equal(strncmp(name->c_str(), "PoolWorker-", 11), 0);
    assert_true(*pool.apply([] {
        return brood::this_process::is_daemon() &&
               strcmp(brood::this_process::parent_name(), "MainProcess") == 0;
    }));
    assert_int_equal(*pool.apply([] { return brood::this_process::parent_process(); }), getpid());
    assert_int_equal(*pool.apply([] { return brood::this_process::parent_id(); }), supervisor);
}

void a_worker_cannot_read_the_hosts_standard_input(void**) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    const int code = end_of(shared_test::start_child([&] {
        CHECK_IN_CHILD(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
        Pool pool = Pool::create(PoolOptions().workers(1)).expect("pool");
        const Result<long> got = pool.apply([] {
            char byte = 0;
            return static_cast<long>(read(STDIN_FILENO, &byte, 1));
        });
        CHECK_IN_CHILD(got.ok() && *got == 0);
        char byte = 0;
        CHECK_IN_CHILD(read(STDIN_FILENO, &byte, 1) == 1 && byte == 'x');
    }));
    assert_int_equal(code, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

void signals_are_as_in_a_fresh_program(void**) {
    void (*const before)(int) = signal(SIGUSR1, [](int) {});
    sigset_t blocked, former;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGUSR2);
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &former);
    {
        Pool pool = make_pool(1);
        assert_true(*pool.apply([] {
            sigset_t mask;
            (void)sigprocmask(SIG_BLOCK, nullptr, &mask);
            bool fine = sigismember(&mask, SIGUSR2) == 0;
            for (const int number : {SIGUSR1, SIGCHLD, SIGTERM}) {
                struct sigaction action = {};
                (void)sigaction(number, nullptr, &action);
                fine = fine && action.sa_handler == SIG_DFL;
            }
            for (const int number : {SIGINT, SIGQUIT, SIGHUP}) {
                struct sigaction action = {};
                (void)sigaction(number, nullptr, &action);
                fine = fine && action.sa_handler == SIG_IGN;
            }
            return fine;
        }));
    }
    (void)pthread_sigmask(SIG_SETMASK, &former, nullptr);
    (void)signal(SIGUSR1, before);
}

void a_worker_has_the_hosts_descriptors_and_none_of_the_pools(void**) {
    const size_t before = test::open_descriptors();
    Pool other = make_pool(1);
    Pool pool = make_pool(1);
    assert_true(test::open_descriptors() <= before + 4);
    for (Pool* each : {&other, &pool}) {
        const auto counted = each->apply([] { return test::open_descriptors(); });
        assert_int_equal(*counted, before);
        (void)kill(Processes(*each).worker(0), SIGKILL);  // Nor has one that was forked later.
        assert_true(test::eventually([&] {
            const auto again = each->apply([] { return test::open_descriptors(); });
            return again.ok() && *again == before;
        }));
    }
}

void a_host_without_standard_streams_may_have_a_pool(void**) {
    shared_test::assert_child_exits(0, [] {
        for (const int stream : {0, 1, 2}) { (void)close(stream); }
        Result<Pool> pool = Pool::create(PoolOptions().workers(2));
        CHECK_IN_CHILD(pool.ok());
        for (unsigned i = 0; i < 100; ++i) {
            CHECK_IN_CHILD(pool->apply(square, i).value_or(0) == i * i);
        }
        CHECK_IN_CHILD(pool->close().ok());
        CHECK_IN_CHILD(pool->join(kPatience).ok());
    });
}

void a_host_that_reaps_or_ignores_children_does_no_harm(void**) {
    for (const bool ignores : {true, false}) {
        shared_test::assert_child_exits(0, [&] {
            (void)signal(
                SIGCHLD, ignores ? SIG_IGN : [](int) {
                    while (waitpid(-1, nullptr, WNOHANG) > 0) {}
                });
            Result<Pool> pool = Pool::create(PoolOptions().workers(2));
            CHECK_IN_CHILD(pool.ok());
            const Processes processes(*pool);
            CHECK_IN_CHILD(pool->apply([] { _exit(6); }).error().detail() == 6);
            CHECK_IN_CHILD(pool->apply(square, 4u).value_or(0) == 16);
            CHECK_IN_CHILD(pool->close().ok());
            CHECK_IN_CHILD(pool->join(kPatience).ok());
            CHECK_IN_CHILD(processes.are_gone());
        });
    }
}

// ---- Signals of the host -----------------------------------------------------------------------

template <class F>
void assert_times_out_after_100_ms(F call) {
    const int64_t before = test::now_ns();
    assert_code(call(brood::milliseconds(100)), Errc::timed_out);
    const int64_t took_ms = (test::now_ns() - before) / 1000000;
    assert_in_range(took_ms, 100, 5000);
}

// Promise 26.
void a_storm_of_signals_neither_fails_nor_prolongs_a_call(void**) {
    const test::AlarmStorm storm;
    Pool pool = make_pool(2);
    for (unsigned i = 0; i < 300; ++i) { assert_int_equal(*pool.apply(square, i), i * i); }
    static unsigned inputs[2000], outputs[2000];
    for (unsigned i = 0; i < 2000; ++i) { inputs[i] = i; }
    assert_ok(pool.map(square, inputs, outputs));
    for (unsigned i = 0; i < 2000; ++i) { assert_int_equal(outputs[i], i * i); }

    Future<int> held = pool.apply_async(wait_for_go, 7).expect("submitting");
    await_begun(1);
    assert_times_out_after_100_ms([&](Timeout timeout) { return held.wait(timeout); });
    assert_times_out_after_100_ms([&](Timeout timeout) { return held.get(timeout).status(); });
    assert_ok(pool.close());
    assert_times_out_after_100_ms([&](Timeout timeout) { return pool.join(timeout); });
    let_go();
    assert_int_equal(*held.get(), 7);  // For ever, but over the signals.
    assert_ok(pool.join());

    Pool ended = make_pool(2);
    Future<void> endless = ended
                               .apply_async([] {
                                   for (;;) { sleep_us(1000); }
                               })
                               .expect("submitting");
    assert_ok(ended.terminate());
    assert_code(endless.get(), Errc::pool_terminated);
}

// ---- Functions that are not there --------------------------------------------------------------

// A page that was mapped after the pool was made stands for a library that was.
void a_function_loaded_later_is_refused(void**) {
    Pool pool = make_pool(2);
    void* const library =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(library != MAP_FAILED);
    int (*function)(int) = nullptr;
    memcpy(&function, &library, sizeof function);
    assert_code(pool.apply(function, 1), Errc::unknown_function);
    int in[3] = {1, 2, 3}, out[3];
    assert_code(pool.map(function, in, out), Errc::unknown_function);

    // A template that was instantiated over there brings its trampoline along.
    brood::detail::PoolCore* const core = &test::core_of(pool);
    brood::detail::Trampoline trampoline = nullptr;
    memcpy(&trampoline, &library, sizeof trampoline);
    brood::detail::Ticket ticket;
    assert_ok(brood::detail::pool_reserve(core, ticket));
    brood::detail::pool_publish(core, ticket, trampoline);
    assert_int_equal(brood::detail::pool_wait(core, ticket, kPatience), Errc::ok);
    assert_code(brood::detail::pool_outcome(core, ticket), Errc::unknown_function);
    brood::detail::pool_drop(core, ticket);

    assert_int_equal(*pool.apply(square, 7u), 49);  // The workers live.
    assert_int_equal(munmap(library, 4096), 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(options_outside_of_their_bounds_are_refused),
        POOL_TEST(a_table_beyond_all_memory_is_refused),
        POOL_TEST(many_threads_apply_at_the_same_time),
        POOL_TEST(many_threads_submit_and_collect_in_any_order),
        POOL_TEST(a_slow_task_of_one_thread_does_not_hold_up_another),
        POOL_TEST(what_was_accepted_before_close_is_done),
        POOL_TEST(a_pool_made_in_a_thread_that_ends_goes_on),
        POOL_TEST(futures_and_pool_may_be_destroyed_by_different_threads),
        POOL_TEST(a_forked_child_of_the_host_has_no_pool),
        POOL_TEST(a_forked_child_that_lives_on_does_not_keep_the_pool_alive),
        POOL_TEST(a_daemon_has_no_pool_and_a_task_no_children),
        POOL_TEST(a_task_that_forks_makes_no_second_worker),
        POOL_TEST(a_worker_knows_what_it_is),
        POOL_TEST(a_worker_cannot_read_the_hosts_standard_input),
        POOL_TEST(signals_are_as_in_a_fresh_program),
        POOL_TEST(a_worker_has_the_hosts_descriptors_and_none_of_the_pools),
        POOL_TEST(a_host_without_standard_streams_may_have_a_pool),
        POOL_TEST(a_host_that_reaps_or_ignores_children_does_no_harm),
        POOL_TEST(a_storm_of_signals_neither_fails_nor_prolongs_a_call),
        POOL_TEST(a_function_loaded_later_is_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
