// Goal: nobody sleeps past a ring, a deadline or the death of a keeper, or for a mutex set free.
// Method: processes that sleep for kPatienceMs at most, so that a lost wake-up is seen as one; who
//       shall be asleep is asked for in /proc before he is woken.
#include "sleeper_support.hpp"

#include <stdlib.h>

#include <port/port.hpp>

namespace port = brood::port;
using brood::Errc;
using test::assert_code;
using test::assert_ok;
using test::await_state;
using test::Board;
using test::end_some_day;
using test::start_sleeping;

constexpr std::uint32_t kThreadMask = ~(port::kBellWaiting | port::kBellOwnerDied);

// A child that sleeps on the bell while its word is `expected`, for kPatienceMs at most, and ends
// with 0 when it was woken, with 1 at the deadline.
static pid_t start_sleeper(port::Bell& bell, std::uint32_t expected) {
    return start_sleeping([&bell, expected] {
        const std::int64_t deadline = test::in_ms(test::kPatienceMs);
        return port::bell_wait(bell, expected, port::kAnyKind, deadline).ok() ? 0 : 1;
    });
}

static bool has_ended(pid_t pid) {
    return test::state_of(pid) == 'Z';
}

// ---- Bells -------------------------------------------------------------------------------------

static void a_ring_wakes_a_sleeper_in_another_process(void**) {
    Board<port::Bell> bell;
    assert_ok(port::bell_init(*bell));
    const pid_t sleeper = start_sleeper(*bell, 0);
    assert_int_equal(port::bell_ring(*bell, 1, port::kAnyKind), 1);
    assert_int_equal(test::join_child(sleeper), 0);
}

static void a_ring_wakes_as_many_as_asked_for_at_least(void**) {
    Board<port::Bell> bell;
    pid_t sleepers[3];
    for (pid_t& sleeper : sleepers) { sleeper = start_sleeper(*bell, 0); }
    assert_true(port::bell_ring(*bell, 2, port::kAnyKind) >= 2);
    const auto ended = [&] {
        int count = 0;
        for (const pid_t sleeper : sleepers) { count += has_ended(sleeper) ? 1 : 0; }
        return count;
    };
    assert_true(test::eventually([&] { return ended() >= 2; }));
    port::bell_ring(*bell, UINT32_MAX, port::kAnyKind);
    for (const pid_t sleeper : sleepers) { assert_int_equal(test::join_child(sleeper), 0); }
}

static void a_ring_that_nobody_hears_is_not_kept(void**) {
    Board<port::Bell> bell;
    assert_int_equal(port::bell_ring(*bell, 0, port::kAnyKind), 0);
    assert_true(port::bell_ring(*bell, 1, port::kAnyKind) <= 1);
    assert_code(port::bell_wait(*bell, 0, port::kAnyKind, test::in_ms(30)), Errc::timed_out);
}

static void nobody_sleeps_on_a_word_that_differs(void**) {
    Board<port::Bell> bell;
    bell->word = 7;
    assert_ok(port::bell_wait(*bell, 8, port::kAnyKind, port::kNever));
    assert_ok(port::bell_wait(*bell, 8, port::kAnyKind, 0));
}

static void sleeping_ends_at_the_deadline_and_not_before(void**) {
    Board<port::Bell> bell;
    const std::int64_t deadlines[] = {0, -1, INT64_MIN, test::now_ns(), test::in_ms(50)};
    for (const std::int64_t deadline : deadlines) {
        const std::int64_t start = test::now_ns();
        assert_code(port::bell_wait(*bell, 0, port::kAnyKind, deadline), Errc::timed_out);
        assert_true(test::now_ns() >= deadline);
        assert_true(test::now_ns() - start < test::kPatienceMs * 1000000);
    }
}

static void signals_do_not_stretch_a_sleep(void**) {
    struct sigaction handled = {}, before = {};
    handled.sa_handler = [](int) {};
    assert_int_equal(sigaction(SIGUSR1, &handled, &before), 0);
    {
        Board<port::Bell> bell;
        const test::SignalStorm storm(SIGUSR1);
        const std::int64_t deadline = test::in_ms(100);
        brood::Status status;
        while (status.ok()) { status = port::bell_wait(*bell, 0, port::kAnyKind, deadline); }
        assert_code(status, Errc::timed_out);
        assert_true(test::now_ns() >= deadline);
        assert_true(test::now_ns() < deadline + test::kPatienceMs * 1000000);
    }
    assert_int_equal(sigaction(SIGUSR1, &before, nullptr), 0);
}

// ---- Keepers -----------------------------------------------------------------------------------

enum class End { kill, exit, exit_at_once, exec, terminate };

