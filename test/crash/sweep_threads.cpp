// Of a sweep: blows that fall on one thread of a victim while another stands somewhere, too.
#include "sweep.hpp"

namespace crash {
namespace {

// Instructions that the victim may take beyond those of its operation alone.
constexpr std::size_t kDetour = 200;

}  // namespace

// Crossings at so many places of the other's operation come in turns with all else, so that
// neighbours among the points are crossed at places far from each other.
void Sweep::add_blows_at_threads() {
    constexpr std::size_t kCrossings = 96, kInstructions = 640;
    plain_ = {{Blow::pause, 0, 1}, {Blow::kill, 0, 1}};
    const std::vector<int> crowds = scene_.crowds();
    for (std::size_t i = 0; i < kCrossings; ++i) {
        const int crowd = crowds[i / 4 % crowds.size()];
        variants_.push_back({Blow::cross, i * 67 % kInstructions, 1});
        variants_.push_back({Blow::meet, i * 227 % kInstructions, 1});
        switch (i % 4) {
            case 0: variants_.push_back({Blow::cross_kill, i * 131 % kInstructions, 1}); break;
            case 1: variants_.push_back({Blow::late_kill, 0, crowd}); break;
            case 2: variants_.push_back({Blow::slow, i % options_.stragglers, crowd}); break;
            default: variants_.push_back({Blow::pause, 0, crowd}); break;
        }
    }
}

// Others come, whom it does not see. Its process is stopped only to be traced no more.
void Sweep::pause_victim() {
    let_others(Blow::pause);
    stage_.check(victim_.stop(), Fault::wrong, "the victim could not be stopped");
    release_victim();
}

// False: it is through.
bool Sweep::bring_other_amid(std::size_t later) {
    if (!scene_.bring_other(stage_, second_)) { return false; }
    scene_.other_begins(stage_);
    second_.step(later, stage_.deadline());
    return true;
}

// The victim, at its point, goes on as far as it can without the other: to its end, or until it
// waits for it, which may be in naps.
void Sweep::cross_victim(Blow blow, std::size_t later) {
    if (!bring_other_amid(later)) { return pause_victim(); }
    if (blow == Blow::cross_kill) {
        scene_.reckon(stage_, victim_.pid());
        second_.kill();
        victim_.kill();
        scene_.others_end(stage_);
        scene_.newcomers(stage_);
        return scene_.account(stage_, false);
    }
    victim_.step(steps_.size() + kDetour, stage_.deadline());
    second_.let_go();
    stage_.settle();
    stage_.check(victim_.stop(), Fault::wrong, "the victim could not be stopped");
    release_victim();
}

// The victim, at its beginning, comes to its point after the other to its place; or waits before.
void Sweep::meet_victim(const Point& point, std::size_t later) {
    const bool is_there = bring_other_amid(later);
    victim_.walk_to(point, true, steps_.size() + kDetour, stage_.patience_ns);
    if (is_there) { second_.let_go(); }
    stage_.settle();
    stage_.check(victim_.stop(), Fault::wrong, "the victim could not be stopped");
    release_victim();
}

}  // namespace crash
