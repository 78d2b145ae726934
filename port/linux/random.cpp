// Random bytes: getrandom(), or /dev/urandom before Linux 3.17.
#include <errno.h>
#include <fcntl.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

Status read_device(unsigned char* place, std::size_t bytes) noexcept {
    Fd fd = kNoFd;
    while ((fd = detail::open_file("/dev/urandom", O_RDONLY)) < 0) {
        if (errno != EINTR) { return Error(Errc::unsupported, errno); }
    }
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

}  // namespace

Status random_bytes(void* buffer, std::size_t bytes) noexcept {
    auto* place = static_cast<unsigned char*>(buffer);
    while (bytes > 0) {
        const long count = detail::call(SYS_getrandom, place, bytes, 0);
        if (count > 0) {
            place += count;
            bytes -= static_cast<std::size_t>(count);
        } else if (count == 0 || errno != EINTR) {
            return read_device(place, bytes);
        }
    }
    return {};
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
