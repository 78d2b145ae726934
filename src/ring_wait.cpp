#include "ring_wait.hpp"

#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// The other side often comes within microseconds, which is less than to fall asleep takes. How long
// it is worth to look is learned by each thread: to have looked in vain halves the next time, and
// below kLooksMin it looks only at each kTryAgain-th wait, whether that has changed.
constexpr std::uint32_t kLooks = 400, kLooksMin = 32, kTryAgain = 16;
constexpr std::uint32_t kRestsMost = 32, kFirstRestsMost = 64;

constexpr int kTurns = 4;
constexpr std::int64_t kTurnMaxNs = 500000;

// Between looks at one who may be in the middle of an operation, and who may be stopped.
constexpr std::int64_t kOperationNapNs = 50000;

constexpr std::int64_t kEnrollmentSliceNs = 1000000000;

}  // namespace

void ring_all(Ring& ring) noexcept {
    ring.bell.word.store(0, std::memory_order_seq_cst);
    static_cast<void>(port::bell_ring(ring.bell, port::kEverybody, port::kAnyKind));
}

std::uint32_t RingWait::moved_since(std::uint32_t seen) const noexcept {
    return ring_.side(other_end()).index.load(std::memory_order_acquire) - seen;
}

// Every look takes the cache line from the one who is at work on it, so a stream is quicker if it
// comes in batches (measured: 26 against 18 million messages a second). So the rests grow, and how
// long the first is, is learned: longer when several messages came meanwhile, shorter when one did,
// whose sender may wait for an answer.
bool RingWait::spin(std::uint32_t seen) noexcept {
    if (!port::has_parallel_cpus()) { return false; }
    const bool in_vain = me_.looks < kLooksMin;
    if (in_vain && me_.not_looked++ % kTryAgain != 0) { return false; }
    const std::uint32_t looks = in_vain ? kLooks : me_.looks;
    std::uint32_t rests = me_.rests;
    for (std::uint32_t look = 0; look < looks; look += rests) {
        for (std::uint32_t rest = 0; rest < rests; ++rest) { port::cpu_relax(); }
        const std::uint32_t moved = moved_since(seen);
        if (moved != 0) {
            me_.looks = kLooks;
            if (moved > 1 && me_.rests < kFirstRestsMost) { me_.rests *= 2; }
            if (moved == 1 && me_.rests > 1) { me_.rests /= 2; }
            return true;
        }
        if (rests < kRestsMost) { rests *= 2; }
    }
    me_.looks /= 2;
    return false;
}

// Where there are more who work than processors, the other side may only wait for ours: it then
// does a lot at once, where a sleeper would be woken for each message. It is of no use if somebody
// else takes the processor meanwhile, and keeps it: that, too, is learned.
bool RingWait::yield(std::uint32_t seen) noexcept {
    if (me_.yields_in_vain != 0 && me_.yields_in_vain++ % kTryAgain != 0) { return false; }
    const std::int64_t start = port::now_ns();
    for (int turn = 0; turn < kTurns; ++turn) {
        port::yield();
        if (!has_moved(seen)) { continue; }
        me_.yields_in_vain = port::now_ns() - start < kTurnMaxNs ? 0 : 1;
        return true;
    }
    me_.yields_in_vain = 1;
    return false;
}

// An operation of the other side that began before our flag could be seen may end without a ring.
// It is short: only one who is stopped or preempted in the middle makes this long.
Status RingWait::wait_out_operation(std::uint32_t seen, std::int64_t deadline_ns) noexcept {
    RingSide& other = ring_.side(other_end());
    for (int look = 0;; ++look) {
        const std::uint32_t owner = Lease::owner(other.lease.word.load(std::memory_order_acquire));
        const bool is_busy = owner != 0 && owner != me_.index &&
                             user_.is_in_operation(owner, other_end()) && me_.is_alive(owner);
        if (!is_busy || has_moved(seen)) { return Errc::ok; }
        if (look < 200) {
            port::cpu_relax();
        } else {
            if (has_passed(deadline_ns)) { return Errc::timed_out; }
            port::sleep_until(slice_of(deadline_ns, kOperationNapNs));
        }
    }
}

