#include "tracee.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <unordered_map>

#include "cpu.hpp"

namespace crash {
namespace {

constexpr std::size_t kStepsMost = 200000;  // The longest operation takes 30 000.
constexpr std::int64_t kStartNs = 10000000000;
// A child that is forked in an operation is a copy with the breakpoint: see take_child().
constexpr long kOptions = PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK;

std::uintptr_t begin_address() {
    return reinterpret_cast<std::uintptr_t>(&operation_begins);
}
std::uintptr_t end_address() {
    return reinterpret_cast<std::uintptr_t>(&operation_ends);
}

// What stands where a breakpoint was set: the tracer has the same code.
void set_breakpoint(pid_t pid, std::uintptr_t address) {
    long code = 0;
    memcpy(&code, reinterpret_cast<const void*>(address), sizeof(code));
    ptrace(PTRACE_POKEDATA, pid, address, cpu::with_breakpoint(code));
}
void lift_breakpoint(pid_t pid, std::uintptr_t address) {
    long code = 0;
    memcpy(&code, reinterpret_cast<const void*>(address), sizeof(code));
    ptrace(PTRACE_POKEDATA, pid, address, code);
}

// One line of what the system knows of it. False: there is none.
bool read_about(pid_t pid, const char* what, char (&text)[256]) {
    char path[40];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) { return false; }
    const ssize_t bytes = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[bytes > 0 ? bytes : 0] = '\0';
    return bytes > 0;
}

bool is_over(pid_t pid, std::int64_t deadline_ns) {
    const std::int64_t late_ns = now_ns() - deadline_ns;
    return late_ns > 0 && (late_ns > at_work_ns || !is_at_work(pid));
}

void nap() {
    const timespec span = {0, 200000};
    nanosleep(&span, nullptr);
}

}  // namespace

// What the compiler cannot see through, and the linker cannot fold together.
[[gnu::noinline]] void operation_begins() {
    asm volatile("" : : "i"(1) : "memory");
}
[[gnu::noinline]] void operation_ends() {
    asm volatile("" : : "i"(2) : "memory");
}

std::int64_t now_ns() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

char state_of(pid_t pid) {
    char text[256];
    const bool is_there = read_about(pid, "stat", text);
    const char* const name_end = is_there ? strrchr(text, ')') : nullptr;
    return name_end != nullptr ? name_end[2] : '\0';
}

void describe(pid_t pid, char* text, std::size_t bytes) {
    char call[256], spent[256];
    const bool is_known = read_about(pid, "syscall", call) && read_about(pid, "schedstat", spent);
    call[strcspn(call, "\n")] = '\0';
    spent[strcspn(spent, " ")] = '\0';
    snprintf(text, bytes, "%c, %s ns, call %s", state_of(pid), is_known ? spent : "?",
             is_known ? call : "?");
}

bool Tracee::start(const std::function<int()>& body) {
    kill();
    pid_ = fork();
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        raise(SIGSTOP);
        _exit(body());
    }
    if (pid_ < 0) {
        pid_ = 0;
        return false;
    }
    int status = 0;
    if (waitpid(pid_, &status, 0) != pid_ || !WIFSTOPPED(status)) { return false; }
    ptrace(PTRACE_SETOPTIONS, pid_, nullptr, kOptions);
    set_breakpoint(pid_, begin_address());
    set_breakpoint(pid_, end_address());
    running_ = stepping_over_ = is_guest_ = at_rest_ = false;
    hits_ = 0;
    set_at_ = 0;
    resume(false);
    if (wait(false, now_ns() + kStartNs) != Halt::point) { return false; }
    lift_breakpoint(pid_, begin_address());
    const std::uintptr_t at = cpu::program_counter(pid_) - cpu::breakpoint_bytes();
    cpu::set_program_counter(pid_, at);
    return at == begin_address();
}

bool Tracee::seize(pid_t pid) {
    kill();
    if (pid <= 0 || ptrace(PTRACE_SEIZE, pid, nullptr, kOptions) != 0) { return false; }
    pid_ = pid;
    is_guest_ = at_rest_ = running_ = true;
    by_a_step_ = stepping_over_ = false;
    hits_ = 0;
    set_at_ = 0;
    return interrupt();
}

bool Tracee::interrupt() {
    ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr);
    wants_stop_ = true;
    const bool is_there = wait(false, now_ns() + kStartNs) == Halt::point;
    wants_stop_ = false;
    return is_there;
}

// From a step it may bring along the signal that tells of it, which would kill one that is free.
// False: it has ended.
bool Tracee::take_signal_of_step() {
    __ptrace_peeksiginfo_args first = {0, 0, 1};
    siginfo_t signal = {};
    const bool is_told = ptrace(PTRACE_PEEKSIGINFO, pid_, &first, &signal) == 1;
    if (!is_told || signal.si_signo != SIGTRAP) { return true; }
    resume(false);
    return wait(false, now_ns() + kStartNs) == Halt::point;
}

void Tracee::let_go() {
    if (pid_ == 0 || (running_ && !interrupt()) || !take_signal_of_step()) { return; }
    ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
    pid_ = 0;
    running_ = false;
}

