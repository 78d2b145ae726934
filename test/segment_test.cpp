// Goal: a segment has the layout that src/segment_layout.hpp draws, and whatever a named one
// contains (promise 21), opening it is ok or a clear error.
// Method: what brood made is read by the system's own calls, what brood opens is written by them.
#include "shared_support.hpp"

#include <stddef.h>
#include <string.h>

#include <optional>

#include <brood/array.hpp>
#include <brood/value.hpp>
#include <src/named_object.hpp>
#include <src/segment_layout.hpp>

using namespace shared_test;
using brood::Array;
using brood::Errc;
using brood::Locked;
using brood::Result;
using brood::Timeout;
using brood::Value;
using brood::detail::kMagicMaking;
using brood::detail::kMagicReady;

namespace {

constexpr uint32_t kCount = 10;
constexpr size_t kTotal = 128 + kCount * sizeof(uint32_t);

// The first 128 bytes, drawn here a second time on purpose: this is an ABI.
struct Header {
    uint32_t magic;
    uint16_t layout_version, kind;
    uint32_t element_bytes, header_bytes;
    uint64_t count, total_bytes;
    uint32_t mutex_layout;
    int32_t creator_pid;
    unsigned char reserved[24];
    unsigned char lock[64];
};
static_assert(sizeof(Header) == 128);

Array<uint32_t> make(const char* name) {
    return Array<uint32_t>::create_named(name, kCount).expect("creating");
}

Header header_of(const char* name) {
    Header header = {};
    assert_true(RawObject(name, O_RDONLY).read(0, &header, sizeof(header)));
    return header;
}

// ---- Layout ------------------------------------------------------------------------------------

void an_array_is_laid_out_as_written_down(void**) {
    const Name name("layout");
    Array<uint32_t> made = make(name);
    for (uint32_t i = 0; i < kCount; ++i) { made[i] = 0x01020304u + i; }
    RawObject raw(name, O_RDONLY);
    assert_int_equal(raw.status().st_size, kTotal);
    unsigned char bytes[kTotal];
    assert_true(raw.read(0, bytes, sizeof(bytes)));
    const auto at = [&](size_t offset, size_t width) {
        uint64_t value = 0;  // Fixed-width fields in the byte order of the machine.
        if (width == 2) { value = *reinterpret_cast<const uint16_t*>(bytes + offset); }
        if (width == 4) { value = *reinterpret_cast<const uint32_t*>(bytes + offset); }
        if (width == 8) { memcpy(&value, bytes + offset, 8); }
        return value;
    };
    assert_int_equal(at(0, 4), 0x64757262u);
    assert_int_equal(at(4, 2), brood::kLayoutVersion);
    assert_int_equal(at(6, 2), 2);  // An array.
    assert_int_equal(at(8, 4), sizeof(uint32_t));
    assert_int_equal(at(12, 4), 128);
    assert_int_equal(at(16, 8), kCount);
    assert_int_equal(at(24, 8), kTotal);
    assert_int_equal(at(32, 4), brood::port::mutex_layout());
    assert_int_equal(at(36, 4), getpid());
    for (size_t i = 40; i < 64; ++i) { assert_int_equal(bytes[i], 0); }
    for (uint32_t i = 0; i < kCount; ++i) { assert_int_equal(at(128 + 4 * i, 4), 0x01020304u + i); }
}

void a_value_is_an_element_alone_of_its_own_kind(void**) {
    const Name name("layout");
    const Value<uint64_t> made = Value<uint64_t>::create_named(name, 4711).expect("creating");
    const Header header = header_of(name);
    assert_int_equal(header.kind, 1);
    assert_int_equal(header.element_bytes, 8);
    assert_int_equal(header.count, 1);
    assert_int_equal(header.total_bytes, 136);
    uint64_t element = 0;
    assert_true(RawObject(name, O_RDONLY).read(128, &element, sizeof(element)));
    assert_int_equal(element, 4711);
}

void only_the_same_type_opens_a_segment(void**) {
    const Name array("array"), value("value");
    const Array<uint32_t> ten = make(array);
    const Value<uint32_t> one = Value<uint32_t>::create_named(value).expect("creating");
    assert_true(Array<uint32_t>::open(array).ok());
    assert_true(Array<float>::open(array).ok());  // Of the same size: types are not known by name.
    assert_true(Value<uint32_t>::open(value).ok());
    assert_error(Array<uint16_t>::open(array).code(), Errc::type_mismatch, "narrower");
    assert_error(Array<uint64_t>::open(array).code(), Errc::type_mismatch, "wider");
    assert_error(Value<uint32_t>::open(array).code(), Errc::type_mismatch, "a value");
    assert_error(Array<uint32_t>::open(value).code(), Errc::type_mismatch, "an array");
    assert_error(Value<uint64_t>::open(value).code(), Errc::type_mismatch, "wider");
}

// ---- Hostile -----------------------------------------------------------------------------------

struct HostileRow {
    const char* what;
    size_t offset, width;
    uint64_t value;
    Errc wanted;
};
const HostileRow kHostile[] = {
    {"no magic yet", 0, 4, 0, Errc::not_ready},
    {"its creator died", 0, 4, kMagicMaking, Errc::not_ready},
    {"another magic", 0, 4, kMagicReady + 1, Errc::corrupt},
    {"the other byte order", 0, 4, 0x62727564, Errc::corrupt},
    {"version 0", 4, 2, 0, Errc::version_mismatch},
    {"version + 1", 4, 2, brood::kLayoutVersion + 1, Errc::version_mismatch},
    {"kind 0", 6, 2, 0, Errc::corrupt},
    {"kind 3", 6, 2, 3, Errc::corrupt},
    {"a value with ten elements", 6, 2, 1, Errc::corrupt},
    {"elements of 0 bytes", 8, 4, 0, Errc::corrupt},
    {"elements of 8 bytes", 8, 4, 8, Errc::corrupt},
    {"elements of 4 GiB - 1", 8, 4, UINT32_MAX, Errc::corrupt},
    {"elements at 0", 12, 4, 0, Errc::corrupt},
    {"elements at 64", 12, 4, 64, Errc::corrupt},
    {"elements at 4 GiB - 1", 12, 4, UINT32_MAX, Errc::corrupt},
    {"count 0", 16, 8, 0, Errc::corrupt},
    {"count + 1", 16, 8, kCount + 1, Errc::corrupt},
    {"count - 1", 16, 8, kCount - 1, Errc::corrupt},
    // Times 4 it is kCount * 4 in 64-bit arithmetic.
    {"count + 2^62", 16, 8, (uint64_t{1} << 62) + kCount, Errc::corrupt},
    {"count 2^64 - 1", 16, 8, UINT64_MAX, Errc::corrupt},
    {"total 0", 24, 8, 0, Errc::corrupt},
    {"total 128", 24, 8, 128, Errc::corrupt},
    {"total + 4", 24, 8, kTotal + 4, Errc::corrupt},
    {"total 2^64 - 1", 24, 8, UINT64_MAX, Errc::corrupt},
    {"a page more than there is", 24, 8, kTotal + 4096, Errc::corrupt},
    {"no mutex of ours", 32, 4, 0, Errc::layout_mismatch},
    {"another creator", 36, 4, 1, Errc::ok},
    {"something reserved", 40, 8, UINT64_MAX, Errc::ok},
};

void each_wrong_field_is_a_clear_error(void**) {
    const Name name("hostile");
    const Array<uint32_t> made = make(name);
    const Header valid = header_of(name);
    RawObject raw(name, O_RDWR);
    for (const HostileRow& row : kHostile) {
        const uint16_t narrow = static_cast<uint16_t>(row.value);
        const uint32_t middle = static_cast<uint32_t>(row.value);
        const void* const field = row.width == 2   ? static_cast<const void*>(&narrow)
                                  : row.width == 4 ? static_cast<const void*>(&middle)
                                                   : static_cast<const void*>(&row.value);
        assert_true(raw.write(row.offset, field, row.width));
        assert_error(Array<uint32_t>::open(name, Timeout::no_wait()).code(), row.wanted, row.what);
        assert_true(raw.write(0, &valid, sizeof(valid)));
    }
    // Of another version, no other field means anything.
    Header other = valid;
    memset(&other.kind, 0xff, sizeof(other) - offsetof(Header, kind));
    other.layout_version = 77;
    assert_true(raw.write(0, &other, sizeof(other)));
    assert_error(Array<uint32_t>::open(name).code(), Errc::version_mismatch, "the future");
    assert_true(raw.write(0, &valid, sizeof(valid)));
    assert_true(Array<uint32_t>::open(name).ok());
}

void objects_cut_short_are_an_error(void**) {
    const Name name("short");
    struct Row {
        size_t bytes;
        Errc wanted;
    };
    const Row rows[] = {
        {0, Errc::not_ready},  {1, Errc::not_ready},
        {3, Errc::not_ready},  {4, Errc::not_ready},
        {64, Errc::not_ready}, {127, Errc::not_ready},
        {128, Errc::corrupt},  {kTotal - 1, Errc::corrupt},
        {kTotal, Errc::ok},    {kTotal + 1, Errc::ok},
        {4096, Errc::ok},      {4097, Errc::ok},
    };
    Array<uint32_t> made = make(name);
    const Header valid = header_of(name);
    for (const Row& row : rows) {
        RawObject raw(name, O_RDWR);
        assert_true(raw.resize(0) && raw.resize(row.bytes));
        assert_true(raw.write(0, &valid, row.bytes < sizeof(valid) ? row.bytes : sizeof(valid)));
        Result<Array<uint32_t>> opened = Array<uint32_t>::open(name, Timeout::no_wait());
        assert_error(opened.code(), row.wanted, "cut short");
        if (opened.ok()) { (*opened)[kCount - 1] = 1; }
    }
}

bool is_clear(Errc code) {
    for (const Errc known : {Errc::not_ready, Errc::corrupt, Errc::version_mismatch,
                             Errc::layout_mismatch, Errc::type_mismatch, Errc::size_too_large}) {
        if (code == known) { return true; }
    }
    return false;
}

uint64_t interesting(Chance& chance) {
    const uint64_t around[] = {
        0,         kCount, kTotal, 4096, uint64_t{1} << 32, uint64_t{1} << 62, uint64_t{1} << 63,
        UINT64_MAX};
    const uint64_t near = around[chance.below(8)] + static_cast<uint64_t>(chance.below(9)) - 4;
    return chance.below(4) == 0 ? chance.next() : near;
}

// One to four fields or bytes of the header become something else; the lock as well.
void mutate(Header& header, Chance& chance) {
    auto* const bytes = reinterpret_cast<unsigned char*>(&header);
    for (long left = 1 + chance.below(4); left > 0; --left) {
        const uint64_t value = interesting(chance);
        switch (chance.below(9)) {
            case 0: header.kind = static_cast<uint16_t>(chance.below(4)); break;
            case 1: header.element_bytes = static_cast<uint32_t>(value); break;
            case 2: header.header_bytes = static_cast<uint32_t>(value); break;
            case 3: header.count = value; break;
            case 4: header.total_bytes = value; break;
            case 5:  // Two that fit together.
                header.element_bytes = static_cast<uint32_t>(1 + chance.below(16));
                header.total_bytes = 128 + header.count * header.element_bytes;
                break;
            case 6:
                bytes[chance.below(40)] ^= static_cast<unsigned char>(1 << chance.below(8));
                break;
            case 7: bytes[chance.below(128)] = static_cast<unsigned char>(value); break;
            default: header.lock[chance.below(64)] = static_cast<unsigned char>(value); break;
        }
    }
}

void no_mutated_header_is_more_than_an_error(void**) {
    const char* const long_run = getenv("BROOD_LONG");
    const long rounds = long_run != nullptr && *long_run == '1' ? 1000000 : 100000;
    const Name name("mutated");
    const Array<uint32_t> made = make(name);
    const Header valid = header_of(name);
    RawObject raw(name, O_RDWR);
    Chance chance(21);
    Header value_header = valid;
    value_header.kind = 1;
    value_header.element_bytes = 8;
    value_header.count = 1;
    value_header.total_bytes = 136;
    long opened = 0;
    for (long round = 0; round < rounds; ++round) {
        const bool is_array = round % 2 == 0;
        Header header = is_array ? valid : value_header;
        mutate(header, chance);
        assert_true(raw.write(0, &header, sizeof(header)));
        Errc code = Errc::ok;
        if (is_array) {
            Result<Array<uint32_t>> array = Array<uint32_t>::open(name, Timeout::no_wait());
            code = array.code();
            if (array.ok()) {
                assert_int_equal(array->size(), header.count);
                assert_true(array->size() > 0 && array->size() <= kCount);
                (*array)[array->size() - 1] = 1;
            }
        } else {
            Result<Value<uint64_t>> value = Value<uint64_t>::open(name, Timeout::no_wait());
            code = value.code();
            if (value.ok()) { value->store(1); }
        }
        assert_true(code == Errc::ok || is_clear(code));
        opened += code == Errc::ok ? 1 : 0;
    }
    print_message("%ld headers, of which %ld could be opened all the same\n", rounds, opened);
    assert_true(opened > 0 && opened < rounds / 2);
}

// ---- The lock inside ---------------------------------------------------------------------------

// A handle that never took the lock does not so much as look at it.
void a_damaged_lock_does_no_harm_to_who_does_not_use_it(void**) {
    const Name name("lock");
    const Array<uint32_t> made = make(name);
    RawObject raw(name, O_RDWR);
    const int owner = static_cast<int>(getpid());
    for (int kind = 0; kind < 256; ++kind) {
        // As glibc would see it: held by us, once, of this kind, in a list of nonsense.
        unsigned char lock[64];
        memset(lock, 0x41, sizeof(lock));
        const int fields[] = {owner, 1, owner, 1, kind};
        memcpy(lock, fields, sizeof(fields));
        assert_true(raw.write(64, lock, sizeof(lock)));
        assert_child_exits(0, [&] {
            const int self = static_cast<int>(getpid());
            CHECK_IN_CHILD(raw.write(64, &self, sizeof(self)) &&
                           raw.write(72, &self, sizeof(self)));
            Result<Array<uint32_t>> opened = Array<uint32_t>::open(name);
            CHECK_IN_CHILD(opened.ok());
            Array<uint32_t> moved = std::move(*opened);
            moved[0] = 1;
        });
    }
}

void the_end_of_another_handle_does_not_release_the_lock(void**) {
    const Name name("handles");
    Array<uint32_t> made = make(name);
    const Locked hold = made.lock().acquire();
    assert_true(static_cast<bool>(hold));
    {
        Array<uint32_t> unused = Array<uint32_t>::open(name).expect("opening");
        Array<uint32_t> refused = Array<uint32_t>::open(name).expect("opening");
        assert_error(refused.lock().take().code(), Errc::would_deadlock, "a second handle");
    }
    assert_child_exits(0, [&] {
        Array<uint32_t> other = Array<uint32_t>::open(name).expect("opening");
        CHECK_IN_CHILD(other.lock().take(Timeout::no_wait()).code() == Errc::timed_out);
    });
}

void a_handle_that_once_held_the_lock_does_not_release_it_for_another(void**) {
    const Name name("handles");
    Array<uint32_t> made = make(name);
    Array<uint32_t> former = Array<uint32_t>::open(name).expect("opening");
    assert_ok(former.lock().take().error());
    assert_ok(former.lock().release().error());
    const Locked hold = made.lock().acquire();
    former = Array<uint32_t>();
    assert_child_exits(
        0, [&] { CHECK_IN_CHILD(made.lock().take(Timeout::no_wait()).code() == Errc::timed_out); });
}

// ---- Waiting for a creator ---------------------------------------------------------------------

void open_waits_for_a_creator_at_work_and_not_for_a_dead_one(void**) {
    const Name sample("sample"), name("slow");
    const Array<uint32_t> made = make(sample);
    const Header valid = header_of(sample);
    Board<std::atomic<int>> step;
    const pid_t creator = start_child([&] {
        RawObject slow(name, O_RDWR | O_CREAT | O_EXCL);
        const brood::Result<brood::port::Fd> fd = brood::port::open_object(name, true);
        CHECK_IN_CHILD(fd.ok() && *brood::port::lock_object(*fd));
        Header header = valid;
        header.magic = kMagicMaking;
        CHECK_IN_CHILD(slow.write(0, &header, sizeof(header)) && slow.resize(kTotal));
        step->store(1);
        CHECK_IN_CHILD(becomes(*step, 2));
        sleep_us(50000);
        CHECK_IN_CHILD(slow.write(0, &kMagicReady, sizeof(kMagicReady)));
        CHECK_IN_CHILD(becomes(*step, 3));
        header.magic = kMagicMaking;
        CHECK_IN_CHILD(slow.write(0, &header, sizeof(header)));
        _exit(0);
    });
    assert_true(becomes(*step, 1));
    for (const int wait_ms : {0, 60, 200}) {
        // Promise 26: the longest of these waits is neither cut short nor stretched by signals.
        std::optional<test::AlarmStorm> storm;
        if (wait_ms == 200) { storm.emplace(); }
        const int64_t before = test::now_ns();
        const Errc code = Array<uint32_t>::open(name, brood::milliseconds(wait_ms)).code();
        assert_error(code, Errc::not_ready, "at work");
        const int64_t took_ms = (test::now_ns() - before) / 1000000;
        assert_true(took_ms >= wait_ms && took_ms < wait_ms + test::kSoonMs);
    }
    assert_error(Array<uint32_t>::create_named(name, 1).code(), Errc::already_exists, "at work");
    {
        const test::AlarmStorm storm;
        step->store(2);
        assert_true(Array<uint32_t>::open(name, brood::seconds(20)).ok());
    }
    step->store(3);
    assert_int_equal(end_of(creator), 0);
    const int64_t before = now_ms();
    assert_error(Array<uint32_t>::open(name, Timeout::forever()).code(), Errc::not_ready, "dead");
    assert_true(now_ms() - before < 10000);
    assert_ok(Array<uint32_t>::create_named(name, 1).error());
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(an_array_is_laid_out_as_written_down),
        TIDY(a_value_is_an_element_alone_of_its_own_kind),
        TIDY(only_the_same_type_opens_a_segment),
        TIDY(each_wrong_field_is_a_clear_error),
        TIDY(objects_cut_short_are_an_error),
        TIDY(no_mutated_header_is_more_than_an_error),
        TIDY(a_damaged_lock_does_no_harm_to_who_does_not_use_it),
        TIDY(the_end_of_another_handle_does_not_release_the_lock),
        TIDY(a_handle_that_once_held_the_lock_does_not_release_it_for_another),
        TIDY(open_waits_for_a_creator_at_work_and_not_for_a_dead_one),
    };
    return cmocka_run_group_tests_name("segment", tests, nullptr, nullptr);
}
