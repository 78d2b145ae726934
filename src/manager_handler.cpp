#include "manager_handler.hpp"

#include <new>

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::uint32_t kind_bit(ObjectKind kind) noexcept {
    return std::uint32_t{1} << static_cast<std::uint32_t>(kind);
}
constexpr std::uint32_t kAny = UINT32_MAX;
constexpr std::uint32_t kDict = kind_bit(ObjectKind::dict);
constexpr std::uint32_t kList = kind_bit(ObjectKind::list);
constexpr std::uint32_t kJoinable = kind_bit(ObjectKind::joinable_queue);
constexpr std::uint32_t kQueues = kind_bit(ObjectKind::queue) | kJoinable;
constexpr std::uint32_t kElements = kind_bit(ObjectKind::value) | kind_bit(ObjectKind::array);
constexpr std::uint32_t kSemaphores = kind_bit(ObjectKind::semaphore) |
                                      kind_bit(ObjectKind::bounded_semaphore);
constexpr std::uint32_t kCondition = kind_bit(ObjectKind::condition);
constexpr std::uint32_t kEvent = kind_bit(ObjectKind::event);
constexpr std::uint32_t kBarrier = kind_bit(ObjectKind::barrier);
constexpr std::uint32_t kLocks = kind_bit(ObjectKind::lock) | kind_bit(ObjectKind::rlock) |
                                 kSemaphores | kCondition | kElements;

/// An op, the kinds of objects that have it, what it needs beside its head, and what does it.
struct Rule {
    WireOp op;
    std::uint32_t kinds;
    bool has_key, has_value;
    Status (*call)(WireCall& call) noexcept;
};
constexpr Rule kRules[] = {
    {WireOp::find, kAny, true, false, &wire_calls::find},
    {WireOp::make, kAny, true, true, &wire_calls::make},
    {WireOp::drop, kAny, false, false, &wire_calls::drop},
    {WireOp::keep, kAny, false, false, &wire_calls::keep},
    {WireOp::stats, kAny, false, false, &wire_calls::stats},
    {WireOp::dict_get, kDict, true, false, &wire_calls::dict_get},
    {WireOp::dict_set, kDict, true, true, &wire_calls::dict_set},
    {WireOp::dict_erase, kDict, true, false, &wire_calls::dict_erase},
    {WireOp::dict_pop, kDict, true, false, &wire_calls::dict_pop},
    {WireOp::dict_contains, kDict, true, false, &wire_calls::dict_contains},
    {WireOp::dict_swap, kDict, true, true, &wire_calls::dict_swap},
    {WireOp::dict_popitem, kDict, false, false, &wire_calls::dict_popitem},
    {WireOp::dict_size, kDict, false, false, &wire_calls::dict_size},
    {WireOp::dict_clear, kDict, false, false, &wire_calls::dict_clear},
    {WireOp::dict_items, kDict, false, false, &wire_calls::dict_items},
    {WireOp::list_get, kList, false, false, &wire_calls::list_get},
    {WireOp::list_set, kList, false, true, &wire_calls::list_set},
    {WireOp::list_insert, kList, false, true, &wire_calls::list_insert},
    {WireOp::list_pop, kList, false, false, &wire_calls::list_pop},
    {WireOp::list_swap, kList, false, true, &wire_calls::list_swap},
    {WireOp::list_search, kList, false, true, &wire_calls::list_search},
    {WireOp::list_size, kList, false, false, &wire_calls::list_size},
    {WireOp::list_erase, kList, false, false, &wire_calls::list_erase},
    {WireOp::list_reverse, kList, false, false, &wire_calls::list_reverse},
    {WireOp::list_sort, kList, false, false, &wire_calls::list_sort},
    {WireOp::list_items, kList, true, false, &wire_calls::list_items},
    {WireOp::queue_put, kQueues, false, true, &wire_calls::queue_put},
    {WireOp::queue_get, kQueues, false, false, &wire_calls::queue_get},
    {WireOp::queue_put_many, kQueues, false, true, &wire_calls::queue_put_many},
    {WireOp::queue_get_many, kQueues, false, false, &wire_calls::queue_get_many},
    {WireOp::queue_size, kQueues, false, false, &wire_calls::queue_size},
    {WireOp::queue_lost, kQueues, false, false, &wire_calls::queue_lost},
    {WireOp::queue_shutdown, kQueues, false, false, &wire_calls::queue_shutdown},
    {WireOp::task_done, kJoinable, false, false, &wire_calls::task_done},
    {WireOp::join, kJoinable, false, false, &wire_calls::join},
    {WireOp::acquire, kLocks, false, false, &wire_calls::acquire},
    {WireOp::release, kLocks, false, false, &wire_calls::release},
    {WireOp::permits, kSemaphores, false, false, &wire_calls::permits},
    {WireOp::notify, kCondition, false, false, &wire_calls::notify},
    {WireOp::wait, kCondition | kEvent, false, false, &wire_calls::wait},
    {WireOp::event_set, kEvent, false, false, &wire_calls::event_set},
    {WireOp::event_clear, kEvent, false, false, &wire_calls::event_clear},
    {WireOp::event_is_set, kEvent, false, false, &wire_calls::event_is_set},
    {WireOp::barrier_wait, kBarrier, false, false, &wire_calls::barrier_wait},
    {WireOp::barrier_abort, kBarrier, false, false, &wire_calls::barrier_abort},
    {WireOp::barrier_reset, kBarrier, false, false, &wire_calls::barrier_reset},
    {WireOp::barrier_state, kBarrier, false, false, &wire_calls::barrier_state},
    {WireOp::elements_read, kElements, false, false, &wire_calls::elements_read},
    {WireOp::elements_write, kElements, false, true, &wire_calls::elements_write},
    {WireOp::elements_count, kElements, false, false, &wire_calls::elements_count},
    {WireOp::elements_add, kElements, false, false, &wire_calls::elements_add},
};

