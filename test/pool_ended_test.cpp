// Goal: a task that takes too long, or is cancelled, is ended from outside, whatever it does, and
// no other task with it.
#include "pool_support.hpp"

using namespace pool_test;
using brood::milliseconds;
using brood::TaskOptions;

namespace {

/// Blocks and ignores whatever it can, and never ends.
int be_stubborn(int value) {
    for (int signal = 1; signal < 32; ++signal) { (void)::signal(signal, SIG_IGN); }
    sigset_t all;
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, nullptr);
    g_talk->begun.fetch_add(1);
    for (;;) { (void)pause(); }
    return value;
}
int sleep_ms(int ms) {
    sleep_us(ms * 1000);
    return ms;
}
/// Of a task that is to be ended before it ends.
constexpr int kTooLongMs = 60000;

// ---- Time-outs ---------------------------------------------------------------------------------

void a_task_that_takes_too_long_is_ended_whatever_it_blocks(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).task_timeout(milliseconds(500)));
    const int64_t before = now_ms();
    Future<int> stubborn = pool.apply_async(be_stubborn, 1).expect("submitting");
    Future<int> patient = pool.apply_async(sleep_ms, kTooLongMs).expect("submitting");
    assert_code(patient.get(kPatience), Errc::task_timed_out);
    assert_code(stubborn.get(kPatience), Errc::task_timed_out);
    assert_true(now_ms() - before >= 700);  // The grace was given,
    assert_true(now_ms() - before < 6000);  // and no more.
    assert_code(stubborn.get(), Errc::collected);
    assert_int_equal(*pool.apply(square, 4u), 16);
    assert_true(test::eventually([&] { return pool.worker_pids(nullptr, 0) == 2; }));
}

void a_task_has_its_own_time_if_it_is_given_some(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).task_timeout(milliseconds(2000)));
    const TaskOptions unlimited = TaskOptions().timeout(Timeout::forever());
    Future<int> longer = pool.apply_async(unlimited, sleep_ms, 2500).expect("submitting");
    const TaskOptions shorter = TaskOptions().timeout(milliseconds(20));
    assert_code(pool.apply(shorter, sleep_ms, kTooLongMs), Errc::task_timed_out);
    assert_int_equal(*pool.apply(sleep_ms, 60), 60);  // The place of that one is as any other.
    assert_int_equal(*longer.get(kPatience), 2500);
    Pool plain = make_pool(1);
    assert_code(plain.apply(shorter, sleep_ms, kTooLongMs), Errc::task_timed_out);
    assert_int_equal(*plain.apply(sleep_ms, 60), 60);
}

void time_begins_when_the_task_does(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).task_timeout(milliseconds(2000)));
    Future<int> futures[8];
    for (Future<int>& future : futures) {
        future = pool.apply_async(sleep_ms, 300).expect("submitting");
    }
    for (Future<int>& future : futures) { assert_int_equal(*future.get(kPatience), 300); }
}

void a_task_may_clean_up_when_it_is_asked_to_end_but_its_result_comes_too_late(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).task_timeout(milliseconds(1000)));
    const Result<int> got = pool.apply([] {
        (void)signal(SIGTERM, [](int) { g_talk->go.store(1); });
        while (g_talk->go == 0) { sleep_us(1000); }
        g_talk->ended.store(1);
        return 1;
    });
    assert_code(got, Errc::task_timed_out);
    assert_int_equal(g_talk->ended, 1);
    assert_int_equal(*pool.apply(square, 4u), 16);
}

void a_task_that_took_too_long_is_not_run_again(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).retries(3).task_timeout(milliseconds(1000)));
    const auto count_and_stay = [] {
        (void)count_run(0);
        for (;;) { (void)pause(); }
        return 0;
    };
    assert_code(pool.apply(count_and_stay), Errc::task_timed_out);
    assert_int_equal(g_talk->runs[0], 1);
}

void each_try_has_the_whole_time(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).retries(1).task_timeout(milliseconds(3000)));
    const auto die_late = [] {
        sleep_us(1600000);
        if (g_talk->begun.fetch_add(1) == 0) { (void)raise(SIGKILL); }
        return 7;
    };
    assert_int_equal(*pool.apply(die_late), 7);
}

