// The arena of a Manager: shared memory in which objects are made and dropped at any time, and
// which no death leaves half changed.
//
// This is an ABI, as a segment is: processes of any word size share it.
//
//   0        the head      ArenaHead: its mutex, the log, where free memory is
//   notes_at   a note for each page of 4096 bytes, of which the arena consists: arena_runs.cpp
//   entries_at an entry for each object: arena_objects.hpp
//   then       pages that hold blocks: arena_memory.cpp
//
// What lies where is said by units of 16 bytes, counted from the beginning: a Place. 0: nowhere.
//
// A change of any words in it, however many, is one step (class ArenaStep). Who makes a step holds
// the mutex, and before he changes a word he puts down in the log what it was:
//
//   log[n] = {word, what it was}; log_count = n + 1; word = new; ...        log_count = 0
//
// The last is the commit. Who takes the mutex and finds a log puts everything back, from the last
// to the first: its writer was killed, and nothing has happened. Killed while he does so, the next
// does it again. What was written into a new block before the commit needs no log: nobody knows it.
//
// An object has a mutex of its own, in its entry, for those who read and change it. Who gets that
// by the death of another first takes the arena's once (Arena::heal), and so finds the object
// whole. The order is: an object's mutex, then the arena's. Entries are never anything else, so an
// old handle finds an entry, whose generation says that the object is gone, and no freed memory.
//
// An arena that is opened by its name may have been written by anybody. So every place, count and
// index that is read in it is checked before it is used, and how large what is in it is known from
// what each process checked when it opened it.
#ifndef BROOD_SRC_ARENA_HPP
#define BROOD_SRC_ARENA_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <brood/result.hpp>
#include <port/port.hpp>

#include "members.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

using Word = std::atomic<std::uint32_t>;
using Place = std::uint32_t;

/// Words are read and written by who holds a mutex, so in any order.
inline std::uint32_t load(const Word& word) noexcept {
    return word.load(std::memory_order_relaxed);
}

inline constexpr std::uint32_t kUnitBytes = 16;
inline constexpr std::uint32_t kPageBytes = 4096;
inline constexpr std::uint32_t kPageUnits = kPageBytes / kUnitBytes;

/// Blocks of up to 2 KiB share pages; their sizes in units. Larger ones are runs of 2^n pages.
inline constexpr std::uint8_t kClassUnits[] = {1,  2,  3,  4,  5,  6,  7,  8,  10, 12, 14,
                                               16, 20, 24, 28, 32, 40, 48, 64, 85, 127};
inline constexpr std::uint32_t kClasses = sizeof(kClassUnits);
inline constexpr std::uint32_t kRunOrders = 23;

/// What is known of a page.
struct PageNote {
    Word what;        // arena_pages.hpp: what for, and the class of its blocks, or the run's order
    Word slots;       // of a shared page: first free + 1 | used << 10 | never used << 20
    Word next, prev;  // in the list of its class, or of free runs of its order; 0: none
};
static_assert(sizeof(PageNote) == 16);

/// An object. What the words of `root` mean depends on its kind.
struct alignas(64) ArenaEntry {
    port::RobustMutex mutex;
    Word generation;          // counts the objects that had this entry
    Word kind;                // ObjectKind; 0: free
    Word next;                // in the list of free entries, or of its names
    Word name;                // the block with its name; 0: it has none
    Word owner, incarnation;  // the member who made it ...
    Word kept;                // ... if 0: and with whose end it goes
    Word types[2];            // what it is made of: checked by who opens it
    Word doubt;  // not 0: a user died, and nobody has called heal() since. No step changes it.
    Word root[6];
};
static_assert(sizeof(ArenaEntry) == 128 && offsetof(ArenaEntry, generation) == 64, "an ABI");
static_assert(offsetof(ArenaEntry, doubt) == 100 && offsetof(ArenaEntry, root) == 104);

struct LogEntry {
    Word word;  // its number, of 4 bytes each from the beginning
    Word was;
};

