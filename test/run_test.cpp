// Goal: `brood run` runs what it is told, prints what the jobs print, unmixed, and ends as xargs
// would; each of its options does what --help says.
// Method: shell scripts as jobs; the true xargs beside it where both do the same.
#include "sum_support.hpp"

using test::assert_has;
using test::assert_same_files;
using test::Contents;
using test::prepare;
using test::run_script;

static void assert_script(const char* script, int wanted) {
    const int status = run_script(script);
    if (status != wanted) {
        fail_msg("status %d instead of %d of: %s\n%s", status, wanted, script,
                 Contents("errors").text());
    }
}

static void assert_file(const char* path, const char* wanted) {
    const Contents found(path);
    if (strcmp(found.text(), wanted) != 0) {
        fail_msg("%s is:\n%s\ninstead of:\n%s", path, found.text(), wanted);
    }
}

/// How many seconds the script takes.
static double seconds_of(const char* script, int wanted) {
    const std::int64_t begun = test::now_ns();
    assert_script(script, wanted);
    return static_cast<double>(test::now_ns() - begun) / 1e9;
}

// ---- Arguments -------------------------------------------------------------------------------

static void a_line_is_one_argument_whatever_is_in_it(void**) {
    prepare(R"(printf '%s\n' plain 'two  words' ' lead' "it's" '"' '$HOME' '`id`' 'a\nb' '' '*' \
        $'\xff\xfe' $'tab\t' -n --help '{}' > list; printf 'no end' >> list)");
    prepare("xargs -d '\\n' -n 1 printf '<%s>\\n' < list > wanted");
    assert_script("$BROOD run -k printf '<%s>\\n' < list > found 2> errors", 0);
    assert_same_files("found", "wanted");
    assert_script("$BROOD run -k -a list printf '<%s>\\n' < /dev/null > found 2> errors", 0);
    assert_same_files("found", "wanted");
    assert_script("tr '\\n' '\\0' < list | $BROOD run -k -0 printf '<%s>\\n' > found 2> errors", 0);
    assert_same_files("found", "wanted");
    prepare("xargs -d '\\n' -n 3 printf '<%s>\\n' < list > wanted");
    assert_script("$BROOD run -k -n 3 printf '<%s>\\n' < list > found 2> errors", 0);
    assert_same_files("found", "wanted");
}

static void without_arguments_there_is_no_job(void**) {
    assert_script("$BROOD run touch ran < /dev/null > found 2> errors && test ! -e ran", 0);
    assert_script("$BROOD run -0 -n 2 touch ran < /dev/null > found 2> errors && test ! -e ran", 0);
    assert_file("found", "");
    assert_file("errors", "");
}

static void the_argument_replaces_what_stands_between_braces(void**) {
    assert_script(
        "printf '%s\\n' a/b.tar.gz /x plain .profile 'd.d/f' | $BROOD run -j 1"
        " printf '%s|' {} {.} {/} {//} {/.} '{#}' x{}y{/}z '{' {nothing} -- $'\\n' > found",
        0);
    assert_file("found",
                "a/b.tar.gz|a/b.tar|b.tar.gz|a|b.tar|1|xa/b.tar.gzyb.tar.gzz|{|{nothing}|--|\n|"
                "/x|/x|x|/|x|2|x/xyxz|{|{nothing}|--|\n|"
                "plain|plain|plain|.|plain|3|xplainyplainz|{|{nothing}|--|\n|"
                ".profile|.profile|.profile|.|.profile|4|x.profiley.profilez|{|{nothing}|--|\n|"
                "d.d/f|d.d/f|f|d.d|f|5|xd.d/fyfz|{|{nothing}|--|\n|");
    assert_script("seq 5 | $BROOD run -j 1 -n 2 printf '<%s>' {} '{#}:{}' > found", 0);
    assert_file("found", "<1><2><1:1 2><3><4><2:3 4><5><3:5>");
    // The place among those that run at a time.
    assert_script("seq 20 | $BROOD run -j 2 echo {%} | sort -u > found", 0);
    assert_has("found", "1\n");
    assert_script("grep -v '^[12]$' found", 1);
    // The command itself may be an argument.
    assert_script("printf 'echo\\nprintf\\n' | $BROOD run -j 1 {} x > found", 0);
    assert_file("found", "x\nx");
}

