// Pipe: typed messages between real processes.
#include "channel_support.hpp"

#include <array>
#include <cstring>
#include <optional>
#include <variant>

#include <pthread.h>
#include <sys/resource.h>

#include <brood/pipe.hpp>
#include <brood/text.hpp>
#include <brood/tuple.hpp>

using namespace brood;
using test::child;
using test::join_child;
using test::kLong;

namespace {

// ---- Which end may do what -------------------------------------------------------------------

template <class End, class = void>
constexpr bool kSends = false;
template <class End>
constexpr bool kSends<End, std::void_t<decltype(std::declval<End&>().send(1))>> = true;
template <class End, class = void>
constexpr bool kReceives = false;
template <class End>
constexpr bool kReceives<End, std::void_t<decltype(std::declval<End&>().recv())>> = true;
template <class End, class = void>
constexpr bool kPolls = false;
template <class End>
constexpr bool kPolls<End, std::void_t<decltype(std::declval<End&>().poll())>> = true;

void a_simplex_end_has_only_the_method_it_may_use(void**) {
    static_assert(kSends<Sender<int>> && !kReceives<Sender<int>> && !kPolls<Sender<int>>);
    static_assert(!kSends<Receiver<int>> && kReceives<Receiver<int>> && kPolls<Receiver<int>>);
    static_assert(kSends<Duplex<int>> && kReceives<Duplex<int>> && kPolls<Duplex<int>>);
    static_assert(!std::is_copy_constructible_v<Duplex<int>>);
    static_assert(std::is_nothrow_move_constructible_v<Duplex<int>>);

    auto [receiver, sender] = Pipe<int>::simplex().expect("making a pipe");
    assert_true(sender.send(42).ok());
    assert_int_equal(*receiver.recv(kLong), 42);
}

void the_ends_of_a_duplex_pipe_both_send_and_receive(void**) {
    auto [left, right] = Pipe<int>::duplex().expect("making a pipe");
    Duplex<int>& server = right;
    Duplex<int>& client = left;
    const pid_t pid = child([&] {
        client.close();
        for (;;) {
            const Result<int> asked = server.recv(kLong);
            if (asked.code() == Errc::end_of_stream) { return 0; }
            CHILD_EXPECT(asked.ok() && server.send(*asked + 1).ok());
        }
    });
    server.close();
    for (int number = 0; number < 1000; ++number) {
        assert_true(client.send(number).ok());
        assert_int_equal(*client.recv(kLong), number + 1);
    }
    client.close();
    assert_int_equal(join_child(pid), 0);
}

// ---- Send anything ---------------------------------------------------------------------------

struct Order {
    std::int32_t id;
    double price;
    Text<24> name;
};

template <class T>
T sent_through_a_child(const T& message) {
    auto [left, right] = Pipe<T>::duplex().expect("making a pipe");
    Duplex<T>& echo = right;
    const pid_t pid = child([&] {
        const Result<T> got = echo.recv(kLong);
        CHILD_EXPECT(got.ok() && echo.send(*got).ok());
        return 0;
    });
    assert_true(left.send(message).ok());
    T back = left.recv(kLong).expect("receiving");
    assert_int_equal(join_child(pid), 0);
    return back;
}

struct Picture {
    unsigned char bytes[100000];
};

void a_pipe_carries_structs_texts_bytes_arrays_optionals_variants_and_tuples(void**) {
    const Order order = sent_through_a_child(Order{7, 0.5, "seven"});
    assert_int_equal(order.id, 7);
    assert_true(order.price == 0.5 && order.name == "seven");

    assert_true(sent_through_a_child(Text<64>("hello")) == "hello");

    const auto bytes = sent_through_a_child(Bytes<16>::from("\0\1\2", 3).expect("bytes"));
    assert_int_equal(bytes.size(), 3);
    assert_memory_equal(bytes.data(), "\0\1\2", 3);

    const std::array<std::int16_t, 3> array = {1, -2, 3};
    assert_true(sent_through_a_child(array) == array);

    assert_int_equal(*sent_through_a_child(std::optional<int>(5)), 5);
    assert_false(sent_through_a_child(std::optional<int>()).has_value());

    const auto variant = sent_through_a_child(std::variant<int, double>(2.5));
    assert_true(std::get<double>(variant) == 2.5);

    const Pair pair{7, Text<8>("seven")};
    assert_true(sent_through_a_child(pair) == pair);
    const Tuple tuple(7, 0.5, Text<8>("seven"));
    assert_true(sent_through_a_child(tuple) == tuple);
}

// Both shorter than PIPE_BUF, and one longer, of which both go in frames.
template <class Question, class Answer>
void answers(const Question& question, const Answer& answer) {
    auto [left, right] = Pipe<Question, Answer>::duplex().expect("making a pipe");
    Duplex<Question, Answer>& client = left;
    Duplex<Answer, Question>& server = right;
    const pid_t pid = child([&] {
        client.close();
        const Result<Question> asked = server.recv(kLong);
        CHILD_EXPECT(asked.ok() && memcmp(&*asked, &question, sizeof(question)) == 0);
        CHILD_EXPECT(server.send(answer).ok());
        CHILD_EXPECT(server.recv(kLong).code() == Errc::end_of_stream);
        return 0;
    });
    server.close();
    assert_true(client.send(question).ok());
    const Answer got = client.recv(kLong).expect("receiving");
    assert_memory_equal(&got, &answer, sizeof(answer));
    client.close();
    assert_int_equal(join_child(pid), 0);
}

void a_duplex_pipe_may_carry_one_type_there_and_another_back(void**) {
    static_assert(!kSends<Duplex<Text<8>, int>> && kReceives<Duplex<Text<8>, int>>);
    static Picture picture;
    test::fill(picture.bytes, sizeof(picture.bytes), 1);
    answers(Pair{10, 20}, 30);
    answers('p', picture);
    answers(picture, 'p');
}

// The sizes around PIPE_BUF: 4096 is the last bare record, 4097 the first in a frame.
template <std::size_t N>
void travels_whole() {
    struct Block {
        unsigned char bytes[N];
    };
    static Block block;
    for (std::uint32_t number = 0; number < 3; ++number) {
        test::fill(block.bytes, N, number);
        assert_true(test::is_filled(sent_through_a_child(block).bytes, N, number));
    }
}

void records_of_every_size_travel_whole(void**) {
    travels_whole<1>();
    travels_whole<4091>();
    travels_whole<4092>();
    travels_whole<4095>();
    travels_whole<4096>();
    travels_whole<4097>();
    travels_whole<8192>();
    travels_whole<65535>();
    travels_whole<65537>();
    travels_whole<1 << 20>();
}

// ---- Waiting ---------------------------------------------------------------------------------

void poll_tells_of_a_message_and_of_the_end(void**) {
    auto [receiver, sender] = Pipe<int>::simplex().expect("making a pipe");
    assert_false(*receiver.poll());
    const std::int64_t begin = test::now_ms();
    assert_false(*receiver.poll(milliseconds(30)));
    assert_true(test::now_ms() - begin >= 29);
    assert_true(sender.send(1).ok());
    assert_true(*receiver.poll());
    assert_true(*receiver.poll(Timeout::forever()));
    assert_int_equal(*receiver.recv(), 1);
    assert_false(*receiver.poll());
    sender.close();
    assert_true(*receiver.poll());
    assert_int_equal(receiver.recv().code(), Errc::end_of_stream);
    assert_int_equal(receiver.recv(Timeout::no_wait()).code(), Errc::end_of_stream);
}

void fileno_is_a_descriptor_until_the_end_is_closed(void**) {
    auto [receiver, sender] = Pipe<int>::simplex().expect("making a pipe");
    assert_true(receiver.fileno() > 2 && sender.fileno() > 2);
    assert_true((fcntl(receiver.fileno(), F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(sender.fileno(), F_GETFD) & FD_CLOEXEC) != 0);
    receiver.close();
    receiver.close();
    assert_int_equal(receiver.fileno(), -1);
    assert_int_equal(receiver.recv().code(), Errc::closed);
    assert_int_equal(receiver.recv(Timeout::no_wait()).code(), Errc::closed);
    assert_int_equal(receiver.poll().code(), Errc::closed);
    sender.close();
    assert_int_equal(sender.send(1).code(), Errc::closed);
    assert_int_equal(sender.send(1, Timeout::no_wait()).code(), Errc::closed);
}

template <class T>
void waits_for_its_timeout_only() {
    static T message;
    auto [receiver, sender] = Pipe<T>::simplex().expect("making a pipe");
    for (const Timeout timeout : {Timeout::no_wait(), milliseconds(40)}) {
        const std::int64_t span_ms = timeout.nanoseconds() / 1000000;
        std::int64_t begin = test::now_ms();
        assert_int_equal(receiver.recv(timeout).code(), Errc::timed_out);
        assert_in_range(test::now_ms() - begin + 1, span_ms, span_ms + test::kSoonMs);
    }
    std::size_t sent = 0;
    while (sender.send(message, Timeout::no_wait()).ok()) { ++sent; }
    assert_true(sent * sizeof(T) >= 4096);
    const std::int64_t begin = test::now_ms();
    assert_int_equal(sender.send(message, milliseconds(40)).code(), Errc::timed_out);
    assert_in_range(test::now_ms() - begin + 1, 40, 40 + test::kSoonMs);
    // What timed out was not sent.
    for (; sent > 0; --sent) { assert_true(receiver.recv(kLong).ok()); }
    assert_int_equal(receiver.recv(Timeout::no_wait()).code(), Errc::timed_out);

    const Timeout negative = milliseconds(-1), overflow = seconds(INT64_MAX);
    assert_int_equal(sender.send(message, negative).code(), Errc::timeout_negative);
    assert_int_equal(sender.send(message, overflow).code(), Errc::timeout_overflow);
    assert_int_equal(receiver.recv(negative).code(), Errc::timeout_negative);
    assert_int_equal(receiver.recv(overflow).code(), Errc::timeout_overflow);
    assert_int_equal(receiver.poll(negative).code(), Errc::timeout_negative);
}

void a_call_waits_no_longer_than_its_timeout(void**) {
    waits_for_its_timeout_only<int>();
    waits_for_its_timeout_only<std::array<char, 4096>>();
}

void a_storm_of_signals_neither_fails_nor_prolongs_a_call(void**) {
    auto [left, right] = Pipe<std::array<int, 16>>::duplex().expect("making a pipe");
    auto& server = right;
    const pid_t pid = child([&] {
        const test::AlarmStorm storm;
        for (int round = 0; round < 2000; ++round) {
            const auto got = server.recv();
            CHILD_EXPECT(got.ok() && (*got)[0] == round);
            CHILD_EXPECT(server.send(*got).ok());
            if (round % 100 == 0) { CHILD_EXPECT(server.poll(kLong).ok()); }
        }
        return 0;
    });
    const test::AlarmStorm storm;
    for (int round = 0; round < 2000; ++round) {
        assert_true(left.send({round}).ok());
        const auto back = left.recv(kLong);
        assert_true(back.ok() && (*back)[0] == round);
    }
    const std::int64_t begin = test::now_ms();
    assert_int_equal(left.recv(milliseconds(100)).code(), Errc::timed_out);
    assert_in_range(test::now_ms() - begin + 1, 100, 100 + test::kSoonMs);
    assert_int_equal(join_child(pid), 0);
}

// ---- Ends that close, and processes that die -------------------------------------------------

// Promise 6.
void a_reader_hears_at_once_that_its_peer_was_killed(void**) {
    for (int round = 0; round < 20; ++round) {
        auto [receiver, sender] = Pipe<int>::simplex().expect("making a pipe");
        Sender<int>& mine = sender;
        Receiver<int>& theirs = receiver;
        const pid_t holder = child([&] {
            theirs.close();
            pause();
            return 0;
        });
        test::Board<std::atomic<std::int64_t>> heard;
        const pid_t reader = child([&] {
            mine.close();
            const Errc code = theirs.recv().code();
            heard->store(test::now_ms());
            return code == Errc::end_of_stream ? 0 : 1;
        });
        sender.close();
        test::wait_until_blocked(reader);
        const std::int64_t begin = test::now_ms();
        assert_int_equal(test::killed(holder), -SIGKILL);
        assert_int_equal(join_child(reader), 0);
        assert_in_range(heard->load() - begin + 1, 0, 500);
    }
}

void on_broken_pipe(int) {}

// Promise 25: whatever the host does with SIGPIPE, it is told, not killed, and stays as it was.
void a_sender_without_readers_is_told_and_not_killed(void**) {
    for (void (*const host)(int) : {SIG_DFL, SIG_IGN, &on_broken_pipe}) {
        const pid_t pid = child([&] {
            signal(SIGPIPE, host);
            sigset_t before, after;
            sigprocmask(SIG_SETMASK, nullptr, &before);
            auto [receiver, sender] = Pipe<int>::simplex().expect("making a pipe");
            auto [big_receiver, big_sender] = Pipe<Picture>::simplex().expect("making a pipe");
            receiver.close();
            big_receiver.close();
            static Picture picture;
            CHILD_EXPECT(sender.send(1).code() == Errc::broken_pipe);
            CHILD_EXPECT(sender.send(1, milliseconds(5)).code() == Errc::broken_pipe);
            CHILD_EXPECT(sender.send(1, Timeout::no_wait()).code() == Errc::broken_pipe);
            CHILD_EXPECT(big_sender.send(picture).code() == Errc::broken_pipe);
            CHILD_EXPECT(big_sender.send(picture).code() == Errc::broken_pipe);
            struct sigaction action = {};
            sigaction(SIGPIPE, nullptr, &action);
            CHILD_EXPECT(action.sa_handler == host);
            sigprocmask(SIG_SETMASK, nullptr, &after);
            for (int number = 1; number < 65; ++number) {
                CHILD_EXPECT(sigismember(&before, number) == sigismember(&after, number));
            }
            sigpending(&after);
            CHILD_EXPECT(sigismember(&after, SIGPIPE) == 0);
            return 0;
        });
        assert_int_equal(join_child(pid), 0);
    }
}

void a_sender_blocked_on_a_full_pipe_hears_that_the_reader_was_killed(void**) {
    auto [receiver, sender] = Pipe<std::array<char, 512>>::simplex().expect("making a pipe");
    auto& mine = sender;
    auto& theirs = receiver;
    const pid_t reader = child([&] {
        mine.close();
        pause();
        return 0;
    });
    const pid_t writer = child([&] {
        theirs.close();
        Status sent;
        while (sent.ok()) { sent = mine.send({}); }
        return sent.code() == Errc::broken_pipe ? 0 : 1;
    });
    receiver.close();
    test::wait_until_blocked(writer);
    assert_int_equal(test::killed(reader), -SIGKILL);
    assert_int_equal(join_child(writer), 0);
}

// ---- Several processes on one end ------------------------------------------------------------

constexpr int kProcesses = 4;

template <class T>
struct Numbered {
    std::uint32_t number;
    T bytes;
};

template <std::size_t N>
void delivers_each_message_once(std::uint32_t per_writer) {
    using Message = Numbered<std::array<unsigned char, N>>;
    using Counts = std::array<std::atomic<std::uint8_t>, 1 << 16>;
    test::Board<Counts> seen;
    auto [receiver, sender] = Pipe<Message>::simplex().expect("making a pipe");
    auto& from = receiver;
    auto& to = sender;
    pid_t pids[2 * kProcesses];
    for (std::uint32_t writer = 0; writer < kProcesses; ++writer) {
        pids[writer] = child([&] {
            static Message message;
            for (std::uint32_t at = 0; at < per_writer; ++at) {
                message.number = writer * per_writer + at;
                test::fill(message.bytes.data(), N, message.number);
                CHILD_EXPECT(to.send(message).ok());
            }
            return 0;
        });
        pids[kProcesses + writer] = child([&] {
            to.close();
            for (;;) {
                const Result<Message> got = from.recv();
                if (got.code() == Errc::end_of_stream) { return 0; }
                CHILD_EXPECT(got.ok());
                CHILD_EXPECT(test::is_filled(got->bytes.data(), N, got->number));
                (*seen)[got->number].fetch_add(1);
            }
        });
    }
    to.close();
    for (const pid_t pid : pids) { assert_int_equal(join_child(pid), 0); }
    for (std::uint32_t number = 0; number < kProcesses * per_writer; ++number) {
        assert_int_equal((*seen)[number].load(), 1);
    }
}

void of_several_writers_and_readers_each_message_reaches_one_reader_whole(void**) {
    delivers_each_message_once<12>(10000);
    delivers_each_message_once<1000>(5000);
    delivers_each_message_once<4092>(2000);  // 4096 with its number: the last bare record
    delivers_each_message_once<4096>(2000);  // in frames
    delivers_each_message_once<100000>(200);
}

// Promise 4b for bare records: writers and readers die at random instants, and every record that
// anybody sees is whole. A bare pipe never breaks.
template <std::size_t N>
void survives_kills(std::uint64_t seed, int rounds) {
    using Message = Numbered<std::array<unsigned char, N>>;
    test::Random random(seed);
    static Message message;
    for (int round = 0; round < rounds; ++round) {
        auto [receiver, sender] = Pipe<Message>::simplex().expect("making a pipe");
        auto& from = receiver;
        auto& to = sender;
        const pid_t writer = child([&] {
            for (std::uint32_t number = 0;; ++number) {
                message.number = number;
                test::fill(message.bytes.data(), N, number);
                if (!to.send(message).ok()) { return 1; }
            }
        });
        const pid_t reader = child([&] {
            for (;;) {
                const Result<Message> got = from.recv();
                CHILD_EXPECT(got.ok());
                CHILD_EXPECT(test::is_filled(got->bytes.data(), N, got->number));
            }
            return 0;
        });
        usleep(300 + random.below(2000));
        const pid_t first = random.below(2) == 0 ? writer : reader;
        kill(first, SIGKILL);
        usleep(random.below(300));
        kill(writer, SIGKILL);
        kill(reader, SIGKILL);
        assert_int_equal(join_child(writer), -SIGKILL);
        assert_int_equal(join_child(reader), -SIGKILL);
        to.close();
        Result<Message> left = from.recv(kLong);
        for (; left.ok(); left = from.recv(kLong)) {
            assert_true(test::is_filled(left->bytes.data(), N, left->number));
        }
        assert_int_equal(left.code(), Errc::end_of_stream);
    }
}

void a_kill_leaves_every_bare_record_whole(void**) {
    survives_kills<60>(1, 60);
    survives_kills<3000>(2, 60);
    survives_kills<4092>(3, 60);
}

// ---- Strangers, limits, ownership ------------------------------------------------------------

void a_record_of_another_size_is_refused_for_good(void**) {
    auto [receiver, sender] = Pipe<std::int64_t>::simplex().expect("making a pipe");
    assert_int_equal(write(sender.fileno(), "odd", 3), 3);
    assert_int_equal(receiver.recv(kLong).code(), Errc::bad_frame);
    assert_true(sender.send(1).ok());
    assert_int_equal(receiver.recv(kLong).code(), Errc::bad_frame);
    assert_int_equal(receiver.poll().code(), Errc::bad_frame);
}

void a_frame_of_another_size_than_the_record_is_refused_for_good(void**) {
    for (const int length : {99999, 100001}) {
        auto [receiver, sender] = Pipe<Picture>::simplex().expect("making a pipe");
        const unsigned char header[4] = {0, 1, 0x86, static_cast<unsigned char>(length)};
        assert_int_equal(write(sender.fileno(), header, 4), 4);
        Sender<Picture>& to = sender;
        const pid_t pid = child([&] {
            static unsigned char body[100001];
            return write(to.fileno(), body, sizeof(body)) == sizeof(body) ? 0 : 1;
        });
        assert_int_equal(receiver.recv(kLong).code(), Errc::bad_frame);
        assert_int_equal(receiver.recv(kLong).code(), Errc::bad_frame);
        receiver.close();
        static_cast<void>(test::killed(pid));
    }
}

void making_and_closing_leaves_no_descriptor_behind(void**) {
    const std::size_t before = test::open_descriptors();
    for (int round = 0; round < 100; ++round) {
        auto small = Pipe<int>::duplex().expect("making a pipe");
        auto big = Pipe<Picture>::duplex().expect("making a pipe");
        assert_int_equal(test::open_descriptors(), before + 8);
        Duplex<int> moved = std::move(small.left);
        assert_int_equal(small.left.fileno(), -1);
        assert_int_equal(small.left.send(1).code(), Errc::closed);
        moved = std::move(small.right);
        assert_int_equal(test::open_descriptors(), before + 6);
    }
    assert_int_equal(test::open_descriptors(), before);
}

void without_descriptors_a_pipe_is_refused_and_nothing_is_left(void**) {
    const pid_t pid = child([] {
        rlimit limit = {};
        getrlimit(RLIMIT_NOFILE, &limit);
        for (rlim_t room = 0; room < 4; ++room) {
            const int before = dup(0);
            close(before);
            limit.rlim_cur = static_cast<rlim_t>(before) + room;
            CHILD_EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
            CHILD_EXPECT(Pipe<int>::duplex().code() == Errc::too_many_files);
            CHILD_EXPECT(Pipe<Picture>::duplex().code() == Errc::too_many_files);
            const int after = dup(0);
            CHILD_EXPECT(room == 0 ? after < 0 : after == before);
            close(after);
        }
        return 0;
    });
    assert_int_equal(join_child(pid), 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_simplex_end_has_only_the_method_it_may_use),
        cmocka_unit_test(the_ends_of_a_duplex_pipe_both_send_and_receive),
        cmocka_unit_test(a_pipe_carries_structs_texts_bytes_arrays_optionals_variants_and_tuples),
        cmocka_unit_test(a_duplex_pipe_may_carry_one_type_there_and_another_back),
        cmocka_unit_test(records_of_every_size_travel_whole),
        cmocka_unit_test(poll_tells_of_a_message_and_of_the_end),
        cmocka_unit_test(fileno_is_a_descriptor_until_the_end_is_closed),
        cmocka_unit_test(a_call_waits_no_longer_than_its_timeout),
        cmocka_unit_test(a_storm_of_signals_neither_fails_nor_prolongs_a_call),
        cmocka_unit_test(a_reader_hears_at_once_that_its_peer_was_killed),
        cmocka_unit_test(a_sender_without_readers_is_told_and_not_killed),
        cmocka_unit_test(a_sender_blocked_on_a_full_pipe_hears_that_the_reader_was_killed),
        cmocka_unit_test(of_several_writers_and_readers_each_message_reaches_one_reader_whole),
        cmocka_unit_test(a_kill_leaves_every_bare_record_whole),
        cmocka_unit_test(a_record_of_another_size_is_refused_for_good),
        cmocka_unit_test(a_frame_of_another_size_than_the_record_is_refused_for_good),
        cmocka_unit_test(making_and_closing_leaves_no_descriptor_behind),
        cmocka_unit_test(without_descriptors_a_pipe_is_refused_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
