// Connection: messages of any length between real processes; what strangers write; who owns what.
// Processes that are killed are in test/connection_crash_test.cpp and test/channel_test.cpp.
#include "channel_support.hpp"

#include <array>
#include <cstring>

#include <pthread.h>

#include <brood/pipe.hpp>

#include "src/connection_handing.hpp"
#include "src/fork_list.hpp"

using namespace brood;
using test::child;
using test::join_child;
using test::kLong;

namespace {

constexpr std::size_t kBytesMax = 16u << 20;
// Around every boundary: of a write with its header, of pages, of a full pipe, and beyond.
constexpr std::size_t kSizes[] = {
    0,    1,    2,    4,    511,   512,   4091,  4092,  4093,  4095,   4096,     4097,     8187,
    8188, 8191, 8192, 8193, 65531, 65532, 65535, 65536, 65537, 131072, 1u << 20, kBytesMax};

// The longest message, and room for it.
unsigned char g_sent[kBytesMax];
unsigned char g_got[kBytesMax];

ConnectionPair channel(bool duplex = true) {
    return Connection::pipe(duplex).expect("making a channel");
}

void messages_of_every_size_arrive_whole_and_in_order(void**) {
    ConnectionPair ends = channel();
    const pid_t echo = child([&] {
        ends.first.close();
        for (;;) {
            const Result<std::size_t> got = ends.second.recv_bytes(g_got, kBytesMax);
            if (got.code() == Errc::end_of_stream) { return 0; }
            CHILD_EXPECT(got.ok() && ends.second.send_bytes(g_got, *got).ok());
        }
    });
    ends.second.close();
    std::uint32_t number = 0;
    for (const std::size_t bytes : kSizes) {
        test::fill(g_sent, bytes, ++number);
        test::assert_ok(ends.first.send_bytes(g_sent, bytes));
        const Result<std::size_t> got = ends.first.recv_bytes(g_got, kBytesMax, kLong);
        test::assert_ok(got);
        assert_int_equal(*got, bytes);
        assert_true(test::is_filled(g_got, bytes, number));
    }
    ends.first.close();
    assert_int_equal(join_child(echo), 0);
}

void one_end_of_a_simplex_channel_receives_and_the_other_sends(void**) {
    ConnectionPair ends = channel(false);
    assert_true(ends.first.can_receive() && !ends.first.can_send());
    assert_true(!ends.second.can_receive() && ends.second.can_send());
    test::assert_code(ends.first.send_bytes("x", 1), Errc::wrong_direction);
    test::assert_code(ends.second.recv_bytes(g_got, 1), Errc::wrong_direction);
    test::assert_code(ends.second.poll(), Errc::wrong_direction);
    test::assert_ok(ends.second.send_bytes("x", 1));
    assert_int_equal(*ends.first.recv_bytes(g_got, 1, kLong), 1);
}

void send_bytes_takes_a_part_of_a_buffer(void**) {
    ConnectionPair ends = channel(false);
    test::assert_ok(ends.second.send_bytes("0123456789", 10, 3, 4));
    assert_int_equal(*ends.first.recv_bytes(g_got, 10, kLong), 4);
    assert_memory_equal(g_got, "3456", 4);
    test::assert_ok(ends.second.send_bytes("0123456789", 10, 10, 0));
    assert_int_equal(*ends.first.recv_bytes(g_got, 10, kLong), 0);
    test::assert_code(ends.second.send_bytes("0123456789", 10, 11, 0), Errc::out_of_range);
    test::assert_code(ends.second.send_bytes("0123456789", 10, 3, 8), Errc::out_of_range);
    test::assert_code(ends.second.send_bytes("0123456789", 10, 1, SIZE_MAX), Errc::out_of_range);
    assert_false(*ends.first.poll());
}

void recv_bytes_into_fills_a_buffer_from_an_offset_on(void**) {
    ConnectionPair ends = channel(false);
    unsigned char buffer[] = "..........";
    test::assert_ok(ends.second.send_bytes("abc", 3));
    assert_int_equal(*ends.first.recv_bytes_into(buffer, 10, 4, kLong), 3);
    assert_string_equal(reinterpret_cast<char*>(buffer), "....abc...");
    test::assert_ok(ends.second.send_bytes("abc", 3));
    test::assert_code(ends.first.recv_bytes_into(buffer, 10, 8, kLong), Errc::buffer_too_short);
    test::assert_code(ends.first.recv_bytes_into(buffer, 10, 11, kLong), Errc::out_of_range);
    assert_int_equal(*ends.first.recv_bytes_into(buffer, 10, 7, kLong), 3);
    assert_string_equal(reinterpret_cast<char*>(buffer), "....abcabc");
}

void a_short_buffer_does_not_lose_the_message(void**) {
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{4093}, std::size_t{50000}}) {
        ConnectionPair ends = channel(false);
        test::fill(g_sent, bytes, 1);
        test::assert_ok(ends.second.send_bytes(g_sent, bytes));
        for (const std::size_t room : {std::size_t{0}, bytes - 1}) {
            const Result<std::size_t> got = ends.first.recv_bytes(g_got, room, kLong);
            test::assert_code(got, Errc::buffer_too_short);
            assert_int_equal(got.error().detail(), bytes);
            assert_true(*ends.first.poll());
        }
        // It stays for another process, too.
        const pid_t reader = child([&] {
            const Result<std::size_t> got = ends.first.recv_bytes(g_got, bytes, kLong);
            CHILD_EXPECT(got.ok() && *got == bytes && test::is_filled(g_got, bytes, 1));
            return 0;
        });
        assert_int_equal(join_child(reader), 0);
        assert_false(*ends.first.poll());
    }
}

