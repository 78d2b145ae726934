// The supervisor of a pool that takes care of its tasks.
#include "pool_announce.hpp"
#include "pool_care.hpp"
#include "pool_stuck.hpp"
#include "pool_supervisor.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

class Care {
public:
    static constexpr bool kHeedsPauses = true;

    explicit Care(PoolCore& core) noexcept
        : core_(core),
          shared_(*core.shared),
          care_(PoolCare::of(shared_)),
          stuck_(shared_, care_) {}

    /// Why the pool cannot be as it was asked for; ok if it can, and is announced if it shall be.
    Status check() const noexcept {
        const std::uint32_t most = core_.workers_max();
        const bool fits = most == 0 ||
                          (most == shared_.records && most <= PoolOptions::kWorkersMax);
        if (!fits || core_.max_tasks() == UINT32_MAX || core_.order() > Order::shortest_first) {
            return Errc::bad_argument;
        }
        const Errc wishes = check_wishes({core_.terms(), core_.room_ns()});
        const Announcer* const announcer = core_.announcer();
        return wishes != Errc::ok || announcer == nullptr ? wishes : announcer->begin(core_);
    }

    void will_start(std::uint32_t index) noexcept {
        WorkerCare& worker = care_.worker[index];
        const bool was_there = worker.marks.load(std::memory_order_relaxed) != 0;
        ::new (&worker) WorkerCare();
        worker.marks.store(WorkerCare::kWasThere, std::memory_order_relaxed);
        if (was_there) { care_.counts.replaced.fetch_add(1, std::memory_order_relaxed); }
        // The one before may have been killed between its look at this and its claim.
        care_.put_back.store(1, std::memory_order_release);
    }
    [[noreturn]] static void run_worker(PoolCore& core, std::uint32_t index, port::Pid supervisor,
                                        port::Fd wake) noexcept {
        if (core.announcer() != nullptr) { core.announcer()->forget(); }
        const RunWorker timed = core.timed_worker();
        if (timed != nullptr) { timed(core, index, supervisor, wake); }
        run_careful_worker(core, index, supervisor, wake);
    }

    /// The supervisor ends in order.
    void will_end() noexcept {
        if (core_.announcer() != nullptr) { core_.announcer()->end(); }
    }

    /// The worker of that index has been reaped, or was set aside, and had claimed the task. False:
    /// it died in it, and that is all.
    bool ends_otherwise(Slot& slot, std::uint32_t index) noexcept {
        WorkerCare& worker = care_.worker[index];
        const std::uint32_t above = is_stuck(index) ? above_ : 0;
        if (worker.computed.load(std::memory_order_acquire) != 0) {
            __builtin_memcpy(slot.payload(), care_.room(shared_, index),
                             PoolCare::room_bytes(shared_));
            slot.state.store(state_word(TaskState::done, above), std::memory_order_release);
            return true;
        }
        TaskState how = worker.doom.load(std::memory_order_relaxed);
        const std::uint32_t note = slot.note.load(std::memory_order_relaxed);
        if ((note & kCancelled) != 0) { how = TaskState::cancelled; }
        if (how != TaskState::free) {
            slot.state.store(state_word(how, above), std::memory_order_release);
            return true;
        }
        if (deaths_of(note) >= terms_of(core_, slot).retries) { return false; }
        slot.note.fetch_add(kOneDeath, std::memory_order_relaxed);
        put_back(slot, worker.claiming.load(std::memory_order_relaxed));
        return true;
    }

    /// The host said something: that a task shall be cancelled; that the pool is closed, which
    /// those of its threads who wait for room shall hear; or that it shall have other workers, as
    /// for which this is true.
    bool was_told() noexcept {
        if (shared_.told.exchange(0, std::memory_order_acquire) == 0) { return false; }
        ring_host(shared_);
        for (std::uint32_t i = 0; i < shared_.capacity; ++i) {
            Slot& slot = shared_.slot(i);
            if (!is_unwanted(slot)) { continue; }
            // Before a worker claims it, the host itself cancels it, or put_back() has.
            const std::uint32_t seen = slot.state.load(std::memory_order_acquire);
            if (state_of(seen) != TaskState::claimed) { continue; }
            doom(seen >> kStateBits, TaskState::cancelled, [&] {
                // The note after the state: of the same use of the slot.
                return slot.state.load(std::memory_order_acquire) == seen && is_unwanted(slot);
            });
        }
        return true;
    }

