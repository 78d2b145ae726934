// Goal: whatever a client of a ManagerServer does or suffers, it takes nothing from the others: not
// what it holds, not their time, not the server.
// Method: real clients that are killed, stopped, that send nonsense or half of a message, or do not
// read; a server that is killed.
#include "remote_support.hpp"

using namespace remote_test;
using brood::Barrier;
using brood::Client;
using brood::Connection;
using brood::Dict;
using brood::Handle;
using brood::Lock;
using brood::Queue;
using brood::RemoteDict;
using brood::RemoteLock;
using brood::RemoteQueue;
using brood::Semaphore;
using brood::Text;

/// How many processes the server has started that live, and one of them.
static std::size_t handlers_of(pid_t server, pid_t* one = nullptr) {
    std::size_t count = 0;
    DIR* const dir = opendir("/proc");
    while (const dirent* entry = readdir(dir)) {
        const pid_t pid = atoi(entry->d_name);
        if (pid <= 0) { continue; }
        char path[40];
        snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
        FILE* const file = fopen(path, "re");
        int parent = 0;
        char state = 'Z';
        if (file != nullptr && fscanf(file, "%*d (%*[^)]) %c %d", &state, &parent) == 2 &&
            state != 'Z' && parent == server) {
            ++count;
            if (one != nullptr) { *one = pid; }
        }
        if (file != nullptr) { fclose(file); }
    }
    closedir(dir);
    return count;
}

static void await_handlers(pid_t server, std::size_t count) {
    assert_true(test::eventually([=] { return handlers_of(server) == count; }));
}

/// A client that does `f(its manager)`, says so, and stays until it is killed.
template <class F>
static pid_t start_client(const Served& served, F f) {
    test::Handshake done;
    const pid_t pid = test::start_child([&] {
        RemoteManager remote = served.connect();
        f(remote);
        done.tell();
        for (;;) { pause(); }
        return 0;
    });
    assert_true(done.await());
    return pid;
}

static void kill_client(pid_t pid) {
    kill(pid, SIGKILL);
    assert_int_equal(test::join_child(pid), -SIGKILL);
}

// ---- Many, and those that die ------------------------------------------------------------------

static void clients_count_together(void**) {
    constexpr int kClients = 8, kRounds = 1000;
    const Served served;
    const auto counts = served.manager.dict<Text<16>, int>("counts").expect("making");
    pid_t clients[kClients];
    for (pid_t& client : clients) {
        client = test::start_child([&] {
            const RemoteManager remote = served.connect();
            const auto there = remote.find<RemoteDict<Text<16>, int>>("counts").expect("finding");
            for (int i = 0; i < kRounds; ++i) {
                there.update("n", [](int& n) { ++n; }).expect("counting");
            }
            return 0;
        });
    }
    for (const pid_t client : clients) { assert_int_equal(test::join_child(client, 120000), 0); }
    assert_int_equal(*counts.get("n"), kClients * kRounds);
}

static void what_a_killed_client_held_comes_back(void**) {
    const Served served;
    const auto lock = served.manager.lock("door").expect("making");
    const auto semaphore = served.manager.semaphore(2, "seats").expect("making");
    const auto queue = served.manager.joinable_queue<int>(4, "work").expect("making");
    auto work = queue.open().expect("opening");
    assert_ok(work.put(1));
    const pid_t client = start_client(served, [](RemoteManager& remote) {
        remote.find<RemoteLock>("door")->take().expect("taking");
        remote.find<brood::RemoteSemaphore>("seats")->take().expect("taking");
        remote.find<brood::RemoteJoinableQueue<int>>("work")->get(kLong).expect("getting");
    });
    Lock door = lock.open().expect("opening");
    assert_code(door.take(milliseconds(20)), Errc::timed_out);
    kill_client(client);
    assert_code(door.take(kLong), Errc::owner_died);
    assert_ok(door.release());
    Semaphore seats = semaphore.open().expect("opening");
    assert_ok(seats.take(kLong));
    assert_ok(seats.take(kLong));
    assert_ok(seats.release(2));
    assert_code(work.join(kLong), Errc::abandoned);
    await_handlers(served.server(), 0);
}

