// RemoteValue<T>, RemoteArray<T>: proxies of values and arrays in a manager elsewhere.
#ifndef BROOD_REMOTE_VALUE_HPP
#define BROOD_REMOTE_VALUE_HPP

#include <brood/remote_locks.hpp>

namespace brood {
inline namespace v0 {

/// What a Value and an Array have in common elsewhere: `count` elements from `first` on are read
/// and written at a time. Of numbers no reader sees one half written; of others, take lock().
/// Each call also says: out_of_range; message_too_long (detail: how many bytes a message may have);
/// what RemoteManager has.
template <class T, class Object>
class BasicRemoteElements : public detail::RemoteObject {
    using Op = detail::WireOp;

public:
    using value_type = T;
    static constexpr detail::ObjectType kType = Handle<Object>::kType;

    BasicRemoteElements() noexcept = default;
    explicit BasicRemoteElements(const detail::RemoteObject& object) noexcept
        : detail::RemoteObject(object) {}
    Handle<Object> handle() const noexcept { return Handle<Object>(managed()); }
    /// The lock beside it.
    RemoteLock lock() const noexcept { return RemoteLock(*this, kType); }

protected:
    Status read_elements(std::size_t first, T* to, std::size_t count,
                         Timeout timeout) const noexcept {
        detail::RemoteTold told;
        told.value = to;
        told.value_bytes = count * sizeof(T);
        const Status done = ask({Op::elements_read,
                                 kType,
                                 timeout,
                                 static_cast<std::int64_t>(first),
                                 static_cast<std::int64_t>(count),
                                 {},
                                 {},
                                 {}},
                                told);
        const bool is_short = done.ok() && told.value_bytes != count * sizeof(T);
        return is_short ? Status(Errc::bad_frame) : done;
    }
    Status write_elements(std::size_t first, const T* from, std::size_t count,
                          Timeout timeout) const noexcept {
        return ask({Op::elements_write,
                    kType,
                    timeout,
                    static_cast<std::int64_t>(first),
                    0,
                    {},
                    {from, count * sizeof(T)},
                    {}});
    }
    Result<T> add_to(std::size_t index, T amount, Timeout timeout) const noexcept {
        static_assert(std::is_integral_v<T>, "fetch_add() is for integers: use with_lock()");
        detail::RemoteTold told;
        const Status done = ask({Op::elements_add,
                                 kType,
                                 timeout,
                                 static_cast<std::int64_t>(index),
                                 static_cast<std::int64_t>(amount),
                                 {},
                                 {},
                                 {}},
                                told);
        if (!done.ok()) { return done.error(); }
        return static_cast<T>(told.a);
    }
    Result<std::size_t> count_elements(Timeout timeout) const noexcept {
        detail::RemoteTold told;
        const Status done = ask({Op::elements_count, kType, timeout, 0, 0, {}, {}, {}}, told);
        if (!done.ok()) { return done.error(); }
        return static_cast<std::size_t>(told.a);
    }
};

template <class T>
class RemoteValue : public BasicRemoteElements<T, Value<T>> {
    using Base = BasicRemoteElements<T, Value<T>>;

public:
    using Base::Base;
    Result<T> load(Timeout timeout = Timeout::forever()) const noexcept {
        return Result<T>::filled_by([&](void* value) {
            return this->read_elements(0, static_cast<T*>(value), 1, timeout);
        });
    }
    Status store(const T& desired, Timeout timeout = Timeout::forever()) const noexcept {
        return this->write_elements(0, &desired, 1, timeout);
    }
    /// One step. Also says: unsupported (more than a machine word of the server's).
    Result<T> fetch_add(T amount, Timeout timeout = Timeout::forever()) const noexcept {
        return this->add_to(0, amount, timeout);
    }
    /// Calls f(T&) with the lock held, and stores what f makes of the value. Returns: ok and
    /// owner_died mean that this was done. A client that stalls in f holds the lock.
    template <class F>
    Status with_lock(F&& f, Timeout timeout = Timeout::forever()) const noexcept {
        RemoteLock lock = this->lock();
        const auto hold = lock.acquire(timeout);
        if (!hold) { return hold.status(); }
        Result<T> value = load();
        if (!value.ok()) { return value.status(); }
        f(*value);
        const Status stored = store(*value);
        return stored.ok() ? hold.status() : stored;
    }
};

template <class T>
class RemoteArray : public BasicRemoteElements<T, Array<T>> {
    using Base = BasicRemoteElements<T, Array<T>>;

public:
    using Base::Base;
    Result<std::size_t> size(Timeout timeout = Timeout::forever()) const noexcept {
        return this->count_elements(timeout);
    }
    Result<T> get(std::size_t index, Timeout timeout = Timeout::forever()) const noexcept {
        return Result<T>::filled_by([&](void* value) {
            return this->read_elements(index, static_cast<T*>(value), 1, timeout);
        });
    }
    Status set(std::size_t index, const T& value,
               Timeout timeout = Timeout::forever()) const noexcept {
        return this->write_elements(index, &value, 1, timeout);
    }
    /// Several, from `first` on, to where the caller wants them.
    Status read(std::size_t first, T* to, std::size_t count,
                Timeout timeout = Timeout::forever()) const noexcept {
        return this->read_elements(first, to, count, timeout);
    }
    Status write(std::size_t first, const T* from, std::size_t count,
                 Timeout timeout = Timeout::forever()) const noexcept {
        return this->write_elements(first, from, count, timeout);
    }
    Result<T> fetch_add(std::size_t index, T amount,
                        Timeout timeout = Timeout::forever()) const noexcept {
        return this->add_to(index, amount, timeout);
    }
};

}  // namespace v0
}  // namespace brood

#endif
