// Future<R>: the result of a task that runs in a pool, as multiprocessing.pool.AsyncResult.
#ifndef BROOD_FUTURE_HPP
#define BROOD_FUTURE_HPP

#include <cstddef>
#include <utility>

#include <brood/detail/block.hpp>
#include <brood/detail/callback.hpp>

namespace brood {
inline namespace v0 {

/// What a task will return. Holds the task's slot in the pool's table until it is destroyed or
/// get() was called. Destroying it lets the task go on and forgets its result.
///
/// Memory: two words. It may outlive its pool.
/// Fork:   belongs to the process that made it; elsewhere its calls return wrong_process.
/// Crash:  a killed worker ends this task with worker_died; a killed supervisor, with pool_broken.
/// Threads: one Future belongs to one thread at a time, different ones are independent.
template <class R>
class Future {
public:
    Future() noexcept = default;
    Future(Future&& other) noexcept
        : core_(std::exchange(other.core_, nullptr)), ticket_(other.ticket_) {}
    Future& operator=(Future&& other) noexcept {
        if (this != &other) {
            drop();
            core_ = std::exchange(other.core_, nullptr);
            ticket_ = other.ticket_;
        }
        return *this;
    }
    ~Future() noexcept { drop(); }

    /// Waits until the task has ended and takes its result (Result<void> does not exist: a task
    /// without a result gives a Status).
    /// Returns: the result; timed_out (it may be called again); worker_died (detail: -9 for
    ///          SIGKILL, or the exit code; Error::describe() has it in words); task_timed_out;
    ///          cancelled; pool_broken; pool_terminated; unknown_function; collected (taken
    ///          before, or no task); wrong_process.
    auto get(Timeout timeout = Timeout::forever()) noexcept {
        const Status status = take(timeout);
        if constexpr (std::is_void_v<R>) {
            if (status.ok()) { drop(); }
            return status;
        } else {
            if (!status.ok()) { return Result<R>(status.error()); }
            const void* const from = detail::result_of<R>(core_, ticket_);
            if constexpr (sizeof(R) > detail::kInSlotBytes) {  // copied once
                Result<R> result(*std::launder(static_cast<const R*>(from)));
                drop();
                return result;
            } else {
                alignas(R) unsigned char bytes[sizeof(R)];
                __builtin_memcpy(bytes, from, sizeof(R));
                drop();
                return Result<R>(*std::launder(reinterpret_cast<R*>(bytes)));
            }
        }
    }
    /// Waits until the task has ended, well or not: ok. Errors: as get(), without those
    /// of the task.
    Status wait(Timeout timeout = Timeout::forever()) noexcept {
        return core_ == nullptr ? Status(Errc::collected)
                                : Status(detail::pool_wait(core_, ticket_, timeout));
    }
    /// Whether get() would return at once: the task has ended, or never will. False if there is
    /// none.
    bool ready() const noexcept { return core_ != nullptr && look() != Errc::timed_out; }
    /// Whether the task ended well; not_done while it still may. Errors: collected; wrong_process.
    Result<bool> successful() const noexcept {
        if (core_ == nullptr) { return Errc::collected; }
        const Errc ended = look();
        if (ended == Errc::timed_out) { return Errc::not_done; }
        if (ended == Errc::wrong_process) { return Errc::wrong_process; }
        return ended == Errc::ok && detail::pool_outcome(core_, ticket_).ok();
    }
    /// Ends the task and returns at once. If no worker has begun it, it never runs. If it runs, its
    /// worker gets SIGTERM, 200 ms later SIGKILL, whatever the task blocks, and is replaced; 200 ms
    /// after that it is given up if it does not end (see PoolOptions::task_timeout()). The outcome
    /// is cancelled; a task that ends by itself in that moment is done, and get() tells.
    /// Returns: true; false if it had ended before. Errors: collected; wrong_process.
    Result<bool> cancel() noexcept {
        if (core_ == nullptr) { return Errc::collected; }
        return detail::pool_cancel(core_, ticket_);
    }

    /// Has callback(result) called when the task has ended well, or error_callback(error) with what
    /// get() would return: `pool.apply_async(f, x)->then(print, report)`. Each is called at most
    /// once, and one of them is, in whichever thread of the host waits or looks next after the end:
    /// in get(), wait(), ready() or successful() of any Future of the pool, in Pool::poll() or
    /// Pool::join(), never in a signal handler; get() and ready() of this Future tell nothing
    /// before. The Future may go before that. Callbacks may use the pool. Those that were not
    /// called when the Pool and the last Future go never are.
    /// callback: takes an R& (nothing, if the task has no result); error_callback: a const Error&.
    ///           Either may be nullptr. Trivially copyable, 48 bytes both together: capture by
    ///           reference.
    /// Returns: this Future. If it has no task, belongs to another process or has callbacks, then
    ///          error_callback is called at once: collected, wrong_process, bad_argument.
    template <class OnResult, class OnError = std::nullptr_t>
    Future& then(OnResult callback, OnError error_callback = OnError()) noexcept {
        const Errc status = core_ == nullptr ? Errc::collected
                                             : detail::pool_follow(core_, ticket_,
                                                                   detail::task_callback<R>(
                                                                       callback, error_callback));
        if (status != Errc::ok) {
            detail::CallbackPair<OnResult, OnError>{callback, error_callback}.failed(status);
        }
        return *this;
    }

private:
    friend class Pool;
    friend class Waitable;
    detail::PoolCore* pool() const noexcept { return core_; }
    Future(detail::PoolCore* core, detail::Ticket ticket) noexcept : core_(core), ticket_(ticket) {}

    Errc look() const noexcept { return detail::pool_wait(core_, ticket_, Timeout::no_wait()); }
    Status take(Timeout timeout) noexcept {
        if (core_ == nullptr) { return Errc::collected; }
        const Status status = detail::pool_collect(core_, ticket_, timeout);
        // The task has ended, without a result: the slot is of no use any more.
        if (detail::is_end_of_task(status.code())) { drop(); }
        return status;
    }
    void drop() noexcept {
        if (core_ != nullptr) { detail::pool_drop(core_, ticket_); }
        core_ = nullptr;
    }
    detail::PoolCore* core_ = nullptr;
    detail::Ticket ticket_;
};

}  // namespace v0
}  // namespace brood

#endif
