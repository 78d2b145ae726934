// Goal: one who sets an event or releases a semaphore, and is killed at any instruction of that,
// leaves nobody asleep beside what he set or released.
// Method: the victim is stepped by ptrace, one instruction more in each round, until a round meets
// its end. Two others sleep, and must go without help if he had come far enough.
#include "shared_support.hpp"
#include "sleeper_support.hpp"

#include <sys/ptrace.h>

#include <brood/event.hpp>
#include <brood/semaphore.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Event;
using brood::Semaphore;

namespace {

const brood::Timeout kLong = brood::milliseconds(test::kPatienceMs);
constexpr int kStepsMax = 20000;
constexpr int64_t kStrandedMs = test::kSoonMs;

// Runs `prepare`, and then `steps` instructions of `act`, and is killed. False: it came to the end.
template <class F, class G>
bool is_killed_after(int steps, F prepare, G act, bool& can_step) {
    const pid_t victim = start_child([&] {
        prepare();
        if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) { _exit(77); }
        (void)raise(SIGSTOP);
        act();
    });
    int status = 0;
    assert_int_equal(waitpid(victim, &status, 0), victim);
    can_step = WIFSTOPPED(status);
    for (int i = 0; i < steps && WIFSTOPPED(status); ++i) {
        can_step = ptrace(PTRACE_SINGLESTEP, victim, nullptr, nullptr) == 0;
        if (!can_step) { break; }
        assert_int_equal(waitpid(victim, &status, 0), victim);
    }
    if (!WIFSTOPPED(status)) { return false; }
    (void)kill(victim, SIGKILL);
    assert_int_equal(waitpid(victim, &status, 0), victim);
    return true;
}

bool has_ended(pid_t pid) {
    return test::state_of(pid) == 'Z';
}

// `make` gives what is tested, `wait` is a waiter, `has_happened` tells whether waiters must go,
// and `help` makes them go if not.
template <class Make, class Prepare, class Act, class Wait, class Happened, class Help>
void sweep(const char* what, Make make, Prepare prepare, Act act, Wait wait, Happened has_happened,
           Help help) {
#if defined(__SANITIZE_ADDRESS__)
    return test::not_run(what, "the sanitizers' code takes a hundred times as many steps");
#endif
    if (!brood::port::rings_for_the_dead()) {
        return test::not_run(what, "this system does not ring for the dead");
    }
    int points = 0, happened = 0;
    for (bool is_over = false; !is_over; ++points) {
        assert_true(points < kStepsMax);
        auto object = make();
        bool can_step = true;
        // The waiters begin when the victim is ready, as it may hold what they wait for.
        Board<std::atomic<int>> step;
        pid_t waiters[2] = {};
        const auto ready = [&] {
            prepare(object);
            step->store(1);
            sleep_us(1500);
        };
        for (pid_t& one : waiters) {
            one = start_child([&] {
                CHECK_IN_CHILD(becomes(*step, 1));
                CHECK_IN_CHILD(wait(object));
            });
        }
        is_over = !is_killed_after(
            points, ready, [&] { act(object); }, can_step);
        if (!can_step) { help(object); }
        const auto must_go = [&] {
            return has_happened(object) || has_ended(waiters[0]) || has_ended(waiters[1]);
        };
        if (must_go()) {
            ++happened;
        } else if (can_step) {
            sleep_us(500);
            if (!must_go()) { help(object); }
        }
        const int64_t deadline = now_ms() + kStrandedMs;
        while (!has_ended(waiters[0]) || !has_ended(waiters[1])) {
            if (now_ms() > deadline) { fail_msg("%s, instruction %d: stranded", what, points); }
            sleep_us(100);
        }
        for (const pid_t one : waiters) { assert_int_equal(end_of(one), 0); }
        if (!can_step) { return test::not_run(what, "nothing can be stepped here"); }
    }
    print_message("%s: killed at %d instructions, of which %d after it was done\n", what, points,
                  happened);
    assert_true(happened > 1);
}

void an_event_is_set(void**) {
    sweep(
        "set", [] { return Event::create().expect("making it"); }, [](Event&) {},
        [](Event& event) { (void)event.set(); },
        [](Event& event) { return event.wait(kLong).ok(); },
        [](Event& event) { return event.is_set(); }, [](Event& event) { (void)event.set(); });
}

void units_are_released(void**) {
    sweep(
        "release of two units", [] { return Semaphore::signalling(0).expect("making it"); },
        [](Semaphore&) {}, [](Semaphore& units) { (void)units.release(2); },
        [](Semaphore& units) { return units.take(kLong).ok(); },
        [](Semaphore& units) { return units.value() > 0; },
        [](Semaphore& units) { (void)units.release(2); });
}

// Whatever he had done by then: his permits come back, and both go.
void permits_are_released(void**) {
    sweep(
        "release of two permits", [] { return Semaphore::create(2).expect("making it"); },
        [](Semaphore& permits) {
            CHECK_IN_CHILD(permits.take().ok());
            CHECK_IN_CHILD(permits.take().ok());
        },
        [](Semaphore& permits) { (void)permits.release(2); },
        [](Semaphore& permits) {
            const brood::Status taken = permits.take(kLong);
            return taken.ok();
        },
        [](Semaphore& permits) { return permits.value() > 0; }, [](Semaphore&) {});
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(an_event_is_set),
        TIDY(units_are_released),
        TIDY(permits_are_released),
    };
    return cmocka_run_group_tests_name("ringer_step", tests, nullptr, nullptr);
}
