// The calling thread's signal mask.
#include <signal.h>

#include <port/port.hpp>

#include "native_signals.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

SignalMask signal_mask(MaskChange how, SignalMask mask) noexcept {
    const sigset_t set = detail::to_set(mask);
    sigset_t before;
    sigemptyset(&before);
    int change = SIG_SETMASK;
    if (how == MaskChange::block) { change = SIG_BLOCK; }
    if (how == MaskChange::unblock) { change = SIG_UNBLOCK; }
    (void)::pthread_sigmask(change, &set, &before);
    SignalMask found = 0;
    for (int signal = 1; signal <= detail::kSignalMax; ++signal) {
        if (sigismember(&before, signal) == 1) { found |= SignalMask{1} << (signal - 1); }
    }
    return found;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