    /// Whether the worker of that index is stuck; then it is one of the StuckWorkers now.
    bool set_aside(std::uint32_t index) noexcept {
        if (pid_of(index) == 0 || !is_stuck(index)) { return false; }
        above_ = stuck_.add(index, pid_of(index));
        return true;
    }
    bool may_start(std::uint32_t living) noexcept { return stuck_.may_start(living); }
    port::Pid any_stuck() noexcept { return stuck_.any(); }
    bool reap_stuck() noexcept { return stuck_.reap(); }

    /// A signal said that we were stopped, and go on.
    static void note_pause() noexcept { was_paused_.store(1, std::memory_order_relaxed); }

    /// Ends tasks that have had their time. Until when there is nothing else to do.
    std::int64_t look() noexcept {
        const std::int64_t now_ns = port::now_ns();
        const std::uint32_t now = tick_of(now_ns);
        const bool was_paused = was_paused_.exchange(0, std::memory_order_relaxed) != 0;
        std::int64_t until_ns = core_.at_look != nullptr ? core_.at_look(core_, now_ns)
                                                         : port::kNever;
        std::uint32_t linger = 0;
        for (std::uint32_t index = 0; index < shared_.records; ++index) {
            WorkerCare& worker = care_.worker[index];
            if (pid_of(index) == 0) { continue; }
            const std::uint32_t ticks = worker.ticks.exchange(0, std::memory_order_relaxed);
            if (ticks != 0 && (linger == 0 || ticks < linger)) { linger = ticks; }
            if (worker.kill_at_ns == 0) { enforce(index, now, was_paused); }
            judge(index, now_ns);
            const std::int64_t kill_at_ns = worker.kill_at_ns;
            if (kill_at_ns != 0 && kill_at_ns < until_ns) { until_ns = kill_at_ns; }
        }
        last_look_ = now;
        const std::uint32_t next = plan(now, linger == 0 ? 0 : now + linger);
        if (next == 0) { return until_ns; }
        const std::int64_t ticks = ticks_between(now, next) + std::int64_t{1};
        const std::int64_t next_ns = now_ns + (ticks < 1 ? 1 : ticks) * (1 << kTickShift);
        return next_ns < until_ns ? next_ns : until_ns;
    }

private:
    port::Pid pid_of(std::uint32_t index) const noexcept {
        return shared_.worker[index].pid.load(std::memory_order_relaxed);
    }
    static bool is_unwanted(const Slot& slot) noexcept {
        return (slot.note.load(std::memory_order_relaxed) & kCancelled) != 0;
    }

    /// Lets the workers, who are rung for after each death, have it again. `ready`: its state when
    /// it was claimed, of which the number is unlike that of any other use of the slot.
    void put_back(Slot& slot, std::uint32_t ready) noexcept {
        slot.state.store(ready, std::memory_order_release);
        care_.put_back.store(1, std::memory_order_release);
        // The host may have wished to cancel it, and found it still claimed: then we see that now.
        // If a worker was quicker, it is told as others are that run.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (!is_unwanted(slot)) { return; }
        slot.state.compare_exchange_strong(ready, state_word(TaskState::cancelled),
                                           std::memory_order_acq_rel);
    }

    /// Ends a worker because of the task that it is in, if `is_still` so. The order, against that
    /// of the worker (see CareByWorker::is_over()), keeps any other task from harm.
    template <class F>
    void doom(std::uint32_t index, TaskState how, const F& is_still) noexcept {
        WorkerCare& worker = care_.worker[index];
        if (worker.doom.load(std::memory_order_relaxed) != TaskState::free) { return; }
        worker.doom.store(kDoubted, std::memory_order_relaxed);
        // Never refused: the host tried it out, and no code of others runs in this process.
        heavy_fence(shared_.has_fences).ignore();
        // From here on it begins no other task. If it sees the doubt between two tasks, it ends in
        // order and is replaced; if it does with a result in its hands, it waits for what follows.
        const bool is_true = is_still();
        worker.doom.store(is_true ? how : TaskState::free, std::memory_order_relaxed);
        if (!is_true) { return; }
        port::signal_process(pid_of(index), port::kNoFd, kTerminate).ignore();
        worker.kill_at_ns = port::now_ns() + kGraceNs;
    }

