// What the host asks of a pool that takes care of its tasks: how long, how often, when, no more.
#include "pool_care.hpp"
#include "pool_order.hpp"
#include "pool_pollable.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

namespace {

void give_terms(PoolCore* core, Ticket ticket, const Settled& settled) noexcept {
    PoolShared& shared = *core->shared;
    PoolCare& care = PoolCare::of(shared);
    care.terms(shared, ticket.slot) = settled.terms;
    care.weight(shared, ticket.slot).store(settled.weight, std::memory_order_relaxed);
    shared.slot(ticket.slot).note.store(kOwnTerms, std::memory_order_relaxed);
}

}  // namespace

static_assert(sizeof(TaskTerms) == 8 && alignof(TaskTerms) <= 8, "an array of them is shared");

std::uint64_t begin_care(PoolCore& core, std::uint32_t records, std::uint32_t capacity,
                         std::uint32_t slot_bytes) noexcept {
    if (begin_stats != nullptr) { begin_stats(core); }
    return sizeof(PoolCare) + std::uint64_t{records - 1} * sizeof(WorkerCare) +
           std::uint64_t{records} * slot_bytes +
           std::uint64_t{capacity} * (sizeof(TaskTerms) + sizeof(std::uint32_t)) +
           std::uint64_t{records} * 2 * sizeof(StuckWorker);
}

PoolCounts& counts_of(PoolShared& shared) noexcept {
    return PoolCare::of(shared).counts;
}

void run_careful_supervisor(PoolCore& core, port::Pid host) noexcept {
    supervise_with_care(core, host);
}

// Of a part of a tick that has begun nothing may be left: so it is one more than needed.
std::uint32_t ticks_of(Timeout timeout) noexcept {
    if (timeout.is_forever()) { return 0; }
    if (timeout.is_negative()) { return kTicksNegative; }
    if (timeout.is_overflow()) { return kTicksOverflow; }
    const std::int64_t ticks = (timeout.nanoseconds() >> kTickShift) + 2;
    return ticks > kTicksMax ? kTicksOverflow : static_cast<std::uint32_t>(ticks);
}

Errc check_wishes(const TaskWishes& wishes) noexcept {
    const TaskTerms& terms = wishes.terms;
    if (terms.ticks == kTicksNegative || wishes.room_ns == kRoomNegative) {
        return Errc::timeout_negative;
    }
    if (terms.ticks == kTicksOverflow || wishes.room_ns == kRoomOverflow) {
        return Errc::timeout_overflow;
    }
    return terms.retries > kRetriesMax ? Errc::bad_argument : Errc::ok;
}

Errc pool_settle(const PoolCore* core, const TaskWishes& wishes, Settled& settled) noexcept {
    TaskWishes all = wishes;
    if (all.terms.ticks == kAsThePool) { all.terms.ticks = core->terms().ticks; }
    if (all.terms.retries == kAsThePool) { all.terms.retries = core->terms().retries; }
    if (all.room_ns == kWaitAsThePool) { all.room_ns = core->room_ns(); }
    const Errc acceptable = check_wishes(all);
    if (acceptable != Errc::ok) { return acceptable; }
    settled.terms = all.terms;
    settled.give = &give_terms;
    return weigh(*core, all, settled.weight);
}

Status pool_reserve_on(PoolCore* core, const TaskWishes& wishes, Ticket& ticket) noexcept {
    const Status usable = PoolCore::usable(core);
    if (!usable.ok()) { return usable; }
    Settled settled;
    const Errc acceptable = pool_settle(core, wishes, settled);
    if (acceptable != Errc::ok) { return acceptable; }
    const bool as_the_pool = wishes.room_ns == kWaitAsThePool;
    Status reserved = pool_reserve(core, ticket);
    if (reserved.code() == Errc::full) {
        reserved = await_room(*core, as_the_pool ? core->room_ns() : wishes.room_ns, ticket);
    }
    if (reserved.ok()) { give_terms(core, ticket, settled); }
    return reserved;
}

Result<bool> pool_cancel(PoolCore* core, Ticket ticket) noexcept {
    if (!core->is_host()) { return Errc::wrong_process; }
    if (pool_ended(core, ticket)) { return false; }
    Slot& slot = core->shared->slot(ticket.slot);
    // First the wish, then the look. Who finds the task claimed knows that the supervisor will find
    // the wish: when it is told, or when it puts the task back because the claimant has died.
    slot.note.fetch_or(kCancelled, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // with that in put_back()
    std::uint32_t seen = slot.state.load(std::memory_order_acquire);
    if (state_of(seen) == TaskState::ready &&
        slot.state.compare_exchange_strong(seen, state_word(TaskState::cancelled),
                                           std::memory_order_acq_rel)) {
        if (core->pollable() == nullptr) { return true; }
        const HostMutexHold hold(core->mutex);
        core->pollable()->recall(*core);
        return true;
    }
    if (has_ended(seen)) { return false; }
    const HostMutexHold hold(core->mutex);
    note_supervisor_end(*core);
    if (core->supervisor == 0) { return false; }
    nudge(*core);
    return true;
}

}  // namespace detail

// If the host is killed in here: the pool ends with it. Those who shall leave hear of it between
// two tasks, or are woken; the supervisor is told for those who shall come. Who of the first is
// killed, or stopped, costs the others nothing.
Status Pool::resize(std::uint32_t workers) noexcept {
    const Status usable = detail::PoolCore::usable(core_);
    if (!usable.ok()) { return usable; }
    detail::PoolShared& shared = *core_->shared;
    if (workers == 0 || workers > shared.records) {
        return Error(Errc::bad_argument, 0, shared.records);
    }
    const detail::HostMutexHold hold(core_->mutex);
    if (core_->closed) { return Errc::pool_closed; }
    detail::note_supervisor_end(*core_);
    if (core_->ended_by != Errc::ok) { return core_->ended_by; }
    shared.workers.store(workers, std::memory_order_seq_cst);
    detail::ring_all_workers(shared);
    detail::nudge(*core_);
    return Errc::ok;
}

// Defined here, not in the header: who calls one of them links the care.
PoolOptions& PoolOptions::max_tasks_per_child(std::uint32_t tasks) noexcept {
    rest_.max_tasks = tasks == 0 ? UINT32_MAX : tasks;
    return *this;
}

PoolOptions& PoolOptions::retries(std::uint32_t times) noexcept {
    rest_.terms.retries = times;
    return *this;
}

PoolOptions& PoolOptions::order(Order order) noexcept {
    rest_.order = order;
    return *this;
}

// One that cannot be is made one too many: memory is allocated before it is refused.
PoolOptions& PoolOptions::workers_max(std::uint32_t count) noexcept {
    rest_.workers_max = count == 0 || count > kWorkersMax ? kWorkersMax + 1 : count;
    return *this;
}

PoolOptions& PoolOptions::submit_timeout(Timeout timeout) noexcept {
    rest_.room_ns = detail::room_ns_of(timeout);
    return *this;
}

PoolOptions& PoolOptions::task_timeout(Timeout timeout) noexcept {
    rest_.terms.ticks = detail::ticks_of(timeout);
    return *this;
}

}  // namespace v0
}  // namespace brood
