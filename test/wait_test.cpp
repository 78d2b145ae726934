// Goal: wait(), wait_any() and active_children() tell of processes, pipes and descriptors what is
// ready, soon, in order, and nothing else.
// Method: real children held by handshakes; storms of signals; limits and limit + 1.
#include "process_support.hpp"

#include <brood/wait.hpp>

using brood::Errc;
using brood::milliseconds;
using brood::Process;
using brood::ProcessOptions;
using brood::Waitable;
using test::assert_code;
using test::assert_ok;
using test::end_of;
using test::run_to_end;

/// A child that ends when it is told to.
struct Held {
    test::Handshake go;
    Process process{[this] { brood::this_process::exit(go.await() ? 3 : 4); }};
};

// ---- wait_any(list, Timeout) -------------------------------------------------------------------

static void wait_any_gives_and_reaps_the_one_that_ended(void**) {
    Held a, b, c;
    Process fresh([] {});
    Process* const list[] = {&fresh, &a.process, &b.process, &c.process};
    for (Held* held : {&a, &b, &c}) { assert_ok(held->process.start()); }
    assert_code(brood::wait_any(list, 4, milliseconds(20)), Errc::timed_out);
    assert_code(brood::wait_any(list, 4, brood::Timeout::no_wait()), Errc::timed_out);
    std::size_t expected = 2;
    for (Held* held : {&b, &c, &a}) {
        held->go.tell();
        const brood::Result<std::size_t> index = brood::wait_any(list, 4, test::kLong);
        assert_ok(index);
        assert_int_equal(*index, expected);
        assert_int_equal(*held->process.exit_code(), 3);
        expected = expected == 2 ? 3 : 1;
    }
    assert_code(brood::wait_any(list, 4), Errc::no_children);
    assert_code(brood::wait_any(list, 0), Errc::no_children);
    assert_code(brood::wait_any(nullptr, 0), Errc::no_children);
    assert_code(brood::wait_any(nullptr, 1), Errc::bad_argument);
    Process* const with_null[] = {&fresh, nullptr};
    assert_code(brood::wait_any(with_null, 2), Errc::bad_argument);
}

static void wait_any_takes_more_processes_than_can_be_polled_at_once(void**) {
    constexpr std::size_t kMany = 70;
    test::Handshake go;
    static Process processes[kMany];
    Process* list[kMany];
    for (std::size_t i = 0; i < kMany; ++i) {
        processes[i] = i == kMany - 1 ? Process([&] { go.await(); }) : Process([] { pause(); });
        assert_ok(processes[i].start());
        list[i] = &processes[i];
    }
    go.tell();
    const brood::Result<std::size_t> index = brood::wait_any(list, kMany, test::kLong);
    assert_ok(index);
    assert_int_equal(*index, kMany - 1);
    assert_int_equal(brood::active_children(nullptr, 0), kMany - 1);
    for (Process& process : processes) { assert_ok(process.terminate(test::kLong)); }
}

// ---- active_children() -------------------------------------------------------------------------

static void active_children_lists_the_running_and_reaps_the_ended(void**) {
    Held a, b;
    Process fresh([] {}), ended([] {}), *list[4] = {};
    assert_int_equal(brood::active_children(list, 4), 0);
    for (Process* process : {&a.process, &ended, &b.process}) { assert_ok(process->start()); }
    assert_true(test::eventually([&] { return brood::active_children(list, 4) == 2; }));
    assert_ptr_equal(list[0], &a.process);
    assert_ptr_equal(list[1], &b.process);
    assert_int_equal(waitpid(ended.pid(), nullptr, WNOHANG), -1);
    Process* one[1] = {};
    assert_int_equal(brood::active_children(one, 1), 2);
    assert_ptr_equal(one[0], &a.process);
    test::assert_child_exits(0, [] {  // A forked process has none of its parent's.
        return static_cast<int>(brood::active_children(nullptr, 0));
    });
    a.go.tell();
    b.go.tell();
    assert_int_equal(end_of(a.process), 3);
    assert_int_equal(end_of(b.process), 3);
    assert_int_equal(brood::active_children(list, 4), 0);
}

// ---- sentinel; wait({...}, Timeout) over processes, pipes, descriptors -------------------------

static void wait_gives_the_first_that_is_ready_among_processes_pipes_and_descriptors(void**) {
    Held held;
    auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
    int fds[2];
    assert_int_equal(::pipe(fds), 0);
    assert_ok(held.process.start());
    const Waitable items[] = {pipe.receiver, held.process, fds[0]};
    assert_code(brood::wait(items, 3, milliseconds(20)), Errc::timed_out);
    assert_code(brood::wait(items, 3, brood::Timeout::no_wait()), Errc::timed_out);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(*brood::wait(items, 3, test::kLong), 2);
    held.go.tell();
    test::await_end(held.process.pid());
    assert_int_equal(*brood::wait(items, 3, test::kLong), 1);
    assert_int_equal(*brood::wait(items, 3, test::kLong), 1);  // It stays ready.
    assert_int_equal(*held.process.exit_code(), 3);
    assert_ok(pipe.sender.send(5));
    assert_int_equal(*brood::wait({pipe.receiver, held.process, fds[0]}, test::kLong), 0);
    assert_int_equal(*pipe.receiver.recv(), 5);
    pipe.sender.close();
    assert_int_equal(*brood::wait({pipe.receiver}, test::kLong), 0);  // The end of the stream.
    close(fds[0]);
    close(fds[1]);
}

