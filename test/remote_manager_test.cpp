// Goal: a proxy of an object elsewhere does what the object does, and says what it says.
// Method: one server of a manager of this process; each operation by a client of it, and looked at
// by the manager itself.
#include "remote_support.hpp"

#include <pthread.h>

using namespace remote_test;
using brood::Array;
using brood::Barrier;
using brood::Bytes;
using brood::Condition;
using brood::Dict;
using brood::Event;
using brood::Handle;
using brood::JoinableQueue;
using brood::List;
using brood::Lock;
using brood::Queue;
using brood::RemoteArray;
using brood::RemoteDict;
using brood::RemoteList;
using brood::RemoteLock;
using brood::RemoteNamespace;
using brood::RemoteQueue;
using brood::RemoteValue;
using brood::Result;
using brood::Text;
using brood::Value;

using Counts = Dict<Text<16>, int>;
using RemoteCounts = RemoteDict<Text<16>, int>;

static Served* g_served;
static RemoteManager* g_remote;

static int make_server(void**) {
    g_served = new Served;
    g_remote = new RemoteManager(g_served->connect());
    return 0;
}
static int end_server(void**) {
    delete g_remote;
    delete g_served;
    return 0;
}

static void a_dict_is_changed_from_both_sides(void**) {
    const Counts counts = g_served->manager.dict<Text<16>, int>("counts").expect("making");
    const auto remote = g_remote->find<RemoteCounts>("counts").expect("finding");
    assert_ok(counts.set("a", 1));
    assert_int_equal(*remote.get("a"), 1);
    assert_ok(remote.set("b", 2));
    assert_int_equal(*counts.get("b"), 2);
    assert_code(remote.get("c"), Errc::not_found);
    assert_int_equal(*remote.get_or("c", 7), 7);
    assert_true(*remote.contains("a") && !*remote.contains("c"));
    assert_int_equal(*remote.size(), 2);
    assert_int_equal(*remote.setdefault("a", 9), 1);
    assert_int_equal(*remote.setdefault("c", 9), 9);
    assert_ok(remote.update("c", [](int& n) { n *= 2; }));
    assert_ok(remote.update("d", [](int& n) { n = 4; }));
    assert_int_equal(*counts.get("c"), 18);
    Text<16> key;
    int value = 0;
    assert_ok(remote.popitem(key, value));
    assert_true(key == "d" && value == 4);
    assert_int_equal(*remote.pop("c"), 18);
    assert_code(remote.pop("c"), Errc::not_found);
    assert_ok(remote.erase("b"));
    assert_code(remote.erase("b"), Errc::not_found);
    assert_int_equal(*counts.size(), 1);
    assert_ok(remote.clear());
    assert_code(remote.popitem(key, value), Errc::not_found);
    assert_code(g_remote->find<RemoteCounts>("nothing"), Errc::not_found);
    const auto wrong = g_remote->find<RemoteDict<int, int>>("counts");
    assert_code(wrong, Errc::type_mismatch);
    assert_ok(remote.drop());
    assert_code(counts.get("a"), Errc::closed);
    assert_code(remote.get("a"), Errc::closed);
}

static void values_that_do_not_fit_stay(void**) {
    const auto made = g_remote->dict<int, Text<64>>().expect("making");
    const auto narrow = g_remote->open<RemoteDict<int, Text<4>>>(made.handle());
    assert_ok(made.set(1, "a longer text"));
    assert_code(narrow.get(1), Errc::buffer_too_short);
    assert_code(narrow.pop(1), Errc::buffer_too_short);
    Text<4> value;
    int key = 0;
    assert_code(narrow.popitem(key, value), Errc::buffer_too_short);
    assert_true(*made.get(1) == "a longer text");
    assert_ok(made.drop());

    const auto list = g_remote->list<Text<64>>().expect("making");
    const auto narrow_list = g_remote->open<RemoteList<Text<4>>>(list.handle());
    assert_ok(list.append("a longer text"));
    assert_code(narrow_list.get(0), Errc::buffer_too_short);
    assert_code(narrow_list.pop(), Errc::buffer_too_short);
    assert_code(narrow_list.update(0, [](Text<4>&) {}), Errc::buffer_too_short);
    assert_true(*list.pop() == "a longer text");
    assert_code(list.pop(), Errc::out_of_range);
    assert_ok(list.drop());
}