// A child that keeps the bell, says so, and waits to be told how to end. 77: not here.
static pid_t start_keeper(port::Bell& bell, test::Handshake& kept, test::Handshake& go, End end) {
    return test::start_child([&, end] {
        end_some_day();
        if (port::bell_keep(bell).code() == Errc::unsupported) { return 77; }
        kept.tell();
        if (!go.await()) { return 1; }
        switch (end) {
            case End::exit: exit(0);
            case End::exec: execl("/bin/sh", "sh", "-c", "exec sleep 20", nullptr); return 1;
            case End::exit_at_once: _exit(0);
            case End::kill:
            case End::terminate: break;
        }
        for (;;) { pause(); }
    });
}

// Whether bells are kept on this system; says so where not.
static bool can_keep() {
    static const bool can = [] {
        Board<port::Bell> bell;
        test::Handshake kept, go;
        go.tell();
        return test::join_child(start_keeper(*bell, kept, go, End::exit_at_once)) != 77;
    }();
    if (!can) { test::not_run("bell_keep", "unsupported here; sleepers look every slice"); }
    return can;
}

static int compare_times(const void* left, const void* right) {
    const auto a = *static_cast<const std::int64_t*>(left);
    const auto b = *static_cast<const std::int64_t*>(right);
    return a < b ? -1 : (a > b ? 1 : 0);
}

// One keeper's end; how long after it the sleeper, which was asleep, was awake, in nanoseconds.
static std::int64_t wake_by(End end) {
    struct Times {
        port::Bell bell;
        std::atomic<std::int64_t> awake;
    };
    Board<Times> shared;
    test::Handshake kept, go;
    const pid_t keeper = start_keeper(shared->bell, kept, go, end);
    assert_true(kept.await());
    const std::uint32_t word = shared->bell.word.fetch_or(port::kBellWaiting);
    assert_int_equal(word, keeper);
    const pid_t sleeper = start_sleeping([&] {
        port::Bell& bell = shared->bell;
        const std::int64_t deadline = test::in_ms(test::kPatienceMs);
        if (!port::bell_wait(bell, word | port::kBellWaiting, port::kAnyKind, deadline).ok()) {
            return 1;
        }
        shared->awake = test::now_ns();
        return (bell.word & port::kBellOwnerDied) != 0 ? 0 : 2;
    });
    const std::int64_t start = test::now_ns();
    go.tell();
    if (end == End::kill) { kill(keeper, SIGKILL); }
    if (end == End::terminate) { kill(keeper, SIGTERM); }
    assert_int_equal(test::join_child(sleeper), 0);
    assert_true((shared->bell.word & kThreadMask) == 0);  // Nobody keeps it now.
    if (end == End::exec) { kill(keeper, SIGKILL); }
    test::join_child(keeper);
    return shared->awake - start;
}

static void a_keepers_end_wakes_a_sleeper_however_it_comes(void**) {
    if (!can_keep()) { return; }
    const End ends[] = {End::kill, End::exit, End::exit_at_once, End::exec, End::terminate};
    for (const End end : ends) { wake_by(end); }
}

static void a_killed_keepers_sleeper_is_awake_long_before_a_slice_ends(void**) {
    if (!can_keep()) { return; }
    constexpr std::size_t kRounds = 21;
    std::int64_t times[kRounds];
    for (std::int64_t& time : times) { time = wake_by(End::kill); }
    qsort(times, kRounds, sizeof(times[0]), compare_times);
    print_message("keeper killed -> sleeper awake: median %ld us, worst %ld us\n",
                  static_cast<long>(times[kRounds / 2] / 1000),
                  static_cast<long>(times[kRounds - 1] / 1000));
    assert_true(times[kRounds / 2] < port::kSliceNs / 2);  // The median: a loaded machine is slow.
}

static void a_keeper_leaves_the_flag_of_sleepers_and_clears_a_dead_one(void**) {
    if (!can_keep()) { return; }
    Board<port::Bell> bell;
    bell->word = port::kBellWaiting | port::kBellOwnerDied;
    test::Handshake kept, go;
    const pid_t keeper = start_keeper(*bell, kept, go, End::exit_at_once);
    assert_true(kept.await());
    const std::uint32_t word = bell->word;
    assert_true((word & port::kBellWaiting) != 0);
    assert_true((word & port::kBellOwnerDied) == 0);
    assert_int_equal(word & kThreadMask, keeper);
    go.tell();
    assert_int_equal(test::join_child(keeper), 0);
    assert_int_equal(bell->word, port::kBellWaiting | port::kBellOwnerDied);
}

