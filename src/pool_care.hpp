// What a pool may do for its tasks beyond what every pool does: time-outs, retries, cancelling, and
// workers that end after so many tasks. Only programs that ask for some of it link it; their pools
// have all of it. It costs a task for which nothing was asked some loads of words that hardly ever
// change, and no locked operation.
#ifndef BROOD_SRC_POOL_CARE_HPP
#define BROOD_SRC_POOL_CARE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

// The lower half of Slot::note. All 0 in a free slot.
inline constexpr std::uint32_t kOwnTerms = 1;    // by the host: PoolCare::terms() are those of it
inline constexpr std::uint32_t kCancelled = 2;   // by the host, once it is published
inline constexpr std::uint32_t kOneDeath = 256;  // by the supervisor: workers died in it, counted

constexpr std::uint32_t deaths_of(std::uint32_t note) noexcept {
    return note / kOneDeath % 256;
}

// Time is counted in ticks of 2^20 ns, of which 32 bits are kept: what is more than 2^31 of them
// apart (26 days) is not told from what is not. 0 is no tick.
inline constexpr std::uint32_t kTicksMax = 1u << 30;
inline constexpr int kTickShift = 20;

inline std::uint32_t tick_of(std::int64_t ns) noexcept {
    const auto tick = static_cast<std::uint32_t>(ns >> kTickShift);
    return tick == 0 ? 1 : tick;
}
/// From `early` to `late`; negative if that is the earlier.
inline std::int32_t ticks_between(std::uint32_t early, std::uint32_t late) noexcept {
    return static_cast<std::int32_t>(late - early);
}

// In TaskTerms::ticks, instead: what was asked for cannot be.
inline constexpr std::uint32_t kTicksNegative = UINT32_MAX;
inline constexpr std::uint32_t kTicksOverflow = UINT32_MAX - 1;
inline constexpr std::uint32_t kRetriesMax = 255;

// In TaskWishes::room_ns, instead.
inline constexpr std::int64_t kRoomNegative = -1;
inline constexpr std::int64_t kRoomOverflow = -2;

/// ok, timeout_negative, timeout_overflow, bad_argument.
Errc check_wishes(const TaskWishes& wishes) noexcept;

inline constexpr TaskState kDoubted = TaskState::ready;

/// What a worker and the supervisor tell each other.
struct alignas(64) WorkerCare {
    // Written by the worker.
    std::atomic<std::uint32_t> ends;      // when its task has had its time; 0: it has no end
    std::atomic<std::uint32_t> ticks;     // how long a task with an end had lately
    std::atomic<std::uint32_t> computed;  // 1: the result is in its room, and belongs in the slot
    std::atomic<std::uint32_t> claiming;  // what was in Slot::state before its last try to claim

    // The same, in a pool that is timed(). What a dead one had written is not read.
    std::atomic<std::uint32_t> begun;                // when it began its task; 0: it has none
    std::atomic<std::uint32_t> busy_steps, busy_ns;  // how long its tasks took: see kBusyStep
    std::atomic<std::uint32_t> tasks;                // that it has ended, wraps

    // Written by the supervisor: how the task of the worker shall have ended. free: as it likes.
    // Who sees anything else at himself takes no task any more. kDoubted: whether it is still that
    // task is not known yet, and who would publish a result waits until it is.
    std::atomic<TaskState> doom;

    // The supervisor's own.
    std::uint32_t paused_at;  // since when it is known to be stopped; 0: it is not
    std::uint32_t seen_ends;  // the `ends` to which `extension` belongs
    std::uint32_t extension;  // how long its task was stopped
    std::int64_t kill_at_ns;  // it was asked to end, and is not asked any more; 0: it was not asked

    // The same, for Pool::stats(), too.
    std::atomic<std::uint32_t> kills;               // kWasKilled, and then kIsStuck
    static constexpr std::uint32_t kWasKilled = 1;  // it was sent SIGKILL
    static constexpr std::uint32_t kIsStuck = 2;   // and has not ended in its time: see StuckWorker
    std::atomic<std::uint32_t> marks;              // kWasThere, kIsStopped
    static constexpr std::uint32_t kWasThere = 1;  // not the first of this index
    static constexpr std::uint32_t kIsStopped = 2;  // by a signal

    static constexpr std::int64_t kBusyStep = 1 << 26;
};
static_assert(sizeof(WorkerCare) == 64, "a cache line, and no more memory for it");

/// A worker that SIGKILL has not ended in its time: see pool_stuck.hpp.
struct StuckWorker {
    std::atomic<std::int32_t> pid;  // 0: none
    std::uint32_t index;            // its place before
};

/// Tasks that have ended and whose slots were given back, by how they ended. Written by the host,
/// with its mutex: no worker's death can lose one. Who reads it without may, in the moment of a
/// carry once in 2^32 tasks, be off by as many.
struct EndCounts {
    static constexpr std::uint32_t kStates = 8;
    std::atomic<std::uint32_t> low[kStates], high[kStates];