// recv_bytes(maxlength) of Python.
void a_message_beyond_the_limit_is_refused_for_good(void**) {
    ConnectionPair ends = channel(false);
    ends.first.receive_at_most(10);
    test::assert_ok(ends.second.send_bytes("0123456789", 10));
    assert_int_equal(*ends.first.recv_bytes(g_got, 20, kLong), 10);
    test::assert_ok(ends.second.send_bytes("0123456789A", 11));
    test::assert_ok(ends.second.send_bytes("x", 1));
    const Result<std::size_t> got = ends.first.recv_bytes(g_got, 20, kLong);
    test::assert_code(got, Errc::message_too_long);
    assert_int_equal(got.error().detail(), 11);
    test::assert_code(ends.first.recv_bytes(g_got, 20, kLong), Errc::message_too_long);
    test::assert_code(ends.first.poll(), Errc::message_too_long);
    ends.first.receive_at_most(20);
    Connection moved = std::move(ends.first);
    test::assert_code(moved.recv_bytes(g_got, 20, kLong), Errc::message_too_long);
}

void poll_tells_of_a_message_and_of_the_end(void**) {
    ConnectionPair ends = channel(false);
    assert_false(*ends.first.poll());
    const std::int64_t begin = test::now_ms();
    assert_false(*ends.first.poll(milliseconds(30)));
    assert_true(test::now_ms() - begin >= 29);
    test::assert_ok(ends.second.send_bytes(nullptr, 0));
    assert_true(*ends.first.poll(Timeout::forever()));
    assert_int_equal(*ends.first.recv_bytes(nullptr, 0, kLong), 0);
    ends.second.close();
    assert_true(*ends.first.poll());
    test::assert_code(ends.first.recv_bytes(g_got, 1), Errc::end_of_stream);
    test::assert_code(ends.first.recv_bytes(g_got, 1, Timeout::no_wait()), Errc::end_of_stream);
}

