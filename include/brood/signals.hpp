// Signals: their names, sending, handling, waiting, and the alarm clock.
#ifndef BROOD_SIGNALS_HPP
#define BROOD_SIGNALS_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {
namespace signals {

/// One line of `kill -l`, with what it means.
struct Info {
    const char* name;  ///< "SIGTERM"
    std::int32_t number;
    const char* meaning;     ///< "termination request"
    const char* by_default;  ///< "ends", "ends, core", "stops", "continues", "ignored"
};

/// The signals of this system in the order of their numbers. Callers: anybody.
struct List {
    const Info* first;
    std::size_t count;
    const Info* begin() const noexcept { return first; }
    const Info* end() const noexcept { return first + count; }
    std::size_t size() const noexcept { return count; }
};
List all() noexcept;
/// "SIGKILL"; "SIGRTMIN+3"-like numbers and unknown ones give "signal". Callers: anybody.
const char* name(int signal) noexcept;
/// By name, with or without "SIG". Errors: bad_signal.
Result<int> number(const char* name) noexcept;

/// Sends a signal to a process (kill(2)); 0 only asks whether one could.
/// Returns: ok; bad_signal; not_found; not_permitted; bad_argument (pid <= 0: no groups by
///          accident). Callers: anybody, a signal handler too.
Status send(std::int32_t pid, int signal) noexcept;

/// A handler. It runs between any two instructions of the program: it may call what says
/// "a signal handler too", set atomics, and little else.
using Handler = void (*)(int signal);

/// Handles `signal` by `handler`, ignores it, or puts back what was there before the first of
/// these calls in this process. The host's own interrupted calls restart; brood's always do.
/// Returns: ok; bad_signal (none such, or SIGKILL, SIGSTOP); bad_argument (null handler).
/// Threads: not at the same time for the same signal.
Status on(int signal, Handler handler) noexcept;
Status ignore(int signal) noexcept;
Status by_default(int signal) noexcept;
Status restore(int signal) noexcept;

/// Handles (or, with null, ignores) a signal until the end of the scope, then puts back exactly
/// what was there, whoever had set it. Nests.
class Scoped {
public:
    Scoped(int signal, Handler handler) noexcept;
    ~Scoped() noexcept;
    Scoped(const Scoped&) = delete;
    Scoped& operator=(const Scoped&) = delete;
    /// Whether it took effect: as on().
    Status status() const noexcept { return status_; }

private:
    int signal_;
    Status status_;
    alignas(16) unsigned char before_[256];
};

/// A set of signals.
class Set {
public:
    constexpr Set() noexcept = default;
    constexpr Set(std::initializer_list<int> list) noexcept {
        for (int signal : list) { add(signal); }
    }
    /// Numbers outside 1..64 are left out.
    constexpr void add(int signal) noexcept {
        if (signal >= 1 && signal <= 64) { mask_ |= std::uint64_t{1} << (signal - 1); }
    }
    constexpr bool has(int signal) const noexcept {
        return signal >= 1 && signal <= 64 && ((mask_ >> (signal - 1)) & 1) != 0;
    }
    constexpr std::uint64_t mask() const noexcept { return mask_; }

private:
    std::uint64_t mask_ = 0;
};

/// Blocks signals in the calling thread until the end of the scope.
class Blocked {
public:
    explicit Blocked(Set set) noexcept;
    ~Blocked() noexcept;
    Blocked(const Blocked&) = delete;
    Blocked& operator=(const Blocked&) = delete;

private:
    std::uint64_t before_;
};

/// Sleeps until a handler has run. A signal that comes just before is missed: wait_signal() has no
/// such gap.
void pause() noexcept;
/// Takes one of `set` as soon as it is pending. Block the set first (Blocked), in every thread.
/// Returns: its number; timed_out; bad_argument (empty set); timeout_negative/_overflow.
Result<int> wait_signal(Set set, Timeout timeout = Timeout::forever()) noexcept;

/// Sets the one alarm clock of the process: SIGALRM after `delay`; a later call replaces an
/// earlier one; milliseconds(0) cancels. Resolution: 1 microsecond.
/// Returns: what was left of the former, milliseconds(0) if it was off; timeout_negative,
///          timeout_overflow (also for forever()).
Result<Timeout> alarm(Timeout delay) noexcept;

/// An alarm with its handler for one scope. At the end of the scope the former handler is put
/// back, and the former alarm with what is left of its time (at once, if it should have rung), also
/// one that rings again and again (setitimer). Where status() is not ok nothing was changed.
class ScopedAlarm {
public:
    ScopedAlarm(Timeout delay, Handler handler) noexcept;
    ~ScopedAlarm() noexcept;
    ScopedAlarm(const ScopedAlarm&) = delete;
    ScopedAlarm& operator=(const ScopedAlarm&) = delete;
    Status status() const noexcept { return status_; }

private:
    // The former alarm is stopped before its handler is replaced, and set again after that was put
    // back: the order of these members.
    struct Former {
        explicit Former(bool stop) noexcept;
        ~Former() noexcept;
        std::int64_t due_ns = 0;     // monotonic; 0: there was no alarm
        std::int64_t repeat_ns = 0;  // 0: it rings once
    };
    Status status_;
    Former former_;
    Scoped handler_;
};

/// Tells brood that this process ignores SIGPIPE (this call sets it to ignored) and will go on to
/// do so. Sending through pipes is then 1.5 to 3 times as fast, since brood no longer guards each
/// write against the signal (Linux before 6.18 needs two more system calls for that).
/// Without this call brood never lets SIGPIPE kill the host, and changes nothing of the host's.
Status ignore_broken_pipes() noexcept;

}  // namespace signals
}  // namespace v0
}  // namespace brood

#endif
