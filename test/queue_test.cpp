// Goal: Queue<T> gives Python's Queue, row by row, among processes and threads.
// Method: real processes that put and get, known to be asleep where they shall be; exact counts.
#include "sleeper_support.hpp"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <optional>

#include <brood/process.hpp>
#include <brood/queue.hpp>
#include <brood/text.hpp>
#include <port/port.hpp>

using brood::Errc;
using brood::milliseconds;
using brood::Queue;
using brood::Result;
using brood::Shutdown;
using brood::Text;
using brood::Timeout;
using test::assert_code;
using test::assert_ok;
using test::Board;
using test::start_sleeping;

static const Timeout kLong = milliseconds(test::kPatienceMs);

template <class T>
static Queue<T> make(std::size_t maxsize) {
    Result<Queue<T>> made = Queue<T>::create(maxsize);
    assert_ok(made);
    return std::move(*made);
}

static void messages_come_in_the_order_in_which_they_were_put(void**) {
    auto queue = make<Text<16>>(8);
    brood::Process writer([&] {
        for (const char* word : {"Hello", "World", "Python", "end"}) {
            queue.put(word).expect("put");
        }
    });
    assert_ok(writer.start());
    for (const char* word : {"Hello", "World", "Python", "end"}) {
        const Result<Text<16>> got = queue.get(kLong);
        assert_ok(got);
        assert_string_equal(got->c_str(), word);
    }
    assert_ok(writer.join(kLong));
    assert_int_equal(*writer.exit_code(), 0);
}

static void none_as_a_message_ends_each_consumer(void**) {
    constexpr int kConsumers = 3;
    auto queue = make<std::optional<int>>(4);
    const Board<std::atomic<int>> sum;
    pid_t consumers[kConsumers];
    for (pid_t& consumer : consumers) {
        consumer = test::start_child([&] {
            for (;;) {
                const auto got = queue.get(kLong);
                if (!got.ok() || !*got) { return got.ok() ? 0 : 1; }
                sum->fetch_add(**got);
            }
        });
    }
    for (int n = 1; n <= 100; ++n) { assert_ok(queue.put(n, kLong)); }
    for (int i = 0; i < kConsumers; ++i) { assert_ok(queue.put(std::nullopt, kLong)); }
    for (const pid_t consumer : consumers) { assert_int_equal(test::join_child(consumer), 0); }
    assert_int_equal(sum->load(), 5050);
}

static void a_full_queue_and_an_empty_one_say_so(void**) {
    auto queue = make<int>(3);  // Not a power of two.
    assert_true(queue.empty() && !queue.full());
    assert_int_equal(queue.maxsize(), 3);
    assert_code(queue.get_nowait(), Errc::empty);
    for (int i = 0; i < 3; ++i) {
        assert_int_equal(queue.qsize(), i);
        assert_ok(queue.put_nowait(i));
    }
    assert_true(queue.full() && !queue.empty());
    assert_code(queue.put_nowait(3), Errc::full);
    for (int i = 0; i < 3; ++i) { assert_int_equal(*queue.get_nowait(), i); }
    assert_code(queue.get_nowait(), Errc::empty);
}

static void put_and_get_wait_no_longer_than_the_timeout(void**) {
    auto queue = make<int>(1);
    const std::int64_t begun = test::now_ns();
    assert_code(queue.get(milliseconds(50)), Errc::timed_out);
    assert_ok(queue.put(1, milliseconds(50)));
    assert_code(queue.put(2, milliseconds(50)), Errc::timed_out);
    const std::int64_t took = test::now_ns() - begun;
    assert_true(took >= 100000000 && took < test::kPatienceMs * 1000000);
    assert_code(queue.put(2, milliseconds(-1)), Errc::timeout_negative);
    assert_code(queue.get(brood::seconds(INT64_MAX)), Errc::timeout_overflow);
    assert_int_equal(*queue.get_nowait(), 1);  // Nothing else happened.
}

static void put_is_synchronous(void**) {  // Promise 31: empty() does not lie after put().
    auto queue = make<int>(4);
    for (int i = 0; i < 1000; ++i) {
        assert_ok(queue.put(i));
        assert_false(queue.empty());
        assert_int_equal(*queue.get_nowait(), i);
    }
}

