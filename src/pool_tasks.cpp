// The host's side of a task: a free slot, its publication, waiting for its end, giving it back.
#include "pool_slots.hpp"
#include "pool_wait.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::uint8_t code_byte(Errc code) noexcept {
    return static_cast<std::uint8_t>(code);
}

}  // namespace

Status pool_reserve(PoolCore* core, Ticket& ticket) noexcept {
    if (core == nullptr || !core->is_host()) { return PoolCore::usable(core); }
    const HostMutexHold hold(core->mutex);
    return core->closed ? Errc::pool_closed : take_slot(*core, ticket);
}

Status pool_reserve_patiently(PoolCore* core, Ticket& ticket) noexcept {
    const Status reserved = pool_reserve(core, ticket);
    if (await_room == nullptr || reserved.code() != Errc::full) { return reserved; }
    return await_room(*core, core->room_ns(), ticket);
}

void* pool_payload(PoolCore* core, Ticket ticket) noexcept {
    return core->shared->slot(ticket.slot).payload();
}

void pool_publish(PoolCore* core, Ticket ticket, Trampoline run) noexcept {
    PoolShared& shared = *core->shared;
    Slot& slot = slot_of(core, ticket);
    slot.run = run;
    const HostMutexHold hold(core->mutex);
    const std::uint32_t position = shared.submitted.load(std::memory_order_relaxed);
    slot.state.store(state_word(TaskState::ready, position), std::memory_order_release);
    // The entry that this replaces is `capacity` submissions old: its task was claimed, unless a
    // wrong hint had it passed over. Then a worker finds it before it goes to sleep.
    shared.order()[position & (shared.capacity - 1)].store(static_cast<std::uint16_t>(ticket.slot),
                                                           std::memory_order_release);
    shared.submitted.store(position + 1, std::memory_order_release);
    light_fence(shared.has_fences);  // with the workers' in Worker::rest()
    ring_worker(shared);
    if (--core->unpublished == 0 && core->closed) { begin_closing(*core); }
}

bool pool_ended(PoolCore* core, Ticket ticket) noexcept {
    return has_ended(slot_of(core, ticket).state.load(std::memory_order_acquire));
}

Errc pool_wait(PoolCore* core, Ticket ticket, Timeout timeout) noexcept {
    const std::int64_t deadline_ns = timeout.is_no_wait() ? 0 : quick_deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    if (!core->is_host()) { return Errc::wrong_process; }
    const auto has_ended = [=] { return pool_ended(core, ticket); };
    if (!timeout.is_no_wait()) {
        for (std::uint32_t spins = core->spins; !has_ended(); --spins) {
            if (spins == 0) {
                return sleep_until_ended(*core, ticket.slot, has_ended, deadline_ns);
            }
            port::cpu_relax();
        }
    }
    return look_at(*core, has_ended);
}

Status pool_outcome(PoolCore* core, Ticket ticket) noexcept {
    // In the order of TaskState.
    static constexpr std::uint8_t kOutcomes[] = {
        code_byte(Errc::not_done),         code_byte(Errc::not_done),
        code_byte(Errc::not_done),         code_byte(Errc::ok),
        code_byte(Errc::unknown_function), code_byte(Errc::worker_died),
        code_byte(Errc::task_timed_out),   code_byte(Errc::cancelled)};
    const Slot& slot = slot_of(core, ticket);
    const TaskState state = state_of(slot.state.load(std::memory_order_acquire));
    return Error(static_cast<Errc>(kOutcomes[static_cast<std::uint32_t>(state) % 8]), 0,
                 exit_code_of(slot.note.load(std::memory_order_relaxed)));
}

Status pool_collect(PoolCore* core, Ticket ticket, Timeout timeout) noexcept {
    const Errc waited = pool_wait(core, ticket, timeout);
    return waited == Errc::ok ? pool_outcome(core, ticket) : Status(waited);
}

void pool_drop(PoolCore* core, Ticket ticket) noexcept {
    if (!core->is_host()) { return; }
    bool unused = false;
    {
        const HostMutexHold hold(core->mutex);
        std::uint8_t& hold_by = core->note[ticket.slot].hold;
        const std::uint32_t word = slot_of(core, ticket).state.load(std::memory_order_acquire);
        if (hold_by == 0 && is_past(word)) {
            free_slot(*core, ticket.slot);
        } else {
            // With a callback, too: who calls that leaves the slot to the look for forgotten tasks.
            // And with a worker that is stuck in it.
            hold_by |= PoolCore::SlotNote::kForgotten;
            ++core->forgotten;
        }
        if (core->short_of_room > 0) { ring_host(*core->shared); }
        unused = core->is_unused();
    }
    if (unused) { PoolCore::release(core); }
}

std::size_t pool_payload_bytes(const PoolCore* core) noexcept {
    return core->shared->slot_bytes - Slot::kHeaderBytes;
}

std::uint32_t pool_worker_count(const PoolCore* core) noexcept {
    return core->shared->workers.load(std::memory_order_relaxed);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
