// Goal: wait() takes the futures of pools beside processes, pipes and descriptors.
#include "pool_support.hpp"

#include <brood/pipe.hpp>
#include <brood/process.hpp>
#include <brood/wait.hpp>

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

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(wait_gives_the_first_that_is_ready_of_tasks_maps_processes_and_pipes),
        POOL_TEST(waiting_for_a_future_carries_on_its_map_and_calls_callbacks),
        POOL_TEST(what_never_ends_is_ready_too_and_what_is_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
