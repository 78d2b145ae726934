// Goal: an RLock excludes others, lets its holder take it again, and is never lost, whoever dies
// holding it, however deep.
#include "shared_support.hpp"

#include <pthread.h>

#include <brood/rlock.hpp>

using namespace shared_test;
using brood::Errc;
using brood::RLock;
using brood::RLocked;
using brood::Timeout;

namespace {

RLock make_lock() {
    return RLock::create().expect("making the lock");
}

Errc taken_by_a_child(RLock& lock, Timeout timeout) {
    Board<std::atomic<int>> found;
    assert_child_exits(0, [&] {
        const brood::Status taken = lock.take(timeout);
        found->store(static_cast<int>(taken.code()));
        const bool held = taken.ok() || taken.code() == Errc::owner_died;
        if (held) { CHECK_IN_CHILD(lock.release().ok()); }
    });
    return static_cast<Errc>(found->load());
}

void the_holder_takes_it_again_and_releases_it_as_often(void**) {
    RLock lock = make_lock();
    {
        const RLocked outer = lock.acquire();
        assert_true(static_cast<bool>(outer));
        {
            const RLocked inner = lock.acquire(Timeout::no_wait());
            assert_true(static_cast<bool>(inner));
            assert_error(taken_by_a_child(lock, Timeout::no_wait()), Errc::timed_out, "two deep");
        }
        assert_error(taken_by_a_child(lock, Timeout::no_wait()), Errc::timed_out, "one deep");
    }
    assert_error(taken_by_a_child(lock, Timeout::no_wait()), Errc::ok, "free");
    constexpr int kDeep = 10000;
    for (int i = 0; i < kDeep; ++i) { assert_ok(lock.take().error()); }
    for (int i = 0; i < kDeep; ++i) { assert_ok(lock.release().error()); }
    assert_error(lock.release().code(), Errc::not_owner, "once too often");
    assert_error(taken_by_a_child(lock, Timeout::no_wait()), Errc::ok, "free again");
}

void one_process_at_a_time_is_inside(void**) {
    constexpr int kProcesses = 6, kEach = 1000;
    Board<int> count;  // Plain on purpose: only the lock keeps it right.
    RLock lock = make_lock();
    pid_t children[kProcesses];
    for (pid_t& child : children) {
        child = start_child([&] {
            for (int i = 0; i < kEach; ++i) {
                const RLocked outer = lock.acquire();
                CHECK_IN_CHILD(outer);
                const int before = *count;
                const RLocked inner = lock.acquire();
                CHECK_IN_CHILD(inner);
                if (i % 64 == 0) { sleep_us(1); }
                *count = before + 1;
            }
        });
    }
    for (const pid_t child : children) { assert_int_equal(end_of(child), 0); }
    assert_int_equal(*count, kProcesses * kEach);
}

void release_by_somebody_else_is_not_owner(void**) {
    RLock lock = make_lock();
    assert_error(lock.release().code(), Errc::not_owner, "never taken");
    assert_ok(lock.take().error());
    assert_ok(lock.take().error());
    struct Found {
        RLock* lock;
        Errc released, taken;
    } found = {&lock, Errc::ok, Errc::ok};
    pthread_t thread;
    const auto body = [](void* argument) -> void* {
        auto& mine = *static_cast<Found*>(argument);
        mine.released = mine.lock->release().code();
        mine.taken = mine.lock->take(Timeout::no_wait()).code();
        return nullptr;
    };
    assert_int_equal(pthread_create(&thread, nullptr, body, &found), 0);
    assert_int_equal(pthread_join(thread, nullptr), 0);
    assert_error(found.released, Errc::not_owner, "another thread");
    assert_error(found.taken, Errc::timed_out, "another thread");
    assert_child_exits(0, [&] {  // Forked by the holder: no holder.
        CHECK_IN_CHILD(lock.release().code() == Errc::not_owner);
        CHECK_IN_CHILD(lock.take(Timeout::no_wait()).code() == Errc::timed_out);
        lock = RLock();
    });
    assert_ok(lock.release().error());
    assert_error(taken_by_a_child(lock, Timeout::no_wait()), Errc::timed_out, "still held");
    assert_ok(lock.release().error());
    assert_error(taken_by_a_child(lock, Timeout::no_wait()), Errc::ok, "free");
}

void a_holder_killed_deep_inside_is_reported_and_the_next_holds_it_once(void**) {
    RLock lock = make_lock();
    for (const bool waits : {false, true}) {
        Board<std::atomic<int>> step;
        const pid_t owner = start_child([&] {
            for (int i = 0; i < 5; ++i) { CHECK_IN_CHILD(lock.take().ok()); }
            step->store(1);
            for (;;) { (void)pause(); }
        });
        assert_true(becomes(*step, 1));
        if (!waits) { kill_and_reap(owner); }
        const pid_t next = start_child([&] {
            step->store(2);
            CHECK_IN_CHILD(lock.take(brood::seconds(20)).code() == Errc::owner_died);
            CHECK_IN_CHILD(lock.release().ok());
            CHECK_IN_CHILD(lock.release().code() == Errc::not_owner);
        });
        assert_true(becomes(*step, 2));
        if (waits) {
            sleep_us(20000);
            kill_and_reap(owner);
        }
        assert_int_equal(end_of(next), 0);
        assert_error(taken_by_a_child(lock, Timeout::no_wait()), Errc::ok, "healed");
    }
}

void kills_at_random_moments_never_stop_the_survivors(void**) {
    constexpr int kRounds = 300;
    struct Shared {
        std::atomic<int> inside{0}, rounds{0}, victim_rounds{0}, deaths{0}, stop{0};
    };
    RLock lock = make_lock();
    Board<Shared> shared;
    const auto go_round = [&](std::atomic<int>& rounds) {
        while (shared->stop.load() == 0) {
            const RLocked outer = lock.acquire(brood::seconds(20));
            CHECK_IN_CHILD(outer);
            if (outer.owner_died()) {
                shared->inside.store(0);
                shared->deaths.fetch_add(1);
            }
            CHECK_IN_CHILD(shared->inside.fetch_add(1) == 0);
            {
                const RLocked inner = lock.acquire(Timeout::no_wait());
                CHECK_IN_CHILD(inner.status().ok());
            }
            CHECK_IN_CHILD(shared->inside.fetch_sub(1) == 1);
            rounds.fetch_add(1);
        }
    };
    const pid_t survivor = start_child([&] { go_round(shared->rounds); });
    Chance chance(2);
    for (int round = 0; round < kRounds; ++round) {
        const int before = shared->victim_rounds.load();
        const pid_t victim = start_child([&] { go_round(shared->victim_rounds); });
        assert_true(test::eventually([&] { return shared->victim_rounds.load() != before; }));
        sleep_us(chance.below(400));
        kill_and_reap(victim);
        const int seen = shared->rounds.load();
        assert_true(test::eventually([&] { return shared->rounds.load() != seen; }));
    }
    shared->stop.store(1);
    assert_int_equal(end_of(survivor), 0);
    print_message("%d victims, %d killed inside\n", kRounds, shared->deaths.load());
    assert_true(shared->deaths.load() > 0);
}

void timeouts_are_kept_to_and_bad_ones_refused(void**) {
    RLock lock = make_lock();
    assert_ok(lock.take().error());
    assert_error(lock.take(brood::nanoseconds(-1)).code(), Errc::timeout_negative, "by the holder");
    assert_error(lock.take(brood::seconds(INT64_MAX)).code(), Errc::timeout_overflow, "too long");
    assert_error(taken_by_a_child(lock, brood::nanoseconds(-1)), Errc::timeout_negative, "-1 ns");
    const int64_t before = now_ms();
    assert_error(taken_by_a_child(lock, brood::milliseconds(60)), Errc::timed_out, "60 ms");
    assert_true(now_ms() - before >= 60);
    assert_ok(lock.release().error());
    assert_error(lock.release().code(), Errc::not_owner, "refused ones did not count");
}

void a_lock_that_is_gone_is_closed_and_a_held_one_is_released(void**) {
    RLock none;
    assert_error(none.take().code(), Errc::closed, "never made");
    assert_error(none.release().code(), Errc::closed, "never made");
    RLock other = make_lock();
    for (int i = 0; i < 20; ++i) {
        RLock lock = make_lock();
        assert_ok(lock.take().error());
        assert_ok(lock.take().error());
        assert_ok(other.take().error());
        Board<std::atomic<int>> step;
        const pid_t child = start_child([&] {
            step->store(1);
            CHECK_IN_CHILD(lock.take(brood::seconds(20)).ok());
        });
        assert_true(becomes(*step, 1));
        RLock moved = std::move(lock);
        assert_error(lock.take().code(), Errc::closed, "moved from");
        moved = RLock();  // Its page is unmapped; the system's list of held locks goes on.
        assert_ok(other.release().error());
        assert_int_equal(end_of(child), 0);
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(the_holder_takes_it_again_and_releases_it_as_often),
        TIDY(one_process_at_a_time_is_inside),
        TIDY(release_by_somebody_else_is_not_owner),
        TIDY(a_holder_killed_deep_inside_is_reported_and_the_next_holds_it_once),
        TIDY(kills_at_random_moments_never_stop_the_survivors),
        TIDY(timeouts_are_kept_to_and_bad_ones_refused),
        TIDY(a_lock_that_is_gone_is_closed_and_a_held_one_is_released),
    };
    return cmocka_run_group_tests_name("rlock", tests, nullptr, nullptr);
}
