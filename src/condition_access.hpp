// The implementation's way into a Condition: see src/object_memory.hpp.
#ifndef BROOD_SRC_CONDITION_ACCESS_HPP
#define BROOD_SRC_CONDITION_ACCESS_HPP

#include <brood/condition.hpp>

#include "object_memory.hpp"

namespace brood {
inline namespace v0 {

struct ConditionAccess {
    /// Errors: size_zero, size_too_large.
    static Result<std::size_t> bytes(std::size_t waiters) noexcept;
    /// Errors: no_memory.
    static Status lay_out(void* memory, std::size_t waiters, detail::Before before) noexcept;
    static Condition view(void* memory) noexcept;
    /// Whether nobody holds its lock or waits for a notify. As LockAccess::is_idle().
    static bool is_idle(void* memory) noexcept;
    /// Whether what lies in `bytes` bytes there says of itself that it lies within: of memory that
    /// a stranger may have written, before it is viewed.
    static bool fits(void* memory, std::size_t bytes) noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
