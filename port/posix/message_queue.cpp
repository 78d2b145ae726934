// Message queues: what is the same on every system. How they are made with a mode, waited for and
// polled is in message_queue_system.cpp, their limits in message_queue_limits.cpp.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <signal.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "message_queue.hpp"

namespace brood::port {
namespace detail {

Error mq_error(int err) noexcept {
    return err == EPERM ? Error(Errc::unsupported, err) : error_of(err);
}

Result<Mq> mq_make(const char* name, std::uint32_t mode, std::size_t depth,
                   std::size_t message_bytes) noexcept {
    if (depth > LONG_MAX || message_bytes > LONG_MAX) {
        return mq_refusal(EINVAL, depth, message_bytes);
    }
    mq_attr measures = {};
    measures.mq_maxmsg = static_cast<long>(depth);
    measures.mq_msgsize = static_cast<long>(message_bytes);
    for (;;) {
        const mqd_t queue = ::mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                                      static_cast<mode_t>(mode), &measures);
        if (queue != mqd_of(kNoMq)) { return mq_of(queue); }
        if (errno != EINTR) { return mq_refusal(errno, depth, message_bytes); }
    }
}

}  // namespace detail

inline namespace BROOD_PORT_LAYER {
namespace {

using detail::mqd_of;

// A moment that has passed, whatever the wall clock says: a call with it tries once, and is served
// at once if it can be (POSIX: no time-out if there is room, or a message). O_NONBLOCK would try,
// too, but it belongs to the open queue: to all processes that have inherited it.
constexpr timespec kLongAgo = {};

// Writes `value` and returns the place behind it.
char* put_number(char* place, unsigned long value) noexcept {
    char digits[3 * sizeof(value)];
    std::size_t count = 0;
    do {
        digits[count++] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0) { *place++ = digits[--count]; }
    return place;
}

// "/brood-anonymous-UID-TRY".
struct UnnamedName {
    char text[80] = "/brood-anonymous-";
    explicit UnnamedName(unsigned long attempt) noexcept {
        char* place = text + sizeof("/brood-anonymous-") - 1;
        place = put_number(place, static_cast<unsigned long>(::getuid()));
        *place++ = '-';
        *put_number(place, attempt) = '\0';
    }
};

Error send_error(int err, std::uint32_t priority) noexcept {
    if (err == EMSGSIZE) { return Error(Errc::type_mismatch, err); }
    const long priorities = ::sysconf(_SC_MQ_PRIO_MAX);
    if (err == EINVAL && priorities > 0 && priority >= static_cast<unsigned long>(priorities)) {
        return Error(Errc::over_system_limit, err, priorities, Limit::mq_prio_max);
    }
    return detail::mq_error(err);
}

Error receive_error(int err) noexcept {
    // Its messages may be longer than what the caller takes. It was not opened by us, then.
    return err == EMSGSIZE ? Error(Errc::type_mismatch, err) : detail::mq_error(err);
}

// A negative result of a try: whether to try again, after a rest if it is for want of room or of a
// message. False: `err` is the outcome, ETIMEDOUT at the deadline.
bool try_again(int& err, Mq queue, bool to_send, std::int64_t deadline_ns,
               detail::Backoff& backoff) noexcept {
    if (err == EINTR) { return true; }
    if (err != ETIMEDOUT && err != EAGAIN) { return false; }
    err = ETIMEDOUT;
    if (deadline_ns <= 0 || detail::left_until(deadline_ns) == 0) { return false; }
    detail::mq_rest(queue, to_send, deadline_ns, backoff);
    return true;
}

constexpr std::int64_t kRestMaxNs = 1000000;

[[gnu::noinline]] Status send_until(Mq queue, const char* message, std::size_t bytes,
                                    std::uint32_t priority, std::int64_t deadline_ns) noexcept {
    detail::Backoff backoff(kRestMaxNs);
    for (;;) {
        const int sent = deadline_ns == kNever
                             ? ::mq_send(mqd_of(queue), message, bytes, priority)
                             : ::mq_timedsend(  // wall clock: long ago by any
                                   mqd_of(queue), message, bytes, priority, &kLongAgo);
        if (sent == 0) { return {}; }
        int err = errno;
        if (!try_again(err, queue, true, deadline_ns, backoff)) {
            return send_error(err, priority);
        }
    }
}

Status whole(ssize_t count, std::size_t bytes) noexcept {
    return count == static_cast<ssize_t>(bytes) ? Errc::ok : Errc::bad_frame;
}

[[gnu::noinline]] Status receive_until(Mq queue, char* message, std::size_t bytes,
                                       unsigned& priority, std::int64_t deadline_ns) noexcept {
    detail::Backoff backoff(kRestMaxNs);
    for (;;) {
        const ssize_t count = deadline_ns == kNever
                                  ? ::mq_receive(mqd_of(queue), message, bytes, &priority)
                                  : ::mq_timedreceive(  // wall clock: long ago by any
                                        mqd_of(queue), message, bytes, &priority, &kLongAgo);
        if (count >= 0) { return whole(count, bytes); }
        int err = errno;
        if (!try_again(err, queue, false, deadline_ns, backoff)) { return receive_error(err); }
    }
}

}  // namespace

// One name for each user, on purpose: what is left by a kill between the two calls is taken away by
// the next. Whoever finds the name taken may remove it at any time, since to lose it is what its
// maker is about to do himself; the descriptor is his already. Only another user's is stepped over.
Result<Mq> mq_create_nameless(std::size_t depth, std::size_t message_bytes) noexcept {
    constexpr unsigned long kNamesMax = 16;
    for (unsigned long attempt = 0;;) {
        const UnnamedName name(attempt);
        const Result<Mq> made = detail::mq_make(name.text, 0600, depth, message_bytes);
        if (made.code() == Errc::already_exists) {
            const Status removed = mq_unlink(name.text);
            if (removed.ok() || removed.code() == Errc::not_found) { continue; }
            if (++attempt < kNamesMax) { continue; }
            return removed.error();
        }
        if (!made) { return made; }
        // If killed here: the name stays until the user's next queue.
        const Status removed = mq_unlink(name.text);
        if (removed.ok() || removed.code() == Errc::not_found) { return made; }
        mq_close(*made);
        return removed.error();
    }
}

Result<Mq> mq_open(const char* name) noexcept {
    for (;;) {
        const mqd_t queue = ::mq_open(name, O_RDWR | O_CLOEXEC);
        if (queue != mqd_of(kNoMq)) { return detail::mq_of(queue); }
        if (errno != EINTR) { return detail::mq_refusal(errno, 0, 0); }
    }
}

// Not again after EINTR, as close().
void mq_close(Mq queue) noexcept {
    (void)::mq_close(mqd_of(queue));
}

Status mq_unlink(const char* name) noexcept {
    if (::mq_unlink(name) != 0) { return detail::last_error(); }
    return {};
}

// A system call leaves the processor with few return addresses that it predicts (the figures are in
// port/linux/pipe.cpp): what most calls need comes first, and returns at once.

Status mq_send(Mq queue, const void* message, std::size_t bytes, std::uint32_t priority,
               std::int64_t deadline_ns) noexcept {
    const char* const text = static_cast<const char*>(message);
    if (deadline_ns == kNever && ::mq_send(mqd_of(queue), text, bytes, priority) == 0) {
        return {};
    }
    return send_until(queue, text, bytes, priority, deadline_ns);  // It tells why, or tries again.
}

Status mq_receive(Mq queue, void* message, std::size_t bytes, std::uint32_t& priority,
                  std::int64_t deadline_ns) noexcept {
    char* const text = static_cast<char*>(message);
    if (deadline_ns == kNever) {
        const ssize_t count = ::mq_receive(mqd_of(queue), text, bytes, &priority);
        if (count >= 0) { return whole(count, bytes); }
    }
    return receive_until(queue, text, bytes, priority, deadline_ns);
}

Result<MqState> mq_state(Mq queue) noexcept {
    mq_attr found = {};
    if (::mq_getattr(mqd_of(queue), &found) != 0) { return detail::mq_error(errno); }
    MqState state;
    state.depth = static_cast<std::size_t>(found.mq_maxmsg);
    state.message_bytes = static_cast<std::size_t>(found.mq_msgsize);
    state.count = static_cast<std::size_t>(found.mq_curmsgs);
    return state;
}

Status mq_notify(Mq queue, int signal) noexcept {
    sigevent wanted = {};
    wanted.sigev_notify = SIGEV_SIGNAL;
    wanted.sigev_signo = signal;
    if (::mq_notify(mqd_of(queue), signal == 0 ? nullptr : &wanted) == 0) { return {}; }
    const int err = errno;
    if (err == EBUSY) { return Error(Errc::notify_taken, err); }
    return err == EINVAL ? Error(Errc::bad_signal, err) : detail::mq_error(err);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
