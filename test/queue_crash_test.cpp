// Goal: no kill wedges or corrupts a queue, none loses a message that was put, none doubles one.
// Method: users of a small queue are killed, stopped and continued at random moments while they
//       work, and replaced; each message is numbered and counted. (`make crash` does it at every
//       instruction.) Then the survivors must do real work against a deadline.
#include "sleeper_support.hpp"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <brood/queue.hpp>
#include <port/port.hpp>

using brood::Errc;
using brood::milliseconds;
using brood::Queue;
using brood::Result;
using test::assert_code;
using test::assert_ok;
using test::Board;
using test::start_sleeping;

static const brood::Timeout kLong = milliseconds(test::kPatienceMs);

struct alignas(64) Message {
    std::uint32_t producer, number, copy_of_number[14];

    static Message make(std::uint32_t producer, std::uint32_t number) {
        Message message = {producer, number, {}};
        for (std::uint32_t& copy : message.copy_of_number) { copy = number; }
        return message;
    }
    bool is_whole() const {
        for (const std::uint32_t copy : copy_of_number) {
            if (copy != number) { return false; }
        }
        return true;
    }
};

constexpr std::uint32_t kProducers = 3, kConsumers = 3;
constexpr std::uint32_t kNumbersMax = 1u << 20;

// What the users of the queue write down outside of it, where a kill leaves it.
struct Book {
    // Of each producer: how many puts have begun, and how many have returned.
    std::atomic<std::uint32_t> begun[kProducers], done[kProducers];
    std::atomic<std::uint8_t> got[kProducers][kNumbersMax];  // how often a message was got
    std::atomic<std::uint32_t> torn, failed;
    std::atomic<bool> stop;
};

static int produce(Queue<Message>& queue, Book& book, std::uint32_t producer) {
    // One who was killed may have put his last message or not: it is not put again.
    std::uint32_t number = book.begun[producer].load();
    while (!book.stop.load() && number < kNumbersMax - 1) {
        // Without a bound: bursts, so that it grows and shrinks all the time.
        while (queue.maxsize() == 0 && number % 2000 == 0 && queue.qsize() > 100) { usleep(100); }
        book.begun[producer].store(number + 1);
        const brood::Status put = queue.put(Message::make(producer, number), kLong);
        if (!put.ok()) {
            book.failed.fetch_add(1);
            return 1;
        }
        book.done[producer].fetch_add(1);
        ++number;
    }
    while (!book.stop.load()) { usleep(1000); }  // The book is full.
    return 0;
}

static int consume(Queue<Message>& queue, Book& book) {
    for (;;) {
        const Result<Message> got = queue.get(kLong);
        if (!got.ok()) {
            book.failed.fetch_add(1);
            return 1;
        }
        if (got->producer == kProducers) { return 0; }
        if (!got->is_whole() || got->producer > kProducers) {
            book.torn.fetch_add(1);
        } else {
            book.got[got->producer][got->number].fetch_add(1);
        }
    }
}

static pid_t start_user(Queue<Message>& queue, Book& book, std::uint32_t user) {
    return test::start_child([&, user] {
        return user < kProducers ? produce(queue, book, user) : consume(queue, book);
    });
}

// Kills, or stops and continues, a user at random `rounds` times. Returns how many consumers and
// producers were killed.
static void storm(Queue<Message>& queue, Book& book, pid_t (&users)[kProducers + kConsumers],
                  int rounds, bool kills, std::uint32_t& killed_consumers) {
    for (int round = 0; round < rounds; ++round) {
        usleep(static_cast<useconds_t>(random() % 2000));
        const auto user = static_cast<std::uint32_t>(random()) % (kProducers + kConsumers);
        if (kills) {
            kill(users[user], SIGKILL);
            assert_int_equal(test::join_child(users[user]), -SIGKILL);
            killed_consumers += user >= kProducers ? 1 : 0;
            users[user] = start_user(queue, book, user);
        } else {
            kill(users[user], SIGSTOP);
            usleep(static_cast<useconds_t>(random() % 3000));
            kill(users[user], SIGCONT);
        }
    }
}

static void end_users(Queue<Message>& queue, Book& book,
                      const pid_t (&users)[kProducers + kConsumers]) {
    book.stop.store(true);
    for (std::uint32_t i = 0; i < kProducers; ++i) {
        assert_int_equal(test::join_child(users[i]), 0);
    }
    for (std::uint32_t i = 0; i < kConsumers; ++i) {
        assert_ok(queue.put(Message::make(kProducers, 0), kLong));
    }
    for (std::uint32_t i = kProducers; i < kProducers + kConsumers; ++i) {
        assert_int_equal(test::join_child(users[i]), 0);
    }
}

static void users_that_are(const char* what, std::size_t maxsize, int rounds, bool kills) {
    Result<Queue<Message>> queue = Queue<Message>::create(maxsize);
    assert_ok(queue);
    const Board<Book> book;
    pid_t users[kProducers + kConsumers];
    for (std::uint32_t i = 0; i < kProducers + kConsumers; ++i) {
        users[i] = start_user(*queue, *book, i);
    }
    std::uint32_t killed_consumers = 0;
    storm(*queue, *book, users, rounds, kills, killed_consumers);
    end_users(*queue, *book, users);
    assert_true(queue->empty());

    std::uint32_t total = 0, missing = 0, doubled = 0, unput = 0;
    for (std::uint32_t producer = 0; producer < kProducers; ++producer) {
        const std::uint32_t begun = book->begun[producer].load();
        total += begun;
        unput += begun - book->done[producer].load();
        for (std::uint32_t number = 0; number < begun; ++number) {
            const int times = book->got[producer][number].load();
            missing += times == 0 ? 1 : 0;
            doubled += times > 1 ? 1 : 0;
        }
    }
    print_message("%s: %u messages, %u missing; %u consumers killed, %u puts cut short\n", what,
                  total, missing, killed_consumers, unput);
    assert_int_equal(book->torn.load(), 0);
    assert_int_equal(book->failed.load(), 0);
    assert_int_equal(doubled, 0);
    assert_true(missing <= killed_consumers + unput);
    assert_true(total > 100);
}

