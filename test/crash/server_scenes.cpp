// A new scene is a line of one of the plans below: name, what a client asks for, whether that has
// to wait for somebody. What is asked for is in ServedClient::ask().
#include "server_scenes.hpp"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "../arena_check.hpp"
#include "../shared_pages.hpp"
#include "server_host.hpp"

namespace crash {
namespace {

using brood::Errc;
using brood::Handle;
using brood::Manager;
using brood::Status;

struct ServerPlan {
    const char* name;
    Ask ask;
    bool waits = false;
    std::size_t share = 10;  // In short: one of so many blows; 0: none.
};

// The process that serves a client is the victim, from the request to its next sleep, or its end.
constexpr ServerPlan kHandlerPlans[] = {
    {"get", Ask::get, false, 0},
    {"set", Ask::set},
    {"update", Ask::update, false, 0},
    {"queue put", Ask::put},
    {"queue get", Ask::take},
    {"queue get, has to wait", Ask::take, true, 0},
    {"job taken", Ask::take_job, false, 20},
    {"job done", Ask::end_job, false, 0},
    {"lock acquire", Ask::acquire},
    {"lock acquire, has to wait", Ask::acquire, true, 0},
    {"lock release", Ask::release, false, 0},
    {"create", Ask::make, false, 20},
    {"create with a name", Ask::make_named, false, 0},
    {"drop", Ask::drop, false, 0},
    {"its client leaves", Ask::leave, false, 20},
    {"its client dies", Ask::vanish, false, 20},
};
// That process from its first instruction on, until its client is let in.
constexpr ServerPlan kNewbornPlans[] = {
    {"begin", Ask::enter, false, 0},
};
// The process that accepts is the victim. One client is there before, and holds things.
constexpr ServerPlan kAccepterPlans[] = {
    {"accept", Ask::enter},
    {"accept, one has to go first", Ask::enter, true, 0},
    {"a client leaves", Ask::leave, false, 0},
    {"a client dies", Ask::vanish, false, 20},
};
// The client is the victim.
constexpr ServerPlan kClientPlans[] = {
    {"connect", Ask::enter, false, 20},
    {"get", Ask::get, false, 0},
    {"set", Ask::set, false, 0},
    {"update", Ask::update},
    {"queue put", Ask::put, false, 0},
    {"queue get", Ask::take},
    {"queue get, has to wait", Ask::take, true, 20},
    {"job taken", Ask::take_job, false, 0},
    {"job done", Ask::end_job, false, 0},
    {"lock acquire", Ask::acquire},
    {"lock acquire, has to wait", Ask::acquire, true, 0},
    {"lock release", Ask::release, false, 0},
    {"create", Ask::make, false, 0},
    {"leave", Ask::leave, false, 20},
};

constexpr std::int64_t kShortMs = 8;
constexpr int kItems = 3, kJobs = 2;

class ServerScene : public Scene {
public:
    ServerScene(const char* who, const ServerPlan& plan)
        : plan_(plan), name_(std::string("Manager server: ") + who + ": " + plan.name) {
        static auto* const pages = static_cast<ServerTalk*>(test::shared_pages(sizeof(ServerTalk)));
        server_talk = pages;
        (void)server_address();
    }

    const char* name() const override { return name_.c_str(); }
    std::size_t rounds() const override { return 1; }
    std::size_t short_share() const override { return plan_.share; }
    bool is_left_out_in_short() const override { return plan_.share == 0; }
    std::size_t recoveries() const override { return 0; }  // Other scenes have those.
    std::vector<int> crowds() const override { return {1, 2, 3}; }

