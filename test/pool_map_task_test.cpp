// Goal: what MapOptions::task() asks for the tasks of a map is done with each of them, in every
// kind of map; and what cannot be is refused before there is one.
#include "pool_support.hpp"

#include <brood/tuple.hpp>

using namespace pool_test;
using brood::MapOptions;
using brood::milliseconds;
using brood::Order;
using brood::Pair;
using brood::TaskOptions;

namespace {

constexpr int kCount = 5, kBad = 2;
constexpr int kUntouched = -1;

using Row = Pair<int, int>;
/// Elements are index and index, so that each kind of map can take them.
struct Inputs {
    Inputs() {
        for (int i = 0; i < kCount; ++i) {
            numbers[i] = i;
            rows[i] = {i, i};
            outputs[i] = kUntouched;
        }
    }
    int numbers[kCount], outputs[kCount];
    Row rows[kCount];
};

/// A map in one of its kinds: how it ended, with `outputs` as map() leaves them.
using Map = Status (*)(Pool& pool, int (*function)(int), Inputs& inputs, const MapOptions& options);

template <class Results>
Status take_all(Results&& results, Inputs& inputs) {
    Status first_error;
    for (int i = 0;; ++i) {
        const Result<int> result = results.next(kPatience);
        if (result.code() == Errc::end_of_stream) { return first_error; }
        if (result.ok()) {
            inputs.outputs[*result] = *result;
        } else if (first_error.ok()) {
            first_error = result.status();
        }
        if (i == kCount) { return result.status(); }
    }
}
/// Starmaps call functions of two arguments.
int die_twice(int index, int);
int stay_twice(int index, int);
using Two = int (*)(int, int);
Two of_two(int (*function)(int));

const struct {
    const char* name;
    Map run;
} kMaps[] = {
    {"map",
     [](Pool& pool, int (*function)(int), Inputs& inputs, const MapOptions& options) {
         return pool.map(function, inputs.numbers, inputs.outputs, options);
     }},
    {"starmap",
     [](Pool& pool, int (*function)(int), Inputs& inputs, const MapOptions& options) {
         return pool.starmap(of_two(function), inputs.rows, inputs.outputs, options);
     }},
    {"map_async",
     [](Pool& pool, int (*function)(int), Inputs& inputs, const MapOptions& options) {
         auto map = pool.map_async(function, inputs.numbers, inputs.outputs, options);
         return map.ok() ? map->get(kPatience) : map.status();
     }},
    {"starmap_async",
     [](Pool& pool, int (*function)(int), Inputs& inputs, const MapOptions& options) {
         auto map = pool.starmap_async(of_two(function), inputs.rows, inputs.outputs, options);
         return map.ok() ? map->get(kPatience) : map.status();
     }},
    {"imap",
     [](Pool& pool, int (*function)(int), Inputs& inputs, const MapOptions& options) {
         return take_all(pool.imap(function, inputs.numbers, options), inputs);
     }},
    {"imap_unordered",
     [](Pool& pool, int (*function)(int), Inputs& inputs, const MapOptions& options) {
         return take_all(pool.imap_unordered(function, inputs.numbers, options), inputs);
     }},
};

void assert_code_of(const char* name, const Status& status, Errc code) {
    if (status.code() == code) { return; }
    fail_msg("%s: %s instead of %s", name, status.error().name(), brood::Error(code).name());
}
void clear_runs() {
    for (int i = 0; i < kCount; ++i) { g_talk->runs[i] = 0; }
}

int stay_if_bad(int index) {
    (void)count_run(index);
    while (index == kBad) { sleep_us(1000); }
    return index;
}
int die_at_first_if_bad(int index) {
    if (g_talk->runs[index].fetch_add(1) == 0 && index == kBad) { (void)raise(SIGKILL); }
    return index;
}
int stay_twice(int index, int) {
    return stay_if_bad(index);
}
int die_twice(int index, int) {
    return die_at_first_if_bad(index);
}
Two of_two(int (*function)(int)) {
    return function == stay_if_bad ? stay_twice : die_twice;
}

MapOptions one_by_one(const TaskOptions& options) {
    return MapOptions().chunk_size(1).task(options);
}

// ---- What is done ------------------------------------------------------------------------------

void a_chunk_that_had_its_time_is_ended_and_the_others_are_done(void**) {
    Pool pool = make_pool(2);
    for (const auto& map : kMaps) {
        clear_runs();
        Inputs inputs;
        // Long enough for the others on a loaded machine.
        const auto options = one_by_one(TaskOptions().timeout(milliseconds(700)));
        assert_code_of(map.name, map.run(pool, stay_if_bad, inputs, options), Errc::task_timed_out);
        for (int i = 0; i < kCount; ++i) {
            assert_int_equal(inputs.outputs[i], i == kBad ? kUntouched : i);
            assert_int_equal(g_talk->runs[i], 1);
        }
    }
}

void a_chunk_whose_worker_died_is_run_again(void**) {
    Pool pool = make_pool(2);
    for (const auto& map : kMaps) {
        clear_runs();
        Inputs inputs, others;
        const Status again =
            map.run(pool, die_at_first_if_bad, inputs, one_by_one(TaskOptions().retries(1)));
        assert_code_of(map.name, again, Errc::ok);
        for (int i = 0; i < kCount; ++i) {
            assert_int_equal(inputs.outputs[i], i);
            assert_int_equal(g_talk->runs[i], i == kBad ? 2 : 1);
        }
        clear_runs();
        const Status once = map.run(pool, die_at_first_if_bad, others, MapOptions().chunk_size(1));
        assert_code_of(map.name, once, Errc::worker_died);
        assert_int_equal(others.outputs[kBad], kUntouched);
    }
}

// In the slot, where results take the place of arguments.
void a_chunk_of_several_is_run_again_with_its_arguments_as_they_were(void**) {
    Pool pool = make_pool(1);
    const int in[4] = {0, 1, 2, 3};
    int out[4] = {};
    const auto negate = [](int index) {
        if (g_talk->runs[index].fetch_add(1) == 0 && index == 3) { (void)raise(SIGKILL); }
        return ~index;
    };
    assert_ok(pool.map(negate, in, out, MapOptions().chunk_size(4).task(TaskOptions().retries(1))));
    for (int i = 0; i < 4; ++i) {
        assert_int_equal(out[i], ~i);
        assert_int_equal(g_talk->runs[i], 2);
    }
}

struct Large {
    int index;
    unsigned char rest[3000];
};

void chunks_in_blocks_are_run_again_and_ended_too(void**) {
    Pool pool = make_pool(2);
    Large in[kCount] = {}, out[kCount] = {};
    for (int i = 0; i < kCount; ++i) { in[i].index = i, in[i].rest[2999] = 7; }
    const auto die = [](Large large) {
        large.rest[2999] += 1;
        return (void)die_at_first_if_bad(large.index), large;
    };
    assert_ok(pool.map(die, in, out, one_by_one(TaskOptions().retries(1))));
    for (int i = 0; i < kCount; ++i) {
        assert_int_equal(out[i].index, i);
        assert_int_equal(out[i].rest[2999], 8);
    }
    const auto stay = [](const Large& large) { return stay_if_bad(large.index); };
    int indices[kCount];
    assert_code(pool.map(stay, in, indices, one_by_one(TaskOptions().timeout(milliseconds(700)))),
                Errc::task_timed_out);
}

void the_time_is_that_of_a_chunk(void**) {
    Pool pool = make_pool(1);
    const int in[2] = {0, 1};
    int out[2] = {};
    const auto nap = [](int index) {
        sleep_us(300000);
        return index;
    };
    const auto options = TaskOptions().timeout(milliseconds(400));
    assert_code(pool.map(nap, in, out, MapOptions().chunk_size(2).task(options)),
                Errc::task_timed_out);
}

void what_is_not_asked_is_as_in_the_pool_and_what_is_counts(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).task_timeout(milliseconds(100)).retries(1));
    Inputs inputs;
    // Its retries, and not its time.
    const auto options = one_by_one(TaskOptions().timeout(Timeout::forever()));
    const auto slow_and_dying = [](int index) {
        if (index == 0) { sleep_us(400000); }
        return die_at_first_if_bad(index);
    };
    assert_ok(pool.map(slow_and_dying, inputs.numbers, inputs.outputs, options));
    for (int i = 0; i < kCount; ++i) { assert_int_equal(inputs.outputs[i], i); }
}

