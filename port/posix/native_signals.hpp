// Signals as the system has them.
#ifndef BROOD_PORT_POSIX_NATIVE_SIGNALS_HPP
#define BROOD_PORT_POSIX_NATIVE_SIGNALS_HPP

#include <signal.h>

#include <port/types.hpp>

namespace brood::port::detail {

inline constexpr int kSignalMax = 64;  // What a SignalMask can hold.

inline sigset_t to_set(SignalMask mask) noexcept {
    sigset_t set;
    sigemptyset(&set);
    for (int signal = 1; signal <= kSignalMax; ++signal) {
        // The libc refuses those that it keeps for itself, and that is as well.
        if ((mask >> (signal - 1) & 1) != 0) { (void)sigaddset(&set, signal); }
    }
    return set;
}

inline bool is_caught(const struct sigaction& action) noexcept {
    // With SA_SIGINFO it is the other member of the union that holds the handler.
    if ((action.sa_flags & SA_SIGINFO) != 0) { return true; }
    return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

}  // namespace brood::port::detail

#endif
