// Goal: Manager::create_named(), open(), remove(), keep_name() row by row, among processes that
// share nothing but a name; and a maker who dies in the midst of it.
// Method: children that open for themselves; makers killed at each of their system calls.
#include "traced_support.hpp"

#include <brood/array.hpp>
#include <brood/manager.hpp>
#include <brood/queue.hpp>
#include <brood/text.hpp>
#include <src/segment_layout.hpp>

#include "arena_check.hpp"

using namespace shared_test;
using brood::Access;
using brood::Dict;
using brood::Errc;
using brood::Manager;
using brood::Result;
using brood::Text;
using brood::Timeout;

namespace {

using Numbers = Dict<std::uint32_t, Text<40>>;

constexpr std::uint64_t kBytes = 256 * 1024;

Manager make(const char* name) {
    return Manager::create_named(name, kBytes).expect("creating");
}
Numbers numbers_of(const Manager& manager) {
    return manager.find<Numbers>("numbers").expect("finding");
}

void whoever_knows_the_name_uses_what_is_there(void**) {
    const Name name("shared");
    const pid_t opener = start_child([&] {
        Result<Manager> opened = Errc::not_found;
        while (opened.code() == Errc::not_found) { opened = Manager::open(name); }
        CHECK_IN_CHILD(opened.ok());
        Result<Numbers> numbers = Errc::not_found;
        while (numbers.code() == Errc::not_found) { numbers = opened->find<Numbers>("numbers"); }
        CHECK_IN_CHILD(numbers.ok() && numbers->set(2, "two").ok());
        // One without a name, which goes with this thread; and one that is kept.
        CHECK_IN_CHILD((opened->dict<int, int>().ok()));
        const auto kept = opened->dict<int, int>();
        CHECK_IN_CHILD(kept.ok() && kept->set(1, 11).ok() && kept->keep().ok());
    });
    const Manager manager = make(name);
    const auto numbers = manager.dict<std::uint32_t, Text<40>>("numbers").expect("making");
    test::assert_ok(numbers.set(1, "one"));
    assert_int_equal(end_of(opener), 0);
    assert_string_equal(numbers.get(2)->c_str(), "two");
    assert_string_equal(numbers.get(1)->c_str(), "one");
    for (int i = 0; i < 4; ++i) { test::assert_ok(manager.dict<int, int>("x")->drop()); }
    assert_int_equal(manager.stats()->objects, 2);  // The dead one's is swept.
    assert_null(test::arena_fault(numbers));
}

void makers_and_openers_count_together(void**) {
    constexpr int kUsers = 3, kEach = 2000;
    const Name name("together");
    const Manager manager = make(name);
    const auto counts = manager.dict<int, int>("counts").expect("making");
    pid_t users[kUsers];
    for (pid_t& user : users) {
        user = start_child([&] {
            const auto count = [](const Dict<int, int>& dict) {
                for (int i = 0; i < kEach; ++i) {
                    CHECK_IN_CHILD(dict.update(i % 7, [](int& n) { ++n; }).ok());
                }
            };
            // By the handle that it inherited, and through a mapping of its own.
            count(counts);
        });
    }
    const pid_t stranger = start_child([&] {
        const_cast<Manager&>(manager).close();
        const Result<Manager> opened = Manager::open(name);
        CHECK_IN_CHILD(opened.ok());
        for (int i = 0; i < kEach; ++i) {
            CHECK_IN_CHILD(counts.update(i % 7, [](int& n) { ++n; }).ok());
        }
    });
    for (const pid_t user : users) { assert_int_equal(end_of(user), 0); }
    assert_int_equal(end_of(stranger), 0);
    int sum = 0;
    for (int i = 0; i < 7; ++i) { sum += *counts.get(i); }
    assert_int_equal(sum, (kUsers + 1) * kEach);
    assert_null(test::arena_fault(counts));
}

void a_manager_has_its_name_and_one_without_has_none(void**) {
    const Name name("name");
    Manager manager = make(name);
    assert_string_equal(manager.name(), name);
    const Manager moved = std::move(manager);
    assert_string_equal(moved.name(), name);
    assert_string_equal(manager.name(), "");
    assert_string_equal(Manager::create(kBytes).expect("creating").name(), "");
}

void the_name_goes_with_its_maker_unless_it_is_kept(void**) {
    const Name name("kept");
    {
        const Manager manager = make(name);
        assert_child_exits(0, [&] {
            const_cast<Manager&>(manager).close();  // No maker's.
            CHECK_IN_CHILD(Manager::open(name).ok());
        });
        assert_int_equal(count_names(), 1);
    }
    assert_int_equal(count_names(), 0);
    {
        Manager manager = make(name);
        manager.keep_name();
        test::assert_ok(manager.dict<std::uint32_t, Text<40>>("numbers")->set(1, "one"));
    }
    const Manager opened = Manager::open(name).expect("opening");
    assert_string_equal(numbers_of(opened).get(1)->c_str(), "one");
    test::assert_ok(Manager::remove(name));
    assert_error(Manager::open(name).code(), Errc::not_found, "removed");
    assert_error(Manager::remove(name).code(), Errc::not_found, "removed twice");
    test::assert_ok(numbers_of(opened).set(2, "two"));  // Who has it open keeps it.
}

void one_process_has_it_once(void**) {
    const Name name("once");
    Manager manager = make(name);
    assert_error(Manager::create_named(name, kBytes).code(), Errc::already_exists, "taken");
    assert_error(Manager::open(name).code(), Errc::already_exists, "open already");
    assert_int_equal(count_names(), 1);
    const auto numbers = manager.dict<std::uint32_t, Text<40>>("numbers").expect("making");
    manager.keep_name();
    manager.close();
    assert_error(numbers.size().code(), Errc::wrong_process, "closed here");
    const Manager again = Manager::open(name).expect("opening again");
    assert_int_equal(*numbers.size(), 0);
    test::assert_ok(Manager::remove(name));
}

void what_cannot_be_is_refused(void**) {
    const Name name("refused");
    assert_error(Manager::create_named(name, kBytes, static_cast<Access>(0640)).code(),
                 Errc::bad_argument, "access");
    for (const BadName& bad : kBadNames) {
        assert_error(Manager::create_named(bad.name, kBytes).code(), bad.wanted, "create");
        assert_error(Manager::open(bad.name).code(), bad.wanted, "open");
        assert_error(Manager::remove(bad.name).code(), bad.wanted, "remove");
    }
    assert_int_equal(count_names(), 0);
    assert_error(Manager::open(name).code(), Errc::not_found, "none");
    // Fewer bytes than the least: as many as that.
    const Manager small = Manager::create_named(name, 1).expect("creating");
    assert_int_equal(small.stats()->bytes_max, kBytes);
}

void only_a_manager_is_opened_as_one(void**) {
    const Name queue_name("queue"), array_name("array"), name("manager");
    const auto queue = brood::Queue<int>::create_named(queue_name, 10).expect("a queue");
    const auto array = brood::Array<int>::create_named(array_name, 10).expect("an array");
    const Manager manager = make(name);
    assert_error(Manager::open(queue_name).code(), Errc::type_mismatch, "a queue");
    assert_error(Manager::open(array_name).code(), Errc::type_mismatch, "an array");
    assert_error(brood::Queue<int>::open(name).code(), Errc::type_mismatch, "a manager");
    assert_error(brood::Array<int>::open(name).code(), Errc::type_mismatch, "a manager");
    assert_error(Manager::create_named(queue_name, kBytes).code(), Errc::already_exists, "taken");
}

void one_that_was_cut_short_is_an_error(void**) {
    constexpr std::size_t kTotal = 128 + 16384 + kBytes;
    static unsigned char valid[kTotal];
    const Name name("short");
    make(name).keep_name();
    assert_true(RawObject(name, O_RDONLY).read(0, valid, kTotal));
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{64}, std::size_t{128},
                                    std::size_t{128 + 16384}, kTotal - 1, kTotal, kTotal + 1}) {
        RawObject raw(name, O_RDWR);
        assert_true(raw.resize(0) && raw.resize(bytes));
        assert_true(raw.write(0, valid, bytes < kTotal ? bytes : kTotal));
        const Errc wanted = bytes < 128      ? Errc::not_ready
                            : bytes < kTotal ? Errc::corrupt
                                             : Errc::ok;
        assert_error(Manager::open(name, Timeout::no_wait()).code(), wanted, "cut short");
    }
    test::assert_ok(Manager::remove(name));
}

