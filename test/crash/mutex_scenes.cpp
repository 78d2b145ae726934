#include "mutex_scenes.hpp"

#include <stdio.h>

namespace crash {
namespace {

enum class Act { take, take_now, take_timed, release, destroy };
// Another mutex that the victim holds throughout, taken before this one or after it.
enum class Other { none, older, newer };
enum class Holder { nobody, victim, releases, dies, died, stays };

struct Plan {
    const char* name;
    Act act;
    Holder holder;  ///< Who holds it when the victim comes, and what he does once that sleeps.
    int sleepers_before, sleepers_behind;
    int sleepers_killed = 0;
    Other other = Other::none;
};

constexpr Plan kPlans[] = {
    {"acquire, free", Act::take, Holder::nobody, 0, 0},
    {"acquire, held", Act::take, Holder::releases, 0, 0},
    {"acquire, after a dead owner", Act::take, Holder::died, 0, 0},
    {"acquire now, held", Act::take_now, Holder::stays, 0, 0},
    {"acquire, times out", Act::take_timed, Holder::stays, 0, 0},
    {"acquire, times out, 2 asleep behind", Act::take_timed, Holder::stays, 0, 2},
    {"release, nobody waits", Act::release, Holder::victim, 0, 0},
    {"release, 1 asleep", Act::release, Holder::victim, 1, 0},
    {"release, 2 asleep", Act::release, Holder::victim, 2, 0},
    {"destroy a held handle, 1 asleep", Act::destroy, Holder::victim, 1, 0},
    {"woken by a release, 2 asleep behind", Act::take, Holder::releases, 0, 2},
    {"woken by a death, 2 asleep behind", Act::take, Holder::dies, 0, 2},
    {"release, 1 killed asleep", Act::release, Holder::victim, 0, 0, 1},
    {"release, 1 asleep, 1 killed asleep", Act::release, Holder::victim, 1, 0, 1},
    {"acquire a second", Act::take, Holder::nobody, 0, 0, 0, Other::older},
    {"acquire a second, held, 1 asleep behind", Act::take, Holder::releases, 0, 1, 0, Other::older},
    {"release the older of two", Act::release, Holder::victim, 0, 0, 0, Other::newer},
    {"release the newer of two, 1 asleep", Act::release, Holder::victim, 1, 0, 0, Other::older},
};

constexpr std::uint32_t kNumber = 0x3fffffffu, kDied = 0x40000000u;
// Stepped, the way to where it falls asleep takes 20 ms.
constexpr std::int64_t kShortMs = 8, kSteppedMs = 150;

class MutexScene : public Scene {
public:
    MutexScene(Mutex& mutex, Mutex& other, const Plan& plan)
        : mutex_(mutex), other_(other), plan_(plan) {
        snprintf(name_, sizeof(name_), "%s: %s", mutex.name(), plan.name);
    }

    const char* name() const override { return name_; }
    std::size_t rounds() const override { return mutex_.is_whole() ? 12 : 6; }
    std::size_t recoveries() const override { return mutex_.is_whole() ? 2000 : 400; }
    bool has_sleepers() const override { return plan_.sleepers_before + plan_.sleepers_behind > 0; }
    Extent state() override { return {mutex_.memory(), Mutex::kBytes}; }

    void set(Stage& stage) override {
        mutex_.make();
        other_.make();
        deaths_ = 0;
        if (plan_.holder == Holder::nobody || plan_.holder == Holder::victim) { return; }
        holder_ = stage.start([this, &stage](int actor) { turn(stage, actor, true); });
        stage.asleep(holder_);
        if (plan_.holder == Holder::died) { kill_holder(stage); }
    }

    void victim_before(Stage&) override {
        if (plan_.other == Other::older) { (void)other_.take(kForever); }
        if (plan_.holder == Holder::victim) { got_ = mutex_.take(kForever); }
        if (plan_.other == Other::newer) { (void)other_.take(kForever); }
    }
    void victim_ready(Stage& stage) override {
        for (int i = 0; i < plan_.sleepers_killed; ++i) {
            const int actor = stage.start([this, &stage](int self) { turn(stage, self, false); });
            stage.asleep(actor);
            stage.kill(actor);
        }
        sleepers(stage, plan_.sleepers_before);
    }
    void victim_acts(Stage& stage) override {
        switch (plan_.act) {
            case Act::take: got_ = mutex_.take(kForever); break;
            case Act::take_now: got_ = mutex_.take(0); break;
            case Act::take_timed: got_ = mutex_.take(stage.stepped ? kSteppedMs : kShortMs); break;
            case Act::release: released_ = mutex_.release(); break;
            case Act::destroy: mutex_.destroy(); break;
        }
    }
    void victim_after(Stage& stage, int actor) override {
        if (plan_.other != Other::none) {
            stage.check(other_.release(), Fault::wrong, "the other was lost", actor);
        }
        if (plan_.act == Act::release) {
            stage.check(released_, Fault::wrong, "the victim could not release", actor);
        }
        if (plan_.holder == Holder::victim) { return; }
        const bool may_time_out = plan_.act != Act::take;
        if (got_ == Got::timed_out && may_time_out) { return; }
        be_inside(stage, actor, got_, false);
    }
    bool victim_sleeps(Stage& stage, int k) override {
        if (k > 0) { return false; }
        sleepers(stage, plan_.sleepers_behind);
        if (plan_.holder == Holder::dies) { kill_holder(stage); }
        if (plan_.holder == Holder::releases) {
            stage.gate(holder_).open();
            stage.end(holder_, "the holder could not release");
        }
        return plan_.holder != Holder::stays;
    }

