#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

void cpu_relax() noexcept {
#if defined(__i386__) || defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
    asm volatile("yield");
#else
    asm volatile("");
#endif
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
