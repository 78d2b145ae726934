// What a pool's worker does: claims a task, runs it, leaves the result, until there are none.
#ifndef BROOD_SRC_POOL_WORKER_HPP
#define BROOD_SRC_POOL_WORKER_HPP

#include "fork_list.hpp"
#include "pool_core.hpp"
#include "pool_pollable.hpp"
#include "self.hpp"
#include "writer.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

// Looks at the order this often before it sleeps: some 20 us, less than a wake-up costs. On one
// CPU spinning only keeps the host from submitting.
inline constexpr int kWorkerSpins = 500;

/// `Care`: see pool_care.hpp.
template <class Care>
class Worker {
public:
    Worker(PoolCore& core, std::uint32_t index, port::Pid supervisor, bool tied) noexcept
        : shared_(*core.shared),
          care_(core, index),
          index_(index),
          supervisor_(supervisor),
          dies_with_supervisor_(tied),
          epoch_(fork_epoch()),
          spins_(port::usable_cpus() > 1 ? kWorkerSpins : 0) {}

    /// Runs tasks until the pool is closed and none is ready.
    void work() noexcept {
        for (;;) {
            leave_if_orphaned();
            if (care_.is_over()) { return; }
            Slot* const slot = care_.is_ordered()     ? care_.find(false, seen_)
                               : care_.has_put_back() ? find_put_back()
                                                      : find();
            if (slot != nullptr) {
                run(*slot);
            } else if (shared_.command.load(std::memory_order_acquire) != PoolCommand::run) {
                // The command came after the last submission, but find() may have looked before.
                Slot* const last = find_anywhere();
                if (last == nullptr) { return; }
                run(*last);
            } else {
                rest();
            }
        }
    }

private:
    // If killed before the CAS: the task is as it was, and another worker takes it. If killed after
    // it: the state names us, and the supervisor ends the task.
    bool claim(Slot& slot) noexcept {
        std::uint32_t seen = slot.state.load(std::memory_order_relaxed);
        care_.will_claim(seen);
        return state_of(seen) == TaskState::ready &&
               slot.state.compare_exchange_strong(seen, state_word(TaskState::claimed, index_),
                                                  std::memory_order_acquire,
                                                  std::memory_order_relaxed);
    }

    /// Claims the next task in the order of submission. Null if it sees none.
    Slot* find() noexcept {
        // The hint first: read the other way round it might be beyond the end.
        std::uint32_t at = shared_.hint.load(std::memory_order_acquire);
        const std::uint32_t end = shared_.submitted.load(std::memory_order_acquire);
        seen_ = end;
        if (end - at > shared_.capacity) { at = end - shared_.capacity; }
        for (; at != end; ++at) {
            const std::uint32_t entry =
                shared_.order()[at & (shared_.capacity - 1)].load(std::memory_order_relaxed);
            Slot& slot = shared_.slot(entry & (shared_.capacity - 1));
            if (claim(slot)) {
                shared_.hint.store(at + 1, std::memory_order_release);
                return &slot;
            }
        }
        return nullptr;
    }

    /// Claims any task, by a look at the whole table. The hint is not to be trusted with liveness:
    /// a worker that was stopped while the counters went round once may set it past tasks that
    /// nobody has claimed. So nobody sleeps or ends before this found nothing.
    Slot* find_anywhere() noexcept {
        if (care_.is_ordered()) { return care_.find(true, seen_); }
        for (std::uint32_t index = 0; index < shared_.capacity; ++index) {
            if (claim(shared_.slot(index))) { return &shared_.slot(index); }
        }
        return nullptr;
    }

    /// Claims a task whose worker died, which is behind what find() looks at; else as find().
    Slot* find_put_back() noexcept {
        for (std::uint32_t index = 0; index < shared_.capacity; ++index) {
            Slot& slot = shared_.slot(index);
            if (!care_.is_put_back(slot) || !claim(slot)) { continue; }
            care_.may_have_more();
            return &slot;
        }
        return find();
    }

