// Goal: `brood ps` shows the announced pools and the daemons of this user, once or again and again,
// for people and for programs.
// Method: the command beside pools and daemons of this process, which wait for a word of the test.
#include "sum_host_support.hpp"

#include <brood/pool.hpp>
#include <brood/process.hpp>
#include <port/port.hpp>
#include <tools/ps/format.hpp>
#include <tools/time_text.hpp>

#include <sys/syscall.h>

#include <atomic>

using brood::Future;
using brood::Pool;
using brood::PoolOptions;
using brood::Process;
using brood::ProcessOptions;
using test::assert_has;
using test::assert_ok;
using test::Contents;
using test::eventually;
using test::run_script;

namespace {

std::atomic<int>* g_go = nullptr;  // Made before any pool.

int wait_for_go(int value) {
    while (g_go->load() == 0) { test::sleep_ms(1); }
    return value;
}

Pool make_pool(const char* name, std::uint32_t workers = 2) {
    brood::Result<Pool> pool =
        Pool::create(PoolOptions().workers(workers).capacity(16).name(name).announce());
    assert_ok(pool);
    return std::move(*pool);
}

/// As the system calls this one: an emulator, maybe.
const char* program() {
    static char name[32] = "?";
    FILE* const file = fopen("/proc/self/comm", "re");
    if (file == nullptr) { return name; }
    if (fscanf(file, "%31[^\n]", name) != 1) { strcpy(name, "?"); }
    fclose(file);
    return name;
}

/// Whether the script, which ends with a status, succeeds within the test's patience.
bool comes_true(const char* script) {
    return eventually([=] { return run_script(script) == 0; });
}

// ---- Once --------------------------------------------------------------------------------------

void without_a_pool_it_says_so_and_prints_nothing(void**) {
    assert_int_equal(run_script("exec $BROOD ps -p > found 2> errors"), 0);
    assert_string_equal(Contents("found").text(), "");
    assert_has("errors", "no pool of this user is announced");
    assert_int_equal(run_script("exec $BROOD ps --pools --json > found 2> errors"), 0);
    assert_string_equal(Contents("found").text(), "[]\n");
    assert_string_equal(Contents("errors").text(), "");
}

void each_pool_has_a_line_the_oldest_first(void**) {
    Pool first = make_pool("first");
    test::sleep_ms(5);  // Ages are told in milliseconds.
    Pool second = make_pool("second", 1);
    Future<int> futures[3];
    for (auto& future : futures) {
        future = first.apply_async(wait_for_go, 1).expect("submitting");
    }
    char script[400];
    snprintf(script, sizeof script,
             "$BROOD ps -p > found 2> errors && grep -Eq '^first +%d %s +2/2 +1 +2 +0 +0 +0"
             " +[0-9:]+  0%% of 3$' found",
             getpid(), program());
    if (!comes_true(script)) { fail_msg("found:\n%s", Contents("found").text()); }
    test::prepare("awk '{print $1}' found | tr '\\n' ' ' | grep -qx 'NAME first second '");
    assert_string_equal(Contents("errors").text(), "");
    *g_go = 1;
    for (auto& future : futures) { assert_ok(future.get()); }
    assert_true(comes_true("$BROOD ps | grep -Eq '^first .* 2/2 +0 +0 +3 +0 +0 .* 100% of 3$'"));
    second = Pool();
    assert_true(comes_true("$BROOD ps -p > found; [[ $(wc -l < found) = 2 ]]"));
}

void a_pool_without_a_name_has_a_dash(void**) {
    const Pool pool = make_pool("");
    assert_true(comes_true("$BROOD ps | grep -Eq '^- +[0-9]+ [^ ]+ .*  -$'"));
}

void long_lists_the_workers(void**) {
    Pool pool = make_pool("long");
    Future<int> future = pool.apply_async(wait_for_go, 1).expect("submitting");
    std::int32_t pids[2];
    assert_int_equal(pool.worker_pids(pids, 2), 2);
    char script[400];
    snprintf(script, sizeof script,
             "$BROOD ps -l > found && grep -Eq '^ +(%d|%d)  running   busy 0:00 in 0 tasks, now in"
             " that of slot [0-9]+ for 0:[0-9]+$' found && grep -Eq '^ +(%d|%d)  idle      busy"
             " 0:00 in 0 tasks$' found",
             pids[0], pids[1], pids[0], pids[1]);
    if (!comes_true(script)) { fail_msg("found:\n%s", Contents("found").text()); }
    *g_go = 1;
    assert_ok(future.get());
}

void json_can_be_parsed(void**) {
    Pool pool = make_pool("say \"\\\xc3\xa4\xff");
    assert_ok(pool.apply([](int value) { return value; }, 1));
    assert_true(comes_true("$BROOD ps -p --json --long > found && grep -q '\"done\":1,' found"));
    char beginning[160];
    snprintf(beginning, sizeof beginning,
             "[{\"name\":\"say \\\"\\\\\xc3\xa4\\ufffd\",\"program\":\"%s\",\"host\":%d,",
             program(), getpid());
    assert_has("found", beginning);
    assert_has("found", "\"worker\":[{\"pid\":");
    if (run_script("command -v python3 > /dev/null") != 0) {
        return test::not_run("the JSON of brood ps", "no python3 to parse it");
    }
    test::prepare(
        "python3 -c 'import json; [pool] = json.load(open(\"found\")); assert pool[\"done\"] == 1;"
        " assert len(pool[\"worker\"]) == 2 == pool[\"workers\"] == pool[\"alive\"]'");
}

void what_a_dead_pool_left_is_neither_shown_nor_kept(void**) {
    Pool pool = make_pool("dead");
    assert_int_equal(kill(pool.supervisor_pid(), SIGKILL), 0);
    assert_true(eventually([&] { return test::has_ended(pool.supervisor_pid()); }));
    test::prepare("ls /dev/shm/brood-pool-* > names");
    assert_int_equal(run_script("exec $BROOD ps -p --json > found"), 0);
    assert_string_equal(Contents("found").text(), "[]\n");
    assert_int_equal(run_script("! ls $(cat names) 2> errors"), 0);
}

// ---- Daemons -----------------------------------------------------------------------------------

/// Where they are watched by a guardian they bear no mark.
bool cannot_tell_daemons() {
    if (strcmp(brood::port::kName, "posix") != 0 && !test::is_emulated()) { return false; }
    test::not_run("the daemons in brood ps", "a guardian ends them here, so they bear no mark");
    return true;
}

/// Whether a line is about the daemon `pid` of host `host`.
bool is_listed(pid_t pid, const char* host, const char* state, const char* options = "") {
    char script[300];
    snprintf(script, sizeof script,
             "$BROOD ps %s > found 2> errors; grep -Eq '^ *%d [^ ]+ +%s +0:[0-9]+ +0:[0-9]+  %s$'"
             " found",
             options, pid, host, state);
    return run_script(script) == 0;
}
bool is_named(pid_t pid) {
    char script[100];
    snprintf(script, sizeof script, "$BROOD ps | grep -Ewq '^ *%d'", pid);
    return run_script(script) == 0;
}

void daemons_are_listed_with_their_host_and_other_children_are_not(void**) {
    if (cannot_tell_daemons()) { return; }
    const auto sleep = [] { test::sleep_ms(10 * test::kPatienceMs); };
    static Process daemon, child, other;  // They outlive a test that fails.
    daemon = Process(ProcessOptions().daemon(), sleep);
    child = Process(sleep);
    assert_ok(daemon.start());
    assert_ok(child.start());
    const char* const arguments[] = {"sleep", "200", nullptr};
    auto started = Process::exec("sleep", arguments, brood::ExecOptions().daemon());
    assert_ok(started);
    other = std::move(*started);
    Pool pool = make_pool("beside");
    char host[64];
    snprintf(host, sizeof host, "%d %s", getpid(), program());
    if (!is_listed(daemon.pid(), host, "asleep")) { fail_msg("%s", Contents("found").text()); }
    assert_has("found", "beside ");
    assert_has("found", "\n\n DAEMON PROGRAM ");
    assert_true(is_listed(other.pid(), host, "asleep", "-d"));
    assert_int_equal(run_script("grep -q beside found"), 1);
    assert_true(is_listed(daemon.pid(), host, "asleep", "-p --daemons"));
    assert_int_equal(run_script("$BROOD ps -p | grep DAEMON"), 1);
    assert_false(is_named(child.pid()));
    assert_false(is_named(pool.supervisor_pid()));
    assert_int_equal(kill(daemon.pid(), SIGSTOP), 0);
    test::await_state(daemon.pid(), 'T');
    assert_true(is_listed(daemon.pid(), host, "stopped"));
    char script[400];
    snprintf(script, sizeof script,
             "$BROOD ps -dj > found; command -v python3 > /dev/null || exit 0; python3 -c '\n"
             "import json\nfound = {d[\"daemon\"]: d for d in json.load(open(\"found\"))}\n"
             "assert found[%d][\"host\"] == %d and found[%d][\"program\"] == \"sleep\"\n"
             "assert found[%d][\"state\"] == \"stopped\" and found[%d][\"age_ms\"] < 60000'",
             daemon.pid(), getpid(), other.pid(), daemon.pid(), daemon.pid());
    assert_int_equal(run_script(script), 0);
    assert_ok(daemon.kill());
    assert_ok(daemon.join());
    assert_ok(other.kill());
    assert_ok(other.join());
    assert_false(is_named(daemon.pid()));
    assert_ok(child.kill());
    assert_ok(child.join());
}

// Its parent is another by then, but who holds the end of its pipe is still its host.
void a_daemon_that_somebody_keeps_beyond_its_hosts_end_is_listed_with_that_one(void**) {
    if (cannot_tell_daemons()) { return; }
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    test::Board<std::atomic<int>> pids[2];
    test::Handshake ready;
    const pid_t host = test::start_child([&]() -> int {
        Process daemon(ProcessOptions().daemon(), [] { pause(); });
        if (!daemon.start().ok()) { return 1; }
        *pids[0] = daemon.pid();
        // A child that brood knows nothing of, as of a host that calls vfork() or clone() itself.
        const long child = syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
        if (child == 0) {
            for (;;) { pause(); }
        }
        *pids[1] = static_cast<int>(child);
        ready.tell();
        for (;;) { pause(); }
    });
    assert_true(ready.await());
    kill(host, SIGKILL);
    assert_int_equal(test::join_child(host), -SIGKILL);
    const pid_t daemon = *pids[0], keeper = *pids[1];
    char text[64];
    snprintf(text, sizeof text, "%d %s", keeper, program());
    if (!is_listed(daemon, text, "asleep")) { fail_msg("%s", Contents("found").text()); }
    assert_int_equal(kill(keeper, SIGKILL), 0);
    assert_true(test::all_end());
    assert_false(is_named(daemon));
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}

void without_proc_no_daemons_can_be_told(void**) {
    if (run_script("unshare --mount true 2> errors") != 0) {
        return test::not_run("a system without /proc", "no mount namespaces here");
    }
    assert_int_equal(run_script("exec unshare --mount sh -c 'mount -t tmpfs none /proc && exec '"
                                "\"$BROOD\"' ps -d' > found 2> errors"),
                     1);
    assert_has("errors", "brood ps: the daemons: there is no /proc\n");
    assert_string_equal(Contents("found").text(), "");
}

// ---- Again and again ---------------------------------------------------------------------------

/// `brood ps ARGUMENTS`, whose output comes here.
class Watch {
public:
    Watch(const char* arguments, int terminal = -1) {
        assert_int_equal(pipe(ends_), 0);
        char script[200];
        snprintf(script, sizeof script, "exec $BROOD ps %s", arguments);
        pid_ = test::start_child([&]() -> int {
            dup2(terminal >= 0 ? terminal : ends_[1], STDOUT_FILENO);
            for (const int end : ends_) { close(end); }
            execl("/bin/bash", "bash", "-c", script, nullptr);
            return 126;
        });
        close(ends_[1]);
    }
    ~Watch() {
        close(ends_[0]);
        if (pid_ > 0) { (void)end(); }
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    int output() const { return ends_[0]; }
    int end() {
        kill(pid_, SIGTERM);
        return join();
    }
    int join() { return test::join_child(std::exchange(pid_, -1)); }
    void stop_reading() { close(std::exchange(ends_[0], -1)); }

private:
    int ends_[2];
    pid_t pid_;
};

/// Reads until the text has `part` so many times.
void await_output(int fd, const char* part, int times, char* text, size_t room) {
    size_t length = 0;
    const std::int64_t deadline = test::in_ms(test::kPatienceMs);
    for (;;) {
        text[length] = '\0';
        int found = 0;
        for (const char* at = text; (at = strstr(at, part)) != nullptr; ++at) { ++found; }
        if (found >= times) { return; }
        pollfd item = {fd, POLLIN, 0};
        const bool is_late = test::now_ns() > deadline || length + 1 >= room;
        if (is_late || ::poll(&item, 1, test::kPatienceMs) != 1) { break; }
        const ssize_t got = read(fd, text + length, room - length - 1);
        if (got <= 0) { break; }
        length += static_cast<size_t>(got);
    }
    fail_msg("not %d times \"%s\" in:\n%s", times, part, text);
}

void watch_repeats_the_list_as_the_pool_goes_on(void**) {
    static char text[65536];
    Pool pool = make_pool("watched");
    Watch watch("-p -w -n 0.1");
    await_output(watch.output(), "watched ", 3, text, sizeof text);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "\n\nNAME "));
    assert_ok(pool.apply([](int value) { return value; }, 1));
    await_output(watch.output(), " 100% of 1\n", 2, text, sizeof text);
    pool = Pool();
    await_output(watch.output(), "no pool of this user is announced", 2, text, sizeof text);
    assert_int_equal(watch.end(), -SIGTERM);
}

