// The names of objects in an arena.
#include "arena_entries.hpp"
#include "arena_hash.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

Word& names_like(const Arena& arena, const char* name, std::size_t length) noexcept {
    ArenaHead& head = arena.head();
    return head.named[hash_of(name, length, head.seed) % ArenaHead::kNames];
}

bool is_named(const Arena& arena, const ArenaEntry& entry, const char* name,
              std::size_t length) noexcept {
    const Word* const block = arena.words(load(entry.name), 1 + (length + 3) / 4);
    return block != nullptr && load(block[0]) == length &&
           __builtin_memcmp(block + 1, name, length) == 0;
}

}  // namespace

std::size_t name_length(const char* name) noexcept {
    std::size_t length = 0;
    while (name != nullptr && length <= kObjectNameMax && name[length] != '\0') { ++length; }
    return length;
}

std::uint32_t find_name(const Arena& arena, const char* name, std::size_t length) noexcept {
    std::uint32_t index = load(names_like(arena, name, length));
    for (std::uint32_t i = 0; i < arena.entries && has_entry(arena, index); ++i) {
        if (is_named(arena, arena.entry(index), name, length)) { return index; }
        index = load(arena.entry(index).next);
    }
    return 0;
}

Status give_name(ArenaStep& step, ArenaEntry& entry, const char* name,
                 std::size_t length) noexcept {
    const Result<Place> block = step.take(sizeof(Word) + length);
    if (!block.ok()) { return block.error(); }
    Word* const words = step.arena().words(*block, 1 + (length + 3) / 4);
    words[0].store(static_cast<std::uint32_t>(length), std::memory_order_relaxed);
    __builtin_memcpy(static_cast<void*>(words + 1), name, length);
    Word& first = names_like(step.arena(), name, length);
    step.set(entry.name, *block);
    step.set(entry.next, load(first));
    step.set(first, index_in(step.arena(), entry));
    return step.status();
}

void take_name(ArenaStep& step, ArenaEntry& entry) noexcept {
    const Arena& arena = step.arena();
    const Place block = load(entry.name);
    const Word* const words = arena.words(block, 1);
    const std::uint32_t length = words == nullptr ? 0 : load(words[0]);
    if (length == 0 || length > kObjectNameMax ||
        arena.at(block, sizeof(Word) + length) == nullptr) {
        return;
    }
    Word* link = &names_like(arena, reinterpret_cast<const char*>(words + 1), length);
    const std::uint32_t index = index_in(arena, entry);
    for (std::uint32_t i = 0; i < arena.entries && load(*link) != index; ++i) {
        if (!has_entry(arena, load(*link))) { return; }
        link = &arena.entry(load(*link)).next;
    }
    step.set(*link, load(entry.next));
    step.set(entry.name, 0);
    step.give(block);
}

void read_name(const Arena& arena, const ArenaEntry& entry, Text<256>& name) noexcept {
    name = Text<256>();
    const Word* const block = arena.words(load(entry.name), 1);
    const std::uint32_t length = block == nullptr ? 0 : load(block[0]);
    if (length > kObjectNameMax || arena.at(load(entry.name), sizeof(Word) + length) == nullptr) {
        return;
    }
    char text[kObjectNameMax + 1] = {};
    __builtin_memcpy(text, block + 1, length);
    name.append(text);
}

Result<ManagedHandle> find_object(std::uint32_t manager, const char* name, const ObjectType& type,
                                  std::int64_t deadline_ns) noexcept {
    const Arena* const arena = find_arena(manager);
    if (arena == nullptr) { return Errc::wrong_process; }
    const std::size_t length = name_length(name);
    if (length == 0) { return Errc::name_empty; }
    if (length > kObjectNameMax) { return Errc::name_too_long; }
    const ArenaStep step(*arena, deadline_ns);
    if (!step.status().ok()) { return step.status().error(); }
    const std::uint32_t index = find_name(*arena, name, length);
    if (index == 0) { return Errc::not_found; }
    const ArenaEntry& entry = arena->entry(index);
    if (!is_of(entry, type)) { return Errc::type_mismatch; }
    return ManagedHandle{manager, index, load(entry.generation)};
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