void bad_input_is_named_and_changes_nothing(void**) {
    ConnectionPair ends = channel();
    Connection& end = ends.first;
    const Timeout negative = nanoseconds(-1), overflow = seconds(INT64_MAX);
    test::assert_code(end.send_bytes(nullptr, 1), Errc::bad_argument);
    test::assert_code(end.send_bytes(nullptr, 5, 1, 1), Errc::bad_argument);
    test::assert_code(end.recv_bytes(nullptr, 1), Errc::bad_argument);
    test::assert_code(end.recv_bytes_into(nullptr, 2, 1), Errc::bad_argument);
    test::assert_code(end.send_bytes(g_sent, std::size_t{1} << 31), Errc::size_too_large);
    test::assert_code(end.send_bytes(g_sent, SIZE_MAX), Errc::size_too_large);
    test::assert_code(end.send_bytes("x", 1, negative), Errc::timeout_negative);
    test::assert_code(end.send_bytes("x", 1, overflow), Errc::timeout_overflow);
    test::assert_code(end.recv_bytes(g_got, 1, negative), Errc::timeout_negative);
    test::assert_code(end.recv_bytes(g_got, 1, overflow), Errc::timeout_overflow);
    test::assert_code(end.poll(negative), Errc::timeout_negative);
    test::assert_code(end.poll(overflow), Errc::timeout_overflow);
    assert_false(*ends.second.poll());

    Connection closed;
    for (int round = 0; round < 2; ++round) {
        test::assert_code(closed.send_bytes("x", 1), Errc::closed);
        test::assert_code(closed.recv_bytes(g_got, 1), Errc::closed);
        test::assert_code(closed.poll(), Errc::closed);
        assert_int_equal(closed.fileno(), -1);
        closed = std::move(ends.second);
        closed.close();
        closed.close();
    }
}

// What waits, waits no longer than it may, and what timed out left nothing behind.
void a_call_waits_no_longer_than_its_timeout(void**) {
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{4092}, std::size_t{100000}}) {
        ConnectionPair ends = channel(false);
        std::int64_t begin = test::now_ms();
        test::assert_code(ends.first.recv_bytes(g_got, bytes, milliseconds(40)), Errc::timed_out);
        assert_in_range(test::now_ms() - begin + 1, 40, 40 + test::kSoonMs);
        test::assert_code(ends.first.recv_bytes(g_got, bytes, Timeout::no_wait()), Errc::timed_out);
        std::size_t sent = 0;
        while (ends.second.send_bytes(g_sent, 4000, Timeout::no_wait()).ok()) { ++sent; }
        begin = test::now_ms();
        test::assert_code(ends.second.send_bytes(g_sent, bytes + 4000, milliseconds(40)),
                          Errc::timed_out);
        assert_in_range(test::now_ms() - begin + 1, 40, 40 + test::kSoonMs);
        for (; sent > 0; --sent) {
            assert_int_equal(*ends.first.recv_bytes(g_got, 4000, kLong), 4000);
        }
        assert_false(*ends.first.poll());
    }
}

void a_reader_waits_for_another_reader_no_longer_than_its_timeout(void**) {
    ConnectionPair ends = channel(false);
    const pid_t reader = child([&] { return ends.first.recv_bytes(g_got, 1).ok() ? 0 : 1; });
    test::wait_until_blocked(reader);
    const std::int64_t begin = test::now_ms();
    test::assert_code(ends.first.recv_bytes(g_got, 1, milliseconds(40)), Errc::timed_out);
    assert_in_range(test::now_ms() - begin + 1, 40, 40 + test::kSoonMs);
    test::assert_code(ends.first.recv_bytes(g_got, 1, Timeout::no_wait()), Errc::timed_out);
    test::assert_ok(ends.second.send_bytes("x", 1));
    assert_int_equal(join_child(reader), 0);
}

// Half a message helps nobody: once it flows, it flows to its end.
void a_long_message_that_has_begun_outlasts_its_timeout(void**) {
    ConnectionPair ends = channel(false);
    const pid_t writer = child(
        [&] { return ends.second.send_bytes(g_sent, 1u << 20, milliseconds(20)).ok() ? 0 : 1; });
    test::wait_until_blocked(writer);
    test::sleep_ms(30);
    assert_int_equal(*ends.first.recv_bytes(g_got, 1u << 20, milliseconds(20)), 1u << 20);
    assert_int_equal(join_child(writer), 0);
}

