// Making objects in an arena, and keeping them.
#include "arena_entries.hpp"
#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// Of the entries so many are looked at whenever an object is made: more than come.
constexpr std::uint32_t kSwept = 4;
// Of the retired of a kind so many are looked at for one of the right size.
constexpr std::uint32_t kRetiredSeen = 16;

bool is_like(const ArenaEntry& entry, const ObjectPlan& plan, std::uint32_t bytes) noexcept {
    return load(entry.kind) == (static_cast<std::uint32_t>(plan.type.kind) | kRetired) &&
           load(entry.types[0]) == plan.type.elements[0] &&
           load(entry.types[1]) == plan.type.elements[1] && load(entry.root[1]) == plan.shape[0] &&
           load(entry.root[2]) == plan.shape[1] && load(entry.root[5]) == bytes;
}

/// A retired entry whose block is of that shape, out of the list; 0: none.
std::uint32_t take_retired(ArenaStep& step, const ObjectPlan& plan, std::uint32_t bytes) noexcept {
    const Arena& arena = step.arena();
    Word* link = &arena.head().retired[static_cast<std::uint32_t>(plan.type.kind)];
    for (std::uint32_t i = 0; i < kRetiredSeen && has_entry(arena, load(*link)); ++i) {
        ArenaEntry& entry = arena.entry(load(*link));
        if (is_like(entry, plan, bytes) && !is_in_use(arena, entry)) {
            const std::uint32_t index = load(*link);
            step.set(*link, load(entry.next));
            return index;
        }
        link = &entry.next;
    }
    return 0;
}

/// A new entry, of zeroes.
Result<std::uint32_t> take_blank(ArenaStep& step) noexcept {
    const Result<std::uint32_t> index = step.take_entry();
    if (!index.ok()) { return index; }
    for (Word& word : step.arena().entry(*index).root) { step.set(word, 0); }
    return index;
}

/// An entry with a block in which the object is made.
Result<std::uint32_t> take_with_block(ArenaStep& step, const ObjectPlan& plan) noexcept {
    const Arena& arena = step.arena();
    if (plan.bytes > UINT32_MAX - kPageBytes) { return Errc::size_too_large; }
    const auto bytes =
        static_cast<std::uint32_t>(whole_lines(static_cast<std::size_t>(plan.bytes)));
    std::uint32_t index = take_retired(step, plan, bytes);
    const Before before = index != 0 ? Before::alike : Before::zeroes;
    if (index == 0) {
        const Result<std::uint32_t> blank = take_blank(step);
        if (!blank.ok()) { return blank; }
        index = *blank;
        const Result<Place> block = plan.is_range ? step.take_range(bytes)
                                                  : step.take(bytes, kObjectAlign);
        if (!block.ok()) { return block; }
        ArenaEntry& entry = arena.entry(index);
        step.set(entry.root[0], *block);
        step.set(entry.root[1], plan.shape[0]);
        step.set(entry.root[2], plan.shape[1]);
        step.set(entry.root[5], bytes);
    }
    void* const block = block_of(arena, arena.entry(index));
    if (block == nullptr) { return Errc::corrupt; }
    // If killed from here on: the block is free, or that of a retired object, as before.
    if (before == Before::zeroes && !plan.is_range) { __builtin_memset(block, 0, bytes); }
    const Status made = plan.lay_out(arena, block, bytes, before, plan.context);
    if (!made.ok()) { return made.error(); }
    return index;
}

struct Maker {
    std::uint32_t owner, incarnation;
};

Result<ManagedHandle> make_once(const Arena& arena, const ObjectPlan& plan, std::size_t length,
                                const Maker& maker, std::int64_t deadline_ns) noexcept {
    ArenaStep step(arena, deadline_ns);
    if (!step.status().ok()) { return step.status().error(); }
    if (length != 0 && find_name(arena, plan.name, length) != 0) { return Errc::already_exists; }
    const Result<std::uint32_t> index = plan.bytes != 0 ? take_with_block(step, plan)
                                                        : take_blank(step);
    if (!index.ok()) { return index.error(); }
    ArenaEntry& entry = arena.entry(*index);
    step.set(entry.kind, static_cast<std::uint32_t>(plan.type.kind));
    step.set(entry.name, 0);
    step.set(entry.owner, maker.owner);
    step.set(entry.incarnation, maker.incarnation);
    step.set(entry.kept, length != 0 ? 1 : 0);
    step.set(entry.types[0], plan.type.elements[0]);
    step.set(entry.types[1], plan.type.elements[1]);
    Status made = step.status();
    if (made.ok() && length != 0) { made = give_name(step, entry, plan.name, length); }
    if (!made.ok()) { return made.error(); }
    const ManagedHandle handle = {arena.id, *index, load(entry.generation)};
    made = step.commit();
    if (!made.ok()) { return made.error(); }
    return handle;
}

Result<Maker> this_maker(const Arena& arena) noexcept {
    Membership* me = membership_in(*arena.members.table);
    if (me == nullptr) {
        const Status joined = join_members(arena.members);
        if (!joined.ok()) { return joined.error(); }
        me = membership_in(*arena.members.table);
    }
    if (me == nullptr) { return Errc::corrupt; }
    return Maker{me->index, me->self->incarnation.load(std::memory_order_relaxed)};
}

}  // namespace

Result<ManagedHandle> make_managed(std::uint32_t manager, const ObjectPlan& plan,
                                   Timeout timeout) noexcept {
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    return make_managed(manager, plan, deadline_ns);
}

Result<ManagedHandle> make_managed(std::uint32_t manager, const ObjectPlan& plan,
                                   std::int64_t deadline_ns) noexcept {
    const Arena* const arena = find_arena(manager);
    if (arena == nullptr) { return manager == 0 ? Errc::closed : Errc::wrong_process; }
    const std::size_t length = name_length(plan.name);
    if (length > kObjectNameMax) { return Errc::name_too_long; }
    const Result<Maker> maker = length != 0 ? Result<Maker>(Maker{0, 0}) : this_maker(*arena);
    if (!maker.ok()) { return maker.error(); }
    sweep(*arena, kSwept);
    const Result<ManagedHandle> made = make_once(*arena, plan, length, *maker, deadline_ns);
    const bool is_scarce = made.error() == Errc::full || made.error() == Errc::no_space;
    if (made.ok() || !is_scarce) { return made; }
    sweep(*arena, arena->entries);
    return make_once(*arena, plan, length, *maker, deadline_ns);
}

Status keep_object(const ManagedHandle& handle, std::int64_t deadline_ns) noexcept {
    const HeldObject held(handle, ObjectType(), deadline_ns);
    if (!held.status().ok()) { return held.status(); }
    ArenaStep step(held.arena(), deadline_ns);
    if (!step.status().ok()) { return step.status(); }
    step.set(held.entry().kept, 1);
    return step.commit();
}

bool keep_stored(ArenaStep& step, const void* handle) noexcept {
    ManagedHandle named;
    __builtin_memcpy(&named, handle, sizeof named);
    const Arena& arena = step.arena();
    if (named.manager == 0) { return true; }
    if (named.manager != arena.id || !has_entry(arena, named.entry)) { return false; }
    ArenaEntry& entry = arena.entry(named.entry);
    const std::uint32_t kind = load(entry.kind);
    if (kind == 0 || kind > kKindMask || load(entry.generation) != named.generation) {
        return false;
    }
    if (load(entry.kept) == 0) { step.set(entry.kept, 1); }
    return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
