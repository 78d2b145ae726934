// Goal: what objects cost in shared memory is what their headers say, and who waits costs nothing.
// Method: the shared mappings of this process and of its sleeping children, as /proc tells them.
#include "shared_support.hpp"
#include "sleeper_support.hpp"

#include <brood/barrier.hpp>
#include <brood/byte_queue.hpp>
#include <brood/condition.hpp>
#include <brood/event.hpp>
#include <brood/joinable_queue.hpp>
#include <brood/lock.hpp>
#include <brood/rlock.hpp>
#include <brood/semaphore.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::milliseconds;
using brood::Queue;
using test::assert_ok;

namespace {

const brood::Timeout kLong = milliseconds(test::kPatienceMs);
constexpr std::size_t kKiB = 1024;

// Bytes in the shared mappings of a process, for reading and writing.
std::size_t shared_bytes(pid_t pid = getpid()) {
    char line[512], path[40];
    (void)snprintf(path, sizeof path, "/proc/%d/maps", static_cast<int>(pid));
    FILE* const file = fopen(path, "re");
    assert_non_null(file);
    std::size_t bytes = 0;
    while (fgets(line, sizeof line, file) != nullptr) {
        unsigned long from = 0, to = 0;
        char mode[5] = "";
        if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) == 3 && strcmp(mode, "rw-s") == 0) {
            bytes += to - from;
        }
    }
    (void)fclose(file);
    return bytes;
}

std::size_t whole_pages(std::size_t bytes) {
    const std::size_t page = brood::port::page_bytes();
    return (bytes + page - 1) / page * page;
}

// Fails at the caller's line unless what `make` makes takes that much, and gives it back.
template <class F>
void assert_costs(std::size_t bytes, F make, int line = __builtin_LINE()) {
    const std::size_t before = shared_bytes();
    {
        const auto made = make();
        assert_ok(made.error());
        _assert_int_equal(shared_bytes() - before, whole_pages(bytes), __FILE__, line);
    }
    _assert_int_equal(shared_bytes(), before, __FILE__, line);
}

struct Message {
    char bytes[61];  // A multiple of 8 in the queue: 64.
};

void the_first_queue_brings_the_table_and_each_costs_its_messages_and_a_kibibyte(void**) {
    const std::size_t before = shared_bytes();
    { assert_ok(Queue<int>::create(1).error()); }
    assert_int_equal(shared_bytes() - before, 64 * kKiB);
    assert_costs(8 + kKiB, [] { return Queue<int>::create(1); });
    assert_costs(1024 * 8 + kKiB, [] { return Queue<int>::create(1000); });
    assert_costs(1024 * 8 + kKiB, [] { return Queue<int>::create(1024); });
    assert_costs(64 * 64 + kKiB, [] { return Queue<Message>::create(33); });
    assert_costs(128 * kKiB + kKiB, [] { return brood::ByteQueue::create(100 * kKiB); });
    assert_costs(1024 * 8 + kKiB + 16 * kKiB,
                 [] { return brood::JoinableQueue<int>::create(1000); });
}

void known_producers_cost_128_bytes_each(void**) {
    auto queue = Queue<int>::create(8).expect("making it");
    const std::size_t before = shared_bytes();
    assert_ok(queue.producers(100));
    assert_in_range(shared_bytes() - before, whole_pages(100 * 128) - 4 * kKiB,
                    whole_pages(100 * 128));
}

void locks_and_those_who_may_wait_cost_what_is_said(void**) {
    assert_costs(1, [] { return brood::Lock::create(); });
    assert_costs(1, [] { return brood::RLock::create(); });
    assert_costs(1, [] { return brood::Event::create(); });
    assert_costs(1, [] { return brood::Semaphore::signalling(3); });
    assert_costs(1, [] { return brood::Semaphore::create(3); });
    assert_costs(1000 * 64 + kKiB, [] { return brood::Semaphore::create(1000); });
    assert_costs(100 * 64 + kKiB, [] { return brood::Barrier::create(100, kLong); });
    assert_costs(100 * 136 + kKiB, [] { return brood::Condition::create(100); });
}

// ---- Who waits ---------------------------------------------------------------------------------

void who_waits_for_a_queue_takes_no_memory_for_it(void**) {
    auto empty = Queue<int>::create(8).expect("making it");
    auto full = Queue<int>::create(1).expect("making it");
    assert_ok(full.put(1));
    assert_ok(empty.put(1));
    assert_ok(empty.get(kLong));
    const std::size_t before = shared_bytes();
    pid_t waiters[16];
    for (int i = 0; i < 16; ++i) {
        waiters[i] = test::start_sleeping([&, i] {
            return i % 2 == 0 ? static_cast<int>(empty.get(kLong).ok()) : full.put(2, kLong).ok();
        });
    }
    for (const pid_t one : waiters) { assert_int_equal(shared_bytes(one), before); }
    assert_int_equal(shared_bytes(), before);
    for (const pid_t one : waiters) { kill_and_reap(one); }
}

void who_waits_for_a_lock_or_an_event_takes_no_memory_for_it(void**) {
    auto lock = brood::Lock::create().expect("making it");
    auto event = brood::Event::create().expect("making it");
    assert_ok(lock.take(kLong).error());
    const std::size_t before = shared_bytes();
    pid_t waiters[8];
    for (int i = 0; i < 8; ++i) {
        waiters[i] = test::start_sleeping([&, i] {
            return i % 2 == 0 ? static_cast<int>(lock.take(kLong).ok()) : event.wait(kLong).ok();
        });
    }
    for (const pid_t one : waiters) { assert_int_equal(shared_bytes(one), before); }
    for (const pid_t one : waiters) { kill_and_reap(one); }
    assert_ok(lock.release().error());
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(the_first_queue_brings_the_table_and_each_costs_its_messages_and_a_kibibyte),
        TIDY(known_producers_cost_128_bytes_each),
        TIDY(locks_and_those_who_may_wait_cost_what_is_said),
        TIDY(who_waits_for_a_queue_takes_no_memory_for_it),
        TIDY(who_waits_for_a_lock_or_an_event_takes_no_memory_for_it),
    };
    return cmocka_run_group_tests_name("memory_cost", tests, nullptr, nullptr);
}
