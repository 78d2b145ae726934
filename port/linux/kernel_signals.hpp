// Signals as the kernel has them. The libc's functions convert sets bit by bit, and each touches
// pages of the libc of its own, which costs a fresh child 1 us a page.
#ifndef BROOD_PORT_LINUX_KERNEL_SIGNALS_HPP
#define BROOD_PORT_LINUX_KERNEL_SIGNALS_HPP

#include <signal.h>

#include <port/types.hpp>

namespace brood::port::detail {

/// An array of words, the lowest signals first: 64 signals, on MIPS 128.
inline constexpr std::size_t kKernelSetBytes = _NSIG > 65 ? 16 : 8;
struct KernelSet {
    unsigned long words[kKernelSetBytes / sizeof(unsigned long)] = {};
};

/// What rt_sigaction() tells, with room for all of it on every machine.
struct KernelAction {
#ifdef __mips__
    unsigned int flags = 0;
#endif
    unsigned long handler = 0;
    unsigned long rest[3 + kKernelSetBytes / sizeof(unsigned long)] = {};
};

/// The signals between the ordinary and the real-time ones, which the libc keeps for itself: a
/// thread that blocks them hangs whoever cancels it or calls setuid().
inline SignalMask kept_by_libc() noexcept {
    return (SignalMask{1} << (SIGRTMIN - 1)) - (SignalMask{1} << 31);
}

}  // namespace brood::port::detail

#endif
