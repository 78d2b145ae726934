// A process under our eyes: it is stepped through an operation once, to record its points, and from
// then on brought to one of them with a single breakpoint.
#ifndef BROOD_TEST_CRASH_TRACEE_HPP
#define BROOD_TEST_CRASH_TRACEE_HPP

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace crash {

/// A moment of an operation: before the instruction at `address` is run for the nth time; or, if
/// `address` is 0, when the process has fallen asleep in the kernel for the nth time.
struct Point {
    std::uintptr_t address = 0;
    std::uint32_t nth = 0;
    bool after_sleep = false;  ///< It had slept before.
};

/// What a process under our eyes came to.
enum class Halt {
    point,   ///< It stands where it was to go, and can be resumed.
    asleep,  ///< It sleeps in the kernel, and goes on as soon as somebody wakes it.
    done,    ///< It stands at the end of its operation.
    ended,   ///< It is gone.
    stuck,   ///< It neither goes on nor sleeps, or sleeps although nobody was to wait.
};

/// How its body marks the operation.
void operation_begins();
void operation_ends();

class Tracee {
public:
    Tracee() = default;
    ~Tracee() { kill(); }
    Tracee(const Tracee&) = delete;
    Tracee& operator=(const Tracee&) = delete;

    /// Forks a process that runs `body` and exits with what that returns; it stands where `body`
    /// calls operation_begins(). False: it never came there.
    /// Threads that `body` starts are free.
    bool start(const std::function<int()>& body);
    /// Takes a process that others have started, which has its parent among our descendants: it
    /// stands where it is. Its operation ends when it sleeps, or with itself. Or a thread, which
    /// has to be killed before the first of its process is.
    bool seize(pid_t pid);
    /// Who was seized is free from here on.
    void let_go();
    /// One that was seized goes on to its next fork. From there on it is free, and the child, at
    /// its first instruction, in its place.
    bool go_to_child(std::int64_t deadline_ns);

    /// Steps through the operation, noting each instruction. Asleep: call it again. With
    /// `may_sleep` false it says nothing of sleep. Stuck: no step in `patience_ns`, or too many.
    Halt record(std::vector<std::uintptr_t>& steps, bool may_sleep, std::int64_t patience_ns);
    /// Runs to a point of the operation, until `deadline_ns`; the rest as record().
    Halt run_to(const Point& point, bool may_sleep, std::int64_t deadline_ns);
    /// The same step by step, without breakpoints, which other threads would run into. Stuck: as
    /// record(), or by that many.
    Halt walk_to(const Point& point, bool may_sleep, std::size_t steps_most,
                 std::int64_t patience_ns);
    /// Goes on by so many instructions at most; false: fewer, it sleeps or is through.
    bool step(std::size_t count, std::int64_t deadline_ns);

    /// Ends it where it stands or sleeps; it is reaped.
    void kill();
    /// Stops it there, as SIGSTOP does, and traces it no more.
    bool stop();
    /// Lets a stopped one go on.
    void go_on();
    /// Awaits the end of one that went on: its exit code (0 if it was seized), -N if signal N
    /// killed it, and -1 if it was not in time and had to be killed.
    int end(std::int64_t deadline_ns);

    pid_t pid() const { return pid_; }
    /// What the kernel is to do at its end, for comparisons: a hash of its robust list's head.
    std::uint64_t last_will() const;

private:
    Halt wait(bool may_sleep, std::int64_t deadline_ns);
    void resume(bool by_a_step, int signal = 0);
    void lift();  // the breakpoint of run_to()
    bool interrupt();
    bool take_signal_of_step();
    bool take_child();
    bool leave_stopped();

    pid_t pid_ = 0;
    bool is_guest_ = false;  // seized
    bool at_rest_ = false;   // ... and did not run since
    bool wants_stop_ = false, wants_child_ = false;
    bool running_ = false, by_a_step_ = false;
    bool stepping_over_ = false;
    std::uint32_t hits_ = 0;
    std::uintptr_t set_at_ = 0;
};

/// The state letter of a process: S asleep, Z ended; 0 if there is none.
char state_of(pid_t pid);
/// Whether it is there, and has not ended.
inline bool lives(pid_t pid) {
    const char state = state_of(pid);
    return state != 0 && state != 'Z';
}
/// Whether it runs, or is where the system lets nobody disturb it (an exit that waits for a change
/// of cgroups): it may be late through no fault of its own.
inline bool is_at_work(pid_t pid) {
    const char state = state_of(pid);
    return state == 'R' || state == 'D';
}
/// So long others wait for it, at most, beyond their patience.
inline std::int64_t at_work_ns = 30000000000;
/// What it is at: its state, the system call with its arguments, its processor time.
void describe(pid_t pid, char* text, std::size_t bytes);
std::int64_t now_ns();
std::uint64_t hash_of(const void* data, std::size_t bytes,
                      std::uint64_t hash = 14695981039346656037u);

/// The first, the second and the last time that each address was met: what `steps` has to offer.
std::vector<Point> points_of(const std::vector<std::uintptr_t>& steps, std::size_t slept_at,
                             std::uint32_t sleeps);

}  // namespace crash

#endif