    void set(Stage& stage) override {
        memset(static_cast<void*>(server_talk), 0, sizeof(*server_talk));
        is_killed_ = false;
        manager_.close();
        manager_ = Manager::create(1u << 20).expect("a manager");
        other_ = manager_.dict<std::uint32_t, Value>("other").expect("a dict");
        book_ = manager_.dict<std::uint32_t, Value>("book").expect("a dict");
        spare_ = manager_.dict<std::uint32_t, Value>("spare").expect("a dict");
        work_ = manager_.queue<int>(kItems + 1, "work").expect("a queue");
        jobs_ = manager_.joinable_queue<int>(kJobs, "jobs").expect("a queue");
        door_ = manager_.lock("door").expect("a lock");
        seats_ = manager_.semaphore(2, "seats").expect("a semaphore");
        count_up(other_).expect("counting");
        fill();
        stage.company = [this] { return company(); };
        start_server(stage);
        come_before(stage);
        stage.settle();
    }

    // A local user; another client; one who does not wait long for what is held.
    void meanwhile(Stage& stage, pid_t, int crowd) override {
        if (crowd == 1) {
            stage.asleep(stage.start([this, &stage](int self) {
                const Status counted = count_up(other_);
                if (counted.ok()) { stage.count(kCounted).fetch_add(1); }
                stage.check(counted.ok(), Fault::wrong, "one was refused", self);
            }));
        } else if (crowd == 2) {
            stage.asleep(stage.start([&stage](int self) { ServedClient(stage, self).work(); }));
        } else {
            const int hasty = stage.start([this, &stage](int self) { try_the_door(stage, self); });
            stage.end(hasty, "a timeout did not end");
        }
        stage.settle();
    }
    void reckon(Stage&, pid_t) override { is_killed_ = true; }
    void others_end(Stage& stage) override {
        server_talk->go.open();
        server_talk->help.open();
        stage.open_all();
        for (int i = 0; i < stage.actors(); ++i) {
            if (i != keeper_) { stage.end(i, "one waits on, and nobody works"); }
        }
    }
    void newcomers(Stage& stage) override {
        const int actor = stage.start([this, &stage](int self) {
            ServedClient(stage, self).work();
            look(stage, self);
            audit(stage, self);
        });
        stage.end(actor, "a newcomer could not work");
    }
    void account(Stage& stage, bool) override {
        if (stage.fault() == Fault::wedged) { return; }
        stop_server(stage);
        if (stage.fault() == Fault::wedged) { return; }
        const char* const fault = test::arena_fault(book_);
        stage.check(fault == nullptr, Fault::wrong, fault);
    }

protected:
    virtual void come_before(Stage& stage) = 0;
    /// What the one who holds the door asks for.
    virtual Ask holder_asks() const { return plan_.ask; }
    virtual std::uint32_t clients_max() const { return 8; }
    virtual bool may_turn_away() const { return false; }

    void start_server(Stage& stage) {
        server_talk->is_up.store(0);
        keeper_ = stage.start([this, &stage](int self) { keep_server(stage, self); });
        stage.group = stage.pid(keeper_);
        await(stage, server_talk->is_up, "there is no server");
    }
    // It ends as one that is killed: nothing else ends it.
    void stop_server(Stage& stage) {
        (void)kill(server_talk->server.load(), SIGTERM);
        stage.end(keeper_, "a server does not end");
        stage.check(stage.group_ends(), Fault::wedged, "processes of a dead server stay behind");
    }
    void await(Stage& stage, const std::atomic<int>& flag, const char* complaint) {
        const std::int64_t until = stage.deadline();
        while (flag.load() == 0 && !stage.is_over(until)) { usleep(20); }
        stage.check(flag.load() != 0, Fault::wedged, complaint);
    }
    /// Starts one who asks for that when the gate opens. Returns: its number.
    int start_client(Stage& stage, Ask ask, Gate& gate) {
        const int before = server_talk->entered.load();
        const int actor =
            stage.start([=, &stage, &gate](int self) { be_client(stage, self, ask, gate); });
        const std::int64_t until = stage.deadline();
        while (server_talk->entered.load() == before && !stage.is_over(until)) { usleep(20); }
        return actor;
    }
    void start_helper(Stage& stage) {
        if (!plan_.waits) { return; }
        stage.asleep(stage.start([this](int) { help(); }));
    }

