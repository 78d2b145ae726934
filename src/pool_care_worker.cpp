// A worker of a pool that takes care of its tasks.
#include "pool_care.hpp"
#include "pool_order.hpp"
#include "pool_worker.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::int64_t kNapNs = 50000;

port::Fd g_wake = port::kNoFd;
port::Pid g_supervisor = 0;

class CareByWorker {
public:
    CareByWorker(PoolCore& core, std::uint32_t index) noexcept
        : core_(core),
          shared_(*core.shared),
          care_(PoolCare::of(shared_)),
          mine_(care_.worker[index]),
          room_(care_.room(shared_, index)),
          index_(index),
          next_(core),
          tasks_left_(core.max_tasks()) {}

    /// Asked before each look for a task, and so between the end of one (there is a fence behind it
    /// in Worker::run()) and the claim of the next. So the supervisor, which looks at the task
    /// after it has stored the doom, finds that the task has ended, or the worker finds the doom:
    /// no other task is hit.
    bool is_over() const noexcept {
        return is_worn_ || mine_.doom.load(std::memory_order_relaxed) != TaskState::free ||
               index_ >= expectation();
    }
    /// What has changed when sleepers shall look again although there is no task.
    std::uint32_t expectation() const noexcept {
        return shared_.workers.load(std::memory_order_relaxed);
    }

    bool is_ordered() const noexcept { return next_.is_ordered(); }
    /// In a pool with an order, claims the next task. `everywhere`: not only among those that were
    /// submitted lately. Null if it sees none. `seen`: how many had been submitted by then.
    Slot* find(bool everywhere, std::uint32_t& seen) noexcept {
        for (;;) {
            NextTask::Found next = next_.look(everywhere || has_put_back());
            seen = next_.end();
            if (next.slot == nullptr) { return nullptr; }
            will_claim(next.state);
            // See Worker::claim(). Another may have been quicker: then it has what was next.
            const std::uint32_t claimed = state_word(TaskState::claimed, index_);
            if (next.slot->state.compare_exchange_strong(next.state, claimed,
                                                         std::memory_order_acquire)) {
                return next.slot;
            }
        }
    }
    /// If killed with a task claimed, this was of that one: the supervisor puts it back so.
    void will_claim(std::uint32_t state) noexcept {
        mine_.claiming.store(state, std::memory_order_relaxed);
    }

    /// If killed after this and before the claim: the supervisor says it anew when it replaces us.
    bool has_put_back() noexcept {
        return care_.put_back.load(std::memory_order_relaxed) != 0 &&
               care_.put_back.exchange(0, std::memory_order_acq_rel) != 0;
    }
    static bool is_put_back(const Slot& slot) noexcept {
        return deaths_of(slot.note.load(std::memory_order_relaxed)) != 0;
    }
    void may_have_more() noexcept { care_.put_back.store(1, std::memory_order_relaxed); }

    /// Where the task shall find its arguments.
    void* begin(Slot& slot) noexcept {
        const TaskTerms terms = terms_of(core_, slot);
        const std::uint32_t deaths = deaths_of(slot.note.load(std::memory_order_relaxed));
        is_worn_ = tasks_left_ != 0 && --tasks_left_ == 0;
        is_apart_ = deaths < terms.retries;
        is_timed_ = terms.ticks != 0;
        if (is_timed_) { begin_time(terms.ticks); }
        if (!is_apart_) { return slot.payload(); }
        __builtin_memcpy(room_, slot.payload(), PoolCare::room_bytes(shared_));
        return room_;
    }