void there_are_sixteen_in_a_process(void**) {
    constexpr int kMost = 16;
    Manager managers[kMost];
    for (int i = 0; i < kMost; ++i) {
        char what[32];
        (void)snprintf(what, sizeof what, "many-%d", i);
        managers[i] = i % 2 == 0 ? make(Name(what)) : Manager::create(kBytes).expect("creating");
    }
    assert_error(Manager::create_named(Name("last"), kBytes).code(), Errc::full, "16 already");
    assert_error(Manager::create(kBytes).code(), Errc::full, "16 already");
    assert_int_equal(count_names(), kMost / 2);  // Nothing is left of what was refused.
    managers[3].close();
    managers[3] = make(Name("last"));
    for (const Manager& manager : managers) {
        const auto dict = manager.dict<int, int>("dict").expect("making");
        test::assert_ok(dict.set(1, 1));
        assert_int_equal(*dict.get(1), 1);
    }
}

void access_is_as_asked_whatever_the_umask(void**) {
    const Name name("mode");
    for (const mode_t mask : kUmasks) {
        for (const ModeRow& row : kModeRows) {
            const mode_t before = umask(mask);
            const Result<Manager> made = Manager::create_named(name, kBytes, row.access);
            (void)umask(before);
            assert_error(made.code(), Errc::ok, "creating");
            assert_int_equal(RawObject(name, O_RDONLY).status().st_mode & 07777,
                             static_cast<mode_t>(row.access));
        }
    }
}

