// Goal: map_async() and starmap_async() return at once and go on while the host waits for whatever
// it may be, and their handle tells what came of it.
#include "pool_support.hpp"

#include <brood/map_future.hpp>
#include <brood/tuple.hpp>

using namespace pool_test;
using brood::MapFuture;
using brood::MapOptions;

namespace {

constexpr int kMany = 20000;
int g_in[kMany], g_out[kMany];

void number_inputs() {
    for (int i = 0; i < kMany; ++i) { g_in[i] = i, g_out[i] = -1; }
}
void expect_outputs(int count) {
    for (int i = 0; i < kMany; ++i) { assert_int_equal(g_out[i], i < count ? i : -1); }
}

void map_async_gives_what_map_does(void**) {
    Pool pool = make_pool(2);
    for (const int count : {0, 1, 7, 8, 9, 1000, kMany}) {
        for (const int chunk : {0, 1, 3, 8}) {
            for (const int window : {1, 5, 256}) {
                MapOptions options = MapOptions().window(window);
                if (chunk != 0) { options.chunk_size(chunk); }
                if (chunk == 1 && window == 1 && count == kMany) { continue; }  // It takes long.
                number_inputs();
                memset(static_cast<void*>(g_talk), 0, sizeof *g_talk);
                Result<MapFuture<int>> map =
                    pool.map_async(count_run, g_in, g_out, static_cast<size_t>(count), options);
                assert_ok(map);
                assert_ok(map->get(kPatience));
                expect_outputs(count);
                for (int i = 0; i < count; ++i) { assert_int_equal(g_talk->runs[i], 1); }
                assert_int_equal(g_talk->runs[count], 0);
                assert_ok(map->get());  // Again is fine.
            }
        }
    }
}

void elements_and_results_may_differ_in_size(void**) {
    static double halves[1000];
    static brood::Pair<int, int> pairs[1000];
    number_inputs();
    Pool pool = make_pool(2);
    assert_ok(pool.map_async([](int n) { return n / 2.0; }, g_in, halves, 1000)->get(kPatience));
    for (int i = 0; i < 1000; ++i) { assert_true(halves[i] == i / 2.0); }
    for (int i = 0; i < 1000; ++i) { pairs[i] = {3 * i, i}; }
    MapFuture<int> differences =
        pool.starmap_async([](int a, int b) { return a - b; }, pairs, g_out, 1000).expect("map");
    assert_ok(differences.get(kPatience));
    for (int i = 0; i < 1000; ++i) { assert_int_equal(g_out[i], 2 * i); }
    long factor = 3;
    long products[3];
    const int numbers[3] = {1, 2, 3};
    assert_ok(
        pool.map_async(brood::by_value([factor](int n) { return n * factor; }), numbers, products)
            ->get(kPatience));
    assert_true(products[0] == 3 && products[2] == 9);
}

void it_returns_at_once_and_tells_how_it_stands(void**) {
    Pool pool = make_pool(2);
    number_inputs();
    MapFuture<int> map = pool.map_async(wait_for_go, g_in, g_out, 100).expect("map");
    await_begun(2);
    assert_false(map.ready());
    assert_code(map.successful(), Errc::not_done);
    assert_code(map.wait(brood::milliseconds(20)), Errc::timed_out);
    assert_code(map.get(Timeout::no_wait()), Errc::timed_out);
    assert_code(map.get(brood::milliseconds(-1)), Errc::timeout_negative);
    assert_code(map.wait(brood::seconds(INT64_MAX)), Errc::timeout_overflow);
    let_go();
    assert_ok(map.wait(kPatience));
    assert_true(map.ready());
    assert_true(*map.successful());
    assert_ok(map.get());
    expect_outputs(100);

    MapFuture<int> moved = std::move(map);
    assert_ok(moved.get());
    assert_code(map.get(), Errc::collected);
    assert_code(map.wait(), Errc::collected);
    assert_code(map.successful(), Errc::collected);
    assert_false(map.ready());
}

int die_of_17(int n) {
    if (n == 17) { _exit(9); }
    return n;
}

void the_first_error_is_told_and_the_rest_is_filled(void**) {
    Pool pool = make_pool(2);
    number_inputs();
    MapFuture<int> map =
        pool.map_async(die_of_17, g_in, g_out, 60, MapOptions().chunk_size(5)).expect("map");
    const Status status = map.get(kPatience);
    assert_code(status, Errc::worker_died);
    assert_int_equal(status.error().detail(), 9);
    assert_false(*map.successful());
    assert_code(map.get(), Errc::worker_died);
    for (int i = 0; i < 60; ++i) { assert_int_equal(g_out[i], i >= 15 && i < 20 ? -1 : i); }
}

void a_table_that_is_too_small_is_filled_again_and_again(void**) {
    Pool pool = make_pool(2, 2);
    number_inputs();
    const auto options = MapOptions().chunk_size(1);
    MapFuture<int> map = pool.map_async(count_run, g_in, g_out, 3000, options).expect("map");
    assert_ok(map.get(kPatience));
    expect_outputs(3000);
}

// Whatever the host waits for, the map goes on.
void it_goes_on_while_the_host_waits_for_something_else(void**) {
    Pool pool = make_pool(2, 8);
    const auto begin = [&] {
        number_inputs();
        return pool.map_async(count_run, g_in, g_out, 3000, MapOptions().window(4)).expect("map");
    };
    const auto is_done = [&] { return g_out[2999] == 2999; };
    {
        MapFuture<int> map = begin();
        g_talk->go.store(0);
        Future<int> other = pool.apply_async(wait_for_go, 1).expect("submitting");
        // The map is done in the course of the waits for another task.
        assert_true(test::eventually([&] {
            assert_code(other.wait(brood::milliseconds(1)), Errc::timed_out);
            return is_done();
        }));
        let_go();
        assert_int_equal(*other.get(kPatience), 1);
        assert_true(map.ready());
    }
    {
        MapFuture<int> map = begin();
        assert_int_equal(*pool.poll(kPatience), 1);
        assert_true(is_done());
        assert_int_equal(*pool.poll(kPatience), 0);
    }
    {
        MapFuture<int> first = begin();
        MapFuture<int> moved = std::move(first);  // It is found where it went.
        first = std::move(moved);
        assert_ok(pool.close());  // It has more to send, and may.
        assert_code(pool.map_async(count_run, g_in, g_out, 1), Errc::pool_closed);
        assert_ok(pool.join(kPatience));
        expect_outputs(3000);
        assert_ok(first.get(Timeout::no_wait()));
    }
}

void a_map_that_is_dropped_leaves_nothing_behind(void**) {
    Pool pool = make_pool(2, 8);
    number_inputs();
    for (int i = 0; i < 20; ++i) {
        MapFuture<int> map = pool.map_async(count_run, g_in, g_out, 5000).expect("map");
        if (i % 3 == 0) { map = pool.map_async(count_run, g_in, g_out, 5000).expect("map"); }
        if (i % 2 == 0) { assert_code(map.wait(Timeout::no_wait()), Errc::timed_out); }
    }
    assert_true(test::eventually([&] {
        Future<int> futures[8];
        for (Future<int>& future : futures) {
            Result<Future<int>> submitted = pool.apply_async(count_run, 1);
            if (!submitted.ok()) { return false; }
            future = std::move(*submitted);
        }
        return true;
    }));
    MapFuture<int> map = pool.map_async(count_run, g_in, g_out, 5000).expect("map");
    assert_ok(pool.close());
    map = MapFuture<int>();  // Nobody waits for the rest of it.
    assert_ok(pool.join(kPatience));
}

void it_says_full_when_nothing_but_the_caller_can_make_room(void**) {
    Pool pool = make_pool(1, 2);
    number_inputs();
    Future<int> one = pool.apply_async(count_run, 1).expect("submitting");
    Future<int> two = pool.apply_async(count_run, 2).expect("submitting");
    MapFuture<int> map = pool.map_async(count_run, g_in, g_out, 50).expect("map");
    assert_ok(two.wait(kPatience));
    assert_code(map.get(kPatience), Errc::full);
    assert_code(map.successful(), Errc::not_done);
    assert_false(map.ready());
    assert_ok(pool.close());
    assert_code(pool.join(kPatience), Errc::full);
    assert_int_equal(*one.get(), 1);
    assert_ok(map.get(kPatience));
    expect_outputs(50);
    assert_ok(pool.join(kPatience));
}

void what_cannot_be_is_refused_at_once(void**) {
    Pool pool = make_pool(1);
    assert_code(pool.map_async(count_run, g_in, g_out, 9, MapOptions().chunk_size(0)),
                Errc::bad_argument);
    assert_code(pool.map_async(count_run, g_in, g_out, 9, MapOptions().chunk_size(9)),
                Errc::task_too_large);
    assert_code(pool.map_async(count_run, static_cast<const int*>(nullptr), g_out, 9),
                Errc::bad_argument);
    assert_code(Pool().map_async(count_run, g_in, g_out, 9), Errc::closed);
    number_inputs();
    MapFuture<int> map = pool.map_async(count_run, g_in, g_out, 9).expect("map");
    shared_test::assert_child_exits(0, [&] {
        CHECK_IN_CHILD(map.get().code() == Errc::wrong_process);
        CHECK_IN_CHILD(!map.ready());
        CHECK_IN_CHILD(map.successful().code() == Errc::wrong_process);
        CHECK_IN_CHILD(pool.poll().code() == Errc::wrong_process);
        MapFuture<int> moved = std::move(map);
    });
    assert_ok(map.get(kPatience));
}

void it_ends_with_its_pool(void**) {
    MapFuture<int> map;
    number_inputs();
    {
        Pool pool = make_pool(2);
        // Tasks that take for ever, as in CPython's test_terminate.
        map = pool.map_async(wait_for_go, g_in, g_out, 10000, MapOptions().chunk_size(1))
                  .expect("map");
        await_begun(2);
        assert_ok(pool.terminate());
        assert_ok(pool.join());
        assert_code(map.get(kPatience), Errc::pool_terminated);
        map = MapFuture<int>();
    }
    {
        Pool pool = make_pool(1);
        g_talk->begun.store(0);
        map = pool.map_async(wait_for_go, g_in, g_out, 10000).expect("map");
        await_begun(1);
    }
    assert_code(map.get(kPatience), Errc::pool_terminated);
    map = MapFuture<int>();
    {
        Pool pool = make_pool(1);
        g_talk->begun.store(0);
        map = pool.map_async(wait_for_go, g_in, g_out, 10000).expect("map");
        await_begun(1);
        assert_int_equal(kill(pool.supervisor_pid(), SIGKILL), 0);
        assert_code(map.get(kPatience), Errc::pool_broken);
        assert_code(pool.poll(kPatience).status(), Errc::ok);
    }
}

// ---- Callbacks ---------------------------------------------------------------------------------

void the_callback_of_a_map_gets_all_outputs_once(void**) {
    Pool pool = make_pool(2);
    number_inputs();
    int calls = 0, errors = 0;
    const int* where = nullptr;
    size_t count = 0;
    MapFuture<int> map = pool.map_async(count_run, g_in, g_out, 500).expect("map");
    map.then([&](int* outputs, size_t n) { ++calls, where = outputs, count = n; });
    assert_ok(map.get(kPatience));
    assert_int_equal(calls, 1);  // Before get() returned.
    assert_true(where == g_out && count == 500);
    assert_ok(map.get());
    assert_int_equal(calls, 1);
    map.then(nullptr, [&errors](const brood::Error& error) {
        assert_true(error == Errc::bad_argument);  // It has callbacks.
        ++errors;
    });
    assert_int_equal(errors, 1);

    MapFuture<int> failing = pool.map_async(die_of_17, g_in, g_out, 500).expect("map");
    failing.then([&calls](int*, size_t) { ++calls; },
                 [&errors](const brood::Error& error) {
                     assert_true(error == Errc::worker_died);
                     ++errors;
                 });
    assert_true(*pool.poll(kPatience) == 1);
    assert_true(calls == 1 && errors == 2);
    assert_true(failing.ready());

    pool.map_async(count_run, g_in, g_out, 0)
        ->then([&calls](int*, size_t n) {
            assert_int_equal(n, 0);
            ++calls;
        })
        .get(kPatience)
        .ignore();
    assert_int_equal(calls, 2);
    MapFuture<int>().then(nullptr, [&errors](const brood::Error& error) {
        assert_true(error == Errc::collected);
        ++errors;
    });
    assert_int_equal(errors, 3);
    MapFuture<int> ended = pool.map_async(count_run, g_in, g_out, 5).expect("map");
    assert_ok(ended.wait(kPatience));
    ended.then([&calls](int*, size_t n) { calls += static_cast<int>(n); });
    assert_int_equal(calls, 7);
}

void several_threads_carry_on_each_others_maps(void**) {
    static int outputs[6][3000];
    Pool pool = make_pool(2, 16);
    number_inputs();
    std::atomic<int> calls{0}, wrong{0};
    in_threads(6, [&](int index) {
        for (int round = 0; round < 5; ++round) {
            memset(outputs[index], -1, sizeof outputs[index]);
            Result<MapFuture<int>> map =
                pool.map_async(count_run, g_in, outputs[index], 3000, MapOptions().window(2));
            if (!map.ok()) {
                ++wrong;
                return;
            }
            map->then([&calls](int*, size_t) { ++calls; });
            MapFuture<int> moved = std::move(*map);
            if (!moved.get(kPatience).ok()) { ++wrong; }
            for (int i = 0; i < 3000; ++i) {
                if (outputs[index][i] != i) { ++wrong; }
            }
        }
    });
    assert_int_equal(wrong, 0);
    assert_true(test::eventually([&] { return calls == 30; }));
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(map_async_gives_what_map_does),
        POOL_TEST(elements_and_results_may_differ_in_size),
        POOL_TEST(it_returns_at_once_and_tells_how_it_stands),
        POOL_TEST(the_first_error_is_told_and_the_rest_is_filled),
        POOL_TEST(a_table_that_is_too_small_is_filled_again_and_again),
        POOL_TEST(it_goes_on_while_the_host_waits_for_something_else),
        POOL_TEST(a_map_that_is_dropped_leaves_nothing_behind),
        POOL_TEST(it_says_full_when_nothing_but_the_caller_can_make_room),
        POOL_TEST(what_cannot_be_is_refused_at_once),
        POOL_TEST(it_ends_with_its_pool),
        POOL_TEST(the_callback_of_a_map_gets_all_outputs_once),
        POOL_TEST(several_threads_carry_on_each_others_maps),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
