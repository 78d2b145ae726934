// A mutex among the threads of one process, on a bell. Not for shared memory: it does not heal.
#ifndef BROOD_SRC_BELL_MUTEX_HPP
#define BROOD_SRC_BELL_MUTEX_HPP

#include <atomic>

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
            port::bell_wait(bell_, kAwaited, port::kAnyKind, port::kNever).ignore();
        }
    }
    void unlock() noexcept {
        std::uint32_t seen = kHeld;
        if (bell_.word.compare_exchange_strong(seen, kFree, std::memory_order_release)) { return; }
        ringing_.fetch_add(1, std::memory_order_relaxed);
        bell_.word.store(kFree, std::memory_order_release);
        static_cast<void>(port::bell_ring(bell_, 1, port::kAnyKind));
        ringing_.fetch_sub(1, std::memory_order_release);
    }
    /// For the last who held it, before its memory goes: waits for those who have let go of it and
    /// are still about to ring.
    void wait_until_left() noexcept {
        while (ringing_.load(std::memory_order_acquire) != 0) {
            port::sleep_until(port::now_ns() + kNapNs);
        }
    }

private:
    static constexpr std::uint32_t kFree = 0, kHeld = 1, kAwaited = 2;
    static constexpr std::int64_t kNapNs = 50000;
    port::Bell bell_;
    std::atomic<std::uint32_t> ringing_;
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
