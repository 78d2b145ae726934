#include "segment_layout.hpp"

#include <limits>

#include "named_ring.hpp"

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

constexpr std::uint16_t number_of(SegmentKind kind) noexcept {
    return static_cast<std::uint16_t>(kind);
}

// The bytes of `count` elements, or of a queue for as many; 0: none are, or they are too many.
std::uint64_t elements_bytes(std::uint16_t kind, std::uint32_t element_bytes,
                             std::uint64_t count) noexcept {
    if (element_bytes == 0 || count == 0) { return 0; }
    if (kind == number_of(SegmentKind::queue)) { return named_ring_bytes(element_bytes, count); }
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() / element_bytes;
    return count > most ? 0 : count * element_bytes;
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

    const bool is_value = fields.kind == number_of(SegmentKind::value);
    const bool is_array = fields.kind == number_of(SegmentKind::array);
    const bool is_queue = fields.kind == number_of(SegmentKind::queue);
    const bool is_manager = fields.kind == number_of(SegmentKind::manager);
    if (!is_value && !is_array && !is_queue && !is_manager) { return Errc::corrupt; }
    if (fields.header_bytes != kElementsOffset) { return Errc::corrupt; }
    if (is_value && fields.count != 1) { return Errc::corrupt; }
    if (fields.total_bytes <= kElementsOffset || fields.total_bytes > object_bytes) {
        return Errc::corrupt;
    }
    const std::uint64_t wanted_bytes =
        elements_bytes(fields.kind, fields.element_bytes, fields.count);
    if (wanted_bytes != fields.total_bytes - kElementsOffset) { return Errc::corrupt; }

    const bool same_type = fields.kind == number_of(wanted.kind) &&
                           fields.element_bytes == wanted.element_bytes &&
                           fields.count >= wanted.count;
    if (!same_type) { return Errc::type_mismatch; }
    return fields.total_bytes > kMostBytes ? Errc::size_too_large : Errc::ok;
}

Result<std::size_t> segment_bytes(const SegmentType& type) noexcept {
    if (type.count == 0 || type.element_bytes == 0) { return Errc::size_zero; }
    const std::uint64_t bytes =
        elements_bytes(number_of(type.kind), type.element_bytes, type.count);
    if (bytes == 0 || bytes > kMostBytes - kElementsOffset) { return Errc::size_too_large; }
    return static_cast<std::size_t>(bytes + kElementsOffset);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
