// Connection: processes that are killed or stopped while they wait, or at random instants.
// test/channel_test.cpp kills at every system call instead, and at chosen bytes.
#include "channel_support.hpp"

#include <cstring>

#include <brood/connection.hpp>

using namespace brood;
using test::child;
using test::join_child;
using test::kLong;

namespace {

constexpr std::size_t kBytesMax = 16u << 20;

unsigned char g_sent[kBytesMax];
unsigned char g_got[kBytesMax];

ConnectionPair channel(bool duplex = true) {
    return Connection::pipe(duplex).expect("making a channel");
}

// Promise 6.
void a_reader_hears_at_once_that_its_peer_was_killed(void**) {
    ConnectionPair ends = channel();
    const pid_t peer = child([&] {
        ends.first.close();
        pause();
        return 0;
    });
    ends.second.close();
    test::Board<std::atomic<std::int64_t>> heard;
    const pid_t reader = child([&] {
        const Errc code = ends.first.recv_bytes(g_got, 9).code();
        heard->store(test::now_ms());
        return code == Errc::end_of_stream ? 0 : 1;
    });
    test::wait_until_blocked(reader);
    const std::int64_t begin = test::now_ms();
    assert_int_equal(test::killed(peer), -SIGKILL);
    assert_int_equal(join_child(reader), 0);
    assert_in_range(heard->load() - begin + 1, 0, 500);
    test::assert_code(ends.first.send_bytes("x", 1), Errc::broken_pipe);
    test::assert_code(ends.first.send_bytes(g_sent, 100000), Errc::broken_pipe);
    test::assert_code(ends.first.send_bytes("x", 1), Errc::broken_pipe);
}

// A reader that is killed while it waits has taken nothing.
void a_reader_killed_while_it_waits_harms_nobody(void**) {
    ConnectionPair ends = channel(false);
    for (std::uint32_t round = 0; round < 10; ++round) {
        const pid_t reader =
            child([&] { return ends.first.recv_bytes(g_got, kBytesMax).ok() ? 1 : 2; });
        test::wait_until_blocked(reader);
        assert_int_equal(test::killed(reader), -SIGKILL);
        test::fill(g_sent, 5000, round);
        test::assert_ok(ends.second.send_bytes(g_sent, 5000, kLong));
        assert_int_equal(*ends.first.recv_bytes(g_got, kBytesMax, kLong), 5000);
        assert_true(test::is_filled(g_got, 5000, round));
    }
}

// A writer that is killed while it waits for room for a short message has sent nothing.
void a_writer_killed_while_it_waits_for_room_harms_nobody(void**) {
    ConnectionPair ends = channel(false);
    std::size_t sent = 0;
    while (ends.second.send_bytes(g_sent, 3000, Timeout::no_wait()).ok()) { ++sent; }
    const pid_t writer = child([&] { return ends.second.send_bytes(g_sent, 4092).ok() ? 1 : 2; });
    test::wait_until_blocked(writer);
    assert_int_equal(test::killed(writer), -SIGKILL);
    for (; sent > 0; --sent) {
        assert_int_equal(*ends.first.recv_bytes(g_got, kBytesMax, kLong), 3000);
    }
    test::assert_ok(ends.second.send_bytes("x", 1, kLong));
    assert_int_equal(*ends.first.recv_bytes(g_got, kBytesMax, kLong), 1);
}

// Promise 4b. The pipe is full and the writer waits inside its message when it is killed: after the
// first `taken` bytes of it were read.
void a_writer_killed_inside_a_long_message_breaks_the_channel(void**) {
    for (const std::size_t bytes : {std::size_t{70000}, std::size_t{1} << 20, kBytesMax}) {
        for (const bool others_write : {false, true}) {
            ConnectionPair ends = channel(false);
            test::fill(g_sent, bytes, 1);
            const pid_t writer =
                child([&] { return ends.second.send_bytes(g_sent, bytes).ok() ? 1 : 2; });
            test::wait_until_blocked(writer);
            assert_int_equal(test::killed(writer), -SIGKILL);
            if (others_write) {
                test::assert_code(ends.second.send_bytes("x", 1, kLong), Errc::peer_died);
            } else {
                ends.second.close();
            }
            for (int round = 0; round < 2; ++round) {
                test::assert_code(ends.first.recv_bytes(g_got, kBytesMax, kLong), Errc::peer_died);
            }
            test::assert_code(ends.first.poll(), Errc::peer_died);
        }
    }
}

// What was sent before is received, whoever noticed first, and nothing is waited for afterwards.
void a_writers_death_takes_no_message_that_was_sent_before(void**) {
    ConnectionPair ends = channel(false);
    const std::size_t sizes[] = {5, 10000, 3000, 20000, 4092, 4093};
    for (const std::size_t bytes : sizes) {
        test::fill(g_sent, bytes, static_cast<std::uint32_t>(bytes));
        test::assert_ok(ends.second.send_bytes(g_sent, bytes, kLong));
    }
    const pid_t writer =
        child([&] { return ends.second.send_bytes(g_sent, kBytesMax).ok() ? 1 : 2; });
    test::wait_until_blocked(writer);
    assert_int_equal(test::killed(writer), -SIGKILL);
    test::assert_code(ends.second.send_bytes("x", 1, kLong), Errc::peer_died);
    for (const std::size_t bytes : sizes) {
        assert_true(*ends.first.poll());
        assert_int_equal(*ends.first.recv_bytes(g_got, kBytesMax, kLong), bytes);
        assert_true(test::is_filled(g_got, bytes, static_cast<std::uint32_t>(bytes)));
    }
    test::assert_code(ends.first.recv_bytes(g_got, kBytesMax, kLong), Errc::peer_died);
    test::assert_code(ends.first.poll(Timeout::forever()), Errc::peer_died);
}

// The pipe has no room even for the poison: the reader must see by itself that nothing follows.
void a_writer_killed_at_a_full_pipe_before_its_long_message_breaks_the_channel(void**) {
    ConnectionPair ends = channel(false);
    std::size_t sent = 0;
    while (ends.second.send_bytes(g_sent, 4092, Timeout::no_wait()).ok()) { ++sent; }
    const pid_t writer = child([&] { return ends.second.send_bytes(g_sent, 100000).ok() ? 1 : 2; });
    test::wait_until_blocked(writer);
    assert_int_equal(test::killed(writer), -SIGKILL);
    test::assert_code(ends.second.send_bytes("x", 1, kLong), Errc::peer_died);
    for (; sent > 0; --sent) {
        assert_int_equal(*ends.first.recv_bytes(g_got, kBytesMax, kLong), 4092);
    }
    test::assert_code(ends.first.poll(Timeout::forever()), Errc::peer_died);
    test::assert_code(ends.first.recv_bytes(g_got, kBytesMax), Errc::peer_died);
    test::assert_code(ends.second.send_bytes("x", 1), Errc::peer_died);
}

// Nobody sends any more, but somebody could: only the writer's lock tells that it died.
void a_reader_inside_a_message_hears_that_its_writer_was_killed(void**) {
    ConnectionPair ends = channel(false);
    const pid_t writer =
        child([&] { return ends.second.send_bytes(g_sent, kBytesMax).ok() ? 1 : 2; });
    test::wait_until_blocked(writer);
    kill(writer, SIGSTOP);
    const pid_t reader = child(
        [&] { return ends.first.recv_bytes(g_got, kBytesMax).code() == Errc::peer_died ? 0 : 1; });
    test::wait_until_blocked(reader);
    test::sleep_ms(600);  // A stopped writer is not dead, however long it takes (promise 10).
    assert_int_equal(kill(reader, 0), 0);
    assert_int_equal(waitpid(reader, nullptr, WNOHANG), 0);
    assert_int_equal(test::killed(writer), -SIGKILL);
    assert_int_equal(join_child(reader), 0);
    test::assert_code(ends.second.send_bytes("x", 1, kLong), Errc::peer_died);
}

void a_stopped_writer_goes_on_with_its_message(void**) {
    ConnectionPair ends = channel(false);
    const pid_t writer = child([&] {
        test::fill(g_sent, 1u << 20, 5);
        return ends.second.send_bytes(g_sent, 1u << 20).ok() ? 0 : 1;
    });
    test::wait_until_blocked(writer);
    kill(writer, SIGSTOP);
    const pid_t reader = child([&] {
        const Result<std::size_t> got = ends.first.recv_bytes(g_got, kBytesMax);
        return got.ok() && test::is_filled(g_got, 1u << 20, 5) ? 0 : 1;
    });
    test::wait_until_blocked(reader);
    test::sleep_ms(600);
    test::assert_code(ends.second.send_bytes("x", 1, milliseconds(10)), Errc::timed_out);
    kill(writer, SIGCONT);
    assert_int_equal(join_child(writer), 0);
    assert_int_equal(join_child(reader), 0);
}

// The reader is killed inside the message; the writer waits for room behind it and is told, though
// the pipe still has a read end (here: the test's).
void a_writer_hears_that_its_reader_was_killed_inside_a_message(void**) {
    ConnectionPair ends = channel(false);
    const pid_t writer = child([&] {
        return ends.second.send_bytes(g_sent, kBytesMax).code() == Errc::peer_died ? 0 : 1;
    });
    test::wait_until_blocked(writer);
    kill(writer, SIGSTOP);
    const pid_t reader =
        child([&] { return ends.first.recv_bytes(g_got, kBytesMax).ok() ? 1 : 2; });
    test::wait_until_blocked(reader);
    assert_int_equal(test::killed(reader), -SIGKILL);
    kill(writer, SIGCONT);
    assert_int_equal(join_child(writer), 0);
    test::assert_code(ends.first.recv_bytes(g_got, kBytesMax, kLong), Errc::peer_died);
}

// Random instants: whatever the survivors see is right, and all of them end in time.
void kills_at_random_instants_never_give_a_wrong_message(void**) {
    test::Random random(4);
    for (int round = 0; round < 200; ++round) {
        ConnectionPair ends = channel(false);
        pid_t pids[4];
        for (std::uint32_t process = 0; process < 2; ++process) {
            pids[process] = child([&] {
                test::Random sizes(process + 2 * random.next());
                for (std::uint32_t at = 0;; ++at) {
                    const std::uint32_t number = 2 * at + process;
                    const std::size_t bytes = 8 + sizes.below(sizes.below(2) == 0 ? 4000 : 90000);
                    test::fill(g_sent, bytes, number);
                    std::memcpy(g_sent, &number, 4);
                    std::memcpy(g_sent + 4, &bytes, 4);
                    const Status sent = ends.second.send_bytes(g_sent, bytes);
                    if (sent.code() == Errc::peer_died) { return 0; }
                    CHILD_EXPECT(sent.ok());
                }
            });
            pids[2 + process] = child([&] {
                ends.second.close();
                for (;;) {
                    const Result<std::size_t> got = ends.first.recv_bytes(g_got, kBytesMax);
                    if (got.code() == Errc::peer_died) { return 0; }
                    if (got.code() == Errc::end_of_stream) { return 0; }
                    std::uint32_t head[2] = {};
                    std::memcpy(head, g_got, sizeof(head));
                    CHILD_EXPECT(got.ok() && head[1] == *got);
                    test::fill(g_sent, *got, head[0]);
                    CHILD_EXPECT(std::memcmp(g_sent + 8, g_got + 8, *got - 8) == 0);
                }
            });
        }
        usleep(500 + random.below(4000));
        const std::uint32_t first = random.below(4);
        assert_int_equal(test::killed(pids[first]), -SIGKILL);
        usleep(random.below(2000));
        // The other writer goes, too; then readers find the end, or that the channel broke.
        const std::uint32_t writer = first < 2 ? 1 - first : random.below(2);
        kill(pids[writer], SIGKILL);
        static_cast<void>(join_child(pids[writer]));
        if (first >= 2) {
            kill(pids[1 - writer], SIGKILL);
            static_cast<void>(join_child(pids[1 - writer]));
        }
        ends.second.close();
        for (std::uint32_t reader = 2; reader < 4; ++reader) {
            if (reader != first) { assert_int_equal(join_child(pids[reader]), 0); }
        }
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_hears_at_once_that_its_peer_was_killed),
        cmocka_unit_test(a_reader_killed_while_it_waits_harms_nobody),
        cmocka_unit_test(a_writer_killed_while_it_waits_for_room_harms_nobody),
        cmocka_unit_test(a_writer_killed_inside_a_long_message_breaks_the_channel),
        cmocka_unit_test(a_writers_death_takes_no_message_that_was_sent_before),
        cmocka_unit_test(a_writer_killed_at_a_full_pipe_before_its_long_message_breaks_the_channel),
        cmocka_unit_test(a_reader_inside_a_message_hears_that_its_writer_was_killed),
        cmocka_unit_test(a_stopped_writer_goes_on_with_its_message),
        cmocka_unit_test(a_writer_hears_that_its_reader_was_killed_inside_a_message),
        cmocka_unit_test(kills_at_random_instants_never_give_a_wrong_message),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
