// Making arenas, and finding them by their ids.
#include "arena_place.hpp"

#include <new>
#include <utility>

#include <brood/detail/segment.hpp>

#include "bell_mutex.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// What a process has of arenas. A child has what its parent had.
struct Room {
    Word id{0};  // stored last; 0: free
    Arena arena;
    std::size_t bytes = 0;  // that are mapped; 0: its segment maps them
};

Room g_rooms[kArenasMax];
BellMutex g_mutex;

// Segments are made when they are needed: no constructor or destructor runs for them by itself.
alignas(Segment) unsigned char g_segments[kArenasMax][sizeof(Segment)];

Segment& segment_of(std::uint32_t index) noexcept {
    return *reinterpret_cast<Segment*>(g_segments[index]);
}

std::uint32_t index_of(std::uint32_t id) noexcept {
    const std::uint32_t first = id % kArenasMax;
    for (std::uint32_t i = 0; id != 0 && i < kArenasMax; ++i) {
        const std::uint32_t index = (first + i) % kArenasMax;
        if (g_rooms[index].id.load(std::memory_order_acquire) == id) { return index; }
    }
    return kArenasMax;
}

/// With the mutex. kArenasMax: there is none.
std::uint32_t free_room() noexcept {
    std::uint32_t index = 0;
    while (index < kArenasMax && g_rooms[index].id.load(std::memory_order_relaxed) != 0) {
        ++index;
    }
    return index;
}

/// An id whose remainder is the room it is made for: so it is found at once.
Result<std::uint32_t> draw_id(std::uint32_t room) noexcept {
    for (;;) {
        std::uint32_t id = 0;
        const Status drawn = port::random_bytes(&id, sizeof id);
        if (!drawn.ok()) { return drawn.error(); }
        id = id / kArenasMax * kArenasMax + room;
        if (id != 0 && index_of(id) == kArenasMax) { return id; }
    }
}

std::uint32_t pages_of(std::uint64_t bytes) noexcept {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 34;  // Words are counted in 32 bits.
    if (bytes > kMost) { bytes = kMost; }
    return static_cast<std::uint32_t>(bytes / kPageBytes / kChunkPages * kChunkPages);
}

Status lay_out_segment(void* elements, const SegmentType& type) noexcept {
    auto* const base = static_cast<unsigned char*>(elements);
    const Status table = init_table(*static_cast<MemberTable*>(elements), MemberTable::kNamed);
    if (!table.ok()) { return table; }
    constexpr std::size_t kTable = MemberTable::bytes_for(MemberTable::kNamed);
    std::uint32_t id = 0;
    const Status drawn = port::random_bytes(&id, sizeof id);
    if (!drawn.ok()) { return drawn; }
    return lay_out_arena(base + kTable, pages_of(type.count - kTable), id | 1);
}

/// With the mutex: the arena in a segment, for this process.
Result<std::uint32_t> settle_in(Result<Segment> segment) noexcept {
    if (!segment.ok()) { return segment.error(); }
    constexpr std::size_t kTable = MemberTable::bytes_for(MemberTable::kNamed);
    if (segment->count() < kTable) { return Errc::corrupt; }
    auto* const elements = static_cast<unsigned char*>(segment->elements());
    Result<Arena> arena = check_arena(elements + kTable, segment->count() - kTable);
    if (!arena.ok()) { return arena.error(); }
    // A second handle of this process would be a second mapping of the same.
    if (index_of(arena->id) != kArenasMax) { return Errc::already_exists; }
    const std::uint32_t index = free_room();
    if (index == kArenasMax) { return Errc::full; }
    const Result<Members> members = members_of_strangers(*reinterpret_cast<MemberTable*>(elements));
    if (!members.ok()) { return members.error(); }
    Room& room = g_rooms[index];
    room.arena = *arena;
    room.arena.members = *members;
    room.bytes = 0;
    ::new (g_segments[index]) Segment(std::move(*segment));
    room.id.store(arena->id, std::memory_order_release);
    return arena->id;
}

}  // namespace

const Arena* find_arena(std::uint32_t id) noexcept {
    const std::uint32_t index = index_of(id);
    return index == kArenasMax ? nullptr : &g_rooms[index].arena;
}

Status Arena::allocate(std::size_t from, std::size_t to) const noexcept {
    if (!grows) { return Errc::ok; }
    const std::size_t page = port::page_bytes();
    const std::size_t begin = (from + page - 1) / page * page, end = (to + page - 1) / page * page;
    if (begin >= end) { return Errc::ok; }
    const Status allocated = port::allocate_reserved(base + begin, end - begin);
    if (allocated.ok()) { __builtin_memset(base + begin, 0, end - begin); }
    return allocated;
}

Status lay_out_arena(unsigned char* base, std::uint32_t pages, std::uint32_t id) noexcept {
    auto* const head = reinterpret_cast<ArenaHead*>(base);
    head->version = ArenaHead::kVersion;
    head->pages = pages;
    head->entries = entries_of(pages);
    head->frontier.store(Arena::first_page(pages, head->entries), std::memory_order_relaxed);
    head->entries_top.store(1, std::memory_order_relaxed);
    const Status drawn = port::random_bytes(&head->seed, sizeof head->seed);
    if (!drawn.ok()) { return drawn; }
    const Status made = port::mutex_init(head->mutex);
    if (made.ok()) { head->id.store(id, std::memory_order_release); }
    return made;
}

