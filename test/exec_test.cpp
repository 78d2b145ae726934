// Goal: a program that is started gets exactly what its ExecOptions say, a failure to start it is
// reported with its errno, and capture() keeps what it prints, within its bounds.
// Method: real programs (sh, cat, and this one) that print what they see of themselves.
#include "process_support.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <brood/exec.hpp>
#include <brood/signals.hpp>

using brood::Captured;
using brood::Errc;
using brood::ExecOptions;
using brood::milliseconds;
using brood::Process;
using brood::Result;
using test::assert_code;
using test::assert_ok;

/// What `script` prints when sh runs it with these options; it must end with 0.
static const char* shell(const char* script, const ExecOptions& options = ExecOptions()) {
    static char text[4096];
    const char* const argv[] = {"sh", "-c", script, nullptr};
    const Result<Captured> got =
        brood::capture("/bin/sh", argv, text, sizeof(text) - 1, options, test::kLong);
    assert_ok(got);
    text[got->bytes] = '\0';
    if (got->exit_code != 0) { fail_msg("%s: exit code %d: %s", script, got->exit_code, text); }
    return text;
}

static int number_from(const char* script, const ExecOptions& options = ExecOptions()) {
    return atoi(shell(script, options));
}

// ---- Process::exec(path, argv, options) --------------------------------------------------------

static void exec_starts_a_program_as_a_process(void**) {
    const char* const argv[] = {"sh", "-c", "exit 7", nullptr};
    Result<Process> process = Process::exec("/bin/sh", argv);
    assert_ok(process);
    assert_true(process->pid() > 0);
    assert_int_equal(test::end_of(*process), 7);
    assert_code(process->start(), Errc::already_started);
    const char* const sleep_argv[] = {"sleep", "60", nullptr};
    Result<Process> sleeper = Process::exec("sleep", sleep_argv);
    assert_ok(sleeper);
    assert_true(sleeper->is_alive());
    assert_ok(sleeper->terminate());
    assert_int_equal(test::end_of(*sleeper), -SIGTERM);
}

static void arguments_reach_the_program_as_they_are(void**) {
    char text[64] = {};
    const char* const script = "printf '%s|' \"$0\" \"$@\"";
    const char* const argv[] = {"sh", "-c", script, "zero", "a b", "", "*", nullptr};
    const Result<Captured> got = brood::capture("/bin/sh", argv, text, sizeof(text) - 1);
    assert_ok(got);
    assert_string_equal(text, "zero|a b||*|");
}

static void a_program_without_a_slash_is_searched_in_path(void**) {
    const char* const argv[] = {"true", nullptr};
    Result<Process> found = Process::exec("true", argv);
    assert_ok(found);
    assert_int_equal(test::end_of(*found), 0);
    test::assert_child_exits(0, [&] {
        setenv("PATH", "/nowhere:/", 1);
        return Process::exec("true", argv).error().os_error() == ENOENT ? 0 : 1;
    });
}

static void a_program_that_cannot_be_started_is_reported_with_its_errno(void**) {
    const char* const argv[] = {"x", nullptr};
    const std::size_t before = test::open_descriptors();
    const struct {
        const char* path;
        ExecOptions options;
        int os_error;
    } rows[] = {
        {"/nowhere/at/all", ExecOptions(), ENOENT},
        {"/", ExecOptions(), EACCES},
        {"/etc/passwd", ExecOptions(), EACCES},
        {"/bin/sh/x", ExecOptions(), ENOTDIR},
        {"/bin/sh", ExecOptions().directory("/nowhere"), ENOENT},
        {"/bin/sh", ExecOptions().output(12345), EBADF},
    };
    for (const auto& row : rows) {
        const Result<Process> process = Process::exec(row.path, argv, row.options);
        assert_code(process, Errc::exec_failed);
        assert_int_equal(process.error().os_error(), row.os_error);
    }
    test::assert_child_exits(0, [&] {
        setenv("PATH", "/usr/bin:/bin", 1);  // With a folder that is closed to us it is EACCES.
        const auto none = Process::exec("no-such-program-anywhere", argv);
        return none.code() == Errc::exec_failed && none.error().os_error() == ENOENT ? 0 : 1;
    });
    assert_int_equal(test::open_descriptors(), before);
    assert_int_equal(waitpid(-1, nullptr, WNOHANG), -1);
    if (geteuid() != 0) { return test::not_run("not permitted to change the user", "not root"); }
    test::assert_child_exits(0, [&] {
        if (setresuid(65534, 65534, 65534) != 0) { return 9; }
        const auto refused = Process::exec("/bin/sh", argv, ExecOptions().user(0));
        return refused.code() == Errc::exec_failed && refused.error().os_error() == EPERM ? 0 : 1;
    });
}

