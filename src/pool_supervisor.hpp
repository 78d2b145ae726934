// What the supervisor of a pool does: a single-threaded process between the host and the workers.
// It forks, reaps and replaces the workers, so the host sees no SIGCHLD and may have threads; and
// it ends with the host, the workers with it.
#ifndef BROOD_SRC_POOL_SUPERVISOR_HPP
#define BROOD_SRC_POOL_SUPERVISOR_HPP

#include "pool_core.hpp"
#include "pool_pollable.hpp"
#include "self.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

// The same numbers on every system of our ports (kill(1) -l).
inline constexpr int kHangup = 1, kInterrupt = 2, kQuit = 3, kKill = 9, kTerminate = 15;
inline constexpr std::int64_t kGraceNs = 200000000;
// A worker that is killed from outside while it initializes is replaced, but not for ever.
inline constexpr std::uint32_t kKilledInitializersMax = 3;
// Nor is one that has no initializer and is killed as soon as it was forked.
inline constexpr std::uint32_t kKilledEarlyMax = 100;

// Of the end of a pool (pool_supervisor_end.cpp).
void signal_workers(PoolShared& shared, int signal) noexcept;
/// Kills all, and reaps those who have ended within a second.
void end_workers(PoolShared& shared) noexcept;
/// Tells the host of a worker that nothing ends and that is left behind: it must not keep the host.
/// `stuck`: such a one who has no record any more, or 0.
void say_who_is_left(PoolShared& shared, port::Pid stuck) noexcept;

/// `Care` is what this pool does for its tasks beyond what every pool does: see pool_care.hpp. That
/// of most pools (pool_supervisor.cpp) is nothing, and takes no room here.
template <class Care>
class Supervisor {
public:
    explicit Supervisor(PoolCore& core) noexcept
        : core_(core), shared_(*core.shared), care_(core), me_(port::process_id()) {}

    [[noreturn]] void run() noexcept {
        start();
        for (;;) {
            reap();
            obey();
            const std::int64_t care_until_ns = care_.look();
            set_stuck_aside();
            if (g_tell != nullptr) { g_tell(shared_, shared_.records); }
            replace_missing();
            if (living_ == 0 && ending_) { end_well(); }
            sleep(care_until_ns);
        }
    }

private:
    void start() noexcept {
        port::Fd wake[2];
        Status made = care_.check();
        if (made.ok()) { made = port::pipe(wake); }
        if (!made.ok()) { fail(made.error()); }
        wake_read_ = wake[0];
        wake_ = wake[1];
        port::SignalAction action;
        action.disposition = port::Disposition::handled;
        action.handler = &on_signal;
        port::signal_action(port::kSignalChild, &action, nullptr).ignore();
        if (Care::kHeedsPauses) {
            port::signal_action(port::kSignalContinue, &action, nullptr).ignore();
        }
        const std::uint32_t workers = shared_.workers.load(std::memory_order_relaxed);
        for (std::uint32_t index = 0; index < workers; ++index) {
            const Status forked = fork_worker(index);
            if (!forked.ok()) { fail(forked.error()); }
        }
        shared_.phase.store(PoolPhase::running, std::memory_order_release);
        ring_host(shared_);
    }

    /// Gives the pool up: nothing of it is left, and the host learns why.
    [[noreturn]] void fail(const Error& why) noexcept {
        shared_.ended_by = why;
        end_workers(shared_);
        shared_.phase.store(PoolPhase::failed, std::memory_order_release);
        leave();
    }
    [[noreturn]] void end_well() noexcept {
        shared_.ended_by = Errc::ok;
        leave();
    }
    [[noreturn]] void leave() noexcept {
        care_.will_end();
        say_who_is_left(shared_, care_.any_stuck());
        ring_host(shared_);
        port::exit_now(0);
    }

