#include "queue_scenes.hpp"

#include <sched.h>

#include <string>

#include "letters.hpp"

namespace crash {
namespace {

enum class Act {
    put,
    put_3,
    put_now,
    put_timed,
    get,
    get_3,
    get_now,
    get_timed,
    shut_down,
    shut_down_now,
};

// The use of the victim's side, when its operation begins.
enum class Lease {
    fresh,          // Nobody's, and the victim is no member of the family yet.
    nobody,         // Nobody's.
    mine,           // The victim's.
    idle,           // One's who lives and does nothing.
    dead,           // One's who died in mid-operation.
    inherited,      // The same, and the victim gets his place among the members.
    asked,          // The victim's, and one who asks for it sleeps.
    asked_by_dead,  // The same, and he was killed.
    queued,         // One's in mid-operation; one who asks for it sleeps.
    both_dead,      // The same, and both were killed.
    heir,           // The same, and a third, who wants nothing, has the place of who asked.
};

struct Plan {
    Act act;
    Lease lease;
    int fill;  // Letters in the queue when the victim comes, if nobody is asleep.
    // Before it acts; behind: of its own kind, once it sleeps. Others come before them, so that
    // nothing is left that they could do.
    int getters_asleep = 0, putters_asleep = 0, asleep_behind = 0;
    int killed_asleep = 0;
};

constexpr int kFull = static_cast<int>(TestQueue::kMost);

constexpr Plan kPlans[] = {
    // Who has the side: for each operation that uses one.
    {Act::put, Lease::fresh, 0},
    {Act::put, Lease::nobody, 1},
    {Act::put, Lease::mine, 1},
    {Act::put, Lease::idle, 1},
    {Act::put, Lease::dead, 1},
    {Act::put, Lease::inherited, 1},
    {Act::put, Lease::asked, 1},
    {Act::put, Lease::asked_by_dead, 1},
    {Act::put, Lease::queued, 1},
    {Act::put, Lease::both_dead, 1},
    {Act::put, Lease::heir, 1},
    {Act::get, Lease::fresh, kFull},
    {Act::get, Lease::nobody, 1},
    {Act::get, Lease::mine, 1},
    {Act::get, Lease::idle, 1},
    {Act::get, Lease::dead, 1},
    {Act::get, Lease::inherited, 1},
    {Act::get, Lease::asked, 2},
    {Act::get, Lease::asked_by_dead, 2},
    {Act::get, Lease::queued, 3},
    {Act::get, Lease::both_dead, 1},
    {Act::put_3, Lease::mine, 1},
    {Act::put_3, Lease::dead, 1},
    {Act::put_3, Lease::asked, 1},
    {Act::get_3, Lease::mine, 3},
    {Act::get_3, Lease::dead, 3},
    {Act::get_3, Lease::asked, 3},
    // Who sleeps.
    {Act::put, Lease::mine, 3},
    {Act::put, Lease::nobody, 0, 1},
    {Act::put, Lease::mine, 1, 2},
    {Act::put, Lease::nobody, 0, 0, 0, 0, 1},
    {Act::put, Lease::nobody, 0, 1, 0, 0, 1},
    {Act::put, Lease::asked, 1, 1},
    {Act::put, Lease::dead, 1, 2},
    {Act::put, Lease::nobody, kFull, 0, 2},
    {Act::put, Lease::mine, kFull},
    {Act::put, Lease::mine, kFull, 0, 0, 2},
    {Act::put_3, Lease::nobody, 0, 2},
    {Act::put_3, Lease::mine, kFull, 0, 1},
    {Act::put_now, Lease::mine, kFull},
    {Act::put_now, Lease::nobody, kFull, 0, 1},
    {Act::put_timed, Lease::nobody, kFull},
    {Act::put_timed, Lease::mine, kFull, 0, 0, 2},
    {Act::get, Lease::nobody, kFull, 0, 1},
    {Act::get, Lease::nobody, kFull, 0, 2},
    {Act::get, Lease::mine, 3, 0, 2},
    {Act::get, Lease::nobody, kFull, 0, 1, 0, 1},
    {Act::get, Lease::asked, 3, 0, 1},
    {Act::get, Lease::nobody, 0},
    {Act::get, Lease::mine, 0, 0, 0, 2},
    {Act::get_3, Lease::nobody, kFull, 0, 2},
    {Act::get_now, Lease::mine, 0},
    {Act::get_now, Lease::nobody, 0, 1},
    {Act::get_timed, Lease::nobody, 0},
    {Act::get_timed, Lease::mine, 0, 0, 0, 2},
    // To the end of it.
    {Act::shut_down, Lease::fresh, 1},
    {Act::shut_down, Lease::fresh, 0, 2},
    {Act::shut_down, Lease::fresh, kFull, 0, 2},
    {Act::shut_down_now, Lease::fresh, kFull, 0, 2},
};

const char* name_of(Act act) {
    switch (act) {
        case Act::put: return "put";
        case Act::put_3: return "put many";
        case Act::put_now: return "put now";
        case Act::put_timed: return "put timed";
        case Act::get: return "get";
        case Act::get_3: return "get many";
        case Act::get_now: return "get now";
        case Act::get_timed: return "get timed";
        case Act::shut_down: return "shutdown";
        case Act::shut_down_now: return "shutdown now";
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

constexpr int kVictim = Board::kVictim;
constexpr int kSameSide = 1, kOtherSide = 2, kBothSides = 3;  // crowds
constexpr int kRounds = 10;  // More than a narrow counter can count.
constexpr std::int64_t kShortMs = 8, kRecoveryMs = 12, kSteppedMs = 150;

bool is_put(Act act) {
    return act <= Act::put_timed;
}
bool is_get(Act act) {
    return act > Act::put_timed && act <= Act::get_timed;
}

class QueueScene : public Scene {
public:
    QueueScene(TestQueue& queue, const Plan& plan, bool near_wrap)
        : queue_(queue), plan_(plan), near_wrap_(near_wrap), letters_(queue, stage_) {
        name_ = std::string(queue.name()) + ": " + name_of(plan.act) + ", " + name_of(plan.lease) +
                ", " + std::to_string(plan.fill) + " of " + std::to_string(kFull);
        const auto add = [this](int count, const char* what) {
            if (count > 0) { name_ += ", " + std::to_string(count) + what; }
        };
        add(plan.getters_asleep, " getters asleep");
        add(plan.putters_asleep, " putters asleep");
        add(plan.asleep_behind, " asleep behind");
        add(plan.killed_asleep, " killed asleep");
        if (near_wrap) { name_ += ", wrapping"; }
    }

    const char* name() const override { return name_.c_str(); }
    std::size_t stragglers_max() const override { return 2; }
    std::size_t rounds() const override { return 2; }
    std::vector<int> crowds() const override { return {kSameSide, kOtherSide, kBothSides}; }
    bool has_sleepers() const override { return plan_.getters_asleep + plan_.putters_asleep > 0; }
    Extent state() override {
        const std::vector<std::uint32_t>& words = queue_.state();
        return {words.data(), words.size() * 4};
    }

    void set(Stage& stage) override {
        stage_ = &stage;
        victim_pid_ = 0;
        dead_ = 0;
        has_come_ = false;
        owner_ = asker_ = -1;
        const bool owned = plan_.lease > Lease::nobody;
        const int before = plan_.fill - (owned ? (is_put(plan_.act) ? 1 : -1) : 0);
        letters_.begin(near_wrap_, before);
        if (!owned || plan_.lease == Lease::mine || victim_is_asked()) { return; }
        owner_ = stage.start([this, &stage](int actor) { own(stage, actor); });
        stage.asleep(owner_);
        if (plan_.lease == Lease::inherited) { stage.kill(owner_); }
        if (plan_.lease >= Lease::queued) { start_asker(); }
        if (plan_.lease != Lease::heir) { return; }
        stage.kill(asker_);
        stage.asleep(stage.start([this, &stage](int actor) {
            queue_.join();
            stage.gate(actor).pass();
        }));
    }

    void victim_before(Stage&) override {
        if (plan_.lease == Lease::mine || victim_is_asked()) { one(kVictim, side()); }
        if (victim_is_asked()) { queue_.pause_inside(side()); }
        const bool joins_first = plan_.lease != Lease::fresh && plan_.lease != Lease::inherited;
        if (joins_first && plan_.lease != Lease::mine && !victim_is_asked()) { queue_.join(); }
        if (is_put(plan_.act)) { letters_.begin_put(kVictim, mine_, count()); }
        if (is_get(plan_.act)) { letters_.begin_get(kVictim); }
    }
    void victim_ready(Stage& stage) override {
        if (victim_is_asked()) { start_asker(); }
        if (plan_.lease == Lease::dead || plan_.lease >= Lease::both_dead) { stage.kill(owner_); }
        if (plan_.lease == Lease::asked_by_dead || plan_.lease == Lease::both_dead) {
            stage.kill(asker_);
        }
        for (int i = 0; i < plan_.killed_asleep; ++i) {
            const Side kind = other(side());
            const int actor = stage.start([this, kind](int self) { one(self, kind); });
            stage.asleep(actor);
            stage.kill(actor);
        }
        if (has_sleepers()) { make_nothing_left(stage); }
        sleepers(stage, Side::get, plan_.getters_asleep);
        sleepers(stage, Side::put, plan_.putters_asleep);
    }
    void victim_acts(Stage& stage) override {
        const auto letters = static_cast<std::size_t>(count());
        const std::int64_t ms = timeout(stage);
        switch (plan_.act) {
            case Act::shut_down: return queue_.shutdown(false);
            case Act::shut_down_now: return queue_.shutdown(true);
            default: break;
        }
        result_ = is_put(plan_.act) ? queue_.put(mine_, letters, ms)
                                    : queue_.get(mine_, letters, ms);
    }
    void victim_after(Stage& stage, int actor) override {
        if (is_put(plan_.act)) { letters_.end_put(kVictim, result_); }
        if (is_get(plan_.act)) { letters_.end_get(kVictim, mine_, result_); }
        if (result_ == TestQueue::kNothing && timeout(stage) < 0 && side_used()) {
            stage.complain(Fault::wrong, "the victim gave up, though it was to wait", actor);
        }
    }
    // What it waits for: the lease, or the other side.
    bool victim_sleeps(Stage& stage, int k) override {
        if (k > 0) { return false; }
        if (plan_.lease == Lease::queued) {
            stage.gate(owner_).open();
            return true;
        }
        sleepers(stage, side(), plan_.asleep_behind);
        if (plan_.act == Act::put_timed || plan_.act == Act::get_timed) { return false; }
        const Side kind = other(side());
        const int before = kind == Side::get ? plan_.putters_asleep : plan_.getters_asleep;
        stage.start([this, kind, before](int self) {
            for (int i = 0; i <= before; ++i) { one(self, kind); }
        });
        return true;
    }

    // One who wants what the victim has; three for one letter; or many for many rounds.
    void meanwhile(Stage& stage, pid_t victim, int crowd) override {
        victim_pid_ = victim;
        has_come_ = true;
        const int count = crowd == kSameSide ? 1 : crowd == kOtherSide ? 3 : 4;
        const int rounds = crowd == kBothSides ? kRounds : 1;
        for (int i = 0; i < count; ++i) {
            const bool is_same = crowd == kSameSide || (crowd == kBothSides && i % 2 == 0);
            const Side kind = is_same ? side() : other(side());
            stage.asleep(stage.start([this, &stage, kind, rounds](int self) {
                for (int round = 0; round < rounds; ++round) {
                    if (!one(self, kind)) { return; }
                }
                stage.gate(self).pass();
                one(self, kind);
            }));
        }
    }
    void reckon(Stage& stage, pid_t) override {
        const int who = dead_++ == 0 ? kVictim : kSecond;
        const int may_take = who == kSecond ? 1 : is_get(plan_.act) ? count() : 0;
        const int put = letters_.reckon(who, may_take);
        if (who == kSecond) { return; }
        victim_pid_ = 0;
        // Who asked for the side may have put his letter first: then for all the room there was.
        const bool is_all = put == count() || (asker_ >= 0 && put == kFull - plan_.fill - 1);
        const bool is_whole = put == 0 || is_all || has_come_ || plan_.fill == kFull;
        stage.check(is_whole, Fault::lost, "a part of what was put together");
    }
    // First, as long as nobody new comes, whoever can go on must; then those are helped who cannot.
    void others_end(Stage& stage) override {
        stage.open_all();
        come_to_rest(stage);
        for (long moved = -1; stage.fault() != Fault::wedged;) {
            const int putters = waiting(stage, Side::put), getters = waiting(stage, Side::get);
            if (putters + getters == 0) { break; }
            if (letters_.moved() == moved) {
                return stage.complain(Fault::wedged, "nobody comes on any more");
            }
            moved = letters_.moved();
            const Side kind = putters > 0 ? Side::get : Side::put;
            const int count = putters > 0 ? putters : getters;
            stage.start([this, kind, count](int self) {
                for (int i = 0; i < count && one(self, kind); ++i) {}
            });
            come_to_rest(stage);
        }
        if (stage.fault() == Fault::wedged) { return; }
        for (int i = 0; i < stage.actors(); ++i) { stage.end(i, "somebody did not end"); }
    }
    void newcomers(Stage& stage) override {
        if (stage.fault() == Fault::wedged) { return; }
        if (queue_.is_shut()) {
            const int last = stage.start([this, &stage](int self) {
                stage.check(!letters_.put(self, 1), Fault::wrong, "put into what is shut", self);
                while (letters_.get(self, 1)) {}
            });
            stage.end(last, "a newcomer did not hear that it was shut down");
            return;
        }
        // What is left, and then from empty to full and back, each waiting for the other.
        const int first = stage.start([this](int self) {
            while (letters_.get(self, 1, 0)) {}
            letters_.get(self, 2);
        });
        stage.asleep(first);
        const int second = stage.start([this](int self) { letters_.put(self, kFull + 3); });
        stage.end(first, "a newcomer got nothing");
        stage.asleep(second);
        const int third = stage.start([this](int self) { letters_.get(self, kFull + 1); });
        stage.end(second, "a newcomer could not put");
        stage.end(third, "a newcomer got nothing");
    }
    void account(Stage& stage, bool victim_lives) override {
        if (stage.fault() == Fault::wedged) { return; }
        const bool may_drop = queue_.is_shut() && plan_.act == Act::shut_down_now;
        letters_.account(may_drop, is_get(plan_.act) && !victim_lives ? count() : 0);
    }

    // Whoever recovers may have to wait in vain.
    void recover(Stage& stage) override {
        const std::int64_t ms = stage.stepped ? kSteppedMs : kRecoveryMs;
        const bool gets_first = plan_.getters_asleep > 0 || plan_.fill == kFull;
        const bool puts_first = plan_.putters_asleep > 0 || !gets_first;
        if (puts_first) { letters_.put(kSecond, 1, ms); }
        letters_.get(kSecond, 1, ms);
        if (!puts_first) { letters_.put(kSecond, 1, ms); }
    }

private:
    static Side other(Side side) { return side == Side::put ? Side::get : Side::put; }
    Side side() const { return is_get(plan_.act) ? Side::get : Side::put; }
    bool side_used() const { return is_put(plan_.act) || is_get(plan_.act); }
    int count() const { return plan_.act == Act::put_3 || plan_.act == Act::get_3 ? 3 : 1; }
    bool victim_is_asked() const {
        return plan_.lease == Lease::asked || plan_.lease == Lease::asked_by_dead;
    }
    static std::int64_t timeout_short(Stage& stage) {
        return stage.stepped ? kSteppedMs : kShortMs;
    }
    std::int64_t timeout(Stage& stage) const {
        switch (plan_.act) {
            case Act::put_timed:
            case Act::get_timed: return timeout_short(stage);
            case Act::put_now:
            case Act::get_now: return 0;
            default: return TestQueue::kForever;
        }
    }

    bool one(int who, Side kind) {
        return kind == Side::put ? letters_.put(who, 1) : letters_.get(who, 1);
    }
    void sleepers(Stage& stage, Side kind, int count) {
        for (int i = 0; i < count; ++i) {
            start_sleeper(stage, [this, kind](int self) { one(self, kind); });
        }
    }
    void make_nothing_left(Stage& stage) {
        const Side kind = plan_.getters_asleep > 0 ? Side::get : Side::put;
        const int count = kind == Side::get ? plan_.fill : kFull - plan_.fill;
        if (count == 0) { return; }
        stage.asleep(stage.start([this, kind, count](int self) {
            for (int i = 0; i < count; ++i) { one(self, kind); }
        }));
    }
    // Has the side, stands in the middle of an operation if need be, and goes on at the gate.
    void own(Stage& stage, int actor) {
        one(actor, side());
        if (plan_.lease != Lease::idle) { queue_.pause_inside(side()); }
        stage.gate(actor).pass();
        if (plan_.lease != Lease::idle) { queue_.go_on(); }
        one(actor, side());
    }
    void start_asker() {
        const Side kind = side();
        asker_ = stage_->start([this, kind](int self) { one(self, kind); });
        const std::int64_t until = stage_->deadline();
        while (!queue_.is_lease_awaited(kind) && now_ns() < until) { sched_yield(); }
        stage_->asleep(asker_);
    }

    bool is_there(Stage& stage, int who) const {
        return who == kVictim ? victim_pid_ != 0 : who < stage.actors() && stage.pid(who) != 0;
    }
    int waiting(Stage& stage, Side kind) const {
        int count = 0;
        for (int who = 0; who <= kVictim; ++who) {
            const bool waits = kind == Side::put ? letters_.waits_to_put(who)
                                                 : letters_.waits_to_get(who);
            count += waits && is_there(stage, who) ? 1 : 0;
        }
        return count;
    }
    // Whether somebody could go on who does not. Of peers it is not known.
    bool is_held_up(Stage& stage) const {
        if (!queue_.is_ours()) { return false; }
        const int putters = waiting(stage, Side::put), getters = waiting(stage, Side::get);
        if (queue_.is_shut()) { return putters + getters > 0; }
        const std::size_t size = queue_.size();
        return (putters > 0 && size < TestQueue::kMost) || (getters > 0 && size > 0);
    }
    void come_to_rest(Stage& stage) {
        const std::int64_t until = stage.deadline();
        for (int calm = 0; calm < 2;) {
            stage.settle(victim_pid_);
            calm = is_held_up(stage) ? 0 : calm + 1;
            if (now_ns() > until) {
                return stage.complain(Fault::wedged, "asleep, though there is what it waits for");
            }
        }
    }

    TestQueue& queue_;
    const Plan& plan_;
    bool near_wrap_;
    std::string name_;
    Stage* stage_ = nullptr;
    Letters letters_;
    pid_t victim_pid_ = 0;  // While it lives, and others do.
    int dead_ = 0;
    bool has_come_ = false;
    int owner_ = -1, asker_ = -1;
    Letter mine_[3] = {};
    int result_ = TestQueue::kNothing;
};

}  // namespace

Scenes queue_scenes(TestQueue& queue, bool plain) {
    Scenes scenes;
    int number = 0;
    for (const Plan& plan : kPlans) {
        const bool near_wrap = ++number % 3 != 0;
        const bool shuts = plan.act == Act::shut_down || plan.act == Act::shut_down_now;
        if (plain && (plan.lease > Lease::nobody || shuts)) { continue; }
        scenes.push_back(std::make_unique<QueueScene>(queue, plan, near_wrap && queue.is_ours()));
    }
    return scenes;
}

}  // namespace crash
