// The host of a pool in a scene: what it asks of the pool, and what it must be told.
#ifndef BROOD_TEST_CRASH_POOL_HOST_HPP
#define BROOD_TEST_CRASH_POOL_HOST_HPP

#include <brood/pool.hpp>

#include "../pool_window.hpp"
#include "stage.hpp"

namespace crash {

enum class Act {
    create,
    submit,
    submit_to_full,
    map,
    get,
    wait_timed,
    drop,
    cancel,
    time_out,  // submits a task that will have had its time
    close,
    join,
    terminate,
    resize,
    nothing,
};
enum class Care { none, plain, retries, timed, worn };
/// How the host hears of an end that it waits for.
enum class Ear { bell, descriptor, wait };

struct PoolPlan {
    const char* name;
    Act act;
    int workers = 1;
    int held = 0;        // tasks that are in a worker each, until the host wants their results
    int before = 0;      // tasks submitted behind those
    int tasks = 1;       // Act::submit: so many; Act::resize: so many workers
    bool waits = false;  // the host sleeps for the last of them
    Care care = Care::none;
    Ear ear = Ear::bell;
};

inline constexpr int kPoolTasks = 64, kPoolCapacity = 8;

/// What the processes of a scene with a pool share, all zero at first.
struct Talk {
    test::PoolPlace place;
    std::atomic<int> is_ready;  // the host
    std::atomic<int> more;      // tasks that it shall submit when `on` opens
    Gate go, on, hold;          // its act; further tasks; the end of those that are held
    Gate other_hold;            // and of those of its other thread
    std::atomic<std::uint32_t> runs[kPoolTasks];
    std::atomic<int> died;     // tasks of which the host was told that
    std::atomic<pid_t> other;  // the host's other thread, if it has one

    // By who kills.
    std::atomic<int> deaths;     // tasks that were in a worker when it was killed
    std::atomic<int> is_broken;  // the supervisor was killed
};

/// Argument and result of all tasks: the one takes the place of the other.
struct Numbers {
    std::uint32_t at[8];
};

class PoolHost {
public:
    /// `self`: its line on the board.
    PoolHost(Stage& stage, Talk& talk, const PoolPlan& plan, int self)
        : stage_(stage), talk_(talk), plan_(plan), self_(self) {}
    /// What another thread of the host does with the pool of `first`, who alone ends it. Its tasks
    /// have the numbers from the middle on.
    PoolHost(PoolHost& first, const PoolPlan& plan, int self)
        : stage_(first.stage_), talk_(first.talk_), plan_(plan), self_(self), of_(first.of_) {
        first_ = count_ = kPoolTasks / 2;
    }

    /// Makes the pool and submits what there is before. All are at rest when it returns.
    void open();
    bool make();
    void prepare();  ///< The submissions alone.
    void await_rest();
    void act();
    void submit(int count);
    void collect_all() { collect(first_); }
    /// Collects everything, sees real work done, and ends the pool.
    void finish();

private:
    using Future = brood::Future<Numbers>;
    /// What all its threads know.
    struct Common {
        brood::Pool pool;
        std::atomic<bool> is_closed{false}, is_terminated{false};
    };

    Future* put(Numbers (*task)(int, const Numbers&), const brood::TaskOptions* options = nullptr);
    void map();
    void get(int task);
    void judge(int task, const brood::Result<Numbers>& got);
    void judge_result(int task, const Numbers& got);
    bool collect(int from);
    void leave_pool();
    void work();
    void expect(bool condition, Fault fault, const char* text) {
        stage_.check(condition, fault, text, self_);
    }
    bool is_broken() const { return talk_.is_broken.load() != 0; }

    Stage& stage_;
    Talk& talk_;
    const PoolPlan& plan_;
    int self_;
    Common own_;
    Common& of_ = own_;
    brood::Pool& pool_ = of_.pool;
    Future futures_[kPoolTasks];
    bool is_judged_[kPoolTasks] = {};
    int first_ = 0, count_ = 0;
    int unwanted_ = -1;  // the task that was cancelled
    bool is_over_ = false;
};

/// How often a task may be run again, if the plan has that.
inline constexpr std::uint32_t kRetries = 4;

/// Where tasks count their runs.
extern Talk* talk;

}  // namespace crash

#endif
