// Goal: NamedSemaphore is the system's own semaphore, with timeouts that no signal and no clock
// stretches, exact modes, and names that only their creator removes.
// Method: real processes, bare sem_* calls on the other side, kills of holders and of sleepers.
#include "shared_support.hpp"

#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <utility>

#include <brood/named_semaphore.hpp>
#include <brood/process.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Access;
using brood::Errc;
using brood::Error;
using brood::Limit;
using brood::milliseconds;
using brood::NamedSemaphore;
using brood::Process;
using brood::Result;
using brood::seconds;
using brood::Timeout;
using test::assert_code;
using test::assert_ok;

namespace {

constexpr int kCannot = 77;

// A name that is removed whatever happens.
struct SemaphoreName : Name {
    using Name::Name;
    ~SemaphoreName() { (void)sem_unlink(text); }
};

NamedSemaphore make(const char* name, std::uint32_t value) {
    return NamedSemaphore::create(name, value).expect("making a semaphore");
}

// ---- Permits -----------------------------------------------------------------------------------

void permits_are_taken_and_given(void**) {
    const SemaphoreName name("permits");
    NamedSemaphore semaphore = make(name, 2);
    assert_int_equal(*semaphore.value(), 2);
    assert_ok(semaphore.acquire());
    assert_ok(semaphore.acquire_nowait());
    assert_code(semaphore.acquire_nowait(), Errc::timed_out);
    assert_code(semaphore.acquire(Timeout::no_wait()), Errc::timed_out);
    assert_int_equal(*semaphore.value(), 0);
    assert_ok(semaphore.release(3));
    assert_int_equal(*semaphore.value(), 3);
    assert_ok(semaphore.release(0));
    assert_ok(semaphore.acquire(seconds(1)));
    assert_int_equal(*semaphore.value(), 2);
}

void four_rooms_hold_at_most_four_of_ten(void**) {
    constexpr int kGuests = 10;
    const SemaphoreName name("rooms");
    NamedSemaphore rooms = make(name, 4);
    Board<std::atomic<int>> inside, most;
    Process guests[kGuests];
    for (Process& guest : guests) {
        guest = Process([&] {
            for (int visit = 0; visit < 50; ++visit) {
                rooms.acquire(seconds(20)).expect("entering");
                const int now = inside->fetch_add(1) + 1;
                int before = most->load();
                while (before < now && !most->compare_exchange_weak(before, now)) {}
                sleep_us(100);
                inside->fetch_sub(1);
                rooms.release().expect("leaving");
            }
        });
        assert_ok(guest.start());
    }
    for (Process& guest : guests) {
        assert_ok(guest.join(seconds(60)));
        assert_int_equal(*guest.exit_code(), 0);
    }
    assert_in_range(most->load(), 1, 4);
    assert_int_equal(*rooms.value(), 4);
}

void a_sleeper_wakes_when_a_permit_is_given(void**) {
    for (const Timeout timeout : {Timeout::forever(), seconds(20)}) {
        const SemaphoreName name("sleeper");
        NamedSemaphore semaphore = make(name, 0);
        test::Handshake ready;
        const pid_t sleeper = start_child([&] {
            ready.tell();
            CHECK_IN_CHILD(semaphore.acquire(timeout).ok());
        });
        assert_true(ready.await());
        sleep_us(20000);  // So that it mostly sleeps by now.
        assert_ok(semaphore.release());
        assert_int_equal(end_of(sleeper), 0);
        assert_int_equal(*semaphore.value(), 0);
    }
}

void assert_times_out_after(NamedSemaphore& semaphore, int64_t ms) {
    const int64_t start = test::now_ns();
    assert_code(semaphore.acquire(milliseconds(ms)), Errc::timed_out);
    const int64_t took_ms = (test::now_ns() - start) / 1000000;
    assert_true(took_ms >= ms && took_ms < ms + test::kPatienceMs);
}

void a_wait_ends_at_its_deadline_and_not_before(void**) {
    const SemaphoreName name("deadline");
    NamedSemaphore semaphore = make(name, 0);
    for (const int64_t ms : {1, 60, 400}) { assert_times_out_after(semaphore, ms); }
    assert_code(semaphore.acquire(milliseconds(-1)), Errc::timeout_negative);
    assert_code(semaphore.acquire(seconds(INT64_MAX)), Errc::timeout_overflow);
}

// Promise 26.
void a_storm_of_signals_neither_ends_nor_lengthens_a_wait(void**) {
    const SemaphoreName name("storm");
    NamedSemaphore semaphore = make(name, 0);
    test::Handshake timed_out;
    const pid_t giver = start_child([&] {
        CHECK_IN_CHILD(timed_out.await());
        sleep_us(600000);
        CHECK_IN_CHILD(semaphore.release().ok());
    });
    {
        const test::AlarmStorm storm;
        assert_times_out_after(semaphore, 300);
        timed_out.tell();
        assert_ok(semaphore.acquire());
    }
    assert_int_equal(end_of(giver), 0);
}

void the_highest_value_names_its_limit(void**) {
    const SemaphoreName name("limit");
    const auto most = static_cast<std::uint32_t>(SEM_VALUE_MAX);
    for (const std::uint32_t value : {most + 1u, UINT32_MAX}) {
        const Result<NamedSemaphore> made = NamedSemaphore::create(name, value);
        assert_code(made, Errc::over_system_limit);
        assert_string_equal(made.error().limit_name(), "SEM_VALUE_MAX");
        assert_int_equal(made.error().detail(), most);
    }
    NamedSemaphore semaphore = make(name, most);
    assert_code(semaphore.release(), Errc::over_system_limit);
    assert_ok(semaphore.acquire());
    assert_code(semaphore.release(2), Errc::over_system_limit);
    assert_int_equal(*semaphore.value(), most - 1);
    assert_ok(semaphore.release());
    const brood::Status over = semaphore.release(UINT32_MAX);
    assert_true(over.error().limit() == Limit::sem_value_max);
}

// ---- Deaths ------------------------------------------------------------------------------------

// What Semaphore is for: here nothing knows who held it.
void a_permit_of_the_dead_does_not_come_back(void**) {
    const SemaphoreName name("dead");
    NamedSemaphore semaphore = make(name, 1);
    const pid_t holder = start_child([&] {
        CHECK_IN_CHILD(semaphore.acquire().ok());
        (void)raise(SIGKILL);
    });
    assert_int_equal(end_of(holder), -SIGKILL);
    assert_code(semaphore.acquire(milliseconds(50)), Errc::timed_out);
    assert_ok(semaphore.release());  // Anybody may give it back.
    assert_ok(semaphore.acquire_nowait());
}

// A libc wakes one sleeper for each post. If that one is killed before it takes the permit, no
// other is woken: so they look for themselves, within a second (promise 3). A stopped sleeper is
// woken, but cannot take; then it is killed.
void a_sleeper_killed_when_it_was_woken_strands_no_other(void**) {
    for (const Timeout timeout : {Timeout::forever(), seconds(20)}) {
        const SemaphoreName name("woken");
        NamedSemaphore semaphore = make(name, 0);
        pid_t first = -1, second = -1;
        for (pid_t* sleeper : {&first, &second}) {
            test::Handshake ready;
            *sleeper = start_child([&] {
                ready.tell();
                CHECK_IN_CHILD(semaphore.acquire(timeout).ok());
            });
            assert_true(ready.await());
            sleep_us(30000);  // In this order to sleep; if not, the test shows less, and passes.
        }
        (void)kill(first, SIGSTOP);
        test::await_state(first, 'T');
        assert_ok(semaphore.release());
        kill_and_reap(first);
        const int64_t start = now_ms();
        assert_int_equal(end_of(second), 0);
        assert_true(now_ms() - start < test::kSoonMs);
        assert_int_equal(*semaphore.value(), 0);
    }
}

void kills_at_random_moments_lose_at_most_the_permits_of_the_dead(void**) {
    constexpr int kKills = 100, kPermits = 50;
    const SemaphoreName name("kills");
    NamedSemaphore semaphore = make(name, kPermits);
    Chance chance(3);
    for (int kill = 0; kill < kKills; ++kill) {
        const pid_t worker = start_child([&] {
            for (;;) {
                CHECK_IN_CHILD(semaphore.acquire(seconds(20)).ok());
                CHECK_IN_CHILD(semaphore.release().ok());
            }
        });
        sleep_us(chance.below(1500));
        kill_and_reap(worker);
        const std::uint32_t left = *semaphore.value();
        assert_in_range(left, kPermits - 1, kPermits);
        if (left < kPermits) { assert_ok(semaphore.release()); }
        assert_ok(semaphore.acquire(seconds(20)));
        assert_ok(semaphore.release());
    }
}

// ---- Other programs ----------------------------------------------------------------------------

void another_programs_semaphore_is_the_same(void**) {
    const SemaphoreName name("shared");
    sem_t* const bare = sem_open(name, O_CREAT | O_EXCL, 0600, 1u);
    assert_true(bare != SEM_FAILED);
    NamedSemaphore semaphore = NamedSemaphore::open(name).expect("opening");
    assert_code(NamedSemaphore::create(name, 1), Errc::already_exists);
    assert_ok(semaphore.acquire());
    assert_int_equal(sem_trywait(bare), -1);
    assert_ok(semaphore.release(2));
    assert_int_equal(sem_trywait(bare), 0);
    assert_int_equal(sem_post(bare), 0);
    assert_int_equal(*semaphore.value(), 2);
    semaphore.close();
    assert_int_equal(sem_close(bare), 0);
    assert_ok(NamedSemaphore::open(name));  // It was not ours to remove.
}

const char kPython[] = R"(
import ctypes, sys
if ctypes.sizeof(ctypes.c_void_p) != int(sys.argv[2]):
    sys.exit(77)
libc = ctypes.CDLL(None, use_errno=True)
libc.sem_open.restype = ctypes.c_void_p
semaphore = ctypes.c_void_p(libc.sem_open(sys.argv[1].encode(), 0))
assert semaphore.value, ctypes.get_errno()
assert libc.sem_wait(semaphore) == 0
assert libc.sem_trywait(semaphore) == -1
for _ in range(3):
    assert libc.sem_post(semaphore) == 0
)";

