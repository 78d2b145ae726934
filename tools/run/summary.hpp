// What became of the jobs: counts, the exit status, the line of progress.
#ifndef BROOD_TOOLS_RUN_SUMMARY_HPP
#define BROOD_TOOLS_RUN_SUMMARY_HPP

#include <cstddef>
#include <cstdint>

#include <tools/run/job.hpp>

namespace tool::run {

struct Summary {
    std::int64_t begun_ns = 0;
    std::uint64_t succeeded = 0, failed = 0, timed_out = 0, killed = 0, not_executed = 0;
    std::uint64_t stopped = 0, retried = 0, skipped = 0;  // skipped: they were in the job log.
    bool has_failed = false;                              // Something that is no job.

    /// Counts a job that has ended for good. Failed are also those that are counted as timed out,
    /// killed or not executed.
    void count(const Outcome& outcome) noexcept;
    std::uint64_t done() const noexcept { return succeeded + failed; }
    int status() const noexcept;
    /// `status`: that of brood run.
    void print_json(int status) const noexcept;

private:
    bool ended_255_ = false, cannot_run_ = false, not_found_ = false, ended_bad_ = false;
};

/// What a line of brood's own says of a job that ended by no exit status from 0 to 254; false:
/// nothing.
bool describe(const Job& job, Buffer<char>& to) noexcept;

/// A line on standard error that is drawn again and again.
class ProgressLine {
public:
    explicit ProgressLine(bool on) noexcept : on_(on) {}
    bool is_on() const noexcept { return on_; }
    void show(const Summary& summary, std::size_t running, std::int64_t now) noexcept;
    /// The last time, and for good.
    void end(const Summary& summary) noexcept;
    /// Wipes it out: something else will be written.
    void hide() noexcept;
    /// When it is to be drawn again.
    std::int64_t due_ns() const noexcept { return on_ ? due_ns_ : kNever; }

private:
    void draw(const Summary& summary, std::size_t running) noexcept;

    bool on_;
    std::int64_t due_ns_ = 0;
    std::size_t width_ = 0;
};

}  // namespace tool::run

#endif
