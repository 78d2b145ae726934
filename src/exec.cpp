// Process::exec() and capture(): other programs as children.
#include <brood/exec.hpp>
#include <brood/process.hpp>

#include "children.hpp"
#include "deadline.hpp"
#include "launch_pipe.hpp"
#include "process_access.hpp"

namespace brood {
inline namespace v0 {

static_assert(ExecOptions::kLimitsMax == 8, "the plan below copies as many");

/// The implementation's way into ExecOptions.
struct ExecAccess {
    static bool is_daemon(const ExecOptions& options) noexcept { return options.daemon_; }
    static bool leads_group(const ExecOptions& options) noexcept {
        return options.group_ || options.session_;
    }
    static bool has_error(const ExecOptions& options) noexcept { return options.error_ >= 0; }
    static Status plan(const char* path, const char* const* arguments, const ExecOptions& options,
                       port::ResourceLimit* limits, port::SpawnPlan& plan) noexcept {
        if (path == nullptr || path[0] == '\0' || arguments == nullptr || arguments[0] == nullptr) {
            return Errc::bad_argument;
        }
        if (options.limit_count_ > ExecOptions::kLimitsMax) { return Errc::bad_argument; }
        for (std::size_t i = 0; i < options.limit_count_; ++i) {
            const ExecOptions::Limit& limit = options.limits_[i];
            limits[i] = {limit.resource, limit.soft, limit.hard};
        }
        plan.path = path;
        plan.arguments = arguments;
        plan.environment = options.environment_;
        plan.directory = options.directory_;
        plan.input = options.input_;
        plan.output = options.output_;
        plan.error = options.error_;
        plan.null_input = !options.keep_input_;
        plan.new_group = options.group_;
        plan.new_session = options.session_;
        plan.uid = options.uid_;
        plan.gid = options.gid_;
        plan.limits = limits;
        plan.limit_count = options.limit_count_;
        plan.set_nice = options.set_nice_;
        plan.nice = options.nice_;
        plan.cpus = options.cpus_;
        plan.cpu_count = options.cpu_count_;
        return Errc::ok;
    }
};

Result<Process> Process::exec(const char* path, const char* const* arguments,
                              const ExecOptions& options) noexcept {
    port::SpawnPlan plan;
    port::ResourceLimit limits[ExecOptions::kLimitsMax];
    const Status planned = ExecAccess::plan(path, arguments, options, limits, plan);
    if (!planned.ok()) { return planned.error(); }
    detail::reap_adopted();
    const Status may = detail::ProcessAccess::may_start();
    if (!may.ok()) { return may.error(); }
    detail::LaunchPipe lifeline;
    if (ExecAccess::is_daemon(options)) {
        const Status opened = lifeline.open();
        if (!opened.ok()) { return opened.error(); }
        plan.lifeline = lifeline.reader();
    }
    static_cast<void>(port::flush_streams());
    const Result<port::Pid> pid = port::spawn(plan);
    if (!pid.ok()) { return pid.error(); }
    Process process;
    process.daemon_ = ExecAccess::is_daemon(options);
    process.group_ = ExecAccess::leads_group(options);
    static_cast<void>(process.name());
    detail::ProcessAccess::started(process, *pid, *pid, lifeline, nullptr);
    return process;
}

namespace {

constexpr std::int64_t kGraceMs = 100;

/// Reads until the end of the stream or the deadline. What does not fit is read and dropped, so
/// that the program is never blocked by a buffer that is too short.
Status collect(port::Fd from, char* buffer, std::size_t bytes, std::int64_t deadline_ns,
               Captured& captured) noexcept {
    char dropped[512];
    for (;;) {
        port::PollItem item{from, true, false, false};
        const Result<std::size_t> ready = port::poll(&item, 1, deadline_ns);
        if (!ready.ok()) { return ready.error(); }
        if (*ready == 0) { return Errc::timed_out; }
        const std::size_t room = bytes - captured.bytes;
        const Result<std::size_t> got = room > 0 ? port::read(from, buffer + captured.bytes, room)
                                                 : port::read(from, dropped, sizeof dropped);
        if (!got.ok()) { return got.error(); }
        if (*got == 0) { return Errc::ok; }
        if (room > 0) {
            captured.bytes += *got;
        } else {
            captured.truncated = true;
        }
    }
}

}  // namespace

Result<Captured> capture(const char* path, const char* const* arguments, char* buffer,
                         std::size_t bytes, const ExecOptions& options, Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (buffer == nullptr && bytes != 0) { return Errc::bad_argument; }
    detail::LaunchPipe pipe;
    const Status opened = pipe.open();
    if (!opened.ok()) { return opened.error(); }
    ExecOptions with_output = options;
    with_output.output(pipe.writer());
    if (!ExecAccess::has_error(options)) { with_output.error(pipe.writer()); }
    Result<Process> process = Process::exec(path, arguments, with_output);
    pipe.close_writer();
    if (!process.ok()) { return process.error(); }
    Captured captured;
    Status status = collect(pipe.reader(), buffer, bytes, deadline_ns, captured);
    pipe.close_reader();
    if (status.ok()) {
        const std::int64_t left = deadline_ns == port::kNever ? 0 : deadline_ns - port::now_ns();
        status = process->join(deadline_ns == port::kNever ? Timeout::forever()
                                                           : nanoseconds(left > 0 ? left : 0));
    }
    if (!status.ok()) {
        process->terminate(milliseconds(kGraceMs)).ignore();
        const auto filled = static_cast<std::int64_t>(captured.bytes);
        return Error(status.code(), status.error().os_error(), filled);
    }
    const Result<int> code = process->exit_code();
    if (!code.ok()) { return code.error(); }
    captured.exit_code = *code;
    return captured;
}

}  // namespace v0
}  // namespace brood
