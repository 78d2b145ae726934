#include "barrier_scenes.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>

#include <brood/barrier.hpp>

#include "object.hpp"

namespace crash {
namespace {

enum class Act { come, come_timed, abort, reset };

struct Plan {
    const char* name;
    Act act;
    int parties;
    int asleep = 0, asleep_behind = 0;
    bool is_broken = false;  // When the victim comes.
    bool has_action = false;
    bool is_full = false;  // One is in the action, until the victim sleeps.
};

constexpr Plan kPlans[] = {
    {"come, first of 2", Act::come, 2},
    {"come, first of 3, 1 asleep behind", Act::come, 3, 0, 1},
    {"come, second of 3", Act::come, 3, 1},
    {"come, last of 2", Act::come, 2, 1},
    {"come, last of 3", Act::come, 3, 2},
    {"come, last of 3, with an action", Act::come, 3, 2, 0, false, true},
    {"come, no place free", Act::come, 2, 1, 0, false, true, true},
    {"come, no place free, 2 asleep behind", Act::come, 2, 1, 2, false, true, true},
    {"come, broken", Act::come, 2, 0, 0, true},
    {"come timed, first of 3, 1 asleep behind", Act::come_timed, 3, 0, 1},
    {"come timed, second of 3", Act::come_timed, 3, 1},
    {"come timed, no place free", Act::come_timed, 2, 1, 0, false, true, true},
    {"abort, nobody waits", Act::abort, 3},
    {"abort, 2 asleep", Act::abort, 3, 2},
    {"reset, 2 asleep", Act::reset, 3, 2},
    {"reset, broken", Act::reset, 3, 0, 0, true},
};

constexpr int kVictim = Board::kVictim, kRounds = 2, kOneKilled = 2;
constexpr std::size_t kBytes = 4096;  // All that is in use of it, and more.
constexpr std::int64_t kShortMs = 8, kSteppedMs = 150;

// The scene's counters of the board. From kNumbers on: how many were given this number.
enum { kActions, kIsFull, kMayBreak, kVictimPid, kNumbers };

// For the action: it lies in shared memory and knows nothing of scenes.
Board* acted_on = nullptr;

void act() {
    acted_on->counts[kActions].fetch_add(1);
    if (acted_on->counts[kIsFull].load() != 0) { acted_on->gates[kVictim].pass(); }
}

// A round is over for all or for none. So the numbers were given equally often, but to the dead.
class BarrierScene : public Scene {
public:
    BarrierScene(Object<brood::Barrier>& barrier, const Plan& plan)
        : barrier_(barrier), plan_(plan), name_(std::string("Barrier: ") + plan.name) {}

    const char* name() const override { return name_.c_str(); }
    std::size_t rounds() const override { return 2; }
    std::vector<int> crowds() const override { return {1, kOneKilled, 3}; }
    // Without those for whom the victim waits: when they stand at a point, it does not come to its.
    bool has_sleepers() const override {
        return plan_.asleep + plan_.asleep_behind > 0 && !plan_.is_full;
    }
    Extent state() override { return barrier_.extent(); }

    void set(Stage& stage) override {
        barrier_.renew();
        if (plan_.is_broken) { barrier_->abort().expect("breaking a barrier"); }
        stage.count(kMayBreak).store(plan_.is_broken || plan_.act != Act::come ? 1 : 0);
        acted_on = &stage.board();
        dead_ = dead_actors_ = 0;
        must_break_ = false;
    }
    void victim_before(Stage& stage) override { stage.count(kVictimPid).store(getpid()); }
    void victim_ready(Stage& stage) override {
        sleepers(stage, plan_.asleep);
        if (!plan_.is_full) { return; }
        stage.count(kIsFull).store(1);
        stage.asleep(bring(stage));
    }
    void victim_acts(Stage& stage) override {
        const std::int64_t ms = stage.stepped ? kSteppedMs : kShortMs;
        switch (plan_.act) {
            case Act::come: came_ = barrier_->wait(); break;
            case Act::come_timed: came_ = barrier_->wait(brood::milliseconds(ms)); break;
            case Act::abort: status_ = barrier_->abort(); break;
            case Act::reset: status_ = barrier_->reset(); break;
        }
    }
    void victim_after(Stage& stage, int actor) override {
        if (plan_.act == Act::abort || plan_.act == Act::reset) {
            return stage.check(status_.ok(), Fault::wrong, "the victim was refused", actor);
        }
        const bool timed_out = !came_.ok() && came_.error().code() == brood::Errc::timed_out;
        if (plan_.act == Act::come_timed && timed_out) { return; }
        hear(stage, actor, came_);
    }
    bool victim_sleeps(Stage& stage, int k) override {
        if (k == 0) { sleepers(stage, plan_.asleep_behind); }
        if (k == 0 && plan_.is_full) {
            stage.gate(kVictim).open();
            return true;
        }
        if (k > 1 || plan_.act == Act::come_timed) { return false; }
        bring_missing(stage);
        return true;
    }

