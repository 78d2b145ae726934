#include "sweep.hpp"

#include <stdio.h>
#include <string.h>

#include <algorithm>

#include "report.hpp"

namespace crash {
namespace {

constexpr int kSlowSteps = 24;

}  // namespace

const char* name_of(Blow blow) {
    switch (blow) {
        case Blow::kill: return "kill";
        case Blow::late_kill: return "late kill";
        case Blow::overtaken: return "overtaken, then killed";
        case Blow::straggler: return "others come, then killed";
        case Blow::slow: return "slow";
        case Blow::stop: return "stop";
        case Blow::long_stop: return "long stop";
        case Blow::pause: return "pause";
        case Blow::cross: return "amid the other's operation";
        case Blow::meet: return "met by one amid its operation";
        case Blow::cross_kill: return "amid the other's operation, then killed";
    }
    return "?";
}

long Totals::bad() const {
    long sum = 0;
    for (std::size_t i = 1; i < 5; ++i) { sum += faults[i]; }
    return sum;
}

Totals& Totals::operator+=(const Totals& other) {
    points += other.points;
    not_met += other.not_met;
    for (std::size_t i = 0; i < 5; ++i) { faults[i] += other.faults[i]; }
    return *this;
}

std::vector<Point> chosen(const std::vector<Point>& points, std::size_t most) {
    if (most == 0 || points.size() <= most) { return points; }
    std::vector<Point> some;
    for (std::size_t i = 0; i < most; ++i) { some.push_back(points[i * points.size() / most]); }
    return some;
}

Sweep::Sweep(Scene& scene, Stage& stage, const Options& options)
    : scene_(scene), stage_(stage), options_(options) {
    if (scene.has_threads()) {
        add_blows_at_threads();
        return;
    }
    constexpr Blow kOnce[] = {Blow::late_kill, Blow::overtaken, Blow::stop, Blow::long_stop};
    const std::size_t stragglers = std::min(options.stragglers, scene.stragglers_max());
    for (const int crowd : scene.crowds()) {
        for (const Blow blow : kOnce) { variants_.push_back({blow, 0, crowd}); }
        for (std::size_t later = 1; later <= stragglers; ++later) {
            variants_.push_back({Blow::straggler, later, crowd});
            variants_.push_back({Blow::slow, later, crowd});
        }
    }
}

void Sweep::clear() {
    second_.kill();  // First: it may be a thread of the victim.
    victim_.kill();
    stage_.clear();
}

void Sweep::set_scene() {
    clear();
    stage_.patience_ns = options_.patience_ms * 1000000;
    scene_.understudy_called = false;
    scene_.set(stage_);
}

Halt Sweep::start_victim() {
    const auto act = [this] {
        scene_.victim_before(stage_);
        operation_begins();
        scene_.victim_acts(stage_);
        operation_ends();
        scene_.victim_after(stage_, Board::kVictim);
        return 0;
    };
    const bool begun = scene_.has_guest() ? scene_.bring_guest(stage_, victim_)
                                          : victim_.start(act);
    if (!begun) { return Halt::stuck; }
    stage_.victim = victim_.pid();
    scene_.victim_ready(stage_);
    return Halt::point;
}

Halt Sweep::record_victim(std::vector<Point>& points) {
    if (start_victim() == Halt::stuck) { return Halt::stuck; }
    if (scene_.has_guest()) { return record_guest(points); }
    std::size_t slept_at = SIZE_MAX;
    std::uint32_t sleeps = 0;
    Halt halt;
    for (bool may_sleep = true;;) {
        halt = victim_.record(steps_, may_sleep, stage_.patience_ns);
        if (halt != Halt::asleep) { break; }
        if (sleeps == 0) { slept_at = steps_.size(); }
        may_sleep = scene_.victim_sleeps(stage_, static_cast<int>(sleeps++));
    }
    points = points_of(steps_, slept_at, sleeps);
    return halt;
}

bool Sweep::record() {
    set_scene();
    stage_.stepped = true;
    const Halt halt = record_victim(points_);
    stage_.stepped = false;
    if (halt != Halt::done) {
        points_.clear();
        stage_.complain(Fault::wedged, "the operation does not come to its end");
        const Point last = {steps_.empty() ? 0 : steps_.back(), 1, true};
        judge(totals_, last, "step by step", 0);
    }
    clear();
    return recorded();
}

std::size_t Sweep::probe() {
    const std::vector<Point> few = chosen(points_, 5);
    for (const Point& point : few) {
        if (!enough()) { strike(point, {Blow::late_kill, 0, 1}); }
    }
    return few.size();
}

// Each address once.
std::vector<Point> Sweep::addresses() const {
    std::vector<Point> first;
    for (const Point& point : points_) {
        if (point.nth == 1) { first.push_back(point); }
    }
    return first;
}

std::size_t Sweep::share_of(std::size_t most) const {
    return options_.is_short ? most / scene_.short_share() : most;
}

// That of recoverers is a guess: it depends on how many states the kills leave.
std::size_t Sweep::expected() const {
    if (options_.blows_max != 0) { return share_of(options_.blows_max) + recoveries_max(); }
    return points_.size() * (plain_.size() + scene_.rounds()) + recoveries_max();
}

// Brings the victim to its point, letting happen what it waits for.
Halt Sweep::drive(Tracee& tracee, const Point& point) {
    if (scene_.has_guest()) {
        const Halt halt = follow_guest(tracee, false, &point, steps_);
        if (halt != Halt::asleep) { return halt; }
        return point.address == 0 ? Halt::point : Halt::done;
    }
    std::uint32_t sleeps = 0;
    for (bool may_sleep = true;;) {
        const Halt halt = scene_.others_run_before(point)
                              ? tracee.walk_to(point, may_sleep, SIZE_MAX, stage_.patience_ns)
                              : tracee.run_to(point, may_sleep, stage_.deadline());
        if (halt != Halt::asleep) { return halt; }
        ++sleeps;
        if (point.address == 0 && point.nth == sleeps) { return Halt::point; }
        may_sleep = scene_.victim_sleeps(stage_, static_cast<int>(sleeps - 1));
    }
}

std::uint64_t Sweep::state_now() const {
    const Extent extent = scene_.state();
    const std::vector<pid_t> company = stage_.company ? stage_.company() : std::vector<pid_t>();
    std::uint64_t hash = scene_.has_guest() ? 0 : victim_.last_will();
    for (std::size_t at = 0; at + 4 <= extent.bytes; at += 4) {
        std::uint32_t word = 0;
        memcpy(&word, static_cast<const unsigned char*>(extent.at) + at, 4);
        // Who is who, in place of the numbers that processes have this time.
        const std::uint32_t number = word & 0x3fffffffu;
        std::uint32_t role = number == static_cast<std::uint32_t>(victim_.pid()) ? 100 : 0;
        for (int i = 0; i < stage_.actors(); ++i) {
            if (stage_.pid(i) != 0 && number == static_cast<std::uint32_t>(stage_.pid(i))) {
                role = 101 + static_cast<std::uint32_t>(i);
            }
        }
        for (std::size_t i = 0; i < company.size() && role == 0; ++i) {
            if (number == static_cast<std::uint32_t>(company[i])) {
                role = 201 + static_cast<std::uint32_t>(i);
            }
        }
        if (role != 0) { word = (word & 0xc0000000u) | 0x20000000u | role; }
        hash = hash_of(&word, sizeof(word), hash);
    }
    return hash;
}

// The others come, and come and go.
void Sweep::let_others(Blow blow) {
    if (blow == Blow::kill) { return; }
    scene_.meanwhile(stage_, victim_.pid(), crowd_);
    if (blow != Blow::overtaken && blow != Blow::long_stop) { return; }
    stage_.open_all();
    stage_.settle();
}

void Sweep::stop_victim(Blow blow) {
    stage_.check(victim_.stop(), Fault::wrong, "the victim could not be stopped");
    let_others(blow);
    release_victim();
}

void Sweep::slow_victim(std::size_t later) {
    let_others(Blow::slow);
    victim_.step(later, stage_.deadline());
    stage_.open_all();
    stage_.settle();
    for (int i = 0; i < kSlowSteps && victim_.step(1, stage_.deadline()); ++i) { stage_.settle(); }
    stage_.check(victim_.stop(), Fault::wrong, "the victim could not be stopped");
    release_victim();
}

void Sweep::release_victim() {
    victim_.go_on();
    scene_.others_end(stage_);
    const int code = victim_.end(stage_.deadline());
    stage_.check(code != -1, Fault::wedged, "the victim did not end after SIGCONT");
    snprintf(end_, sizeof(end_), "the victim ended badly: %d", code);
    stage_.check(code == 0 || code == -1, Fault::wrong, end_);
    scene_.newcomers(stage_);
    scene_.account(stage_, true);
}

void Sweep::kill_victim(Blow blow, std::size_t later) {
    let_others(blow);
    victim_.step(later, stage_.deadline());
    stage_.settle();
    scene_.reckon(stage_, victim_.pid());
    victim_.kill();
    scene_.others_end(stage_);
    scene_.newcomers(stage_);
    scene_.account(stage_, false);
}

void Sweep::strike(const Point& point, const Variant& variant) {
    const auto [blow, later, crowd] = variant;
    crowd_ = crowd;
    set_scene();
    Halt halt = start_victim();
    if (halt != Halt::stuck && blow != Blow::meet) { halt = drive(victim_, point); }
    if (halt == Halt::done || halt == Halt::ended) {
        ++totals_.not_met;
        return;
    }
    ++totals_.points;
    if (halt == Halt::stuck) {
        stage_.complain(Fault::wedged, "the victim itself came to nothing");
    } else if (blow == Blow::stop || blow == Blow::long_stop) {
        stop_victim(blow);
    } else if (blow == Blow::slow) {
        slow_victim(later);
    } else if (blow == Blow::meet) {
        meet_victim(point, later);
    } else if (blow == Blow::pause) {
        pause_victim();
    } else if (blow == Blow::cross || blow == Blow::cross_kill) {
        cross_victim(blow, later);
    } else {
        if (blow == Blow::kill) {
            stage_.settle();
            states_.emplace(state_now(), point);
        }
        kill_victim(blow, later);
    }
    judge(totals_, point, name_of(blow), later);
}

void Sweep::judge(Totals& totals, const Point& point, const char* what, std::size_t later) {
    const char* complaint = nullptr;
    const Fault fault = stage_.fault(&complaint);
    ++totals.faults[static_cast<std::size_t>(fault)];
    if (fault != Fault::none && (options_.verbose || told_++ < 3)) {
        report_fault(scene_.name(), what, point, later, fault, complaint, stage_.picture());
    }
}

// Round all addresses, spread evenly. Each second blow is a plain one; between are others, not the
// same for neighbours, nor in each round.
void Sweep::strike_in_turns() {
    const std::vector<Point> points = addresses();
    const std::size_t rounds_most = 1 + variants_.size();
    const std::size_t blows = std::min(share_of(options_.blows_max), points.size() * rounds_most);
    const std::size_t rounds = (blows + points.size() - 1) / points.size();
    for (std::size_t blow = 0; blow < blows && !enough(); ++blow) {
        progress(scene_.name(), "blows in turns", blow, blows);
        const std::size_t at = blow * rounds * points.size() / blows;
        const bool is_plain = (at % points.size() + at / points.size()) % 2 == 0;
        const std::vector<Variant>& kinds = is_plain ? plain_ : variants_;
        strike(points[at % points.size()], kinds[blow / 2 % kinds.size()]);
    }
}

void Sweep::strike_victims() {
    if (options_.blows_max != 0) { return strike_in_turns(); }
    for (const Variant& plain : plain_) {
        for (std::size_t at = 0; at < points_.size() && !enough(); ++at) {
            progress(scene_.name(), name_of(plain.blow), at, points_.size());
            strike(points_[at], plain);
        }
    }
    std::size_t next = 0;
    for (std::size_t round = 0; round < scene_.rounds(); ++round) {
        for (std::size_t at = 0; at < points_.size() && !enough(); ++at) {
            progress(scene_.name(), "blows in turns", at, points_.size());
            strike(points_[at], variants_[next++ % variants_.size()]);
        }
        next += round + 1;  // Should there be as many points as variants.
    }
}

}  // namespace crash
