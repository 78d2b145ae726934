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

// For how long a worker whose fellows are quicker leaves the tasks to them: then it takes no CPU
// time from those who work, and the host need not wake it. So much for each worker of the pool:
// of however many that nap, one looks every 50 us. Nobody relies on one who naps, and may be killed
// or stopped there: whoever sleeps besides is woken for the next task as ever.
inline constexpr std::int64_t kNapNs = 50000;
// So many they must have taken since it looked last, and since it had one: where tasks come one at
// a time, who naps would keep the next one waiting.
inline constexpr std::uint32_t kStream = 16;

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
          spins_(core.spins) {}

    /// Runs tasks until the pool is closed and none is ready.
    void work() noexcept {
        for (;;) {
            leave_if_orphaned();
            if (care_.is_over()) { return; }
            Slot* const slot = care_.is_ordered()     ? find_by_order()
                               : care_.has_put_back() ? find_put_back()
                                                      : find();
            if (slot != nullptr) {
                run(*slot);
            } else if (shared_.command.load(std::memory_order_acquire) != PoolCommand::run) {
                // The command came after the last submission, but find() may have looked before.
                Slot* const last = find_last();
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
        if (state_of(seen) != TaskState::ready ||
            !slot.state.compare_exchange_strong(seen, state_word(TaskState::claimed, index_),
                                                std::memory_order_acquire,
                                                std::memory_order_relaxed)) {
            return false;
        }
        mine_ = seen;
        return true;
    }

    /// Claims the next task in the order of submission. Null if it sees none.
    Slot* find() noexcept {
        // The hint first: read the other way round it might be beyond the end.
        std::uint32_t at = shared_.hint.load(std::memory_order_acquire);
        for (;; ++at) {
            // What the host writes at each submission is looked at only when nothing is left of
            // what was there before: else that line goes to and fro between the two for each task.
            if (seen_ - at - 1 >= shared_.capacity) {
                seen_ = shared_.submitted.load(std::memory_order_acquire);
                if (seen_ == at) { return nullptr; }
                if (seen_ - at > shared_.capacity) { at = seen_ - shared_.capacity; }
            }
            Slot& slot = slot_in_order(at);
            if (!claim(slot)) { continue; }
            shared_.hint.store(at + 1, std::memory_order_release);
            // On its way from the host while this one runs: a tenth of the time of an empty task.
            __builtin_prefetch(&slot_in_order(at + 1), 1);
            return &slot;
        }
    }
    /// Of the submission of that number; any slot, if that is long ago or not yet there.
    Slot& slot_in_order(std::uint32_t number) noexcept {
        const std::uint32_t mask = shared_.capacity - 1;
        return shared_.slot(shared_.order()[number & mask].load(std::memory_order_relaxed) & mask);
    }

    /// The same in a pool with an order.
    Slot* find_by_order() noexcept {
        Slot* const slot = care_.find(false, seen_);
        if (slot != nullptr) { mine_ = seen_ << kStateBits; }
        return slot;
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

    /// Before a worker sleeps or ends. What came since its last look is taken in order, too.
    Slot* find_last() noexcept {
        Slot* const slot = care_.is_ordered() ? nullptr : find();
        return slot != nullptr ? slot : find_anywhere();
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
        light_fence(shared_.has_fences);  // with the host's in Wanted
        if (g_tell != nullptr) { g_tell(shared_, index_); }
        const std::uint32_t want = shared_.want.load(std::memory_order_relaxed);
        if (want == 0) { return; }
        if (want == kWantAny || &shared_.slot(want - 1) == &slot) { ring_host(shared_); }
    }

    /// Waits for a task that came after the last look of find().
    void rest() noexcept {
        // Numbers in states wrap earlier. Once around them nobody naps, or somebody once.
        const std::uint32_t since_mine = ((seen_ << kStateBits) - mine_) >> kStateBits;
        const bool others_are_quicker = since_mine > kStream && seen_ - rested_at_ > kStream;
        rested_at_ = seen_;
        if (others_are_quicker) { return port::sleep_until(port::now_ns() + nap_ns()); }
        for (std::uint32_t i = 0; i < spins_; ++i) {
            if (shared_.submitted.load(std::memory_order_relaxed) != seen_) { return; }
            port::cpu_relax();
        }
        const std::uint32_t expectation = care_.expectation();
        const std::uint32_t asleep = port::kBellWaiting | expectation;
        shared_.work_bell.word.store(asleep, std::memory_order_relaxed);
        const bool is_heard = heavy_fence(shared_.has_fences).ok();  // with that in pool_publish()
        Slot* const slot = find_last();
        if (slot != nullptr) { return run(*slot); }
        if (shared_.command.load(std::memory_order_relaxed) != PoolCommand::run) { return; }
        // Another may be about to sleep on the word that we put back after the ring for all. If
        // killed here: the supervisor, which reaps us, rings.
        const bool must_go = care_.is_over() || care_.expectation() != expectation;
        if (must_go) { return ring_all_workers(shared_); }
        // Where the supervisor's death does not take us along, or a task has set up a sandbox that
        // forbids the fence, we look ourselves.
        const bool is_told = dies_with_supervisor_ && is_heard;
        const std::int64_t until = is_told ? port::kNever : port::now_ns() + port::kSliceNs;
        port::bell_wait(shared_.work_bell, asleep, port::kAnyKind, until).ignore();
    }

    std::int64_t nap_ns() const noexcept {
        return kNapNs * shared_.workers.load(std::memory_order_relaxed);
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
    std::uint32_t spins_;
    // How many tasks were submitted when find() looked last, and when this worker rested last.
    std::uint32_t seen_ = 0, rested_at_ = 0;
    std::uint32_t mine_ = 0;  // the state of the task that it claimed last, before that
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
