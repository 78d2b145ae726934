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
    const bool records = form == Form::recording;
    if (records && permits == 0) { return Errc::size_zero; }
    if (permits > (records ? kPermitsMax : kUnitsMax)) { return Errc::size_too_large; }
    const std::size_t bytes = State::bytes_for(form, permits);
    const Result<void*> memory = port::map_shared(bytes);
    if (!memory.ok()) { return memory.error(); }
    auto* const state = static_cast<State*>(*memory);
    Status status = port::bell_init(state->bell);
    for (std::size_t i = 0; records && i < permits && status.ok(); ++i) {
        status = port::mutex_init(state->permit[i]);
    }
    if (!status.ok()) {
        port::unmap(state, bytes);
        return status.error();
    }
    state->permits = static_cast<std::uint32_t>(permits);
    state->form = static_cast<std::uint32_t>(form);
    state->is_bounded = is_bounded ? 1 : 0;
    state->units.store(state->permits, std::memory_order_relaxed);
    Semaphore semaphore;
    semaphore.state_ = state;
    return semaphore;
}

Semaphore::Semaphore(Semaphore&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

Semaphore& Semaphore::operator=(Semaphore&& other) noexcept {
    Semaphore taken(std::move(other));  // Leaves with what *this had.
    std::swap(state_, taken.state_);
    return *this;
}

Semaphore::~Semaphore() noexcept {
    if (state_ == nullptr) { return; }
    // The system's list of what a thread holds is linked through the mutexes.
    while (!state_->is_signalling() && release_permits(1).ok()) {}
    port::unmap(state_, state_->bytes());
}

Status Semaphore::take(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (state_ == nullptr) { return Errc::closed; }
    return state_->is_signalling() ? take_unit(deadline_ns) : take_permit(deadline_ns);
}

Status Semaphore::release(std::size_t permits) noexcept {
    if (state_ == nullptr) { return Errc::closed; }
    if (permits == 0) { return Errc::ok; }
    return state_->is_signalling() ? release_units(permits) : release_permits(permits);
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

}  // namespace v0
}  // namespace brood
