#include <cstring>

#include <port/port.hpp>

// glibc 2.32 and later; elsewhere the reference stays empty and the number alone is printed.
extern "C" const char* strerrordesc_np(int) noexcept __attribute__((weak));

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

const char* error_text(std::int32_t os_error) noexcept {
    if (&strerrordesc_np == nullptr) { return ""; }
    const char* const words = strerrordesc_np(os_error);
    return words == nullptr ? "" : words;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
