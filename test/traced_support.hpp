// For tests that stop a child at each of its system calls.
#ifndef BROOD_TEST_TRACED_SUPPORT_HPP
#define BROOD_TEST_TRACED_SUPPORT_HPP

#include "shared_support.hpp"

#include <sys/ptrace.h>

namespace shared_test {

// A child that can be stopped at each of its system calls, when it enters and when it leaves it.
class Traced {
public:
    template <class F>
    explicit Traced(F f) {
        pid_ = start_child([&] {
            CHECK_IN_CHILD(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0);
            (void)raise(SIGSTOP);
            f();
        });
        (void)wait();
    }
    // Lets it run to its next stop. False: it has ended.
    bool step() { return ptrace(PTRACE_SYSCALL, pid_, nullptr, nullptr) == 0 && wait(); }
    void let_go() { assert_int_equal(ptrace(PTRACE_DETACH, pid_, nullptr, nullptr), 0); }
    void kill_it() { kill_and_reap(pid_); }
    int end() { return end_of(pid_); }

private:
    bool wait() {
        int status = 0;
        assert_int_equal(waitpid(pid_, &status, 0), pid_);
        if (WIFEXITED(status)) { assert_int_equal(WEXITSTATUS(status), 0); }
        return WIFSTOPPED(status);
    }
    pid_t pid_ = -1;
};

inline bool can_trace(const char* what) {
    static const int end = end_of(
        start_child([] { CHECK_IN_CHILD(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0); }));
    if (end != 0) { test::not_run(what, "ptrace is not permitted"); }
    return end == 0;
}

}  // namespace shared_test

#endif