void a_terminal_is_written_in_place(void**) {
    static char text[65536];
    const Pool pool = make_pool("watched");
    test::Terminal terminal;
    Watch watch("-p -w -n 0.1", terminal.slave());
    await_output(terminal.master(), "\033[H", 3, text, sizeof text);
    assert_non_null(strstr(text, "\033[2J\033[HNAME "));
    assert_non_null(strstr(text, "  -\033[K\r\n\033[J\033[H"));
    assert_int_equal(watch.end(), -SIGTERM);
}

void json_is_watched_a_line_each_time(void**) {
    static char text[65536];
    const Pool pool = make_pool("watched");
    Watch watch("-p -n.1 -j");
    await_output(watch.output(), "}]\n[{\"name\":\"watched\"", 2, text, sizeof text);
    assert_int_equal(watch.end(), -SIGTERM);
}

void a_watch_ends_when_nobody_reads(void**) {
    Watch watch("-p -w -n 0.1");
    watch.stop_reading();
    const int code = watch.join();
    assert_true(code == -SIGPIPE || code == 1);
}

// ---- Usage -------------------------------------------------------------------------------------

void wrong_usage_is_refused(void**) {
    const struct {
        const char* arguments;
        const char* words;
    } rows[] = {
        {"-x", "invalid option"},
        {"--nothing", "unrecognized option"},
        {"pool", "it takes no 'pool'"},
        {"-n", "requires an argument"},
        {"-n 0", "seconds from 0.1 to 3600, not '0'"},
        {"-n 0.09", "not '0.09'"},
        {"-n 3600.1", "not '3600.1'"},
        {"-n 1s", "not '1s'"},
        {"-n -1", "not '-1'"},
        {"-n 1..5", "not '1..5'"},
        {"-n .", "not '.'"},
        {"-n 99999999999", "not '99999999999'"},
    };
    for (const auto& row : rows) {
        char script[200];
        snprintf(script, sizeof script, "exec $BROOD ps %s > found 2> errors", row.arguments);
        assert_int_equal(run_script(script), 1);
        assert_has("errors", row.words);
        assert_has("errors", "Try 'brood ps --help'.");
        assert_string_equal(Contents("found").text(), "");
    }
    assert_int_equal(run_script("exec $BROOD ps --help > found 2> errors"), 0);
    assert_has("found", "Usage: brood ps");
    assert_int_equal(run_script("exec $BROOD ps > /dev/full --json 2> errors"), 1);
    assert_has("errors", "No space left");
    assert_int_equal(run_script("exec timeout 60 $BROOD ps -w > /dev/full --json 2> errors"), 1);
    assert_has("errors", "No space left");
    assert_int_equal(run_script("$BROOD --help | grep -q '^  ps '"), 0);
}

