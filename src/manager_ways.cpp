// What each kind of a manager's objects needs to be dropped.
#include "arena_dict.hpp"
#include "arena_list.hpp"
#include "barrier_access.hpp"
#include "condition_access.hpp"
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

template <class Access>
bool is_idle(const Arena&, void* block, std::size_t bytes) noexcept {
    return !Access::fits(block, bytes) || Access::is_idle(block);
}
template <class Access>
bool is_idle_of_size(const Arena&, void* block, std::size_t bytes) noexcept {
    return bytes < Access::bytes() || Access::is_idle(block);
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

}  // namespace detail
}  // namespace v0
}  // namespace brood
