// The errors of brood: a stable code, the errno behind it, and one line of advice.
#ifndef BROOD_ERROR_HPP
#define BROOD_ERROR_HPP

#include <cstdint>

namespace brood {
inline namespace v0 {

/// Why an operation did not do what was asked. The numbers are stable: new codes are appended to
/// their group, none is reused. Each code has its text in src/error.cpp.
enum class Errc : std::int32_t {
    ok = 0,

    // Waiting
    timed_out = 1,         ///< The timeout ran out; nothing was done.
    timeout_negative = 2,  ///< A timeout below zero.
    timeout_overflow = 3,  ///< A timeout too long to be counted in nanoseconds.
    interrupted = 4,       ///< A signal came (only from calls that say so).
    would_block = 5,       ///< Timeout::no_wait() and it is not possible at once.

    // Arguments
    bad_argument = 20,           ///< An argument outside what the contract allows.
    size_zero = 21,              ///< A size of 0 where something must fit in.
    size_too_large = 22,         ///< More than the address space or the layout can hold.
    name_empty = 23,             ///< An empty name.
    name_without_slash = 24,     ///< A name of a shared object must begin with '/'.
    name_with_two_slashes = 25,  ///< ... and contain no other '/'.
    name_too_long = 26,          ///< ... and fit into NAME_MAX bytes.
    bad_signal = 27,             ///< No signal of this system, or one that cannot be handled.
    text_too_long = 28,          ///< The text does not fit into its Text<N>.

    // The system's limits and refusals
    no_memory = 40,           ///< The system has no memory for this (ENOMEM).
    no_space = 41,            ///< The shared memory file system or the memory cgroup is full.
    too_many_files = 42,      ///< No descriptor left in this process or system.
    too_many_processes = 43,  ///< The process limit was reached (EAGAIN from fork).
    not_permitted = 44,       ///< The system refuses it to this user.
    not_found = 45,           ///< There is no such object, file or process.
    already_exists = 46,      ///< The name is taken.
    unsupported = 47,         ///< This system, kernel or sandbox cannot do it.
    system_error = 48,        ///< Any other errno: see Error::os_error().
    output_failed = 49,       ///< Output could not be written in full.
    over_system_limit = 50,   ///< More than the system allows: limit() says which, detail() what.

    // Processes
    no_target = 60,            ///< A Process without a function to run.
    not_started = 61,          ///< The Process was never started.
    already_started = 62,      ///< It was started before; settings are fixed then, too.
    still_running = 63,        ///< The process has not ended yet.
    daemon_has_children = 64,  ///< A daemon process may not start processes.
    status_stolen = 65,        ///< Somebody else reaped the child: its exit code is lost.
    wrong_process = 66,        ///< The object belongs to the process that made it, not to this one.
    exec_failed = 67,          ///< The program could not be executed; os_error() says why.
    no_children = 68,          ///< Nothing to wait for.

    // Pipes and connections
    end_of_stream = 80,      ///< Every writer closed its end and all messages were read.
    broken_pipe = 81,        ///< Every reader closed its end.
    peer_died = 82,          ///< Killed in the middle of a message, or all producers ended so.
    message_too_long = 83,   ///< Longer than allowed; a connection then refuses further reads.
    buffer_too_short = 84,   ///< The buffer is too short; the message stays and can be read again.
    bad_frame = 85,          ///< Not a frame of ours: a stranger wrote into the pipe.
    closed = 86,             ///< The object was closed (or moved from).
    wrong_direction = 87,    ///< A send on a receiving end, or the reverse.
    notify_taken = 88,       ///< Another is registered to be notified by this queue.
    stalled = 89,            ///< The peer stopped inside a message: the connection is over.
    address_in_use = 90,     ///< Somebody listens there, or a file of that name is there.
    bad_address = 91,        ///< No address, or not a numeric one.
    refused = 92,            ///< Nobody listens there.
    not_authenticated = 93,  ///< One of both has another key, or does not speak the protocol.
    legacy_refused = 94,     ///< The peer knows only MD5: Python before 3.12.

    // Shared memory and locks
    not_ready = 100,         ///< The creator has not finished making the object.
    type_mismatch = 101,     ///< The segment holds another kind or size of element.
    version_mismatch = 102,  ///< The segment was laid out by another version.
    layout_mismatch = 103,   ///< The segment's locks belong to another libc or word size.
    corrupt = 104,           ///< The segment is not what its header says.
    owner_died = 105,      ///< Taken, but the last holder was killed inside: check what it guards.
    not_owner = 106,       ///< Released by somebody who does not hold it.
    would_deadlock = 107,  ///< The caller holds it already.
    out_of_range = 108,    ///< An index beyond the end.
    too_many_members =
        109,  ///< More threads use the shared object, or those of this family, than have room.
    too_many_releases = 111,   ///< A semaphore would have more permits than it may have.
    broken_barrier = 112,      ///< One did not come, or died: broken until Barrier::reset().
    too_many_task_done = 113,  ///< task_done() for more messages than were got.
    abandoned = 114,  ///< Holders of messages died before task_done(): detail() says how many.
    in_use = 115,     ///< Somebody holds the object, or waits for it.

    // Pools
    worker_died = 120,         ///< The worker was killed or exited in the task: detail() says how.
    pool_broken = 121,         ///< The supervisor is gone, or gave the pool up.
    pool_closed = 122,         ///< close() was called: no new tasks.
    pool_not_closed = 123,     ///< join() before close() or terminate().
    pool_terminated = 124,     ///< terminate() ended the task, or it never ran.
    initializer_failed = 125,  ///< A worker's initializer failed: the pool gave up.
    task_too_large = 126,      ///< Arguments or result do not fit: PoolOptions::block_bytes.
    full = 127,                ///< No room now.
    not_done = 128,            ///< successful() before the task ended.
    unknown_function = 129,    ///< Not in the program the pool was forked from (dlopen later).
    collected = 130,           ///< The future's result was taken before, or it has no task.
    empty = 131,               ///< Nothing is there now.
    task_timed_out = 132,      ///< The task took longer than it was allowed, and was ended.
    cancelled = 133,           ///< The task was cancelled before it had ended.
    worker_stuck = 134,        ///< A worker is left that SIGKILL does not end: detail() is its pid.
};

/// The limits of the system that an Error can name. The numbers are stable, as those of Errc.
enum class Limit : std::int16_t {
    none = 0,
    msg_max = 1,          ///< Messages that one message queue may hold.
    msgsize_max = 2,      ///< Bytes of one message in a message queue.
    queues_max = 3,       ///< Message queues of all users together.
    rlimit_msgqueue = 4,  ///< Bytes in all message queues of a user.
    mq_open_max = 5,      ///< Message queues that a process may have open (posix).
    mq_prio_max = 6,      ///< Priorities of messages: 0 to this less 1.
    rlimit_nofile = 7,    ///< Descriptors of a process.
    file_max = 8,         ///< Open files of the whole system.
    sem_value_max = 9,    ///< The value of a semaphore.
};

/// A code, the errno that caused it (0 if none), and a detail: for worker_died the exit code as
/// Process::exit_code() gives it (-9 for SIGKILL); for size errors the size that would do; for
/// abandoned how many messages; for over_system_limit, and for too_many_files where limit() is
/// known, the limit's value (0: the system does not tell).
/// Trivially copyable: it may travel through pipes and shared memory.
class Error {
public:
    constexpr Error(Errc code) noexcept : code_(short_of(code)) {}
    constexpr Error(Errc code, std::int32_t os_error, std::int64_t detail = 0,
                    Limit limit = Limit::none) noexcept
        : code_(short_of(code)), limit_(limit), os_error_(os_error), detail_(detail) {}

    constexpr Errc code() const noexcept { return static_cast<Errc>(code_); }
    constexpr std::int32_t os_error() const noexcept { return os_error_; }
    constexpr std::int64_t detail() const noexcept { return detail_; }
    /// The limit of the system that was met; its value is detail().
    constexpr Limit limit() const noexcept { return limit_; }
    /// What the system calls that limit: "msg_max", "RLIMIT_MSGQUEUE"; "" if there is none. Static;
    /// callers: anybody, a signal handler too.
    const char* limit_name() const noexcept;

    /// The code's name: "timed_out". Static; callers: anybody, a signal handler too.
    const char* name() const noexcept;
    /// One line: what happened and what to do. Static; callers: anybody, a signal handler too.
    const char* text() const noexcept;
    /// text() with the detail, the limit and the errno, as in
    /// "the worker died in the task (SIGKILL): ...". Writes at most `bytes` into `buffer`,
    /// always NUL-terminated when bytes > 0, and returns `buffer`. Async-signal-safe.
    const char* describe(char* buffer, unsigned long bytes) const noexcept;

    friend constexpr bool operator==(const Error& left, Errc right) noexcept {
        return left.code() == right;
    }
    friend constexpr bool operator!=(const Error& left, Errc right) noexcept {
        return left.code() != right;
    }

private:
    static constexpr std::int16_t short_of(Errc code) noexcept {
        const std::int16_t number = static_cast<std::int16_t>(code);
        return static_cast<Errc>(number) == code ? number : std::int16_t{-1};  // None of ours.
    }
    // Two registers return it: so the code takes half of its word, and the limit the other half.
    std::int16_t code_ = 0;
    Limit limit_ = Limit::none;
    std::int32_t os_error_ = 0;
    std::int64_t detail_ = 0;
};

/// Called by expect() when something failed, and when a contract is broken in a way that no error
/// value can report. `doing` is what the program was at. Must not return.
using Panic = void (*)(const char* doing, const Error& error);

/// Replaces what a panic does in this process; nullptr restores the default: "doing: text" on
/// standard error, flushed streams, exit status 1. Not thread-safe: call it at the start.
void set_panic(Panic panic) noexcept;

[[noreturn]] void panic(const char* doing, const Error& error) noexcept;

}  // namespace v0
}  // namespace brood

#endif