void where_there_is_no_place_for_pools_it_says_so(void**) {
    if (run_script("unshare --mount true 2> errors") != 0) {
        return test::not_run("a system without /dev/shm", "no mount namespaces here");
    }
    for (const char* arguments : {"", "-w"}) {
        char script[200];
        snprintf(script, sizeof script,
                 "exec unshare --mount sh -c 'mount -t tmpfs none /dev &&"
                 " exec timeout 60 '\"$BROOD\"' ps %s > found 2> errors'",
                 arguments);
        assert_int_equal(run_script(script), 1);
        assert_has("errors", "brood ps: the pools: ");
        assert_string_equal(Contents("found").text(), "");
    }
}

void times_and_shares_read_well(void**) {
    const struct {
        std::int64_t ms;
        const char* text;
    } times[] = {
        {0, "0:00"},          {999, "0:00"},          {1000, "0:01"},
        {59999, "0:59"},      {60000, "1:00"},        {3599999, "59:59"},
        {3600000, "1:00:00"}, {86399999, "23:59:59"}, {90061000, "1d 01:01:01"},
    };
    for (const auto& row : times) {
        char text[48];
        tool::format_time(text, sizeof text, row.ms);
        assert_string_equal(text, row.text);
    }
    assert_int_equal(tool::percentage(0, 0), -1);
    assert_int_equal(tool::percentage(0, 3), 0);
    assert_int_equal(tool::percentage(1, 2), 50);
    assert_int_equal(tool::percentage(999999, 1000000), 99);
    assert_int_equal(tool::percentage(3, 3), 100);
    assert_int_equal(tool::percentage(9, 3), 100);
    assert_int_equal(tool::percentage(UINT64_MAX - 1, UINT64_MAX), 99);
}