void a_storm_of_signals_neither_fails_nor_prolongs_a_call(void**) {
    ConnectionPair ends = channel();
    constexpr std::size_t kBytes = 300000;
    const pid_t echo = child([&] {
        const test::AlarmStorm storm;
        for (int round = 0; round < 300; ++round) {
            const Result<std::size_t> got = ends.second.recv_bytes(g_got, kBytes);
            CHILD_EXPECT(got.ok() && ends.second.send_bytes(g_got, *got).ok());
        }
        return 0;
    });
    const test::AlarmStorm storm;
    for (std::uint32_t round = 0; round < 300; ++round) {
        const std::size_t bytes = round % 3 == 0 ? kBytes : round * 20;
        test::fill(g_sent, bytes, round);
        test::assert_ok(ends.first.send_bytes(g_sent, bytes));
        assert_int_equal(*ends.first.recv_bytes(g_got, kBytes, kLong), bytes);
        assert_true(test::is_filled(g_got, bytes, round));
    }
    const std::int64_t begin = test::now_ms();
    test::assert_code(ends.first.recv_bytes(g_got, 1, milliseconds(100)), Errc::timed_out);
    assert_in_range(test::now_ms() - begin + 1, 100, 100 + test::kSoonMs);
    assert_int_equal(join_child(echo), 0);
}

// ---- The wire --------------------------------------------------------------------------------

void the_wire_carries_the_frames_of_pythons_connections(void**) {
    ConnectionPair ends = channel(false);
    test::assert_ok(ends.second.send_bytes("hello", 5));
    char raw[16] = {};
    assert_int_equal(read(ends.first.fileno(), raw, sizeof(raw)), 9);
    assert_memory_equal(raw, "\0\0\0\5hello", 9);
    assert_int_equal(write(ends.second.fileno(), "\0\0\0\2hi", 6), 6);
    assert_int_equal(*ends.first.recv_bytes(g_got, 5, kLong), 2);
    assert_int_equal(write(ends.second.fileno(), "\xff\xff\xff\xff\0\0\0\0\0\0\0\2ho", 14), 14);
    assert_int_equal(*ends.first.recv_bytes(g_got, 5, kLong), 2);
    assert_memory_equal(g_got, "ho", 2);
}

struct Hostile {
    const char* what;
    const char* bytes;
    std::size_t count;
    Errc answer;
};
constexpr Hostile kHostile[] = {
    {"the lowest length", "\x80\0\0\0", 4, Errc::bad_frame},
    {"a negative length", "\xff\xff\xff\xfd", 4, Errc::bad_frame},
    {"the poison", "\xff\xff\xff\xfe", 4, Errc::peer_died},
    {"a negative long length", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12,
     Errc::bad_frame},
    {"the lowest long length", "\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", 12, Errc::bad_frame},
    {"the highest long length", "\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 12,
     Errc::message_too_long},
    {"2^32 more than there is", "\xff\xff\xff\xff\0\0\0\1\0\0\0\1x", 13, Errc::message_too_long},
    {"2^31", "\xff\xff\xff\xff\0\0\0\0\x80\0\0\0", 12, Errc::message_too_long},
    {"2^31 - 1", "\x7f\xff\xff\xff", 4, Errc::buffer_too_short},
    {"half a header", "\0\0", 2, Errc::peer_died},
    {"half a long length", "\xff\xff\xff\xff\0\0", 6, Errc::peer_died},
    {"a header alone", "\0\0\0\1", 4, Errc::peer_died},
    {"half a message", "\0\0\0\3ab", 6, Errc::peer_died},
};

void a_strangers_bytes_are_refused_with_a_clear_error(void**) {
    for (const Hostile& row : kHostile) {
        ConnectionPair ends = channel(false);
        assert_int_equal(write(ends.second.fileno(), row.bytes, row.count), row.count);
        ends.second.close();
        for (int round = 0; round < 2; ++round) {
            const Result<std::size_t> got = ends.first.recv_bytes(g_got, 100, kLong);
            if (got.code() != row.answer) { fail_msg("%s: %s", row.what, got.error().name()); }
        }
    }
}

