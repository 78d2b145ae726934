// futex(2) between processes. For port/linux only.
#ifndef BROOD_PORT_LINUX_FUTEX_HPP
#define BROOD_PORT_LINUX_FUTEX_HPP

#include <atomic>
#include <cstdint>

#include <port/port.hpp>

namespace brood::port::detail {

using FutexWord = std::atomic<std::uint32_t>;

/// Sleeps while `word` is `expected`, until a wake for one of `kinds`, or the deadline. ok (woken,
/// differed, or a signal); timed_out.
Status futex_wait(FutexWord& word, std::uint32_t expected, std::uint32_t kinds,
                  std::int64_t deadline_ns) noexcept;
/// The same for two words at once. Before Linux 5.16 a sleep of kSliceNs at most on the first.
Status futex_wait_both(FutexWord& first, std::uint32_t first_expected, FutexWord& second,
                       std::uint32_t second_expected, std::int64_t deadline_ns) noexcept;

/// struct futex_waitv, for FUTEX_WAITV (5.16): in sizes that are the same everywhere.
struct WaitedWord {
    std::uint64_t expected;
    std::uint64_t address;
    std::uint32_t flags;
    std::uint32_t reserved;
};
inline constexpr std::size_t kWaitedMax = 128;

inline WaitedWord waited(FutexWord& word, std::uint32_t expected) noexcept {
    constexpr std::uint32_t k32Bits = 2;
    return {expected, reinterpret_cast<std::uintptr_t>(&word), k32Bits, 0};
}
/// The same for any number: in turn, each is compared, and a wake for it finds the caller from then
/// on. Beyond kWaitedMax, and before Linux 5.16, a sleep on the one at `alone`.
Status futex_wait_any(const WaitedWord* words, std::size_t count, std::int64_t deadline_ns,
                      std::size_t alone = 0) noexcept;
/// Wakes up to `count` sleepers of `kinds`: how many there were. [ass]
std::uint32_t futex_wake(FutexWord& word, std::uint32_t count, std::uint32_t kinds) noexcept;

}  // namespace brood::port::detail

#endif
