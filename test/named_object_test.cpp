// Goal (promise 5): whatever happens to the creator of a named object, openers get an error within
// their deadline or the whole object, the next create succeeds, and no living creator loses its
// name.
// Method: creators killed and stopped at each of their system calls (by ptrace) and at random
// moments; many creators over the remains of one.
#include "traced_support.hpp"

#include <pthread.h>
#include <sched.h>

#include <brood/shared_memory.hpp>
#include <brood/value.hpp>
#include <src/named_object.hpp>

using namespace shared_test;
using brood::Errc;
using brood::Result;
using brood::SharedMemory;
using brood::Timeout;
using brood::Value;

namespace {

constexpr uint32_t kWords = 5000;

struct Words {
    uint32_t words[kWords];
    explicit Words(uint32_t stamp = 0) {
        for (uint32_t& word : words) { word = stamp; }
    }
    bool all_are(uint32_t stamp) const {
        for (const uint32_t word : words) {
            if (word != stamp) { return false; }
        }
        return true;
    }
};
using Shared = Value<Words>;

// What an open() that keeps to its deadline finds: ok, not_found or not_ready. Anything else is
// said to be corrupt. Used by children, too, so it asserts nothing.
Errc look(const char* name, uint32_t stamp) {
    constexpr int64_t kWaitMs = 20;
    const int64_t before = now_ms();
    Result<Shared> opened = Shared::open(name, brood::milliseconds(kWaitMs));
    if (now_ms() - before > kWaitMs + test::kSoonMs) { return Errc::corrupt; }
    if (opened.ok()) { return opened->value().all_are(stamp) ? Errc::ok : Errc::corrupt; }
    const bool known = opened.code() == Errc::not_found || opened.code() == Errc::not_ready;
    return known ? opened.code() : Errc::corrupt;
}

// After the death of a creator: what it left is whole or an error, and does not block the name.
// Returns: what look() found; corrupt, too, if the name is blocked.
Errc check_remains(const char* name, uint32_t stamp) {
    const Errc found = look(name, stamp);
    Result<Shared> next = Shared::create_named(name, Words(stamp + 1));
    if (found == Errc::ok) {
        const bool kept = next.code() == Errc::already_exists && SharedMemory::remove(name).ok();
        return kept ? found : Errc::corrupt;
    }
    return next.ok() && look(name, stamp + 1) == Errc::ok ? found : Errc::corrupt;
}

// ---- At every system call ----------------------------------------------------------------------

void a_creator_killed_at_any_system_call_blocks_nobody(void**) {
    if (!can_trace("kills at system calls")) { return; }
    constexpr int kStopsMax = 500;
    const Name name("killed");
    int seen[3] = {};  // Nothing, something unfinished, the whole.
    bool ended = false;
    for (int stops = 0; !ended; ++stops) {
        assert_true(stops < kStopsMax);
        Traced creator([&] {
            const Result<Shared> made = Shared::create_named(name, Words(7));
            _exit(made.ok() ? 0 : 1);  // Without a destructor.
        });
        for (int i = 0; i < stops && !ended; ++i) { ended = !creator.step(); }
        if (!ended) { creator.kill_it(); }
        const Errc found = check_remains(name, 7);
        assert_true(found != Errc::corrupt);
        ++seen[found == Errc::not_found ? 0 : found == Errc::not_ready ? 1 : 2];
        assert_int_equal(count_names(), 0);
    }
    print_message(
        "killed at %d system calls, in and out: %d times nothing was left, %d times "
        "something unfinished, %d times the whole\n",
        (seen[0] + seen[1] + seen[2]) / 2, seen[0], seen[1], seen[2]);
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
}

void memory_without_header_is_whole_or_replaced_too(void**) {
    if (!can_trace("kills at system calls")) { return; }
    const Name name("plain");
    for (const size_t bytes : {size_t{1}, size_t{20000}}) {
        bool ended = false;
        for (int stops = 0; !ended; ++stops) {
            assert_true(stops < 500);
            Traced creator([&] {
                const Result<SharedMemory> made = SharedMemory::create(name, bytes);
                _exit(made.ok() ? 0 : 1);
            });
            for (int i = 0; i < stops && !ended; ++i) { ended = !creator.step(); }
            if (!ended) { creator.kill_it(); }
            Result<SharedMemory> opened = SharedMemory::open(name);
            if (opened.ok()) {
                assert_int_equal(opened->size(), bytes);
                const auto* const data = static_cast<const unsigned char*>(opened->data());
                for (size_t at = 0; at < bytes; ++at) { assert_int_equal(data[at], 0); }
                assert_ok(SharedMemory::remove(name).error());
            }
            assert_ok(SharedMemory::create(name, bytes).error());
        }
    }
}

// Goal: a stopped creator is not taken for dead: it goes on and has the name, or, where it had not
// made it its own yet, is told that another has it.
void a_creator_stopped_at_any_system_call_shares_its_name_with_nobody(void**) {
    if (!can_trace("stops at system calls")) { return; }
    const Name name("stopped");
    struct Meeting {
        std::atomic<int> result{-1};
        std::atomic<int> go{0};
    };
    int won = 0, lost = 0;
    bool ended = false;
    for (int stops = 0; !ended;
         stops += 2) {  // When it leaves one and enters the next is the same.
        assert_true(stops < 500);
        Board<Meeting> meeting;
        Traced creator([&] {
            const Result<Shared> made = Shared::create_named(name, Words(7));
            meeting->result.store(static_cast<int>(made.code()));
            CHECK_IN_CHILD(becomes(meeting->go, 1));
            _exit(0);
        });
        for (int i = 0; i < stops && meeting->result.load() < 0; ++i) {
            assert_true(creator.step());
        }
        ended = meeting->result.load() >= 0;
        const Errc before = look(name, 7);
        assert_true(before != Errc::corrupt);
        Result<Shared> mine = Shared::create_named(name, Words(9));
        if (before == Errc::ok) { assert_false(mine.ok()); }
        creator.let_go();
        assert_true(test::eventually([&] { return meeting->result.load() >= 0; }));
        const Errc theirs = static_cast<Errc>(meeting->result.load());
        assert_error(mine.ok() ? theirs : mine.code(), Errc::already_exists, "the loser");
        assert_true(mine.ok() || theirs == Errc::ok);
        assert_int_equal(look(name, mine.ok() ? 9 : 7), Errc::ok);
        ++(mine.ok() ? lost : won);
        meeting->go.store(1);
        assert_int_equal(creator.end(), 0);
        if (!mine.ok()) { assert_ok(SharedMemory::remove(name).error()); }
    }
    print_message("stopped %d times: kept its name %d times\n", won + lost, won);
    assert_true(won > 0 && lost > 0);
}

// ---- At random moments -------------------------------------------------------------------------

// Kills one creator after another. Returns: how many were not done.
int kill_creators(const char* name, int rounds, uint64_t seed) {
    Chance chance(seed);
    int unfinished = 0;
    for (int round = 0; round < rounds; ++round) {
        Board<std::atomic<int>> made;
        const pid_t creator = start_child([&] {
            for (;;) {
                const Result<Shared> next = Shared::create_named(name, Words(7));
                CHECK_IN_CHILD(next.ok());
                made->store(1);
            }
        });
        CHECK_IN_CHILD(becomes(*made, 1));
        sleep_us(chance.below(300));
        CHECK_IN_CHILD(kill(creator, SIGKILL) == 0);
        CHECK_IN_CHILD(waitpid(creator, nullptr, 0) == creator);
        const Errc found = check_remains(name, 7);
        CHECK_IN_CHILD(found != Errc::corrupt);
        unfinished += found == Errc::not_ready ? 1 : 0;
    }
    return unfinished;
}

// Several at a time, as most of it is waiting whether somebody gives an object a size.
void creators_killed_at_random_moments_block_nobody(void**) {
    constexpr int kKillers = 5, kRounds = 300 / kKillers;
    const char* const names[kKillers] = {"random-1", "random-2", "random-3", "random-4",
                                         "random-5"};
    Board<std::atomic<int>> unfinished;
    pid_t killers[kKillers];
    for (int i = 0; i < kKillers; ++i) {
        killers[i] = start_child([&, i] {
            const uint64_t seed = static_cast<uint64_t>(i) + 5;
            unfinished->fetch_add(kill_creators(Name(names[i]), kRounds, seed));
        });
    }
    for (const pid_t killer : killers) { assert_int_equal(end_of(killer), 0); }
    print_message("%d creators killed, %d of them before they were done\n", kKillers * kRounds,
                  unfinished->load());
    assert_true(unfinished->load() > 0);
}

// ---- Many at a time ----------------------------------------------------------------------------

void leave_remains(const char* name, bool with_mark, mode_t mode = 0600) {
    RawObject dead(name, O_RDWR | O_CREAT | O_EXCL);
    assert_true(dead.exists());
    const uint32_t mark = brood::detail::kMagicMaking;
    if (with_mark) { assert_true(dead.write(0, &mark, sizeof(mark)) && dead.resize(4096)); }
    if (mode != 0600) {
        char path[128];
        (void)snprintf(path, sizeof(path), "/dev/shm%s", name);
        assert_int_equal(chmod(path, mode), 0);
    }
}

constexpr int kCreators = 3;
struct Race {
    std::atomic<int> phase{0};  // Odd: create; even: let go; -1: end.
    std::atomic<int> results[kCreators] = {};
    std::atomic<int> arrived{0};
};

void race(const char* name, Race& race, int self) {
    Result<Shared> made = Errc::not_found;
    for (int seen = 0; seen >= 0;) {
        int phase = 0;
        while ((phase = race.phase.load()) == seen) { (void)sched_yield(); }
        seen = phase;
        made = Errc::not_found;  // Lets go of what it may have.
        if (phase % 2 == 1) {
            made = Shared::create_named(name, Words(static_cast<uint32_t>(self)));
            race.results[self].store(static_cast<int>(made.code()));
        }
        race.arrived.fetch_add(1);
    }
}

void of_several_creators_over_remains_one_gets_the_name(void**) {
    constexpr int kRounds = 200;
    const Name name("race");
    Board<Race> board;
    pid_t creators[kCreators];
    for (int i = 0; i < kCreators; ++i) {
        creators[i] = start_child([&, i] { race(name, *board, i); });
    }
    for (int round = 0; round < kRounds; ++round) {
        // Without a mark they wait for it to get one: 100 ms.
        leave_remains(name, round % 20 != 0);
        board->arrived.store(0);
        board->phase.fetch_add(1);
        assert_true(becomes(board->arrived, kCreators));
        int winner = -1;
        for (int i = 0; i < kCreators; ++i) {
            const Errc code = static_cast<Errc>(board->results[i].load());
            if (code != Errc::ok) { assert_error(code, Errc::already_exists, "a loser"); }
            if (code != Errc::ok) { continue; }
            assert_int_equal(winner, -1);
            winner = i;
        }
        assert_true(winner >= 0);
        assert_int_equal(look(name, static_cast<uint32_t>(winner)), Errc::ok);
        board->arrived.store(0);
        board->phase.fetch_add(1);
        assert_true(becomes(board->arrived, kCreators));
        assert_int_equal(count_names(), 0);
    }
    board->phase.store(-1);
    for (const pid_t creator : creators) { assert_int_equal(end_of(creator), 0); }
}

// On some systems a process loses its lock on an object as soon as any of its threads closes it.
void threads_that_open_the_name_do_not_cost_its_creator_the_lock(void**) {
    constexpr int kRounds = 400;
    const Name name("threads");
    pid_t creators[2];
    for (uint32_t self = 1; self <= 2; ++self) {
        creators[self - 1] = start_child([&] {
            std::atomic<bool> stop{false};
            struct Opener {
                const char* name;
                std::atomic<bool>* stop;
            } opener = {name, &stop};
            const auto open_on = [](void* argument) -> void* {
                const auto* const self_ = static_cast<Opener*>(argument);
                while (!self_->stop->load()) { SharedMemory::open(self_->name).ignore(); }
                return nullptr;
            };
            pthread_t thread;
            CHECK_IN_CHILD(pthread_create(&thread, nullptr, open_on, &opener) == 0);
            for (int made = 0; made < kRounds;) {
                const Result<Shared> next = Shared::create_named(name, Words(self));
                CHECK_IN_CHILD(next.ok() || next.code() == Errc::already_exists);
                if (!next.ok()) { continue; }
                ++made;
                const Result<Shared> seen = Shared::open(name);
                CHECK_IN_CHILD(seen.ok() && seen->value().all_are(self));
            }
            stop.store(true);
            CHECK_IN_CHILD(pthread_join(thread, nullptr) == 0);
        });
    }
    for (const pid_t creator : creators) { assert_int_equal(end_of(creator), 0); }
}

void a_child_forked_while_a_thread_creates_can_create_too(void**) {
    constexpr int kForks = 100;
    const Name busy("busy"), name("forked");
    struct Creator {
        const char* name;
        std::atomic<bool> stop{false};
    } creator = {busy, {false}};
    const auto create_on = [](void* argument) -> void* {
        auto* const self = static_cast<Creator*>(argument);
        while (!self->stop.load()) { Shared::create_named(self->name, Words(1)).ignore(); }
        return nullptr;
    };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, nullptr, create_on, &creator), 0);
    for (int i = 0; i < kForks; ++i) {
        assert_child_exits(0, [&] {
            CHECK_IN_CHILD(Shared::create_named(name, Words(2)).ok());
            CHECK_IN_CHILD(Shared::open(name).code() == Errc::not_found);
        });
    }
    creator.stop.store(true);
    assert_int_equal(pthread_join(thread, nullptr), 0);
}

