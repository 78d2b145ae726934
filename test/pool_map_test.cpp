// Goal: map() gives back what the function makes of each element, whatever their number and size.
#include "pool_support.hpp"

#include <brood/tuple.hpp>

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

// ---- Chunks ------------------------------------------------------------------------------------

void a_chunk_has_as_many_elements_as_asked_for(void**) {
    static int in[100], out[100];
    Result<Pool> pool = Pool::create(PoolOptions().workers(2).payload_bytes(256));
    assert_ok(pool);
    for (const int size : {1, 7, 20, 33, 50}) {
        const auto options = brood::MapOptions().chunk_size(size);
        size_t calls = 0, last = 0;
        const auto count = [&](size_t done, size_t) {
            assert_true(done == last + static_cast<size_t>(size) || done == 100);
            last = done;
            ++calls;
        };
        for (int i = 0; i < 100; ++i) { in[i] = i, out[i] = -1; }
        assert_ok(pool->map(count_run, in, out, 100, options, count));
        assert_int_equal(calls, (100 + size - 1) / size);
        for (int i = 0; i < 100; ++i) { assert_int_equal(out[i], i); }
    }
}

void a_worker_that_dies_takes_along_no_more_than_its_chunk(void**) {
    static int in[60], out[60];
    for (int i = 0; i < 60; ++i) { in[i] = i, out[i] = -1; }
    Pool pool = make_pool(2);
    const Status status = pool.map(
        [](int n) {
            if (n == 17) { _exit(9); }
            return n;
        },
        in, out, brood::MapOptions().chunk_size(5));
    assert_code(status, Errc::worker_died);
    for (int i = 0; i < 60; ++i) { assert_int_equal(out[i], i >= 15 && i < 20 ? -1 : i); }
}

void a_map_keeps_to_its_window(void**) {
    static int in[40], out[40];
    for (int i = 0; i < 40; ++i) { in[i] = i; }
    Pool pool = make_pool(2, 4);
    // Two others hold half of the table. A window of two leaves it at that, a larger one meets its
    // end and goes on with what there is.
    Future<int> first = pool.apply_async(count_run, 1).expect("submitting");
    Future<int> second = pool.apply_async(count_run, 2).expect("submitting");
    for (const int window : {1, 2, 256}) {
        size_t most = 0, done = 0;
        const auto options = brood::MapOptions().chunk_size(1).window(window);
        assert_ok(pool.map(count_run, in, out, 40, options, [&](size_t, size_t) {
            ++done;
            Future<int> more[4];
            size_t room = 0;
            while (room < 4) {
                Result<Future<int>> future = pool.apply_async(count_run, 3);
                if (!future.ok()) { break; }
                more[room++] = std::move(*future);
            }
            for (size_t i = 0; i < room; ++i) { assert_ok(more[i].get(kPatience)); }
            if (done < 30 && room > most) { most = room; }
        }));
        assert_int_equal(most, window == 1 ? 2 : 1);
    }
}

void sizes_that_cannot_be_are_refused_before_anything_runs(void**) {
    static int in[10], out[10];
    Pool pool = make_pool(1);
    using brood::MapOptions;
    for (const std::int64_t bad :
         {std::int64_t{0}, std::int64_t{-1}, INT64_MIN, INT64_MAX, MapOptions::kChunkMax + 1}) {
        assert_code(pool.map(count_run, in, out, MapOptions().chunk_size(bad)), Errc::bad_argument);
        assert_code(pool.map(count_run, in, out, MapOptions().chunk_size(bad).window(1)),
                    Errc::bad_argument);
    }
    for (const std::int64_t bad : {std::int64_t{0}, std::int64_t{-1}, MapOptions::kWindowMax + 1}) {
        assert_code(pool.map(count_run, in, out, MapOptions().window(bad)), Errc::bad_argument);
    }
    // A slot has 48 bytes: a header of 16 and eight numbers.
    assert_ok(pool.map(count_run, in, out, MapOptions().chunk_size(8).window(256)));
    memset(static_cast<void*>(g_talk), 0, sizeof *g_talk);
    const Status nine = pool.map(count_run, in, out, MapOptions().chunk_size(9));
    assert_code(nine, Errc::task_too_large);
    assert_int_equal(nine.error().detail(), 16 + 9 * 4);
    const Status most =
        pool.map(count_run, in, out, MapOptions().chunk_size(MapOptions::kChunkMax));
    assert_code(most, Errc::task_too_large);
    assert_true(most.error().detail() == 16 + 4 * MapOptions::kChunkMax);
    assert_int_equal(g_talk->runs[0], 0);
    assert_code(pool.map(count_run, in, static_cast<int*>(nullptr), 1), Errc::bad_argument);
    // An empty map is no crime, whatever the size (CPython's test_map_chunksize).
    assert_ok(pool.map(count_run, in, out, 0, MapOptions().chunk_size(1)));
    assert_ok(pool.map(count_run, static_cast<const int*>(nullptr), out, 0));
}

