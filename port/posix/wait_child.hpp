// How a child stands, by waitid(). For port/ only.
#ifndef BROOD_PORT_POSIX_WAIT_CHILD_HPP
#define BROOD_PORT_POSIX_WAIT_CHILD_HPP

#include <sys/wait.h>

#include <port/port.hpp>

namespace brood::port::detail {

/// As wait_child(), with the child named as waitid() has it.
Result<ChildState> wait_by(idtype_t type, int child, Reap how) noexcept;

}  // namespace brood::port::detail

#endif
