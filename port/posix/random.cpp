// Random bytes.
#include <errno.h>
#include <fcntl.h>

#include <port/port.hpp>

#include "errors.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

// POSIX.1-2017 has no call for it; /dev/urandom is there on every system that has one to offer.
Status random_bytes(void* buffer, std::size_t bytes) noexcept {
    int fd = -1;
    while ((fd = ::open("/dev/urandom", O_RDONLY | O_CLOEXEC)) < 0) {
        const int err = errno;
        if (err == ENOENT) { return Error(Errc::unsupported, err); }
        if (err != EINTR) { return detail::error_of(err); }
    }
    auto* place = static_cast<unsigned char*>(buffer);
    Status status;
    while (bytes > 0 && status.ok()) {
        const Result<std::size_t> count = read(fd, place, bytes);
        if (!count) {
            status = count.status();
        } else if (*count == 0) {
            status = Errc::unsupported;  // A device that ends is not the one we meant.
        } else {
            place += *count;
            bytes -= *count;
        }
    }
    close(fd);
    return status;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
