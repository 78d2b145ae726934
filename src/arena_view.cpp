// What can be seen of an arena and its objects.
#include "arena_entries.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

ManagerObject object_at(const Arena& arena, std::uint32_t index) noexcept {
    const ArenaEntry& entry = arena.entry(index);
    ManagerObject object;
    object.number = index;
    object.type = {static_cast<ObjectKind>(load(entry.kind)),
                   {load(entry.types[0]), load(entry.types[1])}};
    object.is_kept = load(entry.kept) != 0;
    const bool is_container = object.type.kind == ObjectKind::dict ||
                              object.type.kind == ObjectKind::list;
    if (is_container || object.type.kind == ObjectKind::array) {
        object.count = load(entry.root[1]);
    }
    if (!is_container) { object.bytes = load(entry.root[5]); }
    read_name(arena, entry, object.name);
    return object;
}

}  // namespace

Result<ManagerObject> object_after(const Arena& arena, std::uint32_t index,
                                   std::int64_t deadline_ns) noexcept {
    const ArenaStep step(arena, deadline_ns);
    if (!step.status().ok()) { return step.status().error(); }
    while (index < arena.entries && has_entry(arena, ++index)) {
        const std::uint32_t kind = load(arena.entry(index).kind);
        if (kind != 0 && kind <= kKindMask) { return object_at(arena, index); }
    }
    return Errc::not_found;
}

Result<ManagerStats> stats_of(const Arena& arena, std::int64_t deadline_ns) noexcept {
    const ArenaStep step(arena, deadline_ns);
    if (!step.status().ok()) { return step.status().error(); }
    ManagerStats stats;
    stats.bytes_max = std::uint64_t{arena.pages} * kPageBytes;
    stats.objects_max = arena.entries - 1;
    const std::uint32_t top = load(arena.head().entries_top);
    stats.bytes_used = step.used_pages() * kPageBytes + sizeof(ArenaHead) +
                       std::uint64_t{load(arena.head().frontier)} * sizeof(PageNote) +
                       std::uint64_t{top} * sizeof(ArenaEntry);
    for (std::uint32_t index = 1; index < top && index < arena.entries; ++index) {
        const std::uint32_t kind = load(arena.entry(index).kind);
        stats.objects += kind != 0 && kind <= kKindMask ? 1 : 0;
    }
    return stats;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
