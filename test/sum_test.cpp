// Goal: `brood sum` prints, byte for byte, what sha256sum prints, in the order of the paths, and
// `brood sum -c` says what sha256sum -c says.
// Method: the true sha256sum, run on the same trees and lists.
#include "sum_support.hpp"

using test::assert_has;
using test::assert_same_files;
using test::Contents;
using test::prepare;
using test::run_script;

/// Sums `paths` with brood and with sha256sum and compares output and status.
static void compare_sums(const char* paths, const char* options = "") {
    char script[2048];
    snprintf(script, sizeof script,
             "for path in %s; do find -H \"$path\" -type f -print0 | sort -z; done |"
             " xargs -0 -r sha256sum -- > wanted && exec $BROOD sum %s %s > found 2> errors",
             paths, options, paths);
    assert_int_equal(run_script(script), 0);
    assert_same_files("found", "wanted");
    assert_string_equal(Contents("errors").text(), "");
}

// ---- Names and order -------------------------------------------------------------------------

static void odd_names_are_escaped_as_sha256sum_does(void**) {
    prepare(
        "mkdir tree && cd tree &&"
        " for name in $'new\\nline' $'car\\rriage' 'back\\slash' '\\' -dash --help 'two  spaces'"
        " ' lead' 'trail ' $'tab\\t' $'\\xc3\\xbc' $'\\xff\\xfe' '*star' '(paren) = x' '#hash'"
        " $'all\\nof\\\\them\\r' $'\\n'; do printf '%s' \"$name\" > \"./$name\" || exit; done");
    compare_sums("tree");
    assert_has("found", "\\n");
    prepare("sha256sum --quiet -c found");
}

static void paths_come_in_the_order_of_their_bytes(void**) {
    prepare(
        "mkdir -p tree/a/b tree/a.d tree/a- tree/A tree/ab tree/empty tree/$'\\xff' &&"
        " for path in a/b/c a/b.c a/b0 a.d/x a-/x a-b a0 A/z ab/c 'a b' $'\\xff/y' B b; do"
        " echo $path > \"tree/$path\" || exit; done");
    compare_sums("tree");
    compare_sums("tree/ tree//a .//tree/a/../a");
    compare_sums("tree/b tree/A tree/a tree/b tree/b");
}

static void names_of_255_bytes_and_deep_folders_are_summed(void**) {
    prepare(
        "name=$(printf 'n%.0s' {1..255}) && mkdir -p tree/$name/$name/$name &&"
        " echo 1 > tree/$name/$name/$name/$name &&"
        " deep=tree && for i in {1..200}; do deep+=/d; done && mkdir -p $deep &&"
        " echo 2 > $deep/file");
    compare_sums("tree");
}

static void a_path_longer_than_the_system_allows_is_named_and_the_rest_is_summed(void**) {
    prepare(
        "mkdir tree && cd tree && echo 1 > a && echo 2 > z &&"
        " name=$(printf 'n%.0s' {1..250}) && (for i in {1..17}; do mkdir $name && cd $name;"
        " done; echo 3 > file)");
    prepare("sha256sum tree/a tree/z > wanted");
    assert_int_equal(run_script("exec $BROOD sum tree > found 2> errors"), 1);
    assert_same_files("found", "wanted");
    assert_has("errors", "File name too long");
    prepare("cd tree; for i in {1..17}; do cd n*; done; rm file");  // find -delete could not.
}

static void empty_files_and_files_around_the_sizes_of_blocks_are_summed(void**) {
    prepare(
        "mkdir tree && cd tree && for size in 0 1 55 56 63 64 65 119 120 4096 262143 262144"
        " 262145 1048577 3000000; do head -c $size /dev/urandom > $size || exit; done");
    compare_sums("tree");
    compare_sums("tree", "-j 1");
    compare_sums("tree", "-j 9");
}

// What sha256sum's options do to the lines, on names that it escapes or does not.
static void lines_look_as_sha256sums_options_have_them(void**) {
    prepare(
        "mkdir tree && cd tree && for name in plain $'new\\nline' $'car\\rriage' 'back\\slash'"
        " '(paren) = x'; do printf '%s' \"$name\" > \"./$name\" || exit; done");
    for (const char* options : {"-b", "-t", "-bt", "-tb", "--tag", "--tag -b", "-t --tag", "-z",
                                "-zb", "-z --tag", "--binary", "--text", "--zero"}) {
        char script[512];
        snprintf(script, sizeof script,
                 "find tree -type f -print0 | sort -z | xargs -0 sha256sum %s > wanted &&"
                 " sha256sum %s < tree/plain >> wanted &&"
                 " $BROOD sum %s tree > found && $BROOD sum %s < tree/plain >> found",
                 options, options, options, options);
        assert_int_equal(run_script(script), 0);
        assert_same_files("found", "wanted");
    }
}