/// Notes in which order tasks were run.
int note_turn(int index) {
    g_talk->runs[index] = g_talk->ended.fetch_add(1);
    return index;
}

/// Whether a map that was begun after a task passes it.
bool passes(Pool& pool, const TaskOptions& single, const MapOptions& options) {
    memset(static_cast<void*>(g_talk), 0, offsetof(Talk, runs));
    Future<int> first = pool.apply_async(wait_for_go, 7).expect("submitting");
    await_begun(1);
    Future<int> task = pool.apply_async(single, note_turn, 2).expect("submitting");
    const int in[2] = {0, 1};
    int out[2];
    auto map = pool.map_async(note_turn, in, out, options).expect("beginning a map");
    let_go();
    assert_ok(map.get(kPatience));
    assert_int_equal(*task.get(kPatience), 2);
    const bool before = g_talk->runs[0] < g_talk->runs[2] && g_talk->runs[1] < g_talk->runs[2];
    const bool behind = g_talk->runs[0] > g_talk->runs[2] && g_talk->runs[1] > g_talk->runs[2];
    assert_true(before || behind);
    return before;
}

void chunks_have_their_place_in_the_order(void**) {
    const auto single = MapOptions().chunk_size(1);
    Pool by_priority = make_pool(PoolOptions().workers(1).order(Order::priority));
    const auto third = TaskOptions().priority(3);
    assert_false(passes(by_priority, third, single));
    assert_false(passes(by_priority, third, one_by_one(TaskOptions().priority(3))));
    assert_true(passes(by_priority, third, one_by_one(TaskOptions().priority(4))));
    Pool by_length = make_pool(PoolOptions().workers(1).order(Order::shortest_first));
    const auto two_ms = TaskOptions().expected(milliseconds(2));
    assert_true(passes(by_length, two_ms, single));
    assert_true(passes(by_length, two_ms, one_by_one(TaskOptions().expected(milliseconds(1)))));
    assert_false(passes(by_length, two_ms, one_by_one(TaskOptions().expected(milliseconds(3)))));
}

