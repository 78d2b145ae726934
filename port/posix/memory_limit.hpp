// Limits on memory that kill instead of failing. For port/ only.
#ifndef BROOD_PORT_POSIX_MEMORY_LIMIT_HPP
#define BROOD_PORT_POSIX_MEMORY_LIMIT_HPP

#include <cstddef>

#include <brood/result.hpp>

namespace brood::port::detail {

/// Whether `bytes` more of memory can be had without reaching a limit that answers by killing (on
/// Linux: the system's memory, and memory cgroups). A look, not a reservation: what others take in
/// the meantime is not seen.
/// Errors: no_space.
Status fits_memory_limit(std::size_t bytes) noexcept;

}  // namespace brood::port::detail

#endif
