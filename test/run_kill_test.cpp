// Goal: however `brood run` ends, no job and no process of a job's group outlives it, and what its
// job log says is true.
// Method: kill -9 of the process that the user knows, of its group, of the runner below it, at
// random moments (BROOD_LONG=1: 200 of each); Ctrl-C and Ctrl-Z at a terminal. Processes are found
// by a mark in their environment, which they inherit.
#include "sum_support.hpp"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>

using test::assert_has;
using test::Contents;
using test::eventually;
using test::prepare;
using test::run_script;

namespace {

char g_mark[64];  // "BROOD_RUN_MARK=..." of the process under test.

/// The living processes that have the mark, but for this one.
int marked(pid_t* list = nullptr, int room = 0) {
    DIR* const proc = opendir("/proc");
    assert_non_null(proc);
    int count = 0;
    while (const dirent* entry = readdir(proc)) {
        const pid_t pid = atoi(entry->d_name);
        char path[64];
        static char text[1 << 17];
        snprintf(path, sizeof path, "/proc/%d/environ", pid);
        const int file = pid > 0 && pid != getpid() ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (file < 0) { continue; }
        const ssize_t got = read(file, text, sizeof text);
        close(file);
        const bool has = got > 0 && memmem(text, static_cast<size_t>(got), g_mark, strlen(g_mark));
        if (!has || test::has_ended(pid)) { continue; }
        if (count < room) { list[count] = pid; }
        ++count;
    }
    closedir(proc);
    return count;
}

int parent_of(pid_t pid) {
    char path[40];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE* const file = fopen(path, "re");
    if (file == nullptr || fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1) { parent = 0; }
    if (file != nullptr) { fclose(file); }
    return parent;
}

/// `brood run ARGUMENTS`, in a group of its own, with a mark of its own.
class Run {
public:
    explicit Run(const char* arguments) {
        new_mark();
        pid_ = test::start_child([=] {
            setpgid(0, 0);
            return exec(arguments);
        });
        setpgid(pid_, pid_);
    }
    ~Run() {
        pid_t left[64];
        const int count = marked(left, 64);
        for (int i = 0; i < count && i < 64; ++i) { kill(left[i], SIGKILL); }
        if (pid_ > 0) { kill(pid_, SIGKILL); }
        waitpid(pid_, nullptr, 0);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    static void new_mark() {
        static int number = 0;
        snprintf(g_mark, sizeof g_mark, "BROOD_RUN_MARK=%d.%d.", getpid(), ++number);
    }
    static int exec(const char* arguments) {
        char script[1024];
        snprintf(script, sizeof script, "exec $BROOD run %s", arguments);
        putenv(g_mark);
        execl("/bin/bash", "bash", "-c", script, nullptr);
        return 126;
    }
    pid_t pid() const { return pid_; }
    int join() {
        const int status = test::join_child(pid_);
        pid_ = -1;
        return status;
    }
    /// The child that it has; 0: none yet.
    pid_t runner() const {
        pid_t list[256];
        const int count = marked(list, 256);
        for (int i = 0; i < count && i < 256; ++i) {
            if (parent_of(list[i]) == pid_) { return list[i]; }
        }
        return 0;
    }

private:
    pid_t pid_;
};

bool none_left() {
    return eventually([] { return marked() == 0; }, test::kSoonMs);
}

/// Jobs of three processes each, none of which ends, or heeds SIGTERM.
constexpr char kStubborn[] =
    "-j 3 bash -c 'trap \"\" TERM; (while :; do sleep 0.1; done) & (while :; do sleep 0.1; done) &"
    " echo up >> up; wait' < list 2> errors";

void await_lines(const char* path, int count) {
    assert_true(eventually([=] {
        const Contents contents(path);
        int lines = 0;
        for (const char* at = contents.text(); *at != '\0'; ++at) { lines += *at == '\n' ? 1 : 0; }
        return lines >= count;
    }));
}

// ---- Kills -----------------------------------------------------------------------------------

enum class Whom { itself, its_group, runner, all_of_its_name };

/// As killall -9 brood does.
void kill_by_name() {
    pid_t list[256];
    const int count = marked(list, 256);
    for (int i = 0; i < count && i < 256; ++i) {
        char path[40], name[32] = "";
        snprintf(path, sizeof path, "/proc/%d/comm", list[i]);
        FILE* const file = fopen(path, "re");
        if (file == nullptr) { continue; }
        if (fgets(name, sizeof name, file) != nullptr && strcmp(name, "brood\n") == 0) {
            kill(list[i], SIGKILL);
        }
        fclose(file);
    }
}

void kill_it(const Run& run, Whom whom) {
    switch (whom) {
        case Whom::itself: kill(run.pid(), SIGKILL); break;
        case Whom::its_group: kill(-run.pid(), SIGKILL); break;
        case Whom::runner: kill(run.runner(), SIGKILL); break;
        case Whom::all_of_its_name: kill_by_name(); break;
    }
}

void killed_with_jobs_that_run_it_leaves_none(void**) {
    prepare("seq 3 > list");
    for (const Whom whom : {Whom::itself, Whom::its_group, Whom::runner, Whom::all_of_its_name}) {
        // Emulated, it has the name of the emulator.
        if (whom == Whom::all_of_its_name && test::is_emulated()) { continue; }
        prepare("rm -f up");
        Run run(kStubborn);
        await_lines("up", 3);
        assert_true(marked() >= 2 + 3 * 3);
        kill_it(run, whom);
        if (whom == Whom::runner) { assert_int_equal(run.join(), 1); }
        if (!none_left()) { fail_msg("%d left", marked()); }
    }
}

void killed_at_any_moment_it_leaves_none(void**) {
    const int kills = getenv("BROOD_LONG") != nullptr ? 200 : 15;
    prepare("seq 100000 > list");
    srand(11);
    for (const Whom whom : {Whom::itself, Whom::its_group, Whom::runner}) {
        for (int i = 0; i < kills; ++i) {
            Run run(
                "-j 3 sh -c '[ $(($0 % 4)) != 0 ] || { (trap \"\" TERM; sleep 1000) & };"
                " [ $(($0 % 3)) != 0 ] || sleep 0.01' < list 2> errors");
            if (whom == Whom::runner) {
                assert_true(eventually([&] { return run.runner() != 0; }));
            }
            const timespec moment = {0, rand() % 120 * 1000000 + rand() % 1000000};
            nanosleep(&moment, nullptr);
            kill_it(run, whom);
            if (!none_left()) {
                fail_msg("%d left after kill %d of %d", marked(), i, static_cast<int>(whom));
            }
        }
    }
}

void after_a_kill_it_goes_on_with_what_the_log_does_not_have(void**) {
    prepare("seq 200 > list");
    srand(5);
    const char* const arguments = "-j 2 --joblog log --resume sh -c 'echo $0 >> ran' < list";
    for (int round = 0; round < 6; ++round) {
        Run run(arguments);
        const timespec moment = {0, (20 + rand() % 60) * 1000000};
        nanosleep(&moment, nullptr);
        kill(round % 2 == 0 ? run.pid() : -run.pid(), SIGKILL);
        assert_true(none_left());
        // Who is in the log has run; what ran has not all got there.
        prepare(
            "touch log ran; tail -n +2 log | grep -c . > /dev/null; sort ran > all;"
            " tail -n +2 log | cut -f 1 | sort > logged && comm -23 logged all > wrong &&"
            " ! test -s wrong");
        // Of those who were in the log before this round, none has run in it.
        prepare(
            "touch ran.before logged.before;"
            " tail -n +$(($(wc -l < ran.before) + 1)) ran | sort > late;"
            " comm -12 late logged.before > again && ! test -s again &&"
            " cp ran ran.before && cp logged logged.before");
    }
    Run run(arguments);
    assert_int_equal(run.join(), 0);
    prepare("sort -nu ran | cmp - list");                         // Each ran,
    prepare("tail -n +2 log | cut -f 1 | sort -n | cmp - list");  // and is in the log once.
}

// ---- Signals ---------------------------------------------------------------------------------

void a_signal_ends_the_jobs_and_then_it(void**) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        prepare("rm -f up down found; seq 9 > list");
        Run run(
            "-j 3 --kill-after 30 bash -c 'trap \"echo bye $0; echo >> down; exit\" TERM;"
            " echo >> up; while :; do sleep 0.05; done' < list > found 2> errors");
        await_lines("up", 3);
        assert_int_equal(kill(run.pid(), signal), 0);  // It alone, as `kill PID` does.
        assert_int_equal(run.join(), -signal);
        assert_int_equal(marked(), 0);
        prepare("sort found | tr '\\n' ' ' > said; test $(wc -l < up) = 3");
        assert_string_equal(Contents("said").text(), "bye 1 bye 2 bye 3 ");
    }
}

