// The producers of a queue that its getters know: one place for each, whose mutex the producer
// holds until it has ended, in whatever way.
#ifndef BROOD_SRC_ROSTER_HPP
#define BROOD_SRC_ROSTER_HPP

#include <atomic>
#include <cstdint>

#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

struct Ring;
struct Membership;

/// How the one who had a place last stands; while its mutex is held, he produces.
enum class PlaceState : std::uint32_t { never, enrolled, closed };

struct Place {
    port::RobustMutex life;
    alignas(64) std::atomic<std::uint32_t> state;  // times enrolled << 2 | PlaceState
    std::atomic<std::int32_t> process;             // of the last who had it

    static PlaceState state_in(std::uint32_t word) noexcept {
        return static_cast<PlaceState>(word & 3);
    }
};

struct Roster {
    std::uint32_t count;
    alignas(64) Place place[1];  // and so on

    static std::size_t bytes_for(std::size_t count) noexcept {
        return sizeof(Roster) + (count - 1) * sizeof(Place);
    }

    struct Look {
        bool is_going_on;    // somebody produces, or a place was never taken
        bool has_died;       // one who had a place last did not close
        std::uint32_t sum;   // of the states: it differs whenever one of them changed
        std::size_t living;  // how many of them are in `watched`
    };
    /// One look at all places. `watched`: room for kWatchedMax.
    Look look(port::RobustMutex** watched) noexcept;
    /// ok: it goes on; closed, peer_died: all have ended.
    Status produced() noexcept;

    /// Gives the calling thread a place, if it has none. Errors: too_many_members.
    Status enroll(Ring& ring, Membership& me) noexcept;
    /// The calling thread produces no more.
    void leave(Ring& ring, Membership& me) noexcept;
    /// Whether another thread of this process has a place, so that this memory must stay.
    bool is_used_here() noexcept;

private:
    bool take_place(Ring& ring, Membership& me, std::uint32_t index, PlaceState of) noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
