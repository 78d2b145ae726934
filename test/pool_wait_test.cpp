// Goal: wait() takes the futures of pools beside processes, pipes and descriptors.
#include "pool_inside.hpp"
#include "pool_support.hpp"

#include <brood/pipe.hpp>
#include <brood/process.hpp>
#include <brood/wait.hpp>
#include <src/launch_pipe.hpp>
#include <src/pool_pollable.hpp>

using namespace pool_test;

namespace {

void wait_gives_the_first_that_is_ready_of_tasks_maps_processes_and_pipes(void**) {
    static int in[50], out[50];
    Pool pool = make_pool(2);
    Pool other = make_pool(1);
    auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
    brood::Process child([] { becomes(g_talk->ended, 2, 20000); });
    assert_ok(child.start());
    Future<int> slow = pool.apply_async(wait_for_go, 1).expect("submitting");
    brood::MapFuture<int> map = other.map_async(wait_for_go, in, out, 1).expect("map");
    await_begun(2);
    const brood::Waitable all[] = {slow, pipe.receiver, map, child};
    assert_code(brood::wait(all, 4, brood::milliseconds(30)), Errc::timed_out);
    assert_code(brood::wait(all, 4, Timeout::no_wait()), Errc::timed_out);

    Future<int> quick = pool.apply_async([] { return sleep_us(20000), 7; }).expect("submitting");
    assert_int_equal(*brood::wait({slow, map, quick, child}, kPatience), 2);
    assert_int_equal(*quick.get(Timeout::no_wait()), 7);
    assert_ok(pipe.sender.send(3));
    assert_int_equal(*brood::wait(all, 4, kPatience), 1);
    assert_int_equal(*pipe.receiver.recv(), 3);

    let_go();
    assert_int_equal(*brood::wait({pipe.receiver, child}, kPatience), 1);
    assert_int_equal(*brood::wait({pipe.receiver, map}, kPatience), 1);
    assert_int_equal(*brood::wait(all, 4, kPatience), 0);
    assert_int_equal(*slow.get(Timeout::no_wait()), 1);
    assert_ok(map.get(Timeout::no_wait()));
    assert_ok(child.join());
}

void waiting_for_a_future_carries_on_its_map_and_calls_callbacks(void**) {
    static int in[2000], out[2000];
    Pool pool = make_pool(2, 4);
    brood::MapFuture<int> map = pool.map_async(count_run, in, out, 2000).expect("map");
    int calls = 0;
    map.then([&calls](int*, size_t) { ++calls; });
    assert_int_equal(*brood::wait({map}, kPatience), 0);
    assert_int_equal(calls, 1);
}

void what_never_ends_is_ready_too_and_what_is_nothing_is_refused(void**) {
    Pool pool = make_pool(1);
    auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
    Future<int> future = pool.apply_async(wait_for_go, 1).expect("submitting");
    shared_test::assert_child_exits(0, [&] {
        CHECK_IN_CHILD(brood::wait({pipe.receiver, future}).code() == Errc::wrong_process);
    });
    assert_ok(pool.terminate());
    assert_int_equal(*brood::wait({pipe.receiver, future}, kPatience), 1);
    assert_code(future.get(), Errc::pool_terminated);
    Future<int> none;
    brood::MapFuture<int> no_map;
    assert_code(brood::wait({pipe.receiver, none}), Errc::collected);
    assert_code(brood::wait({pipe.receiver, no_map}), Errc::collected);
}

// ---- Pools with a descriptor -------------------------------------------------------------------

bool is_posix() {
    return strcmp(brood::port::kName, "posix") == 0;
}

Pool make_pollable(std::uint32_t workers, std::uint32_t capacity = 1024) {
    return make_pool(PoolOptions().workers(workers).capacity(capacity).pollable());
}

/// The first of them that is ready, 90 if none is. 91: it was found only by the last look, when the
/// time was over.
size_t first_of(std::initializer_list<brood::Waitable> items) {
    const int64_t before = now_ms();
    const Result<size_t> first = brood::wait(items, brood::seconds(30));
    return now_ms() - before > 25000 ? 91 : first.value_or(90);
}

/// A host whose wait() for a task that is held, in one of these ways, ends by its end. True: it was
/// never woken until then.
enum class Way { pollable_with_others, pollable_map_with_others, two_pollable, plain_alone };
bool sleeps_until_the_end(Way way) {
    fresh_talk(nullptr);
    const pid_t host = start_child([=] {
        static int in[1], out[1];
        Pool pool = way == Way::plain_alone ? make_pool(2) : make_pollable(2);
        Pool second = make_pollable(1);
        auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
        brood::Process child([] { pause(); });
        CHECK_IN_CHILD(child.start().ok());
        Future<int> held = pool.apply_async(wait_for_go, 1).expect("submitting");
        Future<int> other = second.apply_async([] { return pause(); }).expect("submitting");
        brood::MapFuture<int> map;
        if (way == Way::pollable_map_with_others) {
            map = pool.map_async(wait_for_go, in, out, 1).expect("map");
        }
        g_talk->ended.store(100);
        Result<size_t> first = Errc::not_done;
        switch (way) {
            case Way::pollable_with_others:
                first = brood::wait({pipe.receiver, child, held});
                break;
            case Way::pollable_map_with_others:
                first = brood::wait({pipe.receiver, child, map});
                break;
            case Way::two_pollable: first = brood::wait({other, child, held}); break;
            case Way::plain_alone: first = brood::wait({held}); break;
        }
        CHECK_IN_CHILD(first.ok() && *first == (way == Way::plain_alone ? 0u : 2u));
        CHECK_IN_CHILD(child.kill().ok() && child.join().ok());
        _exit(0);
    });
    assert_true(becomes(g_talk->ended, 100));
    const auto woken_in = [=](int64_t ms) {
        const long before = test::switches_of(host);
        test::sleep_ms(ms);
        return test::switches_of(host) - before;
    };
    // It falls asleep, some time.
    const bool falls_asleep = test::eventually([&] { return woken_in(200) == 0; }, kGoneMs);
    const long woken = falls_asleep ? woken_in(2000) : LONG_MAX;
    let_go();
    assert_int_equal(end_of(host), 0);
    return woken == 0;
}

void waiting_for_tasks_beside_others_sleeps_without_a_look(void**) {
    for (const Way way : {Way::pollable_with_others, Way::pollable_map_with_others,
                          Way::two_pollable, Way::plain_alone}) {
        const bool has_slept = sleeps_until_the_end(way);
        if (is_posix()) {
            test::not_run("a wait for tasks without a look", "posix: it looks now and then");
            continue;
        }
        if (!has_slept) { fail_msg("woken in way %d", static_cast<int>(way)); }
    }
}

// One listens at a time, on a descriptor that all share, and others end meanwhile.
void many_threads_wait_in_the_same_pools(void**) {
    constexpr int kThreads = 8, kEach = 1000;
    Pool pools[2] = {make_pollable(2), make_pollable(1)};
    std::atomic<int> wrong{0};
    in_threads(kThreads, [&](int thread) {
        auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
        for (int i = 0; i < kEach; ++i) {
            const int index = thread * kEach + i;
            Future<int> one = pools[i % 2].apply_async(count_run, index).expect("submitting");
            Future<int> two = pools[1].apply_async(count_run, index).expect("submitting");
            const size_t either = first_of({pipe.receiver, one, two});
            wrong += either == 1 || either == 2 ? 0 : 1;
            wrong += first_of({one, pipe.receiver}) == 0 ? 0 : 1;
            wrong += first_of({pipe.receiver, two}) == 1 ? 0 : 1;
            const Result<int> got = one.get(kPatience), second = two.get(kPatience);
            if (!got.ok() || !second.ok() || *got != index) { wrong.fetch_add(1); }
        }
    });
    assert_int_equal(wrong, 0);
}

// Step by step: what threads do that come between each other's steps.
void who_looked_before_another_took_what_was_told_looks_again(void**) {
    Pool pool = make_pollable(1);
    const brood::detail::Pollable& does = *test::core_of(pool).pollable();
    const auto is_readable = [](int fd) {
        pollfd item = {fd, POLLIN, 0};
        return poll(&item, 1, 0) == 1;
    };
    brood::detail::LaunchPipe pipe_of_a, pipe_of_b;
    brood::detail::WaitSeat a = {}, b = {};
    a.core = b.core = &test::core_of(pool);
    assert_true(does.sit_down(a) && does.sit_down(b));
    int fd_of_a = -1, fd_of_b = -1;
    for (int i = 0; i < 3; ++i) {
        does.begin_turn(a);
        does.begin_turn(b);
        assert_true(does.lie_down(a, pipe_of_a, fd_of_a));
        assert_int_equal(*pool.apply(count_run, i), i);
        assert_true(test::eventually([&] { return is_readable(fd_of_a); }));
        does.rise(a, true);
        assert_false(does.lie_down(b, pipe_of_b, fd_of_b));
    }
    // Who sleeps while another listens is woken when that has taken something, or has other things
    // to do.
    for (const bool is_ready : {true, false}) {
        brood::detail::LaunchPipe own;
        does.begin_turn(a);
        does.begin_turn(b);
        assert_true(does.lie_down(a, pipe_of_a, fd_of_a));
        assert_true(does.lie_down(b, own, fd_of_b));
        assert_int_not_equal(fd_of_b, fd_of_a);
        assert_false(is_readable(fd_of_b));
        does.rise(a, is_ready);
        assert_true(is_readable(fd_of_b));
        does.rise(b, true);
    }
    does.leave(a);
    does.leave(b);
}

void a_broken_pool_ends_the_wait_for_its_tasks(void**) {
    for (const bool is_pollable : {true, false}) {
        fresh_talk(nullptr);
        Pool pool = is_pollable ? make_pollable(1) : make_pool(1);
        auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
        Future<int> held = pool.apply_async(wait_for_go, 1).expect("submitting");
        in_threads(2, [&](int thread) {
            if (thread == 0) {
                sleep_us(50000);
                (void)kill(pool.supervisor_pid(), SIGKILL);
            } else {
                g_talk->ended.store(static_cast<int>(first_of({pipe.receiver, held})));
            }
        });
        assert_int_equal(g_talk->ended, 1);
        assert_code(held.get(Timeout::no_wait()), Errc::pool_broken);
        let_go();
    }
}

// Whoever destroys it closes no descriptor on which another thread sleeps.
void a_pool_may_be_destroyed_while_threads_wait_for_its_tasks(void**) {
    const size_t before = test::open_descriptors();
    for (int round = 0; round < 20; ++round) {
        fresh_talk(nullptr);
        assert_int_equal(test::open_descriptors(), before);
        Pool pool = make_pollable(1);
        auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
        Future<int> futures[3];
        for (Future<int>& future : futures) {
            future = pool.apply_async(wait_for_go, 1).expect("submitting");
        }
        std::atomic<int> wrong{0};
        in_threads(4, [&](int thread) {
            if (thread == 3) {
                sleep_us(round * 1000);
                pool = Pool();
                return;
            }
            wrong += first_of({pipe.receiver, futures[thread]}) == 1 ? 0 : 1;
            const Result<int> got = futures[thread].get(kPatience);
            if (got.code() != Errc::pool_terminated) { wrong.fetch_add(1); }
        });
        assert_int_equal(wrong, 0);
    }
}

// wait() in a callback that is called in wait(): the outer one must not keep what the inner needs.
void a_callback_may_wait_itself(void**) {
    Pool pool = make_pollable(2);
    auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
    struct Inner {
        Pool& pool;
        brood::Receiver<int>& receiver;
        size_t first;
    } inner{pool, pipe.receiver, 0};
    Future<int> held = pool.apply_async(wait_for_go, 1).expect("submitting");
    pool.apply_async([] { return sleep_us(50000), 2; })->then([&inner](int) {
        Future<int> late = inner.pool.apply_async([] { return sleep_us(100000), 3; }).expect("in");
        inner.first = first_of({inner.receiver, late});
        let_go();
    });
    assert_int_equal(first_of({pipe.receiver, held}), 1);
    assert_int_equal(inner.first, 1);
}

void a_timeout_ends_the_wait_in_a_pool_that_is_busy(void**) {
    Pool pool = make_pollable(2);
    auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
    Future<int> held = pool.apply_async(wait_for_go, 1).expect("submitting");
    std::atomic<bool> is_over{false};
    std::atomic<int> wrong{0};
    in_threads(2, [&](int thread) {
        if (thread == 1) {
            while (!is_over) { (void)pool.apply(square, 3u).ok(); }
            return;
        }
        for (const int ms : {0, 50, 200}) {
            const int64_t before = test::now_ns();
            const auto waited = brood::wait({pipe.receiver, held}, brood::milliseconds(ms));
            const int64_t took_ms = (test::now_ns() - before) / 1000000;
            const bool is_right = waited.code() == Errc::timed_out && took_ms >= ms;
            wrong += is_right && took_ms < ms + 10000 ? 0 : 1;
        }
        is_over.store(true);
    });
    assert_int_equal(wrong, 0);
    let_go();
    assert_int_equal(*held.get(kPatience), 1);
}

void wait_leaves_the_descriptor_of_the_loop_as_it_is(void**) {
    Pool pool = make_pollable(1);
    auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
    for (int i = 0; i < 100; ++i) {
        Future<int> task = pool.apply_async(count_run, i).expect("submitting");
        assert_int_equal(first_of({pipe.receiver, task}), 1);
        assert_int_equal(first_of({pool.fileno()}), 0);
        (void)pool.poll().ok();
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(wait_gives_the_first_that_is_ready_of_tasks_maps_processes_and_pipes),
        POOL_TEST(waiting_for_a_future_carries_on_its_map_and_calls_callbacks),
        POOL_TEST(what_never_ends_is_ready_too_and_what_is_nothing_is_refused),
        POOL_TEST(waiting_for_tasks_beside_others_sleeps_without_a_look),
        POOL_TEST(many_threads_wait_in_the_same_pools),
        POOL_TEST(who_looked_before_another_took_what_was_told_looks_again),
        POOL_TEST(a_broken_pool_ends_the_wait_for_its_tasks),
        POOL_TEST(a_pool_may_be_destroyed_while_threads_wait_for_its_tasks),
        POOL_TEST(a_callback_may_wait_itself),
        POOL_TEST(a_timeout_ends_the_wait_in_a_pool_that_is_busy),
        POOL_TEST(wait_leaves_the_descriptor_of_the_loop_as_it_is),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