Status RingWait::for_other_side(std::int64_t deadline_ns, std::uint32_t seen) noexcept {
    const Status produced = roster_ == nullptr ? Status() : roster_->produced();
    if (!produced.ok()) { return has_moved(seen) ? Status() : produced; }  // Their last message?
    if (deadline_ns <= 0) { return end_ == RingEnd::put ? Errc::full : Errc::empty; }
    if (spin(seen)) { return Errc::ok; }
    user_.let_go();
    if (yield(seen)) { return Errc::ok; }
    port::owe_ring(ring_.bell);
    owes_ = true;
    const std::uint32_t flag = flag_of(end_);
    const std::uint32_t word = ring_.bell.word.fetch_or(flag, std::memory_order_seq_cst) | flag;
    const Status fenced = me_.heavy_fence();
    if (!fenced.ok()) { return fenced; }
    const Status quiet = wait_out_operation(seen, deadline_ns);
    if (!quiet.ok()) { return quiet; }
    if (has_moved(seen) || ring_.bell.note.load(std::memory_order_seq_cst) != 0) {
        return Errc::ok;
    }
    if (woken_) {
        // A ring came to us, and not for us: then it was for the other kind, who look at our index.
        // One of those who is about to sleep looks at it once more by himself. A ring of the bell
        // would reach our own kind as well, who would all do as we do, without an end.
        woken_ = false;
        port::bell_ring_lookers(ring_.bell, ring_.side(end_).index);
    }
    // If killed from here on: a ring that was given to us goes to the next.
    const bool sliced = !port::rings_for_the_dead();
    const std::int64_t until = sliced ? slice_of(deadline_ns, port::kSliceNs) : deadline_ns;
    const Status slept = sleep(word, seen, until);
    if (!slept.ok()) { return until == deadline_ns ? slept : Status(Errc::ok); }
    // Whoever rang may have dropped the flags, and may be stopped before he sets them again.
    ring_.bell.word.fetch_or(Ring::kGetters | Ring::kPutters, std::memory_order_seq_cst);
    woken_ = true;
    return Errc::ok;
}

// A getter who knows the producers wakes when one of them dies, too. While a place is free, another
// may enroll just before we sleep, and his ring be missed beside a second getter who sets the flag
// anew: if he then dies before he puts anything, we look in time.
Status RingWait::sleep(std::uint32_t word, std::uint32_t seen, std::int64_t until_ns) noexcept {
    // What would end the wait: the sleep does not begin if it has come meanwhile, from one who is
    // dead by now, and whose ring found nobody asleep.
    const port::LookedAt looked[] = {{&ring_.side(other_end()).index, seen}, {&ring_.bell.note, 0}};
    if (roster_ == nullptr) {
        return port::bell_wait_having_looked(ring_.bell, word, looked, 2, until_ns);
    }
    port::RobustMutex* watched[port::kWatchedMax];
    const Roster::Look look = roster_->look(watched);
    if (!look.is_going_on) { return Errc::ok; }
    const bool is_full = look.living == roster_->count;
    const std::int64_t end_ns = is_full ? until_ns : slice_of(until_ns, kEnrollmentSliceNs);
    const Status slept =
        port::bell_wait_watching(ring_.bell, word, watched, look.living, end_ns, looked);
    return end_ns == until_ns ? slept : Status();
}

// The flag stays while somebody was found. If killed between: whoever was woken sets both anew.
bool RingWait::ring_some(std::uint32_t flag, std::uint32_t kind, std::uint32_t count) noexcept {
    if (port::bell_ring(ring_.bell, count, kind) >= count) { return true; }
    ring_.bell.word.fetch_and(~flag, std::memory_order_seq_cst);
    if (port::bell_ring(ring_.bell, count, kind) == 0) { return false; }
    ring_.bell.word.fetch_or(flag, std::memory_order_seq_cst);
    return true;
}

void RingWait::ring_one(std::uint32_t flag, std::uint32_t kind) noexcept {
    if ((ring_.bell.word.load(std::memory_order_relaxed) & flag) == 0) { return; }
    static_cast<void>(ring_some(flag, kind, 1));
}

void RingWait::ring_after(bool more_for_us) noexcept {
    port::owe_ring(ring_.bell);
    ring_one(flag_of(other_end()), kind_of(other_end()));
    // Also if only our flag was set: another who set his before may have missed that somebody rang
    // meanwhile, since the word looks as he left it again.
    if (more_for_us) { ring_one(flag_of(end_), kind_of(end_)); }
    woken_ = owes_ = false;
    port::owe_nothing();
}

void RingWait::ring_all_of_ours() noexcept {
    static_cast<void>(port::bell_ring(ring_.bell, port::kEverybody, kind_of(end_)));
}

void RingWait::give_up(bool is_over) noexcept {
    if (!owes_) { return; }
    // A ring that reached us is for another now. When all is over, for all.
    if (is_over) {
        ring_all(ring_);
    } else {
        ring_one(flag_of(end_), kind_of(end_));
        ring_one(flag_of(other_end()), kind_of(other_end()));
    }
    port::owe_nothing();
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
