// How threads of the host wait for the end of tasks: one of them on the pool's bell, the others on
// that one.
#ifndef BROOD_SRC_POOL_WAIT_HPP
#define BROOD_SRC_POOL_WAIT_HPP

#include "deadline.hpp"
#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// Why a task that has not ended never will; ok if it still may.
inline Errc why_not(PoolCore& core) noexcept {
    const HostMutexHold hold(core.mutex);
    PoolShared& shared = *core.shared;
    // A pool without a keeper has lost it, too.
    if (shared.has_keeper.load(std::memory_order_acquire) == 0 || shared.lost_keeper()) {
        note_supervisor_end(core);
    }
    if (core.supervisor != 0) { return Errc::ok; }
    return core.ended_by == Errc::ok ? Errc::pool_terminated : core.ended_by;
}

/// Tells the workers what this thread waits for, as long as it lives.
class Wanted {
public:
    Wanted(PoolCore& core, std::uint32_t index) noexcept : core_(core) {
        {
            const HostMutexHold hold(core_.mutex);
            ++core_.waiting;
            // With several threads all tasks are wanted, until nobody waits.
            core_.shared->want.store(core_.waiting == 1 ? index + 1 : kWantAny,
                                     std::memory_order_relaxed);
        }
        // With the fence in Worker::run(): either it sees what is wanted, or we see its store.
        is_heard_ = heavy_fence(core_.shared->has_fences).ok();
    }
    ~Wanted() noexcept {
        const HostMutexHold hold(core_.mutex);
        if (--core_.waiting == 0) { core_.shared->want.store(0, std::memory_order_relaxed); }
    }
    Wanted(const Wanted&) = delete;
    Wanted& operator=(const Wanted&) = delete;
    /// False where the system refuses the fence by now: then the host must look by itself.
    bool is_heard() const noexcept { return is_heard_; }

private:
    PoolCore& core_;
    bool is_heard_;
};

/// Sleeps on host_bell, once, as the only thread that does, and lets the others look after that.
/// `turn`: before this thread looked. If another has listened since then, what was rung there is
/// taken, and may be what this one would sleep for: the supervisor's end is rung once.
template <class HasEnded>
void listen(PoolCore& core, std::uint32_t turn, const HasEnded& has_ended, bool is_heard,
            std::int64_t deadline_ns) noexcept {
    PoolShared& shared = *core.shared;
    // With a keeper the bell tells of the supervisor's end; without one we look ourselves.
    const bool is_told = is_heard && shared.has_keeper.load(std::memory_order_relaxed) != 0;
    const std::uint32_t word = shared.host_bell.word.load(std::memory_order_acquire);
    const bool is_new = core.turns.word.load(std::memory_order_acquire) == turn;
    if (is_new && (word & kRung) == 0 && !has_ended()) {
        const std::int64_t until = is_told ? deadline_ns : slice_of(deadline_ns, kLookNs);
        port::bell_wait(shared.host_bell, word, port::kAnyKind, until).ignore();
    }
    // Whatever was rung for is visible to all who look from here on; what is rung for later stays.
    shared.host_bell.word.fetch_and(~kRung, std::memory_order_acq_rel);
    // The first for who listens next, the second for who found that we still did: one who counts
    // himself to the others after this finds the turn changed, and does not sleep.
    core.turns.word.fetch_add(1, std::memory_order_release);
    core.listening.store(0, std::memory_order_release);
    core.turns.word.fetch_add(1, std::memory_order_seq_cst);
    if (core.others.load(std::memory_order_seq_cst) != 0) {
        static_cast<void>(port::bell_ring(core.turns, port::kEverybody, port::kAnyKind));
    }
}

/// ok: it has ended; timed_out: it still may; otherwise why it never will.
template <class HasEnded>
Errc look_at(PoolCore& core, const HasEnded& has_ended) noexcept {
    for (Errc hopeless = Errc::ok;;) {
        // In this order: when it has ended, its callback was called.
        const bool ended = has_ended();
        const PoolCore::Follow follow = core.follow.load(std::memory_order_acquire);
        if (follow != nullptr) { static_cast<void>(follow(core, 0)); }
        if (ended) { return Errc::ok; }
        if (hopeless != Errc::ok) { return hopeless; }
        hopeless = why_not(core);
        if (hopeless == Errc::ok) { return Errc::timed_out; }
    }
}

/// `slot`: what the host waits for, or kWantAny - 1.
template <class HasEnded>
Errc sleep_until_ended(PoolCore& core, std::uint32_t slot, const HasEnded& has_ended,
                       std::int64_t deadline_ns) noexcept {
    const Wanted wanted(core, slot);
    for (;;) {
        // Before all looks: what changes after them ends this turn.
        const std::uint32_t turn = core.turns.word.load(std::memory_order_acquire);
        const Errc seen = look_at(core, has_ended);
        if (seen != Errc::timed_out || has_passed(deadline_ns)) { return seen; }
        if (core.listening.exchange(1, std::memory_order_acquire) == 0) {
            listen(core, turn, has_ended, wanted.is_heard(), deadline_ns);
        } else {
            core.others.fetch_add(1, std::memory_order_seq_cst);
            port::bell_wait(core.turns, turn, port::kAnyKind, deadline_ns).ignore();
            core.others.fetch_sub(1, std::memory_order_relaxed);
        }
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
