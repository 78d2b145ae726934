// How many system calls a program that is linked with libbrood-traced.a lets the library make.
#ifndef BROOD_PORT_TRACED_COUNT_HPP
#define BROOD_PORT_TRACED_COUNT_HPP

#include <cstdint>

namespace traced {

/// How many the library has made in this process, in any thread, whether they are shown or not; a
/// forked child goes on from what its parent had.
std::uint64_t calls_made() noexcept;

}  // namespace traced

#endif
