// Goal: who submits to a full table waits for room as long as was asked for, is woken by whatever
// makes room, and hears at once when there never will be any.
#include "pool_inside.hpp"
#include "pool_support.hpp"

#include <sys/syscall.h>

using namespace pool_test;
using brood::TaskOptions;
using test::core_of;

namespace {

const Timeout kLong = brood::seconds(60);

Pool make_patient(std::uint32_t capacity, Timeout timeout = kLong) {
    return make_pool(PoolOptions().workers(1).capacity(capacity).submit_timeout(timeout));
}

/// A thread that submits a task to a full table, and sleeps until there is room when this is made.
class Submitter {
public:
    using Submit = Errc (*)(Pool& pool);
    explicit Submitter(
        Pool& pool, Submit submit = [](Pool& to) { return to.apply_async(count_run, 7).code(); })
        : pool_(pool), submit_(submit) {
        assert_int_equal(pthread_create(&thread_, nullptr, &run, this), 0);
        auto& waiting = core_of(pool).short_of_room;
        assert_true(test::eventually([&] { return waiting == 1; }));
        test::await_state(id_, 'S');
        assert_false(is_over_);
    }
    /// What came of it, long before its time was over: it was woken.
    Errc outcome() {
        const bool was_woken = test::eventually([&] { return is_over_.load(); });
        assert_int_equal(pthread_join(thread_, nullptr), 0);
        assert_true(was_woken);
        return code_;
    }

private:
    static void* run(void* submitter) {
        Submitter& self = *static_cast<Submitter*>(submitter);
        self.id_ = static_cast<pid_t>(syscall(SYS_gettid));
        self.code_ = self.submit_(self.pool_);
        self.is_over_ = true;
        return nullptr;
    }
    Pool& pool_;
    Submit submit_;
    pthread_t thread_;
    std::atomic<pid_t> id_{0};
    Errc code_ = Errc::not_done;
    std::atomic<bool> is_over_{false};
};

// ---- Room that comes ---------------------------------------------------------------------------

void a_submission_waits_until_another_thread_collects(void**) {
    Pool pool = make_patient(2);
    Future<int> futures[2];
    for (int i = 0; i < 2; ++i) {
        futures[i] = pool.apply_async(count_run, i).expect("submitting");
        assert_ok(futures[i].wait(kPatience));
    }
    Submitter submitter(pool);
    assert_int_equal(*futures[1].get(kPatience), 1);
    assert_int_equal(submitter.outcome(), Errc::ok);
    assert_true(becomes(g_talk->runs[7], 1));
}

void a_submission_waits_until_another_thread_drops_a_future(void**) {
    Pool pool = make_patient(1);
    Future<int> future = pool.apply_async(count_run, 0).expect("submitting");
    assert_ok(future.wait(kPatience));
    Submitter submitter(pool);
    future = Future<int>();
    assert_int_equal(submitter.outcome(), Errc::ok);
}

void a_submission_waits_until_a_task_that_nobody_asks_for_ends(void**) {
    for (const bool is_forgotten_first : {false, true}) {
        g_talk->go = g_talk->begun = 0;
        Pool pool = make_patient(1);
        Future<int> future = pool.apply_async(wait_for_go, 0).expect("submitting");
        await_begun(1);
        if (is_forgotten_first) { future = Future<int>(); }
        Submitter submitter(pool);
        if (!is_forgotten_first) { future = Future<int>(); }
        let_go();
        assert_int_equal(submitter.outcome(), Errc::ok);
    }
}

void a_submission_waits_until_a_task_that_nobody_asks_for_is_killed(void**) {
    Pool pool = make_patient(1);
    (void)pool.apply_async(wait_for_go, 0).expect("submitting");
    await_begun(1);
    Submitter submitter(pool);
    assert_int_equal(kill(Processes(pool).worker(0), SIGKILL), 0);
    assert_int_equal(submitter.outcome(), Errc::ok);
}

struct Large {
    char bytes[200000];
};
int last_of(const Large& large) {
    return large.bytes[sizeof large.bytes - 1];
}

// There is room for one of them.
void a_large_task_waits_for_memory(void**) {
    static Large large;
    large.bytes[sizeof large.bytes - 1] = 5;
    Pool pool = make_pool(PoolOptions().workers(1).block_bytes(250000).submit_timeout(kLong));
    Future<int> future = pool.apply_async(last_of, large).expect("submitting");
    const auto at_once = TaskOptions().submit_timeout(Timeout::no_wait());
    assert_code(pool.apply_async(at_once, last_of, large), Errc::full);
    const auto soon = TaskOptions().submit_timeout(brood::milliseconds(20));
    assert_code(pool.apply_async(soon, last_of, large), Errc::timed_out);
    Submitter submitter(pool, [](Pool& to) { return to.apply(last_of, large).code(); });
    assert_int_equal(*pool.apply(count_run, 1), 1);  // It has no slot of which others are short.
    assert_int_equal(*future.get(kPatience), 5);
    assert_int_equal(submitter.outcome(), Errc::ok);

    future = pool.apply_async(last_of, large).expect("submitting");
    Submitter late(pool, [](Pool& to) { return to.apply(last_of, large).code(); });
    assert_ok(pool.close());
    assert_int_equal(late.outcome(), Errc::pool_closed);
    assert_ok(pool.join(kPatience));
}

void each_task_may_have_a_patience_of_its_own(void**) {
    Pool pool = make_patient(1);
    Future<int> future = pool.apply_async(wait_for_go, 0).expect("submitting");
    const auto at_once = TaskOptions().submit_timeout(Timeout::no_wait());
    assert_code(pool.apply_async(at_once, count_run, 1), Errc::full);
    assert_code(pool.apply(at_once, count_run, 1), Errc::full);
    const auto soon = TaskOptions().submit_timeout(brood::milliseconds(20));
    assert_code(pool.apply_async(soon, count_run, 1), Errc::timed_out);

    Pool other = make_pool(PoolOptions().workers(1).capacity(1));
    (void)other.apply_async(wait_for_go, 0).expect("submitting");
    await_begun(2);
    assert_code(other.apply_async(count_run, 1), Errc::full);
    let_go();
    assert_int_equal(*other.apply(TaskOptions().submit_timeout(kPatience), count_run, 1), 1);
    assert_int_equal(g_talk->runs[1], 1);
}

void a_thread_that_holds_all_futures_itself_waits_in_vain(void**) {
    Pool pool = make_patient(2, brood::milliseconds(50));
    Future<int> futures[2];
    for (int i = 0; i < 2; ++i) {
        futures[i] = pool.apply_async(count_run, i).expect("submitting");
    }
    const std::int64_t begin = test::now_ns();
    assert_code(pool.apply_async(count_run, 9), Errc::timed_out);
    assert_true(test::now_ns() - begin >= 50000000);
    assert_code(pool.apply(count_run, 9), Errc::timed_out);
    assert_int_equal(*futures[0].get(kPatience), 0);
    assert_int_equal(*pool.apply(count_run, 9), 9);
    assert_int_equal(g_talk->runs[9], 1);
}

void callbacks_are_called_while_a_submission_waits(void**) {
    constexpr int kTasks = 300;
    static int sum = 0;
    sum = 0;
    Pool pool = make_patient(2);
    for (int i = 0; i < kTasks; ++i) {
        pool.apply_async(count_run, i).expect("submitting").then([](int value) { sum += value; });
    }
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
    assert_int_equal(sum, kTasks * (kTasks - 1) / 2);
}

// Each holds one Future at most, and the table has room for half of them.
void many_threads_share_a_table_that_is_too_small(void**) {
    constexpr int kThreads = 8, kEach = 400;
    Pool pool = make_pool(PoolOptions().workers(3).capacity(4).submit_timeout(Timeout::forever()));
    std::atomic<int> wrong{0};
    in_threads(kThreads, [&](int thread) {
        for (int i = thread * kEach; i < (thread + 1) * kEach; ++i) {
            if (i % 3 == 0) {  // Nobody asks for it.
                if (!pool.apply_async(count_run, i).ok()) { wrong.fetch_add(1); }
            } else if (pool.apply(count_run, i).value_or(-1) != i) {
                wrong.fetch_add(1);
            }
        }
    });
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
    assert_int_equal(wrong, 0);
    for (int i = 0; i < kThreads * kEach; ++i) { assert_int_equal(g_talk->runs[i], 1); }
}

void in_a_storm_of_kills_every_submission_has_its_turn(void**) {
    constexpr int kTasks = 20000;
    Pool pool =
        make_pool(PoolOptions().workers(3).capacity(8).submit_timeout(kPatience).retries(255));
    Storm storm(pool);
    for (int i = 0; i < kTasks; ++i) { assert_ok(pool.apply_async(count_run, i)); }
    print_message("%d kills\n", storm.stop());
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
    for (int i = 0; i < kTasks; ++i) { assert_true(g_talk->runs[i] >= 1); }
}

// ---- Room that never comes ---------------------------------------------------------------------

void close_ends_the_wait_at_once(void**) {
    Pool pool = make_patient(1);
    Future<int> future = pool.apply_async(wait_for_go, 0).expect("submitting");
    await_begun(1);
    Submitter submitter(pool);
    assert_ok(pool.close());
    assert_int_equal(submitter.outcome(), Errc::pool_closed);
    let_go();
    assert_int_equal(*future.get(kPatience), 0);
    assert_int_equal(g_talk->runs[7], 0);
}

void close_ends_the_wait_at_once_beside_a_map_that_is_not_sent_yet(void**) {
    Pool pool = make_patient(1);
    Future<int> future = pool.apply_async(wait_for_go, 0).expect("submitting");
    await_begun(1);
    const int in[2] = {1, 2};
    int out[2] = {0, 0};
    auto map = pool.map_async(count_run, in, out);
    assert_ok(map);
    Submitter submitter(pool);
    assert_ok(pool.close());
    assert_int_equal(submitter.outcome(), Errc::pool_closed);
    let_go();
    assert_int_equal(*future.get(kPatience), 0);
    assert_ok(map->get(kPatience));
    assert_int_equal(out[1], 2);
}

void terminate_ends_the_wait(void**) {
    Pool pool = make_patient(1);
    Future<int> future = pool.apply_async(wait_for_go, 0).expect("submitting");
    await_begun(1);
    Submitter submitter(pool);
    assert_ok(pool.terminate());
    assert_int_equal(submitter.outcome(), Errc::pool_terminated);
    assert_code(future.get(kPatience), Errc::pool_terminated);
}

void a_killed_supervisor_ends_the_wait(void**) {
    Pool pool = make_patient(1);
    Future<int> future = pool.apply_async(wait_for_go, 0).expect("submitting");
    await_begun(1);
    Submitter submitter(pool);
    assert_int_equal(kill(pool.supervisor_pid(), SIGKILL), 0);
    assert_int_equal(submitter.outcome(), Errc::pool_broken);
    let_go();  // On systems that cannot end a worker in the middle of its task.
    assert_code(pool.terminate(), Errc::ok);
}

void what_cannot_be_is_refused(void**) {
    const Timeout negative = brood::milliseconds(-1), overflow = brood::seconds(INT64_MAX);
    assert_code(Pool::create(PoolOptions().submit_timeout(negative)), Errc::timeout_negative);
    assert_code(Pool::create(PoolOptions().submit_timeout(overflow)), Errc::timeout_overflow);
    Pool pool = make_pool(1);
    const auto submit = [&](Timeout timeout) {
        return pool.apply(TaskOptions().submit_timeout(timeout), count_run, 1).code();
    };
    assert_int_equal(submit(negative), Errc::timeout_negative);
    assert_int_equal(submit(overflow), Errc::timeout_overflow);
    assert_int_equal(submit(Timeout::forever()), Errc::ok);
    assert_int_equal(g_talk->runs[1], 1);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(a_submission_waits_until_another_thread_collects),
        POOL_TEST(a_submission_waits_until_another_thread_drops_a_future),
        POOL_TEST(a_submission_waits_until_a_task_that_nobody_asks_for_ends),
        POOL_TEST(a_submission_waits_until_a_task_that_nobody_asks_for_is_killed),
        POOL_TEST(a_large_task_waits_for_memory),
        POOL_TEST(each_task_may_have_a_patience_of_its_own),
        POOL_TEST(a_thread_that_holds_all_futures_itself_waits_in_vain),
        POOL_TEST(callbacks_are_called_while_a_submission_waits),
        POOL_TEST(many_threads_share_a_table_that_is_too_small),
        POOL_TEST(in_a_storm_of_kills_every_submission_has_its_turn),
        POOL_TEST(close_ends_the_wait_at_once),
        POOL_TEST(close_ends_the_wait_at_once_beside_a_map_that_is_not_sent_yet),
        POOL_TEST(terminate_ends_the_wait),
        POOL_TEST(a_killed_supervisor_ends_the_wait),
        POOL_TEST(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
