// Of a sweep: victims, and those who recover, that others have started.
#include "sweep.hpp"

namespace crash {

// To a point, or, without one, step by step to where it is through: then it sleeps or has ended.
Halt Sweep::follow_guest(Tracee& guest, bool recovers, const Point* point,
                         std::vector<std::uintptr_t>& steps) {
    std::int64_t until = stage_.deadline();
    for (std::size_t done = 0;;) {
        const Halt halt = point != nullptr ? guest.run_to(*point, true, stage_.deadline())
                                           : guest.record(steps, true, stage_.patience_ns);
        if (halt != Halt::asleep) { return halt; }
        if (recovers ? scene_.recoverer_is_through(stage_) : scene_.guest_is_through(stage_)) {
            return Halt::asleep;
        }
        if (steps.size() != done) { until = stage_.deadline(); }
        done = steps.size();
        if (stage_.is_over(until)) { return Halt::stuck; }
    }
}

Halt Sweep::record_guest(std::vector<Point>& points) {
    const Halt halt = follow_guest(victim_, false, nullptr, steps_);
    const bool is_through = halt == Halt::asleep || halt == Halt::ended;
    points = points_of(steps_, SIZE_MAX, halt == Halt::asleep ? 1 : 0);
    return is_through ? Halt::done : halt;
}

// As bring_second(): who recovers sleeps, or works, when the victim ends.
bool Sweep::bring_recovering_guest(const Point& first, const Point* point,
                                   std::vector<std::uintptr_t>& steps) {
    set_scene();
    if (start_victim() != Halt::point || drive(victim_, first) != Halt::point) { return false; }
    stage_.settle();
    if (!scene_.bring_recoverer(stage_, second_)) { return false; }
    scene_.reckon(stage_, victim_.pid());
    victim_.kill();
    const Halt halt = follow_guest(second_, true, point, steps);
    if (point == nullptr) { return halt == Halt::asleep || halt == Halt::ended; }
    return halt == Halt::point;
}

}  // namespace crash
