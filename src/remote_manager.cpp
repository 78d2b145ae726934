#include <brood/remote_manager.hpp>

#include "deadline.hpp"
#include "remote_link.hpp"

namespace brood {
inline namespace v0 {
namespace {

/// Lets a question be asked that is about no object.
struct Asker : detail::RemoteObject {
    using RemoteObject::ask;
};

Asker asker(detail::RemoteLink* link) noexcept {
    Asker made;
    made.link = link;
    return made;
}

constexpr std::size_t kGreetingBytes = 256;
constexpr std::int64_t kPatienceNs = 10000000000;
constexpr std::int64_t kMessageBytesMax = std::int64_t{1} << 30;

/// What a server tells a client first.
struct Greeting {
    std::uint32_t manager;
    std::size_t message_bytes_max;
};

/// On a connection by which nothing was asked yet. Errors: as RemoteManager::connect().
Result<Greeting> greet(Connection& connection, Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    unsigned char message[kGreetingBytes];
    detail::WireRequest hello;
    hello.a = detail::kWireVersion;
    hello.value_bytes = sizeof detail::kByteOrder;
    hello.write(message);
    __builtin_memcpy(message + detail::WireRequest::kBytes, &detail::kByteOrder,
                     sizeof detail::kByteOrder);
    const Status sent =
        connection.send_bytes(message, detail::WireRequest::kBytes + sizeof detail::kByteOrder,
                              detail::timeout_until(deadline_ns));
    if (!sent.ok()) {
        return sent.code() == Errc::broken_pipe ? Errc::end_of_stream : sent.error();
    }
    const Result<std::size_t> got =
        connection.recv_bytes(message, sizeof message, detail::timeout_until(deadline_ns));
    if (got.code() == Errc::buffer_too_short || got.code() == Errc::message_too_long) {
        return Errc::bad_frame;
    }
    if (!got.ok()) { return got.error(); }
    if (*got < detail::WireReply::kBytes) { return Errc::bad_frame; }
    const detail::WireReply reply = detail::WireReply::read(message);
    if (!detail::wire_fits(reply, *got)) { return Errc::bad_frame; }
    if (reply.code != 0) { return Error(static_cast<Errc>(reply.code), reply.os_error); }
    const bool is_sane = reply.b >= static_cast<std::int64_t>(kGreetingBytes) &&
                         reply.b <= kMessageBytesMax && reply.a > 0 && reply.a <= UINT32_MAX;
    if (!is_sane) { return Errc::bad_frame; }
    return Greeting{static_cast<std::uint32_t>(reply.a), static_cast<std::size_t>(reply.b)};
}

}  // namespace

Result<RemoteManager> RemoteManager::over(Connection&& connection, Timeout timeout) noexcept {
    Connection taken(std::move(connection));
    const Result<Greeting> greeting = greet(taken, timeout);
    if (!greeting.ok()) { return greeting.error(); }
    taken.receive_at_most(greeting->message_bytes_max);
    const Result<detail::RemoteLink*> link =
        detail::RemoteLink::make(std::move(taken), greeting->message_bytes_max);
    if (!link.ok()) { return link.error(); }
    (*link)->manager = greeting->manager;
    (*link)->patience_ns.store(kPatienceNs, std::memory_order_relaxed);
    RemoteManager remote;
    remote.link_ = *link;
    return remote;
}

Result<RemoteManager> RemoteManager::connect(const Address& address, const ClientOptions& options,
                                             Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    Result<Connection> connection = Client::connect(address, options, timeout);
    if (!connection.ok()) { return connection.error(); }
    return over(std::move(*connection), detail::timeout_until(deadline_ns));
}

void RemoteManager::close() noexcept {
    if (link_ != nullptr) { detail::RemoteLink::end(std::exchange(link_, nullptr)); }
}

Result<detail::RemoteObject> RemoteManager::ask_for(detail::WireOp op, const char* name,
                                                    const detail::ObjectType& type, std::int64_t a,
                                                    std::int64_t b,
                                                    const detail::RemoteBytes& value,
                                                    Timeout timeout) const noexcept {
    std::size_t length = 0;
    while (name != nullptr && name[length] != '\0') { ++length; }
    detail::RemoteTold told;
    const Status done =
        asker(link_).ask({op, type, timeout, a, b, {name, length}, value, {}}, told);
    if (!done.ok()) { return done.error(); }
    return detail::RemoteObject{link_, static_cast<std::uint32_t>(told.a),
                                static_cast<std::uint32_t>(told.b)};
}

Result<RemoteBarrier> RemoteManager::barrier(std::size_t parties, Timeout timeout,
                                             const char* name) const noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    return made<RemoteBarrier>(detail::WireOp::make, name, parties, detail::wire_timeout(timeout));
}

Result<ManagerStats> RemoteManager::stats(Timeout timeout) const noexcept {
    unsigned char counts[8] = {};
    detail::RemoteTold told;
    told.value = counts;
    told.value_bytes = sizeof counts;
    const Status done =
        asker(link_).ask({detail::WireOp::stats, {}, timeout, 0, 0, {}, {}, {}}, told);
    if (!done.ok()) { return done.error(); }
    detail::WireCursor<const unsigned char> from(counts);
    ManagerStats stats;
    stats.bytes_used = static_cast<std::uint64_t>(told.a);
    stats.bytes_max = static_cast<std::uint64_t>(told.b);
    stats.objects = from.get32();
    stats.objects_max = from.get32();
    return stats;
}

}  // namespace v0
}  // namespace brood
