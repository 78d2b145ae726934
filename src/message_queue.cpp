#include <brood/message_queue.hpp>

#include <utility>

#include <port/port.hpp>

#include "deadline.hpp"
#include "fork_list.hpp"
#include "names.hpp"
#include "shared_memory_access.hpp"

namespace brood {
inline namespace v0 {
namespace {

// Where the system cannot tell queues apart the name is taken for that of the queue.
void remove_name_of(const char* name, const Result<port::ObjectIdentity>& identity) noexcept {
    const Result<port::Mq> found = port::mq_open(name);
    if (found.code() == Errc::not_found) { return; }
    bool is_other = false;
    if (found.ok()) {
        const Result<port::ObjectIdentity> now = port::mq_identity(*found);
        is_other = identity.ok() && now.ok() && !(*now == *identity);
        port::mq_close(*found);
    }
    if (!is_other) { port::mq_unlink(name).ignore(); }
}

}  // namespace

MessageQueueLimits message_queue_limits() noexcept {
    const port::MqLimits found = port::mq_limits();
    MessageQueueLimits limits;
    limits.depth = found.depth;
    limits.message_bytes = found.message_bytes;
    limits.queues = found.queues;
    limits.user_bytes = found.user_bytes;
    limits.priorities = found.priorities;
    return limits;
}

namespace detail {

static_assert(std::is_same_v<port::Mq, std::intptr_t>, "what the header has in its place");

// Closes the queue if it cannot be used.
Result<ByteMessageQueue> ByteMessageQueue::adopt(std::intptr_t queue, const char* name) noexcept {
    ByteMessageQueue adopted;
    adopted.queue_ = queue;
    const Result<port::MqState> state = port::mq_state(queue);
    if (!state.ok()) { return state.error(); }
    adopted.bytes_ = state->message_bytes;
    adopted.depth_ = state->depth;
    adopted.name_.append(name);
    return adopted;
}

Result<ByteMessageQueue> ByteMessageQueue::create(std::size_t bytes, std::size_t depth) noexcept {
    if (depth == 0) { return Errc::size_zero; }
    const Result<port::Mq> queue = port::mq_create_nameless(depth, bytes);
    if (!queue.ok()) { return queue.error(); }
    return adopt(*queue, "");
}

Result<ByteMessageQueue> ByteMessageQueue::create_named(const char* name, std::size_t bytes,
                                                        std::size_t depth, Access access) noexcept {
    const Status checks[] = {check_name(name), depth == 0 ? Errc::size_zero : Errc::ok,
                             check_access(access), fork_list_watch()};
    for (const Status& check : checks) {
        if (!check.ok()) { return check.error(); }
    }
    const Result<port::Mq> queue =
        port::mq_create(name, static_cast<std::uint32_t>(access), depth, bytes);
    if (!queue.ok()) { return queue.error(); }
    // If killed here, or later: the name stays, and whoever opens it finds a queue that works.
    Result<ByteMessageQueue> made = adopt(*queue, name);
    if (made.ok()) {
        made->owner_epoch_ = fork_epoch();
    } else {
        port::mq_unlink(name).ignore();
    }
    return made;
}

Result<ByteMessageQueue> ByteMessageQueue::open(const char* name, std::size_t bytes) noexcept {
    const Status check = check_name(name);
    if (!check.ok()) { return check.error(); }
    const Result<port::Mq> queue = port::mq_open(name);
    if (!queue.ok()) { return queue.error(); }
    Result<ByteMessageQueue> opened = adopt(*queue, name);
    if (opened.ok() && opened->bytes_ != bytes) {
        return Error(Errc::type_mismatch, 0, static_cast<std::int64_t>(opened->bytes_));
    }
    return opened;
}

Status ByteMessageQueue::remove(const char* name) noexcept {
    const Status check = check_name(name);
    return check.ok() ? port::mq_unlink(name) : check;
}

ByteMessageQueue::ByteMessageQueue(ByteMessageQueue&& other) noexcept {
    *this = std::move(other);
}

ByteMessageQueue& ByteMessageQueue::operator=(ByteMessageQueue&& other) noexcept {
    if (this == &other) { return *this; }
    close();
    queue_ = std::exchange(other.queue_, kNone);
    bytes_ = std::exchange(other.bytes_, 0);
    depth_ = std::exchange(other.depth_, 0);
    owner_epoch_ = std::exchange(other.owner_epoch_, 0);
    name_ = std::exchange(other.name_, Text<256>());
    return *this;
}

void ByteMessageQueue::close() noexcept {
    if (queue_ == kNone) { return; }
    const bool owns_name = owner_epoch_ == fork_epoch();
    const Result<port::ObjectIdentity> identity =
        owns_name ? port::mq_identity(queue_) : Result<port::ObjectIdentity>(Errc::closed);
    port::mq_close(std::exchange(queue_, kNone));
    // The descriptor is free again, so that even a process that has no other can open the name.
    if (owns_name) { remove_name_of(name_.c_str(), identity); }
    bytes_ = depth_ = 0;
    owner_epoch_ = 0;
    name_ = Text<256>();
}

Status ByteMessageQueue::put(const void* message, std::uint32_t priority,
                             Timeout timeout) noexcept {
    if (timeout.is_forever() && queue_ != kNone) {
        return port::mq_send(queue_, message, bytes_, priority, port::kNever);
    }
    return put_until(message, priority, timeout);
}

[[gnu::noinline]] Status ByteMessageQueue::put_until(const void* message, std::uint32_t priority,
                                                     Timeout timeout) noexcept {
    if (queue_ == kNone) { return Errc::closed; }
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    const Status sent = port::mq_send(queue_, message, bytes_, priority, deadline_ns);
    const bool is_full = sent.code() == Errc::timed_out && timeout.is_no_wait();
    return is_full ? Status(Errc::full) : sent;
}

Status ByteMessageQueue::get(void* message, std::uint32_t& priority, Timeout timeout) noexcept {
    if (timeout.is_forever() && queue_ != kNone) {
        return port::mq_receive(queue_, message, bytes_, priority, port::kNever);
    }
    return get_until(message, priority, timeout);
}

[[gnu::noinline]] Status ByteMessageQueue::get_until(void* message, std::uint32_t& priority,
                                                     Timeout timeout) noexcept {
    if (queue_ == kNone) { return Errc::closed; }
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    const Status got = port::mq_receive(queue_, message, bytes_, priority, deadline_ns);
    const bool is_empty = got.code() == Errc::timed_out && timeout.is_no_wait();
    return is_empty ? Status(Errc::empty) : got;
}

Result<std::size_t> ByteMessageQueue::count() const noexcept {
    if (queue_ == kNone) { return Errc::closed; }
    const Result<port::MqState> state = port::mq_state(queue_);
    if (!state.ok()) { return state.error(); }
    return state->count;
}

Status ByteMessageQueue::notify(int signal) noexcept {
    if (queue_ == kNone) { return Errc::closed; }
    if (signal <= 0) { return Errc::bad_signal; }
    return port::mq_notify(queue_, signal);
}

Status ByteMessageQueue::cancel_notify() noexcept {
    return queue_ == kNone ? Status(Errc::closed) : port::mq_notify(queue_, 0);
}

int ByteMessageQueue::fileno() const noexcept {
    return queue_ == kNone ? port::kNoFd : port::mq_fd(queue_);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