void python_takes_and_gives_what_brood_made(void**) {
    const SemaphoreName name("python");
    NamedSemaphore semaphore = make(name, 1);
    const int end = end_of(start_child([&] {
        const char* const word = sizeof(void*) == 8 ? "8" : "4";
        const char* const none = nullptr;
        (void)execlp("python3", "python3", "-c", kPython, name.text, word, none);
        _exit(127);
    }));
    if (end == kCannot) { return test::not_run("Python", "it has another word size"); }
    if (end == 127) { return test::not_run("Python", "no python3"); }
    assert_int_equal(end, 0);
    assert_int_equal(*semaphore.value(), 3);
}

void a_file_too_short_to_be_one_is_corrupt(void**) {
    if (strcmp(brood::port::kName, "posix") == 0) {
        return test::not_run("a damaged semaphore", "posix does not say where it is kept");
    }
    char object[80];
    const SemaphoreName name("short");
    (void)snprintf(object, sizeof object, "/sem.%s", name.text + 1);
    for (const size_t bytes : {size_t{0}, sizeof(sem_t) - 1}) {
        RawObject file(object, O_CREAT | O_RDWR);
        assert_true(file.exists() && file.resize(bytes));
        assert_code(NamedSemaphore::open(name), Errc::corrupt);
    }
    assert_ok(NamedSemaphore::remove(name));
}

