// What the processes that use a Barrier share. For src/barrier*.cpp only.
//
// Who comes takes a place, one of as many as there are parties, which is a robust mutex: so the
// others can tell whether he lives. Then he marks the place with the phase in which he came, and
// when all places are held, and marked with the phase of now, the round is over. Nobody counts.
//
// The phase is one word, so that each change of it is one step:
//
//   round     changes when a round is over. One bit will do: while somebody holds a place, no more
//             than one round can end, as all places are needed for that. So whoever has marked his
//             place and sees another round knows that he was among those for whom it ended.
//   unrung    whoever changed the phase has perhaps not rung for those who sleep. Any other who
//             sees it rings in his stead, and only then goes on: no change is made before.
//   state     kFilling; kBroken; or from kActing on: who holds that place ends the round
//   arrivals  changes with each who comes, before he marks his place: one who has looked, but does
//             not sleep yet, must look again, and then watches the new one
//   era       counts resets. It wraps: one who was stopped during exactly 2^16 resets is taken for
//             one who has come just now, by himself and by the others alike.
//
// Each who waits sleeps on the phase, watches all held places, and owes a ring to the bell `heirs`,
// on which all of them sleep besides. So one of them learns when another dies, and breaks the
// barrier; if that one is killed, too, the next does. An action may use locks, which makes the
// system forget what its thread owes: so all are woken before it runs, and watch that place, too.
//
// Who finds no place sleeps on the bell `room`, as for a permit of a Semaphore.
//
// Why a change by one who was stopped before it, while the phase came round to the same value, does
// no harm: to come is right at any time while it is filling; to time out, too, as his mark is valid
// again; who ends a round looks once more when the phase names him, and what names him nobody else
// can write; a reset is right at any time; and a break without reason is something all must expect.
#ifndef BROOD_SRC_BARRIER_STATE_HPP
#define BROOD_SRC_BARRIER_STATE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <brood/barrier.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// A value of the phase.
class Phase {
public:
    static constexpr std::uint32_t kFilling = 0, kBroken = 1, kActing = 2;

    explicit constexpr Phase(std::uint32_t word) noexcept : word_(word) {}
    constexpr std::uint32_t word() const noexcept { return word_; }

    constexpr std::uint32_t state() const noexcept { return (word_ & kState) / kOnceState; }
    constexpr bool is_unrung() const noexcept { return (word_ & kUnrung) != 0; }
    /// What marks the place of one who came in this phase: never 0.
    constexpr std::uint32_t mark() const noexcept { return (word_ & (kEra | kRound)) | kUnrung; }
    constexpr bool has_ended_for(std::uint32_t mark) const noexcept {
        return ((word_ ^ mark) & kRound) != 0;
    }
    constexpr bool is_broken_for(std::uint32_t mark) const noexcept {
        return ((word_ ^ mark) & kEra) != 0 || state() == kBroken;
    }

    constexpr Phase rung() const noexcept { return Phase(word_ & ~kUnrung); }
    constexpr Phase unrung() const noexcept { return Phase(word_ | kUnrung); }
    constexpr Phase in_state(std::uint32_t state) const noexcept {
        return Phase((word_ & ~kState) | state * kOnceState);
    }
    constexpr Phase after_arrival() const noexcept {
        return Phase((word_ & ~kArrivals) | ((word_ + kOnceArrived) & kArrivals));
    }
    constexpr Phase after_round() const noexcept {
        return Phase(in_state(kFilling).word_ ^ kRound);
    }
    constexpr Phase after_reset() const noexcept {
        return Phase(in_state(kFilling).word_ + kOnceReset);
    }

private:
    static constexpr std::uint32_t kRound = 1, kUnrung = 2, kState = 0x1fc, kArrivals = 0xfe00,
                                   kEra = 0xffff0000u;
    static constexpr std::uint32_t kOnceState = 4, kOnceArrived = 0x200, kOnceReset = 0x10000;
    static_assert(kActing + Barrier::kPartiesMax - 1 <= kState / kOnceState);
    std::uint32_t word_;
};

}  // namespace detail

struct Barrier::State {
    using Phase = detail::Phase;

    port::Bell phase;
    port::Bell heirs;
    port::Bell room;
    std::uint32_t parties;
    Timeout timeout;
    Status (*run)(void* action) noexcept;
    alignas(kActionBytes) unsigned char action[kActionBytes];
    std::atomic<std::uint32_t> mark[kPartiesMax];  // 0, or that of who has come
    port::RobustMutex place[1];                    // and so on

    static std::size_t bytes_for(std::size_t parties) noexcept {
        return sizeof(State) + (parties - 1) * sizeof(port::RobustMutex);
    }

    // Changing the phase: the caller owes a ring to `heirs`.
    Phase settled() noexcept;
    bool change(Phase from, Phase to) noexcept;

    // Waiting: see src/barrier_wait.cpp.
    Status enter(std::uint32_t& mine, std::int64_t deadline_ns) noexcept;
    bool has_room() noexcept;
    Status take_place(std::uint32_t& mine, bool& passes_on) noexcept;
    Status arrive(std::uint32_t mine, std::uint32_t& marked) noexcept;
    Status await(std::uint32_t mine, std::uint32_t marked, std::int64_t deadline_ns) noexcept;
    Status end_round(std::uint32_t mine, std::uint32_t marked, Phase acting) noexcept;
    void leave(std::uint32_t mine) noexcept;

    struct View {
        port::RobustMutex* held[kPartiesMax];  // but the caller's
        std::size_t held_count;
        bool have_all_come;
        bool has_one_died;
    };
    void look(std::uint32_t mine, std::uint32_t marked, View& view) noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
