// Goal: Dict does what a Python user expects of Manager().dict(), from any process; its memory
// comes and goes with its items, and a full manager refuses whole calls.
// Method: real managers, some of them small; children that change what the parent reads, end, or
// are killed.
#include "process_support.hpp"

#include <string>
#include <unordered_map>
#include <vector>

#include <brood/lock.hpp>
#include <brood/manager.hpp>
#include <brood/text.hpp>

using brood::Bytes;
using brood::Dict;
using brood::Errc;
using brood::List;
using brood::Manager;
using brood::Text;
using test::assert_code;
using test::assert_ok;

static void it_sets_gets_and_erases(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<Text<16>, int>().expect("making a dict");
    assert_code(dict.get("one"), Errc::not_found);
    assert_ok(dict.set("one", 1));
    assert_ok(dict.set("two", 2));
    assert_int_equal(*dict.get("one"), 1);
    assert_ok(dict.set("one", 11));
    assert_int_equal(*dict.get("one"), 11);
    assert_int_equal(*dict.size(), 2);
    assert_true(*dict.contains("two"));
    assert_false(*dict.contains("three"));
    assert_int_equal(*dict.get_or("three", 3), 3);
    assert_int_equal(*dict.setdefault("three", 33), 33);
    assert_int_equal(*dict.setdefault("three", 34), 33);
    assert_int_equal(*dict.pop("three"), 33);
    assert_code(dict.pop("three"), Errc::not_found);
    assert_ok(dict.erase("one"));
    assert_code(dict.erase("one"), Errc::not_found);
    assert_int_equal(*dict.size(), 1);
    assert_ok(dict.clear());
    assert_int_equal(*dict.size(), 0);
    assert_code(dict.get("two"), Errc::not_found);
}

static void it_keeps_many_in_their_order(void**) {
    constexpr int kMany = 100000;
    auto manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<int, int>().expect("making a dict");
    const std::uint64_t used = manager.stats()->bytes_used;
    for (int i = 0; i < kMany; ++i) { assert_ok(dict.set(i * 7, i)); }
    for (int i = 0; i < kMany; ++i) { assert_int_equal(*dict.get(i * 7), i); }
    int next = 0;
    for (const auto [key, value] : dict.items().expect("copying")) {
        assert_int_equal(key, next * 7);
        assert_int_equal(value, next++);
    }
    assert_int_equal(next, kMany);
    int key = 0, value = 0;
    assert_ok(dict.popitem(key, value));
    assert_int_equal(value, kMany - 1);
    for (int i = 0; i < kMany - 1; ++i) { assert_ok(dict.erase(i * 7)); }
    assert_int_equal(*dict.size(), 0);
    print_message("%lu, then %lu\n", static_cast<unsigned long>(used),
                  static_cast<unsigned long>(manager.stats()->bytes_used));
    assert_true(manager.stats()->bytes_used <= used + 65536);
}

static void processes_count_together(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<Text<16>, int>().expect("making a dict");
    brood::Process workers[4];
    for (auto& worker : workers) {
        worker = brood::Process([=] {
            for (int i = 0; i < 1000; ++i) {
                dict.update("count", [](int& count) { ++count; }).expect("counting");
            }
        });
        assert_ok(worker.start());
    }
    for (auto& worker : workers) {
        assert_ok(worker.join());
        assert_int_equal(*worker.exit_code(), 0);
    }
    assert_int_equal(*dict.get("count"), 4000);
}

static void it_is_found_by_its_name_and_dropped(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<int, int>("squares").expect("making a dict");
    assert_code((manager.dict<int, int>("squares")), Errc::already_exists);
    assert_ok(dict.set(3, 9));
    const auto found = manager.find<Dict<int, int>>("squares").expect("finding");
    assert_int_equal(*found.get(3), 9);
    assert_code((manager.find<Dict<int, long long>>("squares")), Errc::type_mismatch);
    assert_code((manager.find<Dict<int, int>>("cubes")), Errc::not_found);
    assert_ok(found.drop());
    assert_code(dict.get(3), Errc::closed);
    assert_code(dict.drop(), Errc::closed);
    assert_code((manager.find<Dict<int, int>>("squares")), Errc::not_found);
    assert_int_equal(manager.stats()->objects, 0);
}

// ---- Edges of calls ----------------------------------------------------------------------------

