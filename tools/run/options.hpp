// What `brood run` is told to do.
#ifndef BROOD_TOOLS_RUN_OPTIONS_HPP
#define BROOD_TOOLS_RUN_OPTIONS_HPP

#include <cstddef>
#include <cstdint>

#include <tools/command.hpp>

namespace tool {

int run_run(int count, char** arguments);
extern const Manual kRunManual;

namespace run {

/// How the output of the jobs comes to that of brood.
enum class Output : unsigned char {
    grouped,  ///< A job's at once, when it has ended.
    lines,    ///< Whole lines, as they come.
    direct,   ///< The jobs write there themselves.
};

/// When the failures (or successes) of jobs end the whole.
struct Halt {
    bool now = false;         ///< Running jobs are terminated; otherwise no further ones start.
    bool on_success = false;  ///< It is successes that count.
    std::int64_t count = 0;   ///< 0: never.
};

struct Options {
    static constexpr std::int64_t kJobsMax = 1024;

    std::int64_t jobs = 1;
    std::int64_t timeout_ms = 0;  ///< 0: none.
    std::int64_t grace_ms = 2000;
    std::int64_t retries = 0;
    std::int64_t items_a_job = 1;
    std::int64_t memory = 0;  ///< In bytes; 0: no limit.
    Output output = Output::grouped;
    bool keep_order = false, by_nul = false, resume = false, resume_failed = false;
    bool progress = false, json = false;
    Halt halt;
    const char* arguments_file = nullptr;  ///< null, "-": standard input.
    const char* job_log = nullptr;
    char** command = nullptr;  ///< Its words, null behind them.
    /// The limit of descriptors that jobs get back, since brood run needs more; 0: it has not.
    std::uint64_t files_soft = 0, files_hard = 0;

    /// How many jobs may have ended and wait for their turn to write.
    std::size_t ahead() const noexcept {
        const std::size_t least = keep_order ? 256 : 0;
        const auto as_many = static_cast<std::size_t>(jobs);
        return as_many > least ? as_many : least;
    }
};

Parsed parse_options(int count, char** arguments, Options& options) noexcept;

}  // namespace run
}  // namespace tool

#endif
