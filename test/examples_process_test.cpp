// Goal: the examples of processes, signals and files show what they are there to show.
// Method: each is run as it was built, and what it prints is held against what must be so in every
// order that the processes may run in.
#include "examples_support.hpp"

#include <brood/signals.hpp>

namespace {

using test::assert_prints;
using test::assert_says_in_chinese;
using test::Shown;

// ---- Processes ---------------------------------------------------------------------------------

void memory_is_isolated_unless_it_is_a_value(void**) {
    assert_prints(Shown("memory_isolation"),
                  "child: 666, shared 666\n"
                  "parent: 100, shared 666\n");
    assert_prints(Shown("memory_isolation", {}, "zh_CN.UTF-8"),
                  "子进程: 666, 共享 666\n"
                  "父进程: 100, 共享 666\n");
}

void the_run_of_a_subclass_is_run_to_its_end(void**) {
    const Shown shown("process_subclass");
    assert_int_equal(shown.exit_code(), 0);
    assert_int_equal(shown.size(), 3);
    (void)shown.find("I am the main process");
    assert_true(shown.find("hello bf girl") < shown.find("get out!"));
    assert_says_in_chinese("process_subclass", {"hello bf girl", "get out!", "我是主进程"});
}

void the_last_mail_is_sent_after_those_of_the_children(void**) {
    const Shown shown("emails");
    assert_int_equal(shown.exit_code(), 0);
    assert_int_equal(shown.size(), 13);
    assert_string_equal(shown[0], "sending the first e-mail: I ask for more pay");
    assert_string_equal(shown[1], "sending the second e-mail: now 60000 a month");
    for (int i = 0; i < 10; ++i) { (void)shown.find("sending e-mail %d:", i); }
    assert_string_equal(shown[12], "the main process sends the last e-mail: kind regards");
    assert_says_in_chinese("emails",
                           {"发送第一封邮箱,要求张工资", "发送第二封邮箱,涨到一个月6万",
                            "发送第9封邮箱,要求升职加薪", "主进程发最后一封邮件:此致敬礼~"});
}

void a_daemon_does_not_outlive_its_parent(void**) {
    const Shown shown("daemon", {}, "C", "10");  // It would live for half a minute.
    assert_int_equal(shown.exit_code(), 0);
    (void)shown.find("emperor jason has passed away");
    assert_int_equal(shown.count("dies"), 0);
    assert_true(shown.count("steward egon is alive") <= 1);
    assert_says_in_chinese("daemon", {"皇帝jason寿终正寝"});
}

void a_zombie_has_its_number_and_an_orphan_another_parent(void**) {
    const Shown shown("zombie_orphan");
    assert_int_equal(shown.exit_code(), 0);
    assert_true(shown.find("zombie, not yet joined: its number is taken") <
                shown.find("joined: its number is free"));
    const std::size_t dead = shown.find("the parent of the orphan is dead: -9");
    const std::size_t orphan = shown.find("orphan: ");
    int former = 0, now = 0;
    assert_int_equal(
        sscanf(shown[orphan], "orphan: %d started me, now my parent is %d", &former, &now), 2);
    assert_int_not_equal(former, now);
    assert_int_equal(orphan, dead + 1);
    assert_says_in_chinese(
        "zombie_orphan", {"死了但是没有死透", "父进程调用join方法", "子进程存活，父进程意外死亡"});
}

void a_child_exits_with_a_code_and_a_text(void**) {
    assert_prints(Shown("exit_text"),
                  "child: I exit\n"
                  "child: this is my last word\n"
                  "parent: the child's exit code is 3\n"
                  "parent: this is my last word\n");
}

void the_lock_of_one_who_was_terminated_goes_to_the_next_who_is_told(void**) {
    assert_prints(Shown("terminate_held_lock"),
                  "the child has the lock\n"
                  "I have the lock: its owner died, so I look at what it guards\n");
}

// ---- Signals -----------------------------------------------------------------------------------

void a_later_alarm_replaces_an_earlier_one_and_ends_its_process(void**) {
    // Of a loaded machine it may ring at once: then it is run again.
    for (int runs = 0; runs < 20; ++runs) {
        const Shown shown("alarm", {}, "C", "0.1");  // Six seconds, if the first should ring.
        assert_int_equal(shown.exit_code(), 0);
        assert_string_equal(shown[shown.size() - 1], "SIGALRM ended the child: exit code -14");
        if (shown.size() < 3) { continue; }
        assert_int_equal(shown.size(), 3);
        int left_ms = 0;
        const char* const format = "the alarm of 60 s is replaced by one of 2 s: %d ms were left";
        assert_int_equal(sscanf(shown[0], format, &left_ms), 1);
        assert_in_range(left_ms, 1, 6000);
        assert_string_equal(shown[1], "I live on until it rings");
        return;
    }
    fail_msg("it never lives on");
}

void pause_is_ended_by_a_signal_and_wait_signal_by_one_that_came_before(void**) {
    assert_prints(Shown("pause"),
                  "pause: I sleep\n"
                  "pause: I was woken\n"
                  "wait_signal: I got SIGUSR1\n");
}

void a_signal_is_ignored_handled_or_ends_the_process(void**) {
    assert_prints(Shown("handler"),
                  "ignored: I live on\n"
                  "handled, 1 time: I live on\n"
                  "by default: it ended, exit code -2\n");
}

void signals_are_listed_and_sent_and_the_exit_code_tells_which(void**) {
    const Shown shown("kill");
    assert_int_equal(shown.exit_code(), 0);
    std::size_t line = 0;
    for (const brood::signals::Info& signal : brood::signals::all()) {
        char wanted[64];
        (void)snprintf(wanted, sizeof(wanted), "%2d %s ", signal.number, signal.name);
        assert_memory_equal(shown[line], wanted, strlen(wanted));
        assert_non_null(strstr(shown[line++], signal.meaning));
    }
    assert_string_equal(shown[line], "SIGTERM was sent: the child's exit code is -15");
    assert_string_equal(shown[line + 1], "SIGKILL was sent: the child's exit code is -9");
    assert_int_equal(shown.size(), line + 2);
}

// ---- Files -------------------------------------------------------------------------------------

/// A folder of the test's own, which is to be empty at its end.
class Folder {
public:
    Folder() { assert_non_null(mkdtemp(path_)); }
    ~Folder() { assert_int_equal(rmdir(path_), 0); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const char* path() const { return path_; }

private:
    char path_[32] = "/tmp/brood-examples-XXXXXX";
};

/// A file with bytes of which no two near each other are alike in all places.
struct File {
    explicit File(const Folder& folder, const char* name) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder.path(), name);
    }
    ~File() { (void)unlink(path); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    void fill(std::size_t bytes) const {
        FILE* const file = fopen(path, "wb");
        assert_non_null(file);
        for (std::size_t i = 0; i < bytes; ++i) { (void)fputc(static_cast<int>(i * i >> 3), file); }
        assert_int_equal(fclose(file), 0);
    }
    bool is_filled(std::size_t bytes) const {
        FILE* const file = fopen(path, "rb");
        if (file == nullptr) { return false; }
        bool same = true;
        for (std::size_t i = 0; i < bytes && same; ++i) {
            same = fgetc(file) == static_cast<int>(i * i >> 3 & 0xff);
        }
        same = same && fgetc(file) == EOF;
        return fclose(file) == 0 && same;
    }
    char path[64];
};

void two_processes_copy_one_half_of_a_file_each(void**) {
    const Folder folder;
    const File from(folder, "from"), to(folder, "to");
    to.fill(1000);  // What was there goes.
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{300001}}) {
        from.fill(bytes);
        const Shown shown("copy_file", {from.path, to.path});
        assert_int_equal(shown.exit_code(), 0);
        assert_true(to.is_filled(bytes));
        assert_int_equal(shown.size(), 2);
        if (bytes == 0) { continue; }
        int pids[2] = {};
        (void)sscanf(shown[shown.find("copied the bytes from 0 to %zu", bytes / 2)], "%d",
                     &pids[0]);
        (void)sscanf(shown[shown.find("from %zu to %zu", bytes / 2, bytes)], "%d", &pids[1]);
        assert_int_not_equal(pids[0], pids[1]);
    }
    assert_int_equal(Shown("copy_file", {from.path, from.path}).exit_code(), 1);
    assert_true(from.is_filled(300001));
    assert_int_equal(Shown("copy_file", {"/none", to.path}).exit_code(), 1);
    assert_int_equal(Shown("copy_file", {from.path, "/none/there"}).exit_code(), 1);
    const Shown usage("copy_file");
    assert_int_equal(usage.exit_code(), 2);
    assert_string_equal(usage.text(), "usage: copy_file FROM TO\n");
}