static void setdefault_update_and_popitem_at_their_edges(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<int, int>().expect("making a dict");
    int key = 5, value = 6;
    assert_code(dict.popitem(key, value), Errc::not_found);
    assert_int_equal(*dict.setdefault(1, 10), 10);
    assert_int_equal(*dict.setdefault(1, 11), 10);
    assert_ok(dict.update(2, [](int& at) { at += 20; }));  // From V().
    assert_ok(dict.update(1, [](int& at) { at += 5; }));
    assert_int_equal(*dict.get(1), 15);
    assert_ok(dict.set(1, 12));  // Stays the older one.
    assert_ok(dict.popitem(key, value));
    assert_int_equal(key, 2);
    assert_int_equal(value, 20);
    assert_ok(dict.popitem(key, value));
    assert_int_equal(key, 1);
    assert_int_equal(value, 12);
    assert_code(dict.popitem(key, value), Errc::not_found);
    assert_int_equal(*dict.size(), 0);
    assert_ok(dict.set(3, 30));
    assert_int_equal(dict.items()->size(), 1);
}

static void items_are_a_copy_of_one_moment(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<int, int>().expect("making a dict");
    for (const auto [key, value] : dict.items().expect("copying")) {
        fail_msg("%d %d", key, value);
    }
    for (int i = 0; i < 100; ++i) { assert_ok(dict.set(i, i)); }
    const auto items = dict.items().expect("copying");
    assert_ok(dict.clear());
    assert_ok(dict.set(7, 1));
    int next = 0;
    for (const auto [key, value] : items) {
        assert_int_equal(key, next);
        assert_int_equal(value, next++);
    }
    assert_int_equal(next, 100);
    assert_int_equal(items.size(), 100);
}

static void a_function_may_not_use_the_dict_it_was_given_to(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<int, int>().expect("making a dict");
    const auto other = manager.dict<int, int>().expect("making a dict");
    assert_ok(dict.update(1, [&](int& value) {
        assert_code(dict.set(2, 2), Errc::would_deadlock);
        assert_code(dict.get(1), Errc::would_deadlock);
        assert_code(dict.size(), Errc::would_deadlock);
        assert_code(dict.clear(), Errc::would_deadlock);
        assert_code(dict.items(), Errc::would_deadlock);
        assert_code(dict.drop(), Errc::would_deadlock);
        assert_ok(other.set(3, 3));
        value = 9;
    }));
    assert_int_equal(*dict.get(1), 9);
    assert_int_equal(*dict.size(), 1);
    assert_int_equal(*other.get(3), 3);
}

template <class K>
static void assert_keys_of_any_length(const Manager& manager, K (*make)(std::size_t length)) {
    const auto dict = manager.dict<K, int>().expect("making a dict");
    for (int length = 0; length <= 300; ++length) {
        assert_ok(dict.set(make(static_cast<std::size_t>(length)), length));
    }
    for (int length = 0; length <= 300; ++length) {
        assert_int_equal(*dict.get(make(static_cast<std::size_t>(length))), length);
    }
    int next = 0;
    for (const auto& item : dict.items().expect("copying")) {
        assert_true(item.key == make(static_cast<std::size_t>(next)));
        assert_int_equal(item.value, next++);
    }
    for (int length = 0; length <= 300; length += 2) {
        assert_ok(dict.erase(make(static_cast<std::size_t>(length))));
    }
    assert_int_equal(*dict.size(), 150);
    assert_code(dict.get(make(0)), Errc::not_found);
    assert_int_equal(*dict.get(make(1)), 1);
}

// Each of the bytes 0 or 'a': so keys are told apart by their lengths alone.
static void keys_are_of_any_length(void**) {
    auto manager = Manager::create().expect("making the manager");
    assert_keys_of_any_length<Text<301>>(manager, [](std::size_t length) {
        return *Text<301>::from(std::string(length, 'a').c_str());
    });
    assert_keys_of_any_length<Bytes<300>>(manager, [](std::size_t length) {
        return *Bytes<300>::from(std::string(length, '\0').c_str(), length);
    });
}

