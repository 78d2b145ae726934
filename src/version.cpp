#include <brood/version.hpp>

namespace brood {
inline namespace v0 {

const char* version() noexcept {
    return kVersion;
}

}  // namespace v0
}  // namespace brood
