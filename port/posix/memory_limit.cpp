// Limits on memory that kill instead of failing: POSIX knows none.
#include "memory_limit.hpp"

namespace brood::port::detail {

Status fits_memory_limit(std::size_t) noexcept {
    return {};
}

}  // namespace brood::port::detail
