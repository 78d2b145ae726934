// Goal: a process killed anywhere inside send_frame() or receive_frame() never makes a survivor see
// a wrong message, wait for ever, or lose a message that it was not handling itself.
// Method: the channel is compiled here on a port layer of the test's own, which kills the process
// at its n-th call: before it, after it, or when a part of its bytes has gone through. n grows
// until a victim survives. The atomics between two calls are covered by what they guard: each is
// followed by a call, and killing before that call is killing after the atomic.
#define BROOD_PORT_LAYER dying
#include "src/channel_receive.cpp"
#include "src/channel_send.cpp"
#undef BROOD_PORT_LAYER
#define BROOD_PORT_LAYER os
#include <port/port.hpp>

#include "channel_support.hpp"

using namespace brood;
using brood::detail::ChannelControl;
using test::child;
using test::join_child;

namespace {

enum class How { never, before, after, part };

// What happens to this process.
struct Fate {
    How how = How::never;
    std::uint32_t call = 0;
    std::size_t part = 0;  // Of the bytes of a read or a long write.
};
Fate g_fate;
std::uint32_t g_calls = 0;
std::atomic<bool>* g_took_bytes = nullptr;  // Where a victim says that it has called read_now().

[[noreturn]] void die() {
    kill(getpid(), SIGKILL);
    for (;;) { pause(); }
}

template <class F>
auto fated(How at_part, F&& call) {
    const bool now = g_fate.how != How::never && g_calls++ == g_fate.call;
    if (now && (g_fate.how == How::before || at_part == How::before)) { die(); }
    const auto result = call();
    if (now) { die(); }
    return result;
}

// A kill inside a call that moves no bytes is a kill before it.
template <class F>
auto fated(F&& call) {
    return fated(g_fate.how == How::part ? How::before : How::after, call);
}

// As many bytes of a call as the victim lives to move.
std::size_t moved(std::size_t bytes) {
    const bool now = g_fate.how == How::part && g_calls == g_fate.call;
    return now && g_fate.part < bytes ? g_fate.part : bytes;
}

}  // namespace

namespace brood::port {
inline namespace dying {

Status mutex_lock(RobustMutex& mutex, std::int64_t deadline_ns) noexcept {
    return fated([&] { return os::mutex_lock(mutex, deadline_ns); });
}
Status mutex_unlock(RobustMutex& mutex) noexcept {
    return fated([&] { return os::mutex_unlock(mutex); });
}
Result<std::size_t> poll(PollItem* items, std::size_t count, std::int64_t deadline_ns) noexcept {
    return fated([&] { return os::poll(items, count, deadline_ns); });
}
Result<std::size_t> read_now(Fd fd, void* buffer, std::size_t bytes) noexcept {
    if (g_took_bytes != nullptr) { g_took_bytes->store(true); }
    const std::size_t count = moved(bytes);
    return fated(How::after, [&] { return os::read_now(fd, buffer, count); });
}
// The system writes no part of what it promises to write at once.
Result<std::size_t> write_now(Fd fd, const void* data, std::size_t bytes) noexcept {
    const std::size_t count = bytes > os::pipe_atomic() ? moved(bytes) : bytes;
    return fated(How::after, [&] { return os::write_now(fd, data, count); });
}
std::size_t pipe_atomic() noexcept {
    return os::pipe_atomic();
}
std::int64_t now_ns() noexcept {
    return os::now_ns();
}

}  // namespace dying
}  // namespace brood::port

namespace {

constexpr std::size_t kBytesMax = 16u << 20;
unsigned char g_bytes[kBytesMax];

// A channel, and what its users report.
struct State {
    ChannelControl control;
    std::atomic<bool> received[8];  // Message i came, whole.
    std::atomic<bool> wrong;        // Something else came.
    std::atomic<Errc> end;          // What ended the surviving reader's or writer's loop.
    std::atomic<bool> took_bytes;
};

class Channel {
public:
    Channel() {
        test::assert_ok(port::os::pipe(fds_));
        test::assert_ok(port::os::mutex_init(state_->control.writers));
        test::assert_ok(port::os::mutex_init(state_->control.readers));
    }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() {
        close_reading();
        close_writing();
    }
    void close_reading() { close_at(0); }
    void close_writing() { close_at(1); }
    int writing_fd() const { return fds_[1]; }
    State* operator->() const { return &*state_; }

