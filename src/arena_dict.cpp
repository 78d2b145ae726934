#include "arena_dict.hpp"

#include "arena_hash.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// A value is overwritten where it is if it has at most so many bytes: each word stands in the log.
constexpr std::size_t kOverwrittenMax = 256;
// One who erases takes away at most so many buckets: more than come for one inserted.
constexpr std::uint32_t kMerged = 4;

/// The greatest power of two that is not above `count`, which is not 0.
std::uint32_t power_below(std::uint32_t count) noexcept {
    return 1u << (31 - static_cast<std::uint32_t>(__builtin_clz(count)));
}

}  // namespace

DictItemView DictTable::item(Place place) const noexcept {
    auto* const item = static_cast<DictItem*>(arena_.at(place, sizeof(DictItem)));
    if (item == nullptr) { return {}; }
    const DictItemView view = {item, load(item->key_bytes), load(item->value_bytes)};
    const auto whole = [](std::uint64_t bytes) { return (bytes + 3) / 4 * 4; };
    const std::uint64_t bytes = sizeof(DictItem) + whole(view.key_bytes) + whole(view.value_bytes);
    return arena_.at(place, bytes) != nullptr ? view : DictItemView();
}

std::uint32_t DictTable::hash(const void* key, std::size_t bytes) const noexcept {
    return hash_of(key, bytes, arena_.head().seed);
}

Word* DictTable::segment_at(std::uint32_t segment) const noexcept {
    const std::uint32_t room = load(entry_.root[5]);
    Word* const directory = arena_.words(load(entry_.root[0]), room);
    return directory == nullptr || segment >= room ? nullptr : directory + segment;
}

Word* DictTable::bucket(std::uint32_t index) const noexcept {
    const Word* const at = segment_at(index / kSegment);
    Word* const segment = at == nullptr ? nullptr : arena_.words(load(*at), kSegment);
    return segment == nullptr ? nullptr : segment + index % kSegment;
}

std::uint32_t DictTable::bucket_of(std::uint32_t hash) const noexcept {
    const std::uint32_t buckets = load(entry_.root[2]);
    if (buckets == 0) { return 0; }
    const std::uint32_t half = power_below(buckets);
    const std::uint32_t index = hash & (half * 2 - 1);
    return index < buckets ? index : index & (half - 1);
}

Word* DictTable::find(const void* key, std::size_t bytes, std::uint32_t hash) const noexcept {
    Word* link = bucket(bucket_of(hash));
    const std::uint32_t most = this->most();
    for (std::uint32_t i = 0; link != nullptr && load(*link) != 0; ++i) {
        const DictItemView at = item(load(*link));
        if (!at || i > most) { return nullptr; }
        const bool is_it = load(at->hash) == hash && at.key_bytes == bytes &&
                           __builtin_memcmp(at.key(), key, bytes) == 0;
        if (is_it) { return link; }
        link = &at->next;
    }
    return link;
}

// ---- Items -------------------------------------------------------------------------------------

bool DictTable::keep_named(ArenaStep& step, const void* value, std::size_t bytes) const noexcept {
    std::uint32_t type = load(entry_.types[1]);
    const auto* from = static_cast<const unsigned char*>(value);
    if (type == 0 && bytes >= sizeof type + sizeof(ManagedHandle)) {
        __builtin_memcpy(&type, from, sizeof type);
        from += sizeof type;
    }
    return sort_of(type) != ElementSort::handle || keep_stored(step, from);
}

Result<Place> DictTable::make_item(ArenaStep& step, const void* key, std::size_t key_bytes,
                                   std::uint32_t hash, const void* value,
                                   std::size_t bytes) noexcept {
    if (key_bytes > UINT32_MAX / 4 || bytes > UINT32_MAX / 4) { return Errc::size_too_large; }
    const Result<Place> place = step.take(sizeof(DictItem) + padded(key_bytes) + padded(bytes));
    if (!place.ok()) { return place; }
    auto* const made = static_cast<DictItem*>(arena_.at(*place, sizeof(DictItem)));
    made->hash.store(hash, std::memory_order_relaxed);
    made->key_bytes.store(static_cast<std::uint32_t>(key_bytes), std::memory_order_relaxed);
    made->value_bytes.store(static_cast<std::uint32_t>(bytes), std::memory_order_relaxed);
    auto* const content = reinterpret_cast<unsigned char*>(made + 1);
    __builtin_memcpy(content, key, key_bytes);
    __builtin_memcpy(content + padded(key_bytes), value, bytes);
    if (!keep_named(step, value, bytes)) { return Errc::closed; }
    return place;
}