    void run(Slot& slot) noexcept {
        const Trampoline function = slot.run;
        void* const payload = care_.begin(slot);
        const bool is_known = pool_knows(reinterpret_cast<const void*>(function)) &&
                              function(payload);
        // The task forked, and the child came back from it: the worker is another process.
        if (fork_epoch() != epoch_) { port::exit_now(0); }
        if (!care_.end(slot, is_known)) { end_daemon(0); }
        const TaskState how = is_known ? TaskState::done : TaskState::refused;
        slot.state.store(state_word(how), std::memory_order_release);
        care_.published();
        // If killed here: the task is done, and the supervisor wakes the host when it reaps us.
        std::atomic_thread_fence(std::memory_order_seq_cst);  // with the host's in pool_wait()
        if (g_tell != nullptr) { g_tell(shared_, index_); }
        const std::uint32_t want = shared_.want.load(std::memory_order_relaxed);
        if (want == 0) { return; }
        if (want == kWantAny || &shared_.slot(want - 1) == &slot) { ring_host(shared_); }
    }

    /// Waits for a task that came after the last look of find().
    void rest() noexcept {
        for (int i = 0; i < spins_; ++i) {
            if (shared_.submitted.load(std::memory_order_relaxed) != seen_) { return; }
            port::cpu_relax();
        }
        const std::uint32_t expectation = care_.expectation();
        const std::uint32_t asleep = port::kBellWaiting | expectation;
        shared_.work_bell.word.store(asleep, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);  // with the host's in pool_publish()
        Slot* const slot = find_anywhere();
        if (slot != nullptr) { return run(*slot); }
        if (shared_.command.load(std::memory_order_relaxed) != PoolCommand::run) { return; }
        // Another may be about to sleep on the word that we put back after the ring for all. If
        // killed here: the supervisor, which reaps us, rings.
        const bool is_told = care_.is_over() || care_.expectation() != expectation;
        if (is_told) { return ring_all_workers(shared_); }
        // Where the supervisor's death does not take us along, we look for it ourselves.
        const std::int64_t until = dies_with_supervisor_ ? port::kNever
                                                         : port::now_ns() + port::kSliceNs;
        port::bell_wait(shared_.work_bell, asleep, port::kAnyKind, until).ignore();
    }

    void leave_if_orphaned() noexcept {
        if (!dies_with_supervisor_ && port::parent_id() != supervisor_) { port::exit_now(1); }
    }

    PoolShared& shared_;
    Care care_;
    std::uint32_t index_;
    port::Pid supervisor_;
    bool dies_with_supervisor_;
    unsigned epoch_;
    int spins_;
    std::uint32_t seen_ = 0;  // how many tasks were submitted when find() looked last
};

/// The life of a worker, from the fork on.
template <class Care>
[[noreturn]] void work(PoolCore& core, std::uint32_t index, port::Pid supervisor) noexcept {
    // If killed up to here: the supervisor, our single-threaded parent, replaces us.
    const bool tied = port::die_with_parent(supervisor).ok();
    if (!tied) {
        port::proof_give(core.shared->worker[index].life);
        // The host looks when the supervisor has ended. It finds the proof, or we find here that
        // our parent has gone.
        if (port::parent_id() != supervisor) { port::exit_now(1); }
        core.shared->is_loose.store(1, std::memory_order_relaxed);
    }
    for (const port::Fd fd : {core.control_read, core.host_watch}) { port::close(fd); }
    Self& me = self();
    Writer(me.name, sizeof me.name).text("PoolWorker-").number(index + 1);
    // Only now: in a host without a standard input, 0 may be one of the descriptors closed above.
    port::null_input().ignore();
    port::reset_signals();
    signals_forget();
    if (core.has_initializer() && !core.initialize()) {
        static_cast<void>(port::flush_streams());
        port::exit_now(1);
    }
    // The initializer may have given up privileges, which undoes the tie.
    if (tied && core.has_initializer()) { port::die_with_parent(supervisor).ignore(); }
    core.shared->worker[index].initialized.store(1, std::memory_order_release);
    Worker<Care> worker(core, index, supervisor, tied);
    worker.work();
    end_daemon(0);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
