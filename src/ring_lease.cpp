// Who may use a side of a ring: the slow way, for those who find the lease another's or asked for.
#include "deadline.hpp"
#include "ring.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// Looks with a short rest between them: at an owner who is at work, at one who may be in the middle
// of an operation. The first is longer than a page fault, and shorter than the fence that follows.
constexpr int kLooksAtWork = 60;
// ... at one to whom the caller itself gave the lease, and who has not begun yet: he may be in the
// fence that he began to get it, for ten microseconds. To press him sends him back into one, and
// nobody gets anywhere (measured: two at one side moved 0.5 million messages a second, not 20).
constexpr int kLooksAtHeir = 400;
constexpr int kLooksInOperation = 100;
constexpr int kTurns = 4;

// Who waits for an owner in mid-operation, or for one who asks him, is rung for when that ends; but
// the ringer may be killed before he rings. So it looks again, less and less often: a stopped owner
// may take long.
constexpr std::int64_t kFirstSliceNs = 2000000;

// How long a call with no_wait() waits for one who is in the middle of an operation.
constexpr std::int64_t kPatienceNs = 10000000;

}  // namespace

// Others read op, object, op again, and believe them only if op did not change: it is 0 while the
// object changes.
void RingUser::change_object() noexcept {
    me_.self->op.store(0, std::memory_order_release);
    me_.self->object.store(ring_.object, std::memory_order_release);
    me_.quantum = 0;
}

void RingUser::begin() noexcept {
    if (use_ == RingUse::alone) {
        announce();
        return;
    }
    name_ring();
    me_.self->op.store(Announcement::kBothEnds, std::memory_order_release);
}

// In no operation on this side any more, or not yet. Of the second of two ends: the first stays
// announced, and that says that this one is asked for.
void RingUser::draw_back() noexcept {
    if (use_ != RingUse::second) { ask(); }
}

// What a member is at in this ring; 0: nothing.
std::uint32_t RingUser::op_of(std::uint32_t member) noexcept {
    Member& other = me_.at(member);
    const std::uint32_t op = other.op.load(std::memory_order_acquire);
    const std::uint32_t object = other.object.load(std::memory_order_acquire);
    const bool is_ours = object == ring_.object && other.op.load(std::memory_order_acquire) == op;
    return is_ours ? op : 0;
}

bool RingUser::is_in_operation(std::uint32_t member, RingEnd side) noexcept {
    const std::uint32_t op = op_of(member);
    // The operation first, then the index: one that is over by now has moved it.
    const std::uint32_t index = ring_.side(side).index.load(std::memory_order_acquire);
    return op == Announcement::of(side, index) || op == Announcement::kBothEnds;
}

void RingUser::hand_over(std::uint32_t seen) noexcept {
    const std::uint32_t heir = Lease::revoker(seen);
    if (Lease::owner(seen) != me_.index || heir == 0) { return; }
    const bool sleeps = (seen & Lease::kSleep) != 0;
    // If killed before: he finds us dead. After: the lease is his, and he looks again by himself.
    const bool given =
        mine_.lease.word.compare_exchange_strong(seen, heir, std::memory_order_acq_rel);
    me_.handed_over_at = mine_.index.load(std::memory_order_relaxed);
    if (given && sleeps) {
        static_cast<void>(port::bell_ring(mine_.lease, port::kEverybody, port::kAnyKind));
    }
}

void RingUser::let_go() noexcept {
    std::uint32_t seen = mine_.lease.word.load(std::memory_order_relaxed);
    if (seen == me_.index) {
        // If killed before: a dead owner, who is in no operation. After: nobody's.
        if (mine_.lease.word.compare_exchange_strong(seen, 0, std::memory_order_release)) {
            return;
        }
    }
    hand_over(seen);
}

void RingUser::give_way() noexcept {
    const std::uint32_t seen = mine_.lease.word.load(std::memory_order_relaxed);
    if ((seen & Lease::kForce) != 0) { hand_over(seen); }
    // How many are left is a hint: a wrong number costs time alone.
    const std::uint32_t left = mine_.shared_left.load(std::memory_order_relaxed);
    if (left == 0) { return; }
    mine_.shared_left.store(left - 1, std::memory_order_relaxed);
    if (Lease::revoker(seen) == 0) { let_go(); }
}