    // They come; or one does, and is killed where it sleeps. But where it is broken or mended, the
    // second of a crowd mends it, too.
    void meanwhile(Stage& stage, pid_t, int crowd) override {
        const bool breaks = plan_.act == Act::abort || plan_.act == Act::reset;
        for (int i = 0; i < (crowd == kOneKilled ? 1 : crowd); ++i) {
            const int actor = breaks && i == 1 ? start_mender(stage) : bring(stage);
            stage.asleep(actor);
            if (crowd != kOneKilled) { continue; }
            stage.count(kMayBreak).store(1);
            const int before = n_waiting();
            stage.kill(actor);
            ++dead_actors_;
            must_break_ = before < plan_.parties && n_waiting() < before && !breaks;
        }
    }
    // If more wait than are known, it is the one who dies now. Whoever is killed second may have
    // mended what the victim broke.
    void reckon(Stage& stage, pid_t) override {
        stage.count(kMayBreak).store(1);
        ++dead_;
        const int known = waiting(stage) + (dead_ == 1 && understudy_called ? 1 : 0);
        const int before = n_waiting();
        must_break_ = (dead_ == 1 && must_break_) || (known < before && before < plan_.parties);
    }
    // At rest either all were told, or they wait for those who have not come. These come then.
    void others_end(Stage& stage) override {
        stage.open_all();
        stage.gate(kVictim).open();
        await_rest(stage);
        if (stage.fault() == Fault::wedged) { return; }
        // Whoever was killed before is heard of now, if nobody was there to hear it.
        const bool should_be = must_break_ && waiting(stage) > 0;
        stage.check(!should_be || barrier_->broken(), Fault::lost, "one died, and those wait on");
        if (!barrier_->broken()) { bring_missing(stage); }
        await_rest(stage);
        stage.check(!must_break_ || barrier_->broken(), Fault::lost, "nobody heard who died");
        for (int i = 0; i < stage.actors(); ++i) {
            stage.end(i, "one waits on, though all have come, or it is broken");
        }
    }
    void newcomers(Stage& stage) override {
        if (stage.fault() == Fault::wedged) { return; }
        check_numbers(stage);
        if (dead_ + dead_actors_ > 0 || barrier_->broken()) {
            stage.end(start_mender(stage), "a newcomer could not mend it");
            stage.check(!barrier_->broken(), Fault::wrong, "mended, it is broken");
        }
        stage.count(kMayBreak).store(0);
        const int first = stage.actors();
        for (int i = 0; i < plan_.parties; ++i) {
            stage.start([this, &stage](int self) {
                for (int round = 0; round < kRounds; ++round) { come(stage, self); }
            });
        }
        for (int i = first; i < stage.actors(); ++i) {
            stage.end(i, "a newcomer waits, though all have come");
        }
    }
    void account(Stage& stage, bool) override {
        if (stage.fault() == Fault::wedged) { return; }
        check_numbers(stage);
        stage.check(!barrier_->broken(), Fault::wrong, "it was broken without reason");
    }