void files_carry_messages_as_pipes_and_queues_do(void**) {
    const Folder folder;
    assert_int_equal(setenv("TMPDIR", folder.path(), 1), 0);
    const Shown shown("file_exchange");
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_int_equal(shown.exit_code(), 0);
    assert_int_equal(shown.size(), 3);
    std::size_t line = 0;
    for (const char* const way : {"files on disk", "pipe", "queue"}) {
        char name[32] = "";
        float took_us = 0;
        assert_int_equal(sscanf(shown[line++], "%31[^:]: %f us for", name, &took_us), 2);
        assert_string_equal(name, way);
        assert_true(took_us > 0);
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_isolated_unless_it_is_a_value),
        cmocka_unit_test(the_run_of_a_subclass_is_run_to_its_end),
        cmocka_unit_test(the_last_mail_is_sent_after_those_of_the_children),
        cmocka_unit_test(a_daemon_does_not_outlive_its_parent),
        cmocka_unit_test(a_zombie_has_its_number_and_an_orphan_another_parent),
        cmocka_unit_test(a_child_exits_with_a_code_and_a_text),
        cmocka_unit_test(the_lock_of_one_who_was_terminated_goes_to_the_next_who_is_told),
        cmocka_unit_test(a_later_alarm_replaces_an_earlier_one_and_ends_its_process),
        cmocka_unit_test(pause_is_ended_by_a_signal_and_wait_signal_by_one_that_came_before),
        cmocka_unit_test(a_signal_is_ignored_handled_or_ends_the_process),
        cmocka_unit_test(signals_are_listed_and_sent_and_the_exit_code_tells_which),
        cmocka_unit_test(two_processes_copy_one_half_of_a_file_each),
        cmocka_unit_test(files_carry_messages_as_pipes_and_queues_do),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
