// The pools of which wait() awaits futures, as what it can sleep on.
#ifndef BROOD_SRC_WAIT_SEATS_HPP
#define BROOD_SRC_WAIT_SEATS_HPP

#include "launch_pipe.hpp"
#include "pool_pollable.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// One thread's seats in wait(), for as long as it is there. Nothing here links a pool: a pool that
/// has descriptors brings what is called.
class WaitSeats {
public:
    static constexpr std::size_t kMost = 64;

    WaitSeats() noexcept {}
    ~WaitSeats() noexcept {
        each([](WaitSeat& seat) { seat.core->pollable()->leave(seat); });
    }
    WaitSeats(const WaitSeats&) = delete;
    WaitSeats& operator=(const WaitSeats&) = delete;

    /// Takes a seat in `core`, unless it has one there, for a future that is that item. False: the
    /// pool is none on which one can sleep.
    bool take(PoolCore& core, std::size_t item) noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            if (seats_[i].core == &core) { return true; }
        }
        if (core.pollable() == nullptr) { return false; }
        WaitSeat& seat = seats_[count_];
        seat.core = &core;
        seat.item = item;
        if (!core.pollable()->sit_down(seat)) { return false; }
        ++count_;
        return true;
    }
    /// Before a look at the futures.
    void begin_turn() noexcept {
        each([](WaitSeat& seat) { seat.core->pollable()->begin_turn(seat); });
    }

    /// One sleep: between the two the items are polled. False: look again first.
    bool lie_down(port::PollItem* items, LaunchPipe& own, bool& must_look) noexcept {
        for (lying_ = 0; lying_ < count_; ++lying_) {
            WaitSeat& seat = seats_[lying_];
            port::Fd& fd = items[seat.item].fd;
            if (!seat.core->pollable()->lie_down(seat, own, fd)) { return false; }
            const bool tells_late = seat.core->watch == port::kNoFd ||
                                    seat.core->shared->is_loose.load() != 0;
            must_look = must_look || fd == port::kNoFd || tells_late;
        }
        return true;
    }
    void rise(const port::PollItem* items) noexcept {
        for (; lying_ > 0; --lying_) {
            WaitSeat& seat = seats_[lying_ - 1];
            seat.core->pollable()->rise(seat, items[seat.item].ready);
        }
    }

private:
    template <class F>
    void each(F f) noexcept {
        for (std::size_t i = 0; i < count_; ++i) { f(seats_[i]); }
    }

    std::size_t count_ = 0, lying_ = 0;
    WaitSeat seats_[kMost];
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