    /// False: the result is not wanted any more, and neither is this worker.
    bool end(Slot& slot, bool was_run) noexcept {
        if (is_timed_) { mine_.ends.store(0, std::memory_order_release); }
        if (is_doomed()) { return false; }
        if (!is_apart_ || !was_run) { return true; }
        // If killed up to here: the arguments are as they were, and the task is run again.
        mine_.computed.store(1, std::memory_order_release);
        // If killed here: the supervisor copies.
        __builtin_memcpy(slot.payload(), room_, PoolCare::room_bytes(shared_));
        return true;
    }
    void published() noexcept {
        // If killed here: no task is claimed, and what was computed means nothing.
        if (is_apart_) { mine_.computed.store(0, std::memory_order_release); }
    }

protected:
    WorkerCare& mine() noexcept { return mine_; }
    PoolCounts& counts() noexcept { return care_.counts; }
    static void wake_supervisor() noexcept {
        if (port::write_now(g_wake, "", 1).ok()) { return; }
        // It is full, and the supervisor wakes anyway; or a task has closed it.
        port::signal_process(g_supervisor, port::kNoFd, port::kSignalChild).ignore();
    }

private:
    bool is_doomed() const noexcept {
        for (;;) {
            const TaskState doom = mine_.doom.load(std::memory_order_relaxed);
            if (doom != kDoubted) { return doom != TaskState::free; }
            // The supervisor is at it, or was killed there: then the pool is no more.
            if (port::parent_id() != g_supervisor) { port::exit_now(1); }
            port::sleep_until(port::now_ns() + kNapNs);
        }
    }

    /// If killed, or stopped, anywhere in here: the supervisor is woken by that.
    void begin_time(std::uint32_t ticks) noexcept {
        std::uint32_t ends = tick_of(port::now_ns()) + ticks;
        ends += ends == 0 ? 1 : 0;
        mine_.ticks.store(ticks, std::memory_order_relaxed);
        mine_.ends.store(ends, std::memory_order_relaxed);
        // Either we see when the supervisor will look, or it sees our end before it sleeps.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        const std::uint32_t look_at = care_.look_at.load(std::memory_order_relaxed);
        if (look_at != 0 && ticks_between(look_at, ends) >= 0) { return; }
        wake_supervisor();
    }

    PoolCore& core_;
    PoolShared& shared_;
    PoolCare& care_;
    WorkerCare& mine_;
    unsigned char* room_;
    std::uint32_t index_;
    NextTask next_;
    std::uint32_t tasks_left_;  // 0: any number
    bool is_worn_ = false, is_apart_ = false, is_timed_ = false;
};

/// Notes when it begins and ends a task. If killed anywhere in that: nobody reads what it noted.
class TimedCareByWorker : public CareByWorker {
public:
    TimedCareByWorker(PoolCore& core, std::uint32_t index) noexcept : CareByWorker(core, index) {}

    void* begin(Slot& slot) noexcept {
        begun_ns_ = port::now_ns();
        mine().begun.store(tick_of(begun_ns_), std::memory_order_relaxed);
        // If killed, or stopped, between the two: the supervisor is woken by that.
        if (counts().is_quiet.load(std::memory_order_relaxed) != 0) {
            counts().is_quiet.store(0, std::memory_order_relaxed);
            wake_supervisor();
        }
        return CareByWorker::begin(slot);
    }
    void published() noexcept {
        CareByWorker::published();
        WorkerCare& me = mine();
        me.begun.store(0, std::memory_order_relaxed);
        me.tasks.store(me.tasks.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        busy_ns_ += port::now_ns() - begun_ns_;
        const std::int64_t steps = busy_ns_ / WorkerCare::kBusyStep;
        // Who reads between the two is off by as much as they differ: some 67 ms.
        me.busy_ns.store(static_cast<std::uint32_t>(busy_ns_ % WorkerCare::kBusyStep),
                         std::memory_order_relaxed);
        me.busy_steps.store(static_cast<std::uint32_t>(steps), std::memory_order_relaxed);
    }

private:
    std::int64_t begun_ns_ = 0, busy_ns_ = 0;
};

}  // namespace

void run_timed_worker(PoolCore& core, std::uint32_t index, port::Pid supervisor,
                      port::Fd wake) noexcept {
    g_wake = wake;
    g_supervisor = supervisor;
    work<TimedCareByWorker>(core, index, supervisor);
}

void run_careful_worker(PoolCore& core, std::uint32_t index, port::Pid supervisor,
                        port::Fd wake) noexcept {
    g_wake = wake;
    g_supervisor = supervisor;
    work<CareByWorker>(core, index, supervisor);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
