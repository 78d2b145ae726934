// Goal: `brood sched` schedules as the textbooks say, in its head and with real processes.
// Method: worked examples of textbooks; the command with jobs of a few milliseconds, its times read
// back by Python's json; a job that is killed; usage that is wrong.
#include "process_support.hpp"
#include "sum_host_support.hpp"

#include <initializer_list>

#include <tools/sched/dispatcher.hpp>

using test::assert_has;
using test::Contents;
using test::run_script;
using namespace tool::sched;

namespace {

Schedule g_schedule;

Jobs jobs_of(std::initializer_list<const char*> texts) {
    Jobs jobs;
    for (const char* const text : texts) { assert_true(add_job(jobs, text, "sched_test")); }
    return jobs;
}

const Schedule& schedule_of(const Jobs& jobs, Policy policy, std::int64_t quantum = 1,
                            std::int64_t boost = 0) {
    assert_true(simulate(jobs, {policy, quantum, boost}, g_schedule));
    return g_schedule;
}

void assert_ends(const Schedule& schedule, std::initializer_list<std::int64_t> ends) {
    std::size_t job = 0;
    for (const std::int64_t end : ends) {
        if (schedule.times[job].end != end) {
            fail_msg("job %zu ends at %lld, not %lld", job,
                     static_cast<long long>(schedule.times[job].end), static_cast<long long>(end));
        }
        ++job;
    }
}

void assert_waits(const Schedule& schedule, std::initializer_list<std::int64_t> waits) {
    std::size_t job = 0;
    for (const std::int64_t wait : waits) {
        if (schedule.waiting(job) != wait) {
            fail_msg("job %zu waits for %lld, not %lld", job,
                     static_cast<long long>(schedule.waiting(job)), static_cast<long long>(wait));
        }
        ++job;
    }
}

// ---- What the textbooks say --------------------------------------------------------------------

// Silberschatz, Galvin, Gagne: Operating System Concepts, 10th edition, 5.3.
void silberschatz(void**) {
    const Jobs convoy = jobs_of({"P1:0:24", "P2:0:3", "P3:0:3"});
    assert_waits(schedule_of(convoy, Policy::fcfs), {0, 24, 27});
    assert_waits(schedule_of(jobs_of({"P2:0:3", "P3:0:3", "P1:0:24"}), Policy::fcfs), {0, 3, 6});
    const Jobs four = jobs_of({"P1:0:6", "P2:0:8", "P3:0:7", "P4:0:3"});
    assert_waits(schedule_of(four, Policy::sjf), {3, 16, 9, 0});
    const Jobs late = jobs_of({"P1:0:8", "P2:1:4", "P3:2:9", "P4:3:5"});
    assert_waits(schedule_of(late, Policy::srtf), {9, 0, 15, 2});
    assert_waits(schedule_of(late, Policy::sjf), {0, 7, 15, 9});
    assert_waits(schedule_of(convoy, Policy::rr, 4), {6, 4, 7});
}

// Stallings: Operating Systems, Internals and Design Principles, tables 9.4 and 9.5.
void stallings(void**) {
    const Jobs jobs = jobs_of({"A:0:3", "B:2:6", "C:4:4", "D:6:5", "E:8:2"});
    assert_ends(schedule_of(jobs, Policy::fcfs), {3, 9, 13, 18, 20});
    assert_ends(schedule_of(jobs, Policy::rr, 1), {4, 18, 17, 20, 15});
    assert_ends(schedule_of(jobs, Policy::rr, 4), {3, 17, 11, 20, 19});
    assert_ends(schedule_of(jobs, Policy::sjf), {3, 9, 15, 20, 11});
    assert_ends(schedule_of(jobs, Policy::srtf), {3, 15, 8, 20, 10});
}

// Tanenbaum, Bos: Modern Operating Systems, 2.4.2.
void tanenbaum(void**) {
    const Jobs jobs = jobs_of({"A:0:8", "B:0:4", "C:0:4", "D:0:4"});
    assert_ends(schedule_of(jobs, Policy::fcfs), {8, 12, 16, 20});
    assert_ends(schedule_of(jobs, Policy::sjf), {20, 4, 8, 12});
}

// Arpaci-Dusseau: Operating Systems, Three Easy Pieces, chapter 8: a long job goes down to the last
// level; a short one that comes later passes it and ends before it gets there; one that gives the
// CPU up early stays at the top, as long as it has not used up its quantum in many goes.
void arpaci_dusseau(void**) {
    const Schedule& short_one = schedule_of(jobs_of({"A:0:200", "B:100:20"}), Policy::mlfq, 10);
    assert_ends(short_one, {220, 120});
    assert_int_equal(short_one.response(1), 0);
    assert_int_equal(short_one.switches, 2);

    const Schedule& many_goes =
        schedule_of(jobs_of({"A:0:100", "B:40:1,5,1,5,1,5,1,5,1"}), Policy::mlfq, 3);
    assert_waits(many_goes, {5, 0});
    // Three goes at the top, then one level down: below a newcomer, above the long one.
    const Schedule& newcomer =
        schedule_of(jobs_of({"A:0:100", "B:40:1,5,1,5,1,5,1,5,1", "C:58:3"}), Policy::mlfq, 3);
    assert_waits(newcomer, {8, 3, 0});

    // On the last level who comes later starves; with a boost each gets its turns.
    const Jobs two = jobs_of({"A:0:12", "B:4:8"});
    assert_ends(schedule_of(two, Policy::mlfq, 1), {15, 20});
    assert_ends(schedule_of(two, Policy::mlfq, 1, 6), {20, 16});
}

// While one waits for its I/O another has the CPU; two wait side by side.
void io_is_no_time_of_the_cpu(void**) {
    const Schedule& schedule = schedule_of(jobs_of({"A:0:2,6,2", "B:0:2,6,2"}), Policy::fcfs);
    assert_ends(schedule, {10, 12});
    assert_waits(schedule, {0, 2});
    assert_int_equal(schedule.times[0].ran, 4);
    assert_int_equal(schedule.times[0].waited_for_io, 6);
}

void a_schedule_that_is_too_long_is_refused(void**) {
    const Jobs jobs = jobs_of({"A:0:50000", "B:0:50000"});
    assert_false(simulate(jobs, {Policy::rr, 1, 0}, g_schedule));
    assert_true(simulate(jobs, {Policy::rr, 10, 0}, g_schedule));
}

// ---- Real processes ----------------------------------------------------------------------------

// The pids of jobs, by the beginning of what they are to do.
#define FIND_JOBS                                                                \
    "jobs_of() { grep -la -- \"--[j]ob=$1\" /proc/[0-9]*/cmdline 2> /dev/null |" \
    " tr -dc '0-9\n'; }\n"

// What must hold however busy the machine is: one at a time has the CPU, each gets all of what it
// wanted, and those that take turns or must not do what they must.
void real_processes_do_as_the_policy_says(void**) {
    assert_int_equal(
        run_script("command -v python3 > /dev/null || exit 0\n"
                   "$BROOD sched -t 2 -q 2 --json A:0:9 B:1:2,3,2 C:2:4 > found 2> errors && "
                   "python3 -c '\n"
                   "import json\n"
                   "for one in json.load(open(\"found\"))[\"policies\"]:\n"
                   "    name, real, book = one[\"policy\"], one[\"real\"], one[\"book\"]\n"
                   "    runs = [s for s in real[\"spans\"] if s[\"does\"] == \"run\"]\n"
                   "    for before, after in zip(runs, runs[1:]):\n"
                   "        assert before[\"end\"] <= after[\"begin\"], name\n"
                   "    for job, wanted in zip(real[\"jobs\"], (9, 4, 4)):\n"
                   "        assert job[\"ran\"] > wanted * 0.9, (name, job)\n"
                   "        assert job[\"waiting\"] >= 0 and job[\"killed_by\"] == 0\n"
                   "    turns = sum(1 for s in runs if s[\"job\"] == 0)\n"
                   "    assert turns == 1 if name in (\"fcfs\", \"sjf\") else turns > 1, name\n"
                   "'"),
        0);
    assert_string_equal(Contents("errors").text(), "");
}

void the_jobs_are_on_one_cpu(void**) {
    if (test::is_posix_port()) { return test::not_run("pinned jobs", "posix knows no CPUs"); }
    assert_int_equal(
        run_script(FIND_JOBS
                   "$BROOD sched -p fcfs -t 1 one:0:40011 two:0:1 > found 2> errors & host=$!\n"
                   "for ((i = 0; i < 2000; ++i)); do\n"
                   "    jobs=$(jobs_of 1000000:)\n"
                   "    [[ $(wc -w <<< $jobs) == 2 ]] && break\n"
                   "    sleep 0.01\n"
                   "done\n"
                   "for job in $jobs; do grep Cpus_allowed_list /proc/$job/status; done > cpus\n"
                   "kill $host; wait $host\n"
                   "[[ $(wc -l < cpus) == 2 && $(sort -u cpus | wc -l) == 1 ]] && "
                   "grep -Eq '\t[0-9]+$' cpus"),
        0);
}

// Its fellows go on, it is told, and so says the exit status.
void a_job_that_is_killed_does_not_hold_up_the_others(void**) {
    assert_int_equal(
        run_script(FIND_JOBS
                   "$BROOD sched -p fcfs -t 1 long:0:40012 short:0:40013 last:0:3 > found "
                   "2> errors & host=$!\n"
                   "for job in 40012 40013; do for ((i = 0; i < 2000; ++i)); do\n"
                   "    [[ -n $(jobs_of 1000000:3) ]] && kill -KILL $(jobs_of 1000000:$job) "
                   "&& break\n"
                   "    sleep 0.01\n"
                   "done; done\n"
                   "wait $host; [[ $? == 1 ]]"),
        0);
    assert_string_equal(Contents("errors").text(), "");
    assert_has("found", "killed: Killed\n  short");
    assert_has("found", "killed: Killed\n  last");
}

void a_picture_has_a_row_for_each_job(void**) {
    assert_int_equal(
        run_script("$BROOD sched -s -p rr --svg=found.svg '<P&1>:0:5' P2:0:5 > found &&"
                   " { ! command -v python3 > /dev/null || python3 -c '\n"
                   "import xml.dom.minidom as dom\n"
                   "texts = [t.firstChild.data for t in\n"
                   "    dom.parse(\"found.svg\").getElementsByTagName(\"text\")]\n"
                   "assert \"<P&1>\" in texts and \"P2\" in texts, texts\n"
                   "assert \"round robin, quantum 4\" in texts, texts'; }"),
        0);
    assert_int_equal(run_script("$BROOD sched -s --svg=/no/such.svg > found 2> errors"), 1);
    assert_has("errors", "brood sched: /no/such.svg: No such file or directory");
}

// ---- Usage -------------------------------------------------------------------------------------

void jobs_may_come_from_a_file(void**) {
    assert_int_equal(
        run_script("printf '# the convoy\\nP1:0:24\\n\\n  P2:0:3 # short\\nP3:0:3' > in;"
                   "exec $BROOD sched -s -p fcfs -f in > found 2> errors"),
        0);
    assert_string_equal(Contents("errors").text(), "");
    assert_has("found", "  P3      27.0 (27) ");
    assert_int_equal(run_script("exec $BROOD sched -s -p fcfs -f - < in > found 2> errors"), 0);
    assert_has("found", "  P3      27.0 (27) ");
}

void assert_refused(const char* arguments, const char* why) {
    char script[512];
    snprintf(script, sizeof script, "exec $BROOD sched %s > found 2> errors", arguments);
    assert_int_equal(run_script(script), 1);
    assert_has("errors", why);
    assert_string_equal(Contents("found").text(), "");
}

void mistakes_are_told(void**) {
    assert_refused("A", "brood sched: 'A': a job is NAME:ARRIVAL:CPU[,I/O,CPU]...");
    assert_refused(":0:1", "a job is NAME:ARRIVAL:CPU");
    assert_refused("A:x:1", "'A:x:1': its arrival must be a number of ticks");
    assert_refused("A:0", "its arrival must be a number of ticks");
    assert_refused("A:0:0", "each burst must be 1 to 100000 ticks");
    assert_refused("A:0:1,", "each burst must be 1 to 100000 ticks");
    assert_refused("A:0:1,2", "its last burst must be one of the CPU, not I/O");
    assert_refused("A:0:1x2", "between its bursts must be commas");
    assert_refused("A:0:100001", "each burst must be 1 to 100000 ticks");
    assert_refused("A:0:60000 B:0:60000", "with it all jobs take more than 100000 ticks");
    assert_refused("A:0:1 A:0:1", "there is a job of this name");
    assert_refused("sixteen_letters_:0:1", "its name has more than 15 letters");
    assert_refused("-p best", "there is no policy 'best': fcfs, sjf, srtf, rr, mlfq");
    assert_refused("-q 0", "-q takes a number from 1 to 100000, not '0'");
    assert_refused("-b 0", "-b takes a number from 1 to 100000, not '0'");
    assert_refused("-t 5x", "-t takes a number from 1 to 1000, not '5x'");
    assert_refused("-c -1", "-c takes a number from 0 to 1023, not '-1'");
    assert_refused("-s -p rr -q 1 A:0:50000 B:0:50000",
                   "too many slices: make the quantum longer (-q)");
    assert_refused("-f /no/such", "brood sched: /no/such: No such file or directory");
    assert_int_equal(run_script("printf 'A:0:1\\nB:0:oops\\n' > in"), 0);
    assert_refused("-f in", "in:2: 'B:0:oops': each burst must be");
    assert_refused("-f /dev/null", "there is no job in the file");
    assert_refused("-x", "Try 'brood sched --help'.");
    assert_int_equal(run_script("exec $BROOD sched --help > found 2> errors"), 0);
    assert_has("found", "Usage: brood sched");
    assert_int_equal(run_script("exec $BROOD sched -V > found 2> errors"), 0);
    assert_has("found", "brood ");
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(silberschatz),
        cmocka_unit_test(stallings),
        cmocka_unit_test(tanenbaum),
        cmocka_unit_test(arpaci_dusseau),
        cmocka_unit_test(io_is_no_time_of_the_cpu),
        cmocka_unit_test(a_schedule_that_is_too_long_is_refused),
        cmocka_unit_test(real_processes_do_as_the_policy_says),
        cmocka_unit_test(the_jobs_are_on_one_cpu),
        cmocka_unit_test(a_job_that_is_killed_does_not_hold_up_the_others),
        cmocka_unit_test(a_picture_has_a_row_for_each_job),
        cmocka_unit_test(jobs_may_come_from_a_file),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
