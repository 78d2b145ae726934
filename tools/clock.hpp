// A clock of the system, as one number.
#ifndef BROOD_TOOLS_CLOCK_HPP
#define BROOD_TOOLS_CLOCK_HPP

#include <time.h>

#include <cstdint>

namespace tool {

inline std::int64_t clock_ns(clockid_t clock) noexcept {
    timespec now = {};
    clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

}  // namespace tool

#endif
