// Goal: what CPython's own tests ask of its Pool holds of ours. Each test of class _TestPool and
// its neighbours in Lib/test/_test_multiprocessing.py (3.8 to 3.14) is here, in another test, or
// does not apply:
//
// test_apply                            pool_test; arguments with names are not C++
// test_map                              here; pool_map_test
// test_starmap, test_starmap_async      here; pool_map_test, map_future_test
// test_map_async                        here; map_future_test
// test_map_async_callbacks              map_future_test:
//                                       the_callback_of_a_map_gets_all_outputs_once
// test_map_unplicklable                 pool_compile_test: it does not compile
// test_map_chunksize                    here; pool_map_test
// test_map_handle_iterable_exception    maps take arrays, which cannot fail; imap: see below
// test_async                            here
// test_async_timeout                    pool_test: a_future_tells_how_its_task_stands
// test_imap                             here; imap_test
// test_imap_handle_iterable_exception   imap_test:
//                                       a_generator_that_fails_is_told_after_all_results_and_once;
//                                       elements before that are not lost, as in an unfinished
//                                       chunk of Python
// test_imap_unordered                   here; imap_test
// test_imap_unordered_handle_iterable_  as test_imap_handle_iterable_exception
//     exception
// test_make_pool                        here; pool_host_test:
//                                       options_outside_of_their_bounds_are_refused
// test_terminate                        map_future_test: it_ends_with_its_pool
// test_empty_iterable                   here
// test_context                          here: the end of the scope is the end of the `with`
// test_traceback, test_wrapped_         tasks return errors, there are no exceptions. A task that
//     exception                         ends its worker: pool_test
// test_map_no_failfast                  here
// test_release_task_refs                arguments and results are plain bytes: nothing to release
// test_enter                            there is no pool that could be entered twice; of one that
//                                       was moved from: pool_test
// test_resource_warning                 the destructor terminates: pool_test, pool_crash_test
//
// _TestPoolWorkerErrors
// test_async_error_callback             pool_callback_test: its_own_future_tells_nothing_before
// test_unpickleable_result              pool_compile_test: it does not compile
//
// _TestPoolWorkerLifetime
// test_pool_worker_lifetime,            tests of max_tasks_per_child
//     test_pool_worker_lifetime_early_close, test_pool_maxtasksperchild_invalid
// test_worker_finalization_via_atexit_  here: a_pool_that_lives_until_the_end_of_the_program
//     handler_of_multiprocessing
//
// Elsewhere in that file
// TestInitializers: test_pool_initializer  here; what cannot be called does not compile
// TestStdinBadfiledescriptor:
//     test_pool_in_process              here
// TestPoolNotLeakOnFailure:
//     test_release_unused_processes     pool_crash_test: too_few_processes_undo_the_whole_pool
// MiscTestCase: test_large_pool         here
// TestSyncManagerTypes: test_pool       a Pool of a Manager, which Pools do not come from here
#include "pool_support.hpp"

#include <brood/process.hpp>
#include <brood/tuple.hpp>

#include <algorithm>
#include <vector>

using namespace pool_test;
using brood::MapOptions;
using brood::Pair;

