// What the host asks of a pool that takes care of its tasks: how long, how often, and no more.
#include "pool_care.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

static_assert(sizeof(TaskTerms) == 8 && alignof(TaskTerms) <= 8, "an array of them is shared");

std::uint64_t care_bytes(std::uint32_t workers, std::uint32_t capacity,
                         std::uint32_t slot_bytes) noexcept {
    return sizeof(PoolCare) + std::uint64_t{workers - 1} * sizeof(WorkerCare) +
           std::uint64_t{workers} * slot_bytes + std::uint64_t{capacity} * sizeof(TaskTerms);
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

Errc check_terms(const TaskTerms& terms) noexcept {
    if (terms.ticks == kTicksNegative) { return Errc::timeout_negative; }
    if (terms.ticks == kTicksOverflow) { return Errc::timeout_overflow; }
    return terms.retries > kRetriesMax ? Errc::bad_argument : Errc::ok;
}

Status pool_reserve_on(PoolCore* core, TaskTerms terms, Ticket& ticket) noexcept {
    const Errc usable = PoolCore::usable(core);
    if (usable != Errc::ok) { return usable; }
    if (terms.ticks == kAsThePool) { terms.ticks = core->terms().ticks; }
    if (terms.retries == kAsThePool) { terms.retries = core->terms().retries; }
    const Errc acceptable = check_terms(terms);
    if (acceptable != Errc::ok) { return acceptable; }
    const Status reserved = pool_reserve(core, ticket);
    if (!reserved.ok()) { return reserved; }
    PoolShared& shared = *core->shared;
    PoolCare::of(shared).terms(shared, ticket.slot) = terms;
    shared.slot(ticket.slot).note.store(kOwnTerms, std::memory_order_relaxed);
    return Errc::ok;
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
        return true;
    }
    if (has_ended(seen)) { return false; }
    const BellMutexHold hold(core->mutex);
    note_supervisor_end(*core);
    if (core->supervisor == 0) { return false; }
    PoolCare::of(*core->shared).told.store(1, std::memory_order_release);
    nudge(*core);
    return true;
}

}  // namespace detail

// Defined here, not in the header: who calls one of them links the care.
PoolOptions& PoolOptions::max_tasks_per_child(std::uint32_t tasks) noexcept {
    rest_.max_tasks = tasks == 0 ? UINT32_MAX : tasks;
    return *this;
}

PoolOptions& PoolOptions::retries(std::uint32_t times) noexcept {
    rest_.terms.retries = times;
    return *this;
}

PoolOptions& PoolOptions::task_timeout(Timeout timeout) noexcept {
    rest_.terms.ticks = detail::ticks_of(timeout);
    return *this;
}

}  // namespace v0
}  // namespace brood
