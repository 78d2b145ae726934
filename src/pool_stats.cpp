// Pool::stats(), worker_stats(): most of it can be seen at any moment in the table itself, where
// the death of a worker leaves a task in a state, never between two. Only what has left the table
// is counted, by the host, whose death ends the pool: so no death makes any number wrong.
#include "pool_stats.hpp"

#include <utility>

#include "pool_announce.hpp"
#include "pool_blocks.hpp"
#include "pool_care.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// PoolCore::at_free.
void count_end(PoolCore& core, std::uint32_t slot) noexcept {
    const std::uint32_t word = core.shared->slot(slot).state.load(std::memory_order_relaxed);
    counts_of(*core.shared).ends.add(state_of(word));
    if (core.free_block != nullptr) { core.free_block(core, slot); }
}

/// PoolCore::at_look: a worker that is stopped, or goes on, wakes the supervisor.
std::int64_t look_at_workers(PoolCore& core, std::int64_t) noexcept {
    note_stopped(core);
    return port::kNever;
}

std::int32_t pid_of(PoolShared& shared, std::uint32_t index) noexcept {
    return shared.worker[index].pid.load(std::memory_order_relaxed);
}
std::uint32_t count_stuck(PoolShared& shared) noexcept {
    std::uint32_t count = 0;
    for (std::uint32_t place = 0; place < PoolCare::stuck_places(shared); ++place) {
        const auto pid = PoolCare::of(shared).stuck(shared, place).pid.load();
        count += pid != 0 ? 1 : 0;
    }
    return count;
}
bool is_stopped(const WorkerCare& worker) noexcept {
    return (worker.marks.load(std::memory_order_relaxed) & WorkerCare::kIsStopped) != 0;
}

std::uint64_t allocated_bytes(const PoolCore& core) noexcept {
    if (core.blocks == nullptr) { return core.shared_bytes; }
    const auto before = core.blocks->area - reinterpret_cast<unsigned char*>(core.shared);
    return static_cast<std::uint64_t>(before) +
           std::uint64_t{core.blocks->allocated} * PoolBlocks::kUnit;
}

void add_workers(PoolShared& shared, PoolStats& stats) noexcept {
    for (std::uint32_t index = 0; index < shared.records; ++index) {
        if (pid_of(shared, index) == 0) { continue; }
        const WorkerCare& worker = PoolCare::of(shared).worker[index];
        ++stats.alive;
        if (is_stopped(worker)) { ++stats.stopped; }
    }
    stats.stuck = count_stuck(shared);
}

/// `submitted`: how many were when the table was looked at.
void add_progress(const PoolCounts& counts, std::uint32_t submitted, PoolStats& stats) noexcept {
    const std::uint64_t open = stats.queued + stats.running;
    const std::uint32_t from = counts.map_from.load(std::memory_order_relaxed);
    const std::uint32_t to = counts.map_to.load(std::memory_order_relaxed);
    if (from == to) {  // There was no map.
        stats.progress_done = stats.done + stats.failed + stats.timed_out + stats.cancelled;
        stats.progress_total = stats.progress_done + open;
        return;
    }
    const bool is_at_work = static_cast<std::int32_t>(to - submitted) > 0;
    const std::uint32_t sent = submitted - from;
    stats.progress_total = is_at_work ? to - from : sent;
    stats.progress_done = sent > open ? sent - open : 0;
}

/// Of the first `count` in the list, which is in the order of their index.
WorkerStats* find_worker(WorkerStats* list, std::size_t count, std::uint32_t index) noexcept {
    if (count == 0) { return nullptr; }
    std::size_t at = index < count ? index : count - 1;  // Or before that, where some are missing.
    while (at > 0 && list[at].index > index) { --at; }
    return list[at].index == index ? &list[at] : nullptr;
}

std::int64_t ms_of_ticks(std::int32_t ticks) noexcept {
    return ticks < 0 ? 0 : (std::int64_t{ticks} << kTickShift) / 1000000;
}

void add_times(const WorkerCare& worker, WorkerStats& stats) noexcept {
    const std::int64_t steps = worker.busy_steps.load(std::memory_order_relaxed);
    const std::int64_t rest = worker.busy_ns.load(std::memory_order_relaxed);
    stats.busy_ms = (steps * WorkerCare::kBusyStep + rest) / 1000000;
    stats.tasks = worker.tasks.load(std::memory_order_relaxed);
    const std::uint32_t begun = worker.begun.load(std::memory_order_relaxed);
    const std::uint32_t now = tick_of(port::now_ns());
    stats.in_task_ms = ms_of_ticks(begun == 0 ? 0 : ticks_between(begun, now));
}

/// Behind the others, up to `room` of them; how many there are.
std::size_t add_stuck(PoolShared& shared, WorkerStats* list, std::size_t room) noexcept {
    std::size_t count = 0;
    for (std::uint32_t place = 0; place < PoolCare::stuck_places(shared); ++place) {
        const StuckWorker& stuck = PoolCare::of(shared).stuck(shared, place);
        const std::int32_t pid = stuck.pid.load(std::memory_order_acquire);
        if (pid == 0 || count++ >= room) { continue; }
        WorkerStats stats;
        stats.pid = pid;
        stats.index = stuck.index;
        stats.state = WorkerState::stuck;
        list[count - 1] = stats;
    }
    return count;
}

}  // namespace

void begin_stats(PoolCore& core) noexcept {
    core.at_free = &count_end;
    core.at_look = core.announcer() != nullptr ? core.announcer()->look : &look_at_workers;
}

