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
/// change: the free slots, the counts, the state. Made of zeroed pages, which make() fills.
struct PoolCore {
    ForkLink link;  // first: a forked child closes control and watch (pool_create.cpp)

    // What is used most comes first, where instructions reach it with a byte.
    PoolShared* shared;
    port::Pid supervisor;   // 0: reaped
    port::Fd watch;         // readable when it has ended
    port::Fd control;       // a byte makes it look; closing it means our end
    port::Fd control_read;  // in the supervisor: the other end
    port::Fd host_watch;    // in the supervisor: watches the host
    Errc ended_by;          // pool_broken, pool_terminated, initializer_failed
    bool closed;
    bool handle_gone;    // the Pool was destroyed
    bool other_numbers;  // in the supervisor: the host knows its workers by others

    std::uint32_t in_use;     // slots that a Future or a forgotten task holds, and who is attached
    std::uint32_t forgotten;  // of them without a Future
    std::uint32_t unpublished;  // of them reserved and not yet published
    std::uint32_t waiting;      // host threads that wait for a task
    std::uint32_t free_head;    // a list through SlotNote::next
    std::uint32_t sweep_at;     // where the look for forgotten ended tasks goes on
    unsigned epoch;

    // Of the threads that wait for tasks one at a time sleeps on shared->host_bell; the others
    // sleep on `turns`, which counts its wake-ups. So only one takes back what was rung there.
    std::atomic<std::uint32_t> listening;  // whether there is that one
    std::atomic<std::uint32_t> others;     // threads asleep on `turns`, or about to be
    port::Bell turns;
    BellMutex mutex;

    std::size_t shared_bytes;
    std::size_t own_bytes;
    bool (*initialize)(void*);
    alignas(16) unsigned char initializer[PoolOptions::kInitializerBytes];

    /// What the host knows of each slot.
    struct SlotNote {
        std::uint32_t next;
        bool is_forgotten;
    };
    SlotNote note[1];  // `capacity` of them

    static constexpr std::uint32_t kNoSlot = UINT32_MAX;

    static bool good(const PoolOptions& options) noexcept;
    /// Whether a handle of the pool may be used in this process: ok, closed (null), wrong_process.
    static Errc usable(const PoolCore* core) noexcept;
    /// Maps and fills both sides. On failure nothing is left.
    static Status make(const PoolOptions& options, PoolCore*& made) noexcept;
    /// Whether neither a Pool nor a Future refers to it. Of all changes that make it so only one,
    /// made with the mutex, finds it true, and then calls release() without the mutex.
    bool is_unused() const noexcept { return handle_gone && in_use == forgotten; }
    static void release(PoolCore* core) noexcept;

    bool is_host() const noexcept { return epoch == fork_epoch(); }
};

// In the supervisor and its workers (pool_supervisor.cpp, pool_worker.cpp).
[[noreturn]] void run_supervisor(PoolCore& core, port::Pid host) noexcept;
[[noreturn]] void run_worker(PoolCore& core, std::uint32_t index, port::Pid supervisor) noexcept;

/// Makes the supervisor look at its orders. The pipe is empty or full: either way it will.
void nudge(PoolCore& core) noexcept;
/// Tells all that close() was called and its tasks are published. Call with the mutex.
void begin_closing(PoolCore& core) noexcept;
/// Takes the end of the supervisor into account: reaps it, notes why. Call with the mutex.
void note_supervisor_end(PoolCore& core) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