const Rule* rule_of(const WireRequest& request) noexcept {
    for (const Rule& rule : kRules) {
        if (rule.op != request.op) { continue; }
        const bool is_kind = request.kind <= static_cast<std::uint32_t>(ObjectKind::barrier) &&
                             (rule.kinds >> request.kind & 1) != 0;
        const bool is_shaped = (rule.has_key || request.key_bytes == 0) &&
                               (rule.has_value || request.value_bytes == 0);
        return is_kind && is_shaped ? &rule : nullptr;
    }
    return nullptr;
}

}  // namespace

// ---- Requests and replies ----------------------------------------------------------------------

Result<ManagerView*> WireCall::view() noexcept {
    ManagerView* opened = nullptr;
    const Status done = waiting([&](Timeout wait) {
        const Result<ManagerView*> found = handler.views().open(handle, type, wait);
        if (found.ok()) { opened = *found; }
        return found.status();
    });
    if (!done.ok()) { return done.error(); }
    return opened;
}

Status ManagerHandler::allocate() noexcept {
    const Result<void*> buffers = port::map_private(2 * plan_.message_bytes_max);
    if (!buffers.ok()) { return buffers.error(); }
    in_ = static_cast<unsigned char*>(*buffers);
    out_ = in_ + plan_.message_bytes_max;
    const Result<void*> views = port::map_private(sizeof(ManagerViews));
    if (!views.ok()) { return views.error(); }
    views_ = ::new (*views) ManagerViews();
    return Errc::ok;
}

bool ManagerHandler::serve(Connection& client, const ManagerHandlerPlan& plan) noexcept {
    ManagerHandler handler(plan);
    if (!watch_client(client.fileno()).ok()) { return false; }
    WireReply reply;
    const Status allocated = handler.allocate();
    if (!allocated.ok()) { return false; }
    client.receive_at_most(plan.message_bytes_max);
    // One that is patient with who does not read is so with who does not answer.
    const std::int64_t patience_ns = plan.patience.nanoseconds();
    port::socket_keep_alive(client.fileno(), patience_ns > kSilentNs ? patience_ns : kSilentNs);
    do {
        // Until the client asks for something it has another limit than then, or none.
        const Result<bool> asks = client.poll(plan.idle);
        if (!asks.ok() || !*asks) { return false; }
        const Result<std::size_t> got =
            client.recv_bytes(handler.in_, plan.message_bytes_max, plan.patience);
        if (got.code() == Errc::message_too_long) {
            const auto most = static_cast<std::int64_t>(plan.message_bytes_max);
            handler.send(client, reply, Error(Errc::message_too_long, 0, most));
        }
        if (!got.ok() || !handler.answer(client, *got)) { return false; }
    } while (!handler.has_said_bye_);
    return true;
}

/// False: the client has to go.
bool ManagerHandler::answer(Connection& client, std::size_t bytes) noexcept {
    WireReply reply;
    if (bytes < WireRequest::kBytes) { return send(client, reply, Errc::bad_frame) && false; }
    WireCall call = {*this,
                     WireRequest::read(in_),
                     nullptr,
                     nullptr,
                     {},
                     {},
                     Timeout::forever(),
                     reply,
                     out_ + WireReply::kBytes,
                     plan_.message_bytes_max - WireReply::kBytes};
    if (!wire_fits(call.request, bytes)) { return send(client, reply, Errc::bad_frame) && false; }
    call.key = in_ + WireRequest::kBytes;
    call.value = call.key + call.request.key_bytes;
    if (!was_greeted_) {
        const Status greeted = greet(call);
        return send(client, call.reply, greeted) && greeted.ok();
    }
    const Status done = perform(call);
    return send(client, call.reply, done);
}

Status ManagerHandler::greet(WireCall& call) noexcept {
    std::uint64_t order = 0;
    if (call.request.op != WireOp::hello || call.request.value_bytes != sizeof order) {
        return Errc::bad_frame;
    }
    if (call.request.a != kWireVersion) { return Errc::version_mismatch; }
    __builtin_memcpy(&order, call.value, sizeof order);
    if (order != kByteOrder) { return Errc::unsupported; }
    call.reply.a = plan_.manager;
    call.reply.b = static_cast<std::int64_t>(plan_.message_bytes_max);
    was_greeted_ = true;
    return Errc::ok;
}

Status ManagerHandler::perform(WireCall& call) noexcept {
    if (call.request.op == WireOp::bye) {
        has_said_bye_ = true;
        views_->forget_all();
        return Errc::ok;
    }
    const Rule* const rule = rule_of(call.request);
    if (rule == nullptr) { return Errc::bad_argument; }
    call.handle = {plan_.manager, call.request.entry, call.request.generation};
    call.type = {static_cast<ObjectKind>(call.request.kind),
                 {call.request.types[0], call.request.types[1]}};
    call.timeout = wire_timeout_of(call.request.timeout_ms);
    return rule->call(call);
}

bool ManagerHandler::send(Connection& client, WireReply& reply, const Status& status) noexcept {
    reply.code = static_cast<std::int32_t>(status.code());
    reply.os_error = status.error().os_error();
    reply.detail = status.error().detail();
    if (!is_held(status)) { reply.key_bytes = reply.value_bytes = 0; }
    reply.write(out_);
    const std::size_t bytes = WireReply::kBytes + reply.key_bytes + reply.value_bytes;
    return client.send_bytes(out_, bytes, plan_.patience).ok();
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
