// Goal: programs that share nothing but names use one queue together, also if they are of another
// word size, and go on when those of the other kind are killed.
// Method: this program starts another: the one that BROOD_OTHER_WORD names, built from this file
//         for another word size (`make cross-check` does), or else itself. Each side in
//         turn makes the queues, puts, gets, and is killed in the middle of it.
#include "named_queue_support.hpp"

#include <spawn.h>

#include <brood/array.hpp>

using namespace shared_test;
using brood::Array;
using brood::Errc;
using brood::Result;

extern char** environ;

namespace {

constexpr std::uint32_t kRounds = 20000;

// What processes of a test talk through: counts, which are put down before and after.
enum Entry : std::uint32_t { kBegun, kGot, kBad, kWordBytes, kEntries };
using Notes = Array<std::uint32_t>;

std::uint32_t note(Notes& notes, std::uint32_t entry) {
    return __atomic_load_n(&notes[entry], __ATOMIC_SEQ_CST);
}
void add(Notes& notes, std::uint32_t entry) {
    __atomic_fetch_add(&notes[entry], 1, __ATOMIC_SEQ_CST);
}

template <class T>
T opened(const char* name) {
    return T::open(name, kLong).expect("opening");
}

// ---- The other program -------------------------------------------------------------------------

// Sends back what it gets, until the queue is shut down.
int echo(Parcels& there, Parcels& back) {
    for (;;) {
        const Result<Parcel> got = there.get(kLong);
        if (!got.ok()) { return got.code() == Errc::closed ? 0 : 2; }
        if (!got->is_whole()) { return 3; }
        if (!back.put(Parcel::make(got->sender + 1, got->number), kLong).ok()) { return 4; }
    }
}

// Puts, and says how many it has begun with, until it is killed.
int flood(Parcels& queue, Notes& notes) {
    while (queue.put(Parcel::make(7, note(notes, kBegun)), kLong).ok()) { add(notes, kBegun); }
    return 5;
}

int drain(Parcels& queue, Notes& notes) {
    for (;;) {
        const Result<Parcel> got = queue.get(kLong);
        if (!got.ok()) { return got.code() == Errc::closed ? 0 : 6; }
        add(notes, got->is_whole() ? kGot : kBad);
    }
}

// argv: program, "other", what, names of the queues and the notes.
int be_the_other(char** argv) {
    (void)alarm(120);
    const char *const what = argv[2], *const there = argv[3], *const back = argv[4];
    Notes notes = opened<Notes>(argv[5]);
    notes[kWordBytes] = sizeof(void*);
    if (strcmp(what, "make") == 0) {
        Parcels first = make_parcels(there, 5), second = make_parcels(back, 5);
        return echo(first, second);
    }
    Parcels first = opened<Parcels>(there), second = opened<Parcels>(back);
    if (strcmp(what, "echo") == 0) { return echo(first, second); }
    if (strcmp(what, "flood") == 0) { return flood(first, notes); }
    if (strcmp(what, "drain") == 0) { return drain(first, notes); }
    return 1;
}

const char* other_program() {
    const char* const other = getenv("BROOD_OTHER_WORD");
    return other != nullptr && *other != '\0' ? other : "/proc/self/exe";
}

pid_t start_other(const char* what, const char* there, const char* back, const char* notes) {
    const char* const path = other_program();
    const char* const arguments[] = {path, "other", what, there, back, notes, nullptr};
    pid_t pid = -1;
    const int failed =
        posix_spawn(&pid, path, nullptr, nullptr, const_cast<char* const*>(arguments), environ);
    assert_int_equal(failed, 0);
    return pid;
}

// ---- Both directions ---------------------------------------------------------------------------

void go_there_and_back(Parcels& there, Parcels& back) {
    std::uint32_t sent = 0;
    for (std::uint32_t i = 0; i < kRounds; ++i) {
        for (; sent < kRounds && sent < i + 8; ++sent) {
            assert_ok(there.put(Parcel::make(1, sent), kLong).error());
        }
        const Result<Parcel> got = back.get(kLong);
        assert_ok(got.status().error());
        assert_true(got->is_whole());
        assert_int_equal(got->sender, 2);
        assert_int_equal(got->number, i);
    }
    assert_ok(there.shutdown().error());
}

void both_directions_work_whoever_made_the_queues(void**) {
    const Name there_name("there"), back_name("back"), notes_name("notes");
    Notes notes = Notes::create_named(notes_name, kEntries).expect("notes");
    {
        Parcels there = make_parcels(there_name, 5), back = make_parcels(back_name, 5);
        const pid_t other = start_other("echo", there_name, back_name, notes_name);
        go_there_and_back(there, back);
        assert_int_equal(end_of(other), 0);
    }
    const pid_t other = start_other("make", there_name, back_name, notes_name);
    for (const char* name : {there_name.text, back_name.text}) {
        assert_true(test::eventually([&] { return Parcels::open(name).ok(); }));
    }
    Parcels there = opened<Parcels>(there_name), back = opened<Parcels>(back_name);
    go_there_and_back(there, back);
    assert_int_equal(end_of(other), 0);
    print_message("words of %zu and of %u bytes\n", sizeof(void*), notes[kWordBytes]);
}

// ---- Kills -------------------------------------------------------------------------------------

// Nothing that was put is got twice or not at all; of those who were killed, one each may be.
void the_other_is_killed_while_it_puts(void**) {
    const Name name("queue"), notes_name("notes");
    Notes notes = Notes::create_named(notes_name, kEntries).expect("notes");
    Parcels queue = make_parcels(name, 4);
    for (int round = 0; round < 40; ++round) {
        const pid_t victim = start_other("flood", name, name, notes_name);
        std::uint32_t last = 0;
        for (int i = 0; i < 100 + 10 * round; ++i) {
            const Result<Parcel> got = queue.get(kLong);
            assert_ok(got.status().error());
            assert_true(got->is_whole());
            assert_true(i == 0 || got->number == last + 1);
            last = got->number;
        }
        kill_and_reap(victim);
        for (Result<Parcel> got = queue.get_nowait(); got.ok(); got = queue.get_nowait()) {
            assert_true(got->is_whole());
            assert_int_equal(got->number, last + 1);
            last = got->number;
        }
        const std::uint32_t begun = note(notes, kBegun);
        assert_true(last + 1 == begun || last == begun);  // Not counted yet, but put.
    }
    assert_int_equal(queue.lost(), 0);
}

void one_of_ours_is_killed_while_he_puts_beside_the_other(void**) {
    const Name name("drained"), notes_name("drain-notes");
    Notes notes = Notes::create_named(notes_name, kEntries).expect("notes");
    Parcels queue = make_parcels(name, 4);
    const pid_t other = start_other("drain", name, name, notes_name);
    for (int round = 0; round < 40; ++round) {
        const std::uint32_t before = note(notes, kGot);
        const pid_t victim = start_child([&] {
            Parcels mine = opened<Parcels>(name);
            _exit(flood(mine, notes));
        });
        const std::uint32_t wanted = before + 100 + static_cast<std::uint32_t>(round);
        assert_true(test::eventually([&] { return note(notes, kGot) >= wanted; }));
        kill_and_reap(victim);
        assert_ok(queue.put(Parcel::make(1, 1), kLong).error());  // Nobody is in the way.
        add(notes, kBegun);
    }
    assert_ok(queue.shutdown().error());
    assert_int_equal(end_of(other), 0);
    assert_int_equal(note(notes, kBad), 0);
    const std::uint32_t begun = note(notes, kBegun), got = note(notes, kGot);
    assert_true(got >= begun && got - begun <= 40);
}

void the_other_is_killed_while_it_gets(void**) {
    const Name name("gets"), notes_name("get-notes");
    Notes notes = Notes::create_named(notes_name, kEntries).expect("notes");
    Parcels queue = make_parcels(name, 4);
    std::uint32_t put = 0;
    for (std::uint32_t round = 0; round < 40; ++round) {
        const pid_t victim = start_other("drain", name, name, notes_name);
        for (std::uint32_t i = 0; i < 100 + 10 * round; ++i, ++put) {
            assert_ok(queue.put(Parcel::make(1, put), kLong).error());
        }
        kill_and_reap(victim);
    }
    std::uint32_t left = 0;
    while (queue.get_nowait().ok()) { ++left; }
    const auto lost = static_cast<std::uint32_t>(queue.lost());
    const std::uint32_t handled = note(notes, kGot);
    print_message("%u put, %u handled, %u left, %u lost with 40 killed\n", put, handled, left,
                  lost);
    assert_int_equal(note(notes, kBad), 0);
    // One who is killed after he has noted the last that he got, is counted with it.
    assert_true(handled + left + lost >= put && handled + left + lost <= put + 40);
    assert_true(lost <= 40);
}

void another_word_size_takes_part(void**) {
    const char* const other = getenv("BROOD_OTHER_WORD");
    if (other == nullptr || *other == '\0') {
        return test::not_run("another word size", "make cross-check does, on x86-64");
    }
    const Name notes_name("notes");
    Notes notes = Notes::create_named(notes_name, kEntries).expect("notes");
    const Name name("word");
    Parcels queue = make_parcels(name, 4);
    assert_ok(queue.shutdown().error());
    assert_int_equal(end_of(start_other("drain", name, name, notes_name)), 0);
    assert_int_equal(notes[kWordBytes], 12 - sizeof(void*));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 6 && strcmp(argv[1], "other") == 0) { return be_the_other(argv); }
    const CMUnitTest tests[] = {
        TIDY(both_directions_work_whoever_made_the_queues),
        TIDY(the_other_is_killed_while_it_puts),
        TIDY(one_of_ours_is_killed_while_he_puts_beside_the_other),
        TIDY(the_other_is_killed_while_it_gets),
        TIDY(another_word_size_takes_part),
    };
    return cmocka_run_group_tests_name("named_queue_words", tests, nullptr, nullptr);
}
