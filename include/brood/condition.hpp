// Condition: a lock, and waiting until somebody who held it tells of a change.
#ifndef BROOD_CONDITION_HPP
#define BROOD_CONDITION_HPP

#include <cstddef>
#include <cstdint>

#include <brood/detail/guard.hpp>
#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

class Condition;

/// A condition's lock, held for a scope.
using ConditionLocked = detail::Guard<Condition>;

/// Waiting for a change of what a lock guards, as multiprocessing.Condition in Python. The lock is
/// its own, and a Lock (not an RLock: a second acquire by the holder is would_deadlock).
///
///     ConditionLocked hold = condition.acquire();
///     condition.wait_for([&] { return !shared.empty(); }, seconds(5)).expect("waiting for work");
///
/// Notified are those who have waited longest and live. To be notified says that something may
/// have changed, no more: after a death one more may be notified than was asked for.
///
/// Memory: shared, 136 bytes for each thread that may wait at a time, and a kilobyte: five pages
///         of 4 KiB for kWaitersMax. No heap. The destructor unmaps it in this process only; a
///         holder that destroys its handle releases it first.
/// Fork:   make it before fork(); parent and children then share it. A holder's child is no holder.
/// Crash:  when a holder is killed, the next who gets the lock, be it from wait(), gets it together
///         with owner_died. A notify is acted upon when the notified releases the lock, or waits
///         again: if he is killed earlier, it passes to the next who waited then. (A holder who was
///         not notified, and is killed before he could notify, is told to the next who acquires;
///         nobody is woken for that.) No kill strands a waiter or holds up the others.
/// Waits:  asleep: an idle waiter causes no wake-ups. (Before Linux 5.16 it looks every 250 ms.)
/// Callers: any process, any thread. Not a signal handler.
class Condition {
public:
    static constexpr std::size_t kWaitersMax = 126;  ///< That can be watched by another.

    /// `waiters`: threads that may wait at a time.
    /// Errors: size_zero, size_too_large, no_memory, no_space, too_many_files.
    static Result<Condition> create(std::size_t waiters = kWaitersMax) noexcept;

    Condition() noexcept = default;
    Condition(Condition&& other) noexcept;
    Condition& operator=(Condition&& other) noexcept;
    ~Condition() noexcept;

    /// Takes the lock for a scope. Blocks until it is free, or `timeout`.
    ConditionLocked acquire(Timeout timeout = Timeout::forever()) noexcept {
        return ConditionLocked(this, take(timeout));
    }
    /// Takes it without a guard. Returns: ok; owner_died (held); timed_out; would_deadlock;
    /// timeout_negative, timeout_overflow; corrupt; closed.
    /// Killed here: it is free, or held by the victim and heals as above.
    Status take(Timeout timeout = Timeout::forever()) noexcept;
    /// Returns: ok; not_owner; closed.
    Status release() noexcept;

    /// Releases the lock, sleeps until notified or `timeout`, and takes the lock again, for which
    /// there is no time limit. Signals do not cut it short.
    /// Returns, with the lock held: ok (notified); timed_out (not notified); owner_died (the last
    /// holder was killed inside: check what the lock guards, and what you wait for; whether one was
    /// notified is not told). With the lock as it was: not_owner (the caller does not hold it);
    /// too_many_members (as many wait as may); timeout_negative, timeout_overflow; closed. Without:
    /// corrupt.
    /// Killed here: a notify that had reached the victim passes to the next.
    Status wait(Timeout timeout = Timeout::forever()) noexcept;

    /// Waits until `predicate()`, called with the lock held, is true.
    /// Returns: ok (it is true); timed_out (it was false once more, at the end); owner_died (the
    /// predicate was not asked: what it looks at may be half changed); or as wait().
    template <class Predicate>
    Status wait_for(Predicate predicate, Timeout timeout = Timeout::forever()) noexcept {
        const auto ask = [](void* of) noexcept { return bool((*static_cast<Predicate*>(of))()); };
        return wait_until(ask, &predicate, timeout);
    }

    /// Notifies `count` of those who wait, or all if fewer do. Nobody who begins to wait later is
    /// notified by it. The caller holds the lock, and they go on when he releases it.
    /// Returns: ok, also if nobody waits; not_owner; closed.
    /// Killed here: none is notified, or as many as asked for; and the lock is a dead holder's.
    Status notify(std::size_t count = 1) noexcept;
    Status notify_all() noexcept { return notify(SIZE_MAX); }

private:
    friend struct ConditionAccess;  // in memory of others: src/condition_access.hpp
    struct State;
    Status wait_until(bool (*ask)(void*) noexcept, void* of, Timeout timeout) noexcept;
    Status wait_once(std::int64_t deadline_ns) noexcept;
    void set_held(bool held) noexcept;
    State* state_ = nullptr;
    bool own_memory_ = false;
    bool held_ = false;  // by means of this handle: another one's end releases nothing
};

}  // namespace v0
}  // namespace brood

#endif
