// What a pool's host, supervisor and workers share: the task table and how they wake each other.
#ifndef BROOD_SRC_POOL_SHARED_HPP
#define BROOD_SRC_POOL_SHARED_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <brood/detail/task.hpp>
#include <port/port.hpp>

#include "fences.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

// The life of a task, in the low bits of Slot::state. Above them is, in ready, the number of its
// submission; in claimed, the index of the worker:
//
//   free -> ready      the host, when arguments and trampoline are in place (release)
//   ready -> claimed   a worker, by one CAS that also names it: taken and recorded are one step
//   claimed -> done    that worker, by a plain store, when the result is in place (release)
//   claimed -> refused that worker: the function is unknown to it
//   claimed -> died    the supervisor, after it reaped that worker
//                      (in a pool that takes care of its tasks, see pool_care.hpp, also timed_out,
//                      cancelled, done, or ready again as it was)
//   ready -> cancelled the host; the supervisor, of what it put back itself: each by one CAS
//   any ended -> free  the host
//
// Above the states of an ended task there is 0; or, as long as a worker is still there that may
// write into its memory, what pool_stuck.hpp says. Until that is 0 the host leaves the slot alone.
//
// Each state is left by one CAS, or by one process alone: a kill can stop a task in a state, but
// not tear it. In ready another worker takes it, in claimed the supervisor finds the victim's
// index, in the others it waits for the host, whose death ends the pool. A worker that is stopped
// between its look at a ready slot and the CAS finds another number there when it goes on. If just
// 2^28 submissions lie between, it claims another task, which is as right, since everything is read
// after the CAS.
enum class TaskState : std::uint32_t {
    free,
    ready,
    claimed,
    done,
    refused,
    died,
    timed_out,
    cancelled
};
inline constexpr std::uint32_t kStateBits = 4;

constexpr std::uint32_t state_word(TaskState state, std::uint32_t above = 0) noexcept {
    return static_cast<std::uint32_t>(state) | above << kStateBits;
}
constexpr TaskState state_of(std::uint32_t word) noexcept {
    return static_cast<TaskState>(word & ((1u << kStateBits) - 1));
}
constexpr bool has_ended(std::uint32_t word) noexcept {
    return state_of(word) >= TaskState::done;
}

/// Whether the host may use its slot for another task.
constexpr bool is_past(std::uint32_t word) noexcept {
    return has_ended(word) && word >> kStateBits == 0;
}

// What else there is to say of a task, in Slot::note, which is 0 in a free slot. The upper half is
// how its worker died, the lower one for the care that the pool takes (pool_care.hpp).
constexpr std::uint32_t note_of_end(std::int32_t exit_code) noexcept {
    return static_cast<std::uint32_t>(exit_code) << 16;
}
constexpr std::int32_t exit_code_of(std::uint32_t note) noexcept {
    return static_cast<std::int32_t>(note) >> 16;
}

/// One task. The payload follows, up to the slot's size (a multiple of 64).
struct alignas(16) Slot {
    std::atomic<std::uint32_t> state;
    std::atomic<std::uint32_t> note;
    Trampoline run;

    unsigned char* payload() noexcept {
        return reinterpret_cast<unsigned char*>(this) + kHeaderBytes;
    }
    static constexpr std::size_t kHeaderBytes = 16;
};
static_assert(sizeof(Slot) == Slot::kHeaderBytes, "the payload follows the header");

/// What the supervisor knows of one worker. Written by the supervisor and, where it says so, by the
/// worker; read by the host for worker_pids(), and when the supervisor was killed.
struct alignas(64) WorkerRecord {
    std::atomic<std::int32_t> pid;           // 0: none
    std::atomic<std::uint32_t> initialized;  // by the worker: its initializer has succeeded
    std::uint32_t killed_early;              // how many in a row were killed before that
    // Of a worker that the system does not end with its supervisor. When that was killed, the host
    // ends it by this.
    port::ProofOfLife life;
};

enum class PoolPhase : std::uint32_t { starting, running, failed };
enum class PoolCommand : std::uint32_t { run, close, terminate };

/// In PoolShared::want: several threads of the host wait.
inline constexpr std::uint32_t kWantAny = 0xffffffffu;

/// In PoolShared::armed, of which there is one for each descriptor of the host (pool_pollable.hpp):
/// it was told, or does not ask; it shall be told; the worker of that index is about to.
inline constexpr std::uint32_t kTold = 0, kArmed = 1, kTelling = 2;
enum Descriptor : std::uint32_t { kForLoop, kForWait, kDescriptors };

/// In host_bell: somebody rang since the host last looked. It is the bit that the system sets, too,
/// when it clears the number of a keeper that has ended: both are reasons to look.
inline constexpr std::uint32_t kRung = port::kBellOwnerDied;
inline constexpr std::uint32_t kKeeperBits = port::kBellOwnerDied - 1;

struct PoolShared {
    PoolShared() noexcept {}