static void arguments_are_taken_as_they_come(void**) {
    // The second comes only once the first job's output is there.
    assert_script(
        "mkfifo out; { exec 3< out; echo a; read line <&3; echo \"$line\" > seen; echo b;"
        " exec >&-; cat <&3 >> seen; } | $BROOD run -j 4 echo > out",
        0);
    assert_file("seen", "a\nb\n");
    // Without end, and no more of them are read than are needed.
    assert_script("yes | $BROOD run -j 2 --halt soon,success=50 true 2> errors", 0);
}

static void arguments_that_cannot_be_are_refused(void**) {
    assert_script("printf 'a\\nb\\0c\\nd\\n' | $BROOD run -j 1 echo > found 2> errors", 1);
    assert_file("found", "a\n");
    assert_file("errors", "brood run: standard input: line 2 holds a NUL byte: use -0?\n");
    assert_script("head -c 300000 /dev/zero | tr '\\0' x | $BROOD run true 2> errors", 1);
    assert_file("errors", "brood run: standard input: an argument is too long\n");
    assert_script("head -c 200000 /dev/zero | tr '\\0' x | $BROOD run true 2> errors", 126);
    assert_has("errors", "brood run: job 1: Argument list too long: true xxx");
    assert_script("$BROOD run -a nowhere true 2> errors", 1);
    assert_file("errors", "brood run: nowhere: No such file or directory\n");
    assert_script("$BROOD run -a / true 2> errors", 1);
    assert_file("errors", "brood run: /: Is a directory\n");
}

static bool is_sanitized() {
    const char* const sanitized = getenv("BROOD_SANITIZE");
    return sanitized != nullptr && *sanitized != '\0';
}

static void a_million_arguments_take_no_more_memory_than_ten(void**) {
    if (is_sanitized() || test::is_emulated()) {
        return test::not_run("memory stays flat", "sanitizers and emulators have memory of theirs");
    }
    // The last job tells what its parent, which read the arguments, has used at most.
    for (const char* how : {"10 1", "1000000 500"}) {
        char script[400];
        snprintf(script, sizeof script,
                 "set -- %s; { seq $1; echo last; } | $BROOD run -j 2 -n $2 sh -c"
                 " 'for i; do :; done; [ \"$i\" != last ] || grep VmHWM /proc/$PPID/status |"
                 " tr -dc 0-9' sh >> peaks && echo >> peaks",
                 how);
        assert_script(script, 0);
    }
    print_message("KiB at most:\n%s", Contents("peaks").text());
    assert_script(
        "{ read few; read many; } < peaks && test $many -gt 0 -a $many -lt $((few + 512))", 0);
}

// ---- How many, how long ----------------------------------------------------------------------

static void as_many_jobs_run_at_a_time_as_are_told(void**) {
    // Each waits until all three are there: fewer at a time would never be.
    assert_script(
        "seq 3 | $BROOD run -j 3 -t 20 sh -c"
        " 'touch here.$0; while [ $(ls here.* | wc -l) -lt 3 ]; do sleep 0.01; done'",
        0);
    // Each says how many there are; never more than two.
    assert_script(
        "seq 30 | $BROOD run -j 2 sh -c 'mkdir job.$0; ls -d job.* 2>/dev/null | wc -l; sleep 0.01;"
        " rmdir job.$0' > found && sort -u found | tr -d '\\n' > counts",
        0);
    assert_has("counts", "2");
    assert_script("grep -v '^[12]$' found", 1);
}

