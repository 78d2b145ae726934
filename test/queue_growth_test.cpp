// Goal: a Queue without a bound takes what comes, in order, gives memory back when it is drained,
// and says no_space when there is none, with nothing lost.
// Method: real processes in bursts; resident pages as the system counts them; a tiny /dev/shm, and
// small limits on memory and on addresses.
#include "sandbox_support.hpp"
#include "shared_support.hpp"
#include "sleeper_support.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <brood/queue.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Errc;
using brood::milliseconds;
using brood::Queue;
using brood::Result;
using test::assert_code;
using test::assert_ok;

namespace {

const brood::Timeout kLong = milliseconds(test::kPatienceMs);

struct Numbered {
    int producer, number;
    char rest[56];
    static Numbered make(int producer, int number) { return {producer, number, {}}; }
};

Queue<Numbered> make() {
    return Queue<Numbered>::create().expect("making it");
}

void a_million_messages_come_out_in_order_and_their_memory_goes(void**) {
    constexpr int kMany = 1000000;
    Queue<Numbered> queue = make();
    assert_int_equal(queue.maxsize(), 0);
    const long before = shared_kilobytes();
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < kMany; ++i) {
            if (!queue.put_nowait(Numbered::make(0, i)).ok()) { fail_msg("put %d", i); }
        }
        assert_false(queue.full());
        assert_int_equal(queue.qsize(), kMany);
        const long during = shared_kilobytes();
        for (int i = 0; i < kMany; ++i) {
            const Result<Numbered> got = queue.get_nowait();
            if (!got.ok() || got->number != i) { fail_msg("get %d", i); }
        }
        assert_true(queue.empty());
        assert_code(queue.get_nowait(), Errc::empty);
        const long after = shared_kilobytes();
        print_message("shared memory: %ld KiB before, %ld with a million messages, %ld after\n",
                      before, during, after);
        assert_true(during - before >= kMany / 1024 * 64);
        assert_true(!gives_back() || after - before <= 16);
    }
    if (!gives_back()) { test::not_run("memory given back", "it is kept here for the next burst"); }
}

// As the header says: 16 KiB, or four messages.
void a_new_one_takes_little_memory(void**) {
    struct Large {
        char bytes[100000];
    };
    const Queue<Numbered> first = make();  // And the table of members.
    const long before = shared_kilobytes();
    const Queue<int> small = Queue<int>::create().expect("making it");
    const long between = shared_kilobytes();
    const Queue<Large> large = Queue<Large>::create().expect("making it");
    const long after = shared_kilobytes();
    assert_in_range(between - before, 4, 16);
    assert_in_range(after - between, 4 * 97, 4 * 98 + 4);
}

void all_of_many_are_put_in_one_step(void**) {
    constexpr std::size_t kCount = 5000;
    static Numbered put[kCount], got[kCount];
    Queue<Numbered> queue = make();
    for (std::size_t i = 0; i < kCount; ++i) { put[i] = Numbered::make(1, static_cast<int>(i)); }
    for (std::size_t shift = 0; shift < 3; ++shift) {
        assert_ok(queue.put(put[0]));
        assert_ok(queue.get());
        const Result<std::size_t> count = queue.put_many(put, kCount, brood::Timeout::no_wait());
        assert_ok(count);
        assert_int_equal(*count, kCount);
        assert_int_equal(*queue.get_many(got, kCount), kCount);
        assert_memory_equal(got, put, sizeof put);
        assert_true(queue.empty());
    }
}

// ---- Bursts ------------------------------------------------------------------------------------

constexpr int kProducers = 2, kConsumers = 2, kBursts = 60, kBurst = 2000;

struct Account {
    std::atomic<int> got, sum, bad;
};

// Each burst waits until the one before was got: so the ring grows and shrinks for each.
void produce(Queue<Numbered>& queue, Account& account, int producer) {
    for (int burst = 0; burst < kBursts; ++burst) {
        for (int i = 0; i < kBurst; ++i) {
            CHECK_IN_CHILD(queue.put(Numbered::make(producer, burst * kBurst + i), kLong).ok());
        }
        const auto is_got = [&] { return account.got.load() >= (burst + 1) * kBurst * kProducers; };
        const int64_t end = now_ms() + test::kPatienceMs;
        while (!is_got()) {
            CHECK_IN_CHILD(now_ms() < end);
            sleep_us(50);
        }
    }
}

void consume(Queue<Numbered>& queue, Account& account) {
    int latest[kProducers] = {-1, -1};
    for (;;) {
        const Result<Numbered> got = queue.get(kLong);
        CHECK_IN_CHILD(got.ok());
        if (got->producer < 0) { return; }
        if (got->producer >= kProducers || got->number <= latest[got->producer]) {
            account.bad.fetch_add(1);
        } else {
            latest[got->producer] = got->number;
        }
        account.sum.fetch_add(got->number % 1000);
        account.got.fetch_add(1);
    }
}

void bursts_of_many_grow_it_and_drain_it_without_a_loss(void**) {
    Queue<Numbered> queue = make();
    Board<Account> account;
    pid_t producers[kProducers], consumers[kConsumers];
    for (int i = 0; i < kProducers; ++i) {
        producers[i] = start_child([&] { produce(queue, *account, i); });
    }
    for (pid_t& one : consumers) {
        one = start_child([&] { consume(queue, *account); });
    }
    for (const pid_t one : producers) { assert_int_equal(end_of(one), 0); }
    for (int i = 0; i < kConsumers; ++i) { assert_ok(queue.put(Numbered::make(-1, 0), kLong)); }
    for (const pid_t one : consumers) { assert_int_equal(end_of(one), 0); }
    assert_int_equal(account->bad.load(), 0);
    assert_int_equal(account->got.load(), kProducers * kBursts * kBurst);
    assert_int_equal(account->sum.load(), kProducers * kBursts * (kBurst / 1000) * (999 * 500));
    assert_true(queue.empty());
}

