#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

// POSIX has strerror(), but lets it write into a static buffer, so it may be called neither in a
// signal handler nor by two threads. The number alone is printed.
const char* error_text(std::int32_t) noexcept {
    return "";
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
