// Goal: what CPython's own tests ask of a manager's containers holds of ours. Each test of class
// _TestContainers in Lib/test/_test_multiprocessing.py (3.8 to 3.13) is here, in another test, or
// does not apply:
//
// test_list                    here; elements of one type each, so 'hello' goes to another list
// test_list_iter               here: an iterator of ours goes over a copy of one moment
// test_list_proxy_in_list      here
// test_dict                    here
// test_dict_iter               here: as of lists; so a dictionary that is changed meanwhile is no
//                              RuntimeError
// test_dict_proxy_nested       here; of two types in one list: test_namespace, which may hold them
// test_nested_queue            queues of a manager have tests of their own
// test_namespace               here; name_space_test
//
// Proxies are released by themselves in Python when nobody refers to them any more. Ours are
// handles without a count: drop() ends an object, and what is stored in another stays.
#include "support.hpp"

#include <vector>

#include <brood/manager.hpp>

using brood::Dict;
using brood::Errc;
using brood::List;
using brood::Manager;
using brood::Namespace;
using brood::Text;
using test::assert_code;
using test::assert_ok;

namespace {

using Numbers = std::vector<int>;

Numbers range(int count) {
    Numbers out;
    for (int i = 0; i < count; ++i) { out.push_back(i); }
    return out;
}

List<int> list_of(const Manager& manager, const Numbers& values) {
    const auto list = manager.list<int>().expect("making a list");
    assert_ok(list.extend(values.data(), values.size()));
    return list;
}

template <class T>
std::vector<T> all_of(const brood::Result<brood::ListItems<T>>& items) {
    assert_ok(items);
    std::vector<T> out;
    for (const T& item : *items) { out.push_back(item); }
    return out;
}

void test_list(void**) {
    const Manager manager = Manager::create().expect("making the manager");
    const auto a = list_of(manager, range(10));
    assert_true(all_of(a.items()) == range(10));

    const auto b = manager.list<int>().expect("making a list");
    assert_true(all_of(b.items()).empty());
    const Numbers five = range(5);
    assert_ok(b.extend(five.data(), five.size()));
    assert_true(all_of(b.items()) == five);
    assert_int_equal(*b.get(2), 2);
    assert_true(all_of(b.slice(2, 10)) == (Numbers{2, 3, 4}));
    assert_ok(b.extend(five.data(), five.size()));  // b *= 2
    const Numbers twice = {0, 1, 2, 3, 4, 0, 1, 2, 3, 4};
    assert_true(all_of(b.items()) == twice);
    assert_true(all_of(a.items()) == range(10));

    const List<int> d[] = {a, b};
    const auto e = manager.list<List<int>>().expect("making a list");
    assert_ok(e.extend(d, 2));
    std::vector<Numbers> inside;
    for (const auto& element : e.items().expect("copying")) {
        inside.push_back(all_of(element.items()));
    }
    assert_true(inside == (std::vector<Numbers>{range(10), twice}));

    const auto f = manager.list<List<int>>().expect("making a list");
    assert_ok(f.append(a));
    assert_ok(a.append(10));
    assert_true(all_of(f.get(0)->items()) == range(11));
}

void test_list_iter(void**) {
    const Manager manager = Manager::create().expect("making the manager");
    const auto a = list_of(manager, range(10));
    assert_true(all_of(a.items()) == range(10));
    assert_ok(a.set(0, 100));
    const auto items = a.items().expect("copying");
    assert_int_equal(*items.begin(), 100);
}

void test_list_proxy_in_list(void**) {
    const Manager manager = Manager::create().expect("making the manager");
    const auto a = manager.list<List<int>>().expect("making a list");
    for (int i = 0; i < 3; ++i) { assert_ok(a.append(list_of(manager, range(3)))); }
    for (const auto& inner : a.items().expect("copying")) {
        assert_true(all_of(inner.items()) == range(3));
    }
    assert_ok(a.get(0)->set(-1, 55));
    assert_true(all_of(a.get(0)->items()) == (Numbers{0, 1, 55}));
    for (int i = 1; i < 3; ++i) { assert_true(all_of(a.get(i)->items()) == range(3)); }
    assert_int_equal(*a.get(1)->pop(), 2);
    assert_int_equal(*a.get(1)->size(), 2);
    for (int i = 0; i < 3; i += 2) { assert_int_equal(*a.get(i)->size(), 3); }
    assert_ok(a.drop());

    const auto b = manager.list<brood::detail::ManagedHandle>().expect("making a list");
    assert_ok(b.append(b));
    assert_ok(b.drop());
}

void test_dict(void**) {
    const Manager manager = Manager::create().expect("making the manager");
    const auto d = manager.dict<int, char>().expect("making a dict");
    for (int i = 65; i < 70; ++i) { assert_ok(d.set(i, static_cast<char>(i))); }
    int next = 65;
    for (const auto [key, value] : d.items().expect("copying")) {
        assert_int_equal(key, next);
        assert_int_equal(value, next++);
    }
    assert_int_equal(next, 70);
}

void test_dict_iter(void**) {
    const Manager manager = Manager::create().expect("making the manager");
    const auto d = manager.dict<int, char>().expect("making a dict");
    for (int i = 65; i < 70; ++i) { assert_ok(d.set(i, static_cast<char>(i))); }
    const auto items = d.items().expect("copying");
    assert_ok(d.clear());
    int next = 65;
    for (const auto& item : items) { assert_int_equal(item.key, next++); }
    assert_int_equal(next, 70);
}

void test_dict_proxy_nested(void**) {
    using Counts = Dict<Text<16>, int>;
    const Manager manager = Manager::create().expect("making the manager");
    Counts pets = manager.dict<Text<16>, int>().expect("making a dict");
    Counts supplies = manager.dict<Text<16>, int>().expect("making a dict");
    assert_ok(pets.set("ferrets", 2));
    assert_ok(pets.set("hamsters", 4));
    assert_ok(supplies.set("water", 10));
    assert_ok(supplies.set("feed", 3));
    const auto d = manager.dict<Text<16>, Counts>().expect("making a dict");
    assert_ok(d.set("pets", pets));
    assert_ok(d.set("supplies", supplies));
    assert_int_equal(*supplies.get("water"), 10);
    assert_int_equal(*d.get("supplies")->get("water"), 10);
    assert_ok(d.get("supplies")->set("blankets", 5));
    assert_int_equal(*supplies.get("blankets"), 5);
    assert_int_equal(*d.get("supplies")->get("blankets"), 5);
    assert_ok(d.get("supplies")->set("water", 7));
    assert_int_equal(*supplies.get("water"), 7);

    pets = Counts();
    supplies = Counts();
    assert_int_equal(*d.get("pets")->get("ferrets"), 2);
    assert_ok(d.get("supplies")->set("blankets", 11));
    assert_int_equal(*d.get("supplies")->get("blankets"), 11);
    pets = *d.get("pets");
    supplies = *d.get("supplies");
    assert_ok(d.clear());
    assert_int_equal(*d.size(), 0);
    assert_int_equal(*supplies.get("water"), 7);
    assert_int_equal(*pets.get("hamsters"), 4);

    const auto l = manager.list<Counts>().expect("making a list");
    assert_ok(l.append(pets));
    assert_ok(l.append(supplies));
    assert_ok(l.get(0)->set("marmots", 1));
    assert_int_equal(*pets.get("marmots"), 1);
    assert_int_equal(*l.get(0)->get("marmots"), 1);

    const auto outer = manager.list<List<Counts>>().expect("making a list");
    assert_ok(outer.append(l));
    assert_int_equal(*outer.get(-1)->get(-1)->get("feed"), 3);
}

void test_namespace(void**) {
    const Manager manager = Manager::create().expect("making the manager");
    const Namespace n = manager.name_space().expect("making a namespace");
    assert_ok(n.set("name", Text<16>("Bob")));
    assert_ok(n.set("job", Text<16>("Builder")));
    assert_ok(n.set("_hidden", Text<16>("hidden")));
    assert_true(*n.get<Text<16>>("name") == "Bob");
    assert_true(*n.get<Text<16>>("job") == "Builder");
    assert_ok(n.erase("job"));
    std::vector<Text<16>> shown;
    for (const auto& item : n.items().expect("copying")) {
        if (item.name.c_str()[0] != '_') { shown.push_back(*item.get<Text<16>>()); }
    }
    assert_int_equal(shown.size(), 1);
    assert_true(shown[0] == "Bob");
    assert_true(*n.contains("name"));
    assert_false(*n.contains("job"));
    assert_code(n.get<Text<16>>("job"), Errc::not_found);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_iter),
        cmocka_unit_test(test_list_proxy_in_list),
        cmocka_unit_test(test_dict),
        cmocka_unit_test(test_dict_iter),
        cmocka_unit_test(test_dict_proxy_nested),
        cmocka_unit_test(test_namespace),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