    // Somebody comes and keeps it, if he gets it; else he sleeps, too. The others behind him.
    void meanwhile(Stage& stage, pid_t victim, int crowd) override {
        const std::uint32_t before = mutex_.word();
        const int inside = stage.count(kInside).load();
        stage.asleep(stage.start([this, &stage](int actor) { turn(stage, actor, true); }));
        stage.settle();
        const bool got_in = stage.count(kInside).load() > inside;
        for (int i = 1; i < crowd; ++i) {
            stage.asleep(stage.start([this, &stage](int actor) { turn(stage, actor, false); }));
        }
        if (!mutex_.is_robust()) { return; }
        if ((before & kNumber) == static_cast<std::uint32_t>(victim)) {
            stage.check(!got_in, Fault::duplicated, "taken from one who was only stopped");
        } else if ((before & kNumber) == 0) {
            stage.check(got_in, Fault::wedged, "free, but one who stands still holds others up");
        }
    }
    void reckon(Stage& stage, pid_t victim) override {
        const std::uint32_t word = mutex_.word();
        const bool held = (word & kNumber) == static_cast<std::uint32_t>(victim);
        reports_before_ = stage.count(kReports).load();
        due_ = (word & kDied) != 0 || held ? 1 : 0;
    }
    void others_end(Stage& stage) override {
        stage.open_all();
        for (int i = 0; i < stage.actors(); ++i) { stage.end(i, "a sleeper never had its turn"); }
    }
    void newcomers(Stage& stage) override {
        // The first lets go only when the second sleeps.
        const int first = stage.start([this, &stage](int actor) {
            turn(stage, actor, false);
            turn(stage, actor, true);
        });
        stage.asleep(first);
        const int second = stage.start([this, &stage](int actor) { turn(stage, actor, false); });
        stage.asleep(second);
        stage.gate(first).open();
        stage.end(first, "a newcomer never got it");
        stage.end(second, "a newcomer never got it");
    }
    void account(Stage& stage, bool victim_lives) override {
        if (!mutex_.is_robust() || stage.fault() == Fault::wedged) { return; }
        const int reports = stage.count(kReports).load();
        const int heard = victim_lives ? reports : reports - reports_before_;
        const int due = victim_lives ? deaths_ : due_;
        stage.check(heard >= due, Fault::lost, "nobody heard that the holder died");
        stage.check(heard <= due, Fault::wrong, "a death was reported that was none");
        if (plan_.other == Other::none) { return; }
        const Got due_of_other = victim_lives ? Got::held : Got::held_after_death;
        const int actor = stage.start([&](int self) {
            stage.check(other_.take(kForever) == due_of_other, Fault::lost,
                        "what became of the other one was not heard", self);
            (void)other_.release();
        });
        stage.end(actor, "the other mutex of the victim was never free");
    }

    void recover(Stage&) override {
        if (mutex_.take(kForever) != Got::refused) { (void)mutex_.release(); }
    }

private:
    enum { kInside, kReports };

    void sleepers(Stage& stage, int count) {
        for (int i = 0; i < count; ++i) {
            start_sleeper(stage, [this, &stage](int actor) { turn(stage, actor, false); });
        }
    }
    void kill_holder(Stage& stage) {
        stage.kill(holder_);
        stage.count(kInside).store(0);
        ++deaths_;
    }
    // Waits for the mutex, is alone inside, lets go: once the gate is open, if told so.
    void turn(Stage& stage, int actor, bool at_gate) {
        be_inside(stage, actor, mutex_.take(kForever), at_gate);
    }
    void be_inside(Stage& stage, int actor, Got got, bool at_gate) {
        if (got == Got::held_after_death) { stage.count(kReports).fetch_add(1); }
        if (got == Got::timed_out || got == Got::refused) {
            return stage.complain(Fault::wrong, "refused, though one was to wait", actor);
        }
        stage.check(stage.count(kInside).fetch_add(1) == 0, Fault::duplicated, "two inside", actor);
        if (at_gate) { stage.gate(actor).pass(); }
        stage.count(kInside).fetch_sub(1);
        stage.check(mutex_.release(), Fault::wrong, "a holder could not release", actor);
    }

    Mutex& mutex_;
    Mutex& other_;
    const Plan& plan_;
    char name_[100];
    int holder_ = -1;
    int deaths_ = 0;
    int reports_before_ = 0, due_ = 0;
    Got got_ = Got::refused;
    bool released_ = false;
};

}  // namespace

Scenes mutex_scenes(Mutex& mutex, Mutex& other) {
    Scenes scenes;
    for (const Plan& plan : kPlans) {
        scenes.push_back(std::make_unique<MutexScene>(mutex, other, plan));
    }
    return scenes;
}

}  // namespace crash
