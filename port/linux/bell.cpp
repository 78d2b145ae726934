// Sleeping and waking on futexes, and the kernel as the one who rings for the dead.
#include <errno.h>
#include <limits.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// From <linux/futex.h>, which musl does not bring along. Without FUTEX_PRIVATE_FLAG: the word is
// found by its page, wherever each process has mapped it.
constexpr int kFutexWake = 1;
constexpr int kFutexWaitBitset = 9;  // With an absolute deadline on the monotonic clock.
constexpr std::uint32_t kAnySleeper = 0xffffffffu;

static_assert(sizeof(std::atomic<std::uint32_t>) == 4, "a futex is the bare word");
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// A time as the kernel reads it, which on 32-bit machines need not be the libc's timespec.
template <class Word>
struct KernelTime {
    Word seconds, nanoseconds;
};

template <class Word>
long wait_with(long number, std::atomic<std::uint32_t>* word, std::uint32_t expected,
               std::int64_t deadline_ns) noexcept {
    constexpr std::int64_t kNsPerSecond = 1000000000;
    const std::int64_t deadline = deadline_ns > 0 ? deadline_ns : 0;
    // 32 bits suffice: the monotonic clock begins at boot, and 2^31 seconds are 68 years.
    const KernelTime<Word> time = {static_cast<Word>(deadline / kNsPerSecond),
                                   static_cast<Word>(deadline % kNsPerSecond)};
    return detail::call(number, word, kFutexWaitBitset, expected,
                        deadline_ns == kNever ? nullptr : &time, nullptr, kAnySleeper);
}

#if defined SYS_futex_time64 && (!defined SYS_futex || SYS_futex == SYS_futex_time64)
// A 32-bit machine younger than 64-bit time, like riscv32.
constexpr long kFutex = SYS_futex_time64;
long futex_wait(std::atomic<std::uint32_t>* word, std::uint32_t expected,
                std::int64_t deadline_ns) noexcept {
    return wait_with<std::int64_t>(kFutex, word, expected, deadline_ns);
}
#elif defined SYS_futex_time64
// A kernel may have been built without the calls of 32-bit time.
constexpr long kFutex = SYS_futex;
long futex_wait(std::atomic<std::uint32_t>* word, std::uint32_t expected,
                std::int64_t deadline_ns) noexcept {
    const long result = wait_with<std::int32_t>(kFutex, word, expected, deadline_ns);
    if (result == 0 || !detail::is_missing(errno)) { return result; }
    return wait_with<std::int64_t>(SYS_futex_time64, word, expected, deadline_ns);
}
#else
constexpr long kFutex = SYS_futex;
long futex_wait(std::atomic<std::uint32_t>* word, std::uint32_t expected,
                std::int64_t deadline_ns) noexcept {
    return wait_with<long>(kFutex, word, expected, deadline_ns);
}
#endif

long futex_wake(std::atomic<std::uint32_t>* word, std::uint32_t count) noexcept {
    const std::uint32_t most = count < INT_MAX ? count : INT_MAX;
    long woken = detail::call(kFutex, word, kFutexWake, most);
#ifdef SYS_futex_time64
    if (woken < 0 && detail::is_missing(errno)) {
        woken = detail::call(SYS_futex_time64, word, kFutexWake, most);
    }
#endif
    return woken;
}

// struct robust_list_head: how a thread tells the kernel what to do when it ends. The list itself
// stays empty. `pending` is there for one who dies between taking a lock and listing it: the kernel
// looks at the futex it names, and if that holds the number of the dying thread it sets
// FUTEX_OWNER_DIED, keeps FUTEX_WAITERS, and wakes a sleeper if that is set.
struct RobustList {
    void* next;
    long futex_offset;
    void* pending;
};

// In each process its own, and known to the kernel only in one that called bell_keep(): a forked
// child starts without.
RobustList g_kept = {nullptr, 0, nullptr};

constexpr std::uint32_t kThreadMask = 0x3fffffffu;  // FUTEX_TID_MASK
static_assert((kBellWaiting | kBellOwnerDied | kThreadMask) == 0xffffffffu);
static_assert(kBellWaiting == 0x80000000u, "FUTEX_WAITERS");
static_assert(kBellOwnerDied == 0x40000000u, "FUTEX_OWNER_DIED");

}  // namespace

Status bell_init(Bell&) noexcept {
    return {};  // Zeroed memory is a bell.
}

Status bell_wait(Bell& bell, std::uint32_t expected, std::int64_t deadline_ns) noexcept {
    if (futex_wait(&bell.word, expected, deadline_ns) == 0) { return {}; }
    switch (errno) {
        case EAGAIN:            // The word differed.
        case EINTR: return {};  // A handler ran, and may have changed what the caller waits for.
        case ETIMEDOUT: return Errc::timed_out;
        default: return detail::last_error();
    }
}

std::uint32_t bell_ring(Bell& bell, std::uint32_t count) noexcept {
    if (count == 0) { return 0; }  // The kernel takes 0 for 1.
    const long woken = futex_wake(&bell.word, count);
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
    const auto thread = static_cast<std::uint32_t>(detail::call(SYS_gettid)) & kThreadMask;
    std::uint32_t before = bell.word.load(std::memory_order_relaxed);
    while (!bell.word.compare_exchange_weak(before, (before & kBellWaiting) | thread)) {}
    return {};
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
