// Goal: arguments and results of any size travel, in a bounded amount of memory that the library
// frees whatever becomes of the task.
#include "pool_support.hpp"

#include <brood/text.hpp>

using namespace pool_test;
using brood::MapOptions;
using brood::TaskOptions;

namespace {

/// N bytes in which each says where it is and whose it is.
template <size_t N>
struct Filled {
    unsigned char bytes[N];

    static unsigned char at(size_t index, unsigned seed) {
        return static_cast<unsigned char>(index * 7 + index / 251 + seed);
    }
    static Filled of(unsigned seed) {
        Filled made;
        for (size_t i = 0; i < N; ++i) { made.bytes[i] = at(i, seed); }
        return made;
    }
    bool is_of(unsigned seed) const {
        for (size_t i = 0; i < N; ++i) {
            if (bytes[i] != at(i, seed)) { return false; }
        }
        return true;
    }
};
constexpr size_t kLarge = 100 * 1000;
using Large = Filled<kLarge>;
using Huge = Filled<1500000>;

template <size_t N>
unsigned seed_of(const Filled<N>& filled) {
    const unsigned seed = filled.bytes[0];
    return filled.is_of(seed) ? seed : 1000;
}
template <size_t N>
Filled<N> next_of(const Filled<N>& filled) {
    return Filled<N>::of(seed_of(filled) + 1);
}

// ---- One task ----------------------------------------------------------------------------------

template <size_t N>
void travels(Pool& pool) {
    assert_int_equal(*pool.apply(seed_of<N>, Filled<N>::of(7)), 7);
    const auto make_one = [](unsigned seed) { return Filled<N>::of(seed); };
    assert_true(pool.apply(make_one, 9u)->is_of(9));
    assert_true(pool.apply(next_of<N>, Filled<N>::of(3))->is_of(4));
    const auto take_it = [](const Filled<N>& filled) { g_talk->begun.store(filled.bytes[N - 1]); };
    assert_ok(pool.apply(take_it, Filled<N>::of(5)));
    assert_int_equal(g_talk->begun, (Filled<N>::at(N - 1, 5)));
}

void arguments_and_results_of_any_size_travel(void**) {
    // Slots of 48 bytes; of some more; and with time-outs and retries, which copy slots.
    for (const PoolOptions& options :
         {PoolOptions(), PoolOptions().payload_bytes(200),
          PoolOptions().payload_bytes(5000).retries(2).task_timeout(brood::seconds(60))}) {
        Pool pool = make_pool(PoolOptions(options).workers(2).capacity(4));
        travels<1>(pool);
        travels<40>(pool);
        travels<48>(pool);
        travels<49>(pool);
        travels<200>(pool);
        travels<1024>(pool);
        travels<4096>(pool);
        travels<kLarge>(pool);
    }
    Pool pool = make_pool(PoolOptions().workers(1));
    static const Huge huge = Huge::of(77);
    assert_int_equal(*pool.apply(seed_of<sizeof huge>, huge), 77);
}

void text_travels_where_text_is_taken(void**) {
    Pool pool = make_pool(1);
    const auto greet = [](const brood::Text<32>& name) {
        brood::Text<48> greeting("hello ");
        (void)greeting.append(name.c_str());
        return greeting;
    };
    assert_string_equal(pool.apply(greet, "world")->c_str(), "hello world");
    char name[] = "you";
    assert_string_equal(pool.apply(greet, name)->c_str(), "hello you");
    assert_string_equal(pool.apply(greet, brood::Text<32>("all"))->c_str(), "hello all");
    size_t (*const length)(brood::Text<2000>) = [](brood::Text<2000> text) { return text.size(); };
    assert_int_equal(*pool.apply(length, "a text for a block"), 18);
}

void a_callback_is_given_a_large_result(void**) {
    Pool pool = make_pool(1);
    int right = 0, wrong = 0;
    const auto count = [&](const Large& large) { (large.is_of(4) ? right : wrong)++; };
    Future<Large> future = pool.apply_async(next_of<kLarge>, Large::of(3)).expect("submitting");
    assert_ok(future.then(count).wait(kPatience));
    assert_int_equal(right, 1);
    assert_int_equal(wrong, 0);
    assert_true(future.get()->is_of(4));
}

// ---- Maps --------------------------------------------------------------------------------------

void maps_take_large_elements(void**) {
    constexpr unsigned kCount = 40;
    static Large in[kCount], out[kCount];
    static unsigned seeds[kCount];
    for (unsigned i = 0; i < kCount; ++i) { in[i] = Large::of(i); }
    const auto check = [&] {
        for (unsigned i = 0; i < kCount; ++i) { assert_true(out[i].is_of(i + 1)); }
        memset(static_cast<void*>(out), 0, sizeof out);
    };
    // Some are in the table, some wait for a block of another.
    Pool pool = make_pool(PoolOptions().workers(2).block_bytes(8 * kLarge));
    assert_ok(pool.map(next_of<kLarge>, in, out));
    check();
    assert_ok(pool.map(next_of<kLarge>, in, out, MapOptions().chunk_size(3)));
    check();
    assert_ok(pool.map(seed_of<kLarge>, in, seeds));
    for (unsigned i = 0; i < kCount; ++i) { assert_int_equal(seeds[i], i); }
    assert_ok(pool.map_async(next_of<kLarge>, in, out)->get(kPatience));
    check();
    assert_ok(pool.map_async(next_of<kLarge>, in, out, MapOptions().chunk_size(2))->get(kPatience));
    check();
    memset(seeds, 0, sizeof seeds);
    assert_ok(pool.map_async(seed_of<kLarge>, in, seeds, MapOptions().chunk_size(2))->get());
    for (unsigned i = 0; i < kCount; ++i) { assert_int_equal(seeds[i], i); }
    const auto make_one = [](unsigned seed) { return Large::of(seed + 1); };
    assert_ok(pool.map(make_one, seeds, out));
    check();
    unsigned next = 0;
    for (const Result<Large>& got : pool.imap(make_one, seeds)) { assert_true(got->is_of(++next)); }
    assert_int_equal(next, kCount);
    bool seen[kCount] = {};
    for (const Result<unsigned>& got :
         pool.imap_unordered(seed_of<kLarge>, in, MapOptions().chunk_size(2))) {
        assert_false(seen[*got]);
        seen[*got] = true;
    }
    for (const bool one : seen) { assert_true(one); }
}

void a_map_whose_blocks_others_hold_says_full(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).block_bytes(1 << 18));
    Future<Filled<200000>> held =
        pool.apply_async([] { return Filled<200000>::of(1); }).expect("submitting");
    assert_ok(held.wait(kPatience));
    static Large in[2], out[2];
    assert_code(pool.map(next_of<kLarge>, in, out), Errc::full);
    auto later = pool.map_async(next_of<kLarge>, in, out).expect("mapping");
    assert_code(later.get(kPatience), Errc::full);
    auto lazy = pool.imap(next_of<kLarge>, in);
    assert_code(lazy.next(kPatience), Errc::full);
    assert_true(held.get()->is_of(1));
    assert_ok(later.get(kPatience));  // They go on.
    assert_ok(lazy.next(kPatience));
}

