// errno -> Error, in one table. For port/ only.
#ifndef BROOD_PORT_POSIX_ERRORS_HPP
#define BROOD_PORT_POSIX_ERRORS_HPP

#include <brood/error.hpp>

namespace brood::port::detail {

/// The error that `err` (an errno) means in most calls; os_error() is always `err`. Where a call
/// gives an errno a meaning of its own, its wrapper says so before it asks here. Callers: anybody.
Error error_of(int err) noexcept;

/// error_of(errno).
Error last_error() noexcept;

}  // namespace brood::port::detail

#endif
