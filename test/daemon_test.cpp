// Goal: a daemon ends with its parent, however and whenever that ends, never before (promise 8).
// Method: a host of its own is killed; it and all below it hold the write end of one pipe, so the
// end of that stream is the end of the last of them, also of one that has not yet reached its code.
#include "process_support.hpp"

#include <pthread.h>
#include <sys/syscall.h>

using brood::Errc;
using brood::Process;
using brood::ProcessOptions;
using test::assert_ok;
namespace this_process = brood::this_process;

constexpr int kGoneMs = test::kSoonMs;

/// A host program, and the pipe by which it tells that it and all below it are gone.
class Host {
public:
    template <class F>
    explicit Host(F body) {
        assert_int_equal(pipe(life_), 0);
        pid_ = test::child([&] {
            close(life_[0]);
            body(*this);
            return 0;
        });
        close(life_[1]);
    }
    ~Host() { close(life_[0]); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    /// In the host: what it has to say before it is killed, and what its children say.
    void say_ready() { ready_.tell(); }
    bool await_ready() { return ready_.await(); }
    /// In a descendant that may outlive the host.
    void leave() { close(life_[1]); }

    void kill_it() { assert_int_equal(test::killed(pid_), -SIGKILL); }
    /// Reaps a host that ends by itself.
    int join() { return test::join_child(pid_); }
    /// Whether all have ended within the time.
    bool all_gone(int ms = kGoneMs) {
        pollfd item = {life_[0], POLLIN, 0};
        return poll(&item, 1, ms) == 1;
    }
    pid_t pid() const { return pid_; }

private:
    int life_[2];
    test::Handshake ready_;
    pid_t pid_ = 0;
};

static void run_for_ever() {
    for (;;) { pause(); }
}

static void spin_us(std::int64_t us) {
    const std::int64_t end = test::now_ns() + us * 1000;
    while (test::now_ns() < end) {}
}

static void daemons_are_gone_within_a_second_of_a_kill_at_200_random_moments(void**) {
    test::Random random(8);
    const bool may_exec = !test::is_posix_port();
    if (!may_exec) { test::not_run("Process::exec() of a daemon", "unsupported by this port"); }
    std::int64_t longest_ns = 0;
    for (int i = 0; i < 200; ++i) {
        Host host([&](Host& self) {
            static Process daemons[8];
            self.say_ready();
            for (Process& daemon : daemons) {  // The kill comes somewhere in here, or soon after.
                const char* const argv[] = {"sleep", "60", nullptr};
                if (may_exec && &daemon == &daemons[2]) {
                    daemon = Process::exec("sleep", argv, brood::ExecOptions().daemon())
                                 .expect("starting sleep");
                    continue;
                }
                daemon = Process(ProcessOptions().daemon(), run_for_ever);
                daemon.start().expect("starting a daemon");
            }
            run_for_ever();
        });
        assert_true(host.await_ready());
        spin_us(random.below(i % 2 == 0 ? 600 : 5000));
        const std::int64_t before = test::now_ns();
        host.kill_it();
        assert_true(host.all_gone());
        const std::int64_t took = test::now_ns() - before;
        longest_ns = took > longest_ns ? took : longest_ns;
    }
    print_message("longest: %d us\n", static_cast<int>(longest_ns / 1000));
}

static void daemons_are_gone_when_the_host_exits_without_a_word(void**) {
    Host host([](Host&) {
        Process daemon(ProcessOptions().daemon(), run_for_ever);
        daemon.start().expect("starting a daemon");
        _exit(7);
    });
    assert_int_equal(host.join(), 7);
    assert_true(host.all_gone());
}

static void a_stopped_daemon_goes_too(void**) {
    Host host([](Host& self) {
        Process daemon(ProcessOptions().daemon(), run_for_ever);
        daemon.start().expect("starting a daemon");
        daemon.send_signal(SIGSTOP).expect("stopping it");
        self.say_ready();
        run_for_ever();
    });
    assert_true(host.await_ready());
    host.kill_it();
    assert_true(host.all_gone());
}

static void a_daemon_that_blocks_and_ignores_all_signals_goes_too(void**) {
    Host host([](Host& self) {
        Process daemon(ProcessOptions().daemon(), [&] {
            sigset_t all;
            sigfillset(&all);
            sigprocmask(SIG_BLOCK, &all, nullptr);
            self.say_ready();
            run_for_ever();
        });
        daemon.start().expect("starting a daemon");
        run_for_ever();
    });
    assert_true(host.await_ready());
    host.kill_it();
    assert_true(host.all_gone());
}

// The parent-death signal of Linux would kill the daemon when the thread that forked it ends.
static void a_daemon_made_in_a_thread_that_exits_at_once_lives_on(void**) {
    Host host([](Host& self) {
        static Process daemon(ProcessOptions().daemon(), run_for_ever);
        pthread_t thread;
        const auto start = [](void*) -> void* {
            daemon.start().expect("starting a daemon");
            return nullptr;
        };
        CHILD_EXPECT(pthread_create(&thread, nullptr, start, nullptr) == 0);
        CHILD_EXPECT(pthread_join(thread, nullptr) == 0);
        CHILD_EXPECT(daemon.join(brood::milliseconds(100)).code() == Errc::timed_out);
        self.say_ready();
        run_for_ever();
    });
    assert_true(host.await_ready());
    host.kill_it();
    assert_true(host.all_gone());
}

static void a_daemon_that_drops_privileges_still_dies(void**) {
    if (geteuid() != 0) { return test::not_run("a daemon that drops privileges", "not root"); }
    constexpr uid_t kNobody = 65534;
    for (const bool whole_host : {false, true}) {
        Host host([&](Host& self) {
            if (whole_host) { CHILD_EXPECT(setresuid(kNobody, kNobody, kNobody) == 0); }
            Process daemon(ProcessOptions().daemon(), [&] {
                CHILD_EXPECT(setgid(kNobody) == 0 || whole_host);
                CHILD_EXPECT(setresuid(kNobody, kNobody, kNobody) == 0);
                self.say_ready();
                run_for_ever();
            });
            daemon.start().expect("starting a daemon");
            run_for_ever();
        });
        assert_true(host.await_ready());
        host.kill_it();
        assert_true(host.all_gone());
    }
}

/// Kills a host below `adopter`, which is the caller: 0 if its daemon went and nothing else.
static int kill_host_below() {
    int life[2];
    test::Handshake ready;
    if (pipe(life) != 0) { return 1; }
    const pid_t host = fork();
    if (host == 0) {
        Process daemon(ProcessOptions().daemon(), [&] {
            ready.tell();
            run_for_ever();
        });
        daemon.start().expect("starting a daemon");
        run_for_ever();
    }
    close(life[1]);
    if (!ready.await()) { return 2; }
    pollfd item = {life[0], POLLIN, 0};
    if (poll(&item, 1, 50) != 0) { return 3; }  // It does not go before its parent.
    if (kill(host, SIGKILL) != 0 || waitpid(host, nullptr, 0) != host) { return 4; }
    return poll(&item, 1, kGoneMs) == 1 ? 0 : 5;
}

static void a_host_in_a_pid_namespace_or_below_a_subreaper_takes_its_daemons_along(void**) {
    const int in_namespace = test::run_as_pid_1(kill_host_below);
    if (in_namespace == test::kNoNamespace) {
        test::not_run("a host in a pid namespace", "cannot make one here");
    } else {
        assert_int_equal(in_namespace, 0);
    }
    test::assert_child_exits(
        0, [] { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ? 9 : kill_host_below(); });
}

// A copy of the lifeline's write end in another process would keep the daemon alive.
static void children_of_the_hosts_own_fork_do_not_keep_a_daemon_alive(void**) {
    test::Board<std::atomic<pid_t>> children[3];
    Host host([&](Host& self) {
        const auto survive = [&](int index) {
            self.leave();
            children[index]->store(getpid());
            run_for_ever();
        };
        Process daemon(ProcessOptions().daemon(), run_for_ever), brother(survive, 0);
        daemon.start().expect("starting a daemon");
        brother.start().expect("starting a brother");
        if (fork() == 0) { survive(1); }
        if (fork() == 0) {
            if (fork() == 0) { survive(2); }
            _exit(0);
        }
        while (children[0]->load() == 0 || children[1]->load() == 0 || children[2]->load() == 0) {
            test::sleep_ms(1);
        }
        self.say_ready();
        run_for_ever();
    });
    assert_true(host.await_ready());
    host.kill_it();
    assert_true(host.all_gone());
    for (auto& child : children) {  // Others live on.
        assert_false(test::has_ended(child->load()));
        assert_int_equal(kill(child->load(), SIGKILL), 0);
    }
}

static void a_guardian_that_is_killed_takes_its_daemon_along(void**) {
    test::Board<std::atomic<pid_t>> above;
    Process daemon(ProcessOptions().daemon(), [&] {
        above->store(this_process::parent_id());
        run_for_ever();
    });
    assert_ok(daemon.start());
    assert_true(test::eventually([&] { return above->load() != 0; }));
    if (above->load() != getpid()) {
        test::not_run("daemons as children of the host", "here they hang below a guardian");
        assert_int_equal(kill(above->load(), SIGKILL), 0);
        assert_int_equal(test::end_of(daemon), -SIGKILL);
        assert_true(test::eventually([&] { return test::has_ended(daemon.pid()); }));
        return;
    }
    assert_ok(daemon.kill());
    assert_int_equal(test::end_of(daemon), -SIGKILL);
}

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(daemons_are_gone_within_a_second_of_a_kill_at_200_random_moments),
        cmocka_unit_test(daemons_are_gone_when_the_host_exits_without_a_word),
        cmocka_unit_test(a_stopped_daemon_goes_too),
        cmocka_unit_test(a_daemon_that_blocks_and_ignores_all_signals_goes_too),
        cmocka_unit_test(a_daemon_made_in_a_thread_that_exits_at_once_lives_on),
        cmocka_unit_test(a_daemon_that_drops_privileges_still_dies),
        cmocka_unit_test(a_host_in_a_pid_namespace_or_below_a_subreaper_takes_its_daemons_along),
        cmocka_unit_test(children_of_the_hosts_own_fork_do_not_keep_a_daemon_alive),
        cmocka_unit_test(a_guardian_that_is_killed_takes_its_daemon_along),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