static void a_job_that_takes_too_long_is_terminated_and_then_killed(void**) {
    assert_true(seconds_of("echo 60 | $BROOD run -t 0.2 sleep 2> errors", 125) < 15);
    assert_has("errors", "brood run: job 1: timed out after 0.2");
    assert_has("errors", " s: sleep 60\n");
    // Who handles SIGTERM has the time that --kill-after gives.
    assert_script(
        "echo x | $BROOD run -t 0.3 --kill-after 30 --joblog log bash -c"
        " 'trap \"echo bye; exit 7\" TERM; echo hello; while :; do sleep 0.05; done' > found 2>&1",
        125);
    assert_has("found", "hello\nbye\n");
    assert_script("tail -n 1 log | cut -f 7,8 > fields", 0);
    assert_file("fields", "-1\t0\n");
    const double seconds = seconds_of(
        "echo x | $BROOD run -t 0.3 --kill-after=0.4 --joblog log bash -c"
        " 'trap \"\" TERM; while :; do sleep 0.05; done' > found 2>&1",
        125);
    assert_true(seconds >= 0.7 && seconds < 15);
    assert_script("tail -n 1 log | cut -f 7,8 > fields", 0);
    assert_file("fields", "-1\t9\n");
    // In time.
    assert_script("echo x | $BROOD run -t 60 echo > found 2> errors", 0);
    assert_file("errors", "");
}

static void a_job_that_fails_is_tried_again_and_its_last_try_counts(void**) {
    prepare(
        "printf 'echo try >> tries.$1; echo out $(wc -l < tries.$1); echo err >&2;"
        " [ $(wc -l < tries.$1) -ge $2 ]' > job");
    assert_script("echo a | $BROOD run --retry 3 --joblog log sh job {} 3 > found 2> errors", 0);
    assert_file("found", "out 3\n");  // What the others wrote is gone.
    assert_file("errors", "err\n");
    assert_script("test $(wc -l < log) = 2", 0);
    assert_script("echo b | $BROOD run --retry 1 --json sh job {} 3 > found 2> errors", 123);
    assert_file("found", "out 2\n");
    assert_has("errors", "\"failed\": 1");
    assert_has("errors", "\"retried\": 1");
    assert_script("echo c | $BROOD run --retry 2 --line-buffer sh job {} 3 > found 2> errors", 0);
    assert_file("found", "out 1\nout 2\nout 3\n");
    // What was no whole line goes out with its end.
    assert_script("echo x | $BROOD run --retry 2 --line-buffer sh -c 'printf $0; exit 1' > found",
                  123);
    assert_file("found", "xxx");
    assert_script("echo d | $BROOD run sh job {} 3 > found 2> errors", 123);
    assert_file("found", "out 1\n");
}

static void memory_of_jobs_is_limited(void**) {
    assert_script("echo x | $BROOD run -m 300M sh -c 'ulimit -v' > found", 0);
    assert_file("found", "307200\n");
    assert_script("echo x | $BROOD run --memory=1048576K sh -c 'ulimit -v' > found", 0);
    assert_file("found", "1048576\n");
    if (is_sanitized() || test::is_emulated()) { return; }
    assert_script(
        "echo 1 | $BROOD run -m 100M dd if=/dev/zero of=/dev/null bs=200M count={}"
        " 2> errors",
        123);
    assert_has("errors", "memory exhausted");
}

static void a_job_that_cannot_be_started_yet_is_started_later(void**) {
    if (run_script("prlimit --version > /dev/null 2>&1") != 0 || test::is_emulated()) {
        return test::not_run("descriptors run out meanwhile", "there is no prlimit for it");
    }
    // The first takes the runner's descriptors away, and gives them back later, or does not.
    prepare(
        "printf '[ $1 = 1 ] || exit 0; prlimit --nofile=8: -p $PPID; touch low;"
        " [ -e for_good ] || { sleep 0.5; prlimit --nofile=256: -p $PPID; }' > job");
    const char* const run =
        "{ echo 1; until [ -e low ]; do sleep 0.01; done; [ ! -e for_good ] || sleep 0.5; echo 2; }"
        " | $BROOD run -j 2 --json sh job 2> errors";
    assert_script(run, 0);
    assert_has("errors", "\"succeeded\": 2,");
    prepare("rm low; touch for_good");
    assert_script(run, 1);
    assert_has("errors", "brood run: starting a job: ");
    assert_has("errors", "\"succeeded\": 1,");
}

