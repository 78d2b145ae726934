// futex(2), by bare system calls.
#include <errno.h>
#include <limits.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"
#include "futex.hpp"

namespace brood::port::detail {
namespace {

// From <linux/futex.h>, which musl does not bring along. Without FUTEX_PRIVATE_FLAG: the word is
// found by its page, wherever each process has mapped it.
constexpr int kFutexWaitBitset = 9;  // With an absolute deadline on the monotonic clock.
constexpr int kFutexWakeBitset = 10;
constexpr std::int64_t kNsPerSecond = 1000000000;

static_assert(sizeof(FutexWord) == 4, "a futex is the bare word");
static_assert(FutexWord::is_always_lock_free);

// A time as the kernel reads it, which on 32-bit machines need not be the libc's timespec.
template <class Word>
struct KernelTime {
    Word seconds, nanoseconds;
};

KernelTime<std::int64_t> time_of(std::int64_t deadline_ns) noexcept {
    const std::int64_t deadline = deadline_ns > 0 ? deadline_ns : 0;
    return {deadline / kNsPerSecond, deadline % kNsPerSecond};
}

template <class Word>
long wait_with(long number, FutexWord* word, std::uint32_t expected, std::uint32_t kinds,
               std::int64_t deadline_ns) noexcept {
    const KernelTime<std::int64_t> deadline = time_of(deadline_ns);
    // 32 bits suffice: the monotonic clock begins at boot, and 2^31 seconds are 68 years.
    const KernelTime<Word> time = {static_cast<Word>(deadline.seconds),
                                   static_cast<Word>(deadline.nanoseconds)};
    return call(number, word, kFutexWaitBitset, expected, deadline_ns == kNever ? nullptr : &time,
                nullptr, kinds);
}

#if defined SYS_futex_time64 && (!defined SYS_futex || SYS_futex == SYS_futex_time64)
// A 32-bit machine younger than 64-bit time, like riscv32.
constexpr long kFutex = SYS_futex_time64;
long wait_once(FutexWord* word, std::uint32_t expected, std::uint32_t kinds,
               std::int64_t deadline_ns) noexcept {
    return wait_with<std::int64_t>(kFutex, word, expected, kinds, deadline_ns);
}
#elif defined SYS_futex_time64
// A kernel may have been built without the calls of 32-bit time.
constexpr long kFutex = SYS_futex;
long wait_once(FutexWord* word, std::uint32_t expected, std::uint32_t kinds,
               std::int64_t deadline_ns) noexcept {
    const long result = wait_with<std::int32_t>(kFutex, word, expected, kinds, deadline_ns);
    if (result == 0 || !is_missing(errno)) { return result; }
    return wait_with<std::int64_t>(SYS_futex_time64, word, expected, kinds, deadline_ns);
}
#else
constexpr long kFutex = SYS_futex;
long wait_once(FutexWord* word, std::uint32_t expected, std::uint32_t kinds,
               std::int64_t deadline_ns) noexcept {
    return wait_with<long>(kFutex, word, expected, kinds, deadline_ns);
}
#endif

Status outcome(long result) noexcept {
    if (result >= 0) { return {}; }
    switch (errno) {
        case EAGAIN:            // The word differed.
        case EINTR: return {};  // A handler ran, and may have changed what the caller waits for.
        case ETIMEDOUT: return Errc::timed_out;
        default: return last_error();
    }
}

}  // namespace

Status futex_wait(FutexWord& word, std::uint32_t expected, std::uint32_t kinds,
                  std::int64_t deadline_ns) noexcept {
    return outcome(wait_once(&word, expected, kinds, deadline_ns));
}

std::uint32_t futex_wake(FutexWord& word, std::uint32_t count, std::uint32_t kinds) noexcept {
    if (count == 0) { return 0; }  // The kernel takes 0 for 1.
    const std::uint32_t most = count < INT_MAX ? count : INT_MAX;
    long woken = call(kFutex, &word, kFutexWakeBitset, most, nullptr, nullptr, kinds);
#ifdef SYS_futex_time64
    if (woken < 0 && is_missing(errno)) {
        woken = call(SYS_futex_time64, &word, kFutexWakeBitset, most, nullptr, nullptr, kinds);
    }
#endif
    return woken > 0 ? static_cast<std::uint32_t>(woken) : 0;
}

Status futex_wait_both(FutexWord& first, std::uint32_t first_expected, FutexWord& second,
                       std::uint32_t second_expected, std::int64_t deadline_ns) noexcept {
    const WaitedWord words[2] = {waited(first, first_expected), waited(second, second_expected)};
    return futex_wait_any(words, 2, deadline_ns);
}

Status futex_wait_any(const WaitedWord* words, std::size_t count, std::int64_t deadline_ns,
                      std::size_t alone) noexcept {
    constexpr int kMonotonic = 1;  // CLOCK_MONOTONIC
    if (count <= kWaitedMax) {
        const KernelTime<std::int64_t> time = time_of(deadline_ns);
        const long result = call(SYS_futex_waitv, words, count, 0,
                                 deadline_ns == kNever ? nullptr : &time, kMonotonic);
        if (result >= 0 || !is_missing(errno)) { return outcome(result); }
    }
    const std::int64_t slice_end = now_ns() + kSliceNs;
    const bool last = deadline_ns <= slice_end;
    const WaitedWord& one = words[alone];
    auto& word = *reinterpret_cast<FutexWord*>(static_cast<std::uintptr_t>(one.address));
    const Status slept = futex_wait(word, static_cast<std::uint32_t>(one.expected), kAnyKind,
                                    last ? deadline_ns : slice_end);
    return last ? slept : Status();
}

}  // namespace brood::port::detail
