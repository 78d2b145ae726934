// SHA-256 on machines for which there is no file with special instructions.
#include <tools/sha256.hpp>

namespace tool::sha256 {

Compress compress_by_instructions() noexcept {
    return nullptr;
}

}  // namespace tool::sha256
