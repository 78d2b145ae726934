#include "join_book.hpp"

#include "deadline.hpp"
#include "ring.hpp"
#include "sleepers.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// How long a call with no_wait() waits for one who is in the middle of something.
constexpr std::int64_t kPatienceNs = 10000000;

// How often one looks for a moment at which nobody got anything, before he lets others go on.
constexpr int kLooks = 64;
constexpr std::int64_t kRestNs = 100000;

}  // namespace

// ---- Records -----------------------------------------------------------------------------------

// `at` again at the end: a get that began meanwhile has written `after` for a later index.
std::uint32_t Holder::holds(std::uint32_t index) const noexcept {
    for (;;) {
        const std::uint32_t begun = at.load(std::memory_order_acquire);
        const std::uint32_t with = after.load(std::memory_order_acquire);
        const std::uint32_t without = got.load(std::memory_order_acquire);
        if (at.load(std::memory_order_acquire) != begun) { continue; }
        return (begun == index ? without : with) - settled.load(std::memory_order_relaxed);
    }
}

bool JoinBook::knows(const Membership& me, std::uint32_t object) noexcept {
    return me.book == object;
}

Holder* JoinBook::mine(const Membership& me) noexcept {
    return &holder[me.holder];
}

// Under the mutex: so whoever holds a record's mutex holds the record, or it is not in use.
bool JoinBook::take_record(Holder& one) noexcept {
    if (!port::mutex_is_free(one.life)) { return false; }
    if (one.is_used.load(std::memory_order_relaxed) != 0) {
        has_struck.store(1, std::memory_order_seq_cst);
        // If killed here: joiners look for the dead, and find this one.
        one.is_used.store(0, std::memory_order_seq_cst);
    }
    if (!is_held(port::mutex_lock(one.life, 0))) { return false; }
    one.got.store(0, std::memory_order_relaxed);
    one.after.store(0, std::memory_order_relaxed);
    one.settled.store(0, std::memory_order_relaxed);
    one.process.store(port::process_id(), std::memory_order_relaxed);
    one.is_used.store(1, std::memory_order_seq_cst);
    return true;
}

Result<Holder*> JoinBook::find_holder(Membership& me, std::uint32_t object,
                                      std::int64_t deadline_ns) noexcept {
    // A thread that used another queue since may have a record here all the same.
    std::uint32_t found = 0;
    const std::uint32_t known = top.load(std::memory_order_acquire);
    while (found < known && !port::mutex_is_mine(holder[found].life)) { ++found; }
    if (found == known) {
        const bool no_wait = deadline_ns <= 0;
        const std::int64_t until = no_wait ? port::now_ns() + kPatienceNs : deadline_ns;
        const Status locked = port::mutex_lock(mutex, until);
        if (!is_held(locked)) {
            return no_wait && locked.code() == Errc::timed_out ? Status(Errc::would_block).error()
                                                               : locked.error();
        }
        found = 0;
        while (found < kHolders && !take_record(holder[found])) { ++found; }
        if (found < kHolders && found >= top.load(std::memory_order_relaxed)) {
            // If killed before: a record that nobody looks at, and its holder holds nothing.
            top.store(found + 1, std::memory_order_seq_cst);
        }
        port::mutex_unlock_owing(mutex, joiners).ignore();
        // Joiners who sleep watch those whom they know: before we get anything they know us.
        ring_joiners();
        port::owe_nothing();
    }
    if (found == kHolders) { return Errc::too_many_members; }
    me.book = object;
    me.holder = found;
    return &holder[found];
}

void JoinBook::leave(Membership& me) noexcept {
    me.book = 0;
    for (std::uint32_t i = 0; i < top.load(std::memory_order_acquire); ++i) {
        if (!port::mutex_is_mine(holder[i].life)) { continue; }
        port::mutex_unlock_owing(holder[i].life, joiners).ignore();
        ring_joiners();  // As if we had died.
        port::owe_nothing();
    }
}

