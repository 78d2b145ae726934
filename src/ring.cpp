// Putting into a ring and getting from it; src/ring.hpp has the rules.
#include "ring.hpp"

#include <utility>

#include <brood/detail/ring_handle.hpp>

#include "deadline.hpp"
#include "named_ring.hpp"
#include "ring_memory.hpp"
#include "ring_move.hpp"
#include "ring_wait.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// One put or get, of up to `count` messages.
template <RingEnd kEnd>
class Transfer {
public:
    Transfer(Ring& ring, const RingShape& shape, Membership& me, std::int64_t deadline_ns,
             Roster* roster, Holder* holder) noexcept
        : ring_(ring),
          shape_(shape),
          user_(ring, me, kEnd),
          me_(me),
          deadline_ns_(deadline_ns),
          holder_(holder),
          wait_(ring, me, user_, kEnd, roster) {}

    Result<std::size_t> run(BufferOf<kEnd> messages, std::size_t count) noexcept {
        for (;;) {
            // Nobody takes the lease from another only to find that there is nothing to do.
            if (!is_mine() && !can_grow() && !must_give_back() &&
                !is_more_possible(ring_, shape_, kEnd) && is_open()) {
                user_.withdraw();  // What the last get took has been handled.
                const std::uint32_t index = mine().index.load(std::memory_order_relaxed);
                const Status waited = wait_.for_other_side(deadline_ns_, seen_at(index));
                if (!waited.ok()) { return give_up(waited); }
                continue;
            }
            const Status entered = user_.enter(deadline_ns_);
            if (!entered.ok()) { return give_up(entered); }
            const std::uint32_t index = mine().index.load(std::memory_order_relaxed);
            const std::uint32_t sparse = shape_.shrink_below.load(std::memory_order_relaxed);
            const bool gives_back = must_give_back();
            const std::uint32_t possible = possible_at(
                ring_, shape_, kEnd, index, gives_back && sparse > count ? sparse : count);
            const auto state =
                static_cast<RingState>(ring_.bell.note.load(std::memory_order_acquire));
            const bool is_over = state >= RingState::shut ||
                                 (state == RingState::draining && (is_put() || possible == 0));
            const bool must_grow = possible < count && can_grow();
            const bool is_sparse = gives_back && possible < sparse;
            if (is_over || possible == 0 || must_grow || is_sparse) {
                user_.withdraw();
                user_.leave();
                if (is_over) { return give_up(Errc::closed); }
                if (is_sparse) {
                    shrink_ring(ring_, me_);
                    has_given_back_ = true;
                    continue;
                }
                const Status waited = must_grow
                                          ? grow_ring(ring_, me_, count, deadline_ns_)
                                          : wait_.for_other_side(deadline_ns_, seen_at(index));
                if (waited.ok()) { continue; }
                const bool too_many = must_grow && count > 1 && is_short_of_memory(waited);
                if (possible == 0 && !too_many) { return give_up(waited); }
                count = possible != 0 ? possible : count / 2;
                continue;
            }
            const std::uint32_t part = count < possible ? static_cast<std::uint32_t>(count)
                                                        : possible;
            move(index, part, messages);
            return part;
        }
    }

private:
    static constexpr bool is_put() noexcept { return kEnd == RingEnd::put; }
    bool can_grow() const noexcept { return is_put() && shape_.grows(); }
    bool must_give_back() const noexcept {
        return !is_put() && !has_given_back_ &&
               shape_.shrink_below.load(std::memory_order_relaxed) != 0;
    }
    bool is_mine() noexcept {
        return mine().lease.word.load(std::memory_order_relaxed) == me_.index;
    }
    bool is_open() noexcept {
        const std::uint32_t state = ring_.bell.note.load(std::memory_order_acquire);
        return static_cast<RingState>(state) == RingState::open;
    }
    RingSide& mine() noexcept { return is_put() ? ring_.put : ring_.get; }

    static bool is_short_of_memory(const Status& status) noexcept {
        return status.code() == Errc::no_space || status.code() == Errc::no_memory;
    }

    // Where the other side stood when there was nothing to do, at `index`.
    std::uint32_t seen_at(std::uint32_t index) const noexcept {
        return is_put() ? index - shape_.bound() : index;
    }

    void move(std::uint32_t index, std::uint32_t count, BufferOf<kEnd> messages) noexcept {
        // Looked at after the announcement: who sets a flag later waits until this is over.
        const bool owes = ring_.bell.word.load(std::memory_order_relaxed) != 0;
        if (owes) { port::owe_ring(ring_.bell); }
        move_messages<kEnd>(ring_, shape_, *me_.self, index, count, messages, holder_);
        user_.leave();
        if (owes || wait_.must_ring()) { wait_.ring_after(is_more_possible(ring_, shape_, kEnd)); }
    }

