// The host's side of a task: a free slot, its publication, waiting for its end, giving it back.
#include "deadline.hpp"
#include "pool_core.hpp"
#include "wait_child.hpp"

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
        if (!has_ended(core.shared->slot(index).state.load(std::memory_order_acquire))) { continue; }
        --core.forgotten;
        free_slot(core, index);
        if (core.free_head != PoolCore::kNoSlot) { return; }
    }
}

/// Why a task that has not ended never will; ok if it still may. `kept`: the bell would say so.
Status why_not(PoolCore& core, bool kept) noexcept {
    const BellMutexHold hold(core.mutex);
    const std::uint32_t word = core.shared->host_bell.word.load(std::memory_order_acquire);
    if (!kept || (word & port::kBellOwnerDied) != 0) { note_supervisor_end(core); }
    if (core.supervisor != 0) { return Errc::ok; }
    return core.ended_by == Errc::ok ? Errc::pool_terminated : core.ended_by;
}

/// Announces on the bell what this thread waits for, as long as it lives.
class Wanted {
public:
    Wanted(PoolCore& core, std::uint32_t index) noexcept : core_(core) {
        const BellMutexHold hold(core_.mutex);
        ++core_.waiting;
        core_.shared->want.store(core_.waiting == 1 ? index + 1 : kWantAny,
                                 std::memory_order_relaxed);
        // Threads that wait for another task must look again when theirs is no longer named; they
        // do, since all tasks are wanted from here on until nobody waits.
    }
    ~Wanted() noexcept {
        const BellMutexHold hold(core_.mutex);
        if (--core_.waiting == 0) { core_.shared->want.store(0, std::memory_order_relaxed); }
    }
    Wanted(const Wanted&) = delete;
    Wanted& operator=(const Wanted&) = delete;

private:
    PoolCore& core_;
};

Status sleep_until_ended(PoolCore& core, Ticket ticket, std::int64_t deadline_ns) noexcept {
    PoolShared& shared = *core.shared;
    const Wanted wanted(core, ticket.slot);
    for (;;) {
        const std::uint32_t word =
            shared.host_bell.word.fetch_or(port::kBellWaiting, std::memory_order_seq_cst) |
            port::kBellWaiting;
        // With the fence in Worker::run(): either it sees what is wanted, or this sees its store.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (pool_ended(&core, ticket)) { return Errc::ok; }
        // With a keeper the bell tells of the supervisor's death; without one we look ourselves.
        const bool kept = (word & ~port::kBellWaiting) != 0;
        const Status hopeless = why_not(core, kept);
        if (!hopeless.ok()) { return pool_ended(&core, ticket) ? Status(Errc::ok) : hopeless; }
        if (has_passed(deadline_ns)) { return Errc::timed_out; }
        const std::int64_t until = kept ? deadline_ns : slice_of(deadline_ns, kLookNs);
        port::bell_wait(shared.host_bell, word, until).ignore();
    }
}

}  // namespace

Result<Ticket> pool_reserve(PoolCore* core, std::size_t bytes) noexcept {
    if (core == nullptr) { return Errc::closed; }
    if (!core->is_host()) { return Errc::wrong_process; }
    if (bytes > pool_payload_bytes(core)) {
        return Error(Errc::task_too_large, 0, static_cast<std::int64_t>(bytes));
    }
    const BellMutexHold hold(core->mutex);
    if (core->closed) { return Errc::pool_closed; }
    const std::uint32_t word = core->shared->host_bell.word.load(std::memory_order_relaxed);
    if ((word & port::kBellOwnerDied) != 0) { note_supervisor_end(*core); }
    if (core->ended_by != Errc::ok) { return core->ended_by; }
    if (core->free_head == PoolCore::kNoSlot) { sweep_forgotten(*core); }
    const std::uint32_t index = core->free_head;
    if (index == PoolCore::kNoSlot) { return Errc::full; }
    core->free_head = core->note[index].next;
    ++core->in_use;
    return Ticket{index};
}

void* pool_payload(PoolCore* core, Ticket ticket) noexcept {
    return core->shared->slot(ticket.slot).payload();
}

void pool_publish(PoolCore* core, Ticket ticket, Trampoline run) noexcept {
    PoolShared& shared = *core->shared;
    Slot& slot = shared.slot(ticket.slot);
    slot.run = run;
    slot.exit_code = 0;
    {
        const BellMutexHold hold(core->mutex);
        const std::uint32_t position = shared.submitted.load(std::memory_order_relaxed);
        slot.state.store(state_word(TaskState::ready), std::memory_order_release);
        // The entry that this replaces is `capacity` submissions old: its task was claimed, unless
        // a wrong hint had it passed over. Then a worker finds it before it goes to sleep.
        shared.order()[position & (shared.capacity - 1)].store(
            static_cast<std::uint16_t>(ticket.slot), std::memory_order_relaxed);
        shared.submitted.store(position + 1, std::memory_order_release);
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);  // with the workers' in Worker::rest()
    ring_worker(shared);
}

bool pool_ended(PoolCore* core, Ticket ticket) noexcept {
    return has_ended(core->shared->slot(ticket.slot).state.load(std::memory_order_acquire));
}

Status pool_wait(PoolCore* core, Ticket ticket, Timeout timeout) noexcept {
    const Result<std::int64_t> deadline = deadline_of(timeout);
    if (!deadline.ok()) { return deadline.error(); }
    if (!core->is_host()) { return Errc::wrong_process; }
    for (int i = 0; i < kSpins; ++i) {
        if (pool_ended(core, ticket)) { return Errc::ok; }
        if (timeout.is_no_wait()) { break; }
        port::cpu_relax();
    }
    return sleep_until_ended(*core, ticket, *deadline);
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
