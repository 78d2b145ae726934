// ManagerServer: offers a Manager's objects to other machines and other languages.
#ifndef BROOD_MANAGER_SERVER_HPP
#define BROOD_MANAGER_SERVER_HPP

#include <cstddef>
#include <cstdint>

#include <brood/address.hpp>
#include <brood/connection.hpp>
#include <brood/listener.hpp>
#include <brood/manager.hpp>

namespace brood {
inline namespace v0 {
namespace detail {
struct ServerState;
}

/// Settings of a server: `ManagerServerOptions().authkey(key)`. A value outside its range makes
/// create() return bad_argument.
class ManagerServerOptions {
public:
    static constexpr std::uint32_t kClientsMax = 63;
    static constexpr std::size_t kMessageBytesMin = 1024, kMessageBytesMax = std::size_t{1} << 30;

    /// How it listens: the key, how many may wait, how long. Without a key anybody who can reach
    /// the address uses, changes and drops all objects.
    ManagerServerOptions& listener(const ListenerOptions& options) noexcept {
        listener_ = options;
        return *this;
    }
    /// The same, for a key, and to let Python before 3.12 in.
    ManagerServerOptions& authkey(const void* key, std::size_t bytes) noexcept {
        listener_.authkey(key, bytes);
        return *this;
    }
    ManagerServerOptions& authkey(const AuthKey& key) noexcept {
        return authkey(key.data(), key.size());
    }
    ManagerServerOptions& allow_legacy() noexcept {
        listener_.allow_legacy();
        return *this;
    }
    /// How many are served at a time, 1 .. kClientsMax. Others are not accepted until one of them
    /// ends: their connect() waits, until its timeout. Without it: 32.
    ManagerServerOptions& clients_max(std::uint32_t clients) noexcept {
        clients_max_ = clients;
        return *this;
    }
    /// The longest request and the longest reply, kMessageBytesMin .. kMessageBytesMax: an element
    /// with its key must be shorter. Twice as much is what a client may cost in memory. Without it:
    /// 1 MiB.
    ManagerServerOptions& message_bytes_max(std::size_t bytes) noexcept {
        message_bytes_max_ = bytes;
        return *this;
    }
    /// How long a client may take to read a reply, or to send the rest of a request, 1 ms to a day:
    /// then its connection ends; of a socket 5 seconds later at most, if the message has begun to
    /// flow (of a pipe, never). Without it: 10 seconds.
    ManagerServerOptions& patience(Timeout timeout) noexcept {
        patience_ = timeout;
        return *this;
    }

    /// How long a client may ask for nothing, 1 ms to a day or forever(): then its connection ends,
    /// and what it holds comes back as that of a killed process. One whose request waits for others
    /// is not idle. Without it: forever.
    ManagerServerOptions& idle_limit(Timeout timeout) noexcept {
        idle_ = timeout;
        return *this;
    }

private:
    friend class ManagerServer;
    friend struct detail::ServerState;
    ListenerOptions listener_;
    std::uint32_t clients_max_ = 32;
    std::size_t message_bytes_max_ = std::size_t{1} << 20;
    Timeout patience_ = seconds(10), idle_ = Timeout::forever();
};

/// Serves a manager's objects at an address, to RemoteManager, and to tools/python/
/// brood_manager.py, as Python's BaseManager.get_server() serves its own.
///
///     ManagerServer server =
///         ManagerServer::create(manager, Address::ip("127.0.0.1", 5000),
///                               ManagerServerOptions().authkey("secret", 6))
///             .expect("making the server");
///     server.serve().expect("serving");
///
/// Each client has a process of its own here, which uses the objects as any other process of the
/// machine: a client that waits, stalls or sends what makes no sense holds up itself alone. What it
/// holds (locks, permits, places at barriers, messages it got and has not done) comes back as that
/// of a killed process when its connection ends, within 250 ms; a lock then says owner_died. What
/// it made and gave no name is dropped then, unless it was kept.
///
/// Memory: 700 bytes for each client that there may be; in the process of each two messages of the
///         longest kind, of which is touched what is needed, and 128 locks, queues and the like
///         (`full`, if it uses more). While a client reads the items of a container, a copy.
/// Waits:  asleep. The process of a client that waits for others looks four times a second whether
///         that client is there.
/// Fork:   the server belongs to the process that made it: elsewhere its calls say wrong_process.
///         That must not be a daemon (daemon_has_children). (Posix: two processes for each client.)
/// Vanished: a client whose machine or network is gone cannot end its connection. TCP asks it: its
///         connection ends when there was no answer for a minute, or for patience() if that is
///         longer (posix: as the system is set up, two hours as a rule). One that is there and
///         says nothing is ended by idle_limit() alone.
/// Crash:  if the server is killed, the processes of its clients end within a second, and clients
///         hear end_of_stream. The objects stay, for who has the manager; a new server may take the
///         address (ListenerOptions::replace_stale()).
/// Bad input: a request that makes no sense is answered bad_argument, one that is no message of the
///         protocol bad_frame, one that is too long message_too_long (detail: how long it may be),
///         before memory is taken for it; after the last two the connection ends. Elements are
///         checked to be ones of their type: but of plain structs, their size alone.
/// Threads: one at a time. Not a signal handler.
class ManagerServer {
public:
    /// Listens at the address. The manager must outlive the server in this process.
    /// Errors: closed (no manager), wrong_process, bad_argument, no_memory; as Listener::create().
    static Result<ManagerServer> create(
        const Manager& manager, const Address& address,
        const ManagerServerOptions& options = ManagerServerOptions()) noexcept;
    /// One that listens nowhere: for connections that the caller makes, as Connection::pipe().
    static Result<ManagerServer> create(
        const Manager& manager,
        const ManagerServerOptions& options = ManagerServerOptions()) noexcept;

    ManagerServer() noexcept = default;
    ManagerServer(ManagerServer&& other) noexcept;
    ManagerServer& operator=(ManagerServer&& other) noexcept;
    /// As close().
    ~ManagerServer() noexcept { close(); }

    /// Accepts clients and starts their processes.
    /// Blocks:  until `timeout`. It sleeps, without a look in between (posix: it looks every 10 ms
    ///          while there are clients).
    /// Returns: timed_out; closed (no server, or it listens nowhere); wrong_process;
    ///          daemon_has_children; too_many_processes, too_many_files, no_memory, no_space: a
    ///          client that came was turned away, and serve() may be called again.
    Status serve(Timeout timeout = Timeout::forever()) noexcept;
    /// Serves whoever has the other end of this connection, in a process of its own, as one that
    /// came by the address. The caller closes his own copy of the other end, or hands it on.
    /// Returns: ok; full (clients_max); closed; and as serve(). The connection is closed here.
    Status serve_connection(Connection&& client) noexcept;

    /// Where it listens.
    Address address() const noexcept;
    /// How many clients it has, as of now.
    std::size_t clients() noexcept;
    /// Ends the processes of all clients, and gives the address up. Twice is fine.
    void close() noexcept;

private:
    static Result<ManagerServer> make(const Manager& manager, const Address* address,
                                      const ManagerServerOptions& options) noexcept;
    detail::ServerState* state_ = nullptr;
};

}  // namespace v0
}  // namespace brood

#endif
