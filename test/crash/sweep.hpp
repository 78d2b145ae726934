// Plays a scene once for each point of the victim's operation, and for each kind of blow.
#ifndef BROOD_TEST_CRASH_SWEEP_HPP
#define BROOD_TEST_CRASH_SWEEP_HPP

#include <map>

#include "scene.hpp"

namespace crash {

struct Options {
    bool verbose = false;
    bool until_first = false;    ///< Leave a scene at its first fault.
    std::size_t blows_max = 0;   ///< In a scene, of all kinds in turns; 0: every one everywhere.
    bool is_short = false;       ///< Scenes take their short_share() of that.
    std::size_t stragglers = 8;  ///< Killed, or slow, up to so many instructions later.
    std::int64_t patience_ms = 2000;
};

/// What became of the points that were tried.
struct Totals {
    long points = 0;
    long not_met = 0;  ///< The victim ended before: its path was another this time.
    long faults[5] = {};

    long bad() const;
    Totals& operator+=(const Totals& other);
};

class Sweep {
public:
    Sweep(Scene& scene, Stage& stage, const Options& options);

    /// Steps through the operation once. False: it did not come to its end.
    bool record();
    /// Kills at a few points, to see how long one takes. Returns: how many.
    std::size_t probe();
    /// How much is to come, about: in plays that take as long as those of the probe.
    std::size_t expected() const;
    /// Every point, by every blow.
    void strike_victims();
    /// For each distinct state that the kills left: kills somebody who recovers it, at every point.
    void strike_recoverers();
    /// Ends whoever is still there of the last blow.
    void clear();

    const char* name() const { return scene_.name(); }
    bool recorded() const { return !points_.empty(); }
    const Totals& totals() const { return totals_; }
    const Totals& recovery() const { return recovery_; }
    std::size_t instructions() const { return steps_.size(); }
    std::size_t points() const { return points_.size(); }
    std::size_t states() const { return states_.size(); }

private:
    /// What befalls the victim, and who comes meanwhile.
    struct Variant {
        Blow blow;
        std::size_t later;
        int crowd;
    };
    static constexpr std::size_t kRecoveries = 30;  // In short.
    enum class Second { newcomer, sleeper };

    void add_blows_at_threads();

    std::vector<Point> addresses() const;
    void set_scene();
    Halt start_victim();
    Halt drive(Tracee& tracee, const Point& point);
    Halt record_victim(std::vector<Point>& points);
    Halt follow_guest(Tracee& guest, bool recovers, const Point* point,
                      std::vector<std::uintptr_t>& steps);
    Halt record_guest(std::vector<Point>& points);
    bool bring_recovering_guest(const Point& first, const Point* point,
                                std::vector<std::uintptr_t>& steps);
    void strike_in_turns();
    std::size_t share_of(std::size_t most) const;
    std::size_t recoveries_max() const;
    void strike(const Point& point, const Variant& variant);
    void let_others(Blow blow);
    void stop_victim(Blow blow);
    void slow_victim(std::size_t later);
    void release_victim();
    void pause_victim();
    bool bring_other_amid(std::size_t later);
    void cross_victim(Blow blow, std::size_t later);
    void meet_victim(const Point& point, std::size_t later);
    void kill_victim(Blow blow, std::size_t later);
    bool bring_second(const Point& first, Second second, const Point* point,
                      std::vector<std::uintptr_t>& steps, std::size_t& slept_at);
    void sweep_second(const Point& first, Second second, std::size_t most);
    std::uint64_t state_now() const;
    void judge(Totals& totals, const Point& point, const char* what, std::size_t later);
    bool enough() const { return options_.until_first && totals_.bad() + recovery_.bad() > 0; }

    Scene& scene_;
    Stage& stage_;
    const Options& options_;
    char end_[48];  // how the victim ended, for complaints
    Tracee victim_, second_;
    std::vector<std::uintptr_t> steps_;
    std::vector<Point> points_;
    std::map<std::uint64_t, Point> states_;
    Totals totals_, recovery_;
    std::vector<Variant> plain_ = {{Blow::kill, 0, 1}};  // Those that fall on every point.
    std::vector<Variant> variants_;                      // The others.
    int crowd_ = 1;
    int told_ = 0;
};

/// At most `most` of `points` (0: all), spread evenly.
std::vector<Point> chosen(const std::vector<Point>& points, std::size_t most);

}  // namespace crash

#endif