static void values_are_of_any_length(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<int, Text<6000>>().expect("making a dict");
    const auto text_of = [](std::size_t length) {
        return *Text<6000>::from(std::string(length, 'v').c_str());
    };
    constexpr std::size_t kLengths[] = {0, 1, 200, 256, 257, 3000, 5999, 300, 2, 0};
    for (const std::size_t length : kLengths) {
        assert_ok(dict.set(1, text_of(length)));
        assert_true(*dict.get(1) == text_of(length));
        assert_ok(dict.set(2, text_of(7)));
        assert_ok(dict.set(3, text_of(2)));  // Beside the first, while that is short.
    }
    assert_ok(dict.set(1, text_of(1)));
    assert_ok(dict.set(4, text_of(2)));
    assert_ok(dict.set(1, text_of(200)));
    assert_true(*dict.get(3) == text_of(2));
    assert_true(*dict.get(4) == text_of(2));
    assert_ok(dict.erase(3));
    assert_ok(dict.erase(4));
    assert_ok(dict.set(1, text_of(100)));
    const Dict<int, Text<50>> shorter(dict);
    assert_code(shorter.get(1), Errc::buffer_too_short);
    assert_code(shorter.pop(1), Errc::buffer_too_short);
    assert_code(shorter.setdefault(1, "x"), Errc::buffer_too_short);
    assert_code(shorter.update(1, [](Text<50>&) { fail(); }), Errc::buffer_too_short);
    assert_int_equal(shorter.get(1).error().detail(), 100);
    int key = 0;
    Text<50> value;
    assert_true(*dict.pop(2) == text_of(7));
    assert_code(shorter.popitem(key, value), Errc::buffer_too_short);
    assert_true(*dict.get(1) == text_of(100));
}

// ---- Objects in objects ------------------------------------------------------------------------

static void containers_are_values(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto pets = manager.dict<Text<16>, int>().expect("making a dict");
    const auto all = manager.dict<Text<16>, Dict<Text<16>, int>>().expect("making a dict");
    assert_ok(pets.set("ferrets", 2));
    assert_ok(all.set("pets", pets));
    assert_int_equal(*all.get("pets")->get("ferrets"), 2);
    assert_ok(all.get("pets")->set("hamsters", 4));
    assert_int_equal(*pets.get("hamsters"), 4);
    const auto lists = manager.dict<int, List<int>>().expect("making a dict");
    for (int i = 0; i < 10; ++i) {
        const auto list = lists.setdefault(i % 3, manager.list<int>().expect("making a list"));
        assert_ok(list->append(i));
    }
    assert_int_equal(*lists.get(0)->size(), 4);
    assert_int_equal(*lists.get(2)->get(-1), 8);
    // What goes from a container is not dropped; what is dropped may not come into one.
    assert_ok(all.erase("pets"));
    assert_int_equal(*pets.get("ferrets"), 2);
    assert_ok(pets.drop());
    assert_code(all.set("pets", pets), Errc::closed);
    assert_code(all.setdefault("pets", pets), Errc::closed);
    assert_false(*all.contains("pets"));
    const auto none = Dict<Text<16>, int>();
    assert_ok(all.set("nothing", none));
    assert_code(all.get("nothing")->get("x"), Errc::closed);
    auto stranger = Manager::create().expect("making the manager");
    assert_code(all.set("theirs", stranger.dict<Text<16>, int>().expect("making a dict")),
                Errc::closed);
}

static void what_a_killed_maker_left_is_swept_unless_it_was_kept(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto all = manager.dict<int, Dict<int, int>>().expect("making a dict");
    const auto left = manager.dict<int, Dict<int, int>>().expect("making a dict");
    struct Talk {
        Dict<int, int> lost, kept;
    };
    const test::Board<Talk> talk;
    test::Handshake done;
    const pid_t maker = test::child([&] {
        const auto make = [&](const char* name) {
            const auto dict = manager.dict<int, int>(name).expect("making a dict");
            dict.set(1, 1).expect("setting");
            return dict;
        };
        talk->lost = make("");
        talk->kept = make("");
        CHILD_EXPECT(talk->kept.keep().ok());
        CHILD_EXPECT(all.set(1, make("")).ok());
        CHILD_EXPECT(all.update(2, [&](Dict<int, int>& at) { at = make(""); }).ok());
        CHILD_EXPECT(make("named") != talk->lost);
        done.tell();
        for (;;) { pause(); }
        return 0;
    });
    assert_true(done.await());
    assert_int_equal(*talk->lost.get(1), 1);
    assert_int_equal(manager.stats()->objects, 7);
    assert_int_equal(test::killed(maker), -SIGKILL);
    for (int i = 0; i < 8; ++i) {
        assert_ok(manager.dict<int, int>().expect("making a dict").drop());
    }
    assert_int_equal(manager.stats()->objects, 6);
    assert_code(talk->lost.get(1), Errc::closed);
    assert_int_equal(*talk->kept.get(1), 1);
    assert_int_equal(*all.get(1)->get(1), 1);
    assert_int_equal(*all.get(2)->get(1), 1);
    assert_int_equal(*(manager.find<Dict<int, int>>("named")->get(1)), 1);
    assert_ok(left.drop());
}

