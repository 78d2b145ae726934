// The memory of a ring: made once, or in parts as messages need it.
#ifndef BROOD_SRC_RING_MEMORY_HPP
#define BROOD_SRC_RING_MEMORY_HPP

#include "ring.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

struct RingPlan {
    std::size_t message_bytes;
    std::size_t most;  // messages at a time; 0: as many as memory holds, it grows

    bool grows() const noexcept { return most == 0; }
};

/// A ring in memory of its own. `bytes` is what is to be unmapped in the end.
/// Errors: size_too_large, no_memory, no_space, too_many_files, unsupported.
Result<Ring*> make_ring(const RingPlan& plan, std::size_t& bytes) noexcept;

/// What it takes; of one that grows, at first. Errors: size_too_large.
Result<std::size_t> first_ring_bytes(const RingPlan& plan) noexcept;
/// How much one that grows may ever take.
std::size_t most_ring_bytes(const RingPlan& plan) noexcept;
/// Makes a ring where as many bytes as it takes at first are allocated, whatever they are; it has
/// `room` bytes. Its number is not given yet. Errors: no_memory.
Status lay_out_ring(Ring& ring, std::size_t room, const RingPlan& plan) noexcept;

std::size_t whole_pages(std::uint64_t bytes) noexcept;

/// Whether a ring can have so many messages at a time, and of that size.
constexpr bool is_ring_size(std::uint64_t message_bytes, std::uint64_t most) noexcept {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 28;
    return message_bytes <= kMost && most <= kMost;
}
/// The least power of two that is not below `count`.
constexpr std::uint32_t whole_power(std::uint64_t count) noexcept {
    std::uint32_t power = 1;
    while (power < count) { power *= 2; }
    return power;
}
constexpr std::uint64_t slot_bytes_of(std::uint64_t message_bytes) noexcept {
    return (message_bytes + 7) / 8 * 8;
}
/// The bytes of a ring that does not grow.
constexpr std::uint64_t ring_bytes(std::uint64_t message_bytes, std::uint64_t most) noexcept {
    return sizeof(Ring) + whole_power(most) * slot_bytes_of(message_bytes);
}
/// The shape of one, in a shape of zeroes.
void shape_ring(RingShape& shape, std::size_t message_bytes, std::size_t most) noexcept;
/// Errors: no_memory.
Status init_bells(Ring& ring) noexcept;

/// Makes room for `count` more messages in a ring that grows. The caller is in no operation, and
/// looks again afterwards: others may have taken it.
/// Errors: no_space, no_memory, too_many_files: nothing has changed; timed_out; would_block
/// (no waiting, and another is in the middle of an operation); unsupported.
Status grow_ring(Ring& ring, Membership& me, std::size_t count, std::int64_t deadline_ns) noexcept;

/// Gives memory back that the few messages in the ring do not need. While another is in the middle
/// of an operation, nothing happens: the next get tries again. The caller is in no operation.
void shrink_ring(Ring& ring, Membership& me) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
