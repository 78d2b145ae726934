// RemoteLock and the like: proxies of locks, semaphores, conditions, events and barriers elsewhere.
//
// A connection is one holder: what one thread acquired by it, another may release, and a second
// acquire of a Lock by the same connection is would_deadlock. When the connection ends, what it
// holds comes back, as that of a killed process: the next to acquire is told owner_died. Methods
// are, and say, those of the classes that they stand for, and also what RemoteManager has.
#ifndef BROOD_REMOTE_LOCKS_HPP
#define BROOD_REMOTE_LOCKS_HPP

#include <brood/detail/guard.hpp>
#include <brood/detail/remote.hpp>
#include <brood/handle.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// What can be taken and released.
class RemoteTaken : public RemoteObject {
public:
    RemoteTaken() noexcept = default;
    RemoteTaken(const RemoteObject& object, const ObjectType& type) noexcept
        : RemoteObject(object), type_(type) {}
    Status take(Timeout timeout = Timeout::forever()) const noexcept {
        return ask({WireOp::acquire, type_, timeout, 0, 0, {}, {}, {}});
    }
    Status release() const noexcept { return release_many(1); }

protected:
    Status release_many(std::size_t permits) const noexcept {
        return ask({WireOp::release,
                    type_,
                    Timeout::forever(),
                    static_cast<std::int64_t>(permits),
                    0,
                    {},
                    {},
                    {}});
    }
    /// What one number tells.
    Result<std::int64_t> number(WireOp op, Timeout timeout = Timeout::forever()) const noexcept {
        RemoteTold told;
        const Status done = ask({op, type_, timeout, 0, 0, {}, {}, {}}, told);
        if (!done.ok()) { return done.error(); }
        return told.a;
    }
    ObjectType type_;
};

template <class Object>
class RemoteTakenAs : public RemoteTaken {
public:
    static constexpr ObjectType kType = Handle<Object>::kType;
    RemoteTakenAs() noexcept = default;
    explicit RemoteTakenAs(const RemoteObject& object) noexcept : RemoteTaken(object, kType) {}
    Handle<Object> handle() const noexcept { return Handle<Object>(managed()); }
};

}  // namespace detail

class RemoteLock : public detail::RemoteTakenAs<Lock> {
public:
    using RemoteTakenAs::RemoteTakenAs;
    /// Takes it for a scope.
    detail::Guard<RemoteLock> acquire(Timeout timeout = Timeout::forever()) noexcept {
        return {this, take(timeout)};
    }
    /// The lock of a value, or of an array, which is no object of its own.
    RemoteLock(const detail::RemoteObject& object, const detail::ObjectType& type) noexcept
        : RemoteTakenAs(object) {
        type_ = type;
    }
};

class RemoteRLock : public detail::RemoteTakenAs<RLock> {
public:
    using RemoteTakenAs::RemoteTakenAs;
    /// Takes it for a scope.
    detail::Guard<RemoteRLock> acquire(Timeout timeout = Timeout::forever()) noexcept {
        return {this, take(timeout)};
    }
};

class RemoteSemaphore : public detail::RemoteTakenAs<Semaphore> {
public:
    using RemoteTakenAs::RemoteTakenAs;
    /// Takes it for a scope.
    detail::Guard<RemoteSemaphore> acquire(Timeout timeout = Timeout::forever()) noexcept {
        return {this, take(timeout)};
    }
    Status try_take() const noexcept { return take(Timeout::no_wait()); }
    Status release(std::size_t permits = 1) const noexcept { return release_many(permits); }
    Result<std::int64_t> value() const noexcept { return number(detail::WireOp::permits); }
};

class RemoteBoundedSemaphore : public detail::RemoteTakenAs<BoundedSemaphore> {
public:
    using RemoteTakenAs::RemoteTakenAs;
    detail::Guard<RemoteBoundedSemaphore> acquire(Timeout timeout = Timeout::forever()) noexcept {
        return {this, take(timeout)};
    }
    Status try_take() const noexcept { return take(Timeout::no_wait()); }
    Status release(std::size_t permits = 1) const noexcept { return release_many(permits); }
    Result<std::int64_t> value() const noexcept { return number(detail::WireOp::permits); }
};

