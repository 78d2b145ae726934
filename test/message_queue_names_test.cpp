// Goal: names and handles of MessageQueue<T>: who may have a name, who removes it, and what is left
// of a queue that was closed, moved, or whose creator was killed.
// Method: real processes; bare mq_* calls to see, or to leave, what a kill leaves.
#include "shared_support.hpp"

#include <mqueue.h>

#include <utility>

#include <brood/message_queue.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Access;
using brood::Errc;
using brood::MessageQueue;
using brood::seconds;
using test::assert_code;
using test::assert_ok;

namespace {

using IntQueue = MessageQueue<int>;

// A name that is removed whatever happens.
struct QueueName : Name {
    using Name::Name;
    ~QueueName() { (void)mq_unlink(text); }
};

void a_handle_that_was_closed_or_moved_says_closed(void**) {
    IntQueue queue = IntQueue::create().expect("queue");
    assert_ok(queue.put(1));
    IntQueue other = std::move(queue);
    IntQueue none;
    for (IntQueue* closed : {&queue, &none}) {
        assert_false(closed->is_open());
        assert_code(closed->put(1), Errc::closed);
        assert_code(closed->put_nowait(1), Errc::closed);
        assert_code(closed->get(), Errc::closed);
        assert_code(closed->get(seconds(1)), Errc::closed);
        assert_code(closed->qsize(), Errc::closed);
        assert_code(closed->full(), Errc::closed);
        assert_code(closed->empty(), Errc::closed);
        assert_code(closed->notify(SIGUSR1), Errc::closed);
        assert_code(closed->cancel_notify(), Errc::closed);
        assert_int_equal(closed->fileno(), -1);
        assert_int_equal(closed->depth(), 0);
        closed->close();
    }
    none = std::move(other);
    assert_int_equal(none.get()->message, 1);
}

void names_follow_one_rule(void**) {
    char long_name[300] = "/";
    memset(long_name + 1, 'x', 255);
    for (const BadName& row : kBadNames) {
        assert_code(IntQueue::create_named(row.name), row.wanted);
        assert_code(IntQueue::open(row.name), row.wanted);
        assert_code(IntQueue::remove(row.name), row.wanted);
    }
    long_name[255] = '\0';
    assert_ok(IntQueue::create_named(long_name));
    assert_code(IntQueue::open("/brood-test-nobody"), Errc::not_found);
    assert_code(IntQueue::remove("/brood-test-nobody"), Errc::not_found);
    assert_code(IntQueue::create(0), Errc::size_zero);
    assert_code(IntQueue::create_named(QueueName("zero"), 0), Errc::size_zero);
    const auto access = static_cast<Access>(01777);
    assert_code(IntQueue::create_named(QueueName("bad"), 1, access), Errc::bad_argument);
}

void only_the_creator_removes_the_name_of_its_own_queue(void**) {
    const QueueName name("owned");
    {
        const IntQueue queue = IntQueue::create_named(name).expect("queue");
        assert_string_equal(queue.name(), name);
        assert_code(IntQueue::create_named(name), Errc::already_exists);
        assert_ok(IntQueue::open(name));
        assert_child_exits(0, [&] { const IntQueue opened = *IntQueue::open(name); });
        assert_ok(IntQueue::open(name));
    }
    assert_code(IntQueue::open(name), Errc::not_found);
    {
        IntQueue queue = IntQueue::create_named(name).expect("queue");
        queue.keep_name();
    }
    assert_ok(IntQueue::open(name));
    assert_ok(IntQueue::remove(name));
    assert_code(IntQueue::remove(name), Errc::not_found);
}

// Promise 19.
void a_name_that_stands_for_another_queue_by_now_stays(void**) {
    if (strcmp(brood::port::kName, "posix") == 0) {
        return test::not_run("whose name it is", "posix cannot tell queues apart");
    }
    const QueueName name("taken-over");
    IntQueue old = IntQueue::create_named(name).expect("queue");
    assert_ok(IntQueue::remove(name));
    const IntQueue heir = IntQueue::create_named(name).expect("queue");
    old.close();
    assert_ok(IntQueue::open(name));
}

void the_name_goes_even_when_no_other_descriptor_is_left(void**) {
    const QueueName name("last");
    assert_child_exits(0, [&] {
        IntQueue queue = *IntQueue::create_named(name);
        while (dup(2) >= 0) {}
        queue.close();
    });
    assert_code(IntQueue::open(name), Errc::not_found);
}

void a_killed_creator_leaves_a_queue_that_works(void**) {
    const QueueName name("orphan");
    const pid_t creator = start_child([&] {
        IntQueue queue = *IntQueue::create_named(name);
        CHECK_IN_CHILD(queue.put(1).ok());
        (void)raise(SIGKILL);
    });
    assert_int_equal(end_of(creator), -SIGKILL);
    IntQueue opened = IntQueue::open(name).expect("opening");
    assert_int_equal(opened.get_nowait()->message, 1);
    assert_code(IntQueue::create_named(name), Errc::already_exists);
    assert_ok(IntQueue::remove(name));
}

// Promise 18: what a creator leaves that is killed between the two calls is this name.
void a_nameless_queue_leaves_nothing_and_clears_what_a_killed_one_left(void**) {
    char name[64];
    (void)snprintf(name, sizeof name, "/brood-anonymous-%u-0", static_cast<unsigned>(getuid()));
    mq_attr attributes = {};
    attributes.mq_maxmsg = attributes.mq_msgsize = 1;
    const mqd_t left = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0, &attributes);
    assert_true(left >= 0);
    assert_int_equal(mq_close(left), 0);
    IntQueue queue = IntQueue::create().expect("queue");
    assert_int_equal(mq_open(name, O_RDWR), -1);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(queue.name(), "");
    assert_ok(queue.put_nowait(1));
}

void nameless_queues_made_at_once_by_many_are_each_their_own(void**) {
    constexpr int kMakers = 4;
    pid_t makers[kMakers];
    for (int maker = 0; maker < kMakers; ++maker) {
        makers[maker] = start_child([=] {
            for (int round = 0; round < 2000; ++round) {
                auto queue = IntQueue::create(1);
                CHECK_IN_CHILD(queue.ok() && queue->put_nowait(maker).ok());
                CHECK_IN_CHILD(queue->get_nowait()->message == maker);
                CHECK_IN_CHILD(*queue->empty());
            }
        });
    }
    for (const pid_t maker : makers) { assert_int_equal(end_of(maker), 0); }
}

}  // namespace

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        TIDY(a_handle_that_was_closed_or_moved_says_closed),
        TIDY(names_follow_one_rule),
        TIDY(only_the_creator_removes_the_name_of_its_own_queue),
        TIDY(a_name_that_stands_for_another_queue_by_now_stays),
        TIDY(the_name_goes_even_when_no_other_descriptor_is_left),
        TIDY(a_killed_creator_leaves_a_queue_that_works),
        TIDY(a_nameless_queue_leaves_nothing_and_clears_what_a_killed_one_left),
        TIDY(nameless_queues_made_at_once_by_many_are_each_their_own),
    };
    return cmocka_run_group_tests_name("message_queue_names", tests, nullptr, nullptr);
}