    const ServerPlan& plan_;
    bool is_killed_ = false;  // the victim
    int keeper_ = 0;

private:
    // A process of its own is the server's parent: who kills reaps only what is his.
    void keep_server(Stage& stage, int self) {
        (void)setpgid(0, 0);
        const pid_t pid = fork();
        if (pid == 0) {
            be_server(stage, self, clients_max(), may_turn_away());
            _exit(0);
        }
        (void)waitpid(pid, nullptr, 0);
    }
    std::vector<pid_t> company() const {
        std::vector<pid_t> pids = {server_talk->server.load()};
        const int handled = server_talk->handled.load();
        for (int i = 0; i < handled && i < kHandlers; ++i) {
            pids.push_back(server_talk->handlers[i].load());
        }
        return pids;
    }

    void be_client(Stage& stage, int self, Ask ask, Gate& gate) {
        ServedClient client(stage, self);
        if (ask != Ask::enter) {
            stage.check(client.enter().ok(), Fault::wrong, "a client is not let in", self);
            client.take_what_it_holds(ask);
        }
        server_talk->entered.fetch_add(1);
        gate.pass();
        const Status status = client.ask(ask);
        if (ask == plan_.ask) { server_talk->told.store(1 + static_cast<int>(status.code())); }
        stage.check(status.ok() || is_excused(status.code()), Fault::wrong,
                    "a client was refused, or told a wrong reason", self);
        stage.gate(self).pass();
        if (ask != Ask::enter || status.ok()) { client.finish(ask); }
    }
    // Nobody answers any more.
    static bool is_excused(Errc code) {
        const bool is_dead = server_talk->is_server_dead.load() != 0 ||
                             server_talk->is_handler_dead.load() != 0;
        return is_dead && is_told_of_death(code);
    }
    void help() {
        auto door = door_.open().expect("opening");
        if (plan_.ask == Ask::acquire) { door.take().expect("taking"); }
        server_talk->help.pass();
        if (plan_.ask == Ask::acquire) { door.release().expect("releasing"); }
        if (plan_.ask == Ask::take) { work_.open().expect("opening").put(1).expect("putting"); }
    }

    void fill() {
        before_ = {{1, 8, 'a'}, {kAsked, 8, 'a'}};
        for (const Line& line : before_) { write(book_, line).expect("filling"); }
        for (std::uint32_t i = 0; i < 5; ++i) { write(spare_, {i, 8, 's'}).expect("filling"); }
        after_ = before_;
        if (plan_.ask == Ask::set) { crash::put(after_, {kNew, 8, 'n'}); }
        if (plan_.ask == Ask::update) { crash::put(after_, {kAsked, 2, 'y'}); }
        items_ = plan_.ask == Ask::take && plan_.waits ? 0 : kItems;
        auto work = work_.open().expect("opening");
        for (int i = 1; i <= items_; ++i) { work.put(i).expect("filling"); }
        if (items_ == 0) { items_ = 1; }  // The helper's.
        auto jobs = jobs_.open().expect("opening");
        for (int i = 0; i < kJobs; ++i) { jobs.put(i).expect("filling"); }
    }

    // ---- What must hold ------------------------------------------------------------------------

    void try_the_door(Stage& stage, int self) {
        auto door = door_.open(brood::milliseconds(kShortMs));
        const Status took = door.ok() ? door->take(brood::milliseconds(kShortMs)) : door.status();
        const Ask ask = holder_asks();
        const bool is_held = ask < Ask::acquire || ask == Ask::nothing || ask == Ask::make ||
                             ask == Ask::make_named || ask == Ask::drop;
        const bool is_stolen = is_held && took.code() != Errc::timed_out;
        stage.check(!is_stolen, Fault::duplicated, "taken from one who was only stopped", self);
        if (took.code() == Errc::owner_died) { server_talk->mourned.store(1); }
        if (is_held_now(took)) { door->release().ignore(); }
    }
    static bool is_held_now(const Status& took) {
        return took.ok() || took.code() == Errc::owner_died;
    }

