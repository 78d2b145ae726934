#include "remote_link.hpp"

#include <new>
#include <utility>

#include "connection_access.hpp"
#include "deadline.hpp"
#include "fork_list.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

Result<RemoteLink*> RemoteLink::make(Connection&& connection,
                                     std::size_t message_bytes_max) noexcept {
    const std::size_t bytes = sizeof(RemoteLink) + 2 * message_bytes_max;
    const Result<void*> memory = port::map_private(bytes);
    if (!memory.ok()) { return memory.error(); }
    RemoteLink* const link = ::new (*memory) RemoteLink();
    link->connection = std::move(connection);
    port::socket_keep_alive(link->connection.fileno(), kSilentNs);
    link->bytes = bytes;
    link->message_bytes_max = message_bytes_max;
    link->out = static_cast<unsigned char*>(*memory) + sizeof(RemoteLink);
    link->in = link->out + message_bytes_max;
    link->fork.link = link;
    link->fork.forget = [](ForkLink& forked) {
        // In a child. Its memory stays, since proxies may be used there: wrong_process.
        ConnectionAccess::close_descriptors(static_cast<Fork&>(forked).link->connection);
        return false;
    };
    fork_list_add(link->fork);
    return link;
}

void RemoteLink::end(RemoteLink* link) noexcept {
    if (link->epoch != fork_epoch()) { return; }
    // So that what is held here is released, and not a dead holder's.
    RemoteTold told;
    constexpr std::int64_t kByeNs = 1000000000;
    const RemoteAsk bye = {WireOp::bye, {}, Timeout::no_wait(), 0, 0, {}, {}, {}};
    link->patience_ns.store(kByeNs, std::memory_order_relaxed);
    link->talk(bye, 0, 0, 0, told).ignore();
    fork_list_remove(link->fork);
    const std::size_t bytes = link->bytes;
    link->RemoteLink::~RemoteLink();
    port::unmap(link, bytes);
}

// The server has the deadline, too, and says timed_out. If it does not say anything for longer than
// that, it is stopped, or out of reach.
Timeout RemoteLink::patience(std::int64_t deadline_ns) const noexcept {
    if (deadline_ns == port::kNever) { return Timeout::forever(); }
    const std::int64_t left_ns = deadline_ns > 0 ? deadline_ns - port::now_ns() : 0;
    return nanoseconds((left_ns > 0 ? left_ns : 0) + patience_ns.load(std::memory_order_relaxed));
}

Status RemoteLink::fail(Errc why) noexcept {
    if (why == Errc::timed_out) { why = Errc::stalled; }
    broken.store(why, std::memory_order_relaxed);
    connection.close();
    return why;
}

Status RemoteLink::send(const RemoteAsk& question, std::uint32_t entry, std::uint32_t generation,
                        std::int64_t deadline_ns) noexcept {
    const std::size_t value_bytes = question.value.bytes + question.more.bytes;
    const std::size_t room = message_bytes_max - WireRequest::kBytes;
    if (question.key.bytes > room || value_bytes > room - question.key.bytes) {
        return Error(Errc::message_too_long, 0, static_cast<std::int64_t>(message_bytes_max));
    }
    WireRequest request;
    request.op = question.op;
    request.entry = entry;
    request.generation = generation;
    request.kind = static_cast<std::uint32_t>(question.type.kind);
    request.types[0] = question.type.elements[0];
    request.types[1] = question.type.elements[1];
    request.timeout_ms = wire_timeout(timeout_until(deadline_ns));
    request.a = question.a;
    request.b = question.b;
    request.key_bytes = static_cast<std::uint32_t>(question.key.bytes);
    request.value_bytes = static_cast<std::uint32_t>(value_bytes);
    request.write(out);
    unsigned char* to = out + WireRequest::kBytes;
    for (const RemoteBytes& part : {question.key, question.value, question.more}) {
        if (part.bytes != 0) { __builtin_memcpy(to, part.data, part.bytes); }
        to += part.bytes;
    }
    const Status sent =
        connection.send_bytes(out, static_cast<std::size_t>(to - out), patience(deadline_ns));
    if (sent.ok()) { return sent; }
    // Who has closed may have said why.
    return fail(sent.code() == Errc::broken_pipe ? Errc::end_of_stream : sent.code());
}

