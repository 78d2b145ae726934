// The memory of a ring: made once, or in parts as messages need it.
#ifndef BROOD_SRC_RING_MEMORY_HPP
#define BROOD_SRC_RING_MEMORY_HPP

#include "ring.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// A ring for at most `most` messages at a time; 0: for as many as memory holds. Its bells are not
/// made yet. `bytes` is what is to be unmapped in the end.
/// Errors: size_too_large, no_memory, no_space, too_many_files, unsupported.
Result<Ring*> make_ring(std::size_t message_bytes, std::size_t most, std::size_t& bytes) noexcept;

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
