// Whether the arena of a manager, which nobody uses at the moment, is in order: each page and block
// has exactly one use, each object is whole, and nothing is kept that nobody has any more.
#ifndef BROOD_TEST_ARENA_CHECK_HPP
#define BROOD_TEST_ARENA_CHECK_HPP

#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include <src/arena_dict.hpp>
#include <src/arena_hash.hpp>
#include <src/arena_list.hpp>
#include <src/arena_pages.hpp>

namespace test {

/// What is found is drawn here a second time, from what src/arena*.hpp write down.
class ArenaCheck {
public:
    /// `may_drop`: objects that are just being dropped are in order, too.
    explicit ArenaCheck(const brood::detail::Arena& arena, bool may_drop = false)
        : arena_(arena), head_(arena.head()), may_drop_(may_drop) {}

    /// Null: it is in order. Else what is not: a literal.
    const char* fault() {
        require(load(head_.log_count) == 0, "a step is not done");
        require(brood::port::mutex_is_free(head_.mutex), "the arena's mutex is held");
        look_at_pages();
        look_at_runs();
        look_at_shared();
        look_at_entries();
        look_at_names();
        for (std::uint32_t i = 1; fault_ == nullptr && i < top(); ++i) { look_at(arena_.entry(i)); }
        require(blocks_.empty(), "a block that nobody has");
        return fault_;
    }

private:
    using Word = brood::detail::Word;
    using Place = brood::detail::Place;
    using Entry = brood::detail::ArenaEntry;
    using Head = brood::detail::ArenaHead;
    using Note = brood::detail::PageNote;
    using Use = brood::detail::PageUse;
    using Set = std::unordered_set<std::uint32_t>;

    static std::uint32_t load(const Word& word) { return brood::detail::load(word); }
    /// False: something was wrong, now or before.
    bool require(bool condition, const char* what) {
        if (!condition && fault_ == nullptr) { fault_ = what; }
        return fault_ == nullptr;
    }
    std::uint32_t top() const { return load(head_.entries_top); }

    // ---- Pages ---------------------------------------------------------------------------------

    void look_at_pages() {
        const std::uint32_t end = load(head_.frontier);
        std::uint32_t page = brood::detail::Arena::first_page(arena_.pages, arena_.entries);
        if (!require(page <= end && end <= arena_.pages, "the frontier is elsewhere")) { return; }
        while (fault_ == nullptr && page < end) {
            const std::uint32_t what = load(arena_.note(page).what), detail = what & 255;
            const bool is_run = what >> 8 == static_cast<std::uint32_t>(Use::run) ||
                                what >> 8 == static_cast<std::uint32_t>(Use::free_run);
            const bool is_shared = what >> 8 == static_cast<std::uint32_t>(Use::shared);
            const std::uint32_t pages = is_run ? 1u << (detail & 31) : 1;
            require(is_shared ? detail < brood::detail::kClasses
                              : is_run && detail < brood::detail::kRunOrders,
                    "a page without a use");
            require(page % pages == 0 && page + pages <= end, "a run that lies wrong");
            for (std::uint32_t i = 1; fault_ == nullptr && i < pages; ++i) {
                require(load(arena_.note(page + i).what) == 0, "a page of two runs");
            }
            if (is_shared) {
                look_at_slots(page, detail);
            } else if (what >> 8 == static_cast<std::uint32_t>(Use::run)) {
                blocks_[page * brood::detail::kPageUnits] = std::uint64_t{pages} *
                                                            brood::detail::kPageBytes;
            } else {
                free_runs_.insert(page);
            }
            page += pages;
        }
    }
    void look_at_slots(std::uint32_t page, std::uint32_t of_class) {
        const std::uint32_t slots = load(arena_.note(page).slots), units = units_of(of_class);
        const std::uint32_t used = slots >> 10 & 1023, fresh = slots >> 20 & 1023;
        const std::uint32_t all = brood::detail::kPageUnits / units;
        if (!require(used <= fresh && fresh <= all, "a shared page's counts are wrong")) { return; }
        Set free;
        for (std::uint32_t at = slots & 1023; fault_ == nullptr && at != 0;) {
            const bool is_new = at <= fresh && free.insert(at - 1).second;
            if (!require(is_new, "a shared page's list is no list")) { return; }
            at = load(*arena_.words(page * brood::detail::kPageUnits + (at - 1) * units, 1));
        }
        require(free.size() == fresh - used, "a shared page's list and counts differ");
        for (std::uint32_t slot = 0; slot < fresh; ++slot) {
            if (free.count(slot) != 0) { continue; }
            blocks_[page * brood::detail::kPageUnits + slot * units] = std::uint64_t{units} *
                                                                       brood::detail::kUnitBytes;
        }
        if (used < all) { roomy_[of_class].insert(page); }
    }
    static std::uint32_t units_of(std::uint32_t of_class) {
        return brood::detail::kClassUnits[of_class];
    }
    // A list of pages, each of which must be in `wanted`; taken out of it.
    void look_at_list(const Word& first, Set& wanted, std::uint32_t what) {
        std::uint32_t before = 0;
        for (std::uint32_t page = load(first); fault_ == nullptr && page != 0;) {
            if (!require(wanted.erase(page) == 1, "a page in a list where it does not belong")) {
                return;
            }
            require(load(arena_.note(page).what) == what, "a page in another's list");
            require(load(arena_.note(page).prev) == before, "a list of pages is not doubly linked");
            before = page;
            page = load(arena_.note(page).next);
        }
    }
    void look_at_runs() {
        for (std::uint32_t order = 0; order < brood::detail::kRunOrders; ++order) {
            look_at_list(head_.free_run[order], free_runs_, what_of(Use::free_run, order));
        }
        require(free_runs_.empty(), "a free run in no list");
    }
    void look_at_shared() {
        for (std::uint32_t i = 0; i < brood::detail::kClasses; ++i) {
            look_at_list(head_.shared[i], roomy_[i], what_of(Use::shared, i));
            require(roomy_[i].empty(), "a page with room in no list");
        }
    }
    // Somebody has that block, with room for so many bytes. Nobody else may.
    bool reach(Place place, std::uint64_t bytes) {
        const auto found = blocks_.find(place);
        if (!require(found != blocks_.end(), "a block that is free, or another's")) {
            return false;
        }
        const bool fits = found->second >= bytes;
        blocks_.erase(found);
        return require(fits, "a block that is too short");
    }

