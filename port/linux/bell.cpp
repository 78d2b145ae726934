// Sleeping and waking on futexes, and the kernel as the one who rings for the dead.
#include <errno.h>
#include <limits.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"
#include "robust_list.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// From <linux/futex.h>, which musl does not bring along. Without FUTEX_PRIVATE_FLAG: the word is
// found by its page, wherever each process has mapped it.
constexpr int kFutexWaitBitset = 9;  // With an absolute deadline on the monotonic clock.
constexpr int kFutexWakeBitset = 10;

static_assert(sizeof(std::atomic<std::uint32_t>) == 4, "a futex is the bare word");
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// A time as the kernel reads it, which on 32-bit machines need not be the libc's timespec.
template <class Word>
struct KernelTime {
    Word seconds, nanoseconds;
};

template <class Word>
long wait_with(long number, std::atomic<std::uint32_t>* word, std::uint32_t expected,
               std::uint32_t kinds, std::int64_t deadline_ns) noexcept {
    constexpr std::int64_t kNsPerSecond = 1000000000;
    const std::int64_t deadline = deadline_ns > 0 ? deadline_ns : 0;
    // 32 bits suffice: the monotonic clock begins at boot, and 2^31 seconds are 68 years.
    const KernelTime<Word> time = {static_cast<Word>(deadline / kNsPerSecond),
                                   static_cast<Word>(deadline % kNsPerSecond)};
    return detail::call(number, word, kFutexWaitBitset, expected,
                        deadline_ns == kNever ? nullptr : &time, nullptr, kinds);
}

#if defined SYS_futex_time64 && (!defined SYS_futex || SYS_futex == SYS_futex_time64)
// A 32-bit machine younger than 64-bit time, like riscv32.
constexpr long kFutex = SYS_futex_time64;
long futex_wait(std::atomic<std::uint32_t>* word, std::uint32_t expected, std::uint32_t kinds,
                std::int64_t deadline_ns) noexcept {
    return wait_with<std::int64_t>(kFutex, word, expected, kinds, deadline_ns);
}
#elif defined SYS_futex_time64
// A kernel may have been built without the calls of 32-bit time.
constexpr long kFutex = SYS_futex;
long futex_wait(std::atomic<std::uint32_t>* word, std::uint32_t expected, std::uint32_t kinds,
                std::int64_t deadline_ns) noexcept {
    const long result = wait_with<std::int32_t>(kFutex, word, expected, kinds, deadline_ns);
    if (result == 0 || !detail::is_missing(errno)) { return result; }
    return wait_with<std::int64_t>(SYS_futex_time64, word, expected, kinds, deadline_ns);
}
#else
constexpr long kFutex = SYS_futex;
long futex_wait(std::atomic<std::uint32_t>* word, std::uint32_t expected, std::uint32_t kinds,
                std::int64_t deadline_ns) noexcept {
    return wait_with<long>(kFutex, word, expected, kinds, deadline_ns);
}
#endif

long futex_wake(std::atomic<std::uint32_t>* word, std::uint32_t count,
                std::uint32_t kinds) noexcept {
    const std::uint32_t most = count < INT_MAX ? count : INT_MAX;
    long woken = detail::call(kFutex, word, kFutexWakeBitset, most, nullptr, nullptr, kinds);
#ifdef SYS_futex_time64
    if (woken < 0 && detail::is_missing(errno)) {
        woken =
            detail::call(SYS_futex_time64, word, kFutexWakeBitset, most, nullptr, nullptr, kinds);
    }
#endif
    return woken;
}

// Of a keeper: in place of the libc's list. In each process its own, and known to the kernel only
// in one that called bell_keep(): a forked child starts without.
detail::RobustList g_kept = {nullptr, 0, nullptr};

static_assert((kBellWaiting | kBellOwnerDied | detail::kThreadMask) == 0xffffffffu);
static_assert(kBellWaiting == detail::kFutexWaiters && kBellOwnerDied == detail::kFutexOwnerDied);

// struct futex_waitv, for FUTEX_WAITV (5.16): in sizes that are the same everywhere.
struct WaitedWord {
    std::uint64_t expected;
    std::uint64_t address;
    std::uint32_t flags;
    std::uint32_t reserved;
};

