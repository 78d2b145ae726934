// A queue with a name: its ring, and the table of those who use it, in the elements of a segment
// (src/segment_layout.hpp). This is an ABI, as that: processes of any word size share it.
//
//   0      the table of members   MemberTable, of kNamed threads
//   16384  the ring               Ring
//   16896  its slots
//
// A handle has a mapping of its own, and a page with what this process knows of it. What is read
// from the segment is never the size or the place of something: a stranger may have written it.
#ifndef BROOD_SRC_NAMED_RING_HPP
#define BROOD_SRC_NAMED_RING_HPP

#include <brood/detail/ring_handle.hpp>
#include <brood/detail/segment.hpp>

#include "members.hpp"
#include "ring_memory.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

inline constexpr std::size_t kNamedRingAt = MemberTable::bytes_for(MemberTable::kNamed);
static_assert(kNamedRingAt == 16384 && sizeof(Ring) == 512, "an ABI");

/// The bytes of all that; 0: there is no such queue.
constexpr std::uint64_t named_ring_bytes(std::uint64_t message_bytes, std::uint64_t most) noexcept {
    return is_ring_size(message_bytes, most) ? kNamedRingAt + ring_bytes(message_bytes, most) : 0;
}

/// In memory of this process alone.
struct NamedRing {
    Segment segment;
    RingShape shape;
    Members members;
    /// Lets go of the segment, and of this. A pointer, so that programs that have no named queues
    /// have not what it takes to end them.
    void (*end)(NamedRing& named);
    bool has_strayed;  // an entry of ours was overwritten: the mapping must stay
};

inline Members members_of(MemberTable& table, const RingExtras& extras) noexcept {
    return extras.members != nullptr ? *extras.members : members_of_family(table);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
