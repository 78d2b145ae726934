// See src/barrier_state.hpp.
#include <brood/barrier.hpp>

#include <new>
#include <utility>

#include <port/port.hpp>

#include "barrier_access.hpp"
#include "barrier_state.hpp"
#include "deadline.hpp"
#include "sleepers.hpp"

namespace brood {
inline namespace v0 {

using detail::Phase;

Result<Barrier> Barrier::make(std::size_t parties, Timeout timeout,
                              const detail::BarrierAction& action) noexcept {
    const BarrierAccess::Plan plan = {parties, timeout, action, false};
    const Result<std::size_t> bytes = BarrierAccess::bytes(plan);
    if (!bytes.ok()) { return bytes.error(); }
    const Result<void*> memory = detail::make_object(*bytes, [&](void* zeroes) {
        return BarrierAccess::lay_out(zeroes, plan, detail::Before::zeroes);
    });
    if (!memory.ok()) { return memory.error(); }
    Barrier barrier = BarrierAccess::view(*memory);
    barrier.own_memory_ = true;
    return barrier;
}

Barrier::Barrier(Barrier&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      own_memory_(std::exchange(other.own_memory_, false)) {}

Barrier& Barrier::operator=(Barrier&& other) noexcept {
    Barrier taken(std::move(other));  // Leaves with what *this had.
    std::swap(state_, taken.state_);
    std::swap(own_memory_, taken.own_memory_);
    return *this;
}

Barrier::~Barrier() noexcept {
    if (own_memory_) { port::unmap(state_, State::bytes_for(state_->parties)); }
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

// ---- In memory of others -----------------------------------------------------------------------

Result<std::size_t> BarrierAccess::bytes(const Plan& plan) noexcept {
    if (plan.parties == 0) { return Errc::size_zero; }
    if (plan.parties > Barrier::kPartiesMax) { return Errc::size_too_large; }
    if (plan.timeout.is_negative()) { return Errc::timeout_negative; }
    if (plan.timeout.is_overflow()) { return Errc::timeout_overflow; }
    if (plan.action.run != nullptr && plan.is_for_strangers) { return Errc::unsupported; }
    return Barrier::State::bytes_for(plan.parties);
}

Status BarrierAccess::lay_out(void* memory, const Plan& plan, detail::Before before) noexcept {
    auto& state = *static_cast<Barrier::State*>(memory);
    Status status;
    for (port::Bell* bell : {&state.phase, &state.heirs, &state.room}) {
        if (status.ok()) { status = port::bell_init(*bell); }
    }
    for (std::size_t i = 0; i < plan.parties && status.ok(); ++i) {
        status = detail::make_mutex(state.place[i], before);
        state.mark[i].store(0, std::memory_order_relaxed);
    }
    state.parties = static_cast<std::uint32_t>(plan.parties);
    ::new (&state.timeout) Timeout(plan.timeout);
    state.run = plan.action.run;
    if (state.run != nullptr) {
        __builtin_memcpy(state.action, plan.action.callable, plan.action.bytes);
    }
    state.phase.word.store(0, std::memory_order_seq_cst);
    return status;
}

Barrier BarrierAccess::view(void* memory) noexcept {
    Barrier barrier;
    barrier.state_ = static_cast<Barrier::State*>(memory);
    return barrier;
}

bool BarrierAccess::is_idle(void* memory) noexcept {
    auto& state = *static_cast<Barrier::State*>(memory);
    for (std::uint32_t i = 0; i < state.parties; ++i) {
        if (!port::mutex_is_free(state.place[i])) { return false; }
    }
    return !detail::has_sleepers(state.room, detail::kSleepers);
}

// A function has no place among strangers.
bool BarrierAccess::fits(void* memory, std::size_t bytes) noexcept {
    if (bytes < sizeof(Barrier::State)) { return false; }
    const auto& state = *static_cast<const Barrier::State*>(memory);
    const std::size_t parties = state.parties;
    return parties != 0 && parties <= Barrier::kPartiesMax &&
           Barrier::State::bytes_for(parties) <= bytes && state.run == nullptr;
}

}  // namespace v0
}  // namespace brood
