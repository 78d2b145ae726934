// Entries of our own in the libc's robust list. Read from the kernel, its head tells which libc it
// is: the distance from an entry to its futex differs. So no pthread type need lie in memory that
// processes of different libcs and word sizes share.
#include <pthread.h>
#include <sys/mman.h>

#include <port/port.hpp>

#include "calls.hpp"
#include "robust_list.hpp"

namespace brood::port::detail {
namespace {

// This page, which every fork empties (Linux 4.14), tells a child that its thread-local memory is
// its parent's, whoever forked, and in whatever way. Before 4.14: a handler of pthread_atfork,
// which bare clone() calls pass by.
std::atomic<std::uint32_t> g_unwiped{0};

constexpr int kWipeOnFork = 18;  // MADV_WIPEONFORK

thread_local RobustList t_unseen;

void forget() noexcept {
    g_unwiped.store(0, std::memory_order_relaxed);
}

std::atomic<std::uint32_t>* make_mark() noexcept {
    const std::size_t bytes = page_bytes();
    void* const page = map_private(bytes).value_or(nullptr);
    if (page != nullptr) {
        if (!takes_any_advice(page, bytes) && ::madvise(page, bytes, kWipeOnFork) == 0) {
            return static_cast<std::atomic<std::uint32_t>*>(page);
        }
        unmap(page, bytes);
    }
    (void)::pthread_atfork(nullptr, nullptr, forget);
    return &g_unwiped;
}

std::atomic<std::uint32_t>& mark() noexcept {
    std::atomic<std::uint32_t>* found = g_fork_mark.load(std::memory_order_acquire);
    if (found != nullptr) { return *found; }
    std::atomic<std::uint32_t>* const made = make_mark();
    if (g_fork_mark.compare_exchange_strong(found, made, std::memory_order_acq_rel)) {
        return *made;
    }
    if (made != &g_unwiped) { unmap(made, page_bytes()); }  // Another thread was first.
    return *found;
}

/// The list that the kernel knows of; null: none yet. False: it does not say.
bool ask_for_list(RobustList*& list) noexcept {
    std::size_t bytes = 0;
    return call(SYS_get_robust_list, 0, &list, &bytes) == 0 && bytes == sizeof(RobustList);
}

// musl tells the kernel of its list when the thread first tries a mutex that has an owner and is
// shared between processes. Robust or not is all the same; glibc lists no other. So this one need
// not be freed: it, and what the thread that forked us held, is forgotten with the list's contents.
void make_libc_register(RobustList*& list) noexcept {
    // Where it is refused, the libc would not learn that, and keep the mutex in its list.
    if (call(SYS_set_robust_list, nullptr, sizeof(RobustList)) != 0) { return; }
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    (void)::pthread_mutexattr_init(&attributes);
    (void)::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    (void)::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    (void)::pthread_mutex_init(&mutex, &attributes);
    (void)::pthread_mutex_trylock(&mutex);
    if (ask_for_list(list) && list != nullptr) { list->next = &list->next; }
}

bool has_room(const RobustList& list) noexcept {
    constexpr long kWord = sizeof(void*);
    const long entry = -list.futex_offset;  // From the futex.
    return entry - kWord >= static_cast<long>(offsetof(RobustFutex, links)) &&
           entry + kWord <= static_cast<long>(sizeof(RobustFutex));
}

}  // namespace

__thread ThisThread t_this_thread;
std::atomic<std::atomic<std::uint32_t>*> g_fork_mark{nullptr};

// A thread that forks is alone in the child, and the first there to come by; threads that the child
// makes start with zeroes.
const ThisThread& get_this_thread() noexcept {
    RobustList* list = nullptr;
    if (ask_for_list(list) && list == nullptr) { make_libc_register(list); }
    if (list == nullptr || !has_room(*list)) {
        constexpr long kWord = sizeof(void*);
        t_unseen = {&t_unseen.next, -3 * kWord, nullptr};
        list = &t_unseen;
    }
    // The word before an entry links back, except in glibc's mutexes of 32 bits, which have no such
    // word: these, too, the distance tells apart.
    constexpr long kGlibc32 = -20;
    t_this_thread.list = list;
    t_this_thread.back_links = list->futex_offset != kGlibc32 && list != &t_unseen;
    t_this_thread.number = static_cast<std::uint32_t>(call(SYS_gettid)) & kThreadMask;
    mark().store(1, std::memory_order_relaxed);
    return t_this_thread;
}

bool has_kernels_list() noexcept {
    return this_thread_known().list != &t_unseen;
}

}  // namespace brood::port::detail