// ---- Handles, names and modes ------------------------------------------------------------------

void a_handle_that_was_closed_or_moved_says_closed(void**) {
    const SemaphoreName name("moved");
    NamedSemaphore semaphore = make(name, 1);
    NamedSemaphore other = std::move(semaphore);
    NamedSemaphore none;
    for (NamedSemaphore* closed : {&semaphore, &none}) {
        assert_false(closed->is_open());
        assert_code(closed->acquire(), Errc::closed);
        assert_code(closed->acquire_nowait(), Errc::closed);
        assert_code(closed->release(), Errc::closed);
        assert_code(closed->value(), Errc::closed);
        closed->close();
    }
    none = std::move(other);
    assert_ok(none.acquire_nowait());
    assert_string_equal(none.name(), name);
}

void names_follow_one_rule(void**) {
    char long_name[300] = "/";
    memset(long_name + 1, 'x', 255);
    for (const BadName& row : kBadNames) {
        assert_code(NamedSemaphore::create(row.name, 1), row.wanted);
        assert_code(NamedSemaphore::open(row.name), row.wanted);
        assert_code(NamedSemaphore::remove(row.name), row.wanted);
    }
    // Between what our rule takes and what the libc can: it says so.
    for (std::size_t bytes = 255; bytes >= 245; --bytes) {
        long_name[bytes] = '\0';
        const Errc code = NamedSemaphore::create(long_name, 1).code();
        if (code != Errc::ok) { assert_error(code, Errc::name_too_long, "a long name"); }
        if (bytes == 245) { assert_error(code, Errc::ok, "a shorter one"); }
    }
    assert_code(NamedSemaphore::open("/brood-test-nobody"), Errc::not_found);
    assert_code(NamedSemaphore::remove("/brood-test-nobody"), Errc::not_found);
    const SemaphoreName name("bad");
    assert_code(NamedSemaphore::create(name, 1, static_cast<Access>(0)), Errc::bad_argument);
}

void only_the_creator_removes_the_name_of_its_own_semaphore(void**) {
    const SemaphoreName name("owned");
    {
        NamedSemaphore semaphore = make(name, 1);
        assert_ok(NamedSemaphore::open(name));
        assert_child_exits(0, [&] { semaphore.close(); });
        assert_child_exits(0, [&] { const NamedSemaphore opened = *NamedSemaphore::open(name); });
        Process child([&semaphore] { semaphore.value().expect("value"); });
        assert_ok(child.start());
        assert_ok(child.join());
        assert_ok(NamedSemaphore::open(name));
    }
    assert_code(NamedSemaphore::open(name), Errc::not_found);
    {
        NamedSemaphore semaphore = make(name, 1);
        semaphore.keep_name();
    }
    assert_ok(NamedSemaphore::remove(name));
    NamedSemaphore old = make(name, 1);
    assert_ok(NamedSemaphore::remove(name));
    const NamedSemaphore heir = make(name, 1);
    old.close();
    assert_ok(NamedSemaphore::open(name));  // Promise 19: another's by now.
}

