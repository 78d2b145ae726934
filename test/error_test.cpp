// Goal: every error has a name and one line that says what to do, and Status and Result<T> carry it
// so that none is missed.
// Method: all codes, of which the compiler checks that none is left out; panics in children.
#include "process_support.hpp"

#include <type_traits>

#include <brood/error.hpp>
#include <brood/result.hpp>

using brood::Errc;
using brood::Error;
using brood::Limit;
using brood::Result;
using brood::Status;

/// Every code: a new one that is missing here is an error of the compiler (-Wswitch).
constexpr bool is_known(Errc code) {
    switch (code) {
        case Errc::ok:
        case Errc::timed_out:
        case Errc::timeout_negative:
        case Errc::timeout_overflow:
        case Errc::interrupted:
        case Errc::would_block:
        case Errc::bad_argument:
        case Errc::size_zero:
        case Errc::size_too_large:
        case Errc::name_empty:
        case Errc::name_without_slash:
        case Errc::name_with_two_slashes:
        case Errc::name_too_long:
        case Errc::bad_signal:
        case Errc::text_too_long:
        case Errc::no_memory:
        case Errc::no_space:
        case Errc::too_many_files:
        case Errc::too_many_processes:
        case Errc::not_permitted:
        case Errc::not_found:
        case Errc::already_exists:
        case Errc::unsupported:
        case Errc::system_error:
        case Errc::output_failed:
        case Errc::over_system_limit:
        case Errc::no_target:
        case Errc::not_started:
        case Errc::already_started:
        case Errc::still_running:
        case Errc::daemon_has_children:
        case Errc::status_stolen:
        case Errc::wrong_process:
        case Errc::exec_failed:
        case Errc::no_children:
        case Errc::end_of_stream:
        case Errc::broken_pipe:
        case Errc::peer_died:
        case Errc::message_too_long:
        case Errc::buffer_too_short:
        case Errc::bad_frame:
        case Errc::closed:
        case Errc::wrong_direction:
        case Errc::notify_taken:
        case Errc::stalled:
        case Errc::address_in_use:
        case Errc::bad_address:
        case Errc::refused:
        case Errc::not_authenticated:
        case Errc::legacy_refused:
        case Errc::not_ready:
        case Errc::type_mismatch:
        case Errc::version_mismatch:
        case Errc::layout_mismatch:
        case Errc::corrupt:
        case Errc::owner_died:
        case Errc::not_owner:
        case Errc::would_deadlock:
        case Errc::out_of_range:
        case Errc::too_many_members:
        case Errc::too_many_releases:
        case Errc::broken_barrier:
        case Errc::too_many_task_done:
        case Errc::abandoned:
        case Errc::in_use:
        case Errc::worker_died:
        case Errc::pool_broken:
        case Errc::pool_closed:
        case Errc::pool_not_closed:
        case Errc::pool_terminated:
        case Errc::initializer_failed:
        case Errc::task_too_large:
        case Errc::full:
        case Errc::not_done:
        case Errc::unknown_function:
        case Errc::collected:
        case Errc::empty:
        case Errc::task_timed_out:
        case Errc::cancelled:
        case Errc::worker_stuck: return true;
    }
    return false;
}

constexpr int kCodesEnd = 1000;

static void every_code_has_a_name_of_its_own_and_a_line_that_says_what_to_do(void**) {
    const char* names[kCodesEnd] = {};
    int known = 0;
    for (int number = 0; number < kCodesEnd; ++number) {
        const Error error(static_cast<Errc>(number));
        const char* const name = error.name();
        const char* const text = error.text();
        if (!is_known(error.code())) {
            assert_string_equal(name, "unknown");
            assert_string_equal(text, "unknown error");
            continue;
        }
        if (strcmp(name, "unknown") == 0) { fail_msg("code %d has no text", number); }
        for (const char* c = name; *c != '\0'; ++c) {
            assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
        }
        for (int i = 0; i < known; ++i) { assert_string_not_equal(names[i], name); }
        names[known++] = name;
        const bool says_what_to_do = strchr(text, ':') != nullptr || error == Errc::ok;
        if (!says_what_to_do) { fail_msg("%s: %s", name, text); }
        assert_true(strlen(text) >= 8 && strlen(text) <= 110);
        assert_null(strchr(text, '\n'));
        assert_true(text[strlen(text) - 1] != '.' && text[0] >= 'a' && text[0] <= 'z');
    }
    assert_true(known > 50);
}