    // Message number `number`, as all of them `bytes` long.
    Status send(std::uint32_t number, std::size_t bytes) {
        return send(number, bytes, test::in_ms(test::kPatienceMs));
    }
    Status send(std::uint32_t number, std::size_t bytes, std::int64_t deadline_ns) {
        test::fill(g_bytes, bytes, number);
        return detail::send_frame({state_->control, fds_[1]}, g_bytes, bytes, deadline_ns);
    }
    // Receives one, and notes which. They come in order, so it is none before `next`.
    Errc receive(std::uint32_t& next, std::size_t bytes) {
        const detail::Room room = {g_bytes, kBytesMax, kBytesMax};
        const Result<std::size_t> got =
            detail::receive_frame({state_->control, fds_[0]}, room, test::in_ms(test::kPatienceMs));
        if (!got.ok()) { return got.code(); }
        while (next < 8 && !test::is_filled(g_bytes, *got, next)) { ++next; }
        if (next == 8 || *got != bytes) {
            state_->wrong = true;
        } else {
            state_->received[next++] = true;
        }
        return Errc::ok;
    }

private:
    void close_at(int index) {
        if (fds_[index] != port::kNoFd) { port::os::close(fds_[index]); }
        fds_[index] = port::kNoFd;
    }
    test::Board<State> state_;
    port::Fd fds_[2];
};

// A process that receives until it cannot, and notes why.
pid_t surviving_reader(Channel& channel, std::size_t bytes) {
    return child([&] {
        channel.close_writing();
        std::uint32_t next = 1;
        Errc code = Errc::ok;
        while (code == Errc::ok) { code = channel.receive(next, bytes); }
        // Broken is broken for good.
        CHILD_EXPECT(code != Errc::peer_died || channel.receive(next, bytes) == code);
        channel->end = code;
        return 0;
    });
}

template <class F>
pid_t victim(const Fate& fate, F&& body) {
    return child([&] {
        g_fate = fate;
        return body();
    });
}

// Calls run(fate) until the victim in it survives, which it tells by its answer. In long calls the
// steps grow; parts are cut where pages end, beside that, and in a header.
template <class F>
void sweep(F&& run, std::uint32_t steadiness = 12) {
    constexpr std::size_t kParts[] = {1, 3, 4, 4095, 4096, 4097, 65535};
    std::uint32_t last = 0;
    for (bool survived = false; !survived; last += 1 + last / steadiness) {
        assert_true(last < 100000);
        survived = run(Fate{How::before, last, 0});
        if (!survived) { run(Fate{How::after, last, 0}); }
        const std::size_t part = kParts[last % (sizeof(kParts) / sizeof(kParts[0]))];
        if (!survived) { run(Fate{How::part, last, part}); }
    }
    assert_true(last > 1);  // Else it was killed nowhere.
}

// ---- A writer is killed ----------------------------------------------------------------------

enum class Noticed { by_sender, by_end_of_stream, by_stall };

// One writer sends 1, the victim 2, another 3 (if anybody). Returns whether the victim survived.
bool kill_writer(std::size_t bytes, const Fate& fate, Noticed noticed) {
    Channel channel;
    const pid_t reader = surviving_reader(channel, bytes);
    channel.close_reading();
    test::assert_ok(channel.send(1, bytes));
    const int how = join_child(victim(fate, [&] { return channel.send(2, bytes).ok() ? 0 : 1; }));
    assert_true(how == 0 || how == -SIGKILL);

    Errc third = Errc::broken_pipe;
    if (noticed == Noticed::by_sender) {
        third = channel.send(3, bytes).code();
        assert_true(third == Errc::ok || third == Errc::peer_died);
    }
    if (noticed == Noticed::by_stall) {
        // If nothing of the second message came, the reader waits for a message, and rightly so.
        test::eventually([&] { return channel->end.load() != Errc::ok; }, 700);
    }
    channel.close_writing();
    assert_int_equal(join_child(reader), 0);

    assert_false(channel->wrong);
    const bool broken = channel->end == Errc::peer_died;
    const bool is_short = bytes + 4 <= port::os::pipe_atomic();
    assert_true(broken ? !is_short : channel->end == Errc::end_of_stream);
    if (how == 0) { assert_true(!broken && channel->received[2]); }
    assert_true(channel->received[1]);  // What was sent before is not lost.
    // Messages of no bytes look alike: the third passes for the second.
    const bool arrived = channel->received[bytes == 0 && how != 0 ? 2 : 3];
    if (third == Errc::ok) { assert_true(arrived || broken); }
    return how == 0;
}

void a_writer_killed_anywhere_leaves_a_whole_message_or_a_broken_channel(void**) {
    const std::size_t sizes[] = {0, 1, 4091, 4092, 4093, 4096, 8188, 8192, 65532, 65536, 70000};
    for (const std::size_t bytes : sizes) {
        for (const Noticed noticed : {Noticed::by_sender, Noticed::by_end_of_stream}) {
            sweep([&](const Fate& fate) { return kill_writer(bytes, fate, noticed); });
        }
    }
}

void a_writer_killed_in_megabytes_leaves_a_whole_message_or_a_broken_channel(void**) {
    for (const std::size_t bytes : {std::size_t{1} << 20, kBytesMax}) {
        sweep([&](const Fate& fate) { return kill_writer(bytes, fate, Noticed::by_sender); },
              bytes == kBytesMax ? 2 : 12);
    }
}

void a_reader_alone_finds_out_that_a_writer_was_killed(void**) {
    for (std::uint32_t call = 0; call < 6; ++call) {
        static_cast<void>(kill_writer(70000, {How::after, call, 0}, Noticed::by_stall));
    }
}

// ---- A reader is killed ----------------------------------------------------------------------

// The victim receives 1 and 2, then a survivor goes on; all that time a writer sends 1 to 4.
bool kill_reader(std::size_t bytes, const Fate& fate) {
    Channel channel;
    const pid_t writer = child([&] {
        channel.close_reading();
        for (std::uint32_t number = 1; number <= 4; ++number) {
            const Errc code = channel.send(number, bytes).code();
            // broken_pipe: the survivor heard of the death first, and has closed its end by now.
            if (code == Errc::peer_died || code == Errc::broken_pipe) { return 0; }
            if (code != Errc::ok) { return 1; }
        }
        return 0;
    });
    channel.close_writing();
    const int how = join_child(victim(fate, [&] {
        std::uint32_t next = 1;
        g_took_bytes = &channel->took_bytes;
        const bool first = channel.receive(next, bytes) == Errc::ok;
        return first && channel.receive(next, bytes) == Errc::ok ? 0 : 1;
    }));
    assert_true(how == 0 || how == -SIGKILL);

    std::uint32_t next = 1;  // The first that the victim did not deliver.
    while (next < 8 && channel->received[next]) { ++next; }
    Errc code = Errc::ok;
    while (code == Errc::ok) { code = channel.receive(next, bytes); }
    channel.close_reading();
    assert_int_equal(join_child(writer), 0);

    assert_false(channel->wrong);
    assert_true(code == Errc::end_of_stream || code == Errc::peer_died);
    if (how == 0 || !channel->took_bytes) { assert_true(code == Errc::end_of_stream); }
    int lost = 0;
    for (int number = 1; number <= 4; ++number) { lost += channel->received[number] ? 0 : 1; }
    if (code == Errc::end_of_stream) { assert_in_range(lost, 0, how == 0 ? 0 : 1); }
    return how == 0;
}

void a_reader_killed_anywhere_takes_one_message_with_it_or_breaks_the_channel(void**) {
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{4092},
                                    std::size_t{4093}, std::size_t{70000}, std::size_t{300000}}) {
        sweep([&](const Fate& fate) { return kill_reader(bytes, fate); });
    }
}

