// PoolStats, WorkerStats: how a pool and its workers are getting on.
#ifndef BROOD_POOL_STATS_HPP
#define BROOD_POOL_STATS_HPP

#include <cstdint>

namespace brood {
inline namespace v0 {

/// A pool as of one moment: see Pool::stats().
///
/// Tasks are counted as the pool knows them: a chunk of a map is one. Each that was submitted is in
/// just one of the first six numbers, whoever was killed when, and whether or not its Future was
/// collected; one that is run again is queued again.
struct PoolStats {
    std::uint64_t queued = 0;     ///< Submitted; no worker has it.
    std::uint64_t running = 0;    ///< A worker has it.
    std::uint64_t done = 0;       ///< Its function returned, whatever it returned.
    std::uint64_t failed = 0;     ///< worker_died, unknown_function, or the pool ended before it.
    std::uint64_t timed_out = 0;  ///< task_timed_out.
    std::uint64_t cancelled = 0;  ///< cancelled.

    /// How far what the pool was last asked for is: so many tasks of so many. Since the last map
    /// was begun while none was at work, those included that it has not sent yet; without maps, of
    /// all. An imap(), whose length nobody knows, is not foreseen.
    std::uint64_t progress_done = 0, progress_total = 0;

    std::uint64_t replaced = 0;  ///< Workers that were started in the place of others that ended.
    std::uint64_t shared_bytes = 0;  ///< Shared memory that is allocated for the pool.
    std::uint32_t workers = 0;       ///< How many there shall be.
    std::uint32_t alive = 0;         ///< How many there are.
    std::uint32_t stopped = 0;       ///< Of them by a signal: SIGSTOP, Ctrl-Z.
    /// Beside them: those that got SIGKILL for a task that had its time, or was cancelled, and were
    /// still there 200 ms later: in uninterruptible sleep. Their task has ended, and others have
    /// their place. When the pool has ended: how many it had to leave behind.
    std::uint32_t stuck = 0;
};

enum class WorkerState : std::uint32_t {
    starting,  ///< Its initializer has not ended.
    idle,
    running,  ///< In a task.
    stopped,  ///< By a signal, in a task or not.
    stuck,    ///< See PoolStats::stuck. It has no task.
};

/// A worker as of one moment: see Pool::worker_stats().
struct WorkerStats {
    static constexpr std::uint32_t kNoTask = UINT32_MAX;

    std::int32_t pid = 0;
    std::uint32_t index = 0;  ///< Its place: "PoolWorker-N" has index N - 1. Whoever replaces it
                              ///< gets the same.
    WorkerState state = WorkerState::starting;
    std::uint32_t task = kNoTask;  ///< The slot of its task, 0 .. capacity - 1.

    // Of a pool that is timed(); -1 in others. Of this process alone, not of those before it.
    std::int64_t in_task_ms = -1;  ///< How long it has been in its task; -1 if it has none.
    std::int64_t busy_ms = -1;     ///< How long it was in the tasks that it has ended.
    std::int64_t tasks = -1;       ///< How many those are; counted up to 2^32, and on from 0.
};

}  // namespace v0
}  // namespace brood

#endif
