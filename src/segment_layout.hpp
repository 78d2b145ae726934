// What a segment looks like in memory, version 1. This is an ABI: processes built by different
// compilers, and of different word sizes, read it.
//
//   0   header       64 bytes, fixed-width, byte order of the machine
//   64  lock         a port::RobustMutex; mutex_layout says which libc and word size it is for
//   128 elements     count * element_bytes, aligned to 64; of a queue: named_ring.hpp
//
// The life of a named one is told in named_object.hpp.
#ifndef BROOD_SRC_SEGMENT_LAYOUT_HPP
#define BROOD_SRC_SEGMENT_LAYOUT_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <brood/detail/segment.hpp>
#include <brood/version.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

inline constexpr std::uint32_t kMagicReady = 0x64757262u;  // "brud" on a little-endian machine

struct alignas(64) SegmentHeader {
    std::atomic<std::uint32_t> magic;  // kMagicReady is stored last
    std::uint16_t layout_version;
    std::uint16_t kind;
    std::uint32_t element_bytes;
    std::uint32_t header_bytes;  // where the elements begin
    alignas(8) std::uint64_t count;
    std::uint64_t total_bytes;  // of header, lock and elements
    std::uint32_t mutex_layout;
    std::int32_t creator_pid;  // for `brood ipc`; nothing is decided by it
    std::uint8_t reserved[24];
};
inline constexpr std::size_t kLockOffset = 64;
inline constexpr std::size_t kElementsOffset = 128;

static_assert(sizeof(SegmentHeader) == 64 && alignof(SegmentHeader) == 64);
static_assert(offsetof(SegmentHeader, magic) == 0 && sizeof(std::atomic<std::uint32_t>) == 4);
static_assert(offsetof(SegmentHeader, layout_version) == 4);
static_assert(offsetof(SegmentHeader, kind) == 6);
static_assert(offsetof(SegmentHeader, element_bytes) == 8);
static_assert(offsetof(SegmentHeader, header_bytes) == 12);
static_assert(offsetof(SegmentHeader, count) == 16);
static_assert(offsetof(SegmentHeader, total_bytes) == 24);
static_assert(offsetof(SegmentHeader, mutex_layout) == 32);
static_assert(offsetof(SegmentHeader, creator_pid) == 36);
static_assert(sizeof(port::RobustMutex) <= kElementsOffset - kLockOffset);
static_assert(alignof(port::RobustMutex) <= kLockOffset);

/// The fields of a header as they were when they were read, each exactly once: the header itself
/// may change under a reader's hands.
struct SegmentFields {
    std::uint16_t layout_version;
    std::uint16_t kind;
    std::uint32_t element_bytes;
    std::uint32_t header_bytes;
    std::uint64_t count;
    std::uint64_t total_bytes;
    std::uint32_t mutex_layout;
};
SegmentFields read_fields(const SegmentHeader& header) noexcept;

/// Whether a published segment is whole, fits into an object of `object_bytes`, and is of the
/// type wanted. Reads nothing but its arguments.
/// Returns: ok; version_mismatch; layout_mismatch; corrupt; type_mismatch; size_too_large (made by
/// a process with more address space than this one has).
Errc check_fields(const SegmentFields& fields, std::uint64_t object_bytes,
                  const SegmentType& wanted) noexcept;

/// The bytes of a whole segment. Errors: size_zero; size_too_large.
Result<std::size_t> segment_bytes(const SegmentType& type) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