// With another writer's end open no end of the stream tells of the missing rest.
void a_strangers_half_frame_is_refused_while_others_could_write(void**) {
    ConnectionPair ends = channel(false);
    assert_int_equal(write(ends.second.fileno(), "\0\0\0\3ab", 6), 6);
    test::assert_code(ends.first.recv_bytes(g_got, 100, kLong), Errc::peer_died);
    test::assert_code(ends.second.send_bytes("x", 1), Errc::peer_died);
    test::assert_code(ends.first.poll(), Errc::peer_died);
}

void bad_frames_stop_the_writers_and_the_other_readers(void**) {
    ConnectionPair ends = channel(false);
    assert_int_equal(write(ends.second.fileno(), "\xff\xff\xff\xf0", 4), 4);
    test::assert_ok(ends.second.send_bytes("x", 1));
    const pid_t reader = child([&] {
        CHILD_EXPECT(ends.first.recv_bytes(g_got, 9).code() == Errc::bad_frame);
        return 0;
    });
    assert_int_equal(join_child(reader), 0);
    test::assert_code(ends.first.recv_bytes(g_got, 9), Errc::bad_frame);
    test::assert_code(ends.second.send_bytes("x", 1), Errc::peer_died);
}

// A frame of up to 40 bytes, changed here and there, or cut short. Returns its bytes.
std::size_t mutated_frame(test::Random& random, unsigned char* raw) {
    const std::uint32_t bytes = random.below(40);
    raw[0] = raw[1] = raw[2] = 0;
    raw[3] = static_cast<unsigned char>(bytes);
    test::fill(raw + 4, bytes, random.next());
    for (std::uint32_t flips = random.below(3); flips > 0 && random.below(4) == 0; --flips) {
        const bool sign = random.below(2) == 0;
        raw[random.below(12)] = static_cast<unsigned char>(sign ? 0xff : random.next());
    }
    return random.below(20) == 0 ? random.below(bytes + 4) : bytes + 4;
}

// Promise 21: any bytes at all. What comes out is a message that lies in the bytes, or an error,
// and then that error for ever.
void any_bytes_at_all_give_messages_or_errors(void**) {
    constexpr std::size_t kFrames = 50, kFrameBytes = 64;
    test::Random random(21);
    unsigned char raw[kFrames * kFrameBytes];
    for (int round = 0; round < 100000 / static_cast<int>(kFrames); ++round) {
        std::size_t count = 0;
        for (std::size_t frame = 0; frame < kFrames; ++frame) {
            count += mutated_frame(random, raw + count);
        }
        ConnectionPair ends = channel(false);
        assert_int_equal(write(ends.second.fileno(), raw, count), count);
        ends.second.close();
        std::size_t at = 0;
        Result<std::size_t> got = ends.first.recv_bytes(g_got, kFrameBytes);
        for (; got.ok(); got = ends.first.recv_bytes(g_got, kFrameBytes)) {
            at += raw[at] == 0xff ? 12 : 4;
            assert_true(at + *got <= count);
            assert_memory_equal(g_got, raw + at, *got);
            at += *got;
        }
        test::assert_code(ends.first.recv_bytes(g_got, kFrameBytes), got.code());
    }
}

// ---- Several processes on one end ------------------------------------------------------------

void of_several_writers_and_readers_each_message_reaches_one_reader_whole(void**) {
    constexpr std::uint32_t kProcesses = 4, kEach = 3000;
    test::Board<std::array<std::atomic<std::uint8_t>, kProcesses * kEach>> seen;
    ConnectionPair ends = channel(false);
    pid_t pids[2 * kProcesses];
    for (std::uint32_t process = 0; process < kProcesses; ++process) {
        pids[process] = child([&] {
            test::Random random(process);
            for (std::uint32_t at = 0; at < kEach; ++at) {
                const std::uint32_t number = process * kEach + at;
                const std::size_t bytes = 4 + random.below(random.below(10) == 0 ? 60000 : 6000);
                test::fill(g_sent, bytes, number);
                std::memcpy(g_sent, &number, 4);
                CHILD_EXPECT(ends.second.send_bytes(g_sent, bytes).ok());
            }
            return 0;
        });
        pids[kProcesses + process] = child([&] {
            ends.second.close();
            for (;;) {
                const Result<std::size_t> got = ends.first.recv_bytes(g_got, kBytesMax);
                if (got.code() == Errc::end_of_stream) { return 0; }
                std::uint32_t number = 0;
                std::memcpy(&number, g_got, 4);
                CHILD_EXPECT(got.ok() && number < kProcesses * kEach);
                test::fill(g_sent, *got, number);
                CHILD_EXPECT(std::memcmp(g_sent + 4, g_got + 4, *got - 4) == 0);
                (*seen)[number].fetch_add(1);
            }
        });
    }
    ends.second.close();
    for (const pid_t pid : pids) { assert_int_equal(join_child(pid), 0); }
    for (const auto& count : *seen) { assert_int_equal(count.load(), 1); }
}