// ---- Output ----------------------------------------------------------------------------------

static void output_of_jobs_does_not_mix(void**) {
    // Each writes 400 KB to both, piece by piece, while others do the same.
    const char* const script =
        "export LC_ALL=C; seq 6 | $BROOD run -j 3 %s awk 'BEGIN {for (i = 0; i < 20000; ++i)"
        " {print \"job number {}\"; print \"error of {} \" > \"/dev/stderr\"}}' %s &&"
        " uniq -c found | sort > out; uniq -c errors | sort > err;"
        " for i in 1 2 3 4 5 6; do printf '%%7d job number %%d\\n' 20000 $i; done | cmp - out &&"
        " for i in 1 2 3 4 5 6; do printf '%%7d error of %%d \\n' 20000 $i; done | cmp - err";
    char whole[1024];
    for (const char* to : {"> found 2> errors", "2> errors | cat > found"}) {
        for (const char* options : {"", "-k"}) {
            snprintf(whole, sizeof whole, script, options, to);
            assert_script(whole, 0);
        }
    }
}

static void output_comes_in_the_order_of_the_arguments_if_that_is_wanted(void**) {
    const char* const script =
        "for i in 5 1 3 0 2 4; do echo $i; done | $BROOD run %s -j 6 sh -c"
        " 'sleep 0.$0; echo $0; echo e$0 >&2' > found 2> errors";
    char whole[512];
    for (const char* options : {"-k", "--keep-order", "-k --line-buffer"}) {
        snprintf(whole, sizeof whole, script, options);
        assert_script(whole, 0);
        assert_file("found", "5\n1\n3\n0\n2\n4\n");
        assert_file("errors", "e5\ne1\ne3\ne0\ne2\ne4\n");
    }
    // More jobs than may wait behind the first.
    assert_script(
        "seq 900 | $BROOD run -k -j 2 sh -c '[ $0 != 1 ] || sleep 0.5; echo $0' > found &&"
        " seq 900 | cmp - found",
        0);
}

static void lines_come_whole_and_at_once_if_that_is_wanted(void**) {
    // Job 1 goes on only once somebody has read its first line.
    assert_script(
        "seq 2 | $BROOD run --line-buffer -j 2 -t 20 sh -c"
        " '[ $0 = 2 ] || { echo first; until [ -e go ]; do sleep 0.01; done; echo last; }' |"
        " while read line; do echo $line >> found; touch go; done",
        0);
    assert_file("found", "first\nlast\n");
    assert_script(
        "seq 3 | $BROOD run --line-buffer -j 3 sh -c 'for i in 1 2 3 4 5 6 7 8; do"
        " printf $0; sleep 0.01; printf $0; sleep 0.01; echo $0; done; printf end$0' > found",
        0);
    assert_script("sed 's/end.//g' found | sort | uniq -c | tr -s ' ' > out", 0);
    assert_file("out", " 8 111\n 8 222\n 8 333\n");
    // A line longer than any buffer.
    assert_script(
        "echo x | $BROOD run --line-buffer sh -c 'head -c 300000 /dev/zero | tr \"\\0\" x;"
        " echo; echo y' > found && test $(wc -c < found) = 300003 && tail -n 1 found > out",
        0);
    assert_file("out", "y\n");
}

static void jobs_write_to_the_output_themselves_if_that_is_wanted(void**) {
    const char* const script = "echo 1 | $BROOD run %s stat -L -c %%F /proc/self/fd/{} > found";
    char whole[256];
    snprintf(whole, sizeof whole, script, "-u");
    assert_script(whole, 0);
    assert_file("found", "regular empty file\n");
    snprintf(whole, sizeof whole, script, "--ungroup");
    assert_script(whole, 0);
    assert_file("found", "regular empty file\n");
    snprintf(whole, sizeof whole, script, "");
    assert_script(whole, 0);
    assert_file("found", "fifo\n");
}

