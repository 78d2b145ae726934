// Making pages exist without the risk of a signal. For port/ only.
#ifndef BROOD_PORT_POSIX_ZERO_PAGES_HPP
#define BROOD_PORT_POSIX_ZERO_PAGES_HPP

#include <port/port.hpp>

namespace brood::port::detail {

/// Has the system write zeroes: where there is no memory it says so, while a write by ourselves
/// would be killed. Errors: no_space; too_many_files, not_found and the like (/dev/zero).
Status zero_pages(void* address, std::size_t bytes) noexcept;

}  // namespace brood::port::detail

#endif
