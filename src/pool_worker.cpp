// What a pool's worker knows of the program that it is a copy of.
#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// What pool_knows() has found, by some bits of the address.
constexpr std::size_t kKnownFunctions = 16;
const void* g_known[kKnownFunctions];

}  // namespace

// A worker is a copy of the program as it was when the pool was made: a function from a library
// that was loaded later is not there.
bool pool_knows(const void* function) noexcept {
    const auto bits = reinterpret_cast<std::uintptr_t>(function) / kKnownFunctions;
    const void*& known = g_known[bits % kKnownFunctions];
    if (known == function) { return true; }
    if (!port::is_mapped(function)) { return false; }
    known = function;
    return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