namespace {

int sqr(int n) {
    return n * n;
}
int slow_sqr(int n, int ms) {
    sleep_us(ms * 1000);
    return n * n;
}
int mul(int a, int b) {
    return a * b;
}

// 0, 1, ... and their squares.
struct Range {
    explicit Range(int count) {
        for (int i = 0; i < count; ++i) {
            numbers.push_back(i);
            squares.push_back(i * i);
            pairs.push_back({i, count - 1 - i});
            products.push_back(i * (count - 1 - i));
        }
        outputs.assign(numbers.size(), -1);
    }
    size_t count() const { return numbers.size(); }
    std::vector<int> numbers, squares, products, outputs;
    std::vector<Pair<int, int>> pairs;
};

void test_map(void**) {
    Pool pool = make_pool(4);
    Range ten(10), hundred(100);
    assert_ok(pool.map(sqr, ten.numbers.data(), ten.outputs.data(), ten.count()));
    assert_true(ten.outputs == ten.squares);
    Result<Pool> wide = Pool::create(PoolOptions().workers(4).payload_bytes(128));
    assert_ok(wide->map(sqr, hundred.numbers.data(), hundred.outputs.data(), hundred.count(),
                        MapOptions().chunk_size(20)));
    assert_true(hundred.outputs == hundred.squares);
}

void test_starmap_and_starmap_async(void**) {
    Result<Pool> pool = Pool::create(PoolOptions().workers(4).payload_bytes(256));
    assert_ok(pool);
    for (const int count : {10, 100}) {
        Range range(count), late(count);
        MapOptions options;
        if (count == 100) { options.chunk_size(20); }
        assert_ok(
            pool->starmap(mul, range.pairs.data(), range.outputs.data(), range.count(), options));
        assert_true(range.outputs == range.products);
        assert_ok(
            pool->starmap_async(mul, late.pairs.data(), late.outputs.data(), late.count(), options)
                ->get(kPatience));
        assert_true(late.outputs == late.products);
    }
}

void test_map_async_and_map_chunksize(void**) {
    Pool pool = make_pool(4);
    Range ten(10);
    assert_ok(pool.map_async(sqr, ten.numbers.data(), ten.outputs.data(), 10)->get(kPatience));
    assert_true(ten.outputs == ten.squares);
    const auto by_one = MapOptions().chunk_size(1);
    assert_ok(
        pool.map_async(sqr, ten.numbers.data(), ten.outputs.data(), 0, by_one)->get(kPatience));
}

void test_async(void**) {
    Pool pool = make_pool(4);
    const std::int64_t begun = brood::port::now_ns();
    Future<int> result = pool.apply_async(slow_sqr, 7, 150).expect("submitting");
    assert_int_equal(*result.get(), 49);
    assert_true(brood::port::now_ns() - begun >= 150000000);
}

void test_imap(void**) {
    Result<Pool> pool = Pool::create(PoolOptions().workers(4).payload_bytes(512));
    assert_ok(pool);
    const Range ten(10), thousand(1000);
    size_t at = 0;
    for (const Result<int>& square : pool->imap(sqr, ten.numbers)) {
        assert_int_equal(*square, ten.squares[at++]);
    }
    assert_int_equal(at, 10);
    auto results = pool->imap(sqr, thousand.numbers, MapOptions().chunk_size(100));
    for (const int square : thousand.squares) { assert_int_equal(*results.next(), square); }
    assert_code(results.next(), Errc::end_of_stream);
}

void test_imap_unordered(void**) {
    Result<Pool> pool = Pool::create(PoolOptions().workers(4).payload_bytes(512));
    assert_ok(pool);
    for (const int chunk : {1, 100}) {
        const Range range(1000);
        std::vector<int> got;
        for (const Result<int>& square :
             pool->imap_unordered(sqr, range.numbers, MapOptions().chunk_size(chunk))) {
            got.push_back(*square);
        }
        std::sort(got.begin(), got.end());
        assert_true(got == range.squares);
    }
}

void test_make_pool(void**) {
    assert_code(Pool::create(PoolOptions().workers(0)), Errc::bad_argument);
    assert_code(Pool::create(PoolOptions().workers(static_cast<std::uint32_t>(-2))),
                Errc::bad_argument);
    Pool pool = make_pool(3);
    assert_int_equal(pool.worker_pids(nullptr, 0), 3);
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
}

void test_empty_iterable(void**) {
    Pool pool = make_pool(1);
    const std::vector<int> empty;
    int out[1] = {5};
    assert_ok(pool.map(sqr, empty.data(), out, 0));
    assert_code(pool.imap(sqr, empty).next(kPatience), Errc::end_of_stream);
    assert_code(pool.imap_unordered(sqr, empty).next(kPatience), Errc::end_of_stream);
    assert_ok(pool.map_async(sqr, empty.data(), out, 0)->get(kPatience));
    assert_int_equal(out[0], 5);
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
}

void test_context(void**) {
    Range ten(10);
    Pool pool = make_pool(2);
    assert_ok(pool.map_async(sqr, ten.numbers.data(), ten.outputs.data(), 10)->get(kPatience));
    assert_true(ten.outputs == ten.squares);
    assert_ok(pool.terminate());  // What the end of `with` does.
    assert_ok(pool.join());
    assert_code(pool.map_async(sqr, ten.numbers.data(), ten.outputs.data(), 10), Errc::pool_closed);
}

void test_map_no_failfast(void**) {
    Pool pool = make_pool(2);
    const int in[2] = {0, 1};
    int out[2] = {-1, -1};
    const Status status = pool.map(
        [](int n) {
            if (n == 0) { _exit(1); }
            sleep_us(100000);
            g_talk->ended.fetch_add(1);
            return n;
        },
        in, out, MapOptions().chunk_size(1));
    assert_code(status, Errc::worker_died);
    assert_int_equal(g_talk->ended, 1);  // It waited for the other.
    assert_int_equal(out[1], 1);
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
}

void a_pool_that_lives_until_the_end_of_the_program(void**) {
    shared_test::assert_child_exits(0, [] {
        static Pool* const s_pool = new Pool(make_pool(1));
        int in[10] = {}, out[10];
        CHECK_IN_CHILD(s_pool->map(sqr, in, out).ok());
    });
}

void test_pool_initializer(void**) {
    Pool pool = make_pool(
        PoolOptions().workers(1).initializer([](int value) { g_talk->begun = value; }, 1));
    assert_ok(pool.close());
    assert_ok(pool.join(kPatience));
    assert_int_equal(g_talk->begun, 1);
}

void test_pool_in_process(void**) {
    brood::Process process([] {
        Pool pool = Pool::create(PoolOptions().workers(4)).expect("making a pool");
        const int in[7] = {1, 2, 3, 4, 5, 6, 7};
        int out[7];
        CHECK_IN_CHILD(pool.map(sqr, in, out).ok());
        CHECK_IN_CHILD(pool.close().ok() && pool.join(kPatience).ok());
        g_talk->ended = out[6];
    });
    assert_ok(process.start());
    assert_ok(process.join(kPatience));
    assert_int_equal(*process.exit_code(), 0);
    assert_int_equal(g_talk->ended, 49);
}

void test_large_pool(void**) {
    Pool pool = make_pool(200);
    Range thousand(1000);
    assert_ok(pool.map(sqr, thousand.numbers.data(), thousand.outputs.data(), thousand.count()));
    long sum = 0;
    for (const int square : thousand.outputs) { sum += square; }
    assert_int_equal(sum, 332833500);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(test_map),
        POOL_TEST(test_starmap_and_starmap_async),
        POOL_TEST(test_map_async_and_map_chunksize),
        POOL_TEST(test_async),
        POOL_TEST(test_imap),
        POOL_TEST(test_imap_unordered),
        POOL_TEST(test_make_pool),
        POOL_TEST(test_empty_iterable),
        POOL_TEST(test_context),
        POOL_TEST(test_map_no_failfast),
        POOL_TEST(test_pool_initializer),
        POOL_TEST(test_pool_in_process),
        POOL_TEST(test_large_pool),
        POOL_TEST(a_pool_that_lives_until_the_end_of_the_program),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
