// Goal: every call of Pool and Future does what Python's does, and says what it cannot do.
#include "pool_support.hpp"

#include <sys/stat.h>

#include <brood/array.hpp>
#include <brood/lock.hpp>
#include <brood/pipe.hpp>
#include <brood/process.hpp>
#include <brood/tuple.hpp>

using namespace pool_test;

namespace {

// ---- Making ------------------------------------------------------------------------------------

void a_pool_has_as_many_workers_as_asked_for(void**) {
    const Pool pool = make_pool(3);
    assert_int_equal(pool.workers(), 3);
    std::int32_t pids[8];
    assert_int_equal(pool.worker_pids(pids, 8), 3);
    for (int i = 0; i < 3; ++i) {
        assert_false(test::has_ended(pids[i]));
        for (int j = 0; j < i; ++j) { assert_int_not_equal(pids[i], pids[j]); }
    }
    assert_false(test::has_ended(pool.supervisor_pid()));
    assert_int_equal(pool.worker_pids(pids, 1), 3);  // No room is no crime.
}

void without_a_number_there_is_one_worker_for_each_cpu(void**) {
    Result<Pool> pool = Pool::create();
    assert_ok(pool);
    assert_int_equal(pool->workers(), brood::cpu_count());
}

int g_offset = 0;
int add_offset(int n) {
    return n + g_offset;
}

void the_initializer_runs_in_each_worker_with_its_arguments(void**) {
    const auto options = PoolOptions().workers(3).initializer(
        [](int a, int b) {
            g_offset = a + b;
            g_talk->begun.fetch_add(1);
        },
        40, 2);
    Result<Pool> pool = Pool::create(options);
    assert_ok(pool);
    for (int i = 0; i < 20; ++i) {
        Result<int> sum = pool->apply(add_offset, i);
        assert_ok(sum);
        assert_int_equal(*sum, i + 42);
    }
    assert_true(becomes(g_talk->begun, 3));
    assert_int_equal(g_offset, 0);  // Not here.
}

void an_initializer_may_say_that_it_succeeded(void**) {
    Result<Pool> by_bool = Pool::create(PoolOptions().workers(1).initializer([] { return true; }));
    assert_ok(by_bool->apply([] { return 1; }));
    Result<Pool> by_status =
        Pool::create(PoolOptions().workers(1).initializer([]() -> Status { return Errc::ok; }));
    assert_ok(by_status->apply([] { return 1; }));
}

// ---- Calling -----------------------------------------------------------------------------------

struct Point {
    int x, y;
    double weight;
};

void tasks_take_and_give_whatever_is_trivially_copyable(void**) {
    Pool pool = make_pool(2);
    assert_int_equal(*pool.apply(square, 12u), 144);
    assert_int_equal(*pool.apply([](int a, long b, char c) { return a + b + c; }, 1, 2l, '\3'), 6);
    const Result<Point> mirrored = pool.apply(
        [](const Point& p) {
            return Point{p.y, p.x, p.weight * 2};
        },
        Point{1, 2, 1.5});
    assert_ok(mirrored);
    assert_true(mirrored->x == 2 && mirrored->y == 1 && mirrored->weight == 3.0);
    const auto text = pool.apply([](brood::Text<16>& word) { return *word.from("done"); },
                                 *brood::Text<16>::from("work"));
    assert_ok(text);
    assert_string_equal(text->c_str(), "done");
    const auto swapped = pool.apply(
        [](const brood::Pair<int, double>& p) { return brood::Tuple(p.second, p.first); },
        brood::Pair{1, 2.5});
    assert_ok(swapped);
    assert_true(*swapped == brood::Tuple(2.5, 1));
    assert_true(*pool.apply([](bool b) { return !b; }, false));

    const Status nothing = pool.apply([](int n) { g_talk->go.store(n); }, 7);
    assert_ok(nothing);
    assert_int_equal(g_talk->go, 7);
}

void captures_travel_by_value_when_asked(void**) {
    Pool pool = make_pool(1);
    int factor = 6;
    assert_int_equal(*pool.apply(brood::by_value([factor](int n) { return factor * n; }), 7), 42);
    int in[5] = {1, 2, 3, 4, 5}, out[5];
    assert_ok(pool.map(brood::by_value([factor](int n) { return factor * n; }), in, out));
    for (int i = 0; i < 5; ++i) { assert_int_equal(out[i], 6 * in[i]); }
}

// Two tasks that each wait for the other can only end if they run at the same time.
int meet(int) {
    g_talk->begun.fetch_add(1);
    return becomes(g_talk->begun, 2, 2000) ? 1 : 0;
}

void apply_async_overlaps_and_apply_does_not(void**) {
    Pool pool = make_pool(2);
    Future<int> first = pool.apply_async(meet, 0).expect("submitting");
    Future<int> second = pool.apply_async(meet, 0).expect("submitting");
    assert_int_equal(*first.get(kPatience), 1);
    assert_int_equal(*second.get(kPatience), 1);

    for (int i = 0; i < 10; ++i) {
        assert_ok(pool.apply([](int n) { return g_talk->go.exchange(n + 1); }, i));
        assert_int_equal(g_talk->go, i + 1);  // It is done when apply() returns.
    }
}

void one_worker_runs_tasks_in_the_order_of_submission(void**) {
    Pool pool = make_pool(1, 256);
    Future<int> futures[200];
    for (int i = 0; i < 200; ++i) {
        futures[i] = pool.apply_async([] { return g_talk->begun.fetch_add(1); }).expect("submit");
    }
    for (int i = 0; i < 200; ++i) { assert_int_equal(*futures[i].get(kPatience), i); }
}

void tasks_with_large_arguments_and_results(void**) {
    using Page = brood::Bytes<100000>;
    Result<Pool> pool =
        Pool::create(PoolOptions().workers(2).capacity(4).payload_bytes(sizeof(Page) + 64));
    assert_ok(pool);
    static char bytes[100000];
    memset(bytes, 'x', sizeof bytes);
    static Page page;
    page = *Page::from(bytes, sizeof bytes);
    for (int i = 0; i < 10; ++i) {
        static Result<Page> back = Errc::not_done;
        back = pool->apply(
            [](Page& given) {
                memset(bytes, static_cast<unsigned char>(given.data()[0]) + 1, sizeof bytes);
                return *Page::from(bytes, sizeof bytes);
            },
            page);
        assert_ok(back);
        assert_int_equal(back->size(), sizeof bytes);
        assert_int_equal(back->data()[0], 'y');
        assert_int_equal(back->data()[sizeof bytes - 1], 'y');
    }
}

// ---- Futures -----------------------------------------------------------------------------------

void a_future_tells_how_its_task_stands(void**) {
    Pool pool = make_pool(1);
    Future<int> future = pool.apply_async(wait_for_go, 5).expect("submitting");
    await_begun(1);
    assert_false(future.ready());
    assert_code(future.successful(), Errc::not_done);
    assert_code(future.wait(brood::milliseconds(20)), Errc::timed_out);
    assert_code(future.get(Timeout::no_wait()), Errc::timed_out);
    assert_code(future.get(brood::milliseconds(20)), Errc::timed_out);
    assert_code(future.get(brood::milliseconds(-1)), Errc::timeout_negative);
    assert_code(future.wait(brood::seconds(INT64_MAX)), Errc::timeout_overflow);
    let_go();
    assert_ok(future.wait(kPatience));
    assert_true(future.ready());
    assert_true(*future.successful());
    assert_int_equal(*future.get(), 5);

    assert_code(future.get(), Errc::collected);
    assert_code(future.wait(), Errc::collected);
    assert_code(future.successful(), Errc::collected);
    assert_false(future.ready());
    assert_code(Future<int>().get(), Errc::collected);
}

void a_failed_task_is_not_successful(void**) {
    Pool pool = make_pool(1);
    Future<void> future = pool.apply_async([] { _exit(4); }).expect("submitting");
    assert_ok(future.wait(kPatience));
    assert_false(*future.successful());
    const Status status = future.get();
    assert_code(status, Errc::worker_died);
    assert_int_equal(status.error().detail(), 4);
    assert_code(future.get(), Errc::collected);
}

void a_future_may_outlive_its_pool(void**) {
    Future<int> ended, running;
    {
        Pool pool = make_pool(1);
        ended = pool.apply_async(count_run, 3).expect("submitting");
        assert_ok(ended.wait(kPatience));
        running = pool.apply_async(wait_for_go, 1).expect("submitting");
        await_begun(1);
    }
    assert_int_equal(*ended.get(), 3);
    assert_true(running.ready());
    assert_false(*running.successful());
    assert_code(running.get(), Errc::pool_terminated);
    assert_code(running.wait(), Errc::pool_terminated);
    Future<int> moved = std::move(running);
    assert_code(moved.get(brood::seconds(1)), Errc::pool_terminated);
    assert_code(running.get(), Errc::collected);
}

void tasks_whose_futures_were_dropped_go_on(void**) {
    Pool pool = make_pool(2, 8);
    for (int i = 0; i < 2000;) {
        const Result<Future<int>> future = pool.apply_async(count_run, i);
        if (future.ok()) {
            ++i;
        } else {
            assert_code(future, Errc::full);
            sleep_us(20);
        }
    }
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
    for (int i = 0; i < 2000; ++i) { assert_int_equal(g_talk->runs[i], 1); }
}

void a_full_table_says_so_until_a_result_is_taken(void**) {
    Pool pool = make_pool(1, 4);
    Future<int> futures[4];
    for (int i = 0; i < 4; ++i) {
        futures[i] = pool.apply_async(count_run, i).expect("submitting");
    }
    assert_code(pool.apply_async(count_run, 9), Errc::full);
    assert_code(pool.apply(count_run, 9), Errc::full);
    assert_int_equal(*futures[2].get(kPatience), 2);
    assert_int_equal(*pool.apply(count_run, 9), 9);
    futures[0] = Future<int>();  // Forgotten: its place is free as soon as it has ended.
    assert_true(test::eventually([&] { return pool.apply(count_run, 9).ok(); }));
}

// ---- Ending ------------------------------------------------------------------------------------

void close_lets_what_was_submitted_be_done(void**) {
    Pool pool = make_pool(2);
    const Processes processes(pool);
    assert_code(pool.join(), Errc::pool_not_closed);
    Future<int> futures[100];
    for (int i = 0; i < 100; ++i) {
        futures[i] = pool.apply_async(count_run, i).expect("submitting");
    }
    assert_ok(pool.close());
    assert_code(pool.apply_async(count_run, 1), Errc::pool_closed);
    assert_ok(pool.close());  // Again is fine.
    assert_ok(pool.join(kPatience));
    assert_ok(pool.join());
    assert_true(processes.are_gone(0));
    for (int i = 0; i < 100; ++i) { assert_int_equal(*futures[i].get(), i); }
    assert_int_equal(pool.supervisor_pid(), 0);
    assert_int_equal(pool.worker_pids(nullptr, 0), 0);
}

void close_ends_workers_that_sleep(void**) {
    Pool pool = make_pool(3);
    const Processes processes(pool);
    for (size_t i = 0; i < 3; ++i) {  // The system says that they do.
        test::await_state(processes.worker(i), 'S');
    }
    sleep_us(20000);
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
}

void join_gives_up_at_its_timeout(void**) {
    Pool pool = make_pool(1);
    Future<int> future = pool.apply_async(wait_for_go, 8).expect("submitting");
    assert_ok(pool.close());
    assert_code(pool.join(brood::milliseconds(30)), Errc::timed_out);
    assert_code(pool.join(Timeout::no_wait()), Errc::timed_out);
    assert_code(pool.join(brood::milliseconds(-5)), Errc::timeout_negative);
    let_go();
    assert_ok(pool.join(kPatience));
    assert_int_equal(*future.get(), 8);
}

void terminate_ends_tasks_that_run(void**) {
    Pool pool = make_pool(2);
    const Processes processes(pool);
    Future<int> running = pool.apply_async(wait_for_go, 1).expect("submitting");
    Future<int> stubborn = pool.apply_async([] {
                                   (void)signal(SIGTERM, SIG_IGN);
                                   return wait_for_go(2);
                               })
                               .expect("submitting");
    Future<int> queued = pool.apply_async(wait_for_go, 3).expect("submitting");
    await_begun(2);
    assert_ok(pool.terminate());
    assert_true(processes.are_gone(0));
    for (Future<int>* future : {&running, &stubborn, &queued}) {
        assert_code(future->get(kPatience), Errc::pool_terminated);
    }
    assert_int_equal(g_talk->ended, 0);
    assert_code(pool.apply(square, 1u), Errc::pool_closed);
    assert_ok(pool.join());
    assert_ok(pool.terminate());
}

void the_destructor_leaves_nothing_behind(void**) {
    for (int i = 0; i < 20; ++i) {
        Pool pool = make_pool(2);
        const Processes processes(pool);
        Future<int> running;
        if (i % 2 == 0) { running = pool.apply_async(wait_for_go, 1).expect("submitting"); }
        pool = Pool();
        assert_true(processes.are_gone(0));
    }
}

void a_pool_that_was_moved_from_is_closed(void**) {
    Pool first = make_pool(1);
    Pool second = std::move(first);
    assert_code(first.apply(square, 2u), Errc::closed);
    assert_code(first.close(), Errc::closed);
    assert_code(first.join(), Errc::closed);
    assert_code(first.terminate(), Errc::closed);
    unsigned in[1] = {3}, out[1] = {0};
    assert_code(first.map(square, in, out), Errc::closed);
    assert_int_equal(first.workers(), 0);
    assert_int_equal(*second.apply(square, 3u), 9);
    second = make_pool(1);  // The former one is terminated.
    assert_int_equal(*second.apply(square, 4u), 16);
}

void a_task_that_exits_takes_only_its_worker_along(void**) {
    Pool pool = make_pool(1);
    const auto exits_with = [&](Status status, int code) {
        assert_code(status, Errc::worker_died);
        assert_int_equal(status.error().detail(), code);
        assert_int_equal(*pool.apply(square, 3u), 9);
    };
    exits_with(pool.apply([] { brood::this_process::exit(3); }), 3);
    exits_with(pool.apply([] { _exit(4); }), 4);
    exits_with(pool.apply([] { _exit(0); }), 0);
    exits_with(pool.apply([] { (void)raise(SIGKILL); }), -SIGKILL);
    exits_with(pool.apply([] { (void)raise(SIGTERM); }), -SIGTERM);
}

// Runs body() in a process of its own whose standard output is a file, and gives what it holds.
template <class F>
void output_of(F body, char* text, size_t room) {
    char path[] = "/tmp/brood-pool-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    (void)unlink(path);
    shared_test::assert_child_exits(0, [&] {
        CHECK_IN_CHILD(dup2(file, STDOUT_FILENO) >= 0);
        (void)setvbuf(stdout, nullptr, _IOFBF, 4096);
        body();
        (void)fflush(stdout);
    });
    const ssize_t bytes = pread(file, text, room - 1, 0);
    assert_true(bytes >= 0);
    text[bytes] = '\0';
    (void)close(file);
}

void what_tasks_print_is_written_once_and_when_the_pool_is_closed(void**) {
    char text[4096];
    output_of(
        [] {
            (void)printf("host before\n");
            Pool pool = Pool::create(PoolOptions().workers(2)).expect("pool");
            for (int i = 0; i < 4; ++i) {
                pool.apply([](int n) { (void)printf("task %d\n", n); }, i).expect("task");
            }
            pool.close().expect("close");
            pool.join().expect("join");
            (void)printf("host after\n");
        },
        text, sizeof text);
    for (const char* line :
         {"host before\n", "task 0\n", "task 1\n", "task 2\n", "task 3\n", "host after\n"}) {
        const char* const found = strstr(text, line);
        assert_non_null(found);
        assert_null(strstr(found + 1, line));
    }
    assert_int_equal(strncmp(text, "host before\n", 12), 0);
}

// ---- Other objects -----------------------------------------------------------------------------

brood::Array<int> g_array;
brood::Lock g_lock;
brood::Receiver<int> g_receiver;
brood::Sender<int> g_sender;

void tasks_use_objects_that_were_made_before_the_pool(void**) {
    {
        g_array = brood::Array<int>::create(4).expect("array");
        g_lock = brood::Lock::create().expect("lock");
        auto pipe = brood::Pipe<int>::simplex().expect("pipe");
        g_receiver = std::move(pipe.receiver);
        g_sender = std::move(pipe.sender);
        Pool pool = make_pool(3);
        static int in[3000], out[3000];
        assert_ok(pool.map(
            [](int) {
                const brood::Locked hold = g_lock.acquire();
                return ++g_array[2];
            },
            in, out, 3000));
        assert_int_equal(g_array[2], 3000);
        Future<void> sent =
            pool.apply_async([](int n) { g_sender.send(n).ignore(); }, 77).expect("submitting");
        assert_int_equal(*g_receiver.recv(kPatience), 77);
        assert_ok(sent.get(kPatience));
    }
    g_array = brood::Array<int>();
    g_lock = brood::Lock();
    g_receiver = brood::Receiver<int>();
    g_sender = brood::Sender<int>();
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(a_pool_has_as_many_workers_as_asked_for),
        POOL_TEST(without_a_number_there_is_one_worker_for_each_cpu),
        POOL_TEST(the_initializer_runs_in_each_worker_with_its_arguments),
        POOL_TEST(an_initializer_may_say_that_it_succeeded),
        POOL_TEST(tasks_take_and_give_whatever_is_trivially_copyable),
        POOL_TEST(captures_travel_by_value_when_asked),
        POOL_TEST(apply_async_overlaps_and_apply_does_not),
        POOL_TEST(one_worker_runs_tasks_in_the_order_of_submission),
        POOL_TEST(tasks_with_large_arguments_and_results),
        POOL_TEST(a_future_tells_how_its_task_stands),
        POOL_TEST(a_failed_task_is_not_successful),
        POOL_TEST(a_future_may_outlive_its_pool),
        POOL_TEST(tasks_whose_futures_were_dropped_go_on),
        POOL_TEST(a_full_table_says_so_until_a_result_is_taken),
        POOL_TEST(close_lets_what_was_submitted_be_done),
        POOL_TEST(close_ends_workers_that_sleep),
        POOL_TEST(join_gives_up_at_its_timeout),
        POOL_TEST(terminate_ends_tasks_that_run),
        POOL_TEST(the_destructor_leaves_nothing_behind),
        POOL_TEST(a_pool_that_was_moved_from_is_closed),
        POOL_TEST(a_task_that_exits_takes_only_its_worker_along),
        POOL_TEST(what_tasks_print_is_written_once_and_when_the_pool_is_closed),
        POOL_TEST(tasks_use_objects_that_were_made_before_the_pool),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
