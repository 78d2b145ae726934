// Sleeping and waking on futexes, and the kernel as the one who rings for the dead.
#include <errno.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"
#include "futex.hpp"
#include "robust_list.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// Of a keeper: in place of the libc's list, and empty. In each process its own, and known to the
// kernel only in one that called bell_keep(): a forked child starts without.
detail::RobustList g_kept = {nullptr, 0, nullptr};

static_assert((kBellWaiting | kBellOwnerDied | detail::kThreadMask) == 0xffffffffu);
static_assert(kBellWaiting == detail::kFutexWaiters && kBellOwnerDied == detail::kFutexOwnerDied);

}  // namespace

Status bell_init(Bell&) noexcept {
    return {};  // Zeroed memory is a bell.
}

Status bell_wait(Bell& bell, std::uint32_t expected, std::uint32_t kinds,
                 std::int64_t deadline_ns) noexcept {
    return detail::futex_wait(bell.word, expected, kinds, deadline_ns);
}

// The kernel goes through the words in order: it compares, and puts the caller into the queue. So
// when it compares the others, a ring finds him already.
Status bell_wait_having_looked(Bell& bell, std::uint32_t expected, const LookedAt* looked,
                               std::size_t count, std::int64_t deadline_ns) noexcept {
    detail::WaitedWord words[1 + kLookedAtMax];
    words[0] = detail::waited(bell.word, expected);
    for (std::size_t i = 0; i < count; ++i) {
        words[1 + i] = detail::waited(*looked[i].word, looked[i].value);
    }
    return detail::futex_wait_any(words, 1 + count, deadline_ns);
}

std::uint32_t bell_ring(Bell& bell, std::uint32_t count, std::uint32_t kinds) noexcept {
    return detail::futex_wake(bell.word, count, kinds);
}

void bell_ring_lookers(Bell&, std::atomic<std::uint32_t>& looked) noexcept {
    static_cast<void>(detail::futex_wake(looked, kEverybody, kAnyKind));
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