struct ArenaHead {
    static constexpr std::uint32_t kVersion = 1;
    static constexpr std::uint32_t kLogMax = 1000;
    static constexpr std::uint32_t kNames = 64, kKinds = 16;

    Word id;  // never 0
    std::uint32_t version;
    std::uint32_t pages, entries;  // how many there may be
    std::uint32_t seed;            // of all hashes
    alignas(64) port::RobustMutex mutex;
    alignas(64) Word log_count;
    LogEntry log[kLogMax];
    alignas(64) Word frontier;  // no page from here on was ever used
    Word entries_top;           // nor entry
    Word free_entry;            // 0: none
    Word shared[kClasses];      // pages of each class that have room
    Word free_run[kRunOrders];  // runs of each order
    Word named[kNames];         // objects with a name, by its hash
    Word retired[kKinds];       // entries of dropped objects that keep their blocks, by kind
    Word sweeper;               // which entry is looked at next; no step changes it
};
static_assert(offsetof(ArenaHead, mutex) == 64 && offsetof(ArenaHead, log_count) == 128, "an ABI");

/// What a process knows of an arena.
struct Arena {
    unsigned char* base = nullptr;
    std::uint32_t id = 0;
    std::uint32_t pages = 0, entries = 0;
    Place first = 0;     // no block lies before it
    bool grows = false;  // memory is allocated when it is needed; else all of it is there
    Members members;

    ArenaHead& head() const noexcept { return *reinterpret_cast<ArenaHead*>(base); }
    PageNote& note(std::uint32_t page) const noexcept {
        return reinterpret_cast<PageNote*>(base + notes_at())[page < pages ? page : 0];
    }
    /// The first is nobody's.
    ArenaEntry& entry(std::uint32_t index) const noexcept {
        return reinterpret_cast<ArenaEntry*>(base + entries_at(pages))[index < entries ? index : 0];
    }
    /// Where `bytes` bytes from a place on are; null: no block of the arena can be there.
    void* at(Place place, std::uint64_t bytes) const noexcept {
        const std::uint64_t begin = std::uint64_t{place} * kUnitBytes;
        const bool is_inside = place >= first && begin + bytes <= std::uint64_t{pages} * kPageBytes;
        return is_inside ? base + begin : nullptr;
    }
    /// The same, as words.
    Word* words(Place place, std::uint64_t count) const noexcept {
        return static_cast<Word*>(at(place, count * sizeof(Word)));
    }

    static constexpr std::size_t whole(std::size_t bytes) noexcept {
        return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    }
    static constexpr std::size_t notes_at() noexcept { return whole(sizeof(ArenaHead)); }
    static constexpr std::size_t entries_at(std::uint32_t pages) noexcept {
        return notes_at() + whole(std::size_t{pages} * sizeof(PageNote));
    }
    /// The first page that may hold blocks: runs of pages begin at multiples of kChunkPages.
    static constexpr std::uint32_t first_page(std::uint32_t pages, std::uint32_t entries) noexcept;

    /// Undoes what a dead one had begun. For who gets an object's mutex by the death of another.
    Status heal(std::int64_t deadline_ns) const noexcept;
    /// Zeroed memory for the notes or entries that lie there, which nobody uses yet.
    Status allocate(std::size_t from, std::size_t to) const noexcept;
};

/// Memory is allocated and given back in pieces of at least so many pages.
inline constexpr std::uint32_t kChunkOrder = 4, kChunkPages = 1u << kChunkOrder;

constexpr std::uint32_t Arena::first_page(std::uint32_t pages, std::uint32_t entries) noexcept {
    const std::size_t bytes = entries_at(pages) + whole(std::size_t{entries} * sizeof(ArenaEntry));
    const std::size_t chunk = std::size_t{kChunkPages} * kPageBytes;
    return static_cast<std::uint32_t>((bytes + chunk - 1) / chunk * kChunkPages);
}

