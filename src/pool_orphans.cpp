// What ends a pool's workers when their supervisor was killed, where the system does not.
//
// A worker that the system does not end together with its supervisor (die_with_parent() is
// unsupported) holds its record's mutex for life: a mutex that can be had has no living owner. So
// the host can tell whether the pid in the record is still that worker's, whose parent is by then a
// stranger that may reap it at any moment.
#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr int kKill = 9;  // The same on every POSIX system (kill(1) -9).

bool is_taken(const Status& status) noexcept {
    return status.ok() || status.code() == Errc::owner_died;
}

void end_orphan(WorkerRecord& record) noexcept {
    const port::Pid pid = record.orphan_pid.load(std::memory_order_acquire);
    if (pid == 0) { return; }
    // Before the proof of life: so it watches that worker, or one who took the number of a dead.
    const port::Fd watch = port::watch_process(pid).value_or(port::kNoFd);
    const Status probe = port::mutex_lock(record.life, 0);
    if (is_taken(probe)) {
        port::mutex_unlock(record.life).ignore();
    } else if (probe.code() == Errc::timed_out) {
        // It lived a moment ago. With a watch the signal reaches it or nobody. Without, it would
        // have to end now by itself, be reaped, and its number be given away anew, all before the
        // next system call: numbers go round in thousands of processes at least.
        port::signal_process(pid, watch, kKill).ignore();
    }
    port::close(watch);
}

}  // namespace

// One look at each is enough: who proves his life later sees that his parent has gone.
void end_orphans(PoolShared& shared) noexcept {
    for (std::uint32_t index = 0; index < shared.workers; ++index) {
        end_orphan(shared.worker[index]);
    }
}

void prove_life(PoolCore& core, WorkerRecord& record, port::Pid supervisor) noexcept {
    // Free, or left by a dead predecessor, or held by the host for a moment. A slice is plenty.
    // Where it cannot be had, on a system that does not notice dead owners, we prove nothing.
    const std::int64_t deadline = port::now_ns() + port::kSliceNs;
    if (!core.orphans_are_unknown && is_taken(port::mutex_lock(record.life, deadline))) {
        record.orphan_pid.store(port::process_id(), std::memory_order_release);
    }
    // If killed here: the mutex is free again, whatever the number beside it.
    // After the lock: the host looks when the supervisor has ended. It finds the mutex held and the
    // number there, or we find here that our parent has gone.
    if (port::parent_id() != supervisor) { port::exit_now(1); }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
