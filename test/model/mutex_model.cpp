#include "mutex_model.hpp"

namespace model {
namespace {

// The word: who has it, in the low three bits; and the bell, of which only kFlag is used.
constexpr std::uint8_t kHolder = 7, kWaiters = 8, kDied = 16, kFlag = 8;

// What `pending` names.
enum : std::uint8_t { kNothing, kWord, kBell };

enum Pc : std::uint8_t {
    kIdle,
    kDead,
    // mutex_lock()
    kPend,
    kLook,
    kTake,
    kList,
    // lock_slowly()
    kSlow,
    kSlowPend,
    kSlowTake,
    // sleep_for()
    kOwe,
    kSetFlag,
    kLookAgain,
    kSetWaiters,
    kFallAsleep,
    kAsleep,
    kWoken,
    kTimedOut,
    // unlock()
    kHolds,
    kUnlist,
    kLetGo,
    kSeeBell,
    // ring()
    kRing,
    kOweBell,
    kDrop,
    kRingAgain,
    kSetAgain,
    kDone,
};

constexpr std::uint8_t byte(unsigned value) {
    return static_cast<std::uint8_t>(value);
}

// What only the kernel looks at, when one dies.
bool is_private(Pc pc) {
    return pc == kPend || pc == kList || pc == kSlowPend || pc == kOwe || pc == kHolds ||
           pc == kUnlist || pc == kOweBell;
}

bool holds(const MutexModel::Process& one) {
    return one.is_alive != 0 && (one.pc == kList || (one.pc >= kHolds && one.pc <= kLetGo));
}

}  // namespace

const char* name_of(MutexMistake mistake) {
    static constexpr const char* kNames[] = {"none",
                                             "taker is not pending",
                                             "taker drops the waiters' flag",
                                             "unlisted after letting go",
                                             "pending no more when it rings",
                                             "no second ring",
                                             "drops the flag owing nothing",
                                             "sleeper owes nothing",
                                             "sleeper does not tell the kernel",
                                             "sleeps on the bell alone",
                                             "woken does not set the flag again",
                                             "a death is not told"};
    static_assert(sizeof(kNames) / sizeof(kNames[0]) == static_cast<int>(MutexMistake::count));
    return kNames[static_cast<int>(mistake)];
}

// One process about to take a step in a copy of the state.
class MutexModel::Actor {
public:
    Actor(const MutexModel& model, const State& state, int who, Found& found)
        : scene_(model.scene_),
          mistake_(model.mistake_),
          s_(state),
          me_(s_.process[who]),
          number_(byte(static_cast<unsigned>(who) + 1)),
          found_(found) {}

    void act();
    void die();

private:
    bool makes(MutexMistake mistake) const { return mistake_ == mistake; }
    // Where nobody dies, there are fewer states to look at.
    void go(Pc pc) {
        me_.pc = pc;
        if (scene_.crashes == 0 && is_private(pc)) { return act(); }
        found_.add(s_);
    }
    void begin();
    void take(Pc otherwise);
    void lock_slowly();
    void sleep();
    void unlock();
    void ring();
    void end();
    /// Wakes one of those who sleep, whichever; then `then`, or without any, `otherwise`.
    void wake(Pc then, Pc otherwise);
    template <class F>
    bool each_woken(F f);
    bool bury();

