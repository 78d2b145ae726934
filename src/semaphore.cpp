// Each permit of a recording semaphore is a robust mutex, which is held by whoever has the permit.
// So to take one is a single step that names the holder, the system gives back what a dead thread
// held, and nobody is ever taken for the holder by mistake: no count of permits exists that could
// be wrong, and no record that a later thread could inherit.
//
// Who finds no permit sleeps on the bell and watches all of these mutexes. Who releases rings for
// one; the death of a holder wakes one. To take a mutex makes the system forget what a thread owes
// (owe_ring). So whoever was woken and sees a free permit first rings for another, who does the
// same: if he is killed then, another looks. One ring too many costs less than one too few.
#include <brood/semaphore.hpp>

#include <utility>

#include <port/port.hpp>

#include "semaphore_access.hpp"
#include "sleepers.hpp"

namespace brood {
inline namespace v0 {

struct Semaphore::State {
    std::uint32_t permits;  // as created
    std::uint32_t form;
    std::uint32_t is_bounded;
    std::atomic<std::uint32_t> units;  // of the signalling form: that can be acquired
    std::atomic<std::uint32_t> hint;   // where a permit was released last
    port::Bell bell;
    port::RobustMutex permit[1];  // and so on

    static std::size_t bytes_for(Form form, std::size_t permits) noexcept {
        const std::size_t more = form == Form::recording ? permits - 1 : 0;
        return sizeof(State) + more * sizeof(port::RobustMutex);
    }
    std::size_t bytes() const noexcept { return bytes_for(static_cast<Form>(form), permits); }
    bool is_signalling() const noexcept { return static_cast<Form>(form) == Form::signalling; }
    bool has_free() noexcept {
        for (std::uint32_t i = 0; i < permits; ++i) {
            if (port::mutex_is_free(permit[i])) { return true; }
        }
        return false;
    }
    Status take_free(bool& passes_on) noexcept;
    Status sleep(std::int64_t deadline_ns) noexcept;
};

namespace {

constexpr std::size_t kUnitsMax = INT32_MAX;

}  // namespace

Result<Semaphore> Semaphore::create(std::size_t permits) noexcept {
    return make(Form::recording, permits, false);
}

Result<Semaphore> Semaphore::signalling(std::size_t units) noexcept {
    return make(Form::signalling, units, false);
}

Result<Semaphore> Semaphore::make(Form form, std::size_t permits, bool is_bounded) noexcept {
    const SemaphoreAccess::Plan plan = {form, permits, is_bounded};
    const Result<std::size_t> bytes = SemaphoreAccess::bytes(plan);
    if (!bytes.ok()) { return bytes.error(); }
    const Result<void*> memory = detail::make_object(*bytes, [&](void* zeroes) {
        return SemaphoreAccess::lay_out(zeroes, plan, detail::Before::zeroes);
    });
    if (!memory.ok()) { return memory.error(); }
    Semaphore semaphore = SemaphoreAccess::view(*memory);
    semaphore.own_memory_ = true;
    return semaphore;
}

Semaphore::Semaphore(Semaphore&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      taken_(std::exchange(other.taken_, 0)),
      own_memory_(std::exchange(other.own_memory_, false)) {}

Semaphore& Semaphore::operator=(Semaphore&& other) noexcept {
    Semaphore taken(std::move(other));  // Leaves with what *this had.
    std::swap(state_, taken.state_);
    std::swap(taken_, taken.taken_);
    std::swap(own_memory_, taken.own_memory_);
    return *this;
}

Semaphore::~Semaphore() noexcept {
    if (state_ == nullptr) { return; }
    // The system's list of what a thread holds is linked through the mutexes.
    if (own_memory_) {
        while (!state_->is_signalling() && release_permits(1).ok()) {}
        port::unmap(state_, state_->bytes());
    } else {
        // What the caller has by another handle stays his.
        for (std::uint32_t left = taken_; left > 0 && release_permits(1).ok(); --left) {}
    }
}

Status Semaphore::take(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (state_ == nullptr) { return Errc::closed; }
    if (state_->is_signalling()) { return take_unit(deadline_ns); }
    const Status taken = take_permit(deadline_ns);
    if (!own_memory_ && taken.ok()) { __atomic_fetch_add(&taken_, 1, __ATOMIC_RELAXED); }
    return taken;
}

Status Semaphore::release(std::size_t permits) noexcept {
    if (state_ == nullptr) { return Errc::closed; }
    if (permits == 0) { return Errc::ok; }
    if (state_->is_signalling()) { return release_units(permits); }
    const Status released = release_permits(permits);
    if (!own_memory_ && released.ok()) { forget_taken(permits); }
    return released;
}

// Of these permits some may have been taken by another handle.
void Semaphore::forget_taken(std::size_t permits) noexcept {
    std::uint32_t seen = __atomic_load_n(&taken_, __ATOMIC_RELAXED), left = 0;
    do {
        left = seen > permits ? seen - static_cast<std::uint32_t>(permits) : 0;
    } while (!__atomic_compare_exchange_n(&taken_, &seen, left, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
}

std::size_t Semaphore::value() const noexcept {
    if (state_ == nullptr) { return 0; }
    if (state_->is_signalling()) { return state_->units.load(std::memory_order_acquire); }
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < state_->permits; ++i) {
        count += port::mutex_is_free(state_->permit[i]) ? 1 : 0;
    }
    return count;
}

// ---- Permits -----------------------------------------------------------------------------------

// One look at all permits. ok; timed_out (none is free); corrupt.
Status Semaphore::State::take_free(bool& passes_on) noexcept {
    const std::uint32_t first = hint.load(std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < permits; ++i) {
        port::RobustMutex& mutex = permit[(first + i) % permits];
        if (!port::mutex_is_free(mutex)) { continue; }
        if (passes_on) { detail::ring_for(bell, 1); }
        passes_on = false;
        const Status taken = port::mutex_lock(mutex, 0);
        if (detail::is_held(taken)) { return Errc::ok; }
        if (taken.code() != Errc::timed_out) { return taken; }
    }
    return Errc::timed_out;
}

Status Semaphore::State::sleep(std::int64_t deadline_ns) noexcept {
    if (permits > port::kWatchedMax) {
        // So many cannot be watched. Those who release ring all the same.
        const std::int64_t until = detail::slice_of(deadline_ns, port::kSliceNs);
        const Status slept = detail::sleep_on(bell, {&hint, hint.load()}, until);
        return until == deadline_ns ? slept : Status();
    }
    port::RobustMutex* watched[port::kWatchedMax];
    for (std::uint32_t i = 0; i < permits; ++i) { watched[i] = &permit[i]; }
    const Status slept =
        port::bell_wait_watching(bell, detail::kSleepers, watched, permits, deadline_ns, nullptr);
    bell.word.fetch_or(detail::kSleepers, std::memory_order_seq_cst);
    return slept;
}

Status Semaphore::take_permit(std::int64_t deadline_ns) noexcept {
    State& state = *state_;
    bool was_woken = false;
    for (bool is_last = deadline_ns <= 0;;) {
        // If killed in the middle of taking one: it is free, and another was rung for if we had
        // been, or it is ours and comes back.
        const Status taken = state.take_free(was_woken);
        if (taken.code() != Errc::timed_out || is_last) {
            // What was rung for has been taken by others, who will ring in their turn.
            if (!taken.ok()) { port::owe_nothing(); }
            return taken;
        }
        detail::get_ready_to_sleep(state.bell);
        if (state.has_free()) { continue; }
        is_last = !state.sleep(deadline_ns).ok();
        was_woken = true;
    }
}

Status Semaphore::release_permits(std::size_t permits) noexcept {
    State& state = *state_;
    std::size_t held = 0;
    for (std::uint32_t i = 0; i < state.permits && held < permits; ++i) {
        held += port::mutex_is_mine(state.permit[i]) ? 1 : 0;
    }
    if (held < permits) {
        const bool is_beyond = state.is_bounded != 0 && permits > state.permits - value();
        return is_beyond ? Errc::too_many_releases : Errc::not_owner;
    }
    for (std::uint32_t i = 0; held > 0; ++i) {
        if (!port::mutex_is_mine(state.permit[i])) { continue; }
        const Status released = port::mutex_unlock_owing(state.permit[i], state.bell);
        if (!released.ok()) { return released; }
        // If killed here: the system rings for us.
        state.hint.store(i, std::memory_order_relaxed);
        detail::ring_for(state.bell, 1);
        --held;
    }
    port::owe_nothing();
    return Errc::ok;
}

// ---- Units -------------------------------------------------------------------------------------

Status Semaphore::take_unit(std::int64_t deadline_ns) noexcept {
    State& state = *state_;
    bool has_set_flag = false;
    for (bool is_last = deadline_ns <= 0;;) {
        std::uint32_t seen = state.units.load(std::memory_order_seq_cst);
        while (seen > 0 &&
               !state.units.compare_exchange_weak(seen, seen - 1, std::memory_order_seq_cst)) {}
        if (seen > 0 || is_last) {
            // Who released several may have been killed before he rang for all.
            if (has_set_flag && seen > 1) { detail::ring_for(state.bell, 1); }
            if (has_set_flag) { port::owe_nothing(); }
            return seen > 0 ? Errc::ok : Errc::timed_out;
        }
        detail::get_ready_to_sleep(state.bell);
        has_set_flag = true;
        if (state.units.load(std::memory_order_seq_cst) > 0) { continue; }
        // If killed from here on: a ring that reached us goes to the next.
        is_last = !detail::sleep_on(state.bell, {&state.units, 0}, deadline_ns).ok();
    }
}

Status Semaphore::release_units(std::size_t units) noexcept {
    State& state = *state_;
    const std::size_t most = state.is_bounded != 0 ? state.permits : kUnitsMax;
    port::owe_ring(state.bell);
    std::uint32_t seen = state.units.load(std::memory_order_relaxed);
    do {
        if (units > most - seen) {
            port::owe_nothing();
            return Errc::too_many_releases;
        }
    } while (!state.units.compare_exchange_weak(seen, seen + static_cast<std::uint32_t>(units),
                                                std::memory_order_seq_cst));
    // If killed here: the system rings for one, who finds more units and rings for the next.
    detail::ring_for(state.bell, static_cast<std::uint32_t>(units));
    port::owe_nothing();
    return Errc::ok;
}

// ---- In memory of others -----------------------------------------------------------------------

Result<std::size_t> SemaphoreAccess::bytes(const Plan& plan) noexcept {
    const bool records = plan.form == Form::recording;
    if (records && plan.permits == 0) { return Errc::size_zero; }
    const std::size_t most = records ? Semaphore::kPermitsMax : kUnitsMax;
    if (plan.permits > most) { return Errc::size_too_large; }
    return Semaphore::State::bytes_for(plan.form, plan.permits);
}

Status SemaphoreAccess::lay_out(void* memory, const Plan& plan, detail::Before before) noexcept {
    auto& state = *static_cast<Semaphore::State*>(memory);
    Status status = port::bell_init(state.bell);
    const std::size_t mutexes = plan.form == Form::recording ? plan.permits : 0;
    for (std::size_t i = 0; i < mutexes && status.ok(); ++i) {
        status = detail::make_mutex(state.permit[i], before);
    }
    state.permits = static_cast<std::uint32_t>(plan.permits);
    state.form = static_cast<std::uint32_t>(plan.form);
    state.is_bounded = plan.is_bounded ? 1 : 0;
    state.units.store(state.permits, std::memory_order_relaxed);
    return status;
}

Semaphore SemaphoreAccess::view(void* memory) noexcept {
    Semaphore semaphore;
    semaphore.state_ = static_cast<Semaphore::State*>(memory);
    return semaphore;
}

bool SemaphoreAccess::is_idle(void* memory) noexcept {
    auto& state = *static_cast<Semaphore::State*>(memory);
    for (std::uint32_t i = 0; !state.is_signalling() && i < state.permits; ++i) {
        if (!port::mutex_is_free(state.permit[i])) { return false; }
    }
    return !detail::has_sleepers(state.bell, detail::kSleepers);
}

bool SemaphoreAccess::fits(void* memory, std::size_t bytes) noexcept {
    if (bytes < sizeof(Semaphore::State)) { return false; }
    const auto& state = *static_cast<const Semaphore::State*>(memory);
    const std::size_t permits = state.permits;
    if (state.is_signalling()) { return true; }
    return permits != 0 && permits <= Semaphore::kPermitsMax &&
           Semaphore::State::bytes_for(Form::recording, permits) <= bytes;
}

}  // namespace v0
}  // namespace brood