void a_reader_killed_while_the_pipe_is_empty_breaks_nothing(void**) {
    for (const How how : {How::before, How::after}) {
        for (std::uint32_t call = 0; call < 2; ++call) {  // The lock, and the wait for a frame.
            Channel channel;
            const pid_t pid = victim({how, call, 0}, [&] {
                std::uint32_t next = 1;
                g_took_bytes = &channel->took_bytes;
                return channel.receive(next, 5) == Errc::ok ? 0 : 1;
            });
            if (how == How::after && call == 1) {  // That wait ends with a message.
                test::wait_until_blocked(pid);
                test::assert_ok(channel.send(1, 5));
            }
            assert_int_equal(join_child(pid), -SIGKILL);
            assert_false(channel->took_bytes);
            test::assert_ok(channel.send(2, 5));
            std::uint32_t next = 1;
            assert_int_equal(channel.receive(next, 5), Errc::ok);
        }
    }
}

// ---- Those who repair are killed, too (promise 11) -------------------------------------------

// The first victim dies in a long message, of which it wrote nothing or a part; the second while it
// sends and finds that out. A third is told, and so is a reader that has waited all the time.
bool kill_burier(const Fate& first, const Fate& second) {
    Channel channel;
    const pid_t reader = surviving_reader(channel, 70000);
    channel.close_reading();
    const auto sends = [&] { return channel.send(2, 70000).code() == Errc::peer_died ? 0 : 1; };
    assert_int_equal(join_child(victim(first, sends)), -SIGKILL);
    const int how = join_child(victim(second, sends));
    assert_true(how == 0 || how == -SIGKILL);
    assert_int_equal(channel.send(3, 70000).code(), Errc::peer_died);
    assert_int_equal(join_child(reader), 0);  // Though writing ends are still open.
    assert_int_equal(channel->end.load(), Errc::peer_died);
    assert_false(channel->wrong);
    return how == 0;
}

