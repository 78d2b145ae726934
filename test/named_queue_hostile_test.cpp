// Goal: whatever the segment of a queue contains when it is opened, that is ok or a clear error,
// and what is then done with the queue touches no memory outside of it and ends.
// Method: what brood made is changed by the system's own calls: each field of the header, and many
// at random of the header, the table of members and the ring. (BROOD_LONG=1: a million times.)
#include "named_queue_support.hpp"

#include <stddef.h>
#include <sys/syscall.h>

#include <brood/array.hpp>
#include <src/named_object.hpp>
#include <src/named_ring.hpp>
#include <src/segment_layout.hpp>

using namespace shared_test;
using brood::Errc;
using brood::Queue;
using brood::Result;
using brood::Timeout;
using brood::detail::kMagicMaking;
using brood::detail::kMagicReady;

namespace {

using Numbers = Queue<std::uint32_t>;

constexpr std::size_t kMost = 4;
constexpr std::size_t kTable = 128, kRing = 128 + 16384, kSlots = kRing + 512;
constexpr std::size_t kTotal = kSlots + kMost * 8;  // Drawn here a second time: this is an ABI.

// The object behind a name, as anybody can write it.
class Image {
public:
    explicit Image(const char* name) : raw_(name, O_RDWR) {
        bytes_ = static_cast<unsigned char*>(
            mmap(nullptr, kTotal, PROT_READ | PROT_WRITE, MAP_SHARED, raw_.descriptor(), 0));
        assert_true(bytes_ != MAP_FAILED);
        memcpy(valid_, bytes_, kTotal);
    }
    ~Image() { (void)munmap(bytes_, kTotal); }
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;