    Status fork_worker(std::uint32_t index) noexcept {
        WorkerRecord& record = shared_.worker[index];
        record.initialized.store(0, std::memory_order_relaxed);
        if (!core_.other_numbers) { port::proof_init(record.life); }
        care_.will_start(index);
        // Blocked: no handler of ours shall run in the worker, which empties its mask itself.
        const port::SignalMask before = port::signal_mask(port::MaskChange::set, ~0ull);
        const Result<port::Pid> pid = port::fork();
        if (pid.ok() && *pid == 0) {
            port::close(wake_read_);
            become_worker();
            Care::run_worker(core_, index, me_, wake_);
        }
        port::signal_mask(port::MaskChange::set, before);
        if (!pid.ok()) { return pid.error(); }
        record.pid.store(*pid, std::memory_order_relaxed);
        ++living_;
        return Errc::ok;
    }

    /// Ctrl-C and the like are the host's; SIGTERM ends a worker.
    void become_worker() noexcept {
        port::SignalAction action;
        port::signal_action(kTerminate, &action, nullptr).ignore();
    }

    void reap() noexcept {
        for (std::uint32_t index = 0; index < shared_.records; ++index) {
            const port::Pid pid = shared_.worker[index].pid.load(std::memory_order_relaxed);
            if (pid == 0) { continue; }
            const Result<port::ChildState> state = port::wait_child(pid, port::Reap::now);
            if (state.ok() && !state->ended) { continue; }
            worker_ended(index, state.ok() ? state->exit_code : 0);
        }
        if (care_.reap_stuck()) { missing_ = true; }
    }

    /// For the pool they have ended.
    void set_stuck_aside() noexcept {
        for (std::uint32_t index = 0; index < shared_.records; ++index) {
            if (care_.set_aside(index)) { worker_ended(index, -kKill); }
        }
    }

    // If killed anywhere in here: the pool is broken as a whole, and the host says so.
    void worker_ended(std::uint32_t index, std::int32_t exit_code) noexcept {
        WorkerRecord& record = shared_.worker[index];
        record.pid.store(0, std::memory_order_relaxed);
        --living_;
        // What terminate() cut off did not die: it never ends, and the host says why.
        if (!terminating_) { end_task_of(index, exit_code); }
        // A wake-up may have died with it: of the host, or of its fellows.
        ring_host(shared_);
        ring_all_workers(shared_);
        judge_start(record, exit_code);
        missing_ = true;
        shared_.recalled.store(1, std::memory_order_relaxed);
    }

    void end_task_of(std::uint32_t index, std::int32_t exit_code) noexcept {
        const std::uint32_t claimed = state_word(TaskState::claimed, index);
        for (std::uint32_t i = 0; i < shared_.capacity; ++i) {
            Slot& slot = shared_.slot(i);
            if (slot.state.load(std::memory_order_acquire) != claimed) { continue; }
            if (care_.ends_otherwise(slot, index)) { continue; }
            slot.note.store(note_of_end(exit_code), std::memory_order_relaxed);
            slot.state.store(state_word(TaskState::died), std::memory_order_release);
        }
    }

    /// Whether a worker that ended had begun to work. A pool whose workers do not is given up.
    void judge_start(WorkerRecord& record, std::int32_t exit_code) noexcept {
        if (record.initialized.load(std::memory_order_acquire) != 0) {
            record.killed_early = 0;
            return;
        }
        const bool was_killed = exit_code < 0;
        if (core_.has_initializer()) {
            if (was_killed && ++record.killed_early <= kKilledInitializersMax) { return; }
            fail(Error(Errc::initializer_failed));
        }
        if (++record.killed_early > kKilledEarlyMax) { fail(Error(Errc::pool_broken)); }
    }

    bool must_replace() noexcept {
        if (terminating_) { return false; }
        if (shared_.command.load(std::memory_order_acquire) == PoolCommand::run) { return true; }
        for (std::uint32_t i = 0; i < shared_.capacity; ++i) {
            const std::uint32_t word = shared_.slot(i).state.load(std::memory_order_acquire);
            if (state_of(word) == TaskState::ready) { return true; }
        }
        return false;
    }