static void bad_input_is_refused(void**) {
    const char* const argv[] = {"sh", nullptr};
    const char* const nothing[] = {nullptr};
    ExecOptions nine;
    for (int i = 0; i < 9; ++i) { nine.limit(RLIMIT_CORE, 0, 0); }
    char text[4];
    assert_code(Process::exec(nullptr, argv), Errc::bad_argument);
    assert_code(Process::exec("", argv), Errc::bad_argument);
    assert_code(Process::exec("/bin/sh", nullptr), Errc::bad_argument);
    assert_code(Process::exec("/bin/sh", nothing), Errc::bad_argument);
    assert_code(Process::exec("/bin/sh", argv, nine), Errc::bad_argument);
    assert_code(brood::capture("/bin/sh", argv, nullptr, 1), Errc::bad_argument);
    assert_code(brood::capture("/bin/sh", argv, text, 4, ExecOptions(), milliseconds(-1)),
                Errc::timeout_negative);
    assert_code(brood::capture("/bin/sh", argv, text, 4, ExecOptions(), brood::seconds(INT64_MAX)),
                Errc::timeout_overflow);
}

// ---- The options, as the program sees them -----------------------------------------------------

static void directory_and_environment_are_the_programs(void**) {
    assert_string_equal(shell("pwd", ExecOptions().directory("/usr")), "/usr\n");
    const char* const environment[] = {"GREETING=hello", "PATH=/usr/bin:/bin", nullptr};
    const ExecOptions greeting = ExecOptions().environment(environment);
    assert_string_equal(shell("echo \"$GREETING\" \"$HOME\"", greeting), "hello \n");
    const char* const empty[] = {nullptr};
    assert_string_equal(shell("echo \"<$HOME>\"", ExecOptions().environment(empty)), "<>\n");
    setenv("BROOD_INHERITED", "yes", 1);
    assert_string_equal(shell("echo $BROOD_INHERITED"), "yes\n");
    unsetenv("BROOD_INHERITED");
}

static void input_is_dev_null_unless_given_or_kept(void**) {
    assert_int_equal(number_from("wc -c"), 0);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "twelve bytes", 12), 12);
    close(ends[1]);
    assert_int_equal(number_from("wc -c", ExecOptions().input(ends[0])), 12);
    close(ends[0]);
    test::assert_child_exits(0, [] {
        int kept[2];
        char text[8] = {};
        const char* const argv[] = {"cat", nullptr};
        if (pipe(kept) != 0 || write(kept[1], "kept", 4) != 4 || dup2(kept[0], 0) != 0) {
            return 1;
        }
        close(kept[1]);
        const auto got = brood::capture("cat", argv, text, 7, ExecOptions().keep_input());
        return got.ok() && strcmp(text, "kept") == 0 ? 0 : 2;
    });
}

/// A host whose descriptors `numbers` are the write ends of two pipes starts a program that gets
/// them as its output and error: 0 if each of its lines arrives where it should.
static int permute(const int (&numbers)[2]) {
    int first[2], second[2];
    if (pipe(first) != 0 || pipe(second) != 0) { return 1; }
    const int high[2] = {fcntl(first[1], F_DUPFD, 50), fcntl(second[1], F_DUPFD, 50)};
    for (int i = 0; i < 2; ++i) {
        if (dup2(high[i], numbers[i]) != numbers[i]) { return 2; }
    }
    const char* const argv[] = {"sh", "-c", "echo out; echo err >&2", nullptr};
    Result<Process> process =
        Process::exec("/bin/sh", argv, ExecOptions().output(numbers[0]).error(numbers[1]));
    if (!process.ok() || !process->join(test::kLong).ok() || *process->exit_code() != 0) {
        return 3;
    }
    char out[8] = {}, err[8] = {};
    if (read(first[0], out, 7) != 4 || strcmp(out, "out\n") != 0) { return 4; }
    if (read(second[0], err, 7) != 4 || strcmp(err, "err\n") != 0) { return 5; }
    return 0;
}

