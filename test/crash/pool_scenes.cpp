// A new scene is a line of one of the plans below: name, act, and then workers, tasks and care as
// PoolPlan has them. What the host does in an act is in PoolHost::act().
#include "pool_scenes.hpp"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <optional>

#include "pool_scene.hpp"
#include "thread_scenes.hpp"

namespace crash {
namespace {

using brood::detail::PoolCommand;
using brood::detail::TaskState;

// The host is the victim, in its act.
constexpr PoolPlan kHostPlans[] = {
    {"create", Act::create, 2},
    {"submit, a worker sleeps", Act::submit, 1},
    {"submit, one of 2 sleeps", Act::submit, 2, 1},
    {"submit, nobody sleeps", Act::submit, 1, 1},
    {"submit to a full table", Act::submit_to_full, 1, 1, kPoolCapacity - 1},
    {"map", Act::map, 2},
    {"get, done", Act::get, 1, 0, 1},
    {"get, asleep", Act::get, 1, 1},
    {"get, asleep, not begun", Act::get, 1, 1, 1},
    {"get, asleep, run again", Act::get, 1, 1, 0, 1, false, Care::retries},
    {"get by descriptor, asleep", Act::get, 1, 1, 0, 1, false, Care::none, Ear::descriptor},
    {"get by wait(), asleep", Act::get, 1, 1, 0, 1, false, Care::none, Ear::wait},
    {"wait timed", Act::wait_timed, 1, 1},
    {"drop a future", Act::drop, 1, 1},
    {"cancel, not begun", Act::cancel, 1, 1, 1, 1, false, Care::plain},
    {"cancel, running", Act::cancel, 1, 1, 0, 1, false, Care::plain},
    {"close", Act::close, 2, 0, 1},
    {"close, tasks left", Act::close, 1, 1, 1},
    {"join", Act::join, 2},
    {"terminate", Act::terminate, 2, 1},
    {"resize, one more", Act::resize, 1, 0, 0, 2, false, Care::plain},
    {"resize, one less", Act::resize, 2, 1, 0, 1, false, Care::plain},
};

// A worker that sleeps is the victim, from the host's act to its next sleep, or to its end.
constexpr PoolPlan kWorkerPlans[] = {
    {"claim, run, complete", Act::submit, 1},
    {"claim, run, complete, the host waits", Act::submit, 1, 0, 0, 1, true},
    {"claim, run, complete 3", Act::submit, 1, 0, 0, 3, true},
    {"claim, run, complete, the host polls", Act::submit, 1, 0, 0, 1, true, Care::none,
     Ear::descriptor},
    {"claim, run, complete 3, the host polls", Act::submit, 1, 0, 0, 3, true, Care::none,
     Ear::descriptor},
    {"claim, run, complete, both tell", Act::submit, 2, 0, 0, 2, true, Care::none, Ear::descriptor},
    {"claim, run, complete, the host is in wait()", Act::submit, 1, 0, 0, 1, true, Care::none,
     Ear::wait},
    {"claim, run, complete, the other sleeps", Act::submit, 2, 0, 0, 1, true},
    {"claim, run, complete, the other is busy", Act::submit, 2, 1, 0, 2},
    {"claim, run, complete, may run again", Act::submit, 1, 0, 0, 1, true, Care::retries},
    {"claim, run, complete in time", Act::submit, 1, 0, 0, 1, true, Care::timed},
    {"claim, run, complete, its last task", Act::submit, 1, 0, 0, 1, true, Care::worn},
    {"end, closed", Act::close, 1},
    {"end, too many", Act::resize, 2, 0, 0, 1, false, Care::plain},
};
// A worker is the victim that is forked in another's place, up to its first sleep.
constexpr PoolPlan kNewbornPlans[] = {
    {"begin, nothing to do", Act::nothing, 1},
    {"begin, claim, run, complete", Act::submit, 1, 0, 0, 1, true},
    {"begin with care", Act::submit, 1, 0, 0, 1, true, Care::retries},
};

// The supervisor is the victim, from a worker's death or the host's act to where all is as it was.
enum class Blame { act, idle, busy, all, host, birth };
struct SupervisorPlan {
    PoolPlan pool;
    Blame blame;
};
constexpr SupervisorPlan kSupervisorPlans[] = {
    {{"start", Act::create, 2}, Blame::birth},
    {{"replace an idle worker", Act::nothing, 1}, Blame::idle},
    {{"replace a busy worker", Act::get, 2, 1}, Blame::busy},
    {{"replace a busy worker, the host polls", Act::get, 2, 1, 0, 1, false, Care::none,
      Ear::descriptor},
     Blame::busy},
    {{"replace both", Act::get, 2, 2}, Blame::all},
    {{"replace a worker, run again", Act::get, 1, 1, 0, 1, false, Care::retries}, Blame::busy},
    {{"close", Act::close, 2}, Blame::act},
    {{"close, tasks left", Act::close, 1, 1, 1}, Blame::busy},
    {{"terminate", Act::terminate, 2, 1}, Blame::act},
    {{"resize, 2 more", Act::resize, 1, 0, 0, 3, false, Care::plain}, Blame::act},
    {{"resize, one less", Act::resize, 2, 0, 0, 1, false, Care::plain}, Blame::act},
    {{"a time-out", Act::time_out, 1, 0, 0, 1, true, Care::plain}, Blame::act},
    {{"a cancelled task", Act::cancel, 1, 1, 0, 1, true, Care::plain}, Blame::act},
    {{"the host dies", Act::get, 2, 1}, Blame::host},
};

// ---- The host ----------------------------------------------------------------------------------

class HostScene : public PoolScene {
public:
    explicit HostScene(const PoolPlan& plan) : PoolScene("host", plan) {}

