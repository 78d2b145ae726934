// Goal: SharedMemory is the bytes it promises: zeroed, in the size asked for, under the name and
// with the rights asked for, and removed by nobody but its creator.
#include "shared_support.hpp"

#include <string.h>

#include <brood/shared_memory.hpp>
#include <brood/value.hpp>

using namespace shared_test;
using brood::Access;
using brood::Errc;
using brood::Result;
using brood::SharedMemory;
using brood::Value;

namespace {

unsigned char* bytes_of(const SharedMemory& memory) {
    return static_cast<unsigned char*>(memory.data());
}

bool all_are(const SharedMemory& memory, unsigned char value) {
    for (size_t at = 0; at < memory.size(); ++at) {
        if (bytes_of(memory)[at] != value) { return false; }
    }
    return true;
}

bool exists(const char* name) {
    return RawObject(name, O_RDONLY).exists();
}

// ---- Bytes -------------------------------------------------------------------------------------

void anonymous_memory_is_shared_with_children_and_has_no_name(void**) {
    const size_t names = count_entries("/dev/shm");
    for (const size_t bytes : {size_t{1}, size_t{4096}, size_t{100001}}) {
        const SharedMemory memory = SharedMemory::anonymous(bytes).expect("anonymous");
        assert_int_equal(memory.size(), bytes);
        assert_string_equal(memory.name(), "");
        assert_true(all_are(memory, 0));
        assert_int_equal(end_of(start_child([&] { memset(memory.data(), 0xa5, bytes); })), 0);
        assert_true(all_are(memory, 0xa5));
        assert_int_equal(count_entries("/dev/shm"), names);
    }
}

void named_memory_is_zeroed_and_has_the_size_asked_for(void**) {
    const Name name("sizes");
    for (const size_t bytes : {1u, 3u, 4u, 5u, 127u, 4095u, 4096u, 4097u, 1u << 20}) {
        const SharedMemory made = SharedMemory::create(name, bytes).expect("creating");
        assert_int_equal(made.size(), bytes);
        assert_string_equal(made.name(), name);
        assert_true(all_are(made, 0));
        assert_child_exits(0, [&] {
            const SharedMemory opened = SharedMemory::open(name).expect("opening");
            CHECK_IN_CHILD(opened.size() == bytes && all_are(opened, 0));
            memset(opened.data(), 0x5a, bytes);
        });
        assert_true(all_are(made, 0x5a));
        // Allocated already, so that no later fault can fail.
        const struct stat status = RawObject(name, O_RDONLY).status();
        assert_true(static_cast<size_t>(status.st_blocks) * 512 >= bytes);
    }
}

void sizes_that_cannot_be_are_refused_and_leave_nothing(void**) {
    const Name name("sizes");
    const size_t longest = SIZE_MAX / 2;
    struct Row {
        size_t bytes;
        Errc wanted;
    };
    const Row rows[] = {
        {0, Errc::size_zero},
        {longest + 1, Errc::size_too_large},
        {SIZE_MAX, Errc::size_too_large},
        {longest, Errc::size_too_large},  // Not if rounded up to pages.
    };
    for (const Row& row : rows) {
        assert_error(SharedMemory::anonymous(row.bytes).code(), row.wanted, "anonymous");
        const Errc named = SharedMemory::create(name, row.bytes).code();
        const bool no_room = row.bytes == longest && named == Errc::no_space;
        if (!no_room) { assert_error(named, row.wanted, "named"); }
        assert_false(exists(name));
    }
    if (!excess_is_refused()) { return; }
    for (const int bit : {42, 47, 61}) {
        const size_t bytes = static_cast<size_t>(1) << (sizeof(size_t) == 8 ? bit : 30);
        const Errc anonymous = SharedMemory::anonymous(bytes).code();
        const Errc named = SharedMemory::create(name, bytes).code();
        assert_true(anonymous == Errc::no_space || anonymous == Errc::no_memory);
        assert_true(named == Errc::no_space || named == Errc::no_memory);
        assert_false(exists(name));
    }
}

void opened_for_reading_it_cannot_be_written(void**) {
    const Name name("read-only");
    const SharedMemory made = SharedMemory::create(name, 100).expect("creating");
    bytes_of(made)[99] = 7;
    const int end = end_of(start_child([&] {
        // A sanitizer would turn the signal into a long report and an exit.
        (void)signal(SIGSEGV, SIG_DFL);
        const SharedMemory opened = SharedMemory::open(name, false).expect("opening");
        CHECK_IN_CHILD(bytes_of(opened)[99] == 7);
        *static_cast<volatile unsigned char*>(opened.data()) = 1;
    }));
    assert_int_equal(end, -SIGSEGV);
    assert_int_equal(bytes_of(made)[0], 0);
}

void mappings_outlive_the_name_and_handles_move(void**) {
    const Name name("moves");
    SharedMemory made = SharedMemory::create(name, 10).expect("creating");
    const SharedMemory opened = SharedMemory::open(name).expect("opening");
    assert_ok(SharedMemory::remove(name).error());
    bytes_of(made)[3] = 9;
    assert_int_equal(bytes_of(opened)[3], 9);

    SharedMemory moved = std::move(made);
    assert_null(made.data());
    assert_int_equal(made.size(), 0);
    assert_string_equal(made.name(), "");
    assert_string_equal(moved.name(), name);
    SharedMemory* const same = &moved;
    moved = std::move(*same);
    assert_int_equal(bytes_of(moved)[3], 9);
    moved.close();
    moved.close();
    assert_null(moved.data());
}

void data_is_not_ready_before_its_maker_gave_it_a_size(void**) {
    const Name name("sizeless");
    RawObject raw(name, O_RDWR | O_CREAT | O_EXCL);  // A stranger's, who is not done.
    assert_error(SharedMemory::open(name).code(), Errc::not_ready, "without size");
    assert_true(raw.resize(5));
    assert_int_equal(SharedMemory::open(name).expect("opening").size(), 5);
    assert_ok(SharedMemory::remove(name).error());
}

// ---- Names -------------------------------------------------------------------------------------

struct LongName {
    char text[5000];
    explicit LongName(size_t bytes) {
        memset(text, 'n', bytes);
        text[0] = '/';
        text[bytes] = '\0';
    }
};

void names_that_cannot_be_are_refused_by_every_call(void**) {
    const LongName one_too_long(256), far_too_long(4999);
    struct Row {
        const char* name;
        Errc wanted;
    };
    const Row rows[] = {
        {nullptr, Errc::bad_argument},
        {"", Errc::name_empty},
        {"/", Errc::name_empty},
        {"x", Errc::name_without_slash},
        {"x/y", Errc::name_without_slash},
        {"//", Errc::name_with_two_slashes},
        {"//x", Errc::name_with_two_slashes},
        {"/x/", Errc::name_with_two_slashes},
        {"/x/../../tmp/y", Errc::name_with_two_slashes},
        {"/.", Errc::bad_argument},
        {"/..", Errc::bad_argument},
        {one_too_long.text, Errc::name_too_long},
        {far_too_long.text, Errc::name_too_long},
    };
    const size_t names = count_entries("/dev/shm");
    for (const Row& row : rows) {
        const char* const what = row.name == nullptr ? "null" : row.name;
        assert_error(SharedMemory::create(row.name, 1).code(), row.wanted, what);
        assert_error(SharedMemory::open(row.name).code(), row.wanted, what);
        assert_error(SharedMemory::remove(row.name).code(), row.wanted, what);
        assert_error(Value<int>::create_named(row.name).code(), row.wanted, what);
        assert_error(Value<int>::open(row.name).code(), row.wanted, what);
    }
    assert_int_equal(SharedMemory::open(one_too_long.text).error().detail(), 255);
    assert_int_equal(count_entries("/dev/shm"), names);
}

void a_name_may_be_255_bytes_and_anything_but_a_slash(void**) {
    const LongName longest(255);
    for (const char* const name : {longest.text, "/...", "/\xff\x01 \n%s", "/.brood-test"}) {
        const SharedMemory made = SharedMemory::create(name, 1).expect("creating");
        assert_string_equal(made.name(), name);
        assert_true(SharedMemory::open(name).ok());
    }
}

void a_name_is_read_no_further_than_256_bytes(void**) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* const two =
        mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(two != MAP_FAILED);
    char* const edge = static_cast<char*>(two) + page;
    assert_int_equal(mprotect(edge, page, PROT_NONE), 0);
    char* const name = edge - 256;  // Without a NUL before the edge.
    memset(name, 'n', 256);
    name[0] = '/';
    assert_error(SharedMemory::open(name).code(), Errc::name_too_long, "unterminated");
    assert_int_equal(munmap(two, 2 * page), 0);
}