void foresee_chunks(const PoolCore& core, std::size_t count, std::uint32_t items) noexcept {
    const std::size_t all = (count - 1) / items + 1;
    if (all > INT32_MAX) { return; }
    PoolCounts& counts = counts_of(*core.shared);
    const auto chunks = static_cast<std::uint32_t>(all);
    const std::uint32_t submitted = core.shared->submitted.load(std::memory_order_relaxed);
    const std::uint32_t to = counts.map_to.load(std::memory_order_relaxed);
    const bool is_at_work = static_cast<std::int32_t>(to - submitted) > 0;
    if (!is_at_work) { counts.map_from.store(submitted, std::memory_order_relaxed); }
    counts.map_to.store((is_at_work ? to : submitted) + chunks, std::memory_order_relaxed);
}

void note_stopped(PoolCore& core) noexcept {
    PoolShared& shared = *core.shared;
    for (std::uint32_t index = 0; index < shared.records; ++index) {
        const port::Pid pid = pid_of(shared, index);
        if (pid == 0) { continue; }
        const std::uint32_t is_stopped = port::is_stopped(pid) ? WorkerCare::kIsStopped : 0;
        PoolCare::of(shared).worker[index].marks.store(WorkerCare::kWasThere | is_stopped,
                                                       std::memory_order_relaxed);
    }
}

PoolStats tally(PoolCore& core, bool is_over) noexcept {
    PoolShared& shared = *core.shared;
    PoolCounts& counts = counts_of(shared);
    std::uint64_t tasks[EndCounts::kStates];
    // First what has left the table, then the table: a task that leaves it meanwhile is missing in
    // both, and not in both.
    for (std::uint32_t i = 0; i < EndCounts::kStates; ++i) { tasks[i] = counts.ends.of(i); }
    tasks[static_cast<std::uint32_t>(TaskState::ready)] = 0;
    tasks[static_cast<std::uint32_t>(TaskState::claimed)] = 0;
    std::atomic_thread_fence(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < shared.capacity; ++i) {
        const std::uint32_t word = shared.slot(i).state.load(std::memory_order_relaxed);
        ++tasks[static_cast<std::uint32_t>(state_of(word)) % EndCounts::kStates];
    }
    const auto of = [&](TaskState state) { return tasks[static_cast<std::uint32_t>(state)]; };
    PoolStats stats;
    stats.done = of(TaskState::done);
    stats.failed = of(TaskState::refused) + of(TaskState::died);
    stats.timed_out = of(TaskState::timed_out);
    stats.cancelled = of(TaskState::cancelled);
    if (is_over) {
        stats.failed += of(TaskState::ready) + of(TaskState::claimed);
        if (shared.left.load(std::memory_order_relaxed) != 0) {
            add_workers(shared, stats);
            stats.stuck += std::exchange(stats.alive, 0);
            stats.stopped = 0;
        }
    } else {
        stats.queued = of(TaskState::ready);
        stats.running = of(TaskState::claimed);
        add_workers(shared, stats);
    }
    stats.workers = shared.workers.load(std::memory_order_relaxed);
    stats.replaced = counts.replaced.load(std::memory_order_relaxed);
    stats.shared_bytes = allocated_bytes(core);
    add_progress(counts, shared.submitted.load(std::memory_order_relaxed), stats);
    return stats;
}

std::size_t tally_workers(PoolCore& core, WorkerStats* list, std::size_t room) noexcept {
    PoolShared& shared = *core.shared;
    std::size_t count = 0, listed = 0;
    for (std::uint32_t index = 0; index < shared.records; ++index) {
        const std::int32_t pid = pid_of(shared, index);
        if (pid == 0) { continue; }
        if (count++ >= room) { continue; }
        const WorkerCare& worker = PoolCare::of(shared).worker[index];
        WorkerStats& stats = list[listed++];
        stats = WorkerStats();
        stats.pid = pid;
        stats.index = index;
        const bool has_begun = shared.worker[index].initialized.load(std::memory_order_relaxed) !=
                               0;
        stats.state = is_stopped(worker) ? WorkerState::stopped
                      : has_begun        ? WorkerState::idle
                                         : WorkerState::starting;
        if (core.timed_worker() != nullptr) { add_times(worker, stats); }
    }
    for (std::uint32_t i = 0; i < shared.capacity && listed > 0; ++i) {
        const std::uint32_t word = shared.slot(i).state.load(std::memory_order_relaxed);
        if (state_of(word) != TaskState::claimed) { continue; }
        WorkerStats* const stats = find_worker(list, listed, word >> kStateBits);
        if (stats == nullptr) { continue; }
        stats->task = i;
        if (stats->state == WorkerState::idle) { stats->state = WorkerState::running; }
    }
    for (std::size_t i = 0; i < listed; ++i) {
        if (list[i].task == WorkerStats::kNoTask) { list[i].in_task_ms = -1; }
    }
    return count + add_stuck(shared, list + listed, room - listed);
}

}  // namespace detail

using detail::PoolCore;

Result<PoolStats> Pool::stats() const noexcept {
    const Status usable = PoolCore::usable(core_);
    if (!usable.ok()) { return usable.error(); }
    const detail::HostMutexHold hold(core_->mutex);
    detail::note_supervisor_end(*core_);
    return detail::tally(*core_, core_->supervisor == 0);
}

std::size_t Pool::worker_stats(WorkerStats* list, std::size_t room) const noexcept {
    if (!PoolCore::usable(core_).ok()) { return 0; }
    const detail::HostMutexHold hold(core_->mutex);
    detail::note_supervisor_end(*core_);
    return core_->supervisor == 0 ? 0 : detail::tally_workers(*core_, list, room);
}

// Defined here, not in the header: who calls it links all this.
PoolOptions& PoolOptions::timed() noexcept {
    rest_.timed_worker = &detail::run_timed_worker;
    return *this;
}

}  // namespace v0
}  // namespace brood
