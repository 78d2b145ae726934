#include <tools/sha256.hpp>

namespace tool::sha256 {

Compress best() noexcept {
    static Compress chosen = nullptr;
    if (chosen == nullptr) {
        const Compress special = compress_by_instructions();
        chosen = special != nullptr ? special : compress_portable;
    }
    return chosen;
}

}  // namespace tool::sha256
