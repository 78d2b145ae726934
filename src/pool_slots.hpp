// Free slots of the pool's table, as the host hands them out.
#ifndef BROOD_SRC_POOL_SLOTS_HPP
#define BROOD_SRC_POOL_SLOTS_HPP

#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// By the payload behind it: one place that computes where slots are makes the others smaller.
inline Slot& slot_of(PoolCore* core, Ticket ticket) noexcept {
    return static_cast<Slot*>(pool_payload(core, ticket))[-1];
}

inline void free_slot(PoolCore& core, std::uint32_t index) noexcept {
    if (core.at_free != nullptr) { core.at_free(core, index); }
    Slot& slot = slot_of(&core, Ticket{index});
    slot.note.store(0, std::memory_order_relaxed);
    slot.state.store(state_word(TaskState::free), std::memory_order_relaxed);
    core.note[index].hold = 0;
    core.note[index].next = core.free_head;
    core.free_head = index;
    --core.in_use;
}

/// Frees forgotten tasks that have ended, until it finds one or was once around.
inline void sweep_forgotten(PoolCore& core) noexcept {
    const std::uint32_t capacity = core.shared->capacity;
    for (std::uint32_t i = 0; i < capacity && core.forgotten > 0; ++i) {
        const std::uint32_t index = core.sweep_at++ & (capacity - 1);
        if (core.note[index].hold != PoolCore::SlotNote::kForgotten) { continue; }
        const Slot& slot = slot_of(&core, Ticket{index});
        if (!is_past(slot.state.load(std::memory_order_acquire))) { continue; }
        --core.forgotten;
        free_slot(core, index);
        if (core.free_head != PoolCore::kNoSlot) { return; }
    }
}

/// A slot for a task that is about to be filled. Call with the mutex. Errors: full, and how the
/// pool ended.
[[gnu::always_inline]] inline Errc take_slot(PoolCore& core, Ticket& ticket) noexcept {
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

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
