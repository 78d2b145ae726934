// Goal: whichever call of the port fails, or kills its caller, while a pool announces itself,
// works, is looked at and ends: no process and no descriptor is left, no name once somebody has
// looked, and a retry works.
// Method: as core_fault_test.
#include "support.hpp"

#include <brood/pool.hpp>
#include <brood/pool_view.hpp>

#include <sys/prctl.h>

#include "fault/fault.hpp"

using namespace brood;

namespace {

enum Verdict {
    kFine = 0,
    kLeftDescriptor = 10,
    kLeftProcess,
    kLeftName,
    kNotTold,
    kRetryFailed,
    kNotStruck
};

constexpr std::uint32_t kCallsMax = 2000;
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

bool all_end() {
    return test::eventually([] {
        for (;;) {
            const pid_t pid = waitpid(-1, nullptr, WNOHANG);
            if (pid <= 0) { return pid < 0 && errno == ECHILD; }
        }
    });
}

/// In a process of its own: the pool with a fault, what it left, and once more without.
int subject(const fault::Plan& plan) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const std::size_t descriptors = test::open_descriptors();
    fault::arm(plan);
    const Status status = an_announced_pool();
    const bool struck = fault::struck();
    fault::disarm();
    if (struck ? status.code() == Errc::corrupt : !status.ok()) { return kNotTold; }
    if (!all_end()) { return kLeftProcess; }
    if (test::open_descriptors() != descriptors) { return kLeftDescriptor; }
    if (PoolView::list(nullptr, 0).value_or(1) != 0 || names_in_memory() != 0) { return kLeftName; }
    if (!an_announced_pool().ok()) { return kRetryFailed; }
    return struck ? kFine : kNotStruck;
}

void sweep(fault::Act act, std::uint32_t depth) {
    std::uint32_t nth = 1;
    for (;; ++nth) {
        assert_true(nth < kCallsMax);
        fault::Plan plan;
        plan.act = act;
        plan.nth = nth;
        plan.depth = depth;
        const int verdict = test::run_child([&] { return subject(plan); });
        if (verdict == kNotStruck) { break; }
        if (verdict != kFine) { fail_msg("call %u at depth %u: %d", nth, depth, verdict); }
    }
    print_message("depth %u: %u calls struck in turn\n", depth, nth - 1);
    assert_true(nth > 3);
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
        assert_true(all_end());
        assert_int_equal(PoolView::list(nullptr, 0).value_or(1), 0);
        assert_int_equal(names_in_memory(), 0);
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
