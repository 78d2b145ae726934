// Starting programs as vfork() does, in a child that borrows its parent's memory until it execs:
// nothing is copied, and the child can say what went wrong by writing it down.
//
// Not by vfork() itself: its child runs on in the parent's stack frame, which C++ compilers do not
// expect, and which leaves AddressSanitizer's marks behind. A stack of its own has neither problem.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>
#include <port/posix/exec_search.hpp>
#include <port/posix/fork_pipe.hpp>

#include "calls.hpp"
#include "spawn_child.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;

// A stack for the child, with a page at its low end that nobody may touch.
class Stack {
public:
    Stack() noexcept {
        const std::size_t guard = page_bytes();
        bytes_ = guard + kStackBytes;
        void* const pages = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (pages == MAP_FAILED) { return; }
        base_ = static_cast<unsigned char*>(pages);
        (void)::mprotect(base_, guard, PROT_NONE);
    }
    ~Stack() noexcept {
        if (base_ != nullptr) { (void)::munmap(base_, bytes_); }
    }
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;

    bool ok() const noexcept { return base_ != nullptr; }
    /// Its high end: page-aligned, and so aligned for any ABI.
    void* top() const noexcept { return base_ + bytes_; }

private:
    unsigned char* base_ = nullptr;
    std::size_t bytes_ = 0;
};

// Keeps handlers and cancellation away from the thread whose memory the child borrows. By the bare
// call: the libc never blocks the signals that it sends to its own threads.
class Undisturbed {
public:
    Undisturbed() noexcept {
        (void)::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state_);
        unsigned char all[kMaskBytes];
        for (unsigned char& byte : all) { byte = 0xff; }
        (void)detail::call(SYS_rt_sigprocmask, SIG_BLOCK, all, before_, kMaskBytes);
    }
    ~Undisturbed() noexcept {
        (void)detail::call(SYS_rt_sigprocmask, SIG_SETMASK, before_, nullptr, kMaskBytes);
        (void)::pthread_setcancelstate(cancel_state_, nullptr);
    }
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;

private:
    static constexpr std::size_t kMaskBytes = _NSIG / 8;
    unsigned char before_[kMaskBytes] = {};
    int cancel_state_ = 0;
};

[[gnu::no_sanitize_address]] int leave_mark(void* mark) noexcept {
    *static_cast<volatile bool*>(mark) = true;
    ::_exit(0);
}

// Whether clone() lends memory and makes the caller wait. qemu-user takes it for a fork: then the
// mark is made in a copy (or the call refused, as it knows no child that ends without SIGCHLD).
bool lends_memory(const Stack& stack) noexcept {
    static std::atomic<int> known{0};  // 0: not yet. Threads that find out together agree.
    int answer = known.load(std::memory_order_relaxed);
    if (answer != 0) { return answer > 0; }
    volatile bool mark = false;
    const int pid =
        ::clone(leave_mark, stack.top(), CLONE_VM | CLONE_VFORK, const_cast<bool*>(&mark));
    while (pid > 0 && ::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {}
    if (pid < 0 && (errno == EAGAIN || errno == ENOMEM)) { return false; }  // Ask again next time.
    answer = mark ? 1 : -1;
    known.store(answer, std::memory_order_relaxed);
    return answer > 0;
}

Error clone_error(int err) noexcept {
    return err == EAGAIN ? Error(Errc::too_many_processes, err) : detail::error_of(err);
}

Result<Pid> borrow_and_run(detail::Launch& launch, const Stack& stack) noexcept {
    const int pid =
        ::clone(detail::run_child, stack.top(), CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
    if (pid < 0) { return clone_error(errno); }
    return Pid{pid};  // The kernel made us wait until the child had called exec, or was gone.
}

Result<Pid> fork_and_run(detail::Launch& launch) noexcept {
    const Result<detail::ForkPipe> child = detail::fork_with_pipe();
    if (!child) { return child.error(); }
    if (child->pid == 0) {
        launch.report = child->end;
        (void)detail::run_child(&launch);
    }
    Error error = Errc::ok;
    const Result<std::size_t> reported = read(child->end, &error, sizeof(error));
    close(child->end);
    if (reported && *reported == sizeof(error)) { launch.error = error; }
    return child->pid;
}

}  // namespace

// A child that changes its user gets memory of its own: the change makes the memory it runs in
// undumpable (the kernel guards it against the new user), and borrowed memory is the parent's.
Result<Pid> spawn(const SpawnPlan& plan) noexcept {
    if (plan.path == nullptr || plan.arguments == nullptr) { return Errc::bad_argument; }
    const char* const found = ::getenv("PATH");  // The caller's, as with execvp().
    detail::Launch launch;
    launch.plan = &plan;
    launch.directories = found != nullptr ? found : detail::kPathDefault;

    const Stack stack;
    if (!stack.ok()) { return detail::error_of(ENOMEM); }
    const Undisturbed undisturbed;
    const bool keeps_user = plan.uid < 0 && plan.gid < 0;
    const Result<Pid> pid = keeps_user && lends_memory(stack) ? borrow_and_run(launch, stack)
                                                              : fork_and_run(launch);
    if (!pid || launch.error == Errc::ok) { return pid; }
    (void)wait_child(*pid, Reap::wait).ok();
    return launch.error;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
