// exec with a search in PATH, without heap. For port/ only.
#ifndef BROOD_PORT_POSIX_EXEC_SEARCH_HPP
#define BROOD_PORT_POSIX_EXEC_SEARCH_HPP

#include <port/port.hpp>

namespace brood::port::detail {

inline constexpr const char* kPathDefault = "/usr/bin:/bin";  ///< Where there is no PATH.

/// Becomes the plan's program, looked for in `directories` (as in PATH) if its path has no slash.
/// Returns the errno of what went wrong. A script without "#!" fails with ENOEXEC. [ass]
int exec_program(const SpawnPlan& plan, const char* directories) noexcept;

}  // namespace brood::port::detail

#endif
