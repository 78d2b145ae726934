// For tests that have each call of the port fail in turn, or kill its caller.
#ifndef BROOD_TEST_FAULT_SUPPORT_HPP
#define BROOD_TEST_FAULT_SUPPORT_HPP

#include "support.hpp"

#include <sys/prctl.h>

#include <brood/result.hpp>

#include "fault/fault.hpp"

namespace test {

enum Verdict {
    kFine = 0,
    kLeftDescriptor = 10,
    kLeftProcess,
    kLeftName,
    kLost,  // a message
    kNotTold,
    kRetryFailed,
    kNotStruck
};

inline const char* words(int verdict) {
    switch (verdict) {
        case kLeftDescriptor: return "left a descriptor open";
        case kLeftProcess: return "left a process behind";
        case kLeftName: return "left a name behind";
        case kLost: return "lost a message";
        case kNotTold: return "told something else than what happened";
        case kRetryFailed: return "did not work when it was done again";
        default: return "was killed or hung";
    }
}

inline constexpr std::uint32_t kCallsMax =
    2000;  // A sweep that does not end is a bug in the sweep.

/// In a process of its own: `work` with a fault, what it left, and once more without.
template <class Work, class Told, class Clean>
int strike(const fault::Plan& plan, Work work, Told is_told, Clean is_clean) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const std::size_t descriptors = open_descriptors();
    fault::arm(plan);
    const brood::Status status = work();
    const bool struck = fault::struck();
    fault::disarm();
    if (!(struck ? is_told(status.code()) : status.ok())) { return kNotTold; }
    if (!all_end()) { return kLeftProcess; }
    if (open_descriptors() != descriptors) { return kLeftDescriptor; }
    if (!is_clean()) { return kLeftName; }
    if (!work().ok()) { return kRetryFailed; }
    return struck ? kFine : kNotStruck;
}

/// Strikes at each call that is made at that depth (0: the host, 1: the supervisor, 2: a worker).
/// `is_told`: whether `work` may end with that code then. `is_clean`: whether no name is left.
template <class Work, class Told, class Clean>
void sweep_calls(fault::Act act, std::uint32_t depth, Work work, Told is_told, Clean is_clean) {
    std::uint32_t nth = 1;
    for (;; ++nth) {
        assert_true(nth < kCallsMax);
        fault::Plan plan;
        plan.act = act;
        plan.nth = nth;
        plan.depth = depth;
        const int verdict = run_child([&] { return strike(plan, work, is_told, is_clean); });
        if (verdict == kNotStruck) { break; }
        if (verdict != kFine) {
            fail_msg("call %u at depth %u: %s (%d)", nth, depth, words(verdict), verdict);
        }
    }
    print_message("depth %u: %u calls struck in turn\n", depth, nth - 1);
    assert_true(nth > 3);
}

}  // namespace test

#endif
