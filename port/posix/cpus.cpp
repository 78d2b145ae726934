// How many CPUs there are, where sysconf knows it: POSIX.1-2017 does not ask that it does.
#include <unistd.h>

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

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