static void items_longer_than_a_message_come_in_pieces(void**) {
    const auto made = g_remote->dict<int, Bytes<1000>>().expect("making");
    const auto local = made.handle();
    std::string bytes(1000, 'x');
    constexpr int kCount = 5000;  // five times the longest message
    const auto value = Bytes<1000>::from(bytes.data(), bytes.size()).expect("bytes");
    const Dict<int, Bytes<1000>> here(local);
    for (int i = 0; i < kCount; ++i) { assert_ok(here.set(i, value)); }
    const auto items = made.items().expect("reading all");
    assert_int_equal(items.size(), kCount);
    int next = 0;
    for (const auto& item : items) {
        assert_int_equal(item.key, next++);
        assert_true(item.value == value);
    }
    assert_int_equal(next, kCount);
    assert_ok(made.clear());
    assert_int_equal(made.items()->size(), 0);
    assert_ok(made.drop());
}

static void a_list_is_changed_from_both_sides(void**) {
    const auto list = g_served->manager.list<Text<16>>("list").expect("making");
    const auto remote = g_remote->find<RemoteList<Text<16>>>("list").expect("finding");
    assert_ok(remote.append("b"));
    assert_ok(remote.insert(0, "a"));
    const Text<16> more[] = {"c", "d", "e"};
    assert_ok(remote.extend(more, 3));
    assert_int_equal(*list.size(), 5);
    assert_true(*list.get(0) == "a" && *list.get(-1) == "e");
    assert_true(*remote.get(1) == "b" && *remote.get(-1) == "e");
    assert_code(remote.get(5), Errc::out_of_range);
    assert_ok(remote.set(1, "B"));
    assert_true(*remote.pop() == "e" && *remote.pop(0) == "a");
    assert_ok(remote.update(0, [](Text<16>& text) { text.append("!"); }));
    assert_true(*list.get(0) == "B!");
    assert_int_equal(*remote.index("c"), 1);
    assert_int_equal(*remote.count("c"), 1);
    assert_true(*remote.contains("d") && !*remote.contains("z"));
    assert_ok(remote.remove("c"));
    assert_code(remote.remove("c"), Errc::not_found);
    assert_ok(remote.reverse());
    assert_true(*remote.get(0) == "d");
    assert_ok(remote.sort());
    assert_true(*remote.get(0) == "B!");
    const auto back = remote.slice(-1, RemoteList<Text<16>>::kBegin, -1).expect("slicing");
    assert_true(back.size() == 2 && back[0] == "d" && back[1] == "B!");
    assert_ok(remote.erase(0, 1));
    assert_int_equal(*remote.size(), 1);
    assert_ok(remote.clear());
    assert_int_equal(remote.items()->size(), 0);
    assert_ok(remote.drop());
}

static void a_namespace_is_changed_from_both_sides(void**) {
    const auto local = g_served->manager.name_space("board").expect("making");
    const auto remote = g_remote->find<RemoteNamespace>("board").expect("finding");
    assert_ok(local.set("x", 10));
    assert_int_equal(*remote.get<int>("x"), 10);
    assert_code(remote.get<unsigned>("x"), Errc::type_mismatch);
    assert_code(remote.get<int>("y"), Errc::not_found);
    assert_ok(remote.set("name", Text<16>("brood")));
    assert_true(*local.get<Text<16>>("name") == "brood");
    assert_code(remote.get<Text<4>>("name"), Errc::buffer_too_short);
    assert_ok(remote.update<int>("x", [](int& x) { x += 5; }));
    assert_ok(remote.update<double>("new", [](double& y) { y += 0.5; }));
    assert_int_equal(*local.get<int>("x"), 15);
    assert_true(*local.get<double>("new") == 0.5);
    assert_code(remote.update<unsigned>("x", [](unsigned&) {}), Errc::type_mismatch);
    assert_true(*remote.contains("x") && !*remote.contains("z"));
    assert_int_equal(*remote.size(), 3);
    const auto items = remote.items().expect("reading all");
    assert_int_equal(items.size(), 3);
    assert_true((*items.begin()).name == "x" && *(*items.begin()).get<int>() == 15);
    assert_ok(remote.erase("x"));
    assert_code(remote.erase("x"), Errc::not_found);
    assert_code(remote.set("", 1), Errc::name_empty);
    assert_ok(remote.clear());
    assert_ok(remote.drop());
}

