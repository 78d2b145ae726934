// What the tests of pipes and connections share: children that cannot outlive a test, flags in
// shared memory, and messages that can be told apart byte by byte.
#ifndef BROOD_TEST_CHANNEL_SUPPORT_HPP
#define BROOD_TEST_CHANNEL_SUPPORT_HPP

#include "support.hpp"

#include <atomic>
#include <cstdio>

#include <fcntl.h>
#include <sys/mman.h>

#include <brood/connection.hpp>

namespace test {

constexpr unsigned kChildSeconds = 60;  // Then a child that nobody waits for any more is killed.
constexpr brood::Timeout kLong = brood::milliseconds(kPatienceMs);

inline std::int64_t now_ms() {
    return now_ns() / 1000000;
}

template <class F>
pid_t child(F&& body) {
    return start_child([&] {
        alarm(kChildSeconds);
        return body();
    });
}

// In a child, instead of assert_true().
#define CHILD_EXPECT(condition)                                                      \
    do {                                                                             \
        if (!(condition)) {                                                          \
            dprintf(2, "%s:%d: in the child: %s\n", __FILE__, __LINE__, #condition); \
            _exit(99);                                                               \
        }                                                                            \
    } while (false)

inline int killed(pid_t pid) {
    kill(pid, SIGKILL);
    return join_child(pid);
}

/// A zeroed T that children share with the test.
template <class T>
class Shared {
public:
    Shared() {
        void* at =
            mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(at != MAP_FAILED);
        value_ = static_cast<T*>(at);
    }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared() { munmap(value_, sizeof(T)); }
    T* operator->() const { return value_; }
    T& operator*() const { return *value_; }

private:
    T* value_;
};

/// Whether the process sleeps in a system call, as far as the system tells.
inline bool sleeps(pid_t pid) {
    char path[64];
    std::snprintf(path, sizeof(path), "/proc/%d/stat", static_cast<int>(pid));
    FILE* const file = std::fopen(path, "r");
    if (file == nullptr) { return false; }
    char state = '?';
    const int found = std::fscanf(file, "%*d (%*[^)]) %c", &state);
    std::fclose(file);
    return found == 1 && state == 'S';
}

/// Waits until the process sleeps and goes on sleeping: until it is blocked.
inline void wait_until_blocked(pid_t pid) {
    for (int seen = 0; seen < 5; ++seen) {
        assert_true(eventually([&] { return sleeps(pid); }));
        sleep_ms(2);
        if (!sleeps(pid)) { seen = -1; }
    }
}

/// Byte `at` of message number `number`.
inline unsigned char byte_of(std::uint32_t number, std::size_t at) {
    const std::size_t mixed = number * 2654435761u + at * 31 + (at >> 8) * 7 + (at >> 16) * 3;
    return static_cast<unsigned char>(mixed >> 3);
}

inline void fill(unsigned char* to, std::size_t bytes, std::uint32_t number) {
    for (std::size_t at = 0; at < bytes; ++at) { to[at] = byte_of(number, at); }
}

inline bool is_filled(const unsigned char* from, std::size_t bytes, std::uint32_t number) {
    for (std::size_t at = 0; at < bytes; ++at) {
        if (from[at] != byte_of(number, at)) { return false; }
    }
    return true;
}

/// Random numbers that are the same in every run.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
    std::uint32_t next() {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::uint32_t>(state_ >> 33);
    }
    std::uint32_t below(std::uint32_t end) { return next() % end; }

private:
    std::uint64_t state_;
};

}  // namespace test

#endif