// ---- The memory --------------------------------------------------------------------------------

void a_task_beyond_the_bound_says_what_it_needs(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).block_bytes(1));  // That is 256 KiB.
    assert_int_equal(*pool.apply(seed_of<260000>, Filled<260000>::of(8)), 8);
    static const Huge huge = Huge::of(1);
    const Status refused = pool.apply(next_of<sizeof huge>, huge).status();
    assert_code(refused, Errc::task_too_large);
    const auto needed = static_cast<size_t>(refused.error().detail());
    assert_in_range(needed, 2 * sizeof huge, 2 * sizeof huge + 64);
    static Huge in[1], out[1];
    assert_code(pool.map(next_of<sizeof huge>, in, out), Errc::task_too_large);
    assert_code(pool.map_async(next_of<sizeof huge>, in, out)->get(), Errc::task_too_large);
    assert_code(pool.imap(next_of<sizeof huge>, in).next(), Errc::task_too_large);
    // With what it asks for it works.
    Pool larger = make_pool(PoolOptions().workers(1).block_bytes(needed));
    assert_true(larger.apply(next_of<sizeof huge>, huge)->is_of(2));
}

void block_bytes_that_cannot_be_are_refused(void**) {
    for (const size_t bytes : {size_t{0}, SIZE_MAX, SIZE_MAX / 2 + 1}) {
        assert_code(Pool::create(PoolOptions().workers(1).block_bytes(bytes)), Errc::bad_argument);
    }
}