/// A change of the arena that happens whole or not at all.
///   ArenaStep step(arena, deadline_ns);
///   if (!step.status().ok()) { return step.status(); }
///   ...                    // returns on the way undo what was changed
///   return step.commit();
/// If killed before commit() has stored: nothing has happened. After: all of it.
class ArenaStep {
public:
    ArenaStep(const Arena& arena, std::int64_t deadline_ns) noexcept;
    ~ArenaStep() noexcept;
    ArenaStep(const ArenaStep&) = delete;
    ArenaStep& operator=(const ArenaStep&) = delete;

    /// ok; timed_out, would_deadlock, corrupt: it cannot begin. no_space: it was too large.
    Status status() const noexcept { return status_; }
    const Arena& arena() const noexcept { return arena_; }

    void set(Word& word, std::uint32_t value) noexcept {
        if (keep(word)) { word.store(value, std::memory_order_relaxed); }
    }
    void add(Word& word, std::uint32_t amount) noexcept {
        set(word, word.load(std::memory_order_relaxed) + amount);
    }
    /// Overwrites `bytes` bytes of a block, of whole words. False: too many for one step.
    bool copy(void* to, const void* from, std::size_t bytes) noexcept;
    /// Whether `count` more words may be set.
    bool has_room(std::size_t count) const noexcept {
        return status_.ok() && count_ + count <= ArenaHead::kLogMax;
    }

    /// A block of at least `bytes` bytes, whose content is undefined; whoever fills it before the
    /// commit need not set() its words. It is aligned to `alignment`, which is 16 or 64.
    /// Errors: no_space, no_memory, corrupt. Not after give(): what was given could be taken, and
    /// overwritten, and would not be what it was if the step is undone.
    Result<Place> take(std::uint64_t bytes, std::uint32_t alignment = kUnitBytes) noexcept;
    /// A run of pages for at least `bytes` bytes, of whose addresses only the caller knows which
    /// have memory. Errors: as take().
    Result<Place> take_range(std::uint64_t bytes) noexcept;
    /// Gives a block back. Of what is none: the step fails, as corrupt.
    void give(Place place) noexcept;
    /// How many bytes a block has room for; 0: it is none.
    std::uint64_t room_of(Place place) const noexcept;

    /// Pages that hold blocks.
    std::uint64_t used_pages() const noexcept;

    /// An entry that nobody has, of kind none. Errors: full (there are no more), no_memory.
    Result<std::uint32_t> take_entry() noexcept;
    void give_entry(std::uint32_t index) noexcept;
    /// Whether so much was done in it that one who frees much should commit and go on.
    bool is_long() const noexcept { return !has_room(300) || bare_count_ >= kBareMax; }

    /// The step is done, unless something in it has failed: then nothing has happened, and this
    /// says what it was.
    Status commit() noexcept;

private:
    bool keep(Word& word) noexcept;
    bool holds_blocks(std::uint32_t page) const noexcept;
    void fail_as(Errc why) noexcept {
        if (status_.ok()) { status_ = why; }
    }
    Result<Place> take_pages(std::uint32_t order) noexcept;
    Result<Place> take_shared(std::uint32_t of_class) noexcept;
    void give_shared(std::uint32_t page, Place place) noexcept;
    Result<std::uint32_t> take_run(std::uint32_t order, bool is_bare = false) noexcept;
    void give_run(std::uint32_t page, std::uint32_t order) noexcept;
    Status grow(std::uint32_t order) noexcept;
    Status back(std::uint32_t page, std::uint32_t order) const noexcept;
    void link(Word& first, std::uint32_t page) noexcept;
    void unlink(Word& first, std::uint32_t page) noexcept;

    const Arena& arena_;
    ArenaHead& head_;
    Status status_;
    std::uint32_t count_ = 0;  // of the log
    bool is_locked_ = false;
    bool has_given_ = false;
    // Runs that are free with the commit, and whose memory goes back then.
    static constexpr std::uint32_t kBareMax = 4;
    struct {
        std::uint32_t page, order;
    } bare_[kBareMax];
    std::uint32_t bare_count_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
