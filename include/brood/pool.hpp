// Pool: worker processes that run tasks, as multiprocessing.Pool in Python.
#ifndef BROOD_POOL_HPP
#define BROOD_POOL_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <brood/detail/block.hpp>
#include <brood/detail/task.hpp>
#include <brood/future.hpp>
#include <brood/pool_loop.hpp>
#include <brood/result.hpp>
#include <brood/task_options.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// Settings of a pool: `Pool::create(PoolOptions().workers(4))`.
class PoolOptions {
public:
    static constexpr std::uint32_t kWorkersMax = 1024;
    static constexpr std::uint32_t kCapacityMax = 65536;
    static constexpr std::size_t kPayloadMax = 1u << 20;
    static constexpr std::size_t kInitializerBytes = 128;

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
    /// Chunks of maps count as tasks of priority 0 that take no time. A task that is run again
    /// keeps its place. With an order other than fifo the choice takes some ns for each task that
    /// waits; where tasks were passed by more than `capacity` others, for each of the table.
    PoolOptions& order(Order order) noexcept;
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
    } rest_ = {};
};

/// A number of worker processes that take tasks from a common table, one by one or by the
/// maps of PoolMaps. PoolLoop has what a host with an event loop needs.
///
/// Memory: capacity x (16 + payload_bytes, rounded up to 64) bytes of shared memory, allocated by
///         create(). No heap. Two descriptors in the host. In a program that uses time-outs,
///         retries, cancel(), max_tasks_per_child, resize() or an order: one slot and 64 bytes more
///         for each worker that there may be, 12 bytes more for each slot, and one descriptor in
///         each worker.
/// Fork:   a supervisor process is forked from the host and forks the workers, so they see the
///         program as it was when the pool was made: make the pool before the first thread. In a
///         forked child of the host the pool's calls return wrong_process.
/// Tasks:  functions, or lambdas without captures (or by_value()), with trivially copyable
///         arguments and result of any size. What does not fit into a slot lies in memory of the
///         pool (block_bytes()) until its Future is collected; what takes it by value, or by a
///         reference to change it, has it on the stack, too. Tasks run as daemons: they may not
///         start processes. SIGINT, SIGQUIT and SIGHUP are ignored in them: the host decides what
///         Ctrl-C means.
/// Crash:  a killed worker fails only the task it was in (worker_died, unless it is run again) and
///         is replaced; every other task runs exactly once. A killed supervisor: pool_broken for
///         what had not ended, and the workers go (posix: as soon as a call of the host notices;
///         there, and in a sandbox that forbids prctl(2), each after the task it is in at the
///         latest). A killed host: all of them are gone within a second (posix: unless the
///         supervisor is killed at the same moment; then each goes after its task). A stopped
///         process is not dead: what it holds waits for it, no more.
/// Threads: any number of host threads may submit and wait at the same time. Not a signal handler.
class Pool : public PoolLoop {
public:
    /// Errors: bad_argument (0 workers, or more than the maxima above), timeout_negative,
    /// timeout_overflow, no_memory, no_space, too_many_processes, too_many_files (all undone; a
    /// retry may work), daemon_has_children; initializer_failed, if that is known by then.
    static Result<Pool> create(const PoolOptions& options = PoolOptions()) noexcept;

    Pool() noexcept = default;
    Pool(Pool&& other) noexcept { core_ = std::exchange(other.core_, nullptr); }
    Pool& operator=(Pool&& other) noexcept {
        if (this != &other) {
            destroy();
            core_ = std::exchange(other.core_, nullptr);
        }
        return *this;
    }
    /// As terminate(), and reaps everything.
    ~Pool() noexcept { destroy(); }

    /// Runs f(arguments...) in a worker and waits for its result.
    /// Returns: as apply_async() and Future::get(). A task without a result gives a Status.
    template <class F, class... Arguments>
    auto apply(F&& function, Arguments&&... arguments) noexcept {
        using R = typename detail::CallFor<F, Arguments...>::R;
        auto future = apply_async(std::forward<F>(function), std::forward<Arguments>(arguments)...);
        using Got = decltype(std::declval<Future<R>&>().get());
        return future.ok() ? future->get() : Got(future.error());
    }

