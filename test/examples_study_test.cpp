// Goal: the studies, which measure, find what must be so on every machine.
// Method: each is run at a tenth of its time, and the order of what it measured is looked at, not
// how much it is: how many system calls there are, who had to wait for whom.
#include "examples_support.hpp"
#include "process_support.hpp"

namespace {

using test::Shown;

constexpr const char* kTenth = "0.1";

/// What is said in the line that has `part`, as `format` reads it.
__attribute__((format(scanf, 3, 4))) int read_line(const Shown& shown, const char* part,
                                                   const char* format, ...) {
    const char* const line = shown[shown.find("%s", part)];
    va_list values;
    va_start(values, format);
    const int read = vsscanf(strstr(line, part) + strlen(part), format, values);
    va_end(values);
    return read;
}

void each_way_to_talk_is_measured(void**) {
    const Shown shown("ipc", {}, "C", kTenth);
    assert_int_equal(shown.exit_code(), 0);
    double rate = 0, trip = 0, calls = 0;
    for (const char* const way :
         {"pipe  ", "message queue  ", "Queue  ", "shared memory  ", "file  ", "socket  "}) {
        assert_int_equal(read_line(shown, way, "%lf %lf %lf", &rate, &trip, &calls), 3);
        assert_true(rate > 0 && trip > 0);
        // The kernel is in between, or memory is shared: then who finds work needs no call.
        const bool kernel = strchr("pms", way[0]) != nullptr && strncmp(way, "sh", 2) != 0;
        if (kernel && calls < 2) { fail_msg("%s: %f calls", way, calls); }
    }
    assert_int_equal(read_line(shown, "signal  ", " - %lf %lf", &trip, &calls), 2);
    assert_true(calls >= 2 && calls < 2.1);  // One to send, one to wait.
    test::assert_says_in_chinese("ipc", {"操作覆盖内存", "需要互斥机制", "先进先出"});
}

void three_that_wait_take_as_long_as_the_longest(void**) {
    const Shown shown("multiprogramming", {}, "C", "1");
    double alone = 0, together = 0, cpu = 0;
    assert_int_equal(read_line(shown, "one program at a time:", "%lf", &alone), 1);
    assert_int_equal(read_line(shown, "several in memory:", "%lf", &together), 1);
    assert_int_equal(read_line(shown, "of which the CPU worked:", "%lf", &cpu), 1);
    assert_true(alone >= 110 && together >= 50 && together < alone - 20);
    assert_true(cpu < together);
    assert_int_equal(shown.exit_code(), 0);
}

void two_on_one_cpu_take_turns(void**) {
    const Shown shown("parallel", {}, "C", kTenth);
    double alone = 0, concurrent = 0;
    long lost = 0, turns = 0;
    assert_int_equal(read_line(shown, "one after the other:", "%lf ms, the CPU was taken away %ld",
                               &alone, &lost),
                     2);
    assert_int_equal(read_line(shown, "concurrent, both on one CPU:",
                               "%lf ms, the CPU was taken away %ld", &concurrent, &turns),
                     2);
    assert_true(alone >= 80);
    if (!test::is_posix_port()) { assert_true(turns > 0); }  // That cannot tie them to one.
    assert_int_equal(shown.count("parallel"), 2);
    assert_int_equal(shown.exit_code(), 0);
}

void a_process_runs_waits_and_is_blocked(void**) {
    const Shown shown("states", {}, "C", kTenth);
    assert_int_equal(shown.exit_code(), 0);
    char seen[80] = "";
    assert_int_equal(read_line(shown, "in order:", "%79s", seen), 1);
    assert_non_null(strchr(seen, 'R'));
    assert_int_equal(seen[strlen(seen) - 1], 'Z');
    double running = 0, blocked = 0;
    if (shown.count("this system does not tell") == 1) { return test::not_run("times", "/proc"); }
    assert_int_equal(read_line(shown, "running:  ", "%lf", &running), 1);
    assert_int_equal(read_line(shown, "blocked:  ", "%lf", &blocked), 1);
    assert_true(running >= 55 && blocked >= 25);
}

void only_who_neither_waits_nor_asks_in_order_gets_other_work_done(void**) {
    const Shown shown("blocking", {}, "C", "1");
    assert_int_equal(shown.exit_code(), 0);
    const char* const ways[] = {"synchronous, blocking:", "synchronous, non-blocking:",
                                "asynchronous, blocking:", "asynchronous, non-blocking:"};
    for (int way = 0; way < 4; ++way) {
        double took = 0, cpu = 0, done = 0;
        const char* const part = ways[way];
        std::size_t index = 0;  // Another's may have these words in the middle.
        while (strncmp(shown[index], part, strlen(part)) != 0) { ++index; }
        assert_int_equal(sscanf(shown[index] + strlen(part),
                                "%lf ms its CPU %lf ms other work done %lf", &took, &cpu, &done),
                         3);
        assert_true(took >= (way < 2 ? 400 : 100));
        assert_true((done > 0) == (way == 3));
    }
}

void a_process_for_each_task_and_a_pool_do_the_same(void**) {
    const Shown shown("pool_cost");
    assert_int_equal(shown.exit_code(), 0);
    double process = 0, pool = 0;
    assert_int_equal(read_line(shown, "a process for each:", "%lf", &process), 1);
    assert_int_equal(read_line(shown, "a pool of one:", "%lf", &pool), 1);
    assert_true(process > 0 && pool > 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(each_way_to_talk_is_measured),
        cmocka_unit_test(three_that_wait_take_as_long_as_the_longest),
        cmocka_unit_test(two_on_one_cpu_take_turns),
        cmocka_unit_test(a_process_runs_waits_and_is_blocked),
        cmocka_unit_test(only_who_neither_waits_nor_asks_in_order_gets_other_work_done),
        cmocka_unit_test(a_process_for_each_task_and_a_pool_do_the_same),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
