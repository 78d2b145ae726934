// The host's side of a task: a free slot, its publication, waiting for its end, giving it back.
#include "pool_wait.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// The host looks this often before it sleeps: some 20 us, less than a wake-up costs.
constexpr int kSpins = 500;

void free_slot(PoolCore& core, std::uint32_t index) noexcept {
    core.shared->slot(index).state.store(state_word(TaskState::free), std::memory_order_relaxed);
    core.note[index].is_forgotten = false;
    core.note[index].next = core.free_head;
    core.free_head = index;
    --core.in_use;
}

/// Frees forgotten tasks that have ended, until it finds one or was once around.
void sweep_forgotten(PoolCore& core) noexcept {
    const std::uint32_t capacity = core.shared->capacity;
    for (std::uint32_t i = 0; i < capacity && core.forgotten > 0; ++i) {
        const std::uint32_t index = core.sweep_at++ & (capacity - 1);
        if (!core.note[index].is_forgotten) { continue; }
        if (!has_ended(core.shared->slot(index).state.load(std::memory_order_acquire))) {
            continue;
        }
        --core.forgotten;
        free_slot(core, index);
        if (core.free_head != PoolCore::kNoSlot) { return; }
    }
}

/// Call with the mutex.
Errc take_slot(PoolCore& core, Ticket& ticket) noexcept {
    if (core.closed) { return Errc::pool_closed; }
    if (core.shared->lost_keeper()) { note_supervisor_end(core); }
    if (core.ended_by != Errc::ok) { return core.ended_by; }
    if (core.free_head == PoolCore::kNoSlot) { sweep_forgotten(core); }
    const std::uint32_t index = core.free_head;
    if (index == PoolCore::kNoSlot) { return Errc::full; }
    ticket.slot = index;
    core.free_head = core.note[index].next;
    ++core.in_use;
    ++core.unpublished;
    return Errc::ok;
}

}  // namespace

Status pool_reserve(PoolCore* core, std::size_t bytes, Ticket& ticket) noexcept {
    const Errc usable = PoolCore::usable(core);
    if (usable != Errc::ok) { return usable; }
    if (bytes > pool_payload_bytes(core)) {
        return Error(Errc::task_too_large, 0, static_cast<std::int64_t>(bytes));
    }
    const BellMutexHold hold(core->mutex);
    return take_slot(*core, ticket);
}

void* pool_payload(PoolCore* core, Ticket ticket) noexcept {
    return core->shared->slot(ticket.slot).payload();
}

void pool_publish(PoolCore* core, Ticket ticket, Trampoline run) noexcept {
    PoolShared& shared = *core->shared;
    Slot& slot = shared.slot(ticket.slot);
    slot.run = run;
    slot.exit_code = 0;
    const BellMutexHold hold(core->mutex);
    const std::uint32_t position = shared.submitted.load(std::memory_order_relaxed);
    slot.state.store(state_word(TaskState::ready), std::memory_order_release);
    // The entry that this replaces is `capacity` submissions old: its task was claimed, unless a
    // wrong hint had it passed over. Then a worker finds it before it goes to sleep.
    shared.order()[position & (shared.capacity - 1)].store(static_cast<std::uint16_t>(ticket.slot),
                                                           std::memory_order_relaxed);
    shared.submitted.store(position + 1, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // with the workers' in Worker::rest()
    ring_worker(shared);
    if (--core->unpublished == 0 && core->closed) { begin_closing(*core); }
}

bool pool_ended(PoolCore* core, Ticket ticket) noexcept {
    return has_ended(core->shared->slot(ticket.slot).state.load(std::memory_order_acquire));
}

Errc pool_wait(PoolCore* core, Ticket ticket, Timeout timeout) noexcept {
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    if (!core->is_host()) { return Errc::wrong_process; }
    const auto has_ended = [=] { return pool_ended(core, ticket); };
    if (timeout.is_no_wait()) { return look_at(*core, has_ended); }
    for (int i = 0; i < kSpins; ++i) {
        if (has_ended()) { return Errc::ok; }
        port::cpu_relax();
    }
    return sleep_until_ended(*core, ticket.slot, has_ended, deadline_ns);
}

Status pool_outcome(PoolCore* core, Ticket ticket) noexcept {
    const Slot& slot = core->shared->slot(ticket.slot);
    switch (state_of(slot.state.load(std::memory_order_acquire))) {
        case TaskState::done: return Errc::ok;
        case TaskState::died: return Error(Errc::worker_died, 0, slot.exit_code);
        case TaskState::refused: return Errc::unknown_function;
        default: return Errc::not_done;
    }
}

Status pool_collect(PoolCore* core, Ticket ticket, Timeout timeout) noexcept {
    const Errc waited = pool_wait(core, ticket, timeout);
    return waited == Errc::ok ? pool_outcome(core, ticket) : Status(waited);
}

void pool_drop(PoolCore* core, Ticket ticket) noexcept {
    if (!core->is_host()) { return; }
    bool unused = false;
    {
        const BellMutexHold hold(core->mutex);
        if (pool_ended(core, ticket)) {
            free_slot(*core, ticket.slot);
        } else {
            core->note[ticket.slot].is_forgotten = true;
            ++core->forgotten;
        }
        unused = core->is_unused();
    }
    if (unused) { PoolCore::release(core); }
}

std::size_t pool_payload_bytes(const PoolCore* core) noexcept {
    return core->shared->slot_bytes - Slot::kHeaderBytes;
}

std::uint32_t pool_worker_count(const PoolCore* core) noexcept {
    return core->shared->workers;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
