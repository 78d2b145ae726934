// Goal: whichever call of the port fails, or kills its caller, while a pool announces itself,
// works, is looked at and ends: no process and no descriptor is left, no name once somebody has
// looked, and a retry works.
// Method: as core_fault_test.
#include "fault_support.hpp"

#include <brood/pool.hpp>
#include <brood/pool_view.hpp>

using namespace brood;

namespace {

const Timeout kPatience = seconds(5);

unsigned square(unsigned n) {
    return n * n;
}

std::size_t names_in_memory() {
    return test::count_entries("/dev/shm", "brood-pool-");
}

/// A look at it, which may find it gone, or not done.
Status look() {
    PoolView view;
    const Result<std::size_t> count = PoolView::list(&view, 1);
    if (!count.ok()) { return count.status(); }
    WorkerStats workers[2];
    const Result<PoolReport> report = view.read(workers, 2);
    if (report.ok() && report->name != "faulty") { return Errc::corrupt; }
    return report.status();
}

Status an_announced_pool() {
    const auto options = PoolOptions().workers(2).name("faulty").announce();
    Result<Pool> pool = Pool::create(options);
    if (!pool.ok()) { return pool.status(); }
    for (unsigned i = 0; i < 3; ++i) {
        const Result<unsigned> got = pool->apply(square, i);
        if (!got.ok()) { return got.status(); }
        if (*got != i * i) { return Errc::corrupt; }
    }
    const Status seen = look();
    if (!seen.ok()) { return seen; }
    const Status closed = pool->close();
    return closed.ok() ? pool->join(kPatience) : closed;
}

bool no_name_is_left() {
    return PoolView::list(nullptr, 0).value_or(1) == 0 && names_in_memory() == 0;
}

void sweep(fault::Act act, std::uint32_t depth) {
    const auto is_told = [](Errc code) { return code != Errc::corrupt; };
    test::sweep_calls(act, depth, &an_announced_pool, is_told, &no_name_is_left);
}

void whatever_call_fails_leaves_nothing_and_a_retry_works(void**) {
    for (const std::uint32_t depth : {0u, 1u, 2u}) { sweep(fault::Act::fail, depth); }
}

void a_supervisor_killed_at_any_call_leaves_nothing_once_somebody_looked(void**) {
    sweep(fault::Act::kill, 1);
}

void a_worker_killed_at_any_call_leaves_nothing(void**) {
    sweep(fault::Act::kill, 2);
}

/// The host, in a process of its own, is killed at that call; all that was there goes.
void a_host_killed_at_any_call_leaves_nothing(void**) {
    std::uint32_t nth = 1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int code = -SIGKILL; code == -SIGKILL; ++nth) {
        code = test::run_child([&] {
            fault::Plan plan;
            plan.act = fault::Act::kill;
            plan.nth = nth;
            fault::arm(plan);
            return an_announced_pool().ok() ? 0 : 1;
        });
        assert_true(code == -SIGKILL || code == 0);
        assert_true(test::all_end());
        assert_true(no_name_is_left());
    }
    print_message("a host killed at %u calls in turn\n", nth - 2);
    assert_true(nth > 20);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(whatever_call_fails_leaves_nothing_and_a_retry_works),
        cmocka_unit_test(a_supervisor_killed_at_any_call_leaves_nothing_once_somebody_looked),
        cmocka_unit_test(a_worker_killed_at_any_call_leaves_nothing),
        cmocka_unit_test(a_host_killed_at_any_call_leaves_nothing),
    };
    return cmocka_run_group_tests_name("PoolView with faults", tests, nullptr, nullptr);
}
