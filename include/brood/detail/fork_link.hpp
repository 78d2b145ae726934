// The list of a process's objects that must know when the process forks.
#ifndef BROOD_DETAIL_FORK_LINK_HPP
#define BROOD_DETAIL_FORK_LINK_HPP

namespace brood {
inline namespace v0 {
namespace detail {

/// A link that an object embeds while it owns something that a forked child must not keep: a
/// control descriptor, a child process, an end of a pipe. Intrusive: the list needs no heap.
///
/// Fork: around every fork(), whoever calls it, the list is locked; in the child each link's
///       forget() runs (src/fork_list.cpp) and the list is left with the links that stay.
struct ForkLink {
    /// Runs in a forked child. Only async-signal-safe calls. True: stay in the child's list.
    using Forget = bool (*)(ForkLink& link);

    Forget forget = nullptr;
    ForkLink* next = nullptr;
    ForkLink* previous = nullptr;

    bool linked() const noexcept { return next != nullptr; }
};

/// Adds or removes a link. Removing one that is not linked does nothing.
/// Callers: any thread; not a signal handler.
void fork_list_add(ForkLink& link) noexcept;
void fork_list_remove(ForkLink& link) noexcept;
/// Puts `to` in the place of `from`, which becomes unlinked: for objects that move.
void fork_list_move(ForkLink& from, ForkLink& to) noexcept;

/// A number that differs between a process and every process forked from it, and never is 0.
/// Reading it costs a load. Callers: anybody.
unsigned fork_epoch() noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