// ---- Several arguments -------------------------------------------------------------------------

double area(int width, double height, char unit) {
    return width * height * (unit == 'c' ? 0.0001 : 1);
}
int difference(int a, int b) {
    return a - b;
}

void starmap_gives_the_function_the_values_of_each_tuple(void**) {
    static brood::Pair<int, int> pairs[500];
    static int differences[500];
    for (int i = 0; i < 500; ++i) { pairs[i] = {3 * i, i}; }
    Pool pool = make_pool(2);
    assert_ok(pool.starmap(difference, pairs, differences));
    for (int i = 0; i < 500; ++i) { assert_int_equal(differences[i], 2 * i); }
    assert_ok(pool.starmap([](int a, int b) { return a + b; }, pairs, differences, 100,
                           brood::MapOptions().chunk_size(2)));
    for (int i = 0; i < 500; ++i) { assert_int_equal(differences[i], i < 100 ? 4 * i : 2 * i); }

    using Box = brood::Tuple<int, double, char>;
    const Box boxes[3] = {Box(2, 1.5, 'm'), Box(100, 50.0, 'c'), Box(0, 1.0, 'm')};
    double areas[3];
    assert_ok(pool.starmap(area, boxes, areas));
    assert_true(areas[0] == 3 && areas[1] == 0.5 && areas[2] == 0);

    int factor = 10;
    const brood::Tuple<int> numbers[2] = {brood::Tuple<int>(1), brood::Tuple<int>(2)};
    int products[2];
    assert_ok(
        pool.starmap(brood::by_value([factor](int n) { return n * factor; }), numbers, products));
    assert_true(products[0] == 10 && products[1] == 20);
}

void starmap_fails_as_map_does(void**) {
    brood::Pair<int, int> pairs[8];
    int out[8];
    for (int i = 0; i < 8; ++i) { pairs[i] = {i, i}, out[i] = -1; }
    Pool pool = make_pool(2);
    const auto die_of_five = [](int a, int b) {
        if (a == 5) { _exit(7); }
        return a * b;
    };
    const Status status = pool.starmap(die_of_five, pairs, out, brood::MapOptions().chunk_size(1));
    assert_code(status, Errc::worker_died);
    for (int i = 0; i < 8; ++i) { assert_int_equal(out[i], i == 5 ? -1 : i * i); }
    assert_code(pool.starmap(difference, pairs, out, brood::MapOptions().chunk_size(0)),
                Errc::bad_argument);
    // A function of the wrong address, as one from a library that the workers do not have.
    const auto stray = reinterpret_cast<int (*)(int, int)>(std::uintptr_t{64});
    assert_code(pool.starmap(stray, pairs, out), Errc::unknown_function);
    assert_ok(pool.close());
    assert_code(pool.starmap(difference, pairs, out), Errc::pool_closed);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(map_calls_the_function_once_for_each_element),
        POOL_TEST(map_works_through_a_table_smaller_than_its_chunks),
        POOL_TEST(map_tells_its_progress),
        POOL_TEST(map_says_which_error_came_first_and_fills_the_rest),
        POOL_TEST(a_chunk_has_as_many_elements_as_asked_for),
        POOL_TEST(a_worker_that_dies_takes_along_no_more_than_its_chunk),
        POOL_TEST(a_map_keeps_to_its_window),
        POOL_TEST(sizes_that_cannot_be_are_refused_before_anything_runs),
        POOL_TEST(starmap_gives_the_function_the_values_of_each_tuple),
        POOL_TEST(starmap_fails_as_map_does),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
