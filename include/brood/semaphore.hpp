// Semaphore: a number of permits, which come back when their holder dies.
#ifndef BROOD_SEMAPHORE_HPP
#define BROOD_SEMAPHORE_HPP

#include <cstddef>
#include <cstdint>

#include <brood/detail/guard.hpp>
#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

class Semaphore;

/// A permit held for a scope.
using Permit = detail::Guard<Semaphore>;

/// At most so many threads at a time, in any number of processes, do what it guards.
///
/// It comes in two forms:
///   create(n)      records who holds each permit. A permit is released by the thread that acquired
///                  it: by another is not_owner. One that ends without, killed or not, gives it
///                  back by that.
///   signalling(n)  counts units that have no holder: whoever likes releases what others acquire.
///                  What a dead process acquired stays acquired.
///
/// Memory: one page of shared memory; of the first form 64 bytes for each permit. No heap. The
///         destructor unmaps it in this process only; permits that the caller holds are released.
/// Fork:   make it before fork(); parent and children then share it. A holder's child holds none.
/// Crash:  see each operation. No kill loses a permit, adds one, or strands a waiter.
/// Waits:  asleep: an idle waiter causes no wake-ups, and the death of a holder wakes one. (Of more
///         than 127 permits, or before Linux 5.16, waiters look for dead holders every 250 ms.)
/// Callers: any process, any thread. Not a signal handler.
class Semaphore {
public:
    static constexpr std::size_t kPermitsMax = 2000;  ///< Of create(): a thread may hold all.

    /// Errors: size_zero, size_too_large, no_memory, no_space, too_many_files.
    static Result<Semaphore> create(std::size_t permits) noexcept;
    /// Of at most 2^31 - 1 units. Errors: as create(), and `units` may be 0.
    static Result<Semaphore> signalling(std::size_t units) noexcept;

    Semaphore() noexcept = default;
    Semaphore(Semaphore&& other) noexcept;
    Semaphore& operator=(Semaphore&& other) noexcept;
    ~Semaphore() noexcept;

    /// Takes a permit for a scope: `Permit hold = semaphore.acquire(milliseconds(500));`
    /// Blocks:  until there is one, or `timeout`. Signals do not cut the wait short. Not in order
    ///          of arrival: who comes just then may be quicker than who is woken.
    /// Killed here: the permit is there for others, or held by the victim and comes back. (Of the
    ///          signalling form: there, or gone with the victim.)
    Permit acquire(Timeout timeout = Timeout::forever()) noexcept {
        return Permit(this, take(timeout));
    }
    /// Takes one without a guard. Returns: ok; timed_out; timeout_negative, timeout_overflow;
    /// corrupt; closed.
    Status take(Timeout timeout = Timeout::forever()) noexcept;
    Status try_take() noexcept { return take(Timeout::no_wait()); }

    /// Gives back `permits`, all or none. Returns: ok; not_owner (the caller holds fewer);
    /// too_many_releases (of a signalling one: it cannot count so many); closed.
    /// Killed here: those not yet given back come back by the death. (Signalling: all or none.)
    Status release(std::size_t permits = 1) noexcept;

    /// How many can be acquired, as of now: others may change it at any moment.
    std::size_t value() const noexcept;

protected:
    enum class Form : std::uint32_t { recording, signalling };
    static Result<Semaphore> make(Form form, std::size_t permits, bool is_bounded) noexcept;

private:
    friend struct SemaphoreAccess;  // in memory of others: src/semaphore_access.hpp
    struct State;
    Status take_permit(std::int64_t deadline_ns) noexcept;
    Status take_unit(std::int64_t deadline_ns) noexcept;
    Status release_permits(std::size_t permits) noexcept;
    Status release_units(std::size_t units) noexcept;
    void forget_taken(std::size_t permits) noexcept;
    State* state_ = nullptr;
    std::uint32_t taken_ = 0;  // permits, by means of this handle, if its memory is another's
    bool own_memory_ = false;
};

/// A Semaphore that reports a release beyond its initial count as too_many_releases.
class BoundedSemaphore : public Semaphore {
public:
    /// Errors: as Semaphore's.
    static Result<BoundedSemaphore> create(std::size_t permits) noexcept {
        return wrap(make(Form::recording, permits, true));
    }
    static Result<BoundedSemaphore> signalling(std::size_t units) noexcept {
        return wrap(make(Form::signalling, units, true));
    }
    BoundedSemaphore() noexcept = default;

private:
    friend struct SemaphoreAccess;
    explicit BoundedSemaphore(Semaphore&& made) noexcept
        : Semaphore(static_cast<Semaphore&&>(made)) {}
    static Result<BoundedSemaphore> wrap(Result<Semaphore> made) noexcept {
        if (!made.ok()) { return made.error(); }
        return BoundedSemaphore(static_cast<Semaphore&&>(*made));
    }
};

}  // namespace v0
}  // namespace brood

#endif