int make_ready(void** state) {
    static test::Board<std::atomic<int>> board;
    g_go = &*board;
    *g_go = 0;
    return test::empty_folder(state);
}

}  // namespace

#define PS_TEST(test) cmocka_unit_test_setup(test, make_ready)

int main() {
    const CMUnitTest tests[] = {
        PS_TEST(without_a_pool_it_says_so_and_prints_nothing),
        PS_TEST(each_pool_has_a_line_the_oldest_first),
        PS_TEST(a_pool_without_a_name_has_a_dash),
        PS_TEST(long_lists_the_workers),
        PS_TEST(json_can_be_parsed),
        PS_TEST(what_a_dead_pool_left_is_neither_shown_nor_kept),
        PS_TEST(daemons_are_listed_with_their_host_and_other_children_are_not),
        PS_TEST(a_daemon_that_somebody_keeps_beyond_its_hosts_end_is_listed_with_that_one),
        PS_TEST(without_proc_no_daemons_can_be_told),
        PS_TEST(watch_repeats_the_list_as_the_pool_goes_on),
        PS_TEST(a_terminal_is_written_in_place),
        PS_TEST(json_is_watched_a_line_each_time),
        PS_TEST(a_watch_ends_when_nobody_reads),
        PS_TEST(wrong_usage_is_refused),
        PS_TEST(where_there_is_no_place_for_pools_it_says_so),
        PS_TEST(times_and_shares_read_well),
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
