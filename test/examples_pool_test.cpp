// Goal: the examples of pools and of writers and readers show what they are there to show.
// Method: each is run as it was built, and what it prints is held against what must be so in every
// order that the processes may run in.
#include "examples_support.hpp"

namespace {

using test::assert_prints;
using test::assert_says_in_chinese;
using test::Shown;

constexpr int kTasks = 10;
constexpr int kWorkers = 4;

/// Which of the workers has that pid; the next, if none has it so far.
int index_of(int pid, int (&pids)[kWorkers]) {
    for (int i = 0; i < kWorkers; ++i) {
        if (pids[i] == 0) { pids[i] = pid; }
        if (pids[i] == pid) { return i; }
    }
    fail_msg("%d is a fifth worker", pid);
    return 0;
}

void four_workers_do_ten_tasks_each_one_at_a_time(void**) {
    const Shown shown("pool_of_four");
    assert_int_equal(shown.exit_code(), 0);
    int pids[kWorkers] = {}, at_work_on[kWorkers] = {-1, -1, -1, -1}, begun[kTasks] = {},
        ended[kTasks] = {};
    for (const char* const line : shown) {
        int task = 0, pid = 0;
        if (sscanf(line, ">>>> task %d begins, pid = %d", &task, &pid) == 2) {
            int& at_work = at_work_on[index_of(pid, pids)];
            assert_int_equal(at_work, -1);
            at_work = task;
            ++begun[task];
        } else if (sscanf(line, ">>>> task %d ends, pid = %d", &task, &pid) == 2) {
            int& at_work = at_work_on[index_of(pid, pids)];
            assert_int_equal(at_work, task);
            at_work = -1;
            ++ended[task];
        }
    }
    for (int task = 0; task < kTasks; ++task) {
        assert_int_equal(begun[task], 1);
        assert_int_equal(ended[task], 1);
    }
    int parent = 0;
    assert_int_equal(sscanf(shown[0], "parent pid = %d", &parent), 1);
    for (const int pid : pids) { assert_int_not_equal(pid, parent); }
    (void)shown.find("all tasks are added");
    assert_int_equal(shown.find("all tasks are done"), shown.size() - 1);
    assert_says_in_chinese("pool_of_four", {"父进程pid = ", "任务添加完成", ">>>> 9 任务开始执行",
                                            "任务执行完毕， pid = ", "耗时：", "任务执行完毕"});
}

/// Of one run: whether a task began that apply_async() had added, while another was at work.
bool tasks_overlap(const Shown& shown) {
    std::size_t at = shown.find("apply_async:") + 1;
    int at_work = 0, most = 0;
    bool begun[3] = {}, ended[3] = {};
    for (; at < shown.size(); ++at) {
        int task = 0, length = 0;
        if (sscanf(shown[at], "task %d begins%n", &task, &length) == 1 && length > 0) {
            assert_false(begun[task]);
            begun[task] = true;
            most = ++at_work > most ? at_work : most;
        } else if (sscanf(shown[at], "task %d ends%n", &task, &length) == 1 && length > 0) {
            assert_true(begun[task] && !ended[task]);
            ended[task] = true;
            --at_work;
        }
    }
    assert_true(ended[0] && ended[1] && ended[2]);
    return most > 1;
}

void apply_is_one_after_the_other_and_apply_async_is_not(void**) {
    // On a loaded machine one worker may do all of them before the next is awake: then slower.
    bool overlapped = false;
    for (const char* const pace : {"0.01", "0.01", "0.1", "0.1", "1", "1", "1"}) {
        if (overlapped) { break; }
        const Shown shown("apply_order", {}, "C", pace);
        const char* const begin =
            "apply:\n"
            "task 0 begins\ntask 0 ends\n"
            "task 1 begins\ntask 1 ends\n"
            "task 2 begins\ntask 2 ends\n"
            "apply_async:\n";
        assert_memory_equal(shown.text(), begin, strlen(begin));
        overlapped = tasks_overlap(shown);
    }
    assert_true(overlapped);
    assert_says_in_chinese(
        "apply_order", {"同步添加，一次只能添加一个任务", "异步添加，会将任务全部添加到进程池中"});
}

void a_map_by_hand_returns_what_map_does(void**) {
    assert_prints(Shown("map_by_hand"),
                  "map: 1\nmap: 4\nmap: 9\nmap: 16\nmap: 25\nmap: 36\n"
                  "by hand: 1\nby hand: 4\nby hand: 9\nby hand: 16\nby hand: 25\nby hand: 36\n");
}

/// Each of the lines in `format`, with a pid and a word, has the next of `words`, and the same pid.
int pid_of_those_who_say(const Shown& shown, const char* format,
                         std::initializer_list<const char*> words) {
    const char* const* next = words.begin();
    int one = 0;
    for (const char* const line : shown) {
        int pid = 0;
        char word[16] = "";
        if (sscanf(line, format, &pid, word) != 2) { continue; }
        assert_true(next != words.end());
        assert_string_equal(word, *next++);
        assert_true(one == 0 || one == pid);
        one = pid;
    }
    assert_true(next == words.end());
    return one;
}

struct Pair {
    int writer, reader;
};
Pair words_are_read_as_they_were_written(const Shown& shown, const char* put, const char* read) {
    assert_int_equal(shown.exit_code(), 0);
    const int writer = pid_of_those_who_say(shown, put, {"Hello", "World", "Python", "end"});
    const int reader = pid_of_those_who_say(shown, read, {"Hello", "World", "Python"});
    (void)shown.find("%d has put all", writer);
    (void)shown.find("%d has read all", reader);
    assert_int_equal(shown.size(), 4 + 3 + 2 + 1);
    return {writer, reader};
}

void a_reader_reads_what_a_writer_writes_until_end(void**) {
    const Shown shown("writer_reader");
    const Pair pids =
        words_are_read_as_they_were_written(shown, "%d puts ---- %15s", "%d reads --- %15s");
    assert_int_not_equal(pids.writer, pids.reader);
    assert_string_equal(shown[shown.size() - 1], "the parent is done");
    assert_says_in_chinese(
        "writer_reader",
        {" 进程，正在添加数据----Hello", " 进程，正在读取数据---Python", " 进程， 将要完成任务",
         " 进程将要结束。。。", "父进程完成任务了.............."});
}

void so_they_do_in_a_pool_by_the_queue_of_a_manager(void**) {
    // One worker may do both tasks, if the other is not awake before the writer is done.
    const Shown shown("writer_reader_pool");
    (void)words_are_read_as_they_were_written(shown, "%d puts --- %15s", "%d reads %15s");
    assert_string_equal(shown[shown.size() - 1], "the main process is done");
    assert_says_in_chinese(
        "writer_reader_pool",
        {" 进程，正在添加数据---end", " 进程读取到消息World", " 进程，将要结束任务.......",
         " 进程，将要读取完毕....", "主进程执行完毕"});
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(four_workers_do_ten_tasks_each_one_at_a_time),
        cmocka_unit_test(apply_is_one_after_the_other_and_apply_async_is_not),
        cmocka_unit_test(a_map_by_hand_returns_what_map_does),
        cmocka_unit_test(a_reader_reads_what_a_writer_writes_until_end),
        cmocka_unit_test(so_they_do_in_a_pool_by_the_queue_of_a_manager),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