bool JoinBook::is_used_here() noexcept {
    const port::Pid here = port::process_id();
    for (std::uint32_t i = 0; i < top.load(std::memory_order_acquire); ++i) {
        const bool is_ours = holder[i].process.load(std::memory_order_relaxed) == here;
        if (is_ours && !port::mutex_is_free(holder[i].life)) { return true; }
    }
    return false;
}

bool JoinBook::holds_any(Ring& ring) noexcept {
    for (std::uint32_t i = 0; i < top.load(std::memory_order_acquire); ++i) {
        if (!port::mutex_is_mine(holder[i].life)) { continue; }
        const std::uint32_t index = ring.get.index.load(std::memory_order_acquire);
        return static_cast<std::int32_t>(holder[i].holds(index)) > 0;
    }
    return false;
}

bool JoinBook::has_living() noexcept {
    for (Holder& one : holder) {
        if (!port::mutex_is_free(one.life)) { return true; }
    }
    return !port::mutex_is_free(mutex);
}

// ---- Counts ------------------------------------------------------------------------------------

std::uint32_t JoinBook::outstanding(Ring& ring) const noexcept {
    const std::uint32_t over = done.load(std::memory_order_acquire) +
                               written_off.load(std::memory_order_acquire);
    return ring.get.index.load(std::memory_order_acquire) - over;
}

// What is over never passes what was got, nor that what was put. So if what was over first is all
// that was put later, it was all at that moment. What was dropped nobody will do.
std::uint32_t JoinBook::unfinished(Ring& ring) const noexcept {
    const std::uint32_t over = done.load(std::memory_order_acquire) +
                               written_off.load(std::memory_order_acquire);
    const auto state = static_cast<RingState>(ring.bell.note.load(std::memory_order_acquire));
    const RingSide& side = state == RingState::shut ? ring.get : ring.put;
    return side.index.load(std::memory_order_acquire) - over;
}

// Who says that something is done, of which he holds nothing, does so for one who does.
Holder* JoinBook::whose(Ring& ring, Holder& caller) noexcept {
    const std::uint32_t index = ring.get.index.load(std::memory_order_acquire);
    const auto has_any = [&](const Holder& one) {
        return static_cast<std::int32_t>(one.holds(index)) > 0;
    };
    if (has_any(caller)) { return &caller; }
    for (std::uint32_t i = 0; i < top.load(std::memory_order_relaxed); ++i) {
        Holder& one = holder[i];
        if (one.is_used.load(std::memory_order_relaxed) != 0 && has_any(one) &&
            !port::mutex_is_free(one.life)) {
            return &one;
        }
    }
    return nullptr;  // The dead.
}

Status JoinBook::settle(Ring& ring, Membership& me) noexcept {
    const Result<Holder*> record = holder_of(me, ring.object, port::kNever);
    if (!record.ok()) { return record.error(); }
    const Status locked = port::mutex_lock(mutex, port::kNever);
    if (!is_held(locked)) { return locked; }
    if (outstanding(ring) == 0) {
        port::mutex_unlock(mutex).ignore();
        return Errc::too_many_task_done;
    }
    Holder* const one = whose(ring, **record);
    if (one != nullptr) { one->settled.fetch_add(1, std::memory_order_relaxed); }
    // If killed up to here: it is not done. Nobody living holds it: it is abandoned.
    done.fetch_add(1, std::memory_order_seq_cst);
    // If killed here: it is done. Joiners watch us, and look.
    if (one == *record && me.self->object.load(std::memory_order_relaxed) == ring.object) {
        me.self->op.store(0, std::memory_order_release);  // It is not lost either.
    }
    const bool is_last = unfinished(ring) == 0;
    port::mutex_unlock_owing(mutex, joiners).ignore();
    if (is_last) { ring_joiners(); }
    port::owe_nothing();
    return Errc::ok;
}