// ---- What is a file --------------------------------------------------------------------------

static void links_are_followed_as_arguments_and_passed_over_below(void**) {
    prepare(
        "mkdir -p tree/real && echo 1 > tree/real/file && ln -s real tree/link &&"
        " ln -s real/file tree/flink && ln -s nowhere tree/dangling && mkfifo tree/fifo &&"
        " ln -s tree also && ln -s tree/real/file one");
    compare_sums("tree");
    compare_sums("also one");
}

static void standard_input_and_pipes_are_read_as_arguments(void**) {
    prepare("echo 1 > file && echo 2 | sha256sum - file > wanted");
    assert_int_equal(run_script("echo 2 | $BROOD sum - file > found"), 0);
    assert_same_files("found", "wanted");
    assert_int_equal(run_script("mkfifo fifo && (echo 2 > fifo &) && $BROOD sum fifo > found"), 0);
    assert_int_equal(run_script("exec $BROOD sum - <&- 2> errors"), 1);
    assert_string_equal(Contents("errors").text(), "brood sum: -: Bad file descriptor\n");
    assert_has("found", "53c234e5e8472b6ac51c1ae1cab3fe06fad053beb8ebfd8977b010655bfdd3c3  fifo");
}

static void what_cannot_be_read_is_named_and_the_rest_is_summed(void**) {
    prepare("mkdir tree && echo 1 > tree/a && echo 2 > tree/b && sha256sum tree/a tree/b > wanted");
    // Reading a process's memory from address 0 on fails for root, too.
    assert_int_equal(
        run_script("exec $BROOD sum tree/a nowhere /proc/self/mem tree/b > found 2> errors"), 1);
    assert_same_files("found", "wanted");
    assert_has("errors", "brood sum: nowhere: No such file or directory\n");
    assert_has("errors", "brood sum: /proc/self/mem: Input/output error\n");
}

static void names_in_complaints_do_no_harm_to_a_terminal(void**) {
    assert_int_equal(run_script("exec $BROOD sum $'no\\nwh\\eere' 2> errors"), 1);
    assert_string_equal(Contents("errors").text(),
                        "brood sum: no\\nwh\\033ere: No such file or directory\n");
}

// The big file at the front keeps all the others in flight, as far as there is room.
static void more_files_and_longer_paths_than_fit_into_the_area_come_in_order(void**) {
    prepare(test::is_emulated() ? "mkdir tree && truncate -s 30M tree/0 tree/a"
                                : "mkdir tree && truncate -s 300M tree/0 tree/a");
    prepare(
        "name=$(printf 'n%.0s' {1..250}) && mkdir -p tree/{1..40} tree/b/$name/$name &&"
        " cd tree && for i in {1..40}; do"
        " (cd $i && seq 1 250 | split -l 1 -a 4 - a-name-of-some-length-); done &&"
        " cd b/$name/$name && seq 1 4000 | split -l 1 -a 4 - f");
    compare_sums("tree");
}

// ---- Output that fails -----------------------------------------------------------------------

static void output_that_cannot_be_written_is_an_error(void**) {
    prepare("mkdir tree && echo 1 > tree/a");
    assert_int_equal(run_script("exec $BROOD sum tree > /dev/full 2> errors"), 1);
    assert_string_equal(Contents("errors").text(),
                        "brood sum: write error: No space left on device\n");
    assert_int_equal(run_script("exec $BROOD sum tree >&- 2> errors"), 1);
    assert_string_equal(Contents("errors").text(), "brood sum: write error: Bad file descriptor\n");
    assert_int_equal(run_script("exec $BROOD sum tree <&- >&- 2> errors"), 1);
    assert_string_equal(Contents("errors").text(), "brood sum: write error: Bad file descriptor\n");
    assert_int_equal(run_script("exec $BROOD --help > /dev/full 2> errors"), 1);
    assert_int_equal(run_script("exec $BROOD sum --help > /dev/full 2> errors"), 1);
}

// ---- Checking lists --------------------------------------------------------------------------

/// Checks the list `list` with brood and with sha256sum, with each of the options, which are words
/// of a shell; all must agree but the program's name and the quotation marks in complaints.
static void compare_checks(const char* what, const char* each_options = "''") {
    char script[1024];
    snprintf(script, sizeof script,
             "for options in %s; do"
             " echo \"$options:\" | tee -a wanted wanted-errors found >> errors;"
             " sha256sum -c $options list >> wanted 2>> wanted-errors; echo $? >> wanted;"
             " $BROOD sum -c $options list >> found 2>> errors; echo $? >> found;"
             " done; sed -i \"s/'//g\" wanted-errors; sed -i 's/^brood sum/sha256sum/' errors",
             each_options);
    prepare("rm -f wanted wanted-errors found errors");
    prepare(script);
    const bool same = run_script("cmp found wanted && cmp errors wanted-errors") == 0;
    if (!same) { print_message("of the list: %s\n", what); }
    assert_same_files("found", "wanted");
    assert_same_files("errors", "wanted-errors");
}