    void recover(Stage&) override {
        if (!barrier_->wait().ok()) { barrier_->reset().ignore(); }
    }
    // Wherever it sleeps: rounds end until nobody is left over.
    void recoverer_sleeps(Stage& stage) override {
        stage.gate(kVictim).open();
        stage.settle();
        for (int there = waiting(stage) + 1; there % plan_.parties != 0; ++there) { bring(stage); }
    }

private:
    // ---- Who is there
    pid_t living_victim(Stage& stage) const {
        const pid_t victim = dead_ == 0 ? stage.count(kVictimPid).load() : 0;
        return lives(victim) ? victim : 0;
    }
    // At rest who is there waits.
    int waiting(Stage& stage) const {
        return stage.present() + (living_victim(stage) != 0 ? 1 : 0);
    }
    void await_rest(Stage& stage) {
        const std::int64_t until = stage.deadline();
        for (int calm = 0; calm < 2;) {
            if (!stage.settle(living_victim(stage))) {
                return stage.complain(Fault::wedged, "they do not come to rest");
            }
            const int waits = waiting(stage);
            const bool is_right =
                barrier_->broken() ? waits == 0 : waits < plan_.parties && waits == n_waiting();
            calm = is_right ? calm + 1 : 0;
            if (calm == 0 && stage.is_over(until)) {
                return stage.complain(Fault::wedged, barrier_->broken()
                                                         ? "asleep, though it is broken"
                                                         : "asleep, but not as who has come");
            }
        }
    }
    // Of each round one number may be lost with a dead one; and one action may be in vain.
    void check_numbers(Stage& stage) const {
        int rounds = 0, holes = 0;
        for (int i = 0; i < plan_.parties; ++i) {
            rounds = std::max(rounds, stage.count(kNumbers + i).load());
        }
        for (int i = 0; i < plan_.parties; ++i) {
            holes += rounds - stage.count(kNumbers + i).load();
        }
        stage.check(holes <= dead_ + dead_actors_, Fault::lost, "a round was over for some only");
        if (!plan_.has_action) { return; }
        const int actions = stage.count(kActions).load();
        stage.check(actions >= rounds, Fault::lost, "a round without its action");
        stage.check(actions <= rounds + dead_ + dead_actors_ || plan_.act != Act::come,
                    Fault::duplicated, "an action without a round");
    }
    int n_waiting() const { return static_cast<int>(barrier_->n_waiting()); }
    void sleepers(Stage& stage, int count) {
        for (int i = 0; i < count; ++i) {
            start_sleeper(stage, [this, &stage](int self) { come(stage, self); });
        }
    }
    int bring(Stage& stage) {
        return stage.start([this, &stage](int self) { come(stage, self); });
    }
    void bring_missing(Stage& stage) {
        for (int missing = plan_.parties - n_waiting(); missing > 0; --missing) { bring(stage); }
    }
    int start_mender(Stage& stage) {
        return stage.start([this, &stage](int self) {
            stage.check(barrier_->reset().ok(), Fault::wrong, "it could not be mended", self);
        });
    }

    // ---- What they do
    void come(Stage& stage, int who) { hear(stage, who, barrier_->wait()); }
    void hear(Stage& stage, int who, const brood::Result<std::size_t>& came) {
        if (!came.ok()) {
            const bool is_told = came.error().code() == brood::Errc::broken_barrier;
            const bool may_be = stage.count(kMayBreak).load() != 0;
            stage.check(is_told, Fault::wrong, "refused, though one was to wait", who);
            return stage.check(may_be, Fault::wrong, "told that it is broken, which it is not",
                               who);
        }
        if (*came >= static_cast<std::size_t>(plan_.parties)) {
            return stage.complain(Fault::wrong, "a number that is too high", who);
        }
        stage.check(!plan_.has_action || stage.count(kActions).load() > 0, Fault::wrong,
                    "gone on before the action", who);
        stage.count(kNumbers + static_cast<int>(*came)).fetch_add(1);
    }

    Object<brood::Barrier>& barrier_;
    const Plan& plan_;
    std::string name_;
    int dead_ = 0, dead_actors_ = 0;
    bool must_break_ = false;  // Somebody died where it waited, and not all had come.
    brood::Result<std::size_t> came_ = brood::Errc::closed;
    brood::Status status_;
};

using SharedBarrier = Object<brood::Barrier>;

SharedBarrier make_shared(brood::Result<brood::Barrier>&& made) {
    return SharedBarrier(std::move(made).expect("a barrier"), kBytes);
}

}  // namespace

Scenes barrier_scenes() {
    static SharedBarrier two = make_shared(brood::Barrier::create(2));
    static SharedBarrier three = make_shared(brood::Barrier::create(3));
    static SharedBarrier two_acting = make_shared(brood::Barrier::create(2, &act));
    static SharedBarrier three_acting = make_shared(brood::Barrier::create(3, &act));
    Scenes scenes;
    for (const Plan& plan : kPlans) {
        SharedBarrier& of_two = plan.has_action ? two_acting : two;
        SharedBarrier& of_three = plan.has_action ? three_acting : three;
        scenes.push_back(
            std::make_unique<BarrierScene>(plan.parties == 2 ? of_two : of_three, plan));
    }
    return scenes;
}

}  // namespace crash
