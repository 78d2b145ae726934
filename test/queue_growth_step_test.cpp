// Goal: one who is killed at any instruction of a put that makes a queue grow, or of a get that
// makes it shrink, loses nothing that was put, doubles nothing, and wedges nobody; one who is
// stopped in the middle of a get holds up a put that must grow, and harms nothing.
// Method: the victim is stepped by ptrace, up to an instruction further in each round, until a
// round meets its end. Some are left out; with BROOD_LONG=1 none. Then a survivor puts, gets all,
// and looks at every message and at the memory.
#include "shared_support.hpp"
#include "step_support.hpp"

#include <brood/queue.hpp>

using namespace shared_test;
using brood::Errc;
using brood::milliseconds;
using brood::Queue;
using brood::Result;
using test::assert_ok;

namespace {

const brood::Timeout kLong = milliseconds(test::kPatienceMs);
constexpr int kSlots = 16;  // of a new ring, for messages of this size
constexpr int kLate = 1000;

struct Message {
    int number, copies[127];
    static Message make(int number) {
        Message message = {number, {}};
        for (int& copy : message.copies) { copy = number; }
        return message;
    }
    bool is(int wanted) const {
        for (const int copy : copies) {
            if (copy != wanted) { return false; }
        }
        return number == wanted;
    }
};

void put(Queue<Message>& queue, int from, int to) {
    for (int i = from; i < to; ++i) {
        const brood::Status status = queue.put(Message::make(i), kLong);
        if (!status.ok()) { fail_msg("put %d: %s", i, status.error().name()); }
    }
}

void get(Queue<Message>& queue, int from, int to) {
    for (int i = from; i < to; ++i) {
        const Result<Message> got = queue.get(kLong);
        if (!got.ok() || !got->is(i)) {
            fail_msg("get %d: %s, %d", i, got.error().name(), got.ok() ? got->number : -1);
        }
    }
}

// KiB of the largest shared mapping that are in memory, of its first MiB; whoever touched them.
int resident_kilobytes() {
    FILE* const file = fopen("/proc/self/maps", "re");
    assert_non_null(file);
    char line[512];
    std::uintptr_t begin = 0, end = 0, best = 0;
    size_t bytes = 0;
    while (fgets(line, sizeof line, file) != nullptr) {
        unsigned long from = 0, to = 0;
        if (sscanf(line, "%lx-%lx rw-s", &from, &to) != 2 || strstr(line, "rw-s") == nullptr) {
            continue;
        }
        begin = from;
        end = to;
        if (end - begin > bytes) { best = begin, bytes = end - begin; }
    }
    (void)fclose(file);
    unsigned char pages[256] = {};
    const size_t page = brood::port::page_bytes();
    bytes = bytes < 256 * page ? bytes : 256 * page;
    assert_int_equal(mincore(reinterpret_cast<void*>(best), bytes, pages), 0);
    int resident = 0;
    for (const unsigned char one : pages) { resident += one & 1; }
    return resident * static_cast<int>(page / 1024);
}

void assert_memory_was_given_back() {
    if (strcmp(brood::port::kName, "posix") != 0) { assert_in_range(resident_kilobytes(), 4, 16); }
}

// `before` and `act` are the victim's, `setting` and `check` the survivor's; `check` is told
// whether the victim came to the end, and says whether what he did was done.
template <class Setting, class Before, class Act, class Check>
void sweep(const char* what, int every, Setting setting, Before before, Act act, Check check) {
    int done = 0;
    const test::Swept swept = test::sweep(what, every, [&](int steps) {
        Queue<Message> queue = Queue<Message>::create(0).expect("making it");
        setting(queue);
        test::Stepped victim(
            [&] {
                before(queue);
                return true;
            },
            [&] { act(queue); });
        const bool has_ended = !victim.step(steps);
        if (has_ended) { assert_int_equal(victim.end(), 0); }
        victim.kill_now();
        const bool is_done = check(queue, has_ended);
        done += is_done && !has_ended ? 1 : 0;
        assert_true(queue.empty());
        assert_memory_was_given_back();
        return has_ended;
    });
    if (swept.points == 0) { return; }
    print_message("%s: killed %d times after it was done\n", what, done);
    assert_true((done > 0 || swept.every > 1) && done < swept.points);
}

// Turns an empty ring, so that some messages get another place when it changes, and some do not.
// Three do: of more the processor may make one instruction, of thousands of steps.
void turn(Queue<Message>& queue, int by) {
    for (int i = 0; i < by; ++i) {
        CHECK_IN_CHILD(queue.put(Message::make(i)).ok());
        CHECK_IN_CHILD(queue.get(kLong).ok());
    }
}

bool all_come_out_after_growing(Queue<Message>& queue, bool has_ended) {
    const std::size_t count = queue.qsize();
    const bool is_in = count == kSlots + 1;
    assert_true(is_in || (count == kSlots && !has_ended));
    put(queue, kLate, kLate + 1);
    get(queue, 0, static_cast<int>(count));
    get(queue, kLate, kLate + 1);
    put(queue, 0, 10 * kSlots);
    get(queue, 0, 10 * kSlots);
    return is_in;
}

void a_put_that_grows_it(void**) {
    const auto full = [](Queue<Message>& queue) {
        turn(queue, 3);
        for (int i = 0; i < kSlots; ++i) { CHECK_IN_CHILD(queue.put(Message::make(i)).ok()); }
    };
    const auto nothing = [](Queue<Message>&) {};
    const auto act = [](Queue<Message>& queue) { (void)queue.put(Message::make(kSlots)); };
    sweep("a put that grows it, with both sides his", 37, nothing, full, act,
          all_come_out_after_growing);
    sweep("a put that grows it, with both sides another's", 131, full, nothing, act,
          all_come_out_after_growing);
}

constexpr int kHigh = 4 * kSlots - 8, kLow = kHigh - 5;  // The next get leaves few enough.

bool all_come_out_after_shrinking(Queue<Message>& queue, bool has_ended) {
    const int count = static_cast<int>(queue.qsize());
    const bool is_out = count == kHigh - kLow - 1;
    assert_true(is_out || (count == kHigh - kLow && !has_ended));
    put(queue, kLate, kLate + 1);
    get(queue, kHigh - count, kHigh);
    get(queue, kLate, kLate + 1);
    assert_memory_was_given_back();
    put(queue, 0, 10 * kSlots);
    get(queue, 0, 10 * kSlots);
    return is_out;
}

void a_get_that_shrinks_it(void**) {
    const auto high = [](Queue<Message>& queue) {
        turn(queue, 10);
        for (int i = 0; i < kHigh; ++i) { CHECK_IN_CHILD(queue.put(Message::make(i)).ok()); }
        for (int i = 0; i < kLow; ++i) { CHECK_IN_CHILD(queue.get(kLong)->is(i)); }
    };
    const auto nothing = [](Queue<Message>&) {};
    const auto act = [](Queue<Message>& queue) { CHECK_IN_CHILD(queue.get(kLong)->is(kLow)); };
    sweep("a get that shrinks it, with both sides his", 17, nothing, high, act,
          all_come_out_after_shrinking);
    sweep("a get that shrinks it, with both sides another's", 61, high, nothing, act,
          all_come_out_after_shrinking);
}

// A full ring, and one who is stopped at each instruction of a get.
void a_put_that_must_grow_waits_for_one_stopped_in_a_get(void**) {
    int refused = 0, grown = 0;
    const test::Swept swept = test::sweep("one stopped in a get", 19, [&](int steps) {
        Queue<Message> queue = Queue<Message>::create(0).expect("making it");
        put(queue, 0, kSlots);
        test::Stepped victim(
            [&] { return queue.get(kLong)->is(0) && queue.put(Message::make(kSlots)).ok(); },
            [&] { CHECK_IN_CHILD(queue.get(kLong)->is(1)); });
        const bool is_over = !victim.step(steps);
        if (is_over) { assert_int_equal(victim.end(), 0); }
        int next = kSlots + 1;
        const brood::Status now = queue.put_nowait(Message::make(next));
        next += now.ok() ? 1 : 0;
        assert_true(now.ok() || now.code() == Errc::would_block);
        refused += now.ok() ? 0 : 1;
        grown += now.ok() ? 1 : 0;
        const brood::Status soon = queue.put(Message::make(next), milliseconds(5));
        next += soon.ok() ? 1 : 0;
        assert_true(soon.ok() || (!now.ok() && soon.code() == Errc::timed_out));
        if (!is_over) { victim.let_go_on(); }
        put(queue, next, next + 1);
        if (!is_over) { assert_int_equal(end_of(victim.pid()), 0); }
        get(queue, 2, next + 1);
        assert_true(queue.empty());
        assert_memory_was_given_back();
        return is_over;
    });
    if (swept.points == 0) { return; }
    print_message("stopped in a get: %d puts refused, %d went on\n", refused, grown);
    assert_true(refused > 0 && grown > 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(a_put_that_grows_it),
        TIDY(a_get_that_shrinks_it),
        TIDY(a_put_that_must_grow_waits_for_one_stopped_in_a_get),
    };
    return cmocka_run_group_tests_name("queue_growth_step", tests, nullptr, nullptr);
}
