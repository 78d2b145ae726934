// The robust mutex of port/linux/mutex.cpp, as a model for the explorer.
//
// By hand from mutex_lock(), lock_slowly(), sleep_for(), unlock() and ring(): one step for each
// access to shared memory, and for each change of what the kernel looks at when a thread dies: its
// list, and `pending`. All that several write is written by locked instructions, so there are no
// stores that wait to be seen. The kernel's part is exit_robust_list() of Linux 5.5 and later: of
// what is listed, and then of what `pending` names, a word that names the dead becomes OWNER_DIED,
// and one sleeper is woken if WAITERS was set; if `pending` names a word that names nobody, one who
// sleeps on it is woken. Which of several sleepers hears a ring is open.
//
// Left out: the looks before sleeping (they only load), who watches a mutex without taking it,
// relocking, systems whose kernel does not ring for the dead (sleeps are cut in slices there).
#ifndef BROOD_TEST_MODEL_MUTEX_MODEL_HPP
#define BROOD_TEST_MODEL_MUTEX_MODEL_HPP

#include <cstdint>

#include "explorer.hpp"

namespace model {

/// One mistake; each must be found.
enum class MutexMistake {
    none,
    taker_is_not_pending,  // killed between taking and listing, nobody knows of it
    taker_drops_waiters,   // the flag of the word is lost: the kernel wakes nobody at a death
    unlisted_too_late,     // after letting go: the next holder's word is in two lists
    pending_too_short,     // cleared before the ring
    no_second_ring,        // drops the flag, and does not look whether one fell asleep since
    drops_owing_nothing,   // ... and `pending` does not name the bell
    sleeper_owes_nothing,  // a ring that reached one who is killed goes to nobody
    sets_no_waiters,       // a sleeper does not tell the kernel
    hears_only_the_bell,   // sleeps on one word
    sets_no_flag_again,    // woken: the one who rang may have dropped it, and be stopped
    forgets_the_dead,      // the next does not hear that a holder died
    count,
};
const char* name_of(MutexMistake mistake);

struct MutexScene {
    const char* name;
    std::uint8_t turns[4];
    std::uint8_t crashes;  // how many may die
    bool is_impatient;     // sleepers may run out of time
    bool is_held;          // by the first, at the beginning
    bool is_short;
};

class MutexModel {
public:
    static constexpr int kActors = 4;

    struct Process {
        std::uint8_t pc, turns, is_alive;
        std::uint8_t seen, bell;  // registers: the word, the bell
        std::uint8_t pending, is_listed, is_rung;
    };
    struct State {
        std::uint8_t word, bell;
        std::uint8_t crashes;
        std::uint8_t is_death_untold, is_bad;
        Process process[kActors];
    };
    static_assert(sizeof(Process) == 8 && sizeof(State) == 37);

    MutexModel(const MutexScene& scene, MutexMistake mistake) : scene_(scene), mistake_(mistake) {}
    State first() const;
    template <class F>
    void each(const State& state, F f) const {
        Found found;
        for (int who = 0; who < kActors; ++who) {
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
    using Found = NextStates<State, 2 * kActors * kActors>;
    class Actor;
    void act(const State& state, int who, Found& found) const;

    const MutexScene& scene_;
    MutexMistake mistake_;
};

}  // namespace model

#endif
