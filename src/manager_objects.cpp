// Making the locks, queues and values of a manager.
#include <brood/handle.hpp>
#include <brood/manager.hpp>

#include "arena_objects.hpp"
#include "barrier_access.hpp"
#include "condition_access.hpp"
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

/// Makes an object out of the plan that its class has, which `bytes` are for.
template <class Access, class Plan>
Result<ManagedHandle> make_by(std::uint32_t manager, const ObjectType& type, const char* name,
                              std::size_t bytes, const Plan& plan, std::uint32_t shape,
                              Timeout timeout) noexcept {
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
    return make_managed(manager, object, timeout);
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
}  // namespace detail

Result<Handle<Lock>> Manager::lock(const char* name, Timeout timeout) const noexcept {
    return handle_of<Lock>(detail::make_by<detail::Planless<LockAccess>>(
        id_, Handle<Lock>::kType, name, LockAccess::bytes(), detail::NoPlan(), 0, timeout));
}

Result<Handle<RLock>> Manager::rlock(const char* name, Timeout timeout) const noexcept {
    return handle_of<RLock>(detail::make_by<detail::Planless<RLockAccess>>(
        id_, Handle<RLock>::kType, name, RLockAccess::bytes(), detail::NoPlan(), 0, timeout));
}

Result<Handle<Event>> Manager::event(const char* name, Timeout timeout) const noexcept {
    return handle_of<Event>(detail::make_by<detail::Planless<EventAccess>>(
        id_, Handle<Event>::kType, name, EventAccess::bytes(), detail::NoPlan(), 0, timeout));
}

Result<Handle<Semaphore>> Manager::semaphore(std::size_t permits, const char* name,
                                             Timeout timeout) const noexcept {
    const SemaphoreAccess::Plan plan = {SemaphoreAccess::Form::recording, permits, false};
    const Result<std::size_t> bytes = SemaphoreAccess::bytes(plan);
    if (!bytes.ok()) { return bytes.error(); }
    return handle_of<Semaphore>(
        detail::make_by<SemaphoreAccess>(id_, Handle<Semaphore>::kType, name, *bytes, plan,
                                         static_cast<std::uint32_t>(permits), timeout));
}

Result<Handle<BoundedSemaphore>> Manager::bounded_semaphore(std::size_t permits, const char* name,
                                                            Timeout timeout) const noexcept {
    const SemaphoreAccess::Plan plan = {SemaphoreAccess::Form::recording, permits, true};
    const Result<std::size_t> bytes = SemaphoreAccess::bytes(plan);
    if (!bytes.ok()) { return bytes.error(); }
    return handle_of<BoundedSemaphore>(
        detail::make_by<SemaphoreAccess>(id_, Handle<BoundedSemaphore>::kType, name, *bytes, plan,
                                         static_cast<std::uint32_t>(permits), timeout));
}

Result<Handle<Condition>> Manager::condition(std::size_t waiters, const char* name,
                                             Timeout timeout) const noexcept {
    const Result<std::size_t> bytes = ConditionAccess::bytes(waiters);
    if (!bytes.ok()) { return bytes.error(); }
    return handle_of<Condition>(
        detail::make_by<ConditionAccess>(id_, Handle<Condition>::kType, name, *bytes, waiters,
                                         static_cast<std::uint32_t>(waiters), timeout));
}

Result<Handle<Barrier>> Manager::barrier(std::size_t parties, Timeout patience, const char* name,
                                         Timeout timeout) const noexcept {
    const BarrierAccess::Plan plan = {parties, patience, {}, true};
    const Result<std::size_t> bytes = BarrierAccess::bytes(plan);
    if (!bytes.ok()) { return bytes.error(); }
    return handle_of<Barrier>(
        detail::make_by<BarrierAccess>(id_, Handle<Barrier>::kType, name, *bytes, plan,
                                       static_cast<std::uint32_t>(parties), timeout));
}

Result<detail::ManagedHandle> Manager::make_segment(const detail::ObjectType& type,
                                                    std::size_t element_bytes, std::size_t count,
                                                    const void* initial, const char* name,
                                                    Timeout timeout) const noexcept {
    const auto kind = type.kind == detail::ObjectKind::value ? detail::SegmentKind::value
                                                             : detail::SegmentKind::array;
    const detail::SegmentPlan plan = {{kind, static_cast<std::uint32_t>(element_bytes), count},
                                      initial};
    const Result<std::size_t> bytes = detail::SegmentAccess::bytes(plan.type);
    if (!bytes.ok()) { return bytes.error(); }
    return detail::make_by<detail::PlannedSegment>(id_, type, name, *bytes, plan,
                                                   static_cast<std::uint32_t>(count), timeout);
}

Result<detail::ManagedHandle> Manager::make_ring(const detail::ObjectType& type,
                                                 std::size_t message_bytes, std::size_t maxsize,
                                                 const char* name, Timeout timeout) const noexcept {
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
    return detail::make_managed(id_, object, timeout);
}

}  // namespace v0
}  // namespace brood
