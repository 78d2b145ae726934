// Notifying, and what the dead leave: by the holder of a condition's lock. See condition_state.hpp.
#include "condition_state.hpp"

namespace brood {
inline namespace v0 {

using detail::kGone;
using detail::kNotified;
using detail::kOwed;
using detail::kWaiting;

// 0: nobody waits.
std::uint64_t Condition::State::last_ticket() const noexcept {
    std::uint64_t last = 0;
    for (std::uint32_t i = 0; i < high.load(std::memory_order_relaxed); ++i) {
        const std::uint32_t stands = place[i].stands();
        if (stands == kGone) { continue; }
        const std::uint64_t meant_for = place[i].bell.note.load(std::memory_order_relaxed);
        const std::uint64_t given = ticket[i] + (stands == kNotified ? meant_for : 0);
        if (given > last) { last = given; }
    }
    return last;
}

// From here on `count` will be notified, by whomever.
void Condition::State::owe(std::uint32_t count) noexcept {
    port::owe_ring(heirs);
    heirs.note.store(count, std::memory_order_relaxed);
    heirs.word.store(kOwed, std::memory_order_seq_cst);
}

// Also what one left who was killed in here: those whom he had notified may not have been rung for.
void Condition::State::go_on_notifying() noexcept {
    port::owe_ring(heirs);
    for (std::uint32_t i = 0; i < high.load(std::memory_order_relaxed); ++i) {
        if (place[i].stands() != kNotified) { continue; }
        static_cast<void>(port::bell_ring(place[i].bell, 1, port::kAnyKind));
    }
    notify(heirs.note.load(std::memory_order_relaxed), last_ticket());
}

void Condition::State::notify(std::uint32_t count, std::uint64_t last) noexcept {
    while (count > 0 && notify_oldest(last)) {
        // If killed before this: one too many will be notified.
        heirs.note.store(--count, std::memory_order_relaxed);
    }
    heirs.word.store(0, std::memory_order_seq_cst);
    port::owe_nothing();
}

// Of those whose tickets are not after `last`. False: there is none.
bool Condition::State::notify_oldest(std::uint64_t last) noexcept {
    for (;;) {
        const std::uint32_t used = high.load(std::memory_order_relaxed);
        std::uint32_t oldest = used;
        for (std::uint32_t i = 0; i < used; ++i) {
            if (place[i].stands() != kWaiting || ticket[i] > last) { continue; }
            if (oldest < used && ticket[i] > ticket[oldest]) { continue; }
            oldest = i;
        }
        if (oldest == used) { return false; }
        detail::WaitersPlace& chosen = place[oldest];
        const std::uint64_t after = last - ticket[oldest];
        chosen.bell.note.store(after < UINT32_MAX ? static_cast<std::uint32_t>(after) : UINT32_MAX,
                               std::memory_order_relaxed);
        chosen.set(kNotified);
        static_cast<void>(port::bell_ring(chosen.bell, 1, port::kAnyKind));
        // Nobody watches for the death of one who was dead by then.
        if (!port::mutex_is_free(chosen.mutex)) { return true; }
        chosen.set(kGone);
    }
}

// Frees the places of the dead. What they were notified of passes to those who waited then.
void Condition::State::bury() noexcept {
    for (std::uint32_t i = 0; i < high.load(std::memory_order_relaxed); ++i) {
        const std::uint32_t stands = place[i].stands();
        if (stands == kGone || !port::mutex_is_free(place[i].mutex)) { continue; }
        if (stands == kWaiting) {
            place[i].set(kGone);
            continue;
        }
        const std::uint64_t last = ticket[i] + place[i].bell.note.load(std::memory_order_relaxed);
        owe(1);
        // If killed before this: one too many. After it: one is owed.
        place[i].set(kGone);
        notify(1, last);
    }
}

}  // namespace v0
}  // namespace brood