static void a_long_list_comes_in_pieces(void**) {
    const auto remote = g_remote->list<Bytes<1000>>().expect("making");
    const List<Bytes<1000>> list = remote.handle();
    std::string bytes(999, 'x');
    for (int i = 0; i < 3000; ++i) {
        const auto size = static_cast<std::size_t>(i % 1000);
        assert_ok(list.append(*Bytes<1000>::from(bytes.data(), size)));
    }
    const auto items = remote.items().expect("reading all");
    assert_int_equal(items.size(), 3000);
    for (std::size_t i = 0; i < 3000; ++i) { assert_int_equal(items[i].size(), i % 1000); }
    assert_ok(remote.drop());
    const auto numbers = g_remote->list<double>().expect("making");
    for (const double n : {2.5, -1.0, 1e300}) { assert_ok(numbers.append(n)); }
    assert_ok(numbers.sort());
    assert_true(*numbers.get(0) == -1.0 && *numbers.get(2) == 1e300);
    assert_ok(numbers.drop());
}

static void queues_carry_messages_both_ways(void**) {
    const auto queue = g_served->manager.queue<Text<16>>(2, "post").expect("making");
    auto local = queue.open().expect("opening");
    const auto remote = g_remote->find<RemoteQueue<Text<16>>>("post").expect("finding");
    assert_ok(remote.put("one"));
    assert_ok(local.put("two"));
    assert_code(remote.put_nowait("three"), Errc::full);
    assert_code(remote.put("three", milliseconds(20)), Errc::timed_out);
    assert_int_equal(*remote.qsize(), 2);
    assert_int_equal(*remote.maxsize(), 2);
    assert_true(*local.get(kLong) == "one");
    assert_true(*remote.get(kLong) == "two");
    assert_true(*remote.empty());
    assert_code(remote.get_nowait(), Errc::empty);
    assert_code(remote.get(milliseconds(20)), Errc::timed_out);
    assert_ok(remote.shutdown());
    assert_code(remote.get(kLong), Errc::closed);
    local = Queue<Text<16>>();
    assert_ok(remote.drop());

    const auto work = g_remote->joinable_queue<int>(4).expect("making");
    auto worker = Handle<JoinableQueue<int>>(work.handle()).open().expect("opening");
    assert_ok(worker.put(5));
    assert_int_equal(*work.get(kLong), 5);
    assert_code(work.join(milliseconds(20)), Errc::timed_out);
    assert_ok(work.task_done());
    assert_ok(work.join(kLong));
    assert_code(work.task_done(), Errc::too_many_task_done);
    worker = JoinableQueue<int>();
    assert_ok(work.drop());
}

struct Crate {
    int number;
    int more[15];
};

static void many_messages_travel_at_once(void**) {
    constexpr int kMany = 17000;  // More than fit into a message.
    static Crate crates[kMany], got[kMany];
    for (int i = 0; i < kMany; ++i) { crates[i].number = i; }
    const auto remote = g_remote->queue<Crate>().expect("making");
    auto local = remote.handle().open().expect("opening");
    std::size_t put = 0;
    for (int rounds = 0; put < kMany; ++rounds) {
        assert_true(rounds < 2);
        put += remote.put_many(crates + put, kMany - put, kLong).expect("putting");
    }
    assert_int_equal(local.qsize(), kMany);
    assert_int_equal(local.get(kLong)->number, 0);
    std::size_t count = 1;
    for (int rounds = 0; count < kMany; ++rounds) {
        assert_true(rounds < 2);
        count += remote.get_many(got + count, kMany - count, kLong).expect("getting");
    }
    for (int i = 1; i < kMany; ++i) { assert_int_equal(got[i].number, i); }
    assert_code(remote.get_many(got, kMany, milliseconds(10)), Errc::timed_out);
    assert_code(remote.get_many(got, kMany, Timeout::no_wait()), Errc::empty);
    assert_int_equal(*remote.put_many(crates, 0), 0);
    assert_code(RemoteQueue<Crate>().put_many(crates, 1), Errc::closed);
    local = Queue<Crate>();
    assert_ok(remote.drop());

    const auto narrow = g_remote->queue<Text<4>>(4).expect("making");
    Text<4> words[6] = {"a", "b", "c", "d", "e", "f"};
    assert_int_equal(*narrow.put_many(words, 6), 4);
    assert_true(*narrow.full() && !*g_remote->queue<int>()->full());
    assert_code(narrow.put_many(words, 6, Timeout::no_wait()), Errc::full);
    assert_int_equal(*narrow.get_many(words + 2, 3), 3);
    assert_true(words[2] == "a" && words[4] == "c" && words[5] == "f");
    memset(static_cast<void*>(&words[1]), 'x', sizeof words[1]);
    assert_code(narrow.put_many(words, 2), Errc::bad_argument);
    assert_int_equal(*narrow.qsize(), 1);
    assert_ok(narrow.drop());

    const auto work = g_remote->joinable_queue<int>().expect("making");
    int numbers[9] = {1, 2, 3};
    assert_int_equal(*work.put_many(numbers, 3), 3);
    assert_int_equal(*work.get_many(numbers, 9), 3);
    for (int i = 0; i < 3; ++i) { assert_ok(work.task_done()); }
    assert_ok(work.join(kLong));
    assert_ok(work.drop());
}