void a_second_signal_kills_them_at_once(void**) {
    prepare("seq 3 > list");
    char arguments[400];
    snprintf(arguments, sizeof arguments, "--kill-after 1000 %s", kStubborn);
    Run run(arguments);
    await_lines("up", 3);
    assert_int_equal(kill(-run.pid(), SIGINT), 0);
    test::sleep_ms(300);
    assert_int_equal(waitpid(run.pid(), nullptr, WNOHANG), 0);
    assert_int_equal(kill(-run.pid(), SIGINT), 0);
    assert_int_equal(run.join(), -SIGINT);
    assert_true(none_left());
}

void output_that_nobody_reads_does_not_keep_it_from_being_interrupted(void**) {
    prepare("seq 5 > list; mkfifo out");
    const int reader = open("out", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    Run run("-j 2 seq {} 100000 < list > out");
    int waiting = 0;
    assert_true(
        eventually([&] { return ioctl(reader, FIONREAD, &waiting) == 0 && waiting > 60000; }));
    assert_int_equal(kill(run.pid(), SIGINT), 0);
    assert_int_equal(run.join(), -SIGINT);
    close(reader);
    assert_true(none_left());
}

/// A terminal with `brood run ARGUMENTS` in its foreground.
class AtTerminal {
public:
    explicit AtTerminal(const char* arguments) {
        Run::new_mark();
        pid_ = forkpty(&screen_, nullptr, nullptr, nullptr);
        assert_true(pid_ >= 0);
        if (pid_ == 0) { _exit(Run::exec(arguments)); }
    }
    ~AtTerminal() { close(screen_); }
    AtTerminal(const AtTerminal&) = delete;
    AtTerminal& operator=(const AtTerminal&) = delete;
    void type(const char* text) {
        const auto bytes = static_cast<ssize_t>(strlen(text));
        assert_int_equal(write(screen_, text, strlen(text)), bytes);
    }
    pid_t pid() const { return pid_; }
    int join() { return test::join_child(pid_); }

private:
    int screen_ = -1;
    pid_t pid_ = -1;
};

void ctrl_c_at_a_terminal_ends_all(void**) {
    prepare("seq 3 > list");
    char arguments[400];
    snprintf(arguments, sizeof arguments, "--kill-after 0.3 %s", kStubborn);
    AtTerminal run(arguments);
    await_lines("up", 3);
    run.type("\x03");
    assert_int_equal(run.join(), -SIGINT);
    assert_true(none_left());
}

void arguments_may_be_typed(void**) {
    AtTerminal run("-j 2 sh -c 'echo $0 >> typed'");
    run.type("one\n");
    await_lines("typed", 1);
    run.type("two\n\x04");
    assert_int_equal(run.join(), 0);
    prepare("printf 'one\\ntwo\\n' | cmp - typed");
}

void ctrl_z_stops_the_jobs_and_their_time(void**) {
    prepare("seq 2 > list");
    AtTerminal run(
        "-j 2 -t 6 bash -c 'echo $$ >> up; until [ -e go ]; do sleep 0.05; done;"
        " echo >> done' < list");
    await_lines("up", 2);
    // Its group has no parent in the session that could let it go on, so the terminal does not stop
    // it; who sends the signal to it does.
    assert_int_equal(kill(run.pid(), SIGTSTP), 0);
    test::await_state(run.pid(), 'T');
    const Contents up("up");
    int first = 0, second = 0;
    assert_int_equal(sscanf(up.text(), "%d %d", &first, &second), 2);
    test::await_state(first, 'T');
    test::await_state(second, 'T');
    test::sleep_ms(7000);  // Longer than they may take.
    assert_int_equal(kill(run.pid(), SIGCONT), 0);
    prepare("touch go");
    assert_int_equal(run.join(), 0);
    await_lines("done", 2);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup(killed_with_jobs_that_run_it_leaves_none, test::empty_folder),
        cmocka_unit_test_setup(killed_at_any_moment_it_leaves_none, test::empty_folder),
        cmocka_unit_test_setup(after_a_kill_it_goes_on_with_what_the_log_does_not_have,
                               test::empty_folder),
        cmocka_unit_test_setup(a_signal_ends_the_jobs_and_then_it, test::empty_folder),
        cmocka_unit_test_setup(a_second_signal_kills_them_at_once, test::empty_folder),
        cmocka_unit_test_setup(output_that_nobody_reads_does_not_keep_it_from_being_interrupted,
                               test::empty_folder),
        cmocka_unit_test_setup(ctrl_c_at_a_terminal_ends_all, test::empty_folder),
        cmocka_unit_test_setup(arguments_may_be_typed, test::empty_folder),
        cmocka_unit_test_setup(ctrl_z_stops_the_jobs_and_their_time, test::empty_folder),
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
