// For tests that step a process by ptrace, and kill or stop it at each instruction.
#ifndef BROOD_TEST_STEP_SUPPORT_HPP
#define BROOD_TEST_STEP_SUPPORT_HPP

#include "process_support.hpp"
#include "sleeper_support.hpp"

#include <sched.h>
#include <stdlib.h>
#include <sys/ptrace.h>

#include <port/port.hpp>

namespace test {

/// We and all whom we start are on one CPU to the end of the scope: a step costs least there, and
/// nobody spins.
class OneCpu {
public:
    OneCpu() {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        (void)sched_getaffinity(0, sizeof before_, &before_);
        (void)sched_setaffinity(0, sizeof one, &one);
    }
    ~OneCpu() { (void)sched_setaffinity(0, sizeof before_, &before_); }
    OneCpu(const OneCpu&) = delete;
    OneCpu& operator=(const OneCpu&) = delete;

private:
    cpu_set_t before_;
};

/// The port looks at the system's limits once for a number of small requests: thousands of
/// instructions, which shall not be among those that are stepped.
inline void take_the_look_at_memory() {
    const brood::Result<void*> memory = brood::port::map_shared(512 * 1024);
    if (memory.ok()) { brood::port::unmap(*memory, 512 * 1024); }
}

/// A process that goes on only step by step. At the end of the scope it is killed, and reaped if it
/// is our child.
class Stepped {
public:
    explicit Stepped(pid_t pid) : pid_(pid) {
        held_ = ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0 &&
                ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) == 0 && has_stopped();
    }
    /// A child that runs `prepare`, which tells whether it worked, and is then held before `act`.
    template <class Prepare, class Act>
    Stepped(Prepare prepare, Act act) {
        Handshake seized;
        pid_ = start_child([&] {
            end_some_day();
            if (!seized.await()) { return 97; }
            take_the_look_at_memory();
            if (!prepare()) { return 98; }
            (void)raise(SIGSTOP);
            act();
            return 0;
        });
        held_ = ptrace(PTRACE_SEIZE, pid_, nullptr, nullptr) == 0;
        seized.tell();
        if (!held_ || !has_stopped() || pending_ != SIGSTOP) { fail_msg("it was not prepared"); }
        pending_ = 0;
    }
    ~Stepped() {
        if (held_) { kill_now(); }
    }
    Stepped(const Stepped&) = delete;
    Stepped& operator=(const Stepped&) = delete;

    bool held() const { return held_; }
    pid_t pid() const { return pid_; }
    /// Of a child that came to its end under our steps: its exit code, or -N if signal N killed it.
    int end() const {
        assert_false(held_);
        return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
    }
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
    /// A step that ended in the system may have left the signal that tells of it, which would kill
    /// one who is free: it is taken first.
    void let_go_on() {
        __ptrace_peeksiginfo_args first = {0, 0, 1};
        siginfo_t signal = {};
        while (held_ && ptrace(PTRACE_PEEKSIGINFO, pid_, &first, &signal) == 1 &&
               signal.si_signo == SIGTRAP) {
            (void)ptrace(PTRACE_CONT, pid_, nullptr, pending_);
            (void)has_stopped();
        }
        (void)ptrace(PTRACE_DETACH, pid_, nullptr, pending_);
        held_ = false;
    }

private:
    // Or, if `may_sleep`, until it sleeps for longer than a moment.
    bool has_stopped(bool may_sleep = false) {
        const int64_t start = now_ns();
        pid_t found = 0;
        while ((found = waitpid(pid_, &status_, WNOHANG | __WALL)) == 0) {
            const int64_t waited = (now_ns() - start) / 1000000;
            if (waited > kPatienceMs) { return false; }
            if (may_sleep && waited > 2 && state_of(pid_) == 'S') { return false; }
            (void)sched_yield();
        }
        if (found != pid_ || !WIFSTOPPED(status_)) {
            held_ = false;
            return false;
        }
        // A signal on its way to it, SIGCHLD of a supervisor's, goes along with the next step.
        const bool is_signal = WSTOPSIG(status_) != SIGTRAP && status_ >> 16 == 0;
        pending_ = is_signal ? static_cast<uintptr_t>(WSTOPSIG(status_)) : 0;
        return true;
    }
    pid_t pid_;
    bool held_ = false;
    int status_ = 0;
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
inline bool cannot_step(const char* what) {
    static const bool can = can_step();
    if (!can) { not_run(what, "no single steps: sanitizer, emulator, or ptrace is not allowed"); }
    return !can;
}

/// Whether a child is killed after so many instructions of `act`, with `meanwhile` before them.
/// False: it came to its end before.
template <class Prepare, class Act, class Meanwhile = void (*)()>
bool is_killed_after(
    int steps, Prepare prepare, Act act, Meanwhile meanwhile = [] {}) {
    Stepped victim(prepare, act);
    meanwhile();
    return victim.step(steps);
}

inline constexpr int kStepsMost = 100000;  // A sweep without end is a mistake of the stepper.

/// How a sweep went: with `points` rounds, one for each so many instructions. 0: it cannot be done
/// here, which was said.
struct Swept {
    int points, every;
};

/// Where rounds wait for sleepers, and these nap (port posix), a third of the points must do.
inline int every_of_sleepers(int every) {
    return is_posix_port() ? 3 * every : every;
}

/// Calls round(steps), with more and more steps, until it tells that the victim reached its end.
/// Of `every` points one is taken, another in each run; with BROOD_LONG=1 all are, or one of
/// `long_every` where a round takes that long.
template <class Round>
Swept sweep(const char* what, int every, Round round, int long_every = 1) {
    Swept swept = {0, getenv("BROOD_LONG") != nullptr ? long_every : every};
    if (cannot_step(what)) { return swept; }
    const OneCpu here;
    const int64_t start = now_ns();
    for (int steps = getpid() % swept.every; !round(steps); steps += swept.every) {
        if (steps > kStepsMost) { fail_msg("%s: no end after %d instructions", what, steps); }
        ++swept.points;
    }
    print_message("%s: %d points, one in %d instructions, %d ms\n", what, swept.points, swept.every,
                  static_cast<int>((now_ns() - start) / 1000000));
    assert_true(swept.points > 5);
    return swept;
}

}  // namespace test

#endif
