// What clients of a ManagerServer ask for: locks, semaphores, conditions, events, barriers.
#include "manager_handler.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace wire_calls {
namespace {

/// Calls f(what can be taken and released).
template <class F>
Status with_lock(WireCall& call, F&& f) noexcept {
    const Result<ManagerView*> view = call.view();
    if (!view.ok()) { return view.error(); }
    switch (call.type.kind) {
        case ObjectKind::lock: return f((*view)->as<Lock>());
        case ObjectKind::rlock: return f((*view)->as<RLock>());
        case ObjectKind::semaphore: return f((*view)->as<Semaphore>());
        case ObjectKind::bounded_semaphore: return f((*view)->as<BoundedSemaphore>());
        case ObjectKind::condition: return f((*view)->as<Condition>());
        case ObjectKind::value:
        case ObjectKind::array: return f((*view)->as<Segment>().lock());
        default: return Errc::bad_argument;
    }
}

template <class Object, class F>
Status with(WireCall& call, F&& f) noexcept {
    const Result<ManagerView*> view = call.view();
    if (!view.ok()) { return view.error(); }
    return f((*view)->as<Object>());
}

/// A semaphore, bounded or not.
template <class F>
Status with_semaphore(WireCall& call, F&& f) noexcept {
    if (call.type.kind == ObjectKind::semaphore) { return with<Semaphore>(call, f); }
    return with<BoundedSemaphore>(call, f);
}

}  // namespace

Status acquire(WireCall& call) noexcept {
    return with_lock(call, [&](auto& lock) {
        return call.waiting([&](Timeout wait) { return lock.take(wait); });
    });
}

Status release(WireCall& call) noexcept {
    if (call.request.a < 0 || call.request.a > INT32_MAX) { return Errc::bad_argument; }
    const auto permits = static_cast<std::size_t>(call.request.a);
    const bool is_semaphore = call.type.kind == ObjectKind::semaphore ||
                              call.type.kind == ObjectKind::bounded_semaphore;
    if (is_semaphore) {
        return with_semaphore(call,
                              [&](Semaphore& semaphore) { return semaphore.release(permits); });
    }
    return with_lock(call, [&](auto& lock) { return lock.release(); });
}

Status permits(WireCall& call) noexcept {
    return with_semaphore(call, [&](const Semaphore& semaphore) -> Status {
        call.reply.a = static_cast<std::int64_t>(semaphore.value());
        return Errc::ok;
    });
}

Status notify(WireCall& call) noexcept {
    if (call.request.a < 0) { return Errc::bad_argument; }
    return with<Condition>(call, [&](Condition& condition) {
        return condition.notify(
            call.request.a > INT32_MAX ? SIZE_MAX : static_cast<std::size_t>(call.request.a));
    });
}

Status wait(WireCall& call) noexcept {
    if (call.type.kind == ObjectKind::event) {
        return with<Event>(call, [&](Event& event) {
            return call.waiting([&](Timeout wait) { return event.wait(wait); });
        });
    }
    return with<Condition>(call, [&](Condition& condition) {
        const ClientWatched watched;
        return condition.wait(call.timeout);
    });
}

Status event_set(WireCall& call) noexcept {
    return with<Event>(call, [](Event& event) { return event.set(); });
}

Status event_clear(WireCall& call) noexcept {
    return with<Event>(call, [](Event& event) { return event.clear(); });
}

Status event_is_set(WireCall& call) noexcept {
    return with<Event>(call, [&](const Event& event) -> Status {
        call.reply.a = event.is_set() ? 1 : 0;
        return Errc::ok;
    });
}

Status barrier_wait(WireCall& call) noexcept {
    return with<Barrier>(call, [&](Barrier& barrier) -> Status {
        const ClientWatched watched;
        const Result<std::size_t> came = call.request.a == 1 ? barrier.wait()
                                                             : barrier.wait(call.timeout);
        call.reply.a = static_cast<std::int64_t>(came.value_or(0));
        return came.status();
    });
}

Status barrier_abort(WireCall& call) noexcept {
    return with<Barrier>(call, [](Barrier& barrier) { return barrier.abort(); });
}

Status barrier_reset(WireCall& call) noexcept {
    return with<Barrier>(call, [](Barrier& barrier) { return barrier.reset(); });
}

Status barrier_state(WireCall& call) noexcept {
    return with<Barrier>(call, [&](const Barrier& barrier) -> Status {
        call.reply.a = static_cast<std::int64_t>(barrier.parties());
        call.reply.b = barrier.broken() ? -1 : static_cast<std::int64_t>(barrier.n_waiting());
        return Errc::ok;
    });
}

}  // namespace wire_calls
}  // namespace detail
}  // namespace v0
}  // namespace brood
