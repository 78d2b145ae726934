#include "joinable_scenes.hpp"

#include "queue_scene.hpp"

namespace crash {
namespace {

// Who else holds a letter, and what he does once the victim sleeps.
enum class Holder {
    none,
    stays,  // He says that it is done when all go on.
    done,
    dies,
    died,  // Before the victim comes: abandoned, and nobody has heard of it yet.
};

struct JoinablePlan {
    Plan plan;
    int held = 0;  // By the victim: got, and not done.
    Holder holder = Holder::none;
    int joiners = 0, joiners_behind = 0;  // Asleep before the victim comes, and once it sleeps.
};

constexpr JoinablePlan kPlans[] = {
    {{Act::put, Lease::nobody, 1}, 0, Holder::none, 1},
    {{Act::put, Lease::nobody, 0, 1}, 0, Holder::stays, 1},
    {{Act::get, Lease::fresh, 2}, 0, Holder::none, 1},
    {{Act::get, Lease::fresh, 2}, 0, Holder::died, 0},
    {{Act::get, Lease::nobody, 1}, 1, Holder::none, 2},
    {{Act::get, Lease::mine, 1}, 0, Holder::none, 1},
    {{Act::get, Lease::dead, 2}, 0, Holder::none, 1},
    {{Act::get_3, Lease::nobody, 3}, 0, Holder::none, 1},
    {{Act::get, Lease::nobody, kFull, 0, 1}, 0, Holder::none, 1},
    {{Act::get, Lease::nobody, 0}, 0, Holder::stays, 1},
    {{Act::task_done, Lease::nobody, 0}, 1, Holder::none, 1},
    {{Act::task_done, Lease::nobody, 0}, 1, Holder::none, 2},
    {{Act::task_done, Lease::nobody, 1}, 2, Holder::none, 1},
    {{Act::task_done, Lease::nobody, 0}, 1, Holder::died, 1},
    {{Act::task_done, Lease::fresh, 0}, 0, Holder::stays, 1},
    {{Act::join, Lease::fresh, 0}, 0, Holder::done, 0, 1},
    {{Act::join, Lease::fresh, 0}, 0, Holder::dies, 0, 2},
    {{Act::join, Lease::fresh, 0}, 0, Holder::died, 0, 0},
    {{Act::join_now, Lease::fresh, 0}, 0, Holder::none, 0},
    {{Act::join_timed, Lease::fresh, 0}, 0, Holder::stays, 1, 1},
    {{Act::shut_down_now, Lease::fresh, 2}, 0, Holder::none, 2},
};

constexpr std::size_t kShortShare = 4;  // Much of them is what a Queue does.

class JoinableScene : public QueueScene {
public:
    JoinableScene(TestQueue& queue, const JoinablePlan& plan, bool near_wrap)
        : QueueScene(queue, plan.plan, near_wrap, kShortShare), work_(plan) {
        const auto add = [this](int count, const char* what) {
            if (count > 0) { name_ += ", " + std::to_string(count) + what; }
        };
        add(plan.held, " held");
        if (plan.holder == Holder::stays) { name_ += ", another holds one"; }
        if (plan.holder == Holder::done) { name_ += ", woken by the last task_done"; }
        if (plan.holder == Holder::dies) { name_ += ", woken by a death"; }
        if (plan.holder == Holder::died) { name_ += ", a dead one held one"; }
        add(plan.joiners, " joiners asleep");
        add(plan.joiners_behind, " joiners behind");
    }

    bool has_sleepers() const override { return work_.joiners > 0 || QueueScene::has_sleepers(); }