    // ---- Entries -------------------------------------------------------------------------------

    void look_at_entries() {
        if (!require(top() >= 1 && top() <= arena_.entries, "more entries than there are")) {
            return;
        }
        Set free, retired;
        for (std::uint32_t i = 1; i < top(); ++i) {
            Entry& entry = arena_.entry(i);
            const std::uint32_t kind = load(entry.kind);
            require(brood::port::mutex_is_free(entry.mutex), "an object's mutex is held");
            require(may_drop_ || (kind & brood::detail::kDropping) == 0, "an object half dropped");
            if (kind == 0) { free.insert(i); }
            if ((kind & brood::detail::kRetired) != 0) { retired.insert(i); }
        }
        look_at_chain(head_.free_entry, free);
        for (const Word& first : head_.retired) { look_at_chain(first, retired); }
        require(free.empty(), "a free entry in no list");
        require(retired.empty(), "a retired entry in no list");
    }
    void look_at_chain(const Word& first, Set& wanted) {
        for (std::uint32_t i = load(first); fault_ == nullptr && i != 0;) {
            if (!require(wanted.erase(i) == 1, "an entry in a list twice, or in a wrong one")) {
                return;
            }
            i = load(arena_.entry(i).next);
        }
    }
    void look_at_names() {
        Set named;
        for (std::uint32_t i = 1; i < top(); ++i) {
            const std::uint32_t kind = load(arena_.entry(i).kind);
            const bool lives = kind != 0 && kind <= brood::detail::kKindMask;
            if (lives && load(arena_.entry(i).name) != 0) { named.insert(i); }
        }
        for (std::uint32_t bucket = 0; fault_ == nullptr && bucket < Head::kNames; ++bucket) {
            for (std::uint32_t i = load(head_.named[bucket]); i != 0;) {
                if (!require(named.erase(i) == 1, "a name twice, or of nobody")) { return; }
                look_at_name(arena_.entry(i), bucket);
                i = load(arena_.entry(i).next);
            }
        }
        require(named.empty(), "an object that is not found by its name");
    }
    void look_at_name(const Entry& entry, std::uint32_t bucket) {
        const Word* const words = arena_.words(load(entry.name), 1);
        if (!require(words != nullptr, "a name elsewhere")) { return; }
        const std::uint32_t length = load(*words);
        if (!reach(load(entry.name), sizeof(Word) + std::uint64_t{length})) { return; }
        const std::uint32_t hash = brood::detail::hash_of(words + 1, length, head_.seed);
        require(hash % Head::kNames == bucket, "a name in a wrong list");
    }

