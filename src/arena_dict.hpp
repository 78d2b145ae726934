// A dictionary as it lies in an arena.
//
//   root[0]  the directory: places of segments, of kSegment buckets each
//   root[1]  how many items     root[2]  how many buckets; 0: it was never used
//   root[3]  the oldest item    root[4]  the newest
//   root[5]  how many segments the directory has room for
//
// An item is a block: DictItem, then the key and the value, each rounded up to words.
//
// In a namespace, whose type of values is 0, each value has its type before it, as a word.
//
// Linear hashing (W. Litwin, 1980; P.-A. Larson, "Dynamic Hash Tables", 1988): with n buckets,
// where 2^l <= n < 2^(l+1), an item is in bucket h mod 2^(l+1), or h mod 2^l if that is not there
// yet. To grow, bucket n - 2^l is split into itself and bucket n. So nobody waits for more.
#ifndef BROOD_SRC_ARENA_DICT_HPP
#define BROOD_SRC_ARENA_DICT_HPP

#include "arena_objects.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

struct DictItem {
    Word next;  // in its bucket
    Word hash;
    Word older, newer;
    Word key_bytes, value_bytes;
};
static_assert(sizeof(DictItem) == 24, "an ABI");

/// An item and its lengths, which were read once: whatever a stranger writes meanwhile.
struct DictItemView {
    DictItem* item = nullptr;
    std::uint32_t key_bytes = 0, value_bytes = 0;

    static constexpr std::size_t padded(std::size_t bytes) noexcept { return (bytes + 3) / 4 * 4; }
    explicit operator bool() const noexcept { return item != nullptr; }
    DictItem* operator->() const noexcept { return item; }
    unsigned char* key() const noexcept { return reinterpret_cast<unsigned char*>(item + 1); }
    unsigned char* value() const noexcept { return key() + padded(key_bytes); }
};

class DictTable {
public:
    static constexpr std::uint32_t kSegment = 64;

    DictTable(const Arena& arena, ArenaEntry& entry) noexcept : arena_(arena), entry_(entry) {}

    std::uint32_t count() const noexcept { return load(entry_.root[1]); }
    /// As many, or what the arena has room for: where strangers write, a list may be a ring.
    std::uint32_t most() const noexcept {
        const std::uint32_t room = arena_.pages * (kPageBytes / (2 * kUnitBytes));
        return count() < room ? count() : room;
    }
    Place oldest() const noexcept { return load(entry_.root[3]); }
    Place newest() const noexcept { return load(entry_.root[4]); }

    /// Of null: there is none such, or the arena is not in order.
    DictItemView item(Place place) const noexcept;

    std::uint32_t hash(const void* key, std::size_t bytes) const noexcept;
    /// The word that holds the place of an item with that key, or else a 0; null: corrupt, or
    /// there are no buckets.
    Word* find(const void* key, std::size_t bytes, std::uint32_t hash) const noexcept;

    Status insert(ArenaStep& step, const void* key, std::size_t key_bytes, std::uint32_t hash,
                  const void* value, std::size_t bytes) noexcept;
    /// Overwrites a value by one store, where it is that small: then it needs no step. If killed
    /// before the store: it is as it was. After it: as it shall be.
    bool replace_at_once(const DictItemView& item, const void* value, std::size_t bytes) noexcept {
        unsigned char* const at = item.value();
        if (item.value_bytes != bytes) { return false; }
        if (bytes == sizeof(std::uint32_t)) {
            std::uint32_t fresh = 0;
            __builtin_memcpy(&fresh, value, sizeof fresh);
            reinterpret_cast<Word*>(at)->store(fresh, std::memory_order_relaxed);
            return true;
        }
        if constexpr (sizeof(void*) == sizeof(std::uint64_t)) {
            const bool is_aligned = reinterpret_cast<std::uintptr_t>(at) % sizeof(void*) == 0;
            if (bytes != sizeof(std::uint64_t) || !is_aligned) { return false; }
            std::uint64_t fresh = 0;
            __builtin_memcpy(&fresh, value, sizeof fresh);
            __atomic_store_n(reinterpret_cast<std::uint64_t*>(at), fresh, __ATOMIC_RELAXED);
            return true;
        }
        return false;
    }
    /// `link` is what find() gave.
    Status replace(ArenaStep& step, Word& link, const void* value, std::size_t bytes) noexcept;
    Status erase(ArenaStep& step, Word& link) noexcept;
    /// After an item has come or gone: one bucket more, or some fewer. In steps of their own: if
    /// killed in between, or if there is no memory, chains are a little longer.
    void grow(std::int64_t deadline_ns) noexcept;
    void shrink(std::int64_t deadline_ns) noexcept;
    /// Frees items, then buckets. True: nothing is left.
    bool free_some(ArenaStep& step) noexcept;

    static constexpr std::size_t padded(std::size_t bytes) noexcept {
        return DictItemView::padded(bytes);
    }

private:
    /// If a value is a handle: what it names is kept. False: that is gone.
    bool keep_named(ArenaStep& step, const void* value, std::size_t bytes) const noexcept;
    /// Where the place of a segment stands; null: it has none of that number.
    Word* segment_at(std::uint32_t segment) const noexcept;
    Word* bucket(std::uint32_t index) const noexcept;
    std::uint32_t bucket_of(std::uint32_t hash) const noexcept;
    Result<Place> make_item(ArenaStep& step, const void* key, std::size_t key_bytes,
                            std::uint32_t hash, const void* value, std::size_t bytes) noexcept;
    Status begin(ArenaStep& step) noexcept;
    Status add_segment(ArenaStep& step, std::uint32_t segment) noexcept;
    Status resize_directory(ArenaStep& step, std::uint32_t room) noexcept;
    bool split(ArenaStep& step) noexcept;
    bool merge(ArenaStep& step, std::uint32_t buckets) noexcept;

    const Arena& arena_;
    ArenaEntry& entry_;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
