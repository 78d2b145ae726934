// The walk over a process's fork list; see brood/detail/fork_link.hpp for what it holds.
#ifndef BROOD_SRC_FORK_LIST_HPP
#define BROOD_SRC_FORK_LIST_HPP

#include <brood/detail/fork_link.hpp>
#include <brood/result.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// Holds the list: no thread changes it and no fork happens meanwhile. A handful of instructions
/// and system calls that do not block; never a fork of one's own.
class ForkListHold {
public:
    ForkListHold() noexcept;
    ~ForkListHold() noexcept;
    ForkListHold(const ForkListHold&) = delete;
    ForkListHold& operator=(const ForkListHold&) = delete;
};

/// Calls visit(link, context) for each link, in the order in which they were added. The visitor may
/// remove the link that it visits (fork_list_remove_locked), and no other.
void fork_list_each(void (*visit)(ForkLink& link, void* context), void* context) noexcept;
/// For those who hold the list. Removing one that is not linked does nothing.
void fork_list_add_locked(ForkLink& link) noexcept;
void fork_list_remove_locked(ForkLink& link) noexcept;
void fork_list_move_locked(ForkLink& from, ForkLink& to) noexcept;

/// Makes sure that forks are noticed (once per program). Every object that depends on it calls
/// this before it is first used. Errors: no_memory.
Status fork_list_watch() noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