static void standard_streams_may_be_given_in_any_order(void**) {
    const int rows[][2] = {{60, 61}, {1, 2}, {2, 1},  {0, 1}, {1, 0},
                           {0, 2},   {2, 0}, {60, 1}, {2, 60}};
    for (const auto& row : rows) {
        assert_int_equal(test::run_child([&] { return permute(row); }), 0);
    }
    assert_string_equal(shell("echo out; echo err >&2"), "out\nerr\n");  // Both are captured,
    char text[16] = {};
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const char* const argv[] = {"sh", "-c", "echo out; echo err >&2", nullptr};
    assert_ok(brood::capture("/bin/sh", argv, text, 15, ExecOptions().error(null)));
    assert_string_equal(text, "out\n");  // unless the options say where the second goes.
    close(null);
}

static void user_and_group_are_dropped_for_good(void**) {
    if (geteuid() != 0) { return test::not_run("ExecOptions::user() and group_id()", "not root"); }
    const ExecOptions nobody = ExecOptions().user(65534).group_id(65533);
    assert_string_equal(shell("id -u; id -g; id -ru; id -rg", nobody),
                        "65534\n65533\n65534\n65533\n");
    assert_string_equal(shell("grep Uid /proc/self/status", nobody),
                        "Uid:\t65534\t65534\t65534\t65534\n");
    if (test::is_posix_port()) {
        test::not_run("ExecOptions::group_id() drops supplementary groups", "POSIX cannot");
    } else {
        assert_string_equal(shell("id -G", nobody), "65533\n");
    }
    assert_int_equal(geteuid(), 0);
}

static void group_and_session_lead_their_own(void**) {
    const char* const script =
        "read pid comm state ppid pgrp session rest </proc/self/stat; "
        "echo $(( (pgrp == $$) + 2 * (session == $$) ))";
    assert_int_equal(number_from(script), 0);
    assert_int_equal(number_from(script, ExecOptions().group()), 1);
    assert_int_equal(number_from(script, ExecOptions().session()), 3);
    assert_int_equal(number_from(script, ExecOptions().group().session()), 3);
}

static void terminate_reaches_the_children_of_a_program_that_leads_a_group(void**) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const char* const argv[] = {"sh", "-c", "sleep 60 & sleep 60 & echo; wait", nullptr};
    Result<Process> process = Process::exec("/bin/sh", argv, ExecOptions().group().output(ends[1]));
    assert_ok(process);
    close(ends[1]);
    char byte = 0;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_ok(process->terminate(test::kLong));
    pollfd item = {ends[0], POLLIN, 0};
    assert_int_equal(poll(&item, 1, static_cast<int>(test::kPatienceMs)), 1);
    assert_int_equal(read(ends[0], &byte, 1), 0);  // Nobody has it open any more.
    close(ends[0]);
}

static void limits_nice_and_cpus_are_set(void**) {
    ExecOptions limits;
    limits.limit(RLIMIT_NOFILE, 33, 44).limit(RLIMIT_CORE, 0, RLIM_INFINITY);
    assert_string_equal(shell("ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc", limits),
                        "33\n44\n0\nunlimited\n");
    const int here = number_from("nice");
    assert_int_equal(number_from("nice", ExecOptions().nice(here + 3)), here + 3);
    assert_int_equal(number_from("nice"), here);
    cpu_set_t mine;
    assert_int_equal(sched_getaffinity(0, sizeof(mine), &mine), 0);
    std::uint32_t last = 0;
    for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &mine)) { last = cpu; }
    }
    const char* const argv[] = {"nproc", nullptr};
    char text[8] = {};
    const auto got = brood::capture("nproc", argv, text, 7, ExecOptions().cpus(&last, 1));
    if (test::is_unsupported(got.status(), "ExecOptions::cpus()")) { return; }
    assert_ok(got);
    assert_string_equal(text, "1\n");
    const std::uint32_t none = 100000;
    assert_code(Process::exec("nproc", argv, ExecOptions().cpus(&none, 1)), Errc::exec_failed);
}

// Whether /proc/self/status, as cat printed it, has exactly these signals under `name`.
static bool has_mask(const char* status, const char* name, std::uint64_t mask) {
    char line[64];
    snprintf(line, sizeof line, "\n%s:\t%016llx\n", name, static_cast<unsigned long long>(mask));
    return strstr(status, line) != nullptr;
}

