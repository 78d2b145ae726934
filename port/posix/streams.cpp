// The C library's standard streams.
#include <stdio.h>

#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

// Not fflush(nullptr): it locks every stream, and hangs while some thread blocks in reading stdin.
bool flush_streams() noexcept {
    const bool output = ::fflush(stdout) == 0;
    const bool error = ::fflush(stderr) == 0;
    return output && error;
}

// POSIX has no call that drops a stream's buffer without writing it. What flush_streams() could not
// write before the fork may therefore be written by the child, too.
void discard_streams() noexcept {}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
