#include "condition_scenes.hpp"

#include <sched.h>
#include <unistd.h>

#include <string>

#include <brood/condition.hpp>

#include "object.hpp"

namespace crash {
namespace {

using brood::detail::is_held;

enum class Act { wait, wait_timed, notify, release };
// Who notifies the victim once it sleeps.
enum class Notifier { nobody, of_one, of_all, dies };

struct Plan {
    const char* name;
    Act act;
    int count = 0;  // The notified, if it notifies.
    int asleep = 0, asleep_behind = 0;
    Notifier notifier = Notifier::nobody;
    int killed_asleep = 0;     // Who came before all others.
    bool is_notified = false;  // The victim, when it begins; and who is asleep waited then.
};

constexpr int kAll = 1000;
constexpr Plan kPlans[] = {
    {"wait", Act::wait, 0, 0, 0, Notifier::of_one},
    {"wait, 2 asleep before", Act::wait, 0, 2, 0, Notifier::of_all},
    {"wait, 2 asleep behind", Act::wait, 0, 0, 2, Notifier::of_one},
    {"wait, 2 asleep behind, all notified", Act::wait, 0, 0, 2, Notifier::of_all},
    {"wait, a dead before, 1 behind", Act::wait, 0, 0, 1, Notifier::of_one, 1},
    {"wait, the notifier dies inside", Act::wait, 0, 0, 1, Notifier::dies},
    {"wait again, notified, 2 asleep", Act::wait, 0, 2, 0, Notifier::of_all, 0, true},
    {"wait timed", Act::wait_timed},
    {"wait timed, 2 asleep behind", Act::wait_timed, 0, 0, 2},
    {"notify, nobody waits", Act::notify, 1},
    {"notify, 1 asleep", Act::notify, 1, 1},
    {"notify, 2 asleep", Act::notify, 1, 2},
    {"notify, 1 asleep behind a dead", Act::notify, 1, 1, 0, Notifier::nobody, 1},
    {"notify, notified, 2 asleep", Act::notify, 1, 2, 0, Notifier::nobody, 0, true},
    {"notify 2, 3 asleep", Act::notify, 2, 3},
    {"notify all, 2 asleep", Act::notify, kAll, 2},
    {"release, notified, 1 asleep", Act::release, 0, 1, 0, Notifier::nobody, 0, true},
};

constexpr int kVictim = Board::kVictim, kWithOneKilled = 2;
constexpr std::size_t kWaiters = 14, kBytes = 4096;  // All that is in use of it, and more.
constexpr std::uint32_t kNumber = 0x3fffffffu, kDied = 0x40000000u;
constexpr std::int64_t kShortMs = 8, kSteppedMs = 150;

// As it is used: a notifier puts down as many tokens as he notifies of, and who waits does so until
// there is one, and takes it.
class ConditionScene : public Scene {
public:
    ConditionScene(Object<brood::Condition>& condition, const Plan& plan)
        : condition_(condition), plan_(plan), name_(std::string("Condition: ") + plan.name) {}

    const char* name() const override { return name_.c_str(); }
    std::size_t rounds() const override { return 2; }
    std::vector<int> crowds() const override { return {1, kWithOneKilled, 3}; }
    // Without those who are notified with the victim: standing at a point, one may hold the lock.
    bool has_sleepers() const override {
        const bool are_notified = plan_.notifier == Notifier::of_all && plan_.asleep > 0;
        return plan_.asleep + plan_.asleep_behind > 0 && !plan_.is_notified && !are_notified;
    }
    Extent state() override { return condition_.extent(); }

