// What clients of a ManagerServer ask for: making, finding and dropping objects.
#include "arena_objects.hpp"
#include "deadline.hpp"
#include "manager_access.hpp"
#include "manager_handler.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// A name as the rest of brood wants it.
class WireName {
public:
    explicit WireName(const WireCall& call) noexcept {
        const std::uint32_t bytes = call.request.key_bytes;
        if (bytes > kObjectNameMax) {
            status_ = Errc::name_too_long;
            return;
        }
        __builtin_memcpy(name_, call.key, bytes);
        // A name that ends before its bytes do would be another's.
        for (std::uint32_t i = 0; i < bytes; ++i) {
            if (name_[i] == '\0') { status_ = Errc::bad_argument; }
        }
    }
    const Status& status() const noexcept { return status_; }
    const char* c_str() const noexcept { return name_; }

private:
    Status status_;
    char name_[kObjectNameMax + 1] = {};
};

Status tell(WireCall& call, const Result<ManagedHandle>& handle) noexcept {
    if (!handle.ok()) { return handle.error(); }
    call.reply.a = handle->entry;
    call.reply.b = handle->generation;
    return Errc::ok;
}

Result<ManagedHandle> make_value(WireCall& call, const ManagerAccess& manager,
                                 const char* name) noexcept {
    const std::uint32_t bytes = call.request.value_bytes, size = call.type.elements[1];
    if (bytes != 0 && bytes != size) { return Errc::bad_argument; }
    if (bytes != 0) {
        const Status checked = check_laid_out(call.type.elements[0], size, call.value);
        if (!checked.ok()) { return checked.error(); }
    }
    return manager.make_segment(call.type, 1, bytes != 0 ? call.value : nullptr, name,
                                call.timeout);
}

template <class Handle>
Result<ManagedHandle> plain(const Result<Handle>& made) noexcept {
    if (!made.ok()) { return made.error(); }
    return ManagedHandle(*made);
}

Result<ManagedHandle> make_object(WireCall& call, const char* name) noexcept {
    const ManagerAccess manager(call.handler.manager());
    const bool is_value = call.type.kind == ObjectKind::value;
    if (!is_value && call.request.value_bytes != 0) { return Errc::bad_argument; }
    if (call.request.a < 0 || call.request.a > INT32_MAX) { return Errc::size_too_large; }
    const auto count = static_cast<std::size_t>(call.request.a);
    switch (call.type.kind) {
        case ObjectKind::dict:
        case ObjectKind::list: return manager.make_container(name, call.type, call.timeout);
        case ObjectKind::value: return make_value(call, manager, name);
        case ObjectKind::array:
            return manager.make_segment(call.type, count, nullptr, name, call.timeout);
        case ObjectKind::queue:
        case ObjectKind::joinable_queue:
            return manager.make_ring(call.type, count, name, call.timeout);
        case ObjectKind::lock: return plain(manager->lock(name, call.timeout));
        case ObjectKind::rlock: return plain(manager->rlock(name, call.timeout));
        case ObjectKind::semaphore: return plain(manager->semaphore(count, name, call.timeout));
        case ObjectKind::bounded_semaphore:
            return plain(manager->bounded_semaphore(count, name, call.timeout));
        case ObjectKind::condition: return plain(manager->condition(count, name, call.timeout));
        case ObjectKind::event: return plain(manager->event(name, call.timeout));
        case ObjectKind::barrier:
            return plain(
                manager->barrier(count, wire_timeout_of(call.request.b), name, call.timeout));
        case ObjectKind::none: break;
    }
    return Errc::bad_argument;
}

}  // namespace

namespace wire_calls {

Status find(WireCall& call) noexcept {
    const WireName name(call);
    if (!name.status().ok()) { return name.status(); }
    const ManagerAccess manager(call.handler.manager());
    return call.waiting(
        [&](Timeout wait) { return tell(call, manager.find(name.c_str(), call.type, wait)); });
}

Status make(WireCall& call) noexcept {
    const WireName name(call);
    if (!name.status().ok()) { return name.status(); }
    const Status checked = check_type(call.type);
    if (!checked.ok()) { return checked; }
    const ClientWatched watched;
    return tell(call, make_object(call, name.c_str()));
}

Status drop(WireCall& call) noexcept {
    // A queue is in use as long as this process has it open; a lock, as long as it is held.
    const bool is_queue = call.type.kind == ObjectKind::queue ||
                          call.type.kind == ObjectKind::joinable_queue;
    if (is_queue) { call.handler.views().forget(call.handle); }
    const Status dropped =
        call.waiting([&](Timeout wait) { return call.handle.ManagedHandle::drop(wait); });
    if (dropped.ok()) { call.handler.views().forget(call.handle); }
    return dropped;
}

Status keep(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) { return call.handle.ManagedHandle::keep(wait); });
}

Status stats(WireCall& call) noexcept {
    const ManagerAccess manager(call.handler.manager());
    return call.waiting([&](Timeout wait) -> Status {
        const Result<ManagerStats> stats = manager->stats(wait);
        if (!stats.ok()) { return stats.error(); }
        call.reply.a = static_cast<std::int64_t>(stats->bytes_used);
        call.reply.b = static_cast<std::int64_t>(stats->bytes_max);
        WireCursor<unsigned char> to(call.out);
        to.put(stats->objects, 4);
        to.put(stats->objects_max, 4);
        call.reply.value_bytes = 8;
        return Errc::ok;
    });
}

}  // namespace wire_calls
}  // namespace detail
}  // namespace v0
}  // namespace brood