// ---- What is refused ---------------------------------------------------------------------------

void what_cannot_be_is_refused_by_every_map(void**) {
    const struct {
        const char* what;
        TaskOptions options;
        Errc code;
    } rows[] = {
        {"a good one", TaskOptions().timeout(brood::seconds(60)).retries(255), Errc::ok},
        {"no time", TaskOptions().timeout(milliseconds(-1)), Errc::timeout_negative},
        {"too much of it", TaskOptions().timeout(milliseconds(INT64_MAX)), Errc::timeout_overflow},
        {"14 days", TaskOptions().timeout(brood::seconds(14 * 86400)), Errc::timeout_overflow},
        {"too many retries", TaskOptions().retries(256), Errc::bad_argument},
        {"a priority without the order", TaskOptions().priority(1), Errc::bad_argument},
        {"a length without the order", TaskOptions().expected(milliseconds(1)), Errc::bad_argument},
        {"a wait for room", TaskOptions().submit_timeout(milliseconds(1)), Errc::bad_argument},
        {"no time for room", TaskOptions().submit_timeout(milliseconds(-1)),
         Errc::timeout_negative},
    };
    Pool pool = make_pool(PoolOptions().workers(1));
    for (const auto& row : rows) {
        for (const auto& map : kMaps) {
            clear_runs();
            g_talk->runs[kBad] = 1;  // It does not die.
            Inputs inputs;
            const Status status =
                map.run(pool, die_at_first_if_bad, inputs, one_by_one(row.options));
            assert_code_of(row.what, status, row.code);
            assert_int_equal(inputs.outputs[0], row.code == Errc::ok ? 0 : kUntouched);
        }
    }
    Pool ordered = make_pool(PoolOptions().workers(1).order(Order::priority));
    Inputs inputs;
    for (const int level : {-101, 101}) {
        const auto options = one_by_one(TaskOptions().priority(level));
        assert_code(ordered.map(count_run, inputs.numbers, inputs.outputs, options),
                    Errc::bad_argument);
    }
    Pool none;
    assert_code(none.map(count_run, inputs.numbers, inputs.outputs, one_by_one(TaskOptions())),
                Errc::closed);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(a_chunk_that_had_its_time_is_ended_and_the_others_are_done),
        POOL_TEST(a_chunk_whose_worker_died_is_run_again),
        POOL_TEST(a_chunk_of_several_is_run_again_with_its_arguments_as_they_were),
        POOL_TEST(chunks_in_blocks_are_run_again_and_ended_too),
        POOL_TEST(the_time_is_that_of_a_chunk),
        POOL_TEST(what_is_not_asked_is_as_in_the_pool_and_what_is_counts),
        POOL_TEST(chunks_have_their_place_in_the_order),
        POOL_TEST(what_cannot_be_is_refused_by_every_map),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