static void unknown_codes_are_no_trap(void**) {
    for (const int number : {-1, 6, 999, INT32_MAX, INT32_MIN}) {
        assert_string_equal(Error(static_cast<Errc>(number)).name(), "unknown");
    }
}

static void a_limit_has_its_name_and_value_in_the_description(void**) {
    const Error error(Errc::over_system_limit, 22, 10, Limit::msg_max);
    assert_string_equal(error.limit_name(), "msg_max");
    assert_int_equal(error.detail(), 10);
    char words[200];
    assert_non_null(strstr(error.describe(words, sizeof words), "(msg_max is 10)"));
    const Error unknown(Errc::over_system_limit, 28, 0, Limit::queues_max);
    assert_non_null(strstr(unknown.describe(words, sizeof words), "(queues_max)"));
    for (int limit = 1; limit <= static_cast<int>(Limit::sem_value_max); ++limit) {
        const Error each(Errc::over_system_limit, 0, 0, static_cast<Limit>(limit));
        assert_true(each.limit() == static_cast<Limit>(limit));
        assert_true(strlen(each.limit_name()) > 0);
    }
    assert_string_equal(Error(Errc::timed_out).limit_name(), "");
    assert_string_equal(Error(Errc::timed_out, 0, 0, static_cast<Limit>(999)).limit_name(), "");
    assert_true(Error(static_cast<Errc>(65536)) != Errc::ok);  // No code becomes another.
    static_assert(sizeof(Error) == 16, "two registers return it");
}

static void an_error_carries_code_errno_and_detail(void**) {
    constexpr Error plain = Errc::timed_out;
    constexpr Error full(Errc::worker_died, 12, -9);
    static_assert(plain.code() == Errc::timed_out && plain.os_error() == 0 && plain.detail() == 0,
                  "");
    static_assert(full.os_error() == 12 && full.detail() == -9, "");
    static_assert(full == Errc::worker_died && full != Errc::ok, "");
    static_assert(std::is_trivially_copyable_v<Error> && std::is_trivially_copyable_v<Status>,
                  "errors travel through pipes and shared memory");
}

static void describe_adds_the_detail_and_the_errno(void**) {
    const struct {
        Error error;
        const char* contains;
    } rows[] = {
        {Error(Errc::timed_out), "time ran out"},
        {Error(Errc::worker_died, 0, -9), "(SIGKILL)"},
        {Error(Errc::worker_died, 0, 3), "(exit code 3)"},
        {Error(Errc::worker_died, 0, -100), "(signal)"},
        {Error(Errc::out_of_range, 0, 12), "(index 12)"},
        {Error(Errc::buffer_too_short, 0, 4096), "(4096 bytes)"},
        {Error(Errc::exec_failed, ENOENT), "errno 2)"},
        {Error(Errc::system_error, 100000), "(errno 100000)"},
        {Error(Errc::system_error, -5), "(errno -5)"},
        {Error(Errc::task_too_large, 0, INT64_MAX), "(9223372036854775807 bytes)"},
        {Error(Errc::out_of_range, 0, INT64_MIN), "(index -9223372036854775808)"},
    };
    for (const auto& row : rows) {
        char text[320];
        assert_ptr_equal(row.error.describe(text, sizeof(text)), text);
        if (strstr(text, row.contains) == nullptr) { fail_msg("%s lacks %s", text, row.contains); }
        assert_int_equal(strncmp(text, row.error.text(), strlen(row.error.text())), 0);
    }
}

