// What a pool's host keeps: its memory, and what it knows of its supervisor's life.
#include "pool_core.hpp"

#include "fork_list.hpp"
#include "pool_announce.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

std::uint32_t power_of_two(std::uint32_t least) noexcept {
    std::uint32_t power = 1;
    while (power < least) { power *= 2; }
    return power;
}

}  // namespace

bool PoolCore::good(const PoolOptions& options) noexcept {
    const bool counts = options.workers_ <= PoolOptions::kWorkersMax && options.capacity_ >= 1 &&
                        options.capacity_ <= PoolOptions::kCapacityMax;
    return counts && options.payload_ >= 1 && options.payload_ <= PoolOptions::kPayloadMax;
}

Status PoolCore::usable(const PoolCore* core) noexcept {
    if (core == nullptr) { return Errc::closed; }
    return core->is_host() ? Status() : Status(Errc::wrong_process);
}

Status PoolCore::make(const PoolOptions& options, PoolCore*& made) noexcept {
    std::uint32_t workers = options.workers_;
    if (workers == 0) { workers = port::usable_cpus(); }
    // Too few are refused by the supervisor.
    const std::uint32_t most = options.rest_.workers_max;
    const std::uint32_t records = most > workers ? most : workers;
    const std::uint32_t capacity = power_of_two(options.capacity_);
    const auto slot_bytes =
        static_cast<std::uint32_t>((Slot::kHeaderBytes + options.payload_ + 63) / 64 * 64);
    const std::size_t own_bytes = callbacks_at(capacity) + capacity * sizeof(Callback);
    const Result<void*> mapped = port::map_private(own_bytes);
    if (!mapped.ok()) { return mapped.error(); }
    void* const own = *mapped;
    PoolCore* const core = ::new (own) PoolCore;  // zeroed pages: nothing is touched twice
    __builtin_memcpy(static_cast<void*>(&core->options), &options, sizeof options);
    std::uint32_t slots_at = 0;
    std::uint64_t bytes = PoolShared::layout(records, capacity, slot_bytes, slots_at);
    if (begin_care != nullptr) { bytes += begin_care(*core, records, capacity, slot_bytes); }
    auto shared_bytes = static_cast<std::size_t>(bytes);
    const Result<void*> both = bytes > SIZE_MAX / 2 ? Result<void*>(Errc::no_memory)
                               : map_with_blocks != nullptr
                                   ? map_with_blocks(*core, capacity, shared_bytes)
                                   : port::map_shared(shared_bytes);
    if (!both.ok()) {
        port::unmap(own, own_bytes);
        return both.error();
    }
    PoolShared* const shared = ::new (*both) PoolShared;
    core->shared = shared;
    shared->ended_by = Errc::pool_broken;
    core->shared_bytes = shared_bytes;
    core->own_bytes = own_bytes;
    core->epoch = epoch_now();
    core->spins = port::usable_cpus() > 1 ? kSpins : 0;
    shared->has_fences = join_fences();  // The supervisor and the workers inherit it.
    core->mutex.favour_caller(shared->has_fences);
    shared->workers.store(workers, std::memory_order_relaxed);
    shared->records = records;
    shared->capacity = capacity;
    shared->slot_bytes = slot_bytes;
    shared->slots_at = slots_at;
    core->watch = core->control = core->control_read = core->host_watch = port::kNoFd;
    core->free_head = kNoSlot;
    for (std::uint32_t i = capacity; i > 0; --i) {
        core->note[i - 1].next = core->free_head;
        core->free_head = i - 1;
    }
    for (port::Bell* bell : {&shared->host_bell, &shared->work_bell, &core->turns}) {
        const Status status = port::bell_init(*bell);
        if (status.ok()) { continue; }
        release(core);
        return status;
    }
    shared->host_bell.word.store(port::kBellWaiting, std::memory_order_relaxed);
    made = core;
    return Errc::ok;
}

void PoolCore::release(PoolCore* core) noexcept {
    core->mutex.wait_until_left();
    port::unmap(core->shared, core->shared_bytes);
    port::unmap(core, core->own_bytes);
}

void note_supervisor_end(PoolCore& core) noexcept {
    if (core.supervisor == 0) { return; }
    PoolShared& shared = *core.shared;
    // The system marks the bell when the keeper is dying, a moment before it can be reaped; and it
    // says itself that it will leave somebody, just before it ends.
    const bool is_ending = shared.lost_keeper() || shared.left.load(std::memory_order_acquire) != 0;
    const port::Reap how = is_ending ? port::Reap::wait : port::Reap::now;
    const Result<port::ChildState> state = port::wait_watched(core.supervisor, core.watch, how);
    if (state.ok() && !state->ended) { return; }
    core.supervisor = 0;
    // One look at each is enough: who gives his proof later sees that his parent has gone.
    for (std::uint32_t i = 0; i < shared.records; ++i) { port::proof_end(shared.worker[i].life); }
    if (core.announcer() != nullptr) { core.announcer()->clear(core); }
    if (core.ended_by == Errc::ok) { core.ended_by = shared.ended_by.code(); }
}

// If killed after the first step: the host sleeps on until the supervisor, which reaps the victim,
// rings. If that was killed as well, the system has rung. If stopped there: nobody else relies on
// this ring.
void ring_host(PoolShared& shared) noexcept {
    shared.host_bell.word.fetch_or(kRung, std::memory_order_acq_rel);
    static_cast<void>(port::bell_ring(shared.host_bell, 1, port::kAnyKind));
}

void nudge(PoolCore& core) noexcept {
    if (core.supervisor == 0) { return; }
    core.shared->told.store(1, std::memory_order_release);
    port::signal_process(core.supervisor, core.watch, port::kSignalChild).ignore();
}

void begin_closing(PoolCore& core) noexcept {
    if (core.shared->command.load(std::memory_order_relaxed) != PoolCommand::run) { return; }
    core.shared->command.store(PoolCommand::close, std::memory_order_seq_cst);
    ring_all_workers(*core.shared);  // The supervisor sees that they end,
    nudge(core);                     // or, if there is none just now, this.
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
