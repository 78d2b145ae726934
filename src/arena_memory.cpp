// The memory of an arena: blocks of any size.
//
// A page that is shared holds blocks of one size. The free ones are a list, by number, through
// their first words; those never used yet are counted.
#include "arena_pages.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::uint32_t kLargestUnits = kClassUnits[kClasses - 1];

struct Classes {
    std::uint8_t of_units[kLargestUnits + 1];
    constexpr Classes() noexcept : of_units() {
        std::uint8_t at = 0;
        for (std::uint32_t units = 0; units <= kLargestUnits; ++units) {
            if (units > kClassUnits[at]) { ++at; }
            of_units[units] = at;
        }
    }
};
constexpr Classes kClassOf;

constexpr std::uint32_t slots_in(std::uint32_t of_class) noexcept {
    return kPageUnits / kClassUnits[of_class];
}

/// PageNote::slots, taken apart.
struct Slots {
    std::uint32_t free, used, fresh;
    explicit Slots(const Word& word) noexcept {
        const std::uint32_t all = word.load(std::memory_order_relaxed);
        free = all & 1023;
        used = all >> 10 & 1023;
        fresh = all >> 20 & 1023;
    }
    std::uint32_t whole() const noexcept { return free | used << 10 | fresh << 20; }
};

}  // namespace

// ---- Blocks that share a page ------------------------------------------------------------------

Result<Place> ArenaStep::take_shared(std::uint32_t of_class) noexcept {
    const std::uint32_t units = kClassUnits[of_class];
    std::uint32_t page = load(head_.shared[of_class]);
    if (page == 0) {
        const Result<std::uint32_t> run = take_run(0);
        if (!run.ok()) { return run; }
        page = *run;
        set(arena_.note(page).what, what_of(PageUse::shared, of_class));
        set(arena_.note(page).slots, 0);
        link(head_.shared[of_class], page);
    }
    PageNote& note = arena_.note(page);
    Slots slots(note.slots);
    const bool is_one = holds_blocks(page) &&
                        load(note.what) == what_of(PageUse::shared, of_class) &&
                        slots.fresh <= slots_in(of_class) && slots.free <= slots.fresh;
    if (!is_one) { return Errc::corrupt; }
    std::uint32_t slot = slots.fresh;
    Place place = page * kPageUnits + slot * units;
    if (slots.free != 0) {
        slot = slots.free - 1;
        place = page * kPageUnits + slot * units;
        Word* const next = arena_.words(place, 1);
        if (next == nullptr) { return Errc::corrupt; }
        slots.free = load(*next) & 1023;
        keep(*next);  // The caller will write there.
    } else if (slots.fresh++ == slots_in(of_class)) {
        return Errc::corrupt;
    }
    ++slots.used;
    set(note.slots, slots.whole());
    if (slots.used == slots_in(of_class)) { unlink(head_.shared[of_class], page); }
    if (!status_.ok()) { return status_.error(); }
    return place;
}

void ArenaStep::give_shared(std::uint32_t page, Place place) noexcept {
    PageNote& note = arena_.note(page);
    const std::uint32_t of_class = load(note.what) & 255;
    const std::uint32_t slot = (place - page * kPageUnits) / kClassUnits[of_class];
    Slots slots(note.slots);
    if (slots.used == 0) { return fail_as(Errc::corrupt); }
    const bool was_full = slots.used == slots_in(of_class);
    Word* const next = arena_.words(place, 1);
    set(*next, slots.free);
    slots.free = slot + 1;
    --slots.used;
    set(note.slots, slots.whole());
    Word& list = head_.shared[of_class];
    if (was_full) { link(list, page); }
    // The last page of its size stays: so a block that comes and goes needs no page.
    const bool is_only = load(list) == page && load(note.next) == 0;
    if (slots.used != 0 || is_only) { return; }
    unlink(list, page);
    give_run(page, 0);
}

// ---- Blocks of any size ------------------------------------------------------------------------

Result<Place> ArenaStep::take_pages(std::uint32_t order) noexcept {
    const Result<std::uint32_t> run = take_run(order);
    return run.ok() ? Result<Place>(*run * kPageUnits) : Result<Place>(run.error());
}

Result<Place> ArenaStep::take(std::uint64_t bytes, std::uint32_t alignment) noexcept {
    if (has_given_) { fail_as(Errc::corrupt); }
    if (!status_.ok()) { return status_.error(); }
    if (bytes > std::uint64_t{arena_.pages} * kPageBytes) { return Errc::no_space; }
    Result<Place> taken = Errc::no_space;
    if (bytes <= std::uint64_t{kLargestUnits} * kUnitBytes) {
        const auto units = static_cast<std::uint32_t>((bytes + kUnitBytes - 1) / kUnitBytes);
        std::uint32_t of_class = kClassOf.of_units[units];
        while (of_class < kClasses && kClassUnits[of_class] * kUnitBytes % alignment != 0) {
            ++of_class;
        }
        taken = of_class < kClasses ? take_shared(of_class) : take_pages(0);
    } else {
        std::uint32_t order = 0;
        while ((std::uint64_t{kPageBytes} << order) < bytes) { ++order; }
        if (order < kRunOrders) { taken = take_pages(order); }
    }
    if (!taken.ok()) { fail_as(taken.error().code()); }
    return taken;
}

Result<Place> ArenaStep::take_range(std::uint64_t bytes) noexcept {
    std::uint32_t order = kChunkOrder;
    while (order < kRunOrders && (std::uint64_t{kPageBytes} << order) < bytes) { ++order; }
    if (order >= kRunOrders) { return Errc::no_space; }
    const Result<std::uint32_t> run = take_run(order, true);
    return run.ok() ? Result<Place>(*run * kPageUnits) : Result<Place>(run.error());
}

bool ArenaStep::holds_blocks(std::uint32_t page) const noexcept {
    return page >= Arena::first_page(arena_.pages, arena_.entries) && page < arena_.pages;
}

std::uint64_t ArenaStep::room_of(Place place) const noexcept {
    const std::uint32_t page = place / kPageUnits, inside = place % kPageUnits;
    if (!holds_blocks(page)) { return 0; }
    const std::uint32_t what = load(arena_.note(page).what), detail = what & 255;
    if (use_of(what) == PageUse::run) {
        const bool is_run = inside == 0 && detail < kRunOrders &&
                            page + (std::uint64_t{1} << detail) <= arena_.pages;
        return is_run ? std::uint64_t{kPageBytes} << detail : 0;
    }
    if (use_of(what) != PageUse::shared || detail >= kClasses) { return 0; }
    const std::uint32_t units = kClassUnits[detail];
    const Slots slots(arena_.note(page).slots);
    const bool is_block = inside % units == 0 && inside / units < slots.fresh &&
                          inside + units <= kPageUnits;
    return is_block ? std::uint64_t{units} * kUnitBytes : 0;
}

void ArenaStep::give(Place place) noexcept {
    if (!status_.ok()) { return; }
    has_given_ = true;
    if (room_of(place) == 0) { return fail_as(Errc::corrupt); }
    const std::uint32_t page = place / kPageUnits;
    const std::uint32_t what = load(arena_.note(page).what);
    if (use_of(what) == PageUse::run) {
        give_run(page, what & 255);
    } else {
        give_shared(page, place);
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
