// The end of a peer that cannot say so: TCP_KEEPIDLE and its like (Linux 2.4) for one that is
// silent, TCP_USER_TIMEOUT (2.6.37) for one that does not confirm what it was sent.
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

constexpr int kAsked = 5;  // times, in the second half of the limit
constexpr std::int64_t kSecondNs = 1000000000, kSecondsMost = 32767;

int seconds_of(std::int64_t ns) noexcept {
    const std::int64_t seconds = ns / kSecondNs;
    if (seconds < 1) { return 1; }
    return static_cast<int>(seconds < kSecondsMost ? seconds : kSecondsMost);
}

void set(Fd socket, int level, int option, int value) noexcept {
    (void)::setsockopt(socket, level, option, &value, sizeof(value));
}

}  // namespace

void socket_keep_alive(Fd socket, std::int64_t limit_ns) noexcept {
    const std::int64_t most_ms = INT32_MAX, limit_ms = limit_ns / 1000000;
    set(socket, IPPROTO_TCP, TCP_KEEPIDLE, seconds_of(limit_ns / 2));
    set(socket, IPPROTO_TCP, TCP_KEEPINTVL, seconds_of(limit_ns / 2 / kAsked));
    set(socket, IPPROTO_TCP, TCP_KEEPCNT, kAsked);
    set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
        static_cast<int>(limit_ms < most_ms ? limit_ms : most_ms));
    set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
