#include "manager_scenes.hpp"

#include <stdio.h>

#include <string>

#include <src/arena_entries.hpp>

#include "../arena_check.hpp"
#include "manager_book.hpp"

namespace crash {
namespace {

using brood::Errc;
using brood::Manager;
using brood::Status;
using brood::detail::Arena;

enum class Act {
    set,
    erase,
    pop,
    popitem,
    update,
    clear,
    make,
    make_named,
    drop,
    stats,
};
// Who is there before the victim comes.
enum class Before { nobody, user, dead_user, dead_in_step, dead_maker, dead_dropper };

struct Plan {
    const char* name;
    Act act;
    int items = 10;           // Of the victim's dictionary, each of `bytes`.
    std::size_t bytes = 8;    // Text<64> holds less than 64.
    int once = 0;             // So many had it before.
    std::size_t written = 8;  // The victim's value has as many.
    Before before = Before::nobody;
    std::size_t share = 2;  // In short: one of so many blows.
};

// Buckets come by 64, a directory has room for 4 segments, 8, ... The log holds 1000 words.
constexpr Plan kPlans[] = {
    {"set the first", Act::set, 0},
    {"set a new one", Act::set},
    {"set a new one, which needs a page", Act::set, 12, 1900, 0, 1900, Before::nobody, 3},
    {"set a new one, for which the arena grows", Act::set, 12, 8, 0, 33000, Before::nobody, 3},
    {"set a new one, a bucket is split", Act::set, 101},
    {"set a new one, a segment is added", Act::set, 63, 8, 0, 8, Before::nobody, 3},
    {"set a new one, the directory is doubled", Act::set, 255, 8, 0, 8, Before::nobody, 3},
    {"set a new one, of 4096", Act::set, 4095, 8, 0, 8, Before::nobody, 8},
    {"set one there is, of the same size", Act::set, 10, 40, 0, 40},
    {"set one there is, of more", Act::set, 10, 8, 0, 600, Before::nobody, 3},
    {"set one there is, of much more", Act::set, 10, 8, 0, 5000, Before::nobody, 4},
    {"set, after a dead user", Act::set, 10, 8, 0, 8, Before::dead_user, 3},
    {"set, after one who died in a step", Act::set, 10, 8, 0, 8, Before::dead_in_step, 3},
    {"set, while it is in use", Act::set, 10, 8, 0, 8, Before::user, 3},
    {"erase", Act::erase},
    {"erase, buckets are merged", Act::erase, 40, 8, 300, 8, Before::nobody, 3},
    {"erase, the directory is halved", Act::erase, 31, 8, 300, 8, Before::nobody, 3},
    {"erase, of 512 in 2048 buckets", Act::erase, 511, 8, 4200, 8, Before::nobody, 8},
    {"erase, a page is free", Act::erase, 11, 1900, 0, 8, Before::nobody, 3},
    {"erase, memory is given back", Act::erase, 3, 33000, 0, 8, Before::nobody, 3},
    {"pop", Act::pop, 10, 8, 0, 8, Before::nobody, 4},
    {"popitem", Act::popitem, 10, 8, 0, 8, Before::nobody, 3},
    {"update", Act::update, 10, 8, 0, 8, Before::nobody, 3},
    {"clear", Act::clear},
    {"clear, in two steps", Act::clear, 160, 8, 0, 8, Before::nobody, 12},
    {"make one", Act::make},
    {"make one, a dead one's is swept", Act::make, 10, 8, 0, 8, Before::dead_maker, 2},
    {"make one, a dropper died", Act::make, 10, 8, 0, 8, Before::dead_dropper, 2},
    {"make one with a name", Act::make_named, 10, 8, 0, 8, Before::nobody, 3},
    {"drop", Act::drop},
    {"drop, in two steps", Act::drop, 160, 8, 0, 8, Before::nobody, 12},
    {"stats", Act::stats, 10, 8, 0, 8, Before::nobody, 4},
};

constexpr std::uint32_t kNumber = 0x3fffffffu;
constexpr std::uint32_t kNew = 1000000, kOther = 2000000;  // Keys.
constexpr std::int64_t kShortMs = 8;

bool inserts(const Plan& plan) {
    return plan.act == Act::set && std::string(plan.name).find("there is") == std::string::npos;
}

class ManagerScene : public Scene {
public:
    explicit ManagerScene(const Plan& plan)
        : plan_(plan), name_(std::string("Manager: ") + plan.name) {}

