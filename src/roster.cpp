#include "roster.hpp"

#include <brood/detail/ring_handle.hpp>

#include "ring_wait.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

// The state before and after the look at the mutex: if it is the same, it was that one who let go.
Roster::Look Roster::look(port::RobustMutex** watched) noexcept {
    Look found = {false, false, 0, 0};
    for (std::uint32_t i = 0; i < count; ++i) {
        Place& one = place[i];
        std::uint32_t state = 0, before = 0;
        bool is_free = false;
        do {
            before = one.state.load(std::memory_order_acquire);
            is_free = port::mutex_is_free(one.life);
            state = one.state.load(std::memory_order_acquire);
        } while (state != before);
        found.sum += state;
        if (!is_free) { watched[found.living++] = &one.life; }
        const PlaceState kind = Place::state_in(state);
        found.is_going_on = found.is_going_on || !is_free || kind == PlaceState::never;
        found.has_died = found.has_died || kind == PlaceState::enrolled;
    }
    return found;
}

// Two looks: between them all had ended, if nobody enrolled meanwhile.
Status Roster::produced() noexcept {
    port::RobustMutex* unused[port::kWatchedMax];
    Look last = look(unused);
    for (;;) {
        if (last.is_going_on) { return Errc::ok; }
        const Look now = look(unused);
        if (now.sum == last.sum && !now.is_going_on) {
            return now.has_died ? Errc::peer_died : Errc::closed;
        }
        last = now;
    }
}

bool Roster::take_place(Ring& ring, Membership& me, std::uint32_t index, PlaceState of) noexcept {
    Place& one = place[index];
    const std::uint32_t before = one.state.load(std::memory_order_acquire);
    if (Place::state_in(before) != of || !port::mutex_is_free(one.life)) { return false; }
    if (!is_held(port::mutex_lock(one.life, 0))) { return false; }
    if (one.state.load(std::memory_order_acquire) != before) {  // Another came and went.
        port::mutex_unlock(one.life).ignore();
        return false;
    }
    one.process.store(port::process_id(), std::memory_order_relaxed);
    port::owe_ring(ring.bell);
    // If killed up to here: the place is as it was, and this producer was never known.
    const std::uint32_t times = (before >> 2) + 1;
    one.state.store(times << 2 | static_cast<std::uint32_t>(PlaceState::enrolled),
                    std::memory_order_seq_cst);
    // If killed here: the system wakes one, who finds the place, and us dead.
    ring_all(ring);  // Sleeping getters watch those whom they know.
    port::owe_nothing();
    me.roster = ring.object;
    me.place = index;
    return true;
}

// Places that nobody had come first: who replaces a dead producer may not take the last place that
// another, who is still to come, would complete the number with.
Status Roster::enroll(Ring& ring, Membership& me) noexcept {
    if (me.roster == ring.object) { return Errc::ok; }
    // A thread that used another queue since may have a place here all the same.
    for (std::uint32_t i = 0; i < count; ++i) {
        if (!port::mutex_is_mine(place[i].life)) { continue; }
        me.roster = ring.object;
        me.place = i;
        return Errc::ok;
    }
    for (const PlaceState of : {PlaceState::never, PlaceState::enrolled, PlaceState::closed}) {
        for (std::uint32_t i = 0; i < count; ++i) {
            if (take_place(ring, me, i, of)) { return Errc::ok; }
        }
    }
    return Errc::too_many_members;
}

void Roster::leave(Ring& ring, Membership& me) noexcept {
    me.roster = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        Place& one = place[i];
        if (!port::mutex_is_mine(one.life)) { continue; }
        const std::uint32_t times = one.state.load(std::memory_order_relaxed) >> 2;
        one.state.store(times << 2 | static_cast<std::uint32_t>(PlaceState::closed),
                        std::memory_order_seq_cst);
        // If killed here: our death frees the mutex, and we had closed.
        port::mutex_unlock_owing(one.life, ring.bell).ignore();
        // If killed here: the system wakes one, who finds it, and wakes the others if all is over.
        ring_all(ring);
        port::owe_nothing();
    }
}

bool Roster::is_used_here() noexcept {
    const port::Pid here = port::process_id();
    for (std::uint32_t i = 0; i < count; ++i) {
        const bool is_ours = place[i].process.load(std::memory_order_relaxed) == here;
        if (is_ours && !port::mutex_is_free(place[i].life)) { return true; }
    }
    return false;
}

Status RingHandle::producers(std::size_t count) noexcept {
    if (ring_ == nullptr) { return Errc::closed; }
    if (bytes_ == 0) { return Errc::unsupported; }  // Nobody would unmap it at the right time.
    if (extras_.roster != nullptr) { return Errc::already_exists; }
    if (count == 0) { return Errc::size_zero; }
    if (count > port::kWatchedMax) { return Errc::size_too_large; }
    const std::size_t bytes = Roster::bytes_for(count);
    const Result<void*> memory = port::map_shared(bytes);
    if (!memory.ok()) { return memory.error(); }
    auto* const roster = static_cast<Roster*>(*memory);
    roster->count = static_cast<std::uint32_t>(count);
    for (std::size_t i = 0; i < count; ++i) {
        const Status made = port::mutex_init(roster->place[i].life);
        if (made.ok()) { continue; }
        port::unmap(roster, bytes);
        return made;
    }
    extras_.roster = roster;
    return Errc::ok;
}

Status RingHandle::enroll() noexcept {
    if (ring_ == nullptr || closed_) { return Errc::closed; }
    if (extras_.roster == nullptr) { return Errc::bad_argument; }
    const Result<Membership*> me = member_of(*ring_, members());
    if (!me.ok()) { return me.error(); }
    return extras_.roster->enroll(*ring_, **me);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
