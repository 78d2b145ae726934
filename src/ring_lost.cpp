// Counting the messages that went with dead getters: each of them once, whoever is killed at it.
//
// A dead member's entry is counted by one who holds its mutex, so that nobody becomes its owner
// meanwhile, and the table's, so that the count has one writer. Two words change: the count, and
// the entry, which is accounted for then. So both are written down in the ring first; who finds
// that still there, under the table's mutex, does the same stores again.
#include <brood/detail/ring_handle.hpp>

#include "named_ring.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// How long one waits for another who counts, and may be stopped.
constexpr std::int64_t kPatienceNs = 10000000;

void finish_counting(Ring& ring, const Members& members) noexcept {
    const std::uint32_t index = ring.counting.member.load(std::memory_order_acquire);
    if (index == 0) { return; }
    Member& entry = members.at(index);
    const std::uint32_t incarnation = ring.counting.incarnation.load(std::memory_order_relaxed);
    ring.lost.store(ring.counting.lost.load(std::memory_order_relaxed), std::memory_order_release);
    if (entry.incarnation.load(std::memory_order_acquire) == incarnation) {
        entry.accounted.store(incarnation, std::memory_order_release);
    }
    // If killed up to here: the next does it again.
    ring.counting.member.store(0, std::memory_order_release);
}

// Whether the dead member came to its commit. If not, the side is still its own, or another took
// it over and said so in the entry before.
bool has_committed(Ring& ring, std::uint32_t index, const Member& dead) noexcept {
    const std::uint32_t owner = Lease::owner(ring.get.lease.word.load(std::memory_order_acquire));
    const std::uint32_t at = dead.op.load(std::memory_order_acquire) >> 2;
    const std::uint32_t now = ring.get.index.load(std::memory_order_acquire) & Announcement::kIndex;
    return owner != index || at != now;
}

// The caller holds the entry's mutex and the table's.
void count_entry(Ring& ring, const Members& members, std::uint32_t index) noexcept {
    Member& dead = members.at(index);
    if (dead.object.load(std::memory_order_acquire) != ring.object) { return; }
    const bool committed = has_committed(ring, index, dead);
    const std::uint32_t left = dead.left_behind();  // After that: see has_committed().
    if (left == 0) { return; }
    const std::uint32_t before = ring.lost.load(std::memory_order_relaxed);
    ring.counting.lost.store(committed ? before + left : before, std::memory_order_relaxed);
    ring.counting.incarnation.store(dead.incarnation.load(std::memory_order_acquire),
                                    std::memory_order_relaxed);
    // If killed up to here: nothing was counted. After: the next finishes it.
    ring.counting.member.store(index, std::memory_order_release);
    finish_counting(ring, members);
}

bool is_worth_counting(Ring& ring, const Members& members, std::uint32_t index) noexcept {
    const Member& entry = members.at(index);
    return entry.object.load(std::memory_order_acquire) == ring.object &&
           entry.left_behind() != 0 && !members.is_alive(index);
}

}  // namespace

void count_lost(Ring& ring, const Members& members) noexcept {
    const std::uint32_t top = members.top();
    bool is_needed = ring.counting.member.load(std::memory_order_acquire) != 0;
    for (std::uint32_t index = 1; index <= top && !is_needed; ++index) {
        is_needed = is_worth_counting(ring, members, index);
    }
    if (!is_needed) { return; }
    if (!is_held(port::mutex_lock(members.table->accounting, port::now_ns() + kPatienceNs))) {
        return;
    }
    finish_counting(ring, members);
    for (std::uint32_t index = 1; index <= top; ++index) {
        if (!is_worth_counting(ring, members, index)) { continue; }
        port::RobustMutex& life = members.at(index).life;
        if (!is_held(port::mutex_lock(life, 0))) { continue; }  // Another's by now.
        count_entry(ring, members, index);
        port::mutex_unlock(life).ignore();
    }
    port::mutex_unlock(members.table->accounting).ignore();
}

Result<Membership*> member_of(Ring& ring, const Members& members) noexcept {
    Membership* const me = membership_in(*members.table);
    if (me != nullptr) { return me; }
    count_lost(ring, members);  // It may take the entry of a dead.
    const Status joined = join_members(members);
    if (!joined.ok()) { return joined.error(); }
    return membership_in(*members.table);
}

Members RingHandle::members() const noexcept {
    return members_of(*table_, extras_);
}

std::size_t RingHandle::lost() const noexcept {
    if (ring_ == nullptr) { return 0; }
    count_lost(*ring_, members());
    return ring_->lost.load(std::memory_order_acquire);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
