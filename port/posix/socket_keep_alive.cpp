// The end of a peer that cannot say so. POSIX.1-2017 has no times of its own for it.
#include <sys/socket.h>

#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

void socket_keep_alive(Fd socket, std::int64_t) noexcept {
    const int on = 1;
    (void)::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