    void restore() { memcpy(bytes_, valid_, kTotal); }
    void set(std::size_t offset, std::size_t width, std::uint64_t value) {
        memcpy(bytes_ + offset, &value, width);  // Of a little-endian machine; else as good.
    }
    const unsigned char* valid() const { return valid_; }

private:
    RawObject raw_;
    unsigned char* bytes_;
    unsigned char valid_[kTotal];
};

struct HostileRow {
    const char* what;
    std::size_t offset, width;
    std::uint64_t value;
    Errc wanted;
};
const HostileRow kHostile[] = {
    {"no magic yet", 0, 4, 0, Errc::not_ready},
    {"its creator died", 0, 4, kMagicMaking, Errc::not_ready},
    {"another magic", 0, 4, kMagicReady + 1, Errc::corrupt},
    {"version + 1", 4, 2, brood::kLayoutVersion + 1, Errc::version_mismatch},
    {"an array", 6, 2, 2, Errc::corrupt},
    {"kind 4", 6, 2, 4, Errc::corrupt},
    {"messages of 0 bytes", 8, 4, 0, Errc::corrupt},
    {"messages of 9 bytes", 8, 4, 9, Errc::corrupt},
    {"messages of 8 bytes", 8, 4, 8, Errc::type_mismatch},  // Which take as much room.
    {"messages of 4 GiB - 1", 8, 4, UINT32_MAX, Errc::corrupt},
    {"elements at 64", 12, 4, 64, Errc::corrupt},
    {"maxsize 0", 16, 8, 0, Errc::corrupt},
    {"maxsize 3", 16, 8, 3, Errc::ok},  // Has four slots, too.
    {"maxsize 5", 16, 8, 5, Errc::corrupt},
    {"maxsize 2^28", 16, 8, 1u << 28, Errc::corrupt},
    {"maxsize 2^28 + 1", 16, 8, (1u << 28) + 1, Errc::corrupt},
    {"maxsize 2^63", 16, 8, std::uint64_t{1} << 63, Errc::corrupt},
    {"maxsize 2^64 - 1", 16, 8, UINT64_MAX, Errc::corrupt},
    {"total - 1", 24, 8, kTotal - 1, Errc::corrupt},
    {"total + 8", 24, 8, kTotal + 8, Errc::corrupt},
    {"total 2^64 - 1", 24, 8, UINT64_MAX, Errc::corrupt},
    {"no mutex of ours", 32, 4, 0, Errc::layout_mismatch},
    {"the ring's own slots", kRing + 12, 4, UINT32_MAX, Errc::ok},
    {"the ring's own place of them", kRing + 8, 4, UINT32_MAX, Errc::ok},
    {"the ring grows", kRing + 32, 4, UINT32_MAX, Errc::ok},
    {"the ring can shrink", kRing + 20, 4, UINT32_MAX, Errc::ok},
    {"a putter that there is not", kRing + 64, 4, 0xfff, Errc::ok},
    {"a revoker that there is not", kRing + 64, 4, 0xfff001, Errc::ok},
    {"a state that there is not", kRing + 448 + 4, 4, 77, Errc::ok},
    {"more members than there are", kTable + 8, 4, UINT32_MAX, Errc::ok},
    {"a count of one who is not", kRing + 44, 4, UINT32_MAX, Errc::ok},
};

void a_queue_is_laid_out_as_written_down(void**) {
    const Name name("layout");
    Numbers made = Numbers::create_named(name, kMost).expect("creating");
    assert_ok(made.put(0x01020304).error());
    RawObject raw(name, O_RDONLY);
    assert_int_equal(raw.status().st_size, kTotal);
    const auto at = [&](std::size_t offset) {
        std::uint32_t value = 0;
        assert_true(raw.read(offset, &value, sizeof(value)));
        return value;
    };
    assert_int_equal(at(8), sizeof(std::uint32_t));
    assert_int_equal(at(16), kMost);
    assert_int_equal(at(24), kTotal);
    assert_int_equal(at(kRing), sizeof(std::uint32_t));
    assert_int_equal(at(kRing + 64 + 128), 1);   // put.index
    assert_int_equal(at(kRing + 256 + 128), 0);  // get.index
    assert_int_equal(at(kSlots), 0x01020304);
    assert_int_equal(at(kTable + 128 + 128 + 84), getpid());  // The first member.
}

bool is_clear(Errc code) {
    for (const Errc known : {Errc::ok, Errc::full, Errc::empty, Errc::would_block, Errc::closed,
                             Errc::timed_out, Errc::too_many_members, Errc::corrupt}) {
        if (code == known) { return true; }
    }
    return false;
}

// All that can be done with a queue, and that must end.
void use(Numbers& queue, std::uint64_t how) {
    std::uint32_t some[8] = {};
    for (int i = 0; i < 2; ++i) {
        assert_true(is_clear(queue.put_nowait(1).code()));
        assert_true(is_clear(queue.put_many(some, 8, Timeout::no_wait()).code()));
        assert_true(is_clear(queue.get_nowait().code()));
        assert_true(is_clear(queue.get_many(some, 8, Timeout::no_wait()).code()));
    }
    assert_true(queue.qsize() <= queue.maxsize() && queue.maxsize() <= kMost);
    (void)queue.lost();
    if (how % 16 == 0) { assert_true(is_clear(queue.put(1, brood::milliseconds(1)).code())); }
    if (how % 16 == 1) { assert_true(is_clear(queue.get(brood::milliseconds(1)).code())); }
    if (how % 16 == 2) { assert_ok(queue.shutdown().error()); }
    if (how % 4 == 0) { queue.close(); }
}

void each_wrong_field_is_a_clear_error_or_does_no_harm(void**) {
    const Name name("hostile");
    const Numbers made = Numbers::create_named(name, kMost).expect("creating");
    Image image(name);
    for (const HostileRow& row : kHostile) {
        image.set(row.offset, row.width, row.value);
        Result<Numbers> opened = Numbers::open(name, Timeout::no_wait());
        assert_error(opened.code(), row.wanted, row.what);
        if (opened.ok()) {
            (void)alarm(60);
            use(*opened, 0);
            (void)alarm(0);
        }
        opened = Errc::closed;
        image.restore();
    }
    assert_ok(Numbers::open(name).error());
}

// Held by nobody that there is, and with a bell that says what none says.
void a_damaged_mutex_is_waited_for_no_longer_than_said(void**) {
    if (strcmp(brood::port::kName, "linux") != 0) {
        return test::not_run("a damaged mutex", "this port's are the libc's");
    }
    const Name name("damaged");
    const Numbers made = Numbers::create_named(name, kMost).expect("creating");
    Image image(name);
    image.set(kTable + 64, 4, 12345678);
    image.set(kTable + 64 + 40, 4, 5);
    image.set(kRing + 44, 4, 1);  // Somebody has died while he counted: so we must.
    Numbers opened = Numbers::open(name).expect("opening");
    (void)alarm(20);
    assert_int_equal(opened.lost(), 0);
    (void)alarm(0);
}

void a_queue_cut_short_is_an_error(void**) {
    const Name name("short");
    const Numbers made = Numbers::create_named(name, kMost).expect("creating");
    const Image image(name);
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{64}, std::size_t{128}, kRing,
                                    kSlots, kTotal - 1, kTotal, kTotal + 1}) {
        RawObject raw(name, O_RDWR);
        assert_true(raw.resize(0) && raw.resize(bytes));
        assert_true(raw.write(0, image.valid(), bytes < kTotal ? bytes : kTotal));
        const Errc wanted = bytes < 128      ? Errc::not_ready
                            : bytes < kTotal ? Errc::corrupt
                                             : Errc::ok;
        assert_error(Numbers::open(name, Timeout::no_wait()).code(), wanted, "cut short");
    }
}

