// The implementation's way into a Lock, for locks that lie inside a larger piece of shared memory:
// see src/object_memory.hpp.
#ifndef BROOD_SRC_LOCK_ACCESS_HPP
#define BROOD_SRC_LOCK_ACCESS_HPP

#include <brood/lock.hpp>
#include <port/port.hpp>

#include "object_memory.hpp"

namespace brood {
inline namespace v0 {

struct LockAccess {
    static constexpr std::size_t bytes() noexcept { return sizeof(port::RobustMutex); }
    /// Errors: no_memory.
    static Status lay_out(void* memory, detail::Before before) noexcept {
        return detail::make_mutex(mutex_at(memory), before);
    }
    /// A handle to a mutex that somebody else keeps mapped for longer than the handle lives.
    static Lock view(port::RobustMutex& state) noexcept {
        Lock lock;
        lock.state_ = &state;
        return lock;
    }
    static Lock view(void* memory) noexcept { return view(mutex_at(memory)); }
    /// Who waits for it without that anybody holds it, for a moment, is not seen. (Posix: if it is
    /// idle, and the last holder died, nobody hears of that any more.)
    static bool is_idle(void* memory) noexcept { return port::mutex_is_free(mutex_at(memory)); }

private:
    static port::RobustMutex& mutex_at(void* memory) noexcept {
        return *static_cast<port::RobustMutex*>(memory);
    }
};

}  // namespace v0
}  // namespace brood

#endif
