// What stands where in the ring's model, and where its processes stand.
#ifndef BROOD_TEST_MODEL_RING_WORDS_HPP
#define BROOD_TEST_MODEL_RING_WORDS_HPP

#include <cstdint>

namespace model {

enum Address : std::uint8_t {
    kPutLease,
    kGetLease,
    kPutIndex,
    kGetIndex,
    kBell,
    kSlot,
    kOp = kSlot + 2,  // by process
};
inline constexpr std::uint8_t kPut = 1, kGet = 2, kAsking = 3;  // also: in an op
inline constexpr std::uint8_t kForce = 16;                      // owner | revoker << 2 | kForce
inline constexpr std::uint8_t kPutters = 1, kGetters = 2;       // in the bell
inline constexpr std::uint8_t kIndexMask = 7;
inline constexpr std::uint8_t kMessages = 4;  // of one process

// Where a process stands: before that access. Named after the functions in src.
enum Pc : std::uint8_t {
    kIdle,
    kDead,
    kJoin,
    kPeek,
    kPeekGot,
    kPeekPut,
    kPeekWithdraw,  // Transfer::run, without the lease
    kAnnounce,
    kLook,
    kLookAtIndex,  // RingUser::enter
    kDrawBack,
    kSlow,
    kClear,
    kOwn,
    kHandOver,
    kEnterIndex,
    kEnterAnnounce,
    kEnterLook,
    kAsk,
    kReplace,  // RingUser::enter_slowly
    kSetForce,
    kHeavy,
    kSeeOp,
    kSeeIndex,
    kSeeLife,
    kTake,
    kSeeAsking,
    kSeeRevoker,  // RingUser::revoke, wait_for_revoker
    kIndex,
    kOther,
    kVain,
    kVainLeave,
    kVainHandOver,  // Transfer::run
    kSeeBell,
    kCopy,
    kCommit,
    kDone,
    kLeave,
    kLeaveHandOver,
    kShare,
    kShareFree,
    kShareHandOver,  // Transfer::move, RingUser::leave, share
    kMoreGot,
    kMorePut,
    kRingFlag,
    kRing,
    kRingDrop,
    kRingAgain,
    kRingSet,  // RingWait::ring_after
    kWait,
    kLetGo,
    kLetGoFree,
    kLetGoHandOver,
    kWaitFlag,
    kWaitHeavy,
    kWaitOwner,
    kWaitOp,
    kWaitIndex,
    kWaitMoved,
    kPass,
    kPassDrop,
    kPassAgain,
    kPassSet,
    kFallAsleep,
    kAsleep,
    kWoken,  // RingWait::for_other_side
};

// Stages of ring_one().
enum Stage : std::uint8_t { kForOthers, kForOwn, kGiveUpOwn, kGiveUpOthers };

inline std::uint8_t owner_in(std::uint8_t lease) {
    return lease & 3;
}
inline std::uint8_t revoker_in(std::uint8_t lease) {
    return lease >> 2 & 3;
}
template <class T>
std::uint8_t byte(T value) {
    return static_cast<std::uint8_t>(value);
}
inline std::uint16_t bit(std::uint8_t message) {
    return static_cast<std::uint16_t>(1u << message);
}

}  // namespace model

#endif
