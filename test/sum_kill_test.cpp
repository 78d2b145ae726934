// Goal: whatever is killed while `brood sum` runs, what it prints is right, what is missing is
// named, and nothing is left behind.
// Method: kill -9 of workers (in the middle of a known file, and at random), of the supervisor and
// of the host (at random moments; BROOD_LONG=1: 200 of them); signals; files that change meanwhile.
#include "sum_host_support.hpp"

#include <sys/ioctl.h>

using test::assert_has;
using test::assert_same_files;
using test::Contents;
using test::eventually;
using test::Host;
using test::prepare;

/// One big file, long enough in work to be met there, among small ones.
static void make_tree_with_a_big_file() {
    prepare("mkdir tree && echo 1 > tree/a && truncate -s 600M tree/big && echo 2 > tree/z");
}

// ---- Workers ---------------------------------------------------------------------------------

static void the_file_of_a_killed_worker_is_done_again(void**) {
    make_tree_with_a_big_file();
    prepare("sha256sum tree/a tree/big tree/z > wanted");
    Host host("-j 2 tree");
    assert_int_equal(kill(host.await_holder("tree/big"), SIGKILL), 0);
    assert_int_equal(host.join(), 0);
    assert_same_files("found", "wanted");
    assert_string_equal(Contents("errors").text(), "");
    assert_true(host.is_gone_within(0));
}

static void a_file_that_cost_two_workers_is_named_and_the_rest_is_summed(void**) {
    make_tree_with_a_big_file();
    prepare("sha256sum tree/a tree/z > wanted");
    Host host("-j 2 tree");
    const pid_t first = host.await_holder("tree/big");
    assert_int_equal(kill(first, SIGKILL), 0);
    assert_int_equal(kill(host.await_holder("tree/big", first), SIGKILL), 0);
    assert_int_equal(host.join(), 1);
    assert_same_files("found", "wanted");
    assert_string_equal(Contents("errors").text(),
                        "brood sum: tree/big: worker died (SIGKILL) twice\n");
}

static void a_storm_of_kills_leaves_only_right_sums_and_names_what_is_missing(void**) {
    prepare(
        "mkdir tree && cd tree && seq 1 3000 | split -l 1 -a 4 - f && for i in {1..40}; do"
        " head -c 4000000 /dev/zero | tr '\\0' $((i % 10)) > big$i; done; cd .. &&"
        " find tree -type f | sort | xargs sha256sum > wanted");
    for (int round = 0; round < 3; ++round) {
        srand(static_cast<unsigned>(round));
        Host host("-j 3 tree");
        const int kills = test::storm(host);
        const int status = host.join();
        print_message("killed %d workers, status %d\n", kills, status);
        assert_true(kills > 0);
        // No line that is not wanted, in the wanted order; the others are named, and only they.
        prepare(
            "diff wanted found | grep -v '^[0-9,]*d[0-9]*$' | sed 's/^< [0-9a-f]*  //' >"
            " missing; sed 's/^brood sum: \\(.*\\): worker died (SIGKILL) twice$/\\1/'"
            " errors | cmp - missing");
        assert_int_equal(status, Contents("missing").bytes() > 0 ? 1 : 0);
        assert_true(host.is_gone_within(0));
    }
}

static void a_killed_supervisor_ends_the_work_with_an_error(void**) {
    prepare("mkdir tree && truncate -s 20G tree/big");  // Work for many a second.
    Host host("-j 2 tree");
    host.await_holder("tree/big");
    assert_int_equal(kill(host.supervisor(), SIGKILL), 0);
    assert_int_equal(host.join(), 1);
    assert_has("errors", "brood sum: the workers: ");
    assert_true(host.is_gone_within(test::kSoonMs));
}

// ---- The host --------------------------------------------------------------------------------

static void a_killed_host_leaves_no_process_at_any_moment(void**) {
    const int kills = getenv("BROOD_LONG") != nullptr ? 200 : 12;
    prepare("mkdir tree && cd tree && seq 1 3000 | split -l 1 -a 4 - f && truncate -s 60M big");
    srand(7);
    for (int i = 0; i < kills; ++i) {
        // With a terminal there is one process more, which counts the files.
        test::Terminal terminal;
        Host host("-j 3 $(yes tree | head -500)", i % 2 == 0 ? terminal.slave() : -1);
        const timespec moment = {0, rand() % 150 * 1000000 + rand() % 1000000};
        nanosleep(&moment, nullptr);
        kill(host.pid(), SIGKILL);
        if (!host.is_gone_within(test::kSoonMs)) { fail_msg("processes left after kill %d", i); }
    }
}

static void an_interrupted_host_takes_all_with_it_and_ends_by_the_signal(void**) {
    make_tree_with_a_big_file();
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        test::Terminal terminal;
        Host host("-j 2 tree", terminal.slave());
        host.await_holder("tree/big");
        assert_int_equal(kill(-host.pid(), signal), 0);  // To all, as a terminal does.
        assert_int_equal(host.join(), -signal);
        assert_true(host.is_gone_within(0));
    }
}