bool JoinBook::has_dead() noexcept {
    if (has_struck.load(std::memory_order_seq_cst) != 0) { return true; }
    for (std::uint32_t i = 0; i < top.load(std::memory_order_seq_cst); ++i) {
        const bool is_used = holder[i].is_used.load(std::memory_order_seq_cst) != 0;
        if (is_used && port::mutex_is_free(holder[i].life)) { return true; }
    }
    return false;
}

// Of one moment, at which nobody gets: false if there was none. One who dies in here counts as
// living, and may have been about to get what another got: then too few are written off now, and
// the rest when he is struck out.
bool JoinBook::count_abandoned(Ring& ring) noexcept {
    const std::uint32_t index = ring.get.index.load(std::memory_order_acquire);
    const std::uint32_t over = done.load(std::memory_order_relaxed) +
                               written_off.load(std::memory_order_relaxed);
    std::uint32_t held = 0;
    for (std::uint32_t i = 0; i < top.load(std::memory_order_relaxed); ++i) {
        if (holder[i].is_used.load(std::memory_order_relaxed) == 0) { continue; }
        held += holder[i].holds(index);
    }
    if (ring.get.index.load(std::memory_order_acquire) != index) { return false; }
    const auto abandoned = static_cast<std::int32_t>(index - over - held);
    if (abandoned > 0) {
        written_off.fetch_add(static_cast<std::uint32_t>(abandoned), std::memory_order_seq_cst);
    }
    // If killed here: the next finds that nothing more is abandoned.
    has_struck.store(0, std::memory_order_seq_cst);
    return true;
}

Status JoinBook::write_off(Ring& ring, std::int64_t deadline_ns) noexcept {
    const std::int64_t until = deadline_ns > 0 ? deadline_ns : port::now_ns() + kPatienceNs;
    for (;;) {
        const Status locked = port::mutex_lock(mutex, until);
        if (!is_held(locked)) { return locked; }
        for (std::uint32_t i = 0; i < top.load(std::memory_order_relaxed); ++i) {
            Holder& one = holder[i];
            const bool is_used = one.is_used.load(std::memory_order_relaxed) != 0;
            if (!is_used || !port::mutex_is_free(one.life)) { continue; }
            // If killed between: see take_record().
            has_struck.store(1, std::memory_order_seq_cst);
            one.is_used.store(0, std::memory_order_seq_cst);
        }
        bool is_over = has_struck.load(std::memory_order_relaxed) == 0;
        for (int look = 0; look < kLooks && !is_over; ++look) { is_over = count_abandoned(ring); }
        port::mutex_unlock(mutex).ignore();
        if (is_over) { return Errc::ok; }
        if (has_passed(until)) { return Errc::timed_out; }
        port::sleep_until(slice_of(until, kRestNs));
    }
}

// ---- Sleeping ----------------------------------------------------------------------------------

Status JoinBook::sleep(std::int64_t deadline_ns) noexcept {
    port::RobustMutex* watched[kHolders];
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < top.load(std::memory_order_seq_cst); ++i) {
        if (holder[i].is_used.load(std::memory_order_seq_cst) == 0) { continue; }
        watched[count++] = &holder[i].life;
    }
    return port::bell_wait_watching(joiners, kSleepers, watched, count, deadline_ns, nullptr);
}

void JoinBook::ring_joiners() noexcept {
    ring_for(joiners, port::kEverybody);
}

// ---- Making one ---------------------------------------------------------------------------------

Status lay_out_book(JoinBook& book, Before before) noexcept {
    Status made = make_mutex(book.mutex, before);
    if (made.ok()) { made = port::bell_init(book.joiners); }
    for (Holder& one : book.holder) {
        if (made.ok()) { made = make_mutex(one.life, before); }
    }
    for (std::atomic<std::uint32_t>* count :
         {&book.done, &book.written_off, &book.has_struck, &book.top}) {
        count->store(0, std::memory_order_relaxed);
    }
    return made;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
