// For tests that step a process by ptrace, to kill or to stop it at each of its instructions.
#ifndef BROOD_TEST_STEP_SUPPORT_HPP
#define BROOD_TEST_STEP_SUPPORT_HPP

#include "shared_support.hpp"

#include <sched.h>
#include <sys/ptrace.h>

#include <port/port.hpp>

namespace shared_test {

inline constexpr int kStepsMax = 100000;

/// A stepped process on the processor of who steps it: several times as fast.
class OneProcessor {
public:
    OneProcessor() {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        (void)sched_getaffinity(0, sizeof before_, &before_);
        (void)sched_setaffinity(0, sizeof one, &one);
    }
    ~OneProcessor() { (void)sched_setaffinity(0, sizeof before_, &before_); }
    OneProcessor(const OneProcessor&) = delete;
    OneProcessor& operator=(const OneProcessor&) = delete;

private:
    cpu_set_t before_;
};

/// The port looks at the system's limits once for a number of small requests: thousands of
/// instructions, which shall not be among those that are stepped.
inline void take_the_look_at_memory() {
    const brood::Result<void*> memory = brood::port::map_shared(512 * 1024);
    if (memory.ok()) { brood::port::unmap(*memory, 512 * 1024); }
}

/// Runs `prepare`, and then at most `most` instructions of `act`: how many. It is stopped then, and
/// traced; fewer than `most`: it has ended. Negative: nothing can be stepped here.
template <class F, class G>
int step(pid_t& victim, int most, F prepare, G act) {
    victim = start_child([&] {
        prepare();
        take_the_look_at_memory();
        if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) { _exit(77); }
        (void)raise(SIGSTOP);
        act();
    });
    int status = 0, steps = 0;
    assert_int_equal(waitpid(victim, &status, 0), victim);
    if (!WIFSTOPPED(status)) { return -1; }
    const OneProcessor here;
    for (; steps < most && WIFSTOPPED(status); ++steps) {
        if (ptrace(PTRACE_SINGLESTEP, victim, nullptr, nullptr) != 0) {
            kill_and_reap(victim);
            return -1;
        }
        assert_int_equal(waitpid(victim, &status, 0), victim);
    }
    if (WIFSTOPPED(status)) { return steps; }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return steps - 1;
}

inline bool can_step(const char* what) {
#if defined(__SANITIZE_ADDRESS__)
    test::not_run(what, "the sanitizers' code takes a hundred times as many steps");
    return false;
#endif
    pid_t victim = 0;
    const bool can = step(
                         victim, 1, [] {}, [] {}) == 1;
    if (can) { kill_and_reap(victim); }
    if (!can) { test::not_run(what, "nothing can be stepped here"); }
    return can;
}

/// So many points are left out that a sweep of `steps` takes a second or two.
inline int stride_of(int steps) {
    if (getenv("BROOD_LONG") != nullptr) { return 1; }
    constexpr double kStepSeconds = 40e-6, kSeconds = 1.2;
    return 1 + static_cast<int>(0.5 * steps * steps * kStepSeconds / kSeconds);
}

}  // namespace shared_test

#endif
