#include <brood/lock.hpp>

#include <utility>

#include <port/port.hpp>

#include "deadline.hpp"
#include "lock_access.hpp"

namespace brood {
inline namespace v0 {
namespace {

port::RobustMutex& mutex_at(void* state) noexcept {
    return *static_cast<port::RobustMutex*>(state);
}

}  // namespace

Result<Lock> Lock::create() noexcept {
    const Result<void*> page = detail::make_object(LockAccess::bytes(), [](void* memory) {
        return LockAccess::lay_out(memory, detail::Before::zeroes);
    });
    if (!page.ok()) { return page.error(); }
    Lock lock = LockAccess::view(*page);
    lock.own_page_ = true;
    return lock;
}

Lock::Lock(Lock&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      own_page_(std::exchange(other.own_page_, false)),
      held_(std::exchange(other.held_, false)) {}

Lock& Lock::operator=(Lock&& other) noexcept {
    Lock taken(std::move(other));  // Leaves with what *this had.
    std::swap(state_, taken.state_);
    std::swap(own_page_, taken.own_page_);
    std::swap(held_, taken.held_);
    return *this;
}

Lock::~Lock() noexcept {
    if (state_ == nullptr) { return; }
    // The system keeps a list of the mutexes that a thread holds, linked through the mutexes: one
    // that is held must not be unmapped. Whoever else holds it is not disturbed. One that is not
    // held is not even read: it may lie in a segment that somebody has damaged.
    if (held_) { port::mutex_unlock(mutex_at(state_)).ignore(); }
    if (own_page_) { port::unmap(state_, LockAccess::bytes()); }
}

Status Lock::take(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::quick_deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (state_ == nullptr) { return Errc::closed; }
    const Status status = port::mutex_lock(mutex_at(state_), deadline_ns);
    if (detail::is_held(status)) { __atomic_store_n(&held_, true, __ATOMIC_RELAXED); }
    return status;
}

Status Lock::release() noexcept {
    if (state_ == nullptr) { return Errc::closed; }
    // Cleared before, as afterwards it is the next holder's. One who does not hold the lock puts it
    // back, and never clears what was not set when he came.
    const bool held = __atomic_load_n(&held_, __ATOMIC_RELAXED);
    if (held) { __atomic_store_n(&held_, false, __ATOMIC_RELAXED); }
    const Status status = port::mutex_unlock(mutex_at(state_));
    if (held && !status.ok()) { __atomic_store_n(&held_, true, __ATOMIC_RELAXED); }
    return status;
}

}  // namespace v0
}  // namespace brood
