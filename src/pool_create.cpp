// A pool's beginning and end in the host: memory, supervisor, close, join, terminate.
#include "fork_list.hpp"
#include "pool_core.hpp"
#include "process_access.hpp"
#include "wait_child.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

std::uint32_t power_of_two(std::uint32_t least) noexcept {
    std::uint32_t power = 1;
    while (power < least) { power *= 2; }
    return power;
}

void close_descriptors(PoolCore& core) noexcept {
    for (port::Fd* fd : {&core.watch, &core.control, &core.control_read, &core.host_watch}) {
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

/// Makes the supervisor look at its orders. The pipe is empty or full: either way it will.
void nudge(PoolCore& core) noexcept {
    if (core.control != port::kNoFd) {
        static_cast<void>(port::write_now(core.control, "", 1));
    }
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
    port::Fd control[2];
    const Status made = port::pipe(control);
    if (!made.ok()) { return made; }
    core.control_read = control[0];
    core.control = control[1];
    // Watching this process by a descriptor of its own, the supervisor is not fooled by a child of
    // the host that keeps the control pipe open. Without one the pipe must do.
    core.host_watch = port::watch_process(port::process_id()).value_or(port::kNoFd);
    static_cast<void>(port::flush_streams());
    const port::SignalMask before = port::signal_mask(port::MaskChange::set, ~0ull);
    const Result<port::Pid> pid = port::fork();
    if (pid.ok() && *pid == 0) {
        port::close(std::exchange(core.control, port::kNoFd));
        run_supervisor(core);
    }
    port::signal_mask(port::MaskChange::set, before);
    if (!pid.ok()) { return pid.error(); }
    core.supervisor = *pid;
    port::close(std::exchange(core.control_read, port::kNoFd));
    if (core.host_watch != port::kNoFd) {
        port::close(std::exchange(core.host_watch, port::kNoFd));
    }
    core.watch = port::watch_process(*pid).value_or(port::kNoFd);
    core.link.forget = &forget_pool;
    fork_list_add(core.link);
    return Errc::ok;
}

/// Until the supervisor has forked all workers, or failed to.
Status wait_until_running(PoolCore& core) noexcept {
    PoolShared& shared = *core.shared;
    while (shared.phase.load(std::memory_order_acquire) == PoolPhase::starting) {
        if (supervisor_has_ended(core)) { return Errc::pool_broken; }
        const std::uint32_t word =
            shared.host_bell.word.fetch_or(port::kBellWaiting) | port::kBellWaiting;
        if (shared.phase.load(std::memory_order_acquire) != PoolPhase::starting) { break; }
        // In slices: the supervisor may die before it has made itself the bell's keeper.
        port::bell_wait(shared.host_bell, word, port::now_ns() + kLookNs).ignore();
    }
    if (shared.phase.load(std::memory_order_acquire) != PoolPhase::failed) { return Errc::ok; }
    return Error(shared.failure.load(std::memory_order_relaxed),
                 shared.failure_errno.load(std::memory_order_relaxed));
}

}  // namespace

Status PoolCore::check(const PoolOptions& options) noexcept {
    const bool counts = options.workers_ >= 1 &&
                        (options.workers_ <= PoolOptions::kWorkersMax ||
                         options.workers_ == UINT32_MAX) &&
                        options.capacity_ >= 1 && options.capacity_ <= PoolOptions::kCapacityMax &&
                        options.payload_ >= 1 && options.payload_ <= PoolOptions::kPayloadMax;
    return counts ? Errc::ok : Errc::bad_argument;
}

Result<PoolCore*> PoolCore::make(const PoolOptions& options) noexcept {
    std::uint32_t workers = options.workers_;
    if (workers == UINT32_MAX) { workers = port::usable_cpus(); }
    const std::uint32_t capacity = power_of_two(options.capacity_);
    const auto slot_bytes =
        static_cast<std::uint32_t>((Slot::kHeaderBytes + options.payload_ + 63) / 64 * 64);
    std::uint32_t slots_at = 0;
    const std::size_t shared_bytes = PoolShared::layout(workers, capacity, slot_bytes, slots_at);
    const std::size_t own_bytes = sizeof(PoolCore) + (capacity - 1) * sizeof(SlotNote);
    const Result<void*> own = port::map_private(own_bytes);
    if (!own.ok()) { return own.error(); }
    const Result<void*> both = port::map_shared(shared_bytes);
    if (!both.ok()) {
        port::unmap(*own, own_bytes);
        return both.error();
    }
    PoolCore* const core = ::new (*own) PoolCore;
    PoolShared* const shared = ::new (*both) PoolShared;  // zeroed pages: nothing is touched twice
    core->shared = shared;
    core->shared_bytes = shared_bytes;
    core->own_bytes = own_bytes;
    core->epoch = fork_epoch();
    core->initialize = options.initialize_;
    __builtin_memcpy(core->initializer, options.initializer_, sizeof core->initializer);
    shared->workers = workers;
    shared->capacity = capacity;
    shared->slot_bytes = slot_bytes;
    shared->slots_at = slots_at;
    for (std::uint32_t i = capacity; i > 0; --i) {
        core->note[i - 1].next = core->free_head;
        core->free_head = i - 1;
    }
    const Status bells = port::bell_init(shared->host_bell);
    if (bells.ok()) {
        const Status more = port::bell_init(shared->work_bell);
        if (more.ok()) { return core; }
    }
    release(core);
    return Errc::no_memory;
}

void PoolCore::release(PoolCore* core) noexcept {
    port::unmap(core->shared, core->shared_bytes);
    port::unmap(core, core->own_bytes);
}

void note_supervisor_end(PoolCore& core) noexcept {
    if (core.supervisor == 0) { return; }
    PoolShared& shared = *core.shared;
    // The system marks the bell when the keeper is dying, a moment before it can be reaped.
    const std::uint32_t word = shared.host_bell.word.load(std::memory_order_acquire);
    const bool is_dying = (word & port::kBellOwnerDied) != 0;
    const Result<port::ChildState> state =
        port::wait_child(core.supervisor, is_dying ? port::Reap::wait : port::Reap::now);
    if (state.ok() && !state->ended) { return; }
    core.supervisor = 0;
    if (core.ended_by == Errc::ok) {
        switch (shared.phase.load(std::memory_order_acquire)) {
            case PoolPhase::ended: break;
            case PoolPhase::failed: core.ended_by = shared.failure.load(); break;
            default: core.ended_by = Errc::pool_broken; break;
        }
    }
    // Others may sleep on the bell, and the system wakes only one when its keeper dies.
    ring_host_always(shared);
}

bool supervisor_has_ended(PoolCore& core) noexcept {
    const BellMutexHold hold(core.mutex);
    note_supervisor_end(core);
    return core.supervisor == 0;
}

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
    core_->shared->command.store(detail::PoolCommand::close, std::memory_order_seq_cst);
    detail::ring_all_workers(*core_->shared);
    detail::nudge(*core_);
    return Errc::ok;
}

Status Pool::join(Timeout timeout) noexcept {
    const Result<std::int64_t> deadline = detail::deadline_of(timeout);
    if (!deadline.ok()) { return deadline.error(); }
    if (core_ == nullptr) { return Errc::closed; }
    if (!core_->is_host()) { return Errc::wrong_process; }
    if (!core_->closed && core_->ended_by == Errc::ok) { return Errc::pool_not_closed; }
    if (!detail::wait_for_end(*core_, *deadline)) { return Errc::timed_out; }
    const Errc why = core_->ended_by;
    return why == Errc::pool_terminated ? Status(Errc::ok) : Status(why);
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
    return core_ == nullptr ? 0 : core_->supervisor;
}

}  // namespace v0
}  // namespace brood
