// What the tests share: children, handshakes, deadlines, and what must not be left behind.
#ifndef BROOD_TEST_SUPPORT_HPP
#define BROOD_TEST_SUPPORT_HPP

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>  // It says nothing about C++ itself.
}

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <new>

#include <brood/result.hpp>

namespace test {

/// How long anything may take that should happen at once: long, as the machine may be loaded.
inline constexpr std::int64_t kPatienceMs = 20000;

/// What "within a second" and "at its deadline" come to here: they are promised where the system is
/// not overloaded, and others test beside us.
inline constexpr std::int64_t kSoonMs = 5000;

inline std::int64_t now_ns() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

/// The monotonic time in `ms` milliseconds from now, in nanoseconds.
inline std::int64_t in_ms(std::int64_t ms) {
    return now_ns() + ms * 1000000;
}

inline void sleep_ms(std::int64_t ms) {
    const timespec time = {static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000 * 1000000)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

/// Whether `condition()` becomes true within the time. Only for what no handshake can tell.
template <class F>
bool eventually(F condition, std::int64_t ms = kPatienceMs) {
    const std::int64_t deadline = in_ms(ms);
    while (!condition()) {
        if (now_ns() > deadline) { return false; }
        sleep_ms(1);
    }
    return true;
}

/// Says in the log, which the suite collects, that something was not tested, and why.
inline void not_run(const char* what, const char* why) {
    print_message("not run: %s: %s\n", what, why);
}

/// Whether this port answers "unsupported" for `what`; then says so.
inline bool is_unsupported(const brood::Status& status, const char* what) {
    if (status.code() != brood::Errc::unsupported) { return false; }
    not_run(what, "unsupported by this port");
    return true;
}

/// Fails the test with the error's text unless `status` is ok.
inline void assert_ok(const brood::Status& status) {
    if (!status.ok()) {
        fail_msg("%s (errno %d)", status.error().name(), status.error().os_error());
    }
}
template <class T>
void assert_ok(const brood::Result<T>& result) {
    assert_ok(result.status());
}

inline void assert_code(const brood::Status& status, brood::Errc code) {
    if (status.code() != code) {
        fail_msg("%s instead of %s", status.error().name(), brood::Error(code).name());
    }
}
template <class T>
void assert_code(const brood::Result<T>& result, brood::Errc code) {
    assert_code(result.status(), code);
}

/// Where the file of this program is.
inline const char* own_path() {
    static char path[PATH_MAX] = {};
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(length > 0);
    return path;
}

/// Whether the suite runs its programs by an emulator.
inline bool is_emulated() {
    const char* const emulator = getenv("EMULATOR");
    return emulator != nullptr && *emulator != '\0';
}

/// `sh -c` of this, a program and its arguments runs the program as the suite runs its own.
inline constexpr const char* kRunAsTests = "exec $EMULATOR \"$0\" \"$@\"";

/// Counts the entries of a folder whose names begin with `prefix`.
inline std::size_t count_entries(const char* folder, const char* prefix = "") {
    DIR* const dir = opendir(folder);
    if (dir == nullptr) { return 0; }
    std::size_t count = 0;
    while (const dirent* entry = readdir(dir)) {
        const bool dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!dots && strncmp(entry->d_name, prefix, strlen(prefix)) == 0) { ++count; }
    }
    closedir(dir);
    return count;
}

/// How many descriptors this process has open.
inline std::size_t open_descriptors() {
    return count_entries("/proc/self/fd") - 1;  // One was that of the folder.
}

/// Forks a child that ends with what `body()` returns. The child must not use cmocka's assertions:
/// they would jump back into its copy of the suite.
template <class F>
pid_t start_child(F body) {
    const pid_t pid = fork();
    if (pid == 0) { _exit(body()); }
    assert_true(pid > 0);
    return pid;
}

/// The exit code of a child, -N if signal N killed it. Kills it and fails if it takes too long.
inline int join_child(pid_t pid, std::int64_t patience_ms = kPatienceMs) {
    int status = 0;
    pid_t found = 0;
    const auto is_found = [&] {
        do { found = waitpid(pid, &status, WNOHANG); } while (found < 0 && errno == EINTR);
        return found != 0;
    };
    const bool ended = eventually(is_found, patience_ms);
    if (!ended) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        fail_msg("child %d did not end", pid);
    }
    assert_int_equal(found, pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

template <class F>
int run_child(F body) {
    return join_child(start_child(body));
}

/// Fails the test, at the caller's line, unless a child that returns body() ends with this code.
template <class F>
void assert_child_exits(int code, F body, const char* file = __builtin_FILE(),
                        int line = __builtin_LINE()) {
    _assert_int_equal(cast_to_largest_integral_type(run_child(body)),
                      cast_to_largest_integral_type(code), file, line);
}

/// The letter of a process's state in /proc: 'S' asleep, 'T' stopped, 'Z' a zombie; '\0': none.
inline char state_of(pid_t pid) {
    char path[40], state = '\0';
    snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
    FILE* const file = fopen(path, "re");
    if (file == nullptr) { return '\0'; }
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) { state = '\0'; }
    fclose(file);
    return state;
}
inline void await_state(pid_t pid, char state) {
    assert_true(eventually([=] { return state_of(pid) == state; }));
}
/// Whether the process is gone, or only waits to be reaped.
inline bool has_ended(pid_t pid) {
    const char state = state_of(pid);
    return state == '\0' || state == 'Z' || state == 'X';
}

/// Waits until our child can be reaped. A zombie may be its first thread alone, with others left:
/// an emulator has some.
inline void await_end(pid_t child) {
    assert_true(eventually([=] {
        siginfo_t info = {};
        const int options = WEXITED | WNOHANG | WNOWAIT;
        return waitid(P_PID, static_cast<id_t>(child), &info, options) == 0 && info.si_pid != 0;
    }));
}

/// Whether every child of the caller, adopted ones too, ends in time; reaps them.
inline bool all_end() {
    return eventually([] {
        for (;;) {
            const pid_t pid = waitpid(-1, nullptr, WNOHANG);
            if (pid <= 0) { return pid < 0 && errno == ECHILD; }
        }
    });
}

/// Context switches of a process, of both kinds: of one that sleeps each wake-up is one.
inline long switches_of(pid_t pid) {
    char path[40], line[128];
    snprintf(path, sizeof path, "/proc/%d/status", static_cast<int>(pid));
    FILE* const file = fopen(path, "re");
    assert_non_null(file);
    long switches = 0, part = 0;
    while (fgets(line, sizeof line, file) != nullptr) {
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &part) == 1 ||
            sscanf(line, "nonvoluntary_ctxt_switches: %ld", &part) == 1) {
            switches += part;
        }
    }
    fclose(file);
    assert_true(switches > 0);
    return switches;
}

