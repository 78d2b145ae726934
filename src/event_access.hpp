// The implementation's way into an Event: see src/object_memory.hpp.
#ifndef BROOD_SRC_EVENT_ACCESS_HPP
#define BROOD_SRC_EVENT_ACCESS_HPP

#include <brood/event.hpp>

#include "object_memory.hpp"

namespace brood {
inline namespace v0 {

struct EventAccess {
    static constexpr std::size_t bytes() noexcept { return sizeof(port::Bell); }
    /// Not set. Never fails.
    static Status lay_out(void* memory, detail::Before before) noexcept;
    static Event view(void* memory) noexcept;
    /// As has_sleepers(). Who sets or clears it is not seen.
    static bool is_idle(void* memory) noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
