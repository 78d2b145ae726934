#include "permit_scenes.hpp"

#include <stdio.h>

#include <algorithm>
#include <string>
#include <utility>

#include <brood/semaphore.hpp>

#include "object.hpp"

namespace crash {
namespace {

enum class Act { take, take_now, take_timed, release, release_2 };
// What the holder of all others does once the victim sleeps.
enum class Holder { stays, releases, releases_one, dies };

struct Plan {
    Act act;
    int free;  // When the victim comes.
    Holder holder = Holder::stays;
    int asleep = 0, asleep_behind = 0;
};

constexpr Plan kPlans[] = {
    {Act::take, 1},
    {Act::take, 0, Holder::releases},
    {Act::take, 0, Holder::releases, 0, 2},
    {Act::take, 0, Holder::releases_one, 0, 2},
    {Act::take, 0, Holder::dies},
    {Act::take, 0, Holder::dies, 0, 2},
    {Act::take_now, 0},
    {Act::take_timed, 0, Holder::stays, 0, 2},
    {Act::release, 0},
    {Act::release, 0, Holder::stays, 1},
    {Act::release, 0, Holder::stays, 2},
    {Act::release_2, 0, Holder::stays, 2},
};

const char* name_of(Act act) {
    switch (act) {
        case Act::take: return "acquire";
        case Act::take_now: return "acquire now";
        case Act::take_timed: return "acquire timed";
        case Act::release: return "release";
        case Act::release_2: return "release 2";
    }
    return "?";
}

constexpr int kVictim = Board::kVictim;
constexpr std::int64_t kShortMs = 8, kSteppedMs = 150;

// Permits of which none is lost with a holder, or units: one is lost with whoever dies between
// acquiring and releasing, which both are one step.
class PermitScene : public Scene {
public:
    PermitScene(Object<brood::Semaphore>& semaphore, bool records, int total, const Plan& plan)
        : semaphore_(semaphore), records_(records), total_(total), plan_(plan) {
        name_ = std::string(records ? "Semaphore: " : "Semaphore, signalling: ") +
                name_of(plan.act) + ", " + std::to_string(plan.free) + " free";
        if (plan.holder == Holder::releases) { name_ += ", woken by a release"; }
        if (plan.holder == Holder::releases_one) { name_ += ", woken by a release of 1"; }
        if (plan.holder == Holder::dies) { name_ += ", woken by a death"; }
        if (plan.asleep > 0) { name_ += ", " + std::to_string(plan.asleep) + " asleep"; }
        if (plan.asleep_behind > 0) {
            name_ += ", " + std::to_string(plan.asleep_behind) + " asleep behind";
        }
    }

    const char* name() const override { return name_.c_str(); }
    std::size_t rounds() const override { return 5; }
    bool has_sleepers() const override { return plan_.asleep + plan_.asleep_behind > 0; }
    Extent state() override { return semaphore_.extent(); }

    void set(Stage& stage) override {
        semaphore_.renew();
        lost_ = 0;
        gives_back_ = understudy != nullptr ? 1 : 0;
        holder_ = -1;
        const int held = total_ - plan_.free - victims();
        if (held == 0) { return; }
        holder_ = stage.start([this, &stage, held](int actor) {
            for (int i = 0; i < held; ++i) { take(stage, actor); }
            stage.gate(actor).pass();
            const int first = plan_.holder == Holder::releases_one ? 1 : held;
            release(stage, actor, first);
            stage.gate(kVictim).pass();
            if (held > first) { release(stage, actor, held - first); }
        });
        stage.asleep(holder_);
    }
    void victim_before(Stage& stage) override {
        for (int i = 0; i < victims(); ++i) { take(stage, kVictim); }
        stage.count(kVictim).store(0);  // From now on it is on its way.
    }
    void victim_ready(Stage& stage) override { sleepers(stage, plan_.asleep); }
    void victim_acts(Stage& stage) override {
        const std::int64_t ms = stage.stepped ? kSteppedMs : kShortMs;
        switch (plan_.act) {
            case Act::take: status_ = semaphore_->take(); break;
            case Act::take_now: status_ = semaphore_->try_take(); break;
            case Act::take_timed: status_ = semaphore_->take(brood::milliseconds(ms)); break;
            case Act::release: status_ = semaphore_->release(); break;
            case Act::release_2: status_ = semaphore_->release(2); break;
        }
    }
    void victim_after(Stage& stage, int actor) override {
        const bool may_fail = plan_.act == Act::take_now || plan_.act == Act::take_timed;
        if (may_fail && status_.code() == brood::Errc::timed_out) { return; }
        stage.check(status_.ok(), Fault::wrong, "the victim was refused", actor);
        if (victims() > 0) { return; }
        stage.count(kVictim).fetch_add(1);
        release(stage, actor, 1);
    }
    bool victim_sleeps(Stage& stage, int k) override {
        if (k > 0) { return false; }
        sleepers(stage, plan_.asleep_behind);
        if (plan_.holder == Holder::dies) {
            stage.count(holder_).store(0);
            stage.kill(holder_);
        }
        const bool releases = plan_.holder == Holder::releases;
        if (releases || plan_.holder == Holder::releases_one) { stage.gate(holder_).open(); }
        return plan_.holder != Holder::stays;
    }

