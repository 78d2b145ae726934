// Who holds what: taking a mutex that is free asks nothing of the kernel, but is what others then
// wait for. Of the port's page this layer has these entries only: in the objects of the core, the
// Makefile puts them in the place of the port's.
#undef BROOD_PORT_LAYER
#define BROOD_PORT_LAYER os
#include <port/port.hpp>
#undef BROOD_PORT_LAYER
#define BROOD_PORT_LAYER traced
#include <port/port.hpp>

#include "line.hpp"

namespace brood::port {
inline namespace traced {
namespace {

void note(const char* what, const RobustMutex& mutex) noexcept {
    if (!::traced::is_on()) { return; }
    ::traced::Line line(::traced::now());
    line.text("-- ").text(what).text(" ").hex(reinterpret_cast<std::uintptr_t>(&mutex)).write();
}

}  // namespace

Status mutex_lock(RobustMutex& mutex, std::int64_t deadline_ns) noexcept {
    const Status status = os::mutex_lock(mutex, deadline_ns);
    if (status.ok() || status.code() == Errc::owner_died) { note("holds", mutex); }
    return status;
}

// Said before: afterwards it may be somebody else's.
Status mutex_unlock(RobustMutex& mutex) noexcept {
    if (os::mutex_is_mine(mutex)) { note("lets go of", mutex); }
    return os::mutex_unlock(mutex);
}

Status mutex_unlock_owing(RobustMutex& mutex, Bell& bell) noexcept {
    if (os::mutex_is_mine(mutex)) { note("lets go of", mutex); }
    return os::mutex_unlock_owing(mutex, bell);
}

}  // namespace traced
}  // namespace brood::port