    std::vector<int> crowds() const override { return {kMore, kWorkerKilled, kBroken}; }
    std::size_t rounds() const override { return plan_.act == Act::create ? 1 : 2; }
    std::size_t recoveries() const override { return 0; }  // What it leaves ends with it.

    void victim_before(Stage& stage) override {
        (void)setpgid(0, 0);
        talk->place.host.store(getpid());
        host_.emplace(stage, *talk, plan_, Board::kVictim);
        if (plan_.act != Act::create) { host_->open(); }
    }
    void victim_ready(Stage& stage) override { stage.group = stage.victim; }
    void victim_acts(Stage&) override { host_->act(); }
    void victim_after(Stage&, int) override { host_->finish(); }
    // A task's end wakes it, or the supervisor's.
    bool victim_sleeps(Stage&, int) override {
        if (plan_.act == Act::get) { talk->hold.open(); }
        return false;
    }
    void meanwhile(Stage& stage, pid_t, int crowd) override {
        if (crowd == kWorkerKilled) { kill_worker(find_worker(plan_.held > 0)); }
        if (crowd == kBroken) { break_pool(); }
        stage.settle();
    }
    void reckon(Stage&, pid_t) override { is_host_killed_ = true; }
    // With a host that has died its workers go, whatever they are in.
    void others_end(Stage&) override {
        if (lives(talk->place.host.load()) || workers_go_late()) { talk->hold.open(); }
    }
    void newcomers(Stage&) override {}

private:
    std::optional<PoolHost> host_;
};

// ---- Those that the host has not forked itself -------------------------------------------------

class GuestScene : public PoolScene {
public:
    using PoolScene::PoolScene;

    bool has_guest() const override { return true; }
    void victim_acts(Stage&) override {}

    void set(Stage& stage) override {
        PoolScene::set(stage);
        stopped_.clear();
        const int actor = stage.start([this, &stage](int self) { be_host(stage, self); });
        const std::int64_t until = stage.deadline();
        while (talk->is_ready.load() == 0 && !stage.is_over(until)) { usleep(20); }
        stage.group = stage.pid(actor);
        stage.settle();
    }
    void victim_ready(Stage& stage) override {
        talk->go.open();
        stage.settle();
    }
    void meanwhile(Stage& stage, pid_t victim, int crowd) override {
        wake_stopped();
        if (crowd == kMore) {
            talk->more.store(1);
            talk->on.open();
        }
        if (crowd == kWorkerKilled) { kill_another(victim); }
        if (crowd == kBroken) { break_pool(); }
        if (crowd == kHostKilled) { kill_host(stage); }
        stage.settle();
    }
    void reckon(Stage&, pid_t pid) override { will_die(pid); }
    void others_end(Stage& stage) override {
        wake_stopped();
        talk->go.open();
        talk->on.open();
        if (!is_host_killed_ || workers_go_late()) { talk->hold.open(); }
        stage.open_all();
        stage.end(0, "the host waits on");
    }
    void newcomers(Stage&) override {}  // The host itself has more work done before it ends.

protected:
    void be_host(Stage& stage, int self) {
        (void)setpgid(0, 0);
        talk->place.host.store(getpid());
        PoolHost host(stage, *talk, plan_, self);
        if (plan_.act != Act::create) { host.open(); }
        talk->is_ready.store(1);
        talk->go.pass();
        host.act();
        talk->on.pass();
        host.submit(talk->more.load());
        stage.gate(self).pass();
        host.finish();
    }
    void kill_host(Stage& stage) {
        is_host_killed_ = true;
        stage.kill(0);
    }
    void kill_another(pid_t than) {
        for (std::uint32_t i = 0; look() && i < window_.workers(); ++i) {
            if (worker(i) != than && lives(worker(i))) { return kill_worker(i); }
        }
    }
    // So that it is the victim that wakes first.
    void stop_others(pid_t victim) {
        for (std::uint32_t i = 0; i < window_.workers(); ++i) {
            const pid_t pid = worker(i);
            if (pid == 0 || pid == victim || window_.is_busy(i) || kill(pid, SIGSTOP) != 0) {
                continue;
            }
            while (lives(pid) && state_of(pid) != 'T') { usleep(20); }
            stopped_.push_back(pid);
        }
    }
    void wake_stopped() {
        for (const pid_t pid : stopped_) {
            if (lives(pid)) { (void)kill(pid, SIGCONT); }
        }
        stopped_.clear();
    }

private:
    std::vector<pid_t> stopped_;
};

class WorkerScene : public GuestScene {
public:
    explicit WorkerScene(const PoolPlan& plan, const char* who = "worker")
        : GuestScene(who, plan) {}

