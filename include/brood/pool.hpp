// Pool: worker processes that run tasks, as multiprocessing.Pool in Python.
#ifndef BROOD_POOL_HPP
#define BROOD_POOL_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <brood/detail/map_tasks.hpp>
#include <brood/detail/spread.hpp>
#include <brood/detail/task.hpp>
#include <brood/future.hpp>
#include <brood/imap.hpp>
#include <brood/map_options.hpp>
#include <brood/result.hpp>
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
        workers_ = count;
        return *this;
    }
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
        __builtin_memcpy(initializer_, &stored, sizeof stored);
        initialize_ = [](void* bytes) -> bool {
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
    std::uint32_t workers_ = UINT32_MAX;  // not set
    std::uint32_t capacity_ = 1024;
    std::size_t payload_ = 48;
    bool (*initialize_)(void*) = nullptr;
    alignas(16) unsigned char initializer_[kInitializerBytes] = {};
};

/// A fixed number of worker processes that take tasks from a common table.
///
/// Memory: capacity x (16 + payload_bytes, rounded up to 64) bytes of shared memory, allocated by
///         create(). No heap. Two descriptors in the host.
/// Fork:   a supervisor process is forked from the host and forks the workers, so they see the
///         program as it was when the pool was made: make the pool before the first thread. In a
///         forked child of the host the pool's calls return wrong_process.
/// Tasks:  functions, or lambdas without captures (or by_value()), with trivially copyable
///         arguments and result. They run as daemons: they may not start processes. SIGINT, SIGQUIT
///         and SIGHUP are ignored in them: the host decides what Ctrl-C means.
/// Crash:  a killed worker fails only the task it was in (worker_died) and is replaced; every other
///         task runs exactly once. A killed supervisor: pool_broken for what had not ended, and the
///         workers go (posix: as soon as a call of the host notices; there, and in a sandbox that
///         forbids prctl(2), each after the task it is in at the latest). A killed host: all of
///         them are gone within a second (posix: unless the supervisor is killed at the same
///         moment; then each goes after its task). A stopped process is not dead: what it holds
///         waits for it, no more.
/// Threads: any number of host threads may submit and wait at the same time. Not a signal handler.
class Pool {
public:
    /// Errors: bad_argument (0 workers, or more than the maxima above), no_memory, no_space,
    /// too_many_processes, too_many_files (all undone; a retry may work), daemon_has_children;
    /// initializer_failed, if that is known by then.
    static Result<Pool> create(const PoolOptions& options = PoolOptions()) noexcept;

    Pool() noexcept = default;
    Pool(Pool&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
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
        using R = detail::CallResult<F, Arguments...>;
        auto future = apply_async(std::forward<F>(function), std::forward<Arguments>(arguments)...);
        using Got = decltype(std::declval<Future<R>&>().get());
        return future.ok() ? future->get() : Got(future.error());
    }

    /// Submits f(arguments...) and returns at once.
    /// Returns: its Future; full (capacity tasks are not yet collected: get() some); pool_closed;
    ///          pool_broken; initializer_failed; task_too_large (detail: the payload_bytes it
    ///          needs); closed (moved from); wrong_process.
    template <class F, class... Arguments>
    auto apply_async(F&& function, Arguments&&... arguments) noexcept {
        detail::check_task<F, Arguments...>();
        using R = detail::CallResult<F, Arguments...>;
        using Call = detail::Bound<std::decay_t<F>, std::decay_t<Arguments>...>;
        static_assert(alignof(Call) <= 16, "arguments of a task may need an alignment of 16");
        constexpr std::size_t kBytes = sizeof(Call) > detail::bytes_of<R>() ? sizeof(Call)
                                                                            : detail::bytes_of<R>();
        detail::Ticket ticket;
        const Status reserved = detail::pool_reserve(core_, kBytes, ticket);
        if (!reserved.ok()) { return Result<Future<R>>(reserved.error()); }
        ::new (detail::pool_payload(core_, ticket))
            Call{std::forward<F>(function), detail::pack(std::forward<Arguments>(arguments)...)};
        detail::pool_publish(core_, ticket, &detail::run_call<Call, R>);
        return Result<Future<R>>(Future<R>(core_, ticket));
    }

