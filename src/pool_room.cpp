// How threads of the host wait for room in a full table.
#include "pool_care.hpp"
#include "pool_slots.hpp"
#include "pool_wait.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// Lets who gives back a slot know that it is waited for, as long as it lives.
class ShortOfRoom {
public:
    explicit ShortOfRoom(PoolCore& core) noexcept : core_(core) { change(1); }
    ~ShortOfRoom() noexcept { change(UINT32_MAX); }
    ShortOfRoom(const ShortOfRoom&) = delete;
    ShortOfRoom& operator=(const ShortOfRoom&) = delete;

private:
    void change(std::uint32_t by) noexcept {
        const HostMutexHold hold(core_.mutex);
        core_.short_of_room += by;
    }
    PoolCore& core_;
};

Status take_ticket(PoolCore& core, void* ticket) noexcept {
    return take_slot(core, *static_cast<Ticket*>(ticket));
}

Status take_with_mutex(PoolCore& core, TakeRoom take, void* context) noexcept {
    const HostMutexHold hold(core.mutex);
    if (core.shared->lost_keeper()) { note_supervisor_end(core); }
    // What terminate() and a death have ended is closed, too, but that says less.
    if (core.ended_by != Errc::ok) { return core.ended_by; }
    return core.closed ? Status(Errc::pool_closed) : take(core, context);
}

}  // namespace

std::int64_t room_ns_of(Timeout timeout) noexcept {
    if (timeout.is_forever()) { return port::kNever; }
    if (timeout.is_negative()) { return kRoomNegative; }
    return timeout.is_overflow() ? kRoomOverflow : timeout.nanoseconds();
}

Status await_room(PoolCore& core, std::int64_t room_ns, Ticket& ticket) noexcept {
    return await_taking(core, room_ns, &take_ticket, &ticket);
}

// Any task that ends may be one that nobody asks for: so all are wanted, and then each look goes
// over those. What a thread gives back is told by it, close() by the supervisor.
Status await_taking(PoolCore& core, std::int64_t room_ns, TakeRoom take, void* context) noexcept {
    if (room_ns == 0) { return Errc::full; }
    const std::int64_t deadline_ns = room_ns == port::kNever ? room_ns : port::now_ns() + room_ns;
    const ShortOfRoom here(core);
    Status outcome = Errc::full;
    const auto has_news = [&] {
        // Asked again after it was true, it takes no second one.
        if (outcome.code() == Errc::full) { outcome = take_with_mutex(core, take, context); }
        return outcome.code() != Errc::full;
    };
    const Errc waited = sleep_until_ended(core, kWantAny - 1, has_news, deadline_ns);
    return waited == Errc::ok ? outcome : Status(waited);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
