// Moves descriptors out of the way of the standard streams.
#include "above_streams.hpp"

#include <errno.h>

namespace brood::port::detail {

bool above_streams(Fd* fds, std::size_t count) noexcept {
    int err = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (fds[i] > 2) { continue; }
        const Fd moved = copy_above_streams(fds[i]);
        if (moved < 0) { err = errno == EINVAL ? EMFILE : errno; }  // The limit may not allow a 3.
        close(fds[i]);
        fds[i] = moved;
    }
    if (err == 0) { return true; }
    for (std::size_t i = 0; i < count; ++i) {
        close(fds[i]);
        fds[i] = kNoFd;
    }
    errno = err;
    return false;
}

}  // namespace brood::port::detail
