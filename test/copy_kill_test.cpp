// Goal: whatever is killed while `brood copy` runs, what has its final name is whole, what is
// missing is named, nothing is left behind, and the next run completes.
// Method: kill -9 of workers, of the supervisor and of the host at random moments (BROOD_LONG=1:
// 100 of the host), and signals.
#include "copy_support.hpp"

using test::assert_copies;
using test::assert_has;
using test::assert_nothing_left;
using test::assert_same_trees;
using test::Contents;
using test::Host;
using test::prepare;
using test::run_script;

/// Small files, links, a file with holes, and one that is copied in pieces.
static void make_tree() {
    prepare(
        "mkdir -p tree/{a,b/c,d} && cd tree && (cd a && seq 1 600 | split -l 1 -a 4 - f) &&"
        " (cd b/c && seq 1 60000 | split -l 1000 -a 4 - g) && ln a/faaaa d/hard &&"
        " ln -s a d/link &&"
        " head -c 70M /dev/urandom > b/large && truncate -s 40M holes && echo x >> holes &&"
        " head -c 20M /dev/urandom > d/mid && touch -d 2020-01-01 a b/c d");
}

/// What has its final name in out/ is as in tree/, but for folders: they get their mode at the end.
static void assert_all_is_whole() {
    const int status = run_script(
        "test -d out || exit 0; ! diff -r --no-dereference tree out | grep -v '^Only in ' &&"
        " list() { (cd $1 && find . ! -type d ! -name '.brood-copy-*'"
        " -printf '%P %y %m %U:%G %T@ %s %l\\n' | sort); };"
        " list tree > wanted && list out > have &&"
        " test -z \"$(comm -13 wanted have)\"");
    if (status != 0) { fail_msg("something in out/ is not whole"); }
}

static void a_storm_of_kills_of_workers_leaves_whole_files_and_names_what_is_missing(void**) {
    make_tree();
    size_t named = 0;
    for (int round = 0; round < 4 || (named == 0 && round < 40); ++round) {
        srand(static_cast<unsigned>(round));
        prepare("rm -rf out");
        Host host("-j 3 --verify tree out", -1, "copy");
        const int kills = test::storm(host);
        const int status = host.join();
        assert_true(host.is_gone_within(0));
        assert_all_is_whole();
        assert_nothing_left("out");
        prepare(
            "(cd tree && find . ! -type d | sort) > wanted; (cd out && find . ! -type d | sort) >"
            " have; comm -23 wanted have > missing; sed 's/^brood copy: tree\\(.*\\): worker died"
            " (SIGKILL) twice$/.\\1/; s/^brood copy: out\\(.*\\): its other name"
            " was not copied$/.\\1/'"
            " errors | sort > named; test -z \"$(comm -23 missing named)\"");
        // Who was killed when his file had its name already, twice, leaves it named, and whole.
        const Contents errors("named");
        print_message("killed %d workers, status %d, named: %s\n", kills, status, errors.text());
        assert_true(kills > 0);
        assert_int_equal(status, errors.bytes() > 0 ? 1 : 0);
        named += errors.bytes();
    }
    assert_true(named > 0);
    assert_copies("tree/. out");
    assert_same_trees("out", "tree");
}

static void a_killed_worker_costs_nothing_but_time(void**) {
    prepare(
        "mkdir tree && head -c 200M /dev/zero > tree/big && echo 1 > tree/a && echo 2 > tree/z");
    Host host("-j 2 tree out", -1, "copy");
    assert_int_equal(kill(host.await_holder("tree/big"), SIGKILL), 0);
    assert_int_equal(host.join(), 0);
    assert_string_equal(Contents("errors").text(), "");
    assert_true(host.is_gone_within(0));
    assert_same_trees("out", "tree");
}

static void a_killed_supervisor_ends_the_work_with_an_error(void**) {
    prepare("mkdir tree && echo 1 > tree/a && head -c 200M /dev/zero > tree/big");
    Host host("-j 1 tree out", -1, "copy");
    const pid_t worker = host.await_holder("tree/big");
    assert_int_equal(kill(worker, SIGSTOP), 0);
    assert_int_equal(kill(host.supervisor(), SIGKILL), 0);
    kill(worker, SIGCONT);  // It may be gone.
    assert_int_equal(host.join(), 1);
    assert_has("errors", "brood copy: the workers: ");
    assert_true(host.is_gone_within(test::kSoonMs));
    prepare("test \"$(ls -A out)\" = a");
    assert_copies("tree/. out");
    assert_same_trees("out", "tree");
}

static void a_killed_host_leaves_whole_files_and_the_next_run_completes(void**) {
    const int kills = getenv("BROOD_LONG") != nullptr ? 100 : 8;
    make_tree();
    srand(7);
    int complete = 0;
    for (int i = 0; i < kills; ++i) {
        Host host(i % 2 == 0 ? "-j 3 tree/. out" : "-j 2 --fsync tree/. out", -1, "copy");
        const timespec moment = {0, rand() % 60 * 1000000 + rand() % 1000000};
        nanosleep(&moment, nullptr);
        kill(host.pid(), SIGKILL);
        if (!host.is_gone_within(test::kSoonMs)) { fail_msg("processes left after kill %d", i); }
        assert_all_is_whole();
        // The next one finds what is there, or begins anew.
        if (run_script("diff -rq --no-dereference tree out > log 2>&1") == 0) { ++complete; }
        if (rand() % 2 == 0) {
            assert_copies("-j 2 tree/. out");
            assert_same_trees("out", "tree");
            prepare("rm -rf out");
        }
        prepare("mkdir -p out");
    }
    print_message("%d kills, %d of them after all was there\n", kills, complete);
    assert_true(complete < kills);
    assert_copies("-j 2 tree/. out");
    assert_same_trees("out", "tree");
    assert_nothing_left("out");
}

static void an_interrupted_host_takes_all_with_it_and_ends_by_the_signal(void**) {
    prepare("mkdir tree && echo 1 > tree/a && head -c 300M /dev/zero > tree/big");
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        prepare("rm -rf out");
        Host host("-j 2 tree out", -1, "copy");
        host.await_holder("tree/big");
        assert_int_equal(kill(-host.pid(), signal), 0);  // To all, as a terminal does.
        assert_int_equal(host.join(), -signal);
        assert_true(host.is_gone_within(0));
        assert_nothing_left("out");
        prepare("test ! -e out/big");
    }
    assert_copies("tree/. out");
    assert_same_trees("out", "tree");
}

int main() {
    const CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, test::empty_folder)
        T(a_storm_of_kills_of_workers_leaves_whole_files_and_names_what_is_missing),
        T(a_killed_worker_costs_nothing_but_time),
        T(a_killed_supervisor_ends_the_work_with_an_error),
        T(a_killed_host_leaves_whole_files_and_the_next_run_completes),
        T(an_interrupted_host_takes_all_with_it_and_ends_by_the_signal),
#undef T
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