void a_name_is_taken_once(void**) {
    const Name name("taken");
    assert_error(SharedMemory::open(name).code(), Errc::not_found, "none yet");
    assert_error(SharedMemory::remove(name).code(), Errc::not_found, "none yet");
    const SharedMemory made = SharedMemory::create(name, 1).expect("creating");
    assert_error(SharedMemory::create(name, 1).code(), Errc::already_exists, "again");
    assert_int_equal(
        end_of(start_child(
            [&] { CHECK_IN_CHILD(SharedMemory::create(name, 1).code() == Errc::already_exists); })),
        0);
    assert_ok(SharedMemory::remove(name).error());
    const SharedMemory second = SharedMemory::create(name, 2).expect("creating anew");
    assert_int_equal(SharedMemory::open(name).expect("opening").size(), 2);
}

// Promise 19.
void only_the_creator_or_remove_unlinks(void**) {
    const Name name("unlink");
    SharedMemory made = SharedMemory::create(name, 1).expect("creating");
    assert_child_exits(0, [&] {
        SharedMemory opened = SharedMemory::open(name).expect("opening");
        opened.close();  // A reader,
        made.close();    // a copy of the creator's handle,
        const SharedMemory exits = SharedMemory::open(name).expect("opening");
        _exit(0);  // one that exits,
    });
    assert_child_exits(-SIGKILL, [&] {
        const SharedMemory opened = SharedMemory::open(name).expect("opening");
        (void)raise(SIGKILL);  // and one that is killed.
    });
    assert_true(exists(name));
    { const SharedMemory opened = SharedMemory::open(name).expect("opening in the creator"); }
    assert_true(exists(name));
    made.close();
    assert_false(exists(name));

    SharedMemory kept = SharedMemory::create(name, 1).expect("creating");
    kept.keep_name();
    kept.close();
    assert_true(exists(name));
    assert_ok(SharedMemory::remove(name).error());
}

