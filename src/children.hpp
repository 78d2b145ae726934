// The children of this process: those it started, and detached ones that came back to it.
#ifndef BROOD_SRC_CHILDREN_HPP
#define BROOD_SRC_CHILDREN_HPP

#include <brood/process.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// As at the end of main in Python: terminates the daemons, then joins every child.
void end_children() noexcept;

/// Makes room for one detached process whose death this process must reap, since orphans come back
/// to it. Errors: no_memory.
Status reserve_adopted() noexcept;
/// Fills the room that was reserved, or gives it up (0: it did not start).
void adopt(port::Pid pid) noexcept;
/// Reaps the adopted ones that have ended, each by its pid.
void reap_adopted() noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
