// Goal: `brood ipc rm` removes names, asks before it does, and removes what is in use only when it
// is told to; where the system tells less, all of `brood ipc` says what cannot be known.
// Method: as ipc_test's; answers come from a pseudo terminal, systems are made by mounts.
#include "ipc_support.hpp"
#include "process_support.hpp"

#include <brood/named_semaphore.hpp>

using brood::NamedSemaphore;
using brood::Value;
using test::assert_has;
using test::assert_ok;
using test::Contents;
using test::run_script;
using namespace test::ipc;

namespace {

void what_is_in_use_is_removed_by_force_alone_and_stays_with_its_users(void**) {
    auto value = Value<int>::create_named("/ipc-busy", 42).expect("making a value");
    assert_int_equal(run_ipc("rm /ipc-busy"), 1);
    char wanted[200];
    snprintf(
        wanted, sizeof wanted,
        "brood ipc rm: /ipc-busy: not removed: in use by %d (%s); -f removes it all the same\n",
        getpid(), own_program());
    assert_string_equal(Contents("errors").text(), wanted);
    assert_ok(Value<int>::open("/ipc-busy"));
    assert_int_equal(run_ipc("rm --unused -f"), 0);
    assert_ok(Value<int>::open("/ipc-busy"));
    assert_int_equal(run_ipc("rm -f /ipc-busy"), 0);
    test::assert_code(Value<int>::open("/ipc-busy"), brood::Errc::not_found);
    assert_int_equal(value.value(), 42);
    assert_int_equal(run_ipc("rm -f /ipc-busy"), 1);
    assert_has("errors", "brood ipc rm: /ipc-busy: No such file or directory\n");
}

/// The command with a terminal that says `answer`.
int answer(const char* arguments, const char* answer) {
    const test::Terminal terminal;
    assert_int_equal(write(terminal.master(), answer, strlen(answer)), strlen(answer));
    char script[400];
    snprintf(script, sizeof script, "exec $BROOD ipc %s > found 2> errors < %s", arguments,
             ptsname(terminal.master()));
    return run_script(script);
}

void it_asks_on_a_terminal_and_nowhere_else(void**) {
    leave_value("/ipc-left");
    assert_int_equal(run_ipc("rm /ipc-left"), 1);
    assert_has("errors", "/ipc-left: not removed: no terminal to ask on; -f does not ask\n");
    for (const char* no : {"n\n", "\n", "\4", "no y\n"}) {
        assert_int_equal(answer("rm /ipc-left", no), 0);
        assert_has("errors", "remove brood value /ipc-left, orphaned? [y/N] ");
        assert_int_equal(run_ipc("stat /ipc-left"), 0);
    }
    assert_int_equal(answer("rm /ipc-left", "y\n"), 0);
    assert_int_equal(run_ipc("stat /ipc-left"), 1);
    // What is in use is not even asked for.
    const auto value = Value<int>::create_named("/ipc-busy", 1).expect("making a value");
    assert_int_equal(answer("rm /ipc-busy", "y\n"), 1);
    assert_has("errors", "in use by");
    assert_ok(Value<int>::open("/ipc-busy"));
}

// Between question and answer somebody may open it, or another may get its name.
void it_looks_again_when_it_has_an_answer(void**) {
    leave_value("/ipc-left");
    const test::Terminal terminal;
    const auto begin = [&] {
        char script[400];
        snprintf(script, sizeof script, "exec $BROOD ipc rm /ipc-left > found 2> errors < %s",
                 ptsname(terminal.master()));
        const pid_t shell = test::start_child([&]() -> int {
            execl("/bin/bash", "bash", "-c", script, nullptr);
            return 126;
        });
        assert_true(test::eventually([] { return Contents("errors").has("[y/N]"); }));
        return shell;
    };
    {
        const pid_t shell = begin();
        const auto opened = Value<int>::open("/ipc-left").expect("opening");
        assert_int_equal(write(terminal.master(), "y\n", 2), 2);
        assert_int_equal(test::join_child(shell), 1);
        assert_has("errors", "not removed: in use by");
    }
    test::prepare("rm errors");
    const pid_t shell = begin();
    remove_object("/ipc-left");
    make_object("/ipc-left", "x", 1);
    assert_int_equal(write(terminal.master(), "y\n", 2), 2);
    assert_int_equal(test::join_child(shell), 1);
    assert_has("errors", "/ipc-left: not removed: it is another by now\n");
    remove_object("/ipc-left");
}

void of_several_with_one_name_one_must_be_chosen(void**) {
    make_object("/ipc-many", "x", 1);
    auto semaphore = NamedSemaphore::create("/ipc-many", 3).expect("a semaphore");
    semaphore.keep_name();
    semaphore.close();
    assert_int_equal(run_ipc("rm -f /ipc-many"), 1);
    assert_has("errors", "/ipc-many: there are several of that name: say which by --type\n");
    assert_int_equal(run_ipc("rm -f -t sem /ipc-many"), 0);
    assert_int_equal(run_ipc("stat -t sem /ipc-many"), 1);
    assert_int_equal(run_ipc("stat /ipc-many"), 0);
    assert_int_equal(run_ipc("rm -f /ipc-many"), 0);
}

void orphans_or_all_that_is_unused_go_together(void**) {
    if (!g_is_apart) { return test::not_run("rm --orphans", "others have names here"); }
    leave_value("/ipc-left-1");
    leave_value("/ipc-left-2");
    auto mine = Value<int>::create_named("/ipc-mine", 1).expect("making a value");
    mine.keep_name();
    mine = Value<int>();
    auto semaphore = NamedSemaphore::create("/ipc-semaphore", 3).expect("a semaphore");
    semaphore.keep_name();
    semaphore.close();
    const auto busy = Value<int>::create_named("/ipc-busy", 1).expect("making a value");
    assert_int_equal(run_ipc("rm --orphans"), 1);
    assert_has("errors", "/ipc-left-1: not removed: no terminal");
    assert_int_equal(answer("rm --orphans", "y\nn\n\4"), 0);
    assert_int_equal(run_ipc("stat /ipc-left-1"), 1);
    assert_int_equal(run_ipc("stat /ipc-left-2"), 0);
    assert_int_equal(run_ipc("rm --orphans -f"), 0);
    assert_int_equal(run_ipc("stat /ipc-left-2"), 1);
    assert_int_equal(run_ipc("stat /ipc-mine"), 0);
    assert_int_equal(run_ipc("rm --unused -f --type=shm"), 0);
    assert_int_equal(run_ipc("stat /ipc-mine"), 1);
    assert_int_equal(run_ipc("stat /ipc-semaphore"), 0);
    assert_int_equal(run_ipc("rm --unused -f"), 0);
    assert_int_equal(run_ipc("stat /ipc-semaphore"), 1);
    assert_int_equal(run_ipc("stat /ipc-busy"), 0);
}

bool cannot_mount(const char* what) {
    if (run_script("unshare --mount true 2> errors") == 0) { return false; }
    test::not_run(what, "no mount namespaces here");
    return true;
}

// ---- Where the system tells less ---------------------------------------------------------------

void without_proc_it_says_what_cannot_be_known(void**) {
    if (cannot_mount("a system without /proc")) { return; }
    if (test::kSanitized) {
        return test::not_run("a system without /proc", "LeakSanitizer needs it");
    }
    make_object("/ipc-quiet", "x", 1);
    const auto run = [](const char* arguments, const char* input) {
        char script[400];
        snprintf(
            script, sizeof script,
            "exec unshare --mount sh -c 'mount -t tmpfs none /proc && exec '\"$BROOD\"' ipc %s'"
            " > found 2> errors < %s",
            arguments, input);
        return run_script(script);
    };
    assert_int_equal(run("ls", "/dev/null"), 0);
    assert_line("shared memory +1 +0:0[0-9] +0600 +- +\\? +unknown +/ipc-quiet");
    assert_has("errors", "brood ipc ls: who uses them is not known: there is no /proc\n");
    assert_int_equal(run("ls --json", "/dev/null"), 0);
    assert_json("{t[\"name\"]: t[\"users\"] for t in data[\"things\"]}[\"/ipc-quiet\"] is None");
    assert_int_equal(run("stat /ipc-quiet", "/dev/null"), 0);
    assert_line("  users     not known: there is no /proc");
    assert_int_equal(run("rm --unused -f", "/dev/null"), 1);
    assert_has("errors", "who uses what is not known: there is no /proc\n");
    assert_int_equal(run_ipc("stat /ipc-quiet"), 0);
    {
        const test::Terminal terminal;
        assert_int_equal(write(terminal.master(), "y\n", 2), 2);
        assert_int_equal(run("rm /ipc-quiet", ptsname(terminal.master())), 0);
    }
    assert_has("errors", "remove shared memory /ipc-quiet, whose users are not known? [y/N] ");
    assert_int_equal(run_ipc("stat /ipc-quiet"), 1);
}

void without_a_place_for_objects_it_says_so(void**) {
    if (cannot_mount("a system without /dev/shm")) { return; }
    assert_int_equal(run_script("exec unshare --mount sh -c 'mount -t tmpfs none /dev && exec '"
                                "\"$BROOD\"' ipc ls' > found 2> errors"),
                     0);
    assert_string_equal(Contents("found").text(), "");
    assert_has("errors", "nothing is shared by a name\n");
    assert_has("errors", "shared memory and semaphores are not listed: there is no /dev/shm");
    assert_int_equal(run_script("exec unshare --mount sh -c 'mount -t tmpfs none /dev && exec '"
                                "\"$BROOD\"' ipc stat /x' > found 2> errors"),
                     1);
    assert_has("errors", "brood ipc stat: /x: ");
}

void names_do_no_harm_to_a_terminal(void**) {
    make_object("/ipc-\033[2J", "x", 1);
    assert_int_equal(run_ipc("ls"), 0);
    assert_has("found", "/ipc-\\033[2J");
    assert_int_equal(run_ipc("ls --json"), 0);
    assert_json("[t for t in data[\"things\"] if t[\"name\"] == \"/ipc-\\x1b[2J\"] != []");
    remove_object("/ipc-\033[2J");
}

}  // namespace

#define IPC_TEST(test) cmocka_unit_test_teardown(test, nothing_is_left)

int main() {
    const CMUnitTest tests[] = {
        IPC_TEST(what_is_in_use_is_removed_by_force_alone_and_stays_with_its_users),
        IPC_TEST(it_asks_on_a_terminal_and_nowhere_else),
        IPC_TEST(it_looks_again_when_it_has_an_answer),
        IPC_TEST(of_several_with_one_name_one_must_be_chosen),
        IPC_TEST(orphans_or_all_that_is_unused_go_together),
        IPC_TEST(without_proc_it_says_what_cannot_be_known),
        IPC_TEST(without_a_place_for_objects_it_says_so),
        IPC_TEST(names_do_no_harm_to_a_terminal),
    };
    return cmocka_run_group_tests(tests, enter, test::leave_folder);
}
