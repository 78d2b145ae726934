// Goal: `brood copy` copies what `cp -a` copies, with all that belongs to it; what is there already
// is not copied again; what cannot be is named, and leaves nothing half done.
// Method: trees that hold every kind of thing, beside cp -a; file systems without room; a writer at
// the source.
#include "copy_support.hpp"
#include "process_support.hpp"

#include <sys/xattr.h>

using test::assert_copies;
using test::assert_has;
using test::assert_nothing_left;
using test::assert_refuses;
using test::assert_same_files;
using test::assert_same_trees;
using test::Contents;
using test::copy;
using test::prepare;
using test::run_script;

/// A tree with every kind of thing but a socket.
static void make_tree() {
    prepare(
        "mkdir -p tree/sub/deep tree/empty tree/private && cd tree && echo 1 > sub/file &&"
        " echo 2 > sub/deep/read-only && seq 100000 > sub/mid && : > none &&"
        " printf x > $'odd \\n\\xff name' && echo 3 > private/secret && echo 4 > -dash &&"
        " ln sub/file sub/deep/hard && ln sub/file a-hard && ln -s sub/file link &&"
        " ln -s nowhere dangling && ln dangling dangling-too && mkfifo pipe && ln pipe pipe-too &&"
        " mknod null c 1 3 && chown 12:34 sub/mid sub/deep && chown -h 56:78 link &&"
        " chmod 4751 sub/mid && chmod 2755 sub && chmod 1777 empty && chmod 400 sub/deep/read-only"
        " && chmod 500 private && touch -h -d '2001-02-03 04:05:06.123456789' link sub/file pipe"
        " null && touch -d '1969-12-31 01:02:03.5 UTC' sub/mid &&"
        " touch -d '2010-01-01 10:10:10.000000001' empty sub/deep private sub .");
}

// ---- What is copied --------------------------------------------------------------------------

static void a_tree_is_copied_with_all_that_it_has(void**) {
    make_tree();
    for (const char* options : {"-j 1", "-j 3", "--fsync", "--verify", "--reflink=never"}) {
        char arguments[64];
        snprintf(arguments, sizeof arguments, "%s tree out", options);
        assert_copies(arguments);
        assert_same_trees("out", "tree");
        assert_string_equal(Contents("found").text(), "");
        prepare("rm -rf out");
    }
}

static void files_of_all_sizes_are_copied(void**) {
    const char* const sizes = test::is_emulated() ? "0 1 4095 4097 262145"
                                                  : "0 1 4095 4096 4097 262143 262144 262145"
                                                    " 16777217 33554431 33554432 50331649";
    char script[512];
    snprintf(script, sizeof script,
             "mkdir tree && for size in %s; do head -c $size /dev/urandom > tree/$size || exit;"
             " done",
             sizes);
    prepare(script);
    assert_copies("-j 3 tree out");
    assert_same_trees("out", "tree");
    assert_copies("--reflink=never --verify tree other");
    assert_same_trees("other", "tree");
}

static void holes_stay_holes(void**) {
    prepare(
        "mkdir tree && cd tree && truncate -s 5M all-hole && truncate -s 300M large-hole &&"
        " truncate -s 5M small && printf x | dd of=small bs=1 seek=3000000 conv=notrunc 2> ../log"
        " && truncate -s 100M large && for at in 0 9999999 50000000 104857599; do"
        " printf x | dd of=large bs=1 seek=$at conv=notrunc 2>> ../log || exit; done");
    for (const char* options : {"--reflink=auto", "--reflink=never", "--verify"}) {
        char arguments[64];
        snprintf(arguments, sizeof arguments, "%s tree out", options);
        assert_copies(arguments);
        assert_same_trees("out", "tree");
        prepare(
            "for file in $(ls tree); do"
            " (($(stat -c %b out/$file) <= $(stat -c %b tree/$file) + 16)) || exit; done");
        prepare("rm -rf out");
    }
}

