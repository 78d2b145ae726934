// The robust mutex: a robust futex of our own, which no death can wedge.
//
// Not the libc's: glibc's loses a wake-up when the woken is killed before he acts while a third
// holds the mutex, takes 8.5 ns where this takes 7, and has another layout in each libc and for
// each word size.
//
//   word   0 free; else the holder's thread number | FUTEX_WAITERS | FUTEX_OWNER_DIED, as the
//          kernel wants it: at the holder's end it puts FUTEX_OWNER_DIED in place of the number,
//          and wakes a sleeper if FUTEX_WAITERS is set. That flag, once set, stays.
//   bell   kSleepers while somebody may be asleep. Its low 30 bits stay 0, so that `pending` can
//          name it (see robust_list.hpp).
//
// Sleepers sleep on both. Who lets go rings the bell; who dies holding the mutex is heard on the
// word. A ring that reached somebody who is then killed is passed on: if nobody holds the mutex, by
// the kernel, since the victim's `pending` names one of the two words; if somebody does, by him
// when he lets go, for the flag in the bell is dropped only by one who then rings once more and
// finds nobody asleep. While a thread holds a mutex it is all the same what `pending` names: it
// goes on naming the word, which spares a store.
#include <errno.h>
#include <sys/utsname.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"
#include "futex.hpp"
#include "robust_list.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

using detail::FutexWord;
using detail::RobustList;
using detail::ThisThread;

struct MutexState {
    detail::RobustFutex futex;
    FutexWord bell;
    std::uint32_t made;  // kMade: mutex_init() was here
};
static_assert(sizeof(MutexState) <= sizeof(RobustMutex));
static_assert(offsetof(MutexState, bell) == 40 && offsetof(MutexState, made) == 44, "an ABI");

constexpr std::uint32_t kMade = 0x6d747872;  // "rxtm"
constexpr std::uint32_t kSleepers = detail::kFutexWaiters;
constexpr std::uint32_t kHolder = detail::kThreadMask;
constexpr std::uint32_t kDied = detail::kFutexOwnerDied;
constexpr std::uint32_t kWaiters = detail::kFutexWaiters;

MutexState& state_of(RobustMutex& mutex) noexcept {
    return *reinterpret_cast<MutexState*>(mutex.port_private);
}

// One attempt, if nobody holds it. If killed before the exchange: nothing was done. If killed after
// it: the word names us, and so does `pending`, or the list.
bool take(MutexState& mutex, std::uint32_t seen, const ThisThread& me, void* entry) noexcept {
    const std::uint32_t taken = me.number | (seen & kWaiters);
    if (!mutex.futex.word.compare_exchange_strong(seen, taken, std::memory_order_acquire)) {
        return false;
    }
    detail::link_in(entry, me);
    return true;
}

// How often one looks again before he sleeps: about 1 us, which is less than to fall asleep.
constexpr int kLooks = 50;

// The word as a sleeper waits for its change, with the flag that has the kernel wake him. False:
// nobody holds it.
bool can_watch(MutexState& mutex, std::uint32_t& seen) noexcept {
    seen = mutex.futex.word.load(std::memory_order_seq_cst);
    do {
        if ((seen & kHolder) == 0) { return false; }
    } while ((seen & kWaiters) == 0 && !mutex.futex.word.compare_exchange_weak(
                                           seen, seen | kWaiters, std::memory_order_seq_cst));
    seen |= kWaiters;
    return true;
}

// Sleeps until something may have changed. If killed in here: `pending` names the bell, so that a
// ring which had reached us goes to the next.
Status sleep_for(MutexState& mutex, const ThisThread& me, std::int64_t deadline_ns) noexcept {
    detail::set_pending(*me.list, detail::entry_of(mutex.bell, *me.list));
    // What else may stand there, in memory that a stranger wrote, must not keep us from sleeping.
    const std::uint32_t bell = mutex.bell.fetch_or(kSleepers, std::memory_order_seq_cst) |
                               kSleepers;
    // Looked at after the flag was set: whoever lets go later sees the flag.
    std::uint32_t seen = 0;
    if (!can_watch(mutex, seen)) { return {}; }
    std::int64_t until = rings_for_the_dead() ? kNever : now_ns() + kSliceNs;
    if (until > deadline_ns) { until = deadline_ns; }
    const Status slept = detail::futex_wait_both(mutex.bell, bell, mutex.futex.word, seen, until);
    if (!slept.ok()) { return until == deadline_ns ? slept : Status(); }
    // Whoever rang for us may have dropped the flag, and may be stopped before he sets it again.
    mutex.bell.fetch_or(kSleepers, std::memory_order_seq_cst);
    return {};
}