void when_all_blocks_are_held_it_says_full_and_goes_on_when_one_is_free(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).block_bytes(1 << 20));
    static Future<unsigned> futures[64];
    for (int round = 0; round < 20; ++round) {
        size_t taken = 0;
        for (Result<Future<unsigned>> more = Errc::full;
             (more = pool.apply_async(seed_of<kLarge>, Large::of(static_cast<unsigned>(taken))))
                 .ok();
             ++taken) {
            assert_true(taken < 64);
            futures[taken] = std::move(*more);
        }
        assert_code(pool.apply(seed_of<kLarge>, Large::of(1)), Errc::full);
        assert_int_equal(taken, 10);                    // times 98 KiB
        assert_int_equal(*pool.apply(square, 5u), 25);  // Small ones need none.
        for (size_t i = 0; i < taken; ++i) { assert_int_equal(*futures[i].get(kPatience), i); }
    }
}

void blocks_of_tasks_that_nobody_asks_for_are_free_when_they_end(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).block_bytes(1 << 20));
    int dropped = 0;
    for (const int64_t end = now_ms() + 20000; dropped < 500 && now_ms() < end;) {
        if (pool.apply_async(next_of<kLarge>, Large::of(1)).ok()) { ++dropped; }
    }
    assert_int_equal(dropped, 500);
    assert_int_equal(*pool.apply(square, 5u), 25);
}

// Sizes at random, freed in any order: no two tasks share a byte, and nothing is lost.
void blocks_do_not_overlap_and_none_is_lost(void**) {
    constexpr int kRounds = 4000, kAhead = 24;
    Pool pool = make_pool(PoolOptions().workers(2).block_bytes(1 << 20));
    Future<Filled<70>> small[kAhead];
    Future<Filled<5000>> medium[kAhead];
    Future<Filled<60000>> large[kAhead];
    unsigned seed_small[kAhead] = {}, seed_medium[kAhead] = {}, seed_large[kAhead] = {};
    Chance chance(3);
    const auto renew = [&](auto& place, unsigned& seed, auto example) {
        using Kind = decltype(example);
        const Result<Kind> got = place.get(kPatience);
        if (got.ok()) {
            assert_true(got->is_of(seed + 1));
        } else {
            assert_code(got, Errc::collected);
        }
        seed = static_cast<unsigned>(chance.below(200));
        auto made = pool.apply_async(next_of<sizeof(Kind)>, Kind::of(seed));
        if (!made.ok()) { return assert_code(made, Errc::full); }
        place = std::move(*made);
    };
    for (int round = 0; round < kRounds; ++round) {
        const auto at = static_cast<size_t>(chance.below(kAhead));
        const long kind = chance.below(8);
        if (kind < 4) {
            renew(small[at], seed_small[at], Filled<70>{});
        } else if (kind < 7) {
            renew(medium[at], seed_medium[at], Filled<5000>{});
        } else {
            renew(large[at], seed_large[at], Filled<60000>{});
        }
    }
    for (auto& future : small) { future = {}; }
    for (auto& future : medium) { future = {}; }
    for (auto& future : large) { future = {}; }
    // All of it is there again, in one piece.
    assert_true(test::eventually(
        [&] { return pool.apply(seed_of<1000000>, Filled<1000000>::of(6)).value_or(0) == 6; }));
}

