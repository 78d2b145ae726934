// Goal: a Process starts, runs, ends and is asked about as multiprocessing.Process in Python.
// Method: real children; each group of tests names its row of the table in the README.
#include "process_support.hpp"

#include <fcntl.h>

using brood::Errc;
using brood::milliseconds;
using brood::Process;
using brood::ProcessOptions;
using test::assert_code;
using test::assert_ok;
using test::end_of;
using test::run_to_end;
namespace this_process = brood::this_process;

// ---- Process(target, args, kwargs, name) -------------------------------------------------------

struct Named {  // What kwargs are in Python.
    int width = 3;
    int height = 5;
};

static void exit_with(int code) {
    this_process::exit(code);
}
static void exit_with_area(int base, const char* text, Named named) {
    this_process::exit(base + static_cast<int>(strlen(text)) + named.width * named.height);
}

static void a_process_runs_its_target_with_args_kwargs_and_name(void**) {
    Named named;
    named.height = 6;
    Process process(ProcessOptions().name("area"), exit_with_area, 100, "four", named);
    assert_string_equal(process.name(), "area");
    assert_int_equal(run_to_end(process), 100 + 4 + 18);
}

struct Functor {
    int code;
    void operator()() const { this_process::exit(code); }
};

struct MoveOnly {
    explicit MoveOnly(int number) : code(number) {}
    MoveOnly(MoveOnly&& other) noexcept : code(other.code) { other.code = 99; }
    int code;
};

static void a_target_may_be_a_function_a_pointer_a_lambda_or_an_object(void**) {
    int captured = 3;
    Process function(exit_with, 1);
    Process pointer(&exit_with, 2);
    Process lambda([&captured] { this_process::exit(captured); });
    Process object(Functor{4});
    Process moved([](MoveOnly& argument) { this_process::exit(argument.code); }, MoveOnly(5));
    Process* const processes[] = {&function, &pointer, &lambda, &object, &moved};
    int expected = 0;
    for (Process* process : processes) { assert_int_equal(run_to_end(*process), ++expected); }
}

static void arguments_are_copied_when_the_process_is_made(void**) {
    int number = 7;
    Process process(exit_with, number);
    number = 8;
    assert_int_equal(run_to_end(process), 7);
}

static void exit_with_both(int base, const MoveOnly& first, MoveOnly& second) {
    this_process::exit(base + first.code + second.code);
}

static void an_argument_that_cannot_be_copied_is_given_as_it_is_at_the_start(void**) {
    const MoveOnly first(1);
    MoveOnly second(2);
    Process process(exit_with_both, 10, first, second);
    Process moved(std::move(process));
    second.code = 5;
    assert_int_equal(run_to_end(moved), 10 + 1 + 5);
    assert_int_equal(second.code, 5);
}

struct Counted {
    explicit Counted(int* counter) : alive(counter) { ++*alive; }
    Counted(const Counted& other) : alive(other.alive) { ++*alive; }
    ~Counted() { --*alive; }
    int* alive;
};

static void what_was_stored_is_destroyed_once_started_or_with_the_process(void**) {
    int alive = 0;
    {
        Process started([](Counted&) {}, Counted(&alive));
        Process moved = Process([](Counted&) {}, Counted(&alive));
        Process fresh = std::move(moved);
        assert_int_equal(alive, 2);
        assert_int_equal(run_to_end(started), 0);
        assert_int_equal(alive, 1);
    }
    assert_int_equal(alive, 0);
}

// ---- p.start() / p.run() overridden in a subclass; p.run() called directly ---------------------

class Greeter : public Process {
public:
    explicit Greeter(int code) : code_(code) {}
    Greeter(const ProcessOptions& options, int code) : Process(options), code_(code) {}
    void run() override {
        ran_in = getpid();
        if (is_child) { this_process::exit(code_); }
    }
    bool is_child = true;
    pid_t ran_in = 0;

private:
    int code_;
};

static void run_overridden_in_a_subclass_runs_in_the_child(void**) {
    Greeter greeter(11);
    assert_int_equal(run_to_end(greeter), 11);
    assert_int_equal(greeter.ran_in, 0);
    Greeter named(ProcessOptions().name("greeter"), 12);
    assert_string_equal(named.name(), "greeter");
    assert_int_equal(run_to_end(named), 12);
}

static void run_called_directly_runs_in_the_caller_and_pid_stays_none(void**) {
    Greeter greeter(13);
    greeter.is_child = false;
    greeter.run();
    assert_int_equal(greeter.ran_in, getpid());
    assert_int_equal(greeter.pid(), 0);
    int calls = 0;
    Process process([&] { ++calls; });
    process.run();
    process.run();
    assert_int_equal(calls, 2);
    assert_int_equal(process.pid(), 0);
    assert_code(process.exit_code(), Errc::not_started);
    assert_int_equal(run_to_end(process), 0);
    assert_int_equal(calls, 2);
    Process empty;
    empty.run();
}

// ---- p.join([timeout]) -------------------------------------------------------------------------