    void look(Stage& stage, int self) {
        look_at_dicts(stage, self);
        look_at_queue(stage, self);
        look_at_jobs(stage, self);
        look_at_door(stage, self);
        auto seats = seats_.open();
        const bool are_back = seats.ok() && seats->take().ok() && seats->take().ok();
        stage.check(are_back && seats->release(2).ok(), Fault::lost, "a seat is lost", self);
    }
    void look_at_dicts(Stage& stage, int self) {
        const bool is_done = server_talk->was_done();
        Lines lines;
        stage.check(read(book_, lines), Fault::wrong, "a dict cannot be read", self);
        stage.check(lines == after_ || (lines == before_ && !is_done), Fault::wrong,
                    "a change is neither whole nor absent", self);
        const bool has_spare = manager_.find<Numbers>("spare").ok();
        stage.check(plan_.ask == Ask::drop ? !(has_spare && is_done) : has_spare, Fault::wrong,
                    "a drop is neither whole nor absent", self);
        const auto made = manager_.find<Numbers>("made");
        stage.check(made.ok() || plan_.ask != Ask::make_named || !is_done, Fault::lost,
                    "what was made is not found", self);
        if (made.ok()) { stage.check(made->drop().ok(), Fault::wrong, "no drop", self); }
    }
    // Each once; but for the one that a dead process had in its hands, which is counted.
    void look_at_queue(Stage& stage, int self) {
        int times[kPut + 1] = {};
        const int got = server_talk->got.load();
        if (got >= 1 && got <= kPut) { ++times[got]; }
        auto work = work_.open().expect("opening");
        for (auto item = work.get_nowait(); item.ok(); item = work.get_nowait()) {
            const bool is_one = *item >= 1 && *item <= kPut;
            stage.check(is_one, Fault::wrong, "a number that nobody put", self);
            if (is_one) { ++times[*item]; }
        }
        int missing = 0;
        for (int i = 1; i <= kPut; ++i) {
            stage.check(times[i] <= (i <= items_ || i == kPut ? 1 : 0), Fault::duplicated,
                        "a number came twice", self);
            if (i <= items_ && times[i] == 0) { ++missing; }
        }
        const bool is_due = plan_.ask == Ask::put && server_talk->was_done();
        stage.check(!is_due || times[kPut] == 1, Fault::lost, "a number that was put is lost",
                    self);
        const auto lost = static_cast<int>(work.lost());
        const int may_miss = is_killed_ && plan_.ask == Ask::take ? 1 : 0;
        stage.check(missing <= may_miss, Fault::lost, "a number is lost", self);
        stage.check(missing <= lost && lost <= may_miss, Fault::wrong,
                    "what was lost is not what is counted", self);
    }
    // Each is done, or was abandoned.
    void look_at_jobs(Stage& stage, int self) {
        auto jobs = jobs_.open().expect("opening");
        int found = 0;
        for (auto job = jobs.get_nowait(); job.ok(); job = jobs.get_nowait()) {
            ++found;
            stage.check(jobs.task_done().ok(), Fault::wrong, "a job cannot be done", self);
        }
        for (Status joined = jobs.join(); !joined.ok(); joined = jobs.join()) {
            if (joined.code() != Errc::abandoned) {
                stage.complain(Fault::wrong, "jobs cannot be waited for", self);
                break;
            }
            found += static_cast<int>(joined.error().detail());
        }
        const int done = server_talk->job_done.load(), due = kJobs - (done == 2 ? 1 : 0);
        stage.check(found == due || (done == 1 && found == due - 1), Fault::lost,
                    "a job that is neither done nor abandoned, or both", self);
    }
    void look_at_door(Stage& stage, int self) {
        auto door = door_.open().expect("opening");
        const Status took = door.take();
        stage.check(is_held_now(took), Fault::wrong, "the door cannot be taken", self);
        const Ask ask = holder_asks();
        const int given_back = server_talk->given_back.load();
        const bool is_bad = is_killed_ || ask == Ask::vanish;
        const bool is_open = ask == Ask::enter || given_back == 2 ||
                             server_talk->mourned.load() != 0 ||
                             (ask == Ask::release && server_talk->was_done());
        const bool may_be_open = ask == Ask::release || ask == Ask::leave || given_back == 1 ||
                                 (ask == Ask::acquire && !server_talk->was_done());
        if (!is_bad || is_open) {
            stage.check(took.ok(), Fault::wrong, "a death is told that was none", self);
        } else if (!may_be_open) {
            stage.check(!took.ok(), Fault::lost, "a death is not told", self);
        }
        stage.check(door.release().ok(), Fault::wrong, "the door cannot be released", self);
    }
    // Who makes objects sweeps those of the dead.
    void audit(Stage& stage, int self) {
        for (int i = 0; i < 4; ++i) {
            const auto made = manager_.dict<std::uint32_t, Value>("swept");
            stage.check(made.ok() && made->drop().ok(), Fault::wrong, "none can be made", self);
        }
        const std::uint32_t expected = manager_.find<Numbers>("spare").ok() ? 7 : 6;
        stage.check(manager_.stats().value_or({}).objects == expected, Fault::wrong,
                    "an object was left, or is gone", self);
        const int due = stage.count(kCounted).load(), found = counted(other_);
        stage.check(found >= due && found <= due + server_talk->cut_off.load(), Fault::lost,
                    "a dict lost something", self);
    }