static void a_manager_that_came_after_the_fork_is_not_there(void**) {
    auto early = Manager::create().expect("making the manager");
    const test::Board<Dict<int, int>> talk;
    test::Handshake made;
    const pid_t child = test::child([&] {
        CHILD_EXPECT(made.await());
        CHILD_EXPECT(talk->get(1).error() == Errc::wrong_process);
        CHILD_EXPECT(talk->set(1, 1).code() == Errc::wrong_process);
        CHILD_EXPECT(talk->drop().code() == Errc::wrong_process);
        CHILD_EXPECT(talk->keep().code() == Errc::wrong_process);
        return 0;
    });
    auto late = Manager::create().expect("making the manager");
    *talk = late.dict<int, int>().expect("making a dict");
    made.tell();
    assert_int_equal(test::join_child(child), 0);
    assert_ok(talk->set(1, 1));
    late.close();
    assert_code(talk->get(1), Errc::wrong_process);
    assert_code((late.dict<int, int>()), Errc::closed);
}

// ---- Memory ------------------------------------------------------------------------------------

static void large_values_come_and_go(void**) {
    constexpr std::size_t kLarge = std::size_t{1} << 20;
    auto manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<int, Bytes<kLarge>>().expect("making a dict");
    static Bytes<kLarge> value;
    static brood::Result<Bytes<kLarge>> found = Errc::empty;
    const std::uint64_t before = manager.stats()->bytes_used;
    for (int i = 0; i < 16; ++i) {
        const std::string filling(kLarge - static_cast<std::size_t>(i), static_cast<char>('a' + i));
        value = *Bytes<kLarge>::from(filling.data(), filling.size());
        assert_ok(dict.set(i, value));
    }
    assert_true(manager.stats()->bytes_used > before + 15 * kLarge);
    for (int i = 0; i < 16; ++i) {
        found = dict.pop(i);
        assert_int_equal(found->size(), kLarge - static_cast<std::size_t>(i));
        assert_int_equal(found->data()[found->size() - 1], 'a' + i);
    }
    assert_true(manager.stats()->bytes_used < before + 256 * 1024);
}

// 32 MiB in all go through a manager of 4.
static void memory_stays_flat(void**) {
    auto manager = Manager::create(4 << 20).expect("making the manager");
    const auto dict = manager.dict<int, Text<1000>>().expect("making a dict");
    const std::uint64_t before = manager.stats()->bytes_used;
    std::uint64_t bytes = 0, most = 0;
    test::Random random(32);
    for (int i = 0; bytes < std::uint64_t{32} << 20; ++i) {
        const std::string text(random.below(1000), 'x');
        assert_ok(dict.set(i, *Text<1000>::from(text.c_str())));
        if (i >= 1000) { assert_ok(dict.erase(i - 1000)); }
        bytes += text.size();
        if (i == 5000) { most = manager.stats()->bytes_used; }
    }
    assert_int_equal(*dict.size(), 1000);
    assert_true(manager.stats()->bytes_used < most + 256 * 1024);
    assert_ok(dict.clear());
    assert_true(manager.stats()->bytes_used < before + 256 * 1024);
}

static void a_full_manager_refuses_whole_calls(void**) {
    auto manager = Manager::create(256 * 1024).expect("making the manager");
    const auto dict = manager.dict<int, Text<200>>().expect("making a dict");
    const auto text_of = [](int i) {
        return *Text<200>::from(std::string(199, static_cast<char>('a' + i % 26)).c_str());
    };
    int count = 0;
    brood::Status status;
    while ((status = dict.set(count, text_of(count))).ok()) { ++count; }
    assert_code(status, Errc::no_space);
    assert_true(count > 100);
    assert_code(dict.setdefault(count, text_of(1)), Errc::no_space);
    assert_code(dict.update(count, [&](Text<200>& text) { text = text_of(1); }), Errc::no_space);
    assert_false(*dict.contains(count));
    assert_int_equal(*dict.size(), count);
    int next = 0;
    for (const auto& item : dict.items().expect("copying")) {
        assert_int_equal(item.key, next);
        assert_true(item.value == text_of(next++));
    }
    assert_int_equal(next, count);
    // What takes nothing more works, and what gives something back.
    assert_ok(dict.set(0, text_of(3)));
    assert_ok(dict.erase(1));
    assert_ok(dict.set(count, text_of(count)));
    assert_ok(dict.clear());
    for (int i = 0; i < count; ++i) { assert_ok(dict.set(i, text_of(i))); }
}

