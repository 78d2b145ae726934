#include "arena_list.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// An element is overwritten where it is if it has at most so many bytes: each word stands in the
// log.
constexpr std::size_t kOverwrittenMax = 256;
// Smaller arrays do not shrink, unless nothing is left.
constexpr std::uint32_t kRoomMin = 16;

/// Into words that nobody reads before the commit; where they end.
Word* put(Word* to, const void* places, std::uint32_t count) noexcept {
    if (count != 0) { __builtin_memcpy(static_cast<void*>(to), places, count * sizeof(Word)); }
    return to + count;
}

}  // namespace

Result<ListView> ListTable::view() const noexcept {
    const std::uint32_t count = load(entry_.root[1]);
    const std::uint32_t room = load(entry_.root[2]), first = load(entry_.root[3]);
    if (room == 0 && count == 0) { return ListView{nullptr, 0, 0, 0}; }
    Word* const array = arena_.words(load(entry_.root[0]), room);
    if (array == nullptr || first > room || count > room - first) { return Errc::corrupt; }
    return ListView{array + first, count, room, first};
}

ListBytes ListTable::bytes_at(Place place) const noexcept {
    auto* const element = static_cast<ListElement*>(arena_.at(place, sizeof(ListElement)));
    if (element == nullptr) { return {}; }
    const std::uint32_t bytes = load(element->bytes);
    if (arena_.at(place, sizeof(ListElement) + std::uint64_t{bytes}) == nullptr) { return {}; }
    return {element + 1, bytes};
}

// ---- Elements ----------------------------------------------------------------------------------

bool ListTable::keep_named(ArenaStep& step, const ListBytes& value) const noexcept {
    const bool is_handle = sort_of(load(entry_.types[0])) == ElementSort::handle;
    return !is_handle || keep_stored(step, value.data);
}

Result<Place> ListTable::make(ArenaStep& step, const ListBytes& value) noexcept {
    if (value.bytes > UINT32_MAX / 4) { return Errc::size_too_large; }
    const Result<Place> place = step.take(sizeof(ListElement) + value.bytes);
    if (!place.ok()) { return place; }
    auto* const made = static_cast<ListElement*>(arena_.at(*place, sizeof(ListElement)));
    made->bytes.store(static_cast<std::uint32_t>(value.bytes), std::memory_order_relaxed);
    __builtin_memcpy(static_cast<void*>(made + 1), value.data, value.bytes);
    if (!keep_named(step, value)) { return Errc::closed; }
    return place;
}

Status ListTable::replace(ArenaStep& step, std::uint32_t index, const ListBytes& value) noexcept {
    const Result<ListView> view = this->view();
    if (!view.ok() || index >= view->count) { return Errc::corrupt; }
    const Place place = load(view->all[index]);
    const std::size_t needed = sizeof(ListElement) + value.bytes;
    auto* const old = static_cast<ListElement*>(arena_.at(place, needed));
    if (value.bytes <= kOverwrittenMax && old != nullptr && needed <= step.room_of(place)) {
        if (!keep_named(step, value)) { return Errc::closed; }
        step.set(old->bytes, static_cast<std::uint32_t>(value.bytes));
        step.copy(old + 1, value.data, value.bytes);
        return step.status();
    }
    const Result<Place> fresh = make(step, value);
    if (!fresh.ok()) { return fresh.error(); }
    step.set(view->all[index], *fresh);
    step.give(place);
    return step.status();
}

// ---- The array ---------------------------------------------------------------------------------

// As splice(), to a fresh array with room at the end, or around it if the front grows.
Status ListTable::take_array(ArenaStep& step, std::uint32_t index, std::uint32_t removed,
                             const Place* fresh, std::uint32_t count) noexcept {
    const Result<ListView> view = this->view();
    if (!view.ok() || index > view->count || removed > view->count - index) {
        return Errc::corrupt;
    }
    const Word* const old = view->all;
    const std::uint32_t before = view->count, after = before - removed + count;
    const Place old_array = load(entry_.root[0]);
    const Result<Place> taken = step.take((std::uint64_t{after} + after / 2 + 4) * sizeof(Word));
    if (!taken.ok()) { return taken.error(); }
    const auto room = static_cast<std::uint32_t>(step.room_of(*taken) / sizeof(Word));
    Word* const array = arena_.words(*taken, room);
    if (array == nullptr || room < after) { return Errc::corrupt; }
    const std::uint32_t first =
        index == 0 && removed == 0 && before != 0 && count != 0 ? (room - after) / 2 : 0;
    Word* to = array + first;
    to = put(to, old, index);
    to = put(to, fresh, count);
    if (index + removed < before) { put(to, old + index + removed, before - index - removed); }
    step.set(entry_.root[0], *taken);
    step.set(entry_.root[1], after);
    step.set(entry_.root[2], room);
    step.set(entry_.root[3], first);
    if (old_array != 0) { step.give(old_array); }
    return step.status();
}

