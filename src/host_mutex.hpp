// The mutex of a pool's host: among threads of one process, most often of one thread alone.
#ifndef BROOD_SRC_HOST_MUTEX_HPP
#define BROOD_SRC_HOST_MUTEX_HPP

#include <atomic>

#include "bell_mutex.hpp"
#include "fences.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// A mutex that is biased to one thread (the idea of Java's biased locks; D. Dice and others, 2003:
/// "Quickly Reacquirable Locks"). That thread takes it by two plain stores, since no other is in
/// the way; a submission to a pool takes it three times, which was half of what it cost. The first
/// other thread that comes ends the bias for good, and all use the mutex below from then on. Zeroed
/// memory is a free one without bias. Not for shared memory: it does not heal.
class HostMutex {
public:
    /// Biased to the calling thread, where that can be ended. Before anybody uses it.
    void favour_caller(std::uint32_t has_fences) noexcept {
        if (has_fences != 0) { favourite_.store(port::this_thread(), std::memory_order_relaxed); }
    }
    /// For the last who held it, before its memory goes.
    void wait_until_left() noexcept { mutex_.wait_until_left(); }

private:
    friend class HostMutexHold;
    static constexpr std::int64_t kNapNs = 50000;

    /// Whether it was taken as the favourite's.
    bool take() noexcept {
        if (favourite_.load(std::memory_order_relaxed) == port::this_thread()) {
            is_inside_.store(1, std::memory_order_relaxed);
            // With end_bias(): it sees us inside, or we see that it has begun.
            light_fence(1);
            if (favourite_.load(std::memory_order_acquire) != nullptr) { return true; }
            is_inside_.store(0, std::memory_order_release);
        }
        mutex_.lock();
        if (favourite_.load(std::memory_order_relaxed) != nullptr) { end_bias(); }
        return false;
    }
    void leave(bool as_favourite) noexcept {
        if (as_favourite) { return is_inside_.store(0, std::memory_order_release); }
        mutex_.unlock();
    }

    /// Call with mutex_.
    [[gnu::noinline]] void end_bias() noexcept {
        favourite_.store(nullptr, std::memory_order_release);
        sure_fence(1);
        while (is_inside_.load(std::memory_order_acquire) != 0) {
            port::sleep_until(port::now_ns() + kNapNs);
        }
    }

    std::atomic<const void*> favourite_;    // null: not biased
    std::atomic<std::uint32_t> is_inside_;  // by the favourite alone
    BellMutex mutex_;
};

/// Holds it for a scope.
class HostMutexHold {
public:
    explicit HostMutexHold(HostMutex& mutex) noexcept : mutex_(mutex), is_ours_(mutex.take()) {}
    ~HostMutexHold() noexcept { mutex_.leave(is_ours_); }
    HostMutexHold(const HostMutexHold&) = delete;
    HostMutexHold& operator=(const HostMutexHold&) = delete;

private:
    HostMutex& mutex_;
    bool is_ours_;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
