// The storm: processes that work are killed, stopped, continued and signalled at random moments, in
// gusts. Between them comes a hush, in which some shall rest and the others must then be able to do
// all that is possible: so whoever waits for what is there is seen, however busy it was before.
#ifndef BROOD_TEST_STORM_WEATHER_HPP
#define BROOD_TEST_STORM_WEATHER_HPP

#include <sys/types.h>

#include <atomic>
#include <cstdint>

namespace storm {

inline constexpr unsigned kSeats = 16;

std::int64_t now_ns();
void sleep_us(std::int64_t us);

/// Deterministic numbers (xorshift64).
class Chance {
public:
    explicit Chance(std::uint64_t seed) : state_(seed * 2654435761u + 88172645463325252u) {}
    std::uint32_t below(std::uint32_t limit) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<std::uint32_t>((state_ >> 11) % limit);
    }
    bool once_in(std::uint32_t times) { return below(times) == 0; }

private:
    std::uint64_t state_;
};

/// What a process and the storm tell each other, where a kill leaves it alone.
struct alignas(64) Seat {
    std::atomic<std::uint32_t> doomed;  // a SIGKILL is on its way, or has come
    std::atomic<std::uint32_t> rests;   // which hush it has seen, and obeys
};

struct Sky {
    std::atomic<std::uint32_t> hush;  // number << 2 | roles that shall rest
    std::atomic<std::uint32_t> over;
    Seat seat[kSeats];
};

/// The storm, as a process in it sees it.
class Here {
public:
    Here(Sky& sky, unsigned seat, unsigned role)
        : sky_(sky), seat_(sky.seat[seat]), role_(role), chance_(seat + now_of_birth()) {}
    /// Before each operation: rests as long as there is a hush.
    void rest_in_hush();
    /// The same. False: it is all over.
    bool goes_on() {
        rest_in_hush();
        return sky_.over.load(std::memory_order_relaxed) == 0;
    }
    Chance& chance() { return chance_; }
    /// Works for up to `us`, or sleeps.
    void spin(std::uint32_t us);

private:
    static std::uint64_t now_of_birth() { return static_cast<std::uint64_t>(now_ns()); }
    Sky& sky_;
    Seat& seat_;
    unsigned role_;
    Chance chance_;
};

/// What was found. Prints the first of it.
class Faults {
public:
    [[gnu::format(printf, 4, 5)]] void add(const char* scene, const char* what, const char* format,
                                           ...);
    long count() const { return count_; }

private:
    long count_ = 0;
};

/// Something that processes share and do. All calls come from the storm but act().
class Scene {
public:
    Scene() = default;
    virtual ~Scene() = default;
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    virtual const char* name() const = 0;
    /// A round begins: everything is made anew.
    virtual void set(Sky& sky, Chance& chance) = 0;
    /// How many seats there are in this round, up to kSeats, and the role, 1 or 2, of each.
    virtual unsigned seats() const = 0;
    virtual unsigned role_of(unsigned seat) const = 0;
    /// In a process of its own. Returns 0, or 1 after it has said what failed.
    virtual int act(unsigned seat, Here& here) = 0;
    /// A blow may fall on somebody whom one in a seat has started. False: it falls on a seat.
    virtual bool strike(Chance&) { return false; }
    /// Those whom strike() has stopped go on.
    virtual void go_on() {}
    /// The one in this seat was killed, and is gone.
    virtual void reckon(unsigned seat) = 0;
    /// Who shall rest in the next hush: one role or both.
    virtual unsigned next_hush(Chance& chance) = 0;
    /// Those rest: whether all that the others could do is done.
    virtual bool is_quiet(unsigned resting) = 0;
    /// Whether the round should end early.
    virtual bool is_used_up() { return false; }
    /// After sky.over: all of role 1 have ended, and those of role 2 shall.
    virtual void end() {}
    /// All have ended.
    virtual void account(Faults& faults) = 0;
    /// A line of totals, ended by the caller.
    virtual void print(double seconds) const = 0;
};

struct Options {
    double seconds = 120;
    std::int64_t patience_ms = 10000;  // that a hush may take
    std::uint64_t seed = 1;
    const char* scene = "";
    bool until_first = false;
};

class Weather {
public:
    Weather(Scene& scene, Sky& sky, const Options& options, Faults& faults)
        : scene_(scene), sky_(sky), options_(options), faults_(faults), chance_(options.seed) {}
    /// Rounds for so long.
    void rage(double seconds);
    void print() const;

private:
    struct Person {
        pid_t pid = 0;
        bool is_stopped = false;
    };
    void play_round();
    void start(unsigned seat);
    void fill();
    void gust();
    void strike(unsigned seat);
    void kill_one(unsigned seat);
    void go_on();
    bool look_who_left();
    bool is_last_of_its_role(unsigned seat) const;
    bool has_rested(unsigned roles, std::uint32_t hush);
    bool hush();
    bool has_ended(unsigned role);
    bool wait_until_ended(unsigned role);
    template <class F>
    bool await(const char* what, F condition);
    void describe();
    void end_all();
    void show_progress(double left);

    Scene& scene_;
    Sky& sky_;
    const Options& options_;
    Faults& faults_;
    Chance chance_;
    Person person_[kSeats];
    bool is_broken_ = false;  // this round
    std::uint32_t hushes_ = 0;
    long rounds_ = 0, kills_ = 0, stops_ = 0, signals_ = 0;
    std::int64_t longest_ns_ = 0;
    double seconds_ = 0;
};

}  // namespace storm

#endif
