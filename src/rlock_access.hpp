// The implementation's way into an RLock: see src/object_memory.hpp.
#ifndef BROOD_SRC_RLOCK_ACCESS_HPP
#define BROOD_SRC_RLOCK_ACCESS_HPP

#include <brood/rlock.hpp>

#include "object_memory.hpp"

namespace brood {
inline namespace v0 {

struct RLockAccess {
    static std::size_t bytes() noexcept;
    /// Errors: no_memory.
    static Status lay_out(void* memory, detail::Before before) noexcept;
    static RLock view(void* memory) noexcept;
    /// As LockAccess::is_idle().
    static bool is_idle(void* memory) noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