long wait_both(std::atomic<std::uint32_t>* first, std::uint32_t first_expected,
               std::atomic<std::uint32_t>* second, std::uint32_t second_expected,
               std::int64_t deadline_ns) noexcept {
    constexpr std::uint32_t k32Bits = 2;
    constexpr int kMonotonic = 1;  // CLOCK_MONOTONIC
    constexpr std::int64_t kNsPerSecond = 1000000000;
    const WaitedWord words[2] = {
        {first_expected, reinterpret_cast<std::uintptr_t>(first), k32Bits, 0},
        {second_expected, reinterpret_cast<std::uintptr_t>(second), k32Bits, 0},
    };
    const std::int64_t deadline = deadline_ns > 0 ? deadline_ns : 0;
    const KernelTime<std::int64_t> time = {deadline / kNsPerSecond, deadline % kNsPerSecond};
    return detail::call(SYS_futex_waitv, words, 2, 0, deadline_ns == kNever ? nullptr : &time,
                        kMonotonic);
}

Status outcome(long result) noexcept {
    if (result >= 0) { return {}; }
    switch (errno) {
        case EAGAIN:            // The word differed.
        case EINTR: return {};  // A handler ran, and may have changed what the caller waits for.
        case ETIMEDOUT: return Errc::timed_out;
        default: return detail::last_error();
    }
}

}  // namespace

Status bell_init(Bell&) noexcept {
    return {};  // Zeroed memory is a bell.
}

Status bell_wait(Bell& bell, std::uint32_t expected, std::uint32_t kinds,
                 std::int64_t deadline_ns) noexcept {
    return outcome(futex_wait(&bell.word, expected, kinds, deadline_ns));
}

// The kernel wakes one sleeper at a thread's end if the thread's life word says that there are any.
Status bell_wait_life(Bell& bell, std::uint32_t expected, Life& life,
                      std::int64_t deadline_ns) noexcept {
    std::uint32_t seen = life.word.load(std::memory_order_acquire);
    do {
        if ((seen & detail::kThreadMask) == 0) { return {}; }
    } while (!life.word.compare_exchange_weak(seen, seen | detail::kFutexWaiters));
    seen |= detail::kFutexWaiters;
    const long result = wait_both(&bell.word, expected, &life.word, seen, deadline_ns);
    if (result >= 0 || !detail::is_missing(errno)) { return outcome(result); }
    const std::int64_t slice_end = now_ns() + kSliceNs;
    if (slice_end >= deadline_ns) {
        return outcome(futex_wait(&bell.word, expected, kAnyKind, deadline_ns));
    }
    outcome(futex_wait(&bell.word, expected, kAnyKind, slice_end)).ignore();
    return {};
}

std::uint32_t bell_ring(Bell& bell, std::uint32_t count, std::uint32_t kinds) noexcept {
    if (count == 0) { return 0; }  // The kernel takes 0 for 1.
    const long woken = futex_wake(&bell.word, count, kinds);
    return woken > 0 ? static_cast<std::uint32_t>(woken) : 0;
}

// This replaces the list of the libc, which therefore no longer frees robust mutexes at the
// thread's death. An exec counts as the end of the keeper, too.
Status bell_keep(Bell& bell) noexcept {
    g_kept.next = &g_kept;  // Empty: its own end.
    g_kept.futex_offset = 0;
    g_kept.pending = &bell.word;
    if (detail::call(SYS_set_robust_list, &g_kept, sizeof(g_kept)) != 0) {
        const int err = errno;
        return detail::is_missing(err) ? Error(Errc::unsupported, err) : detail::error_of(err);
    }
    // If killed here: the word still names nobody, and nobody hears of it, as if killed before this
    // call. Callers let the keeper report that it has begun.
    const auto thread = static_cast<std::uint32_t>(detail::call(SYS_gettid)) & detail::kThreadMask;
    std::uint32_t before = bell.word.load(std::memory_order_relaxed);
    while (!bell.word.compare_exchange_weak(before, (before & kBellWaiting) | thread)) {}
    return {};
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