    // Fixed by the host before the fork.
    std::uint32_t records;   // as many workers as there may be
    std::uint32_t capacity;  // a power of two
    std::uint32_t slot_bytes;
    std::uint32_t slots_at;  // offset of the slots from here
    // See fences.hpp. The frequent side is who publishes a task or its end, and then looks whether
    // somebody sleeps; the other one who is about to sleep.
    std::uint32_t has_fences;

    std::atomic<PoolPhase> phase;        // the supervisor's
    std::atomic<std::uint32_t> workers;  // the host's: those with a lower index shall be there
    // Why the pool has ended, if the supervisor has: pool_broken, until that knows better. If it is
    // killed while it writes this, what it writes is true as well.
    union {
        Error ended_by;
    };
    std::atomic<PoolCommand> command;  // the host's
    std::atomic<std::uint32_t> told;   // by the host, 1: something else was said, see Care
    // By the supervisor, just before it ends: a worker that it leaves, since nothing ends it.
    std::atomic<std::int32_t> left;

    // The host, one thread of it at a time, sleeps on host_bell. Its keeper is the supervisor, at
    // whose end the system wakes the sleeper: kBellWaiting is always set. `has_keeper` says so; a
    // host without must look by itself. `want` says which task the host waits for (its slot + 1),
    // so that others need not wake it.
    port::Bell host_bell;
    std::atomic<std::uint32_t> has_keeper;
    alignas(64) std::atomic<std::uint32_t> want;
    // The same for descriptors; and whether the supervisor shall tell it by them, of what the host
    // has done itself, or of a worker's death.
    std::atomic<std::uint32_t> armed[kDescriptors];
    std::atomic<std::uint32_t> recalled;
    // By workers: the system does not end them with the supervisor.
    std::atomic<std::uint32_t> is_loose;
    // Idle workers sleep on work_bell. kBellWaiting is set while somebody may be asleep. The rest
    // is 0, or `workers` as seen by who set it: so nobody falls asleep who missed a change of that.
    port::Bell work_bell;

    // order[n % capacity] is the slot of the n-th submitted task; n counts up to `submitted` and
    // wraps. Workers look from `hint` on, which is only that: a worker that was stopped may set it
    // anywhere. An entry whose slot is not ready is passed over.
    alignas(64) std::atomic<std::uint32_t> submitted;
    alignas(64) std::atomic<std::uint32_t> hint;
    alignas(64) WorkerRecord worker[1];  // `records` of them; order and slots behind

    std::atomic<std::uint16_t>* order() noexcept {
        return reinterpret_cast<std::atomic<std::uint16_t>*>(&worker[records]);
    }
    Slot& slot(std::uint32_t index) noexcept {
        auto* const base = reinterpret_cast<unsigned char*>(this);
        return *reinterpret_cast<Slot*>(base + slots_at + std::size_t{index} * slot_bytes);
    }

    bool lost_keeper() noexcept {
        return has_keeper.load(std::memory_order_acquire) != 0 &&
               (host_bell.word.load(std::memory_order_acquire) & kKeeperBits) == 0;
    }

    /// Bytes of the whole (more than a 32-bit system can address, maybe), and where the slots
    /// begin.
    static std::uint64_t layout(std::uint32_t records, std::uint32_t capacity,
                                std::uint32_t slot_bytes, std::uint32_t& slots_at) noexcept {
        const std::size_t order_at = sizeof(PoolShared) + (records - 1) * sizeof(WorkerRecord);
        const std::size_t order_end = order_at + capacity * sizeof(std::uint16_t);
        slots_at = static_cast<std::uint32_t>((order_end + 63) / 64 * 64);
        return slots_at + std::uint64_t{capacity} * slot_bytes;
    }
};

/// Wakes the host if it sleeps. Called after what it waits for was stored.
void ring_host(PoolShared& shared) noexcept;

/// Wakes one idle worker, if there may be one. Called by the host after a submission, by one thread
/// at a time. A sleeper that this wakes may be killed before it acts; the supervisor, which reaps
/// it, wakes them all.
inline void ring_worker(PoolShared& shared) noexcept {
    if (shared.work_bell.word.load(std::memory_order_relaxed) == 0) { return; }
    if (port::bell_ring(shared.work_bell, 1, port::kAnyKind) > 0) { return; }
    // Nobody was asleep: drop the flag, so that the next submissions need no system call. Whoever
    // set it and is about to sleep finds the word changed, and looks again; or finds it set anew,
    // by another whose look found this task.
    shared.work_bell.word.store(0, std::memory_order_seq_cst);
    if (port::bell_ring(shared.work_bell, 1, port::kAnyKind) > 0) {
        // One fell asleep between the two: others may have done so, too.
        shared.work_bell.word.store(port::kBellWaiting, std::memory_order_seq_cst);
    }
}
inline void ring_all_workers(PoolShared& shared) noexcept {
    shared.work_bell.word.store(0, std::memory_order_seq_cst);
    static_cast<void>(port::bell_ring(shared.work_bell, port::kEverybody, port::kAnyKind));
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