static void extended_attributes_and_acls_are_copied(void**) {
    if (test::is_posix_port()) {
        return test::not_run("extended attributes", "this port has none");
    }
    prepare("mkdir -p tree/folder && echo 1 > tree/file && echo 2 > tree/plain");
    if (setxattr("tree/file", "user.a", "one", 3, 0) != 0) {
        return test::not_run("extended attributes", "the file system has none");
    }
    assert_int_equal(setxattr("tree/file", "user.b", "", 0, 0), 0);
    assert_int_equal(setxattr("tree/folder", "user.c", "three", 5, 0), 0);
    assert_copies("tree out");
    char value[16] = "";
    assert_int_equal(getxattr("out/file", "user.a", value, sizeof value), 3);
    assert_memory_equal(value, "one", 3);
    assert_int_equal(getxattr("out/file", "user.b", value, sizeof value), 0);
    assert_int_equal(getxattr("out/folder", "user.c", value, sizeof value), 5);

    // An ACL that a folder gives to all that comes into it is not in the source, nor in the copy:
    // u::rwx, u:1:rwx, g::rwx, m::rwx, o::rwx.
    const unsigned char acl[] = {2, 0, 0,   0,   1,   0,   7,  0, 255, 255, 255, 255, 2,   0,  7,
                                 0, 1, 0,   0,   0,   4,   0,  7, 0,   255, 255, 255, 255, 16, 0,
                                 7, 0, 255, 255, 255, 255, 32, 0, 7,   0,   255, 255, 255, 255};
    prepare("mkdir into");
    if (setxattr("into", "system.posix_acl_default", acl, sizeof acl, 0) != 0) {
        return test::not_run("ACLs", "the file system has none");
    }
    assert_int_equal(setxattr("tree/file", "system.posix_acl_access", acl, sizeof acl, 0), 0);
    assert_copies("tree into");
    char list[64];
    const char* const access = "system.posix_acl_access";
    assert_int_equal(getxattr("into/tree/file", access, list, sizeof list), sizeof acl);
    assert_int_equal(getxattr("into/tree/plain", access, list, sizeof list), -1);
    assert_int_equal(getxattr("into/tree/folder", "system.posix_acl_default", list, 64), -1);
    assert_same_trees("into/tree", "tree");
}

static void files_of_proc_are_copied_to_their_end(void**) {
    prepare("mkdir out");
    assert_copies("/proc/version /proc/filesystems out");
    prepare("cmp /proc/version out/version && cmp /proc/filesystems out/filesystems");
}

static void more_than_can_be_in_flight_is_copied(void**) {
    prepare(
        "name=$(printf 'n%.0s' {1..250}) && mkdir -p tree/{1..30} tree/b/$name/$name && cd tree &&"
        " for i in {1..30}; do (cd $i && seq 1 200 | split -l 1 -a 4 - name-); done &&"
        " cd b/$name/$name && seq 1 2000 | split -l 1 -a 4 - f");
    assert_copies("-j 2 tree out");
    assert_same_trees("out", "tree");
}

// ---- Where it goes ---------------------------------------------------------------------------

static void copies_go_where_those_of_cp_go(void**) {
    for (const char* arguments :
         {"tree out", "tree/ out", "tree there", "tree/ there/", "tree/. there",
          "tree/sub/.. there", "tree/one two", "tree/one there", "tree/one tree/sub there",
          "tree/one there/one", "link there", "link/ there", "tree/one link-there",
          "tree link-there/new"}) {
        prepare(
            "rm -rf cp brood && mkdir -p cp/tree/sub cp/there/old && cd cp && echo 1 > tree/one &&"
            " echo 2 > tree/sub/two && ln -s tree link && ln -s there link-there &&"
            " touch -d 2020-01-01 tree/sub tree/one tree && cp -a ../cp ../brood");
        char script[256];
        snprintf(script, sizeof script,
                 "(cd cp && cp -a %s) && cd brood && $BROOD copy %s && cd .. &&"
                 " touch -d 2020-01-01 {cp,brood}{,/there}",
                 arguments, arguments);
        if (run_script(script) != 0) { fail_msg("%s", arguments); }
        assert_same_trees("brood", "cp");
    }
}