static void users_killed_at_random_leave_a_whole_queue(void**) {
    users_that_are("killed, a ring of 8", 8, 400, true);
    users_that_are("killed, a ring of 1", 1, 200, true);
    users_that_are("killed, a ring that grows and shrinks", 0, 300, true);
}

static void users_stopped_at_random_hold_up_others_and_harm_nothing(void**) {
    users_that_are("stopped, a ring of 8", 8, 200, false);
    users_that_are("stopped, a ring that grows and shrinks", 0, 150, false);
}

static void one_who_is_woken_and_killed_leaves_the_message_to_the_next(void**) {
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run("rings of the dead", "this system has no such service");
    }
    for (int round = 0; round < 100; ++round) {
        Result<Queue<int>> queue = Queue<int>::create(4);
        assert_ok(queue);
        const pid_t first = start_sleeping([&] { return queue->get(kLong).ok() ? 0 : 1; });
        const pid_t second = start_sleeping([&] { return queue->get(kLong).ok() ? 0 : 1; });
        assert_ok(queue->put(1));  // Wakes one of them,
        kill(first, SIGKILL);      // and he may be killed before he takes it.
        test::join_child(first);
        // Somebody took it: the second, or the first before he was killed, or before he ended.
        assert_true(test::eventually([&] { return queue->empty(); }));
        assert_ok(queue->put(2));
        assert_int_equal(test::join_child(second), 0);
    }
}

static void a_stopped_owner_is_waited_for_and_not_robbed(void**) {
    Result<Queue<Message>> queue = Queue<Message>::create(64);
    assert_ok(queue);
    const Board<Book> book;
    const pid_t producer = start_user(*queue, *book, 0);
    // Wherever it was stopped: others put within a while, or time out, and afterwards all is well.
    for (int round = 0; round < 50; ++round) {
        Message message;
        usleep(static_cast<useconds_t>(random() % 500));
        kill(producer, SIGSTOP);
        test::await_state(producer, 'T');
        while (queue->get_nowait().ok()) {}
        const brood::Status put = queue->put(Message::make(1, 0), milliseconds(20));
        assert_true(put.ok() || put.code() == Errc::timed_out);
        kill(producer, SIGCONT);
        const Result<Message> got = queue->get(kLong);
        assert_ok(got);
        message = *got;
        assert_true(message.is_whole());
    }
    book->stop.store(true);
    const std::int64_t deadline = test::in_ms(test::kPatienceMs);
    int status = 0;
    while (waitpid(producer, &status, WNOHANG) == 0) {
        assert_true(test::now_ns() < deadline);
        while (queue->get_nowait().ok()) {}
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// So long that whoever puts or gets one is nearly always in the middle of it.
struct LongMessage {
    unsigned char bytes[1 << 20];
};

// A contender is killed while he waits for an owner who is stopped in the middle of a put. Another,
// who only gets, has the dead one's place among the members then, and lives on. Returns whether a
// put afterwards comes through, now that the owner is dead, too.
static bool put_after_an_heir_came() {
    Result<Queue<LongMessage>> queue = Queue<LongMessage>::create(2);
    assert_ok(queue);
    const Board<LongMessage> message;
    assert_ok(queue->put(*message, kLong));  // We have a place of our own from now on.
    const pid_t owner = start_sleeping([&]() -> int {
        for (;;) { (void)queue->put(*message, kLong); }
    });
    const pid_t getter = test::start_child([&]() -> int {
        const Board<LongMessage> got;
        for (;;) { (void)queue->get_many(&*got, 1, kLong); }
    });
    usleep(static_cast<useconds_t>(1000 + random() % 2000));
    kill(owner, SIGSTOP);
    test::await_state(owner, 'T');
    const pid_t contender = test::start_child([&]() -> int {
        test::end_some_day();
        for (;;) { (void)queue->put(*message, kLong); }
    });
    usleep(10000);
    kill(contender, SIGKILL);
    test::join_child(contender);
    test::Handshake joined;
    const pid_t heir = test::start_child([&]() -> int {
        const Board<LongMessage> got;
        (void)queue->get_many(&*got, 1, brood::Timeout::no_wait());
        joined.tell();
        for (;;) { pause(); }
    });
    assert_true(joined.await());
    kill(owner, SIGKILL);
    test::join_child(owner);
    const brood::Status put = queue->put(*message, kLong);
    for (const pid_t one : {getter, heir}) {
        kill(one, SIGKILL);
        test::join_child(one);
    }
    return put.ok();
}

static void a_killed_contender_leaves_no_claim_to_who_has_his_place_then(void**) {
    for (int round = 0; round < 20; ++round) { assert_true(put_after_an_heir_came()); }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_contender_leaves_no_claim_to_who_has_his_place_then),
        cmocka_unit_test(users_killed_at_random_leave_a_whole_queue),
        cmocka_unit_test(users_stopped_at_random_hold_up_others_and_harm_nothing),
        cmocka_unit_test(one_who_is_woken_and_killed_leaves_the_message_to_the_next),
        cmocka_unit_test(a_stopped_owner_is_waited_for_and_not_robbed),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