// ---- Limits ------------------------------------------------------------------------------------

// In a child: puts until there is no more room, then what was put comes out, and it goes on.
int fill_and_drain(Queue<Numbered>& queue, int at_least, int at_most, Errc reason) {
    int count = 0;
    brood::Status put = Errc::ok;
    while (count < at_most && (put = queue.put(Numbered::make(0, count), kLong)).ok()) { ++count; }
    if (put.code() != reason || count < at_least) {
        dprintf(2, "%s after %d messages\n", put.error().name(), count);
        return 1;
    }
    REQUIRE(queue.qsize() == static_cast<std::size_t>(count));
    static Numbered more[1000] = {};
    REQUIRE(queue.put_many(more, 1000).code() == reason);  // Not one of them.
    for (int i = 0; i < count; ++i) {
        const Result<Numbered> got = queue.get_nowait();
        REQUIRE(got.ok() && got->number == i);
    }
    REQUIRE(queue.empty());
    for (int i = 0; i < at_least; ++i) { REQUIRE(queue.put(Numbered::make(0, i)).ok()); }
    for (int i = 0; i < at_least; ++i) { REQUIRE(queue.get_nowait()->number == i); }
    return 0;
}

void the_end_of_its_addresses_is_no_space_and_nothing_is_lost(void**) {
#if defined(__SANITIZE_ADDRESS__)
    return test::not_run("a limit on addresses", "AddressSanitizer needs them all");
#endif
    test::assert_child_exits(0, [] {
        const rlimit few = {rlim_t{64} << 20, rlim_t{64} << 20};
        REQUIRE(setrlimit(RLIMIT_AS, &few) == 0);
        Result<Queue<Numbered>> queue = Queue<Numbered>::create(0);
        REQUIRE(queue.ok());
        return fill_and_drain(*queue, 1 << 15, 1 << 20, Errc::no_space);
    });
}

void a_full_file_system_is_no_space_and_nothing_is_lost(void**) {
    if (strcmp(brood::port::kName, "posix") != 0) {
        return test::not_run("a full /dev/shm", "only posix needs it");
    }
    const int code = test::run_child([] {
        const bool done = unshare(CLONE_NEWNS) == 0 &&
                          mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                          mount("tiny", "/dev/shm", "tmpfs", 0, "size=256k") == 0;
        if (!done) { return test::kNoFilters; }
        Result<Queue<Numbered>> queue = Queue<Numbered>::create(0);
        REQUIRE(queue.ok());
        return fill_and_drain(*queue, 1024, 1 << 20, Errc::no_space);
    });
    if (code == test::kNoFilters) { return test::not_run("a full /dev/shm", "needs root"); }
    assert_int_equal(code, 0);
}

void sizes_that_cannot_be_are_refused(void**) {
    struct Large {
        char bytes[(std::size_t{1} << 28) + 8];
    };
    assert_code(Queue<Large>::create(), Errc::size_too_large);
    assert_code(Queue<Large>::create(1), Errc::size_too_large);
    assert_code(Queue<int>::create((std::size_t{1} << 28) + 1), Errc::size_too_large);
    assert_code(Queue<int>::create(SIZE_MAX), Errc::size_too_large);
    if (excess_is_refused()) {
        struct Block {
            char bytes[1 << 20];
        };
        const Errc huge = Queue<Block>::create(std::size_t{1} << 26).code();
        assert_true(huge == Errc::no_space || huge == Errc::no_memory);
    }
}

// Without it, or refused by a sandbox, the pages are made another way.
void a_kernel_without_populating_writes_zeroes(void**) {
    test::without("madvise", SYS_madvise, [] {
        Result<Queue<Numbered>> queue = Queue<Numbered>::create(0);
        REQUIRE(queue.ok());
        for (int i = 0; i < 3000; ++i) { REQUIRE(queue->put(Numbered::make(0, i)).ok()); }
        for (int i = 0; i < 3000; ++i) { REQUIRE(queue->get_nowait()->number == i); }
        return 0;
    });
}

void locked_memory_is_not_filled_when_it_is_reserved(void**) {
    test::assert_child_exits(0, [] {
        // Were all of it filled, the system would refuse, or take seconds, or kill.
        if (mlockall(MCL_FUTURE) != 0) { return 0; }
        const long before = shared_kilobytes();
        Result<Queue<Numbered>> queue = Queue<Numbered>::create(0);
        REQUIRE(queue.ok() || queue.code() == Errc::no_memory);
        if (!queue.ok()) { return 0; }
        REQUIRE(shared_kilobytes() - before < 1024);
        for (int i = 0; i < 3000; ++i) { REQUIRE(queue->put(Numbered::make(0, i)).ok()); }
        for (int i = 0; i < 3000; ++i) { REQUIRE(queue->get_nowait()->number == i); }
        return 0;
    });
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(a_million_messages_come_out_in_order_and_their_memory_goes),
        TIDY(a_new_one_takes_little_memory),
        TIDY(all_of_many_are_put_in_one_step),
        TIDY(bursts_of_many_grow_it_and_drain_it_without_a_loss),
        TIDY(the_end_of_its_addresses_is_no_space_and_nothing_is_lost),
        TIDY(a_full_file_system_is_no_space_and_nothing_is_lost),
        TIDY(sizes_that_cannot_be_are_refused),
        TIDY(a_kernel_without_populating_writes_zeroes),
        TIDY(locked_memory_is_not_filled_when_it_is_reserved),
    };
    return cmocka_run_group_tests_name("queue_growth", tests, nullptr, nullptr);
}
