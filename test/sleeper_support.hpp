// For tests of those who sleep in shared memory: memory to share, and children known to be asleep.
#ifndef BROOD_TEST_SLEEPER_SUPPORT_HPP
#define BROOD_TEST_SLEEPER_SUPPORT_HPP

#include "support.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <new>

#include <port/port.hpp>

namespace test {

// A T in memory that children share, zeroed. A null `object` fails the test.
template <class T>
struct Mapped {
    Mapped() {
        const brood::Result<void*> address = brood::port::map_shared(sizeof(T));
        assert_ok(address);
        object = ::new (*address) T();
    }
    ~Mapped() { brood::port::unmap(object, sizeof(T)); }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;
    T* operator->() const { return object; }
    T& operator*() const { return *object; }

    T* object = nullptr;
};

// The state letter of a process: S asleep, T stopped; 0 if there is none.
inline char state_of(pid_t pid) {
    char path[40], text[256] = {};
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    const int fd = open(path, O_RDONLY);
    if (fd < 0) { return 0; }
    const ssize_t bytes = read(fd, text, sizeof(text) - 1);
    close(fd);
    const char* const name_end = bytes > 0 ? strrchr(text, ')') : nullptr;
    return name_end != nullptr ? name_end[2] : '\0';
}

inline void await_state(pid_t pid, char state) {
    assert_true(eventually([=] { return state_of(pid) == state; }));
}

// How often a process has gone to sleep.
inline long switches_of(pid_t pid) {
    char path[40], line[128];
    (void)snprintf(path, sizeof path, "/proc/%d/status", static_cast<int>(pid));
    FILE* const file = fopen(path, "re");
    if (file == nullptr) { return -1; }
    long count = -1;
    while (fgets(line, sizeof line, file) != nullptr) {
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1) { break; }
    }
    (void)fclose(file);
    return count;
}

// In a child: a test that fails leaves nobody behind for long.
inline void end_some_day() {
    alarm(3 * kPatienceMs / 1000);
}

// A child that runs `body`, which soon falls asleep: asleep when this returns, or ended.
template <class F>
pid_t start_sleeping(F body) {
    Handshake begun;
    const pid_t pid = start_child([&] {
        end_some_day();
        begun.tell();
        return body();
    });
    assert_true(begun.await());
    assert_true(eventually([=] { return state_of(pid) == 'S' || state_of(pid) == 'Z'; }));
    return pid;
}

}  // namespace test

#endif
