// The robust mutex: pthread_mutex_t, shared between processes, error-checking.
#include <errno.h>
#include <pthread.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "mutex_wait.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// Who holds it, behind the pthread mutex, which does not tell. Written by the holder alone; 0
// before he lets go. Left by a dead one until the next.
struct Holder {
    std::atomic<std::uintptr_t> thread;
    std::atomic<Pid> process;
};
constexpr std::size_t kHolderAt = 48;

static_assert(sizeof(pthread_mutex_t) <= kHolderAt, "no room for this libc's mutex");
static_assert(kHolderAt + sizeof(Holder) <= sizeof(RobustMutex));
static_assert(alignof(pthread_mutex_t) <= alignof(RobustMutex));

Holder& holder_of(RobustMutex& mutex) noexcept {
    return *reinterpret_cast<Holder*>(mutex.port_private + kHolderAt);
}

bool is_me(const Holder& holder) noexcept {
    return holder.thread.load(std::memory_order_relaxed) ==
               reinterpret_cast<std::uintptr_t>(this_thread()) &&
           holder.process.load(std::memory_order_relaxed) == process_id();
}

void set_holder(RobustMutex& mutex) noexcept {
    Holder& holder = holder_of(mutex);
    holder.process.store(process_id(), std::memory_order_relaxed);
    holder.thread.store(reinterpret_cast<std::uintptr_t>(this_thread()), std::memory_order_release);
}

void clear_holder(RobustMutex& mutex) noexcept {
    holder_of(mutex).thread.store(0, std::memory_order_release);
}

pthread_mutex_t* native(RobustMutex& mutex) noexcept {
    return reinterpret_cast<pthread_mutex_t*>(mutex.port_private);
}

int init_with(pthread_mutexattr_t& attributes, pthread_mutex_t* mutex) noexcept {
    int err = ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (err == 0) { err = ::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK); }
    if (err == 0) { err = ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST); }
    return err == 0 ? ::pthread_mutex_init(mutex, &attributes) : err;
}

constexpr std::uint32_t libc_tag() noexcept {
#ifdef __GLIBC__
    return 0x100u + __GLIBC__;
#else
    return 0x200u;  // musl gives no name to itself, on purpose.
#endif
}

constexpr std::uint32_t mixed(std::uint32_t hash, std::uint32_t value) noexcept {
    return (hash ^ value) * 16777619u;  // FNV-1a, a word at a time.
}

}  // namespace

std::uint32_t mutex_layout() noexcept {
    const std::uint32_t one = 1;
    const bool little = *reinterpret_cast<const unsigned char*>(&one) == 1;
    std::uint32_t hash = mixed(2166136261u, libc_tag());
    hash = mixed(hash, sizeof(pthread_mutex_t));
    hash = mixed(hash, sizeof(void*));
    hash = mixed(hash, kHolderAt);
    return mixed(hash, little ? 1u : 2u);
}

Status mutex_init(RobustMutex& mutex) noexcept {
    pthread_mutexattr_t attributes;
    int err = ::pthread_mutexattr_init(&attributes);
    if (err != 0) { return detail::error_of(err); }
    err = init_with(attributes, native(mutex));
    (void)::pthread_mutexattr_destroy(&attributes);
    if (err != 0) { return detail::error_of(err); }
    clear_holder(mutex);
    return {};
}

Status mutex_lock(RobustMutex& mutex, std::int64_t deadline_ns) noexcept {
    const int err = detail::lock_until(native(mutex), deadline_ns);
    switch (err) {
        case 0: set_holder(mutex); return {};
        case EOWNERDEAD:
            // If killed here: the mutex still says so, and the next taker does this again.
            (void)::pthread_mutex_consistent(native(mutex));
            set_holder(mutex);
            return Error(Errc::owner_died, err);
        case EINVAL: return Error(Errc::corrupt, err);  // No mutex of ours (any more).
        default: return detail::error_of(err);
    }
}

Status mutex_unlock(RobustMutex& mutex) noexcept {
    if (is_me(holder_of(mutex))) { clear_holder(mutex); }
    const int err = ::pthread_mutex_unlock(native(mutex));
    if (err == EPERM) { return Error(Errc::not_owner, err); }
    if (err != 0) { return detail::error_of(err); }
    return {};
}

Status mutex_unlock_owing(RobustMutex& mutex, Bell&) noexcept {
    return mutex_unlock(mutex);
}

// One who has the address of a dead holder may be taken for it: the mutex knows better.
bool mutex_is_mine(RobustMutex& mutex) noexcept {
    if (!is_me(holder_of(mutex))) { return false; }
    const int err = detail::try_once(native(mutex));
    if (err == EDEADLK) { return true; }
    if (err == EOWNERDEAD) { (void)::pthread_mutex_consistent(native(mutex)); }
    if (err != 0 && err != EOWNERDEAD) { return false; }
    clear_holder(mutex);
    (void)::pthread_mutex_unlock(native(mutex));
    return false;
}

bool mutex_is_free(RobustMutex& mutex) noexcept {
    if (holder_of(mutex).thread.load(std::memory_order_acquire) == 0) { return true; }
    const int err = ::pthread_mutex_trylock(native(mutex));
    if (err == EOWNERDEAD) { (void)::pthread_mutex_consistent(native(mutex)); }
    if (err != 0 && err != EOWNERDEAD) { return false; }
    clear_holder(mutex);
    (void)::pthread_mutex_unlock(native(mutex));
    return true;
}

Status bell_wait_watching(Bell& bell, std::uint32_t expected, RobustMutex* const* watched,
                          std::size_t count, std::int64_t deadline_ns,
                          const LookedAt* looked) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        if (mutex_is_free(*watched[i])) { return {}; }
    }
    const std::int64_t slice_end = now_ns() + kSliceNs;
    const bool last = deadline_ns <= slice_end;
    const Status slept = bell_wait_having_looked(bell, expected, looked, looked == nullptr ? 0 : 1,
                                                 last ? deadline_ns : slice_end);
    return last ? slept : Status();
}

Status bells_wait_watching(Bell& first, std::uint32_t first_expected, Bell& second,
                           std::uint32_t second_expected, RobustMutex* const* watched,
                           std::size_t count, std::int64_t deadline_ns) noexcept {
    if (second.word.load(std::memory_order_seq_cst) != second_expected) { return {}; }
    return bell_wait_watching(first, first_expected, watched, count, deadline_ns, nullptr);
}

void owe_ring(Bell&) noexcept {}
void owe_nothing() noexcept {}

bool rings_for_the_dead() noexcept {
    return false;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
