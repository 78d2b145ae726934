// Shared objects without a name. For port/posix only.
#ifndef BROOD_PORT_POSIX_UNNAMED_OBJECT_HPP
#define BROOD_PORT_POSIX_UNNAMED_OBJECT_HPP

#include <port/port.hpp>

namespace brood::port::detail {

/// An empty object whose name is gone when this returns; kept by descriptors and mappings.
/// If killed in here: an empty object "/brood-anonymous-..." may stay behind.
Result<Fd> create_unnamed() noexcept;

}  // namespace brood::port::detail

#endif
