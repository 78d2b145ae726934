// Goal: Namespace does what a Python user expects of Manager().Namespace(), and refuses to read a
// value as what it is not.
// Method: each call, of each type; a table of types; small managers that are full; children.
#include "process_support.hpp"

#include <array>
#include <string>

#include <brood/manager.hpp>

using brood::Bytes;
using brood::Dict;
using brood::Errc;
using brood::List;
using brood::Manager;
using brood::Namespace;
using brood::Text;
using test::assert_code;
using test::assert_ok;

namespace {

enum class Colour : short { red = 3 };

struct Made {
    Manager manager = Manager::create().expect("making the manager");
    Namespace ns = manager.name_space().expect("making a namespace");
};

void attributes_have_values_of_any_type(void**) {
    const Made made;
    const Namespace& ns = made.ns;
    assert_code(ns.get<int>("x"), Errc::not_found);
    assert_ok(ns.set("x", 10));
    assert_ok(ns.set("ratio", 2.5));
    assert_ok(ns.set("on", true));
    assert_ok(ns.set("name", Text<32>("Bob")));
    assert_ok(ns.set("raw", *Bytes<8>::from("\0\1", 2)));
    assert_ok(ns.set("colour", Colour::red));
    assert_ok(ns.set("three", std::array<int, 3>{1, 2, 3}));
    assert_int_equal(*ns.get<int>("x"), 10);
    assert_true(*ns.get<double>("ratio") == 2.5);
    assert_true(*ns.get<bool>("on"));
    assert_true(*ns.get<Text<8>>("name") == "Bob");
    assert_int_equal(ns.get<Bytes<4>>("raw")->size(), 2);
    assert_true(*ns.get<Colour>("colour") == Colour::red);
    assert_int_equal((*ns.get<std::array<int, 3>>("three"))[2], 3);
    assert_int_equal(*ns.size(), 7);
    assert_true(*ns.contains("x"));
    assert_false(*ns.contains("y"));
    assert_ok(ns.set("x", Text<8>("ten")));  // Of another type from now on, in its old place.
    assert_true(*ns.get<Text<8>>("x") == "ten");
    assert_code(ns.get<int>("x"), Errc::type_mismatch);
    assert_ok(ns.erase("x"));
    assert_code(ns.erase("x"), Errc::not_found);
    assert_int_equal(*ns.size(), 6);
    assert_ok(ns.clear());
    assert_int_equal(*ns.size(), 0);
}

void a_value_is_read_as_what_it_is_only(void**) {
    const Made made;
    const Namespace& ns = made.ns;
    assert_ok(ns.set("int", 1));
    assert_code(ns.get<long long>("int"), Errc::type_mismatch);
    assert_code(ns.get<unsigned>("int"), Errc::type_mismatch);
    assert_code(ns.get<float>("int"), Errc::type_mismatch);
    assert_code(ns.get<Text<64>>("int"), Errc::type_mismatch);
    assert_code((ns.get<std::array<char, 4>>("int")), Errc::type_mismatch);
    assert_code(ns.get<List<int>>("int"), Errc::type_mismatch);
    const auto never = [](auto&) { fail(); };
    assert_code(ns.update<unsigned>("int", never), Errc::type_mismatch);
    assert_ok(ns.set("text", Text<64>("a text of some length")));
    assert_code(ns.get<Bytes<64>>("text"), Errc::type_mismatch);
    assert_code(ns.get<int>("text"), Errc::type_mismatch);  // Not that it is too long for one.
    assert_code(ns.get<Text<8>>("text"), Errc::buffer_too_short);
    assert_code(ns.update<Text<8>>("text", never), Errc::buffer_too_short);
    assert_int_equal(ns.get<Text<8>>("text").error().detail(), 21);
    assert_int_equal(*ns.get<int>("int"), 1);
}

void names_have_1_to_63_bytes(void**) {
    const Made made;
    const Namespace& ns = made.ns;
    const std::string fits(Namespace::kNameMax, 'n'), longer(Namespace::kNameMax + 1, 'n');
    assert_ok(ns.set(fits.c_str(), 1));
    assert_int_equal(*ns.get<int>(fits.c_str()), 1);
    const struct {
        const char* name;
        Errc code;
    } bad[] = {
        {"", Errc::name_empty}, {nullptr, Errc::name_empty}, {longer.c_str(), Errc::name_too_long}};
    for (const auto& row : bad) {
        assert_code(ns.set(row.name, 1), row.code);
        assert_code(ns.get<int>(row.name), row.code);
        assert_code(ns.update<int>(row.name, [](int&) { fail(); }), row.code);
        assert_code(ns.contains(row.name), row.code);
        assert_code(ns.erase(row.name), row.code);
    }
    assert_int_equal(*ns.size(), 1);
}

void items_tell_names_and_values_in_order(void**) {
    const Made made;
    const Namespace& ns = made.ns;
    assert_ok(ns.set("first", 1));
    assert_ok(ns.set(std::string(Namespace::kNameMax, 'n').c_str(), Text<8>("two")));
    assert_ok(ns.set("third", 3.0));
    assert_ok(ns.set("first", 11));
    const auto items = ns.items().expect("copying");
    assert_int_equal(items.size(), 3);
    int at = 0;
    for (const auto& item : items) {
        switch (at++) {
            case 0:
                assert_string_equal(item.name.c_str(), "first");
                assert_int_equal(*item.get<int>(), 11);
                assert_code(item.get<unsigned>(), Errc::type_mismatch);
                break;
            case 1:
                assert_int_equal(item.name.size(), Namespace::kNameMax);
                assert_true(*item.get<Text<8>>() == "two");
                assert_code(item.get<Text<3>>(), Errc::buffer_too_short);
                break;
            default: assert_true(*item.get<double>() == 3.0); break;
        }
    }
    assert_int_equal(at, 3);
    assert_ok(ns.clear());
    assert_int_equal(ns.items()->size(), 0);
}

void an_update_is_one_step(void**) {
    const Made made;
    const Namespace ns = made.ns;
    pid_t workers[4];
    for (pid_t& worker : workers) {
        worker = test::child([=] {
            for (int i = 0; i < 1000; ++i) {
                CHILD_EXPECT(ns.update<int>("count", [](int& count) { ++count; }).ok());
            }
            return 0;
        });
    }
    for (const pid_t worker : workers) { assert_int_equal(test::join_child(worker), 0); }
    assert_int_equal(*ns.get<int>("count"), 4000);
    assert_ok(ns.update<int>("count", [&](int&) {
        assert_code(ns.set("x", 1), Errc::would_deadlock);
        assert_code(ns.get<int>("count"), Errc::would_deadlock);
    }));
}

// What is stored by its handle outlives its maker.
void objects_are_attributes(void**) {
    const Made made;
    const Namespace ns = made.ns;
    const Manager& manager = made.manager;
    const pid_t maker = test::child([&] {
        const auto list = manager.list<int>().expect("making a list");
        CHILD_EXPECT(list.append(7).ok() && ns.set("list", list).ok());
        const auto inner = manager.name_space().expect("making a namespace");
        CHILD_EXPECT(inner.set("deep", 8).ok());
        CHILD_EXPECT(ns.update<Namespace>("inner", [=](Namespace& at) { at = inner; }).ok());
        CHILD_EXPECT(manager.list<int>().ok());  // One that nobody stores.
        return 0;
    });
    assert_int_equal(test::join_child(maker), 0);
    for (int i = 0; i < 8; ++i) { assert_ok(manager.list<int>().expect("making a list").drop()); }
    assert_int_equal(manager.stats()->objects, 3);
    assert_int_equal(*ns.get<List<int>>("list")->get(0), 7);
    assert_int_equal(*ns.get<Namespace>("inner")->get<int>("deep"), 8);
    const auto gone = *ns.get<List<int>>("list");
    assert_ok(gone.drop());
    assert_code(ns.set("again", gone), Errc::closed);
    assert_false(*ns.contains("again"));
}

void it_is_found_by_its_name_and_dropped(void**) {
    const Made made;
    const Namespace ns = made.manager.name_space("settings").expect("making a namespace");
    assert_ok(ns.set("x", 1));
    const auto found = made.manager.find<Namespace>("settings").expect("finding");
    assert_int_equal(*found.get<int>("x"), 1);
    // A dictionary is no namespace, and the other way round.
    using TextDict = Dict<Namespace::Name, int>;
    assert_code(made.manager.find<TextDict>("settings"), Errc::type_mismatch);
    assert_code(TextDict(ns).set("x", 1), Errc::type_mismatch);
    assert_ok(found.drop());
    assert_code(ns.set("x", 1), Errc::closed);
    assert_code(ns.get<int>("x"), Errc::closed);
    assert_code(ns.contains("x"), Errc::closed);
    assert_code(ns.erase("x"), Errc::closed);
    assert_code(ns.size(), Errc::closed);
    assert_code(ns.clear(), Errc::closed);
    assert_code(ns.items(), Errc::closed);
    assert_code(Namespace().set("x", 1), Errc::closed);
}

void a_full_manager_refuses_whole_calls(void**) {
    const Manager manager = Manager::create(256 * 1024).expect("making the manager");
    const Namespace ns = manager.name_space().expect("making a namespace");
    int count = 0;
    brood::Status status;
    for (;; ++count) {
        status = ns.set(std::to_string(count).c_str(), std::array<int, 100>{count});
        if (!status.ok()) { break; }
    }
    assert_code(status, Errc::no_space);
    assert_true(count > 50);
    assert_false(*ns.contains(std::to_string(count).c_str()));
    for (int i = 0; i < count; ++i) {
        const auto value = ns.get<std::array<int, 100>>(std::to_string(i).c_str());
        assert_int_equal((*value)[0], i);
    }
    assert_ok(ns.erase("0"));
    assert_ok(ns.set("new", std::array<int, 100>{1}));
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(attributes_have_values_of_any_type),
        cmocka_unit_test(a_value_is_read_as_what_it_is_only),
        cmocka_unit_test(names_have_1_to_63_bytes),
        cmocka_unit_test(items_tell_names_and_values_in_order),
        cmocka_unit_test(an_update_is_one_step),
        cmocka_unit_test(objects_are_attributes),
        cmocka_unit_test(it_is_found_by_its_name_and_dropped),
        cmocka_unit_test(a_full_manager_refuses_whole_calls),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