/// The same of one who sleeps, once he is not about to look again before he sleeps for good: he has
/// not been awake for a tenth of a second.
inline long switches_at_rest(pid_t pid) {
    long switches = 0;
    assert_true(eventually([&] {
        switches = switches_of(pid);
        sleep_ms(100);
        return switches_of(pid) == switches;
    }));
    return switches;
}

/// A T in plain shared memory, not brood's: what the processes of a test talk through.
template <class T>
class Board {
public:
    Board() {
        void* const page =
            mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(page != MAP_FAILED);
        board_ = ::new (page) T();
    }
    ~Board() { munmap(board_, sizeof(T)); }
    Board(const Board&) = delete;
    Board& operator=(const Board&) = delete;
    T* operator->() const { return board_; }
    T& operator*() const { return *board_; }

private:
    T* board_;
};

/// A message without content from one process to another: made before the fork, told in one,
/// awaited in the other.
class Handshake {
public:
    Handshake() { assert_int_equal(pipe(ends_), 0); }
    ~Handshake() {
        close(ends_[0]);
        close(ends_[1]);
    }
    Handshake(const Handshake&) = delete;
    Handshake& operator=(const Handshake&) = delete;

    void tell() {
        while (::write(ends_[1], "", 1) < 0 && errno == EINTR) {}
    }
    /// False if nothing was told within the time.
    bool await(std::int64_t ms = kPatienceMs) {
        pollfd item = {ends_[0], POLLIN, 0};
        const std::int64_t deadline = in_ms(ms);
        for (;;) {
            const std::int64_t left_ms = (deadline - now_ns()) / 1000000;
            const int found = ::poll(&item, 1, left_ms > 0 ? static_cast<int>(left_ms) : 0);
            char byte = 0;
            if (found > 0) { return ::read(ends_[0], &byte, 1) == 1; }
            if (found == 0) { return false; }
        }
    }

private:
    int ends_[2];
};

/// Sends `signal` to `target` every few hundred microseconds from a process of its own, until it
/// goes out of scope.
class SignalStorm {
public:
    explicit SignalStorm(int signal, pid_t target = getpid()) {
        storm_ = start_child([=] {
            const timespec pause = {0, 200000};
            while (kill(target, signal) == 0 && getppid() == parent_) {
                nanosleep(&pause, nullptr);
            }
            return 0;
        });
    }
    ~SignalStorm() {
        kill(storm_, SIGKILL);
        while (waitpid(storm_, nullptr, 0) < 0 && errno == EINTR) {}
    }
    SignalStorm(const SignalStorm&) = delete;
    SignalStorm& operator=(const SignalStorm&) = delete;

private:
    pid_t parent_ = getpid();
    pid_t storm_ = -1;
};

/// Signals by the thousand to this process, from its own timer: no system call restarts after them.
class AlarmStorm {
public:
    AlarmStorm() {
        struct sigaction action = {};
        action.sa_handler = [](int) {};
        sigaction(SIGALRM, &action, &before_);
        set(200);
    }
    AlarmStorm(const AlarmStorm&) = delete;
    AlarmStorm& operator=(const AlarmStorm&) = delete;
    ~AlarmStorm() {
        set(0);
        sigaction(SIGALRM, &before_, nullptr);
    }

private:
    static void set(long microseconds) {
        const itimerval timer = {{0, microseconds}, {0, microseconds}};
        setitimer(ITIMER_REAL, &timer, nullptr);
    }
    struct sigaction before_ = {};
};

}  // namespace test

#endif
