// The host's side of a pool: what only the host knows, in memory of its own.
#ifndef BROOD_SRC_POOL_CORE_HPP
#define BROOD_SRC_POOL_CORE_HPP

#include <brood/detail/callback.hpp>
#include <brood/detail/fork_link.hpp>
#include <brood/pool.hpp>
#include <port/port.hpp>

#include "host_mutex.hpp"
#include "pool_shared.hpp"
#include "self.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

struct MapJob;
struct PoolBlocks;
struct WaitSeat;

/// Lives as long as the Pool or one of its Futures does. `mutex` guards what threads of the host
/// change: the free slots, the counts, the state. Made of zeroed pages, which make() fills.
struct PoolCore {
    PoolCore() noexcept {}

    ForkLink link;  // first: a forked child closes control and watch (pool_create.cpp)

    // What is used most comes first, where instructions reach it with a byte.
    PoolShared* shared;
    port::Pid supervisor;   // 0: reaped
    port::Fd watch;         // readable when it has ended
    port::Fd control;       // a pipe; its end means our end
    port::Fd control_read;  // in the supervisor: the other end
    port::Fd host_watch;    // in the supervisor: watches the host
    Errc ended_by;          // pool_broken, pool_terminated, initializer_failed
    bool closed;
    bool handle_gone;    // the Pool was destroyed
    bool other_numbers;  // in the supervisor: the host knows its workers by others

    std::uint32_t in_use;     // slots that a Future or a forgotten task holds, and who is attached
    std::uint32_t forgotten;  // of them without a Future
    std::uint32_t unpublished;    // of them reserved and not yet published
    std::uint32_t waiting;        // host threads that wait for a task
    std::uint32_t short_of_room;  // of them those that wait for a free slot
    std::uint32_t free_head;      // a list through SlotNote::next
    std::uint32_t sweep_at;       // where the look for forgotten ended tasks goes on
    unsigned epoch;
    std::uint32_t spins;  // how often to look before one sleeps: 0 on one CPU

    // Of the threads that wait for tasks one at a time sleeps on shared->host_bell; the others
    // sleep on `turns`, which counts its wake-ups. So only one takes back what was rung there.
    std::atomic<std::uint32_t> listening;  // whether there is that one
    std::atomic<std::uint32_t> others;     // threads asleep on `turns`, or about to be
    port::Bell turns;
    HostMutex mutex;

    std::size_t shared_bytes;
    std::size_t own_bytes;
    union {
        PoolOptions options;  // as create() was given them
    };

    // What goes on in the host's threads while they wait (pool_follow.hpp).
    using Follow = Errc (*)(PoolCore& core, std::int64_t deadline_ns);
    std::atomic<Follow> follow;                  // null as long as nothing ever did
    std::atomic<std::uint32_t> following;        // callbacks to be called, and maps at work
    std::atomic<std::uint32_t> told;             // how many of them ended, wraps
    std::uint32_t followed_head, followed_tail;  // slots with callbacks, + 1: through next
    MapJob* jobs;                                // maps at work. follow_mutex guards them and this
    BellMutex follow_mutex;                      // taken before mutex

    // Of a pool with blocks (pool_blocks.hpp).
    PoolBlocks* blocks;
    using AtFree = void (*)(PoolCore& core, std::uint32_t slot);
    AtFree free_block;  // null without
    // Called when a slot is given back, with the mutex, before that is as new: counts the task that
    // was in it (pool_stats.cpp), and gives back its block. Null where neither is to be done.
    AtFree at_free;
    // In the supervisor, whenever it is awake. Until when it need not be, for this. May be null.
    std::int64_t (*at_look)(PoolCore& core, std::int64_t now_ns);

    // Of a pool with descriptors (pool_pollable.hpp). The mutex guards the last four.
    port::Fd descriptor[kDescriptors];
    bool is_listened;         // a thread in wait() sleeps on that for it, and wakes the others
    std::uint32_t seated;     // threads in wait()
    std::uint32_t wait_turn;  // how often what was told there was taken; wraps
    WaitSeat* seats;          // of those who sleep meanwhile

    /// What the host knows of each slot.
    struct SlotNote {
        static constexpr std::uint8_t kForgotten = 1;  // no Future asks for it
        static constexpr std::uint8_t kFollowed = 2;   // its callback is to be called
        std::uint32_t next;                            // free slots; of others, the owner's
        std::uint8_t hold;
    };
    SlotNote note[1];  // `capacity` of them; behind them as many callbacks, untouched until used

