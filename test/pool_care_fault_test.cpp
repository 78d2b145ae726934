// Goal: whichever call of the port fails, or kills its caller, while a pool runs tasks again, ends
// them in time, cancels them and replaces worn workers: nothing is left, nobody waits for ever, and
// a killed worker costs nothing at all.
// Method: as core_fault_test.
#include "fault_support.hpp"

#include <brood/brood.hpp>

#include <port/port.hpp>

using namespace brood;

namespace {

const Timeout kPatience = seconds(3);

unsigned square(unsigned n) {
    return n * n;
}
int stay() {
    for (;;) { (void)pause(); }
    return 0;
}

/// How a task that never ends has ended: ok, if as it should.
Status ended_as(Errc wanted, Future<int>& future) {
    const Result<int> got = future.get(kPatience);
    return got.code() == wanted ? Status() : Status(got.code());
}

Status a_pool_that_cares() {
    const auto options = PoolOptions().workers(2).retries(3).max_tasks_per_child(3);
    Result<Pool> pool = Pool::create(options);
    if (!pool.ok()) { return pool.status(); }
    for (unsigned i = 0; i < 5; ++i) {
        const Result<unsigned> got = pool->apply(square, i);
        if (!got.ok()) { return got.status(); }
        if (*got != i * i) { return Errc::corrupt; }
    }
    Result<Future<int>> late = pool->apply_async(TaskOptions().timeout(milliseconds(5)), stay);
    Result<Future<int>> unwanted = pool->apply_async(stay);
    if (!late.ok() || !unwanted.ok()) { return late.ok() ? unwanted.status() : late.status(); }
    const Status timed_out = ended_as(Errc::task_timed_out, *late);
    if (!timed_out.ok()) { return timed_out; }
    const Status asked = unwanted->cancel().status();
    const Status cancelled = asked.ok() ? ended_as(Errc::cancelled, *unwanted) : asked;
    if (!cancelled.ok()) { return cancelled; }
    const Status closed = pool->close();
    return closed.ok() ? pool->join(kPatience) : closed;
}

void sweep(fault::Act act, std::uint32_t depth, bool (*is_told)(Errc)) {
    test::sweep_calls(act, depth, &a_pool_that_cares, is_told, [] { return true; });
}

bool anything(Errc) {
    return true;
}

void whatever_call_fails_leaves_nothing_and_a_retry_works(void**) {
    for (const std::uint32_t depth : {0u, 1u, 2u}) { sweep(fault::Act::fail, depth, anything); }
}

void a_supervisor_killed_at_any_call_is_told_to_who_waits(void**) {
    sweep(fault::Act::kill, 1,
          [](Errc code) { return code == Errc::ok || code == Errc::pool_broken; });
}

void a_worker_killed_at_any_call_costs_nothing(void**) {
    sweep(fault::Act::kill, 2, [](Errc code) { return code == Errc::ok; });
}

/// A task that SIGTERM does not end.
int stay_for_good() {
    signals::ignore(SIGTERM).ignore();
    return stay();
}

// Nobody else has its task, or its memory, while it may go on.
void a_worker_that_may_not_be_killed_is_not_taken_for_stuck(void**) {
    const auto refused = [] {
        fault::Plan plan;
        plan.act = fault::Act::fail;
        plan.entry = "signal_process";
        plan.nth = 2;  // The first is SIGTERM.
        plan.depth = 1;
        plan.error = Errc::not_permitted;
        fault::arm(plan);
        Result<Pool> pool = Pool::create(PoolOptions().workers(1).capacity(1));
        if (!pool.ok()) { return 1; }
        std::int32_t pid = 0;
        if (!test::eventually([&] { return pool->worker_pids(&pid, 1) == 1; })) { return 2; }
        const auto options = TaskOptions().timeout(milliseconds(500));
        const Result<int> got = pool->apply(options, stay_for_good);
        if (got.code() != Errc::task_timed_out || !fault::struck()) { return 3; }
        return test::has_ended(pid) ? 0 : 4;
    };
    assert_int_equal(test::run_child(refused), 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(whatever_call_fails_leaves_nothing_and_a_retry_works),
        cmocka_unit_test(a_supervisor_killed_at_any_call_is_told_to_who_waits),
        cmocka_unit_test(a_worker_killed_at_any_call_costs_nothing),
        cmocka_unit_test(a_worker_that_may_not_be_killed_is_not_taken_for_stuck),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