    void set(Stage& stage) override {
        letters_before_ = work_.held + (work_.holder != Holder::none ? 1 : 0);
        QueueScene::set(stage);
        if (is_done_for_another()) { letters_.let_others_settle(); }
        holder_ = -1;
        if (work_.holder == Holder::none) { return; }
        holder_ = start(stage, [this, &stage](int actor) {
            hold_one(actor);
            stage.gate(actor).pass();
            letters_.settle(actor);
        });
        stage.asleep(holder_);
    }
    void victim_before(Stage& stage) override {
        for (int i = 0; i < work_.held; ++i) { hold_one(kVictim); }
        QueueScene::victim_before(stage);
        if (plan_.act == Act::task_done) { letters_.begin_settling(kVictim); }
        if (joins()) { letters_.begin_join(kVictim); }
    }
    void victim_ready(Stage& stage) override {
        QueueScene::victim_ready(stage);
        joiners(stage, work_.joiners);
        if (work_.holder == Holder::died) { kill_holder(stage); }
    }
    void victim_acts(Stage& stage) override {
        if (plan_.act == Act::task_done) {
            result_ = queue_.task_done();
        } else if (joins()) {
            result_ = queue_.join_all(timeout(stage), abandoned_);
        } else {
            QueueScene::victim_acts(stage);
        }
    }
    void victim_after(Stage& stage, int actor) override {
        int undone = work_.held;
        if (plan_.act == Act::task_done) {
            letters_.end_settling(kVictim, result_);
            --undone;
        }
        if (joins()) {
            letters_.end_join(kVictim, result_, abandoned_);
            if (abandoned_ > 0) { letters_.join(kVictim); }
        }
        const bool got = is_get() && result_ > 0;
        const int all = undone + (got ? result_ : 0);
        if (!joins() && plan_.act != Act::task_done) { QueueScene::victim_after(stage, actor); }
        for (int i = 0; i < all; ++i) { letters_.settle(kVictim); }
        queue_.leave();
    }
    bool victim_sleeps(Stage& stage, int k) override {
        if (!joins()) { return QueueScene::victim_sleeps(stage, k); }
        if (k > 0) { return false; }
        joiners(stage, work_.joiners_behind);
        if (work_.holder == Holder::done) { stage.gate(holder_).open(); }
        if (work_.holder == Holder::dies) { kill_holder(stage); }
        return work_.holder != Holder::stays;
    }
    void reckon(Stage& stage, pid_t victim) override {
        QueueScene::reckon(stage, victim);
        stage.count(0).store(1);
    }
    void newcomers(Stage& stage) override {
        // Before anybody gets anything, and by his end makes joiners look who died.
        if (queue_.size() == 0) { join_anew(stage); }
        QueueScene::newcomers(stage);
        join_anew(stage);
    }
    void recover(Stage& stage) override {
        const std::int64_t ms = stage.stepped ? kSteppedMs : kRecoveryMs;
        const bool joins_first = work_.joiners > 0;
        if (joins_first) { letters_.join(kSecond, ms); }
        // Awake before the victim dies: what it did could not be told from what the victim did.
        if (joins_first && stage.count(0).load() == 0) { return; }
        // Once too much was said to be done, it is open whose work that was.
        if (is_done_for_another()) { return; }
        QueueScene::recover(stage);
        if (!joins_first) { letters_.join(kSecond, ms); }
    }

protected:
    int letters_before() const override { return letters_before_; }
    int waiting_otherwise(Stage& stage) const override {
        int count = 0;
        for (int who = 0; who <= kVictim; ++who) {
            count += letters_.waits_to_join(who) && is_there(stage, who) ? 1 : 0;
        }
        return count;
    }
    // A joiner comes on when all is done, and when there is something to be said.
    bool is_held_up(Stage& stage) const override {
        if (QueueScene::is_held_up(stage)) { return true; }
        for (int who = 0; who <= kVictim; ++who) {
            if (!letters_.waits_to_join(who) || !is_there(stage, who)) { continue; }
            if (queue_.unfinished() == 0 || letters_.is_in_the_dark(who)) { return true; }
        }
        return false;
    }

private:
    bool joins() const { return plan_.act >= Act::join; }
    bool is_done_for_another() const { return plan_.act == Act::task_done && work_.held == 0; }
    void hold_one(int who) {
        Letter letter = {};
        letters_.begin_get(who);
        const int result = queue_.get(&letter, 1, TestQueue::kForever);
        letters_.end_get(who, &letter, result);
    }
    void join_anew(Stage& stage) {
        if (stage.fault() == Fault::wedged) { return; }
        const int last = start(stage, [this](int self) { letters_.join(self); });
        stage.end(last, "a newcomer could not join, though all is done");
    }
    void kill_holder(Stage& stage) {
        stage.kill(holder_);
        letters_.reckon_holder(1);
    }
    void joiners(Stage& stage, int count) {
        for (int i = 0; i < count; ++i) {
            start_sleeping(stage, [this](int self) { letters_.join(self); });
        }
    }

    const JoinablePlan& work_;
    int holder_ = -1;
    int letters_before_ = 0;
    int abandoned_ = 0;
};

}  // namespace

Scenes joinable_scenes(TestQueue& queue) {
    Scenes scenes;
    int number = 0;
    for (const JoinablePlan& plan : kPlans) {
        scenes.push_back(std::make_unique<JoinableScene>(queue, plan, ++number % 3 != 0));
    }
    return scenes;
}

}  // namespace crash
