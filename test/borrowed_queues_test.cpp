// Goal: a Queue or JoinableQueue in memory that another keeps is what it is in memory of its own,
// also one that grows, and one among processes that are not of one family.
// Method: queues beside other things, and in each process handles of its own; kills.
#include "borrowed_support.hpp"

#include <utility>

#include <brood/joinable_queue.hpp>
#include <src/ring_access.hpp>

using namespace borrowed;
using namespace brood;
using detail::Members;
using detail::MemberTable;
using detail::RingAccess;
using detail::RingHandle;
using detail::ShellAccess;
using shared_test::kill_and_reap;
using shared_test::nothing_left;
using shared_test::remember;
using test::assert_code;
using test::assert_ok;
using test::join_child;
using test::start_sleeping;

namespace {

const Timeout kLong = milliseconds(test::kPatienceMs);

struct Line {
    int number;
    char filling[60];
};

Members of_family() {
    return detail::members_of_family(**detail::family());
}

// A queue in memory of others, and what it takes to come by a handle to it.
template <class Shell>
struct Place {
    RingAccess::Plan plan;
    void* memory = nullptr;
    Members members = of_family();

    explicit Place(std::size_t most)
        : plan{sizeof(typename Shell::value_type), most,
               !std::is_same_v<Shell, Queue<typename Shell::value_type>>} {}

