#include "event_scenes.hpp"

#include <string>

#include <brood/event.hpp>
#include <port/port.hpp>

#include "object.hpp"

namespace crash {
namespace {

enum class Act { set, clear, wait, wait_timed };

struct Plan {
    const char* name;
    Act act;
    bool is_set;  // When the victim comes.
    int asleep = 0, asleep_behind = 0;
};

constexpr Plan kPlans[] = {
    {"set, nobody waits", Act::set, false},
    {"set, 1 asleep", Act::set, false, 1},
    {"set, 3 asleep", Act::set, false, 3},
    {"set once more", Act::set, true},
    {"clear", Act::clear, true},
    {"wait, set", Act::wait, true},
    {"wait", Act::wait, false},
    {"wait, 2 asleep before", Act::wait, false, 2},
    {"wait, 2 asleep behind", Act::wait, false, 0, 2},
    {"wait timed, 2 asleep behind", Act::wait_timed, false, 0, 2},
};

constexpr std::int64_t kShortMs = 8, kSteppedMs = 150;

class EventScene : public Scene {
public:
    EventScene(Object<brood::Event>& event, const Plan& plan)
        : event_(event), plan_(plan), name_(std::string("Event: ") + plan.name) {}

    const char* name() const override { return name_.c_str(); }
    std::size_t rounds() const override { return 5; }
    bool has_sleepers() const override { return plan_.asleep + plan_.asleep_behind > 0; }
    Extent state() override { return event_.extent(); }

    void set(Stage&) override {
        event_.renew();
        if (plan_.is_set) { event_->set().expect("setting an event"); }
        at_first_ = note();
        dead_ = 0;
    }
    void victim_ready(Stage& stage) override { sleepers(stage, plan_.asleep); }
    void victim_acts(Stage& stage) override {
        const std::int64_t ms = stage.stepped ? kSteppedMs : kShortMs;
        switch (plan_.act) {
            case Act::set: status_ = event_->set(); break;
            case Act::clear: status_ = event_->clear(); break;
            case Act::wait: status_ = event_->wait(); break;
            case Act::wait_timed: status_ = event_->wait(brood::milliseconds(ms)); break;
        }
    }
    void victim_after(Stage& stage, int actor) override {
        const bool timed_out = status_.code() == brood::Errc::timed_out;
        if (plan_.act == Act::wait_timed && timed_out) { return; }
        stage.check(status_.ok(), Fault::wrong, "the victim was refused", actor);
        if (plan_.act == Act::wait) { heard(stage, actor); }
    }
    bool victim_sleeps(Stage& stage, int k) override {
        if (k > 0) { return false; }
        sleepers(stage, plan_.asleep_behind);
        if (plan_.act == Act::wait_timed) { return false; }
        stage.start([this, &stage](int actor) { set_it(stage, actor); });
        return true;
    }

    // Some wait; and of a crowd, one sets it, too.
    void meanwhile(Stage& stage, pid_t, int crowd) override {
        for (int i = 0; i < crowd; ++i) {
            const bool sets = i == 1;
            stage.asleep(stage.start([this, &stage, sets](int actor) {
                sets ? set_it(stage, actor) : wait(stage, actor);
            }));
        }
    }
    void reckon(Stage&, pid_t) override { ++dead_; }
    // Once it was set, be it by one who died in it, all go on; else they need somebody who does.
    void others_end(Stage& stage) override {
        stage.open_all();
        stage.settle();
        const bool will_set = plan_.act == Act::set && dead_ == 0;
        if (!will_set && (note() == at_first_ || !event_->is_set())) {
            stage.start([this, &stage](int actor) { set_it(stage, actor); });
        }
        for (int i = 0; i < stage.actors(); ++i) {
            stage.end(i, "one sleeps on, though it is set");
        }
    }
    void newcomers(Stage& stage) override {
        const int first = stage.start([this, &stage](int actor) {
            stage.check(event_->clear().ok(), Fault::wrong, "it could not be cleared", actor);
            wait(stage, actor);
        });
        stage.asleep(first);
        const int second = stage.start([this, &stage](int actor) { wait(stage, actor); });
        stage.asleep(second);
        const int third = stage.start([this, &stage](int actor) { set_it(stage, actor); });
        stage.end(third, "a newcomer could not set it");
        stage.end(first, "a newcomer was not told");
        stage.end(second, "a newcomer was not told");
    }

    void recover(Stage&) override {
        // Nobody may be left to set it.
        event_->wait(brood::milliseconds(kShortMs)).ignore();
        event_->set().ignore();
    }

private:
    std::uint32_t note() const {
        return static_cast<const brood::port::Bell*>(event_.extent().at)->note.load();
    }
    void sleepers(Stage& stage, int count) {
        for (int i = 0; i < count; ++i) {
            start_sleeper(stage, [this, &stage](int actor) { wait(stage, actor); });
        }
    }
    void wait(Stage& stage, int actor) {
        stage.check(event_->wait().ok(), Fault::wrong, "refused, though one was to wait", actor);
        heard(stage, actor);
    }
    void heard(Stage& stage, int actor) {
        stage.check(note() != 0, Fault::wrong, "told, though it was never set", actor);
    }
    void set_it(Stage& stage, int actor) {
        stage.check(event_->set().ok(), Fault::wrong, "it could not be set", actor);
    }

    Object<brood::Event>& event_;
    const Plan& plan_;
    std::string name_;
    std::uint32_t at_first_ = 0;
    int dead_ = 0;
    brood::Status status_;
};

}  // namespace

Scenes event_scenes() {
    static Object<brood::Event> event(brood::Event::create().expect("an event"),
                                      sizeof(brood::port::Bell));
    Scenes scenes;
    for (const Plan& plan : kPlans) { scenes.push_back(std::make_unique<EventScene>(event, plan)); }
    return scenes;
}

}  // namespace crash
