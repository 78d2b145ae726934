// Faults on demand: makes the n-th call of a port entry fail, or kills or stops the process there.
//
// Programs linked with the faulty layer (test/*_fault_test.cpp) run the whole core over it; it
// passes every call on to the real port until a plan strikes.
#ifndef BROOD_TEST_FAULT_FAULT_HPP
#define BROOD_TEST_FAULT_FAULT_HPP

#include <cstdint>

#include <brood/error.hpp>

namespace fault {

enum class Act : std::uint32_t { none, fail, kill, stop };

/// What shall happen, and where.
struct Plan {
    Act act = Act::none;
    const char* entry = nullptr;  ///< "fork"; null: any entry.
    std::uint32_t nth = 0;        ///< 1: its first call after arm().
    /// In which process: 0 the one that armed it, 1 its children, 2 theirs (a pool's workers).
    std::uint32_t depth = 0;
    /// What a failing call returns. ok: what it returns when the system is out of what the entry
    /// needs (the table in faulty_port.cpp); entries that need nothing then neither fail nor count.
    brood::Error error = brood::Errc::ok;
};

/// Lets `plan` strike once. The plan and the counts are shared with processes forked later.
void arm(const Plan& plan);
void disarm();
/// Whether it has struck, in any process, since arm().
bool struck();
/// Calls that the plan fits, counted since arm().
std::uint32_t calls();

}  // namespace fault

#endif