static void what_would_harm_a_source_or_a_folder_is_refused(void**) {
    prepare(
        "mkdir -p tree/sub/tree there/tree/file there/other && echo 1 > tree/file && echo 2 > file"
        " && ln -s tree link && ln file hard && ln -s file soft && echo 3 > there/sub");
    const struct {
        const char* arguments;
        const char* words;
    } table[] = {
        {"tree tree", "brood copy: tree: it would be copied into itself: tree/tree is in it"},
        {"tree tree/new", "into itself"},
        {"tree tree/sub", "into itself"},
        {"tree tree/sub/new", "into itself"},
        {"tree/../tree link/sub", "into itself"},
        {"tree/. tree/sub", "into itself"},
        {". tree/sub/new", "into itself"},
        {"tree .", "brood copy: tree: it would be copied onto itself: ./tree is the same"},
        {"tree/. tree", "onto itself"},
        {"link/. tree", "onto itself"},
        {"file file", "onto itself"},
        {"file hard", "onto itself"},
        {"file soft", "onto itself"},
        {"file .", "onto itself"},
        {"tree file", "brood copy: tree: a folder does not replace file, which is none"},
        {"tree/sub there", "brood copy: tree/sub: a folder does not replace there/sub, which is"},
        {"tree/file there/tree",
         "brood copy: tree/file: it does not replace the folder there/tree"},
        {"file new/", "brood copy: new/: no such folder"},
        {"file new/file", "brood copy: new/: no such folder"},
        {"file file/new", "brood copy: file/: no such folder"},
        {"tree file new", "brood copy: new: not a folder, and several SRC need one"},
        {"file tree file", "brood copy: file: not a folder"},
        {"file tree/file there", "two SRC would go to file in it"},
        {"tree tree/ there", "two SRC would go to tree in it"},
        {"nothing there", "brood copy: nothing: No such file or directory"},
        {"file ''", "No such file or directory"},
    };
    for (const auto& row : table) { assert_refuses(row.arguments, row.words); }
}

static void a_wrong_usage_is_told(void**) {
    const struct {
        const char* arguments;
        const char* words;
    } table[] = {
        {"", "brood copy: which SRC, and to where?"},
        {"file", "brood copy: to where? The last argument is the DST"},
        {"-j 0 a b", "brood copy: -j takes a number from 1 to 1024, not '0'"},
        {"-j 1025 a b", "from 1 to 1024, not '1025'"},
        {"--jobs=x a b", "not 'x'"},
        {"--reflink=perhaps a b", "brood copy: --reflink takes auto, never or always"},
        {"--nonsense a b", "Try 'brood copy --help'."},
    };
    for (const auto& row : table) { assert_refuses(row.arguments, row.words); }
    assert_int_equal(run_script("$BROOD copy --help > found && $BROOD copy -h | cmp - found"), 0);
    for (const char* option : {"--jobs", "--fsync", "--reflink", "--verbose", "--verify"}) {
        assert_has("found", option);
    }
    assert_int_equal(run_script("$BROOD copy -V | grep -q '^brood '"), 0);
}

// ---- What is there already -------------------------------------------------------------------

