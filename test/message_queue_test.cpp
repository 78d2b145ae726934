// Goal: MessageQueue<T> does what its header says: priorities, waiting, notification, and what
// strangers and other processes do to it.
// Method: real processes, handshakes and deadlines; bare mq_* calls on the other side.
#include "shared_support.hpp"

#include <mqueue.h>
#include <sys/wait.h>

#include <optional>

#include <brood/message_queue.hpp>
#include <brood/process.hpp>
#include <brood/text.hpp>
#include <brood/wait.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Errc;
using brood::MessageQueue;
using brood::milliseconds;
using brood::Process;
using brood::seconds;
using brood::Text;
using brood::Timeout;
using test::assert_code;
using test::assert_ok;

namespace {

using IntQueue = MessageQueue<int>;

IntQueue make(std::size_t depth = IntQueue::kDepth) {
    return IntQueue::create(depth).expect("making a queue");
}

bool can_poll() {
    return strcmp(brood::port::kName, "posix") != 0;
}

// A name that is removed whatever happens.
struct QueueName : Name {
    using Name::Name;
    ~QueueName() { (void)mq_unlink(text); }
};

// ---- put and get -------------------------------------------------------------------------------

void the_highest_priority_comes_first_and_of_equals_the_oldest(void**) {
    auto queue = MessageQueue<Text<16>>::create().expect("queue");
    assert_ok(queue.put("late", 1));
    assert_ok(queue.put("plain"));
    assert_ok(queue.put("first", 7, seconds(1)));
    assert_ok(queue.put("later", 1));
    assert_ok(queue.put_nowait("plainer", 0));
    assert_ok(queue.put("highest", 32767));
    const struct {
        const char* text;
        std::uint32_t priority;
    } wanted[] = {{"highest", 32767}, {"first", 7}, {"late", 1},
                  {"later", 1},       {"plain", 0}, {"plainer", 0}};
    for (const auto& row : wanted) {
        const auto got = queue.get(seconds(1));
        assert_ok(got);
        assert_string_equal(got->message.c_str(), row.text);
        assert_int_equal(got->priority, row.priority);
    }
    assert_code(queue.get_nowait(), Errc::empty);
}

// Promise 31, too: what was put is there.
void nowait_says_full_and_empty_and_never_waits(void**) {
    IntQueue queue = make(3);
    assert_code(queue.get_nowait(), Errc::empty);
    assert_code(queue.get(Timeout::no_wait()), Errc::empty);
    for (int n = 1; n <= 3; ++n) { assert_ok(queue.put_nowait(n)); }
    assert_code(queue.put_nowait(4), Errc::full);
    assert_code(queue.put(4, 9, Timeout::no_wait()), Errc::full);
    for (int n = 1; n <= 3; ++n) { assert_int_equal(queue.get_nowait()->message, n); }
    assert_code(queue.get_nowait(), Errc::empty);
}

void qsize_full_and_empty_follow_every_message(void**) {
    IntQueue queue = make(2);
    assert_int_equal(queue.depth(), 2);
    for (std::size_t count = 0; count <= 2; ++count) {
        assert_int_equal(*queue.qsize(), count);
        assert_true(*queue.empty() == (count == 0));
        assert_true(*queue.full() == (count == 2));
        assert_code(queue.put_nowait(1), count < 2 ? Errc::ok : Errc::full);
    }
    assert_ok(queue.get());
    assert_false(*queue.full());
}

void none_as_a_message_ends_a_consumer(void**) {
    auto queue = MessageQueue<std::optional<int>>::create().expect("queue");
    const pid_t consumer = start_child([&] {
        int sum = 0;
        for (;;) {
            const auto got = queue.get(seconds(20));
            CHECK_IN_CHILD(got.ok());
            if (!got->message) { break; }
            sum += *got->message;
        }
        CHECK_IN_CHILD(sum == 5050);
    });
    for (int n = 1; n <= 100; ++n) { assert_ok(queue.put(n, seconds(20))); }
    assert_ok(queue.put(std::nullopt, seconds(20)));
    assert_int_equal(end_of(consumer), 0);
}

// ---- Waiting -----------------------------------------------------------------------------------

void a_blocked_getter_gets_what_is_put_later(void**) {
    for (const Timeout timeout : {Timeout::forever(), seconds(20)}) {
        IntQueue queue = make();
        test::Handshake ready;
        const pid_t getter = start_child([&] {
            ready.tell();
            CHECK_IN_CHILD(queue.get(timeout)->message == 5);
        });
        assert_true(ready.await());
        sleep_us(20000);  // So that it mostly sleeps by now; either way it gets the message.
        assert_ok(queue.put(5));
        assert_int_equal(end_of(getter), 0);
    }
}

void a_blocked_putter_puts_when_there_is_room(void**) {
    for (const Timeout timeout : {Timeout::forever(), seconds(20)}) {
        IntQueue queue = make(1);
        assert_ok(queue.put(1));
        test::Handshake ready;
        const pid_t putter = start_child([&] {
            ready.tell();
            CHECK_IN_CHILD(queue.put(2, timeout).ok());
        });
        assert_true(ready.await());
        sleep_us(20000);
        assert_int_equal(queue.get()->message, 1);
        assert_int_equal(queue.get(seconds(20))->message, 2);
        assert_int_equal(end_of(putter), 0);
    }
}

template <class F>
void assert_times_out_after(int64_t ms, F call) {
    const int64_t start = test::now_ns();
    assert_code(call(), Errc::timed_out);
    const int64_t took_ms = (test::now_ns() - start) / 1000000;
    assert_true(took_ms >= ms && took_ms < ms + test::kPatienceMs);
}

void a_wait_ends_at_its_deadline_and_not_before(void**) {
    IntQueue queue = make(1);
    assert_times_out_after(60, [&] { return queue.get(milliseconds(60)).status(); });
    assert_ok(queue.put(1));
    assert_times_out_after(60, [&] { return queue.put(2, milliseconds(60)); });
    assert_int_equal(*queue.qsize(), 1);
}

// Promise 26: SA_RESTART is not set.
void a_storm_of_signals_neither_ends_nor_lengthens_a_wait(void**) {
    IntQueue queue = make(1);
    const test::AlarmStorm storm;
    assert_times_out_after(300, [&] { return queue.get(milliseconds(300)).status(); });
    assert_ok(queue.put(1));
    assert_times_out_after(300, [&] { return queue.put(2, milliseconds(300)); });
}

void a_storm_of_signals_does_not_end_a_wait_without_limit(void**) {
    IntQueue queue = make(1);
    const pid_t child = start_child([&] {
        sleep_us(200000);
        CHECK_IN_CHILD(queue.put(7).ok());
        sleep_us(200000);
        CHECK_IN_CHILD(queue.get()->message == 8);
    });
    {
        const test::AlarmStorm storm;
        assert_int_equal(queue.get()->message, 7);
        assert_ok(queue.put(8));
        assert_ok(queue.put(9));  // Blocks until the child has taken the 8.
    }
    assert_int_equal(end_of(child), 0);
    assert_int_equal(queue.get()->message, 9);
}

void bad_timeouts_are_errors_and_do_nothing(void**) {
    IntQueue queue = make();
    assert_code(queue.put(1, milliseconds(-1)), Errc::timeout_negative);
    assert_code(queue.put(1, seconds(INT64_MAX)), Errc::timeout_overflow);
    assert_code(queue.get(milliseconds(-1)), Errc::timeout_negative);
    assert_code(queue.get(seconds(INT64_MAX)), Errc::timeout_overflow);
    assert_true(*queue.empty());
}

void wait_tells_of_a_message_among_other_things(void**) {
    IntQueue quiet = make();
    IntQueue queue = make();
    if (!can_poll()) {
        assert_code(brood::wait({quiet, queue}, milliseconds(10)), Errc::unsupported);
        assert_int_equal(queue.fileno(), -1);
        return test::not_run("wait() for a message queue", "posix cannot poll one");
    }
    assert_code(brood::wait({quiet, queue}, milliseconds(20)), Errc::timed_out);
    Process child([&] { queue.put(3).expect("put"); });
    assert_ok(child.start());
    const auto ready = brood::wait({quiet, queue}, seconds(20));
    assert_ok(ready);
    assert_int_equal(*ready, 1);
    assert_int_equal(queue.get_nowait()->message, 3);
    assert_ok(child.join());
    queue.close();
    assert_code(brood::wait({quiet, queue}, milliseconds(20)), Errc::closed);
}

// ---- Several processes -------------------------------------------------------------------------

void each_message_goes_to_exactly_one_of_several_preforked_getters(void**) {
    constexpr int kGetters = 4, kMessages = 4000;
    IntQueue queue = make();
    Board<std::atomic<int>> sum, count;
    Process getters[kGetters];
    for (Process& getter : getters) {
        getter = Process([&] {
            for (;;) {
                const int number = queue.get().expect("get").message;
                if (number == 0) { return; }
                sum->fetch_add(number);
                count->fetch_add(1);
            }
        });
        assert_ok(getter.start());
    }
    for (int n = 1; n <= kMessages; ++n) { assert_ok(queue.put(n, seconds(20))); }
    for (int n = 0; n < kGetters; ++n) { assert_ok(queue.put(0, seconds(20))); }
    for (Process& getter : getters) { assert_ok(getter.join(seconds(20))); }
    assert_int_equal(count->load(), kMessages);
    assert_int_equal(sum->load(), kMessages * (kMessages + 1) / 2);
}

void children_inherit_it_and_close_it_for_themselves(void**) {
    const QueueName name("inherited");
    IntQueue queue = IntQueue::create_named(name).expect("queue");
    assert_child_exits(0, [&] {
        CHECK_IN_CHILD(queue.put(1).ok());
        queue.close();
        CHECK_IN_CHILD(queue.put(2).code() == Errc::closed);
    });
    Process child([&] {
        queue.put(2).expect("put");
        queue.close();
    });
    assert_ok(child.start());
    assert_ok(child.join());
    assert_ok(IntQueue::open(name));  // No child has removed the name.
    assert_int_equal(queue.get()->message, 1);
    assert_int_equal(queue.get()->message, 2);
}

void no_other_program_inherits_it(void**) {
    if (!can_poll()) {
        return test::not_run("close-on-exec", "on posix a queue has no descriptor");
    }
    IntQueue queue = make();
    assert_int_equal(fcntl(queue.fileno(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    const QueueName name("cloexec");
    const IntQueue named = IntQueue::create_named(name).expect("queue");
    assert_int_equal(fcntl(named.fileno(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    const IntQueue opened = IntQueue::open(named.name()).expect("queue");
    assert_int_equal(fcntl(opened.fileno(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

// Messages are numbered by their putter. A killed one may have put its last or not; a killed getter
// may have taken one more than it counted. Nothing else may be missing, and nothing come twice.
struct Tally {
    std::atomic<int> put{0}, got{0};
    std::atomic<bool> twice{false};
    std::atomic<bool> seen[200000] = {};
};

void get_and_count(IntQueue& queue, Tally& tally, Timeout timeout) {
    for (;;) {
        const auto got = queue.get(timeout);
        if (!got.ok()) { return; }
        if (tally.seen[got->message].exchange(true)) { tally.twice.store(true); }
        tally.got.fetch_add(1);
    }
}

void putters_and_getters_killed_at_random_hold_up_nobody(void**) {
    constexpr int kKills = 60;
    IntQueue queue = make(3);
    Board<Tally> tally;
    Chance chance(7);
    const Timeout forms[] = {Timeout::forever(), seconds(60)};
    for (int kill = 0; kill < kKills; ++kill) {
        const Timeout timeout = forms[kill % 2];
        const int first = kill * 3000;
        const pid_t putter = start_child([&] {
            for (int n = 0; n < 3000; ++n) {
                CHECK_IN_CHILD(queue.put(first + n, timeout).ok());
                tally->put.fetch_add(1);
            }
            pause();
        });
        const pid_t getter = start_child([&] { get_and_count(queue, *tally, timeout); });
        sleep_us(chance.below(4000));
        const bool putter_first = chance.below(2) != 0;
        kill_and_reap(putter_first ? putter : getter);
        sleep_us(chance.below(1000));
        kill_and_reap(putter_first ? getter : putter);
    }
    // The survivors do real work.
    get_and_count(queue, *tally, Timeout::no_wait());
    assert_true(*queue.empty());
    for (int n = 0; n < 3; ++n) { assert_ok(queue.put_nowait(199990 + n)); }
    assert_code(queue.put_nowait(0), Errc::full);
    for (int n = 0; n < 3; ++n) { assert_int_equal(queue.get_nowait()->message, 199990 + n); }
    assert_false(tally->twice.load());
    assert_in_range(tally->got.load(), tally->put.load() - kKills, tally->put.load() + kKills);
    assert_true(tally->put.load() > kKills);
}

// ---- Notification ------------------------------------------------------------------------------

volatile sig_atomic_t g_notified = 0;

struct CountUsr1 {
    struct sigaction before = {};
    CountUsr1() {
        g_notified = 0;
        struct sigaction action = {};
        action.sa_handler = [](int) { g_notified = g_notified + 1; };
        assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    }
    ~CountUsr1() { (void)sigaction(SIGUSR1, &before, nullptr); }
};

void a_message_to_an_empty_queue_sends_the_signal_once(void**) {
    const CountUsr1 counter;
    IntQueue queue = make();
    assert_ok(queue.notify(SIGUSR1));
    assert_int_equal(g_notified, 0);
    assert_ok(queue.put(1));
    assert_true(test::eventually([] { return g_notified == 1; }));
    assert_ok(queue.get());
    assert_ok(queue.put(2));  // Not asked for again.
    assert_ok(queue.get());
    assert_ok(queue.notify(SIGUSR1));
    assert_child_exits(0, [&] { CHECK_IN_CHILD(queue.put(3).ok()); });
    assert_true(test::eventually([] { return g_notified == 2; }));
    assert_ok(queue.notify(SIGUSR1));
    assert_ok(queue.put(4));  // It was not empty.
    assert_int_equal(g_notified, 2);
}

void only_one_can_be_notified_until_it_cancels_or_dies(void**) {
    const CountUsr1 counter;
    IntQueue queue = make();
    test::Handshake ready;
    const pid_t other = start_child([&] {
        CHECK_IN_CHILD(queue.notify(SIGUSR1).ok());
        ready.tell();
        pause();
    });
    assert_true(ready.await());
    assert_code(queue.notify(SIGUSR1), Errc::notify_taken);
    assert_ok(queue.cancel_notify());  // Not ours: it stays.
    assert_code(queue.notify(SIGUSR1), Errc::notify_taken);
    kill_and_reap(other);
    assert_ok(queue.notify(SIGUSR1));
    assert_code(queue.notify(SIGUSR1), Errc::notify_taken);
    assert_ok(queue.cancel_notify());
    assert_ok(queue.cancel_notify());
    assert_ok(queue.put(1));
    assert_int_equal(g_notified, 0);
    for (const int bad : {0, -1, 1000}) { assert_code(queue.notify(bad), Errc::bad_signal); }
}

// ---- Strangers ---------------------------------------------------------------------------------

void a_strangers_message_of_another_size_is_bad_frame_and_gone(void**) {
    const QueueName name("stranger");
    IntQueue queue = IntQueue::create_named(name).expect("queue");
    const mqd_t stranger = mq_open(name, O_RDWR);
    assert_int_equal(mq_send(stranger, "abc", 3, 2), 0);
    assert_int_equal(mq_send(stranger, "", 0, 1), 0);
    const int number = 42;
    assert_int_equal(mq_send(stranger, reinterpret_cast<const char*>(&number), sizeof number, 0),
                     0);
    assert_code(queue.get(), Errc::bad_frame);
    assert_code(queue.get_nowait(), Errc::bad_frame);
    assert_int_equal(queue.get(seconds(1))->message, 42);
    assert_true(*queue.empty());
    assert_int_equal(mq_close(stranger), 0);
}

void a_queue_of_another_message_size_is_not_opened(void**) {
    const QueueName name("other-size");
    const IntQueue queue = IntQueue::create_named(name).expect("queue");
    assert_code(MessageQueue<short>::open(name), Errc::type_mismatch);
    const auto longer = MessageQueue<Text<40>>::open(name);
    assert_code(longer, Errc::type_mismatch);
    assert_int_equal(longer.error().detail(), sizeof(int));
    assert_ok(IntQueue::open(name));
}

// Python's own multiprocessing has no message queues; ctypes reaches those of the system.
const char kPython[] = R"(
import ctypes, ctypes.util, struct, sys
rt = ctypes.CDLL(ctypes.util.find_library('rt') or None, use_errno=True)
queue = rt.mq_open(sys.argv[1].encode(), 2)  # O_RDWR
assert queue >= 0, ctypes.get_errno()
text = ctypes.create_string_buffer(4)
priority = ctypes.c_uint()
assert rt.mq_receive(queue, text, ctypes.c_size_t(4), ctypes.byref(priority)) == 4
number, = struct.unpack('=i', text.raw)
assert (number, priority.value) == (20, 6), (number, priority.value)
assert rt.mq_send(queue, struct.pack('=i', number + 1), ctypes.c_size_t(4), 3) == 0
)";

void python_is_at_the_other_end(void**) {
    const QueueName name("python");
    IntQueue queue = IntQueue::create_named(name).expect("queue");
    assert_ok(queue.put(10, 5));
    assert_ok(queue.put(20, 6));
    const int end = end_of(start_child([&] {
        (void)execlp("python3", "python3", "-c", kPython, name.text, static_cast<char*>(nullptr));
        _exit(127);
    }));
    if (end == 127) { return test::not_run("Python", "no python3"); }
    assert_int_equal(end, 0);
    assert_int_equal(queue.get_nowait()->message, 10);
    const auto answer = queue.get_nowait();
    assert_int_equal(answer->message, 21);
    assert_int_equal(answer->priority, 3);
}

}  // namespace

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        TIDY(the_highest_priority_comes_first_and_of_equals_the_oldest),
        TIDY(nowait_says_full_and_empty_and_never_waits),
        TIDY(qsize_full_and_empty_follow_every_message),
        TIDY(none_as_a_message_ends_a_consumer),
        TIDY(a_blocked_getter_gets_what_is_put_later),
        TIDY(a_blocked_putter_puts_when_there_is_room),
        TIDY(a_wait_ends_at_its_deadline_and_not_before),
        TIDY(a_storm_of_signals_neither_ends_nor_lengthens_a_wait),
        TIDY(a_storm_of_signals_does_not_end_a_wait_without_limit),
        TIDY(bad_timeouts_are_errors_and_do_nothing),
        TIDY(wait_tells_of_a_message_among_other_things),
        TIDY(each_message_goes_to_exactly_one_of_several_preforked_getters),
        TIDY(children_inherit_it_and_close_it_for_themselves),
        TIDY(no_other_program_inherits_it),
        TIDY(putters_and_getters_killed_at_random_hold_up_nobody),
        TIDY(a_message_to_an_empty_queue_sends_the_signal_once),
        TIDY(only_one_can_be_notified_until_it_cancels_or_dies),
        TIDY(a_strangers_message_of_another_size_is_bad_frame_and_gone),
        TIDY(a_queue_of_another_message_size_is_not_opened),
        TIDY(python_is_at_the_other_end),
    };
    return cmocka_run_group_tests_name("message_queue", tests, nullptr, nullptr);
}
