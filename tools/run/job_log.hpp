// The job log: a line for each job that has ended, as GNU parallel writes it, to resume from.
#ifndef BROOD_TOOLS_RUN_JOB_LOG_HPP
#define BROOD_TOOLS_RUN_JOB_LOG_HPP

#include <cstdint>

#include <tools/run/buffer.hpp>
#include <tools/run/job.hpp>

namespace tool::run {

/// Seq Host Starttime JobRuntime Send Receive Exitval Signal Command, with tabs between them.
///
/// Crash: a line is one write() at the end of the file. One that is torn all the same (a full disk,
///        a machine that fails) has no end, and is cut off before the log is gone on with.
class JobLog {
public:
    enum class Known { no, yes, differs };

    ~JobLog();
    /// Without options.job_log there is none. False: what is wrong has been said.
    bool open(const Options& options) noexcept;
    /// Whether the job need not run again. differs: in the log that number is another command's.
    Known find(std::uint64_t number, const CommandLine& command) noexcept;
    /// False: it cannot be written, which has been said.
    bool write(const Job& job) noexcept;

private:
    bool complain(const char* what) const noexcept;
    bool load() noexcept;
    bool load_line(char* line) noexcept;

    const char* path_ = nullptr;
    int fd_ = -1;
    bool resume_ = false, failed_too_ = false;
    Buffer<std::uint32_t> done_;  // By number: a hash of the command; 0: it has not been done.
    Buffer<char> line_;
};

}  // namespace tool::run

#endif
