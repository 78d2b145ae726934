// The runner of `brood run`: the process that starts the jobs, collects what they write, and ends
// them.
#ifndef BROOD_TOOLS_RUN_RUNNER_HPP
#define BROOD_TOOLS_RUN_RUNNER_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <poll.h>
#include <signal.h>

#include <tools/run/arguments.hpp>
#include <tools/run/job.hpp>
#include <tools/run/job_log.hpp>
#include <tools/run/options.hpp>
#include <tools/run/summary.hpp>

namespace tool::run {

/// What the runner shares with the process above it: the groups that are alive, 0 in free places.
struct Groups {
    static constexpr std::size_t kMax = static_cast<std::size_t>(Options::kJobsMax);
    std::atomic<std::int32_t> list[kMax];
};

/// It is a child of the process that the user knows, and so of whom he interrupts or kills: that
/// one hands signals on through a pipe, a byte each, whose end says that it has died. The runner is
/// the parent of the jobs, so whom it kills then are surely they: none is reaped before.
///
/// Killed here: a job itself dies with the runner ("tied": a daemon of brood's, on systems that can
///              do it for a program), and the process above kills the groups (orphans.hpp).
class Runner {
public:
    Runner(const Options& options, Arguments& arguments, JobLog& log, Groups& groups,
           int orders) noexcept
        : options_(options),
          arguments_(arguments),
          log_(log),
          groups_(groups),
          orders_(orders),
          progress_(options.progress) {}
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    /// The exit status: 128 + N if signal N ended it.
    int run() noexcept;

private:
    enum class Stop : unsigned char { no, soon, now };

    // Starting.
    bool make_places() noexcept;
    void feed() noexcept;
    void start_waiting() noexcept;
    bool may_launch() const noexcept;
    bool gather() noexcept;
    void launch() noexcept;
    bool is_done_before(Job& job) noexcept;
    void start(Job& job) noexcept;
    Job& take_idle() noexcept;
    void put_back(Job& job) noexcept;
    void give_up_slot(Job& job) noexcept;

    // Waiting.
    void sleep() noexcept;
    std::int64_t next_due() const noexcept;
    bool is_readable(int fd) const noexcept;
    void take_orders() noexcept;
    void take_order(int signal) noexcept;
    [[noreturn]] void abandon() noexcept;
    void reap() noexcept;
    void read_streams() noexcept;
    void look() noexcept;

    // Ending.
    void conclude(Job& job) noexcept;
    void end_for_good(Job& job) noexcept;
    void complain_of_holding() noexcept;
    void end_after(const Outcome& outcome) noexcept;
    void stop(Stop how) noexcept;
    void settle() noexcept;
    bool may_write(const Job& job) const noexcept;
    bool retire(Job& job) noexcept;
    void check(const Outlet& outlet) noexcept;
    bool is_over() noexcept;
    void drop_output() noexcept;
    void complain(const char* what, const char* why) noexcept;
    int finish() noexcept;

    const Options& options_;
    Arguments& arguments_;
    JobLog& log_;
    Groups& groups_;
    int orders_;

    Job* jobs_ = nullptr;
    Job *idle_ = nullptr, *first_ = nullptr, *last_ = nullptr;  // Under way: in their order.
    std::size_t running_ = 0, waiting_ = 0;
    bool slots_[Groups::kMax] = {};  // Whose are those of jobs that run or wait.
    Items items_;
    std::uint64_t number_ = 0;
    bool input_ended_ = false, wants_input_ = false;
    bool tied_ = true;
    std::int64_t not_before_ns_ = 0;  // After a start that failed for want of something.

    pollfd polled_[2 * Groups::kMax + 4];
    std::size_t polled_count_ = 0;
    const sigset_t* asleep_ = nullptr;  // What is blocked while it sleeps.

    Stop stop_ = Stop::no;
    int interrupted_by_ = 0;
    std::int64_t paused_at_ns_ = 0;  // 0: it is not.
    Outlet out_{1}, err_{2};
    int write_error_ = 0;
    Buffer<char> line_;
    Summary summary_;
    ProgressLine progress_;
};

}  // namespace tool::run

#endif