static void join_waits_for_the_end_and_joining_twice_is_fine(void**) {
    Process process([] { test::sleep_ms(30); });
    assert_ok(process.start());
    assert_ok(process.join());
    assert_ok(process.join());
    assert_ok(process.join(brood::Timeout::no_wait()));
    assert_int_equal(*process.exit_code(), 0);
    assert_int_equal(process.sentinel(), -1);
}

static void join_with_a_timeout_says_timed_out_and_not_before_its_time(void**) {
    Process process([] { pause(); });
    assert_ok(process.start());
    const std::int64_t before = test::now_ns();
    assert_code(process.join(milliseconds(60)), Errc::timed_out);
    assert_true(test::now_ns() - before >= 60000000);
    assert_code(process.join(brood::Timeout::no_wait()), Errc::timed_out);
    assert_true(process.is_alive());
    assert_ok(process.kill());
    assert_int_equal(end_of(process), -SIGKILL);
}

// ---- p.is_alive(), p.pid, p.name; p.exitcode None / N / -N -------------------------------------

static void is_alive_pid_and_exit_code_follow_the_life_of_the_child(void**) {
    test::Handshake go;
    Process process([&] { this_process::exit(go.await() ? 5 : 6); });
    assert_false(process.is_alive());
    assert_int_equal(process.pid(), 0);
    assert_code(process.exit_code(), Errc::not_started);
    assert_ok(process.start());
    assert_true(process.is_alive());
    const pid_t pid = process.pid();
    assert_true(pid > 0 && pid != getpid());
    assert_code(process.exit_code(), Errc::still_running);
    go.tell();
    assert_true(test::eventually([&] { return !process.is_alive(); }));
    assert_int_equal(*process.exit_code(), 5);
    assert_int_equal(process.pid(), pid);
    assert_ok(process.join());
    assert_int_equal(waitpid(pid, nullptr, WNOHANG), -1);  // It was reaped.
}

static void exit_code_is_n_or_minus_the_signal(void**) {
    Process returns([] {});
    assert_int_equal(run_to_end(returns), 0);
    for (const int code : {0, 1, 42, 255, 256 + 3}) {
        Process process(exit_with, code);
        assert_int_equal(run_to_end(process), code & 0xff);
        Process by_libc([=] { _exit(code); });
        assert_int_equal(run_to_end(by_libc), code & 0xff);
    }
    for (const int signal : {SIGKILL, SIGTERM, SIGUSR1, SIGHUP, SIGALRM, SIGRTMIN + 1}) {
        Process process([=] {
            kill(getpid(), signal);
            pause();
        });
        assert_int_equal(run_to_end(process), -signal);
        Process daemon(ProcessOptions().daemon(), [=] {
            kill(getpid(), signal);
            pause();
        });
        assert_int_equal(run_to_end(daemon), -signal);
    }
}

static int number_in(const char* name) {
    const char* const prefix = "Process-";
    assert_int_equal(strncmp(name, prefix, strlen(prefix)), 0);
    return atoi(name + strlen(prefix));
}

// ---- default names, parent_process(); name of the current process ------------------------------

static void default_names_number_the_children_and_their_children(void**) {
    Process first([] {}), second([] {});
    const int number = number_in(first.name());
    assert_int_equal(number_in(second.name()), number + 1);
    char parent[64], nested[80];
    snprintf(parent, sizeof(parent), "Process-%d", number + 2);
    snprintf(nested, sizeof(nested), "Process-%d:2", number + 2);
    const pid_t host = getpid();
    Process process([&] {
        CHILD_EXPECT(strcmp(this_process::name(), parent) == 0);
        CHILD_EXPECT(strcmp(this_process::parent_name(), "MainProcess") == 0);
        CHILD_EXPECT(this_process::parent_process() == host);
        Process given(ProcessOptions().name("given"),
                      [] { CHILD_EXPECT(strcmp(this_process::name(), "given") == 0); });
        Process numbered([&, middle = getpid()] {
            CHILD_EXPECT(strcmp(this_process::name(), nested) == 0);
            CHILD_EXPECT(strcmp(this_process::parent_name(), parent) == 0);
            CHILD_EXPECT(this_process::parent_process() == middle);
        });
        for (Process* each : {&given, &numbered}) {
            CHILD_EXPECT(each->start().ok() && each->join(test::kLong).ok());
            CHILD_EXPECT(*each->exit_code() == 0);
        }
    });
    assert_int_equal(run_to_end(process), 0);
    assert_string_equal(process.name(), parent);
    assert_string_equal(this_process::name(), "MainProcess");
    assert_null(this_process::parent_name());
    assert_int_equal(this_process::parent_process(), 0);
}

// ---- p.terminate(), kill, close ----------------------------------------------------------------

static void terminate_and_kill_end_the_child_and_are_fine_when_it_has_ended(void**) {
    Process terminated([] { pause(); }), killed([] { pause(); }), told([] { pause(); });
    for (Process* process : {&terminated, &killed, &told}) { assert_ok(process->start()); }
    assert_code(terminated.send_signal(1000), Errc::bad_signal);
    assert_ok(terminated.terminate());
    assert_ok(killed.kill());
    assert_ok(told.send_signal(SIGUSR2));
    assert_int_equal(end_of(terminated), -SIGTERM);
    assert_int_equal(end_of(killed), -SIGKILL);
    assert_int_equal(end_of(told), -SIGUSR2);
    for (Process* process : {&terminated, &killed, &told}) {
        assert_ok(process->terminate());
        assert_ok(process->kill());
        assert_ok(process->terminate(milliseconds(10)));
    }
}