static void a_child_of_a_client_does_not_keep_it_alive(void**) {
    const Served served;
    const auto lock = served.manager.lock("door").expect("making");
    const test::Board<std::atomic<pid_t>> child;
    const pid_t client = start_client(served, [&](RemoteManager& remote) {
        remote.find<RemoteLock>("door")->take().expect("taking");
        const pid_t forked = fork();
        if (forked == 0) {
            for (;;) { pause(); }
        }
        *child = forked;
    });
    kill_client(client);
    assert_code(lock.open()->take(kLong), Errc::owner_died);
    await_handlers(served.server(), 0);
    kill(*child, SIGKILL);
    assert_true(test::eventually([&] { return test::has_ended(*child); }));
}

static void who_closes_in_order_is_no_dead_holder(void**) {
    const Served served;
    const auto lock = served.manager.lock("door").expect("making");
    RemoteManager remote = served.connect();
    assert_ok(remote.find<RemoteLock>("door")->take());
    remote.close();
    assert_ok(lock.open()->take(kLong));
}

static void a_client_that_is_killed_while_it_waits_waits_no_more(void**) {
    const Served served;
    const auto barrier = served.manager.barrier(2, Timeout::forever(), "start").expect("making");
    const auto lock = served.manager.lock("door").expect("making");
    Lock door = lock.open().expect("opening");
    assert_ok(door.take());
    const auto start_waiter = [&](auto wait) {
        return test::start_child([&served, wait] {
            RemoteManager remote = served.connect();
            wait(remote);
            return 0;
        });
    };
    const pid_t at_barrier = start_waiter(
        [](RemoteManager& remote) { remote.find<brood::RemoteBarrier>("start")->wait().ignore(); });
    const pid_t at_lock = start_waiter(
        [](RemoteManager& remote) { remote.find<RemoteLock>("door")->take().ignore(); });
    Barrier start = barrier.open().expect("opening");
    assert_true(test::eventually([&] { return start.n_waiting() == 1; }));
    await_handlers(served.server(), 2);
    kill_client(at_barrier);
    kill_client(at_lock);
    await_handlers(served.server(), 0);
    assert_code(start.wait(kLong), Errc::broken_barrier);
    assert_ok(door.release());
}

// ---- Those that stall --------------------------------------------------------------------------

/// Whether another client is served as ever.
static void assert_served(const Served& served) {
    RemoteManager remote = served.connect();
    const auto counts = remote.dict<int, int>().expect("making");
    const std::int64_t before = test::now_ns();
    for (int i = 0; i < 100; ++i) {
        assert_ok(counts.update(1, [](int& n) { ++n; }));
    }
    assert_int_equal(*counts.get(1), 100);
    assert_true(test::now_ns() - before < test::kSoonMs * 1000000);
    assert_ok(counts.drop());
}

static void a_client_that_is_stopped_holds_up_itself_alone(void**) {
    const Served served;
    const auto counts = served.manager.dict<int, int>("counts").expect("making");
    test::Handshake is_inside;
    const pid_t client = test::start_child([&] {
        RemoteManager remote = served.connect();
        const auto there = remote.find<RemoteDict<int, int>>("counts").expect("finding");
        there
            .update(1,
                    [&](int& n) {
                        n = 5;
                        is_inside.tell();
                        for (;;) { pause(); }
                    })
            .ignore();
        return 0;
    });
    assert_true(is_inside.await());
    kill(client, SIGSTOP);
    test::await_state(client, 'T');
    // It is in the midst of an update: nobody waits for it.
    assert_ok(counts.set(1, 7, kLong));
    assert_served(served);
    kill_client(client);
    assert_int_equal(*counts.get(1), 7);
}

static void half_a_message_holds_up_nobody_and_is_given_up(void**) {
    const Served served(keyed().patience(milliseconds(300)));
    Connection client =
        Client::connect(served.address(), socket_test::with_key(), kLong).expect("connecting");
    await_handlers(served.server(), 1);
    // A frame of 100 bytes, of which 7 come.
    assert_int_equal(write(client.fileno(), "\0\0\0\x64half a message", 11), 11);
    assert_served(served);
    // Five seconds is the least that a connection waits for the rest of a message.
    await_handlers(served.server(), 0);
    assert_served(served);
}