    // Who sleeps before the victim comes must be there before it holds the lock.
    void set(Stage& stage) override {
        condition_.renew();
        deaths_ = dead_ = killed_ = reports_before_ = due_ = 0;
        notifier_ = -1;
        if (plan_.is_notified) { return start_behind_victim(stage); }
        for (int i = 0; i < plan_.killed_asleep; ++i) {
            const int actor = stage.start([this, &stage](int self) { take_one(stage, self); });
            stage.asleep(actor);
            stage.kill(actor);
        }
        sleepers(stage, plan_.asleep);
    }
    void victim_before(Stage& stage) override {
        stage.count(kVictimPid).store(getpid());
        begin(stage, kVictim);
        if (plan_.is_notified) {
            stage.gate(kVictim).open();
            while (stage.count(kTokens).load() == 0) { wait(stage, kVictim); }
            stage.count(kTokens).fetch_sub(1);
        }
        if (plan_.act == Act::notify) { put_tokens(stage, notified()); }
    }
    void victim_acts(Stage& stage) override {
        const std::int64_t ms = stage.stepped ? kSteppedMs : kShortMs;
        switch (plan_.act) {
            case Act::wait: status_ = condition_->wait(); break;
            case Act::wait_timed: status_ = condition_->wait(brood::milliseconds(ms)); break;
            case Act::notify: status_ = notify(plan_.count); break;
            case Act::release: status_ = condition_->release(); break;
        }
    }
    void victim_after(Stage& stage, int actor) override {
        if (plan_.act == Act::release || plan_.act == Act::notify) {
            stage.check(status_.ok(), Fault::wrong, "the victim was refused", actor);
            if (plan_.act == Act::notify) { end(stage, actor); }
            return;
        }
        const bool timed_out = status_.code() == brood::Errc::timed_out;
        if (!timed_out || plan_.act == Act::wait) { hear(stage, actor, status_); }
        if (plan_.act == Act::wait || stage.count(kTokens).load() > 0) {
            take_inside(stage, actor, true);
        }
        end(stage, actor);
    }
    bool victim_sleeps(Stage& stage, int k) override {
        if (k == 1 && notifier_ >= 0) {
            stage.kill(notifier_);
            ++deaths_;
            return true;
        }
        if (k > 0) { return false; }
        sleepers(stage, plan_.asleep_behind);
        switch (plan_.notifier) {
            case Notifier::nobody: return false;
            case Notifier::of_one: start_notifier(stage, 1); break;
            case Notifier::of_all:
                start_notifier(stage, plan_.asleep + 1 + plan_.asleep_behind);
                break;
            case Notifier::dies:
                notifier_ = stage.start([this, &stage](int self) { tell(stage, self, 1, true); });
                stage.asleep(notifier_);
                break;
        }
        return true;
    }

    // One waits, and may be killed when it was notified, or waits for the lock. Of a crowd, one
    // notifies, and keeps the lock, and another wants it to wait.
    void meanwhile(Stage& stage, pid_t, int crowd) override {
        const int first = stage.actors();
        for (int i = 0; i < crowd; ++i) {
            const bool tells = i == 1;
            stage.asleep(stage.start([this, &stage, tells](int self) {
                tells ? tell(stage, self, 1, true) : take_one(stage, self);
            }));
        }
        if (crowd != kWithOneKilled) { return; }
        stage.kill(first);
        ++killed_;
    }
    void reckon(Stage& stage, pid_t victim) override {
        const std::uint32_t word =
            static_cast<const std::atomic<std::uint32_t>*>(condition_.extent().at)->load();
        const bool held = (word & kNumber) == static_cast<std::uint32_t>(victim);
        reports_before_ = stage.count(kReports).load();
        due_ = (word & kDied) != 0 || held ? 1 : 0;
        ++dead_;
    }
    // First all go on who were told of something. Then as many are notified as still wait: if
    // somebody counts as notified who was not woken, he is one too few.
    void others_end(Stage& stage) override {
        stage.open_all();
        const std::int64_t until = stage.deadline();
        for (int calm = 0; calm < 2;) {
            if (!stage.settle(living_victim(stage))) {
                return stage.complain(Fault::wedged, "they do not come to rest");
            }
            calm = waiting(stage) > 0 && is_due(stage) ? 0 : calm + 1;
            if (calm == 0 && stage.is_over(until)) {
                return stage.complain(Fault::wedged, "asleep, though there is one for it");
            }
        }
        const int left = waiting(stage);
        if (left > 0) { start_notifier(stage, left); }
        for (int i = 0; i < stage.actors(); ++i) {
            stage.end(i, "one sleeps on, though all were notified");
        }
    }
    // The first who waits is notified, then all.
    void newcomers(Stage& stage) override {
        if (stage.fault() == Fault::wedged) { return; }
        stage.count(kTokens).store(0);
        int waiters[3];
        for (int& one : waiters) {
            one = stage.start([this, &stage](int self) { take_one(stage, self); });
            stage.asleep(one);
        }
        stage.end(start_notifier(stage, 1), "a newcomer could not notify");
        stage.end(waiters[0], "the first newcomer was not notified");
        stage.end(start_notifier(stage, 2), "a newcomer could not notify");
        stage.end(waiters[1], "a newcomer was not notified");
        stage.end(waiters[2], "a newcomer was not notified");
    }
    void account(Stage& stage, bool victim_lives) override {
        if (stage.fault() == Fault::wedged) { return; }
        const int reports = stage.count(kReports).load();
        const int heard = victim_lives ? reports : reports - reports_before_;
        const int due = victim_lives ? deaths_ : due_;
        stage.check(heard >= due, Fault::lost, "nobody heard that the holder died");
        stage.check(heard <= due, Fault::wrong, "a death was reported that was none");
        // After a death one more may be.
        const int may_die = dead_ + deaths_ + killed_ + plan_.killed_asleep;
        const int asked = stage.count(kAsked).load() + may_die;
        stage.check(stage.count(kNotified).load() <= asked, Fault::duplicated,
                    "more were notified than was asked for");
    }

