// Goal: every port's bell wakes sleepers, and its mutex survives its holder, as port/port.hpp says.
// Method: real processes that sleep, ring, hold and are killed.
#include "support.hpp"

#include <pthread.h>

#include <port/port.hpp>

namespace port = brood::port;
using brood::Errc;
using test::assert_code;
using test::assert_ok;

static void on_signal(int) {}

static void catch_signal(int signal) {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigaction(signal, &action, nullptr);
}

// A bell and a mutex, and room for what the test counts, in shared memory.
struct Shared {
    port::Bell bell;
    port::RobustMutex mutex;
    std::uint64_t counter;
    std::atomic<std::uint32_t> ready;
};

class Memory : public test::Board<Shared> {
public:
    Memory() {
        assert_ok(port::bell_init((*this)->bell));
        assert_ok(port::mutex_init((*this)->mutex));
    }
};

static void a_bell_does_not_sleep_when_the_word_differs(void**) {
    Memory memory;
    memory->bell.word = 5;
    assert_ok(port::bell_wait(memory->bell, 4, port::kAnyKind, port::kNever));
    assert_ok(port::bell_wait(memory->bell, 4, port::kAnyKind, 0));
}

static void a_sleeper_is_up_at_its_deadline_signals_or_not(void**) {
    Memory memory;
    assert_code(port::bell_wait(memory->bell, 0, port::kAnyKind, 0), Errc::timed_out);
    test::assert_child_exits(0, [&] {
        catch_signal(SIGUSR1);
        const test::SignalStorm storm(SIGUSR1);
        const std::int64_t deadline = test::in_ms(100);
        while (port::bell_wait(memory->bell, 0, port::kAnyKind, deadline).ok()) {}
        const std::int64_t late = test::now_ns() - deadline;
        return late >= 0 && late < test::kSoonMs * 1000000 ? 0 : 1;
    });
}

static pid_t start_sleeper(Memory& memory) {
    return test::start_child([&] {
        memory->ready.fetch_add(1);
        while (memory->bell.word.load() == 0) {
            if (port::bell_wait(memory->bell, 0, port::kAnyKind, port::kNever).code() ==
                Errc::timed_out) {
                return 1;
            }
        }
        return 0;
    });
}

static void a_ring_wakes_all_that_sleep(void**) {
    Memory memory;
    pid_t sleepers[3];
    for (pid_t& sleeper : sleepers) { sleeper = start_sleeper(memory); }
    assert_true(test::eventually([&] { return memory->ready.load() == 3; }));
    test::sleep_ms(20);  // Better asleep; but right also if not.
    memory->bell.word.store(1);
    port::bell_ring(memory->bell, UINT32_MAX, port::kAnyKind);
    for (const pid_t sleeper : sleepers) { assert_int_equal(test::join_child(sleeper), 0); }
}

static void a_ring_without_a_change_of_the_word_wakes_a_sleeper(void**) {
    Memory memory;
    const pid_t pid = test::start_child([&] {
        if (!port::bell_wait(memory->bell, 0, port::kAnyKind, test::in_ms(test::kPatienceMs))
                 .ok()) {
            return 1;
        }
        memory->ready.store(1);
        return 0;
    });
    assert_true(test::eventually(
        [&] {
            port::bell_ring(memory->bell, 1, port::kAnyKind);
            return memory->ready.load() == 1;
        },
        test::kPatienceMs / 2));
    assert_int_equal(test::join_child(pid), 0);
}

static void nobody_hears_a_ring_for_none(void**) {
    Memory memory;
    assert_int_equal(port::bell_ring(memory->bell, 0, port::kAnyKind), 0);
    port::bell_ring(memory->bell, 1, port::kAnyKind);  // Nor is one kept for later.
    assert_code(port::bell_wait(memory->bell, 0, port::kAnyKind, test::in_ms(30)), Errc::timed_out);
}

static void killed_sleepers_take_no_ring_from_the_living(void**) {
    Memory memory;
    for (std::uint32_t round = 1; round <= 5; ++round) {
        const pid_t dead = start_sleeper(memory);
        assert_true(test::eventually([&] { return memory->ready.load() == round; }));
        test::sleep_ms(2);  // Better asleep; but right also if not.
        kill(dead, SIGKILL);
        assert_int_equal(test::join_child(dead), -SIGKILL);
    }
    const pid_t living = start_sleeper(memory);
    assert_true(test::eventually([&] { return memory->ready.load() == 6; }));
    test::sleep_ms(2);
    memory->bell.word.store(1);
    port::bell_ring(memory->bell, 1, port::kAnyKind);
    assert_int_equal(test::join_child(living), 0);
}

