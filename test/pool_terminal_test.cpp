// Goal: a pool in a program at a terminal: Ctrl-C ends all of it without a word, Ctrl-Z stops it,
// and while it has nothing to do nobody wakes up.
#include "pool_support.hpp"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

using namespace pool_test;

namespace {

/// A terminal, a shell of one command behind it, and that command in a process group of its own in
/// the foreground. The shell is the test's child.
class Terminal {
public:
    template <class F>
    explicit Terminal(F command) {
        shell_ = forkpty(&screen_, nullptr, nullptr, nullptr);
        assert_true(shell_ >= 0);
        if (shell_ == 0) { _exit(run_shell(command)); }
    }
    ~Terminal() { (void)close(screen_); }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void type(char key) { assert_int_equal(write(screen_, &key, 1), 1); }
    /// How the shell says that the command ended; and all that came to the screen.
    int end(char* text, size_t room) {
        size_t bytes = 0;
        for (;;) {  // A terminal whose last user is gone gives an error.
            pollfd item = {screen_, POLLIN, 0};
            if (poll(&item, 1, 10000) <= 0) { break; }
            const ssize_t got = read(screen_, text + bytes, room - 1 - bytes);
            if (got <= 0) { break; }
            bytes += static_cast<size_t>(got);
        }
        text[bytes] = '\0';
        return end_of(shell_);
    }

private:
    // Exit status: the signal that ended the command, 100 + its exit status otherwise.
    template <class F>
    static int run_shell(F command) {
        termios modes = {};
        (void)tcgetattr(STDIN_FILENO, &modes);
        modes.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &modes);
        (void)signal(SIGTTOU, SIG_IGN);
        const pid_t job = fork();
        if (job == 0) {
            (void)setpgid(0, 0);
            (void)tcsetpgrp(STDIN_FILENO, getpgrp());
            (void)signal(SIGTTOU, SIG_DFL);
            command();
            _exit(0);
        }
        for (;;) {
            int status = 0;
            if (waitpid(job, &status, WUNTRACED) != job) { return 99; }
            if (WIFEXITED(status)) { return 100 + WEXITSTATUS(status); }
            if (WIFSIGNALED(status)) { return WTERMSIG(status); }
            g_talk->ended.fetch_add(1);  // Stopped: the test says when it goes on, as with "fg".
            while (g_talk->go.load() == 0) { sleep_us(1000); }
            (void)tcsetpgrp(STDIN_FILENO, job);
            (void)kill(-job, SIGCONT);
        }
    }
    int screen_ = -1;
    pid_t shell_ = -1;
};

void work_for_ever() {
    g_talk->go.store(getpid());
    g_talk->begun.store(1);
    for (;;) {
        Pool pool = Pool::create(PoolOptions().workers(2)).expect("pool");
        for (int i = 0; i < 300; ++i) {
            Future<int> future = pool.apply_async(count_run, i).expect("submitting");
            pool.apply(square, 3u).ignore();
            future.get().ignore();
        }
    }
}

void ctrl_c_ends_everything_without_a_word(void**) {
    Chance chance(5);
    for (int round = 0; round < 60; ++round) {
        g_talk->begun = 0;
        LifeSign life;
        Terminal terminal(work_for_ever);
        life.stop_holding();
        assert_true(becomes(g_talk->begun, 1));
        sleep_us(chance.below(15000));
        terminal.type('\x03');
        char screen[4096];
        assert_int_equal(terminal.end(screen, sizeof screen), SIGINT);
        assert_string_equal(screen, "");
        assert_true(life.has_ended());
        remove_name_of(g_talk->go);
    }
}