// It may be a stranger's, between its creation and its size, or one of ours that is not locked yet.
void an_object_without_a_size_is_given_its_time(void**) {
    const Name name("sizeless");
    leave_remains(name, false);
    const int64_t before = test::now_ns();
    assert_ok(SharedMemory::create(name, 1).error());
    assert_true(test::now_ns() - before >= brood::detail::kSizelessNs);
}

// In /dev/shm everybody may remove only what is his.
void remains_of_another_user_are_taken_and_no_reason_to_wait_for_ever(void**) {
    constexpr uid_t kStranger = 65534;
    if (geteuid() != 0) { return test::not_run("remains of another user", "needs root"); }
    const Name name("other-user");
    for (const bool with_mark : {true, false}) {
        leave_remains(name, with_mark, 0666);
        assert_child_exits(0, [&] {
            CHECK_IN_CHILD(setgid(kStranger) == 0 && setuid(kStranger) == 0);
            if (SharedMemory::remove(name).ok()) { _exit(1); }  // A directory without that rule.
            CHECK_IN_CHILD(Shared::create_named(name).code() == Errc::already_exists);
            CHECK_IN_CHILD(SharedMemory::create(name, 1).code() == Errc::already_exists);
            CHECK_IN_CHILD(Shared::open(name).code() == Errc::not_ready);
        });
        assert_ok(Shared::create_named(name).error());  // Its owner replaces them.
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(a_creator_killed_at_any_system_call_blocks_nobody),
        TIDY(memory_without_header_is_whole_or_replaced_too),
        TIDY(a_creator_stopped_at_any_system_call_shares_its_name_with_nobody),
        TIDY(creators_killed_at_random_moments_block_nobody),
        TIDY(of_several_creators_over_remains_one_gets_the_name),
        TIDY(threads_that_open_the_name_do_not_cost_its_creator_the_lock),
        TIDY(a_child_forked_while_a_thread_creates_can_create_too),
        TIDY(an_object_without_a_size_is_given_its_time),
        TIDY(remains_of_another_user_are_taken_and_no_reason_to_wait_for_ever),
    };
    return cmocka_run_group_tests_name("named_object", tests, nullptr, nullptr);
}