std::uint64_t interesting(Chance& chance) {
    const auto self = static_cast<std::uint64_t>(syscall(SYS_gettid));
    const std::uint64_t around[] = {0,           kMost,      kTotal,   0x1001,   0xfff,
                                    0xfff000,    0x1000001,  1u << 28, 1u << 30, 0x80000000u,
                                    0xffffffffu, UINT64_MAX, self};
    const std::uint64_t near = around[chance.below(13)] +
                               static_cast<std::uint64_t>(chance.below(9)) - 4;
    return chance.below(4) == 0 ? chance.next() : near;
}

// One to six words become something else.
void mutate(Image& image, Chance& chance) {
    for (long left = 1 + chance.below(6); left > 0; --left) {
        const std::uint64_t value = interesting(chance);
        const auto word = static_cast<std::size_t>(chance.below(128)) * 4;
        const auto member = static_cast<std::size_t>(chance.below(5)) * 128;
        const auto field = static_cast<std::size_t>(chance.below(7)) * 4;
        switch (chance.below(10)) {
            case 0: image.set(word % 40, 4, value); break;
            case 1: image.set(kTable + word % 16, 4, value); break;
            case 2: image.set(kTable + 64 + word % 64, 4, value); break;
            case 3: image.set(kTable + 128 + member, 4, value); break;  // Who it is.
            case 4: image.set(kTable + 128 + member + word % 64, 4, value); break;
            case 5: image.set(kTable + 128 + member + 64 + field, 4, value); break;
            case 6: image.set(kRing + word % 64, 4, value); break;
            case 7: image.set(kRing + 64 + word % 384, 4, value); break;
            case 8: image.set(kRing + 64 + word % 384 / 64 * 64 + word % 8, 4, value); break;
            default: image.set(kRing + 448 + word % 64, 4, value); break;
        }
    }
}

void no_mutated_queue_is_more_than_an_error(void**) {
    const char* const long_run = getenv("BROOD_LONG");
    const long rounds = long_run != nullptr && *long_run == '1' ? 1000000 : 20000;
    const Name name("mutated");
    const Numbers made = Numbers::create_named(name, kMost).expect("creating");
    {
        Numbers used = Numbers::open(name).expect("opening");  // Of another state than at first.
        for (int i = 0; i < 6; ++i) {
            assert_ok(used.put_nowait(1).error());
            assert_int_equal(*used.get_nowait(), 1);
        }
        assert_ok(used.put_nowait(2).error());
    }
    Image image(name);
    Chance chance(21);
    long opened_count = 0;
    for (long round = 0; round < rounds; ++round) {
        if (round % 1000 == 0) { (void)alarm(120); }  // What does not end, ends the test.
        mutate(image, chance);
        Result<Numbers> opened = Numbers::open(name, Timeout::no_wait());
        if (opened.ok()) {
            ++opened_count;
            use(*opened, chance.next());
        }
        opened = Errc::closed;
        image.restore();
    }
    (void)alarm(0);
    print_message("%ld queues, of which %ld could be opened all the same\n", rounds, opened_count);
    assert_true(opened_count > rounds / 4 && opened_count < rounds);
    Numbers whole = Numbers::open(name).expect("opening");
    assert_int_equal(*whole.get_nowait(), 2);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(a_queue_is_laid_out_as_written_down),
        TIDY(each_wrong_field_is_a_clear_error_or_does_no_harm),
        TIDY(a_damaged_mutex_is_waited_for_no_longer_than_said),
        TIDY(a_queue_cut_short_is_an_error),
        TIDY(no_mutated_queue_is_more_than_an_error),
    };
    return cmocka_run_group_tests_name("named_queue_hostile", tests, nullptr, nullptr);
}