static void signals_are_at_their_defaults_in_the_program(void**) {
    // glibc keeps signals 32 and 33 to itself; its posix_spawn(), by which make may have started
    // the suite, leaves them ignored, and sigaction(), all that POSIX has, cannot change that; nor
    // can anything under qemu-user, which keeps them, too.
    constexpr std::uint64_t kGlibcs = std::uint64_t{3} << 31;
    static const bool keeps_some = test::is_emulated() || strcmp(brood::port::kName, "posix") == 0;
    test::assert_child_exits(0, [] {
        signal(SIGUSR1, SIG_IGN);
        signal(SIGINT, [](int) {});
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, nullptr);
        char text[4096] = {};
        const char* const argv[] = {"cat", "/proc/self/status", nullptr};
        if (!brood::capture("cat", argv, text, sizeof(text) - 1).ok()) { return 1; }
        const char* const found = strstr(text, "SigIgn:\t");
        if (found == nullptr) { return 3; }
        const std::uint64_t ignored = strtoull(found + 8, nullptr, 16);
        const bool clean = has_mask(text, "SigBlk", 0) && has_mask(text, "SigCgt", 0) &&
                           (keeps_some ? ignored & ~kGlibcs : ignored) == 0;
        return clean ? 0 : 2;
    });
}

static void a_program_holds_0_1_2_and_what_the_host_meant_for_it(void**) {
    int meant[2], private_ends[2];
    assert_int_equal(pipe(meant), 0);
    assert_int_equal(pipe2(private_ends, O_CLOEXEC), 0);
    Process sibling(brood::ProcessOptions().daemon(), [] {
        for (;;) { pause(); }
    });
    assert_ok(sibling.start());
    // Whatever else the suite itself holds open, the two that the host meant are there,
    char script[160];
    snprintf(script, sizeof(script), "[ -e /proc/$$/fd/%d ] && [ -e /proc/$$/fd/%d ] && echo 1",
             meant[0], meant[1]);
    assert_int_equal(number_from(script), 1);
    // its private ones and brood's are not.
    snprintf(script, sizeof(script),
             "[ -e /proc/$$/fd/%d ] || [ -e /proc/$$/fd/%d ] || "
             "[ -e /proc/$$/fd/%d ] || echo 1",
             private_ends[0], private_ends[1],
             sibling.sentinel() >= 0 ? sibling.sentinel() : private_ends[0]);
    assert_int_equal(number_from(script), 1);
    for (const int fd : {meant[0], meant[1], private_ends[0], private_ends[1]}) { close(fd); }
}

// ---- capture() ---------------------------------------------------------------------------------

static void capture_gives_output_and_exit_code_and_bounds_the_output(void**) {
    const char* const argv[] = {"sh", "-c", "printf 0123456789; exit 3", nullptr};
    const struct {
        std::size_t room, bytes;
        bool truncated;
    } rows[] = {{0, 0, true}, {1, 1, true}, {9, 9, true}, {10, 10, false}, {11, 10, false}};
    for (const auto& row : rows) {
        char text[16] = "???????????????";
        const Result<Captured> got = brood::capture("/bin/sh", argv, text, row.room);
        assert_ok(got);
        assert_int_equal(got->exit_code, 3);
        assert_int_equal(got->bytes, row.bytes);
        assert_int_equal(got->truncated, row.truncated);
        assert_memory_equal(text, "0123456789", row.bytes);
        assert_int_equal(text[row.bytes], '?');
    }
    const char* const killed[] = {"sh", "-c", "kill -9 $$", nullptr};
    assert_int_equal(brood::capture("/bin/sh", killed, nullptr, 0)->exit_code, -SIGKILL);
}

static void capture_drops_what_does_not_fit_without_blocking_the_program(void**) {
    char text[100];
    const char* const argv[] = {"head", "-c", "1000000", "/dev/zero", nullptr};
    const Result<Captured> got =
        brood::capture("head", argv, text, sizeof(text), ExecOptions(), test::kLong);
    assert_ok(got);
    assert_int_equal(got->exit_code, 0);
    assert_int_equal(got->bytes, 100);
    assert_true(got->truncated);
}