static void a_kept_bell_tells_the_keepers_death(void**) {
    Memory memory;
    test::Handshake kept;
    const pid_t keeper = test::start_child([&] {
        const brood::Status status = port::bell_keep(memory->bell);
        memory->ready.store(status.code() == Errc::unsupported ? 2 : 1);
        kept.tell();
        return status.ok() ? pause() : 1;
    });
    assert_true(kept.await());
    if (memory->ready.load() == 2) {
        test::not_run("bell_keep", "unsupported by this port");
        assert_int_equal(test::join_child(keeper), 1);
        return;
    }
    const std::uint32_t word = memory->bell.word.load();
    assert_int_equal(word & port::kBellOwnerDied, 0);
    kill(keeper, SIGKILL);
    assert_true(test::eventually([&] {
        port::bell_wait(memory->bell, word, port::kAnyKind, test::in_ms(100)).ignore();
        return (memory->bell.word.load() & port::kBellOwnerDied) != 0;
    }));
    assert_int_equal(test::join_child(keeper), -SIGKILL);
}

// Takes the mutex in one of the three ways of waiting: for ever, until a deadline, not at all.
static brood::Status lock_in_some_way(Memory& memory, int way) {
    if (way == 0) { return port::mutex_lock(memory->mutex, port::kNever); }
    if (way == 1) { return port::mutex_lock(memory->mutex, test::in_ms(test::kPatienceMs)); }
    brood::Status status = Errc::timed_out;
    while (status.code() == Errc::timed_out) {
        status = port::mutex_lock(memory->mutex, 0);
        if (!status.ok()) { port::yield(); }
    }
    return status;
}

static void a_mutex_lets_in_one_process_at_a_time(void**) {
    constexpr int kProcesses = 3;
    constexpr int kRounds = 3000;
    Memory memory;
    pid_t pids[kProcesses];
    for (pid_t& pid : pids) {
        pid = test::start_child([&] {
            for (int round = 0; round < kRounds; ++round) {
                if (!lock_in_some_way(memory, round % 3).ok()) { return 1; }
                const volatile std::uint64_t seen = memory->counter;
                memory->counter = seen + 1;
                if (!port::mutex_unlock(memory->mutex).ok()) { return 2; }
            }
            return 0;
        });
    }
    for (const pid_t pid : pids) { assert_int_equal(test::join_child(pid), 0); }
    assert_int_equal(memory->counter, kProcesses * kRounds);
}

// Starts a process that takes the mutex and keeps it.
static pid_t start_holder(Memory& memory) {
    test::Handshake held;
    const pid_t pid = test::start_child([&] {
        if (!port::mutex_lock(memory->mutex, port::kNever).ok()) { return 1; }
        held.tell();
        return pause();
    });
    assert_true(held.await());
    return pid;
}

static void a_killed_holder_leaves_the_mutex_to_the_next_who_is_told(void**) {
    for (const bool waits : {false, true}) {
        for (const std::int64_t deadline : {std::int64_t{0}, test::in_ms(60000), port::kNever}) {
            Memory memory;
            const pid_t holder = start_holder(memory);
            if (waits) { assert_code(port::mutex_lock(memory->mutex, 0), Errc::timed_out); }
            kill(holder, SIGKILL);
            assert_int_equal(test::join_child(holder), -SIGKILL);
            assert_code(port::mutex_lock(memory->mutex, deadline), Errc::owner_died);
            assert_ok(port::mutex_unlock(memory->mutex));
            assert_ok(port::mutex_lock(memory->mutex, port::kNever));  // Told once.
            assert_ok(port::mutex_unlock(memory->mutex));
        }
    }
}

