// The last words of a process.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

// Not by write(), whose care for a host that goes on is of no use here, and half a KiB.
void print_error(const char* text, std::size_t bytes) noexcept {
    signal_mask(MaskChange::block, SignalMask{1} << (SIGPIPE - 1));
    while (bytes > 0) {
        const ssize_t written = ::write(STDERR_FILENO, text, bytes);
        if (written < 0 && errno == EINTR) { continue; }
        if (written <= 0) { return; }
        text += written;
        bytes -= static_cast<std::size_t>(written);
    }
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