static void a_keepers_child_keeps_nothing(void**) {
    if (!can_keep()) { return; }
    Board<port::Bell> bell;
    const int code = test::run_child([&] {
        if (!port::bell_keep(*bell).ok()) { return 1; }
        const pid_t child = fork();
        if (child == 0) { _exit(0); }
        if (waitpid(child, nullptr, 0) != child) { return 2; }
        return (bell->word & port::kBellOwnerDied) == 0 ? 0 : 3;
    });
    assert_int_equal(code, 0);
    assert_true((bell->word & port::kBellOwnerDied) != 0);
}

static void a_stopped_keeper_is_not_dead(void**) {
    if (!can_keep()) { return; }
    Board<port::Bell> bell;
    test::Handshake kept, go;
    const pid_t keeper = start_keeper(*bell, kept, go, End::kill);
    assert_true(kept.await());
    kill(keeper, SIGSTOP);
    await_state(keeper, 'T');
    const std::uint32_t word = bell->word.fetch_or(port::kBellWaiting) | port::kBellWaiting;
    assert_code(port::bell_wait(*bell, word, port::kAnyKind, test::in_ms(50)), Errc::timed_out);
    assert_int_equal(bell->word, word);
    kill(keeper, SIGKILL);
    assert_int_equal(test::join_child(keeper), -SIGKILL);
    assert_true((bell->word & port::kBellOwnerDied) != 0);
}

// ---- Mutexes -----------------------------------------------------------------------------------

static void a_waiter_gets_the_mutex_when_it_is_given_back(void**) {
    Board<port::RobustMutex> mutex;
    assert_ok(port::mutex_init(*mutex));
    for (const bool forever : {false, true}) {
        assert_ok(port::mutex_lock(*mutex, port::kNever));
        const pid_t waiter = start_sleeping([&] {
            const std::int64_t deadline = forever ? port::kNever : test::in_ms(test::kPatienceMs);
            if (!port::mutex_lock(*mutex, deadline).ok()) { return 1; }
            return port::mutex_unlock(*mutex).ok() ? 0 : 2;
        });
        assert_ok(port::mutex_unlock(*mutex));
        assert_int_equal(test::join_child(waiter), 0);
    }
}

static void a_killed_waiter_takes_nothing_along(void**) {
    Board<port::RobustMutex> mutex;
    assert_ok(port::mutex_init(*mutex));
    assert_ok(port::mutex_lock(*mutex, port::kNever));
    const pid_t waiter =
        start_sleeping([&] { return port::mutex_lock(*mutex, port::kNever).ok() ? 1 : 2; });
    kill(waiter, SIGKILL);
    assert_int_equal(test::join_child(waiter), -SIGKILL);
    assert_ok(port::mutex_unlock(*mutex));
    assert_ok(port::mutex_lock(*mutex, test::in_ms(test::kPatienceMs)));
    assert_ok(port::mutex_unlock(*mutex));
}

static void a_sleep_does_not_begin_after_a_change_of_what_was_looked_at(void**) {
    Board<port::Bell> bell;
    Board<std::atomic<std::uint32_t>> first, second;
    const port::LookedAt looked[] = {{&*first, 0}, {&*second, 0}};
    assert_code(port::bell_wait_having_looked(*bell, 0, looked, 2, test::in_ms(30)),
                Errc::timed_out);
    for (std::atomic<std::uint32_t>* changed : {&*first, &*second, &bell->word}) {
        changed->store(1);
        assert_ok(
            port::bell_wait_having_looked(*bell, 0, looked, 2, test::in_ms(test::kPatienceMs)));
        changed->store(0);
    }
}

int main() {
    print_message("port: %s\n", port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_sleep_does_not_begin_after_a_change_of_what_was_looked_at),
        cmocka_unit_test(a_ring_wakes_a_sleeper_in_another_process),
        cmocka_unit_test(a_ring_wakes_as_many_as_asked_for_at_least),
        cmocka_unit_test(a_ring_that_nobody_hears_is_not_kept),
        cmocka_unit_test(nobody_sleeps_on_a_word_that_differs),
        cmocka_unit_test(sleeping_ends_at_the_deadline_and_not_before),
        cmocka_unit_test(signals_do_not_stretch_a_sleep),
        cmocka_unit_test(a_keepers_end_wakes_a_sleeper_however_it_comes),
        cmocka_unit_test(a_killed_keepers_sleeper_is_awake_long_before_a_slice_ends),
        cmocka_unit_test(a_keeper_leaves_the_flag_of_sleepers_and_clears_a_dead_one),
        cmocka_unit_test(a_keepers_child_keeps_nothing),
        cmocka_unit_test(a_stopped_keeper_is_not_dead),
        cmocka_unit_test(a_waiter_gets_the_mutex_when_it_is_given_back),
        cmocka_unit_test(a_killed_waiter_takes_nothing_along),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