static void what_is_there_is_not_copied_again_and_what_differs_is(void**) {
    make_tree();
    prepare("truncate -s 40M tree/large");
    assert_copies("-v tree out");
    prepare(
        "sort found > all && find tree ! -type d -printf . | wc -c > wanted && wc -l < all |"
        " cmp - wanted");
    assert_has("found", "tree/sub/mid -> out/sub/mid\n");
    assert_has("found", "tree/odd \\n\xff name -> out/odd \\n\xff name\n");
    assert_copies("-v tree/. out");
    assert_string_equal(Contents("found").text(), "");
    assert_same_trees("out", "tree");

    prepare(
        "echo more >> out/sub/file && touch -d 2020-01-01 out/none && chmod 600 out/sub/mid &&"
        " chown 1:1 out/-dash && rm out/private/secret && ln -sfn other out/link &&"
        " rm out/pipe-too && mkfifo out/pipe-too && touch out/large && echo mine > out/extra");
    assert_copies("-v tree/. out");
    assert_int_equal(run_script("grep -q sub/mid found"), 1);  // Its mode is mended, no more.
    assert_int_equal(run_script("grep -q dash found"), 1);
    assert_has("found", "tree/./large -> out/./large\n");
    assert_string_equal(Contents("out/extra").text(), "mine\n");
    prepare("rm out/extra && touch -r tree out");
    assert_same_trees("out", "tree");
}

static void verify_looks_at_the_content_of_what_is_there(void**) {
    prepare(
        "mkdir tree && echo right > tree/file && seq 9000000 > tree/large && cp -a tree out &&"
        " echo wrong > out/file && printf 9 | dd of=out/large bs=1 seek=40000000 conv=notrunc"
        " 2> log && touch -r tree/file out/file && touch -r tree/large out/large");
    assert_copies("tree/. out");
    assert_string_equal(Contents("out/file").text(), "wrong\n");
    assert_copies("-v --verify tree/. out");
    assert_string_equal(Contents("found").text(),
                        "tree/./file -> out/./file\ntree/./large -> out/./large\n");
    assert_same_trees("out", "tree");
    assert_copies("-v --verify tree/. out");
    assert_string_equal(Contents("found").text(), "");
}

static void links_in_the_destination_are_replaced_and_not_followed(void**) {
    prepare(
        "mkdir -p tree/sub outside out && echo new > tree/file && echo new > tree/sub/two &&"
        " echo old > outside/file && ln -s ../outside/file out/file && ln -s ../outside out/sub");
    assert_int_equal(copy("tree/. out"), 1);
    assert_string_equal(Contents("errors").text(),
                        "brood copy: out/./sub: there is a file, which a folder does not"
                        " replace\n");
    prepare(
        "test ! -L out/file && cmp tree/file out/file && test -L out/sub &&"
        " test $(ls outside) = file");
    assert_string_equal(Contents("outside/file").text(), "old\n");
}

static void a_file_does_not_replace_a_folder_below_nor_the_other_way_round(void**) {
    prepare(
        "mkdir -p tree/x out/a/keep && echo 1 > tree/a && echo 2 > tree/b && echo 3 > tree/x/y"
        " && echo 4 > out/x && truncate -s 40M tree/l && mkdir out/l && ln tree/b tree/c &&"
        " mkdir out/c && ln -s x tree/s && mkdir out/s");
    assert_int_equal(copy("tree/. out"), 1);
    for (const char* name : {"a", "l", "c", "s"}) {
        char words[128];
        snprintf(words, sizeof words, "out/./%s: there is a folder, which a file does not", name);
        assert_has("errors", words);
    }
    assert_has("errors", "out/./x: there is a file, which a folder does not replace\n");
    prepare(
        "cmp tree/b out/b && test -d out/a/keep && grep -q 4 out/x && test $(ls out | wc -l) ="
        " 6");
    assert_nothing_left("out");
}

// ---- What an interrupted run has left --------------------------------------------------------

