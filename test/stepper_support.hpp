// For tests that step a process by ptrace, and kill or stop it at each instruction.
#ifndef BROOD_TEST_STEPPER_SUPPORT_HPP
#define BROOD_TEST_STEPPER_SUPPORT_HPP

#include "sleeper_support.hpp"

#include <sched.h>
#include <sys/ptrace.h>

namespace test {

#if defined __SANITIZE_ADDRESS__
inline constexpr bool kSanitized = true;
#elif defined __has_feature
inline constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

/// A process that goes on only step by step. At the end of the scope it is killed, and reaped if it
/// is our child.
class Stepped {
public:
    explicit Stepped(pid_t pid) : pid_(pid) {
        held_ = ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0 &&
                ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) == 0 && has_stopped();
    }
    ~Stepped() {
        if (held_) { kill_now(); }
    }
    Stepped(const Stepped&) = delete;
    Stepped& operator=(const Stepped&) = delete;

    bool held() const { return held_; }
    /// False if it ended, or fell asleep inside of the system (from where it is then fetched).
    bool step(int count) {
        for (int i = 0; i < count; ++i) {
            if (ptrace(PTRACE_SINGLESTEP, pid_, nullptr, pending_) != 0) { return false; }
            if (has_stopped(true)) { continue; }
            (void)ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr);
            (void)has_stopped();
            return false;
        }
        return true;
    }
    void kill_now() {
        (void)kill(pid_, SIGKILL);
        while (held_) { (void)has_stopped(); }
    }
    void let_go_on() {
        (void)ptrace(PTRACE_DETACH, pid_, nullptr, pending_);
        held_ = false;
    }

private:
    // Or, if `may_sleep`, until it sleeps for longer than a moment.
    bool has_stopped(bool may_sleep = false) {
        const int64_t start = now_ns();
        int status = 0;
        pid_t found = 0;
        while ((found = waitpid(pid_, &status, WNOHANG | __WALL)) == 0) {
            const int64_t waited = (now_ns() - start) / 1000000;
            if (waited > kPatienceMs) { return false; }
            if (may_sleep && waited > 2 && state_of(pid_) == 'S') { return false; }
            (void)sched_yield();
        }
        if (found != pid_ || !WIFSTOPPED(status)) {
            held_ = false;
            return false;
        }
        // A signal on its way to it, SIGCHLD of a supervisor's, goes along with the next step.
        const bool is_signal = WSTOPSIG(status) != SIGTRAP && status >> 16 == 0;
        pending_ = is_signal ? static_cast<uintptr_t>(WSTOPSIG(status)) : 0;
        return true;
    }
    pid_t pid_;
    bool held_ = false;
    uintptr_t pending_ = 0;
};

inline bool can_step() {
    if (kSanitized) { return false; }
    const pid_t child = start_child([] {
        end_some_day();
        for (;;) { (void)getppid(); }  // Always awake.
        return 0;
    });
    Stepped stepped(child);  // Which also reaps it.
    const bool can = stepped.held() && stepped.step(1);
    if (!stepped.held()) {
        (void)kill(child, SIGKILL);
        (void)join_child(child);
    }
    return can;
}
inline bool cannot_step() {
    static const bool can = can_step();
    if (!can) { not_run("single steps", "sanitizer, emulator, or ptrace is not allowed"); }
    return !can;
}

// All on one CPU, where a step costs least.
inline void use_one_cpu() {
    cpu_set_t first;
    CPU_ZERO(&first);
    if (sched_getaffinity(0, sizeof first, &first) != 0) { return; }
    int cpu = 0;
    while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &first)) { ++cpu; }
    CPU_ZERO(&first);
    CPU_SET(cpu, &first);
    (void)sched_setaffinity(0, sizeof first, &first);
}

}  // namespace test

#endif
