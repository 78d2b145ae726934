// Moving messages into and out of a ring: the operation itself, and the usual way to it.
#ifndef BROOD_SRC_RING_MOVE_HPP
#define BROOD_SRC_RING_MOVE_HPP

#include <type_traits>

#include "join_book.hpp"
#include "ring.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

template <RingEnd kEnd>
using BufferOf = std::conditional_t<kEnd == RingEnd::put, const unsigned char*, unsigned char*>;

// Not a call of memcpy() for each short message: that took a sixth of a put.
inline void copy_bytes(unsigned char* to, const unsigned char* from, std::uint32_t bytes) noexcept {
    constexpr std::uint32_t kPart = 16, kShort = 64;
    if (bytes < kPart || bytes > kShort) {
        __builtin_memcpy(to, from, bytes);
        return;
    }
    __builtin_memcpy(to, from, kPart);
    if (bytes > 2 * kPart) {
        __builtin_memcpy(to + kPart, from + kPart, kPart);
        __builtin_memcpy(to + bytes - 2 * kPart, from + bytes - 2 * kPart, kPart);
    }
    __builtin_memcpy(to + bytes - kPart, from + bytes - kPart, kPart);
}
inline void copy_message(unsigned char* slot, const unsigned char* message,
                         std::uint32_t bytes) noexcept {
    copy_bytes(slot, message, bytes);
}
inline void copy_message(unsigned char* slot, unsigned char* message,
                         std::uint32_t bytes) noexcept {
    copy_bytes(message, slot, bytes);
}

/// Of the owner of a side, in an operation: how many messages can be moved. The other side's index
/// is looked at only when the last look does not say that there are enough: its line is busy.
inline std::uint32_t possible_at(Ring& ring, const RingShape& shape, RingEnd end,
                                 std::uint32_t index, std::size_t wanted) noexcept {
    const bool is_put = end == RingEnd::put;
    const std::uint32_t most = is_put ? shape.most.load(std::memory_order_relaxed) : 0;
    std::atomic<std::uint32_t>& last = ring.side(end).lease.note;
    std::uint32_t seen = last.load(std::memory_order_relaxed);
    const std::uint32_t possible = is_put ? most - (index - seen) : seen - index;
    if (possible >= wanted) { return possible; }
    seen = ring.side(is_put ? RingEnd::get : RingEnd::put).index.load(std::memory_order_acquire);
    last.store(seen, std::memory_order_relaxed);
    return is_put ? most - (index - seen) : seen - index;
}

/// Whether there is something to do, of one who has no right to the side: changes nothing.
inline bool is_more_possible(Ring& ring, const RingShape& shape, RingEnd end) noexcept {
    const std::uint32_t got = ring.get.index.load(std::memory_order_acquire);
    const std::uint32_t in_it = ring.put.index.load(std::memory_order_acquire) - got;
    const std::uint32_t none = end == RingEnd::put ? shape.most.load(std::memory_order_relaxed) : 0;
    return in_it != none;
}

/// The operation itself, of one who has entered the side.
template <RingEnd kEnd>
inline void move_messages(Ring& ring, const RingShape& shape, Member& self, std::uint32_t index,
                          std::uint32_t count, BufferOf<kEnd> messages, Holder* holder) noexcept {
    constexpr bool kIsPut = kEnd == RingEnd::put;
    auto* const slots = reinterpret_cast<unsigned char*>(&ring) + shape.slots_at;
    const std::uint32_t mask = shape.slots.load(std::memory_order_relaxed) - 1;
    const std::size_t stride = shape.slot_bytes;
    const std::uint32_t bytes = shape.message_bytes;
    for (std::uint32_t i = index; i != index + count; ++i, messages += bytes) {
        copy_message(slots + (i & mask) * stride, messages, bytes);
    }
    if (!kIsPut) { self.taking.store(count, std::memory_order_release); }
    if (!kIsPut && holder != nullptr) { holder->begin(index, count); }
    // If killed up to here: nothing was moved. Half a message is in a slot that nobody sees.
    ring.side(kEnd).index.store(index + count, std::memory_order_release);
    // If killed here: all was moved. The kernel rings if we owed it.
    if (kIsPut) { self.op.store(0, std::memory_order_release); }
    if (!kIsPut && holder != nullptr) { holder->end(); }
}

/// The usual operation, in as few instructions as it takes (measured: a third of the whole way):
/// the side is the caller's, nobody asks for it or sleeps, and there is enough to do. Returns how
/// many were moved; 0: an announcement at most was made, and Transfer does all of it.
template <RingEnd kEnd>
[[gnu::always_inline]] inline std::uint32_t move_at_once(Ring& ring, const RingShape& shape,
                                                         Membership& me, BufferOf<kEnd> messages,
                                                         std::size_t count) noexcept {
    constexpr bool kIsPut = kEnd == RingEnd::put;
    RingSide& mine = ring.side(kEnd);
    Member& self = *me.self;
    if (self.object.load(std::memory_order_relaxed) != ring.object) { return 0; }
    // Of a side that several share, each gives it up after his operation.
    std::uint32_t owner = mine.lease.word.load(std::memory_order_relaxed);
    if (owner == 0) {
        // If killed here: a dead owner, who is in no operation.
        mine.lease.word.compare_exchange_strong(owner, me.index, std::memory_order_acq_rel);
    }
    if (!RingUser::enters_at_once(me, mine, kEnd)) { return 0; }
    // Looked at after the announcement: who sets a flag later waits until this is over.
    if (ring.bell.word.load(std::memory_order_relaxed) != 0 ||
        ring.bell.note.load(std::memory_order_acquire) != 0) {
        return 0;
    }
    const std::uint32_t index = mine.index.load(std::memory_order_relaxed);
    const std::uint32_t possible = possible_at(ring, shape, kEnd, index, count);
    const std::uint32_t left = kIsPut ? 0 : shape.shrink_below.load(std::memory_order_relaxed);
    const std::size_t least = kIsPut && shape.grows() ? count : 1;
    if (possible < least || possible < left) { return 0; }
    const std::uint32_t part = count < possible ? static_cast<std::uint32_t>(count) : possible;
    move_messages<kEnd>(ring, shape, self, index, part, messages, nullptr);
    me.light_fence();
    if (RingUser::is_wanted(mine)) { RingUser(ring, me, kEnd).give_way(); }
    return part;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
