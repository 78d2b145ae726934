// Which shared object a descriptor refers to.
#include <cerrno>
#include <sys/stat.h>

#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

Result<ObjectIdentity> object_identity(Fd fd) noexcept {
    struct stat status;
    if (::fstat(fd, &status) != 0) { return Error(Errc::system_error, errno); }
    return ObjectIdentity{static_cast<std::uint64_t>(status.st_dev),
                          static_cast<std::uint64_t>(status.st_ino)};
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
