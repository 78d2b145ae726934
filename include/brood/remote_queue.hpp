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

    Result<std::size_t> qsize(Timeout timeout = Timeout::forever()) const noexcept {
        detail::RemoteTold told;
        const Status done = ask({Op::queue_size, kType, timeout, 0, 0, {}, {}, {}}, told);
        if (!done.ok()) { return done.error(); }
        return static_cast<std::size_t>(told.a);
    }
    Result<bool> empty(Timeout timeout = Timeout::forever()) const noexcept {
        const Result<std::size_t> size = qsize(timeout);
        if (!size.ok()) { return size.error(); }
        return *size == 0;
    }
    /// 0: none.
    Result<std::size_t> maxsize(Timeout timeout = Timeout::forever()) const noexcept {
        detail::RemoteTold told;
        const Status done = ask({Op::queue_size, kType, timeout, 0, 0, {}, {}, {}}, told);
        if (!done.ok()) { return done.error(); }
        return static_cast<std::size_t>(told.b);
    }
    Status shutdown(Shutdown how = Shutdown::drain) const noexcept {
        const std::int64_t now = how == Shutdown::now ? 1 : 0;
        return ask({Op::queue_shutdown, kType, Timeout::forever(), now, 0, {}, {}, {}});
    }
    /// As that of the handle; this client has it not in use then.
    Status drop(Timeout timeout = Timeout::forever()) const noexcept {
        return drop_as(kType, timeout);
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
