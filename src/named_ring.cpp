// Queues that are opened by their names: making, opening and leaving them.
#include "named_ring.hpp"

#include <new>
#include <utility>

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// A table of a named queue has one object: the queue.
constexpr std::uint32_t kObject = 1;

MemberTable& table_in(void* elements) noexcept {
    return *static_cast<MemberTable*>(elements);
}

Ring& ring_in(void* elements) noexcept {
    return *reinterpret_cast<Ring*>(static_cast<unsigned char*>(elements) + kNamedRingAt);
}

Status lay_out(void* elements, const SegmentType& type) noexcept {
    Ring& ring = ring_in(elements);
    shape_ring(ring.shape, type.element_bytes, static_cast<std::size_t>(type.count));
    ring.object = kObject;
    const Status made = init_bells(ring);
    return made.ok() ? init_table(table_in(elements), MemberTable::kNamed) : made;
}

void end_named(NamedRing& named) noexcept {
    // The system's list of what a thread holds is linked through the table's mutexes.
    if (named.has_strayed || has_members_here(named.members)) { named.segment.keep_mapped(); }
    named.~NamedRing();
    port::unmap(&named, sizeof(NamedRing));
}

// The size that was checked, of what `type` and `segment` say. `made` or opened.
Result<NamedRing*> know(Result<Segment> segment, std::uint32_t message_bytes) noexcept {
    if (!segment.ok()) { return segment.error(); }
    // What the segment's own shape says is not looked at: it was checked that such a ring fits.
    const Result<Members> members = members_of_strangers(table_in(segment->elements()));
    if (!members.ok()) { return members.error(); }
    const Result<void*> page = port::map_private(sizeof(NamedRing));
    if (!page.ok()) { return page.error(); }
    auto* const named = ::new (*page) NamedRing();
    shape_ring(named->shape, message_bytes, segment->count());
    named->members = *members;
    named->segment = std::move(*segment);
    named->end = &end_named;
    return named;
}

}  // namespace

void RingHandle::adopt(NamedRing& named) noexcept {
    ring_ = &ring_in(named.segment.elements());
    shape_ = &named.shape;
    table_ = named.members.table;
    extras_.named = &named;
    extras_.members = &named.members;
}

Result<RingHandle> RingHandle::create_named(const char* name, std::size_t message_bytes,
                                            std::size_t most, Access access) noexcept {
    if (most == 0) { return Errc::size_zero; }
    if (!is_ring_size(message_bytes, most)) { return Errc::size_too_large; }
    const auto bytes = static_cast<std::uint32_t>(message_bytes);
    const Result<NamedRing*> named =
        know(Segment::create(name, {SegmentKind::queue, bytes, most}, access, &lay_out), bytes);
    if (!named.ok()) { return named.error(); }
    RingHandle handle;
    handle.adopt(**named);
    return handle;
}

Result<RingHandle> RingHandle::open(const char* name, std::size_t message_bytes,
                                    Timeout timeout) noexcept {
    if (!is_ring_size(message_bytes, 0)) { return Errc::size_too_large; }
    const auto bytes = static_cast<std::uint32_t>(message_bytes);
    const Result<NamedRing*> named =
        know(Segment::open(name, {SegmentKind::queue, bytes, 0}, timeout), bytes);
    if (!named.ok()) { return named.error(); }
    RingHandle handle;
    handle.adopt(**named);
    return handle;
}

const char* RingHandle::name() const noexcept {
    return extras_.named == nullptr ? "" : extras_.named->segment.name();
}

void RingHandle::keep_name() noexcept {
    if (extras_.named != nullptr) { extras_.named->segment.keep_name(); }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
