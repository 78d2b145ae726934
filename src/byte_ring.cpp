// A ring of 8-byte units as a queue of messages of varying length: a unit that says how long the
// message is, and as many more as it needs. Its units are put and got together, by one store of the
// index; so src/ring.hpp holds word by word, with units for messages.
#include <brood/detail/ring_handle.hpp>

#include "deadline.hpp"
#include "ring_memory.hpp"
#include "ring_move.hpp"
#include "ring_wait.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t kUnit = 8;

struct Header {
    std::uint32_t bytes;
    std::uint32_t unused;
};
static_assert(sizeof(Header) == kUnit);

constexpr std::size_t units_of(std::size_t bytes) noexcept {
    return 1 + bytes / kUnit + (bytes % kUnit != 0 ? 1 : 0);
}

/// One put or get.
class ByteTransfer {
public:
    ByteTransfer(Ring& ring, Membership& me, RingEnd end, std::int64_t deadline_ns) noexcept
        : ring_(ring), me_(me), end_(end), deadline_ns_(deadline_ns) {}

    Status put(const unsigned char* message, std::size_t bytes) noexcept {
        const auto units = static_cast<std::uint32_t>(units_of(bytes));
        for (;;) {
            std::uint32_t index = 0;
            const Status entered = enter(index);
            if (!entered.ok()) { return give_up(entered); }
            if (state() != RingState::open) { return stop(Errc::closed); }
            if (possible_at(ring_, ring_.shape, end_, index, units) >= units) {
                const Header header = {static_cast<std::uint32_t>(bytes), 0};
                __builtin_memcpy(ring_.slot(index), &header, sizeof header);
                copy(index + 1, bytes, [=](unsigned char* units_at, std::size_t at, std::size_t n) {
                    __builtin_memcpy(units_at, message + at, n);
                });
                commit(index + units);
                return Errc::ok;
            }
            const Status waited = wait(units);
            if (!waited.ok()) { return give_up(waited); }
        }
    }

    Result<std::size_t> get(unsigned char* buffer, std::size_t room) noexcept {
        for (;;) {
            std::uint32_t index = 0;
            const Status entered = enter(index);
            if (!entered.ok()) { return give_up(entered).error(); }
            // Whoever sees a message's first unit sees all: they came by one store.
            const std::uint32_t in_it = possible_at(ring_, ring_.shape, end_, index, 1);
            const RingState now = state();
            if (now == RingState::shut || (now == RingState::draining && in_it == 0)) {
                return stop(Errc::closed).error();
            }
            if (in_it != 0) { return take(index, in_it, buffer, room); }
            // Left by one who was killed when he had got the last, or found a putter at work.
            if (!has_given_back_ && ring_.shape.shrink_below.load(std::memory_order_relaxed) != 0) {
                has_given_back_ = true;
                user_.withdraw();
                user_.leave();
                shrink_ring(ring_, me_);
                continue;
            }
            const Status waited = wait(1);
            if (!waited.ok()) { return give_up(waited).error(); }
        }
    }

private:
    bool is_put() const noexcept { return end_ == RingEnd::put; }
    RingSide& mine() noexcept { return ring_.side(end_); }
    RingSide& other() noexcept { return ring_.side(is_put() ? RingEnd::get : RingEnd::put); }
    RingState state() const noexcept {
        return static_cast<RingState>(ring_.bell.note.load(std::memory_order_acquire));
    }

    Status enter(std::uint32_t& index) noexcept {
        const Status entered = user_.enter(deadline_ns_);
        index = mine().index.load(std::memory_order_relaxed);
        return entered;
    }

    Result<std::size_t> take(std::uint32_t index, std::uint32_t in_it, unsigned char* buffer,
                             std::size_t room) noexcept {
        Header header;
        __builtin_memcpy(&header, ring_.slot(index), sizeof header);
        if (header.bytes > room) {
            return stop(Error(Errc::buffer_too_short, 0, header.bytes)).error();
        }
        copy(index + 1, header.bytes, [=](unsigned char* units_at, std::size_t at, std::size_t n) {
            __builtin_memcpy(buffer + at, units_at, n);
        });
        const auto units = static_cast<std::uint32_t>(units_of(header.bytes));
        commit(index + units);
        const std::uint32_t sparse = ring_.shape.shrink_below.load(std::memory_order_relaxed);
        if (in_it - units < sparse &&
            other().index.load(std::memory_order_acquire) - (index + units) < sparse) {
            shrink_ring(ring_, me_);
        }
        return std::size_t{header.bytes};
    }