    Place& lay_out_in(Ground& ground) {
        memory = ground.place(RingAccess::bytes(plan));
        assert_ok(lay_out(*RingAccess::bytes(plan), Before::zeroes));
        return *this;
    }
    Status lay_out(std::size_t room, Before before) {
        return RingAccess::lay_out(memory, room, plan, members, before);
    }
    Shell view() const {
        return ShellAccess::around<Shell>(RingAccess::view(memory, plan.is_joinable, members));
    }
    bool is_idle() const { return RingAccess::is_idle(memory, plan.is_joinable, members); }
};

void what_cannot_be_is_refused_as_by_create(void**) {
    constexpr std::size_t kMost = std::size_t{1} << 28;
    for (const bool is_joinable : {false, true}) {
        assert_ok(RingAccess::bytes({4, kMost / 8, is_joinable}));
        assert_code(RingAccess::bytes({4, kMost + 1, is_joinable}), Errc::size_too_large);
        assert_code(RingAccess::bytes({kMost + 1, 1, is_joinable}), Errc::size_too_large);
        assert_code(RingAccess::bytes({kMost + 1, 0, is_joinable}), Errc::size_too_large);
        assert_ok(RingAccess::bytes({4, 0, is_joinable}));
        assert_true(RingAccess::range_bytes({4, 0, is_joinable}) >= kMost);
    }
}

void messages_pass_between_handles_and_outlive_them(void**) {
    Ground ground;
    const auto place = Place<Queue<int>>(4).lay_out_in(ground);
    const auto beside = Place<Queue<int>>(4).lay_out_in(ground);
    for (int i = 0; i < 4; ++i) { assert_ok(place.view().put(i)); }
    assert_code(place.view().put_nowait(4), Errc::full);
    assert_int_equal(place.view().maxsize(), 4);
    assert_int_equal(beside.view().qsize(), 0);
    shared_test::assert_child_exits(0, [&] {
        auto queue = place.view();
        for (int i = 0; i < 4; ++i) { CHECK_IN_CHILD(*queue.get(kLong) == i); }
        CHECK_IN_CHILD(queue.put(42).ok());
    });
    assert_true(place.is_idle());
    assert_int_equal(*place.view().get(kLong), 42);
    assert_code(place.view().producers(2), Errc::unsupported);
    assert_ok(place.view().shutdown());
    assert_code(place.view().put(1), Errc::closed);
    assert_code(place.view().get(kLong), Errc::closed);
    assert_ok(beside.view().put(1));
    ground.assert_whole();
}

void a_queue_is_in_use_while_one_waits_for_it(void**) {
    Ground ground;
    const auto place = Place<Queue<int>>(1).lay_out_in(ground);
    const pid_t getter = start_sleeping([&] { return place.view().get(kLong).ok() ? 0 : 1; });
    assert_false(place.is_idle());
    assert_ok(place.view().put(1));
    assert_int_equal(join_child(getter), 0);
    assert_true(place.is_idle());
    assert_ok(place.view().put(2));
    const pid_t putter = start_sleeping([&] { return place.view().put(3, kLong).ok() ? 0 : 1; });
    assert_false(place.is_idle());
    kill_and_reap(putter);
    assert_true(place.is_idle());
    assert_int_equal(*place.view().get(kLong), 2);
    ground.assert_whole();
}

// One is stopped in the middle of a put: by its own signal, from a page that is protected.
void a_queue_is_in_use_while_one_is_in_the_middle_of_a_put(void**) {
    Ground ground;
    const auto place = Place<Queue<Line>>(4).lay_out_in(ground);
    const pid_t victim = shared_test::start_child([&] {
        auto queue = place.view();
        CHECK_IN_CHILD(queue.put({}).ok());
        void* const page =
            mmap(nullptr, brood::port::page_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK_IN_CHILD(page != MAP_FAILED);
        (void)signal(SIGSEGV, [](int) { (void)raise(SIGSTOP); });
        queue.put_many(static_cast<const Line*>(page), 1).expect("put");  // Never gets there.
    });
    test::await_state(victim, 'T');
    assert_false(place.is_idle());
    kill_and_reap(victim);
    assert_true(place.is_idle());
    assert_int_equal(place.view().qsize(), 1);
    ground.assert_whole();
}

// ---- Without a bound ---------------------------------------------------------------------------

// A range of addresses between two pages that belong to others.
class Range {
public:
    explicit Range(std::size_t bytes) : bytes_(bytes) {
        const std::size_t page = brood::port::page_bytes();
        const auto reserved = brood::port::reserve_shared(bytes + 2 * page, bytes + 2 * page);
        assert_ok(reserved);
        reserved_ = *reserved;
        for (const std::size_t at : {std::size_t{0}, bytes + page}) {
            assert_ok(brood::port::allocate_reserved(base() + at, page));
            memset(base() + at, 0xa5, page);
        }
    }
    ~Range() { brood::port::unmap(reserved_.address, reserved_.bytes); }
    Range(const Range&) = delete;
    Range& operator=(const Range&) = delete;

    void* address() const { return base() + brood::port::page_bytes(); }
    std::size_t bytes() const { return bytes_; }
    void assert_whole() const {
        const std::size_t page = brood::port::page_bytes();
        for (std::size_t at = 0; at < page; ++at) {
            assert_int_equal(base()[at], 0xa5);
            assert_int_equal(base()[bytes_ + page + at], 0xa5);
        }
        for (std::size_t at = 0; at < reserved_.bytes; at += page) {
            assert_true(brood::port::is_mapped(base() + at));
        }
    }

private:
    unsigned char* base() const { return static_cast<unsigned char*>(reserved_.address); }
    std::size_t bytes_;
    brood::port::Reservation reserved_;
};

int got_and_done(Queue<Line>&& queue) {
    return queue.get(kLong)->number;
}
int got_and_done(JoinableQueue<Line>&& queue) {
    const int number = queue.get(kLong)->number;
    assert_ok(queue.task_done());
    return number;
}

// Puts until there is no room: how many.
template <class Shell>
int fill(Shell queue) {
    for (int count = 0;; ++count) {
        const Status put = queue.put_nowait({count, {}});
        if (put.ok()) { continue; }
        assert_code(put, Errc::no_space);
        return count;
    }
}

template <class Shell>
void grow_within_its_range() {
    const Range range(1 << 20);
    Place<Shell> place(0);
    place.memory = range.address();
    assert_code(place.lay_out(*RingAccess::bytes(place.plan) - 1, Before::zeroes),
                Errc::size_too_large);
    for (const Before before : {Before::zeroes, Before::alike}) {
        assert_ok(place.lay_out(range.bytes(), before));
        assert_int_equal(place.view().qsize(), 0);
        const long kilobytes = shared_test::shared_kilobytes();
        const int count = fill(place.view());
        assert_in_range(count, range.bytes() / sizeof(Line) / 4, range.bytes() / sizeof(Line));
        const long grown = shared_test::shared_kilobytes() - kilobytes;
        const bool is_there = before == Before::alike && !shared_test::gives_back();
        assert_in_range(grown, is_there ? 0 : range.bytes() / 1024 / 4, range.bytes() / 1024);
        shared_test::assert_child_exits(0, [&] {
            auto queue = place.view();
            for (int i = 0; i < count / 2; ++i) { CHECK_IN_CHILD(queue.get(kLong)->number == i); }
        });
        for (int i = count / 2; i < count; ++i) { assert_int_equal(got_and_done(place.view()), i); }
        const long few = kilobytes + grown / 8;
        const auto is_small = [&] { return shared_test::shared_kilobytes() < few; };
        assert_true(is_small() || !shared_test::gives_back());
        assert_true(place.is_idle());
        assert_int_equal(fill(place.view()), count);
        assert_ok(place.lay_out(range.bytes(), Before::alike));
        assert_true(is_small() || !shared_test::gives_back());
    }
    range.assert_whole();
}

void a_queue_without_a_bound_grows_within_its_range(void**) {
    grow_within_its_range<Queue<Line>>();
}

void so_does_a_joinable_one(void**) {
    grow_within_its_range<JoinableQueue<Line>>();
}

// ---- Joinable ----------------------------------------------------------------------------------

void what_the_dead_held_is_abandoned_and_each_handle_says_so_once(void**) {
    Ground ground;
    const auto place = Place<JoinableQueue<int>>(8).lay_out_in(ground);
    auto early = place.view();
    for (int i = 0; i < 3; ++i) { assert_ok(early.put(i)); }
    assert_true(place.is_idle());
    const pid_t victim = start_staying([&](auto stay) {
        auto queue = place.view();
        CHECK_IN_CHILD(queue.get(kLong).ok() && queue.get(kLong).ok());
        stay();
    });
    assert_false(place.is_idle());
    assert_code(early.join(Timeout::no_wait()), Errc::timed_out);
    kill_and_reap(victim);
    assert_true(place.is_idle());
    Status joined = place.view().join(kLong);
    assert_code(joined, Errc::abandoned);
    assert_int_equal(joined.error().detail(), 2);
    joined = early.join(kLong);
    assert_code(joined, Errc::abandoned);
    assert_int_equal(joined.error().detail(), 2);
    assert_code(place.view().join(Timeout::no_wait()), Errc::timed_out);  // One is left.
    shared_test::assert_child_exits(0, [&] {
        auto queue = place.view();
        CHECK_IN_CHILD(queue.get(kLong).ok() && queue.task_done().ok());
    });
    assert_ok(place.view().join(kLong));
    ground.assert_whole();
}

void the_end_of_one_handle_abandons_nothing_got_by_another(void**) {
    Ground ground;
    const auto place = Place<JoinableQueue<int>>(8).lay_out_in(ground);
    assert_ok(place.view().put(1));
    {
        auto queue = place.view();
        assert_ok(queue.get(kLong));
        { auto other = place.view(); }
        assert_code(place.view().join(milliseconds(1)), Errc::timed_out);
        assert_false(place.is_idle());
        assert_ok(queue.task_done());
        assert_ok(place.view().join(kLong));
    }
    assert_true(place.is_idle());
    const pid_t joiner = start_sleeping([&] {
        auto queue = place.view();
        return queue.put(2).ok() && queue.join(kLong).ok() ? 0 : 1;
    });
    assert_false(place.is_idle());
    auto queue = place.view();
    assert_ok(queue.get(kLong));
    assert_ok(queue.task_done());
    assert_int_equal(join_child(joiner), 0);
    ground.assert_whole();
}

// ---- One after another -------------------------------------------------------------------------

void the_next_queue_in_that_memory_begins_empty(void**) {
    Ground ground;
    auto place = Place<JoinableQueue<int>>(4);
    place.lay_out_in(ground);
    auto stale = place.view();
    for (int i = 0; i < 4; ++i) { assert_ok(stale.put(i)); }
    kill_and_reap(start_staying([&](auto stay) {
        auto queue = place.view();
        CHECK_IN_CHILD(queue.get(kLong).ok());
        stay();
    }));
    assert_code(stale.join(Timeout::no_wait()), Errc::abandoned);
    assert_ok(stale.get(kLong));
    assert_ok(stale.task_done());
    assert_ok(stale.shutdown());
    assert_ok(place.lay_out(*RingAccess::bytes(place.plan), Before::alike));
    assert_int_equal(place.view().qsize(), 0);
    assert_int_equal(place.view().lost(), 0);
    assert_ok(place.view().join(kLong));
    for (int i = 0; i < 4; ++i) { assert_ok(place.view().put(i)); }
    // The old handle is one of this queue now.
    for (int i = 0; i < 4; ++i) { assert_int_equal(*stale.get(kLong), i); }
    ground.assert_whole();
}

// ---- Strangers ---------------------------------------------------------------------------------

void strangers_have_a_table_in_the_same_memory(void**) {
    Ground ground;
    auto& table =
        *static_cast<MemberTable*>(ground.place(MemberTable::bytes_for(MemberTable::kNamed)));
    assert_ok(detail::init_table(table, MemberTable::kNamed));
    // As a process does that has mapped it just now.
    const auto come = [&](auto place) {
        place.members = detail::members_of_strangers(table).expect("coming");
        return place;
    };
    auto place = come(Place<Queue<int>>(4)), beside = come(Place<Queue<int>>(4));
    auto joinable = come(Place<JoinableQueue<int>>(4));
    place.lay_out_in(ground);
    beside.lay_out_in(ground);
    joinable.lay_out_in(ground);
    assert_ok(place.view().put(1));
    assert_ok(joinable.view().put(2));
    assert_true(table.top.load() == 1);  // All by one place in the table.
    const pid_t stranger = start_staying([&](auto stay) {
        const auto theirs = come(place);
        const auto theirs_beside = come(beside);
        const auto theirs_joinable = come(joinable);
        auto queue = theirs.view();
        CHECK_IN_CHILD(*queue.get(kLong) == 1 && theirs_beside.view().put(3).ok());
        auto got = theirs_joinable.view();
        CHECK_IN_CHILD(*got.get(kLong) == 2);
        stay();
    });
    assert_int_equal(*beside.view().get(kLong), 3);
    assert_false(joinable.is_idle());
    kill_and_reap(stranger);
    assert_true(joinable.is_idle());
    auto early = joinable.view();
    const Status joined = early.join(kLong);
    assert_code(joined, Errc::abandoned);
    assert_int_equal(joined.error().detail(), 1);
    const pid_t getter = start_sleeping([&] {
        const auto theirs = come(place);
        return theirs.view().get(kLong).ok() ? 0 : 1;
    });
    assert_false(place.is_idle());
    assert_ok(place.view().put(4));
    assert_int_equal(join_child(getter), 0);
    assert_true(place.is_idle());
    detail::Membership* const me = detail::membership_in(table);
    assert_non_null(me);
    assert_true(detail::has_members_here(place.members));
    assert_true(detail::leave_members(*me));
    assert_false(detail::has_members_here(place.members));
    ground.assert_whole();
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(what_cannot_be_is_refused_as_by_create),
        TIDY(messages_pass_between_handles_and_outlive_them),
        TIDY(a_queue_is_in_use_while_one_waits_for_it),
        TIDY(a_queue_is_in_use_while_one_is_in_the_middle_of_a_put),
        TIDY(a_queue_without_a_bound_grows_within_its_range),
        TIDY(so_does_a_joinable_one),
        TIDY(what_the_dead_held_is_abandoned_and_each_handle_says_so_once),
        TIDY(the_end_of_one_handle_abandons_nothing_got_by_another),
        TIDY(the_next_queue_in_that_memory_begins_empty),
        TIDY(strangers_have_a_table_in_the_same_memory),
    };
    return cmocka_run_group_tests_name("borrowed_queues", tests, nullptr, nullptr);
}
