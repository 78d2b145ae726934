// Sleeping until the other side of a ring has done something, and ringing for those who do.
#ifndef BROOD_SRC_RING_WAIT_HPP
#define BROOD_SRC_RING_WAIT_HPP

#include "ring.hpp"
#include "roster.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// Wakes everybody, after the state of the ring has changed. A sleeper who is about to fall asleep
/// finds the word changed.
void ring_all(Ring& ring) noexcept;

/// Of one operation.
class RingWait {
public:
    /// `roster`: the producers that getters wait for, null if they are not known.
    RingWait(Ring& ring, Membership& me, RingUser& user, RingEnd end, Roster* roster) noexcept
        : ring_(ring),
          me_(me),
          user_(user),
          end_(end),
          roster_(end == RingEnd::get ? roster : nullptr) {}

    /// Waits until the other side's index has moved from `seen`, where it was when the caller found
    /// nothing to do, or something else happened. The caller is in no operation.
    /// Errors: full, empty (the deadline is 0), timed_out, unsupported; closed, peer_died (all
    /// producers have ended).
    Status for_other_side(std::int64_t deadline_ns, std::uint32_t seen) noexcept;
    /// Whether ring_after() must be called: a ring may have reached us, or is owed.
    bool must_ring() const noexcept { return owes_; }
    /// After an operation: wakes one of the other side, and, if we were woken and there is more for
    /// our side, another of ours.
    void ring_after(bool more_for_us) noexcept;
    /// Wakes all who sleep on our side.
    void ring_all_of_ours() noexcept;
    /// When the operation comes to nothing.
    void give_up(bool is_over) noexcept;

private:
    std::uint32_t moved_since(std::uint32_t seen) const noexcept;
    bool has_moved(std::uint32_t seen) const noexcept { return moved_since(seen) != 0; }
    bool spin(std::uint32_t seen) noexcept;
    bool yield(std::uint32_t seen) noexcept;
    Status sleep(std::uint32_t word, std::uint32_t seen, std::int64_t until_ns) noexcept;
    Status wait_out_operation(std::uint32_t seen, std::int64_t deadline_ns) noexcept;
    void ring_one(std::uint32_t flag, std::uint32_t kind) noexcept;
    /// Whether the flag stays: somebody was found.
    bool ring_some(std::uint32_t flag, std::uint32_t kind, std::uint32_t count) noexcept;

    RingEnd other_end() const noexcept {
        return end_ == RingEnd::put ? RingEnd::get : RingEnd::put;
    }
    static std::uint32_t flag_of(RingEnd end) noexcept {
        return end == RingEnd::put ? Ring::kPutters : Ring::kGetters;
    }
    static std::uint32_t kind_of(RingEnd end) noexcept {
        return end == RingEnd::put ? Ring::kPutterKind : Ring::kGetterKind;
    }

    Ring& ring_;
    Membership& me_;
    RingUser& user_;
    RingEnd end_;
    Roster* roster_;
    bool woken_ = false;
    bool owes_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