Status DictTable::insert(ArenaStep& step, const void* key, std::size_t key_bytes,
                         std::uint32_t hash, const void* value, std::size_t bytes) noexcept {
    if (count() == UINT32_MAX) { return Errc::no_space; }
    const Status begun = begin(step);
    if (!begun.ok()) { return begun; }
    const Result<Place> place = make_item(step, key, key_bytes, hash, value, bytes);
    if (!place.ok()) { return place.error(); }
    Word* const first = bucket(bucket_of(hash));
    const DictItemView last = item(newest());
    if (first == nullptr || !last != (newest() == 0)) { return Errc::corrupt; }
    DictItem& made = *static_cast<DictItem*>(arena_.at(*place, sizeof(DictItem)));
    made.next.store(load(*first), std::memory_order_relaxed);
    made.older.store(newest(), std::memory_order_relaxed);
    made.newer.store(0, std::memory_order_relaxed);
    step.set(*first, *place);
    step.set(last ? last->newer : entry_.root[3], *place);
    step.set(entry_.root[4], *place);
    step.add(entry_.root[1], 1);
    return step.status();
}

Status DictTable::replace(ArenaStep& step, Word& link, const void* value,
                          std::size_t bytes) noexcept {
    const Place place = load(link);
    const DictItemView old = item(place);
    if (!old) { return Errc::corrupt; }
    const std::size_t needed = sizeof(DictItem) + padded(old.key_bytes) + padded(bytes);
    const bool fits = needed <= step.room_of(place) && arena_.at(place, needed) != nullptr;
    if (bytes <= kOverwrittenMax && fits) {
        if (!keep_named(step, value, bytes)) { return Errc::closed; }
        step.set(old->value_bytes, static_cast<std::uint32_t>(bytes));
        step.copy(old.value(), value, bytes);
        return step.status();
    }
    const Result<Place> fresh =
        make_item(step, old.key(), old.key_bytes, load(old->hash), value, bytes);
    if (!fresh.ok()) { return fresh.error(); }
    DictItem& made = *static_cast<DictItem*>(arena_.at(*fresh, sizeof(DictItem)));
    const DictItemView older = item(load(old->older)), newer = item(load(old->newer));
    if (!older != (load(old->older) == 0) || !newer != (load(old->newer) == 0)) {
        return Errc::corrupt;
    }
    made.next.store(load(old->next), std::memory_order_relaxed);
    made.older.store(load(old->older), std::memory_order_relaxed);
    made.newer.store(load(old->newer), std::memory_order_relaxed);
    step.set(link, *fresh);
    step.set(older ? older->newer : entry_.root[3], *fresh);
    step.set(newer ? newer->older : entry_.root[4], *fresh);
    step.give(place);
    return step.status();
}

Status DictTable::erase(ArenaStep& step, Word& link) noexcept {
    const Place place = load(link);
    const DictItemView old = item(place);
    if (!old) { return Errc::corrupt; }
    const DictItemView older = item(load(old->older)), newer = item(load(old->newer));
    if (!older != (load(old->older) == 0) || !newer != (load(old->newer) == 0)) {
        return Errc::corrupt;
    }
    step.set(link, load(old->next));
    step.set(older ? older->newer : entry_.root[3], load(old->newer));
    step.set(newer ? newer->older : entry_.root[4], load(old->older));
    step.add(entry_.root[1], UINT32_MAX);
    step.give(place);
    return step.status();
}

// ---- Buckets -----------------------------------------------------------------------------------

Status DictTable::begin(ArenaStep& step) noexcept {
    return load(entry_.root[2]) != 0 ? Status() : add_segment(step, 0);
}

// Of zeroes, and with it kSegment buckets or, if there are some already, room for them.
Status DictTable::add_segment(ArenaStep& step, std::uint32_t segment) noexcept {
    const Result<Place> made = step.take(kSegment * sizeof(Word));
    if (!made.ok()) { return made.error(); }
    const std::uint32_t room = load(entry_.root[5]);
    if (segment >= room) {
        const Status resized = resize_directory(step, room == 0 ? 4 : room * 2);
        if (!resized.ok()) { return resized; }
    }
    Word* const at = segment_at(segment);
    if (at == nullptr) { return Errc::corrupt; }
    __builtin_memset(arena_.at(*made, kSegment * sizeof(Word)), 0, kSegment * sizeof(Word));
    step.set(*at, *made);
    if (segment == 0) { step.set(entry_.root[2], kSegment); }
    return step.status();
}

