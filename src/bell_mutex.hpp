// A mutex among the threads of one process, on a bell. Not for shared memory: it does not heal.
#ifndef BROOD_SRC_BELL_MUTEX_HPP
#define BROOD_SRC_BELL_MUTEX_HPP

#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// The three-state mutex of U. Drepper, "Futexes Are Tricky" (2011), section 5: free, held, held
/// with waiters. Zeroed memory is a free one.
class BellMutex {
public:
    void lock() noexcept {
        std::uint32_t seen = kFree;
        if (bell_.word.compare_exchange_strong(seen, kHeld, std::memory_order_acquire)) { return; }
        while (bell_.word.exchange(kAwaited, std::memory_order_acquire) != kFree) {
            port::bell_wait(bell_, kAwaited, port::kNever).ignore();
        }
    }
    void unlock() noexcept {
        if (bell_.word.exchange(kFree, std::memory_order_release) == kAwaited) {
            static_cast<void>(port::bell_ring(bell_, 1));
        }
    }

private:
    static constexpr std::uint32_t kFree = 0, kHeld = 1, kAwaited = 2;
    port::Bell bell_;
};

/// Holds it for a scope.
class BellMutexHold {
public:
    explicit BellMutexHold(BellMutex& mutex) noexcept : mutex_(mutex) { mutex_.lock(); }
    ~BellMutexHold() noexcept { mutex_.unlock(); }
    BellMutexHold(const BellMutexHold&) = delete;
    BellMutexHold& operator=(const BellMutexHold&) = delete;

private:
    BellMutex& mutex_;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
