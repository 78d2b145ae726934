// Goal: a Lock excludes, tells its owner from others, and is never lost, whoever dies holding it.
#include "shared_support.hpp"

#include <pthread.h>

#include <brood/lock.hpp>

using namespace shared_test;
using brood::Errc;
using brood::Lock;
using brood::Locked;
using brood::Status;
using brood::Timeout;

namespace {

Lock make_lock() {
    return Lock::create().expect("making the lock");
}

// ---- Excluding ---------------------------------------------------------------------------------

void one_process_at_a_time_is_inside(void**) {
    constexpr int kProcesses = 8, kEach = 1500;
    struct Shared {
        std::atomic<int> inside{0};
        int count = 0;  // Plain on purpose: only the lock keeps it right.
    };
    Board<Shared> board;
    Lock lock = make_lock();
    pid_t children[kProcesses];
    for (pid_t& child : children) {
        child = start_child([&] {
            for (int i = 0; i < kEach; ++i) {
                const Locked hold = lock.acquire();
                CHECK_IN_CHILD(hold.status().ok());
                CHECK_IN_CHILD(board->inside.fetch_add(1) == 0);
                const int before = board->count;
                if (i % 64 == 0) { sleep_us(1); }
                board->count = before + 1;
                CHECK_IN_CHILD(board->inside.fetch_sub(1) == 1);
            }
        });
    }
    for (const pid_t child : children) { assert_int_equal(end_of(child), 0); }
    assert_int_equal(board->count, kProcesses * kEach);
}

// Fork and knife: each has one and wants the other.
void two_locks_in_two_orders_deadlock_until_a_timeout_ends_it(void**) {
    constexpr int kPeople = 2;
    Lock locks[kPeople] = {make_lock(), make_lock()};
    Board<std::atomic<int>> have_one;
    pid_t people[kPeople];
    for (int i = 0; i < kPeople; ++i) {
        people[i] = start_child([&, i] {
            const Locked one = locks[i].acquire();
            CHECK_IN_CHILD(one.status().ok());
            have_one->fetch_add(1);
            CHECK_IN_CHILD(becomes(*have_one, kPeople));
            // The first gives up, so that the second can eat.
            const Locked other =
                locks[1 - i].acquire(i == 0 ? brood::milliseconds(50) : brood::seconds(20));
            CHECK_IN_CHILD(i == 0 ? other.timed_out() : other.status().ok());
        });
    }
    for (const pid_t one : people) { assert_int_equal(end_of(one), 0); }
}

// Ten people want a ticket each, of which a file on disk says how many are left.
void processes_exchange_through_a_file_on_disk_under_a_lock(void**) {
    constexpr int kPeople = 10, kTickets = 3;
    FILE* const made = tmpfile();
    assert_non_null(made);
    const int file = fileno(made);
    const auto read_left = [&] {
        char text[16] = {};
        return pread(file, text, sizeof text - 1, 0) > 0 ? atoi(text) : -1;
    };
    const auto write_left = [&](int left) {
        char text[16];
        const auto bytes = static_cast<size_t>(snprintf(text, sizeof text, "%d\n", left));
        return pwrite(file, text, bytes, 0) == static_cast<ssize_t>(bytes);
    };
    assert_true(write_left(kTickets));
    Lock lock = make_lock();
    Board<std::atomic<int>> sold;
    pid_t people[kPeople];
    for (pid_t& one : people) {
        one = start_child([&] {
            const Locked hold = lock.acquire();
            const int left = read_left();
            CHECK_IN_CHILD(left >= 0);
            if (left == 0) { return; }
            sleep_us(1000);  // Everybody would sell the same ticket meanwhile.
            CHECK_IN_CHILD(write_left(left - 1));
            sold->fetch_add(1);
        });
    }
    for (const pid_t one : people) { assert_int_equal(end_of(one), 0); }
    assert_int_equal(sold->load(), kTickets);
    assert_int_equal(read_left(), 0);
    (void)fclose(made);
}

void the_guard_releases_at_the_end_of_its_scope(void**) {
    Lock lock = make_lock();
    {
        const Locked hold = lock.acquire();
        assert_true(static_cast<bool>(hold));
        assert_false(hold.timed_out() || hold.owner_died());
        hold.expect("holding");
    }
    Locked early = lock.acquire();
    assert_ok(early.release().error());
    assert_false(static_cast<bool>(early));
    assert_ok(early.release().error());  // Not held any more: fine, too.

    lock.acquire().keep();
    assert_ok(lock.release().error());
    assert_error(lock.release().code(), Errc::not_owner, "free");

    Locked first = lock.acquire();
    const Locked second = std::move(first);
    assert_false(static_cast<bool>(first));
    assert_true(static_cast<bool>(second));
}

void a_second_acquire_by_the_owner_would_deadlock(void**) {
    Lock lock = make_lock();
    assert_ok(lock.take().error());
    for (const Timeout timeout : {Timeout::forever(), Timeout::no_wait(), brood::seconds(5)}) {
        const int64_t before = now_ms();
        assert_error(lock.take(timeout).code(), Errc::would_deadlock, "again");
        assert_true(now_ms() - before < test::kSoonMs);
        assert_false(static_cast<bool>(lock.acquire(timeout)));
    }
    assert_ok(lock.release().error());  // The failed ones did not count.
    assert_ok(lock.take().error());
    assert_ok(lock.release().error());
}

void release_by_somebody_else_is_not_owner(void**) {
    Lock lock = make_lock();
    assert_error(lock.release().code(), Errc::not_owner, "never taken");

    // A thread of the same process.
    assert_ok(lock.take().error());
    Status released, taken;
    in_thread([&] {
        released = lock.release();
        taken = lock.take(Timeout::no_wait());
    });
    assert_error(released.code(), Errc::not_owner, "another thread");
    assert_error(taken.code(), Errc::timed_out, "another thread");
    // A forked child of the holder, which is no holder.
    assert_child_exits(0, [&] {
        CHECK_IN_CHILD(lock.release().code() == Errc::not_owner);
        CHECK_IN_CHILD(lock.take(Timeout::no_wait()).code() == Errc::timed_out);
        lock = Lock();  // Nor does it release by destroying its handle.
    });
    assert_child_exits(
        0, [&] { CHECK_IN_CHILD(lock.take(Timeout::no_wait()).code() == Errc::timed_out); });
    assert_ok(lock.release().error());

    // Another process, that does hold it, and we do not.
    Board<std::atomic<int>> step;
    const pid_t child = start_child([&] {
        CHECK_IN_CHILD(lock.take().ok());
        step->store(1);
        CHECK_IN_CHILD(becomes(*step, 2));
        CHECK_IN_CHILD(lock.release().ok());
    });
    assert_true(becomes(*step, 1));
    assert_error(lock.release().code(), Errc::not_owner, "held by a child");
    step->store(2);
    assert_int_equal(end_of(child), 0);
}

void a_lock_that_is_gone_is_closed(void**) {
    Lock lock;
    assert_error(lock.take().code(), Errc::closed, "never made");
    assert_error(lock.release().code(), Errc::closed, "never made");
    assert_error(lock.acquire().status().code(), Errc::closed, "never made");
    Lock made = make_lock();
    lock = std::move(made);
    assert_error(made.take().code(), Errc::closed, "moved from");
    assert_ok(lock.take().error());
    assert_ok(lock.release().error());
    Lock* const same = &lock;
    lock = std::move(*same);
    assert_ok(lock.take().error());
    assert_ok(lock.release().error());
}

void a_handle_destroyed_while_held_releases_and_harms_no_other_lock(void**) {
    Lock other = make_lock();
    for (int i = 0; i < 100; ++i) {
        Board<std::atomic<int>> step;
        Lock lock = make_lock();
        assert_ok(lock.take().error());
        assert_ok(other.take().error());
        const pid_t child = i % 10 != 0 ? 0 : start_child([&] {
            step->store(1);
            CHECK_IN_CHILD(lock.take(brood::seconds(20)).ok());
        });
        if (child != 0) { assert_true(becomes(*step, 1)); }
        lock = Lock();  // Its page is unmapped; the system's list of held locks goes on.
        assert_ok(other.release().error());
        assert_ok(other.take().error());
        assert_ok(other.release().error());
        if (child != 0) { assert_int_equal(end_of(child), 0); }
    }
}

// ---- Time --------------------------------------------------------------------------------------

struct TimeoutRow {
    const char* what;
    Timeout timeout;
    Errc when_held, when_free;
    int64_t least_ms;
};
const TimeoutRow kTimeouts[] = {
    {"no wait", Timeout::no_wait(), Errc::timed_out, Errc::ok, 0},
    {"0 ms", brood::milliseconds(0), Errc::timed_out, Errc::ok, 0},
    {"1 ns", brood::nanoseconds(1), Errc::timed_out, Errc::ok, 0},
    {"60 ms", brood::milliseconds(60), Errc::timed_out, Errc::ok, 60},
    {"-1 ns", brood::nanoseconds(-1), Errc::timeout_negative, Errc::timeout_negative, 0},
    {"INT64_MIN s", brood::seconds(INT64_MIN), Errc::timeout_negative, Errc::timeout_negative, 0},
    {"longest + 1", brood::nanoseconds(INT64_MAX / 4 + 1), Errc::timeout_overflow,
     Errc::timeout_overflow, 0},
    {"INT64_MAX s", brood::seconds(INT64_MAX), Errc::timeout_overflow, Errc::timeout_overflow, 0},
};

void timeouts_are_kept_to_and_bad_ones_refused(void**) {
    Lock lock = make_lock();
    Board<std::atomic<int>> step;
    const pid_t holder = start_child([&] {
        CHECK_IN_CHILD(lock.take().ok());
        step->store(1);
        CHECK_IN_CHILD(becomes(*step, 2));
        CHECK_IN_CHILD(lock.release().ok());
    });
    assert_true(becomes(*step, 1));
    for (const TimeoutRow& row : kTimeouts) {
        const int64_t before = test::now_ns();
        const Locked hold = lock.acquire(row.timeout);
        const int64_t took_ms = (test::now_ns() - before) / 1000000;
        assert_error(hold.status().code(), row.when_held, row.what);
        assert_false(static_cast<bool>(hold));
        assert_true(took_ms >= row.least_ms && took_ms < row.least_ms + test::kSoonMs);
    }
    step->store(2);
    assert_int_equal(end_of(holder), 0);
    for (const TimeoutRow& row : kTimeouts) {
        const Status status = lock.take(row.timeout);
        assert_error(status.code(), row.when_free, row.what);
        const Errc after = status.ok() ? Errc::ok
                                       : Errc::not_owner;  // A refused one takes nothing.
        assert_error(lock.release().code(), after, row.what);
    }
    // The longest that is allowed.
    assert_ok(lock.take(brood::nanoseconds(INT64_MAX / 4)).error());
    assert_ok(lock.release().error());
}

void a_waiter_gets_the_lock_when_it_is_released(void**) {
    Lock lock = make_lock();
    for (const Timeout timeout : {Timeout::forever(), brood::seconds(20)}) {
        Board<std::atomic<int>> step;
        assert_ok(lock.take().error());
        const pid_t waiter = start_child([&] {
            step->store(1);
            CHECK_IN_CHILD(lock.take(timeout).ok());
            CHECK_IN_CHILD(step->load() == 2);
            CHECK_IN_CHILD(lock.release().ok());
        });
        assert_true(becomes(*step, 1));
        sleep_us(20000);
        step->store(2);
        assert_ok(lock.release().error());
        assert_int_equal(end_of(waiter), 0);
    }
}

void a_storm_of_signals_neither_shortens_nor_stretches_a_wait(void**) {
    struct sigaction action = {};
    action.sa_handler = [](int) {};  // Without SA_RESTART: each signal interrupts.
    struct sigaction before_action;
    assert_int_equal(sigaction(SIGUSR1, &action, &before_action), 0);
    {
        Lock lock = make_lock();
        Board<std::atomic<int>> step;
        const pid_t holder = start_child([&] {
            CHECK_IN_CHILD(lock.take().ok());
            step->store(1);
            CHECK_IN_CHILD(becomes(*step, 2));
            sleep_us(200000);
            CHECK_IN_CHILD(lock.release().ok());
        });
        assert_true(becomes(*step, 1));
        const test::SignalStorm storm(SIGUSR1);
        const int64_t before = test::now_ns();
        assert_error(lock.take(brood::milliseconds(300)).code(), Errc::timed_out, "in a storm");
        const int64_t took_ms = (test::now_ns() - before) / 1000000;
        assert_true(took_ms >= 300 && took_ms < 300 + test::kSoonMs);
        step->store(2);
        assert_ok(lock.take(Timeout::forever()).error());  // Nor is the endless wait cut short.
        assert_ok(lock.release().error());
        assert_int_equal(end_of(holder), 0);
    }
    assert_int_equal(sigaction(SIGUSR1, &before_action, nullptr), 0);
}

// ---- Death -------------------------------------------------------------------------------------

void an_owner_killed_inside_is_reported_with_the_lock_held(void**) {
    Lock lock = make_lock();
    assert_child_exits(-SIGKILL, [&] {
        CHECK_IN_CHILD(lock.take().ok());
        (void)raise(SIGKILL);
    });
    {
        const Locked hold = lock.acquire(brood::seconds(5));
        assert_true(hold.owner_died());
        assert_true(static_cast<bool>(hold));
        hold.expect("owner_died counts as held");
        assert_int_equal(
            end_of(start_child(
                [&] { CHECK_IN_CHILD(lock.take(Timeout::no_wait()).code() == Errc::timed_out); })),
            0);
    }
    // Reported once; from then on it works as before.
    for (int i = 0; i < 3; ++i) { assert_ok(lock.acquire().status().error()); }
}

void waiters_get_the_lock_of_a_killed_owner(void**) {
    Lock lock = make_lock();
    for (const Timeout timeout : {Timeout::forever(), brood::seconds(20)}) {
        Board<std::atomic<int>> step;
        const pid_t owner = start_child([&] {
            CHECK_IN_CHILD(lock.take().ok());
            step->store(1);
            for (;;) { (void)pause(); }
        });
        assert_true(becomes(*step, 1));
        const pid_t waiter = start_child([&] {
            step->store(2);
            CHECK_IN_CHILD(lock.take(timeout).code() == Errc::owner_died);
            CHECK_IN_CHILD(lock.release().ok());
        });
        assert_true(becomes(*step, 2));
        sleep_us(20000);
        kill_and_reap(owner);
        assert_int_equal(end_of(waiter), 0);
    }
}

void a_process_that_exits_holding_counts_as_dead(void**) {
    Lock lock = make_lock();
    assert_int_equal(end_of(start_child([&] { CHECK_IN_CHILD(lock.take().ok()); })), 0);
    assert_error(lock.take(brood::seconds(5)).code(), Errc::owner_died, "after _exit");
    assert_ok(lock.release().error());
}

void a_thread_that_ends_holding_counts_as_dead(void**) {
    Lock lock = make_lock();
    Status taken;
    in_thread([&] { taken = lock.take(); });
    assert_ok(taken.error());
    assert_error(lock.take(brood::seconds(5)).code(), Errc::owner_died, "after the thread");
    assert_ok(lock.release().error());
    assert_ok(lock.take().error());
    assert_ok(lock.release().error());
}

void a_successor_that_dies_too_is_reported_again(void**) {
    Lock lock = make_lock();
    for (int i = 0; i < 5; ++i) {
        const Errc wanted = i == 0 ? Errc::ok : Errc::owner_died;
        assert_child_exits(-SIGKILL, [&] {
            CHECK_IN_CHILD(lock.take(brood::seconds(5)).code() == wanted);
            (void)raise(SIGKILL);
        });
    }
    assert_error(lock.take(brood::seconds(5)).code(), Errc::owner_died, "after five");
    assert_ok(lock.release().error());
}

void a_stopped_owner_is_not_dead(void**) {
    Lock lock = make_lock();
    Board<std::atomic<int>> step;
    const pid_t owner = start_child([&] {
        CHECK_IN_CHILD(lock.take().ok());
        step->store(1);
        CHECK_IN_CHILD(becomes(*step, 2));
        CHECK_IN_CHILD(lock.release().ok());
    });
    assert_true(becomes(*step, 1));
    assert_int_equal(kill(owner, SIGSTOP), 0);
    int status = 0;
    assert_int_equal(waitpid(owner, &status, WUNTRACED), owner);
    assert_error(lock.take(brood::milliseconds(300)).code(), Errc::timed_out, "stopped");
    assert_int_equal(kill(owner, SIGCONT), 0);
    step->store(2);
    assert_ok(lock.take(brood::seconds(20)).error());
    assert_ok(lock.release().error());
    assert_int_equal(end_of(owner), 0);
}

// Goal: a kill at any moment of acquire, critical section and release stops nobody else: nor does
// that of a waiter who was woken and took the wake-up with him.
// Method: survivors go round all the time; victims join them and are killed at random moments.
struct Ring {
    std::atomic<int> inside{0};
    std::atomic<int> stop{0};
    std::atomic<int> victim_rounds{0};
    std::atomic<int> deaths_seen{0};
    std::atomic<int> progress[2] = {};
};

void go_round(Lock& lock, Ring& ring, std::atomic<int>& progress, Timeout timeout) {
    while (ring.stop.load() == 0) {
        const Locked hold = lock.acquire(timeout);
        if (!hold) { dprintf(2, "survivor: %s\n", hold.status().error().name()); }
        CHECK_IN_CHILD(hold);
        if (hold.owner_died()) {
            ring.inside.store(0);  // It may have died between the two lines below.
            ring.deaths_seen.fetch_add(1);
        }
        CHECK_IN_CHILD(ring.inside.fetch_add(1) == 0);
        CHECK_IN_CHILD(ring.inside.fetch_sub(1) == 1);
        progress.fetch_add(1);
    }
}

void kills_at_random_moments_never_stop_the_survivors(void**) {
    constexpr int kRounds = 300;
    Lock lock = make_lock();
    Board<Ring> ring;
    // Ports may wait in different ways with a deadline and without.
    const Timeout timeouts[2] = {Timeout::forever(), brood::seconds(10)};
    pid_t survivors[2];
    for (int i = 0; i < 2; ++i) {
        survivors[i] =
            start_child([&, i] { go_round(lock, *ring, ring->progress[i], timeouts[i]); });
    }
    Chance chance(1);
    for (int round = 0; round < kRounds; ++round) {
        const int rounds_before = ring->victim_rounds.load();
        const pid_t victim =
            start_child([&] { go_round(lock, *ring, ring->victim_rounds, timeouts[round % 2]); });
        assert_true(test::eventually([&] { return ring->victim_rounds.load() != rounds_before; }));
        sleep_us(chance.below(500));
        assert_int_equal(kill(victim, SIGKILL), 0);
        const int seen[2] = {ring->progress[0].load(), ring->progress[1].load()};
        assert_int_equal(end_of(victim), -SIGKILL);
        for (int i = 0; i < 2; ++i) {
            assert_true(test::eventually([&] { return ring->progress[i].load() != seen[i]; }));
        }
    }
    ring->stop.store(1);
    for (const pid_t survivor : survivors) { assert_int_equal(end_of(survivor), 0); }
    print_message("%d victims, of which %d were killed holding the lock\n", kRounds,
                  ring->deaths_seen.load());
    assert_true(ring->deaths_seen.load() > 0);  // Else the moments were badly chosen.
    lock.take(brood::seconds(5)).ignore();      // The last victim's death, if it held it.
    assert_ok(lock.release().error());
    assert_ok(lock.take(brood::seconds(5)).error());
    assert_ok(lock.release().error());
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(one_process_at_a_time_is_inside),
        TIDY(two_locks_in_two_orders_deadlock_until_a_timeout_ends_it),
        TIDY(processes_exchange_through_a_file_on_disk_under_a_lock),
        TIDY(the_guard_releases_at_the_end_of_its_scope),
        TIDY(a_second_acquire_by_the_owner_would_deadlock),
        TIDY(release_by_somebody_else_is_not_owner),
        TIDY(a_lock_that_is_gone_is_closed),
        TIDY(a_handle_destroyed_while_held_releases_and_harms_no_other_lock),
        TIDY(timeouts_are_kept_to_and_bad_ones_refused),
        TIDY(a_waiter_gets_the_lock_when_it_is_released),
        TIDY(a_storm_of_signals_neither_shortens_nor_stretches_a_wait),
        TIDY(an_owner_killed_inside_is_reported_with_the_lock_held),
        TIDY(waiters_get_the_lock_of_a_killed_owner),
        TIDY(a_process_that_exits_holding_counts_as_dead),
        TIDY(a_thread_that_ends_holding_counts_as_dead),
        TIDY(a_successor_that_dies_too_is_reported_again),
        TIDY(a_stopped_owner_is_not_dead),
        TIDY(kills_at_random_moments_never_stop_the_survivors),
    };
    return cmocka_run_group_tests_name("lock", tests, nullptr, nullptr);
}
