// The limits of message queues, which /proc and the resource limits tell.
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>
#include <port/posix/message_queue.hpp>

#include "calls.hpp"

namespace brood::port {
namespace {

constexpr std::uint64_t kUnlimited = UINT64_MAX;

// From <linux/capability.h>, which not every libc brings along.
struct CapabilityHeader {
    std::uint32_t version;
    std::int32_t pid;
};
struct CapabilitySet {
    std::uint32_t effective, permitted, inheritable;
};
constexpr std::uint32_t kCapabilityVersion3 = 0x20080522;
constexpr std::uint32_t kSysResource = 24;

// What the kernel holds even those to who may exceed the limits, since 3.5.
constexpr std::uint64_t kHardDepth = 65536;
constexpr std::uint64_t kHardBytes = 16777216;

// The number in a file of /proc; 0: it cannot be read.
std::uint64_t number_in(const char* path) noexcept {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) { return 0; }
    char text[32];
    const Result<std::size_t> count = read(fd, text, sizeof(text));
    close(fd);
    std::uint64_t number = 0;
    for (std::size_t at = 0; at < count.value_or(0); ++at) {
        if (text[at] < '0' || text[at] > '9') { break; }
        number = number * 10 + static_cast<std::uint64_t>(text[at] - '0');
    }
    return number;
}

std::uint64_t resource_limit(int resource) noexcept {
    rlimit limit = {};
    // glibc gives the resources a type of their own, in C++ only.
    if (::getrlimit(static_cast<decltype(RLIMIT_NOFILE)>(resource), &limit) != 0) { return 0; }
    return limit.rlim_cur == RLIM_INFINITY ? kUnlimited : std::uint64_t{limit.rlim_cur};
}

// CAP_SYS_RESOURCE lifts most limits, but only in the first user namespace. Its number is fixed.
bool may_exceed() noexcept {
    constexpr ino_t kFirstUserNamespace = 0xeffffffd;
    struct stat space = {};
    if (::stat("/proc/self/ns/user", &space) == 0 && space.st_ino != kFirstUserNamespace) {
        return false;
    }
    CapabilityHeader header = {kCapabilityVersion3, 0};
    CapabilitySet sets[2] = {};
    if (detail::call(SYS_capget, &header, &sets[0]) != 0) { return false; }
    return (sets[0].effective >> kSysResource & 1u) != 0;
}

Error limit_error(Errc code, int err, Limit limit, std::uint64_t value) noexcept {
    const auto known = static_cast<std::int64_t>(value <= INT64_MAX ? value : 0);
    return Error(code, err, known, limit);
}

bool has_descriptor_left() noexcept {
    const int fd = ::open("/", O_PATH | O_CLOEXEC);
    const bool is_left = fd >= 0 || errno != EMFILE;
    close(fd);
    return is_left;
}

// EMFILE means two things: no descriptor, or no bytes left in the queues of this user.
Error out_of_files(int err) noexcept {
    if (err == ENFILE) {
        return limit_error(Errc::too_many_files, err, Limit::file_max,
                           number_in("/proc/sys/fs/file-max"));
    }
    if (has_descriptor_left()) {
        return limit_error(Errc::over_system_limit, err, Limit::rlimit_msgqueue,
                           resource_limit(RLIMIT_MSGQUEUE));
    }
    return limit_error(Errc::too_many_files, err, Limit::rlimit_nofile,
                       resource_limit(RLIMIT_NOFILE));
}

}  // namespace

Error detail::mq_refusal(int err, std::size_t depth, std::size_t message_bytes) noexcept {
    if (err == EMFILE || err == ENFILE) { return out_of_files(err); }
    const bool of_measures = (err == EINVAL || err == EOVERFLOW) && depth > 0;
    if (!of_measures && err != ENOSPC) { return mq_error(err); }
    const MqLimits limits = mq_limits();
    if (err == ENOSPC) {
        return limit_error(Errc::over_system_limit, err, Limit::queues_max, limits.queues);
    }
    // Where /proc does not tell them, whichever is asked more than what it mostly is.
    const std::uint64_t most_bytes = limits.message_bytes != 0 ? limits.message_bytes : 8192;
    const bool too_long = message_bytes > most_bytes;
    if (too_long && (depth <= limits.depth || limits.depth == 0)) {
        return limit_error(Errc::over_system_limit, err, Limit::msgsize_max, limits.message_bytes);
    }
    return limit_error(Errc::over_system_limit, err, Limit::msg_max, limits.depth);
}

inline namespace BROOD_PORT_LAYER {

MqLimits mq_limits() noexcept {
    MqLimits limits;
    limits.depth = number_in("/proc/sys/fs/mqueue/msg_max");
    limits.message_bytes = number_in("/proc/sys/fs/mqueue/msgsize_max");
    limits.queues = number_in("/proc/sys/fs/mqueue/queues_max");
    limits.user_bytes = resource_limit(RLIMIT_MSGQUEUE);
    const long priorities = ::sysconf(_SC_MQ_PRIO_MAX);
    limits.priorities = priorities > 0 ? static_cast<std::uint64_t>(priorities) : 0;
    if (may_exceed()) {
        limits.depth = kHardDepth;
        limits.message_bytes = kHardBytes;
        limits.queues = kUnlimited;
    }
    return limits;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
