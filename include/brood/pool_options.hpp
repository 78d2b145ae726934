// PoolOptions: what may be asked of a pool when it is made.
#ifndef BROOD_POOL_OPTIONS_HPP
#define BROOD_POOL_OPTIONS_HPP

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <brood/detail/pack.hpp>
#include <brood/detail/task.hpp>
#include <brood/result.hpp>
#include <brood/task_options.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// The life of a worker other than the usual one; by a pointer, so that only programs that ask for
/// it link it.
using RunWorker = void (*)(PoolCore& core, std::uint32_t index, std::int32_t supervisor,
                           std::int32_t wake);
/// What an announced pool does beside its work; see src/pool_announce.hpp.
struct Announcer;

}  // namespace detail

/// Settings of a pool: `Pool::create(PoolOptions().workers(4))`.
class PoolOptions {
public:
    static constexpr std::uint32_t kWorkersMax = 1024;
    static constexpr std::uint32_t kCapacityMax = 65536;
    static constexpr std::size_t kPayloadMax = 1u << 20;
    static constexpr std::size_t kInitializerBytes = 128;
    static constexpr std::size_t kNameBytes = 32;

    /// 1 .. kWorkersMax. Without it: cpu_count().
    PoolOptions& workers(std::uint32_t count) noexcept {
        workers_ = count == 0 ? UINT32_MAX : count;  // refused, both
        return *this;
    }
    /// How many workers Pool::resize() may ask for, workers() .. kWorkersMax: memory is allocated
    /// for them. Without it: workers().
    PoolOptions& workers_max(std::uint32_t count) noexcept;
    /// How many tasks may be submitted and not yet collected, 1 .. kCapacityMax; rounded up to a
    /// power of two. Without it: 1024.
    PoolOptions& capacity(std::uint32_t tasks) noexcept {
        capacity_ = tasks;
        return *this;
    }
    /// Bytes for the arguments or the result of one task, up to kPayloadMax. Without it: 48, which
    /// makes a slot of the table one cache line.
    PoolOptions& payload_bytes(std::size_t bytes) noexcept {
        payload_ = bytes;
        return *this;
    }
    /// How much shared memory tasks may have, all together, whose arguments or results do not fit
    /// into a slot: at least 1, rounded up to 256 KiB. Addresses only, until it is used; what only
    /// a burst needed is given back. Less where the system has less. Without it: 64 MiB, or 16 MiB
    /// on a 32-bit system, in a program that submits such tasks.
    PoolOptions& block_bytes(std::size_t bytes) noexcept;
    /// A worker ends in order after so many tasks and is replaced, so that what tasks leave behind
    /// in it (memory, descriptors) does not pile up. From 1 on. Without it: never.
    PoolOptions& max_tasks_per_child(std::uint32_t tasks) noexcept;
    /// How often a task is run again whose worker died in it, at most 255 times. So a task may run
    /// more than once, or once and a bit: that is for tasks which may. Their arguments are as they
    /// were submitted each time, and a result that is complete counts, whoever is killed then.
    /// Without it: 0.
    PoolOptions& retries(std::uint32_t times) noexcept;
    /// How long each task may run, up to 13 days, counted from when a worker begins it (each time,
    /// if it is run again), in steps of a millisecond. Time in which its worker is stopped does not
    /// count. A task that runs longer is ended from outside, whatever it blocks or waits for: its
    /// worker gets SIGTERM, 200 ms later SIGKILL, and is replaced; the outcome is task_timed_out. A
    /// task that ends in that moment is done, and its outcome its result. Without it: for ever.
    /// A worker that is in uninterruptible sleep (a disk or a server that does not answer) is not
    /// ended by that, either. Another 200 ms later its task has ended all the same, and it is
    /// replaced and PoolStats::stuck; only the slot and the block of its task wait until it goes.
    /// There may be twice as many processes as workers_max(), the stuck ones included: when there
    /// are, those that get stuck are replaced no more until others go.
    PoolOptions& task_timeout(Timeout timeout) noexcept;
    /// How long apply() and apply_async() wait for room while `capacity` tasks are not collected,
    /// and then, of what does not fit into a slot, while they hold all of block_bytes: until a task
    /// without a Future ends, or another thread of the host collects or drops one; a thread that
    /// holds all Futures itself waits in vain. Meanwhile callbacks are called. close(),
    /// terminate() and the end of the pool end the wait. Without it: no_wait(), a full table is
    /// full at once. (Maps collect what they have sent themselves.)
    PoolOptions& submit_timeout(Timeout timeout) noexcept;
    /// Which of the tasks that wait is next; nothing waits for ever in any of them.
    /// fifo: the one that was submitted first. Without it: this.
    /// priority: that of the highest TaskOptions::priority(), of these the first. For each level
    ///   that one task is above another it may come up to `capacity` submissions later and still
    ///   pass it: strict among what waits at the same time, and in the end all have their turn.
    /// shortest_first: that of the least TaskOptions::expected(), of these the first; but a task
    ///   after which 8 x capacity others were submitted is before all that came later.
    /// Chunks of maps count as tasks of priority 0 that take no time, unless MapOptions::task()
    /// says otherwise. A task that is run again keeps its place. With an order other than fifo the
    /// choice takes some ns for each task that waits; where tasks were passed by more than
    /// `capacity` others, for each of the table.
    PoolOptions& order(Order order) noexcept;
    /// Workers note when they begin and end a task, so that worker_stats() tells how long each has
    /// been in its task, how long in tasks at all, and how many those were. Two looks at the clock
    /// for each task: some 40 ns. Without it: they do not.
    PoolOptions& timed() noexcept;
    /// What announce() calls it: up to kNameBytes - 1 bytes of `name`. Without it: nothing.
    PoolOptions& name(const char* name) noexcept;
    /// Lets other programs of this user see how the pool is getting on: `brood ps`, and PoolView.
    /// For them the supervisor keeps a shared object "/brood-pool-PID-N", that of its own pid and
    /// with mode 0600, which goes with the pool. If the supervisor is killed, it goes as soon as a
    /// call of the host learns of that; if the host is killed as well, it stays until somebody
    /// lists the pools. Twice a second, and only while tasks wait or run, the supervisor
    /// wakes up to write there. The pool is timed(), too. create() may then also return unsupported
    /// (there is no place for shared objects) and not_permitted. Without it: nobody sees it.
    PoolOptions& announce() noexcept;
    /// The pool has a descriptor for a host with an event loop, fileno(), and wait() can sleep on
    /// its tasks beside other things. That takes two more descriptors in each of its processes, and
    /// a system call of the first worker that ends a task after the host has looked.
    PoolOptions& pollable() noexcept;
    /// Called in each worker before its first task. It fails by returning false or a Status that
    /// is not ok, or by ending the worker; the pool then gives up with initializer_failed.
    template <class F, class... Arguments>
    PoolOptions& initializer(F&& function, Arguments&&... arguments) noexcept {
        using Stored = detail::Bound<std::decay_t<F>, std::decay_t<Arguments>...>;
        static_assert(std::is_trivially_copyable_v<Stored> && sizeof(Stored) <= kInitializerBytes &&
                          alignof(Stored) <= 16,
                      "the initializer and its arguments must be trivially copyable and fit into "
                      "kInitializerBytes: capture by reference");
        const Stored stored{std::forward<F>(function),
                            detail::pack(std::forward<Arguments>(arguments)...)};
        __builtin_memcpy(rest_.initializer, &stored, sizeof stored);
        rest_.initialize = [](void* bytes) -> bool {
            Stored& call = *std::launder(static_cast<Stored*>(bytes));
            using R = std::decay_t<decltype(call())>;
            if constexpr (std::is_void_v<R>) {
                call();
                return true;
            } else if constexpr (std::is_same_v<R, Status>) {
                return call().ok();
            } else {
                static_assert(std::is_same_v<R, bool>,
                              "an initializer returns nothing, a bool (true: well) or a Status");
                return call();
            }
        };
        return *this;
    }

private:
    friend struct detail::PoolCore;
    std::uint32_t workers_ = 0;  // not set
    std::uint32_t capacity_ = 1024;
    std::size_t payload_ = 48;
    // Together, so that they are zeroed at once.
    struct Rest {
        alignas(16) unsigned char initializer[kInitializerBytes];
        bool (*initialize)(void*);
        detail::TaskTerms terms;
        std::int64_t room_ns;
        std::uint32_t max_tasks;
        std::uint32_t workers_max;
        Order order;
        std::size_t block_bytes;
        const detail::Pollable* pollable;
        detail::RunWorker timed_worker;  // null: not timed
        const detail::Announcer* announcer;
        char name[kNameBytes];
    } rest_ = {};
};

}  // namespace v0
}  // namespace brood

#endif