    const MutexScene& scene_;
    MutexMistake mistake_;
    State s_;
    Process& me_;
    std::uint8_t number_;
    Found& found_;
};

void MutexModel::Actor::begin() {
    switch (me_.pc) {
        case kIdle: return me_.turns == 0 ? void() : go(kPend);
        case kPend:
            me_.pending = makes(MutexMistake::taker_is_not_pending) ? kNothing : kWord;
            return go(kLook);
        case kLook:
            me_.seen = s_.word;
            return go((s_.word & (kHolder | kDied)) == 0 ? kTake : kSlow);
        case kTake: return take(kSlow);
        default: me_.is_listed = 1; return go(kHolds);
    }
}

void MutexModel::Actor::take(Pc otherwise) {
    if (s_.word != me_.seen) { return go(otherwise); }
    const bool drops = makes(MutexMistake::taker_drops_waiters);
    s_.word = byte(number_ | (drops ? 0u : me_.seen & kWaiters));
    const bool is_told = (me_.seen & kDied) != 0 && !makes(MutexMistake::forgets_the_dead);
    if (is_told != (s_.is_death_untold != 0)) { s_.is_bad = 1; }
    s_.is_death_untold = me_.is_rung = 0;
    go(kList);
}

void MutexModel::Actor::lock_slowly() {
    switch (me_.pc) {
        case kSlow: me_.seen = s_.word; return go((s_.word & kHolder) == 0 ? kSlowPend : kOwe);
        case kSlowPend:
            me_.pending = makes(MutexMistake::taker_is_not_pending) ? kNothing : kWord;
            return go(kSlowTake);
        default: return take(kSlow);
    }
}

void MutexModel::Actor::sleep() {
    switch (me_.pc) {
        case kOwe:
            me_.pending = makes(MutexMistake::sleeper_owes_nothing) ? kNothing : kBell;
            return go(kSetFlag);
        case kSetFlag: s_.bell = me_.bell = kFlag; return go(kLookAgain);
        case kLookAgain: {
            me_.seen = s_.word;
            if ((me_.seen & kHolder) == 0) { return go(kSlow); }
            const bool tells = (me_.seen & kWaiters) == 0 && !makes(MutexMistake::sets_no_waiters);
            return go(tells ? kSetWaiters : kFallAsleep);
        }
        case kSetWaiters:
            if (s_.word != me_.seen) { return go(kLookAgain); }
            s_.word = me_.seen = byte(me_.seen | kWaiters);
            return go(kFallAsleep);
        case kFallAsleep: {
            me_.is_rung = 0;
            const bool hears_both = !makes(MutexMistake::hears_only_the_bell);
            const bool is_as_seen = s_.bell == me_.bell && (!hears_both || s_.word == me_.seen);
            return go(is_as_seen ? kAsleep : kWoken);
        }
        case kAsleep:
            if (!scene_.is_impatient) { return; }
            me_.pc = kTimedOut;
            return found_.add(s_, Step::blow);
        case kTimedOut: return (s_.word & kHolder) != 0 ? end() : go(kSlow);
        default:
            if (!makes(MutexMistake::sets_no_flag_again)) { s_.bell = kFlag; }
            return go(kSlow);
    }
}

void MutexModel::Actor::unlock() {
    const bool unlists_late = makes(MutexMistake::unlisted_too_late);
    switch (me_.pc) {
        case kHolds: me_.pending = kWord; return go(unlists_late ? kLetGo : kUnlist);
        case kUnlist: me_.is_listed = 0; return go(unlists_late ? kSeeBell : kLetGo);
        case kLetGo: {
            s_.word &= kWaiters;
            if (makes(MutexMistake::pending_too_short)) { me_.pending = kNothing; }
            return go(unlists_late ? kUnlist : kSeeBell);
        }
        default: return s_.bell == 0 ? end() : go(kRing);
    }
}

void MutexModel::Actor::ring() {
    switch (me_.pc) {
        case kRing: return wake(kDone, kOweBell);
        case kOweBell:
            if (!makes(MutexMistake::drops_owing_nothing)) { me_.pending = kBell; }
            return go(kDrop);
        case kDrop:
            s_.bell = 0;
            return go(makes(MutexMistake::no_second_ring) ? kDone : kRingAgain);
        case kRingAgain: return wake(kSetAgain, kDone);
        case kSetAgain: s_.bell = kFlag; return go(kDone);
        default: return end();
    }
}

void MutexModel::Actor::end() {
    --me_.turns;
    me_.pending = me_.seen = me_.bell = me_.is_rung = 0;
    go(kIdle);
}

template <class F>
bool MutexModel::Actor::each_woken(F f) {
    bool any = false;
    for (Process& one : s_.process) {
        if (one.pc != kAsleep) { continue; }
        any = true;
        one.pc = kWoken;
        one.is_rung = 1;
        f();
        one.pc = kAsleep;
        one.is_rung = 0;
    }
    return any;
}

void MutexModel::Actor::wake(Pc then, Pc otherwise) {
    const std::uint8_t here = me_.pc;
    const bool any = each_woken([&] {
        go(then);
        me_.pc = here;
    });
    if (!any) { go(otherwise); }
}

void MutexModel::Actor::act() {
    const std::uint8_t pc = me_.pc;
    if (pc == kDead) { return; }
    if (pc <= kList) { return begin(); }
    if (pc <= kSlowTake) { return lock_slowly(); }
    if (pc <= kTimedOut) { return sleep(); }
    if (pc <= kSeeBell) { return unlock(); }
    ring();
}

// Of a word that names the dead. True: the kernel then wakes one who sleeps on it.
bool MutexModel::Actor::bury() {
    if ((s_.word & kHolder) != number_) { return false; }
    const bool has_waiters = (s_.word & kWaiters) != 0;
    s_.word = byte((s_.word & kWaiters) | kDied);
    s_.is_death_untold = 1;
    return has_waiters;
}

// The kernel: first what is listed, then what is pending.
void MutexModel::Actor::die() {
    if (s_.crashes == 0 || me_.is_alive == 0 || me_.turns == 0) { return; }
    --s_.crashes;
    const bool is_listed = me_.is_listed != 0;
    const std::uint8_t pending = me_.pending;
    // Also of one who has what the system is not told of: is_done() then never comes to be.
    const bool hears_word = !makes(MutexMistake::hears_only_the_bell);
    me_ = {};
    me_.pc = kDead;
    bool wakes = false;
    if (is_listed) { wakes = bury(); }
    if (pending == kWord) {
        const bool names_nobody = (s_.word & kHolder) == 0;
        wakes = names_nobody || bury() || wakes;
    }
    const bool hears = pending == kBell || (wakes && hears_word);
    const bool any = hears && each_woken([&] { found_.add(s_, Step::blow); });
    if (!any) { found_.add(s_, Step::blow); }
}

MutexModel::State MutexModel::first() const {
    State state = {};
    state.crashes = scene_.crashes;
    for (int who = 0; who < kActors; ++who) {
        state.process[who].turns = scene_.turns[who];
        state.process[who].is_alive = 1;
    }
    if (scene_.is_held) {
        state.word = 1;
        state.process[0].pc = kLetGo;
        state.process[0].pending = kWord;
    }
    return state;
}

void MutexModel::act(const State& state, int who, Found& found) const {
    Actor(*this, state, who, found).act();
    Actor(*this, state, who, found).die();
}

const char* MutexModel::bad(const State& state) const {
    int holders = 0;
    for (const Process& one : state.process) { holders += holds(one) ? 1 : 0; }
    if (holders > 1) { return "two have it"; }
    return state.is_bad != 0 ? "a death was not told, or one that was none" : nullptr;
}

bool MutexModel::is_done(const State& state, int without) const {
    for (int who = 0; who < kActors; ++who) {
        const Process& one = state.process[who];
        if (who != without && one.is_alive != 0 && one.turns != 0) { return false; }
    }
    return true;
}

// Who holds it holds up the others, as he should; and so do who has let it go and has not rung yet,
// and who was rung for.
bool MutexModel::may_stop(const State& state, int who) const {
    const Process& one = state.process[who];
    const bool has_to_ring = one.pc >= kSeeBell && one.pc <= kRingAgain;
    return one.is_alive != 0 && one.is_rung == 0 && !holds(one) && !has_to_ring;
}

void MutexModel::print(const State& state) const {
    printf("        word %u%s%s  bell %u\n", state.word & kHolder,
           (state.word & kWaiters) != 0 ? " waiters" : "", (state.word & kDied) != 0 ? " died" : "",
           state.bell);
    for (int who = 0; who < kActors; ++who) {
        const Process& one = state.process[who];
        if (one.turns == 0 && one.pc == kIdle) { continue; }
        static constexpr const char* kPending[] = {"", ", owes the word", ", owes the bell"};
        printf("        %d: at %u%s%s\n", who + 1, one.pc, kPending[one.pending],
               one.is_listed != 0 ? ", listed" : "");
    }
}

}  // namespace model
