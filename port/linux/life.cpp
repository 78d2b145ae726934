// Lives of threads: entries of our own in the libc's robust list, and its `pending` for a duty.
//
// Each thread has one list, which the libc has told the kernel of. An entry of ours stands in it
// beside the libc's robust mutexes, linked as the libc links them. Read from the kernel, the head
// tells which libc it is: the distance from entry to futex differs. No pthread type lies in the
// shared memory, so processes of different libcs and word sizes see each other's lives.
#include <errno.h>
#include <pthread.h>
#include <sys/utsname.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"
#include "robust_list.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

using detail::RobustList;

// Of the thread's latest life_begin(). In a forked child it is the same: the libc keeps the place.
thread_local RobustList* t_list = nullptr;

RobustList* registered_list() noexcept {
    RobustList* list = nullptr;
    std::size_t bytes = 0;
    if (detail::call(SYS_get_robust_list, 0, &list, &bytes) != 0) { return nullptr; }
    return bytes == sizeof(RobustList) ? list : nullptr;
}

// musl tells the kernel of its list when it is first needed.
void make_libc_register() noexcept {
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    if (::pthread_mutexattr_init(&attributes) != 0) { return; }
    if (::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
        ::pthread_mutex_init(&mutex, &attributes) == 0) {
        if (::pthread_mutex_lock(&mutex) == 0) { (void)::pthread_mutex_unlock(&mutex); }
        (void)::pthread_mutex_destroy(&mutex);
    }
    (void)::pthread_mutexattr_destroy(&attributes);
}

RobustList* own_list() noexcept {
    RobustList* list = registered_list();
    if (list == nullptr) {
        make_libc_register();
        list = registered_list();
    }
    return list;
}

// An entry is the address of its link to the next; bit 0 of a link is the libc's own mark.
void* entry_of(std::atomic<std::uint32_t>& word, const RobustList& list) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(&word);
    return reinterpret_cast<void*>(address - static_cast<std::uintptr_t>(list.futex_offset));
}
void* address_of(void* link) noexcept {
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(link) & ~std::uintptr_t{1});
}
// By bytes: a word before some machines' alignment is where musl has it.
void* load(const void* at) noexcept {
    void* link = nullptr;
    __builtin_memcpy(&link, at, sizeof link);
    return link;
}
void store(void* at, void* link) noexcept {
    __builtin_memcpy(at, &link, sizeof link);
}

// The word before an entry links back, except in glibc's mutexes of 32 bits, which have no such
// word: these, too, the distance tells apart.
bool has_back_links(const RobustList& list) noexcept {
    constexpr long kGlibc32 = -20;
    return list.futex_offset != kGlibc32;
}
void* back_link(void* entry) noexcept {
    return static_cast<unsigned char*>(entry) - sizeof(void*);
}

bool has_room(const Life& life, const RobustList& list) noexcept {
    const long at = -list.futex_offset;  // Of the entry, from the word.
    const long first = static_cast<long>(offsetof(Life, reserved) + sizeof(void*));
    return at >= first && at + static_cast<long>(sizeof(void*)) <= static_cast<long>(sizeof life);
}

void link_in(void* entry, RobustList& list) noexcept {
    void* const next = list.next;
    store(entry, next);
    if (has_back_links(list)) {
        store(back_link(entry), &list.next);
        store(back_link(address_of(next)), entry);
    }
    std::atomic_signal_fence(std::memory_order_seq_cst);
    list.next = entry;
}

void link_out(void* entry, RobustList& list) noexcept {
    void* before = &list.next;
    while (address_of(load(before)) != entry) {
        before = address_of(load(before));
        if (before == &list.next) { return; }  // Not in it: begun before a fork, or by another.
    }
    void* const next = load(entry);
    store(before, next);
    if (has_back_links(list)) { store(back_link(address_of(next)), before); }
}

}  // namespace

Status life_init(Life&) noexcept {
    return {};  // Zeroed memory is one that is over.
}

Status life_begin(Life& life) noexcept {
    RobustList* const list = own_list();
    if (list == nullptr || !has_room(life, *list)) { return Errc::unsupported; }
    t_list = list;
    void* const entry = entry_of(life.word, *list);
    const auto thread = static_cast<std::uint32_t>(detail::call(SYS_gettid)) & detail::kThreadMask;
    list->pending = entry;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    std::uint32_t seen = life.word.load(std::memory_order_relaxed);
    do {
        if ((seen & detail::kThreadMask) != 0) {
            list->pending = nullptr;
            return Errc::would_block;
        }
    } while (!life.word.compare_exchange_weak(seen, thread, std::memory_order_acq_rel));
    // If killed here: the word names us, and `pending` names the word.
    link_in(entry, *list);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    list->pending = nullptr;
    return {};
}

void life_end(Life& life) noexcept {
    RobustList* const list = t_list;
    if (list == nullptr) { return; }
    void* const entry = entry_of(life.word, *list);
    list->pending = entry;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    link_out(entry, *list);
    // If killed here: as before, by `pending`.
    const std::uint32_t before = life.word.exchange(0, std::memory_order_acq_rel);
    // If killed here: the kernel wakes one of those who sleep on the word, if any do.
    if ((before & detail::kFutexWaiters) != 0) {
        constexpr int kFutexWake = 1;
        (void)detail::call(SYS_futex, &life.word, kFutexWake, 0x7fffffff);
    }
    list->pending = nullptr;
}

bool life_is_over(Life& life) noexcept {
    return (life.word.load(std::memory_order_acquire) & detail::kThreadMask) == 0;
}

void owe_ring(Bell& bell) noexcept {
    RobustList* const list = t_list;
    if (list == nullptr) { return; }
    list->pending = entry_of(bell.word, *list);
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

void owe_nothing() noexcept {
    RobustList* const list = t_list;
    if (list == nullptr) { return; }
    std::atomic_signal_fence(std::memory_order_seq_cst);
    list->pending = nullptr;
}

// The kernel wakes for a `pending` that names nobody since 5.5. What emulates a kernel and claims
// to be younger has no robust list at all.
bool rings_for_the_dead() noexcept {
    utsname system = {};
    if (::uname(&system) != 0 || registered_list() == nullptr) { return false; }
    unsigned version[2] = {0, 0};
    const char* digit = system.release;
    for (unsigned& part : version) {
        while (*digit >= '0' && *digit <= '9') { part = part * 10 + unsigned(*digit++ - '0'); }
        if (*digit == '.') { ++digit; }
    }
    return version[0] > 5 || (version[0] == 5 && version[1] >= 5);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
