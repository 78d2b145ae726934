// Closing all descriptors but some.
#include <limits.h>
#include <sys/resource.h>

#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

bool listed(Fd fd, const Fd* keep, std::size_t count) noexcept {
    for (std::size_t index = 0; index < count; ++index) {
        if (keep[index] == fd) { return true; }
    }
    return false;
}

}  // namespace

// POSIX cannot list the open descriptors, so every possible one is tried. getrlimit() is not on
// POSIX's list of async-signal-safe functions, but it is a bare system call wherever we know.
void close_all_but(const Fd* keep, std::size_t count) noexcept {
    rlimit limit = {};
    const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= INT_MAX;
    const Fd end = known ? static_cast<Fd>(limit.rlim_cur) : INT_MAX;
    for (Fd fd = 3; fd < end; ++fd) {
        if (!listed(fd, keep, count)) { close(fd); }
    }
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
