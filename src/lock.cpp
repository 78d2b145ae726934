#include <brood/lock.hpp>

#include <utility>

#include <port/port.hpp>

#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace {

port::RobustMutex& mutex_at(void* state) noexcept {
    return *static_cast<port::RobustMutex*>(state);
}

}  // namespace

Result<Lock> Lock::create() noexcept {
    const Result<void*> page = port::map_shared(port::page_bytes());
    if (!page.ok()) { return page.error(); }
    Lock lock;
    lock.state_ = *page;
    lock.own_page_ = true;
    const Status status = port::mutex_init(mutex_at(lock.state_));
    if (!status.ok()) { return status.error(); }
    return lock;
}

Lock::Lock(Lock&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      own_page_(std::exchange(other.own_page_, false)) {}

Lock& Lock::operator=(Lock&& other) noexcept {
    Lock taken(std::move(other));  // Leaves with what *this had.
    std::swap(state_, taken.state_);
    std::swap(own_page_, taken.own_page_);
    return *this;
}

Lock::~Lock() noexcept {
    if (state_ == nullptr) { return; }
    // The system keeps a list of the mutexes that a thread holds, linked through the mutexes: one
    // that is held must not be unmapped. Whoever else holds it is not disturbed.
    port::mutex_unlock(mutex_at(state_)).ignore();
    if (own_page_) { port::unmap(state_, port::page_bytes()); }
}

Status Lock::take(Timeout timeout) noexcept {
    const Result<std::int64_t> deadline_ns = detail::deadline_of(timeout);
    if (!deadline_ns.ok()) { return deadline_ns.error(); }
    if (state_ == nullptr) { return Errc::closed; }
    return port::mutex_lock(mutex_at(state_), *deadline_ns);
}

Status Lock::release() noexcept {
    return state_ == nullptr ? Status(Errc::closed) : port::mutex_unlock(mutex_at(state_));
}

}  // namespace v0
}  // namespace brood