void time_in_which_a_worker_is_stopped_does_not_count(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).task_timeout(milliseconds(2000)));
    const pid_t worker = Processes(pool).worker(0);
    Future<int> future = pool.apply_async(wait_for_go, 3).expect("submitting");
    await_begun(1);
    assert_int_equal(kill(worker, SIGSTOP), 0);
    assert_code(future.wait(milliseconds(2500)), Errc::timed_out);
    assert_int_equal(kill(worker, SIGCONT), 0);
    assert_code(future.wait(milliseconds(100)), Errc::timed_out);
    let_go();
    assert_int_equal(*future.get(kPatience), 3);
    // What it had before counts, and what it has afterwards.
    assert_code(pool.apply(sleep_ms, kTooLongMs), Errc::task_timed_out);
}

void time_in_which_all_are_stopped_does_not_count(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).task_timeout(milliseconds(2000)));
    const Processes processes(pool);
    Future<int> future = pool.apply_async(wait_for_go, 3).expect("submitting");
    await_begun(1);
    // As Ctrl-Z does, in whatever order it comes.
    assert_int_equal(kill(processes.supervisor(), SIGSTOP), 0);
    assert_int_equal(kill(processes.worker(0), SIGSTOP), 0);
    sleep_us(2500000);
    assert_int_equal(kill(processes.supervisor(), SIGCONT), 0);
    assert_int_equal(kill(processes.worker(0), SIGCONT), 0);
    assert_code(future.wait(milliseconds(100)), Errc::timed_out);
    let_go();
    assert_int_equal(*future.get(kPatience), 3);
    assert_code(pool.apply(sleep_ms, kTooLongMs), Errc::task_timed_out);
}

void no_other_task_is_hit_by_a_time_out(void**) {
    constexpr int kTasks = 3000, kAhead = 32;
    static Future<int> ahead[kAhead];
    Pool pool = make_pool(PoolOptions().workers(3));
    Chance chance(5);
    int late = 0, in_time = 0;
    for (int i = 0; i < kTasks + kAhead; ++i) {
        Future<int>& place = ahead[i % kAhead];
        if (i >= kAhead) {
            const Result<int> got = place.get(kPatience);
            const bool is_timed = (i - kAhead) % 8 == 0;
            if (is_timed && !got.ok()) {
                assert_code(got, Errc::task_timed_out);
                ++late;
            } else {
                assert_ok(got);
                in_time += is_timed ? 1 : 0;
                if (!is_timed) { assert_int_equal(g_talk->runs[i - kAhead], 1); }
            }
        }
        if (i >= kTasks) { continue; }
        if (i % 8 == 0) {  // Many of them end just when their time does.
            const auto sleep = [](int us) {
                sleep_us(us);
                return us;
            };
            place = pool.apply_async(TaskOptions().timeout(milliseconds(1)), sleep,
                                     static_cast<int>(500 + chance.below(3500)))
                        .expect("submitting");
        } else {
            place = pool.apply_async(count_run, i).expect("submitting");
        }
    }
    print_message("%d in time, %d late\n", in_time, late);
    assert_true(in_time > 0 && late > 0);
}

void a_pool_whose_timed_tasks_have_ended_sleeps(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).task_timeout(milliseconds(20)));
    const Processes processes(pool);
    int tasks = 0;
    const long fresh = test::switches_of(processes.supervisor());
    for (const int64_t end = now_ms() + 300; now_ms() < end; ++tasks) {
        assert_ok(pool.apply(square, 3u));
        sleep_us(50);
    }
    const long busy = test::switches_of(processes.supervisor()) - fresh;
    print_message("woken %ld times by %d tasks\n", busy, tasks);
    assert_true(busy < 50);  // Not for each of them.
    assert_true(test::eventually([&] {
        const long before = test::switches_of(processes.supervisor());
        sleep_us(300000);
        return test::switches_of(processes.supervisor()) == before;
    }));
}

