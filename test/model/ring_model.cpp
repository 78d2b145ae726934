#include "ring_model.hpp"

#include "ring_words.hpp"

namespace model {
const char* name_of(RingMistake mistake) {
    static constexpr const char* kNames[] = {"none",
                                             "no heavy fence before taking",
                                             "no heavy fence before sleeping",
                                             "index before message",
                                             "robs the living",
                                             "sleeper does not wait out operations",
                                             "owes nothing",
                                             "no second ring",
                                             "sleeps on the bell alone",
                                             "lets go of a lease that is another's"};
    static_assert(sizeof(kNames) / sizeof(kNames[0]) == static_cast<int>(RingMistake::count));
    return kNames[static_cast<int>(mistake)];
}

// One process about to take a step in a copy of the state.
class RingModel::Actor {
public:
    Actor(const RingModel& model, const State& state, int who, Found& found)
        : scene_(model.scene_),
          mistake_(model.mistake_),
          s_(state),
          me_(s_.process[who]),
          who_(who),
          found_(found) {}
    void act();
    void die();

private:
    bool puts() const { return me_.side == kPut; }
    bool makes(RingMistake mistake) const { return mistake_ == mistake; }
    std::uint8_t number() const { return byte(static_cast<unsigned>(who_) + 1); }
    Address my_lease() const { return puts() ? kPutLease : kGetLease; }
    Address my_index() const { return puts() ? kPutIndex : kGetIndex; }
    Address other_lease() const { return puts() ? kGetLease : kPutLease; }
    Address other_index() const { return puts() ? kGetIndex : kPutIndex; }
    Address op_of(std::uint8_t member) const { return static_cast<Address>(kOp + member - 1); }
    std::uint8_t flag() const { return puts() ? kPutters : kGetters; }
    std::uint8_t other_flag() const { return puts() ? kGetters : kPutters; }
    bool is_more(std::uint8_t got, std::uint8_t put) const {
        const int in_it = byte(put - got) & kIndexMask;
        return puts() ? in_it < scene_.slots : in_it != 0;
    }
    Address slot(std::uint8_t index) const {
        return static_cast<Address>(kSlot + (index & (scene_.slots - 1)));
    }

    std::uint8_t load(Address address) const {
        for (int i = me_.stores; i-- > 0;) {
            if (me_.address[i] == address) { return me_.value[i]; }
        }
        return s_.memory[address];
    }
    // False: the buffer is full, so this waits.
    bool store(Address address, std::uint8_t value) {
        if (me_.stores == kStoresMax) { return false; }
        me_.address[me_.stores] = address;
        me_.value[me_.stores++] = value;
        return true;
    }
    void flush(int who) {
        while (s_.process[who].stores > 0) { drain(s_, who); }
    }
    void light_fence() {
        if (!scene_.has_fences) { flush(who_); }
    }
    void heavy_fence() {
        for (int who = 0; who < kActors; ++who) {
            if (scene_.has_fences || who == who_) { flush(who); }
        }
    }
    bool exchange(Address address, std::uint8_t expected, std::uint8_t wanted) {
        flush(who_);
        if (s_.memory[address] != expected) { return false; }
        s_.memory[address] = wanted;
        return true;
    }
    bool is_alive(std::uint8_t member) const { return s_.process[member - 1].is_alive != 0; }
    void go(Pc pc) {
        me_.pc = pc;
        found_.add(s_);
    }
    void owe() { me_.pending = makes(RingMistake::owes_nothing) ? 0 : 1; }
    void begin();
    void peek();
    void enter();
    void enter_slowly();
    void contend();
    void decide(std::uint8_t lease);
    void transfer();
    void commit();
    void leave();
    void left();
    void let_go(Pc free, Pc then);
    void ring();
    bool wake(Pc then, bool all);
    std::uint8_t flag_in_stage() const {
        return me_.stage == kForOthers || me_.stage == kGiveUpOthers ? other_flag() : flag();
    }
    void rung();
    void wait();
    void pass();
    void sleep();
    void end();