    std::string name_;
    Manager& manager_ = the_manager;
    Numbers book_, other_, spare_;
    Handle<brood::Queue<int>> work_;
    Handle<brood::JoinableQueue<int>> jobs_;
    Handle<brood::Lock> door_;
    Handle<brood::Semaphore> seats_;
    Lines before_, after_;
    int items_ = 0;
};

// ---- Processes of a server ---------------------------------------------------------------------

class HandlerScene : public ServerScene {
public:
    explicit HandlerScene(const ServerPlan& plan, const char* who = "one who serves")
        : ServerScene(who, plan) {}

    bool has_guest() const override { return true; }
    void victim_acts(Stage&) override {}
    bool bring_guest(Stage&, Tracee& victim) override {
        return victim.seize(server_talk->handlers[0].load());
    }
    void victim_ready(Stage& stage) override {
        if (plan_.ask == Ask::vanish) { stage.kill(client_); }
        server_talk->go.open();
        stage.settle();
    }
    bool guest_is_through(Stage&) override {
        server_talk->help.open();
        const bool it_ends = plan_.ask == Ask::leave || plan_.ask == Ask::vanish;
        return !it_ends && server_talk->was_told();
    }
    void reckon(Stage& stage, pid_t victim) override {
        ServerScene::reckon(stage, victim);
        server_talk->is_handler_dead.store(1);
    }

protected:
    void come_before(Stage& stage) override {
        start_helper(stage);
        client_ = start_client(stage, plan_.ask, server_talk->go);
    }
    int client_ = 0;
};

class NewbornScene : public HandlerScene {
public:
    explicit NewbornScene(const ServerPlan& plan) : HandlerScene(plan, "one who begins to serve") {}

    bool bring_guest(Stage& stage, Tracee& victim) override {
        if (!victim.seize(server_talk->server.load())) { return false; }
        server_talk->go.open();
        return victim.go_to_child(stage.deadline());
    }

protected:
    bool may_turn_away() const override { return true; }
};

class AccepterScene : public ServerScene {
public:
    explicit AccepterScene(const ServerPlan& plan) : ServerScene("who accepts", plan) {}

