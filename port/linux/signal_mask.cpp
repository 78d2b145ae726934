// The calling thread's signal mask.
#include <signal.h>

#include <port/port.hpp>

#include "calls.hpp"
#include "kernel_signals.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

constexpr unsigned kWordBits = 8 * sizeof(unsigned long);
constexpr unsigned kMaskWords = 64 / kWordBits;

}  // namespace

SignalMask signal_mask(MaskChange how, SignalMask mask) noexcept {
    if (mask >> 31 != 0) { mask &= ~detail::kept_by_libc(); }
    detail::KernelSet set, before;
    for (unsigned i = 0; i < kMaskWords; ++i) {
        set.words[i] = static_cast<unsigned long>(mask >> (i * kWordBits));
    }
    int change = SIG_SETMASK;
    if (how == MaskChange::block) { change = SIG_BLOCK; }
    if (how == MaskChange::unblock) { change = SIG_UNBLOCK; }
    (void)detail::call(SYS_rt_sigprocmask, change, &set, &before, detail::kKernelSetBytes);
    SignalMask found = 0;
    for (unsigned i = 0; i < kMaskWords; ++i) {
        found |= SignalMask{before.words[i]} << (i * kWordBits);
    }
    return found;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