// $h is the digest of `file`, $o that of another text; printf's escapes apply.
static const char* const kLists[] = {
    "$h  file\\n",
    "$h  file",
    "$h *file\\n",
    "$h file\\n",
    "$h file\\n$h other\\n$h  file\\n",
    "$h  file\\n$h file\\n",
    "$h file\\n$h *file\\n",
    "${h^^}  file\\n",
    "  \\t$h  file\\n",
    "$h  file\\r\\n\\r\\n\\n",
    "# comment\\n\\n$h  file\\n",
    " # none\\n$h  file\\n",
    "junk\\n$h  file\\n",
    "junk\\njunk\\n$h  file\\n",
    "junk\\n",
    "",
    "$o  file\\n",
    "$o  file\\n$o  other\\n$h  file\\n",
    "$h  nowhere\\n",
    "$h  nowhere\\n$o  file\\n$h  gone\\njunk\\n$h  file\\n",
    "$h  folder\\n",
    "$h\\tfile\\n",
    "$h\\t file\\n",
    "$h \\n",
    "$h\\n",
    "${h}00  file\\n",
    "${h:0:62}  file\\n",
    "0$h  file\\n",
    "${h:0:63}g  file\\n",
    "SHA256 (file) = $h\\n",
    "SHA256 (file) = ${h^^}\\n",
    "SHA256(file)=$h\\n",
    " SHA256 (file) = $h\\r\\n",
    "SHA256  (file) = $h\\n",
    "SHA256 (file) = $h \\n",
    "SHA256 file = $h\\n",
    "SHA256 (file = $h\\n",
    "SHA256 (pa) (ren) = $h\\n",
    "SHA1 (file) = $h\\n",
    "SHA512 (file) = $h\\n",
    "\\\\\\\\$h  new\\\\\\\\nline\\n",
    "\\\\\\\\$h  file\\n",
    "\\\\\\\\$h  bad\\\\\\\\x\\n",
    "\\\\\\\\$h  bad\\\\\\\\",
    "$h  back\\\\\\\\slash\\n",
    "\\\\\\\\SHA256 (new\\\\\\\\nline) = $h\\n",
    "$h  -\\n",
};

static void lists_are_judged_as_sha256sum_judges_them(void**) {
    prepare(
        "mkdir folder; echo 1 > file; echo 1 > other; echo 1 > 'pa) (ren';"
        " echo 1 > $'new\\nline'; echo 1 > 'back\\slash'");
    for (const char* list : kLists) {
        char script[512];
        snprintf(script, sizeof script,
                 "h=$(echo 1 | sha256sum | cut -c 1-64); o=$(echo 2 | sha256sum | cut -c 1-64);"
                 " printf \"%s\" > list",
                 list);
        prepare(script);
        compare_checks(list,
                       "'' --quiet --status --strict -w --warn --ignore-missing"
                       " '--ignore-missing --quiet' '--strict --status' '--status -w'"
                       " '-w --quiet' '--quiet --status' '--ignore-missing --strict -w'");
    }
}

static void a_list_that_names_the_input_it_comes_from_is_improper(void**) {
    prepare(
        "echo 1 > file && { sha256sum - < file; sha256sum file; } > list &&"
        " { sha256sum -c -w < list; echo $?; } 2>&1 | sed \"s/'//g\" | sort > wanted &&"
        " { $BROOD sum -c -w < list; echo $?; } 2>&1 | sed 's/brood sum/sha256sum/' |"
        " sort > found");
    assert_same_files("found", "wanted");
    assert_has("found", "standard input: 1: improperly formatted");
}

static void options_that_mean_nothing_together_are_refused_in_the_same_words(void**) {
    for (const char* arguments :
         {"--tag -t x", "-c --tag x", "-c -z x", "-c -b x", "-c -t x", "-c -z --tag -b x",
          "--ignore-missing x", "--status x", "-w x", "--warn x", "--quiet x", "--strict x",
          "--strict --ignore-missing --status -w x", "--status --quiet -w x", "--quiet --status x",
          "--tag -t -c x"}) {
        char script[400];
        snprintf(script, sizeof script,
                 "sha256sum %s 2> wanted; wanted=$?; $BROOD sum %s 2> errors; found=$?;"
                 " sed -i 's/brood sum/sha256sum/; s/help.*/help/' errors;"
                 " sed -i 's/help.*/help/' wanted; ((wanted == found))",
                 arguments, arguments);
        assert_int_equal(run_script(script), 0);
        assert_same_files("errors", "wanted");
    }
}

