// POSIX has no barrier that reaches other processes.
#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

Status fence_join() noexcept {
    return Errc::unsupported;
}

Status fence_all() noexcept {
    return Errc::unsupported;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