    // ---- Objects -------------------------------------------------------------------------------

    void look_at(const Entry& entry) {
        using brood::detail::ObjectKind;
        const std::uint32_t kind = load(entry.kind);
        const auto is = static_cast<ObjectKind>(kind & brood::detail::kKindMask);
        if (is == ObjectKind::none) { return; }
        require(is <= ObjectKind::barrier, "an object of no kind");
        if (is == ObjectKind::dict) {
            (kind & brood::detail::kDropping) != 0 ? look_at_rest_of_dict(entry)
                                                   : look_at_dict(entry);
        } else if (is == ObjectKind::list) {
            look_at_list(entry);
        } else {
            look_at_block(entry, is);
        }
    }
    // A lock, a queue, a value..., also when it is retired.
    void look_at_block(const Entry& entry, brood::detail::ObjectKind kind) {
        using brood::detail::ObjectKind;
        const Place place = load(entry.root[0]);
        const std::uint32_t bytes = load(entry.root[5]);
        require(bytes != 0 && bytes % 64 == 0, "an object of no size");
        require(place % 4 == 0, "an object that is not aligned");
        if (!reach(place, bytes)) { return; }
        // A queue without a bound lies in a run, of which it has as much memory as it needs.
        const bool is_queue = kind == ObjectKind::queue || kind == ObjectKind::joinable_queue;
        const std::uint32_t what = load(arena_.note(place / brood::detail::kPageUnits).what);
        require(!is_queue || load(entry.root[1]) != 0 ||
                    what >> 8 == static_cast<std::uint32_t>(Use::run),
                "a queue that may grow, and is no run");
    }

    // What is left of one that is being dropped looks as one does that has fewer.
    void look_at_list(const Entry& entry) {
        const std::uint32_t count = load(entry.root[1]), room = load(entry.root[2]);
        const std::uint32_t first = load(entry.root[3]);
        if (room == 0) {
            require(load(entry.root[0]) == 0 && count == 0 && first == 0, "a list half begun");
            return;
        }
        if (!reach(load(entry.root[0]), std::uint64_t{room} * sizeof(Word))) { return; }
        if (!require(first <= room && count <= room - first, "a list beyond its array")) { return; }
        const Word* const places = arena_.words(load(entry.root[0]), room) + first;
        for (std::uint32_t i = 0; fault_ == nullptr && i < count; ++i) {
            const Place place = load(places[i]);
            const Word* const bytes = arena_.words(place, 1);
            if (!require(bytes != nullptr, "an element elsewhere")) { return; }
            reach(place, sizeof(brood::detail::ListElement) + std::uint64_t{load(*bytes)});
            const auto sort = brood::detail::sort_of(load(entry.types[0]));
            const bool is_dropping = (load(entry.kind) & brood::detail::kDropping) != 0;
            if (sort == brood::detail::ElementSort::handle && !is_dropping) {
                look_at_handle(bytes + 1);
            }
        }
    }
    // Whose handle is stored has no owner any more, with whom he would go.
    void look_at_handle(const void* bytes) {
        brood::detail::ManagedHandle handle;
        memcpy(&handle, bytes, sizeof handle);
        if (handle.entry == 0) { return; }
        if (!require(handle.entry < top(), "a handle of nothing")) { return; }
        const Entry& entry = arena_.entry(handle.entry);
        const bool is_gone = load(entry.generation) != handle.generation;
        require(is_gone || load(entry.kept) != 0, "what a handle is stored of is not kept");
    }

    using Item = brood::detail::DictItem;
    static std::uint32_t padded(std::uint32_t bytes) { return (bytes + 3) / 4 * 4; }

