// A pool's beginning and end in the host: memory, supervisor, close, join, terminate.
#include <brood/signals.hpp>

#include "fork_list.hpp"
#include "launch_pipe.hpp"
#include "pool_core.hpp"
#include "process_access.hpp"
#include "wait_child.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

void close_descriptors(PoolCore& core) noexcept {
    for (port::Fd* fd : {&core.watch, &core.control}) {
        if (*fd != port::kNoFd) { port::close(std::exchange(*fd, port::kNoFd)); }
    }
}

bool forget_pool(ForkLink& link) noexcept {
    // In a child that anybody forked: the pool is its parent's, and must end with that.
    PoolCore& core = *reinterpret_cast<PoolCore*>(&link);
    for (const port::Fd fd : {core.watch, core.control}) {
        if (fd != port::kNoFd) { port::close(fd); }
    }
    core.watch = core.control = port::kNoFd;
    return false;
}

/// Waits until the supervisor has ended, without the mutex: others may collect meanwhile.
bool wait_for_end(PoolCore& core, std::int64_t deadline_ns) noexcept {
    std::int64_t look_ns = 100000;
    while (!supervisor_has_ended(core)) {
        if (has_passed(deadline_ns)) { return false; }
        port::PollItem item{core.watch, true, false, false};
        const bool must_look = core.watch == port::kNoFd;
        const std::int64_t until = must_look ? slice_of(deadline_ns, look_ns) : deadline_ns;
        static_cast<void>(port::poll(&item, 1, until));
        look_ns = look_ns < kLookNs / 2 ? look_ns * 2 : kLookNs;
    }
    return true;
}

Status start_supervisor(PoolCore& core) noexcept {
    LaunchPipe control;
    const Status made = control.open();
    if (!made.ok()) { return made; }
    // Watching this process by a descriptor of its own, the supervisor is not fooled by a child of
    // the host that keeps the control pipe open. Without one the pipe must do.
    const port::Fd host_watch = port::watch_process(port::process_id()).value_or(port::kNoFd);
    static_cast<void>(port::flush_streams());
    const port::Pid host = port::process_id();
    const port::SignalMask before = port::signal_mask(port::MaskChange::set, ~0ull);
    const Result<port::Pid> pid = port::fork();
    if (pid.ok() && *pid == 0) {
        core.control_read = control.reader();
        core.host_watch = host_watch;
        control.close_writer();
        run_supervisor(core, host);
    }
    port::signal_mask(port::MaskChange::set, before);
    if (host_watch != port::kNoFd) { port::close(host_watch); }
    if (!pid.ok()) { return pid.error(); }
    core.supervisor = *pid;
    core.watch = port::watch_process(*pid).value_or(port::kNoFd);
    core.control = control.writer();
    core.link.forget = &forget_pool;
    fork_list_add(core.link);
    control.release_writer();
    return Errc::ok;
}

/// Until the supervisor has forked all workers, or failed to.
Status wait_until_running(PoolCore& core) noexcept {
    PoolShared& shared = *core.shared;
    PoolPhase phase = PoolPhase::starting;
    for (;;) {
        const bool ended = supervisor_has_ended(core);  // before the look at its last words
        const std::uint32_t word = shared.host_bell.word.fetch_and(~kRung) & ~kRung;
        phase = shared.phase.load(std::memory_order_acquire);
        if (ended || phase != PoolPhase::starting) { break; }
        // In slices: the supervisor may die before it has made itself the bell's keeper.
        port::bell_wait(shared.host_bell, word, port::kAnyKind, port::now_ns() + kLookNs).ignore();
    }
    if (phase == PoolPhase::starting) { return Errc::pool_broken; }
    if (phase != PoolPhase::failed) { return Errc::ok; }
    return Error(shared.failure.load(std::memory_order_relaxed),
                 shared.failure_errno.load(std::memory_order_relaxed));
}

}  // namespace
}  // namespace detail

using detail::PoolCore;

