// Where a scene is played: the processes that take part beside the victim, what they tell each
// other, and the account of what went wrong.
#ifndef BROOD_TEST_CRASH_STAGE_HPP
#define BROOD_TEST_CRASH_STAGE_HPP

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

namespace crash {

/// What a kill at one point led to, from bad to worse.
enum class Fault : std::uint8_t {
    none,
    wrong,       ///< Something was reported that is not so.
    lost,        ///< A message, a death, a permit that nobody heard of.
    duplicated,  ///< Something that two got.
    wedged,      ///< Somebody did not come on before the deadline.
};
const char* name_of(Fault fault);

/// A door between processes, shut at first.
class Gate {
public:
    void open();
    void pass();  ///< Sleeps until it is open.
    bool is_open() const { return word_.load() != 0; }

private:
    std::atomic<std::uint32_t> word_;
};

/// What the processes of a scene share, all zero at first.
struct Board {
    static constexpr int kActors = 32;
    static constexpr int kVictim = kActors - 1;  ///< Who has the last line.
    Gate gates[kActors];
    std::atomic<const char*> complaints[kActors];  ///< Literals: the same in every process.
    std::atomic<Fault> faults[kActors];
    std::atomic<int> counts[32];  ///< The scene's own.
};

class Stage {
public:
    Stage();
    ~Stage() { clear(); }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    Board& board() { return *board_; }
    Gate& gate(int actor) { return board_->gates[actor]; }
    std::atomic<int>& count(int which) { return board_->counts[which]; }

    /// Nobody there, nothing said. Whoever is left is killed.
    void clear();
    /// Starts a process that runs `body`, which complains of what goes wrong. Returns: its number.
    int start(const std::function<void(int actor)>& body);
    /// Waits until it sleeps, or is through.
    bool asleep(int actor);
    /// Waits until everybody (and `another`) sleeps or is through, and nothing moves by itself.
    /// False: they did not in time.
    bool settle(pid_t another = 0);
    /// Waits until it is through. False, and wedged, if it is not in time.
    bool end(int actor, const char* complaint);
    void open_all();  ///< The gates of those who are there.
    void kill(int actor);

    /// Who is there beside the actors, as of now: they are waited for as those. Until clear().
    std::function<std::vector<pid_t>()> company;
    /// The group of processes that the company is in, killed by clear(). 0: none.
    pid_t group = 0;
    /// Waits until nobody of the group is left. False: some were in no time.
    bool group_ends();

    /// The first and worst of a point counts. From any process; `actor` -1: the tracer.
    void complain(Fault fault, const char* text, int actor = -1);
    void check(bool condition, Fault fault, const char* text, int actor = -1) {
        if (!condition) { complain(fault, text, actor); }
    }
    Fault fault(const char** text = nullptr) const;
    /// Who was where when the tracer first complained that somebody is wedged; "" if it did not.
    const char* picture() const { return picture_; }
    pid_t victim = 0;  ///< Who is in it, too.

    int actors() const { return actors_; }
    pid_t pid(int actor) const { return pids_[actor]; }
    int present() const;   ///< How many of them live.
    bool stepped = false;  ///< The victim is, and takes its time.
    std::int64_t patience_ns = 2000000000;
    std::int64_t deadline() const;
    /// Whether it has passed, and nobody is at work who may only be late.
    bool is_over(std::int64_t deadline_ns) const;

private:
    bool is_any_at_work() const;
    bool all_rest() const;
    bool has_group() const;
    void end_group();
    void take_picture();

    Board* board_;
    pid_t pids_[Board::kActors] = {};
    int actors_ = 0;
    char picture_[2000] = {};
    Fault own_fault_ = Fault::none;
    const char* own_complaint_ = nullptr;
};

}  // namespace crash

#endif
