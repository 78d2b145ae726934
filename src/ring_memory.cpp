// The memory of a ring; src/ring.hpp has the rules.
//
// A ring that grows lies in reserved addresses, of which as many slots as it has are allocated, and
// perhaps more. To change their number N one uses both sides, so nobody else is in an operation.
// Message i lies in slot i mod N. Those which get another place are copied to it; a place that some
// message has is never written to. Then one store of `slots` puts the copies in force. So until
// that store nothing has happened, and after it all has.
#include "ring_memory.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t kSlotsMax = std::size_t{1} << 28;

// What a ring that grows begins with, and ends with when it is drained.
constexpr std::size_t kLeastBytes = 16 * 1024;
constexpr std::uint32_t kLeastSlots = 4;

// It shrinks when a sixteenth of it is in use, to four times what is: then it takes many messages
// until it grows again, and to move the few costs little beside those that came and went.
constexpr std::uint32_t kSparse = 16, kSpacious = 4;

// Addresses are few where they have 32 bits.
constexpr std::uint64_t kReservedMax = sizeof(void*) < 8 ? std::uint64_t{256} << 20
                                                         : std::uint64_t{PTRDIFF_MAX} / 2;

std::uint64_t bytes_of(std::uint64_t slots, std::uint64_t slot_bytes) noexcept {
    return sizeof(Ring) + slots * slot_bytes;
}

std::uint32_t least_slots(std::uint64_t slot_bytes) noexcept {
    std::uint32_t least = kLeastSlots;
    while (bytes_of(least * 2, slot_bytes) <= kLeastBytes) { least *= 2; }
    return least;
}

// Where the pages of `slots` slots end, from the ring on, which need not begin a page. Its shape is
// where it is.
std::size_t end_of(const RingShape& shape, std::uint32_t slots) noexcept {
    const std::size_t before = reinterpret_cast<std::uintptr_t>(&shape) % port::page_bytes();
    return whole_pages(before + bytes_of(slots, shape.slot_bytes)) - before;
}

void lay_out(RingShape& shape, std::size_t message_bytes, std::uint32_t slots,
             std::size_t most) noexcept {
    shape.message_bytes = static_cast<std::uint32_t>(message_bytes);
    shape.slot_bytes = static_cast<std::uint32_t>(slot_bytes_of(message_bytes));
    shape.slots_at = sizeof(Ring);
    shape.slots.store(slots, std::memory_order_relaxed);
    shape.most.store(static_cast<std::uint32_t>(most), std::memory_order_relaxed);
}

// What it may become of itself: with as many slots as there is room for.
void let_grow(RingShape& shape, std::size_t room) noexcept {
    const std::uint32_t least = shape.slots.load(std::memory_order_relaxed);
    shape.allocated.store(least, std::memory_order_relaxed);
    shape.slots_least = shape.slots_max = least;
    while (shape.slots_max < kSlotsMax &&
           bytes_of(std::uint64_t{shape.slots_max} * 2, shape.slot_bytes) <= room) {
        shape.slots_max *= 2;
    }
}

// Addresses for a ring that grows, of which the first are allocated.
Result<port::Reservation> reserve(std::size_t most, std::size_t first) noexcept {
    const Result<port::Reservation> reserved = port::reserve_shared(most, first);
    if (!reserved.ok()) { return reserved; }
    const Status allocated = port::allocate_reserved(reserved->address, first);
    if (allocated.ok()) { return reserved; }
    port::unmap(reserved->address, reserved->bytes);
    return allocated.error();
}

/// Changes the number of slots of a ring, with both its sides in use.
class Resizing {
public:
    Resizing(Ring& ring, Membership& me) noexcept
        : ring_(ring),
          shape_(ring.shape),
          put_(ring, me, RingEnd::put, RingUse::first),
          get_(ring, me, RingEnd::get, RingUse::second) {}

    /// Everybody takes the sides in this order. If killed: who finds us dead takes them over.
    template <class Enter>
    Status enter(Enter enter_side) noexcept {
        Status entered = enter_side(put_);
        if (!entered.ok()) { return entered; }
        entered = enter_side(get_);
        if (!entered.ok()) {
            put_.withdraw();
            put_.leave();
        }
        return entered;
    }
    void leave() noexcept {
        put_.withdraw();
        put_.leave();
        get_.leave();
    }