    const char* name() const override { return name_.c_str(); }
    std::size_t rounds() const override { return 2; }
    std::size_t short_share() const override { return plan_.share; }
    std::size_t recoveries() const override {
        return 400 / (plan_.share < 4 ? 1 : plan_.share / 2);
    }
    // From the arena's mutex to the first objects.
    Extent state() override {
        const std::size_t end = Arena::entries_at(arena_->pages) + brood::detail::kPageBytes;
        return {arena_->base + offsetof(brood::detail::ArenaHead, mutex),
                end - offsetof(brood::detail::ArenaHead, mutex)};
    }

    void set(Stage& stage) override {
        manager_.close();
        manager_ = Manager::create(plan_.once + plan_.items > 1000 ? 4u << 20 : 1u << 20)
                       .expect("a manager");
        dict_ = Numbers();
        const Numbers first = make("").expect("a dict");
        arena_ = brood::detail::find_arena(first.manager);
        arena_->head().seed = 1;  // The same way each time. Nothing was hashed yet.
        first.drop().expect("dropping a dict");
        other_ = make("other").expect("a dict");
        dict_ = make("book").expect("a dict");
        count_up(dict_).expect("counting");
        count_up(other_).expect("counting");
        fill();
        come_before(stage);
    }

    void victim_before(Stage&) override {
        // Who makes an object without a name becomes a member first.
        if (plan_.act == Act::make) { join_members(arena_->members).expect("joining"); }
    }
    void victim_acts(Stage&) override {
        std::uint32_t key = last_.key;
        switch (plan_.act) {
            case Act::set: status_ = write(dict_, new_); break;
            case Act::erase: status_ = dict_.erase(key); break;
            case Act::pop: status_ = dict_.pop(key).status(); break;
            case Act::popitem: status_ = dict_.popitem(key, value_); break;
            case Act::update:
                status_ = dict_.update(key, [](Value& value) { value = "yy"; });
                break;
            case Act::clear: status_ = dict_.clear(); break;
            case Act::make: status_ = manager_.dict<std::uint32_t, Value>().status(); break;
            case Act::make_named: status_ = make("new").status(); break;
            case Act::drop: status_ = dict_.drop(); break;
            case Act::stats: status_ = manager_.stats().status(); break;
        }
    }
    void victim_after(Stage& stage, int actor) override {
        stage.check(status_.ok(), Fault::wrong, "the victim was refused", actor);
        stage.count(kFinished).store(1);
    }
    bool victim_sleeps(Stage& stage, int k) override {
        if (k > 0 || user_ < 0) { return false; }
        stage.gate(user_).open();
        stage.end(user_, "a user could not go on");
        return true;
    }

    // One who counts in the same dictionary, one who does not wait long for it, one who works on
    // another; and so on.
    void meanwhile(Stage& stage, pid_t victim, int crowd) override {
        const bool has_dict = is_of(entry().mutex, victim), has_arena = is_of(head().mutex, victim);
        const bool is_free = is_of(entry().mutex, 0) && is_of(head().mutex, 0);
        const int before = stage.count(kThrough).load();
        stage.asleep(stage.start([this, &stage](int actor) { use(stage, actor); }));
        stage.settle();
        const bool got_in = stage.count(kThrough).load() > before;
        stage.check(!got_in || !(has_dict || has_arena), Fault::duplicated,
                    "taken from one who was only stopped");
        stage.check(got_in || !is_free, Fault::wedged,
                    "free, but one who stands still holds others up");
        if (crowd == 1) { return; }
        const int hasty = stage.start([&](int actor) { ask(stage, actor, has_dict); });
        stage.end(hasty, "a timeout did not end");
        for (int i = 2; i < crowd; ++i) {
            stage.asleep(stage.start([this, &stage](int actor) { use_other(stage, actor); }));
        }
    }
    void others_end(Stage& stage) override {
        stage.open_all();
        for (int i = 0; i < stage.actors(); ++i) { stage.end(i, "one waits on, and nobody works"); }
    }
    void newcomers(Stage& stage) override {
        const int first = stage.start([this, &stage](int actor) {
            look(stage, actor);
            use(stage, actor);
            sweep(stage, actor);
        });
        const int second = stage.start([this, &stage](int actor) { use_other(stage, actor); });
        stage.end(first, "a newcomer could not work");
        stage.end(second, "a newcomer could not work on another");
    }
    void account(Stage& stage, bool) override {
        if (stage.fault() == Fault::wedged) { return; }
        const char* const fault = test::ArenaCheck(*arena_).fault();
        stage.check(fault == nullptr, Fault::wrong, fault);
        const int actor = stage.start([this, &stage](int self) { audit(stage, self); });
        stage.end(actor, "a dictionary could not be read");
    }

