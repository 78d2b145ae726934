// Goal: whatever the memory of a manager with a name contains when it is opened, that is ok or a
// clear error, and what is then done with it touches no memory outside of it and ends.
// Method: what brood made is changed by the system's own calls: words at random of the segment, the
// head of the arena, its notes, entries, buckets and items. It is mapped between pages that nobody
// may touch. (BROOD_LONG=1: a million times.)
#include "shared_support.hpp"

#include <sys/syscall.h>

#include <memory>
#include <vector>

#include <brood/manager.hpp>
#include <brood/text.hpp>

#include "arena_check.hpp"

using namespace shared_test;
using brood::Dict;
using brood::Errc;
using brood::Manager;
using brood::Result;
using brood::Text;
using brood::Timeout;
using brood::detail::Arena;
using brood::detail::ArenaEntry;
using brood::detail::ArenaHead;
using brood::detail::ManagedHandle;

namespace {

using Value = Text<300>;
using Numbers = Dict<std::uint32_t, Value>;
using Handles = Dict<std::uint32_t, Numbers>;

constexpr std::size_t kArenaBytes = 256 * 1024, kPages = kArenaBytes / 4096;
constexpr std::size_t kArenaAt = 128 + 16384;  // An ABI: header and lock, table, arena.
constexpr std::size_t kTotal = kArenaAt + kArenaBytes;
constexpr std::size_t kMapped = (kTotal + 4095) / 4096 * 4096;
constexpr std::uint32_t kFirstPage = Arena::first_page(kPages, kPages / 2);

// The object behind a name, as anybody can write it.
class Image {
public:
    explicit Image(const char* name) : raw_(name, O_RDWR) {
        bytes_ = static_cast<unsigned char*>(
            mmap(nullptr, kTotal, PROT_READ | PROT_WRITE, MAP_SHARED, raw_.descriptor(), 0));
        assert_true(bytes_ != MAP_FAILED);
        memcpy(valid_, bytes_, kTotal);
        used_ = kArenaAt + brood::detail::load(head().frontier) * std::size_t{4096};
    }
    ~Image() { (void)munmap(bytes_, kTotal); }
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;

