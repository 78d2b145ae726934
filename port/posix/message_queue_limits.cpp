// The limits of message queues. POSIX lets a program ask for two of them; what else there is shows
// when it is met.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "message_queue.hpp"

namespace brood::port {
namespace {

std::uint64_t limit_of(int which) noexcept {
    const long value = ::sysconf(which);
    return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

Error limit_error(int err, Limit limit, std::uint64_t value) noexcept {
    const auto known = static_cast<std::int64_t>(value <= INT64_MAX ? value : 0);
    return Error(Errc::over_system_limit, err, known, limit);
}

// Whether the system refuses a queue of these measures as invalid. It is made to find out.
bool is_invalid(std::size_t depth, std::size_t message_bytes) noexcept {
    // mq_create_nameless() would ask this again.
    constexpr const char* kName = "/brood-anonymous-measures";
    mq_attr measures = {};
    measures.mq_maxmsg = static_cast<long>(depth);
    measures.mq_msgsize = static_cast<long>(message_bytes);
    (void)::mq_unlink(kName);
    const mqd_t queue = ::mq_open(kName, O_RDWR | O_CREAT | O_EXCL, 0600, &measures);
    if (queue == detail::mqd_of(kNoMq)) { return errno == EINVAL; }
    (void)::mq_unlink(kName);
    (void)::mq_close(queue);
    return false;
}

// The largest measure that is no longer invalid, found by halves; 0 if not even 1 is valid.
template <class IsInvalid>
std::uint64_t largest(std::size_t measure, IsInvalid is_invalid) noexcept {
    std::size_t valid = 0, invalid = measure < LONG_MAX ? measure : LONG_MAX;
    while (invalid - valid > 1) {
        const std::size_t middle = valid + (invalid - valid) / 2;
        (is_invalid(middle) ? invalid : valid) = middle;
    }
    return valid;
}

Error find_limit(int err, std::size_t depth, std::size_t message_bytes) noexcept {
    const auto deep = [](std::size_t count) { return is_invalid(count, 1); };
    const auto long_message = [](std::size_t bytes) { return is_invalid(1, bytes); };
    if (depth > LONG_MAX || deep(depth)) {
        return limit_error(err, Limit::msg_max, largest(depth, deep));
    }
    if (message_bytes > LONG_MAX || long_message(message_bytes)) {
        return limit_error(err, Limit::msgsize_max, largest(message_bytes, long_message));
    }
    return detail::mq_error(err);
}

bool has_descriptor_left() noexcept {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const bool is_left = fd >= 0 || errno != EMFILE;
    close(fd);
    return is_left;
}

}  // namespace

Error detail::mq_refusal(int err, std::size_t depth, std::size_t message_bytes) noexcept {
    if ((err == EINVAL || err == EOVERFLOW) && depth > 0) {
        return find_limit(err, depth, message_bytes);
    }
    if (err == ENOSPC) { return limit_error(err, Limit::queues_max, 0); }
    if (err == EMFILE && has_descriptor_left()) {
        return limit_error(err, Limit::mq_open_max, limit_of(_SC_MQ_OPEN_MAX));
    }
    const Error error = mq_error(err);
    if (err != EMFILE) { return error; }
    const auto value = static_cast<std::int64_t>(limit_of(_SC_OPEN_MAX));
    return Error(error.code(), err, value, Limit::rlimit_nofile);
}

inline namespace BROOD_PORT_LAYER {

MqLimits mq_limits() noexcept {
    MqLimits limits;
    limits.queues = limit_of(_SC_MQ_OPEN_MAX);
    limits.priorities = limit_of(_SC_MQ_PRIO_MAX);
    return limits;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