    std::vector<int> crowds() const override {
        if (plan_.workers == 1) { return {kMore, kBroken, kHostKilled}; }
        return {kMore, kWorkerKilled, kBroken, kHostKilled};
    }
    bool bring_guest(Stage&, Tracee& victim) override {
        index_ = plan_.act == Act::resize ? 1 : find_worker(false);
        if (!look()) { return false; }
        stop_others(worker(index_));
        return victim.seize(worker(index_));
    }
    bool guest_is_through(Stage&) override {
        return look() && window_.tasks(TaskState::ready) == 0 && !window_.is_busy(index_) &&
               window_.shared().command.load() == PoolCommand::run && lives(worker(index_));
    }
    bool bring_recoverer(Stage&, Tracee& supervisor) override {
        return supervisor.seize(talk->place.supervisor.load());
    }
    bool recoverer_is_through(Stage&) override { return all_live(); }
    Extent state() override {
        if (!look()) { return {nullptr, 0}; }
        // What is behind the table tells the time, too.
        const bool has_times = plan_.care == Care::timed;
        return {window_.memory(), has_times ? window_.table_end() : window_.bytes()};
    }

protected:
    std::uint32_t index_ = 0;
};

class NewbornScene : public WorkerScene {
public:
    explicit NewbornScene(const PoolPlan& plan) : WorkerScene(plan, "new worker") {}

    std::size_t rounds() const override { return 1; }
    bool bring_guest(Stage& stage, Tracee& victim) override {
        index_ = 0;
        if (!victim.seize(talk->place.supervisor.load())) { return false; }
        kill_worker(index_);
        return victim.go_to_child(stage.deadline());
    }
};

class SupervisorScene : public GuestScene {
public:
    explicit SupervisorScene(const SupervisorPlan& plan)
        : GuestScene("supervisor", plan.pool), blame_(plan.blame) {}

    std::size_t rounds() const override { return 1; }
    std::size_t recoveries() const override { return 0; }  // The pool ends with it.
    std::vector<int> crowds() const override { return {kMore, kWorkerKilled, kHostKilled}; }
    bool bring_guest(Stage& stage, Tracee& victim) override {
        if (blame_ != Blame::birth) { return victim.seize(talk->place.supervisor.load()); }
        if (!victim.seize(talk->place.host.load())) { return false; }
        talk->go.open();
        const bool is_there = victim.go_to_child(stage.deadline());
        talk->place.supervisor.store(victim.pid());
        return is_there;
    }
    void victim_ready(Stage& stage) override {
        if (blame_ != Blame::birth) { GuestScene::victim_ready(stage); }
        switch (blame_) {
            case Blame::idle: kill_worker(0); break;
            case Blame::busy: kill_worker(find_worker(true)); break;
            case Blame::all:
                kill_worker(0);
                kill_worker(1);
                break;
            case Blame::host: kill_host(stage); break;
            case Blame::act:
            case Blame::birth: break;
        }
        stage.settle();
    }
    bool guest_is_through(Stage&) override {
        // What it was to end has ended, and who was to be replaced was.
        return all_live() && window_.shared().command.load() == PoolCommand::run &&
               (blame_ != Blame::act || window_.tasks(TaskState::claimed) == 0);
    }

private:
    Blame blame_;
};

}  // namespace

Scenes pool_scenes() {
    Scenes scenes;
    for (const PoolPlan& plan : kHostPlans) { scenes.push_back(std::make_unique<HostScene>(plan)); }
    for (const PoolPlan& plan : kWorkerPlans) {
        scenes.push_back(std::make_unique<WorkerScene>(plan));
    }
    for (const PoolPlan& plan : kNewbornPlans) {
        scenes.push_back(std::make_unique<NewbornScene>(plan));
    }
    for (const SupervisorPlan& plan : kSupervisorPlans) {
        scenes.push_back(std::make_unique<SupervisorScene>(plan));
    }
    add_thread_scenes(scenes);
    return scenes;
}

}  // namespace crash