static void a_client_that_does_not_read_is_given_up(void**) {
    const Served served(keyed().patience(milliseconds(300)));
    const auto lock = served.manager.lock("door").expect("making");
    RemoteManager maker = served.connect();
    const auto large = maker.dict<int, brood::Bytes<1000>>("large").expect("making");
    const std::string bytes(1000, 'x');
    for (int i = 0; i < 2000; ++i) {
        const auto value = brood::Bytes<1000>::from(bytes.data(), bytes.size());
        assert_ok(large.set(i, *value));
    }
    RawClient client(served);
    client.greet();
    WireRequest request = making(Handle<Lock>::kType);
    request.op = WireOp::find;
    assert_true(client.ask(request, "door") == Errc::ok);
    assert_true(client.ask(client.about(WireOp::acquire, request)) == Errc::ok);
    request = making(RemoteDict<int, brood::Bytes<1000>>::kType);
    request.op = WireOp::find;
    assert_true(client.ask(request, "large") == Errc::ok);
    request = client.about(WireOp::dict_items, request);
    request.b = INT32_MAX;
    assert_ok(client.send(request));  // A reply of 1 MiB, which nobody reads.
    assert_code(lock.open()->take(kLong), Errc::owner_died);
    assert_int_equal(*large.size(), 2000);
    assert_served(served);
}

static void a_client_that_asks_again_before_its_reply_is_cut_off(void**) {
    const Served served;
    Lock door = served.manager.lock("door")->open().expect("opening");
    assert_ok(door.take());
    RawClient client(served);
    client.greet();
    WireRequest request = making(Handle<Lock>::kType);
    request.op = WireOp::find;
    assert_true(client.ask(request, "door") == Errc::ok);
    request = client.about(WireOp::acquire, request);
    request.timeout_ms = -1;
    assert_ok(client.send(request));
    assert_ok(client.send(request));
    assert_true(client.receive() == Errc::end_of_stream);
    assert_ok(door.release());
}

static void a_server_that_is_stopped_holds_up_no_client_for_good(void**) {
    if (test::is_posix_port()) { return test::not_run("stopped", "a guardian is in between"); }
    const Served served;
    const RemoteManager remote = served.connect();
    const auto counts = remote.dict<int, int>().expect("making");
    pid_t handler = 0;
    assert_int_equal(handlers_of(served.server(), &handler), 1);
    kill(handler, SIGSTOP);
    test::await_state(handler, 'T');
    const std::int64_t before = test::now_ns();
    assert_code(counts.set(1, 2, milliseconds(50)), Errc::stalled);
    assert_in_range((test::now_ns() - before) / 1000000, 10000, 10000 + test::kSoonMs);
    assert_code(counts.get(1), Errc::stalled);
    kill(handler, SIGCONT);
    await_handlers(served.server(), 0);
}

// ---- Those that send nonsense ------------------------------------------------------------------

static void what_is_no_protocol_is_refused(void**) {
    const Served served;
    const auto first = [&](const WireRequest& request, const std::string& value) {
        RawClient client(served);
        const Errc code = client.ask(request, "", value);
        assert_true(client.receive() == Errc::end_of_stream);
        return code;
    };
    WireRequest request = RawClient::hello();
    request.a = 2;
    assert_true(first(request, RawClient::byte_order()) == Errc::version_mismatch);
    request = RawClient::hello();
    const std::uint64_t swapped = __builtin_bswap64(brood::detail::kByteOrder);
    assert_true(first(request, RawClient::byte_order(swapped)) == Errc::unsupported);
    assert_true(first(request, "short") == Errc::bad_frame);
    request.op = WireOp::stats;
    assert_true(first(request, "") == Errc::bad_frame);
    {
        RawClient client(served);
        client.greet();
        assert_ok(client.connection.send_bytes("no request", 10, kLong));
        assert_true(client.receive() == Errc::bad_frame);
        assert_true(client.receive() == Errc::end_of_stream);
    }
    {
        RawClient client(served);
        client.greet();
        WireRequest wrong;
        wrong.op = WireOp::stats;
        wrong.value_bytes = 1000;  // more than there are
        unsigned char message[WireRequest::kBytes];
        wrong.write(message);
        assert_ok(client.connection.send_bytes(message, sizeof message, kLong));
        assert_true(client.receive() == Errc::bad_frame);
    }
    {
        RawClient client(served);
        client.greet();
        const std::string large(2 << 20, 'x');
        client.connection.send_bytes(large.data(), large.size(), kLong).ignore();
        const Errc code = client.receive();
        assert_true(code == Errc::message_too_long || code == Errc::broken_pipe ||
                    code == Errc::end_of_stream);
        if (code == Errc::message_too_long) { assert_int_equal(client.reply.detail, 1 << 20); }
    }
    {
        // 2 GiB are announced; no memory is taken for them.
        RawClient client(served);
        client.greet();
        assert_int_equal(write(client.connection.fileno(), "\x7f\xff\xff\xff", 4), 4);
        assert_true(client.receive() == Errc::message_too_long);
        assert_true(client.receive() == Errc::end_of_stream);
    }
    assert_served(served);
}

