// Client: connects to a Listener, as multiprocessing.connection.Client in Python.
#ifndef BROOD_CLIENT_HPP
#define BROOD_CLIENT_HPP

#include <cstddef>

#include <brood/address.hpp>
#include <brood/connection.hpp>
#include <brood/detail/secret.hpp>
#include <brood/result.hpp>
#include <brood/this_process.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// Settings of a connection: `Client::connect(address, ClientOptions().authkey("secret", 6))`.
/// Holds a copy of the key, and wipes it when it goes.
class ClientOptions {
public:
    /// 1 to 256 bytes that both ends know: else connect() returns bad_argument, size_too_large.
    /// Without it there is no handshake.
    ClientOptions& authkey(const void* key, std::size_t bytes) noexcept {
        key_.set(key, bytes);
        return *this;
    }
    ClientOptions& authkey(const AuthKey& key) noexcept { return authkey(key.data(), key.size()); }
    /// Also to listeners that know only MD5: Python before 3.12. It is broken as a digest, though
    /// nobody has shown how to forge what is made of it here.
    ClientOptions& allow_legacy() noexcept {
        allow_legacy_ = true;
        return *this;
    }

private:
    friend class Client;
    detail::Secret key_;
    bool allow_legacy_ = false;
};

class Client {
public:
    /// A Connection to who listens at `address`: brood's Listener or Python's. With a key each end
    /// proves to the other that it has it, and sends it to nobody. That is all: what follows is
    /// neither encrypted nor signed, and who can put himself between both can let them prove it to
    /// each other through him. Across machines, use a tunnel.
    /// Blocks:  until it is connected and authenticated, or `timeout`. A listener without a key
    ///          never begins a handshake.
    /// Returns: it; timed_out; refused (nobody listens: not started, or died); not_found (no such
    ///          file); not_authenticated (another key); legacy_refused; end_of_stream (the listener
    ///          closed in the handshake: it ended, or had others to attend to); not_permitted;
    ///          unsupported; too_many_files, no_memory, no_space; system_error (the network's own);
    ///          bad_argument, size_too_large (the key); name_empty, name_too_long, bad_address.
    /// Callers: any process, any thread. Not a signal handler.
    /// Killed here: the listener sees the end of the stream.
    static Result<Connection> connect(const Address& address, Timeout timeout) noexcept {
        return connect(address, ClientOptions(), timeout);
    }
    static Result<Connection> connect(const Address& address,
                                      const ClientOptions& options = ClientOptions(),
                                      Timeout timeout = Timeout::forever()) noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