    /// Who was asked to end is killed after a while, and is stuck after another.
    void judge(std::uint32_t index, std::int64_t now_ns) noexcept {
        WorkerCare& worker = care_.worker[index];
        if (worker.kill_at_ns == 0 || now_ns < worker.kill_at_ns) { return; }
        worker.kill_at_ns = now_ns + kGraceNs;
        if (worker.kills.load(std::memory_order_relaxed) == WorkerCare::kWasKilled) {
            worker.kills.store(WorkerCare::kIsStuck, std::memory_order_relaxed);
            return;
        }
        // Where the system refuses, it may go on: then it is not stuck, and we try again.
        if (!port::signal_process(pid_of(index), port::kNoFd, kKill).ok()) { return; }
        worker.kills.store(WorkerCare::kWasKilled, std::memory_order_relaxed);
    }
    bool is_stuck(std::uint32_t index) const noexcept {
        return care_.worker[index].kills.load(std::memory_order_relaxed) == WorkerCare::kIsStuck;
    }

    /// Dooms a worker whose task has had its time.
    void enforce(std::uint32_t index, std::uint32_t now, bool was_paused) noexcept {
        WorkerCare& worker = care_.worker[index];
        const std::uint32_t ends = worker.ends.load(std::memory_order_acquire);
        if (ends == 0) { return; }
        if (ends != worker.seen_ends) {
            worker.seen_ends = ends;
            worker.extension = 0;
        }
        // How long we were stopped ourselves is not known: no longer than since the last look.
        const std::uint32_t since = was_paused ? last_look_ : now;
        if (port::is_stopped(pid_of(index))) {
            if (worker.paused_at == 0) { worker.paused_at = since; }
            return;  // We are told when it goes on, as we were told that it stopped.
        }
        worker.extension += now - (worker.paused_at != 0 ? worker.paused_at : since);
        worker.paused_at = 0;
        if (ticks_between(end_of(worker), now) < 0) { return; }
        doom(index, TaskState::timed_out,
             [&] { return worker.ends.load(std::memory_order_acquire) == ends; });
    }
    static std::uint32_t end_of(const WorkerCare& worker) noexcept {
        return worker.seen_ends + worker.extension;
    }

    /// When to look again: when the first task has had its time, or at `latest` (0: never), so that
    /// workers with many short tasks need not tell us of each. Says so, and then makes sure that no
    /// worker missed that.
    std::uint32_t plan(std::uint32_t now, std::uint32_t latest) noexcept {
        for (std::uint32_t next = latest;;) {
            care_.look_at.store(next, std::memory_order_relaxed);
            std::atomic_thread_fence(std::memory_order_seq_cst);
            const std::uint32_t first = first_end(now, next);
            if (first == next) { return next; }
            next = first;
        }
    }
    std::uint32_t first_end(std::uint32_t now, std::uint32_t first) noexcept {
        for (std::uint32_t index = 0; index < shared_.records; ++index) {
            const WorkerCare& worker = care_.worker[index];
            std::uint32_t ends = worker.ends.load(std::memory_order_relaxed);
            const bool is_held = worker.paused_at != 0 || worker.kill_at_ns != 0;
            if (ends == 0 || is_held || pid_of(index) == 0) { continue; }
            if (ends == worker.seen_ends) { ends = end_of(worker); }
            if (ends == 0) { ends = 1; }
            if (first == 0 || ticks_between(now, ends) < ticks_between(now, first)) {
                first = ends;
            }
        }
        return first;
    }

    static inline std::atomic<std::uint32_t> was_paused_{0};
    std::uint32_t last_look_ = 0;
    std::uint32_t above_ = 0;  // the state of the task of whom set_aside() was for
    PoolCore& core_;
    PoolShared& shared_;
    PoolCare& care_;
    StuckWorkers stuck_;
};

}  // namespace

void supervise_with_care(PoolCore& core, port::Pid host) noexcept {
    supervise<Care>(core, host);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