static void what_was_left_behind_goes_and_what_somebody_holds_stays(void**) {
    prepare(
        "mkdir -p tree/sub out/sub && echo 1 > tree/sub/file && cd out && for name in"
        " 12345678-00000001 12345678-00000002 12345678-0000000 12345678-000000zz"
        " 12345678x00000001; do echo > sub/.brood-copy-$name; done &&"
        " ln -s x sub/.brood-copy-12345678-00000003 && echo > .brood-copy-aaaaaaaa-00000000");
    const int fd = open("out/sub/.brood-copy-12345678-00000002", O_RDWR | O_CLOEXEC);
    struct flock whole = {};
    whole.l_type = F_WRLCK;
    assert_int_equal(fcntl(fd, F_SETLK, &whole), 0);
    assert_copies("tree/. out");
    close(fd);
    prepare("ls -A out out/sub > list");
    assert_string_equal(Contents("list").text(),
                        "out:\nsub\n\nout/sub:\n.brood-copy-12345678-0000000\n"
                        ".brood-copy-12345678-00000002\n.brood-copy-12345678-000000zz\n"
                        ".brood-copy-12345678x00000001\nfile\n");
    // Nor is it worth a copy.
    prepare(
        "rm -rf tree new && mkdir tree && echo > tree/.brood-copy-12345678-00000002 &&"
        " echo > tree/file");
    assert_copies("tree new");
    prepare("test \"$(ls -A new)\" = file");
}

// ---- What cannot be copied -------------------------------------------------------------------

static void what_cannot_be_read_is_named_and_the_rest_is_copied(void**) {
    prepare("mkdir out && echo 1 > a && echo 2 > z");
    assert_int_equal(copy("a /proc/self/mem z out"), 1);
    assert_string_equal(Contents("errors").text(),
                        "brood copy: /proc/self/mem: Input/output error\n");
    prepare("test \"$(ls -A out | tr '\\n' ' ')\" = 'a z '");

    if (geteuid() != 0) { return; }
    prepare(
        "chmod 755 . && mkdir tree tree/shut && echo 1 > tree/a && echo 2 > tree/b && ln tree/b"
        " tree/c && echo 3 > tree/d && echo 4 > tree/shut/e && chmod 600 tree/b && chmod 700"
        " tree/shut && chmod 4755 tree/d && mkdir new && chown 65534:65534 new");
    if (run_script("setpriv --reuid 65534 --regid 65534 --clear-groups true") != 0) {
        return test::not_run("another user's copy", "no setpriv here");
    }
    assert_int_equal(run_script("setpriv --reuid 65534 --regid 65534 --clear-groups $BROOD copy"
                                " tree new 2> errors"),
                     1);
    assert_string_equal(Contents("errors").text(),
                        "brood copy: tree/shut: Permission denied\n"
                        "brood copy: tree/b: Permission denied\n"
                        "brood copy: new/tree/c: its other name was not copied\n");
    // Whose file it may not be does not lend its rights.
    prepare(
        "cd new/tree && cmp a ../../tree/a && test $(stat -c %a:%u d) = 755:65534 &&"
        " test \"$(ls -A . shut | tr '\\n' ' ')\" = '.: a d shut  shut: '");
    assert_nothing_left("new");
}

static void sockets_are_named(void**) {
    prepare(
        "mkdir tree && echo 1 > tree/file && python3 -c 'import socket;"
        " socket.socket(socket.AF_UNIX).bind(\"tree/socket\")'");
    assert_int_equal(copy("tree out"), 0);
    assert_string_equal(Contents("errors").text(),
                        "brood copy: WARNING: tree/socket: a socket; not copied\n");
    prepare("test \"$(ls out)\" = file");
}

static void a_name_that_becomes_too_long_is_named_and_the_rest_is_copied(void**) {
    prepare(
        "name=$(printf 'n%.0s' {1..250}) && mkdir tree out && echo 1 > tree/z && cd tree &&"
        " for i in {1..15}; do mkdir $name && cd $name; done; echo 2 > file; cd ../../../.. &&"
        " cd $OLDPWD && cd ../../../../../../../../../../../../../../../../out &&"
        " for i in {1..2}; do mkdir $name && cd $name; done");
    prepare(
        "deep=out/$(cd out && find . -type d | tail -n 1) && $BROOD copy tree $deep 2> errors;"
        " test $? = 1 && cmp tree/z $deep/tree/z");
    assert_has("errors", "File name too long");
}

