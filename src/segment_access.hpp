// The implementation's way into a segment, for a Value or an Array: see src/object_memory.hpp.
#ifndef BROOD_SRC_SEGMENT_ACCESS_HPP
#define BROOD_SRC_SEGMENT_ACCESS_HPP

#include <brood/detail/segment.hpp>

#include "object_memory.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// What lies in the memory is a segment as src/segment_layout.hpp has it: header, lock, elements.
struct SegmentAccess {
    /// Errors: size_zero, size_too_large.
    static Result<std::size_t> bytes(const SegmentType& type) noexcept;
    /// The same type as bytes() took. `initial`: the elements; null: zeroes.
    /// Errors: no_memory.
    static Status lay_out(void* memory, const SegmentType& type, const void* initial,
                          Before before) noexcept;
    static Segment view(void* memory) noexcept;
    /// Of its lock alone, as LockAccess::is_idle(): who reads or writes elements is not seen.
    static bool is_idle(void* memory) noexcept;
    /// Whether what lies in `bytes` bytes there is a segment of that type, which lies within: of
    /// memory that a stranger may have written, before it is viewed.
    static bool fits(void* memory, std::size_t bytes, const SegmentType& type) noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