    // In one piece, or around the end of the ring in two.
    template <class Move>
    void copy(std::uint32_t index, std::size_t bytes, Move move) noexcept {
        const std::uint32_t slots = ring_.shape.slots.load(std::memory_order_relaxed);
        const std::size_t to_end = (slots - (index & (slots - 1))) * kUnit;
        const std::size_t first = bytes < to_end ? bytes : to_end;
        if (first != 0) { move(ring_.slot(index), 0, first); }
        if (bytes > first) { move(ring_.slot(0), first, bytes - first); }
    }

    void commit(std::uint32_t index) noexcept {
        // Looked at after the announcement: who sets a flag later waits until this is over.
        const bool owes = ring_.bell.word.load(std::memory_order_relaxed) != 0;
        if (owes) { port::owe_ring(ring_.bell); }
        // If killed up to here: nothing was moved. Half a message is in units that nobody sees.
        mine().index.store(index, std::memory_order_release);
        // If killed here: all was moved. The kernel rings if we owed it.
        if (is_put()) { user_.withdraw(); }
        user_.leave();
        if (owes || wait_.must_ring()) {
            wait_.ring_after(is_more_possible(ring_, ring_.shape, end_));
        }
    }

    // Ends the operation, and sleeps until the other side has moved; or makes room.
    Status wait(std::uint32_t units) noexcept {
        const std::uint32_t seen = mine().lease.note.load(std::memory_order_relaxed);
        user_.withdraw();
        user_.leave();
        if (is_put() && ring_.shape.grows()) { return grow_ring(ring_, me_, units, deadline_ns_); }
        // What we were woken for is too little for us, but others may wait with shorter messages.
        // Each of them passes it on, too; who finds that nothing has moved since does not.
        if (is_put() && seen_before_ != seen && wait_.must_ring()) { wait_.ring_all_of_ours(); }
        seen_before_ = seen;
        return wait_.for_other_side(deadline_ns_, seen);
    }

    Status stop(const Error& reason) noexcept {
        user_.withdraw();
        user_.leave();
        return give_up(reason);
    }
    Status give_up(const Status& status) noexcept {
        wait_.give_up(status.code() == Errc::closed);
        return status;
    }

    Ring& ring_;
    Membership& me_;
    RingEnd end_;
    std::int64_t deadline_ns_;
    RingUser user_{ring_, me_, end_};
    RingWait wait_{ring_, me_, user_, end_, nullptr};
    std::uint32_t seen_before_ = 0;  // of the other side's index
    bool has_given_back_ = false;    // Once is enough, of a get that finds nothing.
};

}  // namespace

Result<RingHandle> RingHandle::make_bytes(std::size_t most) noexcept {
    return make(kUnit, most / kUnit + (most % kUnit != 0 ? 1 : 0));
}

Status RingHandle::put_bytes(const void* message, std::size_t bytes, Timeout timeout) noexcept {
    if (ring_ == nullptr || closed_) { return Errc::closed; }
    if (message == nullptr && bytes != 0) { return Errc::bad_argument; }
    const std::size_t longest = (ring_->shape.bound() - 1) * kUnit;
    if (bytes > longest) {
        return Error(Errc::message_too_long, 0, static_cast<std::int64_t>(longest));
    }
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    const Result<Membership*> me = member_of(*ring_, members());
    if (!me.ok()) { return me.error(); }
    return ByteTransfer(*ring_, **me, RingEnd::put, deadline_ns)
        .put(static_cast<const unsigned char*>(message), bytes);
}

Result<std::size_t> RingHandle::get_bytes(void* buffer, std::size_t room,
                                          Timeout timeout) noexcept {
    if (ring_ == nullptr) { return Errc::closed; }
    if (buffer == nullptr && room != 0) { return Errc::bad_argument; }
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    const Result<Membership*> me = member_of(*ring_, members());
    if (!me.ok()) { return me.error(); }
    return ByteTransfer(*ring_, **me, RingEnd::get, deadline_ns)
        .get(static_cast<unsigned char*>(buffer), room);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
