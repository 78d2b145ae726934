// Waiting at a barrier: a place, coming, and what follows. See src/barrier_state.hpp.
#include "barrier_state.hpp"
#include "deadline.hpp"
#include "sleepers.hpp"

namespace brood {
inline namespace v0 {

// ---- Places ------------------------------------------------------------------------------------

bool Barrier::State::has_room() noexcept {
    for (std::uint32_t i = 0; i < parties; ++i) {
        if (port::mutex_is_free(place[i])) { return true; }
    }
    return false;
}

// One look at all places. ok; timed_out (none is free); corrupt. Who was woken for one rings for
// another before he takes it, which makes the system forget what he owes.
Status Barrier::State::take_place(std::uint32_t& mine, bool& passes_on) noexcept {
    for (mine = 0; mine < parties; ++mine) {
        if (!port::mutex_is_free(place[mine])) { continue; }
        if (passes_on) { detail::ring_for(room, 1); }
        passes_on = false;
        const Status taken = port::mutex_lock(place[mine], 0);
        if (detail::is_held(taken)) { return Errc::ok; }
        if (taken.code() != Errc::timed_out) { return taken; }
    }
    return Errc::timed_out;
}

// Takes a place. ok; timed_out; broken_barrier; corrupt.
Status Barrier::State::enter(std::uint32_t& mine, std::int64_t deadline_ns) noexcept {
    bool was_woken = false;
    for (bool is_last = deadline_ns <= 0;;) {
        const Phase now = settled();
        Status taken = Errc::broken_barrier;
        if (now.state() != Phase::kBroken) { taken = take_place(mine, was_woken); }
        if (taken.code() != Errc::timed_out || is_last) {
            if (!taken.ok()) { port::owe_nothing(); }
            return taken;
        }
        detail::get_ready_to_sleep(room);
        if (has_room() || phase.word.load(std::memory_order_seq_cst) != now.word()) { continue; }
        port::RobustMutex* watched[kPartiesMax];
        for (std::uint32_t i = 0; i < parties; ++i) { watched[i] = &place[i]; }
        is_last = !port::bells_wait_watching(room, detail::kSleepers, phase, now.word(), watched,
                                             parties, deadline_ns)
                       .ok();
        room.word.fetch_or(detail::kSleepers, std::memory_order_seq_cst);
        was_woken = true;
    }
}

void Barrier::State::leave(std::uint32_t mine) noexcept {
    mark[mine].store(0, std::memory_order_seq_cst);
    port::mutex_unlock_owing(place[mine], room).ignore();
    // If killed here: the system rings for us.
    detail::ring_for(room, 1);
    port::owe_nothing();
}

// ---- Coming, and waiting for the others --------------------------------------------------------

// The caller holds the place. ok: he has come, and then owes a ring to `heirs`; broken_barrier.
Status Barrier::State::arrive(std::uint32_t mine, std::uint32_t& marked) noexcept {
    port::owe_ring(heirs);
    for (;;) {
        const Phase now = settled();
        marked = now.mark();
        if (now.state() == Phase::kBroken) { return Errc::broken_barrier; }
        if (mark[mine].load(std::memory_order_seq_cst) == marked) {
            // Who had the place before died while he waited.
            static_cast<void>(change(now, now.in_state(Phase::kBroken)));
        } else if (now.state() != Phase::kFilling) {
            // Somebody thinks that all have come, as he had been stopped. He will look again.
            static_cast<void>(port::bell_wait(phase, now.word(), port::kAnyKind,
                                              detail::slice_of(port::kNever, detail::kLookNs)));
        } else {
            std::uint32_t expected = now.word();
            // If killed after this: he has not come, but the others looked again.
            if (!phase.word.compare_exchange_strong(expected, now.after_arrival().word())) {
                continue;
            }
            mark[mine].store(marked, std::memory_order_seq_cst);
            return Errc::ok;
        }
    }
}

void Barrier::State::look(std::uint32_t mine, std::uint32_t marked, View& view) noexcept {
    view.held_count = 0;
    view.have_all_come = true;
    view.has_one_died = false;
    for (std::uint32_t i = 0; i < parties; ++i) {
        if (i == mine) { continue; }
        // In this order: who leaves takes his mark away first.
        bool is_free = port::mutex_is_free(place[i]);
        const bool is_marked = mark[i].load(std::memory_order_seq_cst) == marked;
        // Unless one came in between.
        if (is_free && is_marked) { is_free = port::mutex_is_free(place[i]); }
        if (!is_free) { view.held[view.held_count++] = &place[i]; }
        if (is_free && is_marked) { view.has_one_died = true; }
        if (is_free || !is_marked) { view.have_all_come = false; }
    }
}

// ok; broken_barrier; timed_out; the error of the action. If killed in here: another is woken, who
// breaks the barrier, unless the round has ended.
Status Barrier::State::await(std::uint32_t mine, std::uint32_t marked,
                             std::int64_t deadline_ns) noexcept {
    View view;
    for (bool has_time = true;;) {
        const Phase now = settled();
        if (now.has_ended_for(marked)) { return Errc::ok; }
        if (now.is_broken_for(marked)) { return Errc::broken_barrier; }
        look(mine, marked, view);
        if (view.has_one_died) {
            static_cast<void>(change(now, now.in_state(Phase::kBroken)));
        } else if (view.have_all_come && now.state() == Phase::kFilling) {
            const Phase acting = now.in_state(Phase::kActing + mine);
            std::uint32_t expected = now.word();
            if (!phase.word.compare_exchange_strong(expected, acting.word())) { continue; }
            const Status ended = end_round(mine, marked, acting);
            if (ended.code() != Errc::not_done) { return ended; }
        } else if (!has_time) {
            if (change(now, now.in_state(Phase::kBroken))) { return Errc::timed_out; }
        } else {
            has_time = port::bells_wait_watching(phase, now.word(), heirs, 0, view.held,
                                                 view.held_count, deadline_ns)
                           .ok();
            // The end of one who was leaving may have woken us in place of one who wants to enter.
            if ((room.word.load(std::memory_order_seq_cst) & detail::kSleepers) != 0) {
                static_cast<void>(port::bell_ring(room, 1, port::kAnyKind));
            }
        }
    }
}

// By whom the phase names. not_done: he was stopped before he wrote that, and not all have come.
Status Barrier::State::end_round(std::uint32_t mine, std::uint32_t marked, Phase acting) noexcept {
    View view;
    look(mine, marked, view);
    if (!view.have_all_come) {
        static_cast<void>(change(acting, acting.in_state(Phase::kFilling)));
        return Errc::not_done;
    }
    Status status = Errc::ok;
    if (run != nullptr) {
        // So that all watch our place. If killed in the action: one of them breaks the barrier.
        static_cast<void>(port::bell_ring(phase, port::kEverybody, port::kAnyKind));
        status = run(action);
        port::owe_ring(heirs);
    }
    const Phase after = status.ok() ? acting.after_round() : acting.in_state(Phase::kBroken);
    // Else it was broken or reset meanwhile.
    return change(acting, after) || !status.ok() ? status : Status(Errc::broken_barrier);
}

}  // namespace v0
}  // namespace brood
