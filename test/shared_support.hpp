// What the tests of shared memory and locks have in common: children with deadlines, names of their
// own, and the proof that nothing is left behind.
#ifndef BROOD_TEST_SHARED_SUPPORT_HPP
#define BROOD_TEST_SHARED_SUPPORT_HPP

#include "support.hpp"

#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <atomic>

#include <brood/shared_memory.hpp>
#include <port/port.hpp>

namespace shared_test {

using test::Board;
using test::count_entries;

inline int64_t now_ms() {
    return test::now_ns() / 1000000;
}

inline void sleep_us(long us) {
    timespec span = {us / 1000000, us % 1000000 * 1000};
    while (nanosleep(&span, &span) != 0) {}
}

// For use in a child, where a failed cmocka assertion would jump into the parent's test.
#define CHECK_IN_CHILD(condition)                                                             \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            (void)fprintf(stderr, "%s:%d: in a child: %s\n", __FILE__, __LINE__, #condition); \
            _exit(99);                                                                        \
        }                                                                                     \
    } while (false)

// Forks a child that runs f() and exits with 0. It cannot outlive its test for long.
template <class F>
pid_t start_child(F f) {
    (void)fflush(nullptr);
    return test::start_child([&] {
        (void)alarm(120);
        f();
        return 0;
    });
}

// Reaps the child. Returns: its exit code, or -N if signal N killed it; fails past the deadline.
inline int end_of(pid_t pid) {
    return test::join_child(pid);
}

// Fails the test, at the caller's line, unless a child that runs f() ends with this code.
template <class F>
void assert_child_exits(int code, F f, const char* file = __builtin_FILE(),
                        int line = __builtin_LINE()) {
    _assert_int_equal(cast_to_largest_integral_type(end_of(start_child(f))),
                      cast_to_largest_integral_type(code), file, line);
}

inline void kill_and_reap(pid_t pid) {
    (void)kill(pid, SIGKILL);
    (void)end_of(pid);
}

// Runs f() in a thread and waits for it.
template <class F>
void in_thread(F f) {
    pthread_t thread;
    const auto run = [](void* argument) -> void* {
        (*static_cast<F*>(argument))();
        return nullptr;
    };
    assert_int_equal(pthread_create(&thread, nullptr, run, &f), 0);
    assert_int_equal(pthread_join(thread, nullptr), 0);
}

// Waits until `word` has become `value`, by the work of another process.
inline bool becomes(const std::atomic<int>& word, int value,
                    int64_t deadline_ms = test::kPatienceMs) {
    const int64_t end = now_ms() + deadline_ms;
    while (word.load() != value) {
        if (now_ms() > end) { return false; }
        sleep_us(50);
    }
    return true;
}

// "/brood-test-<pid of the suite>-<what>".
struct Name {
    char text[64];
    explicit Name(const char* what) {
        static const pid_t suite = getpid();
        (void)snprintf(text, sizeof(text), "/brood-test-%d-%s", static_cast<int>(suite), what);
    }
    operator const char*() const { return text; }
};

// Names that no object may have, and what they are refused with.
struct BadName {
    const char* name;
    brood::Errc wanted;
};
// "/xxx", 256 characters with the slash: one more than a name may have.
struct TooLongName {
    char text[257] = "/";
    TooLongName() { memset(text + 1, 'x', 255); }
};
inline const TooLongName kTooLongName;
inline const BadName kBadNames[] = {
    {nullptr, brood::Errc::bad_argument},
    {"", brood::Errc::name_empty},
    {"/", brood::Errc::name_empty},
    {"object", brood::Errc::name_without_slash},
    {"/a/b", brood::Errc::name_with_two_slashes},
    {"/.", brood::Errc::bad_argument},
    {"/..", brood::Errc::bad_argument},
    {kTooLongName.text, brood::Errc::name_too_long},
};

// Who may open an object that was made with this access (promise 20), and under which umasks.
struct ModeRow {
    brood::Access access;
    bool group, others;
};
inline constexpr ModeRow kModeRows[] = {{brood::Access::owner, false, false},
                                        {brood::Access::group, true, false},
                                        {brood::Access::everybody, true, true}};
inline constexpr mode_t kUmasks[] = {0, 022, 0777};

// Whether that user may open it: asked of the kernel.
template <class T>
bool opens_as(uid_t uid, gid_t gid, const char* name) {
    return end_of(start_child([&] {
               const bool done = setgroups(0, nullptr) == 0 && setresgid(gid, gid, gid) == 0 &&
                                 setresuid(uid, uid, uid) == 0;
               CHECK_IN_CHILD(done);
               _exit(T::open(name).ok() ? 1 : 0);
           })) == 1;
}

