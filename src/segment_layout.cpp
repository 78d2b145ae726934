#include "segment_layout.hpp"

#include <limits>

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// Nothing larger can be mapped, and differences of pointers into it would not be defined.
constexpr std::uint64_t kMostBytes =
    static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max());

template <class T>
T read_once(const T& field) noexcept {
    return *static_cast<const volatile T*>(&field);
}

// Whether count elements of element_bytes make exactly `bytes`, in any arithmetic.
bool product_is(std::uint64_t count, std::uint32_t element_bytes, std::uint64_t bytes) noexcept {
    return bytes % element_bytes == 0 && bytes / element_bytes == count;
}

}  // namespace

SegmentFields read_fields(const SegmentHeader& header) noexcept {
    SegmentFields fields;
    fields.layout_version = read_once(header.layout_version);
    fields.kind = read_once(header.kind);
    fields.element_bytes = read_once(header.element_bytes);
    fields.header_bytes = read_once(header.header_bytes);
    fields.count = read_once(header.count);
    fields.total_bytes = read_once(header.total_bytes);
    fields.mutex_layout = read_once(header.mutex_layout);
    return fields;
}

Errc check_fields(const SegmentFields& fields, std::uint64_t object_bytes,
                  const SegmentType& wanted) noexcept {
    // The version comes first: of another one, no other field means anything to us.
    if (fields.layout_version != kLayoutVersion) { return Errc::version_mismatch; }
    if (fields.mutex_layout != port::mutex_layout()) { return Errc::layout_mismatch; }

    const bool is_value = fields.kind == static_cast<std::uint16_t>(SegmentKind::value);
    const bool is_array = fields.kind == static_cast<std::uint16_t>(SegmentKind::array);
    if (!is_value && !is_array) { return Errc::corrupt; }
    if (fields.header_bytes != kElementsOffset) { return Errc::corrupt; }
    if (fields.element_bytes == 0 || fields.count == 0) { return Errc::corrupt; }
    if (is_value && fields.count != 1) { return Errc::corrupt; }
    if (fields.total_bytes <= kElementsOffset || fields.total_bytes > object_bytes) {
        return Errc::corrupt;
    }
    const std::uint64_t element_space = fields.total_bytes - kElementsOffset;
    if (!product_is(fields.count, fields.element_bytes, element_space)) { return Errc::corrupt; }

    const bool same_type = fields.kind == static_cast<std::uint16_t>(wanted.kind) &&
                           fields.element_bytes == wanted.element_bytes &&
                           fields.count >= wanted.count;
    if (!same_type) { return Errc::type_mismatch; }
    return fields.total_bytes > kMostBytes ? Errc::size_too_large : Errc::ok;
}

Result<std::size_t> segment_bytes(const SegmentType& type) noexcept {
    if (type.count == 0 || type.element_bytes == 0) { return Errc::size_zero; }
    if (type.count > (kMostBytes - kElementsOffset) / type.element_bytes) {
        return Errc::size_too_large;
    }
    return static_cast<std::size_t>(type.count * type.element_bytes + kElementsOffset);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