    void restore() { memcpy(bytes_, valid_, used_); }
    std::uint32_t* words() const { return reinterpret_cast<std::uint32_t*>(bytes_); }
    std::size_t used() const { return used_; }
    ArenaHead& head() const { return *reinterpret_cast<ArenaHead*>(bytes_ + kArenaAt); }

private:
    RawObject raw_;
    unsigned char* bytes_;
    unsigned char valid_[kTotal];
    std::size_t used_;
};

// A hole for a mapping of kMapped bytes, with nothing around it that may be read or written. Where
// the system would put one elsewhere, those holes are filled first.
class Guards {
public:
    Guards() {
        all_ = map(2 * kAround + kMapped);
        assert_int_equal(munmap(hole(), kMapped), 0);
        for (unsigned char* found = map(kMapped); found != hole(); found = map(kMapped)) {
            assert_true(count_ < kMost);
            plugs_[count_++] = found;
        }
        assert_int_equal(munmap(hole(), kMapped), 0);
    }
    ~Guards() {
        while (count_ > 0) { (void)munmap(plugs_[--count_], kMapped); }
        (void)munmap(all_, 2 * kAround + kMapped);
    }
    Guards(const Guards&) = delete;
    Guards& operator=(const Guards&) = delete;
    bool is_around(const void* mapping) const { return mapping == hole(); }

private:
    static constexpr std::size_t kAround = std::size_t{4} << 20;
    static constexpr int kMost = 1000;
    static unsigned char* map(std::size_t bytes) {
        void* const found =
            mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert_true(found != MAP_FAILED);
        return static_cast<unsigned char*>(found);
    }
    unsigned char* hole() const { return all_ + kAround; }
    unsigned char* all_;
    unsigned char* plugs_[kMost];
    int count_ = 0;
};

// ---- What is made, and becomes of it -----------------------------------------------------------

ManagedHandle handles[4];  // Of what the manager holds at first.

void fill(const char* name) {
    Manager manager = Manager::create_named(name, kArenaBytes).expect("creating");
    manager.keep_name();
    const auto numbers = manager.dict<std::uint32_t, Value>("numbers").expect("making");
    const auto others = manager.dict<std::uint32_t, Value>("others").expect("making");
    const auto named = manager.dict<std::uint32_t, Numbers>("handles").expect("making");
    const auto dropped = manager.dict<std::uint32_t, Value>().expect("making");
    for (std::uint32_t i = 0; i < 90; ++i) {
        test::assert_ok(
            numbers.set(i, i % 7 == 0 ? "a longer one, which needs another block" : "x"));
    }
    for (std::uint32_t i = 0; i < 300; ++i) { test::assert_ok(others.set(i, "y")); }
    for (std::uint32_t i = 0; i < 240; ++i) { test::assert_ok(others.erase(i)); }
    test::assert_ok(named.set(1, numbers));
    const brood::detail::DictHandle& bytes = numbers;
    std::uint32_t key = 1000;
    char large[6000] = "large";
    test::assert_ok(
        bytes.set(Numbers::kType, &key, sizeof key, large, sizeof large, Timeout::forever()));
    test::assert_ok(dropped.drop());
    handles[0] = numbers;
    handles[1] = others;
    handles[2] = named;
    handles[3] = dropped;
    const char* const fault = test::arena_fault(numbers);
    if (fault != nullptr) { fail_msg("%s", fault); }
}

std::uint32_t interesting(Chance& chance) {
    const auto self = static_cast<std::uint32_t>(syscall(SYS_gettid));
    const std::uint32_t some[] = {0,        1,        2,        3,           4,           8,
                                  16,       32,       64,       kFirstPage,  kPages,      0x10000,
                                  1u << 20, 1u << 28, 1u << 30, 0x80000000u, 0xffffffffu, self};
    const auto near = static_cast<std::uint32_t>(chance.below(5)) - 2;
    switch (chance.below(6)) {
        case 0: return static_cast<std::uint32_t>(chance.next());
        case 1:  // A place of a block, or nearly.
        case 2:
            return kFirstPage * 256 +
                   static_cast<std::uint32_t>(chance.below((kPages - kFirstPage) * 256));
        case 3: return kFirstPage + static_cast<std::uint32_t>(chance.below(kPages)) + near;
        default: return some[chance.below(18)] + near;
    }
}

std::size_t words_between(Chance& chance, std::size_t from, std::size_t to) {
    return (kArenaAt + from) / 4 +
           static_cast<std::size_t>(chance.below(static_cast<long>((to - from) / 4)));
}

// Where a word lies that becomes something else.
std::size_t target(Chance& chance) {
    constexpr std::size_t kEntries = Arena::entries_at(kPages);
    const std::size_t entry = kEntries + 128 * static_cast<std::size_t>(chance.below(6));
    const std::size_t page = 4096 * (kFirstPage + static_cast<std::size_t>(chance.below(16)));
    // The libc's mutexes, which are posix's, do not bear it if they are changed, be it by a log.
    static const bool is_posix = strcmp(brood::port::kName, "posix") == 0;
    switch (is_posix ? 7 * chance.below(2) : chance.below(40)) {
        case 0: return static_cast<std::size_t>(chance.below(32));            // Segment.
        case 1: return static_cast<std::size_t>(chance.below(kArenaAt / 4));  // Members.
        case 2: return words_between(chance, 0, 64);
        case 3: return words_between(chance, 64, 128);  // The arena's mutex.
        case 4: return words_between(chance, entry, entry + 64);
        case 5:
        case 6: return words_between(chance, 128, 128 + 64);  // The log.
        default: break;
    }
    constexpr std::size_t kLists = offsetof(ArenaHead, frontier);
    switch (chance.below(5)) {
        case 0: return words_between(chance, kLists, sizeof(ArenaHead));
        case 1:
            return words_between(chance, Arena::notes_at() + kFirstPage * 16,
                                 Arena::notes_at() + (kFirstPage + 34) * 16);
        case 2: return words_between(chance, entry + 64, entry + 128);
        default: return words_between(chance, page, page + 4096);
    }
}

void mutate(const Image& image, Chance& chance) {
    for (long left = 1 + chance.below(6); left > 0; --left) {
        const std::size_t at = target(chance);
        image.words()[at] = interesting(chance);
    }
    // Of pages with many blocks most words are never looked at: a place becomes another.
    for (long left = chance.below(4); left > 0; --left) {
        const std::size_t at = words_between(chance, kFirstPage * 4096, image.used() - kArenaAt);
        for (std::size_t i = at; i < at + 64 && i < image.used() / 4; ++i) {
            const std::uint32_t place = image.words()[i];
            if (place < kFirstPage * 256 || place >= kPages * 256) { continue; }
            image.words()[i] = interesting(chance);
            break;
        }
    }
}

// ---- What is done with it ----------------------------------------------------------------------

void must_be_clear(const brood::Status& status, const char* what) {
    for (const Errc known :
         {Errc::ok, Errc::closed, Errc::not_found, Errc::corrupt, Errc::no_space, Errc::full,
          Errc::timed_out, Errc::would_deadlock, Errc::type_mismatch, Errc::wrong_process,
          Errc::already_exists, Errc::too_many_members, Errc::buffer_too_short, Errc::no_memory}) {
        if (status.code() == known) { return; }
    }
    fail_msg("%s: %s", what, status.error().name());
}

const Timeout kSoon = brood::milliseconds(1);

void use_dict(const Numbers& dict, Chance& chance) {
    const auto key = static_cast<std::uint32_t>(chance.below(100));
    std::uint32_t newest = 0;
    Value value;
    must_be_clear(dict.get(key, kSoon).status(), "get");
    must_be_clear(dict.contains(key + 220, kSoon).status(), "contains");
    must_be_clear(dict.size(kSoon).status(), "size");
    must_be_clear(dict.set(key, "x", kSoon), "set");
    must_be_clear(dict.set(key, "a text that is longer, and longer, and longer yet", kSoon), "set");
    must_be_clear(dict.set(key + 500, "new", kSoon), "set");
    must_be_clear(dict.update(
                      key, [](Value& one) { one = "z"; }, kSoon),
                  "update");
    must_be_clear(dict.setdefault(key + 600, "w", kSoon).status(), "setdefault");
    must_be_clear(dict.erase(key, kSoon), "erase");
    must_be_clear(dict.pop(key + 1, kSoon).status(), "pop");
    must_be_clear(dict.popitem(newest, value, kSoon), "popitem");
    const auto items = dict.items(kSoon);
    must_be_clear(items.status(), "items");
    if (items.ok()) {
        for (const auto& [one, text] : *items) { assert_true(one == 1000 || text.size() < 300); }
    }
    if (chance.below(4) == 0) {
        for (std::uint32_t i = 0; i < 12; ++i) {
            must_be_clear(dict.set(2000 + i, "many", kSoon), "set");
        }
    }
    if (chance.below(4) == 0) {
        for (std::uint32_t i = 240; i < 290; ++i) { must_be_clear(dict.erase(i, kSoon), "erase"); }
    }
    if (chance.below(4) == 0) { must_be_clear(dict.clear(kSoon), "clear"); }
}

// What has no timeout would wait, for ever, for one who seems to have the arena's mutex.
void make_some(const Manager& manager, Chance& chance) {
    for (int i = 0; i < 3; ++i) {
        if (!manager.stats(kSoon).ok()) { return; }
        const bool is_named = chance.below(2) == 0;
        const auto made = manager.dict<std::uint32_t, Value>(is_named ? "made" : "");
        must_be_clear(made.status(), "making");
        if (made.ok()) { use_dict(*made, chance); }
    }
}

void use(const Manager& manager, Chance& chance) {
    must_be_clear(manager.stats(kSoon).status(), "stats");
    for (const char* name : {"numbers", "others", "handles", "made"}) {
        const auto found = manager.find<Numbers>(name, kSoon);
        must_be_clear(found.status(), "find");
        must_be_clear(manager.find<Handles>(name, kSoon).status(), "find");
        if (found.ok() && chance.below(4) == 0) { use_dict(*found, chance); }
    }
    use_dict(Numbers(handles[0]), chance);
    use_dict(Numbers(handles[1]), chance);
    const Handles named(handles[2]);
    const auto stored = named.get(1, kSoon);
    must_be_clear(stored.status(), "get");
    must_be_clear(named.set(2, stored.value_or(Numbers(handles[1])), kSoon), "set");
    make_some(manager, chance);
    if (chance.below(2) == 0) {
        for (const ManagedHandle& handle : handles) { must_be_clear(handle.drop(kSoon), "drop"); }
        make_some(manager, chance);
    }
    must_be_clear(handles[2].keep(kSoon), "keep");
}

// ---- Rows --------------------------------------------------------------------------------------

// As brood itself finds its way, in the image.
Arena arena_in(const Image& image) {
    return *brood::detail::check_arena(reinterpret_cast<unsigned char*>(&image.head()),
                                       kArenaBytes);
}
ArenaEntry& entry_of(const Image& image, int which) {
    return arena_in(image).entry(handles[which].entry);
}
// Calls f(place, item) for those of the first dictionary.
template <class F>
void for_items(const Image& image, F f) {
    const Arena arena = arena_in(image);
    for (std::uint32_t place = entry_of(image, 0).root[3]; place != 0;) {
        auto& item = *static_cast<brood::detail::DictItem*>(arena.at(place, 24));
        const std::uint32_t next = item.newer;
        f(place, item);
        place = next;
    }
}

struct Row {
    const char* what;
    void (*change)(const Image& image);
};
const Row kRows[] = {
    {"items that follow themselves in their buckets",
     [](const Image& image) {
         for_items(image, [](std::uint32_t place, brood::detail::DictItem& item) {
             item.next = place;
             item.hash = item.hash ^ 1u << 30;  // So none is found.
         });
     }},
    {"items that are their own successors, and very many",
     [](const Image& image) {
         for_items(image, [](std::uint32_t place, auto& item) { item.newer = place; });
         entry_of(image, 0).root[1] = UINT32_MAX;
     }},
    {"many more buckets than the directory has room for",
     [](const Image& image) { entry_of(image, 0).root[2] = 1u << 29; }},
    {"a directory as large as the arena, and more buckets",
     [](const Image& image) {
         entry_of(image, 0).root[0] = kFirstPage * 256;
         entry_of(image, 0).root[5] = (kPages - kFirstPage) * 1024;
         entry_of(image, 0).root[2] = (kPages - kFirstPage) * 65536;
     }},
    {"pages with room, far beyond the end",
     [](const Image& image) {
         for (auto& first : image.head().shared) { first = 0xffffff; }
         const Arena arena = arena_in(image);
         arena.note(0).what = 1u << 8 | 1;
         arena.note(0).slots = 0;
     }},
    {"pages with room that hold the head",
     [](const Image& image) {
         for (auto& first : image.head().shared) { first = 0; }
         for (auto& first : image.head().free_run) { first = 0; }
         const Arena arena = arena_in(image);
         for (std::uint32_t i = 0; i < brood::detail::kClasses; ++i) {
             arena.note(1 + i % 3).what = 1u << 8 | i;
             image.head().shared[i] = 1 + i % 3;
         }
     }},
    {"free runs that follow themselves",
     [](const Image& image) {
         const Arena arena = arena_in(image);
         for (std::uint32_t i = 0; i < brood::detail::kRunOrders; ++i) {
             const std::uint32_t page = image.head().free_run[i];
             if (page != 0) { arena.note(page).next = page; }
         }
     }},
    {"no page left", [](const Image& image) { image.head().frontier = UINT32_MAX; }},
    {"a log of very many words",
     [](const Image& image) {
         image.head().log_count = UINT32_MAX;
         for (auto& entry : image.head().log) { entry.word = 0x3fffffff; }
     }},
    {"a log of the mutexes that are held while it is put back",
     [](const Image& image) {
         const auto* const begin = reinterpret_cast<const unsigned char*>(&image.head());
         ArenaHead& head = image.head();
         std::uint32_t count = 0;
         const auto log = [&](const brood::port::RobustMutex& mutex) {
             const auto at = reinterpret_cast<const unsigned char*>(&mutex) - begin;
             for (std::uint32_t i = 0; i < sizeof mutex / 4; ++i) {
                 head.log[count].word = static_cast<std::uint32_t>(at) / 4 + i;
                 head.log[count++].was = 0x51515150;
             }
         };
         log(head.mutex);
         for (int i = 0; i < 3; ++i) { log(entry_of(image, i).mutex); }
         head.log_count = count;
     }},
    {"names and free entries that follow themselves",
     [](const Image& image) {
         for (int i = 0; i < 4; ++i) { entry_of(image, i).next = handles[i].entry; }
     }},
};

void each_wrong_word_is_an_error_or_does_no_harm(void**) {
    const Name name("rows");
    fill(name);
    const auto image = std::make_unique<Image>(name);
    const Guards guards;
    for (const Row& row : kRows) {
        for (std::uint64_t seed = 1; seed <= 8; ++seed) {
            row.change(*image);
            Chance chance(seed);
            (void)alarm(60);
            Result<Manager> opened = Manager::open(name, Timeout::no_wait());
            assert_error(opened.code(), Errc::ok, row.what);
            use(*opened, chance);
            opened = Errc::closed;
            (void)alarm(0);
            image->restore();
        }
    }
    test::assert_ok(Manager::remove(name));
}

// What the stranger changes, and others find.
struct Lengths {
    brood::detail::Word* word;
    std::uint32_t was;
};

void a_stranger_who_writes_meanwhile_leads_nobody_outside(void**) {
    const Name name("meanwhile");
    fill(name);
    const auto image = std::make_unique<Image>(name);
    const Guards guards;
    std::vector<Lengths> all;
    for_items(*image, [&](std::uint32_t, brood::detail::DictItem& item) {
        all.push_back({&item.key_bytes, item.key_bytes});
        all.push_back({&item.value_bytes, item.value_bytes});
    });
    ArenaEntry& entry = entry_of(*image, 0);
    for (const int root : {2, 5}) { all.push_back({&entry.root[root], entry.root[root]}); }
    const pid_t self = getpid();
    const pid_t stranger = test::start_child([&] {
        for (std::uint32_t i = 0; getppid() == self; ++i) {
            for (const Lengths& one : all) { one.word->store(i % 2 == 0 ? 1 << 20 : one.was); }
        }
        return 0;
    });
    Result<Manager> opened = Manager::open(name, Timeout::no_wait());
    test::assert_ok(opened);
    const Numbers numbers(handles[0]);
    long found = 0, copies = 0;
    const std::int64_t end = test::in_ms(1500);
    for (std::uint32_t i = 0; test::now_ns() < end; ++i) {
        const auto value = numbers.get(i % 90, Timeout::no_wait());
        must_be_clear(value.status(), "get");
        found += value.ok() ? 1 : 0;
        must_be_clear(numbers.set(i % 90, i % 3 == 0 ? "y" : "another, which is longer"), "set");
        const auto items = numbers.items(kSoon);
        must_be_clear(items.status(), "items");
        copies += items.ok() ? 1 : 0;
        std::uint32_t newest = 0;
        Value last;
        must_be_clear(numbers.popitem(newest, last, kSoon), "popitem");
    }
    kill(stranger, SIGKILL);
    assert_int_equal(test::join_child(stranger), -SIGKILL);
    print_message("%ld were found, and %ld copied\n", found, copies);
    opened = Errc::closed;
    test::assert_ok(Manager::remove(name));
}

void no_mutated_manager_is_more_than_an_error(void**) {
    const char* const long_run = getenv("BROOD_LONG");
    const long rounds = long_run != nullptr && *long_run == '1' ? 1000000 : 5000;
    const Name name("hostile");
    fill(name);
    const auto image = std::make_unique<Image>(name);
    const Guards guards;
    const char* const seeded = getenv("SEED");
    Chance chance(seeded != nullptr ? strtoul(seeded, nullptr, 10) : 22);
    long opened_count = 0, guarded = 0;
    for (long round = 0; round < rounds; ++round) {
        if (round % 1000 == 0) { (void)alarm(120); }  // What does not end, ends the test.
        if (round % 100000 == 0 && round != 0) { print_message("%ld of %ld\n", round, rounds); }
        mutate(*image, chance);
        Result<Manager> opened = Manager::open(name, Timeout::no_wait());
        if (opened.ok()) {
            ++opened_count;
            const Arena* const arena = brood::detail::find_arena(handles[0].manager);
            guarded += arena != nullptr && guards.is_around(arena->base - kArenaAt) ? 1 : 0;
            use(*opened, chance);
        }
        opened = Errc::closed;
        image->restore();
    }
    (void)alarm(0);
    print_message("%ld managers, %ld of them opened all the same, %ld between guards\n", rounds,
                  opened_count, guarded);
    assert_true(opened_count > rounds / 4 && opened_count < rounds);
    if (guarded < opened_count / 2) { test::not_run("guards", "the system mapped it elsewhere"); }
    {
        const Manager whole = Manager::open(name).expect("opening");
        const auto numbers = whole.find<Numbers>("numbers").expect("finding");
        assert_int_equal(*numbers.size(), 91);
        assert_null(test::arena_fault(numbers));
    }
    test::assert_ok(Manager::remove(name));
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(each_wrong_word_is_an_error_or_does_no_harm),
        TIDY(a_stranger_who_writes_meanwhile_leads_nobody_outside),
        TIDY(no_mutated_manager_is_more_than_an_error),
    };
    return cmocka_run_group_tests_name("manager_hostile", tests, nullptr, nullptr);
}