Result<Pool> Pool::create(const PoolOptions& options) noexcept {
    const Status good = PoolCore::check(options);
    if (!good.ok()) { return good.error(); }
    const Status may = detail::ProcessAccess::may_start();
    if (!may.ok()) { return may.error(); }
    const Result<PoolCore*> core = PoolCore::make(options);
    if (!core.ok()) { return core.error(); }
    Pool pool;
    pool.core_ = *core;
    Status status = detail::start_supervisor(**core);
    if (status.ok()) { status = detail::wait_until_running(**core); }
    if (!status.ok()) { return status.error(); }  // ~Pool undoes what there is
    return pool;
}

Status Pool::close() noexcept {
    if (core_ == nullptr) { return Errc::closed; }
    if (!core_->is_host()) { return Errc::wrong_process; }
    const detail::BellMutexHold hold(core_->mutex);
    if (core_->closed) { return Errc::ok; }
    core_->closed = true;
    // Another thread may be filling a slot that it got before: then it goes on from here.
    if (core_->unpublished == 0) { detail::begin_closing(*core_); }
    return Errc::ok;
}

Status Pool::join(Timeout timeout) noexcept {
    const Result<std::int64_t> deadline = detail::deadline_of(timeout);
    if (!deadline.ok()) { return deadline.error(); }
    if (core_ == nullptr) { return Errc::closed; }
    if (!core_->is_host()) { return Errc::wrong_process; }
    {
        const detail::BellMutexHold hold(core_->mutex);
        detail::note_supervisor_end(*core_);
        if (!core_->closed && core_->supervisor != 0) { return Errc::pool_not_closed; }
    }
    if (!detail::wait_for_end(*core_, *deadline)) { return Errc::timed_out; }
    const detail::BellMutexHold hold(core_->mutex);
    return core_->ended_by == Errc::pool_terminated ? Errc::ok : core_->ended_by;
}

Status Pool::terminate() noexcept {
    if (core_ == nullptr) { return Errc::closed; }
    if (!core_->is_host()) { return Errc::wrong_process; }
    {
        const detail::BellMutexHold hold(core_->mutex);
        detail::note_supervisor_end(*core_);
        core_->closed = true;
        if (core_->supervisor == 0) { return Errc::ok; }
        if (core_->ended_by == Errc::ok) { core_->ended_by = Errc::pool_terminated; }
        core_->shared->command.store(detail::PoolCommand::terminate, std::memory_order_seq_cst);
        detail::nudge(*core_);
        // Should somebody have stopped the supervisor, it must go on to end the workers.
        const int go_on = signals::number("SIGCONT").value_or(0);
        port::signal_process(core_->supervisor, core_->watch, go_on).ignore();
    }
    static_cast<void>(detail::wait_for_end(*core_, port::kNever));
    return Errc::ok;
}

void Pool::destroy() noexcept {
    if (core_ == nullptr) { return; }
    PoolCore* const core = std::exchange(core_, nullptr);
    if (!core->is_host()) { return; }
    {
        Pool ending;
        ending.core_ = core;
        ending.terminate().ignore();
        ending.core_ = nullptr;
    }
    detail::fork_list_remove(core->link);
    detail::close_descriptors(*core);
    bool unused = false;
    {
        const detail::BellMutexHold hold(core->mutex);
        core->handle_gone = true;
        if (core->ended_by == Errc::ok) { core->ended_by = Errc::pool_terminated; }
        unused = core->is_unused();
    }
    if (unused) { PoolCore::release(core); }
}

std::uint32_t Pool::workers() const noexcept {
    return core_ == nullptr ? 0 : core_->shared->workers;
}

std::size_t Pool::worker_pids(std::int32_t* list, std::size_t room) const noexcept {
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < workers(); ++i) {
        const std::int32_t pid = core_->shared->worker[i].pid.load(std::memory_order_relaxed);
        if (pid == 0) { continue; }
        if (count < room) { list[count] = pid; }
        ++count;
    }
    return count;
}

std::int32_t Pool::supervisor_pid() const noexcept {
    if (core_ == nullptr) { return 0; }
    const detail::BellMutexHold hold(core_->mutex);
    return core_->supervisor;
}

}  // namespace v0
}  // namespace brood
