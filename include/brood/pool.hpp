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
#include <brood/pool_options.hpp>
#include <brood/pool_stats.hpp>
#include <brood/result.hpp>
#include <brood/task_options.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// A number of worker processes that take tasks from a common table, one by one or by the
/// maps of PoolMaps. PoolLoop has what a host with an event loop needs.
///
/// Memory: capacity x (16 + payload_bytes, rounded up to 64) bytes of shared memory, allocated by
///         create(). No heap. Two descriptors in the host. In a program that uses time-outs,
///         retries, cancel(), max_tasks_per_child, resize(), stats() or an order: one slot and 80
///         bytes more for each worker that there may be, 12 bytes more for each slot, and one
///         descriptor in each worker.
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
///         Nor is one in uninterruptible sleep, and nothing ends it: with a time-out its task ends
///         without it, and no call waits for it.
/// Threads: any number of host threads may submit and wait at the same time; where one alone does,
///         that costs no locked operation. Not a signal handler.
/// Idle:   workers spin for 20 us (not on one CPU), then sleep until there is a task: no wake-ups.
///         In a stream of tasks so short that some of them are enough, the others look for more
///         every 50 us times the number of workers.
class Pool : public PoolLoop {
public:
    /// Errors: bad_argument (0 workers, or more than the maxima of PoolOptions), timeout_negative,
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
    /// map has more to send, and Futures hold the whole table); worker_stuck (all have ended but
    /// for one, or more, that nothing ends; detail: its pid); wrong_process; timeout_negative,
    /// timeout_overflow.
    Status join(Timeout timeout = Timeout::forever()) noexcept;
    /// Ends the workers now (SIGTERM, 200 ms, SIGKILL) and waits for that, a second at most. Tasks
    /// that have not ended give pool_terminated. Returns: ok; worker_stuck (as join()); closed;
    /// wrong_process.
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

    /// How the pool is getting on; also after its end. Looks at each slot of the table: some 10 us
    /// for each thousand. A program that calls it has the memory, and the workers, of one that uses
    /// time-outs (see above), and counts each task when its slot is given back.
    /// Returns: see PoolStats; closed (moved from); wrong_process. Does not block.
    Result<PoolStats> stats() const noexcept;
    /// What each worker that there is does now; how many there are. Up to `room` of them, in the
    /// order of their index. Costs as stats(). 0: none, or as stats().
    std::size_t worker_stats(WorkerStats* list, std::size_t room) const noexcept;

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