Status DictTable::resize_directory(ArenaStep& step, std::uint32_t room) noexcept {
    const std::uint32_t before = load(entry_.root[5]);
    const Result<Place> place = step.take(std::uint64_t{room} * sizeof(Word));
    if (!place.ok()) { return place.error(); }
    Word* const directory = arena_.words(*place, room);
    const Word* const old = arena_.words(load(entry_.root[0]), before);
    if (before != 0 && old == nullptr) { return Errc::corrupt; }
    for (std::uint32_t i = 0; i < room; ++i) {
        directory[i].store(i < before ? load(old[i]) : 0, std::memory_order_relaxed);
    }
    if (before != 0) { step.give(load(entry_.root[0])); }
    step.set(entry_.root[0], *place);
    step.set(entry_.root[5], room);
    return step.status();
}

bool DictTable::split(ArenaStep& step) noexcept {
    const std::uint32_t buckets = load(entry_.root[2]);
    if (buckets == 0 || buckets >= 1u << 30) { return false; }
    const bool needs_segment = buckets % kSegment == 0;
    if (needs_segment && !add_segment(step, buckets / kSegment).ok()) { return false; }
    const std::uint32_t half = power_below(buckets);
    Word* stay = bucket(buckets - half);
    Word* go = bucket(buckets);
    if (stay == nullptr || go == nullptr) { return false; }
    // Both keep their order. What stays where it is needs no entry in the log.
    std::uint32_t left = most();
    for (Place place = load(*stay); place != 0; --left) {
        const DictItemView at = item(place);
        if (!at || left == 0 || !step.has_room(8)) { return false; }
        Word*& to = (load(at->hash) & half) != 0 ? go : stay;
        if (load(*to) != place) { step.set(*to, place); }
        to = &at->next;
        place = load(at->next);
    }
    if (load(*stay) != 0) { step.set(*stay, 0); }
    if (load(*go) != 0) { step.set(*go, 0); }
    step.set(entry_.root[2], buckets + 1);
    return step.status().ok();
}

// So that `buckets` are left.
bool DictTable::merge(ArenaStep& step, std::uint32_t buckets) noexcept {
    Word* const last = bucket(buckets);
    Word* link = bucket(buckets - power_below(buckets));
    const std::uint32_t most = this->most();
    for (std::uint32_t i = 0; link != nullptr && load(*link) != 0; ++i) {
        const DictItemView at = item(load(*link));
        link = !at || i > most ? nullptr : &at->next;
    }
    if (last == nullptr || link == nullptr) { return false; }
    if (load(*last) != 0) { step.set(*link, load(*last)); }
    step.set(*last, 0);
    step.set(entry_.root[2], buckets);
    if (buckets % kSegment != 0) { return step.status().ok(); }
    const std::uint32_t segment = buckets / kSegment, room = load(entry_.root[5]);
    const bool is_smaller = room > 4 && segment <= room / 4;
    if (is_smaller && !resize_directory(step, room / 2).ok()) { return false; }
    Word* const at = segment_at(segment);
    if (at == nullptr) { return false; }
    const Place emptied = load(*at);
    step.set(*at, 0);
    step.give(emptied);
    return step.status().ok();
}

void DictTable::grow(std::int64_t deadline_ns) noexcept {
    if (count() <= load(entry_.root[2])) { return; }
    ArenaStep step(arena_, deadline_ns);
    if (step.status().ok() && split(step)) { step.commit().ignore(); }
}

void DictTable::shrink(std::int64_t deadline_ns) noexcept {
    for (std::uint32_t i = 0; i < kMerged; ++i) {
        const std::uint32_t buckets = load(entry_.root[2]);
        if (buckets <= kSegment || count() >= buckets / 4) { return; }
        ArenaStep step(arena_, deadline_ns);
        if (!step.status().ok() || !merge(step, buckets - 1) || !step.commit().ok()) { return; }
    }
}

bool DictTable::free_some(ArenaStep& step) noexcept {
    while (oldest() != 0) {
        const Place place = oldest();
        const DictItemView at = item(place);
        if (!at || step.is_long()) { return !at; }
        const Place next = load(at->newer);
        step.give(place);
        step.set(entry_.root[3], next);
    }
    const std::uint32_t room = load(entry_.root[5]);
    Word* const directory = arena_.words(load(entry_.root[0]), room);
    if (directory == nullptr) { return true; }
    for (std::uint32_t i = load(entry_.root[2]) / kSegment + 1; i-- > 0;) {
        if (i >= room || load(directory[i]) == 0) { continue; }
        if (step.is_long()) { return false; }
        step.give(load(directory[i]));
        step.set(directory[i], 0);
        step.set(entry_.root[2], i * kSegment);
    }
    step.give(load(entry_.root[0]));
    step.set(entry_.root[0], 0);
    step.set(entry_.root[5], 0);
    return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
