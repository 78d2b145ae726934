// The implementation's way into a SharedMemory: for segments, which are made in more steps.
#ifndef BROOD_SRC_SHARED_MEMORY_ACCESS_HPP
#define BROOD_SRC_SHARED_MEMORY_ACCESS_HPP

#include <cstddef>

#include <brood/detail/fork_link.hpp>
#include <brood/shared_memory.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {

struct SharedMemoryAccess {
    /// Owns the mapping. `name` is checked already.
    static SharedMemory opened(void* data, std::size_t bytes, const char* name) noexcept {
        SharedMemory memory;
        memory.data_ = data;
        memory.bytes_ = bytes;
        memory.name_.append(name);
        return memory;
    }
    /// Owns the name, too, as long as that stands for the object `identity`.
    static SharedMemory created(void* data, std::size_t bytes, const char* name,
                                const port::ObjectIdentity& identity) noexcept {
        SharedMemory memory = opened(data, bytes, name);
        memory.owner_epoch_ = detail::fork_epoch();
        memory.identity_[0] = identity.device;
        memory.identity_[1] = identity.number;
        return memory;
    }
    /// The end of the object will leave it mapped.
    static void keep_mapped(SharedMemory& memory) noexcept { memory.bytes_ = 0; }
};

namespace detail {

/// ok, or bad_argument if it is none of the three.
inline Status check_access(Access access) noexcept {
    const bool known = access == Access::owner || access == Access::group ||
                       access == Access::everybody;
    return known ? Errc::ok : Errc::bad_argument;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
