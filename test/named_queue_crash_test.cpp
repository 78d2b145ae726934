// Goal: whoever is killed, in whatever he does with a queue that has a name, the others go on: a
// name is blocked by nobody, a place in the table is free again, no message is torn or doubled.
// Method: creators and openers killed after any number of instructions (each run tries others),
//         users killed at random while they put and get, against deadlines.
#include "named_queue_support.hpp"

#include "step_support.hpp"

using namespace shared_test;
using brood::Errc;
using brood::Result;

namespace {

// A round trip by somebody else, and by us. False: they cannot.
bool works(Parcels& queue) {
    if (!queue.put(Parcel::make(9, 9), kLong).ok()) { return false; }
    const Result<Parcel> got = queue.get(kLong);
    return got.ok() && got->is_whole();
}

// The name is free, or stands for a whole queue.
void check_after_a_creator(const char* name, int (&seen)[3]) {
    Result<Parcels> opened = Parcels::open(name, brood::milliseconds(20));
    if (opened.ok()) {
        assert_true(works(*opened));
        assert_error(Parcels::create_named(name, 2).code(), Errc::already_exists, "it is whole");
        assert_ok(Parcels::remove(name).error());
        ++seen[2];
        return;
    }
    const bool is_clear = opened.code() == Errc::not_found || opened.code() == Errc::not_ready;
    if (!is_clear) { assert_ok(opened.error()); }
    ++seen[opened.code() == Errc::not_found ? 0 : 1];
    Parcels next = make_parcels(name, 2);
    assert_true(works(next));
}

void a_creator_killed_at_any_instruction_blocks_nobody(void**) {
    const Name name("creator");
    int seen[3] = {};
    const test::Swept swept = test::sweep(
        "kills of creators", test::every_of_sleepers(211),
        [&](int steps) {
            const bool killed = test::is_killed_after(
                steps, [] { return brood::SharedMemory::anonymous(4096).ok(); },
                [&] {
                    const Result<Parcels> made = Parcels::create_named(name, 2);
                    _exit(made.ok() ? 0 : 1);
                });
            check_after_a_creator(name, seen);
            return !killed;
        },
        21);
    if (swept.points == 0) { return; }
    print_message(
        "%d creators killed: %d times nothing was left, %d times something unfinished, "
        "%d times the whole\n",
        swept.points, seen[0], seen[1], seen[2]);
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
}

void an_opener_killed_at_any_instruction_leaves_the_queue_whole(void**) {
    const Name name("opener");
    Parcels queue = make_parcels(name, 4);
    const test::Swept swept = test::sweep(
        "kills of openers", test::every_of_sleepers(149),
        [&](int steps) {
            const bool killed = test::is_killed_after(
                steps, [] { return true; },
                [&] {
                    Parcels opened = Parcels::open(name).expect("opening");
                    opened.put(Parcel::make(1, 1)).ignore();
                    opened.get(kLong).ignore();
                    opened = Parcels();  // It leaves.
                });
            while (queue.get_nowait().ok()) {}
            assert_true(works(queue));
            return !killed;
        },
        15);
    assert_true(swept.points == 0 || swept.points > 10);
}

constexpr std::uint32_t kUsers = 4, kNumbers = 1u << 18;

struct Book {
    std::atomic<std::uint32_t> begun[kUsers], torn, failed;
    std::atomic<std::uint8_t> got[kUsers][kNumbers];
    std::atomic<bool> stop;
};

void produce(const char* name, Book& book, std::uint32_t user) {
    Parcels queue = Parcels::open(name).expect("opening");
    while (!book.stop.load() && book.begun[user].load() < kNumbers - 1) {
        const std::uint32_t number = book.begun[user].fetch_add(1);
        if (!queue.put(Parcel::make(user, number), kLong).ok()) { book.failed.fetch_add(1); }
    }
}

void consume(const char* name, Book& book) {
    Parcels queue = Parcels::open(name).expect("opening");
    for (;;) {
        const Result<Parcel> got = queue.get(kLong);
        if (!got.ok()) {
            if (got.code() != Errc::closed) { book.failed.fetch_add(1); }
            return;
        }
        const bool is_whole = got->is_whole() && got->sender < kUsers && got->number < kNumbers;
        if (is_whole) {
            book.got[got->sender][got->number].fetch_add(1);
        } else {
            book.torn.fetch_add(1);
        }
    }
}

pid_t start_user(const char* name, Book& book, std::uint32_t user) {
    return start_child([&book, name, user] {
        if (user < kUsers) {
            produce(name, book, user);
        } else {
            consume(name, book);
        }
    });
}

void users_killed_while_they_put_and_get_cost_no_more_than_their_last(void**) {
    const Name name("storm");
    Parcels queue = make_parcels(name, 8);
    Board<Book> book;
    pid_t users[2 * kUsers];
    for (std::uint32_t i = 0; i < 2 * kUsers; ++i) { users[i] = start_user(name, *book, i); }
    Chance chance(static_cast<std::uint64_t>(getpid()));
    std::uint32_t killed[2] = {};
    for (int round = 0; round < 300; ++round) {
        sleep_us(chance.below(2000));
        const auto user = static_cast<std::uint32_t>(chance.below(2 * kUsers));
        kill_and_reap(users[user]);
        ++killed[user / kUsers];
        users[user] = start_user(name, *book, user);
    }
    book->stop.store(true);
    for (std::uint32_t i = 0; i < kUsers; ++i) { assert_int_equal(end_of(users[i]), 0); }
    assert_ok(queue.shutdown().error());
    for (std::uint32_t i = kUsers; i < 2 * kUsers; ++i) { assert_int_equal(end_of(users[i]), 0); }
    assert_int_equal(book->failed.load(), 0);
    assert_int_equal(book->torn.load(), 0);
    std::uint32_t begun = 0, got = 0;
    for (std::uint32_t user = 0; user < kUsers; ++user) {
        begun += book->begun[user].load();
        for (std::uint32_t i = 0; i < book->begun[user].load(); ++i) {
            assert_true(book->got[user][i].load() <= 1);
            got += book->got[user][i].load();
        }
    }
    print_message("%u put, %u killed in the middle of it and %u in gets, %u counted as lost\n",
                  begun, killed[0], killed[1], static_cast<unsigned>(queue.lost()));
    // Each who was killed took one at most with him: a put that was not done, or what he had got.
    assert_true(begun - got <= killed[0] + killed[1]);
    assert_true(queue.lost() <= killed[1]);
    assert_true(got > 1000);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(a_creator_killed_at_any_instruction_blocks_nobody),
        TIDY(an_opener_killed_at_any_instruction_leaves_the_queue_whole),
        TIDY(users_killed_while_they_put_and_get_cost_no_more_than_their_last),
    };
    return cmocka_run_group_tests_name("named_queue_crash", tests, nullptr, nullptr);
}
