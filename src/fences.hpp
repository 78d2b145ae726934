// Dekker's handshake between processes, one side of which is far more frequent than the other: that
// pays for no barrier where the system can have one made in it (membarrier(2)).
#ifndef BROOD_SRC_FENCES_HPP
#define BROOD_SRC_FENCES_HPP

#include <atomic>
#include <cstdint>

#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// 1 if heavy_fence() can reach this process and those that it will fork, and all of them may rely
/// on it; else 0, and both sides make barriers of their own. Tried out, since a sandbox may know
/// the call and refuse it.
inline std::uint32_t join_fences() noexcept {
    return port::fence_join().ok() && port::fence_all().ok() ? 1 : 0;
}

/// The barrier on the frequent side: between a store and a load, when the other side calls
/// heavy_fence() between its store and its load.
inline void light_fence(std::uint32_t has_fences) noexcept {
    if (has_fences != 0) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
}

/// Errors: unsupported (a sandbox was set up since join_fences()).
inline Status heavy_fence(std::uint32_t has_fences) noexcept {
    if (has_fences != 0) { return port::fence_all(); }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return Errc::ok;
}

/// The same for who has no way to go on without. Where it is refused by now it waits: what a
/// processor stores is seen within microseconds. Nothing promises that, but there is nothing else
/// to go by.
inline void sure_fence(std::uint32_t has_fences) noexcept {
    constexpr std::int64_t kSurelySeenNs = 10000000;
    if (!heavy_fence(has_fences).ok()) { port::sleep_until(port::now_ns() + kSurelySeenNs); }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
