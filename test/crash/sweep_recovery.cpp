// Of a sweep: the kills of those who recover what a killed victim left.
#include <algorithm>

#include "report.hpp"
#include "sweep.hpp"

namespace crash {

// The victim is killed at `first`; then the second goes on to `point`, or, without one, is stepped
// to its end. False: it did not come there.
bool Sweep::bring_second(const Point& first, Second second, const Point* point,
                         std::vector<std::uintptr_t>& steps, std::size_t& slept_at) {
    if (scene_.has_guest()) { return bring_recovering_guest(first, point, steps); }
    const auto go = [&](bool may_sleep) {
        if (point != nullptr) { return second_.run_to(*point, may_sleep, stage_.deadline()); }
        return second_.record(steps, may_sleep, stage_.patience_ns);
    };
    Halt halt = Halt::stuck;
    const auto start = [&] {
        const bool begun = second_.start([this] {
            operation_begins();
            scene_.recover(stage_);
            operation_ends();
            return 0;
        });
        if (begun && second == Second::sleeper) { halt = go(true); }
        if (begun && second == Second::newcomer) { halt = Halt::asleep; }
        slept_at = halt == Halt::asleep ? steps.size() : SIZE_MAX;
    };
    const std::function<void()> understudy = start;
    scene_.understudy = second == Second::sleeper ? &understudy : nullptr;
    set_scene();
    const bool there = start_victim() == Halt::point && drive(victim_, first) == Halt::point;
    scene_.understudy = nullptr;
    if (!there) { second_.kill(); }  // The victim's path was another this time.
    if (!there || (second == Second::sleeper && halt != Halt::asleep)) { return false; }
    stage_.settle();
    scene_.reckon(stage_, victim_.pid());
    victim_.kill();
    if (second == Second::newcomer) { start(); }
    for (bool may_sleep = true; halt == Halt::asleep;) {
        halt = go(may_sleep);
        if (halt != Halt::asleep) { break; }
        stage_.open_all();
        scene_.recoverer_sleeps(stage_);
        may_sleep = false;
    }
    return halt == (point != nullptr ? Halt::point : Halt::done);
}

void Sweep::sweep_second(const Point& first, Second second, std::size_t most) {
    std::vector<std::uintptr_t> steps;
    std::size_t slept_at = 0;
    if (!bring_second(first, second, nullptr, steps, slept_at)) {
        // Nobody to recover, or a sleeper that does not sleep yet at this point, or no longer.
        if (second_.pid() == 0 || (second == Second::sleeper && slept_at == SIZE_MAX)) { return; }
        stage_.complain(Fault::wedged, "who recovers came to nothing");
        ++recovery_.points;
        return judge(recovery_, first, "recovery", 0);
    }
    std::vector<Point> points;
    for (const Point& point : points_of(steps, slept_at, 0)) {
        if (second == Second::newcomer || point.after_sleep) { points.push_back(point); }
    }
    points = chosen(points, most);
    for (std::size_t at = 0; at < points.size() && !enough(); ++at) {
        progress(scene_.name(), "recovery", at, points.size());
        if (!bring_second(first, second, &points[at], steps, slept_at)) {
            ++recovery_.not_met;
            continue;
        }
        ++recovery_.points;
        stage_.settle();
        scene_.reckon(stage_, second_.pid());
        second_.kill();
        scene_.others_end(stage_);
        scene_.newcomers(stage_);
        scene_.account(stage_, false);
        judge(recovery_, points[at], "recovery", 0);
    }
}

std::size_t Sweep::recoveries_max() const {
    const std::size_t all = scene_.recoveries();
    return options_.blows_max != 0 ? std::min(share_of(kRecoveries), all) : all;
}

void Sweep::strike_recoverers() {
    const std::size_t kinds = scene_.has_sleepers() ? 2 : 1;
    std::size_t states = states_.size();
    if (options_.blows_max != 0) {  // Steps take long.
        const std::size_t stepped = std::max<std::size_t>(share_of(6), 1);
        states = std::min(states, stepped);
    }
    const std::size_t all = recoveries_max();
    const std::size_t most = all / (states * kinds + 1) + 1;
    for (const auto& [hash, point] : states_) {
        const auto done = static_cast<std::size_t>(recovery_.points);
        if (enough() || done >= all) { return; }
        sweep_second(point, Second::newcomer, most);
        if (kinds == 2) { sweep_second(point, Second::sleeper, most); }
    }
}

}  // namespace crash