static void capture_kills_at_its_timeout_and_keeps_the_output_until_then(void**) {
    for (const bool deaf : {false, true}) {
        char text[16] = {};
        const char* const argv[] = {"sh", "-c",
                                    deaf ? "trap '' TERM; echo early; while :; do sleep 1; done"
                                         : "echo early; exec sleep 60",
                                    nullptr};
        Result<Captured> got = Errc::not_done;
        // Under load the shell may need longer than that to say a word: then it has more time.
        for (std::int64_t ms = 150; ms < test::kPatienceMs; ms *= 4) {
            const std::int64_t before = test::now_ns();
            got = brood::capture("/bin/sh", argv, text, sizeof(text), ExecOptions().group(),
                                 milliseconds(ms));
            assert_code(got, Errc::timed_out);
            const std::int64_t took_ms = (test::now_ns() - before) / 1000000;
            assert_in_range(took_ms, deaf ? ms + 100 : ms, ms + test::kSoonMs);
            if (got.error().detail() > 0) { break; }
        }
        assert_string_equal(text, "early\n");
        assert_int_equal(got.error().detail(), 6);
        assert_int_equal(waitpid(-1, nullptr, WNOHANG), -1);
    }
}

// Promise 26.
static void a_storm_of_signals_neither_fails_nor_prolongs_exec_and_capture(void**) {
    const test::AlarmStorm storm;
    const auto takes_100_ms = [](auto&& call, Errc code) {
        const std::int64_t before = test::now_ns();
        assert_code(call(milliseconds(100)), code);
        assert_in_range((test::now_ns() - before) / 1000000, 100, 5000);
    };
    for (int i = 0; i < 20; ++i) { assert_string_equal(shell("echo one; echo two"), "one\ntwo\n"); }
    assert_string_equal(shell("sleep 0.1; echo late"), "late\n");
    const char* const asleep[] = {"sleep", "60", nullptr};
    takes_100_ms(
        [&](brood::Timeout timeout) {
            return brood::capture("sleep", asleep, nullptr, 0, ExecOptions(), timeout).status();
        },
        Errc::timed_out);

    const char* const deaf[] = {"sh", "-c", "trap '' TERM; echo; while :; do sleep 1; done",
                                nullptr};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Result<Process> process = Process::exec("/bin/sh", deaf, ExecOptions().group().output(ends[1]));
    assert_ok(process);
    char byte = 0;
    ssize_t count = 0;
    do { count = read(ends[0], &byte, 1); } while (count < 0 && errno == EINTR);
    assert_int_equal(count, 1);  // The trap is set.
    takes_100_ms([&](brood::Timeout grace) { return process->terminate(grace); }, Errc::ok);
    assert_int_equal(*process->exit_code(), -SIGKILL);
    close(ends[0]);
    close(ends[1]);
}

static void exec_and_capture_leave_no_descriptor_behind(void**) {
    const std::size_t before = test::open_descriptors();
    for (int i = 0; i < 3; ++i) {
        shell("echo x");
        char text[4];
        const char* const argv[] = {"sleep", "60", nullptr};
        assert_code(brood::capture("sleep", argv, text, 4, ExecOptions(), milliseconds(1)),
                    Errc::timed_out);
        assert_code(brood::capture("/nowhere", argv, text, 4), Errc::exec_failed);
    }
    assert_int_equal(test::open_descriptors(), before);
}

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(exec_starts_a_program_as_a_process),
        cmocka_unit_test(arguments_reach_the_program_as_they_are),
        cmocka_unit_test(a_program_without_a_slash_is_searched_in_path),
        cmocka_unit_test(a_program_that_cannot_be_started_is_reported_with_its_errno),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(directory_and_environment_are_the_programs),
        cmocka_unit_test(input_is_dev_null_unless_given_or_kept),
        cmocka_unit_test(standard_streams_may_be_given_in_any_order),
        cmocka_unit_test(user_and_group_are_dropped_for_good),
        cmocka_unit_test(group_and_session_lead_their_own),
        cmocka_unit_test(terminate_reaches_the_children_of_a_program_that_leads_a_group),
        cmocka_unit_test(limits_nice_and_cpus_are_set),
        cmocka_unit_test(signals_are_at_their_defaults_in_the_program),
        cmocka_unit_test(a_program_holds_0_1_2_and_what_the_host_meant_for_it),
        cmocka_unit_test(capture_gives_output_and_exit_code_and_bounds_the_output),
        cmocka_unit_test(capture_drops_what_does_not_fit_without_blocking_the_program),
        cmocka_unit_test(capture_kills_at_its_timeout_and_keeps_the_output_until_then),
        cmocka_unit_test(a_storm_of_signals_neither_fails_nor_prolongs_exec_and_capture),
        cmocka_unit_test(exec_and_capture_leave_no_descriptor_behind),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