    Callback& callback(std::uint32_t slot) noexcept {
        auto* const base = reinterpret_cast<unsigned char*>(this);
        return *reinterpret_cast<Callback*>(base + callbacks_at(shared->capacity) +
                                            slot * sizeof(Callback));
    }
    static constexpr std::size_t callbacks_at(std::size_t capacity) noexcept {
        const std::size_t notes_end = sizeof(PoolCore) + (capacity - 1) * sizeof(SlotNote);
        return (notes_end + alignof(Callback) - 1) / alignof(Callback) * alignof(Callback);
    }

    static constexpr std::uint32_t kNoSlot = UINT32_MAX;
    // Some 20 us, less than a wake-up costs. On one CPU it only keeps the others from working.
    static constexpr std::uint32_t kSpins = 500;

    bool has_initializer() const noexcept { return options.rest_.initialize != nullptr; }
    bool initialize() noexcept { return options.rest_.initialize(options.rest_.initializer); }
    const TaskTerms& terms() const noexcept { return options.rest_.terms; }
    Order order() const noexcept { return options.rest_.order; }
    std::int64_t room_ns() const noexcept { return options.rest_.room_ns; }
    std::uint32_t max_tasks() const noexcept { return options.rest_.max_tasks; }
    std::uint32_t workers_max() const noexcept { return options.rest_.workers_max; }
    std::size_t block_bytes() const noexcept { return options.rest_.block_bytes; }
    RunWorker timed_worker() const noexcept { return options.rest_.timed_worker; }
    const Announcer* announcer() const noexcept { return options.rest_.announcer; }
    /// kNameBytes of them.
    const char* pool_name() const noexcept { return options.rest_.name; }
    const Pollable* pollable() const noexcept { return options.rest_.pollable; }

    static bool good(const PoolOptions& options) noexcept;
    /// Whether a handle of the pool may be used in this process: ok, closed (null), wrong_process.
    static Status usable(const PoolCore* core) noexcept;
    /// Maps and fills both sides. On failure nothing is left.
    static Status make(const PoolOptions& options, PoolCore*& made) noexcept;
    /// Whether neither a Pool nor a Future refers to it. Of all changes that make it so only one,
    /// made with the mutex, finds it true, and then calls release() without the mutex.
    bool is_unused() const noexcept { return handle_gone && in_use == forgotten; }
    static void release(PoolCore* core) noexcept;

    bool is_host() const noexcept { return epoch == epoch_now(); }
};

/// The life of the supervisor and, forked from it, of the workers (pool_supervisor.cpp).
[[noreturn]] void run_supervisor(PoolCore& core, port::Pid host) noexcept;

// Of a pool that takes care of its tasks (pool_care_*.cpp). Weak: null in a static program without
// time-outs, retries and what else may be asked for, which shall not grow by what they take.
/// Begins it in the host. The bytes that it needs behind the slots of so many bytes.
[[gnu::weak]] std::uint64_t begin_care(PoolCore& core, std::uint32_t records,
                                       std::uint32_t capacity, std::uint32_t slot_bytes) noexcept;
[[noreturn, gnu::weak]] void run_careful_supervisor(PoolCore& core, port::Pid host) noexcept;
/// Waits so long for a free slot and takes it. full; timed_out; how the pool ended.
[[gnu::weak]] Status await_room(PoolCore& core, std::int64_t room_ns, Ticket& ticket) noexcept;
/// The same for what `take` takes, which is called with the mutex.
using TakeRoom = Status (*)(PoolCore& core, void* context);
[[gnu::weak]] Status await_taking(PoolCore& core, std::int64_t room_ns, TakeRoom take,
                                  void* context) noexcept;

/// As port::map_shared(), with blocks behind the table (pool_blocks.cpp): `bytes` grows. Weak: null
/// in a program whose tasks fit into their slots.
[[gnu::weak]] Result<void*> map_with_blocks(PoolCore& core, std::uint32_t capacity,
                                            std::size_t& bytes) noexcept;

// Of a program that asks how its pools are getting on (pool_stats.cpp). Weak, as the above.
/// Sees to it that what it will be told is counted.
[[gnu::weak]] void begin_stats(PoolCore& core) noexcept;
/// A map begins, and will send so many elements (not 0) in chunks of so many.
[[gnu::weak]] void foresee_chunks(const PoolCore& core, std::size_t count,
                                  std::uint32_t items) noexcept;

/// Makes the supervisor look at its orders, by the signal that also tells it of a worker's end.
/// Call with the mutex.
void nudge(PoolCore& core) noexcept;
/// Tells all that close() was called and its tasks are published. Call with the mutex.
void begin_closing(PoolCore& core) noexcept;
/// Takes the end of the supervisor into account: reaps it, notes why. Call with the mutex.
void note_supervisor_end(PoolCore& core) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