static void describe_never_writes_beyond_its_buffer(void**) {
    const Error error(Errc::exec_failed, ENOENT);
    char whole[320];
    error.describe(whole, sizeof(whole));
    for (std::size_t room = 0; room < strlen(whole) + 3; ++room) {
        char text[320];
        memset(text, '#', sizeof(text));
        error.describe(text, room);
        assert_int_equal(text[room], '#');
        if (room == 0) { continue; }
        assert_true(strlen(text) < room);
        assert_int_equal(strncmp(text, whole, strlen(text)), 0);
        assert_int_equal(strlen(text), room - 1 < strlen(whole) ? room - 1 : strlen(whole));
    }
    assert_null(error.describe(nullptr, 0));
}

// ---- expect() and panic ------------------------------------------------------------------------

/// Runs `body` in a child: its exit code, and what it wrote to standard output and error, together.
template <class F>
static int run_and_read(char (&text)[512], F body) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = test::start_child([&] {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        body();
        return 0;
    });
    close(ends[1]);
    const int code = test::join_child(pid);
    const ssize_t got = read(ends[0], text, sizeof(text) - 1);
    text[got > 0 ? got : 0] = '\0';
    close(ends[0]);
    return code;
}

static void expect_on_an_error_flushes_tells_and_exits_with_1(void**) {
    char text[512];
    const auto expect_status = [] {
        printf("printed before\n");
        Status(Errc::no_space).expect("making the queue");
    };
    assert_int_equal(run_and_read(text, expect_status), 1);
    assert_string_equal(
        text,
        "printed before\nmaking the queue: shared memory is full: free some, or raise "
        "its limits\n");
    assert_int_equal(
        run_and_read(text,
                     [] {
                         static_cast<void>(
                             Result<int>(Error(Errc::worker_died, 0, -11)).expect("squaring"));
                     }),
        1);
    assert_non_null(strstr(text, "squaring: the worker died in the task"));
    assert_non_null(strstr(text, "(SIGSEGV)\n"));
    assert_int_equal(run_and_read(text,
                                  [] {
                                      Result<int> none = Errc::closed;
                                      static_cast<void>(*none);
                                  }),
                     1);
    assert_string_equal(
        text, "using a result that holds no value: closed, or moved from: make a new one\n");
    assert_int_equal(run_and_read(text,
                                  [] {
                                      char doing[1000];
                                      memset(doing, 'd', sizeof(doing) - 1);
                                      doing[sizeof(doing) - 1] = '\0';
                                      brood::panic(doing, Errc::closed);  // Cut, but one line.
                                  }),
                     1);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void expect_in_a_process_ends_that_process_alone(void**) {
    char text[512];
    assert_int_equal(run_and_read(text,
                                  [] {
                                      brood::Process process([] {
                                          Status(Errc::timed_out).expect("waiting in the child");
                                      });
                                      process.start().expect("starting");
                                      process.join().expect("joining");
                                      _exit(*process.exit_code() == 1 ? 42 : 43);
                                  }),
                     42);
    assert_int_equal(strncmp(text, "waiting in the child: ", 22), 0);
}

static void set_panic_replaces_what_a_panic_does(void**) {
    char text[512];
    assert_int_equal(run_and_read(text,
                                  [] {
                                      brood::set_panic([](const char* doing, const Error& error) {
                                          dprintf(2, "%s|%s", doing, error.name());
                                          _exit(9);
                                      });
                                      Status(Errc::full).expect("putting");
                                  }),
                     9);
    assert_string_equal(text, "putting|full");
    assert_int_equal(run_and_read(text,
                                  [] {
                                      brood::set_panic([](const char*, const Error&) {
                                      });  // It must not return: exit status 1.
                                      Status(Errc::full).expect("putting");
                                      _exit(7);
                                  }),
                     1);
    assert_int_equal(run_and_read(text,
                                  [] {
                                      brood::set_panic([](const char*, const Error&) { _exit(9); });
                                      brood::set_panic(nullptr);
                                      Status(Errc::closed).expect("asking");
                                  }),
                     1);
    assert_string_equal(text, "asking: closed, or moved from: make a new one\n");
}

// ---- Status and Result<T> ----------------------------------------------------------------------

static void a_status_is_ok_or_tells_its_error(void**) {
    constexpr Status good;
    static_assert(good.ok() && static_cast<bool>(good) && good.code() == Errc::ok, "");
    const Status bad = Error(Errc::system_error, 5, 6);
    assert_false(bad.ok());
    assert_int_equal(bad.error().os_error(), 5);
    assert_int_equal(bad.error().detail(), 6);
    good.expect("nothing");
    bad.ignore();
}

/// Counts how many of it live, and how it moved.
struct Tracked {
    explicit Tracked(int number) : value(number) { ++alive; }
    Tracked(const Tracked& other) : value(other.value) {
        ++alive;
        ++copies;
    }
    Tracked(Tracked&& other) noexcept : value(other.value) {
        other.value = -1;
        ++alive;
    }
    ~Tracked() { --alive; }
    int value;
    static int alive, copies;
};
int Tracked::alive = 0, Tracked::copies = 0;

static void a_result_owns_its_value_and_destroys_it_once(void**) {
    Tracked::alive = Tracked::copies = 0;
    {
        Result<Tracked> first = Tracked(5);
        assert_true(first.ok() && static_cast<bool>(first));
        assert_int_equal(first->value, 5);
        Result<Tracked> second = first;
        assert_int_equal(Tracked::alive, 2);
        assert_int_equal(Tracked::copies, 1);
        Result<Tracked> third = std::move(first);
        assert_int_equal(third->value, 5);
        assert_int_equal(first->value, -1);
        third = Errc::full;
        assert_int_equal(Tracked::alive, 2);
        assert_int_equal(static_cast<int>(third.code()), static_cast<int>(Errc::full));
        third = second;
        assert_int_equal((*third).value, 5);
        const Tracked taken = std::move(second).expect("taking it");
        assert_int_equal(taken.value, 5);
        third = Result<Tracked>(Tracked(8));
        assert_int_equal(third.expect("looking").value, 8);
        assert_int_equal(Result<Tracked>(Errc::full).value_or(Tracked(3)).value, 3);
        assert_int_equal(third.value_or(Tracked(3)).value, 8);
    }
    assert_int_equal(Tracked::alive, 0);
}

static void a_result_of_a_move_only_type_is_move_only(void**) {
    struct MoveOnly {
        explicit MoveOnly(int number) : value(number) {}
        MoveOnly(MoveOnly&& other) noexcept : value(other.value) { other.value = 0; }
        int value;
    };
    static_assert(std::is_move_constructible_v<Result<MoveOnly>>, "");
    Result<MoveOnly> made = MoveOnly(4);
    Result<MoveOnly> moved = std::move(made);
    const MoveOnly taken = *std::move(moved);
    assert_int_equal(taken.value, 4);
    assert_int_equal(moved->value, 0);
    const Result<int> constant = 7;
    assert_int_equal(*constant, 7);
    assert_int_equal(Result<int>(Errc::full).value_or(9), 9);
    assert_int_equal(static_cast<int>(Result<int>(Errc::full).status().code()),
                     static_cast<int>(Errc::full));
    Result<bool> no = false;  // A value that is false is a value.
    assert_true(no.ok() && !*no);
}

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name_of_its_own_and_a_line_that_says_what_to_do),
        cmocka_unit_test(unknown_codes_are_no_trap),
        cmocka_unit_test(a_limit_has_its_name_and_value_in_the_description),
        cmocka_unit_test(an_error_carries_code_errno_and_detail),
        cmocka_unit_test(describe_adds_the_detail_and_the_errno),
        cmocka_unit_test(describe_never_writes_beyond_its_buffer),
        cmocka_unit_test(expect_on_an_error_flushes_tells_and_exits_with_1),
        cmocka_unit_test(expect_in_a_process_ends_that_process_alone),
        cmocka_unit_test(set_panic_replaces_what_a_panic_does),
        cmocka_unit_test(a_status_is_ok_or_tells_its_error),
        cmocka_unit_test(a_result_owns_its_value_and_destroys_it_once),
        cmocka_unit_test(a_result_of_a_move_only_type_is_move_only),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
