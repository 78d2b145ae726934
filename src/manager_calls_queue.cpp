// What clients of a ManagerServer ask for: queues.
#include "manager_handler.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace wire_calls {
namespace {

/// Calls f(the queue of the request).
template <class F>
Status with_queue(WireCall& call, F&& f) noexcept {
    const Result<ManagerView*> view = call.view();
    if (!view.ok()) { return view.error(); }
    return f((*view)->as<RingHandle>());
}

/// Tells how many messages went in or out.
Status moved(WireCall& call, const Result<std::size_t>& count) noexcept {
    if (count.ok()) { call.reply.a = static_cast<std::int64_t>(*count); }
    return count.status();
}

}  // namespace

Status queue_put(WireCall& call) noexcept {
    if (call.request.value_bytes != call.type.elements[1]) { return Errc::bad_argument; }
    return with_queue(call, [&](RingHandle& queue) {
        // Only now it is known that the type is the queue's.
        const Status checked =
            check_laid_out(call.type.elements[0], call.type.elements[1], call.value);
        if (!checked.ok()) { return checked; }
        return call.waiting([&](Timeout wait) { return queue.put_one(call.value, wait); });
    });
}

Status queue_get(WireCall& call) noexcept {
    return with_queue(call, [&](RingHandle& queue) -> Status {
        const std::size_t bytes = call.type.elements[1];
        if (bytes > call.room) {
            return Error(Errc::message_too_long, 0, static_cast<std::int64_t>(bytes));
        }
        call.reply.value_bytes = static_cast<std::uint32_t>(bytes);
        return call.waiting([&](Timeout wait) { return queue.get_one(call.out, wait); });
    });
}

Status queue_put_many(WireCall& call) noexcept {
    const std::size_t size = call.type.elements[1], bytes = call.request.value_bytes;
    if (size == 0 || bytes % size != 0) { return Errc::bad_argument; }
    return with_queue(call, [&](RingHandle& queue) {
        const Status checked = check_all_laid_out(call.type, call.value, bytes);
        if (!checked.ok()) { return checked; }
        return call.waiting(
            [&](Timeout wait) { return moved(call, queue.put(call.value, bytes / size, wait)); });
    });
}

Status queue_get_many(WireCall& call) noexcept {
    const std::size_t size = call.type.elements[1];
    if (call.request.b < 0 || size == 0) { return Errc::bad_argument; }
    return with_queue(call, [&](RingHandle& queue) -> Status {
        const std::uint64_t most = call.room / size, wanted = std::uint64_t(call.request.b);
        if (most == 0) { return Error(Errc::message_too_long, 0, std::int64_t(size)); }
        const auto count = static_cast<std::size_t>(wanted < most ? wanted : most);
        const Status done = call.waiting(
            [&](Timeout wait) { return moved(call, queue.get(call.out, count, wait)); });
        call.reply.value_bytes =
            static_cast<std::uint32_t>(static_cast<std::size_t>(call.reply.a) * size);
        return done;
    });
}

Status queue_lost(WireCall& call) noexcept {
    return with_queue(call, [&](RingHandle& queue) -> Status {
        call.reply.a = static_cast<std::int64_t>(queue.lost());
        return Errc::ok;
    });
}

Status queue_size(WireCall& call) noexcept {
    return with_queue(call, [&](RingHandle& queue) -> Status {
        call.reply.a = static_cast<std::int64_t>(queue.size());
        call.reply.b = static_cast<std::int64_t>(queue.most());
        return Errc::ok;
    });
}

Status queue_shutdown(WireCall& call) noexcept {
    return with_queue(call, [&](RingHandle& queue) {
        const ClientWatched watched;
        return queue.shutdown(call.request.a == 0 ? Shutdown::drain : Shutdown::now);
    });
}

Status task_done(WireCall& call) noexcept {
    return with_queue(call, [&](RingHandle& queue) {
        const ClientWatched watched;
        return queue.task_done();
    });
}

Status join(WireCall& call) noexcept {
    return with_queue(call, [&](RingHandle& queue) {
        return call.waiting([&](Timeout wait) { return queue.join(wait); });
    });
}

}  // namespace wire_calls
}  // namespace detail
}  // namespace v0
}  // namespace brood