static void a_job_reads_nothing_and_has_no_descriptors_of_broods(void**) {
    assert_script("echo 1 | $BROOD run sh -c 'cat; ls -l /proc/self/fd | grep -c pipe' > found", 0);
    // Its output and error; the pipe of ls; and where there is one the lifeline.
    assert_script("[ $(cat found) -le 4 ]", 0);
    assert_script("ulimit -n 256; echo 1 | $BROOD run -j 200 true 2> errors", 1);
    assert_file("errors", "brood run: descriptors: -j 200 needs 864, the limit is 256\n");
    assert_script("ulimit -S -n 256; echo 1 | $BROOD run -j 200 -k sh -c 'ulimit -S -n' > found",
                  0);
    assert_file("found", "256\n");
}

static void output_that_cannot_be_written_is_an_error(void**) {
    assert_script("seq 5 | $BROOD run echo > /dev/full 2> errors", 1);
    assert_file("errors", "brood run: write error: No space left on device\n");
    assert_script("seq 5 | $BROOD run echo >&- 2> errors", 1);
    assert_file("errors", "brood run: write error: Bad file descriptor\n");
    assert_script("seq 5 | $BROOD run -j 1 true > /dev/full 2> errors", 0);
    assert_script("seq 5 | $BROOD run --joblog /dev/full true > found 2> errors", 1);
    assert_has("errors", "brood run: /dev/full: No space left on device\n");
    // Whose reader goes ends quietly, as others do.
    assert_script("set -o pipefail; yes | $BROOD run -j 2 echo 2> errors | head -n 1 > found",
                  128 + SIGPIPE);
    assert_file("errors", "");
    // What does not fit into memory has to be kept somewhere.
    assert_script("seq 2 | TMPDIR=/nowhere $BROOD run -j 1 seq 99999 -1 > found 2> errors", 1);
    assert_has("errors", "brood run: keeping the output of a job: No such file or directory\n");
}

// ---- How it ends -----------------------------------------------------------------------------

struct End {
    const char* jobs;  // Shell commands, one a line.
    int status;
};
static const End kEnds[] = {
    {"true", 0},       {"exit 1", 123},     {"true\\nexit 125\\ntrue", 123},
    {"exit 255", 124}, {"kill -9 $$", 125}, {"kill $$", 125},
};

static void it_ends_as_xargs_does(void**) {
    for (const End& end : kEnds) {
        for (const char* command : {"xargs -d '\\n' -n 1", "$BROOD run -j 1"}) {
            char script[256];
            snprintf(script, sizeof script, "printf '%s\\n' | %s sh -c > found 2> errors", end.jobs,
                     command);
            assert_script(script, end.status);
        }
    }
    prepare("echo > no_program && chmod 644 no_program");
    for (const char* command : {"xargs -n 1", "$BROOD run -j 1"}) {
        char script[256];
        snprintf(script, sizeof script, "seq 3 | %s ./no_program > found 2> errors", command);
        assert_script(script, 126);
        snprintf(script, sizeof script, "seq 3 | %s /no/where > found 2> errors", command);
        assert_script(script, 127);
    }
    assert_file("errors", "brood run: job 1: No such file or directory: /no/where 1\n");
    // The worst counts, and only what cannot be run or ends with 255 is the last.
    assert_script(
        "printf '%s\\n' 'exit 1' 'kill -9 $$' 'echo on' | $BROOD run -j 1 sh -c > found"
        " 2> errors",
        125);
    assert_file("found", "on\n");
    assert_file("errors", "brood run: job 2: killed by SIGKILL: sh -c 'kill -9 $$'\n");
    assert_script("printf '%s\\n' 'exit 255' 'echo on' | $BROOD run -j 1 sh -c > found 2> errors",
                  124);
    assert_file("found", "");
    assert_file("errors",
                "brood run: job 1: ended with 255: no more jobs are started: sh -c 'exit 255'\n");
}

