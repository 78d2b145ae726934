// See src/barrier_state.hpp.
#include <brood/barrier.hpp>

#include <new>
#include <utility>

#include <port/port.hpp>

#include "barrier_state.hpp"
#include "deadline.hpp"
#include "sleepers.hpp"

namespace brood {
inline namespace v0 {

using detail::Phase;

Result<Barrier> Barrier::make(std::size_t parties, Timeout timeout, Run run, const void* action,
                              std::size_t action_bytes) noexcept {
    if (parties == 0) { return Errc::size_zero; }
    if (parties > kPartiesMax) { return Errc::size_too_large; }
    if (timeout.is_negative()) { return Errc::timeout_negative; }
    if (timeout.is_overflow()) { return Errc::timeout_overflow; }
    const std::size_t bytes = State::bytes_for(parties);
    const Result<void*> memory = port::map_shared(bytes);
    if (!memory.ok()) { return memory.error(); }
    auto* const state = static_cast<State*>(*memory);
    Status status;
    for (port::Bell* bell : {&state->phase, &state->heirs, &state->room}) {
        if (status.ok()) { status = port::bell_init(*bell); }
    }
    for (std::size_t i = 0; i < parties && status.ok(); ++i) {
        status = port::mutex_init(state->place[i]);
    }
    if (!status.ok()) {
        port::unmap(state, bytes);
        return status.error();
    }
    state->parties = static_cast<std::uint32_t>(parties);
    ::new (&state->timeout) Timeout(timeout);
    state->run = run;
    if (run != nullptr) { __builtin_memcpy(state->action, action, action_bytes); }
    Barrier barrier;
    barrier.state_ = state;
    return barrier;
}

Barrier::Barrier(Barrier&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

Barrier& Barrier::operator=(Barrier&& other) noexcept {
    Barrier taken(std::move(other));  // Leaves with what *this had.
    std::swap(state_, taken.state_);
    return *this;
}

Barrier::~Barrier() noexcept {
    if (state_ != nullptr) { port::unmap(state_, State::bytes_for(state_->parties)); }
}

Result<std::size_t> Barrier::wait() noexcept {
    return state_ == nullptr ? Errc::closed : wait(state_->timeout);
}

Result<std::size_t> Barrier::wait(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (state_ == nullptr) { return Errc::closed; }
    std::uint32_t mine = 0, marked = 0;
    const Status entered = state_->enter(mine, deadline_ns);
    if (!entered.ok()) { return entered.error(); }
    Status status = state_->arrive(mine, marked);
    if (status.ok()) { status = state_->await(mine, marked, deadline_ns); }
    state_->leave(mine);
    if (!status.ok()) { return status.error(); }
    return mine;
}

Status Barrier::abort() noexcept {
    if (state_ == nullptr) { return Errc::closed; }
    port::owe_ring(state_->heirs);
    for (bool is_done = false; !is_done;) {
        const Phase now = state_->settled();
        is_done = now.state() == Phase::kBroken ||
                  state_->change(now, now.in_state(Phase::kBroken));
    }
    port::owe_nothing();
    return Errc::ok;
}

Status Barrier::reset() noexcept {
    if (state_ == nullptr) { return Errc::closed; }
    port::owe_ring(state_->heirs);
    for (bool is_done = false; !is_done;) {
        const Phase now = state_->settled();
        is_done = state_->change(now, now.after_reset());
    }
    port::owe_nothing();
    return Errc::ok;
}

std::size_t Barrier::parties() const noexcept {
    return state_ == nullptr ? 0 : state_->parties;
}

std::size_t Barrier::n_waiting() const noexcept {
    std::size_t count = 0;
    if (state_ == nullptr) { return count; }
    const Phase now(state_->phase.word.load(std::memory_order_seq_cst));
    if (now.state() == Phase::kBroken) { return count; }
    for (std::uint32_t i = 0; i < state_->parties; ++i) {
        const bool is_here = state_->mark[i].load(std::memory_order_seq_cst) == now.mark();
        count += is_here && !port::mutex_is_free(state_->place[i]) ? 1 : 0;
    }
    return count;
}

bool Barrier::broken() const noexcept {
    if (state_ == nullptr) { return false; }
    return Phase(state_->phase.word.load(std::memory_order_seq_cst)).state() == Phase::kBroken;
}

// ---- The phase ---------------------------------------------------------------------------------

// The phase, after a change of which all who sleep were told.
Phase Barrier::State::settled() noexcept {
    std::uint32_t seen = phase.word.load(std::memory_order_seq_cst);
    while (Phase(seen).is_unrung()) {
        // If killed here: one more sleeper is woken, and does the same.
        static_cast<void>(port::bell_ring(phase, port::kEverybody, port::kAnyKind));
        if (Phase(seen).state() == Phase::kBroken) {
            static_cast<void>(port::bell_ring(room, port::kEverybody, port::kAnyKind));
        }
        if (phase.word.compare_exchange_strong(seen, Phase(seen).rung().word())) {
            return Phase(seen).rung();
        }
    }
    return Phase(seen);
}

// And tells all who sleep. False: it was not `from` any more.
bool Barrier::State::change(Phase from, Phase to) noexcept {
    std::uint32_t expected = from.word();
    if (!phase.word.compare_exchange_strong(expected, to.unrung().word())) { return false; }
    // If killed here: the system wakes one, who tells the others.
    static_cast<void>(settled());
    return true;
}

}  // namespace v0
}  // namespace brood
