// Goal: brood and Python talk, whichever of them listens, by the handshake of either generation of
// Pythons; and what CPython's own tests ask of connections, listeners and clients holds of ours.
// Method: real Pythons at the other end. Of Lib/test/_test_multiprocessing.py (3.11 to 3.13):
//
// _TestConnection
// test_connection                here: messages_of_every_size_both_ways; connection_test, for
//                                offset and size; objects are not pickled: bytes or plain types
// test_duplex_false              connection_test: one_end_of_a_simplex_channel_...
// test_spawn_close               process_test, pipe_test: an end moved into a Process
// test_sendbytes                 connection_test: send_bytes_takes_a_part_of_a_buffer
// test_fd_transfer               here: descriptors_travel_both_ways
// test_large_fd_transfer         descriptor_passing_test: descriptors_of_high_numbers_travel, too
// test_missing_fd_transfer       here: a_byte_without_a_descriptor_is_none
// test_context                   the end of the scope closes: listener_test
//
// _TestListener
// test_multiple_bind             listener_test: an_address_in_use_is_told
// test_context                   listener_test: the_file_goes_with_the_listener_...
// test_empty_authkey             listener_test: options_outside_of_their_bounds_are_refused
//                                (Python: none for a listener, a key for a client)
//
// _TestListenerClient
// test_listener_client           listener_test: ends_talk_over_every_family; here
// test_issue14725                stream_test: what_was_sent_before_the_close_is_received
// test_issue16955                here: poll_tells_of_a_message_of_pythons
// test_abstract_socket           here, and listener_test
//
// OtherTest
// test_deliver_challenge_auth_   here: a_wrong_key_is_refused_by_either_side
//     failure
// test_answer_challenge_auth_    here, the same; handshake_test
//     failure
//
// TestInvalidFamily              Address has no other families
// TestWait (connections)         wait_test; listener_test: wait_hears_of_clients_and_of_messages
#include "python_support.hpp"

#include <brood/wait.hpp>

using namespace socket_test;

namespace {

constexpr std::size_t kBytesMax = 64u << 20;
std::vector<unsigned char> g_got(kBytesMax);

std::string receive(Connection& end) {
    const Result<std::size_t> got = end.recv_bytes(g_got.data(), g_got.size(), kLong);
    assert_ok(got);
    return std::string(reinterpret_cast<char*>(g_got.data()), *got);
}
void send(Connection& end, const std::string& message) {
    assert_ok(end.send_bytes(message.data(), message.size(), kLong));
}

// Where to meet: of each family that there is.
std::vector<Address> addresses(const Folder& folder) {
    std::vector<Address> all = {folder.address(), Address::ip("127.0.0.1", 0)};
    if (has_abstract()) { all.push_back(Address::abstract("brood-python-test")); }
    if (has_ip6()) { all.push_back(Address::ip("::1", 0)); }
    return all;
}

// Around what Python sends in one piece, and brood; the largest over AF_UNIX alone, for time.
constexpr std::size_t kSizes[] = {0,     1,     4091,  4092,  4093,   16383,   16384,
                                  16385, 65535, 65536, 65537, 200000, 3000000, kBytesMax};
const char kEcho[] = R"(
number = 0
try:
    while True:
        got = end.recv_bytes()
        assert got == data(len(got), number), (number, len(got))
        end.send_bytes(got)
        number += 1
except EOFError:
    tell('closed after %d' % number)
)";

void check_echo(Connection& end, Script& peer, bool with_largest) {
    unsigned number = 0;
    for (const std::size_t size : kSizes) {
        if (size == kBytesMax && !with_largest) { continue; }
        const std::string message = data(size, number++);
        send(end, message);
        assert_true(receive(end) == message);
    }
    end.close();
    assert_string_equal(peer.line().c_str(), ("closed after " + std::to_string(number)).c_str());
    assert_int_equal(peer.end(), 0);
}

Script start_echo(const Python& python, const Address& address, const char* meet) {
    return Script(python, address, kKey, (std::string(meet) + kEcho).c_str());
}

