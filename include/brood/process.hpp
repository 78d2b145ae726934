// Process: a function running in a process of its own, as multiprocessing.Process in Python.
#ifndef BROOD_PROCESS_HPP
#define BROOD_PROCESS_HPP

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <brood/detail/fork_link.hpp>
#include <brood/detail/keep.hpp>
#include <brood/detail/pack.hpp>
#include <brood/exec.hpp>
#include <brood/result.hpp>
#include <brood/text.hpp>
#include <brood/this_process.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

class Process;

/// Settings of a Process, given before its function: `Process(ProcessOptions().name("x"), f)`.
class ProcessOptions {
public:
    /// Up to 63 characters; longer ones make start() return text_too_long.
    ProcessOptions& name(const char* text) noexcept {
        name_ = text;
        return *this;
    }
    /// A daemon ends when its parent ends, however that ends, and may not start processes.
    ProcessOptions& daemon(bool on = true) noexcept {
        daemon_ = on;
        return *this;
    }
    /// Leads a process group of its own: terminate() and kill() then reach its children, too.
    ProcessOptions& group(bool on = true) noexcept {
        group_ = on;
        return *this;
    }
    /// Keeps the parent's standard input; otherwise the child reads /dev/null.
    ProcessOptions& keep_input(bool on = true) noexcept {
        keep_input_ = on;
        return *this;
    }

private:
    friend class Process;
    const char* name_ = nullptr;
    bool daemon_ = false, group_ = false, keep_input_ = false;
};

namespace detail {
/// Whether F, given first to a constructor of Process, is no function but a Process or options.
template <class F>
inline constexpr bool kIsProcess = std::is_base_of_v<Process, F> ||
                                   std::is_same_v<ProcessOptions, F>;
struct ProcessAccess;
}  // namespace detail

/// A child process that runs a function, made by fork.
///
/// Memory: about 600 bytes; the function and its arguments are kept inside (kTargetBytes). No heap.
/// Fork:   the object belongs to the process that made it. In any other process its calls return
///         wrong_process and its destructor does nothing.
/// Child:  standard input is /dev/null, caught signals are back at their default, the mask is
///         empty, descriptors of the host stay open, those of the library that were not handed to
///         it are closed. It ends with _exit after flushing stdout and stderr (exit code 120 if
///         that fails, as in Python); no destructor of the host runs in it. In a host with several
///         threads the function must keep off what other threads may have locked (malloc of some
///         libcs): see exec().
/// Crash:  a killed child shows in exit_code() as -signal. Killed parent: daemons die within a
///         second, other children live on.
/// Threads: one Process object belongs to one thread at a time.
class Process {
public:
    static constexpr std::size_t kTargetBytes = 256;

    Process() noexcept = default;
    /// `function(arguments...)` will run in the child; arguments are copied or moved in. One that
    /// can only be moved, and is not (a Queue, a Lock, a Value), is given to the function as it is
    /// when start() forks, and has to be there until then: `Process reader(read_task, queue)`.
    /// A pipe end moved in is handed over: after start() it is closed here, and its peer is closed
    /// there.
    template <class F, class... Arguments,
              class = std::enable_if_t<!detail::kIsProcess<std::decay_t<F>>>>
    explicit Process(F&& function, Arguments&&... arguments) noexcept {
        set_target(std::forward<F>(function), std::forward<Arguments>(arguments)...);
    }
    template <class F, class... Arguments>
    Process(const ProcessOptions& options, F&& function, Arguments&&... arguments) noexcept {
        configure(options);
        set_target(std::forward<F>(function), std::forward<Arguments>(arguments)...);
    }
    /// For derived classes that override run().
    explicit Process(const ProcessOptions& options) noexcept { configure(options); }

    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    /// As the end of main in Python: a daemon is terminated and joined, any other joined. Only in
    /// the process that started it.
    ~Process() noexcept;

    /// What the child does; override it in a derived class. Called directly it runs in the caller
    /// and pid() stays 0.
    virtual void run();

    /// Forks the child, which calls run(). Returns at once.
    /// Returns: ok; no_target; already_started; daemon_has_children (the caller is a daemon);
    ///          text_too_long (the name); too_many_processes, no_memory, too_many_files (nothing
    ///          was started, and a retry may work).
    /// Blocks:  no, but stdout and stderr are flushed first.
    /// Killed here: no child, or one that goes on; a daemon is gone within a second.
    Status start() noexcept;

    /// Waits until the child has ended, and reaps it (only it). Joining twice is fine.
    /// Returns: ok; timed_out; not_started; status_stolen (the host reaped it: ended, code lost);
    ///          wrong_process; timeout_negative, timeout_overflow.
    Status join(Timeout timeout = Timeout::forever()) noexcept;

    /// True from start() until the end of the child. Reaps it when it has ended.
    bool is_alive() noexcept;
    /// n, or -N if signal N killed it. Errors: still_running, not_started, status_stolen.
    Result<int> exit_code() noexcept;

