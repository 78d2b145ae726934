// Goal: `brood ipc` lists and shows what programs share by a name, and says truly who uses it and
// what was left behind.
// Method: the command beside objects of this process and of children that map, die and leave them,
// where it may in a /dev/shm and with message queues of its own.
#include "ipc_support.hpp"

#include <brood/array.hpp>
#include <brood/manager.hpp>
#include <brood/message_queue.hpp>
#include <brood/named_semaphore.hpp>
#include <brood/pool.hpp>
#include <brood/queue.hpp>
#include <port/port.hpp>
#include <src/named_object.hpp>
#include <src/segment_layout.hpp>

using brood::Manager;
using brood::MessageQueue;
using brood::NamedSemaphore;
using brood::Pool;
using brood::PoolOptions;
using brood::Queue;
using brood::SharedMemory;
using brood::Text;
using brood::Value;
using test::assert_has;
using test::assert_ok;
using test::Contents;
using test::run_script;
using namespace test::ipc;

namespace {

// ---- ls ----------------------------------------------------------------------------------------

void each_kind_has_a_line_with_maker_users_and_mode(void**) {
    const int own = getpid();
    const auto value = Value<int>::create_named("/ipc-value", 1).expect("making a value");
    const auto array = brood::Array<double>::create_named("/ipc-array", 7).expect("an array");
    const auto queue = Queue<int>::create_named("/ipc-queue", 10).expect("making a queue");
    const auto manager = Manager::create_named("/ipc-manager", 1 << 20).expect("a manager");
    const auto memory = SharedMemory::create("/ipc-memory", 9999, brood::Access::group);
    assert_ok(memory);
    const auto semaphore = NamedSemaphore::create("/ipc-semaphore", 3).expect("a semaphore");
    assert_int_equal(run_ipc("ls"), 0);
    assert_line("KIND +BYTES +AGE +MODE +CREATOR +USERS +STATE +NAME");
    assert_line("brood value +132 +0:0[0-9] +0600 +%d +1 +used +/ipc-value", own);
    assert_line("brood array +184 +0:0[0-9] +0600 +%d +1 +used +/ipc-array", own);
    assert_line("brood queue +[0-9]+ +0:0[0-9] +0600 +%d +1 +used +/ipc-queue", own);
    assert_line("brood manager +[0-9]+ +0:0[0-9] +0600 +%d +1 +used +/ipc-manager", own);
    assert_line("shared memory +9999 +0:0[0-9] +0660 +- +1 +used +/ipc-memory");
    assert_line("semaphore +[0-9]+ +0:0[0-9] +0600 +- +1 +used +/ipc-semaphore");
    assert_int_equal(run_ipc("ls --orphans"), 0);
    assert_lacks("found", "/ipc-");
}

void long_and_json_tell_who_uses_it_and_how(void**) {
    const auto memory = SharedMemory::create("/ipc-used", 4096);
    assert_ok(memory);
    Other opens([] { return shm_open("/ipc-used", O_RDONLY, 0) >= 0; });
    Other neither([] { return true; });  // It inherits the mapping.
    assert_int_equal(run_ipc("ls -l"), 0);
    assert_line("shared memory +4096 .* +3 +used +/ipc-used");
    assert_line(" +%d  %s +maps it", getpid(), own_program());
    assert_line(" +%d  %s +maps it, has it open", opens.pid(), own_program());
    assert_line(" +%d  %s +maps it", neither.pid(), own_program());
    assert_int_equal(run_ipc("ls --json"), 0);
    char statement[400];
    snprintf(statement, sizeof statement,
             "[(u[\"maps\"], u[\"opens\"]) for t in data[\"things\"] if t[\"name\"] == "
             "\"/ipc-used\" and t[\"type\"] == \"shm\" and t[\"mode\"] == \"0600\" and t[\"bytes\"]"
             " == 4096 for u in t[\"users\"] if u[\"pid\"] == %d] == [(True, True)]",
             opens.pid());
    assert_json(statement);
}

void what_a_dead_creator_left_is_orphaned_and_what_others_use_is_not(void**) {
    const pid_t dead = leave_value("/ipc-left");
    assert_int_equal(run_ipc("ls"), 0);
    assert_line("brood value .* +%d dead +0 +orphaned +/ipc-left", dead);
    {
        const auto opened = Value<int>::open("/ipc-left").expect("opening");
        assert_int_equal(run_ipc("ls"), 0);
        assert_line("brood value .* +%d dead +1 +used +/ipc-left", dead);
        assert_int_equal(run_ipc("ls --orphans"), 0);
        assert_lacks("found", "/ipc-left");
    }
    assert_int_equal(run_ipc("ls --orphans"), 0);
    assert_has("found", "/ipc-left");
    assert_int_equal(run_ipc("ls --orphans --json"), 0);
    assert_json(
        "[t[\"creator_alive\"] for t in data[\"things\"] if t[\"name\"] == \"/ipc-left\" and"
        " t[\"state\"] == \"orphaned\" and t[\"users\"] == []] == [False]");
    remove_object("/ipc-left");
}

// The pid in a header may be another's by now, or that of one who has ended but is not reaped.
void a_creator_is_told_from_who_has_its_pid_now(void**) {
    auto value = Value<int>::create_named("/ipc-reused", 1).expect("making a value");
    value.keep_name();
    value = Value<int>();
    assert_int_equal(run_ipc("ls"), 0);
    assert_line("brood value .* +%d +0 +unused +/ipc-reused", getpid());
    assert_int_equal(run_ipc("ls --orphans"), 0);
    assert_lacks("found", "/ipc-reused");
    timespec times[2] = {{0, UTIME_OMIT}, {time(nullptr) - 40000000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, "/dev/shm/ipc-reused", times, 0), 0);
    assert_int_equal(run_ipc("ls"), 0);
    assert_line("brood value .* +462d [0-9:]+ .* +%d dead +0 +orphaned +/ipc-reused", getpid());
    remove_object("/ipc-reused");

    const pid_t zombie = test::start_child([]() -> int {
        auto made = Value<int>::create_named("/ipc-zombie", 1);
        if (made.ok()) { made->keep_name(); }
        return made.ok() ? 0 : 1;
    });
    test::await_end(zombie);
    assert_int_equal(run_ipc("ls"), 0);
    assert_line("brood value .* +%d dead +0 +orphaned +/ipc-zombie", zombie);
    assert_int_equal(test::join_child(zombie), 0);
    remove_object("/ipc-zombie");
}

void a_half_made_object_is_used_while_its_maker_lives(void**) {
    const std::uint32_t mark = brood::detail::kMagicMaking;
    make_object("/ipc-half", &mark, sizeof mark);
    assert_int_equal(run_ipc("ls"), 0);
    assert_line("brood, unfinished .* +0 +orphaned +/ipc-half");
    {
        Other maker([] {
            const auto object = brood::port::open_object("/ipc-half", true);
            return object.ok() && brood::port::lock_object(*object).value_or(false);
        });
        assert_int_equal(run_ipc("ls"), 0);
        assert_line("brood, unfinished .* +used +/ipc-half");
        assert_int_equal(run_ipc("rm /ipc-half"), 1);
        assert_has("errors", "/ipc-half: not removed: in use by ");
    }
    assert_int_equal(run_ipc("rm --force /ipc-half"), 0);
    assert_int_equal(shm_open("/ipc-half", O_RDONLY, 0), -1);
}

void what_only_looks_like_broods_is_called_so(void**) {
    alignas(64) unsigned char bytes[sizeof(brood::detail::SegmentHeader)] = {};
    auto& header = *reinterpret_cast<brood::detail::SegmentHeader*>(bytes);
    header.magic = brood::detail::kMagicReady;
    header.layout_version = brood::kLayoutVersion;
    header.kind = 77;
    make_object("/ipc-damaged", bytes, sizeof bytes);
    header.kind = 1;
    header.layout_version = 999;
    make_object("/ipc-version", bytes, sizeof bytes);
    make_object("/ipc-short", bytes, 7);
    make_object("/brood-anonymous-7ffffff-1-0", "", 0);
    assert_int_equal(run_ipc("ls"), 0);
    assert_line("brood, damaged +64 .* +- +0 +unused +/ipc-damaged");
    assert_line("other brood +64 .* +- +0 +unused +/ipc-version");
    assert_line("shared memory +7 .* +- +0 +unused +/ipc-short");
    assert_line("brood, nameless +0 .* +134217727 dead +0 +orphaned +/brood-anonymous-7ffffff-1-0");
    for (const char* name :
         {"/ipc-damaged", "/ipc-version", "/ipc-short", "/brood-anonymous-7ffffff-1-0"}) {
        remove_object(name);
    }
}

void an_announced_pool_is_used_by_its_supervisor(void**) {
    auto pool = Pool::create(PoolOptions().workers(1).announce()).expect("making a pool");
    if (test::count_entries("/dev/shm", "brood-pool-") == 0) {
        return test::not_run("a pool in brood ipc ls", "it is not announced here");
    }
    const int supervisor = pool.supervisor_pid();
    assert_int_equal(run_ipc("ls -l"), 0);
    assert_line("brood pool .* +%d +1 +used +/brood-pool-%d-1", supervisor, supervisor);
    assert_line(" +%d .* maps it, has it open", supervisor);
}

/// As run_ipc() where message queues are not mounted.
int run_without_queues(const char* arguments) {
    char script[400];
    snprintf(script, sizeof script,
             "exec unshare --mount sh -c 'while umount /dev/mqueue 2> ignored; do :; done;"
             " exec '\"$BROOD\"' ipc %s' > found 2> errors",
             arguments);
    return run_script(script);
}

void message_queues_are_listed_where_they_are_mounted(void**) {
    if (!g_is_apart || access("/dev/mqueue", R_OK) != 0) {
        return test::not_run("message queues in brood ipc ls", "they cannot be mounted here");
    }
    auto queue = MessageQueue<int>::create_named("/ipc-mq", 4);
    if (test::is_unsupported(queue.status(), "message queues")) { return; }
    assert_ok(queue);
    assert_ok(queue->put(1));
    assert_int_equal(run_ipc("ls -l"), 0);
    assert_line("message queue +16 .* +- +1 +used +/ipc-mq");
    assert_line(" +%d  %s +has it open", getpid(), own_program());
    assert_lacks("errors", "not listed");
    assert_int_equal(run_ipc("stat /ipc-mq"), 0);
    assert_line("  messages  1 of 4, of up to 4 bytes");
    assert_int_equal(run_ipc("ls --json"), 0);
    assert_json(
        "[(t[\"count\"], t[\"count_max\"], t[\"item_bytes\"]) for t in data[\"things\"] if"
        " t[\"type\"] == \"mq\"] == [(1, 4, 4)] and data[\"gaps\"] == []");
    const bool is_posix = strcmp(brood::port::kName, "posix") == 0;  // It does not tell them apart.
    // Where they are not, it says so, and they can be told of by their names.
    assert_int_equal(run_without_queues("ls"), 0);
    assert_lacks("found", "/ipc-mq");
    assert_has("errors", "message queues are not listed: no file system of type mqueue");
    assert_int_equal(run_without_queues("ls -j"), 0);
    assert_json("len(data[\"gaps\"]) == 1");
    assert_int_equal(run_without_queues("stat /ipc-mq"), 0);
    assert_line("/ipc-mq: message queue, %s", is_posix ? "unknown" : "used");
    assert_line("  users     %s", is_posix ? "not known" : "1");
    assert_int_equal(run_ipc("rm /ipc-mq"), 1);
    queue->keep_name();
    queue = MessageQueue<int>();
    assert_int_equal(run_ipc("rm -f /ipc-mq"), 0);
    assert_int_equal(run_ipc("stat /ipc-mq"), 1);
}

/// The script as a user who is nobody; $BROOD is a copy of the command that he may run.
int run_as_nobody(const char* script) {
    const pid_t child = test::start_child([&]() -> int {
        if (setgid(65534) != 0 || setuid(65534) != 0) { return 99; }
        execl("/bin/bash", "bash", "-c", script, nullptr);
        return 126;
    });
    return test::join_child(child);
}

void other_users_things_are_told_apart_and_what_cannot_be_known_is_said(void**) {
    if (geteuid() != 0 || test::is_emulated()) {
        return test::not_run("other users in brood ipc ls", "it takes root, and no emulator");
    }
    test::prepare(
        "chmod 755 . && cp $BROOD brood && chmod 755 brood && touch his errors-of-his &&"
        " chown 65534 his errors-of-his");
    Other stranger([] {
        if (setgid(65534) != 0 || setuid(65534) != 0) { return false; }
        auto value = Value<int>::create_named("/ipc-private", 1);
        auto open = Value<int>::create_named("/ipc-open", 1, brood::Access::everybody);
        if (value.ok()) { value->keep_name(); }
        if (open.ok()) { open->keep_name(); }
        return value.ok() && open.ok();
    });
    assert_int_equal(run_ipc("ls"), 0);
    assert_lacks("found", "/ipc-private");
    assert_int_equal(run_ipc("ls --all"), 0);
    assert_line("KIND +BYTES +AGE +MODE +OWNER .*");
    assert_line("brood value .* +0600 +65534 +%d +0 +un(used|known) +/ipc-private", stranger.pid());
    // He may not look at root's processes, which may use what is open to them.
    assert_int_equal(run_as_nobody("./brood ipc ls > his 2> errors-of-his"), 0);
    test::prepare("cp his found");
    assert_line("brood value .* +0600 +%d +0 +unused +/ipc-private", stranger.pid());
    assert_line("brood value .* +0666 +%d +0 +unknown +/ipc-open", stranger.pid());
    assert_int_equal(run_as_nobody("./brood ipc rm -f --unused 2> errors-of-his"), 0);
    assert_int_equal(shm_open("/ipc-private", O_RDONLY, 0), -1);
    remove_object("/ipc-open");
    // Nor may he remove what is root's.
    make_object("/ipc-roots", "x", 1, 0666);
    assert_int_equal(run_as_nobody("./brood ipc rm -f /ipc-roots 2> errors-of-his"), 1);
    assert_has("errors-of-his", "brood ipc rm: /ipc-roots: Operation not permitted\n");
    remove_object("/ipc-roots");
}

// ---- stat --------------------------------------------------------------------------------------

void a_managers_objects_are_listed(void**) {
    auto manager = Manager::create_named("/ipc-manager", 1 << 20).expect("making the manager");
    const auto squares = manager.dict<int, Text<16>>("squares").expect("making a dict");
    for (int i = 0; i < 300; ++i) { assert_ok(squares.set(i, "many")); }
    assert_ok(manager.array<double>(7, "say \"seven\""));
    assert_ok(manager.event());
    assert_int_equal(run_ipc("stat /ipc-manager"), 0);
    assert_string_equal(Contents("errors").text(), "");
    assert_line("/ipc-manager: brood manager, used");
    assert_line("  holds     [0-9]+ of 1024 KiB, 3 of 127 objects");
    assert_line("dict +i32 -> text +300 +0  yes   squares");
    assert_line("array +f64 +7 .*");
    assert_line("event .*  no    -");
    assert_int_equal(run_ipc("stat --json /ipc-manager"), 0);
    assert_json("data[0][\"kind\"] == \"brood manager\"");
    assert_json(
        "{o[\"name\"]: (o[\"kind\"], o[\"count\"], o[\"elements\"], o[\"kept\"]) for o in"
        " data[0][\"objects\"]}[\"squares\"] == (\"dict\", 300, \"i32 -> text\", True)");
    assert_json(
        "{o[\"name\"]: o for o in data[0][\"objects\"]}[\"say \\\"seven\\\"\"][\"elements\"]"
        " == \"f64\"");
    assert_json("{o[\"name\"]: o for o in data[0][\"objects\"]}[\"\"][\"kept\"] is False");
}

void one_things_facts_are_shown(void**) {
    const auto queue = Queue<int>::create_named("/ipc-one", 10).expect("making a queue");
    const auto semaphore = NamedSemaphore::create("/ipc-one", 3).expect("a semaphore");
    assert_int_equal(run_ipc("stat /ipc-one"), 0);
    assert_line("/ipc-one: brood queue, used");
    assert_line("  room      for 10 messages of 4 bytes");
    assert_line("  mode      0600, owner %d", geteuid());
    assert_line("  creator   %d \\(%s\\), alive", getpid(), own_program());
    assert_line("  users     1");
    assert_line(" +%d  %s +maps it", getpid(), own_program());
    assert_line("/ipc-one: semaphore, used");
    assert_line("  permits   3");
    assert_line("  creator   not known");
    assert_int_equal(run_ipc("stat -t sem /ipc-one"), 0);
    assert_lacks("found", "queue");
    assert_int_equal(run_ipc("stat --type=shm --json /ipc-one"), 0);
    assert_json(
        "[(t[\"type\"], t[\"count\"], t[\"item_bytes\"]) for t in data] == "
        "[(\"shm\", 10, 4)]");
    assert_int_equal(run_ipc("stat -t mq /ipc-one"), 1);
    {
        const auto array = brood::Array<double>::create_named("/ipc-two", 7).expect("an array");
        assert_int_equal(run_ipc("stat /ipc-two"), 0);
        assert_line("  elements  7 of 8 bytes");
    }
    const auto value = Value<short>::create_named("/ipc-two", 1).expect("making a value");
    assert_int_equal(run_ipc("stat /ipc-two"), 0);
    assert_line("  value     of 2 bytes");
    assert_int_equal(run_ipc("stat /ipc-no-such"), 1);
    assert_string_equal(Contents("errors").text(),
                        "brood ipc stat: /ipc-no-such: No such file or directory\n");
    assert_string_equal(Contents("found").text(), "");
}

// ---- Usage -------------------------------------------------------------------------------------

void its_usage_is_checked(void**) {
    const struct {
        const char* arguments;
        int status;
        const char* words;
    } rows[] = {
        {"", 1, "brood ipc: say what to do\n  ipc ls "},
        {"look /x", 1, "say what to do, not 'look'"},
        {"--help", 0, "Usage: brood ipc COMMAND"},
        {"--help", 0, "  ipc stat  "},
        {"ls --help", 0, "Usage: brood ipc ls [-al] [--orphans] [--json]"},
        {"stat --help", 0, "Usage: brood ipc stat [-t TYPE] [--json] NAME"},
        {"rm --help", 0, "Usage: brood ipc rm [-f] [-t TYPE] NAME..."},
        {"ls --version", 0, "brood 0."},
        {"stat --version", 0, "brood 0."},
        {"rm --version", 0, "brood 0."},
        {"ls /x", 1, "it takes no '/x'"},
        {"ls -x", 1, "Try 'brood ipc ls --help'."},
        {"stat", 1, "give it one name"},
        {"stat /x /y", 1, "give it one name"},
        {"stat -x /y", 1, "Try 'brood ipc stat --help'."},
        {"stat x", 1, "brood ipc stat: x: "},
        {"stat /x/y", 1, "brood ipc stat: /x/y: "},
        {"stat -t pipe /x", 1, "-t takes shm, sem or mq, not 'pipe'"},
        {"rm", 1, "give it names, or --orphans, or --unused"},
        {"rm -f /x --orphans", 1, "give it names, or --orphans, or --unused"},
        {"rm --unused --orphans", 1, "give it names, or --orphans, or --unused"},
        {"rm -f x", 1, "brood ipc rm: x: "},
        {"rm -t x /x", 1, "shm, sem or mq"},
        {"rm -x", 1, "Try 'brood ipc rm --help'."},
    };
    for (const auto& row : rows) {
        char script[200];
        snprintf(script, sizeof script, "exec $BROOD ipc %s > said 2>&1", row.arguments);
        const int status = run_script(script);
        if (status != row.status) { fail_msg("status %d of: %s", status, row.arguments); }
        assert_has("said", row.words);
    }
}

}  // namespace

#define IPC_TEST(test) cmocka_unit_test_teardown(test, nothing_is_left)

int main() {
    const CMUnitTest tests[] = {
        IPC_TEST(each_kind_has_a_line_with_maker_users_and_mode),
        IPC_TEST(long_and_json_tell_who_uses_it_and_how),
        IPC_TEST(what_a_dead_creator_left_is_orphaned_and_what_others_use_is_not),
        IPC_TEST(a_creator_is_told_from_who_has_its_pid_now),
        IPC_TEST(a_half_made_object_is_used_while_its_maker_lives),
        IPC_TEST(what_only_looks_like_broods_is_called_so),
        IPC_TEST(an_announced_pool_is_used_by_its_supervisor),
        IPC_TEST(message_queues_are_listed_where_they_are_mounted),
        IPC_TEST(other_users_things_are_told_apart_and_what_cannot_be_known_is_said),
        IPC_TEST(a_managers_objects_are_listed),
        IPC_TEST(one_things_facts_are_shown),
        IPC_TEST(its_usage_is_checked),
    };
    return cmocka_run_group_tests(tests, enter, test::leave_folder);
}
