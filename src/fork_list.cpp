#include "fork_list.hpp"

#include <atomic>

#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// The list is a ring through its head, so that adding and removing have no special cases. The head
// points to null until the first use: no constructor runs before main.
ForkLink g_head;
std::atomic<std::uint32_t> g_epoch{1};
std::atomic<std::uint32_t> g_watched{0};  // 0 no, 1 being registered, 2 yes

// Held for a handful of instructions, or by a thread that forks. Whoever must wait yields: no
// system call is made on the way that everybody takes. A while later it sleeps, since yielding does
// not let a holder go on that has a lower real-time priority.
constexpr int kYields = 100;
constexpr std::int64_t kNapNs = 50000;
std::atomic<std::uint32_t> g_locked{0};

void lock_list() noexcept {
    for (int tries = 0; g_locked.exchange(1, std::memory_order_acquire) != 0; ++tries) {
        if (tries < kYields) {
            port::yield();
        } else {
            port::sleep_until(port::now_ns() + kNapNs);
        }
    }
    if (g_head.next == nullptr) { g_head.next = g_head.previous = &g_head; }
}

void unlock_list() noexcept {
    g_locked.store(0, std::memory_order_release);
}

void unlink(ForkLink& link) noexcept {
    link.previous->next = link.next;
    link.next->previous = link.previous;
    link.next = link.previous = nullptr;
}

// The list is locked around the fork, so the child's copy of it is whole. If the parent is killed
// meanwhile its list dies with it, and the child goes on with its own.
void before_fork() noexcept {
    lock_list();
}

void after_fork_in_parent() noexcept {
    unlock_list();
}

void after_fork_in_child() noexcept {
    g_epoch.fetch_add(1, std::memory_order_relaxed);
    for (ForkLink* link = g_head.next; link != &g_head;) {
        ForkLink* const next = link->next;
        if (!link->forget(*link)) { unlink(*link); }
        link = next;
    }
    unlock_list();
}

}  // namespace

ForkListHold::ForkListHold() noexcept {
    lock_list();
}

ForkListHold::~ForkListHold() noexcept {
    unlock_list();
}

Status fork_list_watch() noexcept {
    if (g_watched.load(std::memory_order_acquire) == 2) { return Errc::ok; }
    std::uint32_t unwatched = 0;
    if (!g_watched.compare_exchange_strong(unwatched, 1, std::memory_order_acquire)) {
        while (g_watched.load(std::memory_order_acquire) == 1) { port::yield(); }
        return g_watched.load(std::memory_order_acquire) == 2 ? Errc::ok : Errc::no_memory;
    }
    const Status status = port::at_fork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
    g_watched.store(status.ok() ? 2 : 0, std::memory_order_release);
    return status;
}

void fork_list_add(ForkLink& link) noexcept {
    const ForkListHold hold;
    fork_list_add_locked(link);
}

void fork_list_add_locked(ForkLink& link) noexcept {
    link.next = &g_head;
    link.previous = g_head.previous;
    link.previous->next = &link;
    g_head.previous = &link;
}

void fork_list_remove(ForkLink& link) noexcept {
    const ForkListHold hold;
    fork_list_remove_locked(link);
}

void fork_list_remove_locked(ForkLink& link) noexcept {
    if (link.linked()) { unlink(link); }
}

void fork_list_move(ForkLink& from, ForkLink& to) noexcept {
    const ForkListHold hold;
    fork_list_move_locked(from, to);
}

void fork_list_move_locked(ForkLink& from, ForkLink& to) noexcept {
    to = from;
    if (from.linked()) {
        to.previous->next = &to;
        to.next->previous = &to;
        from.next = from.previous = nullptr;
    }
}

void fork_list_each(void (*visit)(ForkLink& link, void* context), void* context) noexcept {
    const ForkListHold hold;
    for (ForkLink* link = g_head.next; link != &g_head;) {
        ForkLink* const next = link->next;
        visit(*link, context);
        link = next;
    }
}

unsigned fork_epoch() noexcept {
    return g_epoch.load(std::memory_order_relaxed);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
