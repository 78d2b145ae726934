// Where a command writes: results to standard output, complaints to standard error.
#ifndef BROOD_TOOLS_OUTPUT_HPP
#define BROOD_TOOLS_OUTPUT_HPP

#include <cstddef>

#include <tools/progress.hpp>

namespace tool {

/// Memory: the buffer inside (64 KiB).
class Output {
public:
    /// command: "brood sum", which stands before each complaint.
    Output(const char* command, Progress& progress) noexcept;

    /// Appends to standard output, buffered.
    void write(const char* text, std::size_t length) noexcept;
    /// Writes out what is buffered. After a failure, and after a signal to stop, nothing is
    /// written any more.
    void flush() noexcept;
    bool failed() const noexcept { return error_ != 0; }
    /// Flushes; says so if anything did not get out. False then.
    bool finish() noexcept;

    /// "COMMAND: PATH: what" on standard error; the exit status will be kFailure.
    void complain(const char* path, const char* what) noexcept;
    void complain(const char* path, int error) noexcept;
    /// Of a file whose worker died twice, in the end with this exit code; negative: a signal.
    void complain_of_death(const char* path, int exit_code) noexcept;
    /// As complain(), and the exit status stays as it is.
    void note(const char* path, const char* what) noexcept;
    /// "COMMAND: WARNING: ..." and no more than that.
    [[gnu::format(printf, 2, 3)]] void warn(const char* format, ...) noexcept;
    /// For what is told by other means.
    void fail() noexcept { status_ = 1; }

    int status() const noexcept { return status_; }

private:
    void say(const char* text) noexcept;

    const char* command_;
    Progress& progress_;
    bool on_terminal_;
    int status_ = 0;
    int error_ = 0;  // errno of the first write that failed
    std::size_t held_ = 0;
    char buffer_[64 * 1024];
};

}  // namespace tool

#endif
