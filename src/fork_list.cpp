#include "fork_list.hpp"

#include <port/port.hpp>

#include "self.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// The list is a ring through its head, so that adding and removing have no special cases.
constexpr ForkList& g_list = g_process.forks;

// Held for a handful of instructions, or by a thread that forks. Whoever must wait yields: no
// system call is made on the way that everybody takes. A while later it sleeps, since yielding does
// not let a holder go on that has a lower real-time priority.
constexpr int kYields = 100;
constexpr std::int64_t kNapNs = 50000;

void lock_list() noexcept {
    for (int tries = 0; g_list.is_locked.exchange(1, std::memory_order_acquire) != 0; ++tries) {
        if (tries < kYields) {
            port::yield();
        } else {
            port::sleep_until(port::now_ns() + kNapNs);
        }
    }
    if (g_list.head.next == nullptr) { g_list.head.next = g_list.head.previous = &g_list.head; }
}

void unlock_list() noexcept {
    g_list.is_locked.store(0, std::memory_order_release);
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
    g_list.forked.fetch_add(1, std::memory_order_relaxed);
    for (ForkLink* link = g_list.head.next; link != &g_list.head;) {
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
    if (g_list.watched.load(std::memory_order_acquire) == 2) { return Errc::ok; }
    std::uint32_t unwatched = 0;
    if (!g_list.watched.compare_exchange_strong(unwatched, 1, std::memory_order_acquire)) {
        while (g_list.watched.load(std::memory_order_acquire) == 1) { port::yield(); }
        return g_list.watched.load(std::memory_order_acquire) == 2 ? Errc::ok : Errc::no_memory;
    }
    const Status status = port::at_fork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
    g_list.watched.store(status.ok() ? 2 : 0, std::memory_order_release);
    return status;
}

void fork_list_add(ForkLink& link) noexcept {
    const ForkListHold hold;
    fork_list_add_locked(link);
}

void fork_list_add_locked(ForkLink& link) noexcept {
    link.next = &g_list.head;
    link.previous = g_list.head.previous;
    link.previous->next = &link;
    g_list.head.previous = &link;
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
    for (ForkLink* link = g_list.head.next; link != &g_list.head;) {
        ForkLink* const next = link->next;
        visit(*link, context);
        link = next;
    }
}

unsigned fork_epoch() noexcept {
    return epoch_now();
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
