// Goal: the line of progress says what is so, on a terminal only, and goes away.
// Method: a table of figures and lines; `brood sum` with a pseudo terminal as standard error.
#include "sum_host_support.hpp"

#include <tools/progress.hpp>

using tool::WorkTotals;

constexpr std::int64_t kSecond = 1000000000;

struct Row {
    WorkTotals done;
    WorkTotals all;  // no files: not known yet
    std::int64_t elapsed_ns;
    const char* line;
};
static const Row kRows[] = {
    {{0, 0}, {0, 0}, 0, "0 files  0.0 B  0 B/s"},
    {{12, 3400}, {0, 0}, 2 * kSecond, "12 files  3.4 kB  2 kB/s"},
    {{10, 1500000000}, {20, 3000000000}, kSecond, "10/20 files  1.5/3.0 GB  2 GB/s  0:01 left"},
    {{10, 500000000}, {20, 3000000000}, kSecond / 4, "10/20 files  0.5/3.0 GB  2 GB/s"},
    {{1, 1000000},
     {101, 101000000},
     60 * kSecond,
     "1/101 files  1.0/101.0 MB  17 kB/s  1:40:00 left"},
    {{9, 9000000}, {10, 10000000}, 900 * kSecond, "9/10 files  9.0/10.0 MB  10 kB/s  1:40 left"},
    {{10, 20}, {10, 20}, kSecond, "10/10 files  20.0/20.0 B  20 B/s  0:00 left"},
    {{11, 30}, {10, 20}, kSecond, "11/10 files  30.0/20.0 B  30 B/s  0:00 left"},  // It grew.
};

static void the_line_says_files_bytes_rate_and_time_left(void**) {
    for (const Row& row : kRows) {
        char line[128];
        const size_t length = tool::format_progress(
            line, sizeof line, row.done, row.all.files > 0 ? &row.all : nullptr, row.elapsed_ns);
        assert_string_equal(line, row.line);
        assert_int_equal(length, strlen(line));
    }
}

static void a_line_that_does_not_fit_is_cut(void**) {
    char line[16];
    const WorkTotals many = {1000000000000, 1000000000000000};
    assert_int_equal(tool::format_progress(line, sizeof line, many, &many, kSecond), 15);
    assert_string_equal(line, "1000000000000/1");
}

static void a_terminal_shows_progress_seldom_and_is_left_clean(void**) {
    test::prepare("mkdir tree && for i in 1 2 3; do truncate -s 500M tree/$i; done");
    test::Terminal terminal;
    const std::int64_t begin = test::now_ns();
    test::Host host("-j 1 tree", terminal.slave());
    static char text[65536];
    terminal.read_all(text, sizeof text);
    const std::int64_t tenths = (test::now_ns() - begin) / (kSecond / 10);
    assert_int_equal(host.join(), 0);

    if (strstr(text, "/3 files  ") == nullptr) { fail_msg("no totals in: %s", text); }
    assert_non_null(strstr(text, " GB  "));
    assert_non_null(strstr(text, "B/s"));
    std::int64_t lines = 0;
    for (const char* at = strstr(text, "\r"); at != nullptr; at = strstr(at + 1, "\r")) { ++lines; }
    assert_in_range(lines, 2, tenths + 2);  // The last line needs two, to be wiped out.
    // What stands there in the end: blanks, and the cursor at the margin.
    const size_t length = strlen(text);
    assert_true(length > 2 && text[length - 1] == '\r');
    size_t blanks = length - 1;
    while (blanks > 0 && text[blanks - 1] == ' ') { --blanks; }
    assert_true(length - 1 - blanks > 20 && text[blanks - 1] == '\r');
}

// --status: as if there were no terminal.
static void a_check_that_says_nothing_shows_no_progress(void**) {
    test::prepare("truncate -s 500M big && sha256sum big big > list");
    test::Terminal terminal;
    test::Host host("-j 1 -c --status list", terminal.slave());
    static char text[65536];
    terminal.read_all(text, sizeof text);
    assert_int_equal(host.join(), 0);
    assert_string_equal(text, "");
}

static void counting_what_a_list_asks_for_takes_nothing_from_a_pipe(void**) {
    test::prepare("echo 1 > file && line=$(sha256sum file) && yes \"$line\" | head -5000 > list");
    test::Terminal terminal;
    test::Host host("-c <(cat list)", terminal.slave());
    assert_int_equal(host.join(), 0);
    test::prepare("test $(grep -c '^file: OK$' found) = 5000");
}

static void without_a_terminal_nothing_is_shown(void**) {
    test::prepare("mkdir tree && truncate -s 500M tree/1");
    test::Host host("tree");
    assert_int_equal(host.join(), 0);
    assert_string_equal(test::Contents("errors").text(), "");
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_files_bytes_rate_and_time_left),
        cmocka_unit_test(a_line_that_does_not_fit_is_cut),
        cmocka_unit_test_setup(a_terminal_shows_progress_seldom_and_is_left_clean,
                               test::empty_folder),
        cmocka_unit_test_setup(a_check_that_says_nothing_shows_no_progress, test::empty_folder),
        cmocka_unit_test_setup(counting_what_a_list_asks_for_takes_nothing_from_a_pipe,
                               test::empty_folder),
        cmocka_unit_test_setup(without_a_terminal_nothing_is_shown, test::empty_folder),
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