    void recover(Stage& stage) override {
        if (!is_held(condition_->take())) { return; }
        if (stage.count(kTokens).load() == 0) { condition_->wait().ignore(); }
        if (stage.count(kTokens).load() > 0) { stage.count(kTokens).fetch_sub(1); }
        condition_->release().ignore();
    }
    // Also one for who sleeps; it may be the last of all.
    void recoverer_sleeps(Stage& stage) override { start_notifier(stage, waiting(stage) + 1); }

private:
    enum { kTokens, kReports, kAsked, kNotified, kTaken, kWaiting, kVictimPid };

    int notified() const { return plan_.count == kAll ? plan_.asleep : plan_.count; }
    brood::Status notify(int count) {
        return count == kAll ? condition_->notify_all()
                             : condition_->notify(static_cast<std::size_t>(count));
    }

    // ---- Who is there
    pid_t living_victim(Stage& stage) const {
        const pid_t victim = dead_ == 0 ? stage.count(kVictimPid).load() : 0;
        return lives(victim) ? victim : 0;
    }
    // At rest who is there waits.
    int waiting(Stage& stage) const {
        return stage.present() + (living_victim(stage) != 0 ? 1 : 0);
    }
    // What a dead notifier put down is not, unless one of his notifies was heard; but if he was
    // notified himself, that passes to the next.
    bool is_due(Stage& stage) const {
        const int tokens = stage.count(kTokens).load();
        const bool has_died = plan_.act == Act::notify && !plan_.is_notified && dead_ > 0;
        if (!has_died) { return tokens > 0; }
        const int by_others = stage.count(kAsked).load() - notified();
        return tokens > notified() || (tokens > 0 && stage.count(kTaken).load() > by_others);
    }
    void sleepers(Stage& stage, int count) {
        for (int i = 0; i < count; ++i) {
            start_sleeper(stage, [this, &stage](int self) { take_one(stage, self); });
        }
    }
    // The victim waits before them, and is notified when they wait, too.
    void start_behind_victim(Stage& stage) {
        for (int i = 0; i < plan_.asleep; ++i) {
            stage.start([this, &stage](int self) {
                stage.gate(kVictim).pass();
                take_one(stage, self);
            });
        }
        stage.start([this, &stage](int self) {
            stage.gate(kVictim).pass();
            while (stage.count(kWaiting).load() < plan_.asleep) { sched_yield(); }
            tell(stage, self, 1, false);
        });
    }
    int start_notifier(Stage& stage, int count) {
        return stage.start([this, &stage, count](int self) { tell(stage, self, count, false); });
    }

    // ---- What they do
    void hear(Stage& stage, int who, const brood::Status& status) {
        stage.check(is_held(status), Fault::wrong, "refused, though one was to wait", who);
        if (!status.ok()) { stage.count(kReports).fetch_add(1); }
    }
    void begin(Stage& stage, int who) { hear(stage, who, condition_->take()); }
    void wait(Stage& stage, int who) {
        const brood::Status status = condition_->wait();
        hear(stage, who, status);
        if (status.ok()) { stage.count(kNotified).fetch_add(1); }
    }
    void end(Stage& stage, int who) {
        stage.check(condition_->release().ok(), Fault::wrong, "a holder could not release", who);
    }
    void put_tokens(Stage& stage, int count) {
        stage.count(kTokens).fetch_add(count);
        stage.count(kAsked).fetch_add(count);
    }
    void tell(Stage& stage, int who, int count, bool at_gate) {
        begin(stage, who);
        put_tokens(stage, count);
        stage.check(notify(count).ok(), Fault::wrong, "a holder could not notify", who);
        if (at_gate) { stage.gate(who).pass(); }
        end(stage, who);
    }
    void take_inside(Stage& stage, int who, bool has_waited) {
        stage.count(kWaiting).fetch_add(1);
        for (; stage.count(kTokens).load() == 0; has_waited = true) { wait(stage, who); }
        stage.count(kWaiting).fetch_sub(1);
        stage.count(kTokens).fetch_sub(1);
        if (has_waited) { stage.count(kTaken).fetch_add(1); }
    }
    void take_one(Stage& stage, int who) {
        begin(stage, who);
        take_inside(stage, who, false);
        end(stage, who);
    }

    Object<brood::Condition>& condition_;
    const Plan& plan_;
    std::string name_;
    int notifier_ = -1;  // Who is to die.
    int deaths_ = 0, dead_ = 0, killed_ = 0;
    int reports_before_ = 0, due_ = 0;
    brood::Status status_;
};

}  // namespace

Scenes condition_scenes() {
    static Object<brood::Condition> condition(
        brood::Condition::create(kWaiters).expect("a condition"), kBytes);
    Scenes scenes;
    for (const Plan& plan : kPlans) {
        scenes.push_back(std::make_unique<ConditionScene>(condition, plan));
    }
    return scenes;
}

}  // namespace crash
