// Event: a flag that processes wait for.
#ifndef BROOD_EVENT_HPP
#define BROOD_EVENT_HPP

#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// A flag that some set and clear, and others wait for, as multiprocessing.Event in Python.
///
/// Memory: one page of shared memory. No heap. The destructor unmaps it in this process only.
/// Fork:   make it before fork(); parent and children then share it.
/// Crash:  see each operation. It counts nobody, so whoever is killed, at whatever instruction,
///         leaves nothing that could be wrong: a setter strands no waiter.
/// Waits:  asleep: an idle waiter causes no wake-ups.
/// Callers: any process, any thread. Not a signal handler; but is_set() may be called there.
class Event {
public:
    /// Not set. Errors: no_memory, no_space, too_many_files.
    static Result<Event> create() noexcept;

    Event() noexcept = default;
    Event(Event&& other) noexcept;
    Event& operator=(Event&& other) noexcept;
    ~Event() noexcept;

    /// Sets it, and wakes all who wait. What was written before is seen by whoever sees it set.
    /// Returns: ok, also if it was set already; closed.
    /// Killed here: it is not set, or set and everybody is woken.
    Status set() noexcept;
    /// Returns: ok, also if it was not set; closed. Killed here: it is set, or not.
    Status clear() noexcept;
    bool is_set() const noexcept;

    /// Blocks until it is set, or was set since this began, even if it has been cleared since; or
    /// `timeout`. Signals do not cut the wait short. Returns: ok; timed_out; timeout_negative,
    /// timeout_overflow; closed.
    /// Killed here: nothing happened.
    Status wait(Timeout timeout = Timeout::forever()) noexcept;

private:
    friend struct EventAccess;  // in memory of others: src/event_access.hpp
    void* bell_ = nullptr;      // a port::Bell in shared memory
    bool own_page_ = false;
};

}  // namespace v0
}  // namespace brood

#endif
