// Callbacks of tasks: two functions and their captures in a bounded number of bytes.
#ifndef BROOD_DETAIL_CALLBACK_HPP
#define BROOD_DETAIL_CALLBACK_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <brood/detail/block.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

inline constexpr std::size_t kCallbackBytes = 48;

/// What runs in the host when a task, or a whole map, has ended. `result`: of a task, a TaskResult;
/// of a map, a MapResult.
struct alignas(16) Callback {
    void (*run)(Callback& self, const void* result, const Status& outcome);  // null: none
    alignas(16) unsigned char bytes[kCallbackBytes];
};

struct TaskResult {
    PoolCore* core;
    Ticket ticket;
};
struct MapResult {
    void* outputs;
    std::size_t count;
};

/// Calls callback(result) or error_callback(error). Either may be nullptr.
template <class OnResult, class OnError>
struct CallbackPair {
    OnResult on_result;
    OnError on_error;

    template <class... Results>
    void succeed(Results&&... results) {
        if constexpr (!std::is_null_pointer_v<OnResult>) {
            on_result(std::forward<Results>(results)...);
        }
    }
    void failed(const Error& error) {
        if constexpr (!std::is_null_pointer_v<OnError>) { on_error(error); }
    }
};

template <class OnResult, class OnError, class... Results>
constexpr void check_callbacks() noexcept {
    using Pair = CallbackPair<OnResult, OnError>;
    static_assert(std::is_null_pointer_v<OnResult> || std::is_invocable_v<OnResult&, Results...>,
                  "a callback takes what the task returns: of a map, its outputs and their number");
    static_assert(std::is_null_pointer_v<OnError> || std::is_invocable_v<OnError&, const Error&>,
                  "an error callback takes a const Error&");
    static_assert(
        std::is_trivially_copyable_v<Pair> && sizeof(Pair) <= kCallbackBytes && alignof(Pair) <= 16,
        "callbacks must be trivially copyable and fit into 48 bytes, both together: "
        "capture by reference");
}

/// For a task that returns R.
template <class R, class OnResult, class OnError>
Callback task_callback(OnResult on_result, OnError on_error) noexcept {
    using Pair = CallbackPair<OnResult, OnError>;
    if constexpr (std::is_void_v<R>) {
        check_callbacks<OnResult, OnError>();
    } else {
        check_callbacks<OnResult, OnError, R&>();
    }
    Callback callback{};
    ::new (callback.bytes) Pair{on_result, on_error};
    callback.run = [](Callback& self, const void* result, const Status& outcome) {
        Pair& pair = *std::launder(reinterpret_cast<Pair*>(self.bytes));
        if (!outcome.ok()) { return pair.failed(outcome.error()); }
        if constexpr (std::is_void_v<R>) {
            pair.succeed();
        } else {
            const TaskResult& task = *static_cast<const TaskResult*>(result);
            alignas(R) unsigned char bytes[sizeof(R)];
            __builtin_memcpy(bytes, result_of<R>(task.core, task.ticket), sizeof(R));
            pair.succeed(*std::launder(reinterpret_cast<R*>(bytes)));
        }
    };
    return callback;
}

/// For a map into an array of R.
template <class R, class OnResult, class OnError>
Callback map_callback(OnResult on_result, OnError on_error) noexcept {
    using Pair = CallbackPair<OnResult, OnError>;
    check_callbacks<OnResult, OnError, R*, std::size_t>();
    Callback callback{};
    ::new (callback.bytes) Pair{on_result, on_error};
    callback.run = [](Callback& self, const void* result, const Status& outcome) {
        Pair& pair = *std::launder(reinterpret_cast<Pair*>(self.bytes));
        if (!outcome.ok()) { return pair.failed(outcome.error()); }
        const MapResult& map = *static_cast<const MapResult*>(result);
        pair.succeed(static_cast<R*>(map.outputs), map.count);
    };
    return callback;
}

/// Has `callback` run by who waits in the pool, once, after the task has ended. Errors:
/// bad_argument (the task has one), wrong_process.
Errc pool_follow(PoolCore* core, Ticket ticket, const Callback& callback) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
