// What the tests of `brood ipc` share: names of their own, and those who make, use and leave them.
#ifndef BROOD_TEST_IPC_SUPPORT_HPP
#define BROOD_TEST_IPC_SUPPORT_HPP

#include "sleeper_support.hpp"
#include "sum_host_support.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <brood/value.hpp>
#include <tools/proc.hpp>

namespace test::ipc {

inline bool g_is_apart = false;  // Nobody but us has names here.

/// As the system calls this program: an emulator, maybe.
inline const char* own_program() {
    static char name[32] = "";
    if (name[0] == '\0') { tool::name_program(getpid(), name, sizeof name); }
    return name;
}

/// Runs the command; output to "found", errors to "errors".
inline int run_ipc(const char* arguments) {
    char script[400];
    snprintf(script, sizeof script, "exec $BROOD ipc %s > found 2> errors < /dev/null", arguments);
    return run_script(script);
}

/// Fails the test unless a line of "found" fits the extended regular expression.
[[gnu::format(printf, 1, 2)]] inline void assert_line(const char* format, ...) {
    char pattern[400], script[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(pattern, sizeof pattern, format, arguments);
    va_end(arguments);
    snprintf(script, sizeof script, "grep -Eq '^%s$' found", pattern);
    if (run_script(script) != 0) {
        fail_msg("no line like \"%s\" in:\n%s", pattern, Contents("found").text());
    }
}

inline void assert_lacks(const char* path, const char* part) {
    const Contents contents(path);
    if (contents.has(part)) { fail_msg("\"%s\" in:\n%s", part, contents.text()); }
}

/// A statement of Python about `data`, the JSON in "found"; true where there is no Python.
inline void assert_json(const char* statement) {
    char script[1024];
    snprintf(script, sizeof script,
             "command -v python3 > /dev/null || exit 0; python3 -c 'import json\n"
             "data = json.load(open(\"found\"))\nassert %s, data'",
             statement);
    assert_int_equal(run_script(script), 0);
}

/// Another process, which does something, and then nothing until it is killed.
class Other {
public:
    template <class F>
    explicit Other(F body) {
        Handshake ready;
        pid_ = test::start_child([&]() -> int {
            test::end_some_day();
            if (!body()) { return 1; }
            ready.tell();
            for (;;) { pause(); }
        });
        assert_true(ready.await());
    }
    ~Other() { kill_it(); }
    Other(const Other&) = delete;
    Other& operator=(const Other&) = delete;

    pid_t pid() const { return pid_; }
    void kill_it() {
        if (pid_ <= 0) { return; }
        kill(pid_, SIGKILL);
        waitpid(std::exchange(pid_, -1), nullptr, 0);
    }

private:
    pid_t pid_ = -1;
};

/// The names of a dead creator: that of a value, and its pid.
inline pid_t leave_value(const char* name) {
    Other maker([&] {
        static auto value = brood::Value<int>::create_named(name, 1);
        return value.ok();
    });
    return maker.pid();
}

/// An object that somebody made by hand.
inline void make_object(const char* name, const void* bytes, size_t count, unsigned mode = 0600) {
    const int file = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    assert_true(file >= 0);
    assert_int_equal(fchmod(file, mode), 0);
    assert_int_equal(write(file, bytes, count), count);
    close(file);
}

inline void remove_object(const char* name) {
    assert_int_equal(shm_unlink(name), 0);
}

/// A /dev/shm and message queues of our own, where we may have them.
inline int enter(void** state) {
    g_is_apart = unshare(CLONE_NEWNS | CLONE_NEWIPC) == 0 &&
                 mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                 mount("shm", "/dev/shm", "tmpfs", 0, "size=1g") == 0;
    const bool has_queues = g_is_apart && access("/dev/mqueue", F_OK) == 0;
    if (has_queues) { g_is_apart = mount("none", "/dev/mqueue", "mqueue", 0, nullptr) == 0; }
    return test::enter_folder(state);
}

inline int nothing_is_left(void**) {
    if (!g_is_apart) { return 0; }
    if (run_script("! find /dev/shm /dev/mqueue -type f | grep -v ^/dev/shm/brood-sum-") == 0) {
        return test::empty_folder(nullptr);
    }
    print_error("names are left in /dev/shm or /dev/mqueue\n");
    run_script("find /dev/shm /dev/mqueue -type f -delete");
    return -1;
}

}  // namespace test::ipc

#endif
