// Goal: a Connection over a socket carries messages whole and in order; a peer that closes, dies,
// stops, or sends anything at all is a clear error, within its time.
// Method: real processes, and strangers that write the system's own bytes. Frames and cuts at
// random: BROOD_LONG=1: a million.
#include "socket_support.hpp"

#include <memory>
#include <vector>

#include <sys/ioctl.h>

#include <brood/process.hpp>
#include <brood/wait.hpp>

using namespace socket_test;
using test::child;
using test::join_child;

namespace {

constexpr std::size_t kBytesMax = 16u << 20;
constexpr std::size_t kSizes[] = {0,     1,     4091,  4092,   4093,     8192,
                                  65531, 65536, 65537, 212992, 1u << 20, kBytesMax};
unsigned char g_sent[kBytesMax];
unsigned char g_got[kBytesMax];

Result<std::size_t> receive(Connection& end, Timeout timeout = kLong) {
    return end.recv_bytes(g_got, kBytesMax, timeout);
}

void messages_of_every_size_arrive_whole_and_in_order(void**) {
    const Folder folder;
    for (const Address& address : {folder.address(), Address::ip("127.0.0.1", 0)}) {
        Listener listener = listen_at(address);
        const pid_t echo = child([&] {
            Connection end = listener.accept(kLong).expect("accepting");
            for (;;) {
                const Result<std::size_t> got = receive(end, Timeout::forever());
                if (got.code() == Errc::end_of_stream) { return 0; }
                CHILD_EXPECT(got.ok() && end.send_bytes(g_got, *got).ok());
            }
        });
        Connection end = Client::connect(listener.address(), kLong).expect("connecting");
        std::uint32_t number = 0;
        for (const std::size_t bytes : kSizes) {
            test::fill(g_sent, bytes, ++number);
            assert_ok(end.send_bytes(g_sent, bytes, kLong));
            const Result<std::size_t> got = receive(end);
            assert_ok(got);
            assert_int_equal(*got, bytes);
            assert_true(test::is_filled(g_got, bytes, number));
        }
        end.close();
        assert_code(end.send_bytes("x", 1), Errc::closed);
        assert_code(receive(end), Errc::closed);
        assert_code(end.send_fd(0), Errc::closed);
        assert_int_equal(join_child(echo), 0);
    }
}

void a_short_buffer_does_not_lose_the_message(void**) {
    const Folder folder;
    Listener listener = listen_at(folder.address());
    Ends ends = connect_ends(listener);
    assert_ok(ends.client.send_bytes("hello", 5));
    assert_code(ends.server.recv_bytes(g_got, 4, kLong), Errc::buffer_too_short);
    assert_true(*ends.server.poll());
    assert_code(ends.server.recv_fd(kLong), Errc::bad_frame);  // The message comes first.
    assert_int_equal(test::run_child([&] {
                         CHILD_EXPECT(receive(ends.server).value_or(0) == 5);
                         return 0;
                     }),
                     0);
    check_talk(ends.client, ends.server);
    ends.server.receive_at_most(4);
    assert_ok(ends.client.send_bytes("hello", 5));
    assert_code(receive(ends.server), Errc::message_too_long);
    assert_code(receive(ends.server), Errc::message_too_long);
    assert_ok(ends.server.send_bytes("bye", 3));
}

// ---- The end -----------------------------------------------------------------------------------

void what_was_sent_before_the_close_is_received(void**) {
    const Folder folder;
    for (const Address& address : {folder.address(), Address::ip("127.0.0.1", 0)}) {
        Listener listener = listen_at(address);
        Ends ends = connect_ends(listener);
        // With bytes of ours that it never read: the system says that the connection was reset.
        assert_ok(ends.server.send_bytes("never read", 10));
        assert_ok(ends.client.send_bytes("one", 3));
        assert_ok(ends.client.send_bytes("two", 3));
        ends.client.close();
        assert_int_equal(*receive(ends.server), 3);
        assert_int_equal(*receive(ends.server), 3);
        assert_memory_equal(g_got, "two", 3);
        assert_true(*ends.server.poll(kLong));
        assert_code(receive(ends.server), Errc::end_of_stream);
        assert_code(receive(ends.server), Errc::end_of_stream);
        assert_int_equal(*brood::wait({ends.server}, kLong), 0);
        Status sent = Errc::ok;
        while (sent.ok()) { sent = ends.server.send_bytes("x", 1, kLong); }
        assert_code(sent, Errc::broken_pipe);
    }
}

// Promise 25. Nobody handles or blocks SIGPIPE here.
void a_broken_connection_raises_no_signal(void**) {
    const Folder folder;
    Listener listener = listen_at(folder.address());
    assert_int_equal(
        test::run_child([&] {
            signal(SIGPIPE, SIG_DFL);
            Ends ends = connect_ends(listener);
            ends.client.close();
            CHILD_EXPECT(ends.server.send_bytes("x", 1).code() == Errc::broken_pipe);
            CHILD_EXPECT(ends.server.send_bytes(g_sent, 100000).code() == Errc::broken_pipe);
            CHILD_EXPECT(ends.server.send_fd(0).code() == Errc::broken_pipe);
            return 0;
        }),
        0);
}

void a_close_at_each_byte_of_a_message_is_told(void**) {
    const Folder folder;
    const std::string plain = frame("twenty bytes of text");
    const std::string lengthy = std::string("\xff\xff\xff\xff\0\0\0\0\0\0\0\x14", 12) +
                                "twenty bytes of text";
    for (const std::string& whole : {plain, lengthy}) {
        for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
            Pair pair(folder);
            assert_true(pair.stranger->write(whole.data(), cut));
            pair.stranger->close();
            const bool is_whole = cut == whole.size();
            const Result<std::size_t> got = receive(pair.end);
            if (is_whole) {
                assert_int_equal(*got, 20);
                assert_memory_equal(g_got, "twenty bytes of text", 20);
            }
            const Errc wanted = cut == 0 || is_whole ? Errc::end_of_stream : Errc::peer_died;
            assert_code(is_whole ? receive(pair.end) : got, wanted);
            assert_code(receive(pair.end), wanted);
        }
    }
}