Status lock_slowly(MutexState& mutex, const ThisThread& me, void* entry,
                   std::int64_t deadline_ns) noexcept {
    int looks_left = deadline_ns > 0 && has_parallel_cpus() ? kLooks : 0;
    for (;;) {
        const std::uint32_t seen = mutex.futex.word.load(std::memory_order_relaxed);
        if ((seen & kHolder) == 0) {
            detail::set_pending(*me.list, entry);
            if (!take(mutex, seen, me, entry)) { continue; }
            if ((seen & kDied) != 0) { return Error(Errc::owner_died, EOWNERDEAD); }
            return {};
        }
        if ((seen & kHolder) == me.number) {
            detail::set_pending(*me.list, nullptr);
            return Error(Errc::would_deadlock, EDEADLK);
        }
        if (looks_left-- > 0) {
            cpu_relax();
            continue;
        }
        Status slept = Errc::timed_out;
        if (deadline_ns > 0) { slept = sleep_for(mutex, me, deadline_ns); }
        if (!slept.ok() && (mutex.futex.word.load(std::memory_order_relaxed) & kHolder) != 0) {
            // If somebody rang for us before, another has it now, who will ring.
            detail::set_pending(*me.list, nullptr);
            return slept;
        }
    }
}

// If killed in here: `pending` names the word, and then the bell; if nobody holds the mutex, or the
// flag is gone already, the kernel wakes one. Otherwise the holder finds the flag.
[[gnu::noinline]] void ring(MutexState& mutex, RobustList& list) noexcept {
    if (detail::futex_wake(mutex.bell, 1, kAnyKind) > 0) { return; }
    // Nobody was asleep: drop the flag, so that the next need not ring. One who set it and is about
    // to sleep finds the word changed. One who fell asleep since is found now.
    detail::set_pending(list, detail::entry_of(mutex.bell, list));
    mutex.bell.store(0, std::memory_order_seq_cst);
    if (detail::futex_wake(mutex.bell, 1, kAnyKind) > 0) {
        mutex.bell.fetch_or(kSleepers, std::memory_order_seq_cst);
    }
}

// What `pending` names afterwards: null, or a bell.
Status unlock(RobustMutex& mutex, Bell* owed) noexcept {
    MutexState& state = state_of(mutex);
    const ThisThread& me = detail::this_thread_known();
    if ((state.futex.word.load(std::memory_order_relaxed) & kHolder) != me.number) {
        return Error(Errc::not_owner, EPERM);
    }
    void* const entry = detail::entry_of(state.futex.word, *me.list);
    if (me.list->pending != entry) { detail::set_pending(*me.list, entry); }
    detail::link_out(entry, me);
    // If killed here: the word still names us, and `pending` the word.
    state.futex.word.fetch_and(kWaiters, std::memory_order_seq_cst);
    // If killed here: the kernel wakes one who sleeps on the word, be it to lock or to watch.
    if (state.bell.load(std::memory_order_seq_cst) != 0) { ring(state, *me.list); }
    detail::set_pending(*me.list,
                        owed == nullptr ? nullptr : detail::entry_of(owed->word, *me.list));
    return {};
}

// Sleeps on the `filled` words, the last of which is the bell's, and on all that are watched.
Status wait_watching(detail::WaitedWord* words, std::size_t filled, Bell& bell,
                     std::uint32_t expected, RobustMutex* const* watched, std::size_t count,
                     std::int64_t deadline_ns) noexcept {
    const bool sliced = filled + count > detail::kWaitedMax || !rings_for_the_dead();
    for (std::size_t i = 0; i < count; ++i) {
        std::uint32_t seen = 0;
        if (!can_watch(state_of(*watched[i]), seen)) { return {}; }
        if (!sliced) { words[filled + i] = detail::waited(state_of(*watched[i]).futex.word, seen); }
    }
    if (!sliced) { return detail::futex_wait_any(words, filled + count, deadline_ns, filled - 1); }
    const std::int64_t slice_end = now_ns() + kSliceNs;
    const bool last = deadline_ns <= slice_end;
    const Status slept =
        detail::futex_wait(bell.word, expected, kAnyKind, last ? deadline_ns : slice_end);
    return last ? slept : Status();
}