    Status grow(std::size_t count) noexcept {
        const std::uint32_t slots = shape_.slots.load(std::memory_order_relaxed);
        if (in_it() > slots || count > shape_.slots_max - in_it()) { return Errc::no_space; }
        const std::uint32_t wanted = whole_power(in_it() + count);
        if (wanted > slots) {
            const Status allocated = allocate(wanted);
            if (!allocated.ok()) { return allocated; }
            move_to(wanted);
        }
        // If killed before: there are more slots than messages may be, and the next put comes here.
        shape_.most.store(shape_.slots.load(std::memory_order_relaxed), std::memory_order_relaxed);
        return Errc::ok;
    }

    void shrink() noexcept {
        const std::uint32_t slots = shape_.slots.load(std::memory_order_relaxed);
        if (in_it() >= shape_.shrink_below.load(std::memory_order_relaxed)) { return; }
        std::uint32_t wanted = whole_power(std::size_t{in_it()} * kSpacious);
        if (wanted < shape_.slots_least) { wanted = shape_.slots_least; }
        if (wanted < slots) {
            // What putters know of the other side may be old, and say that there are more messages.
            ring_.put.lease.note.store(ring_.get.index.load(std::memory_order_relaxed),
                                       std::memory_order_relaxed);
            // If killed before the slots follow: as in grow().
            shape_.most.store(wanted, std::memory_order_relaxed);
            move_to(wanted);
        }
        release();
    }

private:
    std::uint32_t in_it() const noexcept {
        return ring_.put.index.load(std::memory_order_relaxed) -
               ring_.get.index.load(std::memory_order_relaxed);
    }

    static std::uint32_t sparse(const RingShape& shape, std::uint32_t slots) noexcept {
        return slots == shape.slots_least ? 0 : 1 + slots / kSparse;
    }

    Status allocate(std::uint32_t wanted) noexcept {
        // If killed from here on: a get finds that there is memory to give back.
        shape_.shrink_below.store(sparse(shape_, wanted), std::memory_order_relaxed);
        const std::uint32_t before = shape_.allocated.load(std::memory_order_relaxed);
        if (before >= wanted) { return Errc::ok; }
        const std::size_t begin = end_of(shape_, before), end = end_of(shape_, wanted);
        if (begin < end) {
            const Status status = port::allocate_reserved(at(begin), end - begin);
            if (!status.ok()) {
                release();
                return status;
            }
        }
        shape_.allocated.store(wanted, std::memory_order_relaxed);
        return Errc::ok;
    }

    // Gives back what lies behind the slots. If killed in here: the next does it again.
    void release() noexcept {
        const std::uint32_t slots = shape_.slots.load(std::memory_order_relaxed);
        const std::uint32_t before = shape_.allocated.load(std::memory_order_relaxed);
        const std::size_t begin = end_of(shape_, slots), end = end_of(shape_, shape_.slots_max);
        shape_.allocated.store(slots, std::memory_order_relaxed);
        if (begin < end && !port::give_back(at(begin), end - begin).ok()) {
            shape_.allocated.store(before, std::memory_order_relaxed);
        }
        shape_.shrink_below.store(sparse(shape_, slots), std::memory_order_relaxed);
    }

    // A message's new place is its old one, or one that is none of another: of the new slots, or,
    // as the messages are fewer than slots remain, of those between the messages.
    void move_to(std::uint32_t slots) noexcept {
        const std::uint32_t before = shape_.slots.load(std::memory_order_relaxed);
        std::uint32_t index = ring_.get.index.load(std::memory_order_relaxed);
        for (std::uint32_t left = in_it(); left != 0;) {
            const std::uint32_t from = index & (before - 1), to = index & (slots - 1);
            std::uint32_t run = before - from < slots - to ? before - from : slots - to;
            if (run > left) { run = left; }
            if (from != to) { __builtin_memcpy(slot(to), slot(from), run * slot_bytes()); }
            index += run;
            left -= run;
        }
        // If killed up to here: nothing has changed, what was written is in nobody's place.
        shape_.slots.store(slots, std::memory_order_release);
    }