static void elements_that_are_none_are_refused(void**) {
    const Served served;
    RawClient client(served);
    client.greet();
    const WireRequest texts = making(RemoteDict<Text<8>, bool>::kType);
    assert_true(client.ask(texts) == Errc::ok);
    WireRequest request = client.about(WireOp::dict_set, texts);
    assert_true(client.ask(request, "key", "\x01") == Errc::ok);
    const struct {
        std::string key, value;
    } bad[] = {{"key", "\x02"}, {"key", ""}, {"key", "\x01\x01"}, {std::string("k\0y", 3), "\x01"}};
    for (const auto& row : bad) {
        assert_true(client.ask(request, row.key, row.value) == Errc::bad_argument);
    }
    // The object is of another type than the request says.
    request.types[1] = brood::detail::Element<int>::type();
    assert_true(client.ask(request, "key", "1234") == Errc::type_mismatch);

    const WireRequest post = making(RemoteQueue<Text<4>>::kType, 8);
    assert_true(client.ask(post) == Errc::ok);
    request = client.about(WireOp::queue_put, post);
    assert_true(client.ask(request, "", std::string("abc\0", 4)) == Errc::ok);
    assert_true(client.ask(request, "", "abcd") == Errc::bad_argument);
    assert_true(client.ask(request, "", "abc") == Errc::bad_argument);
    assert_true(client.ask(request, "key", std::string("abc\0", 4)) == Errc::bad_argument);
    request.op = WireOp::queue_put_many;
    assert_true(client.ask(request, "", std::string("abc\0efgh", 8)) == Errc::bad_argument);
    assert_true(client.ask(request, "", std::string("abc\0efg", 7)) == Errc::bad_argument);
    request.op = WireOp::queue_get_many;
    request.b = -1;
    assert_true(client.ask(request) == Errc::bad_argument);
    request.b = INT64_MAX;
    assert_true(client.ask(request) == Errc::ok && client.reply.a == 1);

    WireRequest shape = texts;
    shape.types[0] = 0xff000004;
    assert_true(client.ask(shape) == Errc::bad_argument);
    shape.types[0] = brood::detail::Element<float>::type();  // as a key
    assert_true(client.ask(shape) == Errc::bad_argument);
    shape = post;
    shape.types[1] = 0;
    assert_true(client.ask(shape) == Errc::bad_argument);
    shape.kind = 99;
    assert_true(client.ask(shape) == Errc::bad_argument);
    shape.op = static_cast<WireOp>(12345);
    assert_true(client.ask(shape) == Errc::bad_argument);
    assert_true(client.ask(texts, std::string("na\0me", 5)) == Errc::bad_argument);
    assert_true(client.ask(texts, std::string(256, 'n')) == Errc::name_too_long);
}

static void who_has_not_the_key_is_not_served(void**) {
    const Served served;
    const auto wrong = RemoteManager::connect(
        served.address(), brood::ClientOptions().authkey("another key", 11), kLong);
    assert_code(wrong, Errc::not_authenticated);
    await_handlers(served.server(), 0);
    assert_served(served);
}

// ---- Limits ------------------------------------------------------------------------------------

