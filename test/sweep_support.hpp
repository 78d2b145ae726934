// Stepping a child through what it does, and killing it after so many instructions.
#ifndef BROOD_TEST_SWEEP_SUPPORT_HPP
#define BROOD_TEST_SWEEP_SUPPORT_HPP

#include "sleeper_support.hpp"

#include <sys/ptrace.h>

namespace test {

constexpr int kStepsMax = 40000;

// A child runs `prepare`, and then, after `meanwhile` here, `steps` instructions of `act`, and is
// killed. False: it came to the end.
template <class F, class G, class H = void (*)()>
bool is_killed_after(
    int steps, F prepare, G act, bool& can_step, H meanwhile = [] {}) {
    const pid_t victim = start_child([&] {
        end_some_day();
        if (!prepare()) { return 98; }
        if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) { return 77; }
        (void)raise(SIGSTOP);
        act();
        return 0;
    });
    int status = 0;
    assert_int_equal(waitpid(victim, &status, 0), victim);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 98);
    can_step = WIFSTOPPED(status);
    meanwhile();
    for (int i = 0; i < steps && WIFSTOPPED(status); ++i) {
        can_step = ptrace(PTRACE_SINGLESTEP, victim, nullptr, nullptr) == 0;
        if (!can_step) { break; }
        assert_int_equal(waitpid(victim, &status, 0), victim);
    }
    if (!WIFSTOPPED(status)) { return false; }
    (void)kill(victim, SIGKILL);
    assert_int_equal(waitpid(victim, &status, 0), victim);
    return true;
}

// Calls once(steps, can_step) with more and more steps until it says that the victim came to its
// end: at so many points. With `every` > 1 only each so many-th, others in another run. False, and
// said so: it cannot be done here.
template <class F>
bool sweep(const char* what, int& points, F once, int every = 1) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    not_run(what, "the sanitizers' code takes a hundred times as many steps");
    return false;
#endif
    for (points = 0;; ++points) {
        if (points > kStepsMax) { fail_msg("%s: no end after %d instructions", what, points); }
        bool can_step = true;
        const bool is_over = once(points * every + getpid() % every, can_step);
        if (!can_step) {
            not_run(what, "nothing can be stepped here");
            return false;
        }
        if (is_over) { return true; }
    }
}

}  // namespace test

#endif
