// The name of this port.
#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

const char* const kName = "linux";

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