void a_sender_killed_while_it_breaks_the_channel_is_replaced_by_the_next(void**) {
    // The calls of a long send: the lock, the first write, which has the header, the second.
    for (const Fate& first : {Fate{How::before, 1, 0}, Fate{How::after, 1, 0},
                              Fate{How::part, 2, 1}, Fate{How::after, 2, 0}}) {
        sweep([&](const Fate& second) { return kill_burier(first, second); });
    }
}

// A reader died inside a message, and so does the next while it finds that out.
void a_reader_killed_while_it_breaks_the_channel_is_replaced_by_the_next(void**) {
    sweep([](const Fate& second) {
        Channel channel;
        test::assert_ok(channel.send(1, 100));
        std::uint32_t next = 1;
        const auto receives = [&] { return channel.receive(next, 100) == Errc::peer_died ? 0 : 1; };
        // The lock, the wait, the header, and then the message.
        assert_int_equal(join_child(victim({How::part, 3, 50}, receives)), -SIGKILL);
        const int how = join_child(victim(second, receives));
        assert_true(how == 0 || how == -SIGKILL);
        assert_int_equal(channel.receive(next, 100), Errc::peer_died);
        test::assert_code(channel.send(2, 100), Errc::peer_died);
        return how == 0;
    });
}

// The reader is inside a message whose writer is dead, and is killed while it finds that out.
void a_reader_killed_while_it_looks_for_a_dead_writer_is_replaced_by_the_next(void**) {
    for (const How how : {How::before, How::after}) {
        for (std::uint32_t call = 4; call < 12; ++call) {
            Channel channel;
            const auto sends = [&] { return channel.send(1, 70000).ok() ? 0 : 1; };
            assert_int_equal(join_child(victim({How::after, 1, 0}, sends)), -SIGKILL);
            std::uint32_t next = 1;
            const auto receives = [&] {
                return channel.receive(next, 70000) == Errc::peer_died ? 0 : 1;
            };
            const int first = join_child(victim({how, call, 0}, receives));
            assert_true(first == 0 || first == -SIGKILL);
            assert_int_equal(channel.receive(next, 70000), Errc::peer_died);
            test::assert_code(channel.send(2, 70000), Errc::peer_died);
        }
    }
}

// Short messages, long ones, and a long one that timed out: the numbers must still agree.
void make_history(Channel& channel) {
    constexpr std::size_t kShort = 4092, kLongBytes = 20000;
    std::uint32_t next = 1;
    test::assert_ok(channel.send(1, kLongBytes));
    assert_int_equal(channel.receive(next, kLongBytes), Errc::ok);
    std::size_t sent = 0;
    while (channel.send(2, kShort, 0).ok()) { ++sent; }
    test::assert_code(channel.send(3, kLongBytes, 0), Errc::timed_out);
    for (; sent > 0; --sent) {
        next = 2;
        assert_int_equal(channel.receive(next, kShort), Errc::ok);
    }
    channel->received[1] = channel->received[2] = false;
}

// The poison must not pass for the end of a message that lacks as many bytes.
void the_poison_never_completes_a_message(void**) {
    for (std::size_t lacking = 1; lacking <= 5; ++lacking) {
        Channel channel;
        constexpr std::size_t kBytes = 20000;
        make_history(channel);
        // The lock, the first write with 4092 bytes of the message, and then all but a few.
        const Fate fate = {How::part, 2, kBytes - 4092 - lacking};
        const auto sends = [&] { return channel.send(1, kBytes).ok() ? 0 : 1; };
        assert_int_equal(join_child(victim(fate, sends)), -SIGKILL);
        const pid_t reader = surviving_reader(channel, kBytes);
        test::wait_until_blocked(reader);
        assert_int_equal(channel.send(2, kBytes).code(), Errc::peer_died);
        assert_int_equal(join_child(reader), 0);
        assert_int_equal(channel->end.load(), Errc::peer_died);
        assert_false(channel->wrong);
        assert_false(channel->received[1]);
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_killed_anywhere_leaves_a_whole_message_or_a_broken_channel),
        cmocka_unit_test(a_writer_killed_in_megabytes_leaves_a_whole_message_or_a_broken_channel),
        cmocka_unit_test(a_reader_alone_finds_out_that_a_writer_was_killed),
        cmocka_unit_test(a_reader_killed_anywhere_takes_one_message_with_it_or_breaks_the_channel),
        cmocka_unit_test(a_reader_killed_while_the_pipe_is_empty_breaks_nothing),
        cmocka_unit_test(a_sender_killed_while_it_breaks_the_channel_is_replaced_by_the_next),
        cmocka_unit_test(a_reader_killed_while_it_breaks_the_channel_is_replaced_by_the_next),
        cmocka_unit_test(a_reader_killed_while_it_looks_for_a_dead_writer_is_replaced_by_the_next),
        cmocka_unit_test(the_poison_never_completes_a_message),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
