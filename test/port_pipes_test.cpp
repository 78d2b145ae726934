// Goal: every port reads, writes, polls and closes descriptors as port/port.hpp says.
// Method: real pipes; full, empty, broken; under signals; with the host's SIGPIPE in every state.
#include "support.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <port/port.hpp>

namespace port = brood::port;
using brood::Errc;
using test::assert_code;
using test::assert_ok;

static volatile sig_atomic_t g_handled = 0;
static void count_signal(int) {
    g_handled = g_handled + 1;
}

static void catch_signal(int signal) {  // Without SA_RESTART: system calls end with EINTR.
    struct sigaction action = {};
    action.sa_handler = count_signal;
    sigaction(signal, &action, nullptr);
}

struct Pipe {
    Pipe() { assert_ok(port::pipe(ends)); }
    ~Pipe() {
        port::close(ends[0]);
        port::close(ends[1]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void close_end(int end) {
        port::close(ends[end]);
        ends[end] = port::kNoFd;
    }
    void fill() {
        static char zeros[65536];
        while (port::write_now(ends[1], zeros, sizeof(zeros)).ok()) {}
    }
    port::Fd ends[2] = {port::kNoFd, port::kNoFd};
};

static port::PollItem reading(port::Fd fd) {
    port::PollItem item;
    item.fd = fd;
    item.want_read = true;
    return item;
}

static port::PollItem writing(port::Fd fd) {
    port::PollItem item;
    item.fd = fd;
    item.want_write = true;
    return item;
}

static void a_pipe_carries_bytes_and_ends_with_its_writer(void**) {
    Pipe pipe;
    for (const port::Fd end : pipe.ends) {
        assert_int_equal(fcntl(end, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(fcntl(end, F_GETFL) & O_NONBLOCK, 0);
    }
    assert_int_equal(*port::write(pipe.ends[1], "abc", 3), 3);
    char text[8] = {};
    assert_int_equal(*port::read(pipe.ends[0], text, sizeof(text)), 3);
    assert_string_equal(text, "abc");
    pipe.close_end(1);
    assert_int_equal(*port::read(pipe.ends[0], text, sizeof(text)), 0);
    assert_int_equal(*port::read_now(pipe.ends[0], text, sizeof(text)), 0);
}

static void an_exhausted_process_gets_no_pipe_and_loses_nothing(void**) {
    test::assert_child_exits(0, [] {
        const std::size_t before = test::open_descriptors();
        const int highest = dup(0);
        close(highest);
        const rlimit limit = {static_cast<rlim_t>(highest) + 1, 4096};
        setrlimit(RLIMIT_NOFILE, &limit);  // Room for one of two.
        port::Fd ends[2] = {-7, -7};
        const brood::Status status = port::pipe(ends);
        const rlimit again = {1024, 4096};
        setrlimit(RLIMIT_NOFILE, &again);
        if (status.code() != Errc::too_many_files || status.error().os_error() != EMFILE) {
            return 1;
        }
        return test::open_descriptors() == before ? 0 : 2;
    });
}

static void reading_and_writing_now_never_block(void**) {
    test::assert_child_exits(0, [] {
        Pipe pipe;
        static char page[65536];
        if (port::read_now(pipe.ends[0], page, 1).code() != Errc::would_block) { return 1; }
        pipe.fill();
        if (port::write_now(pipe.ends[1], "x", 1).code() != Errc::would_block) { return 2; }
        const std::size_t room = port::pipe_atomic();
        if (port::read_now(pipe.ends[0], page, room).value_or(0) != room) { return 3; }
        // What fits not as a whole may be written in part, but does not block.
        const std::size_t part = port::write_now(pipe.ends[1], page, sizeof(page)).value_or(0);
        if (part == 0 || part > room) { return 4; }
        // Nor did it change how the ends behave for others.
        for (const port::Fd end : pipe.ends) {
            if ((fcntl(end, F_GETFL) & O_NONBLOCK) != 0) { return 5; }
        }
        return 0;
    });
}

// Each of these waits in a storm of signals for what a child does after 100 ms: 0 if it was so.

static int read_late_data(bool as_record) {
    catch_signal(SIGUSR1);
    Pipe pipe;
    const pid_t writer = fork();
    if (writer == 0) {
        test::sleep_ms(100);
        _exit(port::write(pipe.ends[1], "late", 4).ok() ? 0 : 1);
    }
    char text[4] = {};
    bool done = false;
    {
        const test::SignalStorm storm(SIGUSR1);
        done = as_record ? port::read_record(pipe.ends[0], text, sizeof text).ok()
                         : port::read(pipe.ends[0], text, sizeof text).value_or(0) == sizeof text;
    }
    waitpid(writer, nullptr, 0);
    return done && memcmp(text, "late", sizeof text) == 0 && g_handled > 0 ? 0 : 1;
}

static int write_into_late_room(bool as_record) {
    catch_signal(SIGUSR1);
    Pipe pipe;
    pipe.fill();
    const pid_t reader = fork();
    if (reader == 0) {
        test::sleep_ms(100);
        static char page[65536];
        _exit(port::read(pipe.ends[0], page, sizeof page).ok() ? 0 : 1);
    }
    bool done = false;
    {
        const test::SignalStorm storm(SIGUSR1);
        done = as_record ? port::write_record(pipe.ends[1], "late", 4).ok()
                         : port::write(pipe.ends[1], "late", 4).value_or(0) == 4;
    }
    waitpid(reader, nullptr, 0);
    return done && g_handled > 0 ? 0 : 1;
}

static void reading_waits_for_data_over_signals(void**) {
    test::assert_child_exits(0, [] { return read_late_data(false); });
    test::assert_child_exits(0, [] { return read_late_data(true); });
}

static void writing_waits_for_room_over_signals(void**) {
    test::assert_child_exits(0, [] { return write_into_late_room(false); });
    test::assert_child_exits(0, [] { return write_into_late_room(true); });
}

static void a_record_is_read_whole_or_named_as_what_it_is(void**) {
    Pipe pipe;
    char text[4] = {};
    assert_ok(port::write_record(pipe.ends[1], "four", 4));
    assert_ok(port::read_record(pipe.ends[0], text, 4));
    assert_memory_equal(text, "four", 4);
    assert_int_equal(*port::write(pipe.ends[1], "two", 2), 2);
    assert_code(port::read_record(pipe.ends[0], text, 4), Errc::bad_frame);
    pipe.close_end(1);
    assert_code(port::read_record(pipe.ends[0], text, 4), Errc::end_of_stream);
    assert_false(port::read_record(port::kNoFd, text, 4).ok());
    assert_false(port::write_record(port::kNoFd, text, 4).ok());
}

// Small messages of several writers never mix: each is written as a whole, or waits.
static void writes_up_to_the_atomic_size_stay_whole(void**) {
    constexpr int kWriters = 3;
    constexpr int kMessages = 100;
    const std::size_t bytes = port::pipe_atomic();
    assert_in_range(bytes, 512, 65536);
    Pipe pipe;
    pid_t writers[kWriters];
    for (int index = 0; index < kWriters; ++index) {
        writers[index] = test::start_child([&] {
            static char message[65536];
            memset(message, 'a' + index, bytes);
            for (int count = 0; count < kMessages; ++count) {
                const brood::Result<std::size_t> sent = port::write(pipe.ends[1], message, bytes);
                if (!sent.ok() || *sent != bytes) { return 1; }
            }
            return 0;
        });
    }
    pipe.close_end(1);
    static char message[65536];
    for (int count = 0; count < kWriters * kMessages; ++count) {
        std::size_t have = 0;
        while (have < bytes) {
            const brood::Result<std::size_t> got =
                port::read(pipe.ends[0], message + have, bytes - have);
            assert_true(got.ok() && *got > 0);
            have += *got;
        }
        for (std::size_t at = 1; at < bytes; ++at) { assert_true(message[at] == message[0]); }
    }
    for (const pid_t writer : writers) { assert_int_equal(test::join_child(writer), 0); }
}

// Writes to a broken pipe by both calls. 0 if the host noticed nothing but the error.
static int write_to_broken_pipe() {
    Pipe pipe;
    pipe.close_end(0);
    if (port::write(pipe.ends[1], "x", 1).code() != Errc::broken_pipe) { return 1; }
    if (port::write_now(pipe.ends[1], "x", 1).code() != Errc::broken_pipe) { return 2; }
    if (port::write_record(pipe.ends[1], "x", 1).code() != Errc::broken_pipe) { return 6; }
    return g_handled == 0 ? 0 : 3;
}

static bool broken_pipe_is_pending() {
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

static void a_broken_pipe_raises_no_signal_whatever_the_host_does_with_it(void**) {
    struct Host {
        const char* does;
        void (*handler)(int);
        bool blocks, has_pending, assumes;
    };
    const Host hosts[] = {
        {"nothing", SIG_DFL, false, false, false},
        {"handles it", count_signal, false, false, false},
        {"ignores it", SIG_IGN, false, false, false},
        {"blocks it", SIG_DFL, true, false, false},
        {"has one pending", SIG_DFL, true, true, false},
        {"ignores it, as promised", SIG_IGN, false, false, true},
    };
    for (const Host& host : hosts) {
        const int code = test::run_child([&] {
            signal(SIGPIPE, host.handler);
            port::assume_broken_pipe_ignored(host.assumes);
            sigset_t set, before, after;
            sigemptyset(&set);
            sigaddset(&set, SIGPIPE);
            pthread_sigmask(host.blocks ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
            if (host.has_pending) { raise(SIGPIPE); }
            pthread_sigmask(SIG_BLOCK, nullptr, &before);
            const int result = write_to_broken_pipe();
            if (result != 0) { return result; }
            pthread_sigmask(SIG_BLOCK, nullptr, &after);
            if (sigismember(&before, SIGPIPE) != sigismember(&after, SIGPIPE)) { return 4; }
            return broken_pipe_is_pending() == host.has_pending ? 0 : 5;
        });
        if (code != 0) { fail_msg("a host that %s: %d", host.does, code); }
    }
}

static void a_copy_at_a_chosen_place_survives_exec(void**) {
    Pipe pipe;
    const port::Fd target = 100;
    assert_ok(port::duplicate_to(pipe.ends[0], target));
    assert_int_equal(fcntl(target, F_GETFD) & FD_CLOEXEC, 0);
    assert_int_equal(fcntl(pipe.ends[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_ok(port::duplicate_to(pipe.ends[0], pipe.ends[0]));  // Only clears the flag.
    assert_int_equal(fcntl(pipe.ends[0], F_GETFD) & FD_CLOEXEC, 0);
    port::close(target);
    assert_code(port::duplicate_to(target, 101), Errc::closed);
    assert_code(port::duplicate_to(target, target), Errc::closed);
    port::close(target);  // Closing what is closed, or nothing, is no error for the caller.
    port::close(port::kNoFd);
}

static void input_can_be_made_nothing(void**) {
    test::assert_child_exits(0, [] {
        char byte = 0;
        for (const bool open : {true, false}) {
            if (!open) { close(STDIN_FILENO); }
            const std::size_t before = test::open_descriptors();
            if (!port::null_input().ok() || read(STDIN_FILENO, &byte, 1) != 0) { return 1; }
            if (test::open_descriptors() != before + (open ? 0 : 1)) { return 2; }
            if ((fcntl(STDIN_FILENO, F_GETFD) & FD_CLOEXEC) != 0) { return 3; }
        }
        return 0;
    });
}

static void closing_the_rest_spares_the_listed_and_the_standard_ones(void**) {
    test::assert_child_exits(0, [] {
        Pipe kept;
        Pipe closed;
        const int high = fcntl(0, F_DUPFD, 500);
        const port::Fd keep[] = {kept.ends[1], kept.ends[0]};
        port::close_all_but(keep, 2);
        for (const int fd : {0, 1, 2, kept.ends[0], kept.ends[1]}) {
            if (fcntl(fd, F_GETFD) < 0) { return 1; }
        }
        for (const int fd : {closed.ends[0], closed.ends[1], high}) {
            if (fcntl(fd, F_GETFD) >= 0) { return 2; }
        }
        port::close_all_but(nullptr, 0);
        return test::open_descriptors() == 3 ? 0 : 3;
    });
}

static void polling_finds_what_is_ready_and_nothing_else(void**) {
    Pipe empty;
    Pipe loaded;
    assert_ok(port::write(loaded.ends[1], "x", 1));
    port::PollItem unwanted;
    unwanted.fd = loaded.ends[0];
    port::PollItem items[] = {reading(empty.ends[0]), writing(empty.ends[1]),
                              reading(loaded.ends[0]), reading(port::kNoFd), unwanted};
    assert_int_equal(*port::poll(items, 5, port::kNever), 2);
    assert_false(items[0].ready);
    assert_true(items[1].ready);
    assert_true(items[2].ready);
    assert_false(items[3].ready);  // No descriptor: never ready.
    assert_false(items[4].ready);  // Readable, but nobody asked.
    empty.fill();
    assert_int_equal(*port::poll(items, 2, 0), 1);
    assert_true(items[0].ready);
    assert_false(items[1].ready);
}

static void polling_takes_an_end_and_a_break_for_ready(void**) {
    Pipe ended;
    ended.close_end(1);
    port::PollItem end = reading(ended.ends[0]);
    assert_int_equal(*port::poll(&end, 1, port::kNever), 1);
    assert_true(end.ready);
    Pipe broken;
    broken.fill();
    broken.close_end(0);
    port::PollItem item = writing(broken.ends[1]);
    assert_int_equal(*port::poll(&item, 1, port::kNever), 1);
    assert_true(item.ready);
}

static void polling_a_closed_descriptor_is_an_error(void**) {
    Pipe pipe;
    port::PollItem item = reading(pipe.ends[0]);
    pipe.close_end(0);
    assert_code(port::poll(&item, 1, 0), Errc::closed);
}

static void polling_takes_as_many_items_as_promised_and_no_more(void**) {
    Pipe pipe;
    assert_ok(port::write(pipe.ends[1], "x", 1));
    port::PollItem items[port::kPollMax + 1];
    for (port::PollItem& item : items) { item = reading(pipe.ends[0]); }
    assert_int_equal(*port::poll(items, port::kPollMax, 0), port::kPollMax);
    assert_code(port::poll(items, port::kPollMax + 1, 0), Errc::bad_argument);
    assert_int_equal(*port::poll(nullptr, 0, 0), 0);
}

static void polling_ends_at_its_deadline_signals_or_not(void**) {
    test::assert_child_exits(0, [] {
        catch_signal(SIGUSR1);
        Pipe pipe;
        port::PollItem item = reading(pipe.ends[0]);
        const test::SignalStorm storm(SIGUSR1);
        const std::int64_t deadline = test::in_ms(100) + 300000;  // Not on a millisecond.
        const brood::Result<std::size_t> ready = port::poll(&item, 1, deadline);
        const std::int64_t late = test::now_ns() - deadline;
        if (!ready.ok() || *ready != 0 || item.ready || g_handled == 0) { return 1; }
        return late >= 0 && late < test::kSoonMs * 1000000 ? 0 : 2;
    });
}

// Some ports look at a thousand at a time.
static void closing_the_rest_finds_the_few_among_many_numbers(void**) {
    for (const rlim_t limit : {rlim_t{64}, rlim_t{1027}, rlim_t{1028}, rlim_t{3000}}) {
        test::assert_child_exits(0, [&] {
            const rlimit allowed = {limit, limit};
            if (setrlimit(RLIMIT_NOFILE, &allowed) != 0) { return 1; }
            const int last = static_cast<int>(limit) - 1;
            const int open[] = {3, 4, 62, 1026, 1027, 1028, 2050, 2051, last - 1, last};
            for (const int fd : open) {
                if (fd <= last && dup2(2, fd) != fd) { return 2; }
            }
            const port::Fd keep[] = {last, 4, 1026};
            port::close_all_but(keep, 3);
            for (int fd = 0; fd <= last; ++fd) {
                const bool stays = fd < 3 || fd == 4 || fd == 1026 || fd == last;
                const bool is_open = fcntl(fd, F_GETFD) >= 0;
                if (is_open != stays) { return 3; }
            }
            return 0;
        });
    }
}

// ---- Hosts without standard streams ------------------------------------------------------------

#define IN_CHILD(condition)                                                \
    do {                                                                   \
        if (!(condition)) {                                                \
            dprintf(g_log, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            _exit(99);                                                     \
        }                                                                  \
    } while (0)
static int g_log = 2;

template <class F>
static void without_streams(F body) {
    for (unsigned closed = 0; closed < 8; ++closed) {
        test::assert_child_exits(0, [&] {
            g_log = fcntl(2, F_DUPFD_CLOEXEC, 10);
            for (int fd = 0; fd < 3; ++fd) {
                if ((closed & 1u << fd) != 0) { close(fd); }
            }
            body();
            for (int fd = 0; fd < 3; ++fd) {
                const unsigned is_closed = fcntl(fd, F_GETFD) < 0 ? 1 : 0;
                IN_CHILD(is_closed == (closed >> fd & 1));
            }
            return 0;
        });
    }
}

static bool is_out_of_the_way(port::Fd fd) {
    return fd > 2 && fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

static void no_descriptor_takes_the_place_of_a_closed_standard_stream(void**) {
    static const char* const name = "/brood-port-pipes-test";
    without_streams([] {
        port::Fd ends[2];
        IN_CHILD(port::pipe(ends).ok());
        IN_CHILD(is_out_of_the_way(ends[0]) && is_out_of_the_way(ends[1]));
        IN_CHILD(port::write(ends[1], "x", 1).ok());
        char byte = 0;
        IN_CHILD(port::read(ends[0], &byte, 1).value_or(0) == 1 && byte == 'x');
        const brood::Result<port::Fd> watch = port::watch_process(port::process_id());
        IN_CHILD(watch.ok() ? is_out_of_the_way(*watch) : watch.code() == Errc::unsupported);
        const brood::Result<port::Fd> made = port::create_object(name, 0600);
        const brood::Result<port::Fd> opened = port::open_object(name, true);
        IN_CHILD(port::remove_object(name).ok());
        IN_CHILD(made.ok() && is_out_of_the_way(*made));
        IN_CHILD(opened.ok() && is_out_of_the_way(*opened));
    });
}

// To close any descriptor of an object gives its lock up, so none may be moved after it was made.
static void opening_an_object_without_standard_streams_keeps_its_lock(void**) {
    static const char* const name = "/brood-port-pipes-test";
    without_streams([] {
        const brood::Result<port::Fd> made = port::create_object(name, 0600);
        IN_CHILD(made.ok() && port::lock_object(*made).value_or(false));
        const brood::Result<port::Fd> again = port::open_object(name, true);
        IN_CHILD(again.ok());
        const pid_t other = fork();
        if (other == 0) { _exit(port::lock_object(*made).value_or(true) ? 1 : 0); }
        int status = 0;
        IN_CHILD(port::remove_object(name).ok());
        IN_CHILD(waitpid(other, &status, 0) == other && status == 0);
    });
}

static void without_a_descriptor_to_move_to_there_is_no_pipe_and_nothing_is_left(void**) {
    test::assert_child_exits(0, [] {
        g_log = -1;
        for (int fd = 0; fd < 3; ++fd) { close(fd); }
        for (rlim_t limit = 2; limit <= 4; ++limit) {
            const rlimit few = {limit, 1024};
            if (setrlimit(RLIMIT_NOFILE, &few) != 0) { return 1; }
            port::Fd ends[2];
            if (port::pipe(ends).code() != Errc::too_many_files) { return 2; }
            for (int fd = 0; fd < 8; ++fd) {
                if (fcntl(fd, F_GETFD) >= 0) { return 3; }
            }
        }
        return 0;
    });
}

int main() {
    print_message("port: %s\n", port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_carries_bytes_and_ends_with_its_writer),
        cmocka_unit_test(an_exhausted_process_gets_no_pipe_and_loses_nothing),
        cmocka_unit_test(reading_and_writing_now_never_block),
        cmocka_unit_test(reading_waits_for_data_over_signals),
        cmocka_unit_test(writing_waits_for_room_over_signals),
        cmocka_unit_test(a_record_is_read_whole_or_named_as_what_it_is),
        cmocka_unit_test(writes_up_to_the_atomic_size_stay_whole),
        cmocka_unit_test(a_broken_pipe_raises_no_signal_whatever_the_host_does_with_it),
        cmocka_unit_test(a_copy_at_a_chosen_place_survives_exec),
        cmocka_unit_test(input_can_be_made_nothing),
        cmocka_unit_test(closing_the_rest_spares_the_listed_and_the_standard_ones),
        cmocka_unit_test(closing_the_rest_finds_the_few_among_many_numbers),
        cmocka_unit_test(no_descriptor_takes_the_place_of_a_closed_standard_stream),
        cmocka_unit_test(opening_an_object_without_standard_streams_keeps_its_lock),
        cmocka_unit_test(without_a_descriptor_to_move_to_there_is_no_pipe_and_nothing_is_left),
        cmocka_unit_test(polling_finds_what_is_ready_and_nothing_else),
        cmocka_unit_test(polling_takes_an_end_and_a_break_for_ready),
        cmocka_unit_test(polling_a_closed_descriptor_is_an_error),
        cmocka_unit_test(polling_takes_as_many_items_as_promised_and_no_more),
        cmocka_unit_test(polling_ends_at_its_deadline_signals_or_not),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
