// Whose a shared object is.
#include <sys/stat.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

Result<bool> object_is_ours_alone(Fd fd) noexcept {
    struct stat found = {};
    if (::fstat(fd, &found) != 0) { return detail::last_error(); }
    return found.st_uid == ::geteuid() && (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