    const RingScene& scene_;
    RingMistake mistake_;
    State s_;
    Process& me_;
    int who_;
    Found& found_;
};

void RingModel::drain(State& state, int who) {
    Process& process = state.process[who];
    state.memory[process.address[0]] = process.value[0];
    --process.stores;
    for (int i = 0; i < kStoresMax; ++i) {
        const bool is_left = i < process.stores;
        process.address[i] = is_left ? process.address[i + 1] : 0;
        process.value[i] = is_left ? process.value[i + 1] : 0;
    }
}

void RingModel::Actor::begin() {
    if (me_.operations == 0) { return; }
    ++me_.begun;
    me_.message = puts() ? byte(static_cast<unsigned>(who_) * kMessages + me_.begun) : 0;
    go(kPeek);
}

// Transfer::run, of one who may not own the lease: whether there is anything to do.
void RingModel::Actor::peek() {
    switch (me_.pc) {
        case kPeek: return go(load(my_lease()) == number() ? kAnnounce : kPeekGot);
        case kPeekGot: me_.index = load(kGetIndex); return go(kPeekPut);
        case kPeekPut: return go(is_more(me_.index, load(kPutIndex)) ? kAnnounce : kPeekWithdraw);
        default: return store(op_of(number()), 0) ? go(kWait) : void();
    }
}

void RingModel::Actor::end() {
    if (puts()) { s_.returned |= bit(me_.message); }
    if (!puts()) { s_.got |= bit(me_.message); }
    --me_.operations;
    me_.message = me_.woken = me_.owes = me_.rings = me_.pending = me_.stage = 0;
    me_.seen = me_.index = me_.other = me_.wanted = 0;
    go(kIdle);
}

void RingModel::Actor::enter() {
    switch (me_.pc) {
        case kAnnounce:
            me_.index = load(my_index());
            if (!store(op_of(number()), byte(me_.index << 2 | me_.side))) { return; }
            light_fence();
            return go(kLook);
        case kLook:
            if (load(my_lease()) != number()) { return go(kDrawBack); }
            return go(kLookAtIndex);
        default: return go(load(my_index()) == me_.index ? kIndex : kDrawBack);
    }
}

// enter_slowly(): one look at the lease.
void RingModel::Actor::decide(std::uint8_t lease) {
    me_.seen = lease;
    const bool is_wanted = lease != number();
    if (owner_in(lease) == number()) {
        if (is_wanted && revoker_in(lease) == 0) { return go(kClear); }
        if (is_wanted && ((lease & kForce) != 0 || me_.quantum == 0)) { return go(kHandOver); }
        return go(kEnterIndex);
    }
    if (owner_in(lease) == 0) { return go(kOwn); }
    if (revoker_in(lease) == 0) { return go(kAsk); }
    if (revoker_in(lease) == number()) { return go((lease & kForce) == 0 ? kSetForce : kHeavy); }
    return go(kSeeAsking);
}

void RingModel::Actor::enter_slowly() {
    const auto mark = byte(number() << 2);
    switch (me_.pc) {
        case kDrawBack: {
            const auto asking = byte(me_.side << 2 | kAsking);
            return store(op_of(number()), asking) ? go(kSlow) : void();
        }
        case kSlow: return decide(load(my_lease()));
        case kClear: exchange(my_lease(), me_.seen, number()); return go(kSlow);
        case kOwn: exchange(my_lease(), me_.seen, me_.seen | number()); return go(kSlow);
        case kHandOver: exchange(my_lease(), me_.seen, revoker_in(me_.seen)); return go(kSlow);
        case kEnterIndex:
            me_.index = load(my_index());
            if (!store(op_of(number()), byte(me_.index << 2 | me_.side))) { return; }
            light_fence();
            return go(kEnterLook);
        case kEnterLook:
            if (load(my_lease()) != me_.seen) { return go(kDrawBack); }
            me_.quantum = me_.seen == number() ? 1 : 0;
            return go(kIndex);
        case kAsk: exchange(my_lease(), me_.seen, me_.seen | mark); return go(kSlow);
        default: exchange(my_lease(), me_.seen, owner_in(me_.seen) | mark); return go(kSlow);
    }
}

// revoke(), wait_for_revoker().
void RingModel::Actor::contend() {
    const std::uint8_t owner = owner_in(me_.seen), revoker = revoker_in(me_.seen);
    switch (me_.pc) {
        case kSetForce:
            if (!exchange(my_lease(), me_.seen, me_.seen | kForce)) { return go(kSlow); }
            me_.seen |= kForce;
            return go(kHeavy);
        case kHeavy:
            if (!makes(RingMistake::no_heavy_before_taking)) { heavy_fence(); }
            return go(kSeeOp);
        case kSeeOp: {
            const std::uint8_t op = load(op_of(owner));
            me_.other = op >> 2;
            return go((op & 3) == me_.side ? kSeeIndex : kTake);
        }
        case kSeeIndex: return go(load(my_index()) == me_.other ? kSeeLife : kTake);
        case kSeeLife:
            return go(!is_alive(owner) || makes(RingMistake::robs_the_living) ? kTake : kSlow);
        case kTake: exchange(my_lease(), me_.seen, number()); return go(kSlow);
        case kSeeAsking:
            return go(load(op_of(revoker)) == (me_.side << 2 | kAsking) ? kSeeRevoker : kReplace);
        default: return go(is_alive(revoker) ? kSlow : kReplace);
    }
}

// What follows an operation.
void RingModel::Actor::left() {
    return me_.rings != 0 || me_.owes != 0 ? go(kMoreGot) : end();
}

void RingModel::Actor::leave() {
    light_fence();
    const std::uint8_t lease = load(my_lease());
    me_.seen = lease;
    if ((lease & kForce) != 0 && owner_in(lease) == number() && revoker_in(lease) != 0) {
        return go(me_.pc == kLeave ? kLeaveHandOver : kVainHandOver);
    }
    if (me_.pc == kVainLeave) { return go(kWait); }
    // Whether the side is shared is a hint: both may be.
    const State before = s_;
    go(kShare);
    s_ = before;
    left();
}

// RingUser::let_go(), from its second step on.
void RingModel::Actor::let_go(Pc free, Pc then) {
    const auto on = [&] { return then == kMoreGot ? left() : go(then); };
    if (me_.pc == free) {
        const bool is_blind = makes(RingMistake::lets_go_blindly);
        const std::uint8_t now = (flush(who_), s_.memory[my_lease()]);
        if (exchange(my_lease(), is_blind ? now : number(), 0)) { return on(); }
        me_.seen = now;
        const bool has_heir = owner_in(now) == number() && revoker_in(now) != 0;
        return has_heir ? go(static_cast<Pc>(free + 1)) : on();
    }
    if (me_.pc == free + 1) {
        exchange(my_lease(), me_.seen, revoker_in(me_.seen));
        return on();
    }
    me_.seen = load(my_lease());
    if (me_.seen == number()) { return go(free); }
    const bool has_heir = owner_in(me_.seen) == number() && revoker_in(me_.seen) != 0;
    return has_heir ? go(static_cast<Pc>(free + 1)) : on();
}

void RingModel::Actor::commit() {
    if (!store(my_index(), byte(me_.index + 1) & kIndexMask)) { return; }
    if (makes(RingMistake::store_order) && puts()) {
        if (!store(slot(me_.index), me_.message)) { return; }
    }
    if (!puts()) {
        // Not a message, somebody else's, or got before: bad() says so.
        const bool is_wrong = me_.message == 0 || ((s_.got | s_.gone) & bit(me_.message)) != 0;
        if (is_wrong) { s_.gone |= 1; }
    }
    go(puts() ? kDone : kLeave);
}

void RingModel::Actor::transfer() {
    switch (me_.pc) {
        case kIndex: me_.index = load(my_index()); return go(kOther);
        case kOther: {
            const std::uint8_t other = load(other_index());
            const bool is_possible = puts() ? is_more(other, me_.index) : is_more(me_.index, other);
            return go(is_possible ? kSeeBell : kVain);
        }
        case kVain: return store(op_of(number()), 0) ? go(kVainLeave) : void();
        case kSeeBell:
            me_.rings = load(kBell) != 0 ? 1 : 0;
            if (me_.rings != 0) { owe(); }
            return go(puts() && makes(RingMistake::store_order) ? kCommit : kCopy);
        case kCopy:
            if (puts()) { return store(slot(me_.index), me_.message) ? go(kCommit) : void(); }
            me_.message = load(slot(me_.index));
            return go(kCommit);
        case kCommit: return commit();
        case kDone: return store(op_of(number()), 0) ? go(kLeave) : void();
        case kLeaveHandOver: exchange(my_lease(), me_.seen, revoker_in(me_.seen)); return left();
        case kVainHandOver: exchange(my_lease(), me_.seen, revoker_in(me_.seen)); return go(kWait);
        case kShare:
        case kShareFree:
        case kShareHandOver: return let_go(kShareFree, kMoreGot);
        default: return leave();
    }
}

// What follows a ring_one(); the operation ends with the last.
void RingModel::Actor::rung() {
    switch (me_.stage) {
        case kForOthers:
            me_.stage = kForOwn;
            if (me_.other != 0) { return go(kRingFlag); }
            return end();
        case kForOwn: return end();
        case kGiveUpOwn: me_.stage = kGiveUpOthers; return go(kRingFlag);
        default:
            // In vain: as if it had never begun.
            --me_.operations;
            me_.message = me_.woken = me_.owes = me_.rings = me_.pending = me_.stage = 0;
            me_.seen = me_.index = me_.other = me_.wanted = 0;
            return go(kIdle);
    }
}

// Wakes one sleeper, whichever, or all: who looks at two words hears rings of any kind. What comes
// then; false: there is none, and nothing was done.
bool RingModel::Actor::wake(Pc then, bool all) {
    flush(who_);
    bool any = false;
    for (int who = 0; who < kActors; ++who) {
        if (s_.process[who].pc != kAsleep) { continue; }
        any = true;
        const State before = s_;
        s_.process[who].pc = kWoken;
        if (all) { continue; }
        if (then == kIdle) {
            rung();
        } else {
            go(then);
        }
        s_ = before;
    }
    if (any && all) { go(then); }
    return any;
}

void RingModel::Actor::ring() {
    const std::uint8_t flag = flag_in_stage();
    switch (me_.pc) {
        case kMoreGot:
            owe();
            me_.index = load(kGetIndex);
            return go(kMorePut);
        case kMorePut:
            me_.other = is_more(me_.index, load(kPutIndex));
            me_.stage = kForOthers;
            return go(kRingFlag);
        case kRingFlag: return (load(kBell) & flag) == 0 ? rung() : go(kRing);
        case kRing: return wake(kIdle, false) ? void() : go(kRingDrop);
        case kRingDrop:
            flush(who_);
            s_.memory[kBell] &= byte(~flag);
            return makes(RingMistake::no_second_ring) ? rung() : go(kRingAgain);
        case kRingAgain: return wake(kRingSet, false) ? void() : rung();
        default:
            flush(who_);
            s_.memory[kBell] |= flag;
            return rung();
    }
}

// for_other_side(), wait_out_operation().
void RingModel::Actor::wait() {
    const bool has_moved = load(other_index()) != me_.wanted;
    switch (me_.pc) {
        case kWait:
            me_.wanted = byte(load(my_index()) - (puts() ? scene_.slots : 0)) & kIndexMask;
            return go(kLetGo);
        case kLetGo:
        case kLetGoFree:
        case kLetGoHandOver: return let_go(kLetGoFree, kWaitFlag);
        case kWaitFlag:
            owe();
            me_.owes = 1;
            flush(who_);
            s_.memory[kBell] |= flag();
            me_.seen = s_.memory[kBell];
            return go(kWaitHeavy);
        case kWaitHeavy:
            if (!makes(RingMistake::no_heavy_before_sleeping)) { heavy_fence(); }
            return go(makes(RingMistake::sleeps_at_once) ? kWaitMoved : kWaitOwner);
        case kWaitOwner:
            me_.index = owner_in(load(other_lease()));
            return go(me_.index == 0 || me_.index == number() ? kWaitMoved : kWaitOp);
        case kWaitOp: {
            const std::uint8_t op = load(op_of(me_.index));
            me_.other = op >> 2;
            return go((op & 3) == 3 - me_.side ? kWaitIndex : kWaitMoved);
        }
        case kWaitIndex: {
            const bool is_busy = load(other_index()) == me_.other && is_alive(me_.index);
            return go(is_busy && !has_moved ? kWaitOwner : kWaitMoved);
        }
        case kWaitMoved:
            if (has_moved) { return go(kPeek); }
            return go(me_.woken != 0 ? kPass : kFallAsleep);
        default: return pass();
    }
}

// A ring came that was not for this one: ring_some(), for all of the others.
void RingModel::Actor::pass() {
    switch (me_.pc) {
        case kPass: me_.woken = 0; return wake(kPassDrop, true) ? void() : go(kPassDrop);
        case kPassDrop:
            flush(who_);
            s_.memory[kBell] &= byte(~other_flag());
            return go(kPassAgain);
        case kPassAgain:
            me_.seen &= byte(~other_flag());
            return wake(kPassSet, true) ? void() : go(kFallAsleep);
        default:
            flush(who_);
            s_.memory[kBell] |= other_flag();
            me_.seen |= other_flag();
            return go(kFallAsleep);
    }
}

void RingModel::Actor::sleep() {
    switch (me_.pc) {
        case kFallAsleep:
            flush(who_);
            return go(s_.memory[kBell] == me_.seen && (s_.memory[other_index()] == me_.wanted ||
                                                       makes(RingMistake::sleeps_on_one_word))
                          ? kAsleep
                          : kWoken);
        case kAsleep:
            if (!scene_.is_impatient) { return; }
            me_.stage = kGiveUpOwn;
            me_.pc = kRingFlag;
            return found_.add(s_, Step::blow);
        default:
            flush(who_);
            s_.memory[kBell] |= 3;
            me_.woken = 1;
            return go(kPeek);
    }
}

void RingModel::Actor::act() {
    const std::uint8_t pc = me_.pc;
    if (pc == kIdle) { return begin(); }
    if (pc == kDead) {
        if (scene_.born_side == 0 || me_.operations == 0) { return; }
        me_.is_alive = 1;
        me_.pc = kJoin;
        return found_.add(s_, Step::blow);
    }
    if (pc == kJoin) { return store(op_of(number()), 0) ? go(kIdle) : void(); }
    if (pc <= kPeekWithdraw) { return peek(); }
    if (pc <= kLookAtIndex) { return enter(); }
    if (pc <= kReplace) { return enter_slowly(); }
    if (pc <= kSeeRevoker) { return contend(); }
    if (pc <= kShareHandOver) { return transfer(); }
    if (pc <= kRingSet) { return ring(); }
    if (pc <= kPassSet) { return wait(); }
    sleep();
}

// The system: first what was stored is seen, then the death, then the ring that is owed.
void RingModel::Actor::die() {
    if (s_.crashes == 0 || me_.is_alive == 0) { return; }
    flush(who_);
    --s_.crashes;
    const bool has_got = !puts() && me_.message != 0 && me_.pc != kCommit;
    if (has_got) { s_.gone |= bit(me_.message); }
    const bool is_owed = me_.pending != 0;
    const std::uint8_t begun = me_.begun;
    me_ = {};
    me_.begun = begun;
    me_.pc = kDead;
    me_.side = scene_.born_side;
    me_.operations = scene_.born_operations;
    bool any = false;
    for (int who = 0; is_owed && who < kActors; ++who) {
        if (s_.process[who].pc != kAsleep) { continue; }
        any = true;
        s_.process[who].pc = kWoken;
        found_.add(s_, Step::blow);
        s_.process[who].pc = kAsleep;
    }
    if (!any) { found_.add(s_, Step::blow); }
}

RingModel::State RingModel::first() const {
    State state = {};
    state.memory[kGetIndex] = kIndexMask;
    state.memory[kPutIndex] = byte(kIndexMask + scene_.there) & kIndexMask;
    for (std::uint8_t i = 0; i < scene_.there; ++i) {
        const std::uint8_t message = kMessages * kActors + 1 + i;
        state.memory[kSlot + ((kIndexMask + i) & (scene_.slots - 1))] = message;
        state.returned |= bit(message);
    }
    state.crashes = scene_.crashes;
    for (int who = 0; who < kActors; ++who) {
        state.process[who].side = scene_.side[who];
        state.process[who].operations = scene_.operations[who];
        state.process[who].is_alive = 1;
    }
    return state;
}

void RingModel::act(const State& state, int who, Found& found) const {
    Actor(*this, state, who, found).act();
    Actor(*this, state, who, found).die();
}

const char* RingModel::bad(const State& state) const {
    if ((state.gone & 1) != 0) { return "got twice, or what nobody put"; }
    State seen = state;
    std::uint16_t there = state.got | state.gone;
    for (int who = 0; who < kActors; ++who) {
        while (seen.process[who].stores > 0) { drain(seen, who); }
        const Process& one = seen.process[who];
        const bool is_in_hand = one.side == kGet && one.message != 0;
        if (is_in_hand) { there |= bit(one.message); }
    }
    const std::uint8_t count = byte(seen.memory[kPutIndex] - seen.memory[kGetIndex]) & kIndexMask;
    if (count > scene_.slots) { return "more in it than there is room for"; }
    for (std::uint8_t i = 0; i < count; ++i) {
        const int slot = (seen.memory[kGetIndex] + i) & (scene_.slots - 1);
        there |= bit(seen.memory[kSlot + slot]);
    }
    return (state.returned & ~there) != 0 ? "lost: a message whose put had returned" : nullptr;
}

bool RingModel::is_done(const State& state, int without) const {
    const auto count = byte(state.memory[kPutIndex] - state.memory[kGetIndex]) & kIndexMask;
    for (int who = 0; who < kActors; ++who) {
        const Process& one = state.process[who];
        if (who == without || one.is_alive == 0) { continue; }
        if (one.stores > 0) { return false; }
        if (one.pc == kIdle && one.operations == 0) { continue; }
        const bool is_impossible = one.side == kPut ? count == scene_.slots : count == 0;
        if (one.pc != kAsleep || !is_impossible) { return false; }
    }
    return true;
}

bool RingModel::may_stop(const State& state, int who) const {
    return state.process[who].pc == kIdle && state.process[who].is_alive != 0;
}

void RingModel::print(const State& state) const {
    const std::uint8_t* const m = state.memory;
    printf(
        "        put: lease %u<%u%s index %u  get: lease %u<%u%s index %u  bell %u  slots %u %u\n",
        owner_in(m[kPutLease]), revoker_in(m[kPutLease]), m[kPutLease] & kForce ? "!" : "",
        m[kPutIndex], owner_in(m[kGetLease]), revoker_in(m[kGetLease]),
        m[kGetLease] & kForce ? "!" : "", m[kGetIndex], m[kBell], m[kSlot], m[kSlot + 1]);
    for (int who = 0; who < kActors; ++who) {
        const Process& one = state.process[who];
        if (one.operations == 0 && one.pc == kIdle) { continue; }
        printf("        %d: %s at %u, op %u.%u, %u stores unseen, message %u%s\n", who + 1,
               one.side == kPut ? "puts" : "gets", one.pc, m[kOp + who] >> 2, m[kOp + who] & 3,
               one.stores, one.message, one.pending != 0 ? ", owes" : "");
    }
}

}  // namespace model
