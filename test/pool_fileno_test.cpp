// Goal: a pool that is pollable() tells a host's own loop of every end by a descriptor, whoever is
// killed or stopped, at the price of a system call only if the host has looked since; it leaves no
// descriptor anywhere that it should not, and nothing in pools that are not.
// Method: real loops on poll(2) with deadlines, real kills; workers that stand between two steps
// are made by setting the word that they would have left.
#include "pool_inside.hpp"
#include "pool_support.hpp"

#include <sys/ioctl.h>
#include <sys/resource.h>

#include <brood/pipe.hpp>
#include <brood/wait.hpp>

using namespace pool_test;
using brood::detail::kForLoop;

namespace {

bool is_posix() {
    return strcmp(brood::port::kName, "posix") == 0;
}

bool becomes_readable(int fd, int64_t within_ms = test::kPatienceMs) {
    pollfd item = {fd, POLLIN, 0};
    const int64_t deadline = test::in_ms(within_ms);
    for (;;) {
        const int64_t left_ms = (deadline - test::now_ns()) / 1000000;
        const int found = poll(&item, 1, left_ms > 0 ? static_cast<int>(left_ms) : 0);
        if (found >= 0) { return found == 1; }
    }
}
bool is_readable(int fd) {
    return becomes_readable(fd, 0);
}
/// A worker may tell of an end a moment after the host has seen that.
bool is_emptied_by_poll(Pool& pool) {
    return test::eventually([&] {
        (void)pool.poll().ok();
        return !is_readable(pool.fileno());
    });
}

Pool make_pollable(std::uint32_t workers, std::uint32_t capacity = 1024) {
    return make_pool(PoolOptions().workers(workers).capacity(capacity).pollable());
}

// ---- What it tells -----------------------------------------------------------------------------

void it_is_readable_from_the_end_of_a_task_until_poll(void**) {
    Pool pool = make_pollable(2);
    assert_true(pool.fileno() > 2);
    assert_int_equal(fcntl(pool.fileno(), F_GETFD), FD_CLOEXEC);
    assert_false(is_readable(pool.fileno()));
    for (int i = 0; i < 50; ++i) {
        Future<int> held = pool.apply_async(wait_for_go, i).expect("submitting");
        await_begun(i + 1);
        assert_false(is_readable(pool.fileno()));
        let_go();
        assert_true(becomes_readable(pool.fileno()));
        assert_true(held.ready());
        assert_true(is_readable(pool.fileno()));  // A look is no poll().
        assert_true(is_emptied_by_poll(pool));
        assert_int_equal(*held.get(Timeout::no_wait()), i);
        g_talk->go.store(0);
    }
    const int fd = pool.fileno();
    Pool moved = std::move(pool);
    assert_int_equal(moved.fileno(), fd);
    assert_int_equal(pool.fileno(), -1);
    assert_int_equal(make_pool(1).fileno(), -1);
}

void many_ends_are_told_by_a_few_bytes(void**) {
    constexpr std::uint32_t kWorkers = 2, kTasks = 1000;
    Pool pool = make_pollable(kWorkers);
    static int in[kTasks], out[kTasks];
    const auto told = [&] {
        assert_true(is_emptied_by_poll(pool));
        assert_ok(pool.map(count_run, in, out, kTasks, brood::MapOptions().chunk_size(1)));
        int bytes = 0;
        assert_int_equal(ioctl(pool.fileno(), FIONREAD, &bytes), 0);
        assert_true(bytes >= 1);
        return static_cast<std::uint32_t>(bytes);
    };
    // While one tells, the others do, too: many times, if the system lets it stand there.
    assert_true(test::eventually([&] { return told() <= kWorkers; }));
}

void callbacks_that_are_due_without_an_end_are_told_too(void**) {
    Pool pool = make_pollable(1);
    int calls = 0;
    const auto count = [&calls](auto&&...) { ++calls; };
    const auto awaits_call = [&](int wanted) {
        assert_true(becomes_readable(pool.fileno()));
        assert_int_equal(calls, wanted - 1);
        assert_int_equal(pool.poll(kPatience).value_or(0), 1);
        assert_int_equal(calls, wanted);
        assert_true(is_emptied_by_poll(pool));
    };
    Future<int> first = pool.apply_async(count_run, 1).expect("submitting");
    assert_ok(first.wait(kPatience));
    assert_true(is_emptied_by_poll(pool));
    first.then(count);  // It has ended, and that was told.
    awaits_call(1);

    Future<int> held = pool.apply_async(wait_for_go, 2).expect("submitting");
    await_begun(1);
    Future<int> unwanted = pool.apply_async(count_run, 3).expect("submitting");
    unwanted.then(nullptr, count);
    assert_true(*unwanted.cancel());  // By the host itself: no worker has begun it.
    awaits_call(2);

    static int in[1], out[1];
    brood::MapFuture<int> nothing = pool.map_async(count_run, in, out, 0).expect("map");
    nothing.then(count);
    awaits_call(3);
    let_go();
    assert_int_equal(*held.get(kPatience), 2);
}

void a_map_goes_on_in_the_loop(void**) {
    static int in[20000], out[20000];
    Pool pool = make_pollable(2, 8);
    for (int i = 0; i < 20000; ++i) { in[i] = i; }
    bool is_done = false;
    brood::MapFuture<int> map =
        pool.map_async(count_run, in, out, 20000, brood::MapOptions().chunk_size(7)).expect("map");
    map.then([&is_done](int*, size_t) { is_done = true; });
    while (!is_done) {
        assert_true(becomes_readable(pool.fileno()));
        (void)pool.poll().ok();
    }
    for (int i = 0; i < 20000; ++i) { assert_int_equal(out[i], i); }
}

// ---- Loops -------------------------------------------------------------------------------------

/// What a host's loop does: it sleeps on the descriptor alone.
template <class F>
void loop_over(Pool& pool, int tasks, int (*task)(int), F judge) {
    constexpr int kAhead = 64;
    Future<int> futures[kAhead];
    bool is_out[kAhead] = {};
    int sent = 0, ended = 0;
    for (;;) {
        for (int i = 0; i < kAhead; ++i) {
            if (is_out[i] && !futures[i].ready()) { continue; }
            if (is_out[i]) {
                judge(futures[i].get(Timeout::no_wait()));
                ++ended;
            }
            is_out[i] = sent < tasks;
            if (is_out[i]) { futures[i] = pool.apply_async(task, sent++).expect("submitting"); }
        }
        if (ended == tasks) { return; }
        assert_true(becomes_readable(pool.fileno()));
        (void)pool.poll().ok();  // Before the looks.
    }
}

void a_loop_hears_of_the_end_of_100000_tasks(void**) {
    constexpr int kTasks = 100000;
    Pool pool = make_pollable(2);
    loop_over(pool, kTasks, count_run, [](const Result<int>& got) { assert_ok(got); });
    for (int i = 0; i < kTasks; ++i) { assert_int_equal(g_talk->runs[i], 1); }
}

void a_loop_with_callbacks_hears_of_all_beside_threads_that_wait_otherwise(void**) {
    constexpr int kEach = 4000, kAhead = 32;
    Pool pool = make_pollable(2);
    std::atomic<int> wrong{0};
    in_threads(4, [&](int thread) {
        if (thread == 0) {  // The loop: nobody else takes from it what it waits for.
            // The other threads call callbacks, too, when they look: so it may be told of an end
            // whose callback another is just calling, and of nothing after that.
            std::atomic<int> called{0};
            int sent = 0;
            while (called < kEach) {
                while (sent < kEach && sent - called < kAhead) {
                    pool.apply_async(count_run, sent++)->then([&called](int) { ++called; });
                }
                const int before = called;
                const bool is_told = test::eventually([&] {
                    return becomes_readable(pool.fileno(), 1) || called != before || called == sent;
                });
                if (!is_told) { return (void)wrong.fetch_add(1000000); }
                (void)pool.poll().ok();
            }
            return;
        }
        int fds[2];
        if (pipe(fds) != 0) { return (void)wrong.fetch_add(1); }
        for (int i = 0; i < kEach; ++i) {
            const int index = thread * kEach + i;
            Future<int> future = pool.apply_async(count_run, index).expect("submitting");
            // Some wait by wait(), and never take what is the loop's.
            if (thread != 1) {
                const int64_t before = now_ms();
                const Result<size_t> first = brood::wait({fds[0], future}, brood::seconds(30));
                // At the end of its time it looks once more.
                wrong += first.ok() && *first == 1 && now_ms() - before < 25000 ? 0 : 1;
            }
            const Result<int> got = future.get(kPatience);
            wrong += got.ok() && *got == index ? 0 : 1;
        }
        (void)close(fds[0]);
        (void)close(fds[1]);
    });
    assert_int_equal(wrong, 0);
    for (int i = 0; i < 4 * kEach; ++i) { assert_int_equal(g_talk->runs[i], 1); }
}

// ---- Deaths ------------------------------------------------------------------------------------

void a_loop_hears_of_all_while_workers_are_killed_at_random(void**) {
    Pool pool = make_pollable(3);
    int died = 0;
    Storm storm(pool);
    const auto count_slowly = [](int index) { return sleep_us(50), count_run(index); };
    loop_over(pool, 20000, count_slowly, [&](const Result<int>& got) {
        if (!got.ok()) { assert_code(got, Errc::worker_died); }
        died += got.ok() ? 0 : 1;
    });
    print_message("%d killed, %d of them in a task\n", storm.stop(), died);
}

/// The only one; its supervisor may say a moment after it has begun a task that it is there.
pid_t worker_of(const Pool& pool) {
    assert_true(test::eventually([&] { return Processes(pool).count == 2; }));
    return Processes(pool).worker(0);
}

void a_worker_killed_in_its_task_is_told_of(void**) {
    Pool pool = make_pollable(1);
    for (int i = 0; i < 20; ++i) {
        Future<int> held = pool.apply_async(wait_for_go, i).expect("submitting");
        await_begun(i + 1);
        assert_true(is_emptied_by_poll(pool));  // of the death before
        assert_int_equal(kill(worker_of(pool), SIGKILL), 0);
        assert_true(becomes_readable(pool.fileno()));
        (void)pool.poll().ok();
        assert_true(held.ready());
        assert_code(held.get(), Errc::worker_died);
    }
}

// Between its two steps. It has stored the end of its task, and nobody else will speak of that.
void a_worker_killed_before_it_has_told_is_made_up_for_by_the_supervisor(void**) {
    Pool pool = make_pollable(1);
    for (int i = 0; i < 20; ++i) {
        const pid_t worker = worker_of(pool);
        assert_true(is_emptied_by_poll(pool));
        test::shared_of(pool).armed[kForLoop].store(brood::detail::kTelling + 0);
        assert_int_equal(kill(worker, SIGKILL), 0);
        assert_true(becomes_readable(pool.fileno()));
        (void)pool.poll().ok();
    }
}

void a_worker_stopped_before_it_has_told_holds_up_nobody(void**) {
    Pool pool = make_pollable(2);
    assert_int_equal(*pool.apply(count_run, 0), 0);
    assert_true(is_emptied_by_poll(pool));
    const Processes processes(pool);
    assert_int_equal(kill(processes.worker(0), SIGSTOP), 0);
    test::await_state(processes.worker(0), 'T');
    for (int i = 1; i < 50; ++i) {
        test::shared_of(pool).armed[kForLoop].store(brood::detail::kTelling + 0);
        Future<int> other = pool.apply_async(count_run, i).expect("submitting");
        assert_true(becomes_readable(pool.fileno()));
        assert_int_equal(*other.get(kPatience), i);
        assert_true(is_emptied_by_poll(pool));
    }
    assert_int_equal(kill(processes.worker(0), SIGCONT), 0);
    assert_int_equal(*pool.apply(count_run, 50), 50);
}

/// Nobody has the other end any more.
bool hangs_up(Pool& pool) {
    return test::eventually([&] {
        (void)pool.poll().ok();
        pollfd item = {pool.fileno(), POLLIN, 0};
        return poll(&item, 1, 0) == 1 && (item.revents & POLLHUP) != 0;
    });
}

void a_killed_supervisor_makes_it_readable_for_good(void**) {
    for (const bool is_busy : {false, true}) {
        if (is_busy && is_posix()) {
            test::not_run("a pool broken while all workers are busy",
                          "posix: they tell when their task ends");
            break;
        }
        fresh_talk(nullptr);
        Pool pool = make_pollable(2);
        Future<int> held;
        if (is_busy) {
            held = pool.apply_async(wait_for_go, 1).expect("submitting");
            await_begun(1);
        }
        assert_int_equal(kill(pool.supervisor_pid(), SIGKILL), 0);
        assert_true(becomes_readable(pool.fileno()));
        assert_true(test::eventually([&] {
            (void)pool.poll().ok();
            return pool.supervisor_pid() == 0;
        }));
        assert_true(hangs_up(pool));
        if (is_busy) { assert_code(held.get(), Errc::pool_broken); }
        assert_code(pool.apply(count_run, 1), Errc::pool_broken);
        let_go();
    }
}

// They hold no end of it by which it would seem to live on.
void children_of_the_host_and_of_a_task_do_not_hide_the_end_of_a_pool(void**) {
    Pool pool = make_pollable(2);
    test::Handshake go;
    const pid_t child = start_child([&] { (void)go.await(); });
    assert_ok(pool.apply([] {
        const pid_t orphan = fork();
        if (orphan == 0) {
            while (g_talk->go == 0) { sleep_us(1000); }
            _exit(0);
        }
        g_talk->begun.store(orphan);
    }));
    assert_true(is_emptied_by_poll(pool));
    const Processes processes(pool);
    assert_int_equal(kill(pool.supervisor_pid(), SIGKILL), 0);
    assert_true(becomes_readable(pool.fileno()));
    assert_true(processes.are_gone());
    assert_true(hangs_up(pool));
    assert_false(test::has_ended(g_talk->begun));
    let_go();
    go.tell();
    assert_int_equal(end_of(child), 0);
    assert_true(test::eventually([] { return test::has_ended(g_talk->begun); }));
}

// At whatever moment of that they are forked.
void children_forked_while_a_pool_is_made_do_not_hide_its_end(void**) {
    constexpr int kPools = 30;
    Pool pools[kPools];
    pid_t children[200];
    int count = 0, ends[2];
    assert_int_equal(pipe(ends), 0);  // They go when we close it.
    std::atomic<int> made{0}, wrong{0};
    in_threads(2, [&](int thread) {
        if (thread == 0) {
            for (Pool& pool : pools) {
                pool = make_pollable(1);
                made.fetch_add(1);
            }
            return;
        }
        while (made < kPools && count < 200) {
            const pid_t pid = fork();
            if (pid == 0) {
                char byte = 0;
                (void)close(ends[1]);
                _exit(static_cast<int>(read(ends[0], &byte, 1)));
            }
            if (pid < 0) { return (void)wrong.fetch_add(1); }
            children[count++] = pid;
        }
    });
    assert_int_equal(wrong, 0);
    for (Pool& pool : pools) {
        assert_int_equal(kill(pool.supervisor_pid(), SIGKILL), 0);
        assert_true(hangs_up(pool));
    }
    (void)close(ends[1]);
    for (int i = 0; i < count; ++i) { assert_int_equal(end_of(children[i]), 0); }
    (void)close(ends[0]);
}

void who_is_stopped_is_not_dead(void**) {
    Pool pool = make_pollable(2);
    const Processes processes(pool);
    assert_int_equal(kill(processes.supervisor(), SIGSTOP), 0);
    test::await_state(processes.supervisor(), 'T');
    for (int i = 0; i < 20; ++i) {
        assert_true(is_emptied_by_poll(pool));
        Future<int> future = pool.apply_async(count_run, i).expect("submitting");
        assert_true(becomes_readable(pool.fileno()));
        assert_int_equal(*future.get(kPatience), i);
    }
    for (size_t i = 1; i < processes.count; ++i) {
        assert_int_equal(kill(processes.pid[i], SIGSTOP), 0);
        test::await_state(processes.pid[i], 'T');
    }
    assert_true(is_emptied_by_poll(pool));
    assert_false(becomes_readable(pool.fileno(), 1000));
    assert_true(pool.supervisor_pid() != 0);
    for (size_t i = 0; i < processes.count; ++i) {
        assert_int_equal(kill(processes.pid[i], SIGCONT), 0);
    }
    assert_int_equal(*pool.apply(count_run, 1), 1);
}

void with_a_killed_host_all_go(void**) {
    LifeSign life;
    const pid_t host = start_child([&] {
        Pool pool = make_pollable(2);
        Future<int> idle = pool.apply_async(count_run, 1).expect("submitting");
        (void)idle.wait(kPatience).ok();
        Future<int> held = pool.apply_async(wait_for_go, 1).expect("submitting");
        await_begun(1);
        g_talk->ended.store(1);
        pause();
    });
    life.stop_holding();
    assert_true(becomes(g_talk->ended, 1));
    kill_and_reap(host);
    assert_true(life.has_ended());
    let_go();
    remove_name_of(host);
}

// ---- Ends --------------------------------------------------------------------------------------

void it_is_readable_for_good_when_the_pool_has_ended(void**) {
    for (const bool is_terminated : {false, true}) {
        Pool pool = make_pollable(2);
        Future<int> task = pool.apply_async(count_run, 1).expect("submitting");
        assert_ok(is_terminated ? pool.terminate() : pool.close());
        assert_true(test::eventually([&] {
            (void)pool.poll().ok();
            return becomes_readable(pool.fileno()) && pool.supervisor_pid() == 0;
        }));
        assert_true(becomes_readable(pool.fileno(), 0));
        assert_ok(pool.join(kPatience));
        if (!is_terminated) { assert_int_equal(*task.get(Timeout::no_wait()), 1); }
        assert_true(is_readable(pool.fileno()));
    }
    Pool pool = make_pollable(1);
    const int fd = pool.fileno();
    Future<int> outlives = pool.apply_async(count_run, 1).expect("submitting");
    pool = Pool();
    assert_int_equal(pool.fileno(), -1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_true(outlives.ready());
}

// ---- Descriptors -------------------------------------------------------------------------------

void it_takes_two_descriptors_in_each_process_and_leaves_none(void**) {
    const size_t before = test::open_descriptors();
    size_t in_host[2], in_worker[2], in_child[2];
    for (const bool is_pollable : {false, true}) {
        PoolOptions options = PoolOptions().workers(1);
        if (is_pollable) { options.pollable(); }
        Pool pool = make_pool(options);
        in_host[is_pollable] = test::open_descriptors();
        in_worker[is_pollable] = *pool.apply([] { return test::open_descriptors(); });
        in_child[is_pollable] = static_cast<size_t>(end_of(start_child([&] {
            CHECK_IN_CHILD(pool.fileno() == -1);
            _exit(static_cast<int>(test::open_descriptors()));
        })));
    }
    assert_int_equal(in_host[true], in_host[false] + 2);
    assert_int_equal(in_worker[true], in_worker[false] + 2);
    assert_int_equal(in_child[true], in_child[false]);
    assert_int_equal(in_child[true], before);
    assert_int_equal(test::open_descriptors(), before);
}

// With one more each time, until there are enough.
void too_few_descriptors_are_an_error_that_leaves_nothing(void**) {
    assert_child_exits(0, [] {
        rlimit limit = {};
        CHECK_IN_CHILD(getrlimit(RLIMIT_NOFILE, &limit) == 0);
        const size_t before = test::open_descriptors();
        int refused = 0;
        for (limit.rlim_cur = 3;; ++limit.rlim_cur) {
            CHECK_IN_CHILD(setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 200);
            const Result<Pool> pool = Pool::create(PoolOptions().workers(1).pollable());
            if (pool.ok()) { break; }
            CHECK_IN_CHILD(pool.code() == Errc::too_many_files);
            ++refused;
        }
        CHECK_IN_CHILD(refused >= 4);
        limit.rlim_cur = 200;
        CHECK_IN_CHILD(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        CHECK_IN_CHILD(test::open_descriptors() == before);
    });
}

}  // namespace

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        POOL_TEST(it_is_readable_from_the_end_of_a_task_until_poll),
        POOL_TEST(many_ends_are_told_by_a_few_bytes),
        POOL_TEST(callbacks_that_are_due_without_an_end_are_told_too),
        POOL_TEST(a_map_goes_on_in_the_loop),
        POOL_TEST(a_loop_hears_of_the_end_of_100000_tasks),
        POOL_TEST(a_loop_with_callbacks_hears_of_all_beside_threads_that_wait_otherwise),
        POOL_TEST(a_loop_hears_of_all_while_workers_are_killed_at_random),
        POOL_TEST(a_worker_killed_in_its_task_is_told_of),
        POOL_TEST(a_worker_killed_before_it_has_told_is_made_up_for_by_the_supervisor),
        POOL_TEST(a_worker_stopped_before_it_has_told_holds_up_nobody),
        POOL_TEST(a_killed_supervisor_makes_it_readable_for_good),
        POOL_TEST(children_of_the_host_and_of_a_task_do_not_hide_the_end_of_a_pool),
        POOL_TEST(children_forked_while_a_pool_is_made_do_not_hide_its_end),
        POOL_TEST(who_is_stopped_is_not_dead),
        POOL_TEST(with_a_killed_host_all_go),
        POOL_TEST(it_is_readable_for_good_when_the_pool_has_ended),
        POOL_TEST(it_takes_two_descriptors_in_each_process_and_leaves_none),
        POOL_TEST(too_few_descriptors_are_an_error_that_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