void times_that_cannot_be_are_refused(void**) {
    assert_code(Pool::create(PoolOptions().task_timeout(milliseconds(-1))), Errc::timeout_negative);
    assert_code(Pool::create(PoolOptions().task_timeout(brood::seconds(INT64_MAX))),
                Errc::timeout_overflow);
    Pool pool = make_pool(1);
    const auto with = [&](TaskOptions options) { return pool.apply(options, square, 1u).code(); };
    assert_error(with(TaskOptions().timeout(milliseconds(-1))), Errc::timeout_negative, "task");
    assert_error(with(TaskOptions().timeout(brood::seconds(14 * 86400))), Errc::timeout_overflow,
                 "task");
    assert_error(with(TaskOptions().retries(256)), Errc::bad_argument, "task");
    assert_error(with(TaskOptions().timeout(brood::seconds(13 * 86000)).retries(255)), Errc::ok,
                 "task");
    assert_code(Pool().apply_async(TaskOptions(), square, 1u), Errc::closed);
}

void a_task_is_run_again_as_often_as_it_was_given(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).retries(1));
    const auto die = [](int index) {
        (void)count_run(index);
        (void)raise(SIGKILL);
        return 0;
    };
    assert_code(pool.apply(TaskOptions().retries(3), die, 1), Errc::worker_died);
    assert_code(pool.apply(TaskOptions().retries(0), die, 2), Errc::worker_died);
    assert_code(pool.apply(die, 3), Errc::worker_died);
    assert_int_equal(g_talk->runs[1], 4);
    assert_int_equal(g_talk->runs[2], 1);
    assert_int_equal(g_talk->runs[3], 2);
}

// ---- Cancelling --------------------------------------------------------------------------------

void a_task_that_is_cancelled_before_it_runs_never_does(void**) {
    Pool pool = make_pool(1, 4);
    for (int round = 0; round < 10; ++round) {
        g_talk->go = g_talk->begun = 0;
        Future<int> first = pool.apply_async(wait_for_go, 1).expect("submitting");
        await_begun(1);
        Future<int> futures[3];
        for (Future<int>& future : futures) {
            future = pool.apply_async(count_run, 5).expect("submitting");
        }
        for (Future<int>& future : futures) {
            assert_true(future.cancel().value_or(false));
            assert_true(future.ready());
            assert_false(future.successful().value_or(true));
            assert_false(future.cancel().value_or(true));
            assert_code(future.get(), Errc::cancelled);
            assert_code(future.cancel(), Errc::collected);
        }
        let_go();
        assert_int_equal(*first.get(kPatience), 1);
        assert_int_equal(*pool.apply(square, 3u), 9);
    }
    assert_int_equal(g_talk->runs[5], 0);
}

void a_task_that_is_cancelled_while_it_runs_is_ended_whatever_it_blocks(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).retries(5));
    Future<int> stubborn = pool.apply_async(be_stubborn, 1).expect("submitting");
    Future<int> patient = pool.apply_async(wait_for_go, 1).expect("submitting");
    await_begun(2);
    const pid_t supervisor = pool.supervisor_pid();
    assert_int_equal(kill(supervisor, SIGSTOP), 0);  // Who cancels waits for nobody.
    for (Future<int>* future : {&patient, &stubborn}) {
        assert_true(future->cancel().value_or(false));
        assert_true(future->cancel().value_or(false));  // Twice is as good as once.
    }
    assert_int_equal(kill(supervisor, SIGCONT), 0);
    for (Future<int>* future : {&patient, &stubborn}) {
        assert_code(future->get(kPatience), Errc::cancelled);
    }
    assert_int_equal(g_talk->begun, 2);
    assert_int_equal(g_talk->ended, 0);
    assert_int_equal(*pool.apply(square, 4u), 16);
    assert_true(test::eventually([&] { return pool.worker_pids(nullptr, 0) == 2; }));
}

void a_task_that_has_ended_cannot_be_cancelled(void**) {
    Pool pool = make_pool(1);
    Future<int> future = pool.apply_async(count_run, 5).expect("submitting");
    assert_ok(future.wait(kPatience));
    assert_false(future.cancel().value_or(true));
    assert_int_equal(*future.get(), 5);
    assert_code(Future<int>().cancel(), Errc::collected);

    Future<int> late = pool.apply_async(wait_for_go, 5).expect("submitting");
    await_begun(1);
    shared_test::assert_child_exits(
        0, [&] { CHECK_IN_CHILD(late.cancel().code() == Errc::wrong_process); });
    assert_ok(pool.terminate());
    assert_false(late.cancel().value_or(true));
    assert_code(late.get(), Errc::pool_terminated);
}