// True: the lease is the caller's and so it stays until the operation is over.
bool RingUser::enter_as_owner(std::uint32_t seen) noexcept {
    const bool is_wanted = seen != me_.index;
    if (is_wanted && Lease::revoker(seen) == 0) {  // Flags that somebody left.
        mine_.lease.word.compare_exchange_strong(seen, me_.index, std::memory_order_acq_rel);
        return false;
    }
    if (is_wanted && ((seen & Lease::kForce) != 0 || me_.quantum == 0)) {
        hand_over(seen);
        return false;
    }
    begin();
    me_.light_fence();
    if (mine_.lease.word.load(std::memory_order_acquire) != seen) {
        draw_back();
        return false;
    }
    me_.quantum = is_wanted ? me_.quantum - 1 : Lease::kQuantum;
    return true;
}

Status RingUser::sleep(std::uint32_t seen, std::int64_t deadline_ns,
                       std::int64_t& slice_ns) noexcept {
    if (has_passed(deadline_ns)) { return Errc::timed_out; }
    const std::int64_t until = slice_of(deadline_ns, slice_ns);
    const bool is_rung = port::bell_wait(mine_.lease, seen, port::kAnyKind, until).ok();
    if (is_rung) {
        slice_ns = kFirstSliceNs;
    } else if (slice_ns < port::kSliceNs) {
        slice_ns *= 2;
    }
    return Errc::ok;
}

// Of an owner who died in the middle of a get: what it was about to take is not lost. False: look
// again, since somebody else does something about that entry. If killed after this: the next does
// it again. The entry cannot be another's by the time of the exchange, unless it was given away
// although something was left behind; then its incarnation is another, and what we write is void.
bool RingUser::note_untaken(std::uint32_t dead) noexcept {
    if (end_ != RingEnd::get) { return true; }
    Member& member = me_.at(dead);
    std::uint32_t accounted = member.accounted.load(std::memory_order_acquire);
    const std::uint32_t incarnation = member.incarnation.load(std::memory_order_acquire);
    if (!is_in_operation(dead, end_) || me_.is_alive(dead) ||
        member.incarnation.load(std::memory_order_acquire) != incarnation) {
        return false;
    }
    return accounted == incarnation || member.accounted.compare_exchange_strong(
                                           accounted, incarnation, std::memory_order_acq_rel);
}

// The caller is the revoker in `seen`. ok: look again.
Status RingUser::revoke(std::uint32_t seen, std::int64_t deadline_ns,
                        std::int64_t& slice_ns) noexcept {
    std::atomic<std::uint32_t>& word = mine_.lease.word;
    const std::uint32_t index = mine_.index.load(std::memory_order_relaxed);
    const int looks = index == me_.handed_over_at ? kLooksAtHeir : kLooksAtWork;
    for (int look = 0; look < looks; ++look) {
        port::cpu_relax();
        if (word.load(std::memory_order_relaxed) != seen) { return Errc::ok; }
    }
    if ((seen & Lease::kForce) == 0) {
        // An owner at work will hand it over.
        if (mine_.index.load(std::memory_order_relaxed) != index) { return Errc::ok; }
        if (!word.compare_exchange_strong(seen, seen | Lease::kForce)) { return Errc::ok; }
        seen |= Lease::kForce;
    }
    const Status fenced = me_.heavy_fence();
    if (!fenced.ok()) { return fenced; }
    const std::uint32_t owner = Lease::owner(seen);
    // If killed before the exchange: the next contender finds a dead revoker. After: a dead owner.
    const auto take = [&] {
        word.compare_exchange_strong(seen, me_.index, std::memory_order_acq_rel);
        return Status(Errc::ok);
    };
    if (!is_in_operation(owner, end_)) {
        mine_.shared_left.store(Lease::kShared, std::memory_order_relaxed);
        return take();
    }
    for (int look = 0; look < kLooksInOperation; ++look) {
        port::cpu_relax();
        if (!is_in_operation(owner, end_) || word.load(std::memory_order_relaxed) != seen) {
            return Errc::ok;
        }
    }
    if (!me_.is_alive(owner)) { return note_untaken(owner) ? take() : Status(Errc::ok); }
    if ((seen & Lease::kSleep) == 0) {
        word.compare_exchange_strong(seen, seen | Lease::kSleep);
        return Errc::ok;  // Looks at the operation once more, after another fence.
    }
    return sleep(seen, deadline_ns, slice_ns);
}

