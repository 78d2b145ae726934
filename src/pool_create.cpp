// A pool's beginning and end in the host: memory, supervisor, close, join, terminate.
#include "deadline.hpp"
#include "fork_list.hpp"
#include "launch_pipe.hpp"
#include "pool_core.hpp"
#include "pool_pollable.hpp"
#include "process_access.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

void close_descriptors(PoolCore& core) noexcept {
    port::close(std::exchange(core.watch, port::kNoFd));
    port::close(std::exchange(core.control, port::kNoFd));
    if (core.pollable() != nullptr) { core.pollable()->close(core); }
}

bool forget_pool(ForkLink& link) noexcept {
    // In a child that anybody forked: the pool is its parent's, and must end with that.
    close_descriptors(*reinterpret_cast<PoolCore*>(&link));
    return false;
}

/// True if the supervisor has ended, noting it.
bool supervisor_has_ended(PoolCore& core) noexcept {
    const HostMutexHold hold(core.mutex);
    note_supervisor_end(core);
    return core.supervisor == 0;
}

/// Waits until the supervisor has ended, without the mutex: others may collect meanwhile.
bool wait_for_end(PoolCore& core, std::int64_t deadline_ns) noexcept {
    Looks looks;
    while (!supervisor_has_ended(core)) {
        if (has_passed(deadline_ns)) { return false; }
        port::PollItem item{core.watch, true, false, false};
        const bool must_look = core.watch == port::kNoFd;
        static_cast<void>(port::poll(&item, 1, must_look ? looks.next(deadline_ns) : deadline_ns));
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
        (run_careful_supervisor != nullptr ? run_careful_supervisor : run_supervisor)(core, host);
    }
    port::signal_mask(port::MaskChange::set, before);
    port::close(host_watch);
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
        const std::uint32_t word = shared.host_bell.word.load(std::memory_order_acquire) & ~kRung;
        shared.host_bell.word.fetch_and(~kRung, std::memory_order_acq_rel);
        phase = shared.phase.load(std::memory_order_acquire);
        if (ended || phase != PoolPhase::starting) { break; }
        // In slices: the supervisor may die before it has made itself the bell's keeper.
        port::bell_wait(shared.host_bell, word, port::kAnyKind, port::now_ns() + kLookNs).ignore();
    }
    return phase == PoolPhase::running ? Status() : Status(shared.ended_by);
}

/// What there is of it when it fails is left to who destroys the pool.
Status begin_pool(const PoolOptions& options, PoolCore*& core) noexcept {
    if (!PoolCore::good(options)) { return Errc::bad_argument; }
    const Status may_start = ProcessAccess::may_start();
    if (!may_start.ok()) { return may_start; }
    const Status made = PoolCore::make(options, core);
    if (!made.ok()) { return made; }
    const Pollable* const pollable = core->pollable();
    const Status started = pollable == nullptr ? start_supervisor(*core)
                                               : pollable->start(*core, &start_supervisor);
    return started.ok() ? wait_until_running(*core) : started;
}

/// How the pool has ended that nobody cut off.
Status outcome(const PoolCore& core) noexcept {
    const std::int32_t left = core.shared->left.load(std::memory_order_acquire);
    const bool is_well = core.ended_by == Errc::ok || core.ended_by == Errc::pool_terminated;
    if (!is_well) { return core.ended_by; }
    return left == 0 ? Status() : Status(Error(Errc::worker_stuck, 0, left));
}

/// Ends the workers and waits for that.
void end_pool(PoolCore& core) noexcept {
    {
        const HostMutexHold hold(core.mutex);
        note_supervisor_end(core);
        core.closed = true;
        if (core.supervisor == 0) { return; }
        if (core.ended_by == Errc::ok) { core.ended_by = Errc::pool_terminated; }
        core.shared->command.store(PoolCommand::terminate, std::memory_order_seq_cst);
        nudge(core);
        // Should somebody have stopped the supervisor, it must go on to end the workers.
        port::signal_process(core.supervisor, core.watch, port::kSignalContinue).ignore();
    }
    static_cast<void>(wait_for_end(core, port::kNever));
}

}  // namespace
}  // namespace detail

using detail::PoolCore;

Result<Pool> Pool::create(const PoolOptions& options) noexcept {
    Pool pool;
    const Status begun = detail::begin_pool(options, pool.core_);
    if (!begun.ok()) { return begun.error(); }
    return pool;
}

Status Pool::close() noexcept {
    const Status usable = PoolCore::usable(core_);
    if (!usable.ok()) { return usable; }
    const detail::HostMutexHold hold(core_->mutex);
    if (core_->closed) { return Errc::ok; }
    core_->closed = true;
    detail::note_supervisor_end(*core_);
    detail::nudge(*core_);  // It tells the threads that wait for room.
    // Another thread may be filling a slot that it got before: then it goes on from here.
    if (core_->unpublished == 0) { detail::begin_closing(*core_); }
    return Errc::ok;
}

Status Pool::join(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    const Status usable = PoolCore::usable(core_);
    if (!usable.ok()) { return usable; }
    {
        const detail::HostMutexHold hold(core_->mutex);
        detail::note_supervisor_end(*core_);
        if (!core_->closed && core_->supervisor != 0) { return Errc::pool_not_closed; }
    }
    const PoolCore::Follow follow = core_->follow.load(std::memory_order_acquire);
    if (follow != nullptr) {
        const Errc followed = follow(*core_, deadline_ns);
        if (followed != Errc::ok) { return followed; }
    }
    if (!detail::wait_for_end(*core_, deadline_ns)) { return Errc::timed_out; }
    return detail::outcome(*core_);  // From here on nobody changes it.
}

Status Pool::terminate() noexcept {
    const Status usable = PoolCore::usable(core_);
    if (!usable.ok()) { return usable; }
    detail::end_pool(*core_);
    const Status outcome = detail::outcome(*core_);
    return outcome.code() == Errc::worker_stuck ? outcome : Status();
}

void Pool::destroy() noexcept {
    PoolCore* const core = std::exchange(core_, nullptr);
    if (!PoolCore::usable(core).ok()) { return; }
    detail::end_pool(*core);
    detail::fork_list_remove(core->link);
    bool unused = false;
    {
        const detail::HostMutexHold hold(core->mutex);
        detail::close_descriptors(*core);
        core->handle_gone = true;
        if (core->ended_by == Errc::ok) { core->ended_by = Errc::pool_terminated; }
        unused = core->is_unused();
    }
    if (unused) { PoolCore::release(core); }
}

std::uint32_t Pool::workers() const noexcept {
    return core_ == nullptr ? 0 : detail::pool_worker_count(core_);
}

std::size_t Pool::worker_pids(std::int32_t* list, std::size_t room) const noexcept {
    std::size_t count = 0;
    const std::uint32_t records = core_ == nullptr ? 0 : core_->shared->records;
    for (std::uint32_t i = 0; i < records; ++i) {
        const std::int32_t pid = core_->shared->worker[i].pid.load(std::memory_order_relaxed);
        if (pid == 0) { continue; }
        if (count < room) { list[count] = pid; }
        ++count;
    }
    return count;
}

std::int32_t Pool::supervisor_pid() const noexcept {
    if (core_ == nullptr) { return 0; }
    const detail::HostMutexHold hold(core_->mutex);
    return core_->supervisor;
}

}  // namespace v0
}  // namespace brood
