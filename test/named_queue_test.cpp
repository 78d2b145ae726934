// Goal: Queue::create_named(), open(), remove(), name() row by row, among processes that share
// nothing but a name, and among threads that use several queues.
// Method: children that open for themselves; the table of members is looked at where it matters.
#include "named_queue_support.hpp"
#include "sandbox_support.hpp"

#include <pthread.h>

#include <brood/array.hpp>
#include <brood/joinable_queue.hpp>
#include <src/named_ring.hpp>

using namespace shared_test;
using brood::Access;
using brood::Errc;
using brood::Queue;
using brood::Result;
using brood::Timeout;
using brood::detail::MemberTable;

namespace {

// Whether so many entries of a queue's table are somebody's, by the first words of their mutexes:
// only Linux' show who holds them.
void assert_members(const char* name, int wanted) {
    if (strcmp(brood::port::kName, "linux") != 0) { return; }
    RawObject raw(name, O_RDONLY);
    int count = 0;
    for (std::uint32_t i = 1; i <= MemberTable::kNamed; ++i) {
        std::uint32_t life = 0;
        assert_true(raw.read(128 + 128 + i * 128, &life, sizeof(life)));
        count += (life & 0x3fffffffu) != 0 ? 1 : 0;
    }
    assert_int_equal(count, wanted);
}

// ---- Rows --------------------------------------------------------------------------------------

void whoever_knows_the_name_puts_and_gets_in_order(void**) {
    constexpr std::uint32_t kCount = 20000;
    const Name name("order");
    const pid_t opener = start_child([&] {
        Result<Parcels> opened = Errc::not_found;
        while (opened.code() == Errc::not_found) { opened = Parcels::open(name); }
        CHECK_IN_CHILD(opened.ok());
        for (std::uint32_t i = 0; i < kCount; ++i) {
            CHECK_IN_CHILD(opened->put(Parcel::make(1, i), kLong).ok());
        }
    });
    Parcels queue = make_parcels(name, 10);
    assert_int_equal(queue.maxsize(), 10);
    for (std::uint32_t i = 0; i < kCount; ++i) {
        const Result<Parcel> got = queue.get(kLong);
        assert_ok(got.status().error());
        assert_true(got->is_whole());
        assert_int_equal(got->number, i);
    }
    assert_int_equal(end_of(opener), 0);
    assert_error(queue.get_nowait().code(), Errc::empty, "nothing is left");
}

void a_queue_has_its_name_and_one_without_has_none(void**) {
    const Name name("name");
    Parcels queue = make_parcels(name, 1);
    assert_string_equal(queue.name(), name);
    assert_string_equal(Parcels::open(name).expect("opening").name(), name);
    const Parcels moved = std::move(queue);
    assert_string_equal(moved.name(), name);
    assert_string_equal(queue.name(), "");
    assert_string_equal(Parcels::create(1).expect("creating").name(), "");
}

void the_name_goes_with_its_creator_unless_it_is_kept(void**) {
    const Name name("kept");
    {
        const Parcels queue = make_parcels(name, 1);
        { const Parcels opened = Parcels::open(name).expect("opening"); }
        assert_int_equal(count_names(), 1);
        assert_child_exits(0, [] {});  // A child's end is not the creator's.
        assert_int_equal(count_names(), 1);
    }
    assert_int_equal(count_names(), 0);
    {
        Parcels queue = make_parcels(name, 1);
        queue.keep_name();
        assert_ok(queue.put(Parcel::make(1, 2)).error());
    }
    Parcels opened = Parcels::open(name).expect("opening");
    assert_int_equal(opened.get_nowait()->number, 2);
    assert_ok(Parcels::remove(name).error());
    assert_error(Parcels::open(name).code(), Errc::not_found, "removed");
    assert_error(Parcels::remove(name).code(), Errc::not_found, "removed twice");
    assert_ok(opened.put_nowait(Parcel::make(1, 3)).error());  // Who has it open keeps it.
}

void what_cannot_be_is_refused(void**) {
    const Name name("refused");
    assert_error(Parcels::create_named(name, 0).code(), Errc::size_zero, "no bound");
    assert_error(Parcels::create_named(name, (1u << 28) + 1).code(), Errc::size_too_large, "2^28");
    assert_error(Parcels::create_named(name, 1, static_cast<Access>(0640)).code(),
                 Errc::bad_argument, "access");
    for (const BadName& bad : kBadNames) {
        assert_error(Parcels::create_named(bad.name, 1).code(), bad.wanted, "create");
        assert_error(Parcels::open(bad.name).code(), bad.wanted, "open");
        assert_error(Parcels::remove(bad.name).code(), bad.wanted, "remove");
    }
    assert_int_equal(count_names(), 0);
    Parcels queue = make_parcels(name, 1);
    assert_error(Parcels::create_named(name, 1).code(), Errc::already_exists, "taken");
    assert_error(queue.producers(1).code(), Errc::unsupported, "producers");
    assert_error(queue.enroll().code(), Errc::bad_argument, "enroll");
}

void only_the_same_type_opens_a_queue(void**) {
    const Name queue_name("queue"), array_name("array");
    const Queue<std::uint32_t> queue =
        Queue<std::uint32_t>::create_named(queue_name, 10).expect("creating");
    const auto array = brood::Array<std::uint32_t>::create_named(array_name, 10).expect("array");
    assert_ok(Queue<float>::open(queue_name).error());  // Types are not known by name.
    assert_error(Queue<std::uint64_t>::open(queue_name).code(), Errc::type_mismatch, "wider");
    assert_error(Queue<char>::open(queue_name).code(), Errc::type_mismatch, "narrower");
    assert_error(Queue<std::uint32_t>::open(array_name).code(), Errc::type_mismatch, "an array");
    assert_error(brood::Array<std::uint32_t>::open(queue_name).code(), Errc::type_mismatch,
                 "a queue");
}

void access_is_as_asked_whatever_the_umask(void**) {
    const Name name("mode");
    for (const mode_t mask : kUmasks) {
        for (const ModeRow& row : kModeRows) {
            const mode_t before = umask(mask);
            const Result<Parcels> made = Parcels::create_named(name, 1, row.access);
            (void)umask(before);
            assert_ok(made.error());
            assert_int_equal(RawObject(name, O_RDONLY).status().st_mode & 07777,
                             static_cast<mode_t>(row.access));
        }
    }
}

void those_who_wait_are_woken_across_processes(void**) {
    const Name name("wake");
    Parcels queue = make_parcels(name, 1);
    const pid_t getter = start_child([&] {
        Parcels opened = Parcels::open(name).expect("opening");
        CHECK_IN_CHILD(opened.get(kLong).ok());
        CHECK_IN_CHILD(opened.get(kLong).code() == Errc::closed);
    });
    test::await_state(getter, 'S');
    assert_ok(queue.put(Parcel::make(1, 1)).error());
    assert_true(test::eventually([&] { return queue.empty(); }));
    test::await_state(getter, 'S');
    assert_ok(queue.shutdown().error());
    assert_int_equal(end_of(getter), 0);
}

// ---- Members -----------------------------------------------------------------------------------

// Without leaving, the 127th of these would find no place.
void places_are_free_again_when_a_handle_is_closed_or_its_process_ends(void**) {
    const Name name("places");
    Parcels queue = make_parcels(name, 4);
    assert_ok(queue.put(Parcel::make(0, 0)).error());
    assert_members(name, 1);
    for (int i = 0; i < 200; ++i) {
        Parcels opened = Parcels::open(name).expect("opening");
        assert_ok(opened.put(Parcel::make(0, 0)).error());
        assert_members(name, 2);
        assert_ok(opened.get(kLong).error());
    }
    assert_members(name, 1);
    for (int i = 0; i < 150; ++i) {
        const bool is_killed = i % 2 == 0;
        assert_child_exits(is_killed ? -SIGKILL : 0, [&] {
            Parcels opened = Parcels::open(name).expect("opening");
            CHECK_IN_CHILD(opened.put(Parcel::make(0, 0)).ok() && opened.get(kLong).ok());
            if (is_killed) { (void)kill(getpid(), SIGKILL); }
        });
    }
    assert_members(name, 1);
    queue.close();
    assert_members(name, 0);
    assert_ok(queue.get(kLong).error());  // Of a handle that is closed one can get.
    assert_members(name, 1);
}

void a_thread_uses_eight_named_queues_beside_its_family_s(void**) {
    const char* const names[] = {"m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"};
    Parcels queues[9];
    Parcels own = Parcels::create(4).expect("creating");
    for (int i = 0; i < 9; ++i) { queues[i] = make_parcels(Name(names[i]), 4); }
    for (int round = 0; round < 3; ++round) {
        for (std::uint32_t i = 0; i < 8; ++i) {
            assert_ok(queues[i].put(Parcel::make(i, 1), kLong).error());
            assert_ok(own.put(Parcel::make(i, 2), kLong).error());
            assert_int_equal(queues[i].get(kLong)->sender, i);
            assert_int_equal(own.get(kLong)->number, 2);
        }
        assert_error(queues[8].put(Parcel::make(8, 1)).code(), Errc::too_many_members, "a ninth");
    }
    in_thread([&] { assert_ok(queues[8].put(Parcel::make(8, 1)).error()); });
    assert_child_exits(0, [&] { CHECK_IN_CHILD(queues[8].get(kLong).ok()); });  // Another user.
    queues[3] = Parcels();
    assert_ok(queues[8].put(Parcel::make(8, 1)).error());
}

std::size_t mappings_of(const char* name) {
    FILE* const maps = fopen("/proc/self/maps", "re");
    char line[512];
    std::size_t count = 0;
    while (fgets(line, sizeof line, maps) != nullptr) { count += strstr(line, name) ? 1 : 0; }
    (void)fclose(maps);
    return count;
}

// Its mutex stands in the system's list of what the thread holds, which would lead nowhere.
void a_handle_that_ends_under_another_thread_leaves_its_memory(void**) {
    const Name name("threads"), lock_name("lock");
    const Parcels queue = make_parcels(name, 4);
    struct Meeting {
        const char* name;
        Parcels opened;
        std::atomic<int> step{0};
    } meeting = {name, Parcels::open(name).expect("opening"), {0}};
    pthread_t thread;
    const auto use = [](void* argument) -> void* {
        auto& self = *static_cast<Meeting*>(argument);
        if (!self.opened.put(Parcel::make(1, 1)).ok()) { return argument; }
        self.step.store(1);
        if (!becomes(self.step, 2)) { return argument; }
        // A second mutex, behind the first in the list, that is let go of.
        Parcels another = Parcels::open(self.name).expect("opening");
        return another.get(kLong).ok() ? nullptr : argument;
    };
    assert_int_equal(pthread_create(&thread, nullptr, use, &meeting), 0);
    assert_true(becomes(meeting.step, 1));
    const std::size_t mapped = mappings_of(name);
    meeting.opened = Parcels();
    assert_int_equal(mappings_of(name), mapped);
    meeting.step.store(2);
    void* failed = nullptr;
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_members(name, 0);
}

void a_handle_that_ends_alone_leaves_nothing_mapped(void**) {
    const Name name("unmapped");
    const Parcels queue = make_parcels(name, 4);
    const std::size_t before = mappings_of(name);
    for (int i = 0; i < 10; ++i) {
        Parcels first = Parcels::open(name).expect("opening");
        Parcels second = Parcels::open(name).expect("opening");
        assert_ok(first.put(Parcel::make(1, 1)).error());
        assert_ok(second.get(kLong).error());
        in_thread([&] { assert_ok(first.put(Parcel::make(1, 1)).error()); });  // It has ended.
        first = Parcels();
        assert_ok(second.get(kLong).error());
    }
    assert_int_equal(mappings_of(name), before);
}

void what_went_with_the_dead_is_counted_for_each_queue(void**) {
    const Name first_name("lost-1"), second_name("lost-2");
    Parcels first = make_parcels(first_name, 8), second = make_parcels(second_name, 8);
    Parcels own = Parcels::create(8).expect("creating");
    for (std::uint32_t i = 0; i < 6; ++i) {
        for (Parcels* queue : {&first, &second, &own}) {
            assert_ok(queue->put(Parcel::make(1, i)).error());
        }
    }
    assert_child_exits(-SIGKILL, [&] {
        Parcels one = Parcels::open(first_name).expect("opening");
        Parcels two = Parcels::open(second_name).expect("opening");
        Parcel taken[3];
        CHECK_IN_CHILD(one.get_many(taken, 3, kLong).value_or(0) == 3);
        CHECK_IN_CHILD(two.get(kLong).ok() && own.get(kLong).ok());
        (void)kill(getpid(), SIGKILL);
    });
    assert_int_equal(first.lost(), 3);
    assert_int_equal(second.lost(), 1);
    assert_int_equal(own.lost(), 1);
    assert_int_equal(Parcels::open(first_name).expect("opening").lost(), 3);
    assert_child_exits(0, [&] {
        Parcels one = Parcels::open(first_name).expect("opening");
        CHECK_IN_CHILD(one.get(kLong).ok());
        one.close();
        (void)one;
    });
    assert_int_equal(first.lost(), 3);
}

// ---- Fences ------------------------------------------------------------------------------------

void who_cannot_join_the_fences_of_a_queue_is_told(void**) {
    const Name name("fences"), bare_name("bare");
    Parcels queue = make_parcels(name, 4);
    const bool has_fences = brood::port::fence_join().ok();
    test::without("membarrier", SYS_membarrier, [&] {
        const Errc code = Parcels::open(name).code();
        REQUIRE(code == (has_fences ? Errc::unsupported : Errc::ok));
        Parcels bare = make_parcels(bare_name, 4);  // Its users take the slower barriers.
        REQUIRE(bare.put(Parcel::make(1, 1)).ok());
        REQUIRE(Parcels::open(bare_name).expect("opening").get(kLong).ok());
        return 0;
    });
    // One who opened it before he was refused them.
    test::without("membarrier", SYS_membarrier, [&] {
        const Errc code = queue.put(Parcel::make(1, 1), kLong).code();
        REQUIRE(code == (has_fences ? Errc::unsupported : Errc::ok));
        return 0;
    });
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(whoever_knows_the_name_puts_and_gets_in_order),
        TIDY(a_queue_has_its_name_and_one_without_has_none),
        TIDY(the_name_goes_with_its_creator_unless_it_is_kept),
        TIDY(what_cannot_be_is_refused),
        TIDY(only_the_same_type_opens_a_queue),
        TIDY(access_is_as_asked_whatever_the_umask),
        TIDY(those_who_wait_are_woken_across_processes),
        TIDY(places_are_free_again_when_a_handle_is_closed_or_its_process_ends),
        TIDY(a_thread_uses_eight_named_queues_beside_its_family_s),
        TIDY(a_handle_that_ends_under_another_thread_leaves_its_memory),
        TIDY(a_handle_that_ends_alone_leaves_nothing_mapped),
        TIDY(what_went_with_the_dead_is_counted_for_each_queue),
        TIDY(who_cannot_join_the_fences_of_a_queue_is_told),
    };
    return cmocka_run_group_tests_name("named_queue", tests, nullptr, nullptr);
}
