// The host's side of a pool: what only the host knows, in memory of its own.
#ifndef BROOD_SRC_POOL_CORE_HPP
#define BROOD_SRC_POOL_CORE_HPP

#include <brood/detail/fork_link.hpp>
#include <brood/pool.hpp>
#include <port/port.hpp>

#include "bell_mutex.hpp"
#include "pool_shared.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// Lives as long as the Pool or one of its Futures does. `mutex` guards what threads of the host
/// change: the free slots, the counts, the state.
struct PoolCore {
    ForkLink link;  // first: a forked child closes control and watch (pool_create.cpp)
    BellMutex mutex;

    // Of the threads that wait for tasks one at a time sleeps on shared->host_bell; the others
    // sleep on `turns`, which counts its wake-ups. So only one takes back what was rung there.
    port::Bell turns;
    std::atomic<std::uint32_t> listening{0};  // whether there is that one
    std::atomic<std::uint32_t> others{0};     // threads asleep on `turns`, or about to be

    PoolShared* shared = nullptr;
    std::size_t shared_bytes = 0;
    std::size_t own_bytes = 0;
    unsigned epoch = 0;

    port::Pid supervisor = 0;             // 0: reaped
    port::Fd watch = port::kNoFd;         // readable when it has ended
    port::Fd control = port::kNoFd;       // a byte makes it look; closing it means our end
    port::Fd control_read = port::kNoFd;  // in the supervisor: the other end
    port::Fd host_watch = port::kNoFd;    // in the supervisor: watches the host
    bool orphans_are_known = true;        // in the workers: prove_life() works
    Errc ended_by = Errc::ok;             // pool_broken, pool_terminated, initializer_failed
    bool closed = false;
    bool handle_gone = false;  // the Pool was destroyed

    std::uint32_t in_use = 0;           // slots that a Future or a forgotten task holds
    std::uint32_t forgotten = 0;        // of them without a Future
    std::uint32_t unpublished = 0;      // of them reserved and not yet published
    std::uint32_t waiting = 0;          // host threads that wait for a task
    std::uint32_t free_head = kNoSlot;  // a list through SlotNote::next
    std::uint32_t sweep_at = 0;         // where the look for forgotten ended tasks goes on

    bool (*initialize)(void*) = nullptr;
    alignas(16) unsigned char initializer[PoolOptions::kInitializerBytes] = {};

    /// What the host knows of each slot.
    struct SlotNote {
        std::uint32_t next = kNoSlot;
        bool is_forgotten = false;
    };
    SlotNote note[1];  // `capacity` of them

    static constexpr std::uint32_t kNoSlot = UINT32_MAX;

    static Status check(const PoolOptions& options) noexcept;
    /// Maps and fills both sides. On failure nothing is left.
    static Result<PoolCore*> make(const PoolOptions& options) noexcept;
    /// Whether neither a Pool nor a Future refers to it. Of all changes that make it so only one,
    /// made with the mutex, finds it true, and then calls release() without the mutex.
    bool is_unused() const noexcept { return handle_gone && in_use == forgotten; }
    static void release(PoolCore* core) noexcept;

    bool is_host() const noexcept { return epoch == fork_epoch(); }
};

// In the supervisor and its workers (pool_supervisor.cpp, pool_worker.cpp).
[[noreturn]] void run_supervisor(PoolCore& core, port::Pid host) noexcept;
[[noreturn]] void run_worker(PoolCore& core, std::uint32_t index, port::Pid supervisor) noexcept;

/// In a worker that the system does not end with its supervisor, before any code of the user's:
/// from here on the host can.
void prove_life(PoolCore& core, WorkerRecord& record, port::Pid supervisor) noexcept;
/// Ends those workers. In the host, when the supervisor has ended; with the mutex.
void end_orphans(PoolShared& shared) noexcept;

/// Makes the supervisor look at its orders. The pipe is empty or full: either way it will.
void nudge(PoolCore& core) noexcept;
/// Tells all that close() was called and its tasks are published. Call with the mutex.
void begin_closing(PoolCore& core) noexcept;
/// Takes the end of the supervisor into account: reaps it, notes why. Call with the mutex.
void note_supervisor_end(PoolCore& core) noexcept;
/// True if the supervisor has ended, noting it (with the mutex taken here).
bool supervisor_has_ended(PoolCore& core) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