Status ListTable::splice(ArenaStep& step, std::uint32_t index, std::uint32_t removed,
                         const Place* fresh, std::uint32_t count) noexcept {
    const Result<ListView> view = this->view();
    const std::uint32_t before = view.ok() ? view->count : 0;
    if (!view.ok() || index > before || removed > before - index) { return Errc::corrupt; }
    if (count > UINT32_MAX / 8 || before > UINT32_MAX / 8) { return Errc::no_space; }
    const std::uint32_t after = before - removed + count, tail = before - index - removed;
    const std::uint32_t first = view->first;
    // At the front: nothing moves.
    if (index == 0 && (count == 0 || (removed == 0 && count <= first && before != 0))) {
        if (count != 0) { put(view->all - count, fresh, count); }
        step.set(entry_.root[3], after == 0 ? 0 : first + removed - count);
        step.set(entry_.root[1], after);
        return step.status();
    }
    const std::uint32_t moved = count == removed ? 0 : tail;
    const bool fits = after <= view->room - first;
    const std::uint32_t overwritten = index == before ? 0 : moved + count;
    if (!fits || overwritten > kMovedMax) { return take_array(step, index, removed, fresh, count); }
    Word* const at = view->all + index;
    for (std::uint32_t i = 0; i < moved; ++i) {
        const std::uint32_t from = count > removed ? tail - 1 - i : i;
        step.set(at[count + from], load(at[removed + from]));
    }
    if (index == before) {
        put(at, fresh, count);
    } else {
        for (std::uint32_t i = 0; i < count; ++i) { step.set(at[i], fresh[i]); }
    }
    if (after != before) { step.set(entry_.root[1], after); }
    return step.status();
}

Result<std::uint32_t> ListTable::move_some_out(ArenaStep& step, std::uint32_t index,
                                               std::uint32_t count) noexcept {
    const Result<ListView> view = this->view();
    if (!view.ok() || index > view->count || count > view->count - index) { return Errc::corrupt; }
    const Result<Place> array = step.take(std::uint64_t{count} * sizeof(Word));
    if (!array.ok()) { return array.error(); }
    Word* const to = arena_.words(*array, count);
    if (to == nullptr) { return Errc::corrupt; }
    put(to, view->all + index, count);
    const Result<std::uint32_t> moved = step.take_entry();
    if (!moved.ok()) { return moved; }
    ArenaEntry& other = arena_.entry(*moved);
    step.set(other.kind, static_cast<std::uint32_t>(ObjectKind::list) | kDropping);
    step.set(other.name, 0);
    step.set(other.root[0], *array);
    step.set(other.root[1], count);
    step.set(other.root[2], count);
    step.set(other.root[3], 0);
    const Status done = splice(step, index, count, nullptr, 0);
    if (!done.ok()) { return done.error(); }
    return moved;
}

void ListTable::shrink(std::int64_t deadline_ns) noexcept {
    const std::uint32_t room = load(entry_.root[2]);
    if (room <= kRoomMin || count() >= room / 4) { return; }
    ArenaStep step(arena_, deadline_ns);
    if (!step.status().ok()) { return; }
    if (take_array(step, count(), 0, nullptr, 0).ok()) { step.commit().ignore(); }
}

bool ListTable::free_some(ArenaStep& step) noexcept {
    const Result<ListView> view = this->view();
    std::uint32_t left = view.ok() ? view->count : 0;
    while (left > 0 && !step.is_long()) { step.give(load(view->all[--left])); }
    step.set(entry_.root[1], left);
    if (left != 0 || step.is_long()) { return false; }
    if (load(entry_.root[0]) != 0) { step.give(load(entry_.root[0])); }
    step.set(entry_.root[0], 0);
    step.set(entry_.root[2], 0);
    return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
