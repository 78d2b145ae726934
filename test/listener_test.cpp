// Goal: Listener and Client connect over every family, each error is its own, and nothing is left
// behind, whoever forks or dies.
#include "socket_support.hpp"

#include <sys/resource.h>

#include <brood/wait.hpp>

using namespace socket_test;
using test::child;
using test::join_child;

namespace {

// ---- Addresses ---------------------------------------------------------------------------------

void ends_talk_over_every_family(void**) {
    const Folder folder;
    for (const bool has_key : {false, true}) {
        for (const Address& address : {folder.address(), Address::abstract("brood-listener-test"),
                                       Address::ip("127.0.0.1", 0), Address::ip("::1", 0)}) {
            if (address.family() == Address::Family::ip6 && !has_ip6()) { continue; }
            Result<Listener> listener =
                Listener::create(address, has_key ? keyed() : ListenerOptions());
            if (address.family() == Address::Family::abstract && !has_abstract()) {
                assert_code(listener, Errc::unsupported);
                assert_code(Client::connect(address, kLong), Errc::unsupported);
                continue;
            }
            assert_ok(listener);
            const pid_t peer = child([&] {
                Result<Connection> end = Client::connect(
                    listener->address(), has_key ? with_key() : ClientOptions(), kLong);
                CHILD_EXPECT(end.ok());
                char got[16];
                CHILD_EXPECT(end->recv_bytes(got, sizeof got, kLong).value_or(0) == 4);
                CHILD_EXPECT(end->send_bytes(got, 4).ok());
                return 0;
            });
            Connection end = listener->accept(kLong).expect("accepting");
            char got[16] = {};
            assert_ok(end.send_bytes("echo", 4));
            assert_int_equal(*end.recv_bytes(got, sizeof got, kLong), 4);
            assert_memory_equal(got, "echo", 4);
            assert_code(end.recv_bytes(got, sizeof got, kLong), Errc::end_of_stream);
            assert_int_equal(join_child(peer), 0);
        }
    }
}

void a_port_of_0_is_chosen_by_the_system_and_told(void**) {
    const Listener listener = Listener::create(Address::ip("127.0.0.1", 0)).expect("listening");
    assert_int_not_equal(listener.address().port(), 0);
    Address other = listener.address();
    other.port(0);
    assert_true(other == Address::ip("127.0.0.1", 0));
}

void the_last_accepted_tells_from_where_it_came(void**) {
    Listener listener = Listener::create(Address::ip("127.0.0.1", 0)).expect("listening");
    const Ends ends = connect_ends(listener);
    sockaddr_in own = {};
    socklen_t bytes = sizeof own;
    assert_int_equal(getsockname(ends.client.fileno(), reinterpret_cast<sockaddr*>(&own), &bytes),
                     0);
    assert_true(listener.last_accepted() == Address::ip("127.0.0.1", ntohs(own.sin_port)));
}

void addresses_that_cannot_be_are_refused(void**) {
    const Folder folder;
    const std::string longest = folder.path(std::string(80, 'x').c_str());
    const struct {
        const char* what;
        Address address;
        Errc listen, connect;
    } rows[] = {
        {"none", Address(), Errc::bad_address, Errc::bad_address},
        {"no ip", Address::ip("localhost", 1), Errc::bad_address, Errc::bad_address},
        {"an empty name", Address::unix_path(""), Errc::name_empty, Errc::name_empty},
        {"no folder", Address::unix_path("/nonexistent/x"), Errc::not_found, Errc::not_found},
        {"a path of 107", Address::unix_path(longest.c_str()), Errc::ok, Errc::refused},
        {"nobody there", folder.address("none"), Errc::ok, Errc::refused},
        {"not of this machine", Address::ip("192.0.2.1", 1), Errc::system_error, Errc::ok},
    };
    for (const auto& row : rows) {
        const Result<Listener> listener = Listener::create(row.address);
        if (listener.code() != row.listen) {
            fail_msg("%s: %s", row.what, listener.error().name());
        }
        if (row.connect == Errc::ok || row.connect == Errc::refused) { continue; }
        assert_code(Client::connect(row.address, seconds(1)), row.connect);
    }
    assert_code(Client::connect(folder.address("none"), kLong), Errc::not_found);
}

void options_outside_of_their_bounds_are_refused(void**) {
    const Folder folder;
    const std::string long_key(257, 'k');
    const struct {
        ListenerOptions options;
        Errc wanted;
    } rows[] = {
        {ListenerOptions().backlog(1), Errc::ok},
        {ListenerOptions().backlog(0), Errc::bad_argument},
        {ListenerOptions().backlog(65535), Errc::ok},
        {ListenerOptions().backlog(65536), Errc::bad_argument},
        {ListenerOptions().pending_max(0), Errc::bad_argument},
        {ListenerOptions().pending_max(128), Errc::ok},
        {ListenerOptions().pending_max(129), Errc::bad_argument},
        {ListenerOptions().mode(0777), Errc::ok},
        {ListenerOptions().mode(01000), Errc::bad_argument},
        {ListenerOptions().handshake_timeout(Timeout::forever()), Errc::bad_argument},
        {ListenerOptions().handshake_timeout(Timeout::no_wait()), Errc::bad_argument},
        {ListenerOptions().handshake_timeout(milliseconds(-1)), Errc::bad_argument},
        {ListenerOptions().handshake_timeout(milliseconds(1)), Errc::ok},
        {ListenerOptions().authkey("", 0), Errc::bad_argument},
        {ListenerOptions().authkey(nullptr, 3), Errc::bad_argument},
        {ListenerOptions().authkey(long_key.data(), 256), Errc::ok},
        {ListenerOptions().authkey(long_key.data(), 257), Errc::size_too_large},
    };
    for (const auto& row : rows) {
        assert_code(Listener::create(folder.address(), row.options), row.wanted);
    }
    assert_code(Client::connect(folder.address(), ClientOptions().authkey("", 0)),
                Errc::bad_argument);
    assert_code(Client::connect(folder.address(), ClientOptions().authkey(long_key.data(), 257)),
                Errc::size_too_large);
    assert_code(Client::connect(folder.address(), milliseconds(-1)), Errc::timeout_negative);
}

// ---- Waiting -----------------------------------------------------------------------------------

void accept_times_out(void**) {
    const Folder folder;
    for (const bool has_key : {false, true}) {
        Listener listener =
            Listener::create(folder.address(), has_key ? keyed() : ListenerOptions())
                .expect("listening");
        assert_code(listener.accept(Timeout::no_wait()), Errc::timed_out);
        const std::int64_t before = test::now_ms();
        assert_code(listener.accept(milliseconds(50)), Errc::timed_out);
        assert_in_range(test::now_ms() - before, 50, 50 + test::kSoonMs);
        assert_code(listener.accept(milliseconds(-1)), Errc::timeout_negative);
        listener.close();
        assert_code(listener.accept(Timeout::no_wait()), Errc::closed);
    }
}

// A full backlog: AF_UNIX waits for room, and hears when there is some.
void connect_waits_for_room_in_the_backlog_or_times_out(void**) {
    const Folder folder;
    Listener listener =
        Listener::create(folder.address(), ListenerOptions().backlog(1)).expect("listening");
    Connection waiting[16];
    std::size_t count = 0;
    Result<Connection> next = Errc::closed;
    for (; count < 16; ++count) {
        next = Client::connect(folder.address(), milliseconds(30));
        if (!next.ok()) { break; }
        waiting[count] = std::move(*next);
    }
    assert_in_range(count, 1, 15);
    assert_code(next, Errc::timed_out);
    assert_code(Client::connect(folder.address(), Timeout::no_wait()), Errc::timed_out);
    const pid_t late = child([&] {
        Result<Connection> end = Client::connect(folder.address(), kLong);
        CHILD_EXPECT(end.ok() && end->send_bytes("late", 4).ok());
        return 0;
    });
    test::wait_until_blocked(late);
    for (std::size_t i = 0; i < count; ++i) { assert_ok(listener.accept(kLong)); }
    Connection end = listener.accept(kLong).expect("accepting the last");
    char got[8];
    assert_int_equal(*end.recv_bytes(got, sizeof got, kLong), 4);
    assert_int_equal(join_child(late), 0);
}

void wait_hears_of_clients_and_of_messages(void**) {
    const Folder folder;
    Listener plain = Listener::create(folder.address("plain")).expect("listening");
    Listener with = Listener::create(folder.address("keyed"), keyed()).expect("listening");
    assert_code(brood::wait({plain, with}, milliseconds(20)), Errc::timed_out);

    Connection client = Client::connect(plain.address(), kLong).expect("connecting");
    assert_int_equal(*brood::wait({with, plain}, kLong), 1);
    Connection server = plain.accept(Timeout::no_wait()).expect("accepting");
    assert_code(brood::wait({plain, with, server}, milliseconds(20)), Errc::timed_out);
    assert_ok(client.send_bytes("x", 1));
    assert_int_equal(*brood::wait({plain, with, server}, kLong), 2);

    // One that never answers does not count, one that does comes through without accept().
    const Stranger silent(with.address());
    assert_code(brood::wait({plain, with}, milliseconds(50)), Errc::timed_out);
    assert_int_equal(with.pending(), 1);
    const pid_t late = child([&] {
        Result<Connection> end = Client::connect(with.address(), with_key(), kLong);
        CHILD_EXPECT(end.ok());
        char got[8];
        CHILD_EXPECT(end->recv_bytes(got, sizeof got, kLong).value_or(0) == 2);
        return 0;
    });
    assert_int_equal(*brood::wait({plain, with}, kLong), 1);
    Connection end = with.accept(Timeout::no_wait()).expect("accepting");
    assert_ok(end.send_bytes("ok", 2));
    assert_int_equal(join_child(late), 0);
    with.close();
    assert_code(brood::wait({plain, with}, Timeout::no_wait()), Errc::closed);
}

// ---- Files -------------------------------------------------------------------------------------

void the_file_has_its_mode_whatever_the_umask(void**) {
    const Folder folder;
    for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{0777}}) {
        const mode_t before = umask(mask);
        {
            const Listener listener = Listener::create(folder.address()).expect("listening");
            assert_int_equal(mode_of(folder.path()), 0600);
        }
        {
            const Listener listener =
                Listener::create(folder.address(), ListenerOptions().mode(0666)).expect("open");
            assert_int_equal(mode_of(folder.path()), 0666);
        }
        assert_int_equal(umask(before), mask);
    }
    assert_int_equal(folder.count(), 0);
}

