// Barrier: where a fixed number of threads wait for each other.
#ifndef BROOD_BARRIER_HPP
#define BROOD_BARRIER_HPP

#include <cstddef>
#include <type_traits>

#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// What is run when all have come to a Barrier: a callable that is copied as bytes.
struct BarrierAction {
    Status (*run)(void* callable) noexcept = nullptr;
    const void* callable = nullptr;
    std::size_t bytes = 0;

    /// Of one that stays until it has been copied.
    template <class Action>
    static BarrierAction of(Action& action) noexcept {
        return {&run_as<Action>, &action, sizeof(Action)};
    }

private:
    template <class Action>
    static Status run_as(void* bytes) noexcept {
        Action& callable = *static_cast<Action*>(bytes);
        if constexpr (std::is_void_v<decltype(callable())>) {
            callable();
            return Errc::ok;
        } else {
            return callable();
        }
    }
};

}  // namespace detail

/// Each of `parties` threads waits until all have come, as multiprocessing.Barrier in Python. Then
/// all go on, and it can be used again. If one does not come in time, or is killed while it waits,
/// or somebody calls abort(), the barrier breaks: all who wait, and all who come, are told so by
/// broken_barrier, until reset().
///
/// An `action`, a callable without arguments, is run by one of them when all have come, before any
/// goes on. It returns nothing or a Status; an error, or its death, breaks the barrier. It is
/// copied into the shared memory: trivially copyable, at most kActionBytes. It may use locks, but
/// must not wait here.
///
/// Memory: shared, 64 bytes for each party and a kilobyte. No heap. The destructor unmaps it in
///         this process only.
/// Fork:   make it before fork(); parent and children then share it.
/// Crash:  see each operation. Who is killed while he waits breaks it, for the others at once; one
///         killed elsewhere merely does not come: use a timeout. A stopped one is waited for.
/// Waits:  asleep: an idle waiter causes no wake-ups. (Before Linux 5.16 it looks every 250 ms.)
/// Callers: any process, any thread, also more than `parties`: who finds all places taken waits for
///         one. Not a signal handler; but broken(), n_waiting() and parties() may be called there.
class Barrier {
public:
    static constexpr std::size_t kPartiesMax = 126;  ///< That can be watched by another.
    static constexpr std::size_t kActionBytes = 64;

    /// `timeout`: of a wait() without one.
    /// Errors: size_zero, size_too_large, timeout_negative, timeout_overflow, no_memory, no_space,
    /// too_many_files.
    static Result<Barrier> create(std::size_t parties,
                                  Timeout timeout = Timeout::forever()) noexcept {
        return make(parties, timeout, {});
    }
    template <class Action>
    static Result<Barrier> create(std::size_t parties, Action action,
                                  Timeout timeout = Timeout::forever()) noexcept {
        static_assert(std::is_trivially_copyable_v<Action>, "the action lies in shared memory");
        static_assert(sizeof(Action) <= kActionBytes && alignof(Action) <= kActionBytes);
        return make(parties, timeout, detail::BarrierAction::of(action));
    }

    Barrier() noexcept = default;
    Barrier(Barrier&& other) noexcept;
    Barrier& operator=(Barrier&& other) noexcept;
    ~Barrier() noexcept;

    /// Waits for the others. Returns: a number below parties(), another for each of them;
    /// timed_out (and it is broken, unless the caller had still to wait for a place);
    /// broken_barrier; the error of the action, to who ran it; timeout_negative, timeout_overflow;
    /// corrupt; closed. Signals do not cut it short.
    /// Killed here: it breaks, or all go on (if all had come by then), or he had not come yet.
    Result<std::size_t> wait(Timeout timeout) noexcept;
    Result<std::size_t> wait() noexcept;  ///< With the timeout given to create().

    /// Breaks it. Returns: ok, also if it was broken; closed.
    /// Killed here: it is broken, and all who wait are told, or nothing happened.
    Status abort() noexcept;
    /// Mends it. Who waits just now is told broken_barrier. Returns: ok; closed.
    /// Killed here: it is done, and all who wait are told, or nothing happened.
    Status reset() noexcept;

    std::size_t parties() const noexcept;    ///< 0 when closed.
    std::size_t n_waiting() const noexcept;  ///< Living ones, as of now.
    bool broken() const noexcept;

private:
    friend struct BarrierAccess;  // in memory of others: src/barrier_access.hpp
    struct State;
    static Result<Barrier> make(std::size_t parties, Timeout timeout,
                                const detail::BarrierAction& action) noexcept;
    State* state_ = nullptr;
    bool own_memory_ = false;
};

}  // namespace v0
}  // namespace brood

#endif