    void recover(Stage&) override {
        (void)counted(dict_);
        make_and_drop("recovered").ignore();
    }

private:
    enum { kFinished, kThrough, kCounted, kCountedOther };

    brood::detail::ArenaHead& head() const { return arena_->head(); }
    brood::detail::ArenaEntry& entry() const { return arena_->entry(dict_.entry); }
    // Both libc and brood have the word in front, as the kernel wants it. 0: nobody's.
    static bool is_of(const brood::port::RobustMutex& mutex, pid_t pid) {
        const auto& word = *reinterpret_cast<const std::atomic<std::uint32_t>*>(&mutex);
        return (word.load() & kNumber) == static_cast<std::uint32_t>(pid);
    }
    brood::Result<Numbers> make(const char* name) const {
        return manager_.dict<std::uint32_t, Value>(name);
    }
    Status make_and_drop(const char* name) const {
        const brood::Result<Numbers> made = make(name);
        if (made.ok()) { return made->drop(); }
        if (made.error() != Errc::already_exists) { return made.status(); }
        return manager_.find<Numbers>(name).value_or(Numbers()).drop();
    }

    // What the dictionary holds, and what the victim makes of it.
    void fill() {
        before_.clear();
        for (int i = 1; i <= plan_.once; ++i) {
            write(dict_, {static_cast<std::uint32_t>(i), 8, 'o'}).expect("filling");
        }
        for (int i = plan_.once; i > plan_.items; --i) {
            dict_.erase(static_cast<std::uint32_t>(i)).expect("taking out again");
        }
        for (int i = 1; i <= plan_.items; ++i) {
            const Line line = {static_cast<std::uint32_t>(i), plan_.bytes, 'a'};
            if (plan_.once == 0) { write(dict_, line).expect("filling"); }
            put(before_, plan_.once == 0 ? line : Line{line.key, 8, 'o'});
        }
        // Who takes a block takes one that was another's.
        for (const std::uint32_t key : {kNew + 1, kNew + 2}) {
            if (plan_.items == 10) { write(dict_, {key, plan_.written, 'f'}).expect("filling"); }
        }
        for (const std::uint32_t key : {kNew + 1, kNew + 2}) {
            if (plan_.items == 10) { dict_.erase(key).expect("freeing"); }
        }
        last_ = before_.empty() ? Line{} : before_.back();
        new_ = {inserts(plan_) ? kNew : last_.key, plan_.written, 'n'};
        after_ = before_;
        switch (plan_.act) {
            case Act::set: put(after_, new_); break;
            case Act::erase:
            case Act::pop:
            case Act::popitem: take(after_, last_.key); break;
            case Act::update: put(after_, {last_.key, 2, 'y'}); break;
            case Act::clear: after_.clear(); break;
            default: break;
        }
    }

    void come_before(Stage& stage) {
        user_ = -1;
        if (plan_.before == Before::nobody) { return; }
        const int actor = stage.start([this, &stage](int self) { come(stage, self); });
        stage.asleep(actor);
        if (plan_.before == Before::user) { user_ = actor; }
        if (plan_.before != Before::user) { stage.kill(actor); }
    }
    // Sleeps in the midst of what it does, if it is not through.
    void come(Stage& stage, int self) {
        const brood::detail::HeldObject* held = nullptr;
        if (plan_.before == Before::user || plan_.before == Before::dead_user) {
            other_.get(kCounter).status().ignore();
            dict_.update(last_.key, [&](Value&) { stage.gate(self).pass(); }).ignore();
        } else if (plan_.before == Before::dead_in_step) {
            const brood::detail::HeldObject mine(dict_, Numbers::kType, brood::port::kNever);
            held = &mine;
            brood::detail::ArenaStep step(*arena_, brood::port::kNever);
            for (auto& word : held->entry().root) { step.set(word, 77); }
            step.take(100).status().ignore();
            stage.gate(self).pass();
        } else {
            const Numbers mine =
                make(plan_.before == Before::dead_maker ? "" : "left").value_or(Numbers());
            for (std::uint32_t i = 0; i < 20; ++i) { write(mine, {i, 8, 'l'}).ignore(); }
            if (plan_.before == Before::dead_dropper) { leave_half_dropped(mine); }
            stage.gate(self).pass();
        }
    }
    // As one does who is killed after the first step of a drop.
    void leave_half_dropped(const Numbers& mine) {
        const brood::detail::HeldObject held(mine, Numbers::kType, brood::port::kNever);
        brood::detail::ArenaStep step(*arena_, brood::port::kNever);
        brood::detail::take_name(step, held.entry());
        step.set(held.entry().kind, 1 | brood::detail::kDropping);
        step.add(held.entry().generation, 1);
        step.commit().ignore();
    }