void the_file_goes_with_the_listener_that_made_it_in_its_process(void**) {
    const Folder folder;
    Listener listener = Listener::create(folder.address()).expect("listening");
    assert_int_equal(test::run_child([&] {
                         listener.close();
                         return exists(folder.path()) ? 0 : 1;
                     }),
                     0);
    assert_ok(Client::connect(folder.address(), kLong));
    // Moved, it is removed once, at the end.
    Listener moved = std::move(listener);
    listener.close();
    assert_true(exists(folder.path()));
    // What took its name meanwhile stays.
    assert_int_equal(unlink(folder.path().c_str()), 0);
    const Listener other = Listener::create(folder.address()).expect("listening");
    moved.close();
    assert_true(exists(folder.path()));
    assert_ok(Client::connect(folder.address(), kLong));
}

void an_address_in_use_is_told(void**) {
    const Folder folder;
    const ListenerOptions replacing = ListenerOptions().replace_stale();
    const Listener here = Listener::create(folder.address()).expect("listening");
    assert_code(Listener::create(folder.address()), Errc::address_in_use);
    assert_code(Listener::create(folder.address(), replacing), Errc::address_in_use);
    assert_ok(Client::connect(folder.address(), kLong));
    const Listener there = Listener::create(Address::ip("127.0.0.1", 0)).expect("listening");
    assert_code(Listener::create(there.address()), Errc::address_in_use);
    assert_code(Listener::create(there.address(), replacing), Errc::address_in_use);
    if (has_abstract()) {
        const Address name = Address::abstract("brood-in-use-test");
        const Listener abstract = Listener::create(name).expect("listening");
        assert_code(Listener::create(name, replacing), Errc::address_in_use);
    }
}

