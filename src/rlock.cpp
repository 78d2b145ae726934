#include <brood/rlock.hpp>

#include <utility>

#include <port/port.hpp>

#include "deadline.hpp"

namespace brood {
inline namespace v0 {

// `depth` is read and written by the holder alone. What a dead holder left there, the next who
// takes the mutex overwrites.
struct RLock::State {
    port::RobustMutex mutex;
    std::uint32_t depth;  // how often it was taken
};

Result<RLock> RLock::create() noexcept {
    const Result<void*> page = port::map_shared(sizeof(State));
    if (!page.ok()) { return page.error(); }
    RLock lock;
    lock.state_ = static_cast<State*>(*page);
    const Status status = port::mutex_init(lock.state_->mutex);
    if (!status.ok()) { return status.error(); }
    return lock;
}

RLock::RLock(RLock&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

RLock& RLock::operator=(RLock&& other) noexcept {
    RLock taken(std::move(other));  // Leaves with what *this had.
    std::swap(state_, taken.state_);
    return *this;
}

RLock::~RLock() noexcept {
    if (state_ == nullptr) { return; }
    // The system's list of what a thread holds is linked through the mutexes.
    if (port::mutex_is_mine(state_->mutex)) { port::mutex_unlock(state_->mutex).ignore(); }
    port::unmap(state_, sizeof(State));
}

Status RLock::take(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (state_ == nullptr) { return Errc::closed; }
    if (port::mutex_is_mine(state_->mutex)) {
        if (state_->depth == UINT32_MAX) { return Errc::out_of_range; }
        ++state_->depth;
        return Errc::ok;
    }
    const Status status = port::mutex_lock(state_->mutex, deadline_ns);
    // If killed before the store: the mutex is a dead holder's, and the next does this again.
    if (detail::is_held(status)) { state_->depth = 1; }
    return status;
}

Status RLock::release() noexcept {
    if (state_ == nullptr) { return Errc::closed; }
    if (!port::mutex_is_mine(state_->mutex)) { return Errc::not_owner; }
    if (--state_->depth > 0) { return Errc::ok; }
    // If killed here: held by a dead one, as if killed before.
    return port::mutex_unlock(state_->mutex);
}

}  // namespace v0
}  // namespace brood
