#include "auth_exchange.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

Status write_some(Handshake& handshake, port::Fd socket) noexcept {
    const Result<std::size_t> sent =
        port::socket_send(socket, handshake.output(), handshake.output_bytes());
    if (sent.ok()) { handshake.wrote(*sent); }
    return sent.status();
}

Status read_some(Handshake& handshake, port::Fd socket, const AuthRules& rules) noexcept {
    const Result<std::size_t> got = port::read(socket, handshake.input(), handshake.input_bytes());
    if (!got.ok()) { return got.status(); }
    if (*got == 0) { return Errc::end_of_stream; }
    handshake.read(*got, rules);
    return Errc::ok;
}

}  // namespace

Status begin_handshake(Handshake& handshake, Handshake::Side side) noexcept {
    unsigned char random[Handshake::kRandomBytes];
    const Status chosen = port::random_bytes(random, sizeof(random));
    if (chosen.ok()) { handshake.begin(side, random); }
    return chosen;
}

Status go_on(Handshake& handshake, port::Fd socket, const AuthRules& rules) noexcept {
    while (handshake.wants() != Handshake::Wants::nothing) {
        const bool writes = handshake.wants() == Handshake::Wants::to_write;
        const Status done = writes ? write_some(handshake, socket)
                                   : read_some(handshake, socket, rules);
        if (done.code() == Errc::broken_pipe) { return Errc::end_of_stream; }
        if (!done.ok()) { return done; }
    }
    return handshake.outcome();
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
