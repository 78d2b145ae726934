// Queues in memory that another keeps.
#include "ring_access.hpp"

#include "join_book.hpp"
#include "ring_memory.hpp"
#include "sleepers.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t ring_offset(bool is_joinable) noexcept {
    return is_joinable ? sizeof(JoinBook) : 0;
}
static_assert(sizeof(JoinBook) % kObjectAlign == 0);

Ring& ring_in(void* memory, bool is_joinable) noexcept {
    return *reinterpret_cast<Ring*>(static_cast<unsigned char*>(memory) + ring_offset(is_joinable));
}

RingPlan ring_of(const RingAccess::Plan& plan) noexcept {
    return {plan.message_bytes, plan.most};
}

// Of one without a bound: its first pages, and no others.
Status allocate(void* memory, std::size_t room, std::size_t first, Before before) noexcept {
    if (room < first) { return Errc::size_too_large; }
    if (before == Before::zeroes) {
        const Status allocated = port::allocate_reserved(memory, first);
        if (allocated.ok()) { __builtin_memset(memory, 0, first); }
        return allocated;
    }
    auto* const rest = static_cast<unsigned char*>(memory) + first;
    if (room > first) { port::give_back(rest, room - first).ignore(); }
    return Errc::ok;
}

// An announcement of a get stands until the next operation; but then the index has moved.
bool is_at_work(Ring& ring, const Members& members, std::uint32_t index) noexcept {
    const Member& one = members.at(index);
    if (one.object.load(std::memory_order_acquire) != ring.object) { return false; }
    const std::uint32_t op = one.op.load(std::memory_order_acquire);
    bool is_busy = (op & 3) == 3;  // Asks for a side, or uses both.
    for (const RingEnd end : {RingEnd::put, RingEnd::get}) {
        const std::uint32_t now = ring.side(end).index.load(std::memory_order_acquire);
        is_busy = is_busy || op == Announcement::of(end, now);
    }
    return is_busy && members.is_alive(index);
}

}  // namespace

Result<std::size_t> RingAccess::bytes(const Plan& plan) noexcept {
    const Result<std::size_t> ring = first_ring_bytes(ring_of(plan));
    if (!ring.ok()) { return ring; }
    const std::size_t all = ring_offset(plan.is_joinable) + *ring;
    return plan.most == 0 ? whole_pages(all) : whole_lines(all);
}

std::size_t RingAccess::range_bytes(const Plan& plan) noexcept {
    return whole_pages(ring_offset(plan.is_joinable) + most_ring_bytes(ring_of(plan)));
}

Status RingAccess::lay_out(void* memory, std::size_t room, const Plan& plan, const Members& members,
                           Before before) noexcept {
    const Result<std::size_t> first = bytes(plan);
    Status made = first.status();
    if (made.ok() && plan.most == 0) { made = allocate(memory, room, *first, before); }
    if (!made.ok()) { return made; }
    if (plan.is_joinable) { made = lay_out_book(*static_cast<JoinBook*>(memory), before); }
    if (!made.ok()) { return made; }
    Ring& ring = ring_in(memory, plan.is_joinable);
    made = lay_out_ring(ring, room - ring_offset(plan.is_joinable), ring_of(plan));
    ring.object = members.table->number_object(members.last);
    return made;
}

RingHandle RingAccess::view(void* memory, bool is_joinable, const Members& members) noexcept {
    RingHandle handle;
    handle.ring_ = &ring_in(memory, is_joinable);
    handle.shape_ = &handle.ring_->shape;
    handle.table_ = members.table;
    if (members.is_of_strangers()) { handle.extras_.members = &members; }
    if (is_joinable) {
        auto* const book = static_cast<JoinBook*>(memory);
        handle.extras_.book = book;
        // What was written off earlier, others have heard.
        handle.extras_.reported = book->written_off.load(std::memory_order_seq_cst);
    }
    return handle;
}

std::size_t RingAccess::least_bytes(bool is_joinable) noexcept {
    return ring_offset(is_joinable) + sizeof(Ring);
}

bool RingAccess::fits(void* memory, std::size_t bytes, bool is_joinable,
                      std::size_t message_bytes) noexcept {
    const std::size_t before = ring_offset(is_joinable);
    if (bytes < least_bytes(is_joinable)) { return false; }
    const RingShape& shape = ring_in(memory, is_joinable).shape;
    const std::uint64_t slots = shape.slots.load(std::memory_order_relaxed);
    const std::uint64_t most = shape.most.load(std::memory_order_relaxed);
    const std::uint64_t larger = shape.grows() ? shape.slots_max : slots;
    return shape.message_bytes == message_bytes &&
           shape.slot_bytes == slot_bytes_of(message_bytes) && shape.slots_at == sizeof(Ring) &&
           slots != 0 && slots == whole_power(slots) && most <= slots && slots <= larger &&
           before + sizeof(Ring) + larger * shape.slot_bytes <= bytes;
}

bool RingAccess::is_idle(void* memory, bool is_joinable, const Members& members) noexcept {
    Ring& ring = ring_in(memory, is_joinable);
    for (std::uint32_t index = 1; index <= members.top(); ++index) {
        if (is_at_work(ring, members, index)) { return false; }
    }
    if (is_joinable) {
        auto& book = *static_cast<JoinBook*>(memory);
        if (book.has_living() || has_sleepers(book.joiners, kSleepers)) { return false; }
    }
    return !has_sleepers(ring.bell, Ring::kGetters | Ring::kPutters);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