void messages_of_every_size_both_ways(void**) {
    const Folder folder;
    for (const Python& python : pythons()) {
        for (const Address& address : addresses(folder)) {
            const bool is_file = address.family() == Address::Family::unix_path;
            if (address.family() != Address::Family::ip6) {  // Python's Client knows none.
                Listener listener =
                    Listener::create(address, keyed_for(python)).expect("listening");
                Script peer = start_echo(python, listener.address(), "end = connect()\n");
                Connection end = listener.accept(kLong).expect("accepting");
                check_echo(end, peer, is_file);
                assert_int_equal(listener.refused(), 0);
            }
            Script peer = start_echo(python, address,
                                     "listener = listen()\n"
                                     "tell(str(listener.address[1]))\n"
                                     "end = listener.accept()\n"
                                     "listener.close()\n");
            Address there = address;
            const int port = atoi(peer.line().c_str());
            if (!is_file && address.family() != Address::Family::abstract) {
                there.port(static_cast<std::uint16_t>(port));
            }
            Connection end = Client::connect(there, with_key_for(python), kLong).expect("client");
            check_echo(end, peer, is_file);
        }
    }
}

void without_a_key_on_either_side_there_is_no_handshake(void**) {
    const Folder folder;
    for (const Python& python : pythons()) {
        Listener listener = Listener::create(folder.address()).expect("listening");
        Script peer(python, folder.address(), "",
                    "end = connect()\nend.send_bytes(b'hello')\nassert end.recv_bytes() == b''");
        Connection end = listener.accept(kLong).expect("accepting");
        assert_string_equal(receive(end).c_str(), "hello");
        send(end, "");
        assert_int_equal(peer.end(), 0);
    }
}

const char kConnect[] = R"(
try:
    connect()
except AuthenticationError as error:
    tell(str(error))
)";

/// A client of Python's gets nowhere at a listener of ours, and hears `said`.
void assert_turned_away(const Python& python, const ListenerOptions& options, const char* key,
                        const char* script, const char* said) {
    const Folder folder;
    Listener listener = Listener::create(folder.address(), options).expect("listening");
    Script peer(python, folder.address(), key, script);
    assert_true(test::eventually([&] {
        assert_code(listener.accept(milliseconds(10)), Errc::timed_out);
        return listener.refused() == 1;
    }));
    assert_string_equal(peer.line().c_str(), said);
    assert_int_equal(peer.end(), 0);
}

/// A client of ours gets nowhere at a listener of Python's, for that reason; that hears `said`.
/// `accept`: what the listener does with who comes.
void assert_refused(const Python& python, const ClientOptions& options, const char* key,
                    const char* accept, Errc why, const char* said) {
    const Folder folder;
    const std::string script = std::string("listener = listen(key)\ntell('listening')\n") + accept +
                               "listener.close()\n";
    Script peer(python, folder.address(), key, script.c_str());
    assert_string_equal(peer.line().c_str(), "listening");
    assert_code(Client::connect(folder.address(), options, kLong), why);
    assert_string_equal(peer.line().c_str(), said);
    assert_int_equal(peer.end(), 0);
}

const char kAccept[] = R"(
try:
    listener.accept()
except AuthenticationError as error:
    tell(str(error))
except EOFError:
    tell('closed')
)";

void a_wrong_key_is_refused_by_either_side(void**) {
    for (const Python& python : pythons()) {
        assert_turned_away(python, keyed_for(python), "another key", kConnect,
                           "digest sent was rejected");
        assert_refused(python, with_key_for(python), "another key", kAccept,
                       Errc::not_authenticated, "digest received was wrong");
    }
}

// A listener that knows the key of the client is no listener that the client should trust.
void a_client_turns_a_listener_away_that_only_says_welcome(void**) {
    for (const Python& python : pythons()) {
        assert_refused(python, with_key(), "", R"(
end = listener.accept()
end.send_bytes(b'#CHALLENGE#{sha256}' + bytes(40))
end.recv_bytes()
end.send_bytes(b'#WELCOME#')
end.recv_bytes()
end.send_bytes(b'{sha256}' + bytes(32))
tell(end.recv_bytes().decode())
)",
                       Errc::not_authenticated, "#FAILURE#");
    }
}

