// The locks, queues and values of a manager.
#include <brood/handle.hpp>
#include <brood/manager.hpp>

#include "arena_dict.hpp"
#include "arena_list.hpp"
#include "barrier_access.hpp"
#include "condition_access.hpp"
#include "deadline.hpp"
#include "event_access.hpp"
#include "lock_access.hpp"
#include "ring_access.hpp"
#include "rlock_access.hpp"
#include "segment_access.hpp"
#include "segment_layout.hpp"
#include "semaphore_access.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// A view of an object's block, made with the object held, so that it is not being dropped.
template <class Fits, class View>
auto view_of(const ManagedHandle& handle, const ObjectType& type, Timeout timeout, Fits fits,
             View view) noexcept -> Result<decltype(view(std::declval<const Arena&>(), nullptr))> {
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    const HeldObject held(handle, type, deadline_ns);
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

template <class Access>
bool is_idle(const Arena&, void* block, std::size_t bytes) noexcept {
    return !Access::fits(block, bytes) || Access::is_idle(block);
}
template <class Access>
bool is_idle_of_size(const Arena&, void* block, std::size_t bytes) noexcept {
    return !has_size<Access>(block, bytes) || Access::is_idle(block);
}
bool is_idle_segment(const Arena&, void* block, std::size_t bytes) noexcept {
    return bytes < sizeof(SegmentHeader) + sizeof(port::RobustMutex) ||
           SegmentAccess::is_idle(block);
}
template <bool kIsJoinable>
bool is_idle_ring(const Arena& arena, void* block, std::size_t bytes) noexcept {
    return bytes < RingAccess::least_bytes(kIsJoinable) ||
           RingAccess::is_idle(block, kIsJoinable, arena.members);
}

/// Makes an object out of the plan that its class has, which `bytes` are for.
template <class Access, class Plan>
Result<ManagedHandle> make_by(std::uint32_t manager, const ObjectType& type, const char* name,
                              std::size_t bytes, const Plan& plan, std::uint32_t shape) noexcept {
    ObjectPlan object;
    object.type = type;
    object.name = name;
    object.bytes = bytes;
    object.shape[0] = shape;
    object.context = &plan;
    object.lay_out = [](const Arena&, void* block, std::size_t, Before before,
                        const void* context) noexcept {
        return Access::lay_out(block, *static_cast<const Plan*>(context), before);
    };
    return make_managed(manager, object, port::kNever);
}

/// For those that have no plan.
struct NoPlan {};
template <class Access>
struct Planless {
    static Status lay_out(void* block, const NoPlan&, Before before) noexcept {
        return Access::lay_out(block, before);
    }
};

struct SegmentPlan {
    SegmentType type;
    const void* initial;
};
struct PlannedSegment {
    static Status lay_out(void* block, const SegmentPlan& plan, Before before) noexcept {
        return SegmentAccess::lay_out(block, plan.type, plan.initial, before);
    }
};

}  // namespace

const ObjectWays& ways_of(ObjectKind kind) noexcept {
    static constexpr ObjectWays kNone = {};
    static constexpr ObjectWays kDict = {[](ArenaStep& step, ArenaEntry& entry) noexcept {
                                             return DictTable(step.arena(), entry).free_some(step);
                                         },
                                         nullptr};
    static constexpr ObjectWays kList = {[](ArenaStep& step, ArenaEntry& entry) noexcept {
                                             return ListTable(step.arena(), entry).free_some(step);
                                         },
                                         nullptr};
    static constexpr ObjectWays kSegment = {nullptr, &is_idle_segment};
    static constexpr ObjectWays kQueue = {nullptr, &is_idle_ring<false>};
    static constexpr ObjectWays kJoinable = {nullptr, &is_idle_ring<true>};
    static constexpr ObjectWays kLock = {nullptr, &is_idle_of_size<LockAccess>};
    static constexpr ObjectWays kRLock = {nullptr, &is_idle_of_size<RLockAccess>};
    static constexpr ObjectWays kSemaphore = {nullptr, &is_idle<SemaphoreAccess>};
    static constexpr ObjectWays kCondition = {nullptr, &is_idle<ConditionAccess>};
    static constexpr ObjectWays kEvent = {nullptr, &is_idle_of_size<EventAccess>};
    static constexpr ObjectWays kBarrier = {nullptr, &is_idle<BarrierAccess>};
    switch (kind) {
        case ObjectKind::dict: return kDict;
        case ObjectKind::list: return kList;
        case ObjectKind::value:
        case ObjectKind::array: return kSegment;
        case ObjectKind::queue: return kQueue;
        case ObjectKind::joinable_queue: return kJoinable;
        case ObjectKind::lock: return kLock;
        case ObjectKind::rlock: return kRLock;
        case ObjectKind::semaphore:
        case ObjectKind::bounded_semaphore: return kSemaphore;
        case ObjectKind::condition: return kCondition;
        case ObjectKind::event: return kEvent;
        case ObjectKind::barrier: return kBarrier;
        case ObjectKind::none: return kNone;
    }
    return kNone;
}

// ---- Opening -----------------------------------------------------------------------------------

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

// ---- Making ------------------------------------------------------------------------------------

Result<Handle<Lock>> Manager::lock(const char* name) const noexcept {
    return handle_of<Lock>(detail::make_by<detail::Planless<LockAccess>>(
        id_, Handle<Lock>::kType, name, LockAccess::bytes(), detail::NoPlan(), 0));
}