static void a_sleeping_getter_and_a_sleeping_putter_are_woken(void**) {
    auto queue = make<int>(1);
    const pid_t getter = start_sleeping([&] { return queue.get(kLong).value_or(-1) == 7 ? 0 : 1; });
    assert_ok(queue.put(7));
    assert_int_equal(test::join_child(getter), 0);
    assert_ok(queue.put(8));
    const pid_t putter = start_sleeping([&] { return queue.put(9, kLong).ok() ? 0 : 1; });
    assert_int_equal(*queue.get_nowait(), 8);
    assert_int_equal(test::join_child(putter), 0);
    assert_int_equal(*queue.get_nowait(), 9);
}

static void all_sleepers_are_woken_in_turn(void**) {
    auto queue = make<int>(8);
    pid_t getters[5];
    for (pid_t& getter : getters) {
        getter = start_sleeping([&] { return queue.get(kLong).ok() ? 0 : 1; });
    }
    const int numbers[5] = {1, 2, 3, 4, 5};
    assert_int_equal(*queue.put_many(numbers, 5), 5);  // One ring: the woken wake the next.
    for (const pid_t getter : getters) { assert_int_equal(test::join_child(getter), 0); }
    assert_true(queue.empty());
}

static void many_are_put_and_got_in_one_step(void**) {
    auto queue = make<int>(8);
    int numbers[12], got[12];
    for (int i = 0; i < 12; ++i) { numbers[i] = i; }
    assert_int_equal(*queue.put_many(numbers, 12), 8);  // As many as there is room for.
    assert_int_equal(*queue.get_many(got, 3), 3);
    assert_int_equal(*queue.put_many(numbers + 8, 4, Timeout::no_wait()), 3);
    assert_int_equal(*queue.get_many(got + 3, 12), 8);
    for (int i = 0; i < 11; ++i) { assert_int_equal(got[i], i); }
    assert_code(queue.get_many(got, 12, Timeout::no_wait()), Errc::empty);
    assert_int_equal(*queue.put_many(numbers, 0), 0);
}

static void a_closed_handle_puts_no_more_and_others_do(void**) {
    auto queue = make<int>(4);
    test::assert_child_exits(0, [&] {
        if (!queue.put(1).ok()) { return 1; }
        queue.close();
        return queue.put(2).code() == Errc::closed ? 0 : 2;
    });
    assert_ok(queue.put(3));
    assert_int_equal(*queue.get_nowait(), 1);
    assert_int_equal(*queue.get_nowait(), 3);
}

static void a_queue_shut_down_is_drained_or_dropped(void**) {
    auto draining = make<int>(4);
    assert_ok(draining.put(1));
    const pid_t putter = start_sleeping([&] {
        for (;;) {
            const brood::Status put = draining.put(2, kLong);
            if (!put.ok()) { return put.code() == Errc::closed ? 0 : 1; }
        }
    });
    assert_ok(draining.shutdown());
    assert_int_equal(test::join_child(putter), 0);
    assert_code(draining.put(3), Errc::closed);
    for (const int expected : {1, 2, 2, 2}) { assert_int_equal(*draining.get(), expected); }
    assert_code(draining.get(), Errc::closed);

    auto dropped = make<int>(4);
    pid_t getters[3];
    for (pid_t& getter : getters) {
        getter = start_sleeping([&] { return dropped.get(kLong).code() == Errc::closed ? 0 : 1; });
    }
    assert_ok(dropped.shutdown(Shutdown::now));
    for (const pid_t getter : getters) { assert_int_equal(test::join_child(getter), 0); }
    assert_ok(dropped.shutdown(Shutdown::drain));  // Does not open it again.
    assert_code(dropped.get(), Errc::closed);
    assert_code(dropped.put(1), Errc::closed);
}

struct Numbered {
    int producer, number;
};

static int produce(Queue<Numbered>& queue, int producer, int count) {
    for (int number = 0; number < count; ++number) {
        if (!queue.put({producer, number}, kLong).ok()) { return 1; }
    }
    return 0;
}