/// On a file system of this size, which nobody else sees; false if there can be none.
static bool run_with_room(const char* megabytes, const char* script) {
    char whole[2048];
    snprintf(whole, sizeof whole,
             "mkdir -p small && exec unshare --mount bash -c 'mount -t tmpfs -o size=%sm none"
             " small || exit 77; %s'",
             megabytes, script);
    const int status = run_script(whole);
    if (status == 77) { test::not_run("a full disk", "nothing can be mounted here"); }
    if (status != 77) { assert_int_equal(status, 0); }
    return status != 77;
}

static void a_full_disk_ends_the_work_and_leaves_whole_files_alone(void**) {
    prepare(
        "mkdir tree && cd tree && seq 200000 > a && seq 210000 > b && seq 2000000 > c &&"
        " seq 220000 > d && for i in {1..300}; do echo $i > e$i; done && head -c 50M /dev/zero"
        " > large && cd .. && mkdir big && mv tree/large big");
    const char* const check =
        " test $status = 1 && grep \"No space left on device\" errors &&"
        " grep \"WARNING: stopped there\" errors && test $(wc -l < errors) = 2 &&"
        " ! find small -name \".brood-copy-*\" | grep . &&"
        " ! diff -r tree small/tree | grep -v \"^Only in tree\"";
    char script[1024];
    snprintf(script, sizeof script,
             "mkdir small/tree; $BROOD copy -j 3 tree/. small/tree 2> errors; status=$?; %s",
             check);
    if (!run_with_room("6", script)) { return; }
    snprintf(script, sizeof script,
             "mkdir small/tree; $BROOD copy -j 3 big small 2> errors; status=$?; %s &&"
             " test ! -e small/big/large",
             check);
    run_with_room("20", script);
    // When there is room the same goes on.
    snprintf(script, sizeof script,
             "$BROOD copy tree small; mount -o remount,size=90m small && $BROOD copy tree small &&"
             " diff -r tree small/tree");
    run_with_room("6", script);
}

/// Copies tree/ while somebody appends to tree/busy, until he was there at the wrong time.
static void copy_beside_a_writer(const char* bytes) {
    char script[512];
    snprintf(script, sizeof script,
             "head -c %s /dev/zero > tree/busy; (while echo >> tree/busy; do :; done) & writer=$!;"
             " for i in {1..50}; do rm -rf out; $BROOD copy tree out 2> errors; status=$?;"
             " ((status == 0)) || break; done; kill $writer; wait; exit $status",
             bytes);
    assert_int_equal(run_script(script), 1);
    assert_string_equal(Contents("errors").text(),
                        "brood copy: tree/busy: changed while it was copied; not copied\n");
    prepare("test \"$(ls -A out)\" = file");
}

static void a_file_that_changes_all_the_time_is_named_and_not_there(void**) {
    prepare("mkdir tree && echo 1 > tree/file");
    copy_beside_a_writer("30M");
    copy_beside_a_writer("90M");  // In pieces.
}

static void output_that_cannot_be_written_is_an_error(void**) {
    prepare("mkdir tree && echo 1 > tree/file");
    assert_int_equal(run_script("exec $BROOD copy -v tree out > /dev/full 2> errors"), 1);
    assert_string_equal(Contents("errors").text(),
                        "brood copy: write error: No space left on device\n");
}

// ---- Options that only the system sees -------------------------------------------------------