    /// Sends SIGTERM (to the group, if it leads one). ok, too, when it has ended.
    /// Returns: ok; not_started; not_permitted; wrong_process.
    Status terminate() noexcept;
    /// SIGTERM, then SIGKILL when `grace` has run out, and joins it.
    /// Returns: ok; timed_out (a second after SIGKILL it still stands: it waits for a device or a
    ///          file system, and the system ends it when that answers; join() it then); and what
    ///          terminate() and join() return.
    Status terminate(Timeout grace) noexcept;
    Status kill() noexcept;
    Status send_signal(int signal) noexcept;
    /// Releases what the object holds. still_running if the child has not ended.
    Status close() noexcept;

    /// Instead of start(): runs the function in a process that is nobody's child here (two forks).
    /// Whoever adopts it reaps it; if that is this process, brood does at later calls.
    /// Returns: the pid of the detached process; otherwise as start().
    Result<std::int32_t> detach() noexcept;

    /// 0 until started.
    std::int32_t pid() const noexcept { return pid_; }
    /// Given, or "Process-1:2": the second child of the first child of the main process.
    const char* name() noexcept;
    bool daemon() const noexcept { return daemon_; }
    /// Settings after construction. Returns: ok; already_started; text_too_long; wrong_process.
    Status name(const char* text) noexcept;
    Status daemon(bool on) noexcept;
    /// The key for connections, inherited from the parent unless set before start().
    AuthKey authkey() const noexcept;
    Status authkey(const AuthKey& key) noexcept;
    /// A descriptor that poll() finds readable when the child has ended; -1 if this system has
    /// none (see brood/wait.hpp for the portable way). It belongs to the object.
    int sentinel() const noexcept { return watch_; }

    /// Starts another program; it has no run(). See brood/exec.hpp.
    /// Returns: the started Process; exec_failed (os_error says why: it was not started);
    ///          unsupported; daemon_has_children; otherwise as start().
    static Result<Process> exec(const char* path, const char* const* arguments,
                                const ExecOptions& options = ExecOptions()) noexcept;

private:
    struct Target {
        void (*run)(void* stored);
        void (*move)(void* to, void* from);
        void (*destroy)(void* stored);
    };
    template <class B>
    static constexpr Target kTargetOf = {
        [](void* stored) { static_cast<void>((*static_cast<B*>(stored))()); },
        [](void* to, void* from) { ::new (to) B(std::move(*static_cast<B*>(from))); },
        [](void* stored) { static_cast<B*>(stored)->~B(); },
    };

    template <class F, class... Arguments>
    void set_target(F&& function, Arguments&&... arguments) noexcept {
        using Function = std::decay_t<F>;
        using Stored = detail::Bound<Function, detail::Kept<Arguments>...>;
        static_assert(std::is_invocable_v<Function&, detail::Given<Arguments>&...>,
                      "the function cannot be called with these arguments");
        static_assert(sizeof(Stored) <= kTargetBytes && alignof(Stored) <= 16,
                      "function and arguments exceed Process::kTargetBytes: capture by reference "
                      "(the child has a copy of everything)");
        if constexpr (std::is_pointer_v<std::remove_reference_t<F>>) {
            if (function == nullptr) { return; }  // start() says no_target
        }
        ::new (static_cast<void*>(target_))
            Stored{std::forward<F>(function),
                   detail::pack(detail::keep(std::forward<Arguments>(arguments))...)};
        target_ops_ = &kTargetOf<Stored>;
    }
    void configure(const ProcessOptions& options) noexcept;
    Status check_start() noexcept;
    void drop_target() noexcept;
    void leave() noexcept;  // what the destructor does

    friend struct detail::ProcessAccess;  // src/process_access.hpp: the implementation's way in

    enum class State : std::uint8_t { fresh, started, ended, stolen, detached, closed };
    struct Link : detail::ForkLink {
        Process* process = nullptr;
    };
    Link link_;  // in the fork list while started
    const Target* target_ops_ = nullptr;
    std::int32_t pid_ = 0;
    std::int32_t reap_pid_ = 0;   // the child to reap: pid_, or the guardian above it
    std::int32_t watch_ = -1;     // readable when that child has ended
    std::int32_t lifeline_ = -1;  // a daemon's: closed with this process
    std::int32_t exit_code_ = 0;
    std::uint32_t number_ = 0;  // of this child among its parent's, once it is named
    unsigned epoch_ = detail::fork_epoch();
    State state_ = State::fresh;
    bool daemon_ = false, group_ = false, keep_input_ = false, name_too_long_ = false;
    bool has_key_ = false;
    Text<64> name_;
    AuthKey key_;
    alignas(16) unsigned char target_[kTargetBytes];
};

/// Waits until one of `count` processes has ended, and reaps that one.
/// Returns: its index; timed_out; no_children (none of them is started and unjoined);
///          bad_argument (a null pointer).
Result<std::size_t> wait_any(Process* const* processes, std::size_t count,
                             Timeout timeout = Timeout::forever()) noexcept;

/// The started processes of the caller that have not ended; those that have are reaped.
/// Writes up to `room` of them and returns how many there are.
std::size_t active_children(Process** list, std::size_t room) noexcept;

}  // namespace v0
}  // namespace brood

#endif
