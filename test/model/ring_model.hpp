// The ring of src/ring.hpp, as a model for the explorer.
//
// By hand from src/ring.cpp (Transfer), ring_lease.cpp (RingUser) and ring_wait.cpp (RingWait): one
// step for each access to shared memory, in the same order. A store waits in its process's buffer,
// in order, until it is seen: as x86 has it; weaker orders are not modelled. An exchange empties
// the own buffer first, a heavy fence those of all. Who is killed leaves a buffer that is seen
// before the system acts on his death.
//
// Left out: shutdown, the `note` (a bound of the other index), kSleep (who waits for a lease looks
// again after a slice at the latest: so here he always may), messages of more than one word,
// objects other than this one, growing, rosters, the counts of joiners and of what is lost. Whether
// a side is shared is a hint: after each operation both may be. Indices have 3 bits and begin just
// before they wrap.
#ifndef BROOD_TEST_MODEL_RING_MODEL_HPP
#define BROOD_TEST_MODEL_RING_MODEL_HPP

#include <cstdint>

#include "explorer.hpp"

namespace model {

/// One mistake; each must be found.
enum class RingMistake {
    none,
    no_heavy_before_taking,
    no_heavy_before_sleeping,
    store_order,      // the index before the message
    robs_the_living,  // takes over from one in mid-operation without a look whether he lives
    sleeps_at_once,   // does not wait out the operation under way
    owes_nothing,     // neither who is about to ring nor who sleeps is rung for when he dies
    no_second_ring,   // drops the flag and does not look whether one fell asleep since
    sleeps_on_one_word,
    lets_go_blindly,  // of a lease that was taken from it meanwhile
    count,
};
const char* name_of(RingMistake mistake);

struct RingScene {
    const char* name;
    std::uint8_t slots;    // 1 or 2
    std::uint8_t there;    // messages at the beginning
    std::uint8_t side[3];  // 1 puts, 2 gets
    std::uint8_t operations[3];
    std::uint8_t crashes;    // how many may die
    std::uint8_t born_side;  // who comes into a dead one's entry; 0: nobody
    std::uint8_t born_operations;
    bool has_fences;    // membarrier; else both sides of a handshake have a fence of their own
    bool is_impatient;  // sleepers may run out of time
    bool is_short;
};

class RingModel {
public:
    static constexpr int kActors = 3;
    static constexpr int kStoresMax = 5;

    struct Process {
        std::uint8_t pc, side, operations, is_alive;
        std::uint8_t seen, index, other, wanted;   // registers
        std::uint8_t message, begun;               // in hand, or to be put; how many began
        std::uint8_t owes, woken, rings, quantum;  // RingWait's, move()'s and the Membership's
        std::uint8_t pending;                      // what the system does at its death
        std::uint8_t stage;                        // of ring_one(): for whom, and who comes then
        std::uint8_t stores;
        std::uint8_t address[kStoresMax], value[kStoresMax];
        std::uint8_t pad;
    };
    struct State {
        std::uint8_t memory[12];
        std::uint16_t got, gone, returned;  // by message
        std::uint8_t crashes, pad;
        Process process[kActors];
    };
    static_assert(sizeof(Process) == 28 && sizeof(State) == 104);

    RingModel(const RingScene& scene, RingMistake mistake) : scene_(scene), mistake_(mistake) {}
    State first() const;
    template <class F>
    void each(const State& state, F f) const {
        Found found;
        for (int who = 0; who < kActors; ++who) {
            const Process& process = state.process[who];
            if (process.stores > 0) {
                State next = state;
                drain(next, who);
                f(next, who, Step::drains);
            }
            found.count = 0;
            act(state, who, found);
            found.each(who, f);
        }
    }
    const char* bad(const State& state) const;
    bool is_done(const State& state, int without) const;
    bool may_stop(const State& state, int who) const;
    void print(const State& state) const;

private:
    using Found = NextStates<State, 6>;
    class Actor;
    static void drain(State& state, int who);
    void act(const State& state, int who, Found& found) const;

    const RingScene& scene_;
    RingMistake mistake_;
};

}  // namespace model

#endif
