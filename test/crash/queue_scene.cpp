#include "queue_scene.hpp"

#include <sched.h>

namespace crash {
namespace {

const char* name_of(Act act) {
    switch (act) {
        case Act::put: return "put";
        case Act::put_3: return "put many";
        case Act::put_6: return "put six";
        case Act::put_now: return "put now";
        case Act::put_timed: return "put timed";
        case Act::get: return "get";
        case Act::get_3: return "get many";
        case Act::get_now: return "get now";
        case Act::get_timed: return "get timed";
        case Act::shut_down: return "shutdown";
        case Act::shut_down_now: return "shutdown now";
        case Act::task_done: return "task_done";
        case Act::join: return "join";
        case Act::join_now: return "join now";
        case Act::join_timed: return "join timed";
    }
    return "?";
}

const char* name_of(Lease lease) {
    switch (lease) {
        case Lease::fresh: return "first use";
        case Lease::nobody: return "nobody's";
        case Lease::mine: return "mine";
        case Lease::idle: return "an idle one's";
        case Lease::dead: return "a dead one's";
        case Lease::inherited: return "inherited";
        case Lease::asked: return "mine, asked for";
        case Lease::asked_by_dead: return "mine, asked for by a dead";
        case Lease::queued: return "another's, asked for";
        case Lease::both_dead: return "a dead one's, asked for by a dead";
        case Lease::heir: return "a dead one's, asked for by a dead with an heir";
    }
    return "?";
}

constexpr int kRounds = 10;  // More than a narrow counter can count.
constexpr std::int64_t kShortMs = 8;

}  // namespace

QueueScene::QueueScene(TestQueue& queue, const Plan& plan, bool near_wrap, std::size_t short_share)
    : queue_(queue),
      plan_(plan),
      letters_(queue, stage_),
      near_wrap_(near_wrap),
      short_share_(short_share) {
    const int room = plan.room > kFull ? plan.room : kFull;
    name_ = std::string(queue.name()) + ": " + name_of(plan.act) + ", " + name_of(plan.lease) +
            ", " + std::to_string(plan.fill) + " of " + std::to_string(room);
    const auto add = [this](int count, const char* what) {
        if (count > 0) { name_ += ", " + std::to_string(count) + what; }
    };
    add(plan.getters_asleep, " getters asleep");
    add(plan.putters_asleep, " putters asleep");
    add(plan.asleep_behind, " asleep behind");
    add(plan.killed_asleep, " killed asleep");
    if (plan.is_long) { name_ += ", long"; }
    if (plan.opposite == Lease::idle) { name_ += ", beside an idle one"; }
    if (plan.opposite == Lease::dead) { name_ += ", beside a dead one"; }
    if (plan.opposite == Lease::queued) { name_ += ", beside another's"; }
    if (near_wrap) { name_ += ", wrapping"; }
}

int QueueScene::count() const {
    if (plan_.act == Act::put_6) { return 6; }
    return plan_.act == Act::put_3 || plan_.act == Act::get_3 ? 3 : 1;
}

std::int64_t QueueScene::timeout(Stage& stage) const {
    switch (plan_.act) {
        case Act::put_timed:
        case Act::get_timed:
        case Act::join_timed: return stage.stepped ? kSteppedMs : kShortMs;
        case Act::put_now:
        case Act::get_now:
        case Act::join_now: return 0;
        default: return TestQueue::kForever;
    }
}

int QueueScene::start(Stage& stage, const std::function<void(int actor)>& body) {
    return stage.start([this, body](int actor) {
        body(actor);
        queue_.leave();
    });
}

void QueueScene::start_sleeping(Stage& stage, const std::function<void(int actor)>& body) {
    start_sleeper(stage, [this, body](int actor) {
        body(actor);
        queue_.leave();
    });
}

void QueueScene::set(Stage& stage) {
    stage_ = &stage;
    victim_pid_ = 0;
    dead_ = 0;
    has_come_ = false;
    owner_ = asker_ = opposite_ = -1;
    const bool owned = plan_.lease > Lease::nobody;
    const bool is_opposed = plan_.opposite > Lease::nobody;
    const int before = plan_.fill + ((is_opposed ? 1 : 0) - (owned ? 1 : 0)) * (is_get() ? -1 : 1);
    letters_.begin(near_wrap_, before + letters_before(), plan_.room);
    if (plan_.is_long) { queue_.lengthen(kVictim); }
    if (is_opposed) {
        const Side kind = other(side());
        opposite_ = start(
            stage, [this, &stage, kind](int actor) { own(stage, actor, kind, plan_.opposite); });
        stage.asleep(opposite_);
    }
    if (!owned || plan_.lease == Lease::mine || victim_is_asked()) { return; }
    owner_ = start(stage, [this, &stage](int actor) { own(stage, actor, side(), plan_.lease); });
    stage.asleep(owner_);
    if (plan_.lease == Lease::inherited) { stage.kill(owner_); }
    if (plan_.lease >= Lease::queued) { start_asker(); }
    if (plan_.lease != Lease::heir) { return; }
    stage.kill(asker_);
    stage.asleep(start(stage, [this, &stage](int actor) {
        queue_.join();
        stage.gate(actor).pass();
    }));
}

void QueueScene::victim_before(Stage&) {
    if (plan_.lease == Lease::mine || victim_is_asked()) { one(kVictim, side()); }
    if (victim_is_asked()) { queue_.pause_inside(side()); }
    const bool joins_first = plan_.lease != Lease::fresh && plan_.lease != Lease::inherited;
    if (joins_first && plan_.lease != Lease::mine && !victim_is_asked()) { queue_.join(); }
    if (is_put()) { letters_.begin_put(kVictim, mine_, count()); }
    if (is_get()) { letters_.begin_get(kVictim); }
}

void QueueScene::victim_ready(Stage& stage) {
    if (victim_is_asked()) { start_asker(); }
    if (plan_.opposite == Lease::dead) { stage.kill(opposite_); }
    if (plan_.lease == Lease::dead || plan_.lease >= Lease::both_dead) { stage.kill(owner_); }
    if (plan_.lease == Lease::asked_by_dead || plan_.lease == Lease::both_dead) {
        stage.kill(asker_);
    }
    for (int i = 0; i < plan_.killed_asleep; ++i) {
        const Side kind = other(side());
        const int actor = start(stage, [this, kind](int self) { one(self, kind); });
        stage.asleep(actor);
        stage.kill(actor);
    }
    if (QueueScene::has_sleepers()) { make_nothing_left(stage); }
    sleepers(stage, Side::get, plan_.getters_asleep);
    sleepers(stage, Side::put, plan_.putters_asleep);
}

void QueueScene::victim_acts(Stage& stage) {
    const auto letters = static_cast<std::size_t>(count());
    const std::int64_t ms = timeout(stage);
    switch (plan_.act) {
        case Act::shut_down: return queue_.shutdown(false);
        case Act::shut_down_now: return queue_.shutdown(true);
        default: break;
    }
    result_ = is_put() ? queue_.put(mine_, letters, ms) : queue_.get(mine_, letters, ms);
}

void QueueScene::victim_after(Stage& stage, int actor) {
    if (is_put()) { letters_.end_put(kVictim, result_); }
    if (is_get()) { letters_.end_get(kVictim, mine_, result_); }
    if (result_ == TestQueue::kNothing && timeout(stage) < 0 && (is_put() || is_get())) {
        stage.complain(Fault::wrong, "the victim gave up, though it was to wait", actor);
    }
    queue_.leave();
}

// What it waits for: the lease, or the other side.
bool QueueScene::victim_sleeps(Stage& stage, int k) {
    if (k == 1 && plan_.is_long) {
        come_to_rest(stage);  // There is too little room for it, but for others there is enough.
        return go_on_beside(stage, 3);
    }
    if (k > 0) { return false; }
    if (plan_.lease == Lease::queued) {
        stage.gate(owner_).open();
        return true;
    }
    if (plan_.opposite == Lease::queued) {
        stage.gate(opposite_).open();
        return true;
    }
    sleepers(stage, side(), plan_.asleep_behind);
    if (plan_.act == Act::put_timed || plan_.act == Act::get_timed) { return false; }
    const Side kind = other(side());
    const int before = kind == Side::get ? plan_.putters_asleep : plan_.getters_asleep;
    return go_on_beside(stage, before + 1);
}

// Somebody of the other side comes.
bool QueueScene::go_on_beside(Stage& stage, int count) {
    const Side kind = other(side());
    start(stage, [this, kind, count](int self) {
        for (int i = 0; i < count; ++i) { one(self, kind); }
    });
    return true;
}

// One who wants what the victim has; three for one letter; or many for many rounds.
void QueueScene::meanwhile(Stage& stage, pid_t victim, int crowd) {
    victim_pid_ = victim;
    has_come_ = true;
    const int count = crowd == kSameSide ? 1 : crowd == kOtherSide ? 3 : 4;
    const int rounds = crowd == kBothSides ? kRounds : 1;
    for (int i = 0; i < count; ++i) {
        const bool is_same = crowd == kSameSide || (crowd == kBothSides && i % 2 == 0);
        const Side kind = is_same ? side() : other(side());
        stage.asleep(start(stage, [this, &stage, kind, rounds](int self) {
            for (int round = 0; round < rounds; ++round) {
                if (!one(self, kind)) { return; }
            }
            stage.gate(self).pass();
            one(self, kind);
        }));
    }
}

void QueueScene::reckon(Stage& stage, pid_t) {
    const int who = dead_++ == 0 ? kVictim : kSecond;
    const int may_take = who == kSecond ? 1 : is_get() ? count() : 0;
    letters_.come_to_rest();
    const int put = letters_.reckon(who, may_take);
    if (who == kSecond) { return; }
    victim_pid_ = 0;
    // Who asked for the side may have put his letter first: then for all the room there was.
    const bool is_all = put == count() || (asker_ >= 0 && put == kFull - plan_.fill - 1);
    const bool may_be_some = queue_.is_bounded() && (has_come_ || plan_.fill == kFull);
    const bool is_whole = put == 0 || is_all || may_be_some;
    stage.check(is_whole, Fault::lost, "a part of what was put together");
}

// First, as long as nobody new comes, whoever can go on must; then those are helped who cannot.
void QueueScene::others_end(Stage& stage) {
    stage.open_all();
    come_to_rest(stage);
    for (long moved = -1; stage.fault() != Fault::wedged;) {
        const int putters = waiting(stage, Side::put), getters = waiting(stage, Side::get);
        const int others = waiting_otherwise(stage);
        if (putters + getters + others == 0) { break; }
        if (letters_.moved() == moved) {
            return stage.complain(Fault::wedged, "nobody comes on any more");
        }
        moved = letters_.moved();
        const Side kind = putters > 0 || getters == 0 ? Side::get : Side::put;
        const int count = putters > 0   ? putters
                          : getters > 0 ? getters
                                        : static_cast<int>(queue_.size());
        start(stage, [this, kind, count](int self) {
            for (int i = 0; i < count && one(self, kind); ++i) {}
        });
        come_to_rest(stage);
    }
    if (stage.fault() == Fault::wedged) { return; }
    for (int i = 0; i < stage.actors(); ++i) { stage.end(i, "somebody did not end"); }
}

void QueueScene::newcomers(Stage& stage) {
    if (stage.fault() == Fault::wedged) { return; }
    if (queue_.is_shut()) {
        const int last = start(stage, [this, &stage](int self) {
            stage.check(!letters_.put(self, 1), Fault::wrong, "put into what is shut", self);
            while (letters_.get(self, 1)) {}
        });
        stage.end(last, "a newcomer did not hear that it was shut down");
        return;
    }
    // What is left, and then from empty to full and back, each waiting for the other.
    const int first = start(stage, [this](int self) {
        while (letters_.get(self, 1, 0)) {}
        letters_.get(self, 2);
    });
    stage.asleep(first);
    check_memory(stage);
    const int second = start(stage, [this](int self) { letters_.put(self, kFull + 3); });
    stage.end(first, "a newcomer got nothing");
    stage.asleep(second);
    const int third = start(stage, [this](int self) {
        letters_.get(self, kFull + 1);
        letters_.get(self, 1, 0);  // Drained it is as it was.
    });
    stage.end(second, "a newcomer could not put");
    stage.end(third, "a newcomer got nothing");
}

void QueueScene::check_memory(Stage& stage) const {
    stage.check(queue_.is_as_at_first(), Fault::wrong, "drained, it has more memory than at first");
}

void QueueScene::account(Stage& stage, bool victim_lives) {
    if (stage.fault() == Fault::wedged) { return; }
    const bool may_drop = queue_.is_shut() && plan_.act == Act::shut_down_now;
    letters_.account(may_drop, is_get() && !victim_lives ? count() : 0);
    check_memory(stage);
}

// Whoever recovers may have to wait in vain.
void QueueScene::recover(Stage& stage) {
    const std::int64_t ms = stage.stepped ? kSteppedMs : kRecoveryMs;
    const bool gets_first = plan_.getters_asleep > 0 ||
                            (queue_.is_bounded() ? plan_.fill == kFull : is_get());
    const bool puts_first = plan_.putters_asleep > 0 || !gets_first;
    if (puts_first) { letters_.put(kSecond, 1, ms); }
    letters_.get(kSecond, 1, ms);
    if (!puts_first) { letters_.put(kSecond, 1, ms); }
}

void QueueScene::sleepers(Stage& stage, Side kind, int count) {
    for (int i = 0; i < count; ++i) {
        start_sleeping(stage, [this, kind](int self) { one(self, kind); });
    }
}

void QueueScene::make_nothing_left(Stage& stage) {
    const Side kind = plan_.getters_asleep > 0 ? Side::get : Side::put;
    const int count = kind == Side::get ? plan_.fill : kFull - plan_.fill;
    if (count == 0) { return; }
    stage.asleep(start(stage, [this, kind, count](int self) {
        for (int i = 0; i < count; ++i) { one(self, kind); }
    }));
}

// Has the side, stands in the middle of an operation if need be, and goes on at the gate.
void QueueScene::own(Stage& stage, int actor, Side kind, Lease lease) {
    one(actor, kind);
    if (lease != Lease::idle) { queue_.pause_inside(kind); }
    stage.gate(actor).pass();
    if (lease != Lease::idle) { queue_.go_on(); }
    one(actor, kind);
}

void QueueScene::start_asker() {
    const Side kind = side();
    asker_ = start(*stage_, [this, kind](int self) { one(self, kind); });
    const std::int64_t until = stage_->deadline();
    while (!queue_.is_lease_awaited(kind) && !stage_->is_over(until)) { sched_yield(); }
    stage_->asleep(asker_);
}

int QueueScene::waiting(Stage& stage, Side kind) const {
    int count = 0;
    for (int who = 0; who <= kVictim; ++who) {
        const bool waits = kind == Side::put ? letters_.waits_to_put(who)
                                             : letters_.waits_to_get(who);
        count += waits && is_there(stage, who) ? 1 : 0;
    }
    return count;
}

bool QueueScene::has_room_for_one(Stage& stage) const {
    for (int who = 0; who <= kVictim; ++who) {
        if (!letters_.waits_to_put(who) || !is_there(stage, who)) { continue; }
        if (queue_.has_room(queue_.weight_of(static_cast<std::uint32_t>(who)))) { return true; }
    }
    return false;
}

// Whether somebody could go on who does not. Of peers it is not known.
bool QueueScene::is_held_up(Stage& stage) const {
    if (!queue_.is_ours()) { return false; }
    const int putters = waiting(stage, Side::put), getters = waiting(stage, Side::get);
    if (queue_.is_shut()) { return putters + getters > 0; }
    const std::size_t size = queue_.size();
    return (putters > 0 && has_room_for_one(stage)) || (getters > 0 && size > 0);
}

void QueueScene::come_to_rest(Stage& stage) {
    const std::int64_t until = stage.deadline();
    for (int calm = 0; calm < 2;) {
        const bool rests = stage.settle(victim_pid_);
        calm = !rests || is_held_up(stage) ? 0 : calm + 1;
        if (calm == 0 && stage.is_over(until)) {
            return stage.complain(Fault::wedged, "asleep, though there is what it waits for");
        }
    }
}

}  // namespace crash
