// A copy of a descriptor above the standard streams, by the bare system call: a libc's fcntl() also
// knows what kernels before 2.6.24 need.
#include <port/posix/above_streams.hpp>

#include "calls.hpp"

namespace brood::port::detail {

Fd copy_above_streams(Fd fd) noexcept {
    return static_cast<Fd>(call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3));
}

}  // namespace brood::port::detail