    // Its items by age, in both directions, and what they need.
    Set items_of(const Entry& entry) {
        Set items;
        Place before = 0;
        for (Place place = load(entry.root[3]); fault_ == nullptr && place != 0;) {
            const auto* const item = static_cast<const Item*>(arena_.at(place, sizeof(Item)));
            if (!require(item != nullptr, "an item elsewhere")) { break; }
            reach(place, sizeof(Item) + std::uint64_t{padded(load(item->key_bytes))} +
                             padded(load(item->value_bytes)));
            const bool is_dropping = (load(entry.kind) & brood::detail::kDropping) != 0;
            require(is_dropping || load(item->older) == before, "items are not doubly linked");
            items.insert(place);
            const auto sort = brood::detail::sort_of(load(entry.types[1]));
            if (sort == brood::detail::ElementSort::handle && !is_dropping) {
                look_at_handle(reinterpret_cast<const unsigned char*>(item + 1) +
                               padded(load(item->key_bytes)));
            }
            before = place;
            place = load(item->newer);
        }
        require(items.empty() || load(entry.root[4]) == before, "the newest item is another");
        return items;
    }
    void look_at_dict(const Entry& entry) {
        const std::uint32_t buckets = load(entry.root[2]), room = load(entry.root[5]);
        Set items = items_of(entry);
        require(items.size() == load(entry.root[1]), "a dict does not count right");
        if (buckets == 0) {
            for (const Word& word : entry.root) { require(load(word) == 0, "a dict half begun"); }
            return;
        }
        constexpr std::uint32_t kSegment = brood::detail::DictTable::kSegment;
        const Word* const directory = arena_.words(load(entry.root[0]), room);
        if (!require(directory != nullptr, "a directory elsewhere")) { return; }
        reach(load(entry.root[0]), std::uint64_t{room} * sizeof(Word));
        require(buckets >= kSegment && (buckets - 1) / kSegment < room, "too few segments");
        for (std::uint32_t i = 0; fault_ == nullptr && i < room; ++i) {
            const Place segment = load(directory[i]);
            if (i > (buckets - 1) / kSegment) {
                require(segment == 0, "a segment without buckets");
            } else if (reach(segment, kSegment * sizeof(Word))) {
                look_at_segment(*arena_.words(segment, kSegment), i * kSegment, buckets, items);
            }
        }
        require(items.empty(), "an item in no bucket");
    }
    void look_at_segment(const Word& first, std::uint32_t index, std::uint32_t buckets,
                         Set& items) {
        for (std::uint32_t i = 0; i < brood::detail::DictTable::kSegment; ++i) {
            const Word& bucket = (&first)[i];
            if (index + i >= buckets) {
                require(load(bucket) == 0, "an item beyond the buckets");
            } else {
                look_at_bucket(bucket, index + i, buckets, items);
            }
        }
    }
    void look_at_bucket(const Word& first, std::uint32_t index, std::uint32_t buckets, Set& items) {
        for (Place place = load(first); fault_ == nullptr && place != 0;) {
            if (!require(items.erase(place) == 1, "an item in two buckets, or a free one")) {
                return;
            }
            const auto& item = *static_cast<const Item*>(arena_.at(place, sizeof(Item)));
            const std::uint32_t hash =
                brood::detail::hash_of(&item + 1, load(item.key_bytes), head_.seed);
            require(hash == load(item.hash), "an item with another's hash");
            const std::uint32_t half = 1u << (31 - __builtin_clz(buckets));
            const std::uint32_t in_all = hash & (half * 2 - 1);
            require((in_all < buckets ? in_all : hash & (half - 1)) == index,
                    "an item in a wrong bucket");
            place = load(item.next);
        }
    }
    // What is left of it goes from the oldest item on, and then from the last segment.
    void look_at_rest_of_dict(const Entry& entry) {
        (void)items_of(entry);
        const std::uint32_t room = load(entry.root[5]);
        if (room == 0) { return; }
        const Word* const directory = arena_.words(load(entry.root[0]), room);
        if (!require(directory != nullptr, "a directory elsewhere")) { return; }
        reach(load(entry.root[0]), std::uint64_t{room} * sizeof(Word));
        for (std::uint32_t i = 0; fault_ == nullptr && i < room; ++i) {
            if (load(directory[i]) != 0) { reach(load(directory[i]), 256); }
        }
    }

    const brood::detail::Arena& arena_;
    Head& head_;
    const bool may_drop_;
    const char* fault_ = nullptr;
    std::unordered_map<Place, std::uint64_t> blocks_;  // In use; reached ones are taken out.
    Set free_runs_, roomy_[brood::detail::kClasses];
};

/// Of the arena that `handle` is of.
inline const char* arena_fault(const brood::detail::ManagedHandle& handle, bool may_drop = false) {
    const brood::detail::Arena* const arena = brood::detail::find_arena(handle.manager);
    return arena == nullptr ? "no such arena here" : ArenaCheck(*arena, may_drop).fault();
}

}  // namespace test

#endif