    std::size_t slot_bytes() const noexcept { return shape_.slot_bytes; }
    unsigned char* at(std::size_t offset) const noexcept {
        return reinterpret_cast<unsigned char*>(&ring_) + offset;
    }
    unsigned char* slot(std::uint32_t place) const noexcept {
        return at(shape_.slots_at + place * slot_bytes());
    }

    Ring& ring_;
    RingShape& shape_;
    RingUser put_, get_;
};

}  // namespace

void shape_ring(RingShape& shape, std::size_t message_bytes, std::size_t most) noexcept {
    lay_out(shape, message_bytes, whole_power(most), most);
}

std::size_t whole_pages(std::uint64_t bytes) noexcept {
    const std::size_t page = port::page_bytes();
    return (static_cast<std::size_t>(bytes) + page - 1) / page * page;
}

std::size_t most_ring_bytes(const RingPlan& plan) noexcept {
    const std::uint64_t whole = bytes_of(kSlotsMax, slot_bytes_of(plan.message_bytes));
    return static_cast<std::size_t>(whole < kReservedMax ? whole : kReservedMax);
}

Result<std::size_t> first_ring_bytes(const RingPlan& plan) noexcept {
    if (!is_ring_size(plan.message_bytes, plan.most)) { return Errc::size_too_large; }
    const std::uint64_t slot_bytes = slot_bytes_of(plan.message_bytes);
    const std::uint64_t bytes = plan.grows() ? bytes_of(least_slots(slot_bytes), slot_bytes)
                                             : ring_bytes(plan.message_bytes, plan.most);
    const std::uint64_t most = plan.grows() ? most_ring_bytes(plan) : std::uint64_t{PTRDIFF_MAX};
    if (bytes > most) { return Errc::size_too_large; }
    return static_cast<std::size_t>(bytes);
}

Status lay_out_ring(Ring& ring, std::size_t room, const RingPlan& plan) noexcept {
    __builtin_memset(static_cast<void*>(&ring), 0, sizeof(Ring));
    if (plan.grows()) {
        const std::uint32_t least = least_slots(slot_bytes_of(plan.message_bytes));
        lay_out(ring.shape, plan.message_bytes, least, least);
        let_grow(ring.shape, room);
    } else {
        shape_ring(ring.shape, plan.message_bytes, plan.most);
    }
    return init_bells(ring);
}

Result<Ring*> make_ring(const RingPlan& plan, std::size_t& bytes) noexcept {
    const Result<std::size_t> first = first_ring_bytes(plan);
    if (!first.ok()) { return first.error(); }
    port::Reservation room = {nullptr, *first};
    if (plan.grows()) {
        const auto reserved = reserve(most_ring_bytes(plan), whole_pages(*first));
        if (!reserved.ok()) { return reserved.error(); }
        room = *reserved;
    } else {
        const Result<void*> memory = port::map_shared(room.bytes);
        if (!memory.ok()) { return memory.error(); }
        room.address = *memory;
    }
    auto* const ring = static_cast<Ring*>(room.address);
    bytes = room.bytes;
    const Status laid_out = lay_out_ring(*ring, room.bytes, plan);
    if (laid_out.ok()) { return ring; }
    port::unmap(room.address, room.bytes);
    return laid_out.error();
}

Status init_bells(Ring& ring) noexcept {
    for (port::Bell* bell : {&ring.put.lease, &ring.get.lease, &ring.bell}) {
        const Status made = port::bell_init(*bell);
        if (!made.ok()) { return made; }
    }
    return Errc::ok;
}

Status grow_ring(Ring& ring, Membership& me, std::size_t count, std::int64_t deadline_ns) noexcept {
    Resizing resizing(ring, me);
    const Status entered =
        resizing.enter([=](RingUser& side) { return side.enter_patiently(deadline_ns); });
    if (!entered.ok()) { return entered; }
    const Status grown = resizing.grow(count);
    resizing.leave();
    return grown;
}

void shrink_ring(Ring& ring, Membership& me) noexcept {
    Resizing resizing(ring, me);
    if (!resizing.enter([](RingUser& side) { return side.enter_slowly(0); }).ok()) { return; }
    resizing.shrink();
    resizing.leave();
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
