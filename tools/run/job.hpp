// A job: one command that runs in a process group of its own, from its start to the end of the last
// process of the group.
#ifndef BROOD_TOOLS_RUN_JOB_HPP
#define BROOD_TOOLS_RUN_JOB_HPP

#include <cstdint>

#include <brood/process.hpp>
#include <tools/run/command_line.hpp>
#include <tools/run/options.hpp>
#include <tools/run/output.hpp>

namespace tool::run {

/// Monotonic, in nanoseconds.
std::int64_t now_ns() noexcept;
inline constexpr std::int64_t kMillisecond = 1000000, kNever = INT64_MAX;

/// How a job ended.
struct Outcome {
    int code = 0;      ///< As Process::exit_code(): of signal N -N.
    int os_error = 0;  ///< Of one that could not be executed; 0: it was.
    bool is_timed_out = false;
    bool is_stopped = false;  ///< By brood run itself: it does not count as having run.

    bool is_success() const noexcept { return code == 0 && os_error == 0 && !is_timed_out; }
};

class Job {
public:
    enum class State : unsigned char {
        idle,
        waiting,  ///< To be started (again).
        running,
        leaving,  ///< The job itself has ended; others of its group have not.
        ended,
    };

    /// What is not ok: nothing was started, and a retry may work. A program that cannot be executed
    /// is a job that has ended. `tied`: see Runner.
    brood::Status start(const Options& options, bool tied) noexcept;
    /// The job itself has ended, and was not yet reaped: it is now. What is left of its group is
    /// asked to end, or is killed if the job was to be.
    void reap(std::int64_t now) noexcept;
    /// Does what is due by now.
    void look(std::int64_t now) noexcept;
    /// When that is.
    std::int64_t due_ns() const noexcept { return due_ns_; }

    /// SIGTERM for the whole group, and after the grace SIGKILL.
    void terminate(std::int64_t now) noexcept;
    /// SIGKILL for the whole group.
    void kill() noexcept;
    /// Stops the group, or lets it go on; `lost_ns`: the time for which it was stopped.
    void pause() noexcept { signal(kStopIt); }
    void resume(std::int64_t lost_ns) noexcept;

    bool is_running() const noexcept { return state == State::running || state == State::leaving; }
    std::int32_t pid() const noexcept { return group_; }
    bool is_tried_again(std::int64_t retries) const noexcept;

    State state = State::idle;
    std::uint64_t number = 0;
    std::size_t slot = 0;  ///< From 0.
    CommandLine command;
    Stream out, err;
    Outcome outcome;
    std::int64_t attempts = 0;
    std::int64_t started_ns = 0, ended_ns = 0;  // The last attempt's.
    std::int64_t started_ms = 0;                // Since 1970.
    Job *next = nullptr, *previous = nullptr;   // In the list of those that are under way.

private:
    enum Signal { kStopIt, kGoOn, kAsk, kKill };
    void signal(Signal what) noexcept;
    bool is_group_left() const noexcept;
    void leave() noexcept;

    brood::Process process_;
    std::int32_t group_ = 0;
    std::int64_t grace_ns_ = 0;
    std::int64_t due_ns_ = kNever;
    std::int64_t timeout_at_ns_ = kNever, kill_at_ns_ = kNever, given_up_at_ns_ = kNever;
    std::int64_t pause_ns_ = 0;  // between two looks at what is left of the group
    bool is_killed_ = false;
};

}  // namespace tool::run

#endif