// Gets messages until one says that it is the last; adds them up. 0 if each producer's came in
// order.
static int consume(Queue<Numbered>& queue, std::atomic<long>& count, std::atomic<long>& sum) {
    int latest[8] = {-1, -1, -1, -1, -1, -1, -1, -1};
    for (;;) {
        const Result<Numbered> got = queue.get(kLong);
        if (!got.ok()) { return 1; }
        if (got->producer < 0) { return 0; }
        if (got->number <= latest[got->producer]) { return 2; }
        latest[got->producer] = got->number;
        count.fetch_add(1);
        sum.fetch_add(got->number);
    }
}

struct Account {
    std::atomic<long> count, sum;
};

static void each_message_goes_to_exactly_one_of_many(void**) {
    constexpr int kProducers = 4, kConsumers = 4, kEach = 20000;
    for (const std::size_t maxsize : {std::size_t{1}, std::size_t{7}, std::size_t{256}}) {
        auto queue = make<Numbered>(maxsize);
        const Board<Account> account;
        pid_t producers[kProducers], consumers[kConsumers];
        for (int i = 0; i < kProducers; ++i) {
            producers[i] =
                test::start_child([&] { return produce(queue, i, maxsize == 1 ? 500 : kEach); });
        }
        for (pid_t& consumer : consumers) {
            consumer =
                test::start_child([&] { return consume(queue, account->count, account->sum); });
        }
        for (const pid_t producer : producers) { assert_int_equal(test::join_child(producer), 0); }
        for (int i = 0; i < kConsumers; ++i) { assert_ok(queue.put({-1, 0}, kLong)); }
        for (const pid_t consumer : consumers) { assert_int_equal(test::join_child(consumer), 0); }
        const long each = maxsize == 1 ? 500 : kEach;
        assert_int_equal(account->count.load(), kProducers * each);
        assert_int_equal(account->sum.load(), kProducers * (each * (each - 1) / 2));
        assert_true(queue.empty());
    }
}

struct ThreadWork {
    Queue<Numbered>* queue;
    int producer;
    Account* account;
    int result;
};

static void* produce_in_thread(void* argument) {
    auto& work = *static_cast<ThreadWork*>(argument);
    work.result = produce(*work.queue, work.producer, 20000);
    return nullptr;
}

static void* consume_in_thread(void* argument) {
    auto& work = *static_cast<ThreadWork*>(argument);
    work.result = consume(*work.queue, work.account->count, work.account->sum);
    return nullptr;
}

static void threads_of_one_process_are_users_like_others(void**) {
    test::assert_child_exits(0, [] {
        auto queue = make<Numbered>(64);
        Account account = {};
        ThreadWork work[6];
        pthread_t threads[6];
        for (int i = 0; i < 6; ++i) {
            work[i] = {&queue, i, &account, 99};
            if (pthread_create(&threads[i], nullptr, i < 3 ? produce_in_thread : consume_in_thread,
                               &work[i]) != 0) {
                return 1;
            }
        }
        for (int i = 0; i < 3; ++i) { pthread_join(threads[i], nullptr); }
        for (int i = 0; i < 3; ++i) { queue.put({-1, 0}, kLong).expect("put"); }
        for (int i = 3; i < 6; ++i) { pthread_join(threads[i], nullptr); }
        for (const ThreadWork& one : work) {
            if (one.result != 0) { return 2; }
        }
        return account.count.load() == 60000 ? 0 : 3;
    });
}

static void an_idle_getter_is_not_woken_at_all(void**) {
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run("no wake-ups while idle", "sleepers look every slice here");
    }
    auto queue = make<int>(4);
    const pid_t getter = start_sleeping([&] { return queue.get(kLong).ok() ? 0 : 1; });
    const long before = test::switches_at_rest(getter);
    test::sleep_ms(700);
    assert_int_equal(test::switches_of(getter), before);
    assert_ok(queue.put(1));
    assert_int_equal(test::join_child(getter), 0);
}