Status RingUser::wait_for_revoker(std::uint32_t seen, std::int64_t deadline_ns,
                                  std::int64_t& slice_ns) noexcept {
    std::atomic<std::uint32_t>& word = mine_.lease.word;
    for (int look = 0; look < kLooksAtWork; ++look) {
        port::cpu_relax();
        if (word.load(std::memory_order_relaxed) != seen) { return Errc::ok; }
    }
    const std::uint32_t revoker = Lease::revoker(seen);
    const std::uint32_t op = op_of(revoker);
    const bool asks = op == Announcement::of_asking(end_) || op == Announcement::kBothEnds;
    if (!asks || !me_.is_alive(revoker)) {
        // Should the entry be another's by now, who lives and revokes: his exchange fails, and he
        // begins anew. Without kForce: it was the other who made the fence after it.
        const std::uint32_t mine = Lease::owner(seen) | Lease::with_revoker(me_.index);
        word.compare_exchange_strong(seen, mine, std::memory_order_acq_rel);
        return Errc::ok;
    }
    for (int turn = 0; turn < kTurns; ++turn) {
        port::yield();
        if (word.load(std::memory_order_relaxed) != seen) { return Errc::ok; }
    }
    if ((seen & Lease::kSleep) == 0) {
        word.compare_exchange_strong(seen, seen | Lease::kSleep);
        return Errc::ok;
    }
    return sleep(seen, deadline_ns, slice_ns);
}

// Nobody shall wait for a revoker who went away. If killed in here: he is found dead.
void RingUser::give_up() noexcept {
    std::uint32_t seen = mine_.lease.word.load(std::memory_order_relaxed);
    while (Lease::revoker(seen) == me_.index) {
        const std::uint32_t without = Lease::owner(seen);
        if (mine_.lease.word.compare_exchange_weak(seen, without, std::memory_order_acq_rel)) {
            static_cast<void>(port::bell_ring(mine_.lease, port::kEverybody, port::kAnyKind));
            return;
        }
    }
}

Status RingUser::enter_slowly(std::int64_t deadline_ns) noexcept {
    draw_back();
    std::int64_t slice_ns = kFirstSliceNs;
    for (;;) {
        std::uint32_t seen = mine_.lease.word.load(std::memory_order_acquire);
        Status status;
        if (Lease::owner(seen) == me_.index) {
            if (enter_as_owner(seen)) { return Errc::ok; }
        } else if (Lease::owner(seen) == 0) {
            me_.quantum = Lease::kQuantum;
            mine_.lease.word.compare_exchange_strong(seen, seen | me_.index,
                                                     std::memory_order_acq_rel);
        } else if (Lease::revoker(seen) == 0) {
            me_.quantum = Lease::kQuantum;  // Of the turn that he asks for.
            mine_.lease.word.compare_exchange_strong(seen, seen | Lease::with_revoker(me_.index),
                                                     std::memory_order_acq_rel);
        } else if (Lease::revoker(seen) == me_.index) {
            status = revoke(seen, deadline_ns, slice_ns);
        } else {
            status = wait_for_revoker(seen, deadline_ns, slice_ns);
        }
        if (!status.ok()) {
            give_up();
            withdraw();
            return status;
        }
    }
}

Status RingUser::enter_patiently(std::int64_t deadline_ns) noexcept {
    const bool no_wait = deadline_ns <= 0;
    const Status entered = enter_slowly(no_wait ? port::now_ns() + kPatienceNs : deadline_ns);
    return no_wait && entered.code() == Errc::timed_out ? Status(Errc::would_block) : entered;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