    /// outputs[i] = f(inputs[i]) for all i, in chunks, several at a time; waits for all of them.
    /// Returns: ok; the first error (the other outputs are filled all the same; those of a chunk
    ///          whose worker died are left as they were); full, if Futures or other threads hold
    ///          the whole table; bad_argument, task_too_large (see MapOptions).
    template <class F, class T, class R>
    Status map(F&& function, const T* inputs, R* outputs, std::size_t count,
               const MapOptions& options = MapOptions()) noexcept {
        return map(std::forward<F>(function), inputs, outputs, count, options,
                   [](std::size_t, std::size_t) {});
    }
    /// The same, and calls progress(done, total) in the host as chunks are collected.
    template <class F, class T, class R, class Progress>
    Status map(F&& function, const T* inputs, R* outputs, std::size_t count,
               const MapOptions& options, Progress&& progress) noexcept {
        detail::check_task<F, T>();
        return detail::map_tasks(core_, std::decay_t<F>(function), inputs, outputs, count, options,
                                 std::forward<Progress>(progress));
    }
    template <class F, class T, class R, class Progress,
              class = std::enable_if_t<std::is_invocable_v<Progress&, std::size_t, std::size_t>>>
    Status map(F&& function, const T* inputs, R* outputs, std::size_t count,
               Progress&& progress) noexcept {
        return map(std::forward<F>(function), inputs, outputs, count, MapOptions(),
                   std::forward<Progress>(progress));
    }
    template <class F, class T, class R, std::size_t N>
    Status map(F&& function, const T (&inputs)[N], R (&outputs)[N],
               const MapOptions& options = MapOptions()) noexcept {
        return map(std::forward<F>(function), static_cast<const T*>(inputs),
                   static_cast<R*>(outputs), N, options);
    }

    /// outputs[i] = f(a, b, ...) for the values a, b, ... of each inputs[i], a Pair or a Tuple;
    /// otherwise as map().
    template <class F, class T, class R>
    Status starmap(F&& function, const T* inputs, R* outputs, std::size_t count,
                   const MapOptions& options = MapOptions()) noexcept {
        return detail::map_tasks(core_, detail::spread<F, T>(std::forward<F>(function)), inputs,
                                 outputs, count, options, [](std::size_t, std::size_t) {});
    }
    template <class F, class T, class R, std::size_t N>
    Status starmap(F&& function, const T (&inputs)[N], R (&outputs)[N],
                   const MapOptions& options = MapOptions()) noexcept {
        return starmap(std::forward<F>(function), static_cast<const T*>(inputs),
                       static_cast<R*>(outputs), N, options);
    }

    /// The results of f for each element of `input`, in its order, as they are asked for; elements
    /// are pulled when there is room for them in the window. `input`: an array or a range that
    /// outlives this, or a generator, which is called with a T& and fills it. It returns a bool,
    /// false at the end, or a Status, end_of_stream at the end, and with any other error the input
    /// ends, too, which next() tells after all results. A generator with a name is not copied.
    /// Returns: an Imap, which is not to be moved: `auto results = pool.imap(f, input)`. What
    ///          cannot be is told by its first next().
    template <class F, class Input>
    auto imap(F&& function, Input&& input, const MapOptions& options = MapOptions()) noexcept {
        return pulled(std::forward<F>(function), detail::source_of(std::forward<Input>(input)),
                      options, true);
    }
    /// The same, and whichever result comes first is given first.
    template <class F, class Input>
    auto imap_unordered(F&& function, Input&& input,
                        const MapOptions& options = MapOptions()) noexcept {
        return pulled(std::forward<F>(function), detail::source_of(std::forward<Input>(input)),
                      options, false);
    }
    /// Both for a pair of iterators.
    template <class F, class I>
    auto imap(F&& function, I first, I last, const MapOptions& options = MapOptions()) noexcept {
        return pulled(std::forward<F>(function), detail::IteratorSource<I, I>{first, last}, options,
                      true);
    }
    template <class F, class I>
    auto imap_unordered(F&& function, I first, I last,
                        const MapOptions& options = MapOptions()) noexcept {
        return pulled(std::forward<F>(function), detail::IteratorSource<I, I>{first, last}, options,
                      false);
    }

    /// No more tasks; those submitted are done, then the workers end. Returns: ok; closed;
    /// wrong_process.
    Status close() noexcept;
    /// Waits for the end of all workers. Returns: ok; pool_not_closed; timed_out; pool_broken;
    /// initializer_failed; wrong_process; timeout_negative, timeout_overflow.
    Status join(Timeout timeout = Timeout::forever()) noexcept;
    /// Ends the workers now (SIGTERM, 200 ms, SIGKILL) and waits for that. Tasks that have not
    /// ended give pool_terminated. Returns: ok; closed; wrong_process.
    Status terminate() noexcept;

    std::uint32_t workers() const noexcept;
    /// The pids of the workers as of now; how many there are. The supervisor's, 0 once it ended.
    std::size_t worker_pids(std::int32_t* list, std::size_t room) const noexcept;
    std::int32_t supervisor_pid() const noexcept;

private:
    template <class F, class Source>
    auto pulled(F&& function, Source source, const MapOptions& options, bool in_order) noexcept {
        detail::check_task<F, typename Source::Item>();
        return Imap<std::decay_t<F>, Source>(core_, std::forward<F>(function),
                                             std::forward<Source>(source), options, in_order);
    }
    void destroy() noexcept;
    detail::PoolCore* core_ = nullptr;
};

}  // namespace v0
}  // namespace brood

#endif
