// Dropping objects of an arena, and what the dead have left of them.
#include "arena_entries.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// The object is gone with this step's commit.
void mark_dropped(ArenaStep& step, ArenaEntry& entry) noexcept {
    take_name(step, entry);
    step.set(entry.kind, (load(entry.kind) & kKindMask) | kDropping);
    step.add(entry.generation, 1);
}

/// With the entry's mutex: frees what a dropped object holds, and then its entry.
void finish_drop(const Arena& arena, ArenaEntry& entry, std::int64_t deadline_ns) noexcept {
    const std::uint32_t index = index_in(arena, entry);
    for (bool is_done = false; !is_done;) {
        ArenaStep step(arena, deadline_ns);
        if (!step.status().ok()) { return; }  // Who makes the next object goes on.
        // Another may have come to the end of it, and then it is free, or is something new.
        if ((load(entry.kind) & kDropping) == 0) { return; }
        const std::uint32_t kind = load(entry.kind) & kKindMask;
        const ObjectWays& ways = ways_of(static_cast<ObjectKind>(kind));
        is_done = ways.free_some == nullptr || ways.free_some(step, entry);
        if (is_done && ways.is_idle != nullptr && kind < ArenaHead::kKinds) {
            step.set(entry.kind, kind | kRetired);
            step.set(entry.next, load(arena.head().retired[kind]));
            step.set(arena.head().retired[kind], index);
        } else if (is_done) {
            step.give_entry(index);
        }
        if (!step.commit().ok()) { return; }
    }
}

bool is_left(const Arena& arena, const ArenaEntry& entry) noexcept {
    const std::uint32_t kind = load(entry.kind);
    if (kind == 0 || (kind & kRetired) != 0) { return false; }
    if ((kind & kDropping) != 0) { return true; }
    const std::uint32_t owner = load(entry.owner);
    if (load(entry.kept) != 0) { return false; }
    return !arena.members.is_alive(owner) ||
           arena.members.at(owner).incarnation.load(std::memory_order_acquire) !=
               load(entry.incarnation);
}

// Outside of a step it may only seem so: while somebody makes it, or keeps it, or if he was killed
// before his commit.
bool is_left_indeed(const Arena& arena, const ArenaEntry& entry) noexcept {
    const ArenaStep step(arena, 0);
    return step.status().ok() && is_left(arena, entry);
}

}  // namespace

bool is_in_use(const Arena& arena, ArenaEntry& entry) noexcept {
    const ObjectWays& ways = ways_of(static_cast<ObjectKind>(load(entry.kind) & kKindMask));
    if (ways.is_idle == nullptr) { return false; }
    void* const block = block_of(arena, entry);
    return block != nullptr && !ways.is_idle(arena, block, load(entry.root[5]));
}

void sweep(const Arena& arena, std::uint32_t count) noexcept {
    const std::uint32_t top = load(arena.head().entries_top);
    for (; count > 0 && top > 1; --count) {
        const std::uint32_t turn = arena.head().sweeper.fetch_add(1, std::memory_order_relaxed);
        ArenaEntry& entry = arena.entry(1 + turn % (top - 1));
        const bool is_here = is_left(arena, entry) && is_left_indeed(arena, entry);
        if (!is_here || !lock_entry(arena, entry, 0).ok()) { continue; }
        {
            ArenaStep step(arena, 0);
            const bool is_whole = step.status().ok() && is_left(arena, entry) &&
                                  (load(entry.kind) & kDropping) == 0;
            if (is_whole && !is_in_use(arena, entry)) {
                mark_dropped(step, entry);
                step.commit().ignore();
            }
        }
        finish_drop(arena, entry, 0);
        port::mutex_unlock(entry.mutex).ignore();
    }
}

Status drop_object(const ManagedHandle& handle, std::int64_t deadline_ns) noexcept {
    const HeldObject held(handle, ObjectType(), deadline_ns);
    if (!held.status().ok()) { return held.status(); }
    if (is_in_use(held.arena(), held.entry())) { return Errc::in_use; }
    {
        ArenaStep step(held.arena(), deadline_ns);
        if (!step.status().ok()) { return step.status(); }
        mark_dropped(step, held.entry());
        const Status dropped = step.commit();
        if (!dropped.ok()) { return dropped; }
    }
    finish_drop(held.arena(), held.entry(), deadline_ns);
    return Errc::ok;
}

Result<std::uint32_t> move_out(ArenaStep& step, ArenaEntry& entry) noexcept {
    const Result<std::uint32_t> index = step.take_entry();
    if (!index.ok()) { return index; }
    ArenaEntry& other = step.arena().entry(*index);
    step.set(other.kind, (load(entry.kind) & kKindMask) | kDropping);
    step.set(other.name, 0);
    for (std::size_t i = 0; i < sizeof(entry.root) / sizeof(entry.root[0]); ++i) {
        step.set(other.root[i], load(entry.root[i]));
        step.set(entry.root[i], 0);
    }
    if (!step.status().ok()) { return step.status().error(); }
    return index;
}

void drop_moved(const Arena& arena, std::uint32_t index) noexcept {
    ArenaEntry& entry = arena.entry(index);
    // Who makes an object may have begun with it already.
    if (!lock_entry(arena, entry, 0).ok()) { return; }
    finish_drop(arena, entry, 0);
    port::mutex_unlock(entry.mutex).ignore();
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
