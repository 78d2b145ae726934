// Goal: a manager is served over every family of sockets alike, and who is silent, or has vanished
// without a word, holds nothing for ever.
// Method: a server in a process of its own at ports that the system chooses; clients that are
// killed, that have another key, that ask for nothing; what the system was told of a socket.
#include "remote_support.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

using namespace remote_test;
using brood::Client;
using brood::Connection;
using brood::Dict;
using brood::Listener;
using brood::Lock;
using brood::Queue;
using brood::RemoteDict;
using brood::RemoteLock;
using brood::RemoteQueue;
using brood::Text;

/// A client that takes the lock and stays, and the way to kill it.
static pid_t start_holder(const Served& served) {
    test::Handshake holds;
    const pid_t pid = test::start_child([&] {
        const RemoteManager remote = served.connect();
        remote.find<RemoteLock>("door")->take().expect("taking");
        holds.tell();
        for (;;) { pause(); }
        return 0;
    });
    assert_true(holds.await());
    return pid;
}

static void check_served_at(const Address& where) {
    const Served served(keyed(), where);
    assert_true(served.address().family() == where.family() && served.address().port() != 0);
    const auto counts = served.manager.dict<Text<16>, int>("counts").expect("making");
    auto post = served.manager.queue<int>(4, "post")->open().expect("opening");
    Lock door = served.manager.lock("door")->open().expect("opening");

    const RemoteManager remote = served.connect();
    const auto there = remote.find<RemoteDict<Text<16>, int>>("counts").expect("finding");
    assert_ok(there.set("a", 1));
    assert_int_equal(*counts.get("a"), 1);
    assert_ok(counts.set("b", 2));
    assert_int_equal(*there.get("b"), 2);
    const auto queue = remote.find<RemoteQueue<int>>("post").expect("finding");
    assert_ok(queue.put(3));
    assert_int_equal(*post.get(kLong), 3);
    assert_ok(post.put(4));
    assert_int_equal(*queue.get(kLong), 4);

    const pid_t holder = start_holder(served);
    assert_code(remote.find<RemoteLock>("door")->take(milliseconds(20)), Errc::timed_out);
    test::killed(holder);
    assert_code(door.take(kLong), Errc::owner_died);
    assert_ok(door.release());

    const auto wrong = RemoteManager::connect(
        served.address(), brood::ClientOptions().authkey("another key", 11), kLong);
    assert_code(wrong, Errc::not_authenticated);
    assert_ok(remote.stats(kLong));
}

static void objects_are_used_over_ip4(void**) {
    check_served_at(Address::ip("127.0.0.1", 0));
}

static void objects_are_used_over_ip6(void**) {
    if (socket_test::has_ip6()) { check_served_at(Address::ip("::1", 0)); }
}

// A machine that is gone says nothing: the system has to ask it, at either end.
static void tcp_is_told_to_find_out_who_has_vanished(void**) {
    const Manager manager = Manager::create().expect("making");
    auto server = ManagerServer::create(manager, ManagerServerOptions().patience(seconds(100)))
                      .expect("making the server");
    Listener listener = Listener::create(Address::ip("127.0.0.1", 0)).expect("listening");
    Connection client = Client::connect(listener.address(), kLong).expect("connecting");
    Connection served = listener.accept(kLong).expect("accepting");
    const int ends[] = {dup(client.fileno()), dup(served.fileno())};
    const auto option = [&](int end, int level, int name) {
        int value = -1;
        socklen_t bytes = sizeof value;
        assert_int_equal(getsockopt(ends[end], level, name, &value, &bytes), 0);
        return value;
    };
    for (const int end : {0, 1}) { assert_int_equal(option(end, SOL_SOCKET, SO_KEEPALIVE), 0); }
    assert_ok(server.serve_connection(std::move(served)));
    const RemoteManager remote = RemoteManager::over(std::move(client), kLong).expect("greeting");
    const int limit[] = {60, 100};  // seconds
    for (const int end : {0, 1}) {
        assert_int_equal(option(end, SOL_SOCKET, SO_KEEPALIVE), 1);
        if (test::is_posix_port()) { continue; }
        assert_int_equal(
            option(end, IPPROTO_TCP, TCP_KEEPIDLE) +
                option(end, IPPROTO_TCP, TCP_KEEPINTVL) * option(end, IPPROTO_TCP, TCP_KEEPCNT),
            limit[end]);
        assert_int_equal(option(end, IPPROTO_TCP, TCP_USER_TIMEOUT), limit[end] * 1000);
    }
    for (const int end : ends) { close(end); }
}

static void a_client_that_asks_for_nothing_is_ended_where_there_is_a_limit(void**) {
    const Served served(keyed().idle_limit(milliseconds(700)));
    Lock door = served.manager.lock("door")->open().expect("opening");
    const RemoteManager silent = served.connect();
    assert_ok(silent.find<RemoteLock>("door")->take(kLong));
    assert_code(door.take(Timeout::no_wait()), Errc::timed_out);
    // Who waits is not silent, and hears of the end of him who is.
    const RemoteManager waiter = served.connect();
    const auto lock = waiter.find<RemoteLock>("door").expect("finding");
    assert_code(lock.take(kLong), Errc::owner_died);
    assert_code(silent.stats(kLong), Errc::end_of_stream);
    assert_ok(lock.release());
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_used_over_ip4),
        cmocka_unit_test(objects_are_used_over_ip6),
        cmocka_unit_test(tcp_is_told_to_find_out_who_has_vanished),
        cmocka_unit_test(a_client_that_asks_for_nothing_is_ended_where_there_is_a_limit),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