Result<Handle<RLock>> Manager::rlock(const char* name) const noexcept {
    return handle_of<RLock>(detail::make_by<detail::Planless<RLockAccess>>(
        id_, Handle<RLock>::kType, name, RLockAccess::bytes(), detail::NoPlan(), 0));
}

Result<Handle<Event>> Manager::event(const char* name) const noexcept {
    return handle_of<Event>(detail::make_by<detail::Planless<EventAccess>>(
        id_, Handle<Event>::kType, name, EventAccess::bytes(), detail::NoPlan(), 0));
}

Result<Handle<Semaphore>> Manager::semaphore(std::size_t permits, const char* name) const noexcept {
    const SemaphoreAccess::Plan plan = {SemaphoreAccess::Form::recording, permits, false};
    const Result<std::size_t> bytes = SemaphoreAccess::bytes(plan);
    if (!bytes.ok()) { return bytes.error(); }
    return handle_of<Semaphore>(detail::make_by<SemaphoreAccess>(
        id_, Handle<Semaphore>::kType, name, *bytes, plan, static_cast<std::uint32_t>(permits)));
}

Result<Handle<BoundedSemaphore>> Manager::bounded_semaphore(std::size_t permits,
                                                            const char* name) const noexcept {
    const SemaphoreAccess::Plan plan = {SemaphoreAccess::Form::recording, permits, true};
    const Result<std::size_t> bytes = SemaphoreAccess::bytes(plan);
    if (!bytes.ok()) { return bytes.error(); }
    return handle_of<BoundedSemaphore>(
        detail::make_by<SemaphoreAccess>(id_, Handle<BoundedSemaphore>::kType, name, *bytes, plan,
                                         static_cast<std::uint32_t>(permits)));
}

Result<Handle<Condition>> Manager::condition(std::size_t waiters, const char* name) const noexcept {
    const Result<std::size_t> bytes = ConditionAccess::bytes(waiters);
    if (!bytes.ok()) { return bytes.error(); }
    return handle_of<Condition>(detail::make_by<ConditionAccess>(
        id_, Handle<Condition>::kType, name, *bytes, waiters, static_cast<std::uint32_t>(waiters)));
}

Result<Handle<Barrier>> Manager::barrier(std::size_t parties, Timeout timeout,
                                         const char* name) const noexcept {
    const BarrierAccess::Plan plan = {parties, timeout, {}, true};
    const Result<std::size_t> bytes = BarrierAccess::bytes(plan);
    if (!bytes.ok()) { return bytes.error(); }
    return handle_of<Barrier>(detail::make_by<BarrierAccess>(
        id_, Handle<Barrier>::kType, name, *bytes, plan, static_cast<std::uint32_t>(parties)));
}

Result<detail::ManagedHandle> Manager::make_segment(const detail::ObjectType& type,
                                                    std::size_t element_bytes, std::size_t count,
                                                    const void* initial,
                                                    const char* name) const noexcept {
    const auto kind = type.kind == detail::ObjectKind::value ? detail::SegmentKind::value
                                                             : detail::SegmentKind::array;
    const detail::SegmentPlan plan = {{kind, static_cast<std::uint32_t>(element_bytes), count},
                                      initial};
    const Result<std::size_t> bytes = detail::SegmentAccess::bytes(plan.type);
    if (!bytes.ok()) { return bytes.error(); }
    return detail::make_by<detail::PlannedSegment>(id_, type, name, *bytes, plan,
                                                   static_cast<std::uint32_t>(count));
}

Result<detail::ManagedHandle> Manager::make_ring(const detail::ObjectType& type,
                                                 std::size_t message_bytes, std::size_t maxsize,
                                                 const char* name) const noexcept {
    const detail::Arena* const arena = detail::find_arena(id_);
    if (arena == nullptr) { return id_ == 0 ? Errc::closed : Errc::wrong_process; }
    const detail::RingAccess::Plan plan = {message_bytes, maxsize,
                                           type.kind == detail::ObjectKind::joinable_queue};
    const Result<std::size_t> bytes = detail::RingAccess::bytes(plan);
    if (!bytes.ok()) { return bytes.error(); }
    detail::ObjectPlan object;
    object.type = type;
    object.name = name;
    object.bytes = *bytes;
    object.shape[0] = static_cast<std::uint32_t>(maxsize);
    object.context = &plan;
    object.lay_out = [](const detail::Arena& in, void* block, std::size_t room,
                        detail::Before before, const void* context) noexcept {
        return detail::RingAccess::lay_out(block, room,
                                           *static_cast<const detail::RingAccess::Plan*>(context),
                                           in.members, before);
    };
    if (maxsize == 0) {
        if (!arena->grows) { return Errc::size_zero; }
        constexpr std::uint64_t kShare = 16;
        const std::uint64_t share = std::uint64_t{arena->pages} * detail::kPageBytes / kShare;
        const std::uint64_t most = detail::RingAccess::range_bytes(plan);
        object.bytes = most < share ? most : share;
        if (object.bytes < *bytes) { return Errc::no_space; }
        object.is_range = true;
    }
    return detail::make_managed(id_, object, port::kNever);
}

}  // namespace v0
}  // namespace brood