void a_client_without_the_key_never_gets_through(void**) {
    for (const Python& python : pythons()) {
        assert_turned_away(python, keyed_for(python), "", R"(
end = connect()
end.send_bytes(b'let me in')
end.recv_bytes()
try:
    while True:
        tell(end.recv_bytes().decode())
except (EOFError, ConnectionResetError):
    pass
)",
                           "#FAILURE#");
    }
}

void md5_is_refused_unless_it_is_allowed(void**) {
    for (const Python& python : pythons()) {
        if (!python.is_legacy) { continue; }
        assert_turned_away(python, keyed(), kKey, kConnect, "digest sent was rejected");
        assert_refused(python, with_key(), kKey, kAccept, Errc::legacy_refused, "closed");
    }
}

// Who allows MD5 still prefers SHA-256.
void allowing_md5_does_not_change_what_newer_pythons_do(void**) {
    const Folder folder;
    for (const Python& python : pythons()) {
        if (python.is_legacy) { continue; }
        Listener listener =
            Listener::create(folder.address(), keyed().allow_legacy()).expect("listening");
        Script peer(python, folder.address(), kKey, "connect().recv_bytes()");
        Connection end = listener.accept(kLong).expect("accepting");
        send(end, "end");
        assert_int_equal(peer.end(), 0);
    }
}

void many_clients_of_pythons_come_through(void**) {
    const Folder folder;
    for (const Python& python : pythons()) {
        Listener listener =
            Listener::create(folder.address(), keyed_for(python)).expect("listening");
        Script peer(python, folder.address(), kKey, R"(
for i in range(100):
    end = connect()
    end.send_bytes(b'%d' % i)
    assert end.recv_bytes() == b'%d' % i
    end.close()
)");
        for (int i = 0; i < 100; ++i) {
            Connection end = listener.accept(kLong).expect("accepting");
            const std::string number = receive(end);
            assert_int_equal(atoi(number.c_str()), i);
            send(end, number);
        }
        assert_int_equal(peer.end(), 0);
    }
}

void poll_tells_of_a_message_of_pythons(void**) {
    const Folder folder;
    for (const Python& python : pythons()) {
        Listener listener = Listener::create(folder.address()).expect("listening");
        Script peer(python, folder.address(), "", R"(
end = connect()
assert end.recv_bytes() == b'now'
end.send_bytes(b'hello')
assert wait([end], 20) == [end]
assert end.poll(0) and end.recv_bytes(5) == b'there'
end.recv_bytes()
end.send_bytes(bytes(7))
try:
    end.recv_bytes(3)
except OSError:
    tell('too long')
)");
        Connection end = listener.accept(kLong).expect("accepting");
        assert_false(*end.poll());
        assert_false(*end.poll(milliseconds(20)));
        send(end, "now");
        assert_true(*end.poll(kLong));
        assert_string_equal(receive(end).c_str(), "hello");
        send(end, "there");
        send(end, "");
        assert_int_equal(*brood::wait({end}, kLong), 0);
        end.receive_at_most(6);
        assert_code(end.recv_bytes(g_got.data(), g_got.size(), kLong), Errc::message_too_long);
        assert_code(end.recv_bytes(g_got.data(), g_got.size(), kLong), Errc::message_too_long);
        send(end, "four");
        assert_string_equal(peer.line().c_str(), "too long");
        assert_int_equal(peer.end(), 0);
    }
}