static void a_long_list_is_checked_in_order(void**) {
    prepare(
        "mkdir tree && cd tree && truncate -s 300M big &&"
        " seq 1 9500 | split -l 1 -a 4 - f && cd .. &&"
        " $BROOD sum tree > list && sed -i '77s/^./x/; 500,510s/^..../0000/' list &&"
        " rm tree/faaba && head -c 300000 /dev/urandom > tree/faabb");
    compare_checks("a long list");
}

static void lists_come_from_standard_input_and_one_after_the_other(void**) {
    prepare("echo 1 > file && sha256sum file > list && echo junk > bad");
    assert_int_equal(run_script("$BROOD sum -c - < list > found"), 0);
    assert_string_equal(Contents("found").text(), "file: OK\n");
    assert_int_equal(run_script("exec $BROOD sum -c list bad nowhere list > found 2> errors"), 1);
    assert_string_equal(Contents("found").text(), "file: OK\nfile: OK\n");
    assert_string_equal(Contents("errors").text(),
                        "brood sum: bad: no properly formatted checksum lines found\n"
                        "brood sum: nowhere: No such file or directory\n");
    assert_int_equal(run_script("exec $BROOD sum -c / 2> errors"), 1);
    assert_has("errors", "brood sum: /: Is a directory\n");
}

// ---- The command line ------------------------------------------------------------------------

struct Usage {
    const char* arguments;
    int status;
    const char* said;  // somewhere in output or errors
};
static const Usage kUsages[] = {
    {"", 1, "Usage: brood COMMAND"},
    {"--help", 0, "  sum "},
    {"--version", 0, "brood 0."},
    {"smu", 1, "The nearest is 'sum'"},
    {"sum < /dev/null", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  -"},
    {"sum -c < /dev/null", 1, "standard input: no properly formatted checksum lines found"},
    {"sum --help", 0, "--jobs=N"},
    {"sum --version", 0, "brood 0."},
    {"sum --nonsense /", 1, "--nonsense"},
    {"sum -j", 1, "requires an argument"},
    {"sum -j 0 /", 1, "from 1 to 1024, not '0'"},
    {"sum -j 1025 /", 1, "not '1025'"},
    {"sum -j -1 /", 1, "not '-1'"},
    {"sum -j 2x /", 1, "not '2x'"},
    {"sum -j '' /", 1, "not ''"},
    {"sum -j 99999999999999999999 /", 1, "from 1 to 1024"},
    {"sum ''", 1, "No such file"},
};

static void the_command_line_is_checked(void**) {
    for (const Usage& usage : kUsages) {
        char script[256];
        snprintf(script, sizeof script, "exec $BROOD %s > said 2>&1", usage.arguments);
        const int status = run_script(script);
        if (status != usage.status) { fail_msg("status %d of: %s", status, usage.arguments); }
        assert_has("said", usage.said);
    }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup(odd_names_are_escaped_as_sha256sum_does, test::empty_folder),
        cmocka_unit_test_setup(paths_come_in_the_order_of_their_bytes, test::empty_folder),
        cmocka_unit_test_setup(names_of_255_bytes_and_deep_folders_are_summed, test::empty_folder),
        cmocka_unit_test_setup(a_path_longer_than_the_system_allows_is_named_and_the_rest_is_summed,
                               test::empty_folder),
        cmocka_unit_test_setup(empty_files_and_files_around_the_sizes_of_blocks_are_summed,
                               test::empty_folder),
        cmocka_unit_test_setup(lines_look_as_sha256sums_options_have_them, test::empty_folder),
        cmocka_unit_test_setup(links_are_followed_as_arguments_and_passed_over_below,
                               test::empty_folder),
        cmocka_unit_test_setup(standard_input_and_pipes_are_read_as_arguments, test::empty_folder),
        cmocka_unit_test_setup(what_cannot_be_read_is_named_and_the_rest_is_summed,
                               test::empty_folder),
        cmocka_unit_test_setup(names_in_complaints_do_no_harm_to_a_terminal, test::empty_folder),
        cmocka_unit_test_setup(more_files_and_longer_paths_than_fit_into_the_area_come_in_order,
                               test::empty_folder),
        cmocka_unit_test_setup(output_that_cannot_be_written_is_an_error, test::empty_folder),
        cmocka_unit_test_setup(lists_are_judged_as_sha256sum_judges_them, test::empty_folder),
        cmocka_unit_test_setup(a_list_that_names_the_input_it_comes_from_is_improper,
                               test::empty_folder),
        cmocka_unit_test_setup(options_that_mean_nothing_together_are_refused_in_the_same_words,
                               test::empty_folder),
        cmocka_unit_test_setup(a_long_list_is_checked_in_order, test::empty_folder),
        cmocka_unit_test_setup(lists_come_from_standard_input_and_one_after_the_other,
                               test::empty_folder),
        cmocka_unit_test_setup(the_command_line_is_checked, test::empty_folder),
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