static void failures_or_successes_can_end_it(void**) {
    const char* const jobs =
        "printf '%s\\n' 'echo 1; exit 1' 'echo 2' 'echo 3; exit 1' 'echo 4' 'echo 5'";
    char script[512];
    const struct {
        const char* halt;
        int status;
        const char* found;
    } rows[] = {
        {"soon,fail=1", 123, "1\n"},
        {"soon,fail=2", 123, "1\n2\n3\n"},
        {"now,fail=2", 123, "1\n2\n3\n"},
        {"soon,success=1", 123, "1\n2\n"},
        {"soon,fail=3", 123, "1\n2\n3\n4\n5\n"},
    };
    for (const auto& row : rows) {
        snprintf(script, sizeof script, "%s | $BROOD run -j 1 --halt %s sh -c > found", jobs,
                 row.halt);
        assert_script(script, row.status);
        assert_file("found", row.found);
    }
    // soon lets run what runs, now does not; the log knows what has run.
    const char* const two =
        "printf '%s\\n' 'touch begun; sleep %s; echo end' 'until [ -e begun ]; do sleep 0.01; done;"
        " exit 1' 'echo no' | $BROOD run -j 2 --joblog log --halt %s,fail=1 sh -c > found";
    snprintf(script, sizeof script, two, "%s", "0.3", "soon");
    assert_script(script, 123);
    assert_file("found", "end\n");
    prepare("rm begun");
    snprintf(script, sizeof script, two, "%s", "60", "now");
    assert_true(seconds_of(script, 123) < 15);
    assert_file("found", "");
    assert_script("cut -f 1 log | tr '\\n' ' ' > numbers", 0);
    assert_file("numbers", "Seq 2 ");
}

static void the_group_of_a_job_ends_with_it(void**) {
    assert_script(
        "echo 1 | $BROOD run --kill-after 0.2 bash -c 'sleep 1000 & echo $!;"
        " (trap \"\" TERM; while :; do sleep 0.05; done) & echo $!' > pids",
        0);
    assert_script(
        "test $(wc -l < pids) = 2; for pid in $(cat pids); do"
        " grep -qs '^State:.[^Z]' /proc/$pid/status && exit 1; done; exit 0",
        0);
    // What has left it, as daemons do, is not brood's to end.
    assert_script(
        "echo 1 | $BROOD run sh -c 'setsid sleep 1000 > /dev/null 2>&1 & sleep 0.2;"
        " echo $!' > pid && kill $(cat pid)",
        0);
}

// ---- Job log, progress, summary --------------------------------------------------------------

static void the_job_log_is_that_of_gnu_parallel(void**) {
    assert_script(
        "printf '%s\\n' 'printf abc' 'exit 3' 'kill -9 $$' \"echo 'it'\" |"
        " $BROOD run -j 1 --joblog log sh -c > found 2> errors",
        125);
    assert_script("cut -f 1,2,5-9 log > fields", 0);
    assert_file("fields",
                "Seq\tHost\tSend\tReceive\tExitval\tSignal\tCommand\n"
                "1\t:\t0\t3\t0\t0\tsh -c 'printf abc'\n"
                "2\t:\t0\t0\t3\t0\tsh -c 'exit 3'\n"
                "3\t:\t0\t0\t0\t9\tsh -c 'kill -9 $$'\n"
                "4\t:\t0\t3\t0\t0\tsh -c $'echo \\'it\\''\n");
    assert_script(
        "printf 'a\\nb\\n\\0' | $BROOD run -0 --joblog log true; tail -n 1 log |"
        " cut -f 9 > fields",
        0);
    assert_file("fields", "true $'a\\nb\\n'\n");
    assert_script(
        "tail -n 1 log | awk -F '\\t' -v now=$(date +%s) '{exit !($3 > now - 100 &&"
        " $3 < now + 100 && $4 >= 0 && $4 < 100 && $3 ~ /^[0-9]*[.][0-9][0-9][0-9]$/)}'",
        0);
    assert_script("echo x | $BROOD run --joblog log nothing 2> errors", 127);
    assert_script("tail -n 1 log | cut -f 7,8 > fields", 0);
    assert_file("fields", "127\t0\n");
}

