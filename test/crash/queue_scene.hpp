// A scene of any queue: put into and got from, with its sides owned, asked for and left by others.
#ifndef BROOD_TEST_CRASH_QUEUE_SCENE_HPP
#define BROOD_TEST_CRASH_QUEUE_SCENE_HPP

#include <string>

#include "letters.hpp"
#include "scene.hpp"

namespace crash {

enum class Act {
    put,
    put_3,
    put_6,
    put_now,
    put_timed,
    get,
    get_3,
    get_now,
    get_timed,
    shut_down,
    shut_down_now,
    // Of a joinable queue.
    task_done,
    join,
    join_now,
    join_timed,
};

// The use of the victim's side, when its operation begins.
enum class Lease {
    fresh,          // Nobody's, and the victim is no member of the family yet.
    nobody,         // Nobody's.
    mine,           // The victim's.
    idle,           // One's who lives and does nothing.
    dead,           // One's who died in mid-operation.
    inherited,      // The same, and the victim gets his place among the members.
    asked,          // The victim's, and one who asks for it sleeps.
    asked_by_dead,  // The same, and he was killed.
    queued,         // One's in mid-operation; one who asks for it sleeps.
    both_dead,      // The same, and both were killed.
    heir,           // The same, and a third, who wants nothing, has the place of who asked.
};

struct Plan {
    Act act;
    Lease lease;
    int fill;  // Letters in the queue when the victim comes, if nobody is asleep.
    // Before it acts; behind: of its own kind, once it sleeps. Others come before them, so that
    // nothing is left that they could do.
    int getters_asleep = 0, putters_asleep = 0, asleep_behind = 0;
    int killed_asleep = 0;
    // Of a queue without a bound: for how many letters there is room; and the use of the other
    // side: nobody's, idle, dead, or (queued) one's who goes on when the victim sleeps.
    int room = 0;
    Lease opposite = Lease::nobody;
    bool is_long = false;  // The victim's letters.
};

constexpr int kFull = static_cast<int>(TestQueue::kMost);

class QueueScene : public Scene {
public:
    QueueScene(TestQueue& queue, const Plan& plan, bool near_wrap, std::size_t short_share = 1);

    const char* name() const override { return name_.c_str(); }
    std::size_t stragglers_max() const override { return 2; }
    std::size_t rounds() const override { return short_share() > 1 ? 1 : 2; }
    std::size_t recoveries() const override { return 120; }
    std::size_t short_share() const override { return short_share_; }
    std::vector<int> crowds() const override { return {kSameSide, kOtherSide, kBothSides}; }
    bool has_sleepers() const override { return plan_.getters_asleep + plan_.putters_asleep > 0; }
    Extent state() override {
        const std::vector<std::uint32_t>& words = queue_.state();
        return {words.data(), words.size() * 4};
    }

    void set(Stage& stage) override;
    void victim_before(Stage& stage) override;
    void victim_ready(Stage& stage) override;
    void victim_acts(Stage& stage) override;
    void victim_after(Stage& stage, int actor) override;
    bool victim_sleeps(Stage& stage, int k) override;
    void meanwhile(Stage& stage, pid_t victim, int crowd) override;
    void reckon(Stage& stage, pid_t victim) override;
    void others_end(Stage& stage) override;
    void newcomers(Stage& stage) override;
    void account(Stage& stage, bool victim_lives) override;
    void recover(Stage& stage) override;

protected:
    static constexpr int kSameSide = 1, kOtherSide = 2, kBothSides = 3;  // crowds
    static constexpr std::int64_t kRecoveryMs = 12, kSteppedMs = 150;

    static Side other(Side side) { return side == Side::put ? Side::get : Side::put; }
    bool is_put() const { return plan_.act <= Act::put_timed; }
    bool is_get() const { return plan_.act > Act::put_timed && plan_.act <= Act::get_timed; }
    Side side() const { return is_get() ? Side::get : Side::put; }
    int count() const;
    std::int64_t timeout(Stage& stage) const;

    /// An actor, who leaves the queue in the end.
    int start(Stage& stage, const std::function<void(int actor)>& body);
    void start_sleeping(Stage& stage, const std::function<void(int actor)>& body);
    bool one(int who, Side kind) {
        return kind == Side::put ? letters_.put(who, 1) : letters_.get(who, 1);
    }
    /// So many are got before the victim comes.
    virtual int letters_before() const { return 0; }
    /// Somebody waits for what others could do; or for what is so already, and is held up.
    virtual int waiting_otherwise(Stage&) const { return 0; }
    virtual bool is_held_up(Stage& stage) const;
    bool is_there(Stage& stage, int who) const {
        return who == kVictim ? victim_pid_ != 0 : who < stage.actors() && stage.pid(who) != 0;
    }

    TestQueue& queue_;
    const Plan& plan_;
    std::string name_;
    Stage* stage_ = nullptr;
    Letters letters_;
    pid_t victim_pid_ = 0;  // While it lives, and others do.
    int result_ = TestQueue::kNothing;

private:
    bool victim_is_asked() const {
        return plan_.lease == Lease::asked || plan_.lease == Lease::asked_by_dead;
    }
    void sleepers(Stage& stage, Side kind, int count);
    void make_nothing_left(Stage& stage);
    void own(Stage& stage, int actor, Side kind, Lease lease);
    bool go_on_beside(Stage& stage, int count);
    void start_asker();
    int waiting(Stage& stage, Side kind) const;
    bool has_room_for_one(Stage& stage) const;
    void come_to_rest(Stage& stage);
    void check_memory(Stage& stage) const;

    bool near_wrap_;
    std::size_t short_share_;
    int dead_ = 0;
    bool has_come_ = false;
    int owner_ = -1, asker_ = -1, opposite_ = -1;
    Letter mine_[TestQueue::kTogether] = {};
};

}  // namespace crash

#endif