    void add(TaskState state) noexcept {
        const auto at = static_cast<std::uint32_t>(state) % kStates;
        const std::uint32_t count = low[at].load(std::memory_order_relaxed) + 1;
        low[at].store(count, std::memory_order_relaxed);
        if (count == 0) {
            high[at].store(high[at].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
    }
    std::uint64_t of(std::uint32_t at) const noexcept {
        return std::uint64_t{high[at].load(std::memory_order_relaxed)} << 32 |
               low[at].load(std::memory_order_relaxed);
    }
};

/// What is counted for Pool::stats(), beyond what the slots and the workers' records say.
struct PoolCounts {
    alignas(64) EndCounts ends;
    // By the host: the numbers of the submissions with which the maps at work begin and will end.
    // Two threads that begin maps at once may foresee only one.
    alignas(64) std::atomic<std::uint32_t> map_from;
    std::atomic<std::uint32_t> map_to;
    std::atomic<std::uint32_t> replaced;  // by the supervisor
    std::atomic<std::uint32_t> is_quiet;  // 1: who begins a task wakes the supervisor
};

/// What the supervisor of an announced pool has made (pool_announce.cpp), for the host, which may
/// outlive it. Written by the supervisor.
struct Announced {
    std::atomic<std::uint32_t> is_there;  // 1: the rest is whole
    port::ObjectIdentity identity;
    char name[48];
};

/// In shared memory, behind the slots.
struct PoolCare {
    PoolCounts counts;
    /// When the supervisor looks next; 0: only when it is woken.
    alignas(64) std::atomic<std::uint32_t> look_at;
    /// Whether there may be tasks that were put back, which no worker finds in order.
    alignas(64) std::atomic<std::uint32_t> put_back;
    Announced announced;
    // One for each record; behind: rooms, terms, weights, the stuck.
    alignas(64) WorkerCare worker[1];

    static PoolCare& of(PoolShared& shared) noexcept {
        auto* const slots = reinterpret_cast<unsigned char*>(&shared) + shared.slots_at;
        return *reinterpret_cast<PoolCare*>(slots +
                                            std::size_t{shared.capacity} * shared.slot_bytes);
    }
    /// As large as a payload, of which a worker leaves the arguments as they are until it has the
    /// result.
    unsigned char* room(const PoolShared& shared, std::uint32_t index) noexcept {
        return reinterpret_cast<unsigned char*>(&worker[shared.records]) +
               std::size_t{index} * shared.slot_bytes;
    }
    TaskTerms& terms(const PoolShared& shared, std::uint32_t slot) noexcept {
        return reinterpret_cast<TaskTerms*>(room(shared, shared.records))[slot];
    }
    /// What the task in a slot has to wait, in a pool with an order (pool_order.hpp). Only of those
    /// with terms of their own.
    std::atomic<std::uint32_t>& weight(const PoolShared& shared, std::uint32_t slot) noexcept {
        auto* const behind = reinterpret_cast<unsigned char*>(&terms(shared, shared.capacity));
        return reinterpret_cast<std::atomic<std::uint32_t>*>(behind)[slot];
    }
    /// There are twice as many as records: a worker is started only where each that there is would
    /// find one.
    StuckWorker& stuck(const PoolShared& shared, std::uint32_t place) noexcept {
        return reinterpret_cast<StuckWorker*>(&weight(shared, shared.capacity))[place];
    }
    static std::uint32_t stuck_places(const PoolShared& shared) noexcept {
        return 2 * shared.records;
    }
    static std::size_t room_bytes(const PoolShared& shared) noexcept {
        return shared.slot_bytes - Slot::kHeaderBytes;
    }
};

/// The terms of a task that has not ended.
inline TaskTerms terms_of(PoolCore& core, Slot& slot) noexcept {
    PoolShared& shared = *core.shared;
    const std::uint32_t note = slot.note.load(std::memory_order_relaxed);
    if ((note & kOwnTerms) == 0) { return core.terms(); }
    const auto at = reinterpret_cast<unsigned char*>(&slot) -
                    reinterpret_cast<unsigned char*>(&shared.slot(0));
    const auto index = static_cast<std::size_t>(at) / shared.slot_bytes;
    return PoolCare::of(shared).terms(shared, static_cast<std::uint32_t>(index));
}

/// The life of a supervisor that takes care: as run_careful_supervisor(), but links it.
[[noreturn]] void supervise_with_care(PoolCore& core, port::Pid host) noexcept;
/// The life of a worker that takes care, from the fork on; a byte to `wake` makes the supervisor
/// look.
[[noreturn]] void run_careful_worker(PoolCore& core, std::uint32_t index, port::Pid supervisor,
                                     port::Fd wake) noexcept;
/// The same of one that notes the time: see PoolOptions::timed().
[[noreturn]] void run_timed_worker(PoolCore& core, std::uint32_t index, port::Pid supervisor,
                                   port::Fd wake) noexcept;

/// Not inline: who counts needs what is counted, and so links the care.
PoolCounts& counts_of(PoolShared& shared) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