// A named object by the system's own calls: what brood made, or what it shall find.
class RawObject {
public:
    RawObject(const char* name, int flags) : fd_(shm_open(name, flags, 0600)) {}
    ~RawObject() { (void)close(fd_); }
    RawObject(const RawObject&) = delete;
    RawObject& operator=(const RawObject&) = delete;

    bool exists() const { return fd_ >= 0; }
    int descriptor() const { return fd_; }
    bool resize(size_t bytes) { return ftruncate(fd_, static_cast<off_t>(bytes)) == 0; }
    bool write(size_t at, const void* data, size_t bytes) {
        const ssize_t count = pwrite(fd_, data, bytes, static_cast<off_t>(at));
        return count == static_cast<ssize_t>(bytes);
    }
    bool read(size_t at, void* data, size_t bytes) {
        const ssize_t count = pread(fd_, data, bytes, static_cast<off_t>(at));
        return count == static_cast<ssize_t>(bytes);
    }
    struct stat status() const {
        struct stat found = {};
        assert_int_equal(fstat(fd_, &found), 0);
        return found;
    }

private:
    int fd_;
};

// Whether it is safe to ask for far more memory than there is. On a /dev/shm without a limit only a
// port that looks at the system's memory refuses; another would fill it until something is killed.
inline bool excess_is_refused() {
    if (sizeof(size_t) < 8) {
        test::not_run("more than there is", "32 bits cannot ask for that much");
        return false;
    }
    struct statvfs system = {};
    const bool limited = statvfs("/dev/shm", &system) == 0 && system.f_blocks != 0;
    if (!limited) { test::not_run("more than there is", "/dev/shm has no limit"); }
    return limited;
}

// The objects of this suite that have a name now.
inline size_t count_names() {
    return count_entries("/dev/shm", static_cast<const char*>(Name("")) + 1);
}

// So that one test that failed does not make the next ones fail.
inline void remove_names() {
    const Name prefix("");
    DIR* const folder = opendir("/dev/shm");
    if (folder == nullptr) { return; }
    while (const dirent* entry = readdir(folder)) {
        if (strncmp(entry->d_name, prefix.text + 1, strlen(prefix.text) - 1) != 0) { continue; }
        char name[sizeof(entry->d_name) + 1] = "/";
        (void)shm_unlink(strcat(name, entry->d_name));
    }
    (void)closedir(folder);
}

/// Whether memory that a queue no longer needs goes back to the system: not on posix, and not under
/// qemu-user, which says of any advice that it was taken, and does nothing.
inline bool gives_back() {
    constexpr int kNoAdvice = 0x7fff;
    return strcmp(brood::port::kName, "posix") != 0 && madvise(nullptr, 4096, kNoAdvice) != 0;
}

inline size_t& descriptors_before() {
    static size_t count = 0;
    return count;
}
// Set-up and tear-down of each test: no descriptor, no process and no name may be left behind.
inline int remember(void**) {
    (void)Name("");
    descriptors_before() = test::open_descriptors();
    return 0;
}
inline int nothing_left(void**) {
    const size_t names = count_names();
    remove_names();
    assert_int_equal(names, 0);
    assert_int_equal(test::open_descriptors(), descriptors_before());
    assert_int_equal(waitpid(-1, nullptr, WNOHANG), -1);
    return 0;
}
#define TIDY(test) cmocka_unit_test_setup_teardown(test, remember, nothing_left)

// KiB of shared memory that this process has touched and that is still there.
inline long shared_kilobytes() {
    FILE* const file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    char line[128];
    long found = 0;
    while (fgets(line, sizeof line, file) != nullptr) {
        (void)sscanf(line, "RssShmem: %ld kB", &found);
    }
    (void)fclose(file);
    return found;
}

// Deterministic numbers for random moments and mutations (xorshift64).
class Chance {
public:
    explicit Chance(uint64_t seed) : state_(seed * 2654435761u + 88172645463325252u) {}
    uint64_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }
    long below(long limit) { return static_cast<long>(next() % static_cast<uint64_t>(limit)); }

private:
    uint64_t state_;
};

inline void assert_error(brood::Errc found, brood::Errc wanted, const char* what) {
    if (found == wanted) { return; }
    fail_msg("%s: %s instead of %s", what, brood::Error(found).name(), brood::Error(wanted).name());
}
inline void assert_ok(const brood::Error& error) {
    if (error.code() == brood::Errc::ok) { return; }
    fail_msg("%s (%s), errno %d", error.name(), error.text(), static_cast<int>(error.os_error()));
}

}  // namespace shared_test

#endif