// ---- Strangers ---------------------------------------------------------------------------------

void lengths_that_cannot_be_are_refused_before_anything_is_read(void**) {
    const Folder folder;
    const auto lengthy = [](const char(&eight)[9]) {
        return std::string("\xff\xff\xff\xff", 4) + std::string(eight, 8);
    };
    const struct {
        const char* what;
        std::string bytes;
        Errc wanted;
    } rows[] = {
        {"2^31 - 1", "\x7f\xff\xff\xff", Errc::buffer_too_short},
        {"-2", "\xff\xff\xff\xfe", Errc::bad_frame},
        {"-2^31", std::string("\x80\0\0\0", 4), Errc::bad_frame},
        {"2^31", lengthy("\0\0\0\0\x80\0\0\0"), Errc::message_too_long},
        {"2^63 - 1", lengthy("\x7f\xff\xff\xff\xff\xff\xff\xff"), Errc::message_too_long},
        {"2^63", lengthy("\x80\0\0\0\0\0\0\0"), Errc::bad_frame},
        {"2^64 - 1", lengthy("\xff\xff\xff\xff\xff\xff\xff\xff"), Errc::bad_frame},
        {"HTTP", "GET / HTTP/1.1\r\n\r\n", Errc::buffer_too_short},
        {"an SSH client", "SSH-2.0-OpenSSH_9.2p1\r\n", Errc::buffer_too_short},
        {"TLS", std::string("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 11),
         Errc::buffer_too_short},
    };
    for (const auto& row : rows) {
        Pair pair(folder);
        assert_true(pair.stranger->write(row.bytes.data(), row.bytes.size()));
        const std::int64_t before = test::now_ms();
        const Errc got = receive(pair.end).code();
        if (got != row.wanted) { fail_msg("%s: %s", row.what, brood::Error(got).name()); }
        assert_int_equal(receive(pair.end).code(), row.wanted);
        assert_true(test::now_ms() - before < test::kSoonMs);
    }
}

// It holds up who calls with a timeout for 5 seconds at most, in both directions.
void a_peer_that_stops_inside_a_message_is_given_up(void**) {
    const Folder folder;
    Pair sends(folder, "sends"), reads(folder, "reads");
    const std::int64_t before = test::now_ms();
    const pid_t receiver = child([&] {
        CHILD_EXPECT(receive(sends.end, milliseconds(100)).code() == Errc::stalled);
        CHILD_EXPECT(receive(sends.end, milliseconds(100)).code() == Errc::stalled);
        CHILD_EXPECT(sends.end.send_bytes("x", 1).code() == Errc::broken_pipe);
        return 0;
    });
    assert_true(sends.stranger->write(frame("never whole").data(), 7));
    // What did not begin is timed_out, and nothing has happened.
    while (reads.end.send_bytes(g_sent, 4000, Timeout::no_wait()).ok()) {}
    assert_code(reads.end.send_bytes(g_sent, 4000, milliseconds(50)), Errc::timed_out);
    for (int i = 0; i < 40; ++i) { assert_int_equal(reads.stranger->read(g_got, 4004), 4004); }
    assert_code(reads.end.send_bytes(g_sent, 1u << 20, milliseconds(50)), Errc::stalled);
    assert_code(reads.end.send_bytes(g_sent, 1, milliseconds(50)), Errc::stalled);
    assert_code(reads.end.send_fd(0, milliseconds(50)), Errc::stalled);
    assert_in_range(test::now_ms() - before, 4900, 5000 + test::kSoonMs);
    assert_int_equal(join_child(receiver), 0);
    assert_true(sends.stranger->is_closed());
}

void a_slow_peer_that_goes_on_is_waited_for(void**) {
    const Folder folder;
    Pair pair(folder);
    const std::string slow = frame("byte by byte");
    const pid_t writer = child([&] {
        for (const char byte : slow) {
            CHILD_EXPECT(pair.stranger->write(&byte, 1));
            test::sleep_ms(20);
        }
        return 0;
    });
    assert_true(*pair.end.poll(kLong));
    const Result<std::size_t> got = receive(pair.end, milliseconds(1));
    assert_ok(got);
    assert_memory_equal(g_got, "byte by byte", *got);
    assert_int_equal(join_child(writer), 0);
}

// Frames, some with a byte changed, cut into pieces; the other end reads till the error.
void any_bytes_at_all_give_messages_or_errors(void**) {
    const bool is_long = getenv("BROOD_LONG") != nullptr;
    const int rounds = is_long ? 1000000 : 3000;
    const Folder folder;
    Listener listener = listen_at(folder.address());
    test::Random random(11);
    int whole = 0, torn = 0, bad = 0;
    for (int round = 0; round < rounds; ++round) {
        const Stranger stranger(listener.address());
        Connection end = listener.accept(kLong).expect("accepting");
        end.receive_at_most(1000);
        std::string bytes;
        for (std::uint32_t i = random.below(4); i > 0; --i) {
            bytes += frame(std::string(random.below(60), 'm'));
        }
        for (std::uint32_t i = random.below(3); i > 0 && !bytes.empty(); --i) {
            const std::size_t at = random.below(static_cast<std::uint32_t>(bytes.size()));
            switch (random.below(3)) {
                case 0: bytes[at] = static_cast<char>(random.next()); break;
                case 1: bytes.resize(at); break;
                default: bytes.insert(at, 1 + random.below(12), static_cast<char>(random.next()));
            }
        }
        if (!bytes.empty()) { assert_true(stranger.write(bytes.data(), bytes.size())); }
        assert_int_equal(shutdown(stranger.fd(), SHUT_WR), 0);
        std::size_t taken = 0;
        for (;;) {
            // Just as large as the longest, so that a sanitizer sees a byte too many.
            const std::unique_ptr<unsigned char[]> room(new unsigned char[1000]);
            const Result<std::size_t> got = end.recv_bytes(room.get(), 1000, kLong);
            if (got.ok()) {
                assert_true(*got <= 1000);
                taken += 4 + *got;
                ++whole;
                continue;
            }
            const Errc code = got.code();
            const bool is_end = code == Errc::end_of_stream && taken == bytes.size();
            if (code == Errc::peer_died) { ++torn; }
            if (code == Errc::bad_frame || code == Errc::message_too_long) { ++bad; }
            const bool is_clear = is_end || code == Errc::peer_died || code == Errc::bad_frame ||
                                  code == Errc::message_too_long;
            if (!is_clear) { fail_msg("round %d: %s", round, got.error().name()); }
            break;
        }
    }
    print_message("%d messages; %d streams torn, %d refused\n", whole, torn, bad);
    assert_true(whole > 100 && torn > 100 && bad > 100);
}

// ---- Several processes at one end --------------------------------------------------------------

constexpr int kSenders = 4, kReaders = 3;
constexpr std::uint32_t kEach = 300;

std::size_t size_of(std::uint32_t number) {
    return 4 + number * 2654435761u % (number % 17 == 0 ? 200000 : 9000);
}

// Each message goes to one reader, whole.
void senders_and_readers_share_the_ends(void**) {
    const Folder folder;
    for (const Address& address : {folder.address(), Address::ip("127.0.0.1", 0)}) {
        Listener listener = listen_at(address);
        Ends ends = connect_ends(listener);
        struct Seen {
            std::atomic<int> times[kSenders * kEach];
        };
        const test::Board<Seen> seen;
        std::vector<pid_t> all;
        for (int sender = 0; sender < kSenders; ++sender) {
            all.push_back(child([&] {
                ends.server.close();
                for (std::uint32_t i = 0; i < kEach; ++i) {
                    const std::uint32_t number = static_cast<std::uint32_t>(sender) * kEach + i;
                    test::fill(g_sent, size_of(number), number);
                    memcpy(g_sent, &number, 4);
                    CHILD_EXPECT(ends.client.send_bytes(g_sent, size_of(number), kLong).ok());
                }
                return 0;
            }));
        }
        ends.client.close();
        for (int reader = 0; reader < kReaders; ++reader) {
            all.push_back(child([&] {
                for (;;) {
                    const Result<std::size_t> got = receive(ends.server);
                    if (got.code() == Errc::end_of_stream) { return 0; }
                    std::uint32_t number = 0;
                    CHILD_EXPECT(got.ok() && *got >= 4);
                    memcpy(&number, g_got, 4);
                    CHILD_EXPECT(number < kSenders * kEach && *got == size_of(number));
                    test::fill(g_sent, *got, number);
                    CHILD_EXPECT(memcmp(g_sent + 4, g_got + 4, *got - 4) == 0);
                    seen->times[number].fetch_add(1);
                }
            }));
        }
        for (const pid_t pid : all) { assert_int_equal(join_child(pid), 0); }
        for (const auto& times : seen->times) { assert_int_equal(times, 1); }
    }
}

// A sender killed inside a message, while another process has that end, too: the peer waits for the
// rest until that one calls again; then both are told, and no wrong message comes.
void a_sender_killed_inside_a_message_ends_the_connection(void**) {
    const Folder folder;
    for (const bool survivor_sends : {true, false}) {
        Listener listener = listen_at(folder.address());
        Ends ends = connect_ends(listener);
        assert_ok(ends.client.send_bytes("before", 6));
        const pid_t victim = child([&] {
            ends.client.send_bytes(g_sent, kBytesMax).ignore();
            return 1;
        });
        test::wait_until_blocked(victim);
        assert_int_equal(test::killed(victim), -SIGKILL);
        assert_int_equal(*receive(ends.server), 6);
        assert_code(survivor_sends ? ends.client.send_bytes("after", 5, kLong)
                                   : receive(ends.client, milliseconds(50)).status(),
                    survivor_sends ? Errc::peer_died : Errc::end_of_stream);
        assert_code(receive(ends.server), Errc::peer_died);
        assert_code(ends.client.send_bytes("after", 5, kLong), Errc::peer_died);
    }
}

// Of several who share an end one is killed at any time: what arrives is whole, each message once,
// and all hear of the end, if there is one.
void senders_killed_at_random_leave_no_wrong_message(void**) {
    const Folder folder;
    test::Random random(21);
    int ended = 0, died = 0;
    for (int round = 0; round < 30; ++round) {
        Listener listener = listen_at(folder.address());
        Ends ends = connect_ends(listener);
        pid_t senders[3];
        for (std::uint32_t sender = 0; sender < 3; ++sender) {
            senders[sender] = child([&] {
                ends.server.close();
                for (std::uint32_t number = sender; number < 3 * kEach; number += 3) {
                    test::fill(g_sent, size_of(number), number);
                    memcpy(g_sent, &number, 4);
                    const Errc sent = ends.client.send_bytes(g_sent, size_of(number), kLong).code();
                    CHILD_EXPECT(sent == Errc::ok || sent == Errc::peer_died);
                    if (sent != Errc::ok) { break; }
                }
                return 0;
            });
        }
        ends.client.close();
        const long pause_ns = random.below(6000000);
        const pid_t killer = child([&] {
            const timespec pause = {0, pause_ns};
            nanosleep(&pause, nullptr);
            return kill(senders[0], SIGKILL);
        });
        std::vector<int> times(3 * kEach);
        Errc how = Errc::ok;
        while (how == Errc::ok) {
            const Result<std::size_t> got = receive(ends.server);
            how = got.code();
            if (!got.ok()) { break; }
            std::uint32_t number = 0;
            assert_true(*got >= 4);
            memcpy(&number, g_got, 4);
            assert_true(number < 3 * kEach && *got == size_of(number));
            test::fill(g_sent, *got, number);
            assert_memory_equal(g_sent + 4, g_got + 4, *got - 4);
            assert_int_equal(++times[number], 1);
        }
        assert_true(how == Errc::end_of_stream || how == Errc::peer_died);
        ++(how == Errc::peer_died ? died : ended);
        assert_int_equal(join_child(killer), 0);
        for (const pid_t sender : senders) {
            const int code = join_child(sender);
            assert_true(code == 0 || (code == -SIGKILL && sender == senders[0]));
        }
    }
    print_message("%d streams came to their end, %d broke inside a message\n", ended, died);
}

// A reader killed inside a message: who reads next cannot tell where that ends, and the sender must
// not wait for ever.
void a_reader_killed_inside_a_message_ends_the_connection(void**) {
    const Folder folder;
    Pair pair(folder);
    assert_true(pair.stranger->write(frame("never whole").data(), 7));
    const pid_t victim = child([&] {
        receive(pair.end, Timeout::forever()).ignore();
        return 1;
    });
    int unread = 7;
    assert_true(test::eventually(
        [&] { return ioctl(pair.end.fileno(), FIONREAD, &unread) == 0 && unread == 0; }));
    test::wait_until_blocked(victim);
    assert_int_equal(test::killed(victim), -SIGKILL);
    assert_code(receive(pair.end), Errc::peer_died);
    assert_code(receive(pair.end), Errc::peer_died);
    assert_true(pair.stranger->is_closed());
}

// Killed while it waits for the next one: nothing has happened.
void a_reader_killed_between_two_messages_is_not_missed(void**) {
    const Folder folder;
    Pair pair(folder);
    const pid_t victim = child([&] {
        receive(pair.end, Timeout::forever()).ignore();
        return 1;
    });
    test::wait_until_blocked(victim);
    assert_int_equal(test::killed(victim), -SIGKILL);
    assert_true(pair.stranger->write_frame("hello"));
    assert_int_equal(*receive(pair.end), 5);
}

// Promise 6.
void a_peer_that_is_killed_ends_a_recv_that_waits(void**) {
    const Folder folder;
    for (const Address& address : {folder.address(), Address::ip("127.0.0.1", 0)}) {
        Listener listener = listen_at(address);
        const pid_t peer = child([&] {
            Result<Connection> end = Client::connect(listener.address(), kLong);
            CHILD_EXPECT(end.ok());
            for (;;) { pause(); }
            return 1;
        });
        Connection end = listener.accept(kLong).expect("accepting");
        const pid_t killer = child([=] {
            test::sleep_ms(100);
            return kill(peer, SIGKILL);
        });
        const std::int64_t before = test::now_ms();
        assert_code(receive(end, Timeout::forever()), Errc::end_of_stream);
        assert_true(test::now_ms() - before < test::kSoonMs);
        assert_int_equal(join_child(killer), 0);
        assert_int_equal(join_child(peer), -SIGKILL);
    }
}

void an_end_that_is_moved_into_a_process_is_closed_here(void**) {
    const Folder folder;
    Listener listener = listen_at(folder.address());
    Ends ends = connect_ends(listener);
    brood::Process process(
        [](Connection& end) {
            char text[8];
            const Result<std::size_t> got = end.recv_bytes(text, sizeof text, kLong);
            end.send_bytes(text, got.value_or(0)).ignore();
        },
        std::move(ends.server));
    assert_ok(process.start());
    assert_ok(ends.client.send_bytes("there", 5));
    assert_int_equal(*receive(ends.client), 5);
    assert_code(receive(ends.client), Errc::end_of_stream);
    assert_ok(process.join(kLong));
}

// ---- Signals -----------------------------------------------------------------------------------

// Promise 26: every call that waits, each with its deadline.
void signals_by_the_thousand_change_nothing(void**) {
    const Folder folder;
    Listener plain = listen_at(folder.address("plain"));
    Listener with = Listener::create(folder.address("keyed"), keyed()).expect("listening");
    const pid_t echo = child([&] {
        const test::AlarmStorm storm;
        for (int i = 0; i < 20; ++i) {
            Result<Connection> end = with.accept(kLong);
            CHILD_EXPECT(end.ok());
            for (int message = 0; message < 3; ++message) {
                const Result<std::size_t> got = receive(*end);
                CHILD_EXPECT(got.ok() && end->send_bytes(g_got, *got, kLong).ok());
            }
        }
        return 0;
    });
    {
        const test::AlarmStorm storm;
        for (std::uint32_t i = 0; i < 20; ++i) {
            Connection end =
                Client::connect(folder.address("keyed"), with_key(), kLong).expect("connecting");
            for (const std::size_t bytes : {10u, 5000u, 300000u}) {
                test::fill(g_sent, bytes, i);
                assert_ok(end.send_bytes(g_sent, bytes, kLong));
                assert_int_equal(*receive(end), bytes);
                assert_true(test::is_filled(g_got, bytes, i));
            }
        }
        const std::int64_t before = test::now_ms();
        assert_code(plain.accept(milliseconds(50)), Errc::timed_out);
        Ends ends = connect_ends(plain);
        assert_code(receive(ends.client, milliseconds(50)), Errc::timed_out);
        while (ends.client.send_bytes(g_sent, 4000, Timeout::no_wait()).ok()) {}
        assert_code(ends.client.send_bytes(g_sent, 10, milliseconds(50)), Errc::timed_out);
        assert_in_range(test::now_ms() - before, 150, 150 + test::kSoonMs);
    }
    assert_int_equal(join_child(echo), 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_every_size_arrive_whole_and_in_order),
        cmocka_unit_test(a_short_buffer_does_not_lose_the_message),
        cmocka_unit_test(what_was_sent_before_the_close_is_received),
        cmocka_unit_test(a_broken_connection_raises_no_signal),
        cmocka_unit_test(a_close_at_each_byte_of_a_message_is_told),
        cmocka_unit_test(lengths_that_cannot_be_are_refused_before_anything_is_read),
        cmocka_unit_test(a_peer_that_stops_inside_a_message_is_given_up),
        cmocka_unit_test(a_slow_peer_that_goes_on_is_waited_for),
        cmocka_unit_test(any_bytes_at_all_give_messages_or_errors),
        cmocka_unit_test(senders_and_readers_share_the_ends),
        cmocka_unit_test(a_sender_killed_inside_a_message_ends_the_connection),
        cmocka_unit_test(senders_killed_at_random_leave_no_wrong_message),
        cmocka_unit_test(a_reader_killed_inside_a_message_ends_the_connection),
        cmocka_unit_test(a_reader_killed_between_two_messages_is_not_missed),
        cmocka_unit_test(a_peer_that_is_killed_ends_a_recv_that_waits),
        cmocka_unit_test(an_end_that_is_moved_into_a_process_is_closed_here),
        cmocka_unit_test(signals_by_the_thousand_change_nothing),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
