// What the tests of pipes and connections share: children that cannot outlive a test, flags in
// shared memory, and messages that can be told apart byte by byte.
#ifndef BROOD_TEST_CHANNEL_SUPPORT_HPP
#define BROOD_TEST_CHANNEL_SUPPORT_HPP

#include "support.hpp"

#include <atomic>
#include <cstdio>

#include <fcntl.h>

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

/// Waits until the process sleeps and goes on sleeping: until it is blocked.
inline void wait_until_blocked(pid_t pid) {
    for (int seen = 0; seen < 5; ++seen) {
        assert_true(eventually([&] { return state_of(pid) == 'S'; }));
        sleep_ms(2);
        if (state_of(pid) != 'S') { seen = -1; }
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