static void output_that_nobody_reads_does_not_keep_it_from_being_interrupted(void**) {
    prepare("mkdir tree && cd tree && seq 1 4000 | split -l 1 -a 4 - f && mkfifo ../found");
    const int reader = open("found", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    Host host("tree");
    int waiting = 0;  // More than half of the pipe, and the rest soon, as a page may be half full.
    assert_true(eventually([&] {
        return ioctl(reader, FIONREAD, &waiting) == 0 && waiting > fcntl(reader, F_GETPIPE_SZ) / 2;
    }));
    test::sleep_ms(100);  // Now, or soon, it sleeps until we read.
    assert_int_equal(kill(host.pid(), SIGINT), 0);
    assert_int_equal(host.join(), -SIGINT);
    close(reader);
    assert_true(host.is_gone_within(0));
}

static void it_ends_quietly_when_its_reader_goes(void**) {
    prepare("mkdir tree && cd tree && seq 1 4000 | split -l 1 -a 4 - f && mkfifo ../found");
    const int reader = open("found", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    Host host("tree");
    int waiting = 0;  // It has begun: without a reader it could not.
    assert_true(eventually([&] { return ioctl(reader, FIONREAD, &waiting) == 0 && waiting > 0; }));
    close(reader);
    assert_int_equal(host.join(), -SIGPIPE);
    assert_true(host.is_gone_within(0));
    assert_string_equal(Contents("errors").text(), "");
}

// ---- Files that change meanwhile -------------------------------------------------------------

/// Runs `change` after the host has found the files of tree/, and before a worker opens one.
static int sum_while(const char* change) {
    prepare("mkfifo begin end");
    Host host("-j 1 begin tree end");
    const int begin = open("begin", O_WRONLY | O_CLOEXEC);  // Returns once the host reads it:
    pid_t worker = 0;                                       // then the pool is there.
    assert_true(eventually([&] { return host.workers(&worker, 1) == 1; }));
    assert_int_equal(kill(worker, SIGSTOP), 0);
    close(begin);
    const int end = open("end", O_WRONLY | O_CLOEXEC);  // Now the host is through with tree/.
    prepare(change);
    assert_int_equal(kill(worker, SIGCONT), 0);
    close(end);
    return host.join();
}

static void vanished_and_replaced_files_are_named_and_the_rest_is_summed(void**) {
    prepare("mkdir tree && cd tree && for name in a b c d e f; do echo $name > $name; done");
    prepare("sha256sum tree/[af] > wanted");
    assert_int_equal(sum_while("cd tree && rm b && ln -sf a c && rm d && mkfifo d && rm e &&"
                               " mkdir e"),
                     1);
    prepare("grep -v -e ' begin$' -e ' end$' found > rest");
    assert_same_files("rest", "wanted");
    assert_string_equal(Contents("errors").text(),
                        "brood sum: tree/b: No such file or directory\n"
                        "brood sum: tree/c: no longer a regular file\n"
                        "brood sum: tree/d: no longer a regular file\n"
                        "brood sum: tree/e: no longer a regular file\n");
}

// ---- A big file before many small ones -------------------------------------------------------

/// A figure of /proc/PID/FILE: the number behind `name`.
static long figure(pid_t pid, const char* file, const char* name) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    FILE* const stream = fopen(path, "re");
    long value = -1;
    while (stream != nullptr && fgets(line, sizeof line, stream) != nullptr) {
        if (strncmp(line, name, strlen(name)) == 0) { value = atol(line + strlen(name)); }
    }
    if (stream != nullptr) { fclose(stream); }
    return value;
}

static void small_files_do_not_wait_for_a_big_one_and_memory_stays_bounded(void**) {
    prepare(
        "mkdir tree && cd tree && truncate -s 600M a-big && seq 10001 19500 |"
        " split -l 1 -a 4 - file && cd .. && find tree -type f | sort |"
        " xargs sha256sum > wanted");
    Host host("-j 2 tree");
    const pid_t busy = host.await_holder("tree/a-big");
    assert_int_equal(kill(busy, SIGSTOP), 0);
    pid_t workers[2] = {};
    assert_true(eventually([&] { return host.workers(workers, 2) == 2; }));
    const pid_t other = workers[0] == busy ? workers[1] : workers[0];
    // Eight thousand files of six bytes are more than two thirds of what may be in flight.
    if (!eventually([&] { return figure(other, "io", "rchar:") >= 8000 * 6; })) {
        fail_msg("the other worker has read %ld bytes", figure(other, "io", "rchar:"));
    }
    const long memory_kib = figure(host.pid(), "status", "VmHWM:");
    assert_int_equal(kill(busy, SIGCONT), 0);
    assert_int_equal(host.join(), 0);
    assert_same_files("found", "wanted");
    print_message("the host used %ld KiB at most\n", memory_kib);
    const char* const sanitized = getenv("BROOD_SANITIZE");
    if (sanitized == nullptr || *sanitized == '\0') { assert_true(memory_kib < 16 * 1024); }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_file_of_a_killed_worker_is_done_again, test::empty_folder),
        cmocka_unit_test_setup(a_file_that_cost_two_workers_is_named_and_the_rest_is_summed,
                               test::empty_folder),
        cmocka_unit_test_setup(a_storm_of_kills_leaves_only_right_sums_and_names_what_is_missing,
                               test::empty_folder),
        cmocka_unit_test_setup(a_killed_supervisor_ends_the_work_with_an_error, test::empty_folder),
        cmocka_unit_test_setup(a_killed_host_leaves_no_process_at_any_moment, test::empty_folder),
        cmocka_unit_test_setup(an_interrupted_host_takes_all_with_it_and_ends_by_the_signal,
                               test::empty_folder),
        cmocka_unit_test_setup(output_that_nobody_reads_does_not_keep_it_from_being_interrupted,
                               test::empty_folder),
        cmocka_unit_test_setup(it_ends_quietly_when_its_reader_goes, test::empty_folder),
        cmocka_unit_test_setup(vanished_and_replaced_files_are_named_and_the_rest_is_summed,
                               test::empty_folder),
        cmocka_unit_test_setup(small_files_do_not_wait_for_a_big_one_and_memory_stays_bounded,
                               test::empty_folder),
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