static void bad_sizes_and_empty_handles_are_errors(void**) {
    assert_code(Queue<int>::create(SIZE_MAX), Errc::size_too_large);
    assert_code(Queue<int>::create((std::size_t{1} << 28) + 1), Errc::size_too_large);
    Queue<int> none;
    assert_code(none.put(1), Errc::closed);
    assert_code(none.get(), Errc::closed);
    assert_code(none.shutdown(), Errc::closed);
    assert_int_equal(none.qsize(), 0);
    auto queue = make<int>(2);
    Queue<int> moved = std::move(queue);
    assert_code(queue.put(1), Errc::closed);  // NOLINT: on purpose
    assert_ok(moved.put(1));
}

static void one_thread_may_use_many_queues_in_turn(void**) {
    Queue<int> queues[20];
    for (Queue<int>& queue : queues) { queue = make<int>(4); }
    for (int round = 0; round < 100; ++round) {
        for (Queue<int>& queue : queues) { assert_ok(queue.put(round)); }
        for (Queue<int>& queue : queues) { assert_int_equal(*queue.get_nowait(), round); }
    }
}

// How long a process has had a processor.
static std::int64_t cpu_ns_of(pid_t pid) {
    clockid_t clock = 0;
    timespec spent = {};
    assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
    assert_int_equal(clock_gettime(clock, &spent), 0);
    return std::int64_t{spent.tv_sec} * 1000000000 + spent.tv_nsec;
}

static void those_who_find_nothing_to_do_do_not_keep_each_other_awake(void**) {
    constexpr int kWaiting = 3;
    for (const bool is_get : {true, false}) {
        auto queue = make<int>(1);
        if (!is_get) { assert_ok(queue.put(0)); }
        pid_t waiting[kWaiting];
        for (pid_t& one : waiting) {
            one = start_sleeping(
                [&] { return (is_get ? queue.get().ok() : queue.put(1).ok()) ? 0 : 1; });
        }
        // Who gives up rings for another, in case that he was rung for.
        const auto gave_up = is_get ? queue.get(milliseconds(20)).status()
                                    : queue.put(1, milliseconds(20));
        assert_code(gave_up, Errc::timed_out);
        // They may look now and then, where nobody can ring for the dead.
        const auto spent_ns = [&] {
            std::int64_t sum = 0;
            for (const pid_t one : waiting) { sum += cpu_ns_of(one); }
            return sum;
        };
        const std::int64_t at_first = spent_ns();
        assert_true(test::eventually([&] {
            const std::int64_t before = spent_ns();
            brood::port::sleep_until(test::in_ms(100));
            return spent_ns() - before < 5000000;
        }));
        assert_true(spent_ns() - at_first < 100000000);
        for (int i = 0; i < kWaiting; ++i) {
            if (is_get) {
                assert_ok(queue.put(i, kLong));
            } else {
                assert_ok(queue.get(kLong));
            }
        }
        for (const pid_t one : waiting) { assert_int_equal(test::join_child(one), 0); }
    }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(those_who_find_nothing_to_do_do_not_keep_each_other_awake),
        cmocka_unit_test(messages_come_in_the_order_in_which_they_were_put),
        cmocka_unit_test(none_as_a_message_ends_each_consumer),
        cmocka_unit_test(a_full_queue_and_an_empty_one_say_so),
        cmocka_unit_test(put_and_get_wait_no_longer_than_the_timeout),
        cmocka_unit_test(put_is_synchronous),
        cmocka_unit_test(a_sleeping_getter_and_a_sleeping_putter_are_woken),
        cmocka_unit_test(all_sleepers_are_woken_in_turn),
        cmocka_unit_test(many_are_put_and_got_in_one_step),
        cmocka_unit_test(a_closed_handle_puts_no_more_and_others_do),
        cmocka_unit_test(a_queue_shut_down_is_drained_or_dropped),
        cmocka_unit_test(each_message_goes_to_exactly_one_of_many),
        cmocka_unit_test(threads_of_one_process_are_users_like_others),
        cmocka_unit_test(an_idle_getter_is_not_woken_at_all),
        cmocka_unit_test(bad_sizes_and_empty_handles_are_errors),
        cmocka_unit_test(one_thread_may_use_many_queues_in_turn),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