static void terminate_with_a_grace_kills_what_ignores_it(void**) {
    test::Handshake ready;
    Process deaf([&] {
        signal(SIGTERM, SIG_IGN);
        ready.tell();
        for (;;) { pause(); }
    });
    assert_ok(deaf.start());
    assert_true(ready.await());
    const std::int64_t before = test::now_ns();
    assert_ok(deaf.terminate(milliseconds(80)));
    assert_true(test::now_ns() - before >= 80000000);
    assert_int_equal(*deaf.exit_code(), -SIGKILL);
    Process polite([] { pause(); });
    assert_ok(polite.start());
    assert_ok(polite.terminate(test::kLong));
    assert_int_equal(*polite.exit_code(), -SIGTERM);
}

static void close_releases_an_ended_process_and_refuses_a_running_one(void**) {
    const std::size_t before = test::open_descriptors();
    Process process([] { pause(); });
    assert_ok(process.start());
    assert_code(process.close(), Errc::still_running);
    assert_ok(process.kill());
    assert_int_equal(end_of(process), -SIGKILL);
    assert_ok(process.close());
    assert_ok(process.close());
    assert_code(process.join(), Errc::closed);
    assert_code(process.exit_code(), Errc::closed);
    assert_false(process.is_alive());
    assert_int_equal(test::open_descriptors(), before);
}

/// Starts a child with a child of its own, terminates the child: whether the grandchild lives on.
/// If it shall, a look for so long must do.
static bool grandchild_outlives(const ProcessOptions& options, std::int64_t look_ms) {
    test::Board<std::atomic<pid_t>> grandchild;
    Process process(options, [&] {
        const pid_t pid = fork();
        if (pid != 0) { grandchild->store(pid); }
        for (;;) { pause(); }
    });
    assert_ok(process.start());
    assert_true(test::eventually([&] { return grandchild->load() != 0; }));
    assert_ok(process.terminate());
    assert_int_equal(end_of(process), -SIGTERM);
    const bool lives = !test::eventually([&] { return test::has_ended(*grandchild); }, look_ms);
    if (lives) { kill(*grandchild, SIGKILL); }
    return lives;
}

static void grandchildren_become_orphans_unless_the_process_leads_a_group(void**) {
    assert_true(grandchild_outlives(ProcessOptions(), 100));
    assert_false(grandchild_outlives(ProcessOptions().group(), test::kPatienceMs));
    assert_false(grandchild_outlives(ProcessOptions().group().daemon(), test::kPatienceMs));
}

// ---- Moving ------------------------------------------------------------------------------------

static void a_process_moves_with_its_child_its_name_and_its_settings(void**) {
    test::Handshake go;
    Process first(ProcessOptions().name("mover").daemon(), [&] { this_process::exit(go.await()); });
    assert_ok(first.start());
    const pid_t pid = first.pid();
    Process second = std::move(first);
    Process third([] {});
    third = std::move(second);
    assert_int_equal(third.pid(), pid);
    assert_string_equal(third.name(), "mover");
    assert_true(third.daemon());
    assert_int_equal(first.pid(), 0);
    assert_false(second.is_alive());
    assert_code(second.start(), Errc::no_target);
    go.tell();
    assert_int_equal(end_of(third), 1);
}

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_process_runs_its_target_with_args_kwargs_and_name),
        cmocka_unit_test(a_target_may_be_a_function_a_pointer_a_lambda_or_an_object),
        cmocka_unit_test(arguments_are_copied_when_the_process_is_made),
        cmocka_unit_test(an_argument_that_cannot_be_copied_is_given_as_it_is_at_the_start),
        cmocka_unit_test(what_was_stored_is_destroyed_once_started_or_with_the_process),
        cmocka_unit_test(run_overridden_in_a_subclass_runs_in_the_child),
        cmocka_unit_test(run_called_directly_runs_in_the_caller_and_pid_stays_none),
        cmocka_unit_test(join_waits_for_the_end_and_joining_twice_is_fine),
        cmocka_unit_test(join_with_a_timeout_says_timed_out_and_not_before_its_time),
        cmocka_unit_test(is_alive_pid_and_exit_code_follow_the_life_of_the_child),
        cmocka_unit_test(exit_code_is_n_or_minus_the_signal),
        cmocka_unit_test(default_names_number_the_children_and_their_children),
        cmocka_unit_test(terminate_and_kill_end_the_child_and_are_fine_when_it_has_ended),
        cmocka_unit_test(terminate_with_a_grace_kills_what_ignores_it),
        cmocka_unit_test(close_releases_an_ended_process_and_refuses_a_running_one),
        cmocka_unit_test(grandchildren_become_orphans_unless_the_process_leads_a_group),
        cmocka_unit_test(a_process_moves_with_its_child_its_name_and_its_settings),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
