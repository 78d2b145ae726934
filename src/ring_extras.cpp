// JoinableQueue's part of a queue's handle, and how a handle leaves what it took part in.
#include <brood/detail/ring_handle.hpp>

#include <utility>

#include "deadline.hpp"
#include "join_book.hpp"
#include "named_ring.hpp"
#include "ring_wait.hpp"
#include "sleepers.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// What was written off since this handle last said so.
std::uint32_t take_news(const JoinBook& book, std::uint32_t& reported) noexcept {
    const std::uint32_t all = book.written_off.load(std::memory_order_seq_cst);
    return all - __atomic_exchange_n(&reported, all, __ATOMIC_RELAXED);
}

bool has_news(JoinBook& book, Ring& ring, std::uint32_t& reported) noexcept {
    return book.unfinished(ring) == 0 || book.has_dead() ||
           book.written_off.load(std::memory_order_seq_cst) !=
               __atomic_load_n(&reported, __ATOMIC_RELAXED);
}

}  // namespace

Status RingHandle::make_joinable() noexcept {
    const Result<void*> memory = make_object(sizeof(JoinBook), [](void* zeroes) {
        return lay_out_book(*static_cast<JoinBook*>(zeroes), Before::zeroes);
    });
    if (!memory.ok()) { return memory.status(); }
    extras_.book = static_cast<JoinBook*>(*memory);
    return Errc::ok;
}

// As one of those whom joiners watch.
Status RingHandle::take_part() noexcept {
    const Result<Membership*> me = member_of(*ring_, members());
    if (!me.ok()) { return me.error(); }
    return extras_.book->holder_of(**me, ring_->object, port::kNever).status();
}

Status RingHandle::task_done() noexcept {
    if (ring_ == nullptr) { return Errc::closed; }
    const Result<Membership*> me = member_of(*ring_, members());
    if (!me.ok()) { return me.error(); }
    return extras_.book->settle(*ring_, **me);
}

// Whoever wakes with news first wakes all the others: a death wakes one only, and so does the
// system if that one is killed, which is what he owes until then.
Status RingHandle::join(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    if (ring_ == nullptr) { return Errc::closed; }
    JoinBook& book = *extras_.book;
    for (Status slept;;) {
        get_ready_to_sleep(book.joiners);
        if (has_news(book, *ring_, extras_.reported)) {
            book.ring_joiners();
            if (book.has_dead()) {
                const Status written = book.write_off(*ring_, deadline_ns);
                if (!written.ok()) { return written; }
            }
            port::owe_nothing();
            const std::uint32_t abandoned = take_news(book, extras_.reported);
            if (abandoned != 0) { return Error(Errc::abandoned, 0, abandoned); }
            if (book.unfinished(*ring_) == 0) { return Errc::ok; }
            continue;
        }
        if (!slept.ok() || deadline_ns <= 0) {
            // We set the flag anew, maybe for one who had been rung for before he slept.
            book.ring_joiners();
            port::owe_nothing();
            return Errc::timed_out;
        }
        slept = book.sleep(deadline_ns);
    }
}

void RingHandle::close() noexcept {
    closed_ = true;
    Membership* const me = ring_ == nullptr ? nullptr : membership_in(*table_);
    if (me == nullptr) { return; }
    // What the caller got from this queue it has handled.
    if (me->self->object.load(std::memory_order_relaxed) == ring_->object) {
        me->self->op.store(0, std::memory_order_release);
    }
    if (extras_.roster != nullptr) { extras_.roster->leave(*ring_, *me); }
    if (extras_.named == nullptr) { return; }
    for (const RingEnd end : {RingEnd::put, RingEnd::get}) { RingUser(*ring_, *me, end).let_go(); }
    // If killed here, or before: a member who died, in no operation.
    if (!leave_members(*me)) { extras_.named->has_strayed = true; }
}

// The system's list of what a thread holds is linked through the mutexes: memory in which another
// thread of this process holds one stays mapped.
void RingHandle::leave() noexcept {
    close();
    count_lost(*ring_, members());  // So that others may have the entries of the dead.
    Membership* const me = membership_in(*table_);
    JoinBook* const book = std::exchange(extras_.book, nullptr);
    const bool is_own = bytes_ != 0;
    if (book != nullptr) {
        // What it got by another handle to a queue in memory of others, it still holds.
        if (me != nullptr && (is_own || !book->holds_any(*ring_))) { book->leave(*me); }
        if (is_own && !book->is_used_here()) { port::unmap(book, sizeof(JoinBook)); }
    }
    Roster* const roster = std::exchange(extras_.roster, nullptr);
    if (roster != nullptr && !roster->is_used_here()) {
        port::unmap(roster, Roster::bytes_for(roster->count));
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