static void fsync_and_reflink_are_asked_of_the_system(void**) {
    prepare("mkdir tree && echo 1 > tree/file && head -c 1M /dev/zero > tree/mid");
    assert_int_equal(copy("--reflink=always tree out"), 1);
    if (Contents("errors").bytes() == 0) { return; }  // Here blocks can be shared.
    assert_has("errors", "brood copy: out/mid: ");
    prepare("test -z \"$(ls -A out)\" && rmdir out");
    const bool hides = test::is_posix_port() || test::is_emulated() || test::kSanitized;
    if (hides || run_script("strace true 2> log") != 0) {
        return test::not_run("system calls of a copy", "no strace, or nothing that it would see");
    }
    // Two files, their folder, and the folder of that.
    prepare(
        "strace -f -e trace=fsync -o log $BROOD copy --fsync tree out && rm -r out &&"
        " test $(grep -c 'fsync(.*= 0' log) = 4");
    prepare(
        "strace -f -e trace=fsync,copy_file_range,ioctl -o log $BROOD copy tree out &&"
        " rm -r out && ! grep -q fsync log && grep -q FICLONE log && grep -q copy_file_range"
        " log");
    prepare(
        "strace -f -e trace=ioctl,copy_file_range -o log $BROOD copy --reflink=never tree out"
        " && ! grep -qE 'FICLONE|copy_file_range' log");
}

static void blocks_are_shared_where_the_file_system_can(void**) {
    if (test::is_posix_port()) {
        return test::not_run("blocks that are shared", "not by this port");
    }
    // In pieces and in one, if they were copied.
    for (const char* bytes : {"40M", "13M"}) {
        char script[1024];
        snprintf(script, sizeof script,
                 "truncate -s 200M disk && mkdir -p shared && mkfs.btrfs -q -f disk > log 2>&1 ||"
                 " exit 77;"
                 " exec unshare --mount bash -c 'mount -o loop disk shared || exit 77;"
                 " used() { sync -f shared; df --output=used -k shared | tail -n 1; };"
                 " mkdir shared/tree && head -c %s /dev/urandom > shared/tree/file && cd shared &&"
                 " before=$(cd .. && used) && $BROOD copy --reflink=always tree a &&"
                 " $BROOD copy tree b && diff -r tree a && diff -r tree b && cd .. &&"
                 " (($(used) < before + 8000)) && $BROOD copy --reflink=never shared/tree shared/c"
                 " && diff -r shared/tree shared/c && (($(used) > before + 10000))'",
                 bytes);
        const int status = run_script(script);
        if (status == 77) {
            return test::not_run("blocks that are shared", "no btrfs can be made and mounted here");
        }
        assert_int_equal(status, 0);
    }
}

static void progress_is_shown_on_a_terminal(void**) {
    prepare("mkdir tree && head -c 20M /dev/urandom > tree/a && head -c 400M /dev/zero > tree/b");
    test::Terminal terminal;
    test::Host host("-j 1 tree out", terminal.slave(), "copy");
    char text[65536];
    terminal.read_all(text, sizeof text);
    assert_int_equal(host.join(), 0);
    assert_non_null(strstr(text, " files  "));
}

int main() {
    const CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, test::empty_folder)
        T(a_tree_is_copied_with_all_that_it_has),
        T(files_of_all_sizes_are_copied),
        T(holes_stay_holes),
        T(extended_attributes_and_acls_are_copied),
        T(files_of_proc_are_copied_to_their_end),
        T(more_than_can_be_in_flight_is_copied),
        T(copies_go_where_those_of_cp_go),
        T(what_would_harm_a_source_or_a_folder_is_refused),
        T(a_wrong_usage_is_told),
        T(what_is_there_is_not_copied_again_and_what_differs_is),
        T(verify_looks_at_the_content_of_what_is_there),
        T(links_in_the_destination_are_replaced_and_not_followed),
        T(a_file_does_not_replace_a_folder_below_nor_the_other_way_round),
        T(what_was_left_behind_goes_and_what_somebody_holds_stays),
        T(what_cannot_be_read_is_named_and_the_rest_is_copied),
        T(sockets_are_named),
        T(a_name_that_becomes_too_long_is_named_and_the_rest_is_copied),
        T(a_full_disk_ends_the_work_and_leaves_whole_files_alone),
        T(a_file_that_changes_all_the_time_is_named_and_not_there),
        T(output_that_cannot_be_written_is_an_error),
        T(fsync_and_reflink_are_asked_of_the_system),
        T(blocks_are_shared_where_the_file_system_can),
        T(progress_is_shown_on_a_terminal),
#undef T
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
