// Goal: the port's message queues and named semaphores keep their entries' contracts, and none of
// their waits follows the wall clock (promise 27).
// Method: the entries themselves; the libc's calls that take a moment of the wall clock are
//         replaced by ones that note what they are given, as setting the clock would set
//         everybody's.
#include "shared_support.hpp"

#include <dlfcn.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/syscall.h>

#include <port/port.hpp>

using namespace shared_test;
namespace port = brood::port;
using brood::Errc;
using brood::Limit;
using brood::Result;
using test::assert_code;
using test::assert_ok;

namespace {

// A moment of the wall clock, given to a call, that was still to come: the wait would follow it.
bool g_followed_wall_clock = false;
bool g_may_slice = false;  // Waits without a deadline may be cut by any clock.

void note_wall_clock(const timespec* when) {
    if (when == nullptr || g_may_slice) { return; }
    if (when->tv_sec > 0) { g_followed_wall_clock = true; }
}

template <class F>
F libcs_own(F, const char* name) {
    return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int mq_timedsend(mqd_t queue, const char* text, size_t bytes, unsigned priority,
                 const timespec* when) {
    note_wall_clock(when);
    return libcs_own(&mq_timedsend, "mq_timedsend")(queue, text, bytes, priority, when);
}

ssize_t mq_timedreceive(mqd_t queue, char* text, size_t bytes, unsigned* priority,
                        const timespec* when) {
    note_wall_clock(when);
    return libcs_own(&mq_timedreceive, "mq_timedreceive")(queue, text, bytes, priority, when);
}

int sem_timedwait(sem_t* semaphore, const timespec* when) {
    note_wall_clock(when);
    return libcs_own(&sem_timedwait, "sem_timedwait")(semaphore, when);
}

}  // extern "C"

namespace {

port::Mq make(std::size_t depth, std::size_t bytes) {
    return port::mq_create_nameless(depth, bytes).expect("making a queue");
}

// Calls that take long enough for several rests of each kind.
template <class F>
void assert_keeps_its_own_time(F call) {
    g_followed_wall_clock = false;
    const int64_t start = test::now_ns();
    assert_code(call(start + 600000000), Errc::timed_out);
    const int64_t took_ms = (test::now_ns() - start) / 1000000;
    assert_true(took_ms >= 600 && took_ms < 600 + test::kPatienceMs);
    assert_false(g_followed_wall_clock);
}

void a_wait_for_a_message_or_for_room_does_not_follow_the_wall_clock(void**) {
    const port::Mq queue = make(1, 4);
    std::uint32_t priority = 0;
    char text[4];
    assert_keeps_its_own_time(
        [&](int64_t deadline) { return port::mq_receive(queue, text, 4, priority, deadline); });
    assert_ok(port::mq_send(queue, "abcd", 4, 0, 0));
    assert_keeps_its_own_time(
        [&](int64_t deadline) { return port::mq_send(queue, "abcd", 4, 0, deadline); });
    port::mq_close(queue);
}

void a_wait_for_a_semaphore_does_not_follow_the_wall_clock(void**) {
    const Name name("clock");
    const port::Semaphore semaphore = port::sem_create(name, 0600, 0).expect("semaphore");
    assert_ok(port::sem_unlink(name));
    assert_keeps_its_own_time(
        [&](int64_t deadline) { return port::sem_wait(semaphore, deadline); });
    port::sem_close(semaphore);
}

// The note is taken at all.
void the_replaced_calls_are_those_that_are_called(void**) {
    const timespec later = {1, 0};
    const port::Mq queue = make(1, 4);
    char text[4];
    g_followed_wall_clock = false;
    assert_int_equal(mq_timedreceive(static_cast<mqd_t>(queue), text, 4, nullptr, &later), -1);
    assert_true(g_followed_wall_clock);
    g_followed_wall_clock = false;
    sem_t semaphore;
    assert_int_equal(sem_init(&semaphore, 0, 0), 0);
    assert_int_equal(sem_timedwait(&semaphore, &later), -1);
    assert_true(g_followed_wall_clock);
    port::mq_close(queue);
}

void a_queue_without_a_name_carries_messages_of_its_size(void**) {
    const port::Mq queue = make(2, 8);
    const Result<port::MqState> made = port::mq_state(queue);
    assert_ok(made);
    assert_int_equal(made->depth, 2);
    assert_int_equal(made->message_bytes, 8);
    assert_int_equal(made->count, 0);
    assert_ok(port::mq_send(queue, "12345678", 8, 3, port::kNever));
    assert_ok(port::mq_send(queue, "123", 3, 2, 0));
    assert_int_equal(port::mq_state(queue)->count, 2);
    assert_code(port::mq_send(queue, "x", 1, 0, 0), Errc::timed_out);
    assert_code(port::mq_send(queue, "123456789", 9, 0, 0), Errc::type_mismatch);
    char text[8];
    std::uint32_t priority = 0;
    assert_code(port::mq_receive(queue, text, 7, priority, 0), Errc::type_mismatch);
    assert_int_equal(port::mq_state(queue)->count, 2);  // Nothing was taken.
    assert_ok(port::mq_receive(queue, text, 8, priority, port::kNever));
    assert_memory_equal(text, "12345678", 8);
    assert_int_equal(priority, 3);
    assert_code(port::mq_receive(queue, text, 8, priority, 0), Errc::bad_frame);
    assert_code(port::mq_receive(queue, text, 8, priority, 0), Errc::timed_out);
    port::mq_close(queue);
    assert_code(port::mq_send(queue, "x", 1, 0, 0), Errc::closed);
    assert_code(port::mq_state(queue), Errc::closed);
}

void queues_are_told_apart_and_polled_where_the_system_can(void**) {
    const Name name("identity");
    const port::Mq queue = port::mq_create(name, 0600, 1, 1).expect("queue");
    const port::Mq again = port::mq_open(name).expect("again");
    const port::Mq other = make(1, 1);
    const Result<port::ObjectIdentity> identity = port::mq_identity(queue);
    if (!test::is_unsupported(identity.status(), "whose name it is")) {
        assert_ok(identity);
        assert_true(*identity == *port::mq_identity(again));
        assert_false(*identity == *port::mq_identity(other));
    }
    port::PollItem item;
    item.fd = port::mq_fd(queue);
    item.want_read = true;
    if (item.fd != port::kNoFd) {
        assert_int_equal(*port::poll(&item, 1, 0), 0);
        assert_ok(port::mq_send(again, "", 0, 0, 0));
        assert_int_equal(*port::poll(&item, 1, 0), 1);
        item.want_read = false;
        item.want_write = true;
        assert_int_equal(*port::poll(&item, 1, 0), 0);
    }
    assert_ok(port::mq_unlink(name));
    assert_code(port::mq_unlink(name), Errc::not_found);
    for (const port::Mq open : {queue, again, other}) { port::mq_close(open); }
}

void a_semaphore_has_one_address_for_each_object(void**) {
    const Name name("address");
    const port::Semaphore first = port::sem_create(name, 0600, 3).expect("semaphore");
    assert_code(port::sem_create(name, 0600, 3), Errc::already_exists);
    const port::Semaphore again = port::sem_open(name).expect("again");
    assert_ptr_equal(first, again);
    port::sem_close(again);
    assert_ok(port::sem_unlink(name));
    const port::Semaphore heir = port::sem_create(name, 0600, 5).expect("heir");
    assert_ptr_not_equal(first, heir);
    assert_int_equal(port::sem_value(first), 3);
    assert_int_equal(port::sem_value(heir), 5);
    assert_ok(port::sem_wait(first, 0));
    assert_ok(port::sem_post(heir));
    assert_int_equal(port::sem_value(first), 2);
    assert_int_equal(port::sem_value(heir), 6);
    assert_ok(port::sem_unlink(name));
    port::sem_close(first);
    port::sem_close(heir);
}

void a_name_or_a_value_beyond_the_libcs_is_an_error_that_says_so(void**) {
    char long_name[400] = "/";
    memset(long_name + 1, 'x', 300);
    for (const unsigned bytes : {300u, 257u, 256u}) {
        long_name[bytes] = '\0';
        assert_code(port::sem_create(long_name, 0600, 1), Errc::name_too_long);
        assert_code(port::sem_open(long_name), Errc::name_too_long);
    }
    const Name name("highest");
    const std::uint32_t most = port::sem_value_max();
    const port::Semaphore semaphore = port::sem_create(name, 0600, most).expect("semaphore");
    assert_ok(port::sem_unlink(name));
    const brood::Status given = port::sem_post(semaphore);
    assert_code(given, Errc::over_system_limit);
    assert_true(given.error().limit() == Limit::sem_value_max);
    assert_int_equal(given.error().detail(), most);
    port::sem_close(semaphore);
}

// Where a wait without a deadline must look again, it does so by slices (port::kSliceNs).
void a_wait_without_a_deadline_outlasts_its_slices(void**) {
    const Name name("slices");
    const port::Semaphore semaphore = port::sem_create(name, 0600, 0).expect("semaphore");
    assert_ok(port::sem_unlink(name));
    const pid_t giver = start_child([&] {
        sleep_us(700000);
        CHECK_IN_CHILD(port::sem_post(semaphore).ok());
    });
    g_may_slice = true;
    assert_ok(port::sem_wait(semaphore, port::kNever));
    g_may_slice = false;
    assert_int_equal(end_of(giver), 0);
    port::sem_close(semaphore);
}

}  // namespace

int main() {
    print_message("port: %s\n", port::kName);
    const CMUnitTest tests[] = {
        TIDY(a_wait_for_a_message_or_for_room_does_not_follow_the_wall_clock),
        TIDY(a_wait_for_a_semaphore_does_not_follow_the_wall_clock),
        TIDY(the_replaced_calls_are_those_that_are_called),
        TIDY(a_queue_without_a_name_carries_messages_of_its_size),
        TIDY(queues_are_told_apart_and_polled_where_the_system_can),
        TIDY(a_semaphore_has_one_address_for_each_object),
        TIDY(a_name_or_a_value_beyond_the_libcs_is_an_error_that_says_so),
        TIDY(a_wait_without_a_deadline_outlasts_its_slices),
    };
    return cmocka_run_group_tests_name("port_queues", tests, nullptr, nullptr);
}
