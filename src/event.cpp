// The flag and a count of how often it was set stand in the bell's note:
//
//   times set << 1 | is set
//
// A waiter goes when the flag is set, or the count is another than when he came. The count wraps:
// only one who was stopped while it was set exactly 2^31 times, and cleared, sleeps on, as if he
// had come just now.
//
// Every waiter who goes rings for all the others, as the setter does: if the setter is killed
// before he rings, the system wakes one, and if that one is killed, the next. Nobody counts who is
// woken.
#include <brood/event.hpp>

#include <utility>

#include <port/port.hpp>

#include "event_access.hpp"
#include "sleepers.hpp"

namespace brood {
inline namespace v0 {
namespace {

constexpr std::uint32_t kSet = 1, kOnce = 2;

port::Bell& bell_at(void* state) noexcept {
    return *static_cast<port::Bell*>(state);
}

bool has_come(std::uint32_t now, std::uint32_t at_first) noexcept {
    return (now & kSet) != 0 || (now ^ at_first) >= kOnce;
}

}  // namespace

Result<Event> Event::create() noexcept {
    const Result<void*> page = detail::make_object(EventAccess::bytes(), [](void* memory) {
        return EventAccess::lay_out(memory, detail::Before::zeroes);
    });
    if (!page.ok()) { return page.error(); }
    Event event = EventAccess::view(*page);
    event.own_page_ = true;
    return event;
}

Event::Event(Event&& other) noexcept
    : bell_(std::exchange(other.bell_, nullptr)),
      own_page_(std::exchange(other.own_page_, false)) {}

Event& Event::operator=(Event&& other) noexcept {
    Event taken(std::move(other));  // Leaves with what *this had.
    std::swap(bell_, taken.bell_);
    std::swap(own_page_, taken.own_page_);
    return *this;
}

Event::~Event() noexcept {
    if (own_page_) { port::unmap(bell_, EventAccess::bytes()); }
}

Status Event::set() noexcept {
    if (bell_ == nullptr) { return Errc::closed; }
    port::Bell& bell = bell_at(bell_);
    port::owe_ring(bell);
    std::uint32_t seen = bell.note.load(std::memory_order_relaxed);
    while (!bell.note.compare_exchange_weak(seen, (seen & kSet) != 0 ? seen : (seen + kOnce) | kSet,
                                            std::memory_order_seq_cst)) {}
    // If killed here: the system wakes one, who rings for the others. One who finds it set already
    // rings, too: who set it may be stopped.
    detail::ring_for(bell, port::kEverybody);
    port::owe_nothing();
    return Errc::ok;
}

Status Event::clear() noexcept {
    if (bell_ == nullptr) { return Errc::closed; }
    bell_at(bell_).note.fetch_and(~kSet, std::memory_order_seq_cst);
    return Errc::ok;
}

bool Event::is_set() const noexcept {
    if (bell_ == nullptr) { return false; }
    return (bell_at(bell_).note.load(std::memory_order_seq_cst) & kSet) != 0;
}

Status Event::wait(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (bell_ == nullptr) { return Errc::closed; }
    port::Bell& bell = bell_at(bell_);
    const std::uint32_t at_first = bell.note.load(std::memory_order_seq_cst);
    if (has_come(at_first, at_first)) { return Errc::ok; }
    if (deadline_ns <= 0) { return Errc::timed_out; }
    Status slept;
    for (;;) {
        detail::get_ready_to_sleep(bell);
        const std::uint32_t seen = bell.note.load(std::memory_order_seq_cst);
        if (has_come(seen, at_first)) {
            detail::ring_for(bell, port::kEverybody);
            slept = Errc::ok;
            break;
        }
        if (!slept.ok()) { break; }
        // If killed from here on: a ring that reached us goes to the next.
        slept = detail::sleep_on(bell, {&bell.note, seen}, deadline_ns);
    }
    port::owe_nothing();
    return slept;
}

// ---- In memory of others -----------------------------------------------------------------------

Status EventAccess::lay_out(void* memory, detail::Before before) noexcept {
    if (before == detail::Before::zeroes) { return port::bell_init(bell_at(memory)); }
    return view(memory).clear();
}

Event EventAccess::view(void* memory) noexcept {
    Event event;
    event.bell_ = memory;
    return event;
}

bool EventAccess::is_idle(void* memory) noexcept {
    return !detail::has_sleepers(bell_at(memory), detail::kSleepers);
}

}  // namespace v0
}  // namespace brood