static void no_more_clients_than_allowed_are_accepted(void**) {
    const Served served(keyed().clients_max(2));
    RemoteManager first = served.connect(), second = served.connect();
    await_handlers(served.server(), 2);
    assert_code(
        RemoteManager::connect(served.address(), socket_test::with_key(), milliseconds(300)),
        Errc::timed_out);
    first.close();
    const RemoteManager third = served.connect();
    assert_ok(third.stats());
    assert_ok(second.stats());
}

static void no_more_objects_than_a_client_may_use_are_opened(void**) {
    const Served served;
    const RemoteManager remote = served.connect();
    RemoteLock locks[129];
    for (RemoteLock& lock : locks) { lock = *remote.lock(); }
    for (int i = 0; i < 128; ++i) { assert_ok(locks[i].take()); }
    assert_code(locks[128].take(), Errc::full);
    assert_ok(locks[5].release());
    assert_ok(locks[5].drop());
    assert_ok(locks[128].take());
    // What another drops makes room, too.
    assert_ok(locks[7].release());
    assert_ok(locks[7].handle().drop());
    const auto more = remote.lock().expect("making");
    assert_ok(more.take());
}

static void bad_settings_are_refused(void**) {
    const Manager manager = Manager::create().expect("making");
    const ManagerServerOptions bad[] = {
        ManagerServerOptions().clients_max(0),
        ManagerServerOptions().clients_max(64),
        ManagerServerOptions().message_bytes_max(1023),
        ManagerServerOptions().message_bytes_max((std::size_t{1} << 30) + 1),
        ManagerServerOptions().patience(Timeout::forever()),
        ManagerServerOptions().patience(milliseconds(0)),
        ManagerServerOptions().idle_limit(milliseconds(0)),
        ManagerServerOptions().idle_limit(seconds(86401))};
    for (const ManagerServerOptions& options : bad) {
        assert_code(ManagerServer::create(manager, options), Errc::bad_argument);
    }
    assert_code(ManagerServer::create(Manager()), Errc::closed);
    ManagerServer none;
    assert_code(none.serve(), Errc::closed);
    auto deaf = ManagerServer::create(manager).expect("making");
    assert_code(deaf.serve(), Errc::closed);
    test::assert_child_exits(0, [&] {
        auto pair = Connection::pipe().expect("making");
        const Status status = deaf.serve_connection(std::move(pair.first));
        return status.code() == Errc::wrong_process ? 0 : 1;
    });
}

// ---- The server --------------------------------------------------------------------------------

static void pipes_are_served_as_well(void**) {
    const Manager manager = Manager::create().expect("making");
    auto server = ManagerServer::create(manager, ManagerServerOptions().clients_max(1))
                      .expect("making the server");
    auto pair = Connection::pipe().expect("making a pipe");
    assert_ok(server.serve_connection(std::move(pair.second)));
    RemoteManager remote = RemoteManager::over(std::move(pair.first), kLong).expect("greeting");
    const auto counts = remote.dict<int, int>("counts").expect("making");
    assert_ok(counts.set(1, 2));
    assert_int_equal(*(manager.find<Dict<int, int>>("counts")->get(1)), 2);
    auto more = Connection::pipe().expect("making a pipe");
    assert_code(server.serve_connection(std::move(more.second)), Errc::full);
    assert_int_equal(server.clients(), 1);
    remote.close();
    assert_true(test::eventually([&] { return server.clients() == 0; }));
    auto last = Connection::pipe().expect("making a pipe");
    assert_ok(server.serve_connection(std::move(last.second)));
    remote = RemoteManager::over(std::move(last.first), kLong).expect("greeting");
    server.close();
    assert_code(remote.stats(kLong), Errc::end_of_stream);
    assert_code(remote.stats(kLong), Errc::end_of_stream);
}

/// The process that serves this client ends with its server, within a second.
static void assert_ended(const RemoteManager& remote) {
    assert_true(test::eventually([&] { return !remote.stats(kLong).ok(); }));
    assert_code(remote.stats(kLong), Errc::end_of_stream);
}

