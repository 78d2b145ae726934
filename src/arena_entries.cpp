// Entries of an arena: having one, using one.
#include "arena_entries.hpp"
#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

Result<std::uint32_t> ArenaStep::take_entry() noexcept {
    std::uint32_t index = load(head_.free_entry);
    if (index != 0) {
        if (!has_entry(arena_, index) || load(arena_.entry(index).kind) != 0) {
            fail_as(Errc::corrupt);
            return Errc::corrupt;
        }
        set(head_.free_entry, load(arena_.entry(index).next));
        return index;
    }
    index = load(head_.entries_top);
    Status made = index >= arena_.entries || index == 0 ? Status(Errc::full) : Status();
    const std::size_t at = Arena::entries_at(arena_.pages);
    // The first of all is nobody's, and needs memory, too.
    const std::size_t from = at + (index <= 1 ? 0 : index) * sizeof(ArenaEntry);
    if (made.ok()) { made = arena_.allocate(from, at + (index + 1) * sizeof(ArenaEntry)); }
    // Nobody knows of it yet. If killed before the commit: it is made anew.
    if (made.ok()) { made = port::mutex_init(arena_.entry(index).mutex); }
    if (!made.ok()) {
        fail_as(made.code());
        return made.error();
    }
    set(head_.entries_top, index + 1);
    return index;
}

void ArenaStep::give_entry(std::uint32_t index) noexcept {
    set(arena_.entry(index).kind, 0);
    set(arena_.entry(index).next, load(head_.free_entry));
    set(head_.free_entry, index);
}

Status lock_entry(const Arena& arena, ArenaEntry& entry, std::int64_t deadline_ns) noexcept {
    const Status locked = port::mutex_lock(entry.mutex, deadline_ns);
    if (!is_held(locked)) { return locked; }
    if (locked.ok() && load(entry.doubt) == 0) { return locked; }
    // If killed before the next line: the next gets it by a death, too.
    entry.doubt.store(1, std::memory_order_release);
    const Status healed = arena.heal(deadline_ns);
    if (!healed.ok()) {
        port::mutex_unlock(entry.mutex).ignore();
        return healed;
    }
    entry.doubt.store(0, std::memory_order_release);
    return Errc::ok;
}

HeldObject::HeldObject(const ManagedHandle& handle, const ObjectType& type,
                       std::int64_t deadline_ns) noexcept
    : deadline_ns_(deadline_ns), arena_(find_arena(handle.manager)) {
    if (deadline_ns < 0) {
        status_ = deadline_error(deadline_ns);
        return;
    }
    if (handle.manager == 0) {
        status_ = Errc::closed;
        return;
    }
    if (arena_ == nullptr) {
        status_ = Errc::wrong_process;
        return;
    }
    if (!has_entry(*arena_, handle.entry)) {
        status_ = Errc::closed;
        return;
    }
    ArenaEntry& entry = arena_->entry(handle.entry);
    status_ = lock_entry(*arena_, entry, deadline_ns);
    if (!status_.ok()) { return; }
    entry_ = &entry;
    const std::uint32_t is = load(entry.kind);
    const bool is_gone = load(entry.generation) != handle.generation || is > kKindMask || is == 0;
    if (is_gone) {
        status_ = Errc::closed;
    } else if (type.kind != ObjectKind::none && !is_of(entry, type)) {
        status_ = Errc::type_mismatch;
    }
}

HeldObject::HeldObject(const ManagedHandle& handle, const ObjectType& type,
                       Timeout timeout) noexcept
    : HeldObject(handle, type, quick_deadline_of(timeout)) {}

void* block_of(const Arena& arena, const ArenaEntry& entry) noexcept {
    return arena.at(load(entry.root[0]), load(entry.root[5]));
}

void* HeldObject::block(std::size_t& bytes) const noexcept {
    bytes = load(entry_->root[5]);
    return block_of(*arena_, *entry_);
}

HeldObject::~HeldObject() noexcept {
    if (entry_ != nullptr) { port::mutex_unlock(entry_->mutex).ignore(); }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
