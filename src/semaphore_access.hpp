// The implementation's way into a Semaphore: see src/object_memory.hpp.
#ifndef BROOD_SRC_SEMAPHORE_ACCESS_HPP
#define BROOD_SRC_SEMAPHORE_ACCESS_HPP

#include <brood/semaphore.hpp>

#include "object_memory.hpp"

namespace brood {
inline namespace v0 {

struct SemaphoreAccess {
    using Form = Semaphore::Form;
    struct Plan {
        Form form;
        std::size_t permits;
        bool is_bounded;
    };

    /// Errors: size_zero, size_too_large.
    static Result<std::size_t> bytes(const Plan& plan) noexcept;
    /// The same plan as bytes() took; Before::alike: the same form, and of recording ones as many
    /// permits. Errors: no_memory.
    static Status lay_out(void* memory, const Plan& plan, detail::Before before) noexcept;
    static Semaphore view(void* memory) noexcept;
    static BoundedSemaphore view_bounded(void* memory) noexcept {
        return BoundedSemaphore(view(memory));
    }
    /// What was acquired from a signalling one has no holder, and does not count. As
    /// has_sleepers().
    static bool is_idle(void* memory) noexcept;
    /// Whether what lies in `bytes` bytes there says of itself that it lies within: of memory that
    /// a stranger may have written, before it is viewed.
    static bool fits(void* memory, std::size_t bytes) noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