void the_file_of_a_dead_listener_is_replaced_when_asked(void**) {
    const Folder folder;
    assert_int_equal(test::run_child([&] {
                         static Listener left = Listener::create(folder.address()).expect("there");
                         kill(getpid(), SIGKILL);
                         return 1;
                     }),
                     -SIGKILL);
    assert_true(exists(folder.path()));
    assert_code(Client::connect(folder.address(), kLong), Errc::refused);
    assert_code(Listener::create(folder.address()), Errc::address_in_use);
    {
        const Listener listener =
            Listener::create(folder.address(), ListenerOptions().replace_stale())
                .expect("replacing");
        assert_ok(Client::connect(folder.address(), kLong));
        assert_int_equal(folder.count(), 1);
    }
    assert_int_equal(folder.count(), 0);
}

// A live one whose backlog is full, a file, a link to something: none of that is stale.
void what_is_no_dead_listener_is_never_removed(void**) {
    const Folder folder;
    const ListenerOptions replacing = ListenerOptions().replace_stale();
    const std::string file = folder.path("file"), link_to_file = folder.path("link");
    close(open(file.c_str(), O_CREAT | O_WRONLY, 0600));
    assert_int_equal(symlink(file.c_str(), link_to_file.c_str()), 0);
    for (const char* const name : {"file", "link"}) {
        assert_code(Listener::create(folder.address(name), replacing), Errc::address_in_use);
        assert_true(exists(folder.path(name)));
    }
    {
        const Listener busy =
            Listener::create(folder.address(), ListenerOptions().backlog(1)).expect("listening");
        Connection waiting[16];
        for (Connection& one : waiting) {
            Result<Connection> next = Client::connect(folder.address(), Timeout::no_wait());
            if (next.ok()) { one = std::move(*next); }
        }
        assert_code(Client::connect(folder.address(), Timeout::no_wait()), Errc::timed_out);
        assert_code(Listener::create(folder.address(), replacing), Errc::address_in_use);
        assert_true(exists(folder.path()));
    }
    assert_int_equal(unlink(link_to_file.c_str()), 0);
    assert_int_equal(unlink(file.c_str()), 0);
}