static void what_is_in_the_job_log_is_not_done_again(void**) {
    prepare("printf 'echo $1 >> ran; [ $1 != 2 ] || [ -e good ]' > job");
    assert_script("seq 4 | $BROOD run -j 1 --joblog log sh job", 123);
    assert_script("seq 6 | $BROOD run -j 1 --joblog log --resume --json sh job 2> errors", 0);
    assert_has("errors", "\"succeeded\": 2, \"failed\": 0");
    assert_has("errors", "\"skipped\": 4");
    assert_file("ran", "1\n2\n3\n4\n5\n6\n");
    assert_script("seq 6 | $BROOD run -j 1 --joblog log --resume-failed sh job", 123);
    assert_script("touch good; seq 6 | $BROOD run -j 1 --joblog log --resume-failed sh job", 0);
    assert_script("seq 6 | $BROOD run -j 1 --joblog log --resume-failed sh job", 0);
    assert_file("ran", "1\n2\n3\n4\n5\n6\n2\n2\n");
    // A line that is torn is no line, wherever the machine failed.
    prepare(
        "cp log whole; lines=$(head -n 4 log | wc -c); last=$(head -n 5 log | wc -c);"
        " for ((at = lines + 1; at < last; ++at)); do head -c $at whole > log; rm -f ran;"
        " seq 4 | $BROOD run --joblog log --resume sh job || exit; echo 4 | cmp - ran || exit;"
        " test $(wc -l < log) = 5 || exit; done");
    // Others' numbers mean other jobs.
    assert_script("seq 2 6 | $BROOD run --joblog log --resume sh job 2> errors", 1);
    assert_file("errors",
                "brood run: job 1: the job log has another command with that number:"
                " not resumed\n");
    assert_script("echo text > log; seq 3 | $BROOD run --joblog log --resume true 2> errors", 1);
    assert_file("errors", "brood run: log: no job log of brood run or GNU parallel\n");
    assert_file("log", "text\n");
    // Without --resume it begins anew.
    assert_script("seq 3 | $BROOD run --joblog log true && test $(wc -l < log) = 4", 0);
}

static void it_says_how_far_it_is_and_what_became_of_the_jobs(void**) {
    assert_script("printf '0\\n3\\n0\\n' | $BROOD run -j 1 --progress sh -c 'exit $0' 2> errors",
                  123);
    assert_has("errors", "\r3 done, 1 failed, 0 running");
    assert_script(
        "printf '%s\\n' true 'exit 3' 'kill -9 $$' 'sleep 60' | $BROOD run -j 4 -t 0.5"
        " --json sh -c 2> errors",
        125);
    assert_script("tail -n 1 errors | sed 's/seconds\": [0-9.]*/seconds\": N/' > json", 0);
    assert_file("json",
                "{\"succeeded\": 1, \"failed\": 3, \"timed_out\": 1, \"killed\": 1,"
                " \"not_executed\": 0, \"stopped\": 0, \"retried\": 0, \"skipped\": 0,"
                " \"seconds\": N, \"status\": 125}\n");
}

// ---- The command line ------------------------------------------------------------------------

