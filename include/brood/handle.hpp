// Handle<Object>: names a lock, a queue, a value... of a Manager.
#ifndef BROOD_HANDLE_HPP
#define BROOD_HANDLE_HPP

#include <brood/array.hpp>
#include <brood/barrier.hpp>
#include <brood/condition.hpp>
#include <brood/detail/managed.hpp>
#include <brood/detail/shell_access.hpp>
#include <brood/event.hpp>
#include <brood/joinable_queue.hpp>
#include <brood/lock.hpp>
#include <brood/queue.hpp>
#include <brood/rlock.hpp>
#include <brood/semaphore.hpp>
#include <brood/value.hpp>

namespace brood {
inline namespace v0 {

namespace detail {

/// An object as it lies in this process's mapping of its manager. Errors: as Handle::open().
template <class Object>
Result<Object> open_managed(const ManagedHandle& handle, Timeout timeout) noexcept;
template <>
Result<Lock> open_managed<Lock>(const ManagedHandle& handle, Timeout timeout) noexcept;
template <>
Result<RLock> open_managed<RLock>(const ManagedHandle& handle, Timeout timeout) noexcept;
template <>
Result<Semaphore> open_managed<Semaphore>(const ManagedHandle& handle, Timeout timeout) noexcept;
template <>
Result<BoundedSemaphore> open_managed<BoundedSemaphore>(const ManagedHandle& handle,
                                                        Timeout timeout) noexcept;
template <>
Result<Condition> open_managed<Condition>(const ManagedHandle& handle, Timeout timeout) noexcept;
template <>
Result<Event> open_managed<Event>(const ManagedHandle& handle, Timeout timeout) noexcept;
template <>
Result<Barrier> open_managed<Barrier>(const ManagedHandle& handle, Timeout timeout) noexcept;
Result<Segment> open_managed_segment(const ManagedHandle& handle, const ObjectType& type,
                                     Timeout timeout) noexcept;
Result<RingHandle> open_managed_ring(const ManagedHandle& handle, const ObjectType& type,
                                     Timeout timeout) noexcept;

template <class T>
constexpr ObjectType managed_type_of(ObjectKind kind) noexcept {
    return {kind, {Element<T>::type(), static_cast<std::uint32_t>(sizeof(T))}};
}

template <class Object>
struct Managed;
template <ObjectKind kKind, class Object>
struct ManagedPlain {
    static constexpr ObjectType kType = {kKind, {0, 0}};
    static Result<Object> open(const ManagedHandle& handle, Timeout timeout) noexcept {
        return open_managed<Object>(handle, timeout);
    }
};
template <>
struct Managed<Lock> : ManagedPlain<ObjectKind::lock, Lock> {};
template <>
struct Managed<RLock> : ManagedPlain<ObjectKind::rlock, RLock> {};
template <>
struct Managed<Semaphore> : ManagedPlain<ObjectKind::semaphore, Semaphore> {};
template <>
struct Managed<BoundedSemaphore> : ManagedPlain<ObjectKind::bounded_semaphore, BoundedSemaphore> {};
template <>
struct Managed<Condition> : ManagedPlain<ObjectKind::condition, Condition> {};
template <>
struct Managed<Event> : ManagedPlain<ObjectKind::event, Event> {};
template <>
struct Managed<Barrier> : ManagedPlain<ObjectKind::barrier, Barrier> {};

template <ObjectKind kKind, class Shell, class T>
struct ManagedSegment {
    static constexpr ObjectType kType = managed_type_of<T>(kKind);
    static Result<Shell> open(const ManagedHandle& handle, Timeout timeout) noexcept {
        Result<Segment> segment = open_managed_segment(handle, kType, timeout);
        if (!segment.ok()) { return segment.error(); }
        return ShellAccess::around<Shell>(std::move(*segment));
    }
};
template <class T>
struct Managed<Value<T>> : ManagedSegment<ObjectKind::value, Value<T>, T> {};
template <class T>
struct Managed<Array<T>> : ManagedSegment<ObjectKind::array, Array<T>, T> {};

template <ObjectKind kKind, class Shell, class T>
struct ManagedRing {
    static constexpr ObjectType kType = managed_type_of<T>(kKind);
    static Result<Shell> open(const ManagedHandle& handle, Timeout timeout) noexcept {
        Result<RingHandle> ring = open_managed_ring(handle, kType, timeout);
        if (!ring.ok()) { return ring.error(); }
        return ShellAccess::around<Shell>(std::move(*ring));
    }
};
template <class T>
struct Managed<Queue<T>> : ManagedRing<ObjectKind::queue, Queue<T>, T> {};
template <class T>
struct Managed<JoinableQueue<T>> : ManagedRing<ObjectKind::joinable_queue, JoinableQueue<T>, T> {};

}  // namespace detail

/// Names an object of a manager: `Handle<Lock>`, `Handle<Queue<int>>`. It is trivially copyable,
/// and may travel through queues, pipes, tasks and other objects of the manager.
///
///     auto handle = manager.lock().expect("making a lock");
///     Process worker([=] {
///         Lock lock = handle.open().expect("opening the lock");
///         Locked hold = lock.acquire();
///         ...
template <class Object>
class Handle : public detail::ManagedHandle {
public:
    static constexpr detail::ObjectType kType = detail::Managed<Object>::kType;

    Handle() noexcept = default;
    explicit Handle(const detail::ManagedHandle& handle) noexcept : detail::ManagedHandle(handle) {}

    /// An ordinary Object, which lies in the manager: it does what one does that was made by
    /// create(). Open one in each process, or open it before fork(). Its end releases what the
    /// caller holds by it, and nothing else; it must not outlive the manager in this process. What
    /// it is used for after the object was dropped goes nowhere, or to another of its like.
    /// Blocks:  while another is about to drop it, until `timeout`.
    /// Errors: closed (it is gone), type_mismatch, wrong_process (this process has not its
    /// manager), timed_out, corrupt.
    Result<Object> open(Timeout timeout = Timeout::forever()) const noexcept {
        return detail::Managed<Object>::open(*this, timeout);
    }
};

}  // namespace v0
}  // namespace brood

#endif
