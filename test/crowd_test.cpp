// Goal: a crowd of processes at one queue or lock loses nothing, doubles nothing and keeps the
// order, and the scheduler starves none of them.
// Method: real processes, as many as in a bad day; with 32 of them on one CPU, where each is
// preempted anywhere, each must get its part of what is done meanwhile.
#include "shared_support.hpp"
#include "step_support.hpp"

#include <brood/lock.hpp>
#include <brood/queue.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Lock;
using brood::milliseconds;
using brood::Queue;
using test::Board;

namespace {

const brood::Timeout kLong = milliseconds(test::kPatienceMs);

// Waits for the child's end as long as `done` goes up.
int end_while_moving(pid_t pid, const std::atomic<std::int64_t>& done) {
    for (;;) {
        const std::int64_t before = done.load();
        const bool ended = test::eventually([=] { return test::state_of(pid) == 'Z'; });
        if (ended || done.load() == before) { return end_of(pid); }
    }
}

// ---- Count, sum and order ----------------------------------------------------------------------

struct Totals {
    std::atomic<std::int64_t> count, sum, disordered;
};

void four_producers_and_four_consumers_lose_and_double_nothing_and_keep_the_order(void**) {
    constexpr int kUsers = 4;
    const std::int64_t each = (getenv("BROOD_LONG") != nullptr ? 100000000 : 1000000) / kUsers;
    auto queue = Queue<std::int64_t>::create(1024).expect("making it");
    const Board<Totals> totals;
    pid_t producers[kUsers], consumers[kUsers];
    for (int user = 0; user < kUsers; ++user) {
        producers[user] = test::start_child([&] {
            for (std::int64_t i = 0; i < each; ++i) {
                if (!queue.put(i * kUsers + user, kLong).ok()) { return 1; }
            }
            return 0;
        });
        consumers[user] = test::start_child([&] {
            std::int64_t latest[kUsers] = {-1, -1, -1, -1}, count = 0, sum = 0;
            for (;;) {
                const auto got = queue.get(kLong);
                if (!got.ok()) { return 1; }
                if (*got < 0) { break; }
                const std::int64_t number = *got / kUsers, from = *got % kUsers;
                if (number <= latest[from]) { totals->disordered.fetch_add(1); }
                latest[from] = number;
                sum += number;
                if (++count % 1000 == 0) { totals->count.fetch_add(1000); }
            }
            totals->count.fetch_add(count % 1000);
            totals->sum.fetch_add(sum);
            return 0;
        });
    }
    const std::int64_t start = test::now_ns();
    for (const pid_t one : producers) { assert_int_equal(end_while_moving(one, totals->count), 0); }
    for (int i = 0; i < kUsers; ++i) { test::assert_ok(queue.put(-1, kLong)); }
    for (const pid_t one : consumers) { assert_int_equal(end_of(one), 0); }
    print_message("%lld messages in %lld ms\n", static_cast<long long>(totals->count.load()),
                  static_cast<long long>((test::now_ns() - start) / 1000000));
    assert_int_equal(totals->count.load(), kUsers * each);
    assert_int_equal(totals->sum.load(), kUsers * (each * (each - 1) / 2));
    assert_int_equal(totals->disordered.load(), 0);
    assert_true(queue.empty());
}

// ---- Thirty-two on one CPU ---------------------------------------------------------------------

constexpr int kCrowd = 32;
// Some 4 are usual, and some 20 for the system's own mutex; for one who is starved no bound holds.
constexpr std::int64_t kUnfair = 200;

struct Crowd {
    std::atomic<int> stop;
    std::atomic<std::int64_t> done[kCrowd];
    std::int64_t guarded;  // by the lock alone
};

struct Share {
    std::int64_t sum = 0, least = INT64_MAX, most = 0;
};
Share share_of(Crowd& crowd, int from, int to) {
    Share share;
    for (int i = from; i < to; ++i) {
        const std::int64_t done = crowd.done[i].load();
        share.sum += done;
        share.least = done < share.least ? done : share.least;
        share.most = done > share.most ? done : share.most;
    }
    return share;
}

// Lets them work until each has done `floor`: nobody much less then than all on average.
void work_until_each_has_its_share(Crowd& crowd, int from, int to, std::int64_t floor,
                                   const char* what) {
    // Beside other suites a CPU is theirs for most of the time.
    const bool in_time = test::eventually([&] { return share_of(crowd, from, to).least >= floor; },
                                          3 * test::kPatienceMs);
    const Share share = share_of(crowd, from, to);
    const std::int64_t fair = share.sum / (to - from);
    print_message("%s: %lld in all, the least %lld, the most %lld, fair were %lld\n", what,
                  static_cast<long long>(share.sum), static_cast<long long>(share.least),
                  static_cast<long long>(share.most), static_cast<long long>(fair));
    assert_true(in_time);
    assert_true(share.least * kUnfair >= fair);
}

void of_16_producers_and_16_consumers_on_one_cpu_each_gets_its_share(void**) {
    const test::OneCpu here;
    constexpr std::int64_t kFloor = 500;
    auto queue = Queue<int>::create(64).expect("making it");
    const Board<Crowd> crowd;
    pid_t people[kCrowd];
    for (int i = 0; i < kCrowd; ++i) {
        people[i] = test::start_child([&, i] {
            for (;;) {
                if (i >= kCrowd / 2) {
                    const auto got = queue.get(kLong);
                    if (!got.ok()) { return 1; }
                    if (*got < 0) { return 0; }
                } else {
                    if (crowd->stop.load() != 0) { return 0; }
                    if (!queue.put(i, kLong).ok()) { return 2; }
                }
                crowd->done[i].fetch_add(1);
            }
        });
    }
    work_until_each_has_its_share(*crowd, 0, kCrowd / 2, kFloor, "producers");
    work_until_each_has_its_share(*crowd, kCrowd / 2, kCrowd, kFloor, "consumers");
    crowd->stop.store(1);
    for (int i = 0; i < kCrowd / 2; ++i) { assert_int_equal(end_of(people[i]), 0); }
    for (int i = 0; i < kCrowd / 2; ++i) { test::assert_ok(queue.put(-1, kLong)); }
    for (int i = kCrowd / 2; i < kCrowd; ++i) { assert_int_equal(end_of(people[i]), 0); }
    assert_int_equal(share_of(*crowd, 0, kCrowd / 2).sum, share_of(*crowd, kCrowd / 2, kCrowd).sum);
    assert_true(queue.empty());
}

void of_32_on_one_cpu_each_gets_the_lock(void**) {
    const test::OneCpu here;
    const std::int64_t floor = strcmp(brood::port::kName, "posix") == 0 ? 50 : 500;
    Lock lock = Lock::create().expect("making it");
    const Board<Crowd> crowd;
    pid_t people[kCrowd];
    for (int i = 0; i < kCrowd; ++i) {
        people[i] = test::start_child([&, i] {
            while (crowd->stop.load() == 0) {
                if (!lock.take(kLong).ok()) { return 1; }
                const std::int64_t before = crowd->guarded;
                if (before % 7 == 0) { (void)sched_yield(); }  // In the hands of one off the CPU.
                crowd->guarded = before + 1;
                crowd->done[i].fetch_add(1);
                if (!lock.release().ok()) { return 2; }
            }
            return 0;
        });
    }
    work_until_each_has_its_share(*crowd, 0, kCrowd, floor, "the lock");
    crowd->stop.store(1);
    for (const pid_t one : people) { assert_int_equal(end_of(one), 0); }
    assert_int_equal(crowd->guarded, share_of(*crowd, 0, kCrowd).sum);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(four_producers_and_four_consumers_lose_and_double_nothing_and_keep_the_order),
        TIDY(of_16_producers_and_16_consumers_on_one_cpu_each_gets_its_share),
        TIDY(of_32_on_one_cpu_each_gets_the_lock),
    };
    return cmocka_run_group_tests_name("crowd", tests, nullptr, nullptr);
}