    /// The same with options for this task.
    template <class F, class... Arguments>
    auto apply(TaskOptions options, F&& function, Arguments&&... arguments) noexcept {
        using R = typename detail::CallFor<F, Arguments...>::R;
        auto future =
            apply_async(options, std::forward<F>(function), std::forward<Arguments>(arguments)...);
        using Got = decltype(std::declval<Future<R>&>().get());
        return future.ok() ? future->get() : Got(future.error());
    }

    /// Submits f(arguments...) and returns at once, or as soon as there is room, if the pool has a
    /// submit_timeout(). Where f takes a Text<N>, or what else is made of a `const char*`, text may
    /// be given: `pool.apply(greet, "world")`.
    /// Returns: its Future; full (capacity tasks are not yet collected, or they hold all of
    ///          block_bytes: get() some; no_wait() only); timed_out (the same, for so long);
    ///          pool_closed; pool_terminated; pool_broken; initializer_failed; task_too_large
    ///          (detail: the block_bytes it needs); no_memory, no_space (of what does not fit into
    ///          a slot); closed (moved from); wrong_process.
    template <class F, class... Arguments>
    auto apply_async(F&& function, Arguments&&... arguments) noexcept {
        const auto reserve = [this](detail::Ticket& ticket) {
            return detail::pool_reserve_patiently(core_, ticket);
        };
        return submit(reserve, detail::kWaitAsThePool, std::forward<F>(function),
                      std::forward<Arguments>(arguments)...);
    }
    /// The same with options for this task: see TaskOptions.
    /// Returns: also timeout_negative, timeout_overflow, bad_argument.
    template <class F, class... Arguments>
    auto apply_async(TaskOptions options, F&& function, Arguments&&... arguments) noexcept {
        const auto reserve = [this, options](detail::Ticket& ticket) {
            return detail::pool_reserve_on(core_, options.wishes_, ticket);
        };
        return submit(reserve, options.wishes_.room_ns, std::forward<F>(function),
                      std::forward<Arguments>(arguments)...);
    }

    /// No more tasks; those submitted are done, then the workers end. Returns: ok; closed;
    /// wrong_process.
    Status close() noexcept;
    /// Waits for the end of all workers; meanwhile callbacks are called, and maps send what they
    /// have left. Returns: ok; pool_not_closed; timed_out; pool_broken; initializer_failed; full (a
    /// map has more to send, and Futures hold the whole table); wrong_process; timeout_negative,
    /// timeout_overflow.
    Status join(Timeout timeout = Timeout::forever()) noexcept;
    /// Ends the workers now (SIGTERM, 200 ms, SIGKILL) and waits for that. Tasks that have not
    /// ended give pool_terminated. Returns: ok; closed; wrong_process.
    Status terminate() noexcept;

    /// Has so many workers from now on, workers_max() at most, and returns at once. Those that are
    /// added are copies of the program as it was when the pool was made, and begin as all do: where
    /// there is no process for one now, the pool tries again; an initializer that fails in one ends
    /// the pool. Those that are too many end their task and leave: no task is lost.
    /// Returns: ok; bad_argument (0, or too many; detail: how many may be); pool_closed;
    ///          pool_broken; initializer_failed; closed (moved from); wrong_process.
    Status resize(std::uint32_t workers) noexcept;
    /// How many workers the pool is to have; worker_pids() tells who is there by now.
    std::uint32_t workers() const noexcept;
    /// The pids of the workers as of now; how many there are. The supervisor's, 0 once it ended.
    std::size_t worker_pids(std::int32_t* list, std::size_t room) const noexcept;
    std::int32_t supervisor_pid() const noexcept;

private:
    template <class Reserve, class F, class... Arguments>
    auto submit(const Reserve& reserve, std::int64_t room_ns, F&& function,
                Arguments&&... arguments) noexcept {
        using For = detail::CallFor<F, Arguments...>;
        For::check();
        using R = typename For::R;
        using Call = typename For::Call;
        detail::Ticket ticket;
        Status status = reserve(ticket);
        if (!status.ok()) { return Result<Future<R>>(status.error()); }
        void* place = nullptr;
        detail::Trampoline run = nullptr;
        status = detail::place_call<Call, R>(core_, ticket, room_ns, place, run);
        if (!status.ok()) { return Result<Future<R>>(status.error()); }
        ::new (place) Call{std::forward<F>(function),
                           For::Packer::pack(std::forward<Arguments>(arguments)...)};
        detail::pool_publish(core_, ticket, run);
        return Result<Future<R>>(Future<R>(core_, ticket));
    }
    void destroy() noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
