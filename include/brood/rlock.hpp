// RLock: a lock that its holder may take again.
#ifndef BROOD_RLOCK_HPP
#define BROOD_RLOCK_HPP

#include <cstddef>
#include <cstdint>

#include <brood/detail/guard.hpp>
#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

class RLock;

/// An RLock held for a scope, which may lie in the scope of another.
using RLocked = detail::Guard<RLock>;

/// A Lock that the thread which holds it may take again, as multiprocessing.RLock in Python. It is
/// free when it was released as often as it was taken.
///
/// Memory: one page of shared memory. No heap. The destructor unmaps it in this process only; a
///         holder that destroys its handle releases it first, as often as he took it by that.
/// Fork:   make it before fork(); parent and children then share it. A holder's child is no holder.
/// Crash:  when a holder is killed, however often he had taken it, the next to take it gets it
///         together with owner_died, and has taken it once.
/// Waits:  asleep, without wake-ups; a killed waiter takes nobody's place.
/// Callers: any process, any thread. Not a signal handler.
class RLock {
public:
    /// Errors: no_memory, no_space, too_many_files.
    static Result<RLock> create() noexcept;

    RLock() noexcept = default;
    RLock(RLock&& other) noexcept;
    RLock& operator=(RLock&& other) noexcept;
    ~RLock() noexcept;

    /// Takes the lock for a scope: `RLocked hold = lock.acquire(milliseconds(500));`
    /// Blocks:  until it is free, or `timeout`; never its holder. Signals do not cut it short.
    /// Killed here: it is free, or held by the victim and heals as above. It is never lost.
    RLocked acquire(Timeout timeout = Timeout::forever()) noexcept {
        return RLocked(this, take(timeout));
    }
    /// Takes it without a guard. Returns: ok; owner_died (held); timed_out; timeout_negative,
    /// timeout_overflow; out_of_range (taken 2^32 - 1 times already); corrupt; closed.
    Status take(Timeout timeout = Timeout::forever()) noexcept;
    /// Undoes one take(). Returns: ok; not_owner (the caller does not hold it); closed.
    /// Killed here: it is free, or held by the victim and heals as above.
    Status release() noexcept;

private:
    friend struct RLockAccess;  // in memory of others: src/rlock_access.hpp
    struct State;
    State* state_ = nullptr;
    std::uint32_t taken_ = 0;  // how often the holder took it by means of this handle
    bool own_page_ = false;
};

}  // namespace v0
}  // namespace brood

#endif
