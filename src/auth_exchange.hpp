// A handshake over a socket.
#ifndef BROOD_SRC_AUTH_EXCHANGE_HPP
#define BROOD_SRC_AUTH_EXCHANGE_HPP

#include <brood/result.hpp>
#include <port/port.hpp>

#include "auth_handshake.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// Begins it, with chance of the system's. Errors: unsupported.
Status begin_handshake(Handshake& handshake, Handshake::Side side) noexcept;
/// Goes on as far as that needs no wait. Returns: ok (the peer has the key); would_block;
/// end_of_stream; what Handshake::outcome() says.
Status go_on(Handshake& handshake, port::Fd socket, const AuthRules& rules) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
