// A new scene is a line of the plan below: what the thread that is stepped does, what the other
// does, and which of them made the pool: that one the mutex of the pool's host favours until the
// other comes, which is a change worth stepping through.
#include "thread_scenes.hpp"

#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

#include "pool_scene.hpp"

namespace crash {
namespace {

// `gone`: a thread that ended before.
enum class Maker { stepped, other, gone };

struct ThreadPlan {
    PoolPlan stepped;
    PoolPlan other;  // in the same pool; its name is not used
    Maker maker;
    bool is_asleep = false;  // the other is, in its act; else it waits for its turn
};

constexpr PoolPlan kSubmitsAndGets = {"", Act::submit, 0, 0, 0, 1, true};
constexpr PoolPlan kGets = {"", Act::get, 0, 1};
constexpr PoolPlan kWaits = {"", Act::get, 0, 1, 0, 1, false, Care::none, Ear::wait};

constexpr ThreadPlan kPlans[] = {
    {{"submit as the favourite", Act::submit, 1}, kSubmitsAndGets, Maker::stepped},
    {{"submit, the other is the favourite", Act::submit, 1}, kSubmitsAndGets, Maker::other},
    {{"submit, the favourite has ended", Act::submit, 1}, kSubmitsAndGets, Maker::gone},
    {{"submit and get, 2 workers", Act::submit, 2, 0, 0, 1, true}, kSubmitsAndGets, Maker::stepped},
    {{"submit, the other is asleep", Act::submit, 2}, kGets, Maker::other, true},
    {{"map", Act::map, 2}, kGets, Maker::stepped},
    {{"get, done, as the favourite", Act::get, 1, 0, 1}, kSubmitsAndGets, Maker::stepped},
    {{"get, done, the other is the favourite", Act::get, 1, 0, 1}, kSubmitsAndGets, Maker::other},
    {{"get, asleep", Act::get, 2, 1}, kSubmitsAndGets, Maker::stepped},
    {{"get, both asleep, this one first", Act::get, 2, 1}, kGets, Maker::stepped},
    {{"get, both asleep, the other first", Act::get, 2, 1}, kGets, Maker::other, true},
    {{"get by descriptor, both asleep", Act::get, 2, 1, 0, 1, false, Care::none, Ear::descriptor},
     kGets,
     Maker::stepped,
     true},
    {{"get by wait(), this one first", Act::get, 2, 1, 0, 1, false, Care::none, Ear::wait},
     kWaits,
     Maker::stepped},
    {{"get by wait(), the other first", Act::get, 2, 1, 0, 1, false, Care::none, Ear::wait},
     kWaits,
     Maker::other,
     true},
    {{"wait timed, the other asleep", Act::wait_timed, 2, 1}, kGets, Maker::other, true},
    {{"drop a future", Act::drop, 1, 1}, kSubmitsAndGets, Maker::stepped},
    {{"close", Act::close, 1}, kSubmitsAndGets, Maker::stepped},
    {{"terminate, the other is asleep", Act::terminate, 1}, kGets, Maker::stepped, true},
    {{"resize, one more", Act::resize, 1, 0, 0, 2, false, Care::plain},
     kSubmitsAndGets,
     Maker::other},
};

class ThreadScene : public PoolScene {
public:
    explicit ThreadScene(const ThreadPlan& plan)
        : PoolScene("2 threads", plan.stepped), all_(plan) {}

    bool has_threads() const override { return true; }
    // Who waits is in nobody's way until it is asleep.
    bool others_run_before(const Point& point) const override {
        const bool only_waits = plan_.act == Act::get || plan_.act == Act::wait_timed;
        return all_.is_asleep && point.address != 0 && (point.after_sleep || !only_waits);
    }
    std::vector<int> crowds() const override { return {kMore, kWorkerKilled, kBroken}; }
    std::size_t rounds() const override { return plan_.act == Act::submit ? 12 : 3; }
    std::size_t short_share() const override { return 2; }
    std::size_t recoveries() const override { return 0; }  // What it leaves ends with it.

    void set(Stage& stage) override {
        PoolScene::set(stage);
        stage.company = [this] {
            std::vector<pid_t> pids = company();
            if (talk->other.load() != 0) { pids.push_back(talk->other.load()); }
            return pids;
        };
    }

    // ---- In the victim.
    void victim_before(Stage& stage) override {
        (void)setpgid(0, 0);
        talk->place.host.store(getpid());
        host_.emplace(stage, *talk, plan_, Board::kVictim);
        other_.emplace(*host_, all_.other, Board::kVictim - 1);
        if (all_.maker == Maker::stepped) { host_->make(); }
        if (all_.maker == Maker::gone) {
            run_thread<&ThreadScene::be_maker>();
            (void)pthread_join(thread_, nullptr);
        }
        run_thread<&ThreadScene::be_other>();
        const std::int64_t until = stage.deadline();
        while (talk->is_ready.load() == 0 && !stage.is_over(until)) { usleep(20); }
        host_->prepare();
        while (state_of(talk->other.load()) != 'S' && !stage.is_over(until)) { usleep(20); }
        host_->await_rest();
    }
    void victim_acts(Stage&) override { host_->act(); }
    void victim_after(Stage&, int) override {
        (void)pthread_join(thread_, nullptr);
        host_->finish();
    }

    // ---- In the tracer.
    void victim_ready(Stage& stage) override { stage.group = stage.victim; }
    bool victim_sleeps(Stage&, int) override {
        if (plan_.act == Act::get) { talk->hold.open(); }
        return false;
    }
    void meanwhile(Stage& stage, pid_t, int crowd) override {
        if (crowd == kWorkerKilled) { kill_worker(find_worker(plan_.held > 0)); }
        if (crowd == kBroken) { break_pool(); }
        other_begins(stage);
    }
    bool bring_other(Stage&, Tracee& other) override { return other.seize(talk->other.load()); }
    void other_begins(Stage& stage) override {
        talk->on.open();
        if (all_.is_asleep) { talk->other_hold.open(); }
        stage.settle();
    }
    void reckon(Stage&, pid_t) override { is_host_killed_ = true; }
    // One after the other: who sleeps on must hear of its own task by itself.
    void others_end(Stage& stage) override {
        talk->on.open();
        if (!lives(talk->place.host.load()) && !workers_go_late()) { return; }
        talk->hold.open();
        stage.settle();
        talk->other_hold.open();
    }
    void newcomers(Stage&) override {}

private:
    template <void (ThreadScene::*kBody)()>
    void run_thread() {
        const auto run = [](void* scene) -> void* {
            (static_cast<ThreadScene*>(scene)->*kBody)();
            return nullptr;
        };
        if (pthread_create(&thread_, nullptr, run, this) != 0) { abort(); }
    }
    void be_maker() { host_->make(); }
    void be_other() {
        talk->other.store(static_cast<pid_t>(syscall(SYS_gettid)));
        if (all_.maker == Maker::other) { host_->make(); }
        other_->prepare();
        talk->is_ready.store(1);
        if (!all_.is_asleep) { talk->on.pass(); }
        other_->act();
        other_->collect_all();
    }

    const ThreadPlan& all_;
    std::optional<PoolHost> host_, other_;
    pthread_t thread_ = {};
};

}  // namespace

void add_thread_scenes(Scenes& scenes) {
    for (const ThreadPlan& plan : kPlans) { scenes.push_back(std::make_unique<ThreadScene>(plan)); }
}

}  // namespace crash