void memory_that_a_burst_needed_is_given_back(void**) {
    if (strcmp(brood::port::kName, "posix") == 0) {
        return test::not_run("blocks give pages back", "posix has no call for it");
    }
    Pool pool = make_pool(PoolOptions().workers(1).block_bytes(32u << 20));
    const long before = shared_kilobytes();
    Future<unsigned> futures[8];
    static const Huge huge = Huge::of(1);
    for (Future<unsigned>& future : futures) {
        future = pool.apply_async(seed_of<sizeof huge>, huge).expect("submitting");
    }
    assert_true(shared_kilobytes() - before > 10000);
    for (Future<unsigned>& future : futures) { assert_int_equal(*future.get(kPatience), 1); }
    assert_true(shared_kilobytes() - before < 2000);
    assert_int_equal(*pool.apply(seed_of<sizeof huge>, huge), 1);
}

// ---- Deaths ------------------------------------------------------------------------------------

// A result that is half written when the worker dies must not have touched the arguments.
void a_large_task_is_run_again_with_what_it_was_given(void**) {
    Pool pool = make_pool(PoolOptions().workers(2).retries(255));
    Storm storm(pool);
    constexpr int kTasks = 600, kAhead = 16;
    static Future<Large> ahead[kAhead];
    for (int i = 0; i < kTasks + kAhead; ++i) {
        Future<Large>& place = ahead[i % kAhead];
        if (i >= kAhead) {
            const Result<Large> got = place.get(kPatience);
            assert_ok(got);
            assert_true(got->is_of(static_cast<unsigned>(i - kAhead) % 200 + 1));
        }
        if (i >= kTasks) { continue; }
        const unsigned seed = static_cast<unsigned>(i) % 200;
        place = pool.apply_async(next_of<kLarge>, Large::of(seed)).expect("submitting");
    }
    assert_true(storm.stop() > 0);
}

void the_block_of_a_task_whose_worker_died_is_free(void**) {
    Pool pool = make_pool(PoolOptions().workers(1).block_bytes(1 << 18));
    const auto die = [](const Filled<200000>& filled) -> int {
        (void)raise(SIGKILL);
        return filled.bytes[0];
    };
    for (int i = 0; i < 20; ++i) {
        assert_code(pool.apply(die, Filled<200000>::of(1)), Errc::worker_died);
        assert_int_equal(*pool.apply(seed_of<200000>, Filled<200000>::of(6)), 6);
        // Cancelled while it runs, and the Future dropped at once.
        Future<int> future = pool.apply_async(
                                     [](const Filled<200000>&) {
                                         g_talk->begun.fetch_add(1);
                                         for (;;) { (void)pause(); }
                                         return 0;
                                     },
                                     Filled<200000>::of(1))
                                 .expect("submitting");
        await_begun(i + 1);
        assert_true(future.cancel().value_or(false));
        future = {};
        assert_true(test::eventually(
            [&] { return pool.apply(seed_of<200000>, Filled<200000>::of(6)).value_or(0) == 6; }));
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(arguments_and_results_of_any_size_travel),
        POOL_TEST(text_travels_where_text_is_taken),
        POOL_TEST(a_callback_is_given_a_large_result),
        POOL_TEST(maps_take_large_elements),
        POOL_TEST(a_map_whose_blocks_others_hold_says_full),
        POOL_TEST(a_task_beyond_the_bound_says_what_it_needs),
        POOL_TEST(block_bytes_that_cannot_be_are_refused),
        POOL_TEST(when_all_blocks_are_held_it_says_full_and_goes_on_when_one_is_free),
        POOL_TEST(blocks_of_tasks_that_nobody_asks_for_are_free_when_they_end),
        POOL_TEST(blocks_do_not_overlap_and_none_is_lost),
        POOL_TEST(memory_that_a_burst_needed_is_given_back),
        POOL_TEST(a_large_task_is_run_again_with_what_it_was_given),
        POOL_TEST(the_block_of_a_task_whose_worker_died_is_free),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
