// Process: how a child comes to be, on both sides of the fork. src/process.cpp is its later life.
#include <brood/process.hpp>

#include "children.hpp"
#include "connection_handing.hpp"
#include "fork_list.hpp"
#include "guardian.hpp"
#include "launch_pipe.hpp"
#include "process_access.hpp"
#include "self.hpp"
#include "writer.hpp"

namespace brood {
inline namespace v0 {

using detail::ProcessAccess;

namespace detail {

Status ProcessAccess::may_start() noexcept {
    if (self().is_daemon) { return Errc::daemon_has_children; }
    // The key is inherited, so it must exist before the first child. A system without a source of
    // chance has none, which authkey() says to those who ask for it.
    if (make_authkey != nullptr) { make_authkey(); }
    return fork_list_watch();
}

/// What the parent prepares before it forks, and gives up after.
struct Launch {
    LaunchPipe lifeline;  // a daemon reads it until it dies
    LaunchPipe report;    // the pid of a child further down; later its guardian's last words
    port::Pid starter = 0;

    Status open_pipes(bool daemon) noexcept {
        const Status opened = report.open();
        return opened.ok() && daemon ? lifeline.open() : opened;
    }
    /// Forks with every signal blocked, so that no handler of the host runs in the child.
    Result<port::Pid> fork() noexcept {
        starter = port::process_id();
        static_cast<void>(port::flush_streams());
        const port::SignalMask before = port::signal_mask(port::MaskChange::set, ~0ull);
        const Result<port::Pid> pid = port::fork();
        if (!pid.ok() || *pid != 0) { port::signal_mask(port::MaskChange::set, before); }
        return pid;
    }
    /// The parent: the pid that a child sends before it goes on, 0 if it died first.
    port::Pid read_report() noexcept {
        report.close_writer();
        port::Pid pid = 0;
        const Result<std::size_t> got = port::read(report.reader(), &pid, sizeof pid);
        return got.ok() && *got == sizeof pid ? pid : 0;
    }
    void send_report(port::Pid pid) noexcept {
        static_cast<void>(port::write(report.writer(), &pid, sizeof pid));
    }
};

// From here on in the child. Only async-signal-safe calls up to its own code: in a host with
// threads, whatever another thread had locked at the fork is locked for ever in here.

void ProcessAccess::become(Process& process, Launch& launch) noexcept {
    // What the streams hold is the parent's: it could not be flushed, or another thread wrote it
    // since.
    port::discard_streams();
    become_child(launch.starter, process.daemon_);
    Self& me = self();
    Writer(me.name, sizeof me.name).text(process.name_.c_str());
    char identity[sizeof me.identity];
    Writer writer(identity, sizeof identity);
    write_child_identity(writer, process.number_);
    Writer(me.identity, sizeof me.identity).text(identity);
    if (process.has_key_) { me.key = process.key_; }
    keep_handed_ends(process.target_, process.target_ + Process::kTargetBytes);
    if (!process.keep_input_) { port::null_input().ignore(); }
    if (process.group_) { port::lead_group().ignore(); }
}

void ProcessAccess::run_child(Process& process, Launch& launch) noexcept {
    become(process, launch);
    launch.lifeline.close_writer();
    launch.report.close_reader();
    launch.report.close_writer();
    // If killed up to here: a child that did nothing yet.
    port::reset_signals();
    signals_forget();
    process.run();
    end_child(0);
}

void ProcessAccess::run_daemon(Process& process, Launch& launch) noexcept {
    // The parent may be dead by now: die_with_pipe() looks once after arming. A daemon killed
    // before it sends its pid is reported as a start that failed.
    launch.lifeline.close_writer();
    if (port::die_with_pipe(launch.lifeline.reader()).ok()) {
        launch.send_report(port::process_id());
        run_child(process, launch);
    }
    // This system cannot tie a process to a pipe: a guardian does, and the daemon hangs below it.
    // The pipe whose write end only the daemon keeps tells the guardian of its end.
    LaunchPipe ward_end;
    if (!ward_end.open().ok()) { port::exit_now(1); }
    // In a host that ignores SIGCHLD the guardian must still learn how its ward ends.
    const port::SignalAction by_default;
    port::SignalAction before;
    port::signal_action(port::kSignalChild, &by_default, &before).ignore();
    const Result<port::Pid> ward = port::fork();
    if (!ward.ok()) { port::exit_now(1); }
    if (*ward == 0) {
        ward_end.close_reader();
        launch.lifeline.close_reader();
        port::signal_action(port::kSignalChild, &before, nullptr).ignore();
        run_child(process, launch);
    }
    launch.send_report(*ward);
    ward_end.close_writer();
    guard(*ward, launch.lifeline.reader(), ward_end.reader(), launch.report.writer());
}

}  // namespace detail

namespace {

/// The table of virtual functions of an object: its first word in every C++ ABI of our targets.
const void* table_of(const Process& process) noexcept {
    const void* table = nullptr;
    __builtin_memcpy(&table, static_cast<const void*>(&process), sizeof table);
    return table;
}

}  // namespace

Status Process::check_start() noexcept {
    if (epoch_ != detail::fork_epoch()) { return Errc::wrong_process; }
    if (state_ != State::fresh) { return Errc::already_started; }
    if (name_too_long_) { return Errc::text_too_long; }
    if (target_ops_ == nullptr && table_of(*this) == table_of(Process())) {
        return Errc::no_target;  // No function, and run() is not overridden either.
    }
    detail::reap_adopted();
    const Status may = ProcessAccess::may_start();
    if (!may.ok()) { return may; }
    if (number_ == 0) { number_ = ++detail::self().children; }
    static_cast<void>(name());
    return Errc::ok;
}

Status Process::start() noexcept {
    const Status may = check_start();
    if (!may.ok()) { return may; }
    detail::Launch launch;
    if (daemon_) {
        const Status opened = launch.open_pipes(true);
        if (!opened.ok()) { return opened; }
    }
    const Result<port::Pid> pid = launch.fork();
    if (!pid.ok()) { return pid.error(); }
    if (*pid == 0) {
        if (daemon_) { ProcessAccess::run_daemon(*this, launch); }
        ProcessAccess::run_child(*this, launch);
    }
    // If killed here: a daemon notices the closed lifeline; any other child goes on, as promised.
    port::Pid target = *pid;
    if (daemon_) {
        target = launch.read_report();
        if (target == 0) {
            static_cast<void>(port::wait_child(*pid, port::Reap::wait));
            return Errc::too_many_processes;
        }
    }
    ProcessAccess::started(*this, target, *pid, launch.lifeline,
                           target == *pid ? nullptr : &launch.report);
    drop_target();
    return Errc::ok;
}

Result<std::int32_t> Process::detach() noexcept {
    const Status may = check_start();
    if (!may.ok()) { return may.error(); }
    if (daemon_) { return Errc::bad_argument; }
    detail::Launch launch;
    const Status opened = launch.open_pipes(false);
    if (!opened.ok()) { return opened.error(); }
    const bool adopts = port::adopts_orphans();
    if (adopts) {
        const Status room = detail::reserve_adopted();
        if (!room.ok()) { return room.error(); }
    }
    const Result<port::Pid> between = launch.fork();
    if (!between.ok()) {
        if (adopts) { detail::adopt(0); }
        return between.error();
    }
    if (*between == 0) {
        const Result<port::Pid> detached = port::fork();
        if (detached.ok() && *detached == 0) { ProcessAccess::run_child(*this, launch); }
        launch.send_report(detached.value_or(0));
        port::exit_now(0);
    }
    const port::Pid detached = launch.read_report();
    static_cast<void>(port::wait_child(*between, port::Reap::wait));
    if (adopts) { detail::adopt(detached); }
    if (detached == 0) { return Errc::too_many_processes; }
    pid_ = detached;
    state_ = State::detached;
    drop_target();
    return detached;
}

}  // namespace v0
}  // namespace brood