// ---- Ownership -------------------------------------------------------------------------------

std::size_t mapped_pages() {
    FILE* const file = std::fopen("/proc/self/maps", "r");
    assert_non_null(file);
    std::size_t lines = 0;
    char line[512];
    while (std::fgets(line, sizeof(line), file) != nullptr) {
        if (std::strstr(line, " rw-s ") != nullptr) { ++lines; }
    }
    std::fclose(file);
    return lines;
}

void the_last_end_in_a_process_takes_the_shared_page_with_it(void**) {
    const std::size_t before = test::open_descriptors(), pages = mapped_pages();
    for (int round = 0; round < 4; ++round) {
        ConnectionPair ends = channel(round % 2 == 0);
        assert_int_equal(mapped_pages(), pages + 1);
        Connection& first = round < 2 ? ends.first : ends.second;
        Connection& last = round < 2 ? ends.second : ends.first;
        const pid_t heir = child([&] {
            last.close();
            CHILD_EXPECT(mapped_pages() == pages + 1);
            Connection moved = std::move(first);
            moved.close();
            CHILD_EXPECT(mapped_pages() == pages);
            return 0;
        });
        assert_int_equal(join_child(heir), 0);
        Connection moved = std::move(first);
        last.close();
        assert_int_equal(mapped_pages(), pages + 1);
        moved = Connection();
        assert_int_equal(mapped_pages(), pages);
        assert_int_equal(test::open_descriptors(), before);
    }
}

void ends_may_be_closed_by_two_threads_at_once(void**) {
    const std::size_t pages = mapped_pages();
    for (int round = 0; round < 500; ++round) {
        ConnectionPair ends = channel();
        pthread_t thread;
        const auto close_first = [](void* end) -> void* {
            static_cast<Connection*>(end)->close();
            return nullptr;
        };
        assert_int_equal(pthread_create(&thread, nullptr, close_first, &ends.first), 0);
        ends.second.close();
        assert_int_equal(pthread_join(thread, nullptr), 0);
    }
    assert_int_equal(mapped_pages(), pages);
}

// What Process::start() does in its child: a forgotten end would hang the reader.
std::size_t listed_ends() {
    std::size_t count = 0;
    brood::detail::fork_list_each(
        [](brood::detail::ForkLink&, void* counted) { ++*static_cast<std::size_t*>(counted); },
        &count);
    return count;
}

// Simplex ends: one descriptor each. A child that did not know of one could never close it.
void a_child_forked_by_another_thread_knows_of_every_end_that_it_has(void**) {
    static std::atomic<bool> over{false};
    over = false;
    const std::size_t before = test::open_descriptors();
    pthread_t thread;
    assert_int_equal(pthread_create(
                         &thread, nullptr,
                         [](void*) -> void* {
                             while (!over) {
                                 ConnectionPair ends = channel(false);
                                 Connection moved = std::move(ends.first);
                                 moved.close();
                             }
                             return nullptr;
                         },
                         nullptr),
                     0);
    for (int i = 0; i < 150; ++i) {
        const pid_t pid = fork();
        if (pid == 0) { _exit(test::open_descriptors() == before + listed_ends() ? 0 : 1); }
        if (join_child(pid) != 0) { over = true; }
    }
    const bool all_known = !over;
    over = true;
    assert_int_equal(pthread_join(thread, nullptr), 0);
    assert_true(all_known);
    assert_int_equal(test::open_descriptors(), before);
}

