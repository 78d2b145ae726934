// Tasks as the pool's workers see them: a trampoline and the bytes of its arguments or result.
#ifndef BROOD_DETAIL_TASK_HPP
#define BROOD_DETAIL_TASK_HPP

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <brood/detail/pack.hpp>
#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// A lambda whose captures travel to the worker by value; see by_value().
template <class F>
struct ByValue {
    F function;
    template <class... Arguments>
    decltype(auto) operator()(Arguments&... arguments) {
        return function(arguments...);
    }
};

/// Lets a task capture: `pool.apply(by_value([factor](int n) { return factor * n; }), 7)`. The
/// captures are copied as bytes, into a process that is an older copy of this one: captured
/// pointers and references would point to what was there when the pool was made.
template <class F>
ByValue<std::decay_t<F>> by_value(F&& function) noexcept {
    static_assert(std::is_trivially_copyable_v<std::decay_t<F>>,
                  "captures of a task must be trivially copyable: capture numbers, Text<N>, "
                  "Bytes<N> or structs of plain fields");
    return {std::forward<F>(function)};
}

namespace detail {

struct PoolCore;
struct Pollable;

/// Runs in a worker: finds its arguments in `payload` and leaves its result there. False: it called
/// nothing, since the function is not in this process.
using Trampoline = bool (*)(void* payload);

/// A task's place in the pool's table.
struct Ticket {
    std::uint32_t slot = 0;
};

/// What was asked for a task: see TaskOptions. As the workers and the supervisor see it.
struct TaskTerms {
    std::uint32_t ticks;    // how long it may run, in units of 2^20 ns; 0: for ever
    std::uint32_t retries;  // how often it is run again when its worker has died
};

/// In TaskOptions, for a number that was not set.
inline constexpr std::uint32_t kAsThePool = UINT32_MAX - 2;
inline constexpr std::int64_t kWaitAsThePool = -3;

/// What is in TaskOptions.
struct TaskWishes {
    TaskTerms terms = {kAsThePool, kAsThePool};
    std::int64_t room_ns = kWaitAsThePool;  // how long to wait for room in the table
    std::int32_t priority = INT32_MIN;      // not set
    std::uint32_t expected = UINT32_MAX;    // in microseconds; not set
};

/// What is given to each task with such wishes.
struct Settled {
    TaskTerms terms = {};
    std::uint32_t weight = 0;  // see src/pool_order.hpp
    /// To a slot that was reserved. Null: nothing is given.
    void (*give)(PoolCore* core, Ticket ticket, const Settled& settled) noexcept = nullptr;
};

/// What is in TaskTerms::ticks, TaskWishes::room_ns and expected for it; of one that cannot be, a
/// number that is refused later.
std::uint32_t ticks_of(Timeout timeout) noexcept;
std::int64_t room_ns_of(Timeout timeout) noexcept;
std::uint32_t expected_of(Timeout time) noexcept;

// The byte core of the pool (src/pool_tasks.cpp). Any thread of the host; see Pool for errors.
/// A free slot.
Status pool_reserve(PoolCore* core, Ticket& ticket) noexcept;
/// The same, but waits for room if the pool has a submit_timeout(). Also timed_out.
Status pool_reserve_patiently(PoolCore* core, Ticket& ticket) noexcept;
/// The same for a task with wishes of its own. Also timeout_negative, timeout_overflow,
/// bad_argument.
Status pool_reserve_on(PoolCore* core, const TaskWishes& wishes, Ticket& ticket) noexcept;
/// What such wishes come to in this pool; timeout_negative, timeout_overflow, bad_argument.
Errc pool_settle(const PoolCore* core, const TaskWishes& wishes, Settled& settled) noexcept;
void* pool_payload(PoolCore* core, Ticket ticket) noexcept;
/// Lets the workers have it. From here on the pool may run it.
void pool_publish(PoolCore* core, Ticket ticket, Trampoline run) noexcept;
/// Gives back a slot that was reserved and will not be published.
void pool_unreserve(PoolCore* core, Ticket ticket) noexcept;
bool pool_ended(PoolCore* core, Ticket ticket) noexcept;
/// Waits until the task has ended, one way or another: ok. Errors: timed_out, pool_broken,
/// pool_terminated, wrong_process, timeout_negative, timeout_overflow.
Errc pool_wait(PoolCore* core, Ticket ticket, Timeout timeout) noexcept;
/// The same for what `watch` looks for: it is called again and again, and true ends the wait.
using Watch = bool (*)(void* context);
Errc pool_watch(PoolCore* core, Watch watch, void* context, Timeout timeout) noexcept;
/// How an ended task ended: ok, worker_died, unknown_function, task_timed_out, cancelled.
Status pool_outcome(PoolCore* core, Ticket ticket) noexcept;
/// Whether this is how a task has ended, other than well.
constexpr bool is_end_of_task(Errc code) noexcept {
    return code == Errc::worker_died || code == Errc::unknown_function ||
           code == Errc::task_timed_out || code == Errc::cancelled;
}
/// Both, one after the other.
Status pool_collect(PoolCore* core, Ticket ticket, Timeout timeout) noexcept;
/// Ends it: see Future::cancel().
Result<bool> pool_cancel(PoolCore* core, Ticket ticket) noexcept;
/// Gives the slot back; a task that has not ended goes on and is forgotten.
void pool_drop(PoolCore* core, Ticket ticket) noexcept;
/// Between the two the core stays, even if the Pool is destroyed.
void pool_attach(PoolCore* core) noexcept;
void pool_detach(PoolCore* core) noexcept;
/// How many payload bytes a slot has, and how many workers there are.
std::size_t pool_payload_bytes(const PoolCore* core) noexcept;
std::uint32_t pool_worker_count(const PoolCore* core) noexcept;
/// In a worker: whether there is something at this address, which the host says is a function.
bool pool_knows(const void* function) noexcept;

template <class F>
inline constexpr bool kIsByValue = false;
template <class F>
inline constexpr bool kIsByValue<ByValue<F>> = true;

/// Refuses at compile time what cannot travel to a worker.
template <class F, class... Arguments>
constexpr void check_task() noexcept {
    using Function = std::decay_t<F>;
    static_assert(std::is_pointer_v<Function> || std::is_empty_v<Function> || kIsByValue<Function>,
                  "a task is a function or a lambda without captures: pass what it needs as "
                  "arguments, or wrap it in by_value()");
    static_assert((... && std::is_trivially_copyable_v<std::decay_t<Arguments>>),
                  "arguments of a task must be trivially copyable: use numbers, Text<N>, Bytes<N>, "
                  "Pair, Tuple or structs of plain fields");
    static_assert((... && !std::is_pointer_v<std::decay_t<Arguments>>),
                  "a task runs in another process, where a pointer of this one means nothing: pass "
                  "an index into an Array made before the pool, or the value itself (Text<N>, "
                  "Bytes<N>)");
    using R = std::decay_t<std::invoke_result_t<Function&, std::decay_t<Arguments>&...>>;
    static_assert(std::is_void_v<R> || std::is_trivially_copyable_v<R>,
                  "the result of a task must be trivially copyable: use numbers, Text<N>, "
                  "Bytes<N>, Pair, Tuple or structs of plain fields");
    static_assert(!std::is_pointer_v<R>, "the result of a task must not be a pointer");
}

template <class R>
constexpr std::size_t bytes_of() noexcept {
    if constexpr (std::is_void_v<R>) {
        return 0;
    } else {
        return sizeof(R);
    }
}

/// A function pointer may point into a library that the worker does not have.
template <class F>
bool is_known(const F& function) noexcept {
    if constexpr (std::is_pointer_v<F>) {
        return pool_knows(reinterpret_cast<const void*>(function));
    } else {
        return true;
    }
}

/// One call with its arguments.
template <class B, class R>
bool run_call(void* payload) {
    B call = *std::launder(static_cast<B*>(payload));  // the result may take its place
    if (!is_known(call.function)) { return false; }
    if constexpr (std::is_void_v<R>) {
        call();
    } else {
        const R result = call();
        __builtin_memcpy(payload, &result, sizeof result);
    }
    return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
