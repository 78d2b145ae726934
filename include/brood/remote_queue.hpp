// RemoteQueue<T>, RemoteJoinableQueue<T>: proxies of queues in a manager elsewhere.
#ifndef BROOD_REMOTE_QUEUE_HPP
#define BROOD_REMOTE_QUEUE_HPP

#include <brood/detail/remote.hpp>
#include <brood/handle.hpp>

namespace brood {
inline namespace v0 {

/// What Queue<T> and JoinableQueue<T> have in common elsewhere. The server's process for this
/// client is the one who puts and gets: what it had got last when the connection ended, other than
/// by RemoteManager::close(), is lost(), or abandoned.
///
/// There is no producers() here: no queue of a manager has it (unsupported), since whom it counts
/// is known in a page that those share who were forked after it was called. There is no close(): a
/// producer that nobody waits for just ends.
template <class T, class Object>
class BasicRemoteQueue : public detail::RemoteObject {
protected:
    using Op = detail::WireOp;

public:
    using value_type = T;
    static constexpr detail::ObjectType kType = Handle<Object>::kType;

    BasicRemoteQueue() noexcept = default;
    explicit BasicRemoteQueue(const detail::RemoteObject& object) noexcept
        : detail::RemoteObject(object) {}
    Handle<Object> handle() const noexcept { return Handle<Object>(managed()); }

    /// As Queue's. Also says: bad_argument (a Text<N> without its end).
    Status put(const T& message, Timeout timeout = Timeout::forever()) const noexcept {
        return ask({Op::queue_put, kType, timeout, 0, 0, {}, {&message, sizeof(T)}, {}});
    }
    Status put_nowait(const T& message) const noexcept { return put(message, Timeout::no_wait()); }
    /// As Queue's. If the connection ends meanwhile, the message may be lost.
    Result<T> get(Timeout timeout = Timeout::forever()) const noexcept {
        return Result<T>::filled_by([&](void* message) -> Status {
            detail::RemoteTold told;
            told.value = message;
            told.value_bytes = sizeof(T);
            const Status done = ask({Op::queue_get, kType, timeout, 0, 0, {}, {}, {}}, told);
            return done.ok() && told.value_bytes != sizeof(T) ? Status(Errc::bad_frame) : done;
        });
    }
    Result<T> get_nowait() const noexcept { return get(Timeout::no_wait()); }

    /// As Queue's, of as many at most as fit into a message of the server's: how many. Also says:
    /// message_too_long (not even one does); bad_argument (of any of those).
    Result<std::size_t> put_many(const T* messages, std::size_t count,
                                 Timeout timeout = Timeout::forever()) const noexcept {
        const std::size_t bytes = fitting(count, sizeof(T)) * sizeof(T);
        detail::RemoteTold told;
        const Status done =
            ask({Op::queue_put_many, kType, timeout, 0, 0, {}, {messages, bytes}, {}}, told);
        return moved(done, told, bytes);
    }
    /// The same. If the connection ends meanwhile, all that it got may be lost.
    Result<std::size_t> get_many(T* messages, std::size_t count,
                                 Timeout timeout = Timeout::forever()) const noexcept {
        const auto most = static_cast<std::int64_t>(count);
        detail::RemoteTold told;
        told.value = messages;
        told.value_bytes = count * sizeof(T);
        const Status done = ask({Op::queue_get_many, kType, timeout, 0, most, {}, {}, {}}, told);
        return moved(done, told, told.value_bytes);
    }

    Result<std::size_t> qsize(Timeout timeout = Timeout::forever()) const noexcept {
        const Result<detail::RemoteTold> told = told_by(Op::queue_size, timeout);
        if (!told.ok()) { return told.error(); }
        return static_cast<std::size_t>(told->a);
    }
    Result<bool> empty(Timeout timeout = Timeout::forever()) const noexcept {
        const Result<std::size_t> size = qsize(timeout);
        if (!size.ok()) { return size.error(); }
        return *size == 0;
    }
    Result<bool> full(Timeout timeout = Timeout::forever()) const noexcept {
        const Result<detail::RemoteTold> told = told_by(Op::queue_size, timeout);
        if (!told.ok()) { return told.error(); }
        return told->b != 0 && told->a >= told->b;
    }
    /// 0: none.
    Result<std::size_t> maxsize(Timeout timeout = Timeout::forever()) const noexcept {
        const Result<detail::RemoteTold> told = told_by(Op::queue_size, timeout);
        if (!told.ok()) { return told.error(); }
        return static_cast<std::size_t>(told->b);
    }
    /// As Queue's, of whoever got it, by a connection or with the manager.
    Result<std::size_t> lost(Timeout timeout = Timeout::forever()) const noexcept {
        const Result<detail::RemoteTold> told = told_by(Op::queue_lost, timeout);
        if (!told.ok()) { return told.error(); }
        return static_cast<std::size_t>(told->a);
    }
    Status shutdown(Shutdown how = Shutdown::drain) const noexcept {
        const std::int64_t now = how == Shutdown::now ? 1 : 0;
        return ask({Op::queue_shutdown, kType, Timeout::forever(), now, 0, {}, {}, {}});
    }
    /// As that of the handle; this client has it not in use then.
    Status drop(Timeout timeout = Timeout::forever()) const noexcept {
        return drop_as(kType, timeout);
    }

private:
    Result<detail::RemoteTold> told_by(Op op, Timeout timeout) const noexcept {
        detail::RemoteTold told;
        const Status done = ask({op, kType, timeout, 0, 0, {}, {}, {}}, told);
        if (!done.ok()) { return done.error(); }
        return told;
    }
    /// How many messages went in or out, of `bytes` at most.
    static Result<std::size_t> moved(const Status& done, const detail::RemoteTold& told,
                                     std::size_t bytes) noexcept {
        if (!done.ok()) { return done.error(); }
        const std::uint64_t most = bytes / sizeof(T);
        if (told.a < 0 || static_cast<std::uint64_t>(told.a) > most) { return Errc::bad_frame; }
        return static_cast<std::size_t>(told.a);
    }
};

template <class T>
class RemoteQueue : public BasicRemoteQueue<T, Queue<T>> {
public:
    using BasicRemoteQueue<T, Queue<T>>::BasicRemoteQueue;
};

template <class T>
class RemoteJoinableQueue : public BasicRemoteQueue<T, JoinableQueue<T>> {
    using Base = BasicRemoteQueue<T, JoinableQueue<T>>;
    using Op = detail::WireOp;

public:
    using Base::Base;
    /// As JoinableQueue's.
    Status task_done() const noexcept {
        return this->ask({Op::task_done, Base::kType, Timeout::forever(), 0, 0, {}, {}, {}});
    }
    Status join(Timeout timeout = Timeout::forever()) const noexcept {
        return this->ask({Op::join, Base::kType, timeout, 0, 0, {}, {}, {}});
    }
};

}  // namespace v0
}  // namespace brood

#endif