void ends_handed_to_a_process_close_their_peers_there_and_no_others(void**) {
    ConnectionPair request = channel(), reply = channel(false), other = channel();
    auto numbers = Pipe<int>::simplex().expect("making a pipe");
    struct {
        Connection request, reply;
        Receiver<int> numbers;
    } handed = {std::move(request.first), std::move(reply.second), std::move(numbers.receiver)};
    const pid_t pid = child([&] {
        const std::size_t before = test::open_descriptors();
        detail::keep_handed_ends(&handed, &handed + 1);
        CHILD_EXPECT(test::open_descriptors() == before - 4);
        CHILD_EXPECT(request.second.recv_bytes(g_got, 1).code() == Errc::closed);
        CHILD_EXPECT(reply.first.recv_bytes(g_got, 1).code() == Errc::closed);
        CHILD_EXPECT(numbers.sender.send(1).code() == Errc::closed);
        CHILD_EXPECT(other.first.send_bytes("x", 1).ok());
        CHILD_EXPECT(*other.second.recv_bytes(g_got, 1) == 1);
        // Ours work, and see the end of the stream when the parent closes.
        CHILD_EXPECT(handed.request.recv_bytes(g_got, 1).code() == Errc::end_of_stream);
        CHILD_EXPECT(*handed.numbers.recv() == 7);
        CHILD_EXPECT(handed.numbers.recv().code() == Errc::end_of_stream);
        CHILD_EXPECT(handed.reply.send_bytes("done", 4).ok());
        const std::size_t pages = mapped_pages();
        request.second.close();
        handed.request.close();
        CHILD_EXPECT(mapped_pages() == pages - 1);
        return 0;
    });
    handed.request.close();
    handed.reply.close();
    handed.numbers.close();
    assert_true(numbers.sender.send(7).ok());
    numbers.sender.close();
    request.second.close();
    assert_int_equal(*reply.first.recv_bytes(g_got, 9, kLong), 4);
    assert_int_equal(join_child(pid), 0);
    test::assert_code(reply.first.recv_bytes(g_got, 9, kLong), Errc::end_of_stream);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_every_size_arrive_whole_and_in_order),
        cmocka_unit_test(one_end_of_a_simplex_channel_receives_and_the_other_sends),
        cmocka_unit_test(send_bytes_takes_a_part_of_a_buffer),
        cmocka_unit_test(recv_bytes_into_fills_a_buffer_from_an_offset_on),
        cmocka_unit_test(a_short_buffer_does_not_lose_the_message),
        cmocka_unit_test(a_message_beyond_the_limit_is_refused_for_good),
        cmocka_unit_test(poll_tells_of_a_message_and_of_the_end),
        cmocka_unit_test(bad_input_is_named_and_changes_nothing),
        cmocka_unit_test(a_call_waits_no_longer_than_its_timeout),
        cmocka_unit_test(a_reader_waits_for_another_reader_no_longer_than_its_timeout),
        cmocka_unit_test(a_long_message_that_has_begun_outlasts_its_timeout),
        cmocka_unit_test(a_storm_of_signals_neither_fails_nor_prolongs_a_call),
        cmocka_unit_test(the_wire_carries_the_frames_of_pythons_connections),
        cmocka_unit_test(a_strangers_bytes_are_refused_with_a_clear_error),
        cmocka_unit_test(a_strangers_half_frame_is_refused_while_others_could_write),
        cmocka_unit_test(bad_frames_stop_the_writers_and_the_other_readers),
        cmocka_unit_test(any_bytes_at_all_give_messages_or_errors),
        cmocka_unit_test(of_several_writers_and_readers_each_message_reaches_one_reader_whole),
        cmocka_unit_test(the_last_end_in_a_process_takes_the_shared_page_with_it),
        cmocka_unit_test(ends_may_be_closed_by_two_threads_at_once),
        cmocka_unit_test(a_child_forked_by_another_thread_knows_of_every_end_that_it_has),
        cmocka_unit_test(ends_handed_to_a_process_close_their_peers_there_and_no_others),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
