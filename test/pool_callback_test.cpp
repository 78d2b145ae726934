// Goal: callbacks run in the host, each exactly once, in whichever of its threads waits or looks
// next after the end of their task.
#include "pool_support.hpp"

#include <brood/text.hpp>

using namespace pool_test;
using brood::Error;

namespace {

void a_callback_gets_the_result_and_the_other_the_error(void**) {
    Pool pool = make_pool(2);
    unsigned result = 0;
    Errc error = Errc::ok;
    const auto keep = [&result](unsigned n) { result = n; };
    const auto note = [&error](const Error& why) { error = why.code(); };
    pool.apply_async(square, 12u)->then(keep, note);
    assert_int_equal(*pool.poll(kPatience), 1);
    assert_true(result == 144 && error == Errc::ok);
    pool.apply_async([]() -> unsigned { _exit(3); })->then(keep, note);
    assert_int_equal(*pool.poll(kPatience), 1);
    assert_true(result == 144 && error == Errc::worker_died);

    brood::Text<16> text;
    pool.apply_async([] { return *brood::Text<16>::from("done"); })
        ->then([&text](const brood::Text<16>& given) { text = given; });
    bool is_done = false;
    pool.apply_async([] {})->then([&is_done] { is_done = true; });
    while (*pool.poll(kPatience) > 0) {}
    assert_string_equal(text.c_str(), "done");
    assert_true(is_done);

    // Either may be missing.
    error = Errc::ok;
    pool.apply_async(square, 1u)->then(nullptr, note);
    pool.apply_async([]() -> unsigned { _exit(3); })->then(keep);
    pool.apply_async([]() -> unsigned { _exit(3); })->then(nullptr, note);
    int calls = 0;
    while (calls < 3) { calls += static_cast<int>(*pool.poll(kPatience)); }
    assert_true(result == 144 && error == Errc::worker_died);
    assert_int_equal(*pool.poll(kPatience), 0);  // There is nothing to wait for.
}

// Each call that waits or looks runs what is due, once.
template <class Wait>
void expect_called_by(Pool& pool, Wait wait) {
    int calls = 0;
    pool.apply_async(count_run, 1)->then([&calls](int n) { calls += n; });
    assert_true(test::eventually([&] {
        wait();
        return calls > 0;
    }));
    wait();
    assert_int_equal(calls, 1);
}

void whoever_waits_or_looks_calls_it(void**) {
    Pool pool = make_pool(2);
    Future<int> other = pool.apply_async(wait_for_go, 5).expect("submitting");
    await_begun(1);
    expect_called_by(pool, [&] { assert_false(other.ready()); });
    expect_called_by(pool, [&] { assert_code(other.successful(), Errc::not_done); });
    expect_called_by(pool,
                     [&] { assert_code(other.wait(brood::milliseconds(1)), Errc::timed_out); });
    expect_called_by(pool, [&] { assert_code(other.get(Timeout::no_wait()), Errc::timed_out); });
    expect_called_by(pool, [&] { pool.poll().ignore(); });
    expect_called_by(pool, [&] { assert_ok(pool.apply(square, 2u)); });
    let_go();
    assert_int_equal(*other.get(kPatience), 5);
}

void a_long_wait_is_interrupted_for_it(void**) {
    Pool pool = make_pool(2);
    Future<int> other = pool.apply_async(wait_for_go, 5).expect("submitting");
    await_begun(1);
    // Only the callback of the second task lets the first one, which is waited for, go on.
    pool.apply_async([] { sleep_us(20000); })->then([] { let_go(); });
    assert_int_equal(*other.get(kPatience), 5);
}

void one_that_is_registered_while_another_thread_sleeps_is_called_by_that(void**) {
    Pool pool = make_pool(2);
    Future<int> other = pool.apply_async(wait_for_go, 5).expect("submitting");
    await_begun(1);
    std::atomic<int> asleep{0};
    in_threads(2, [&](int index) {
        if (index == 0) {
            asleep = 1;
            if (!other.get(kPatience).ok()) { abort(); }
        } else {
            while (asleep == 0) { sleep_us(100); }
            sleep_us(20000);
            Result<Future<void>> quick = pool.apply_async([] {});
            sleep_us(20000);  // It has ended, and the sleeper was not told: it had no callback.
            quick->then([] { let_go(); });
        }
    });
    assert_int_equal(g_talk->ended, 1);
}

void join_calls_all_and_the_order_of_calls_does_not_matter(void**) {
    Pool pool = make_pool(2);
    long sum = 0;
    int calls = 0;
    for (int i = 0; i < 1000; ++i) {
        pool.apply_async(count_run, i)->then([&](int n) { sum += n, ++calls; });
    }
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
    assert_int_equal(calls, 1000);
    assert_int_equal(sum, 999 * 1000 / 2);
}

void its_own_future_tells_nothing_before(void**) {
    Pool pool = make_pool(2);
    for (int i = 0; i < 300; ++i) {
        int called = -1;
        Future<int> future = pool.apply_async(count_run, i).expect("submitting");
        future.then([&called](int n) { called = n; });
        if (i % 3 == 0) {
            assert_int_equal(*future.get(kPatience), i);
        } else if (i % 3 == 1) {
            assert_ok(future.wait(kPatience));
        } else {
            while (!future.ready()) { sleep_us(10); }
        }
        assert_int_equal(called, i);
        if (i % 3 != 0) { assert_int_equal(*future.get(), i); }
    }
    // CPython's test_async_error_callback.
    Errc error = Errc::ok;
    Future<void> failing = pool.apply_async([] { _exit(1); }).expect("submitting");
    failing.then(nullptr, [&error](const Error& why) { error = why.code(); });
    assert_code(failing.get(kPatience), Errc::worker_died);
    assert_true(error == Errc::worker_died);
}

void no_slot_is_lost_whoever_goes_first(void**) {
    Pool pool = make_pool(2, 4);
    int calls = 0, submitted = 0;
    while (submitted < 400) {
        Result<Future<int>> future = pool.apply_async(count_run, submitted);
        if (!future.ok()) {
            assert_code(future, Errc::full);
            assert_true(*pool.poll(kPatience) > 0);
            continue;
        }
        ++submitted;
        future->then([&calls](int) { ++calls; });
        if (submitted % 2 == 0) { assert_ok(future->get(kPatience)); }
    }
    while (*pool.poll(kPatience) > 0) {}
    assert_int_equal(calls, 400);
    Future<int> all[4];
    for (Future<int>& future : all) { future = pool.apply_async(count_run, 1).expect("submit"); }
}

void callbacks_may_use_the_pool(void**) {
    static Pool* s_pool;
    static int s_depth;
    static long s_sum;
    Pool pool = make_pool(2);
    s_pool = &pool, s_depth = 0, s_sum = 0;
    struct Next {
        void operator()(int n) const {
            s_sum += n;
            assert_int_equal(*s_pool->apply(square, 3u), 9);
            if (++s_depth < 100) { s_pool->apply_async(count_run, n + 1)->then(Next()); }
        }
    };
    pool.apply_async(count_run, 1)->then(Next());
    while (*pool.poll(kPatience) > 0) {}
    assert_int_equal(s_depth, 100);
    assert_int_equal(s_sum, 5050);
}

void each_is_called_once_however_many_threads_wait(void**) {
    static std::atomic<int> calls[6000];
    for (std::atomic<int>& each : calls) { each = 0; }
    Pool pool = make_pool(2, 256);
    std::atomic<int> wrong{0};
    in_threads(6, [&](int index) {
        for (int i = index; i < 6000; i += 6) {
            Result<Future<int>> future = pool.apply_async(count_run, i);
            while (!future.ok()) {
                pool.poll(brood::milliseconds(1)).ignore();
                future = pool.apply_async(count_run, i);
            }
            future->then([](int n) { ++calls[n]; });
            if (i % 4 == 0 && !future->get(kPatience).ok()) { ++wrong; }
        }
        while (pool.poll(kPatience).value_or(1) > 0) {}
    });
    assert_int_equal(wrong, 0);
    for (std::atomic<int>& each : calls) { assert_int_equal(each, 1); }
}

void what_never_ends_is_told_when_the_pool_has(void**) {
    Errc errors[3] = {Errc::ok, Errc::ok, Errc::ok};
    const auto submit = [&](Pool& pool) {
        for (Errc& error : errors) {
            error = Errc::ok;
            pool.apply_async(wait_for_go, 1)
                ->then([](int) { fail(); }, [&error](const Error& why) { error = why.code(); });
        }
    };
    const auto all_are = [&](Errc code) {
        for (const Errc error : errors) { assert_true(error == code); }
    };
    Future<int> future;
    {
        Pool pool = make_pool(1);
        submit(pool);
        await_begun(1);
        assert_ok(pool.terminate());
        all_are(Errc::ok);  // terminate() waits for no task, so it calls nothing.
        assert_ok(pool.join());
        all_are(Errc::pool_terminated);
    }
    {
        Pool pool = make_pool(1);
        submit(pool);
        assert_int_equal(kill(pool.supervisor_pid(), SIGKILL), 0);
        while (*pool.poll(kPatience) > 0) {}
        all_are(Errc::pool_broken);
    }
    {
        Pool pool = make_pool(1);
        submit(pool);
        assert_ok(pool.close());
        assert_int_equal(kill(pool.supervisor_pid(), SIGKILL), 0);
        assert_code(pool.join(kPatience), Errc::pool_broken);
        all_are(Errc::pool_broken);
    }
    {
        Pool pool = make_pool(1);
        submit(pool);
        future = pool.apply_async(wait_for_go, 1).expect("submitting");
    }
    all_are(Errc::ok);
    assert_code(future.get(), Errc::pool_terminated);  // The last Future calls them.
    all_are(Errc::pool_terminated);
}

void what_cannot_be_followed_is_told_at_once(void**) {
    Pool pool = make_pool(1);
    Errc error = Errc::ok;
    const auto note = [&error](const Error& why) { error = why.code(); };
    Future<int>().then(nullptr, note);
    assert_true(error == Errc::collected);
    Future<int> future = pool.apply_async(wait_for_go, 1).expect("submitting");
    int calls = 0;
    future.then([&calls](int) { ++calls; }).then(nullptr, note);
    assert_true(error == Errc::bad_argument);
    shared_test::assert_child_exits(0, [&] {
        future.then(nullptr, note);
        CHECK_IN_CHILD(error == Errc::wrong_process);
        CHECK_IN_CHILD(pool.poll().code() == Errc::wrong_process);
    });
    assert_code(pool.poll(), Errc::timed_out);
    assert_code(pool.poll(brood::milliseconds(10)), Errc::timed_out);
    assert_code(pool.poll(brood::milliseconds(-1)), Errc::timeout_negative);
    assert_code(Pool().poll(), Errc::closed);
    assert_ok(pool.close());
    assert_code(pool.join(brood::milliseconds(10)), Errc::timed_out);
    assert_code(pool.join(Timeout::no_wait()), Errc::timed_out);
    let_go();
    assert_ok(pool.join(kPatience));
    assert_int_equal(calls, 1);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(a_callback_gets_the_result_and_the_other_the_error),
        POOL_TEST(whoever_waits_or_looks_calls_it),
        POOL_TEST(a_long_wait_is_interrupted_for_it),
        POOL_TEST(one_that_is_registered_while_another_thread_sleeps_is_called_by_that),
        POOL_TEST(join_calls_all_and_the_order_of_calls_does_not_matter),
        POOL_TEST(its_own_future_tells_nothing_before),
        POOL_TEST(no_slot_is_lost_whoever_goes_first),
        POOL_TEST(callbacks_may_use_the_pool),
        POOL_TEST(each_is_called_once_however_many_threads_wait),
        POOL_TEST(what_never_ends_is_told_when_the_pool_has),
        POOL_TEST(what_cannot_be_followed_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
