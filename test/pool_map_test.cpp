// Goal: map() gives back what the function makes of each element, whatever their number and size.
#include "pool_support.hpp"

using namespace pool_test;

namespace {

struct Point {
    int x, y;
    double weight;
};

void map_calls_the_function_once_for_each_element(void**) {
    static int in[100000], out[100000];
    Pool pool = make_pool(2);
    for (const size_t count : {0u, 1u, 2u, 3u, 7u, 8u, 9u, 255u, 1000u, 100000u}) {
        memset(static_cast<void*>(g_talk), 0, sizeof *g_talk);
        for (size_t i = 0; i < count; ++i) { in[i] = static_cast<int>(i), out[i] = -1; }
        assert_ok(pool.map(count_run, in, out, count));
        for (size_t i = 0; i < count; ++i) {
            assert_int_equal(out[i], i);
            assert_int_equal(g_talk->runs[i], 1);
        }
        assert_int_equal(g_talk->runs[count], 0);
    }
}

void map_works_through_a_table_smaller_than_its_chunks(void**) {
    static Point in[5000];
    static double out[5000];
    for (int i = 0; i < 5000; ++i) { in[i] = {i, 1, 0.5}; }
    // One element a chunk, and two chunks at a time.
    Result<Pool> pool = Pool::create(PoolOptions().workers(3).capacity(2).payload_bytes(40));
    assert_ok(pool);
    assert_ok(pool->map([](const Point& p) { return p.x + p.y + p.weight; }, in, out));
    for (int i = 0; i < 5000; ++i) { assert_true(out[i] == i + 1.5); }
}

void map_tells_its_progress(void**) {
    static int in[10000], out[10000];
    Pool pool = make_pool(2);
    size_t last = 0, calls = 0;
    assert_ok(pool.map(count_run, in, out, 10000, [&](size_t done, size_t total) {
        assert_true(done > last && total == 10000);
        last = done;
        ++calls;
    }));
    assert_int_equal(last, 10000);
    assert_true(calls >= 8);
}

void map_says_which_error_came_first_and_fills_the_rest(void**) {
    static int in[1000], out[1000];
    for (int i = 0; i < 1000; ++i) { in[i] = i, out[i] = -1; }
    Pool pool = make_pool(2);
    const Status status = pool.map(
        [](int n) {
            if (n == 500) { _exit(9); }
            return n;
        },
        in, out);
    assert_code(status, Errc::worker_died);
    assert_int_equal(status.error().detail(), 9);
    int filled = 0;
    for (int i = 0; i < 1000; ++i) {
        assert_true(out[i] == i || out[i] == -1);
        filled += out[i] == i ? 1 : 0;
    }
    assert_int_equal(out[500], -1);
    assert_true(filled >= 1000 - 125 && filled < 1000);  // At most one chunk of eight is missing.
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(map_calls_the_function_once_for_each_element),
        POOL_TEST(map_works_through_a_table_smaller_than_its_chunks),
        POOL_TEST(map_tells_its_progress),
        POOL_TEST(map_says_which_error_came_first_and_fills_the_rest),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