    // ---- Others --------------------------------------------------------------------------------

    // The victim may have dropped it.
    bool is_gone(const Status& status) const {
        return plan_.act == Act::drop && status.code() == Errc::closed;
    }
    void use(Stage& stage, int actor) {
        const Status counted = count_up(dict_);
        if (counted.ok()) { stage.count(kCounted).fetch_add(1); }
        stage.count(kThrough).fetch_add(1);
        stage.check(counted.ok() || is_gone(counted), Fault::wrong, "one was refused", actor);
    }
    void use_other(Stage& stage, int actor) {
        const Status counted = count_up(other_);
        if (counted.ok()) { stage.count(kCountedOther).fetch_add(1); }
        stage.check(counted.ok(), Fault::wrong, "one was refused with another", actor);
        stage.check(write(other_, {kOther, 100, 'o'}).ok() && other_.erase(kOther).ok(),
                    Fault::wrong, "one could not work on another", actor);
    }
    void ask(Stage& stage, int actor, bool is_held) {
        const Status asked = dict_.get(kCounter, brood::milliseconds(kShortMs)).status();
        const bool has_none = plan_.act == Act::clear && asked.code() == Errc::not_found;
        const bool timed_out = asked.code() == Errc::timed_out;
        stage.check(asked.ok() || timed_out || is_gone(asked) || has_none, Fault::wrong,
                    "one who asked was refused", actor);
        stage.check(timed_out || !is_held, Fault::duplicated,
                    "read while one who was only stopped had it", actor);
    }

    // Whether the victim's work is whole or absent: the first newcomer sees it.
    void look(Stage& stage, int actor) {
        const bool is_done = stage.count(kFinished).load() != 0;
        if (plan_.act == Act::make_named) {
            const brood::Result<Numbers> made = manager_.find<Numbers>("new");
            stage.check(made.ok() || !is_done, Fault::lost, "what was made is not found", actor);
            if (made.ok()) { stage.check(made->drop().ok(), Fault::wrong, "no drop", actor); }
        }
        const bool is_there = manager_.find<Numbers>("book").ok();
        stage.check(is_there || plan_.act == Act::drop, Fault::lost, "a dict is gone", actor);
        stage.check(!is_there || plan_.act != Act::drop || !is_done, Fault::wrong,
                    "what was dropped is found", actor);
        if (!is_there) { return; }
        Lines lines;
        stage.check(read(dict_, lines), Fault::wrong, "a dict cannot be read", actor);
        stage.check(lines == after_ || (lines == before_ && !is_done), Fault::wrong,
                    "a change is neither whole nor absent", actor);
        stage.check(write(dict_, {kOther, 30, 'w'}).ok() && dict_.erase(kOther).ok(), Fault::wrong,
                    "a newcomer cannot change it", actor);
    }
    // Who makes objects sweeps: all of them in a few rounds.
    void sweep(Stage& stage, int actor) {
        for (int i = 0; i < 4; ++i) {
            stage.check(make_and_drop("swept").ok(), Fault::wrong, "none can be made", actor);
        }
        make_and_drop("recovered").ignore();
    }
    void audit(Stage& stage, int actor) {
        const bool is_there = manager_.find<Numbers>("book").ok();
        const std::uint32_t objects = manager_.stats().value_or({}).objects;
        stage.check(objects == (is_there ? 2u : 1u), Fault::wrong, "an object was left", actor);
        stage.check(counted(other_) == stage.count(kCountedOther).load(), Fault::lost,
                    "another dict lost something", actor);
        const bool keeps_count = is_there && plan_.act != Act::clear;
        stage.check(!keeps_count || counted(dict_) == stage.count(kCounted).load(), Fault::lost,
                    "what another had changed is lost", actor);
    }

    const Plan& plan_;
    std::string name_;
    Manager& manager_ = the_manager;
    const Arena* arena_ = nullptr;
    Numbers dict_, other_;
    Lines before_, after_;
    Line last_ = {}, new_ = {};
    Value value_;
    Status status_;
    int user_ = -1;
};

}  // namespace

Scenes manager_scenes() {
    Scenes scenes;
    for (const Plan& plan : kPlans) { scenes.push_back(std::make_unique<ManagerScene>(plan)); }
    return scenes;
}

}  // namespace crash
