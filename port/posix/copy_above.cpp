// A copy of a descriptor above the standard streams.
#include "above_streams.hpp"

namespace brood::port::detail {

Fd copy_above_streams(Fd fd) noexcept {
    return ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

}  // namespace brood::port::detail