Status RemoteLink::receive(std::int64_t deadline_ns, WireReply& reply) noexcept {
    const Result<std::size_t> got =
        connection.recv_bytes(in, message_bytes_max, patience(deadline_ns));
    if (!got.ok()) { return fail(got.code()); }
    if (*got < WireReply::kBytes) { return fail(Errc::bad_frame); }
    reply = WireReply::read(in);
    return wire_fits(reply, *got) ? Status() : fail(Errc::bad_frame);
}

Status RemoteLink::talk(const RemoteAsk& question, std::uint32_t entry, std::uint32_t generation,
                        std::int64_t deadline_ns, RemoteTold& told) noexcept {
    const Errc over = broken.load(std::memory_order_relaxed);
    if (over != Errc::ok) { return over; }
    const Status sent = send(question, entry, generation, deadline_ns);
    if (!sent.ok()) { return sent; }
    WireReply reply;
    const Status received = receive(deadline_ns, reply);
    if (!received.ok()) { return received; }
    told.a = reply.a;
    told.b = reply.b;
    if (reply.key_bytes > told.key_bytes || reply.value_bytes > told.value_bytes) {
        return Error(Errc::buffer_too_short, 0, reply.value_bytes);
    }
    const unsigned char* const key = in + WireReply::kBytes;
    if (reply.key_bytes != 0) { __builtin_memcpy(told.key, key, reply.key_bytes); }
    if (reply.value_bytes != 0) {
        __builtin_memcpy(told.value, key + reply.key_bytes, reply.value_bytes);
    }
    told.key_bytes = reply.key_bytes;
    told.value_bytes = reply.value_bytes;
    return Error(static_cast<Errc>(reply.code), reply.os_error, reply.detail);
}

// ---- Questions ---------------------------------------------------------------------------------

RemoteTalk::RemoteTalk(const RemoteObject& object, Timeout timeout) noexcept
    : object_(object), deadline_ns_(deadline_of(timeout)) {
    if (deadline_ns_ < 0) {
        status_ = deadline_error(deadline_ns_);
    } else if (object.link == nullptr) {
        status_ = Errc::closed;
    } else if (object.link->epoch != fork_epoch()) {
        status_ = Errc::wrong_process;
    } else {
        object.link->mutex.lock();
    }
}

RemoteTalk::~RemoteTalk() noexcept {
    if (status_.ok()) { object_.link->mutex.unlock(); }
}

Status RemoteTalk::ask(const RemoteAsk& question, RemoteTold& told) noexcept {
    if (!status_.ok()) { return status_; }
    return object_.link->talk(question, object_.entry, object_.generation, deadline_ns_, told);
}

Status RemoteObject::ask(const RemoteAsk& question, RemoteTold& told) const noexcept {
    RemoteTalk talk(*this, question.timeout);
    return talk.ask(question, told);
}

std::size_t RemoteObject::fitting(std::size_t count, std::size_t size) const noexcept {
    const std::size_t fit =
        link == nullptr ? 0 : (link->message_bytes_max - WireRequest::kBytes) / size;
    if (fit >= count) { return count; }
    return fit > 1 ? fit : 1;
}

Status RemoteObject::drop(Timeout timeout) const noexcept {
    return drop_as({}, timeout);
}

Status RemoteObject::drop_as(const ObjectType& type, Timeout timeout) const noexcept {
    return ask({WireOp::drop, type, timeout, 0, 0, {}, {}, {}});
}

Status RemoteObject::keep(Timeout timeout) const noexcept {
    return ask({WireOp::keep, {}, timeout, 0, 0, {}, {}, {}});
}

ManagedHandle RemoteObject::managed() const noexcept {
    return {link == nullptr ? 0 : link->manager, entry, generation};
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
