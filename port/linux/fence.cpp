// Memory barriers in other processes: membarrier(2).
#include <errno.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// From <linux/membarrier.h>, which may be older than the kernel. "Global": of all processes that
// registered; "expedited": by interrupts, in microseconds and not milliseconds.
constexpr int kGlobalExpedited = 2, kRegisterGlobalExpedited = 4;

Status barrier(int command) noexcept {
    if (detail::call(SYS_membarrier, command, 0, 0) == 0) { return {}; }
    return Error(Errc::unsupported, errno);
}

}  // namespace

Status fence_join() noexcept {
    return barrier(kRegisterGlobalExpedited);
}

Status fence_all() noexcept {
    return barrier(kGlobalExpedited);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