    void meanwhile(Stage& stage, pid_t, int crowd) override {
        for (int i = 0; i < crowd; ++i) {
            stage.asleep(stage.start([this, &stage](int actor) { turn(stage, actor, true); }));
        }
    }
    // What nobody has and nobody can take is lost with the victim, and nothing more.
    void reckon(Stage& stage, pid_t) override {
        if (records_) { return; }
        int held = 0;
        for (int who = 0; who < Board::kActors; ++who) { held += stage.count(who).load(); }
        const int lost = total_ - held - static_cast<int>(semaphore_->value());
        stage.check(lost >= lost_, Fault::duplicated, "more units than there are");
        stage.check(lost <= lost_ + 2, Fault::lost, "units that nobody has");
        // Who slept until the victim woke him may have one by now, and he gives it back.
        lost_ = std::max(lost - std::exchange(gives_back_, 0), 0);
    }
    // First all go on who can without the holder: who waits beside a free one, waits for ever.
    void others_end(Stage& stage) override {
        for (int i = 0; i < stage.actors(); ++i) {
            if (i != holder_) { stage.gate(i).open(); }
        }
        const std::int64_t until = stage.deadline();
        for (int calm = 0; calm < 2;) {
            const bool rests = stage.settle();
            calm = !rests || (semaphore_->value() > 0 && waits(stage)) ? 0 : calm + 1;
            if (calm == 0 && stage.is_over(until)) {
                return stage.complain(Fault::wedged, "asleep, though there is one free");
            }
        }
        stage.open_all();
        stage.gate(kVictim).open();
        for (int i = 0; i < stage.actors(); ++i) { stage.end(i, "a sleeper never had its turn"); }
    }
    // All that is left is held, and the last waits.
    void newcomers(Stage& stage) override {
        if (stage.fault() == Fault::wedged) { return; }
        const int left = total_ - lost_;
        const int first = stage.start([this, &stage, left](int actor) {
            for (int i = 0; i < left; ++i) { take(stage, actor); }
            stage.gate(actor).pass();
            release(stage, actor, left);
        });
        stage.asleep(first);
        const int second = stage.start([this, &stage](int actor) { turn(stage, actor, false); });
        stage.asleep(second);
        stage.gate(first).open();
        stage.end(first, "a newcomer did not get all that is left");
        stage.end(second, "a newcomer got none");
    }
    void account(Stage& stage, bool) override {
        if (stage.fault() == Fault::wedged) { return; }
        const int value = static_cast<int>(semaphore_->value());
        stage.check(value >= total_ - lost_, Fault::lost, "fewer than there were");
        stage.check(value <= total_ - lost_, Fault::duplicated, "more than there were");
    }

    void recover(Stage&) override {
        if (semaphore_->take().ok()) { semaphore_->release().ignore(); }
    }
    void recoverer_sleeps(Stage& stage) override {
        if (semaphore_->value() == 0) { stage.gate(kVictim).open(); }
    }

private:
    int victims() const {
        return plan_.act == Act::release ? 1 : plan_.act == Act::release_2 ? 2 : 0;
    }
    void sleepers(Stage& stage, int count) {
        for (int i = 0; i < count; ++i) {
            start_sleeper(stage, [this, &stage](int actor) { turn(stage, actor, false); });
        }
    }
    bool waits(Stage& stage) const {
        for (int i = 0; i < stage.actors(); ++i) {
            if (i != holder_ && lives(stage.pid(i))) { return true; }
        }
        return false;
    }
    void take(Stage& stage, int who) {
        stage.check(semaphore_->take().ok(), Fault::wrong, "refused, though one was to wait", who);
        stage.count(who).fetch_add(1);
        int held = 0;
        for (int i = 0; i < Board::kActors; ++i) { held += stage.count(i).load(); }
        stage.check(held <= total_, Fault::duplicated, "more hold one than there are", who);
    }
    void release(Stage& stage, int who, int count) {
        stage.count(who).fetch_sub(count);
        const bool released = semaphore_->release(static_cast<std::size_t>(count)).ok();
        stage.check(released, Fault::wrong, "a holder could not release", who);
    }
    void turn(Stage& stage, int actor, bool at_gate) {
        take(stage, actor);
        if (at_gate) { stage.gate(actor).pass(); }
        release(stage, actor, 1);
    }

    Object<brood::Semaphore>& semaphore_;
    bool records_;
    int total_;
    const Plan& plan_;
    std::string name_;
    int holder_ = -1;
    int lost_ = 0;
    int gives_back_ = 0;
    brood::Status status_;
};

}  // namespace

Scenes permit_scenes() {
    // More units than permits: who recovers may lose some, too, and one must be left.
    constexpr int kPermits = 2, kUnits = 4;
    constexpr std::size_t kBytes = 256;
    static Object<brood::Semaphore> permits(
        brood::Semaphore::create(kPermits).expect("a semaphore"), kBytes);
    static Object<brood::Semaphore> units(
        brood::Semaphore::signalling(kUnits).expect("a semaphore"), kBytes);
    Scenes scenes;
    for (const bool records : {true, false}) {
        for (const Plan& plan : kPlans) {
            // Units do not come back by a death.
            if (!records && plan.holder == Holder::dies) { continue; }
            scenes.push_back(std::make_unique<PermitScene>(records ? permits : units, records,
                                                           records ? kPermits : kUnits, plan));
        }
    }
    return scenes;
}

}  // namespace crash
