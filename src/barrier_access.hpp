// The implementation's way into a Barrier: see src/object_memory.hpp.
#ifndef BROOD_SRC_BARRIER_ACCESS_HPP
#define BROOD_SRC_BARRIER_ACCESS_HPP

#include <brood/barrier.hpp>

#include "object_memory.hpp"

namespace brood {
inline namespace v0 {

struct BarrierAccess {
    struct Plan {
        std::size_t parties;
        Timeout timeout;
        /// The address of a function, and what it captured: for one family, whose processes are
        /// copies of one program.
        detail::BarrierAction action;
        bool is_for_strangers;  ///< Processes of several programs come: there can be no action.
    };

    /// Errors: size_zero, size_too_large, timeout_negative, timeout_overflow; unsupported (an
    /// action for strangers).
    static Result<std::size_t> bytes(const Plan& plan) noexcept;
    /// The same plan as bytes() took; Before::alike: the same number of parties.
    /// Errors: no_memory.
    static Status lay_out(void* memory, const Plan& plan, detail::Before before) noexcept;
    static Barrier view(void* memory) noexcept;
    /// Whether nobody waits there, or for a place. As has_sleepers().
    static bool is_idle(void* memory) noexcept;
    /// Whether what lies in `bytes` bytes there says of itself that it lies within: of memory that
    /// a stranger may have written, before it is viewed.
    static bool fits(void* memory, std::size_t bytes) noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
