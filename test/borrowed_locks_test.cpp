// Goal: a Lock, RLock, Semaphore, Condition, Event, Barrier, Value or Array in a part of memory
// that another keeps is what it is in memory of its own; a handle to it ends without a trace.
// Method: such objects beside others, and in each process handles of its own; kills.
#include "borrowed_support.hpp"

#include <brood/array.hpp>
#include <brood/value.hpp>
#include <src/barrier_access.hpp>
#include <src/condition_access.hpp>
#include <src/event_access.hpp>
#include <src/lock_access.hpp>
#include <src/rlock_access.hpp>
#include <src/segment_access.hpp>
#include <src/semaphore_access.hpp>

using namespace borrowed;
using namespace brood;
using detail::SegmentAccess;
using detail::SegmentKind;
using detail::SegmentType;
using detail::ShellAccess;
using shared_test::kill_and_reap;
using shared_test::nothing_left;
using shared_test::remember;
using test::assert_code;
using test::assert_ok;
using test::Board;
using test::join_child;
using test::start_sleeping;
using Form = SemaphoreAccess::Form;

namespace {

const Timeout kLong = milliseconds(test::kPatienceMs);
constexpr SegmentType kNumber = {SegmentKind::value, sizeof(int), 1};
constexpr SegmentType kNumbers = {SegmentKind::array, sizeof(int), 33};

BarrierAccess::Plan party(std::size_t parties, Timeout timeout = kLong) {
    return {parties, timeout, {}, false};
}

void what_cannot_be_is_refused_as_by_create(void**) {
    constexpr std::size_t kPermits = Semaphore::kPermitsMax, kUnits = INT32_MAX;
    constexpr std::size_t kWaiters = Condition::kWaitersMax, kParties = Barrier::kPartiesMax;
    assert_code(SemaphoreAccess::bytes({Form::recording, 0, false}), Errc::size_zero);
    assert_ok(SemaphoreAccess::bytes({Form::recording, kPermits, false}));
    assert_code(SemaphoreAccess::bytes({Form::recording, kPermits + 1, true}),
                Errc::size_too_large);
    assert_ok(SemaphoreAccess::bytes({Form::signalling, 0, false}));
    assert_ok(SemaphoreAccess::bytes({Form::signalling, kUnits, false}));
    assert_code(SemaphoreAccess::bytes({Form::signalling, kUnits + 1, false}),
                Errc::size_too_large);
    assert_code(ConditionAccess::bytes(0), Errc::size_zero);
    assert_ok(ConditionAccess::bytes(kWaiters));
    assert_code(ConditionAccess::bytes(kWaiters + 1), Errc::size_too_large);
    assert_code(BarrierAccess::bytes(party(0)), Errc::size_zero);
    assert_ok(BarrierAccess::bytes(party(kParties)));
    assert_code(BarrierAccess::bytes(party(kParties + 1)), Errc::size_too_large);
    assert_code(BarrierAccess::bytes(party(2, milliseconds(-1))), Errc::timeout_negative);
    assert_code(BarrierAccess::bytes(party(2, seconds(INT64_MAX))), Errc::timeout_overflow);
    BarrierAccess::Plan acting = party(2);
    const auto does_nothing = [] {};
    acting.action = detail::BarrierAction::of(does_nothing);
    assert_ok(BarrierAccess::bytes(acting));
    acting.is_for_strangers = true;
    assert_code(BarrierAccess::bytes(acting), Errc::unsupported);
    assert_code(SegmentAccess::bytes({SegmentKind::array, 4, 0}), Errc::size_zero);
    assert_code(SegmentAccess::bytes({SegmentKind::array, 4, UINT64_MAX / 2}),
                Errc::size_too_large);
}

void a_lock_is_held_by_one_and_heals(void**) {
    Ground ground;
    void* const memory = ground.place(LockAccess::bytes());
    assert_ok(LockAccess::lay_out(memory, Before::zeroes));
    assert_true(LockAccess::is_idle(memory));
    {
        Lock mine = LockAccess::view(memory);
        assert_ok(mine.take());
        { Lock other = LockAccess::view(memory); }  // Releases nothing.
        assert_false(LockAccess::is_idle(memory));
        shared_test::assert_child_exits(0, [&] {
            Lock lock = LockAccess::view(memory);
            CHECK_IN_CHILD(lock.take(Timeout::no_wait()).code() == Errc::timed_out);
        });
    }
    assert_true(LockAccess::is_idle(memory));
    const pid_t victim = start_staying([&](auto stay) {
        Lock lock = LockAccess::view(memory);
        CHECK_IN_CHILD(lock.take().ok());
        stay();
    });
    assert_false(LockAccess::is_idle(memory));
    kill_and_reap(victim);
    Lock lock = LockAccess::view(memory);
    assert_code(lock.take(kLong), Errc::owner_died);
    assert_ok(lock.release());
    assert_true(LockAccess::is_idle(memory));
    ground.assert_whole();
}

void the_end_of_an_inner_handle_leaves_an_rlock_to_the_outer(void**) {
    Ground ground;
    void* const memory = ground.place(RLockAccess::bytes());
    assert_ok(RLockAccess::lay_out(memory, Before::zeroes));
    {
        RLock outer = RLockAccess::view(memory);
        assert_ok(outer.take());
        {
            RLock inner = RLockAccess::view(memory);
            for (int i = 0; i < 3; ++i) { assert_ok(inner.take()); }
            assert_ok(inner.release());
        }
        assert_false(RLockAccess::is_idle(memory));
        shared_test::assert_child_exits(0, [&] {
            RLock lock = RLockAccess::view(memory);
            CHECK_IN_CHILD(lock.take(Timeout::no_wait()).code() == Errc::timed_out);
        });
        assert_ok(outer.take());
    }
    assert_true(RLockAccess::is_idle(memory));
    kill_and_reap(start_staying([&](auto stay) {
        RLock lock = RLockAccess::view(memory);
        CHECK_IN_CHILD(lock.take().ok() && lock.take().ok());
        stay();
    }));
    RLock lock = RLockAccess::view(memory);
    assert_code(lock.take(kLong), Errc::owner_died);
    assert_ok(lock.release());
    assert_code(lock.release(), Errc::not_owner);
    ground.assert_whole();
}

void permits_come_back_from_the_dead_and_from_handles_that_end(void**) {
    Ground ground;
    const SemaphoreAccess::Plan plan = {Form::recording, 3, true};
    void* const memory = ground.place(SemaphoreAccess::bytes(plan));
    assert_ok(SemaphoreAccess::lay_out(memory, plan, Before::zeroes));
    BoundedSemaphore mine = SemaphoreAccess::view_bounded(memory);
    assert_code(mine.release(), Errc::too_many_releases);
    assert_ok(mine.take());
    {
        Semaphore inner = SemaphoreAccess::view(memory);
        assert_ok(inner.take());
        assert_ok(inner.take());
        assert_ok(inner.release());
    }
    assert_int_equal(mine.value(), 2);
    const pid_t victim = start_staying([&](auto stay) {
        Semaphore semaphore = SemaphoreAccess::view(memory);
        CHECK_IN_CHILD(semaphore.take().ok() && semaphore.take().ok());
        stay();
    });
    assert_code(mine.take(Timeout::no_wait()), Errc::timed_out);
    assert_ok(mine.release());
    assert_false(SemaphoreAccess::is_idle(memory));
    kill_and_reap(victim);
    assert_int_equal(mine.value(), 3);
    assert_true(SemaphoreAccess::is_idle(memory));
    ground.assert_whole();
}

// The look at who waits wakes them; they must go on waiting.
void a_look_at_those_who_wait_for_units_changes_nothing_for_them(void**) {
    Ground ground;
    const SemaphoreAccess::Plan plan = {Form::signalling, 0, false};
    void* const memory = ground.place(SemaphoreAccess::bytes(plan));
    assert_ok(SemaphoreAccess::lay_out(memory, plan, Before::zeroes));
    const auto waits = [&] { return SemaphoreAccess::view(memory).take(kLong).ok() ? 0 : 1; };
    const pid_t waiter = start_sleeping(waits), victim = start_sleeping(waits);
    for (int look = 0; look < 3; ++look) {
        assert_false(SemaphoreAccess::is_idle(memory));
        test::await_state(waiter, 'S');
    }
    kill_and_reap(victim);
    assert_false(SemaphoreAccess::is_idle(memory));
    assert_ok(SemaphoreAccess::view(memory).release());
    assert_int_equal(join_child(waiter), 0);
    assert_true(SemaphoreAccess::is_idle(memory));
    assert_int_equal(SemaphoreAccess::view(memory).value(), 0);
    ground.assert_whole();
}

void an_event_stays_set_and_wakes_who_waits(void**) {
    Ground ground;
    void* const memory = ground.place(EventAccess::bytes());
    assert_ok(EventAccess::lay_out(memory, Before::zeroes));
    const pid_t waiter =
        start_sleeping([&] { return EventAccess::view(memory).wait(kLong).ok() ? 0 : 1; });
    assert_false(EventAccess::is_idle(memory));
    assert_ok(EventAccess::view(memory).set());
    assert_int_equal(join_child(waiter), 0);
    assert_true(EventAccess::is_idle(memory));
    assert_true(EventAccess::view(memory).is_set());
    kill_and_reap(start_sleeping([&] {
        Event event = EventAccess::view(memory);
        return event.clear().ok() && event.wait(kLong).ok() ? 0 : 1;
    }));
    assert_true(EventAccess::is_idle(memory));
    assert_false(EventAccess::view(memory).is_set());
    ground.assert_whole();
}

void a_condition_is_in_use_while_one_waits_or_holds_it(void**) {
    Ground ground;
    void* const memory = ground.place(ConditionAccess::bytes(3));
    assert_ok(ConditionAccess::lay_out(memory, 3, Before::zeroes));
    assert_true(ConditionAccess::is_idle(memory));
    const pid_t waiter = start_sleeping([&] {
        Condition condition = ConditionAccess::view(memory);
        return condition.take().ok() && condition.wait(kLong).ok() ? 0 : 1;
    });
    assert_false(ConditionAccess::is_idle(memory));
    {
        Condition condition = ConditionAccess::view(memory);
        assert_ok(condition.take(kLong));
        { Condition other = ConditionAccess::view(memory); }  // Releases nothing.
        assert_ok(condition.notify());
    }
    assert_int_equal(join_child(waiter), 0);
    assert_true(ConditionAccess::is_idle(memory));
    const pid_t victim = start_staying([&](auto stay) {
        Condition condition = ConditionAccess::view(memory);
        CHECK_IN_CHILD(condition.take().ok());
        stay();
    });
    assert_false(ConditionAccess::is_idle(memory));
    kill_and_reap(victim);
    {
        Condition condition = ConditionAccess::view(memory);
        assert_code(condition.take(kLong), Errc::owner_died);
        assert_code(condition.wait(milliseconds(1)), Errc::timed_out);  // And holds it again.
        assert_false(ConditionAccess::is_idle(memory));
    }
    assert_true(ConditionAccess::is_idle(memory));
    ground.assert_whole();
}

void all_come_to_a_barrier_by_handles_of_their_own(void**) {
    Ground ground;
    const Board<int> acted;
    BarrierAccess::Plan plan = party(2);
    const auto count = [at = &*acted] { ++*at; };
    plan.action = detail::BarrierAction::of(count);
    void* const memory = ground.place(BarrierAccess::bytes(plan));
    assert_ok(BarrierAccess::lay_out(memory, plan, Before::zeroes));
    const auto comes = [&] { return BarrierAccess::view(memory).wait().ok() ? 0 : 1; };
    assert_true(BarrierAccess::is_idle(memory));
    const pid_t other = start_sleeping(comes);
    assert_false(BarrierAccess::is_idle(memory));
    assert_int_equal(BarrierAccess::view(memory).n_waiting(), 1);
    assert_ok(BarrierAccess::view(memory).wait());
    assert_int_equal(join_child(other), 0);
    assert_int_equal(*acted, 1);
    assert_true(BarrierAccess::is_idle(memory));
    kill_and_reap(start_sleeping(comes));
    assert_true(BarrierAccess::is_idle(memory));
    assert_code(BarrierAccess::view(memory).wait(), Errc::broken_barrier);
    assert_ok(BarrierAccess::view(memory).reset());
    assert_false(BarrierAccess::view(memory).broken());
    ground.assert_whole();
}

void values_and_arrays_keep_what_was_written(void**) {
    Ground ground;
    const int initial = 40;
    void* const one = ground.place(SegmentAccess::bytes(kNumber));
    void* const many = ground.place(SegmentAccess::bytes(kNumbers));
    assert_ok(SegmentAccess::lay_out(one, kNumber, &initial, Before::zeroes));
    assert_ok(SegmentAccess::lay_out(many, kNumbers, nullptr, Before::zeroes));
    const auto value = [&] { return ShellAccess::around<Value<int>>(SegmentAccess::view(one)); };
    const auto array = [&] { return ShellAccess::around<Array<int>>(SegmentAccess::view(many)); };
    shared_test::assert_child_exits(0, [&] {
        CHECK_IN_CHILD(value().with_lock([](int& number) { number += 2; }).ok());
        auto numbers = array();
        for (int& number : numbers) { number = static_cast<int>(&number - numbers.begin()); }
    });
    assert_int_equal(value().load(), 42);
    assert_int_equal(array().size(), 33);
    assert_int_equal(array()[32], 32);
    assert_code(array().at(33), Errc::out_of_range);
    const pid_t victim = start_staying([&](auto stay) {
        auto numbers = array();
        CHECK_IN_CHILD(numbers.lock().take().ok());
        stay();
    });
    assert_false(SegmentAccess::is_idle(many));
    assert_true(SegmentAccess::is_idle(one));
    kill_and_reap(victim);
    assert_code(array().with_lock([](Array<int>&) {}), Errc::owner_died);
    assert_true(SegmentAccess::is_idle(many));
    ground.assert_whole();
}

// ---- One after another -------------------------------------------------------------------------

void the_next_of_its_kind_in_that_memory_is_as_new(void**) {
    Ground ground;
    const SemaphoreAccess::Plan permits = {Form::recording, 2, false};
    const int initial = 7;
    void* const lock = ground.place(LockAccess::bytes());
    void* const semaphore = ground.place(SemaphoreAccess::bytes(permits));
    void* const event = ground.place(EventAccess::bytes());
    void* const condition = ground.place(ConditionAccess::bytes(2));
    void* const barrier = ground.place(BarrierAccess::bytes(party(2)));
    void* const number = ground.place(SegmentAccess::bytes(kNumber));
    const auto lay_out = [&](Before before) {
        assert_ok(LockAccess::lay_out(lock, before));
        assert_ok(SemaphoreAccess::lay_out(semaphore, permits, before));
        assert_ok(EventAccess::lay_out(event, before));
        assert_ok(ConditionAccess::lay_out(condition, 2, before));
        assert_ok(BarrierAccess::lay_out(barrier, party(2), before));
        const int* const first = before == Before::zeroes ? &initial : nullptr;
        assert_ok(SegmentAccess::lay_out(number, kNumber, first, before));
    };
    lay_out(Before::zeroes);
    assert_ok(EventAccess::view(event).set());
    kill_and_reap(start_sleeping([&] { return BarrierAccess::view(barrier).wait().ok() ? 0 : 1; }));
    assert_code(BarrierAccess::view(barrier).wait(), Errc::broken_barrier);
    kill_and_reap(start_staying([&](auto stay) {
        Lock held = LockAccess::view(lock);
        Semaphore taken = SemaphoreAccess::view(semaphore);
        Condition entered = ConditionAccess::view(condition);
        CHECK_IN_CHILD(held.take().ok() && taken.take().ok() && entered.take().ok());
        stay();
    }));
    lay_out(Before::alike);
    assert_ok(LockAccess::view(lock).take());
    assert_int_equal(SemaphoreAccess::view(semaphore).value(), 2);
    assert_false(EventAccess::view(event).is_set());
    assert_ok(ConditionAccess::view(condition).take());
    assert_false(BarrierAccess::view(barrier).broken());
    assert_int_equal(ShellAccess::around<Value<int>>(SegmentAccess::view(number)).load(), 0);
    ground.assert_whole();
}

// He came after the look at whether it was idle.
void who_still_holds_the_former_lock_is_not_confused(void**) {
    Ground ground;
    void* const kept = ground.place(LockAccess::bytes());
    void* const dropped = ground.place(LockAccess::bytes());
    assert_ok(LockAccess::lay_out(kept, Before::zeroes));
    assert_ok(LockAccess::lay_out(dropped, Before::zeroes));
    test::Handshake held, laid_out;
    const pid_t stale = shared_test::start_child([&] {
        Lock first = LockAccess::view(kept), second = LockAccess::view(dropped);
        CHECK_IN_CHILD(first.take().ok() && second.take().ok());
        held.tell();
        CHECK_IN_CHILD(laid_out.await());
        CHECK_IN_CHILD(second.release().ok() && second.take().ok());
        (void)raise(SIGKILL);
    });
    assert_true(held.await());
    assert_ok(LockAccess::lay_out(dropped, Before::alike));
    laid_out.tell();
    assert_int_equal(join_child(stale), -SIGKILL);
    assert_code(LockAccess::view(kept).take(kLong), Errc::owner_died);
    assert_code(LockAccess::view(dropped).take(kLong), Errc::owner_died);
    ground.assert_whole();
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(what_cannot_be_is_refused_as_by_create),
        TIDY(a_lock_is_held_by_one_and_heals),
        TIDY(the_end_of_an_inner_handle_leaves_an_rlock_to_the_outer),
        TIDY(permits_come_back_from_the_dead_and_from_handles_that_end),
        TIDY(a_look_at_those_who_wait_for_units_changes_nothing_for_them),
        TIDY(an_event_stays_set_and_wakes_who_waits),
        TIDY(a_condition_is_in_use_while_one_waits_or_holds_it),
        TIDY(all_come_to_a_barrier_by_handles_of_their_own),
        TIDY(values_and_arrays_keep_what_was_written),
        TIDY(the_next_of_its_kind_in_that_memory_is_as_new),
        TIDY(who_still_holds_the_former_lock_is_not_confused),
    };
    return cmocka_run_group_tests_name("borrowed_locks", tests, nullptr, nullptr);
}