void a_creator_does_not_unlink_what_took_its_name_over(void**) {
    const Name name("successor");
    SharedMemory first = SharedMemory::create(name, 1).expect("creating");
    assert_ok(SharedMemory::remove(name).error());
    const SharedMemory second = SharedMemory::create(name, 2).expect("creating again");
    first.close();
    assert_int_equal(SharedMemory::open(name).expect("opening").size(), 2);
}

// Promise 18. What a test leaves is checked after each; here, what a killed process leaves.
void a_killed_process_leaves_its_names_for_remove_and_nothing_else(void**) {
    const size_t names = count_entries("/dev/shm");
    const Name name("killed");
    assert_child_exits(-SIGKILL, [&] {
        const SharedMemory anonymous = SharedMemory::anonymous(10000).expect("anonymous");
        const Value<int> value = Value<int>::create(1).expect("value");
        const SharedMemory named = SharedMemory::create(name, 10).expect("creating");
        bytes_of(named)[0] = 1;
        (void)raise(SIGKILL);
    });
    assert_int_equal(count_entries("/dev/shm"), names + 1);
    assert_int_equal(bytes_of(SharedMemory::open(name).expect("opening"))[0], 1);
    assert_error(SharedMemory::create(name, 1).code(), Errc::already_exists, "done, so kept");
    assert_ok(SharedMemory::remove(name).error());
    assert_int_equal(count_entries("/dev/shm"), names);
}

// ---- Rights (promise 20) -----------------------------------------------------------------------

struct AccessRow {
    Access access;
    mode_t mode;
    bool group_may, others_may;
};
const AccessRow kAccesses[] = {
    {Access::owner, 0600, false, false},
    {Access::group, 0660, true, false},
    {Access::everybody, 0666, true, true},
};