static void a_death_ends_the_wait_of_who_waits_already(void**) {
    for (const bool for_ever : {true, false}) {
        Memory memory;
        const pid_t holder = start_holder(memory);
        const pid_t waiter = test::start_child([&] {
            memory->ready.store(1);
            const std::int64_t deadline = for_ever ? port::kNever : test::in_ms(60000);
            return port::mutex_lock(memory->mutex, deadline).code() == Errc::owner_died ? 0 : 1;
        });
        assert_true(test::eventually([&] { return memory->ready.load() == 1; }));
        test::sleep_ms(20);  // Better asleep; but right also if not.
        kill(holder, SIGKILL);
        assert_int_equal(test::join_child(holder), -SIGKILL);
        assert_int_equal(test::join_child(waiter), 0);
    }
}

static void a_taken_mutex_times_out_at_the_deadline_signals_or_not(void**) {
    Memory memory;
    const pid_t holder = start_holder(memory);
    assert_code(port::mutex_lock(memory->mutex, 0), Errc::timed_out);
    const int code = test::run_child([&] {
        catch_signal(SIGUSR1);
        const test::SignalStorm storm(SIGUSR1);
        const std::int64_t deadline = test::in_ms(100);
        if (port::mutex_lock(memory->mutex, deadline).code() != Errc::timed_out) { return 1; }
        const std::int64_t late = test::now_ns() - deadline;
        return late >= 0 && late < test::kSoonMs * 1000000 ? 0 : 2;
    });
    kill(holder, SIGKILL);
    assert_int_equal(test::join_child(holder), -SIGKILL);
    assert_int_equal(code, 0);
}

static void the_owner_is_told_that_it_would_wait_for_itself(void**) {
    Memory memory;
    assert_ok(port::mutex_lock(memory->mutex, port::kNever));
    for (const std::int64_t deadline : {std::int64_t{0}, test::in_ms(50), port::kNever}) {
        assert_code(port::mutex_lock(memory->mutex, deadline), Errc::would_deadlock);
    }
    assert_ok(port::mutex_unlock(memory->mutex));
}

static void only_the_owner_unlocks(void**) {
    Memory memory;
    assert_code(port::mutex_unlock(memory->mutex), Errc::not_owner);
    assert_ok(port::mutex_lock(memory->mutex, 0));
    test::assert_child_exits(0, [&] {  // Nor does a holder's child hold it.
        if (port::mutex_unlock(memory->mutex).code() != Errc::not_owner) { return 1; }
        return port::mutex_lock(memory->mutex, 0).code() == Errc::timed_out ? 0 : 2;
    });
    assert_ok(port::mutex_unlock(memory->mutex));
}

static void a_thread_that_ends_holding_it_counts_as_dead(void**) {
    Memory memory;
    pthread_t thread;
    pthread_create(
        &thread, nullptr,
        [](void* data) -> void* {
            port::mutex_lock(*static_cast<port::RobustMutex*>(data), port::kNever).ignore();
            return nullptr;
        },
        &memory->mutex);
    pthread_join(thread, nullptr);
    assert_code(port::mutex_lock(memory->mutex, port::kNever), Errc::owner_died);
    assert_ok(port::mutex_unlock(memory->mutex));
}

static void the_layout_is_the_same_number_every_time(void**) {
    const std::uint32_t layout = port::mutex_layout();
    assert_int_not_equal(layout, 0);
    assert_int_equal(layout, port::mutex_layout());
}

int main() {
    print_message("port: %s\n", port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_bell_does_not_sleep_when_the_word_differs),
        cmocka_unit_test(a_sleeper_is_up_at_its_deadline_signals_or_not),
        cmocka_unit_test(a_ring_wakes_all_that_sleep),
        cmocka_unit_test(a_ring_without_a_change_of_the_word_wakes_a_sleeper),
        cmocka_unit_test(nobody_hears_a_ring_for_none),
        cmocka_unit_test(killed_sleepers_take_no_ring_from_the_living),
        cmocka_unit_test(a_kept_bell_tells_the_keepers_death),
        cmocka_unit_test(a_mutex_lets_in_one_process_at_a_time),
        cmocka_unit_test(a_killed_holder_leaves_the_mutex_to_the_next_who_is_told),
        cmocka_unit_test(a_death_ends_the_wait_of_who_waits_already),
        cmocka_unit_test(a_taken_mutex_times_out_at_the_deadline_signals_or_not),
        cmocka_unit_test(the_owner_is_told_that_it_would_wait_for_itself),
        cmocka_unit_test(only_the_owner_unlocks),
        cmocka_unit_test(a_thread_that_ends_holding_it_counts_as_dead),
        cmocka_unit_test(the_layout_is_the_same_number_every_time),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