    Result<std::size_t> give_up(const Status& status) noexcept {
        wait_.give_up(status.code() == Errc::closed || status.code() == Errc::peer_died);
        return status.error();
    }

    Ring& ring_;
    const RingShape& shape_;
    RingUser user_;
    Membership& me_;
    std::int64_t deadline_ns_;
    bool has_given_back_ = false;  // Once is enough, in one operation.
    Holder* holder_;               // of a getter, if the queue is a joinable one
    RingWait wait_;
};

template <RingEnd kEnd>
[[gnu::noinline]] Result<std::size_t> transfer(Ring* ring, const RingShape* shape,
                                               MemberTable* table, RingExtras& extras,
                                               BufferOf<kEnd> messages, std::size_t count,
                                               Timeout timeout) noexcept {
    if (ring == nullptr) { return Errc::closed; }
    if (count == 0) { return std::size_t{0}; }
    const std::int64_t deadline_ns = quick_deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    Membership* me = membership_in(*table);
    if (me == nullptr) {
        const Result<Membership*> joined = member_of(*ring, members_of(*table, extras));
        if (!joined.ok()) { return joined.error(); }
        me = *joined;
    }
    Holder* holder = nullptr;
    if (kEnd == RingEnd::get && extras.book != nullptr) {
        const Result<Holder*> held = extras.book->holder_of(*me, ring->object, deadline_ns);
        if (!held.ok()) { return held.error(); }
        holder = *held;
    }
    if (kEnd == RingEnd::put && extras.roster != nullptr) {
        const Status enrolled = extras.roster->enroll(*ring, *me);
        if (!enrolled.ok()) { return enrolled.error(); }
    }
    return Transfer<kEnd>(*ring, *shape, *me, deadline_ns, extras.roster, holder)
        .run(messages, count);
}

}  // namespace

[[gnu::always_inline]] inline std::uint32_t RingHandle::put_at_once(const void* messages,
                                                                    std::size_t count,
                                                                    Timeout timeout) noexcept {
    if (ring_ == nullptr || closed_ || extras_.roster != nullptr || !timeout.is_valid()) {
        return 0;
    }
    Membership* const me = membership_in(*table_);
    if (me == nullptr) { return 0; }
    return move_at_once<RingEnd::put>(*ring_, *shape_, *me,
                                      static_cast<const unsigned char*>(messages), count);
}

[[gnu::always_inline]] inline std::uint32_t RingHandle::get_at_once(void* messages,
                                                                    std::size_t count,
                                                                    Timeout timeout) noexcept {
    if (ring_ == nullptr || extras_.book != nullptr || !timeout.is_valid()) { return 0; }
    Membership* const me = membership_in(*table_);
    if (me == nullptr) { return 0; }
    return move_at_once<RingEnd::get>(*ring_, *shape_, *me, static_cast<unsigned char*>(messages),
                                      count);
}

Result<std::size_t> RingHandle::put_slowly(const void* messages, std::size_t count,
                                           Timeout timeout) noexcept {
    if (closed_) { return Errc::closed; }
    return transfer<RingEnd::put>(ring_, shape_, table_, extras_,
                                  static_cast<const unsigned char*>(messages), count, timeout);
}

Result<std::size_t> RingHandle::get_slowly(void* messages, std::size_t count,
                                           Timeout timeout) noexcept {
    return transfer<RingEnd::get>(ring_, shape_, table_, extras_,
                                  static_cast<unsigned char*>(messages), count, timeout);
}

Result<std::size_t> RingHandle::put(const void* messages, std::size_t count,
                                    Timeout timeout) noexcept {
    const std::uint32_t moved = put_at_once(messages, count, timeout);
    return moved != 0 ? std::size_t{moved} : put_slowly(messages, count, timeout);
}

Result<std::size_t> RingHandle::get(void* messages, std::size_t count, Timeout timeout) noexcept {
    const std::uint32_t moved = get_at_once(messages, count, timeout);
    return moved != 0 ? std::size_t{moved} : get_slowly(messages, count, timeout);
}

Status RingHandle::put_one(const void* message, Timeout timeout) noexcept {
    return put_at_once(message, 1, timeout) != 0 ? Status()
                                                 : put_slowly(message, 1, timeout).status();
}

Status RingHandle::get_one(void* message, Timeout timeout) noexcept {
    return get_at_once(message, 1, timeout) != 0 ? Status()
                                                 : get_slowly(message, 1, timeout).status();
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
