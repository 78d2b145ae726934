// The C library's standard streams.
#include <stdio.h>
#include <unistd.h>

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

void print_error(const char* text, std::size_t bytes) noexcept {
    while (bytes > 0) {
        const Result<std::size_t> written = write(STDERR_FILENO, text, bytes);
        if (!written || *written == 0) { return; }
        text += *written;
        bytes -= *written;
    }
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