static void what_went_with_a_client_is_counted(void**) {
    const auto post = g_remote->queue<int>(8, "lost").expect("making");
    const int numbers[] = {1, 2, 3, 4};
    assert_int_equal(*post.put_many(numbers, 4), 4);
    assert_int_equal(*post.lost(), 0);
    const pid_t client = test::start_child([] {
        const RemoteManager remote = g_served->connect();
        int got[3];
        remote.find<RemoteQueue<int>>("lost")->get_many(got, 3, kLong).expect("getting");
        return raise(SIGKILL);
    });
    assert_int_equal(test::join_child(client), -SIGKILL);
    assert_true(test::eventually([&] { return *post.lost() == 3; }));
    assert_int_equal(*post.handle().open()->get(kLong), 4);
    assert_ok(post.drop());
}

static void locks_exclude_both_sides(void**) {
    auto lock = g_remote->lock("door").expect("making");
    Lock local = g_served->manager.find<Handle<Lock>>("door")->open().expect("opening");
    {
        const auto hold = lock.acquire(kLong);
        assert_ok(hold.status());
        assert_code(local.take(milliseconds(20)), Errc::timed_out);
        assert_code(lock.take(), Errc::would_deadlock);
        assert_code(lock.drop(), Errc::in_use);
    }
    assert_ok(local.take(kLong));
    assert_code(lock.take(milliseconds(20)), Errc::timed_out);
    assert_code(lock.release(), Errc::not_owner);
    assert_ok(local.release());
    assert_ok(lock.drop());
    assert_code(lock.take(), Errc::closed);

    const auto rlock = g_remote->rlock().expect("making");
    assert_ok(rlock.take());
    assert_ok(rlock.take());
    assert_ok(rlock.release());
    assert_code(rlock.drop(), Errc::in_use);
    assert_ok(rlock.release());
    assert_ok(rlock.drop());

    const auto semaphore = g_remote->semaphore(2).expect("making");
    assert_ok(semaphore.take());
    assert_ok(semaphore.try_take());
    assert_code(semaphore.try_take(), Errc::timed_out);
    assert_int_equal(*semaphore.value(), 0);
    assert_ok(semaphore.release(2));
    assert_int_equal(*semaphore.value(), 2);
    assert_ok(semaphore.drop());
    const auto bounded = g_remote->bounded_semaphore(1).expect("making");
    assert_code(bounded.release(), Errc::too_many_releases);
    assert_ok(bounded.drop());
}