// Of a creator that closes it: it has opened the name once more, to see whose it is.
void what_was_closed_is_mapped_no_more(void**) {
    const SemaphoreName name("mapped");
    const auto count = [] {
        FILE* const maps = fopen("/proc/self/maps", "re");
        if (maps == nullptr) { return -1; }
        int found = 0;
        char line[600];
        while (fgets(line, sizeof line, maps) != nullptr) {
            if (strstr(line, "/dev/shm/") != nullptr) { ++found; }
        }
        (void)fclose(maps);
        return found;
    };
    const int before = count();
    {
        const NamedSemaphore semaphore = make(name, 1);
        const NamedSemaphore opened = NamedSemaphore::open(name).expect("opening");
        if (count() != before + 1) {
            return test::not_run("mappings", "/proc/self/maps does not tell");
        }
    }
    assert_int_equal(count(), before);
}

void the_name_goes_even_when_no_descriptor_is_left(void**) {
    const SemaphoreName name("last");
    assert_child_exits(0, [&] {
        NamedSemaphore semaphore = make(name, 1);
        while (dup(2) >= 0) {}
        CHECK_IN_CHILD(NamedSemaphore::open("/brood-test-x").code() == Errc::too_many_files);
        semaphore.close();
    });
    assert_code(NamedSemaphore::open(name), Errc::not_found);
}

// Promise 20.
void a_mode_is_exact_whatever_the_umask(void**) {
    if (getuid() != 0) { return test::not_run("modes", "needs root"); }
    for (const mode_t mask : kUmasks) {
        for (const ModeRow& row : kModeRows) {
            const SemaphoreName name("mode");
            const mode_t before = umask(mask);
            const Result<NamedSemaphore> made = NamedSemaphore::create(name, 1, row.access);
            assert_int_equal(umask(before), mask);  // It is as it was.
            assert_ok(made);
            assert_true(opens_as<NamedSemaphore>(0, 0, name));
            assert_true(opens_as<NamedSemaphore>(64321, 0, name) == row.group);
            assert_true(opens_as<NamedSemaphore>(64321, 64321, name) == row.others);
        }
    }
}

// Promise 14.
void without_dev_shm_it_is_unsupported(void**) {
    const int end = end_of(start_child([] {
        const bool done = unshare(CLONE_NEWNS) == 0 &&
                          mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                          mount("none", "/dev", "tmpfs", 0, "size=64k") == 0;
        if (!done) { _exit(kCannot); }
        CHECK_IN_CHILD(NamedSemaphore::create("/none", 1).code() == Errc::unsupported);
        CHECK_IN_CHILD(NamedSemaphore::open("/none").code() == Errc::not_found);
    }));
    if (end == kCannot) { return test::not_run("no /dev/shm", "needs a mount namespace"); }
    assert_int_equal(end, 0);
}

}  // namespace

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        TIDY(permits_are_taken_and_given),
        TIDY(four_rooms_hold_at_most_four_of_ten),
        TIDY(a_sleeper_wakes_when_a_permit_is_given),
        TIDY(a_wait_ends_at_its_deadline_and_not_before),
        TIDY(a_storm_of_signals_neither_ends_nor_lengthens_a_wait),
        TIDY(the_highest_value_names_its_limit),
        TIDY(a_permit_of_the_dead_does_not_come_back),
        TIDY(a_sleeper_killed_when_it_was_woken_strands_no_other),
        TIDY(kills_at_random_moments_lose_at_most_the_permits_of_the_dead),
        TIDY(another_programs_semaphore_is_the_same),
        TIDY(python_takes_and_gives_what_brood_made),
        TIDY(a_file_too_short_to_be_one_is_corrupt),
        TIDY(a_handle_that_was_closed_or_moved_says_closed),
        TIDY(names_follow_one_rule),
        TIDY(only_the_creator_removes_the_name_of_its_own_semaphore),
        TIDY(what_was_closed_is_mapped_no_more),
        TIDY(the_name_goes_even_when_no_descriptor_is_left),
        TIDY(a_mode_is_exact_whatever_the_umask),
        TIDY(without_dev_shm_it_is_unsupported),
    };
    return cmocka_run_group_tests_name("named_semaphore", tests, nullptr, nullptr);
}