    bool has_guest() const override { return true; }
    void victim_acts(Stage&) override {}
    bool bring_guest(Stage&, Tracee& victim) override {
        return victim.seize(server_talk->server.load());
    }
    void victim_ready(Stage& stage) override {
        if (plan_.ask == Ask::vanish) { stage.kill(resident_); }
        server_talk->go.open();
        stage.settle();
    }
    bool guest_is_through(Stage&) override {
        if (plan_.ask == Ask::enter) {
            server_talk->help.open();
            return server_talk->was_told();
        }
        return state_of(server_talk->handlers[0].load()) == 0;  // It was reaped.
    }
    void reckon(Stage& stage, pid_t victim) override {
        ServerScene::reckon(stage, victim);
        server_talk->is_server_dead.store(1);
    }
    // One that lives has to end as well.
    void others_end(Stage& stage) override {
        ServerScene::others_end(stage);
        stop_server(stage);
    }
    void newcomers(Stage& stage) override {
        if (stage.fault() == Fault::wedged) { return; }
        start_server(stage);
        ServerScene::newcomers(stage);
    }

protected:
    void come_before(Stage& stage) override {
        resident_ =
            start_client(stage, holder_asks(), plan_.waits ? server_talk->help : server_talk->go);
        if (plan_.ask == Ask::enter) { start_client(stage, Ask::enter, server_talk->go); }
    }
    Ask holder_asks() const override {
        if (plan_.ask != Ask::enter) { return plan_.ask; }
        return plan_.waits ? Ask::leave : Ask::nothing;
    }
    std::uint32_t clients_max() const override { return plan_.waits ? 1 : 8; }

private:
    int resident_ = 0;
};

// ---- A client ----------------------------------------------------------------------------------

class ClientScene : public ServerScene {
public:
    explicit ClientScene(const ServerPlan& plan) : ServerScene("client", plan) {}

    void victim_before(Stage& stage) override {
        client_.emplace(stage, Board::kVictim);
        if (plan_.ask == Ask::enter) { return; }
        stage.check(client_->enter().ok(), Fault::wrong, "a client is not let in", Board::kVictim);
        client_->take_what_it_holds(plan_.ask);
    }
    void victim_acts(Stage&) override { status_ = client_->ask(plan_.ask); }
    void victim_after(Stage& stage, int self) override {
        stage.check(status_.ok(), Fault::wrong, "the victim was refused", self);
        server_talk->told.store(1 + static_cast<int>(status_.code()));
        client_->finish(plan_.ask);
    }
    // For its answer, which comes by itself.
    bool victim_sleeps(Stage&, int k) override {
        if (k > 0) { server_talk->help.open(); }
        return true;
    }
    // Who serves one that died does not wait on for what that wanted.
    void others_end(Stage& stage) override {
        const pid_t handler = server_talk->handlers[0].load();
        if (is_killed_ && plan_.waits && handler != 0 && !server_talk->help.is_open()) {
            const std::int64_t until = stage.deadline();
            while (lives(handler) && !stage.is_over(until)) { usleep(1000); }
            stage.check(!lives(handler), Fault::wedged, "a dead client is served on");
        }
        ServerScene::others_end(stage);
    }

protected:
    void come_before(Stage& stage) override { start_helper(stage); }

private:
    std::optional<ServedClient> client_;
    Status status_;
};

template <class T, std::size_t kCount>
void add(Scenes& scenes, const ServerPlan (&plans)[kCount]) {
    for (const ServerPlan& plan : plans) { scenes.push_back(std::make_unique<T>(plan)); }
}

}  // namespace

// Where names are no files, which a kill would leave behind.
Scenes server_scenes() {
    Scenes scenes;
    if (strcmp(brood::port::kName, "linux") != 0) { return scenes; }
    add<HandlerScene>(scenes, kHandlerPlans);
    add<NewbornScene>(scenes, kNewbornPlans);
    add<AccepterScene>(scenes, kAccepterPlans);
    add<ClientScene>(scenes, kClientPlans);
    return scenes;
}

}  // namespace crash