static void a_killed_server_takes_its_processes_with_it_and_another_goes_on(void**) {
    Served served;
    const auto counts = served.manager.dict<int, int>("counts").expect("making");
    RemoteManager remote = served.connect();
    const auto there = remote.find<RemoteDict<int, int>>("counts").expect("finding");
    assert_ok(there.set(1, 2));
    RawClient waiter(served);
    waiter.greet();
    const WireRequest event = making(Handle<brood::Event>::kType);
    assert_true(waiter.ask(event) == Errc::ok);
    WireRequest wait = waiter.about(WireOp::wait, event);
    wait.timeout_ms = -1;
    assert_ok(waiter.send(wait));  // One that waits, and one that has nothing to do.
    served.stop(SIGKILL);
    assert_ended(remote);
    assert_code(there.get(1, kLong), Errc::end_of_stream);
    assert_true(waiter.receive() == Errc::end_of_stream);
    assert_int_equal(*counts.get(1), 2);

    served.start();
    RemoteManager again = served.connect();
    assert_int_equal(*(again.find<RemoteDict<int, int>>("counts")->get(1)), 2);
    served.stop(SIGTERM);
    assert_ended(again);
    assert_code(RemoteManager::connect(served.address(), socket_test::with_key(), kLong),
                Errc::not_found);
}

static void a_manager_serves_by_itself(void**) {
    const Folder folder;
    const Manager manager = Manager::create().expect("making");
    const auto counts = manager.dict<int, int>("counts").expect("making");
    const brood::AuthKey key = brood::this_process::authkey().expect("the key");
    const pid_t server = test::start_child([&] {
        manager.serve(folder.address(), key).expect("serving");
        return 0;
    });
    assert_true(test::eventually([&] { return folder.count() == 1; }));
    const auto remote =
        RemoteManager::connect(folder.address(), brood::ClientOptions().authkey(key), kLong);
    assert_ok(remote);
    const auto there = remote->find<RemoteDict<int, int>>("counts").expect("finding");
    assert_ok(there.set(1, 2));
    assert_int_equal(*counts.get(1), 2);
    kill(server, SIGKILL);
    assert_int_equal(test::join_child(server), -SIGKILL);
    assert_ended(*remote);
    unlink(folder.path().c_str());
    // One that ends by itself takes its address away.
    assert_code(manager.serve(folder.address(), key, milliseconds(10)), Errc::timed_out);
    assert_int_equal(folder.count(), 0);
}

static void an_idle_server_and_its_processes_sleep(void**) {
    const Served served;
    const RemoteManager remote = served.connect();
    assert_ok(remote.stats());
    if (test::is_posix_port()) { return test::not_run("idle", "it looks at children"); }
    const long before = test::switches_at_rest(served.server());
    test::sleep_ms(600);
    assert_int_equal(test::switches_of(served.server()), before);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_count_together),
        cmocka_unit_test(what_a_killed_client_held_comes_back),
        cmocka_unit_test(a_child_of_a_client_does_not_keep_it_alive),
        cmocka_unit_test(who_closes_in_order_is_no_dead_holder),
        cmocka_unit_test(a_client_that_is_killed_while_it_waits_waits_no_more),
        cmocka_unit_test(a_client_that_is_stopped_holds_up_itself_alone),
        cmocka_unit_test(half_a_message_holds_up_nobody_and_is_given_up),
        cmocka_unit_test(a_client_that_does_not_read_is_given_up),
        cmocka_unit_test(a_client_that_asks_again_before_its_reply_is_cut_off),
        cmocka_unit_test(a_server_that_is_stopped_holds_up_no_client_for_good),
        cmocka_unit_test(what_is_no_protocol_is_refused),
        cmocka_unit_test(elements_that_are_none_are_refused),
        cmocka_unit_test(who_has_not_the_key_is_not_served),
        cmocka_unit_test(no_more_clients_than_allowed_are_accepted),
        cmocka_unit_test(no_more_objects_than_a_client_may_use_are_opened),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(pipes_are_served_as_well),
        cmocka_unit_test(a_killed_server_takes_its_processes_with_it_and_another_goes_on),
        cmocka_unit_test(a_manager_serves_by_itself),
        cmocka_unit_test(an_idle_server_and_its_processes_sleep),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