// multiprocessing.reduction: send_handle() and recv_handle(), between messages.
void descriptors_travel_both_ways(void**) {
    const Folder folder;
    for (const Python& python : pythons()) {
        Listener listener =
            Listener::create(folder.address(), keyed_for(python)).expect("listening");
        Script peer(python, folder.address(), kKey, R"(
end = connect()
reduction.send_handle(end, 1, None)
end.send_bytes(b'mine')
fd = reduction.recv_handle(end)
assert end.recv_bytes() == b'yours'
os.write(fd, b'through yours')
os.close(fd)
)");
        Connection end = listener.accept(kLong).expect("accepting");
        const int theirs = end.recv_fd(kLong).expect("their standard output");
        assert_string_equal(receive(end).c_str(), "mine");
        assert_true((fcntl(theirs, F_GETFD) & FD_CLOEXEC) != 0);
        assert_int_equal(write(theirs, "through theirs\n", 15), 15);
        close(theirs);
        assert_string_equal(peer.line().c_str(), "through theirs");
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        assert_ok(end.send_fd(ends[1], kLong));
        close(ends[1]);
        send(end, "yours");
        char text[16] = {};
        assert_int_equal(read(ends[0], text, 13), 13);
        assert_string_equal(text, "through yours");
        close(ends[0]);
        assert_int_equal(peer.end(), 0);
    }
}

void a_byte_without_a_descriptor_is_none(void**) {
    const Folder folder;
    for (const Python& python : pythons()) {
        Listener listener = Listener::create(folder.address()).expect("listening");
        Script peer(python, folder.address(), "", R"(
end = connect()
os.write(end.fileno(), b'\0')
try:
    end.recv_bytes()
except EOFError:
    tell('closed')
)");
        Connection end = listener.accept(kLong).expect("accepting");
        assert_code(end.recv_fd(kLong), Errc::bad_frame);
        assert_code(end.recv_fd(kLong), Errc::bad_frame);
        assert_string_equal(peer.line().c_str(), "closed");
        assert_int_equal(peer.end(), 0);
    }
}

// Killed anywhere: the end of the stream, or peer_died inside a message; never a wrong one.
void a_python_killed_at_any_time_is_an_end_of_the_stream(void**) {
    const Folder folder;
    test::Random random(3);
    for (const Python& python : pythons()) {
        Listener listener =
            Listener::create(folder.address(), keyed_for(python)).expect("listening");
        for (int round = 0; round < 8; ++round) {
            Script peer(python, folder.address(), kKey, R"(
end = connect()
number = 0
while True:
    end.send_bytes(data(number * 9973 % 300000, number))
    number += 1
)");
            Connection end = listener.accept(kLong).expect("accepting");
            const std::uint32_t patience = random.below(30);
            const pid_t killer = test::child([&] {
                test::sleep_ms(patience);
                return kill(peer.pid(), SIGKILL);
            });
            Errc how = Errc::ok;
            for (unsigned number = 0; how == Errc::ok; ++number) {
                const Result<std::size_t> got = end.recv_bytes(g_got.data(), g_got.size(), kLong);
                how = got.code();
                if (!got.ok()) { break; }
                assert_int_equal(*got, number * 9973 % 300000);
                assert_memory_equal(g_got.data(), data(*got, number).data(), *got);
            }
            assert_true(how == Errc::end_of_stream || how == Errc::peer_died);
            assert_int_equal(test::join_child(killer), 0);
        }
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_every_size_both_ways),
        cmocka_unit_test(without_a_key_on_either_side_there_is_no_handshake),
        cmocka_unit_test(a_wrong_key_is_refused_by_either_side),
        cmocka_unit_test(a_client_turns_a_listener_away_that_only_says_welcome),
        cmocka_unit_test(a_client_without_the_key_never_gets_through),
        cmocka_unit_test(md5_is_refused_unless_it_is_allowed),
        cmocka_unit_test(allowing_md5_does_not_change_what_newer_pythons_do),
        cmocka_unit_test(many_clients_of_pythons_come_through),
        cmocka_unit_test(poll_tells_of_a_message_of_pythons),
        cmocka_unit_test(descriptors_travel_both_ways),
        cmocka_unit_test(a_byte_without_a_descriptor_is_none),
        cmocka_unit_test(a_python_killed_at_any_time_is_an_end_of_the_stream),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