// Who is about to make or replace one holds a lock, which ends with its process.
void only_one_at_a_time_makes_or_replaces_a_listener(void**) {
    const Folder folder;
    const std::string lock = folder.path("socket.lock");
    const test::Board<std::atomic<int>> is_locked;
    const pid_t other = child([&] {
        const int fd = open(lock.c_str(), O_CREAT | O_RDWR, 0600);
        struct flock whole = {};
        whole.l_type = F_WRLCK;
        CHILD_EXPECT(fcntl(fd, F_SETLK, &whole) == 0);
        is_locked->store(1);
        for (;;) { pause(); }
        return 1;
    });
    assert_true(test::eventually([&] { return is_locked->load() == 1; }));
    const ListenerOptions replacing = ListenerOptions().replace_stale();
    assert_code(Listener::create(folder.address()), Errc::address_in_use);
    assert_code(Listener::create(folder.address(), replacing), Errc::address_in_use);
    assert_int_equal(test::killed(other), -SIGKILL);
    assert_true(exists(lock));
    const Listener listener = Listener::create(folder.address()).expect("listening");
    assert_false(exists(lock));
}

// Of many who replace the dead one at a time, one listens, and it is never itself taken for dead.
void of_many_who_replace_a_dead_listener_one_does(void**) {
    const Folder folder;
    struct Counts {
        std::atomic<int> won{0}, lost{0}, other{0};
    };
    for (int round = 0; round < 10; ++round) {
        const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un name = {};
        name.sun_family = AF_UNIX;
        snprintf(name.sun_path, sizeof name.sun_path, "%s", folder.path().c_str());
        assert_int_equal(bind(dead, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
        close(dead);
        const test::Board<Counts> counts;
        test::Handshake begin[8], end[8];
        pid_t rivals[8];
        for (int i = 0; i < 8; ++i) {
            rivals[i] = child([&] {
                CHILD_EXPECT(begin[i].await());
                Result<Listener> mine =
                    Listener::create(folder.address(), ListenerOptions().replace_stale());
                (mine.ok()                             ? counts->won
                 : mine.code() == Errc::address_in_use ? counts->lost
                                                       : counts->other)
                    .fetch_add(1);
                CHILD_EXPECT(end[i].await());
                return 0;
            });
        }
        for (auto& one : begin) { one.tell(); }
        assert_true(
            test::eventually([&] { return counts->won + counts->lost + counts->other == 8; }));
        assert_int_equal(counts->other, 0);
        assert_int_equal(counts->won, 1);
        assert_ok(Client::connect(folder.address(), kLong));
        for (auto& one : end) { one.tell(); }
        for (const pid_t rival : rivals) { assert_int_equal(join_child(rival), 0); }
        assert_int_equal(folder.count(), 0);
    }
}

// ---- Descriptors -------------------------------------------------------------------------------

void no_descriptor_is_left_open(void**) {
    const Folder folder;
    const std::size_t before = test::open_descriptors();
    for (const bool has_key : {false, true}) {
        Listener listener =
            Listener::create(folder.address(), has_key ? keyed() : ListenerOptions())
                .expect("listening");
        assert_code(Listener::create(folder.address()), Errc::address_in_use);
        const Stranger silent(folder.address());
        assert_code(listener.accept(milliseconds(20)), has_key ? Errc::timed_out : Errc::ok);
        if (!has_key) { const Ends ends = connect_ends(listener); }
    }
    assert_code(Client::connect(folder.address(), kLong), Errc::not_found);
    assert_int_equal(test::open_descriptors(), before);
}

// A forked child has the listener and the connections, but not the clients in their handshake.
void a_child_has_no_descriptor_of_a_handshake(void**) {
    const Folder folder;
    Listener listener = Listener::create(folder.address(), keyed()).expect("listening");
    const Stranger first(folder.address()), second(folder.address());
    const std::size_t before = test::open_descriptors();
    assert_code(listener.accept(milliseconds(20)), Errc::timed_out);
    assert_int_equal(listener.pending(), 2);
    assert_int_equal(test::open_descriptors(), before + 2);
    assert_int_equal(test::run_child([&] {
                         CHILD_EXPECT(test::open_descriptors() == before);
                         CHILD_EXPECT(listener.pending() == 0);
                         return 0;
                     }),
                     0);
    // And both may accept.
    const pid_t server = child([&] {
        Result<Connection> end = listener.accept(kLong);
        CHILD_EXPECT(end.ok() && end->send_bytes("child", 5).ok());
        return 0;
    });
    Connection end = Client::connect(folder.address(), with_key(), kLong).expect("connecting");
    char got[8];
    assert_int_equal(*end.recv_bytes(got, sizeof got, kLong), 5);
    assert_int_equal(join_child(server), 0);
}

void all_descriptors_are_close_on_exec_and_above_the_streams(void**) {
    assert_int_equal(
        test::run_child([] {
            close(0);
            close(1);
            Result<Listener> listener = Listener::create(Address::ip("127.0.0.1", 0));
            CHILD_EXPECT(listener.ok());
            Result<Connection> client = Client::connect(listener->address(), kLong);
            CHILD_EXPECT(client.ok());
            Result<Connection> server = listener->accept(kLong);
            CHILD_EXPECT(server.ok());
            for (const int fd : {listener->fileno(), client->fileno(), server->fileno()}) {
                CHILD_EXPECT(fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
            }
            return 0;
        }),
        0);
}

void without_descriptors_the_error_says_so_and_a_retry_works(void**) {
    const Folder folder;
    for (const bool has_key : {false, true}) {
        Listener listener =
            Listener::create(folder.address(), has_key ? keyed() : ListenerOptions())
                .expect("listening");
        const Stranger first(folder.address());
        rlimit before = {}, none = {};
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        none = before;
        none.rlim_cur = static_cast<rlim_t>(dup(0));
        close(static_cast<int>(none.rlim_cur));
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        const Errc accepted = listener.accept(kLong).code();
        const Errc connected = Client::connect(folder.address(), kLong).code();
        const Errc listened = Listener::create(Address::ip("127.0.0.1", 0)).code();
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(accepted, Errc::too_many_files);
        assert_int_equal(connected, Errc::too_many_files);
        assert_int_equal(listened, Errc::too_many_files);
        if (!has_key) { assert_ok(listener.accept(kLong)); }
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(ends_talk_over_every_family),
        cmocka_unit_test(a_port_of_0_is_chosen_by_the_system_and_told),
        cmocka_unit_test(the_last_accepted_tells_from_where_it_came),
        cmocka_unit_test(addresses_that_cannot_be_are_refused),
        cmocka_unit_test(options_outside_of_their_bounds_are_refused),
        cmocka_unit_test(accept_times_out),
        cmocka_unit_test(connect_waits_for_room_in_the_backlog_or_times_out),
        cmocka_unit_test(wait_hears_of_clients_and_of_messages),
        cmocka_unit_test(the_file_has_its_mode_whatever_the_umask),
        cmocka_unit_test(the_file_goes_with_the_listener_that_made_it_in_its_process),
        cmocka_unit_test(an_address_in_use_is_told),
        cmocka_unit_test(the_file_of_a_dead_listener_is_replaced_when_asked),
        cmocka_unit_test(what_is_no_dead_listener_is_never_removed),
        cmocka_unit_test(only_one_at_a_time_makes_or_replaces_a_listener),
        cmocka_unit_test(of_many_who_replace_a_dead_listener_one_does),
        cmocka_unit_test(no_descriptor_is_left_open),
        cmocka_unit_test(a_child_has_no_descriptor_of_a_handshake),
        cmocka_unit_test(all_descriptors_are_close_on_exec_and_above_the_streams),
        cmocka_unit_test(without_descriptors_the_error_says_so_and_a_retry_works),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