// A host that handles Ctrl-C itself keeps its pool.
void a_host_that_handles_ctrl_c_goes_on_with_its_pool(void**) {
    Terminal terminal([] {
        static std::atomic<int> caught;
        (void)signal(SIGINT, [](int) { caught.fetch_add(1); });
        Pool pool = Pool::create(PoolOptions().workers(2)).expect("pool");
        g_talk->begun.store(1);
        for (int i = 0; caught == 0; ++i) { pool.apply(count_run, i % 1000).expect("task"); }
        for (int i = 0; i < 1000; ++i) { pool.apply(count_run, i).expect("task"); }
        pool.close().expect("close");
        pool.join(kPatience).expect("join");
        _exit(7);
    });
    assert_true(becomes(g_talk->begun, 1));
    terminal.type('\x03');
    char screen[4096];
    assert_int_equal(terminal.end(screen, sizeof screen), 107);
    assert_string_equal(screen, "");
}

void ctrl_z_stops_a_program_and_fg_lets_it_go_on(void**) {
    Terminal terminal([] {
        Pool pool = Pool::create(PoolOptions().workers(2)).expect("pool");
        g_talk->begun.store(1);
        for (int i = 0; i < 100000; ++i) {
            if (g_talk->go != 0 && i > 1000) { break; }
            i = i == 99999 ? 1001 : i;
            if (pool.apply(square, 4u).value_or(0) != 16) { _exit(1); }
        }
        pool.close().expect("close");
        pool.join(kPatience).expect("join");
        _exit(0);
    });
    assert_true(becomes(g_talk->begun, 1));
    sleep_us(10000);
    terminal.type('\x1a');
    assert_true(becomes(g_talk->ended, 1));
    let_go();
    char screen[4096];
    assert_int_equal(terminal.end(screen, sizeof screen), 100);
    assert_string_equal(screen, "");
}

// ---- Idle --------------------------------------------------------------------------------------

void an_idle_pool_sleeps(void**) {
    constexpr long kSeconds = 2;
    Pool pool = make_pool(3);
    for (unsigned i = 0; i < 100; ++i) { assert_int_equal(*pool.apply(square, i), i * i); }
    const Processes processes(pool);
    const bool looks = strcmp(brood::port::kName, "posix") == 0;  // by itself
    long before[Processes::kMost];
    for (size_t i = 0; i < processes.count; ++i) {
        const pid_t pid = processes.pid[i];
        before[i] = looks ? test::switches_of(pid) : test::switches_at_rest(pid);
    }
    test::sleep_ms(kSeconds * 1000);
    long most = 0;
    for (size_t i = 0; i < processes.count; ++i) {
        const long woken = test::switches_of(processes.pid[i]) - before[i];
        most = woken > most ? woken : most;
    }
    if (looks) {
        test::not_run("an idle pool never wakes up", "posix: workers look some 130 times a second");
        assert_true(most <= 200 * kSeconds);
        return;
    }
    assert_int_equal(most, 0);
}

void a_host_that_waits_for_a_task_sleeps(void**) {
    const bool looks = strcmp(brood::port::kName, "posix") == 0;  // by itself
    Pool pool = make_pool(1);
    long woken = LONG_MAX;
    // One who is pushed off the CPU while he is awake counts as woken, too: then once more.
    for (int tries = 0; tries < 4 && woken > 3 && !(looks && tries > 0); ++tries) {
        Future<int> future = pool.apply_async([] {
                                     test::sleep_ms(1000);
                                     return 1;
                                 })
                                 .expect("submitting");
        sleep_us(50000);
        const long before = test::switches_of(getpid());
        assert_int_equal(*future.get(kPatience), 1);
        woken = test::switches_of(getpid()) - before;
    }
    if (looks) {
        test::not_run("a waiting host sleeps until it is rung", "posix: it looks in steps");
        return;
    }
    assert_true(woken <= 3);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(ctrl_c_ends_everything_without_a_word),
        POOL_TEST(a_host_that_handles_ctrl_c_goes_on_with_its_pool),
        POOL_TEST(ctrl_z_stops_a_program_and_fg_lets_it_go_on),
        POOL_TEST(an_idle_pool_sleeps),
        POOL_TEST(a_host_that_waits_for_a_task_sleeps),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
