// The implementation's way into a queue: see src/object_memory.hpp.
//
// In memory that another keeps lies the JoinBook, if the queue is a joinable one, and behind it the
// ring. One without a bound lies in a range of reserved addresses, of which it allocates what it
// needs.
#ifndef BROOD_SRC_RING_ACCESS_HPP
#define BROOD_SRC_RING_ACCESS_HPP

#include <brood/detail/ring_handle.hpp>

#include "members.hpp"
#include "object_memory.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

struct RingAccess {
    struct Plan {
        std::size_t message_bytes;
        std::size_t most;  ///< Messages at a time; 0: as many as memory and the range hold.
        bool is_joinable;
    };

    /// Without a bound: what it allocates at first of its range, in whole pages.
    /// Errors: size_too_large.
    static Result<std::size_t> bytes(const Plan& plan) noexcept;
    /// Of one without a bound: a longer range than this is of no use to it. In whole pages.
    static std::size_t range_bytes(const Plan& plan) noexcept;

    /// A queue of those who are in that table. The same plan as bytes() took. `room`: bytes(plan);
    /// of one without a bound its range, from port::reserve_shared(), in whole pages from the
    /// beginning of a page on, of which nothing is allocated, or (Before::alike, with the same
    /// room) what the former one had.
    /// Errors: no_memory; without a bound also no_space, too_many_files, and size_too_large (the
    /// range is shorter than bytes(plan)).
    static Status lay_out(void* memory, std::size_t room, const Plan& plan, const Members& members,
                          Before before) noexcept;

    /// `members` of strangers are kept by the caller for longer than the handle lives, and others
    /// are copied. Its end, and close(), leave the caller a member of the table. It has no
    /// producers(). A caller who holds messages of a joinable one at its end goes on holding them,
    /// as he may have another handle.
    static RingHandle view(void* memory, bool is_joinable, const Members& members) noexcept;

    /// What any of them takes at least.
    static std::size_t least_bytes(bool is_joinable) noexcept;
    /// Whether what lies in `bytes` bytes there is a ring of such messages, which lies within: of
    /// memory that a stranger may have written, before it is viewed.
    static bool fits(void* memory, std::size_t bytes, bool is_joinable,
                     std::size_t message_bytes) noexcept;

    /// Whether nobody waits or is in the middle of an operation; of a joinable one: and no living
    /// thread takes part, as one who gets or calls task_done() does until its handle or itself
    /// ends. As has_sleepers(). What messages there are does not matter.
    static bool is_idle(void* memory, bool is_joinable, const Members& members) noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
