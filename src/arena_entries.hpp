// What the parts of src/arena_*.cpp that make, find and drop objects have in common.
#ifndef BROOD_SRC_ARENA_ENTRIES_HPP
#define BROOD_SRC_ARENA_ENTRIES_HPP

#include "arena_objects.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

inline std::uint32_t index_in(const Arena& arena, const ArenaEntry& entry) noexcept {
    return static_cast<std::uint32_t>(&entry - &arena.entry(0));
}
inline bool has_entry(const Arena& arena, std::uint32_t index) noexcept {
    return index != 0 && index < load(arena.head().entries_top) && index < arena.entries;
}
inline bool is_of(const ArenaEntry& entry, const ObjectType& type) noexcept {
    return load(entry.kind) == static_cast<std::uint32_t>(type.kind) &&
           load(entry.types[0]) == type.elements[0] && load(entry.types[1]) == type.elements[1];
}

/// Locks an entry, and makes whole what a dead user has left.
Status lock_entry(const Arena& arena, ArenaEntry& entry, std::int64_t deadline_ns) noexcept;

/// The length of a name; more than kObjectNameMax: it is too long.
std::size_t name_length(const char* name) noexcept;
/// In a step: the entry of that name; 0: there is none.
std::uint32_t find_name(const Arena& arena, const char* name, std::size_t length) noexcept;
Status give_name(ArenaStep& step, ArenaEntry& entry, const char* name, std::size_t length) noexcept;
void take_name(ArenaStep& step, ArenaEntry& entry) noexcept;
/// In a step: its name, "" if it has none.
void read_name(const Arena& arena, const ArenaEntry& entry, Text<256>& name) noexcept;

/// Whether somebody uses the block of an object that has one.
bool is_in_use(const Arena& arena, ArenaEntry& entry) noexcept;
/// Looks at `count` entries: what nobody can have any more goes.
void sweep(const Arena& arena, std::uint32_t count) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