static void events_conditions_and_barriers_wake_both_sides(void**) {
    const auto event = g_remote->event().expect("making");
    const auto condition = g_remote->condition().expect("making");
    const auto barrier = g_remote->barrier(2).expect("making");
    const Handle<Event> there = event.handle();
    const Handle<Condition> told = condition.handle();
    const Handle<Barrier> met = barrier.handle();
    const pid_t child = test::start_child([=] {
        there.open()->wait(kLong).expect("waiting");
        auto local = told.open().expect("opening");
        {
            const auto hold = local.acquire(kLong);
            local.notify().expect("telling");
        }
        met.open()->wait(kLong).expect("meeting");
        return 0;
    });
    assert_false(*event.is_set());
    assert_code(event.wait(milliseconds(10)), Errc::timed_out);
    assert_ok(condition.take(kLong));
    assert_ok(event.set());
    assert_true(*event.is_set());
    assert_ok(condition.wait(kLong));
    assert_ok(condition.notify_all());
    int asked = 0;
    assert_ok(condition.wait_for([&] { return ++asked == 1; }));
    assert_code(condition.wait_for([&] { return ++asked < 0; }, milliseconds(10)), Errc::timed_out);
    assert_int_equal(asked, 3);
    assert_ok(condition.release());
    assert_code(condition.wait_for([] { return false; }), Errc::not_owner);
    assert_code(condition.notify(), Errc::not_owner);
    assert_ok(barrier.wait(kLong));
    assert_int_equal(test::join_child(child), 0);
    assert_ok(event.clear());
    assert_false(*event.is_set());
    assert_int_equal(barrier.state()->parties, 2);
    assert_ok(barrier.abort());
    assert_true(barrier.state()->broken);
    assert_code(barrier.wait(), Errc::broken_barrier);
    assert_ok(barrier.reset());
    assert_code(barrier.wait(milliseconds(10)), Errc::timed_out);
    assert_ok(event.drop());
    assert_ok(condition.drop());
    assert_ok(barrier.drop());
}

struct Point {
    double x, y;
    int turns[3];
};

