// Listener: accepts connections, as multiprocessing.connection.Listener in Python.
#ifndef BROOD_LISTENER_HPP
#define BROOD_LISTENER_HPP

#include <cstddef>
#include <cstdint>

#include <brood/address.hpp>
#include <brood/connection.hpp>
#include <brood/detail/fork_link.hpp>
#include <brood/detail/secret.hpp>
#include <brood/result.hpp>
#include <brood/this_process.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {
namespace detail {
struct Doorway;
}

/// Settings of a listener: `Listener::create(address, ListenerOptions().backlog(64))`. A value
/// outside its range makes create() return bad_argument. Holds a copy of the key, and wipes it when
/// it goes.
class ListenerOptions {
public:
    static constexpr std::uint32_t kPendingMax = 128;

    /// How many may have connected and not been accepted, 1 .. 65535; the system may allow less.
    /// Others wait, or are refused by other systems than Linux. Without it: 16 (Python: 1).
    ListenerOptions& backlog(std::uint32_t connections) noexcept {
        backlog_ = connections;
        return *this;
    }
    /// 1 to 256 bytes that clients must know: else create() returns bad_argument, size_too_large.
    /// Without it anybody is accepted who can reach the address.
    ListenerOptions& authkey(const void* key, std::size_t bytes) noexcept {
        key_.set(key, bytes);
        return *this;
    }
    ListenerOptions& authkey(const AuthKey& key) noexcept {
        return authkey(key.data(), key.size());
    }
    /// Also clients that know only MD5: Python before 3.12. See ClientOptions::allow_legacy().
    ListenerOptions& allow_legacy() noexcept {
        allow_legacy_ = true;
        return *this;
    }
    /// How long a client may take to prove that it has the key, from 1 ms to a day. Without it: 10
    /// seconds.
    ListenerOptions& handshake_timeout(Timeout timeout) noexcept {
        handshake_ = timeout;
        return *this;
    }
    /// How many clients may be about to prove it at a time, 1 .. kPendingMax: about 600 bytes each.
    /// One more, and the one that has been at it for the longest time has to go. Without it: all.
    ListenerOptions& pending_max(std::uint32_t clients) noexcept {
        pending_max_ = clients;
        return *this;
    }
    /// Takes the place of a listener that was killed and left its file. Removed is only what is a
    /// socket on which nobody listens: a connection to it is refused. Of several who try this at a
    /// time one is first, the others get address_in_use. A listener of other make, Python's too,
    /// heeds no lock: replaced by one, or caught between its bind() and listen(), it may lose its
    /// name.
    ListenerOptions& replace_stale() noexcept {
        replaces_stale_ = true;
        return *this;
    }
    /// Of the file of a unix_path, whatever the umask: who may write it may connect. Without it:
    /// 0600, the owner alone.
    ListenerOptions& mode(std::uint32_t mode) noexcept {
        mode_ = mode;
        return *this;
    }

private:
    friend struct ListenerAccess;
    std::uint32_t backlog_ = 16, pending_max_ = kPendingMax, mode_ = 0600;
    Timeout handshake_ = seconds(10);
    bool allow_legacy_ = false, replaces_stale_ = false;
    detail::Secret key_;
};

/// Waits at an address for clients, brood's Client or Python's.
///
/// Memory:  the object, a descriptor, and with a key some pages of this process, kept out of core
///          dumps and wiped at the end, for the key and for clients that have not proved yet that
///          they have it: bounded, whatever they send. No heap.
/// Fork:    a child may accept() as well, each connection goes to one of them. Clients in the
///          middle of their handshake stay with the parent. The file of a unix_path is removed by
///          close() in the process that made the listener, and only while it is this listener's.
/// Crash:   after a kill the file stays, and connecting to it is refused: see replace_stale().
/// Threads: one at a time. Not a signal handler.
class Listener {
public:
    /// Errors: address_in_use (see ListenerOptions::replace_stale()); not_found (no such folder);
    ///         not_permitted; unsupported; too_many_files; no_memory; system_error (no such address
    ///         on this machine); bad_argument, size_too_large; name_empty, name_too_long,
    ///         bad_address.
    /// Killed here: its file may be left.
    static Result<Listener> create(const Address& address,
                                   const ListenerOptions& options = ListenerOptions()) noexcept;

    Listener() noexcept = default;
    Listener(Listener&& other) noexcept;
    Listener& operator=(Listener&& other) noexcept;
    ~Listener() noexcept { close(); }

    /// The next client; with a key, the next that has proved to have it. The handshakes of several
    /// go on side by side, in here and in wait(): one that is slow, or never answers, does not hold
    /// up another. Who fails is turned away without a word to the caller (Python raises an
    /// AuthenticationError here): see refused().
    /// Blocks:  until there is one, or `timeout`.
    /// Returns: its connection; timed_out; closed; too_many_files, no_memory, no_space (others may
    ///          be accepted when some are closed); unsupported (no source of chance).
    /// Killed here: clients that were in the middle of their handshake see the end of the stream.
    Result<Connection> accept(Timeout timeout = Timeout::forever()) noexcept;

    /// Where it listens, with the port that the system chose.
    const Address& address() const noexcept { return address_; }
    /// From where the last accepted one came; of AF_UNIX most often none.
    const Address& last_accepted() const noexcept { return last_accepted_; }
    /// How many have been turned away: another key, no handshake within its time, one too many.
    std::uint64_t refused() const noexcept;
    /// How many are about to prove that they have the key.
    std::uint32_t pending() const noexcept;
    /// Readable when somebody has connected. For poll() and the like; with a key, call accept()
    /// then, and again every now and then while there are pending() ones. wait() does that itself.
    int fileno() const noexcept { return fd_; }
    bool is_open() const noexcept { return fd_ >= 0; }
    bool has_authkey() const noexcept { return doorway_ != nullptr; }
    /// Closes it in this process, and removes its file if this process made it. Twice is fine.
    void close() noexcept;

private:
    friend struct ListenerAccess;  // src/listener.cpp

    detail::ForkLink link_;
    std::int32_t fd_ = -1;
    unsigned owner_epoch_ = 0;             // the process that removes the file; 0: there is none
    std::uint64_t device_ = 0, file_ = 0;  // which file that is
    Address address_, last_accepted_;
    detail::Doorway* doorway_ = nullptr;  // with a key
};

namespace detail {
/// Whether accept() would return a client at once, having gone on with the handshakes as far as
/// that needs no wait. For wait().
bool listener_look(Listener& listener) noexcept;
}  // namespace detail

}  // namespace v0
}  // namespace brood

#endif