void the_mode_is_what_was_asked_for_whatever_the_umask(void**) {
    const Name name("mode");
    for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{0777}}) {
        const mode_t before = umask(mask);
        for (const AccessRow& row : kAccesses) {
            const Result<SharedMemory> made = SharedMemory::create(name, 1, row.access);
            assert_ok(made.error());
            assert_int_equal(RawObject(name, O_RDONLY).status().st_mode & 07777, row.mode);
            assert_ok(SharedMemory::remove(name).error());
            const Result<Value<int>> value = Value<int>::create_named(name, 1, row.access);
            assert_ok(value.error());
            assert_int_equal(RawObject(name, O_RDONLY).status().st_mode & 07777, row.mode);
        }
        assert_int_equal(RawObject(name, O_RDONLY).exists(), 0);
        (void)umask(before);
    }
    const SharedMemory made = SharedMemory::create(name, 1).expect("creating");
    assert_int_equal(RawObject(name, O_RDONLY).status().st_mode & 07777, 0600);  // Not asked.
}

void rights_that_are_none_are_refused(void**) {
    const Name name("rights");
    for (const unsigned mode : {0u, 0400u, 0601u, 0777u, 04666u, ~0u}) {
        const Access access = static_cast<Access>(mode);
        assert_error(SharedMemory::create(name, 1, access).code(), Errc::bad_argument, "access");
        assert_error(Value<int>::create_named(name, 1, access).code(), Errc::bad_argument, "value");
    }
}

// Whether a process of this user and group may open the name.
Errc open_as(uid_t user, gid_t group, const char* name) {
    Board<Errc> found;
    assert_child_exits(0, [&] {
        CHECK_IN_CHILD(setgid(group) == 0 && setuid(user) == 0);
        *found = SharedMemory::open(name).code();
        CHECK_IN_CHILD(SharedMemory::open(name, false).code() == *found);
        CHECK_IN_CHILD(Value<int>::open(name).code() == *found || *found == Errc::ok);
    });
    return *found;
}

void others_may_open_it_only_when_asked(void**) {
    constexpr uid_t kStranger = 65534;
    if (geteuid() != 0) { return test::not_run("rights of others", "needs root"); }
    const Name name("others");
    for (const AccessRow& row : kAccesses) {
        const SharedMemory made = SharedMemory::create(name, 1, row.access).expect("creating");
        const Errc group = row.group_may ? Errc::ok : Errc::not_permitted;
        const Errc others = row.others_may ? Errc::ok : Errc::not_permitted;
        assert_error(open_as(kStranger, getegid(), name), group, "of the group");
        assert_error(open_as(kStranger, kStranger, name), others, "others");
        assert_child_exits(0, [&] {
            CHECK_IN_CHILD(setgid(kStranger) == 0 && setuid(kStranger) == 0);
            CHECK_IN_CHILD(SharedMemory::create(name, 1).code() == Errc::already_exists);
            CHECK_IN_CHILD(SharedMemory::remove(name).code() == Errc::not_permitted);
        });
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(anonymous_memory_is_shared_with_children_and_has_no_name),
        TIDY(named_memory_is_zeroed_and_has_the_size_asked_for),
        TIDY(sizes_that_cannot_be_are_refused_and_leave_nothing),
        TIDY(opened_for_reading_it_cannot_be_written),
        TIDY(mappings_outlive_the_name_and_handles_move),
        TIDY(data_is_not_ready_before_its_maker_gave_it_a_size),
        TIDY(names_that_cannot_be_are_refused_by_every_call),
        TIDY(a_name_may_be_255_bytes_and_anything_but_a_slash),
        TIDY(a_name_is_read_no_further_than_256_bytes),
        TIDY(a_name_is_taken_once),
        TIDY(only_the_creator_or_remove_unlinks),
        TIDY(a_creator_does_not_unlink_what_took_its_name_over),
        TIDY(a_killed_process_leaves_its_names_for_remove_and_nothing_else),
        TIDY(the_mode_is_what_was_asked_for_whatever_the_umask),
        TIDY(rights_that_are_none_are_refused),
        TIDY(others_may_open_it_only_when_asked),
    };
    return cmocka_run_group_tests_name("shared_memory", tests, nullptr, nullptr);
}