bool Tracee::go_to_child(std::int64_t deadline_ns) {
    wants_child_ = true;
    resume(false);
    const bool is_there = wait(false, deadline_ns) == Halt::point && !wants_child_;
    wants_child_ = false;
    return is_there;
}

// It stands behind its fork. The child is made free of our breakpoints and goes its way; or it is
// the one that is wanted, and its parent goes. True: it is in its parent's place.
bool Tracee::take_child() {
    unsigned long number = 0;
    ptrace(PTRACE_GETEVENTMSG, pid_, nullptr, &number);
    const auto child = static_cast<pid_t>(number);
    while (waitpid(child, nullptr, __WALL) < 0 && errno == EINTR) {}
    if (wants_child_) {
        wants_child_ = false;
        ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
        pid_ = child;
        return true;
    }
    if (set_at_ != 0) { lift_breakpoint(child, set_at_); }
    if (!is_guest_) { lift_breakpoint(child, end_address()); }
    ptrace(PTRACE_DETACH, child, nullptr, nullptr);
    return false;
}

void Tracee::resume(bool by_a_step, int signal) {
    by_a_step_ = by_a_step;
    ptrace(by_a_step ? PTRACE_SINGLESTEP : PTRACE_CONT, pid_, nullptr, signal);
    running_ = true;
}

// One processor is shared with the tracee: yielding lets it run; where others want it, too, a yield
// may take as long as a sleep of it that is cut in slices.
Halt Tracee::wait(bool may_sleep, std::int64_t deadline_ns) {
    int slept = 0;
    for (int look = 1;; ++look) {
        int status = 0;
        const pid_t found = waitpid(pid_, &status, WNOHANG | __WALL);
        if (found == pid_ && WIFSTOPPED(status)) {
            running_ = false;
            if (status >> 16 == PTRACE_EVENT_FORK) {
                if (take_child()) { return Halt::point; }
                resume(by_a_step_);
                continue;
            }
            // Of one that was seized we are told, too, that a SIGCONT came.
            const bool is_point = status >> 16 != PTRACE_EVENT_STOP || wants_stop_;
            if (WSTOPSIG(status) == SIGTRAP && !is_point) {
                resume(by_a_step_);
                continue;
            }
            if (WSTOPSIG(status) == SIGTRAP) { return Halt::point; }
            if (WSTOPSIG(status) == SIGSTOP) { return Halt::point; }
            resume(by_a_step_, WSTOPSIG(status));
        } else if (found != 0 && !(found < 0 && errno == EINTR)) {
            pid_ = 0;
            return Halt::ended;
        }
        if (look % 4 == 0) {
            if (is_over(pid_, deadline_ns)) { return Halt::stuck; }
            slept = state_of(pid_) == 'S' ? slept + 1 : 0;
            if (may_sleep && slept == 2) { return Halt::asleep; }
        }
        if (look > 64) {
            nap();
        } else {
            sched_yield();
        }
    }
}

// How long all of them take says nothing: where others want the processor, too, each may take long.
Halt Tracee::record(std::vector<std::uintptr_t>& steps, bool may_sleep, std::int64_t patience_ns) {
    while (steps.size() < kStepsMost) {
        if (!running_) {
            const std::uintptr_t at = cpu::program_counter(pid_);
            // Where it was seized it sleeps, and goes back to that.
            if (!at_rest_) { steps.push_back(at); }
            at_rest_ = false;
            if (at == end_address()) { return Halt::done; }
            resume(true);
        }
        const Halt halt = wait(may_sleep, now_ns() + patience_ns);
        if (halt != Halt::point) { return halt; }
    }
    return Halt::stuck;
}

bool Tracee::step(std::size_t count, std::int64_t deadline_ns) {
    for (std::size_t i = 0; i < count; ++i) {
        if (running_ || cpu::program_counter(pid_) == end_address()) { return false; }
        resume(true);
        if (wait(true, deadline_ns) != Halt::point) { return false; }
    }
    return true;
}

void Tracee::lift() {
    if (set_at_ != 0) { lift_breakpoint(pid_, set_at_); }
    set_at_ = 0;
}

// Step by step. Where the operation ends there is a breakpoint all the same: only this one goes by.
Halt Tracee::walk_to(const Point& point, bool may_sleep, std::size_t steps_most,
                     std::int64_t patience_ns) {
    for (std::size_t left = steps_most; left > 0; --left) {
        if (!running_) {
            const std::uintptr_t at = cpu::program_counter(pid_);
            if (at == end_address()) { return point.address == at ? Halt::point : Halt::done; }
            if (at == point.address && ++hits_ == point.nth) { return Halt::point; }
            resume(true);
        }
        const Halt halt = wait(may_sleep, now_ns() + patience_ns);
        if (halt != Halt::point) { return halt; }
    }
    return Halt::stuck;
}

