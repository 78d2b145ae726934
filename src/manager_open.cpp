// Opening the locks, queues and values of a manager.
#include <brood/handle.hpp>

#include "arena_objects.hpp"
#include "barrier_access.hpp"
#include "condition_access.hpp"
#include "deadline.hpp"
#include "event_access.hpp"
#include "lock_access.hpp"
#include "ring_access.hpp"
#include "rlock_access.hpp"
#include "segment_access.hpp"
#include "semaphore_access.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// A view of an object's block, made with the object held, so that it is not being dropped.
template <class Fits, class View>
auto view_of(const ManagedHandle& handle, const ObjectType& type, Timeout timeout, Fits fits,
             View view) noexcept -> Result<decltype(view(std::declval<const Arena&>(), nullptr))> {
    const HeldObject held(handle, type, timeout);
    if (!held.status().ok()) { return held.status().error(); }
    std::size_t bytes = 0;
    void* const block = held.block(bytes);
    if (block == nullptr || !fits(block, bytes)) { return Errc::corrupt; }
    return view(held.arena(), block);
}

/// Of those that have one size.
template <class Access>
bool has_size(void*, std::size_t bytes) noexcept {
    return bytes >= Access::bytes();
}

}  // namespace

template <>
Result<Lock> open_managed<Lock>(const ManagedHandle& handle, Timeout timeout) noexcept {
    return view_of(handle, Handle<Lock>::kType, timeout, &has_size<LockAccess>,
                   [](const Arena&, void* block) { return LockAccess::view(block); });
}

template <>
Result<RLock> open_managed<RLock>(const ManagedHandle& handle, Timeout timeout) noexcept {
    return view_of(handle, Handle<RLock>::kType, timeout, &has_size<RLockAccess>,
                   [](const Arena&, void* block) { return RLockAccess::view(block); });
}

template <>
Result<Semaphore> open_managed<Semaphore>(const ManagedHandle& handle, Timeout timeout) noexcept {
    return view_of(handle, Handle<Semaphore>::kType, timeout, &SemaphoreAccess::fits,
                   [](const Arena&, void* block) { return SemaphoreAccess::view(block); });
}

template <>
Result<BoundedSemaphore> open_managed<BoundedSemaphore>(const ManagedHandle& handle,
                                                        Timeout timeout) noexcept {
    return view_of(handle, Handle<BoundedSemaphore>::kType, timeout, &SemaphoreAccess::fits,
                   [](const Arena&, void* block) { return SemaphoreAccess::view_bounded(block); });
}

template <>
Result<Condition> open_managed<Condition>(const ManagedHandle& handle, Timeout timeout) noexcept {
    return view_of(handle, Handle<Condition>::kType, timeout, &ConditionAccess::fits,
                   [](const Arena&, void* block) { return ConditionAccess::view(block); });
}

template <>
Result<Event> open_managed<Event>(const ManagedHandle& handle, Timeout timeout) noexcept {
    return view_of(handle, Handle<Event>::kType, timeout, &has_size<EventAccess>,
                   [](const Arena&, void* block) { return EventAccess::view(block); });
}

template <>
Result<Barrier> open_managed<Barrier>(const ManagedHandle& handle, Timeout timeout) noexcept {
    return view_of(handle, Handle<Barrier>::kType, timeout, &BarrierAccess::fits,
                   [](const Arena&, void* block) { return BarrierAccess::view(block); });
}

Result<Segment> open_managed_segment(const ManagedHandle& handle, const ObjectType& type,
                                     Timeout timeout) noexcept {
    const SegmentType wanted = {
        type.kind == ObjectKind::value ? SegmentKind::value : SegmentKind::array, type.elements[1],
        0};
    return view_of(
        handle, type, timeout,
        [&](void* block, std::size_t bytes) { return SegmentAccess::fits(block, bytes, wanted); },
        [](const Arena&, void* block) { return SegmentAccess::view(block); });
}

Result<RingHandle> open_managed_ring(const ManagedHandle& handle, const ObjectType& type,
                                     Timeout timeout) noexcept {
    const bool is_joinable = type.kind == ObjectKind::joinable_queue;
    return view_of(
        handle, type, timeout,
        [&](void* block, std::size_t bytes) {
            return RingAccess::fits(block, bytes, is_joinable, type.elements[1]);
        },
        [is_joinable](const Arena& arena, void* block) {
            return RingAccess::view(block, is_joinable, arena.members);
        });
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
