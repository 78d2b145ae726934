// Runs of pages in an arena.
//
// They are those of a binary buddy system (K. Knowlton, "A Fast Storage Allocator", 1965). Free
// runs of at least kChunkPages have no memory: it is allocated when they are used, and given back
// when they are free again. Smaller ones keep theirs.
#include "arena_pages.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

void ArenaStep::link(Word& first, std::uint32_t page) noexcept {
    const std::uint32_t second = load(first);
    set(arena_.note(page).next, second);
    set(arena_.note(page).prev, 0);
    if (second != 0) { set(arena_.note(second).prev, page); }
    set(first, page);
}

void ArenaStep::unlink(Word& first, std::uint32_t page) noexcept {
    const std::uint32_t next = load(arena_.note(page).next), prev = load(arena_.note(page).prev);
    set(prev != 0 ? arena_.note(prev).next : first, next);
    if (next != 0) { set(arena_.note(next).prev, prev); }
}

// Memory for the first 2^order pages, or chunk, of a run that has none. If killed afterwards: the
// run is free and has memory, which harms nobody.
Status ArenaStep::back(std::uint32_t page, std::uint32_t order) const noexcept {
    if (!arena_.grows) { return Errc::ok; }
    if (order < kChunkOrder) { order = kChunkOrder; }
    return port::allocate_reserved(arena_.base + std::size_t{page} * kPageBytes,
                                   std::size_t{kPageBytes} << order);
}

// Makes a free run, without memory, of pages that were never used, and of those up to it that have
// to be skipped.
Status ArenaStep::grow(std::uint32_t order) noexcept {
    if (order < kChunkOrder) { order = kChunkOrder; }
    const std::uint64_t run = std::uint64_t{1} << order;
    const std::uint64_t from = load(head_.frontier);
    const std::uint64_t begin = (from + run - 1) / run * run, end = begin + run;
    const std::uint32_t first = Arena::first_page(arena_.pages, arena_.entries);
    if (from < first || from % kChunkPages != 0) { return Errc::corrupt; }
    if (end > arena_.pages) { return Errc::no_space; }
    // Those of the pages that are in use from the beginning are looked at, too.
    const std::size_t noted_before = from == first ? 0 : static_cast<std::size_t>(from);
    const Status noted =
        arena_.allocate(Arena::notes_at() + noted_before * sizeof(PageNote),
                        Arena::notes_at() + static_cast<std::size_t>(end) * sizeof(PageNote));
    if (!noted.ok()) { return noted; }
    for (std::uint64_t page = from; page < end;) {
        std::uint32_t skipped = kChunkOrder;
        while (page + (std::uint64_t{2} << skipped) <= end &&
               page % (std::uint64_t{2} << skipped) == 0 && skipped + 1 < kRunOrders) {
            ++skipped;
        }
        set(arena_.note(static_cast<std::uint32_t>(page)).what,
            what_of(PageUse::free_run, skipped));
        link(head_.free_run[skipped], static_cast<std::uint32_t>(page));
        page += std::uint64_t{1} << skipped;
    }
    set(head_.frontier, static_cast<std::uint32_t>(end));
    return status_;
}

Result<std::uint32_t> ArenaStep::take_run(std::uint32_t order, bool is_bare) noexcept {
    std::uint32_t of = order;
    while (of < kRunOrders && load(head_.free_run[of]) == 0) { ++of; }
    if (of >= kRunOrders) {
        const Status grown = grow(order);
        if (!grown.ok()) { return grown.error(); }
        for (of = order; of < kRunOrders && load(head_.free_run[of]) == 0;) { ++of; }
        if (of >= kRunOrders) { return Errc::corrupt; }
    }
    const std::uint32_t page = load(head_.free_run[of]);
    const bool is_one = holds_blocks(page) &&
                        std::uint64_t{page} + (std::uint64_t{1} << of) <= arena_.pages &&
                        load(arena_.note(page).what) == what_of(PageUse::free_run, of);
    if (!is_one) { return Errc::corrupt; }
    if (of >= kChunkOrder && !is_bare) {
        const Status backed = back(page, order);
        if (!backed.ok()) { return backed.error(); }
    }
    unlink(head_.free_run[of], page);
    while (of > order) {
        --of;
        const std::uint32_t other = page + (1u << of);
        set(arena_.note(other).what, what_of(PageUse::free_run, of));
        link(head_.free_run[of], other);
    }
    set(arena_.note(page).what, what_of(PageUse::run, order));
    if (!status_.ok()) { return status_.error(); }
    return page;
}

void ArenaStep::give_run(std::uint32_t page, std::uint32_t order) noexcept {
    const std::uint32_t given = page;
    bool is_bare = order >= kChunkOrder;
    std::uint32_t bare_page = given, bare_order = order;
    while (order + 1 < kRunOrders) {
        const std::uint32_t buddy = page ^ (1u << order);
        if (std::uint64_t{buddy} + (1u << order) > load(head_.frontier)) { break; }
        PageNote& note = arena_.note(buddy);
        if (load(note.what) != what_of(PageUse::free_run, order)) { break; }
        // One more small run stays as it is: so a page that comes and goes allocates no memory.
        Word& list = head_.free_run[order];
        const bool is_only = load(list) == buddy && load(note.next) == 0;
        if (order + 1 == kChunkOrder && is_only) { break; }
        unlink(list, buddy);
        const std::uint32_t upper = page > buddy ? page : buddy;
        set(arena_.note(upper).what, what_of(PageUse::inside, 0));
        page &= ~(1u << order);
        ++order;
        if (order == kChunkOrder) {
            is_bare = true;
            bare_page = page;
            bare_order = order;
        }
    }
    set(arena_.note(page).what, what_of(PageUse::free_run, order));
    link(head_.free_run[order], page);
    if (is_bare && arena_.grows && bare_count_ < kBareMax) {
        bare_[bare_count_++] = {bare_page, bare_order};
    }
}

std::uint64_t ArenaStep::used_pages() const noexcept {
    const std::uint32_t first = Arena::first_page(arena_.pages, arena_.entries);
    const std::uint64_t begun = load(head_.frontier) - std::uint64_t{first};
    std::uint64_t free = 0;
    for (std::uint32_t order = 0; order < kRunOrders; ++order) {
        std::uint32_t page = load(head_.free_run[order]);
        // A list that a stranger has tied into a ring ends, too.
        for (std::uint32_t i = 0; page != 0 && page < arena_.pages && i < arena_.pages; ++i) {
            free += std::uint64_t{1} << order;
            page = load(arena_.note(page).next);
        }
    }
    return free < begun ? begun - free : 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
