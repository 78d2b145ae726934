// Goal: a ByteQueue gives each message of any length to exactly one, whole and in order.
// Method: random lengths beside a plain record of what is in it; real processes, known to be asleep
// where they shall be, and killed at random moments; each message says how long it must be.
#include "shared_support.hpp"
#include "step_support.hpp"

#include <brood/byte_queue.hpp>

using namespace shared_test;
using brood::ByteQueue;
using brood::Errc;
using brood::milliseconds;
using brood::Result;
using brood::Shutdown;
using test::assert_code;
using test::assert_ok;
using test::start_sleeping;

namespace {

const brood::Timeout kLong = milliseconds(test::kPatienceMs);

ByteQueue make(std::size_t maxsize) {
    return ByteQueue::create(maxsize).expect("making it");
}

void lengths_from_0_on_come_out_as_they_went_in(void**) {
    for (const std::size_t maxsize : {std::size_t{0}, std::size_t{500}}) {
        ByteQueue queue = make(maxsize);
        unsigned char sent[300], got[300];
        for (std::size_t i = 0; i < sizeof sent; ++i) { sent[i] = static_cast<unsigned char>(i); }
        for (std::size_t bytes = 0; bytes <= sizeof sent; ++bytes) {
            assert_ok(queue.put(sent, bytes));
            const Result<std::size_t> length = queue.get(got, sizeof got);
            assert_ok(length);
            assert_int_equal(*length, bytes);
            assert_memory_equal(got, sent, bytes);
        }
        assert_ok(queue.put(nullptr, 0));
        assert_int_equal(*queue.get(nullptr, 0), 0);
        assert_true(queue.empty());
    }
}

// ---- Any order of puts and gets ----------------------------------------------------------------

constexpr int kKept = 4096;

struct Record {
    int first = 0, count = 0, bytes[kKept] = {};
    std::size_t used = 0;
    static std::size_t cost(int bytes) { return 8 + (static_cast<std::size_t>(bytes) + 7) / 8 * 8; }
    void put(int length) {
        bytes[(first + count++) % kKept] = length;
        used += cost(length);
    }
    int get() {
        const int length = bytes[first++ % kKept];
        --count;
        used -= cost(length);
        return length;
    }
};

// What byte `at` of the message number `number` is.
unsigned char byte_of(int number, int at) {
    return static_cast<unsigned char>(number % 1000 * 31 + at * 7);
}

void random_puts_and_gets(std::size_t maxsize, uint64_t seed) {
    ByteQueue queue = make(maxsize);
    const std::size_t limit = maxsize == 0 ? SIZE_MAX : queue.maxsize();
    static Record record;
    record = Record();
    Chance chance(seed);
    static unsigned char bytes[400], got[400];
    int put = 0, taken = 0;
    for (int round = 0; round < 40000; ++round) {
        const bool drains = round / 2000 % 2 != 0;
        if (chance.below(10) < (drains ? 3 : 7) && record.count < kKept) {
            const int length = static_cast<int>(chance.below(chance.below(3) == 0 ? 400 : 20));
            for (int i = 0; i < length; ++i) { bytes[i] = byte_of(put, i); }
            const brood::Status status = queue.put_nowait(bytes, static_cast<std::size_t>(length));
            const bool never = Record::cost(length) > limit;
            const bool fits = limit - record.used >= Record::cost(length);
            const Errc wanted = never ? Errc::message_too_long : fits ? Errc::ok : Errc::full;
            assert_error(status.code(), wanted, "put");
            if (!status.ok()) { continue; }
            record.put(length);
            ++put;
        } else if (record.count == 0) {
            assert_code(queue.get_nowait(got, sizeof got), Errc::empty);
        } else {
            const int length = record.get();
            const Result<std::size_t> result = queue.get_nowait(got, sizeof got);
            assert_ok(result);
            assert_int_equal(*result, length);
            for (int i = 0; i < length; ++i) { assert_int_equal(got[i], byte_of(taken, i)); }
            ++taken;
        }
        assert_int_equal(queue.bytes_used(), record.used);
    }
    assert_true(taken > 5000);
}

void any_order_of_puts_and_gets_is_as_of_a_plain_record(void**) {
    random_puts_and_gets(0, 1);
    random_puts_and_gets(1024, 2);
    random_puts_and_gets(1000, 3);
    random_puts_and_gets(60, 4);
}

// ---- Rows --------------------------------------------------------------------------------------

void a_short_buffer_leaves_the_message_and_says_how_long_it_is(void**) {
    ByteQueue queue = make(0);
    char buffer[8] = "-------";
    assert_ok(queue.put("twelve bytes", 12));
    const Result<std::size_t> got = queue.get_nowait(buffer, sizeof buffer);
    assert_code(got, Errc::buffer_too_short);
    assert_int_equal(got.error().detail(), 12);
    assert_string_equal(buffer, "-------");
    assert_code(queue.get_nowait(nullptr, 0), Errc::buffer_too_short);
    char room[12];
    assert_int_equal(*queue.get_nowait(room, sizeof room), 12);
    assert_memory_equal(room, "twelve bytes", 12);
}

void what_can_never_fit_is_too_long_and_what_can_fits(void**) {
    static char bytes[104] = {};
    ByteQueue queue = make(100);
    assert_int_equal(queue.maxsize(), 104);
    const brood::Status put = queue.put(bytes, 97);
    assert_code(put, Errc::message_too_long);
    assert_int_equal(put.error().detail(), 96);
    for (int round = 0; round < 20; ++round) {  // Wherever the ring stands.
        assert_ok(queue.put_nowait(bytes, 96));
        assert_int_equal(queue.bytes_used(), 104);
        assert_code(queue.put_nowait(bytes, 0), Errc::full);
        assert_int_equal(*queue.get_nowait(bytes, 104), 96);
        assert_ok(queue.put_nowait(bytes, 1));
        assert_code(queue.put_nowait(bytes, 96), Errc::full);
        assert_code(queue.put(bytes, 96, milliseconds(1)), Errc::timed_out);
        assert_int_equal(*queue.get_nowait(bytes, 104), 1);
    }
    ByteQueue least = make(1);
    assert_ok(least.put_nowait(nullptr, 0));
    assert_code(least.put_nowait(bytes, 1), Errc::message_too_long);
}

void a_queue_closed_or_shut_down_says_so(void**) {
    ByteQueue queue = make(0), dropped = make(100), none;
    char bytes[8] = {};
    assert_ok(queue.put("a", 1));
    const pid_t getter =
        start_sleeping([&] { return dropped.get(bytes, 8, kLong).code() == Errc::closed ? 0 : 1; });
    assert_ok(queue.shutdown());
    assert_ok(dropped.shutdown(Shutdown::now));
    assert_int_equal(test::join_child(getter), 0);
    assert_code(queue.put("b", 1), Errc::closed);
    assert_int_equal(*queue.get(bytes, 8), 1);
    assert_code(queue.get(bytes, 8), Errc::closed);
    assert_code(dropped.put("b", 1), Errc::closed);
    assert_code(none.put("b", 1), Errc::closed);
    assert_code(none.get(bytes, 8), Errc::closed);
    ByteQueue mine = make(0);
    mine.close();
    assert_code(mine.put("b", 1), Errc::closed);
}

void bad_arguments_are_refused(void**) {
    ByteQueue queue = make(0);
    char bytes[8] = {};
    assert_code(queue.put(nullptr, 1), Errc::bad_argument);
    assert_code(queue.get(nullptr, 1), Errc::bad_argument);
    assert_code(queue.get_nowait(bytes, 8), Errc::empty);
    assert_code(queue.get(bytes, 8, milliseconds(-1)), Errc::timeout_negative);
    assert_code(queue.put(bytes, 8, milliseconds(-1)), Errc::timeout_negative);
    assert_code(ByteQueue::create((std::size_t{1} << 31) - 7 + 8), Errc::size_too_large);
    assert_code(ByteQueue::create(SIZE_MAX), Errc::size_too_large);
    assert_code(queue.put(bytes, SIZE_MAX), Errc::message_too_long);
}

// Two who wait for room: one for much, who is woken first, and one for little, for whom there is.
void room_that_is_too_little_for_one_goes_to_another(void**) {
    for (const bool long_first : {true, false}) {
        ByteQueue queue = make(256);
        static char bytes[256];
        for (int i = 0; i < 16; ++i) { assert_ok(queue.put_nowait(bytes, 8)); }
        pid_t waiters[2];
        for (int i = 0; i < 2; ++i) {
            const std::size_t length = (i == 0) == long_first ? 100 : 5;
            waiters[i] =
                start_sleeping([&] { return queue.put(bytes, length, kLong).ok() ? 0 : 1; });
        }
        assert_int_equal(*queue.get_nowait(bytes, 256), 8);
        assert_int_equal(test::join_child(waiters[long_first ? 1 : 0]), 0);
        for (int i = 0; i < 16; ++i) { assert_ok(queue.get(bytes, 256, kLong)); }
        assert_int_equal(test::join_child(waiters[long_first ? 0 : 1]), 0);
        assert_int_equal(*queue.get_nowait(bytes, 256), 100);
        assert_true(queue.empty());
    }
}

// ---- Many ----------------------------------------------------------------------------------

constexpr int kUsers = 3, kNumbers = 1 << 20, kLengthMax = 200;

struct Book {
    std::atomic<int> begun[kUsers], done[kUsers];
    std::atomic<unsigned char> got[kUsers][kNumbers];
    std::atomic<int> torn, failed, disordered;
    std::atomic<bool> stop;
};

struct Message {
    int producer, number;
    unsigned char rest[kLengthMax];
    static int length_of(int number) { return number % 1000 * 7919 % (kLengthMax + 1); }
};

void produce(ByteQueue& queue, Book& book, int producer) {
    int number = book.begun[producer].load();
    while (!book.stop.load() && number < kNumbers - 1) {
        // Without a bound: bursts, so that it grows and shrinks all the time.
        while (queue.maxsize() == 0 && number % 1000 == 0 && queue.bytes_used() > 1000) {
            sleep_us(100);
        }
        Message message = {producer, number, {}};
        const int length = Message::length_of(number);
        for (int i = 0; i < length; ++i) { message.rest[i] = byte_of(number, i); }
        book.begun[producer].store(number + 1);
        const brood::Status put = queue.put(&message, 8 + static_cast<std::size_t>(length), kLong);
        if (!put.ok()) { book.failed.fetch_add(1); }
        CHECK_IN_CHILD(put.ok());
        book.done[producer].fetch_add(1);
        ++number;
    }
}

void consume(ByteQueue& queue, Book& book) {
    int latest[kUsers] = {-1, -1, -1};
    for (;;) {
        Message message;
        const Result<std::size_t> got = queue.get(&message, sizeof message, kLong);
        if (!got.ok()) { book.failed.fetch_add(1); }
        CHECK_IN_CHILD(got.ok());
        if (*got == 0) { return; }
        bool whole = *got >= 8 && message.producer >= 0 && message.producer < kUsers &&
                     message.number >= 0 && message.number < kNumbers;
        const int length = whole ? Message::length_of(message.number) : 0;
        whole = whole && *got == 8 + static_cast<std::size_t>(length);
        for (int i = 0; whole && i < length; ++i) {
            whole = message.rest[i] == byte_of(message.number, i);
        }
        if (!whole) {
            book.torn.fetch_add(1);
            continue;
        }
        if (message.number <= latest[message.producer]) { book.disordered.fetch_add(1); }
        latest[message.producer] = message.number;
        book.got[message.producer][message.number].fetch_add(1);
    }
}

void users_killed_at_random_leave_whole_messages(std::size_t maxsize, int rounds) {
    ByteQueue queue = make(maxsize);
    Board<Book> book;
    pid_t users[2 * kUsers];
    const auto start = [&](int user) {
        return start_child(
            [&, user] { user < kUsers ? produce(queue, *book, user) : consume(queue, *book); });
    };
    for (int i = 0; i < 2 * kUsers; ++i) { users[i] = start(i); }
    int killed = 0;
    for (int round = 0; round < rounds; ++round) {
        usleep(static_cast<useconds_t>(random() % 2000));
        const auto user = static_cast<int>(random() % (2 * kUsers));
        kill_and_reap(users[user]);
        killed += user >= kUsers ? 1 : 0;
        users[user] = start(user);
    }
    book->stop.store(true);
    for (int i = 0; i < kUsers; ++i) { assert_int_equal(end_of(users[i]), 0); }
    for (int i = 0; i < kUsers; ++i) { assert_ok(queue.put(nullptr, 0, kLong)); }
    for (int i = kUsers; i < 2 * kUsers; ++i) { assert_int_equal(end_of(users[i]), 0); }
    assert_true(queue.empty());
    int total = 0, missing = 0, doubled = 0, unput = 0;
    for (int producer = 0; producer < kUsers; ++producer) {
        const int begun = book->begun[producer].load();
        total += begun;
        unput += begun - book->done[producer].load();
        for (int number = 0; number < begun; ++number) {
            const int times = book->got[producer][number].load();
            missing += times == 0 ? 1 : 0;
            doubled += times > 1 ? 1 : 0;
        }
    }
    print_message("maxsize %zu: %d messages, %d missing; %d consumers killed, %d puts cut short\n",
                  maxsize, total, missing, killed, unput);
    assert_int_equal(book->torn.load() + book->failed.load() + book->disordered.load(), 0);
    assert_int_equal(doubled, 0);
    assert_true(missing <= killed + unput);
    assert_true(total > 100);
}

void many_processes_and_kills_at_random_moments(void**) {
    users_killed_at_random_leave_whole_messages(256, 300);
    users_killed_at_random_leave_whole_messages(0, 300);
}

// ---- Kills at each instruction -----------------------------------------------------------------

// Around the end of a ring of 128 bytes: "first" and the message of 70 bytes are in it, or were.
template <class Act, class Check>
void sweep(const char* what, int every, std::size_t maxsize, bool is_put, Act act, Check check) {
    int done = 0;
    const test::Swept swept = test::sweep(what, every, [&](int steps) {
        ByteQueue queue = make(maxsize);
        char room[100];
        assert_ok(queue.put(room, 50));
        assert_int_equal(*queue.get(room, sizeof room), 50);
        assert_ok(queue.put("first", 5));
        if (!is_put) {
            act(queue);
            assert_int_equal(*queue.get(room, sizeof room), 5);
        }
        test::Stepped victim([] { return true; },
                             [&] {
                                 if (is_put) { return act(queue); }
                                 CHECK_IN_CHILD(*queue.get(room, sizeof room, kLong) == 70);
                             });
        const bool has_ended = !victim.step(steps);
        if (has_ended) { assert_int_equal(victim.end(), 0); }
        victim.kill_now();
        const bool is_done = check(queue);
        assert_true(is_done || !has_ended);
        done += is_done && !has_ended ? 1 : 0;
        assert_true(queue.empty());
        return has_ended;
    });
    if (swept.points == 0) { return; }
    print_message("%s: killed %d times after it was done\n", what, done);
    assert_true((done > 0 || swept.every > 1) && done < swept.points);
}

void put_long(ByteQueue& queue) {
    char bytes[70];
    for (int i = 0; i < 70; ++i) { bytes[i] = static_cast<char>(i); }
    (void)queue.put(bytes, 70, kLong);
}

bool is_long(const char* bytes) {
    for (int i = 0; i < 70; ++i) {
        if (bytes[i] != i) { return false; }
    }
    return true;
}

void a_put_or_get_killed_at_each_instruction_is_whole_or_was_not(void**) {
    for (const std::size_t maxsize : {std::size_t{128}, std::size_t{0}}) {
        sweep("put", 37, maxsize, true, put_long, [](ByteQueue& queue) {
            char got[100];
            assert_ok(queue.put("last", 4, kLong));
            assert_int_equal(*queue.get(got, sizeof got, kLong), 5);
            std::size_t length = *queue.get(got, sizeof got, kLong);
            const bool is_done = length == 70;
            if (is_done) {
                assert_true(is_long(got));
                length = *queue.get(got, sizeof got, kLong);
            }
            assert_int_equal(length, 4);
            return is_done;
        });
        sweep("get", 23, maxsize, false, put_long, [](ByteQueue& queue) {
            char got[100];
            assert_ok(queue.put("last", 4, kLong));
            std::size_t length = *queue.get(got, sizeof got, kLong);
            const bool is_done = length == 4;
            if (!is_done) {
                assert_true(length == 70 && is_long(got));
                length = *queue.get(got, sizeof got, kLong);
            }
            assert_int_equal(length, 4);
            return is_done;
        });
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(lengths_from_0_on_come_out_as_they_went_in),
        TIDY(any_order_of_puts_and_gets_is_as_of_a_plain_record),
        TIDY(a_short_buffer_leaves_the_message_and_says_how_long_it_is),
        TIDY(what_can_never_fit_is_too_long_and_what_can_fits),
        TIDY(a_queue_closed_or_shut_down_says_so),
        TIDY(bad_arguments_are_refused),
        TIDY(room_that_is_too_little_for_one_goes_to_another),
        TIDY(many_processes_and_kills_at_random_moments),
        TIDY(a_put_or_get_killed_at_each_instruction_is_whole_or_was_not),
    };
    return cmocka_run_group_tests_name("byte_queue", tests, nullptr, nullptr);
}
