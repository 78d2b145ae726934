// Giving a shared object its memory, step by step. For port/ only.
#ifndef BROOD_PORT_POSIX_GROW_OBJECT_HPP
#define BROOD_PORT_POSIX_GROW_OBJECT_HPP

#include <port/port.hpp>

namespace brood::port::detail {

/// Whether this process may make an object of that size. Errors: size_zero, size_too_large,
/// no_space (its limit on file sizes).
Status check_object_size(std::size_t bytes) noexcept;

/// Gives an object its length, and no memory.
Status set_length(Fd fd, std::size_t bytes) noexcept;

/// Gives an object that has `before` bytes its length and its memory. Errors: no_space.
Status grow_object(Fd fd, std::uint64_t before, std::size_t bytes) noexcept;

}  // namespace brood::port::detail

#endif
