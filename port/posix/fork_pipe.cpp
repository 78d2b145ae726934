// fork() together with a pipe whose end tells that the child has called exec.
//
// The pipe is made and the parent's copy of its write end is closed inside the handlers that run
// around every fork, under one flag: so no fork of another thread falls between. The flag is taken
// nowhere else. A lock held across our own fork could deadlock with a host's: this thread would
// hold ours and wait for the host's in its handler, another thread the reverse.
#include "fork_pipe.hpp"

#include <pthread.h>

#include "errors.hpp"
#include "time.hpp"

namespace brood::port::detail {
namespace {

constexpr std::int64_t kStepMaxNs = 1000000;

struct Request {
    Status piped;
    Fd ends[2] = {kNoFd, kNoFd};
};

// A flag and not a mutex: a fork's child cannot release a mutex that its parent's thread took.
std::atomic<bool> g_forking{false};
thread_local int t_depth = 0;  // More than 1 where a signal handler forks in the middle of a fork.
thread_local Request* t_request = nullptr;

pthread_once_t g_once = PTHREAD_ONCE_INIT;
int g_register_error = 0;

void before_fork() noexcept {
    if (t_depth++ > 0) { return; }
    Backoff backoff(kStepMaxNs);
    while (g_forking.exchange(true, std::memory_order_acquire)) { backoff.sleep(kNever); }
    if (t_request != nullptr) { t_request->piped = pipe(t_request->ends); }
}

void after_fork(std::size_t other_end) noexcept {
    if (--t_depth > 0) { return; }
    if (t_request != nullptr) { close(t_request->ends[other_end]); }
    g_forking.store(false, std::memory_order_release);
}

void register_handlers() noexcept {
    g_register_error = ::pthread_atfork(
        before_fork, []() noexcept { after_fork(1); }, []() noexcept { after_fork(0); });
}

}  // namespace

Result<ForkPipe> fork_with_pipe() noexcept {
    (void)::pthread_once(&g_once, register_handlers);
    if (g_register_error != 0) { return error_of(g_register_error); }

    Request request;
    t_request = &request;
    const Result<Pid> pid = fork();
    t_request = nullptr;

    const bool in_child = pid && *pid == 0;
    if (in_child && !request.piped) { exit_now(1); }  // It has no way to be of use.
    if (in_child) { return ForkPipe{0, request.ends[1]}; }
    if (pid && request.piped) { return ForkPipe{*pid, request.ends[0]}; }

    close(request.ends[0]);
    if (pid) { (void)wait_child(*pid, Reap::wait).ok(); }
    return pid ? request.piped.error() : pid.error();
}

}  // namespace brood::port::detail