Halt Tracee::run_to(const Point& point, bool may_sleep, std::int64_t deadline_ns) {
    const bool elsewhere = point.address == 0 || point.nth == 0 || point.address == end_address();
    for (;;) {
        if (!running_ && stepping_over_) {
            resume(true);
        } else if (!running_) {
            if (!elsewhere) { set_breakpoint(pid_, set_at_ = point.address); }
            resume(false);
        }
        const Halt halt = wait(may_sleep, deadline_ns);
        if (halt != Halt::point) { return halt; }
        if (stepping_over_) {
            stepping_over_ = false;
            continue;
        }
        const std::uintptr_t at = cpu::program_counter(pid_) - cpu::breakpoint_bytes();
        cpu::set_program_counter(pid_, at);
        lift();
        if (at == end_address()) { return point.address == at ? Halt::point : Halt::done; }
        if (at != point.address) { return Halt::stuck; }
        if (++hits_ == point.nth) { return Halt::point; }
        stepping_over_ = true;
    }
}

void Tracee::kill() {
    if (pid_ == 0) { return; }
    int status = 0;
    // It slept when it was last looked at, and may have been woken and stand at a fork: its child,
    // which is stopped as well, would stay so.
    const bool has_news = running_ && waitpid(pid_, &status, WNOHANG | __WALL) == pid_;
    const bool has_ended = has_news && !WIFSTOPPED(status);
    if (has_news && status >> 16 == PTRACE_EVENT_FORK) { (void)take_child(); }
    if (!has_ended) { ::kill(pid_, SIGKILL); }
    while (!has_ended) {
        const pid_t found = waitpid(pid_, &status, __WALL);
        const bool goes_on = found < 0 ? errno == EINTR : WIFSTOPPED(status);
        if (!goes_on) { break; }
    }
    pid_ = 0;
    running_ = false;
}

bool Tracee::stop() {
    if (pid_ == 0) { return is_guest_; }  // Others may end it.
    if (running_) {                       // Asleep: the signal is delivered first, to us.
        ::kill(pid_, SIGSTOP);
        if (wait(false, now_ns() + kStartNs) != Halt::point) { return is_guest_ && pid_ == 0; }
        // Or it was woken, and came to a breakpoint first: the signal is delivered when it goes on.
        const std::uintptr_t at = cpu::program_counter(pid_) - cpu::breakpoint_bytes();
        const bool is_end = !is_guest_ && at == end_address();
        if (is_end || (set_at_ != 0 && at == set_at_)) { cpu::set_program_counter(pid_, at); }
    }
    lift();
    if (!take_signal_of_step()) { return is_guest_ && pid_ == 0; }
    if (is_guest_) { return leave_stopped(); }
    lift_breakpoint(pid_, end_address());
    if (ptrace(PTRACE_DETACH, pid_, nullptr, SIGSTOP) != 0) { return false; }
    int status = 0;
    return waitpid(pid_, &status, WUNTRACED) == pid_ && WIFSTOPPED(status);
}

// A signal given with the detachment is lost at the first instruction of a handler.
bool Tracee::leave_stopped() {
    ::kill(pid_, SIGSTOP);
    ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
    running_ = false;
    const std::int64_t until = now_ns() + kStartNs;
    while (lives(pid_) && state_of(pid_) != 'T' && now_ns() < until) { nap(); }
    return !lives(pid_) || state_of(pid_) == 'T';
}

void Tracee::go_on() {
    if (pid_ != 0) { ::kill(pid_, SIGCONT); }
}

int Tracee::end(std::int64_t deadline_ns) {
    for (int look = 0;; ++look) {
        int status = 0;
        if (is_guest_ ? !lives(pid_) : waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        }
        if (is_over(pid_, deadline_ns)) {
            kill();
            return -1;
        }
        if (look > 64) {
            nap();
        } else {
            sched_yield();
        }
    }
}

std::uint64_t Tracee::last_will() const {
    std::uintptr_t head = 0;
    std::size_t bytes = 0;
    std::uint64_t words[8] = {};
    if (syscall(SYS_get_robust_list, pid_, &head, &bytes) != 0 || bytes > sizeof(words)) {
        return 0;
    }
    const iovec here = {words, bytes}, there = {reinterpret_cast<void*>(head), bytes};
    if (process_vm_readv(pid_, &here, 1, &there, 1, 0) < 0) { return 0; }
    return hash_of(words, sizeof(words));
}

std::uint64_t hash_of(const void* data, std::size_t bytes, std::uint64_t hash) {
    const auto* const from = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < bytes; ++i) { hash = (hash ^ from[i]) * 1099511628211u; }
    return hash;
}

std::vector<Point> points_of(const std::vector<std::uintptr_t>& steps, std::size_t slept_at,
                             std::uint32_t sleeps) {
    std::unordered_map<std::uintptr_t, std::uint32_t> totals, met;
    for (const std::uintptr_t at : steps) { ++totals[at]; }
    std::vector<Point> points;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::uint32_t nth = ++met[steps[i]];
        const bool chosen = nth <= 2 || nth == totals[steps[i]];
        if (chosen) { points.push_back({steps[i], nth, i >= slept_at}); }
    }
    for (std::uint32_t nth = 1; nth <= sleeps; ++nth) { points.push_back({0, nth, true}); }
    return points;
}

}  // namespace crash
