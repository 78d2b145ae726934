// Goal: imap() and imap_unordered() give each result once, pull their input only as far as their
// window reaches, and go on after errors of single elements.
#include "pool_support.hpp"

#include <stdio.h>

#include <brood/imap.hpp>
#include <brood/tuple.hpp>

#include <vector>

using namespace pool_test;
using brood::MapOptions;

namespace {

// A generator of 0, 1, 2, ..., which counts how often it was asked.
struct Numbers {
    int end;
    int asked = 0;
    bool operator()(int& n) {
        n = asked++;
        return n < end;
    }
};
// One that fails after `good` elements.
struct Failing {
    int good;
    int asked = 0;
    Status operator()(int& n) {
        if (asked == good) { return brood::Error(Errc::output_failed, 5); }
        n = asked++;
        return Errc::ok;
    }
};

template <class Results>
void expect_in_order(Results&& results, int count) {
    for (int i = 0; i < count; ++i) {
        const auto result = results.next(kPatience);
        assert_ok(result);
        assert_int_equal(*result, i);
    }
    assert_code(results.next(), Errc::end_of_stream);
    assert_code(results.next(Timeout::no_wait()), Errc::end_of_stream);
}

template <class Results>
void expect_each_once(Results&& results, int count) {
    std::vector<int> seen(static_cast<size_t>(count), 0);
    for (const auto& result : results) {
        assert_ok(result);
        ++seen[static_cast<size_t>(*result)];
    }
    for (const int times : seen) { assert_int_equal(times, 1); }
}

void imap_gives_the_results_in_order_and_then_their_end(void**) {
    Pool pool = make_pool(3);
    for (const int count : {0, 1, 2, 23, 24, 25, 1000}) {
        for (const int chunk : {1, 2, 7, 8}) {
            for (const int window : {1, 2, 24, 256}) {
                const auto options = MapOptions().chunk_size(chunk).window(window);
                memset(static_cast<void*>(g_talk), 0, sizeof *g_talk);
                expect_in_order(pool.imap(count_run, Numbers{count}, options), count);
                for (int i = 0; i < count; ++i) { assert_int_equal(g_talk->runs[i], 1); }
            }
        }
    }
}

void imap_unordered_gives_each_result_once(void**) {
    Pool pool = make_pool(3);
    for (const int count : {0, 1, 10, 25, 1000}) {
        for (const int chunk : {1, 8}) {
            const auto options = MapOptions().chunk_size(chunk);
            expect_each_once(pool.imap_unordered(count_run, Numbers{count}, options), count);
        }
    }
}

bool next_of_ten(int& n) {
    static int at = 0;
    n = at++ % 11;
    return n < 10;
}

void the_input_is_whatever_gives_elements(void**) {
    Pool pool = make_pool(2);
    const int array[3] = {0, 1, 2};
    expect_in_order(pool.imap(count_run, array), 3);
    std::vector<int> vector{0, 1, 2, 3};
    expect_in_order(pool.imap(count_run, vector), 4);
    expect_in_order(pool.imap(count_run, vector.cbegin(), vector.cend()), 4);
    expect_each_once(pool.imap_unordered(count_run, array + 0, array + 2), 2);
    expect_in_order(pool.imap(count_run, next_of_ten), 10);
    expect_in_order(pool.imap(count_run, &next_of_ten), 10);
    int left = 5;
    expect_in_order(pool.imap(count_run,
                              [&left](int& n) {
                                  n = 5 - left;
                                  return left-- > 0;
                              }),
                    5);
    expect_in_order(pool.imap(count_run,
                              [at = 0](int& n) mutable -> Status {
                                  n = at++;
                                  return n < 6 ? Errc::ok : Errc::end_of_stream;
                              }),
                    6);
    Numbers named{7};  // Not copied: it tells how far it was pulled.
    expect_in_order(pool.imap(count_run, named), 7);
    assert_int_equal(named.asked, 8);
}

void results_may_be_of_any_type_or_none(void**) {
    Pool pool = make_pool(2);
    const brood::Pair<int, double> pairs[3] = {{1, 0.5}, {2, 1.5}, {3, 2.5}};
    double sum = 0;
    for (const Result<double>& product :
         pool.imap([](brood::Pair<int, double>& p) { return p.first * p.second; }, pairs)) {
        sum += product.value_or(-100);
    }
    assert_true(sum == 0.5 + 3 + 7.5);
    int ended = 0;
    for (const Status& status : pool.imap([](int) { g_talk->ended.fetch_add(1); }, Numbers{20})) {
        assert_ok(status);
        ++ended;
    }
    assert_int_equal(ended, 20);
    assert_int_equal(g_talk->ended, 20);
}

int wait_if_first(int n) {
    return n == 0 ? wait_for_go(n) : n;
}

void only_imap_in_order_waits_for_a_slow_element(void**) {
    Pool pool = make_pool(2);
    auto ordered = pool.imap(wait_if_first, Numbers{20});
    await_begun(1);
    assert_code(ordered.next(Timeout::no_wait()), Errc::timed_out);
    assert_code(ordered.next(brood::milliseconds(20)), Errc::timed_out);
    assert_code(ordered.next(brood::milliseconds(-1)), Errc::timeout_negative);
    assert_code(ordered.next(brood::seconds(INT64_MAX)), Errc::timeout_overflow);
    let_go();
    expect_in_order(ordered, 20);

    g_talk->go.store(0);
    auto unordered = pool.imap_unordered(wait_if_first, Numbers{20});
    int sum = 0;
    for (int i = 1; i < 20; ++i) {
        const Result<int> result = unordered.next(kPatience);
        assert_ok(result);
        assert_int_not_equal(*result, 0);
        sum += *result;
    }
    assert_int_equal(sum, 190);
    assert_code(unordered.next(brood::milliseconds(20)), Errc::timed_out);
    let_go();
    const Result<int> last = unordered.next(kPatience);
    assert_ok(last);
    assert_int_equal(*last, 0);
    assert_code(unordered.next(), Errc::end_of_stream);
}

void the_input_is_pulled_no_further_than_the_window(void**) {
    Pool pool = make_pool(2);
    for (const int chunk : {1, 5}) {
        for (const int window : {0, 1, 3}) {
            Numbers numbers{10000};
            MapOptions options = MapOptions().chunk_size(chunk);
            if (window != 0) { options.window(window); }
            const int most = chunk * (window == 0 ? 16 : window);  // 8 for each of two workers.
            auto results = pool.imap(count_run, numbers, options);
            assert_int_equal(numbers.asked, most);
            for (int taken = 1; taken <= 40; ++taken) {
                assert_ok(results.next(kPatience));
                const int chunks_begun = (taken + chunk - 1) / chunk;
                assert_int_equal(numbers.asked, most + (chunks_begun - 1) * chunk);
            }
        }
    }
}

void a_generator_that_fails_is_told_after_all_results_and_once(void**) {
    Pool pool = make_pool(2);
    for (const int good : {0, 1, 3, 7, 100}) {
        for (const int chunk : {1, 2, 4}) {
            for (int again = 0; again < 2; ++again) {
                auto results = pool.imap(count_run, Failing{good}, MapOptions().chunk_size(chunk));
                for (int i = 0; i < good; ++i) { assert_int_equal(*results.next(kPatience), i); }
                const Result<int> why = results.next(kPatience);
                assert_code(why, Errc::output_failed);
                assert_int_equal(why.error().os_error(), 5);
                assert_code(results.next(), Errc::end_of_stream);
            }
            int ok = 0, failed = 0;
            for (const auto& result :
                 pool.imap_unordered(count_run, Failing{good}, MapOptions().chunk_size(chunk))) {
                result.ok() ? ++ok : ++failed;
            }
            assert_int_equal(ok, good);
            assert_int_equal(failed, 1);
        }
    }
}

int die_of_ten(int n) {
    if (n == 10) { _exit(6); }
    return n;
}

void the_error_of_an_element_does_not_end_the_iteration(void**) {
    Pool pool = make_pool(2);
    for (const int chunk : {1, 4}) {
        auto results = pool.imap(die_of_ten, Numbers{30}, MapOptions().chunk_size(chunk));
        for (int i = 0; i < 30; ++i) {
            const Result<int> result = results.next(kPatience);
            if (i / chunk == 10 / chunk) {  // All of its chunk.
                assert_code(result, Errc::worker_died);
                assert_int_equal(result.error().detail(), 6);
            } else {
                assert_ok(result);
                assert_int_equal(*result, i);
            }
        }
        assert_code(results.next(), Errc::end_of_stream);

        int died = 0, well = 0;
        for (const auto& result :
             pool.imap_unordered(die_of_ten, Numbers{30}, MapOptions().chunk_size(chunk))) {
            result.ok() ? ++well : ++died;
        }
        assert_int_equal(died, chunk);
        assert_int_equal(well, 30 - chunk);
    }
}

void an_iterator_that_is_abandoned_leaves_no_slot_behind(void**) {
    Pool pool = make_pool(2, 8);
    const auto whole_table_is_free = [&] {
        Future<int> futures[8];
        for (Future<int>& future : futures) {
            Result<Future<int>> submitted = pool.apply_async(count_run, 1);
            if (!submitted.ok()) { return false; }
            future = std::move(*submitted);
        }
        return true;
    };
    for (int taken = 0; taken < 30; ++taken) {
        {
            auto results = pool.imap(count_run, Numbers{1000});
            auto others = pool.imap_unordered(count_run, Numbers{5}, MapOptions().chunk_size(3));
            for (int i = 0; i < taken; ++i) { results.next(kPatience).ignore(); }
        }
        assert_true(test::eventually(whole_table_is_free));
    }
}

void a_full_table_slows_an_iteration_but_ends_it_not(void**) {
    Pool pool = make_pool(1, 2);
    Future<int> first = pool.apply_async(count_run, 1).expect("submitting");
    expect_in_order(pool.imap(count_run, Numbers{50}), 50);  // In the one place that is left.
    auto results = pool.imap(count_run, Numbers{3});
    Result<int> result = results.next(kPatience);
    assert_int_equal(*result, 0);
    {
        Pool small = make_pool(1, 1);
        Future<int> only = small.apply_async(count_run, 1).expect("submitting");
        auto starved = small.imap(count_run, Numbers{3});
        assert_code(starved.next(), Errc::full);
        assert_code(starved.next(), Errc::full);
        assert_ok(only.get(kPatience));
        expect_in_order(starved, 3);
    }
}

void what_cannot_be_is_told_by_the_first_next(void**) {
    Pool pool = make_pool(1);
    Numbers numbers{5};
    const auto ends_with = [&](auto&& results, Errc code) {
        assert_code(results.next(), code);
        assert_code(results.next(), Errc::end_of_stream);
        assert_int_equal(numbers.asked, 0);
    };
    ends_with(pool.imap(count_run, numbers, MapOptions().chunk_size(0)), Errc::bad_argument);
    ends_with(pool.imap(count_run, numbers, MapOptions().window(257)), Errc::bad_argument);
    ends_with(pool.imap(count_run, numbers, MapOptions().chunk_size(9)), Errc::task_too_large);
    ends_with(Pool().imap(count_run, numbers), Errc::closed);
    shared_test::assert_child_exits(0, [&] {
        CHECK_IN_CHILD(pool.imap(count_run, numbers).next().code() == Errc::wrong_process);
    });
}

void an_iteration_ends_with_its_pool(void**) {
    {  // close(): what is under way is given, the rest is not begun.
        Pool pool = make_pool(1);
        auto results = pool.imap(count_run, Numbers{100}, MapOptions().window(4));
        auto whole = pool.imap(count_run, Numbers{4}, MapOptions().window(4));
        assert_ok(pool.close());
        for (int i = 0; i < 4; ++i) { assert_int_equal(*results.next(kPatience), i); }
        assert_code(results.next(), Errc::pool_closed);
        assert_code(results.next(), Errc::end_of_stream);
        expect_in_order(whole, 4);
        assert_ok(pool.join(kPatience));
    }
    {  // terminate(), and the end of the Pool itself.
        Pool pool = make_pool(1);
        auto ordered = pool.imap(wait_for_go, Numbers{100}, MapOptions().window(4));
        auto unordered = pool.imap_unordered(wait_for_go, Numbers{100}, MapOptions().window(4));
        await_begun(1);
        assert_ok(pool.terminate());
        pool = Pool();
        for (int i = 0; i < 4; ++i) {
            assert_code(ordered.next(kPatience), Errc::pool_terminated);
            assert_code(unordered.next(kPatience), Errc::pool_terminated);
        }
        assert_code(ordered.next(), Errc::pool_closed);  // What was not submitted.
        assert_code(unordered.next(), Errc::pool_closed);
        assert_code(ordered.next(), Errc::end_of_stream);
        assert_code(unordered.next(), Errc::end_of_stream);
    }
    {  // A supervisor that is killed.
        Pool pool = make_pool(1);
        g_talk->begun.store(0);
        auto results = pool.imap_unordered(wait_for_go, Numbers{100}, MapOptions().window(2));
        await_begun(1);
        assert_int_equal(kill(pool.supervisor_pid(), SIGKILL), 0);
        assert_code(results.next(kPatience), Errc::pool_broken);
    }
}

void in_a_forked_child_an_iteration_ends_at_once(void**) {
    Pool pool = make_pool(1);
    auto results = pool.imap(count_run, Numbers{3});
    auto others = pool.imap_unordered(count_run, Numbers{3});
    shared_test::assert_child_exits(0, [&] {
        CHECK_IN_CHILD(results.next().code() == Errc::wrong_process);
        CHECK_IN_CHILD(results.next().code() == Errc::end_of_stream);
        CHECK_IN_CHILD(others.next().code() == Errc::wrong_process);
        CHECK_IN_CHILD(others.next().code() == Errc::end_of_stream);
    });
    expect_in_order(results, 3);
    expect_each_once(others, 3);
}

void several_threads_iterate_at_the_same_time(void**) {
    Pool pool = make_pool(2, 64);
    in_threads(6, [&](int index) {
        const auto options = MapOptions().window(10);  // There is room for six of them.
        if (index % 2 == 0) {
            expect_in_order(pool.imap(count_run, Numbers{2000}, options), 2000);
        } else {
            expect_each_once(pool.imap_unordered(count_run, Numbers{2000}, options), 2000);
        }
    });
}

long pages_in_use() {
    FILE* const file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    long whole = 0, resident = 0;
    assert_int_equal(fscanf(file, "%ld %ld", &whole, &resident), 2);
    (void)fclose(file);
    return resident;
}

void ten_million_elements_need_no_more_memory_than_some(void**) {
    Result<Pool> pool = Pool::create(PoolOptions().workers(2).capacity(64).payload_bytes(8192));
    assert_ok(pool);
    const auto options = MapOptions().chunk_size(2000).window(32);
    long long sum = 0;
    long pages = 0;
    int count = 0;
    for (const Result<int>& result :
         pool->imap([](int n) { return n & 1; }, Numbers{10000000}, options)) {
        sum += result.value_or(1000000);
        if (++count == 100000) { pages = pages_in_use(); }
    }
    assert_int_equal(count, 10000000);
    assert_true(sum == 5000000);
    assert_in_range(pages_in_use(), 0, pages + 64);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(imap_gives_the_results_in_order_and_then_their_end),
        POOL_TEST(imap_unordered_gives_each_result_once),
        POOL_TEST(the_input_is_whatever_gives_elements),
        POOL_TEST(results_may_be_of_any_type_or_none),
        POOL_TEST(only_imap_in_order_waits_for_a_slow_element),
        POOL_TEST(the_input_is_pulled_no_further_than_the_window),
        POOL_TEST(a_generator_that_fails_is_told_after_all_results_and_once),
        POOL_TEST(the_error_of_an_element_does_not_end_the_iteration),
        POOL_TEST(an_iterator_that_is_abandoned_leaves_no_slot_behind),
        POOL_TEST(a_full_table_slows_an_iteration_but_ends_it_not),
        POOL_TEST(what_cannot_be_is_told_by_the_first_next),
        POOL_TEST(an_iteration_ends_with_its_pool),
        POOL_TEST(in_a_forked_child_an_iteration_ends_at_once),
        POOL_TEST(several_threads_iterate_at_the_same_time),
        POOL_TEST(ten_million_elements_need_no_more_memory_than_some),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