Result<Arena> check_arena(unsigned char* base, std::uint64_t bytes) noexcept {
    if (bytes < sizeof(ArenaHead)) { return Errc::corrupt; }
    const auto* const head = reinterpret_cast<const ArenaHead*>(base);
    Arena arena;
    arena.base = base;
    arena.id = head->id.load(std::memory_order_acquire);
    arena.pages = *const_cast<const volatile std::uint32_t*>(&head->pages);
    arena.entries = *const_cast<const volatile std::uint32_t*>(&head->entries);
    if (head->version != ArenaHead::kVersion) { return Errc::version_mismatch; }
    const bool is_one = arena.id != 0 && arena.pages % kChunkPages == 0 &&
                        arena.entries == entries_of(arena.pages) &&
                        std::uint64_t{arena.pages} * kPageBytes <= bytes &&
                        std::uint64_t{arena.pages} * kPageBytes >= kArenaBytesMin;
    if (!is_one) { return Errc::corrupt; }
    arena.first = Arena::first_page(arena.pages, arena.entries) * kPageUnits;
    return arena;
}

Result<std::uint32_t> make_arena(std::uint64_t bytes) noexcept {
    const std::uint32_t wanted = pages_of(bytes < kArenaBytesMin ? kArenaBytesMin : bytes);
    const Result<MemberTable*> table = family();
    if (!table.ok()) { return table.error(); }
    const BellMutexHold hold(g_mutex);
    const std::uint32_t index = free_room();
    if (index == kArenasMax) { return Errc::full; }
    const Result<std::uint32_t> id = draw_id(index);
    if (!id.ok()) { return id; }
    const std::uint64_t most = std::uint64_t{wanted} * kPageBytes;
    if (most > PTRDIFF_MAX) { return Errc::size_too_large; }
    const Result<port::Reservation> reserved = port::reserve_shared(
        static_cast<std::size_t>(most), static_cast<std::size_t>(kArenaBytesMin));
    if (!reserved.ok()) { return reserved.error(); }
    Room& room = g_rooms[index];
    Arena& arena = room.arena;
    arena = Arena();
    arena.base = static_cast<unsigned char*>(reserved->address);
    arena.id = *id;
    arena.pages = pages_of(reserved->bytes);
    arena.entries = entries_of(arena.pages);
    arena.first = Arena::first_page(arena.pages, arena.entries) * kPageUnits;
    arena.grows = true;
    arena.members = members_of_family(**table);
    // Where pages are larger than ours, notes and entries may lie in the same one.
    const bool at_once = port::page_bytes() > kPageBytes;
    const std::size_t first = at_once ? std::size_t{Arena::first_page(arena.pages, arena.entries)} *
                                            kPageBytes
                                      : sizeof(ArenaHead);
    Status made = arena.allocate(0, first);
    if (made.ok()) { made = lay_out_arena(arena.base, arena.pages, *id); }
    if (!made.ok()) {
        port::unmap(reserved->address, reserved->bytes);
        return made.error();
    }
    room.bytes = reserved->bytes;
    room.id.store(*id, std::memory_order_release);
    return *id;
}

Result<std::uint32_t> make_named_arena(const char* name, std::uint64_t bytes,
                                       Access access) noexcept {
    const std::uint32_t pages = pages_of(bytes < kArenaBytesMin ? kArenaBytesMin : bytes);
    const SegmentType type = {
        SegmentKind::manager, 1,
        MemberTable::bytes_for(MemberTable::kNamed) + std::uint64_t{pages} * kPageBytes};
    const BellMutexHold hold(g_mutex);
    return settle_in(Segment::create(name, type, access, &lay_out_segment));
}

Result<std::uint32_t> open_arena(const char* name, Timeout timeout) noexcept {
    Result<Segment> segment = Segment::open(name, {SegmentKind::manager, 1, 0}, timeout);
    const BellMutexHold hold(g_mutex);
    return settle_in(std::move(segment));
}

void end_arena(std::uint32_t id) noexcept {
    const BellMutexHold hold(g_mutex);
    const std::uint32_t index = index_of(id);
    if (index == kArenasMax) { return; }
    Room& room = g_rooms[index];
    room.id.store(0, std::memory_order_release);
    if (room.bytes != 0) { return port::unmap(room.arena.base, room.bytes); }
    Segment& segment = segment_of(index);
    // The system's list of what a thread holds is linked through the table's mutexes.
    Membership* const me = membership_in(*room.arena.members.table);
    const bool has_strayed = me != nullptr && !leave_members(*me);
    if (has_strayed || has_members_here(room.arena.members)) { segment.keep_mapped(); }
    segment.~Segment();
}

const char* name_of_arena(std::uint32_t id) noexcept {
    const std::uint32_t index = index_of(id);
    if (index == kArenasMax || g_rooms[index].bytes != 0) { return ""; }
    return segment_of(index).name();
}

void keep_name_of_arena(std::uint32_t id) noexcept {
    const std::uint32_t index = index_of(id);
    if (index != kArenasMax && g_rooms[index].bytes == 0) { segment_of(index).keep_name(); }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