bool kernel_is_since(unsigned major, unsigned minor) noexcept {
    utsname system = {};
    if (::uname(&system) != 0) { return false; }
    unsigned version[2] = {0, 0};
    const char* digit = system.release;
    for (unsigned& part : version) {
        while (*digit >= '0' && *digit <= '9') {
            part = part * 10 + static_cast<unsigned>(*digit++ - '0');
        }
        if (*digit == '.') { ++digit; }
    }
    return version[0] > major || (version[0] == major && version[1] >= minor);
}

}  // namespace

std::uint32_t mutex_layout() noexcept {
    const std::uint32_t one = 1;
    const bool little = *reinterpret_cast<const unsigned char*>(&one) == 1;
    return little ? 0x62720001u : 0x62720002u;  // Of every libc and word size.
}

Status mutex_init(RobustMutex& mutex) noexcept {
    MutexState& state = state_of(mutex);
    state.futex.word.store(0, std::memory_order_relaxed);
    state.bell.store(0, std::memory_order_relaxed);
    state.made = kMade;
    return {};
}

Status mutex_lock(RobustMutex& mutex, std::int64_t deadline_ns) noexcept {
    MutexState& state = state_of(mutex);
    const ThisThread& me = detail::this_thread_known();
    if (state.made != kMade) { return Error(Errc::corrupt, EINVAL); }
    void* const entry = detail::entry_of(state.futex.word, *me.list);
    detail::set_pending(*me.list, entry);
    const std::uint32_t seen = state.futex.word.load(std::memory_order_relaxed);
    if ((seen & (kHolder | kDied)) == 0 && take(state, seen, me, entry)) { return {}; }
    return lock_slowly(state, me, entry, deadline_ns);
}

Status mutex_unlock(RobustMutex& mutex) noexcept {
    return unlock(mutex, nullptr);
}

Status mutex_unlock_owing(RobustMutex& mutex, Bell& bell) noexcept {
    return unlock(mutex, &bell);
}

bool mutex_is_mine(RobustMutex& mutex) noexcept {
    const std::uint32_t word = state_of(mutex).futex.word.load(std::memory_order_relaxed);
    return (word & kHolder) == detail::this_thread_known().number;
}

bool mutex_is_free(RobustMutex& mutex) noexcept {
    return (state_of(mutex).futex.word.load(std::memory_order_acquire) & kHolder) == 0;
}

Status bell_wait_watching(Bell& bell, std::uint32_t expected, RobustMutex* const* watched,
                          std::size_t count, std::int64_t deadline_ns,
                          const LookedAt* looked) noexcept {
    detail::WaitedWord words[detail::kWaitedMax];
    static_assert(kWatchedMax + 1 == detail::kWaitedMax);
    words[0] = detail::waited(bell.word, expected);
    std::size_t filled = 1;
    if (looked != nullptr) {
        if (looked->word->load(std::memory_order_seq_cst) != looked->value) { return {}; }
        words[filled++] = detail::waited(*looked->word, looked->value);
    }
    return wait_watching(words, filled, bell, expected, watched, count, deadline_ns);
}

Status bells_wait_watching(Bell& first, std::uint32_t first_expected, Bell& second,
                           std::uint32_t second_expected, RobustMutex* const* watched,
                           std::size_t count, std::int64_t deadline_ns) noexcept {
    detail::WaitedWord words[detail::kWaitedMax];
    // In this order: see futex_wait_any().
    words[0] = detail::waited(second.word, second_expected);
    words[1] = detail::waited(first.word, first_expected);
    if (second.word.load(std::memory_order_seq_cst) != second_expected) { return {}; }
    return wait_watching(words, 2, first, first_expected, watched, count, deadline_ns);
}

void owe_ring(Bell& bell) noexcept {
    RobustList& list = *detail::this_thread_known().list;
    detail::set_pending(list, detail::entry_of(bell.word, list));
}

void owe_nothing() noexcept {
    detail::set_pending(*detail::this_thread_known().list, nullptr);
}

// The kernel wakes for a `pending` that names nobody since 5.5. What emulates a kernel and claims
// to be younger has no robust list at all.
bool rings_for_the_dead() noexcept {
    static std::atomic<int> known{-1};
    int answer = known.load(std::memory_order_relaxed);
    if (answer < 0) {
        answer = detail::has_kernels_list() && kernel_is_since(5, 5) ? 1 : 0;
        known.store(answer, std::memory_order_relaxed);
    }
    return answer == 1;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
