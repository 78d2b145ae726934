// A scene: one operation of the victim, who else is there, and what must hold afterwards.
#ifndef BROOD_TEST_CRASH_SCENE_HPP
#define BROOD_TEST_CRASH_SCENE_HPP

#include <memory>
#include <vector>

#include "stage.hpp"
#include "tracee.hpp"

namespace crash {

/// What befalls the victim at a point.
enum class Blow {
    kill,       ///< SIGKILL.
    late_kill,  ///< It stands there while others come; then SIGKILL.
    overtaken,  ///< It stands there while others come and go; then SIGKILL.
    straggler,  ///< It stands there while others come, and is killed a few instructions later.
    slow,       ///< It goes on by single steps, and after each the others do all they can.
    stop,       ///< SIGSTOP, others come, SIGCONT.
    long_stop,  ///< SIGSTOP, others come and go, SIGCONT.

    // Of a victim with another thread, which is one of the others.
    pause,       ///< It alone stands there while the others come, and then goes on.
    cross,       ///< The same, but the other stands amid its operation until it is through.
    meet,        ///< The other stands amid its operation, the victim comes to its point; all go on.
    cross_kill,  ///< Both stand amid their operations; then SIGKILL.
};
const char* name_of(Blow blow);

/// Memory that a scene's state lies in: equal states are swept once.
struct Extent {
    const void* at;
    std::size_t bytes;
};

/// All calls come from the tracer but those of the victim_... and recover().
class Scene {
public:
    Scene() = default;
    virtual ~Scene() = default;
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    virtual const char* name() const = 0;
    /// Of Options::stragglers: so many at most. For scenes of which there are very many.
    virtual std::size_t stragglers_max() const { return SIZE_MAX; }
    /// How many blows fall on each point beside the plain kill, of all kinds in turns.
    virtual std::size_t rounds() const = 0;
    /// Of those who recover what the killed left, so many are killed at most.
    virtual std::size_t recoveries() const { return 400; }
    /// In short: one of so many blows. For scenes that others are much like.
    virtual std::size_t short_share() const { return 1; }
    /// In short it is left out: for scenes of which others show the most.
    virtual bool is_left_out_in_short() const { return false; }
    /// The crowds that meanwhile() is called with.
    virtual std::vector<int> crowds() const { return {1, 3}; }
    /// Makes everything anew, and the actors who are there before the victim.
    virtual void set(Stage& stage) = 0;

    // The victim: what it does before, the operation, and what it does afterwards if it lives.
    virtual void victim_before(Stage&) {}
    virtual void victim_acts(Stage& stage) = 0;
    virtual void victim_after(Stage&, int /*actor*/) {}
    /// It stands at the beginning of its operation: who comes now finds it prepared.
    virtual void victim_ready(Stage&) {}

    // A victim that has another thread: it alone is stepped. The other is free, but for a blow that
    // has it stand amid its operation, too: then it is seized where it waits to begin.
    virtual bool has_threads() const { return false; }
    /// The other may run before the victim is at this point, and into a breakpoint.
    virtual bool others_run_before(const Point&) const { return false; }
    virtual bool bring_other(Stage&, Tracee&) { return false; }
    virtual void other_begins(Stage&) {}

    // A guest: a victim that others have started, which is seized. Its operation is what it does
    // when victim_ready() has given it reason to.
    virtual bool has_guest() const { return false; }
    /// False: it is not there.
    virtual bool bring_guest(Stage&, Tracee&) { return false; }
    /// It sleeps: whether that is the end, or it was not woken yet.
    virtual bool guest_is_through(Stage&) { return true; }
    /// Who recovers what a guest left is there, too, and seized before the blow.
    virtual bool bring_recoverer(Stage&, Tracee&) { return false; }
    virtual bool recoverer_is_through(Stage&) { return true; }

    /// It sleeps for the kth time (from 0). False: nobody will wake it, a timeout will.
    virtual bool victim_sleeps(Stage&, int /*k*/) { return false; }

    /// It stands at its point. Others come and do what they can, and keep what they can get until
    /// the gates open.
    /// How many they are matters: who comes third may make up for what the second lost.
    virtual void meanwhile(Stage&, pid_t /*victim*/, int /*crowd*/) {}
    /// What is due when `victim` ends now: called just before the blow.
    virtual void reckon(Stage&, pid_t /*victim*/) {}
    /// Everybody who is there goes on to his end; the victim, too, if it lives. As long as nobody
    /// new comes, nobody makes up for what went wrong.
    virtual void others_end(Stage& stage) = 0;
    /// New ones come and do real work.
    virtual void newcomers(Stage& stage) = 0;
    /// All are through.
    virtual void account(Stage&, bool /*victim_lives*/) {}

    /// What a newcomer does first in what a dead one left; it is killed in it, too.
    virtual void recover(Stage&) {}
    /// Whoever recovers sleeps: if there is nothing that it could take, something is given back.
    virtual void recoverer_sleeps(Stage&) {}
    virtual Extent state() { return {nullptr, 0}; }
    /// Of a scene with sleepers the first may itself be one who recovers: started here, stepped.
    virtual bool has_sleepers() const { return false; }

    /// Starts somebody who falls asleep. The first is the `understudy`, if one is wanted.
    template <class F>
    void start_sleeper(Stage& stage, F body) {
        if (understudy != nullptr && !understudy_called) {
            understudy_called = true;
            (*understudy)();
            return;
        }
        stage.asleep(stage.start(body));
    }
    const std::function<void()>* understudy = nullptr;
    bool understudy_called = false;
};

using Scenes = std::vector<std::unique_ptr<Scene>>;

}  // namespace crash

#endif