    /// Where the system has no process for us now, a pool with some workers left goes on, and the
    /// next wake-up tries again; one with none is given up.
    void replace_missing() noexcept {
        if (!missing_) { return; }
        missing_ = false;
        std::int32_t os_error = 0;
        const std::uint32_t workers = shared_.workers.load(std::memory_order_acquire);
        for (std::uint32_t index = 0; index < workers && must_replace(); ++index) {
            if (shared_.worker[index].pid.load(std::memory_order_relaxed) != 0) { continue; }
            if (!care_.may_start(living_)) { break; }
            const Status forked = fork_worker(index);
            if (forked.ok()) { continue; }
            missing_ = true;
            os_error = forked.error().os_error();
        }
        if (missing_ && living_ == 0) { fail(Error(Errc::pool_broken, os_error)); }
    }

    void obey() noexcept {
        const PoolCommand command = shared_.command.load(std::memory_order_acquire);
        if (command == PoolCommand::run) { return; }
        ending_ = true;
        if (command == PoolCommand::terminate && !terminating_) {
            terminating_ = true;
            kill_at_ns_ = port::now_ns() + kGraceNs;
            signal_workers(shared_, kTerminate);
        }
        if (terminating_ && port::now_ns() >= kill_at_ns_) {
            end_workers(shared_);
            end_well();
        }
    }

    /// Until a worker ends, the host says something, or the host ends: then all ends.
    void sleep(std::int64_t care_until_ns) noexcept {
        port::PollItem items[3] = {{wake_read_, true, false, false},
                                   {core_.control_read, true, false, false},
                                   {core_.host_watch, true, false, false}};
        std::int64_t until = care_until_ns;
        if (terminating_) {
            until = kill_at_ns_;
        } else if (missing_) {
            until = port::now_ns() + port::kSliceNs;
        }
        static_cast<void>(port::poll(items, 3, until));
        if (items[0].ready) {
            char bytes[64];
            static_cast<void>(port::read(wake_read_, bytes, sizeof bytes));  // Nobody else does.
        }
        // Before the look at what was said: what is said after that wakes us again.
        if (items[1].ready || items[2].ready) {
            signal_workers(shared_, kKill);
            care_.will_end();
            port::exit_now(0);
        }
        if (care_.was_told()) { missing_ = true; }
    }

    static void on_signal(int signal) {
        if (Care::kHeedsPauses && signal == port::kSignalContinue) { Care::note_pause(); }
        port::poke(wake_);
    }

    // The write end of the pipe by which signals interrupt poll().
    static inline port::Fd wake_ = port::kNoFd;

    PoolCore& core_;
    PoolShared& shared_;
    Care care_;
    port::Pid me_;
    port::Fd wake_read_ = port::kNoFd;
    std::int64_t kill_at_ns_ = 0;
    std::uint32_t living_ = 0;
    bool ending_ = false, terminating_ = false, missing_ = false;
};

/// The life of the supervisor, from the fork on.
template <class Care>
[[noreturn]] void supervise(PoolCore& core, port::Pid host) noexcept {
    // If killed before the bell has a keeper: the host finds out when it looks, as it does until
    // the pool runs. If killed later: the system rings.
    if (port::bell_keep(core.shared->host_bell).ok()) {
        core.shared->has_keeper.store(1, std::memory_order_release);
    }
    port::discard_streams();  // What they hold is the host's.
    become_child(host, true);
    // In another pid namespace than the host's, its numbers are not the host's.
    core.other_numbers = port::parent_id() != host;
    // Before the mask is emptied, so that a Ctrl-C that is pending by now does no harm. The workers
    // inherit it, but for SIGTERM.
    port::SignalAction ignored;
    ignored.disposition = port::Disposition::ignored;
    for (const int signal : {kHangup, kInterrupt, kQuit, kTerminate}) {
        port::signal_action(signal, &ignored, nullptr).ignore();
    }
    port::reset_signals();
    Supervisor<Care> supervisor(core);
    supervisor.run();
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