// ---- A maker who dies --------------------------------------------------------------------------

// What a dead maker left: nothing, something unfinished, or the whole, which works. The name is
// free for the next, or in use.
Errc check_remains(const char* name) {
    const Errc found = [&] {
        const Result<Manager> opened = Manager::open(name, brood::milliseconds(20));
        if (!opened.ok()) { return opened.code(); }
        const auto dict = opened->dict<int, int>("dict").expect("making");
        test::assert_ok(dict.set(1, 1));
        assert_null(test::arena_fault(dict));
        return Errc::ok;
    }();
    const Result<Manager> next = Manager::create_named(name, kBytes);
    assert_error(next.code(), found == Errc::ok ? Errc::already_exists : Errc::ok, "the next");
    if (found == Errc::ok) { test::assert_ok(Manager::remove(name)); }
    return found;
}

void a_maker_killed_at_any_system_call_blocks_nobody(void**) {
    if (!can_trace("kills at system calls")) { return; }
    constexpr int kStopsMax = 500;
    const Name name("killed");
    int none = 0, unfinished = 0, whole = 0;
    bool ended = false;
    for (int stops = 0; !ended; ++stops) {
        assert_true(stops < kStopsMax);
        Traced maker([&] {
            const Result<Manager> made = Manager::create_named(name, kBytes);
            _exit(made.ok() ? 0 : 1);  // Without a destructor.
        });
        for (int i = 0; i < stops && !ended; ++i) { ended = !maker.step(); }
        if (!ended) { maker.kill_it(); }
        const Errc found = check_remains(name);
        none += found == Errc::not_found ? 1 : 0;
        unfinished += found == Errc::not_ready ? 1 : 0;
        whole += found == Errc::ok ? 1 : 0;
        assert_int_equal(none + unfinished + whole, stops + 1);
        assert_int_equal(count_names(), 0);
    }
    print_message("%d times nothing, %d times something unfinished, %d times the whole\n", none,
                  unfinished, whole);
    assert_true(none > 0 && unfinished > 0 && whole > 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(whoever_knows_the_name_uses_what_is_there),
        TIDY(makers_and_openers_count_together),
        TIDY(a_manager_has_its_name_and_one_without_has_none),
        TIDY(the_name_goes_with_its_maker_unless_it_is_kept),
        TIDY(one_process_has_it_once),
        TIDY(what_cannot_be_is_refused),
        TIDY(only_a_manager_is_opened_as_one),
        TIDY(one_that_was_cut_short_is_an_error),
        TIDY(there_are_sixteen_in_a_process),
        TIDY(access_is_as_asked_whatever_the_umask),
        TIDY(a_maker_killed_at_any_system_call_blocks_nobody),
    };
    return cmocka_run_group_tests_name("manager_named", tests, nullptr, nullptr);
}