void a_task_in_a_stopped_worker_can_be_cancelled(void**) {
    Pool pool = make_pool(1);
    const pid_t worker = Processes(pool).worker(0);
    Future<int> future = pool.apply_async(wait_for_go, 5).expect("submitting");
    await_begun(1);
    assert_int_equal(kill(worker, SIGSTOP), 0);
    assert_true(future.cancel().value_or(false));
    assert_code(future.get(kPatience), Errc::cancelled);
    assert_int_equal(*pool.apply(square, 4u), 16);
}

int run_for(int index, int us) {
    g_talk->runs[index].fetch_add(1);
    for (const int64_t end = test::now_ns() + us * 1000; test::now_ns() < end;) {}
    return index;
}

/// Every task but those that were cancelled has its result.
void cancel_at_random(Pool& pool, bool runs_once) {
    constexpr int kTasks = 12000, kAhead = 32;
    static Future<int> ahead[kAhead];
    static bool is_cancelled[kAhead];
    Chance chance(5);
    int cancelled = 0, too_late = 0;
    for (int i = 0; i < kTasks + kAhead; ++i) {
        Future<int>& place = ahead[i % kAhead];
        if (i >= kAhead) {
            const int index = i - kAhead;
            const Result<int> got = place.get(kPatience);
            if (got.ok()) { assert_int_equal(*got, index); }
            const bool may_be_cancelled = is_cancelled[i % kAhead];
            if (!got.ok()) {
                assert_true(may_be_cancelled);
                assert_code(got, Errc::cancelled);
                ++cancelled;
            }
            too_late += may_be_cancelled && got.ok() ? 1 : 0;
            if (runs_once) { assert_in_range(g_talk->runs[index], got.ok() ? 1 : 0, 1); }
        }
        if (i >= kTasks) { continue; }
        place = pool.apply_async(run_for, i, static_cast<int>(chance.below(30))).expect("submit");
        is_cancelled[i % kAhead] = false;
        if (i < kAhead || chance.below(6) != 0) { continue; }
        const int chosen = static_cast<int>((i - chance.below(kAhead - 1)) % kAhead);
        is_cancelled[chosen] |= ahead[chosen].cancel().value_or(false);
    }
    print_message("%d cancelled, %d ended in that moment\n", cancelled, too_late);
    assert_true(cancelled > 0);
    assert_int_equal(*pool.apply(square, 4u), 16);
}

void tasks_cancelled_at_any_moment_harm_no_others(void**) {
    Pool pool = make_pool(3);
    cancel_at_random(pool, true);
}

void tasks_are_cancelled_in_a_storm_of_kills_and_run_again(void**) {
    Pool pool = make_pool(PoolOptions().workers(3).retries(255));
    Storm storm(pool);
    cancel_at_random(pool, false);
    assert_true(storm.stop() > 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(a_task_that_takes_too_long_is_ended_whatever_it_blocks),
        POOL_TEST(a_task_has_its_own_time_if_it_is_given_some),
        POOL_TEST(time_begins_when_the_task_does),
        POOL_TEST(a_task_may_clean_up_when_it_is_asked_to_end_but_its_result_comes_too_late),
        POOL_TEST(a_task_that_took_too_long_is_not_run_again),
        POOL_TEST(each_try_has_the_whole_time),
        POOL_TEST(time_in_which_a_worker_is_stopped_does_not_count),
        POOL_TEST(time_in_which_all_are_stopped_does_not_count),
        POOL_TEST(no_other_task_is_hit_by_a_time_out),
        POOL_TEST(a_pool_whose_timed_tasks_have_ended_sleeps),
        POOL_TEST(times_that_cannot_be_are_refused),
        POOL_TEST(a_task_is_run_again_as_often_as_it_was_given),
        POOL_TEST(a_task_that_is_cancelled_before_it_runs_never_does),
        POOL_TEST(a_task_that_is_cancelled_while_it_runs_is_ended_whatever_it_blocks),
        POOL_TEST(a_task_that_has_ended_cannot_be_cancelled),
        POOL_TEST(a_task_in_a_stopped_worker_can_be_cancelled),
        POOL_TEST(tasks_cancelled_at_any_moment_harm_no_others),
        POOL_TEST(tasks_are_cancelled_in_a_storm_of_kills_and_run_again),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
