// See src/condition_state.hpp.
#include <brood/condition.hpp>

#include <utility>

#include <port/port.hpp>

#include "condition_access.hpp"
#include "condition_state.hpp"
#include "deadline.hpp"

namespace brood {
inline namespace v0 {

using detail::kGone;
using detail::kNotified;
using detail::kOwed;
using detail::kWaiting;

Result<Condition> Condition::create(std::size_t waiters) noexcept {
    const Result<std::size_t> bytes = ConditionAccess::bytes(waiters);
    if (!bytes.ok()) { return bytes.error(); }
    const Result<void*> memory = detail::make_object(*bytes, [=](void* zeroes) {
        return ConditionAccess::lay_out(zeroes, waiters, detail::Before::zeroes);
    });
    if (!memory.ok()) { return memory.error(); }
    Condition condition = ConditionAccess::view(*memory);
    condition.own_memory_ = true;
    return condition;
}

Condition::Condition(Condition&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      own_memory_(std::exchange(other.own_memory_, false)),
      held_(std::exchange(other.held_, false)) {}

Condition& Condition::operator=(Condition&& other) noexcept {
    Condition taken(std::move(other));  // Leaves with what *this had.
    std::swap(state_, taken.state_);
    std::swap(own_memory_, taken.own_memory_);
    std::swap(held_, taken.held_);
    return *this;
}

Condition::~Condition() noexcept {
    if (state_ == nullptr) { return; }
    // The system's list of what a thread holds is linked through the mutexes.
    if (held_) { release().ignore(); }
    if (own_memory_) { port::unmap(state_, State::bytes_for(state_->places)); }
}

Status Condition::take(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (state_ == nullptr) { return Errc::closed; }
    const Status taken = state_->take(deadline_ns);
    if (detail::is_held(taken)) { set_held(true); }
    return taken;
}

Status Condition::release() noexcept {
    if (state_ == nullptr) { return Errc::closed; }
    if (!state_->is_mine()) { return Errc::not_owner; }
    set_held(false);  // Before, as afterwards it is the next holder's.
    state_->stop_acting();
    return port::mutex_unlock(state_->lock);
}

Status Condition::notify(std::size_t count) noexcept {
    if (state_ == nullptr) { return Errc::closed; }
    if (!state_->is_mine()) { return Errc::not_owner; }
    const std::uint32_t high = state_->high.load(std::memory_order_relaxed);
    if (count == 0 || high == 0) { return Errc::ok; }
    // If killed before this: nobody is notified.
    const std::uint32_t owed = count < high ? static_cast<std::uint32_t>(count) : high;
    state_->owe(owed);
    state_->notify(owed, state_->last_ticket());
    return Errc::ok;
}

Status Condition::wait(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (state_ == nullptr) { return Errc::closed; }
    return state_->is_mine() ? wait_once(deadline_ns) : Status(Errc::not_owner);
}

// Meanwhile others may have taken the lock by this handle, and released it.
Status Condition::wait_once(std::int64_t deadline_ns) noexcept {
    const Status waited = state_->wait(deadline_ns);
    if (state_->is_mine()) { set_held(true); }
    return waited;
}

void Condition::set_held(bool held) noexcept {
    __atomic_store_n(&held_, held, __ATOMIC_RELAXED);
}

Status Condition::wait_until(bool (*ask)(void*) noexcept, void* of, Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (state_ == nullptr) { return Errc::closed; }
    if (!state_->is_mine()) { return Errc::not_owner; }
    Status waited;
    while (!ask(of)) {
        if (!waited.ok()) { return waited; }
        waited = wait_once(deadline_ns);
        if (!waited.ok() && waited.code() != Errc::timed_out) { return waited; }
    }
    return Errc::ok;
}

// ---- The lock ----------------------------------------------------------------------------------

Status Condition::State::take(std::int64_t deadline_ns) noexcept {
    const Status taken = port::mutex_lock(lock, deadline_ns);
    if (!detail::is_held(taken)) { return taken; }
    // If killed in there: the next one does it again.
    if (heirs.word.load(std::memory_order_seq_cst) == kOwed) { go_on_notifying(); }
    return taken;
}

// What a dead holder left in `acting` names a place that is not the caller's.
void Condition::State::stop_acting() noexcept {
    if (acting == 0) { return; }
    const std::uint32_t mine = acting - 1;
    acting = 0;
    // If killed here: his notify passes to another, though he may have acted.
    if (port::mutex_is_mine(place[mine].mutex)) { leave(mine); }
}

// ---- Places ------------------------------------------------------------------------------------

// False: all are taken.
bool Condition::State::enter(std::uint32_t& mine) noexcept {
    bury();
    for (mine = 0; mine < places; ++mine) {
        detail::WaitersPlace& free = place[mine];
        if (free.stands() != kGone) { continue; }
        // Posix: who looks whether it is free holds it for a moment, and may be stopped then.
        const Status taken = port::mutex_lock(free.mutex, 0);
        if (!detail::is_held(taken)) { continue; }
        ticket[mine] = last_ticket() + 1;
        if (high.load(std::memory_order_relaxed) <= mine) {
            high.store(mine + 1, std::memory_order_seq_cst);
        }
        free.set(kWaiting);
        return true;
    }
    return false;
}

void Condition::State::leave(std::uint32_t mine) noexcept {
    place[mine].set(kGone);
    port::mutex_unlock(place[mine].mutex).ignore();
    std::uint32_t used = high.load(std::memory_order_relaxed);
    while (used > 0 && place[used - 1].stands() == kGone) { --used; }
    high.store(used, std::memory_order_seq_cst);
}

// ---- Waiting -----------------------------------------------------------------------------------

Status Condition::State::wait(std::int64_t deadline_ns) noexcept {
    stop_acting();
    std::uint32_t mine = 0;
    if (!enter(mine)) { return Errc::too_many_members; }
    for (;;) {
        // If killed from here on: another is woken, who buries us.
        const Status released = port::mutex_unlock_owing(lock, heirs);
        if (!released.ok()) { return released; }
        const bool has_time = sleep(mine, deadline_ns);
        const Status taken = take(port::kNever);
        if (!detail::is_held(taken)) { return taken; }
        bury();
        if (place[mine].stands() == kNotified) {
            acting = mine + 1;
            return taken;
        }
        if (taken.ok() && has_time) { continue; }
        leave(mine);
        return taken.ok() ? Status(Errc::timed_out) : taken;
    }
}

// Until notified, or the time is over (then false), or something is to be repaired.
bool Condition::State::sleep(std::uint32_t mine, std::int64_t deadline_ns) noexcept {
    detail::WaitersPlace& own = place[mine];
    for (bool has_time = true;;) {
        port::RobustMutex* watched[kWaitersMax];
        std::size_t count = 0;
        const bool is_well = look_around(mine, watched, count);
        // If killed when notified: those who may inherit watch us, and see all that we saw.
        if (own.stands() != kWaiting) { return has_time; }
        if (!is_well) { static_cast<void>(port::bell_ring(heirs, 1, port::kAnyKind)); }
        if (!is_well || !has_time) { return has_time; }
        has_time =
            port::bells_wait_watching(own.bell, kWaiting, heirs, 0, watched, count, deadline_ns)
                .ok();
    }
}

// Whether no dead one has a notify, and nobody died while he owed some. And whom to watch.
bool Condition::State::look_around(std::uint32_t mine, port::RobustMutex** watched,
                                   std::size_t& count) noexcept {
    static_assert(kWaitersMax - 1 <= port::kWatchedMax - 1);
    const std::uint32_t used = high.load(std::memory_order_seq_cst);
    for (std::uint32_t i = 0; i < used; ++i) {
        if (i == mine) { continue; }
        // In this order: one who is dead now, and not notified yet, will not be any more.
        const bool is_free = port::mutex_is_free(place[i].mutex);
        const std::uint32_t stands = place[i].stands();
        if (is_free && stands == kNotified) { return false; }
        if (!is_free && stands != kGone) { watched[count++] = &place[i].mutex; }
    }
    return heirs.word.load(std::memory_order_seq_cst) == 0;
}

// ---- In memory of others -----------------------------------------------------------------------

Result<std::size_t> ConditionAccess::bytes(std::size_t waiters) noexcept {
    if (waiters == 0) { return Errc::size_zero; }
    if (waiters > Condition::kWaitersMax) { return Errc::size_too_large; }
    return Condition::State::bytes_for(waiters);
}

Status ConditionAccess::lay_out(void* memory, std::size_t waiters, detail::Before before) noexcept {
    auto& state = *static_cast<Condition::State*>(memory);
    Status status = detail::make_mutex(state.lock, before);
    if (status.ok()) { status = port::bell_init(state.heirs); }
    for (std::size_t i = 0; i < waiters && status.ok(); ++i) {
        detail::WaitersPlace& place = state.place[i];
        status = detail::make_mutex(place.mutex, before);
        if (status.ok()) { status = port::bell_init(place.bell); }
        place.set(kGone);
    }
    state.places = static_cast<std::uint32_t>(waiters);
    state.acting = 0;
    state.high.store(0, std::memory_order_relaxed);
    state.heirs.word.store(0, std::memory_order_seq_cst);
    return status;
}

Condition ConditionAccess::view(void* memory) noexcept {
    Condition condition;
    condition.state_ = static_cast<Condition::State*>(memory);
    return condition;
}

// The lock last: on posix a look at one that a dead holder left makes it as if nobody had died.
bool ConditionAccess::is_idle(void* memory) noexcept {
    auto& state = *static_cast<Condition::State*>(memory);
    for (std::uint32_t i = 0; i < state.places; ++i) {
        if (!port::mutex_is_free(state.place[i].mutex)) { return false; }
    }
    return port::mutex_is_free(state.lock);
}

bool ConditionAccess::fits(void* memory, std::size_t bytes) noexcept {
    if (bytes < sizeof(Condition::State)) { return false; }
    const auto& state = *static_cast<const Condition::State*>(memory);
    const std::size_t places = state.places;
    return places != 0 && places <= Condition::kWaitersMax &&
           Condition::State::bytes_for(places) <= bytes && state.acting <= places &&
           state.high.load(std::memory_order_relaxed) <= places;
}

}  // namespace v0
}  // namespace brood