struct Usage {
    const char* arguments;
    int status;
    const char* said;  // somewhere in output or errors
};
static const Usage kUsages[] = {
    {"run --help", 0, "--keep-order"},
    {"run -h", 0, "Exit status: 0 if every job succeeded"},
    {"run --version", 0, "brood 0."},
    {"run", 1, "which COMMAND?"},
    {"run --nonsense x", 1, "--nonsense"},
    {"run -j 0 true", 1, "from 1 to 1024, not '0'"},
    {"run -j 1025 true", 1, "not '1025'"},
    {"run -n 0 true", 1, "not '0'"},
    {"run -t 0 true", 1, "seconds from 0.001"},
    {"run -t x true", 1, "not 'x'"},
    {"run --kill-after=-1 true", 1, "not '-1'"},
    {"run --retry x true", 1, "not 'x'"},
    {"run -m 1023K true", 1, "bytes, with K, M or G behind, from 1048576"},
    {"run -m 5X true", 1, "not '5X'"},
    {"run -m 5MM true", 1, "not '5MM'"},
    {"run -m M true", 1, "not 'M'"},
    {"run -m 99999999999999G true", 1, "not '99999999999999G'"},
    {"run --halt never true", 1, "takes now|soon,fail|success=N, not 'never'"},
    {"run --halt now,fail=0 true", 1, "not 'now,fail=0'"},
    {"run --halt now,fail=1x true", 1, "not 'now,fail=1x'"},
    {"run --resume true", 1, "--resume needs a --joblog"},
    {"run --resume-failed true", 1, "--resume needs a --joblog"},
    {"run --joblog /no/where true", 1, "/no/where: No such file"},
    {"run -k -u true", 1, "-u cannot keep an order"},
    {"run -j 1 echo -j 9 --help", 0, "-j 9 --help x"},  // Not brood's.
    {"run -j 1 -- echo -k", 0, "-k x"},
};

static void the_command_line_is_checked(void**) {
    for (const Usage& usage : kUsages) {
        char script[256];
        snprintf(script, sizeof script, "echo x | $BROOD %s > said 2>&1", usage.arguments);
        const int status = run_script(script);
        if (status != usage.status) { fail_msg("status %d of: %s", status, usage.arguments); }
        assert_has("said", usage.said);
    }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_is_one_argument_whatever_is_in_it, test::empty_folder),
        cmocka_unit_test_setup(without_arguments_there_is_no_job, test::empty_folder),
        cmocka_unit_test_setup(the_argument_replaces_what_stands_between_braces,
                               test::empty_folder),
        cmocka_unit_test_setup(arguments_are_taken_as_they_come, test::empty_folder),
        cmocka_unit_test_setup(arguments_that_cannot_be_are_refused, test::empty_folder),
        cmocka_unit_test_setup(a_million_arguments_take_no_more_memory_than_ten,
                               test::empty_folder),
        cmocka_unit_test_setup(as_many_jobs_run_at_a_time_as_are_told, test::empty_folder),
        cmocka_unit_test_setup(a_job_that_takes_too_long_is_terminated_and_then_killed,
                               test::empty_folder),
        cmocka_unit_test_setup(a_job_that_fails_is_tried_again_and_its_last_try_counts,
                               test::empty_folder),
        cmocka_unit_test_setup(memory_of_jobs_is_limited, test::empty_folder),
        cmocka_unit_test_setup(a_job_that_cannot_be_started_yet_is_started_later,
                               test::empty_folder),
        cmocka_unit_test_setup(output_of_jobs_does_not_mix, test::empty_folder),
        cmocka_unit_test_setup(output_comes_in_the_order_of_the_arguments_if_that_is_wanted,
                               test::empty_folder),
        cmocka_unit_test_setup(lines_come_whole_and_at_once_if_that_is_wanted, test::empty_folder),
        cmocka_unit_test_setup(jobs_write_to_the_output_themselves_if_that_is_wanted,
                               test::empty_folder),
        cmocka_unit_test_setup(a_job_reads_nothing_and_has_no_descriptors_of_broods,
                               test::empty_folder),
        cmocka_unit_test_setup(output_that_cannot_be_written_is_an_error, test::empty_folder),
        cmocka_unit_test_setup(it_ends_as_xargs_does, test::empty_folder),
        cmocka_unit_test_setup(failures_or_successes_can_end_it, test::empty_folder),
        cmocka_unit_test_setup(the_group_of_a_job_ends_with_it, test::empty_folder),
        cmocka_unit_test_setup(the_job_log_is_that_of_gnu_parallel, test::empty_folder),
        cmocka_unit_test_setup(what_is_in_the_job_log_is_not_done_again, test::empty_folder),
        cmocka_unit_test_setup(it_says_how_far_it_is_and_what_became_of_the_jobs,
                               test::empty_folder),
        cmocka_unit_test_setup(the_command_line_is_checked, test::empty_folder),
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
