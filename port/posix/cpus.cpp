// How many CPUs there are, where sysconf knows it: POSIX.1-2017 does not ask that it does.
#include <unistd.h>

#include <atomic>

#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

std::uint32_t usable_cpus() noexcept {
#ifdef _SC_NPROCESSORS_ONLN
    const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
    if (cpus > 0) { return static_cast<std::uint32_t>(cpus); }
#endif
    return 1;
}

bool has_parallel_cpus() noexcept {
    enum : int { unknown, one, several };
    static std::atomic<int> known{unknown};
    int found = known.load(std::memory_order_relaxed);
    if (found == unknown) {
        found = usable_cpus() > 1 ? several : one;
        known.store(found, std::memory_order_relaxed);
    }
    return found == several;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
