#include <brood/rlock.hpp>

#include <utility>

#include <port/port.hpp>

#include "deadline.hpp"
#include "rlock_access.hpp"

namespace brood {
inline namespace v0 {

// `depth`, and `taken_` of the handles, are read and written by the holder alone. What a dead
// holder left there, the next who takes the mutex overwrites.
struct RLock::State {
    port::RobustMutex mutex;
    std::uint32_t depth;  // how often it was taken
};

Result<RLock> RLock::create() noexcept {
    const Result<void*> page = detail::make_object(RLockAccess::bytes(), [](void* memory) {
        return RLockAccess::lay_out(memory, detail::Before::zeroes);
    });
    if (!page.ok()) { return page.error(); }
    RLock lock = RLockAccess::view(*page);
    lock.own_page_ = true;
    return lock;
}

RLock::RLock(RLock&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      taken_(std::exchange(other.taken_, 0)),
      own_page_(std::exchange(other.own_page_, false)) {}

RLock& RLock::operator=(RLock&& other) noexcept {
    RLock taken(std::move(other));  // Leaves with what *this had.
    std::swap(state_, taken.state_);
    std::swap(taken_, taken.taken_);
    std::swap(own_page_, taken.own_page_);
    return *this;
}

RLock::~RLock() noexcept {
    if (state_ == nullptr) { return; }
    // The system's list of what a thread holds is linked through the mutexes.
    for (std::uint32_t left = taken_; left > 0 && release().ok(); --left) {}
    if (own_page_) { port::unmap(state_, RLockAccess::bytes()); }
}

Status RLock::take(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (state_ == nullptr) { return Errc::closed; }
    if (port::mutex_is_mine(state_->mutex)) {
        if (state_->depth == UINT32_MAX) { return Errc::out_of_range; }
        ++state_->depth;
        ++taken_;
        return Errc::ok;
    }
    const Status status = port::mutex_lock(state_->mutex, deadline_ns);
    // If killed before the store: the mutex is a dead holder's, and the next does this again.
    if (detail::is_held(status)) { state_->depth = taken_ = 1; }
    return status;
}

Status RLock::release() noexcept {
    if (state_ == nullptr) { return Errc::closed; }
    if (!port::mutex_is_mine(state_->mutex)) { return Errc::not_owner; }
    if (taken_ > 0) { --taken_; }  // Else it was by another handle.
    if (--state_->depth > 0) { return Errc::ok; }
    // If killed here: held by a dead one, as if killed before.
    return port::mutex_unlock(state_->mutex);
}

// ---- In memory of others -----------------------------------------------------------------------

std::size_t RLockAccess::bytes() noexcept {
    return sizeof(RLock::State);
}

Status RLockAccess::lay_out(void* memory, detail::Before before) noexcept {
    return detail::make_mutex(static_cast<RLock::State*>(memory)->mutex, before);
}

RLock RLockAccess::view(void* memory) noexcept {
    RLock lock;
    lock.state_ = static_cast<RLock::State*>(memory);
    return lock;
}

bool RLockAccess::is_idle(void* memory) noexcept {
    return port::mutex_is_free(static_cast<RLock::State*>(memory)->mutex);
}

}  // namespace v0
}  // namespace brood
