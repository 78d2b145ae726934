// The kernel's list of what a thread leaves behind: how it tells the kernel what to do at its end.
#ifndef BROOD_PORT_LINUX_ROBUST_LIST_HPP
#define BROOD_PORT_LINUX_ROBUST_LIST_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace brood::port::detail {

/// struct robust_list_head. At the thread's end the kernel goes through the entries from `next` on
/// and then to `pending`: the futex of an entry is `futex_offset` bytes from it. If that holds the
/// thread's number, the kernel sets FUTEX_OWNER_DIED, keeps FUTEX_WAITERS, and wakes a sleeper if
/// that is set. `pending` is there for one who dies between taking a lock and listing it, or
/// between freeing it and waking the next: if its futex holds no thread's number, the kernel
/// (5.5 and later) wakes one sleeper.
struct RobustList {
    void* next;
    long futex_offset;
    void* pending;
};

inline constexpr std::uint32_t kThreadMask = 0x3fffffffu;      // FUTEX_TID_MASK
inline constexpr std::uint32_t kFutexOwnerDied = 0x40000000u;  // FUTEX_OWNER_DIED
inline constexpr std::uint32_t kFutexWaiters = 0x80000000u;    // FUTEX_WAITERS

/// A futex that can stand in such lists: the libcs have the links between 4 and 40 bytes behind the
/// word.
struct RobustFutex {
    std::atomic<std::uint32_t> word;
    unsigned char links[36];
};

/// The calling thread, as the kernel knows it, and the list that its libc has told the kernel of.
/// Where there is none, or its links would lie elsewhere, `list` is one that the kernel never sees:
/// nobody hears of this thread's end then.
struct ThisThread {
    std::uint32_t number;  // 0: not asked for yet
    bool back_links;       // has_back_links() of the list
    RobustList* list;
};

// __thread and not thread_local: for one that is declared elsewhere the compiler calls a function
// that might have to construct it.
extern __thread ThisThread t_this_thread;
extern std::atomic<std::atomic<std::uint32_t>*> g_fork_mark;
const ThisThread& get_this_thread() noexcept;

/// Of the calling thread, also in a child of any kind of fork: a child has its parent's
/// thread-local memory, but finds the mark empty.
inline const ThisThread& this_thread_known() noexcept {
    std::atomic<std::uint32_t>* const mark = g_fork_mark.load(std::memory_order_acquire);
    const bool known = mark != nullptr && mark->load(std::memory_order_relaxed) != 0 &&
                       t_this_thread.number != 0;
    return known ? t_this_thread : get_this_thread();
}
/// Whether the kernel hears of the calling thread's end.
bool has_kernels_list() noexcept;

/// The entry that stands for a futex: the address of its link to the next.
inline void* entry_of(std::atomic<std::uint32_t>& word, const RobustList& list) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(&word);
    return reinterpret_cast<void*>(address - static_cast<std::uintptr_t>(list.futex_offset));
}
// Links are read and written by bytes: where musl has them is not always aligned for one. Bit 0 of
// a link is the libc's own mark.
inline void* load_link(const void* at) noexcept {
    void* link = nullptr;
    __builtin_memcpy(&link, at, sizeof link);
    return link;
}
inline void store_link(void* at, void* link) noexcept {
    __builtin_memcpy(at, &link, sizeof link);
}
inline void* address_in(void* link) noexcept {
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(link) & ~std::uintptr_t{1});
}
inline void* back_link(void* entry) noexcept {
    return static_cast<unsigned char*>(entry) - sizeof(void*);
}

/// Entries of ours stand in the libc's list beside its own robust mutexes, linked as it links them.
/// Stores are few here, as each delays the next lock: ours have no links back, and are looked for
/// from the front, where the latest stands.
inline void link_in(void* entry, const ThisThread& me) noexcept {
    RobustList& list = *me.list;
    void* const next = list.next;
    store_link(entry, next);
    // The libc's entries have links back, which it follows. (Its head has one that it only writes.)
    if (next != &list.next && me.back_links) { store_link(back_link(address_in(next)), entry); }
    std::atomic_signal_fence(std::memory_order_seq_cst);  // It is whole before it is in the list.
    list.next = entry;
}
inline void link_out(void* entry, const ThisThread& me) noexcept {
    RobustList& list = *me.list;
    void* const next = load_link(entry);
    void* before = &list.next;
    while (address_in(load_link(before)) != entry) { before = address_in(load_link(before)); }
    if (next != &list.next && me.back_links) { store_link(back_link(address_in(next)), before); }
    store_link(before, next);
}

/// What the kernel shall do at the thread's end from here on; null: nothing more.
inline void set_pending(RobustList& list, void* entry) noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);  // A death comes between instructions.
    list.pending = entry;
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace brood::port::detail

#endif