class RemoteCondition : public detail::RemoteTakenAs<Condition> {
public:
    using RemoteTakenAs::RemoteTakenAs;
    /// Takes it for a scope.
    detail::Guard<RemoteCondition> acquire(Timeout timeout = Timeout::forever()) noexcept {
        return {this, take(timeout)};
    }
    Status wait(Timeout timeout = Timeout::forever()) const noexcept {
        return ask({detail::WireOp::wait, kType, timeout, 0, 0, {}, {}, {}});
    }
    /// As Condition's; the predicate is called here, between questions: it may ask the same server.
    /// Who does not hold the lock is told so (not_owner) when he has to wait.
    template <class Predicate>
    Status wait_for(Predicate predicate, Timeout timeout = Timeout::forever()) const noexcept {
        const auto ask_it = [](void* of) noexcept {
            return bool((*static_cast<Predicate*>(of))());
        };
        return wait_until(ask_it, &predicate, timeout);
    }
    Status notify(std::size_t count = 1) const noexcept {
        const auto most = static_cast<std::size_t>(INT32_MAX);
        const auto told = static_cast<std::int64_t>(count < most ? count : most);
        return ask({detail::WireOp::notify, kType, Timeout::forever(), told, 0, {}, {}, {}});
    }
    Status notify_all() const noexcept { return notify(SIZE_MAX); }

private:
    Status wait_until(bool (*is_true)(void*) noexcept, void* of, Timeout timeout) const noexcept;
};

class RemoteEvent : public detail::RemoteObject {
    using Op = detail::WireOp;

public:
    static constexpr detail::ObjectType kType = Handle<Event>::kType;
    RemoteEvent() noexcept = default;
    explicit RemoteEvent(const detail::RemoteObject& object) noexcept
        : detail::RemoteObject(object) {}
    Handle<Event> handle() const noexcept { return Handle<Event>(managed()); }
    Status set() const noexcept { return ask_for(Op::event_set, Timeout::forever()).status(); }
    Status clear() const noexcept { return ask_for(Op::event_clear, Timeout::forever()).status(); }
    Result<bool> is_set() const noexcept {
        const Result<std::int64_t> told = ask_for(Op::event_is_set, Timeout::forever());
        if (!told.ok()) { return told.error(); }
        return *told != 0;
    }
    Status wait(Timeout timeout = Timeout::forever()) const noexcept {
        return ask_for(Op::wait, timeout).status();
    }

private:
    Result<std::int64_t> ask_for(Op op, Timeout timeout) const noexcept {
        detail::RemoteTold told;
        const Status done = ask({op, kType, timeout, 0, 0, {}, {}, {}}, told);
        if (!done.ok()) { return done.error(); }
        return told.a;
    }
};

class RemoteBarrier : public detail::RemoteObject {
    using Op = detail::WireOp;

public:
    /// As of one moment.
    struct State {
        std::size_t parties = 0, n_waiting = 0;
        bool broken = false;
    };
    static constexpr detail::ObjectType kType = Handle<Barrier>::kType;
    RemoteBarrier() noexcept = default;
    explicit RemoteBarrier(const detail::RemoteObject& object) noexcept
        : detail::RemoteObject(object) {}
    Handle<Barrier> handle() const noexcept { return Handle<Barrier>(managed()); }
    Result<std::size_t> wait(Timeout timeout) const noexcept { return wait_for(timeout, 0); }
    Result<std::size_t> wait() const noexcept { return wait_for(Timeout::forever(), 1); }
    Status abort() const noexcept {
        return ask({Op::barrier_abort, kType, Timeout::forever(), 0, 0, {}, {}, {}});
    }
    Status reset() const noexcept {
        return ask({Op::barrier_reset, kType, Timeout::forever(), 0, 0, {}, {}, {}});
    }
    Result<State> state() const noexcept {
        detail::RemoteTold told;
        const Status done =
            ask({Op::barrier_state, kType, Timeout::forever(), 0, 0, {}, {}, {}}, told);
        if (!done.ok()) { return done.error(); }
        const bool is_broken = told.b < 0;
        return State{static_cast<std::size_t>(told.a),
                     is_broken ? 0 : static_cast<std::size_t>(told.b), is_broken};
    }

private:
    Result<std::size_t> wait_for(Timeout timeout, std::int64_t has_own) const noexcept {
        detail::RemoteTold told;
        const Status done = ask({Op::barrier_wait, kType, timeout, has_own, 0, {}, {}, {}}, told);
        if (!done.ok()) { return done.error(); }
        return static_cast<std::size_t>(told.a);
    }
};

}  // namespace v0
}  // namespace brood

#endif
