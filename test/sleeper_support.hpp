// For tests of those who sleep in shared memory: children known to be asleep.
#ifndef BROOD_TEST_SLEEPER_SUPPORT_HPP
#define BROOD_TEST_SLEEPER_SUPPORT_HPP

#include "support.hpp"

namespace test {

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