static void objects_run_out_and_come_back(void**) {
    auto manager = Manager::create(256 * 1024).expect("making the manager");
    std::vector<Dict<int, int>> all;
    brood::Result<Dict<int, int>> made = manager.dict<int, int>();
    for (; made.ok(); made = manager.dict<int, int>()) { all.push_back(*made); }
    assert_code(made, Errc::full);
    assert_int_equal(all.size(), manager.stats()->objects_max);
    assert_ok(all.back().drop());
    assert_ok(manager.dict<int, int>());
}

// ---- Many calls, many processes ----------------------------------------------------------------

static void it_is_as_a_map_after_any_calls(void**) {
    auto manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<std::uint32_t, int>().expect("making a dict");
    std::unordered_map<std::uint32_t, int> model;
    test::Random random(42);
    for (int round = 0; round < 100000; ++round) {
        const std::uint32_t key = random.below(round / 20000 % 2 == 0 ? 20000 : 200);
        if (random.below(3) != 0) {
            assert_ok(dict.set(key, round));
            model[key] = round;
        } else {
            const auto popped = dict.pop(key);
            const auto at = model.find(key);
            assert_int_equal(popped.ok(), at != model.end());
            if (at == model.end()) { continue; }
            assert_int_equal(*popped, at->second);
            model.erase(at);
        }
        if (round == 50000) {
            assert_ok(dict.clear());
            model.clear();
        }
    }
    assert_int_equal(*dict.size(), model.size());
    for (const auto [key, value] : dict.items().expect("copying")) {
        assert_int_equal(value, model.at(key));
    }
}

// The program of the notes: a hundred processes count to a hundred each.
static void a_hundred_processes_count(void**) {
    constexpr int kProcesses = 100, kEach = 100;
    auto manager = Manager::create().expect("making the manager");
    auto lock = brood::Lock::create().expect("making the lock");
    const auto dict = manager.dict<Text<16>, int>().expect("making a dict");
    assert_ok(dict.set("locked", 0));
    assert_ok(dict.set("careless", 0));
    std::vector<pid_t> workers;
    for (int i = 0; i < kProcesses; ++i) {
        workers.push_back(test::child([&] {
            for (int n = 0; n < kEach; ++n) {
                {
                    const auto hold = lock.acquire();
                    CHILD_EXPECT(hold.status().ok());
                    CHILD_EXPECT(dict.set("locked", *dict.get("locked") + 1).ok());
                }
                CHILD_EXPECT(dict.update("updated", [](int& count) { ++count; }).ok());
                // As in Python, two may read the same, and one count is lost.
                CHILD_EXPECT(dict.set("careless", *dict.get("careless") + 1).ok());
            }
            return 0;
        }));
    }
    for (const pid_t worker : workers) { assert_int_equal(test::join_child(worker, 60000), 0); }
    assert_int_equal(*dict.get("locked"), kProcesses * kEach);
    assert_int_equal(*dict.get("updated"), kProcesses * kEach);
    assert_in_range(*dict.get("careless"), kEach, kProcesses * kEach);
    print_message("without a lock %d are counted of %d\n", *dict.get("careless"),
                  kProcesses * kEach);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_sets_gets_and_erases),
        cmocka_unit_test(it_keeps_many_in_their_order),
        cmocka_unit_test(processes_count_together),
        cmocka_unit_test(it_is_found_by_its_name_and_dropped),
        cmocka_unit_test(setdefault_update_and_popitem_at_their_edges),
        cmocka_unit_test(items_are_a_copy_of_one_moment),
        cmocka_unit_test(a_function_may_not_use_the_dict_it_was_given_to),
        cmocka_unit_test(keys_are_of_any_length),
        cmocka_unit_test(values_are_of_any_length),
        cmocka_unit_test(containers_are_values),
        cmocka_unit_test(what_a_killed_maker_left_is_swept_unless_it_was_kept),
        cmocka_unit_test(a_manager_that_came_after_the_fork_is_not_there),
        cmocka_unit_test(large_values_come_and_go),
        cmocka_unit_test(memory_stays_flat),
        cmocka_unit_test(a_full_manager_refuses_whole_calls),
        cmocka_unit_test(objects_run_out_and_come_back),
        cmocka_unit_test(it_is_as_a_map_after_any_calls),
        cmocka_unit_test(a_hundred_processes_count),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
