// RemoteManager: a client of a ManagerServer, with proxies of its objects.
#ifndef BROOD_REMOTE_MANAGER_HPP
#define BROOD_REMOTE_MANAGER_HPP

#include <brood/address.hpp>
#include <brood/client.hpp>
#include <brood/connection.hpp>
#include <brood/manager.hpp>
#include <brood/remote_dict.hpp>
#include <brood/remote_list.hpp>
#include <brood/remote_locks.hpp>
#include <brood/remote_queue.hpp>
#include <brood/remote_value.hpp>

namespace brood {
inline namespace v0 {

/// The objects of a Manager that a ManagerServer offers, as proxies with the same methods:
///
///     RemoteManager remote = RemoteManager::connect(address, ClientOptions().authkey("secret", 6))
///                                .expect("connecting");
///     auto counts = remote.find<RemoteDict<Text<16>, int>>("counts").expect("finding");
///     counts.update("apples", [](int& n) { ++n; }).expect("counting");
///
/// Every call may say, beside what its object's does: end_of_stream, peer_died (the server has
///         ended, or turned us away, or its machine did not answer for a minute; posix: for as long
///         as TCP is set to), stalled (it does not answer, or not until 10 s after the
///         timeout: what was asked may have happened), bad_frame (it is no such server): the
///         connection is over then, and each later call says the same; closed (after close());
///         wrong_process (a child of the process that connected); message_too_long (detail: how
///         many bytes a message may have; nothing has happened); full (this connection uses 128
///         locks, queues and the like).
/// Blocks:  with a timeout, not longer than that and 10 s. One call at a time: those of other
///         threads wait for one that waits, in forever() too. A thread that waits for what another
///         one does has a RemoteManager of its own.
/// Memory: two messages of the server's longest kind, touched as far as needed. No heap.
/// Fork:   not for a child: it has no connection, and does not keep this one open.
/// Crash:  see ManagerServer: what this process held comes back.
/// Threads: any number, one after the other. The RemoteManager outlives its proxies' use.
class RemoteManager {
public:
    /// Connects to a ManagerServer. Errors: as Client::connect(); version_mismatch; unsupported
    /// (its numbers lie in memory in another byte order); bad_frame (no such server); no_memory.
    static Result<RemoteManager> connect(const Address& address,
                                         const ClientOptions& options = ClientOptions(),
                                         Timeout timeout = Timeout::forever()) noexcept;
    /// One by a connection that the caller has made: see ManagerServer::serve_connection().
    static Result<RemoteManager> over(Connection&& connection,
                                      Timeout timeout = Timeout::forever()) noexcept;

    RemoteManager() noexcept = default;
    RemoteManager(RemoteManager&& other) noexcept : link_(std::exchange(other.link_, nullptr)) {}
    RemoteManager& operator=(RemoteManager&& other) noexcept {
        std::swap(link_, other.link_);
        return *this;
    }
    ~RemoteManager() noexcept { close(); }
    /// Releases what is held by this connection, and ends it. Blocks: a second at most.
    void close() noexcept;

    /// The object of that name: `remote.find<RemoteDict<int, int>>("squares")`. Errors: as
    /// Manager::find().
    template <class Remote>
    Result<Remote> find(const char* name, Timeout timeout = Timeout::forever()) const noexcept {
        return made<Remote>(detail::WireOp::find, name, 0, 0, {}, timeout);
    }
    /// The proxy of what a handle names, which came out of a container or a queue:
    /// `remote.open<RemoteLock>(handle)`. It asks nobody.
    template <class Remote>
    Remote open(const detail::ManagedHandle& handle) const noexcept {
        return Remote(detail::RemoteObject{link_, handle.entry, handle.generation});
    }

    /// These make objects, as Manager's: one without a name goes when the connection ends, unless
    /// keep() was called or its handle was stored in another object.
    template <class K, class V>
    Result<RemoteDict<K, V>> dict(const char* name = "") const noexcept {
        return made<RemoteDict<K, V>>(detail::WireOp::make, name);
    }
    template <class T>
    Result<RemoteList<T>> list(const char* name = "") const noexcept {
        return made<RemoteList<T>>(detail::WireOp::make, name);
    }
    Result<RemoteNamespace> name_space(const char* name = "") const noexcept {
        return made<RemoteNamespace>(detail::WireOp::make, name);
    }
    template <class T>
    Result<RemoteQueue<T>> queue(std::size_t maxsize = 0, const char* name = "") const noexcept {
        return made<RemoteQueue<T>>(detail::WireOp::make, name, maxsize);
    }
    template <class T>
    Result<RemoteJoinableQueue<T>> joinable_queue(std::size_t maxsize = 0,
                                                  const char* name = "") const noexcept {
        return made<RemoteJoinableQueue<T>>(detail::WireOp::make, name, maxsize);
    }
    template <class T>
    Result<RemoteValue<T>> value(const T& initial = T(), const char* name = "") const noexcept {
        return made<RemoteValue<T>>(detail::WireOp::make, name, 0, 0, {&initial, sizeof(T)});
    }
    template <class T>
    Result<RemoteArray<T>> array(std::size_t count, const char* name = "") const noexcept {
        return made<RemoteArray<T>>(detail::WireOp::make, name, count);
    }
    Result<RemoteLock> lock(const char* name = "") const noexcept {
        return made<RemoteLock>(detail::WireOp::make, name);
    }
    Result<RemoteRLock> rlock(const char* name = "") const noexcept {
        return made<RemoteRLock>(detail::WireOp::make, name);
    }
    Result<RemoteSemaphore> semaphore(std::size_t permits, const char* name = "") const noexcept {
        return made<RemoteSemaphore>(detail::WireOp::make, name, permits);
    }
    Result<RemoteBoundedSemaphore> bounded_semaphore(std::size_t permits,
                                                     const char* name = "") const noexcept {
        return made<RemoteBoundedSemaphore>(detail::WireOp::make, name, permits);
    }
    Result<RemoteCondition> condition(std::size_t waiters = Condition::kWaitersMax,
                                      const char* name = "") const noexcept {
        return made<RemoteCondition>(detail::WireOp::make, name, waiters);
    }
    Result<RemoteEvent> event(const char* name = "") const noexcept {
        return made<RemoteEvent>(detail::WireOp::make, name);
    }
    Result<RemoteBarrier> barrier(std::size_t parties, Timeout timeout = Timeout::forever(),
                                  const char* name = "") const noexcept;

    Result<ManagerStats> stats(Timeout timeout = Timeout::forever()) const noexcept;
    bool is_open() const noexcept { return link_ != nullptr; }

private:
    template <class Remote>
    Result<Remote> made(detail::WireOp op, const char* name, std::size_t a = 0, std::int64_t b = 0,
                        const detail::RemoteBytes& value = {},
                        Timeout timeout = Timeout::forever()) const noexcept {
        const std::uint64_t most = INT64_MAX, wide = a;
        const auto count = static_cast<std::int64_t>(wide < most ? wide : most);
        const Result<detail::RemoteObject> object =
            ask_for(op, name, Remote::kType, count, b, value, timeout);
        if (!object.ok()) { return object.error(); }
        return Remote(*object);
    }
    Result<detail::RemoteObject> ask_for(detail::WireOp op, const char* name,
                                         const detail::ObjectType& type, std::int64_t a,
                                         std::int64_t b, const detail::RemoteBytes& value,
                                         Timeout timeout) const noexcept;
    detail::RemoteLink* link_ = nullptr;
};

}  // namespace v0
}  // namespace brood

#endif