static void wait_sleeps_until_the_end_of_a_child_and_of_a_daemon(void**) {
    for (const bool daemon : {false, true}) {
        Process process(ProcessOptions().daemon(daemon), [] { test::sleep_ms(60); });
        assert_ok(process.start());
        assert_int_equal(*brood::wait({process}, test::kLong), 0);
        assert_int_equal(*process.exit_code(), 0);
    }
}

static void the_sentinel_becomes_readable_at_the_end(void**) {
    Held held;
    assert_int_equal(held.process.sentinel(), -1);
    assert_ok(held.process.start());
    const int sentinel = held.process.sentinel();
    if (sentinel < 0) {
        test::not_run("sentinel", "this system has no descriptor for a process");
    } else {
        pollfd item = {sentinel, POLLIN, 0};
        assert_int_equal(poll(&item, 1, 0), 0);
        held.go.tell();
        assert_int_equal(poll(&item, 1, static_cast<int>(test::kPatienceMs)), 1);
    }
    held.go.tell();
    assert_int_equal(end_of(held.process), 3);
}

static void waits_outlast_a_storm_of_signals_and_keep_their_time(void**) {
    Process process([] { pause(); });
    assert_ok(process.start());
    Process* const list[] = {&process};
    const test::AlarmStorm storm;
    const auto takes_100_ms = [](auto&& call) {
        const std::int64_t before = test::now_ns();
        assert_code(call(milliseconds(100)), Errc::timed_out);
        const std::int64_t took = test::now_ns() - before;
        assert_true(took >= 100000000 && took < 5000000000);
    };
    takes_100_ms([&](brood::Timeout timeout) { return process.join(timeout); });
    takes_100_ms([&](brood::Timeout timeout) { return brood::wait_any(list, 1, timeout); });
    takes_100_ms([&](brood::Timeout timeout) { return brood::wait({process}, timeout); });
    Process ends([] { test::sleep_ms(50); });
    assert_ok(ends.start());
    assert_ok(ends.join());  // For ever, but over the signals.
    assert_ok(process.kill());
    assert_int_equal(end_of(process), -SIGKILL);
}

static void wait_takes_up_to_64_things_and_times_out_with_as_many(void**) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    char room[65 * sizeof(Waitable)];
    auto* const items = reinterpret_cast<Waitable*>(room);
    for (int i = 0; i < 65; ++i) { ::new (items + i) Waitable(fds[0]); }
    assert_code(brood::wait(items, 65, milliseconds(1)), Errc::bad_argument);
    test::Handshake done;
    const pid_t pid = test::start_child([&] {
        const bool timed_out = brood::wait(items, 64, milliseconds(20)).code() == Errc::timed_out;
        done.tell();
        return timed_out ? 0 : 1;
    });
    if (!done.await()) { kill(pid, SIGKILL); }
    assert_int_equal(test::join_child(pid), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(*brood::wait(items, 64, test::kLong), 0);
    close(fds[0]);
    close(fds[1]);
}

static void wait_refuses_what_can_never_be_ready(void**) {
    Process fresh([] {}), closed([] {}), ours([] {});
    assert_int_equal(run_to_end(closed), 0);
    assert_ok(closed.close());
    auto pipe = brood::Pipe<int>::simplex().expect("making a pipe");
    assert_code(brood::wait({pipe.receiver, fresh}), Errc::not_started);
    assert_code(brood::wait({pipe.receiver}, milliseconds(-1)), Errc::timeout_negative);
    assert_code(brood::wait({pipe.receiver}, brood::seconds(INT64_MAX)), Errc::timeout_overflow);
    pipe.receiver.close();
    assert_code(brood::wait({pipe.receiver}), Errc::closed);
    assert_code(brood::wait({}), Errc::bad_argument);
    assert_code(brood::wait(nullptr, 1), Errc::bad_argument);
    assert_code(brood::wait({fresh}), Errc::not_started);
    assert_code(brood::wait({closed}), Errc::closed);
    assert_code(brood::wait({-1}), Errc::closed);
    assert_ok(ours.start());
    test::assert_child_exits(0, [&] {  // Somebody else's child.
        return brood::wait({ours}, test::kLong).code() == Errc::wrong_process ? 0 : 1;
    });
    assert_int_equal(end_of(ours), 0);
}

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(wait_any_gives_and_reaps_the_one_that_ended),
        cmocka_unit_test(wait_any_takes_more_processes_than_can_be_polled_at_once),
        cmocka_unit_test(active_children_lists_the_running_and_reaps_the_ended),
        cmocka_unit_test(wait_gives_the_first_that_is_ready_among_processes_pipes_and_descriptors),
        cmocka_unit_test(wait_sleeps_until_the_end_of_a_child_and_of_a_daemon),
        cmocka_unit_test(the_sentinel_becomes_readable_at_the_end),
        cmocka_unit_test(waits_outlast_a_storm_of_signals_and_keep_their_time),
        cmocka_unit_test(wait_takes_up_to_64_things_and_times_out_with_as_many),
        cmocka_unit_test(wait_refuses_what_can_never_be_ready),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
