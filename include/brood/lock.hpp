// Lock: mutual exclusion among processes and threads, that heals when its holder dies.
#ifndef BROOD_LOCK_HPP
#define BROOD_LOCK_HPP

#include <cstddef>

#include <brood/detail/guard.hpp>
#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

class Lock;

/// A held lock, released at the end of the scope; says how it was got.
using Locked = detail::Guard<Lock>;

/// Mutual exclusion among processes and threads.
///
/// Unlike Python's Lock it has an owner: release by another is not_owner, a second acquire by the
/// owner would_deadlock. A thread that ends holding it counts as dead.
///
/// Memory: one page of shared memory, or a part of a Value or Array. No heap. The destructor
///         unmaps it in this process only; a holder that destroys its handle releases it first.
/// Fork:   make it before fork(); parent and children then share it. A holder's child is no holder.
/// Crash:  when a holder is killed, the next acquire gets the lock together with owner_died.
/// Callers: any process, any thread. Not a signal handler.
class Lock {
public:
    /// Errors: no_memory, no_space, too_many_files.
    static Result<Lock> create() noexcept;

    Lock() noexcept = default;
    Lock(Lock&& other) noexcept;
    Lock& operator=(Lock&& other) noexcept;
    ~Lock() noexcept;

    /// Takes the lock for a scope: `Locked hold = lock.acquire(milliseconds(500));`
    /// Blocks:  until it is free, or `timeout`. Signals do not cut the wait short.
    /// Killed here: it is free, or held by the victim and heals as above. It is never lost.
    Locked acquire(Timeout timeout = Timeout::forever()) noexcept {
        return Locked(this, take(timeout));
    }
    /// Takes it without a guard. Returns: ok; owner_died (held); timed_out; would_deadlock;
    /// timeout_negative, timeout_overflow; corrupt; closed.
    Status take(Timeout timeout = Timeout::forever()) noexcept;
    /// Returns: ok; not_owner (the caller does not hold it); closed.
    Status release() noexcept;

private:
    friend struct LockAccess;  // locks in memory of others: src/lock_access.hpp
    void* state_ = nullptr;    // a port::RobustMutex in shared memory
    bool own_page_ = false;
    bool held_ = false;  // by means of this handle: another one's end releases nothing
};

}  // namespace v0
}  // namespace brood

#endif