static void values_and_arrays_are_read_and_written(void**) {
    const auto value = g_remote->value<int>(5).expect("making");
    Value<int> local = value.handle().open().expect("opening");
    assert_int_equal(*value.load(), 5);
    assert_ok(value.store(7));
    assert_int_equal(local.value(), 7);
    assert_int_equal(*value.fetch_add(-10), 7);
    assert_int_equal(local.value(), -3);
    assert_ok(value.with_lock([](int& n) { n *= 2; }));
    assert_int_equal(local.value(), -6);
    assert_ok(local.lock().take());
    assert_code(value.lock().take(milliseconds(10)), Errc::timed_out);
    assert_ok(local.lock().release());
    assert_ok(value.drop());

    const auto point = g_remote->value<Point>({1.5, -2, {1, 2, 3}}).expect("making");
    assert_true(point.load()->y == -2 && point.load()->turns[2] == 3);
    assert_ok(point.drop());

    const auto array = g_remote->array<long>(1000).expect("making");
    Array<long> elements = array.handle().open().expect("opening");
    assert_int_equal(*array.size(), 1000);
    assert_ok(array.set(999, 42));
    assert_int_equal(elements[999], 42);
    assert_code(array.set(1000, 1), Errc::out_of_range);
    assert_code(array.get(1000), Errc::out_of_range);
    long part[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    assert_ok(array.write(10, part, 10));
    assert_int_equal(elements[19], 9);
    assert_ok(array.read(15, part, 5));
    assert_int_equal(part[4], 9);
    assert_int_equal(*array.fetch_add(19, 1), 9);
    assert_ok(array.drop());
}

static void handles_travel(void**) {
    const auto locks = g_served->manager.dict<int, Handle<Lock>>("locks").expect("making");
    const auto remote = g_remote->find<RemoteDict<int, Handle<Lock>>>("locks").expect("finding");
    {
        const RemoteManager other = g_served->connect();
        const auto made = other.lock().expect("making");
        const auto there = other.find<RemoteDict<int, Handle<Lock>>>("locks").expect("finding");
        assert_ok(there.set(1, made.handle()));
    }
    auto lock = g_remote->open<RemoteLock>(*remote.get(1));
    assert_ok(lock.take(kLong));
    Lock local = locks.get(1)->open().expect("opening");
    assert_code(local.take(milliseconds(10)), Errc::timed_out);
    assert_ok(lock.release());
    assert_ok(lock.drop());
    assert_code(remote.set(2, lock.handle()), Errc::closed);
    assert_ok(remote.drop());
}

static void what_has_no_name_goes_with_its_connection(void**) {
    RemoteCounts kept, gone;
    {
        const RemoteManager other = g_served->connect();
        kept = g_remote->open<RemoteCounts>(other.dict<Text<16>, int>()->handle());
        gone = g_remote->open<RemoteCounts>(other.dict<Text<16>, int>()->handle());
        assert_ok(kept.keep());
    }
    // Others' makers sweep it away.
    assert_true(test::eventually([&] {
        assert_ok(g_served->manager.event()->drop());
        return gone.size().code() == Errc::closed;
    }));
    assert_int_equal(*kept.size(), 0);
    assert_ok(kept.drop());
}

static void bad_shapes_are_refused(void**) {
    assert_code(g_remote->semaphore(0), Errc::size_zero);
    assert_code(g_remote->semaphore(SIZE_MAX), Errc::size_too_large);
    assert_code(g_remote->array<int>(0), Errc::size_zero);
    assert_code(g_remote->find<RemoteCounts>(""), Errc::name_empty);
    const std::string longest(255, 'n');
    const auto made = g_remote->dict<int, int>(longest.c_str());
    assert_ok(made);
    assert_code(g_remote->dict<int, int>(longest.c_str()), Errc::already_exists);
    assert_ok(made->drop());
    assert_code(g_remote->dict<int, int>((longest + "n").c_str()), Errc::name_too_long);
    assert_code(RemoteCounts().get("a"), Errc::closed);
    assert_code(RemoteManager().stats(), Errc::closed);
    const auto counts = g_remote->dict<Text<16>, int>().expect("making");
    assert_code(counts.get("a", milliseconds(-1)), Errc::timeout_negative);
    const auto large = g_remote->dict<int, Bytes<2 << 20>>().expect("making");
    static Bytes<2 << 20> value;
    std::string bytes(2 << 20, 'x');
    value = *Bytes<2 << 20>::from(bytes.data(), bytes.size());
    const Status done = large.set(1, value);
    assert_code(done, Errc::message_too_long);
    assert_int_equal(done.error().detail(), 1 << 20);
    assert_int_equal(*large.size(), 0);
    assert_ok(large.drop());
    assert_ok(counts.drop());
}

static void a_child_of_a_client_is_none(void**) {
    const auto counts = g_remote->dict<Text<16>, int>().expect("making");
    test::assert_child_exits(0, [&] {
        const bool is_refused = counts.set("a", 1).code() == Errc::wrong_process;
        const RemoteManager own = g_served->connect();
        return is_refused && own.open<RemoteCounts>(counts.handle()).set("b", 1).ok() ? 0 : 1;
    });
    assert_int_equal(*counts.size(), 1);
    assert_true(g_remote->stats()->objects >= 1);
    assert_ok(counts.drop());
}

static void threads_take_turns_at_one_connection(void**) {
    const auto counts = g_remote->dict<Text<16>, int>().expect("making");
    pthread_t threads[3];
    RemoteCounts shared = counts;
    for (pthread_t& thread : threads) {
        const auto count = [](void* of) -> void* {
            for (int i = 0; i < 300; ++i) {
                static_cast<RemoteCounts*>(of)->update("n", [](int& n) { ++n; }).expect("counting");
            }
            return nullptr;
        };
        assert_int_equal(pthread_create(&thread, nullptr, count, &shared), 0);
    }
    for (const pthread_t thread : threads) { pthread_join(thread, nullptr); }
    assert_int_equal(*counts.get("n"), 900);
    assert_ok(counts.drop());
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dict_is_changed_from_both_sides),
        cmocka_unit_test(values_that_do_not_fit_stay),
        cmocka_unit_test(items_longer_than_a_message_come_in_pieces),
        cmocka_unit_test(a_list_is_changed_from_both_sides),
        cmocka_unit_test(a_namespace_is_changed_from_both_sides),
        cmocka_unit_test(a_long_list_comes_in_pieces),
        cmocka_unit_test(queues_carry_messages_both_ways),
        cmocka_unit_test(many_messages_travel_at_once),
        cmocka_unit_test(what_went_with_a_client_is_counted),
        cmocka_unit_test(locks_exclude_both_sides),
        cmocka_unit_test(events_conditions_and_barriers_wake_both_sides),
        cmocka_unit_test(values_and_arrays_are_read_and_written),
        cmocka_unit_test(handles_travel),
        cmocka_unit_test(what_has_no_name_goes_with_its_connection),
        cmocka_unit_test(bad_shapes_are_refused),
        cmocka_unit_test(threads_take_turns_at_one_connection),
        cmocka_unit_test(a_child_of_a_client_is_none),
    };
    return cmocka_run_group_tests(tests, make_server, end_server);
}
