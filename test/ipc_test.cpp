// Goal: `brood ipc stat` shows what a manager with a name holds, for people and for programs.
// Method: the command beside managers of this process.
#include "sum_host_support.hpp"

#include <brood/manager.hpp>

using brood::Manager;
using brood::Text;
using test::assert_has;
using test::assert_ok;
using test::Contents;
using test::run_script;

namespace {

constexpr const char* kName = "/brood-ipc-test";

void it_lists_the_objects(void**) {
    auto manager = Manager::create_named(kName, 1 << 20).expect("making the manager");
    const auto squares = manager.dict<int, Text<16>>("squares").expect("making a dict");
    for (int i = 0; i < 300; ++i) { assert_ok(squares.set(i, "many")); }
    assert_ok(manager.array<double>(7, "say \"seven\""));
    assert_ok(manager.event());
    assert_int_equal(run_script("exec $BROOD ipc stat /brood-ipc-test > found 2> errors"), 0);
    assert_string_equal(Contents("errors").text(), "");
    assert_has("found", "/brood-ipc-test: ");
    assert_has("found", " KiB used, 3 of 127 objects\n");
    assert_has("found",
               "dict               i32 -> text              300           0  yes   squares\n");
    assert_has("found", "array              f64                        7");
    assert_has("found", "event");
    assert_has("found", "  no    -\n");
    assert_int_equal(run_script("$BROOD ipc stat --json /brood-ipc-test > found && "
                                "{ ! command -v python3 > /dev/null || python3 -c '\n"
                                "import json, sys\n"
                                "all = json.load(open(\"found\"))\n"
                                "assert all[\"name\"] == \"/brood-ipc-test\"\n"
                                "found = {one[\"name\"]: one for one in all[\"objects\"]}\n"
                                "assert found[\"squares\"][\"count\"] == 300\n"
                                "assert found[\"say \\\"seven\\\"\"][\"elements\"] == \"f64\"\n"
                                "assert found[\"\"][\"kept\"] is False'; }"),
                     0);
}

void it_says_what_cannot_be_shown(void**) {
    assert_int_equal(run_script("exec $BROOD ipc stat /brood-no-such > found 2> errors"), 1);
    assert_has("errors", "brood ipc stat: /brood-no-such: ");
    assert_string_equal(Contents("found").text(), "");
    auto number = brood::Value<int>::create_named(kName, 1).expect("making a value");
    assert_int_equal(run_script("exec $BROOD ipc stat /brood-ipc-test > found 2> errors"), 1);
    assert_has("errors", "it holds another type");
}

void its_usage_is_checked(void**) {
    assert_int_equal(run_script("exec $BROOD ipc > found 2> errors"), 1);
    assert_has("errors", "brood ipc: say what to do\n  ipc stat ");
    assert_int_equal(run_script("exec $BROOD ipc look /x > found 2> errors"), 1);
    assert_has("errors", "say what to do, not 'look'");
    assert_int_equal(run_script("exec $BROOD ipc stat > found 2> errors"), 1);
    assert_has("errors", "give it one name of a manager");
    assert_int_equal(run_script("exec $BROOD ipc --help > found 2> errors"), 0);
    assert_has("found", "Usage: brood ipc COMMAND");
    assert_has("found", "  ipc stat  ");
    assert_int_equal(run_script("exec $BROOD ipc stat --help > found 2> errors"), 0);
    assert_has("found", "Usage: brood ipc stat [--json] NAME");
    assert_int_equal(run_script("exec $BROOD ipc stat --version > found 2> errors"), 0);
    assert_int_equal(run_script("exec $BROOD ipc stat -x /y > found 2> errors"), 1);
    assert_has("errors", "Try 'brood ipc stat --help'.");
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(it_lists_the_objects),
        cmocka_unit_test(it_says_what_cannot_be_shown),
        cmocka_unit_test(its_usage_is_checked),
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
