// Starting other programs: the options of Process::exec(), and capture().
#ifndef BROOD_EXEC_HPP
#define BROOD_EXEC_HPP

#include <cstddef>
#include <cstdint>

#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// How another program is started. What is not set stays as it is in the caller, but for signals:
/// the program starts with default handlers and an empty mask. Pointers must stay valid until
/// exec() has returned.
class ExecOptions {
public:
    static constexpr std::size_t kLimitsMax = 8;

    ExecOptions& directory(const char* path) noexcept {
        directory_ = path;
        return *this;
    }
    /// "NAME=value" entries, null-terminated; they replace the caller's.
    ExecOptions& environment(const char* const* entries) noexcept {
        environment_ = entries;
        return *this;
    }
    /// Descriptors that become the program's 0, 1, 2. Without input() it reads /dev/null.
    ExecOptions& input(int fd) noexcept {
        input_ = fd;
        keep_input_ = true;
        return *this;
    }
    ExecOptions& output(int fd) noexcept {
        output_ = fd;
        return *this;
    }
    ExecOptions& error(int fd) noexcept {
        error_ = fd;
        return *this;
    }
    ExecOptions& keep_input(bool on = true) noexcept {
        keep_input_ = on;
        return *this;
    }
    ExecOptions& user(std::uint32_t uid) noexcept {
        uid_ = uid;
        return *this;
    }
    /// Also drops the supplementary groups.
    ExecOptions& group_id(std::uint32_t gid) noexcept {
        gid_ = gid;
        return *this;
    }
    /// Leads a process group, so that terminate() reaches its children; or a session.
    ExecOptions& group(bool on = true) noexcept {
        group_ = on;
        return *this;
    }
    ExecOptions& session(bool on = true) noexcept {
        session_ = on;
        return *this;
    }
    /// Dies with the caller, as a daemon Process.
    ExecOptions& daemon(bool on = true) noexcept {
        daemon_ = on;
        return *this;
    }
    /// RLIMIT_* numbers. More than kLimitsMax: exec() returns bad_argument.
    ExecOptions& limit(int resource, std::uint64_t soft, std::uint64_t hard) noexcept {
        if (limit_count_ < kLimitsMax) { limits_[limit_count_] = {resource, soft, hard}; }
        ++limit_count_;
        return *this;
    }
    ExecOptions& nice(int value) noexcept {
        nice_ = value;
        set_nice_ = true;
        return *this;
    }
    /// The CPUs it may use. Errors at exec(): unsupported on posix.
    ExecOptions& cpus(const std::uint32_t* list, std::size_t count) noexcept {
        cpus_ = list;
        cpu_count_ = count;
        return *this;
    }

private:
    friend struct ExecAccess;  // src/exec.cpp
    struct Limit {
        std::int32_t resource;
        std::uint64_t soft, hard;
    };
    const char* directory_ = nullptr;
    const char* const* environment_ = nullptr;
    int input_ = -1, output_ = -1, error_ = -1, nice_ = 0;
    std::int64_t uid_ = -1, gid_ = -1;
    const std::uint32_t* cpus_ = nullptr;
    std::size_t cpu_count_ = 0, limit_count_ = 0;
    bool keep_input_ = false, group_ = false, session_ = false, daemon_ = false, set_nice_ = false;
    Limit limits_[kLimitsMax] = {};
};

/// What capture() found.
struct Captured {
    int exit_code = 0;       ///< As Process::exit_code().
    std::size_t bytes = 0;   ///< How much of the buffer was filled.
    bool truncated = false;  ///< There was more output; it was read and dropped.
};

/// Runs a program to its end and keeps its standard output (and error, unless options say where
/// that goes) in `buffer`.
/// Blocks:  until the program has ended and its output is closed, or `timeout`: then it is killed
///          (TERM, 100 ms, KILL) and timed_out is returned; its output up to there is in `buffer`,
///          detail() bytes of it.
/// Returns: what was found; timed_out; otherwise as Process::exec().
Result<Captured> capture(const char* path, const char* const* arguments, char* buffer,
                         std::size_t bytes, const ExecOptions& options = ExecOptions(),
                         Timeout timeout = Timeout::forever()) noexcept;

}  // namespace v0
}  // namespace brood

#endif
