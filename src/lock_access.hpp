// The implementation's way into a Lock: for locks that lie inside a larger piece of shared memory.
#ifndef BROOD_SRC_LOCK_ACCESS_HPP
#define BROOD_SRC_LOCK_ACCESS_HPP

#include <brood/lock.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {

struct LockAccess {
    /// A handle to a mutex that somebody else keeps mapped for longer than the handle lives.
    static Lock view(port::RobustMutex& state) noexcept {
        Lock lock;
        lock.state_ = &state;
        return lock;
    }
};

}  // namespace v0
}  // namespace brood

#endif
