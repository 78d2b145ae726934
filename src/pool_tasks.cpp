// The host's side of a task: a free slot, its publication, waiting for its end, giving it back.
#include "deadline.hpp"
#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// The host looks this often before it sleeps: some 20 us, less than a wake-up costs.
constexpr int kSpins = 500;

constexpr std::uint8_t code_byte(Errc code) noexcept {
    return static_cast<std::uint8_t>(code);
}

void free_slot(PoolCore& core, std::uint32_t index) noexcept {
    Slot& slot = core.shared->slot(index);
    slot.note.store(0, std::memory_order_relaxed);
    slot.state.store(state_word(TaskState::free), std::memory_order_relaxed);
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

/// Why a task that has not ended never will; ok if it still may.
Errc why_not(PoolCore& core) noexcept {
    const BellMutexHold hold(core.mutex);
    PoolShared& shared = *core.shared;
    const bool has_keeper = shared.has_keeper.load(std::memory_order_acquire) != 0;
    if (!has_keeper || shared.lost_keeper()) { note_supervisor_end(core); }
    if (core.supervisor != 0) { return Errc::ok; }
    return core.ended_by == Errc::ok ? Errc::pool_terminated : core.ended_by;
}

/// Tells the workers what this thread waits for, as long as it lives.
class Wanted {
public:
    Wanted(PoolCore& core, std::uint32_t index) noexcept : core_(core) {
        {
            const BellMutexHold hold(core_.mutex);
            ++core_.waiting;
            // With several threads all tasks are wanted, until nobody waits.
            core_.shared->want.store(core_.waiting == 1 ? index + 1 : kWantAny,
                                     std::memory_order_relaxed);
        }
        // With the fence in Worker::run(): either it sees what is wanted, or we see its store.
        std::atomic_thread_fence(std::memory_order_seq_cst);
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

/// Sleeps on host_bell, once, as the only thread that does, and lets the others look after that.
void listen(PoolCore& core, Ticket ticket, std::int64_t deadline_ns) noexcept {
    PoolShared& shared = *core.shared;
    // With a keeper the bell tells of the supervisor's end; without one we look ourselves.
    const bool has_keeper = shared.has_keeper.load(std::memory_order_relaxed) != 0;
    const std::uint32_t word = shared.host_bell.word.load(std::memory_order_acquire);
    if ((word & kRung) == 0 && !pool_ended(&core, ticket)) {
        const std::int64_t until = has_keeper ? deadline_ns : slice_of(deadline_ns, kLookNs);
        port::bell_wait(shared.host_bell, word, port::kAnyKind, until).ignore();
    }
    // Whatever was rung for is visible to all who look from here on; what is rung for later stays.
    shared.host_bell.word.fetch_and(~kRung, std::memory_order_acq_rel);
    core.listening.store(0, std::memory_order_release);
    core.turns.word.fetch_add(1, std::memory_order_seq_cst);
    // One who counts himself to the others after this finds the turn changed, and does not sleep.
    if (core.others.load(std::memory_order_seq_cst) != 0) {
        static_cast<void>(port::bell_ring(core.turns, port::kEverybody, port::kAnyKind));
    }
}

/// ok: the task has ended; timed_out: it still may; otherwise why it never will.
Errc look_at(PoolCore& core, Ticket ticket) noexcept {
    if (pool_ended(&core, ticket)) { return Errc::ok; }
    const Errc hopeless = why_not(core);
    if (hopeless == Errc::ok) { return Errc::timed_out; }
    return pool_ended(&core, ticket) ? Errc::ok : hopeless;
}

Errc sleep_until_ended(PoolCore& core, Ticket ticket, std::int64_t deadline_ns) noexcept {
    const Wanted wanted(core, ticket.slot);
    for (;;) {
        // Before all looks: what changes after them ends this turn.
        const std::uint32_t turn = core.turns.word.load(std::memory_order_acquire);
        const Errc seen = look_at(core, ticket);
        if (seen != Errc::timed_out || has_passed(deadline_ns)) { return seen; }
        if (core.listening.exchange(1, std::memory_order_acquire) == 0) {
            listen(core, ticket, deadline_ns);
        } else {
            core.others.fetch_add(1, std::memory_order_seq_cst);
            port::bell_wait(core.turns, turn, port::kAnyKind, deadline_ns).ignore();
            core.others.fetch_sub(1, std::memory_order_relaxed);
        }
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
    if (timeout.is_no_wait()) { return look_at(*core, ticket); }
    for (int i = 0; i < kSpins; ++i) {
        if (pool_ended(core, ticket)) { return Errc::ok; }
        port::cpu_relax();
    }
    return sleep_until_ended(*core, ticket, deadline_ns);
}

Status pool_outcome(PoolCore* core, Ticket ticket) noexcept {
    // In the order of TaskState.
    static constexpr std::uint8_t kOutcomes[] = {
        code_byte(Errc::not_done),         code_byte(Errc::not_done),
        code_byte(Errc::not_done),         code_byte(Errc::ok),
        code_byte(Errc::unknown_function), code_byte(Errc::worker_died),
        code_byte(Errc::task_timed_out),   code_byte(Errc::cancelled)};
    const Slot& slot = core->shared->slot(ticket.slot);
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
