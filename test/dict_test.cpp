// Goal: Dict does what a Python user expects of Manager().dict(), from any process.
// Method: real managers; children that change what the parent reads.
#include "process_support.hpp"

#include <brood/manager.hpp>
#include <brood/text.hpp>

using brood::Dict;
using brood::Errc;
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
    assert_code((manager.find<Dict<int, long>>("squares")), Errc::type_mismatch);
    assert_code((manager.find<Dict<int, int>>("cubes")), Errc::not_found);
    assert_ok(found.drop());
    assert_code(dict.get(3), Errc::closed);
    assert_code(dict.drop(), Errc::closed);
    assert_code((manager.find<Dict<int, int>>("squares")), Errc::not_found);
    assert_int_equal(manager.stats()->objects, 0);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_sets_gets_and_erases),
        cmocka_unit_test(it_keeps_many_in_their_order),
        cmocka_unit_test(processes_count_together),
        cmocka_unit_test(it_is_found_by_its_name_and_dropped),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
